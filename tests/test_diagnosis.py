"""The doctor: what it says of each illness, that it keeps silent on health, and leaves no trace."""

import io
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import Tensor, Value, nn
from twingrad.nn.diagnosis import KINDS
from twingrad.nn.diagnosis.again import Again
from twingrad.nn.diagnosis.look import look
from twingrad.nn.diagnosis.neighbours import reach
from twingrad.nn.diagnosis.trial import curvature

MOONS, SIDES = nn.data.moons(120, noise=0.1, rng=0)
DIGITS, LABELS = nn.data.digits()
DIGITS, LABELS = DIGITS[:400], LABELS[:400]
PAGE = Path(__file__).parents[1] / "docs" / "diagnosis.md"

pytestmark = pytest.mark.filterwarnings("ignore::twingrad.engine.MisuseWarning")


def net(*widths: int, activation: Any = nn.ReLU, init: Any = "he") -> nn.Sequential:
    layers: list[Any] = []
    for i, (into, out) in enumerate(pairwise(widths)):
        layers += [nn.Linear(into, out, init=init, rng=i), activation()]
    return nn.Sequential(layers[:-1])


def full(number: float) -> Callable[..., Any]:
    return lambda shape, rng=None, dtype=np.float32: np.full(shape, number, dtype)


def normal(spread: float) -> Callable[..., Any]:
    def drawn(shape: Any, rng: Any = None, dtype: Any = np.float32) -> Any:
        return np.random.default_rng(rng).normal(0.0, spread, shape).astype(dtype)

    return drawn


def on_digits(model: Any, X: Any = DIGITS, y: Any = LABELS, **known: Any) -> nn.Diagnosis:
    return nn.diagnose(model, X, y, nn.cross_entropy, **known)


def trained(
    model: Any, optimizer: Any, epochs: int = 8, X: Any = DIGITS, y: Any = LABELS, **options: Any
) -> nn.Diagnosis:
    monitor = nn.Monitor(model, optimizer)
    history = nn.fit(model, X, y, loss=nn.cross_entropy, optimizer=optimizer, epochs=epochs,
                     callbacks=[monitor], progress=False, rng=0,
                     **{"batch_size": 40, **options})  # fmt: skip
    return on_digits(model, X, y, history=history, monitor=monitor)


def sgd(model: Any, lr: float = 0.1, momentum: float = 0.0) -> Any:
    return nn.SGD(model.parameters(), lr=lr, momentum=momentum)


# What a look before training finds, in both twins where both can have it


def ill_before_training() -> dict[str, Callable[[], nn.Diagnosis]]:
    gaps = DIGITS.copy()
    gaps[7, 3] = np.nan
    mlp = nn.MLP(2, [8, 8, 1], activation="relu", rng=0)
    for parameter in mlp.parameters():
        parameter.data = 0.5

    def on_moons(model: Any, X: Any = MOONS, y: Any = SIDES) -> nn.Diagnosis:
        return nn.diagnose(model, X, y, nn.mse_loss)

    class Unused(nn.Module):
        def __init__(self) -> None:
            self.used, self.unused = nn.Linear(64, 10, rng=0), nn.Linear(10, 10, rng=1)

        def forward(self, x: Any) -> Any:
            return self.used(x)

    dead = net(64, 32, 10)
    dead[0].bias.data = np.full(32, -20.0, np.float32)
    ones = np.hstack([MOONS, np.full((120, 1), 2.0)])
    twice = np.hstack([MOONS, 3.0 * MOONS[:, :1] - 1.0])
    deep = [64, *[24] * 9, 10]
    rare = (LABELS != 9) | (np.cumsum(LABELS == 9) <= 3)
    return {
        "nan_in_data": lambda: on_digits(net(64, 10), gaps),
        "nan_in_data, Values": lambda: on_moons(mlp, np.where(MOONS > 2.0, np.inf, MOONS)),
        "parameters_never_change": lambda: on_digits(Unused()),
        "output_unfit": lambda: on_digits(nn.Sequential(*net(64, 10), nn.Softmax())),
        "output_unfit, Values": lambda: on_moons(nn.MLP(2, [4, 1], output="sigmoid", rng=0)),
        "shuffled_labels": lambda: on_digits(
            net(64, 32, 10), y=np.random.default_rng(0).permutation(LABELS)
        ),
        "zero_initialization": lambda: on_digits(net(64, 16, 10, init="zeros")),
        "symmetric_initialization": lambda: on_digits(net(64, 16, 10, init=full(0.1))),
        "symmetric_initialization, Values": lambda: on_moons(mlp),
        "initialization_too_large": lambda: on_digits(net(64, 64, 10, init=normal(2.0))),
        "initialization_too_small": lambda: on_digits(net(64, 64, 64, 10, init=normal(1e-3))),
        "inputs_not_normalized": lambda: on_digits(net(64, 32, 10), X=255.0 * DIGITS),
        "inputs_not_normalized, Values": lambda: on_moons(
            nn.MLP(2, [8, 1], rng=0), MOONS * [1.0, 1e3]
        ),
        "dead_relus": lambda: on_digits(dead),
        "saturated_units": lambda: on_digits(net(64, 32, 10, activation=nn.Tanh, init=normal(9.0))),
        "vanishing_gradients": lambda: on_digits(net(*deep, activation=nn.Sigmoid, init="xavier")),
        "vanishing_gradients, Values": lambda: on_moons(
            nn.MLP(2, [4] * 9 + [1], activation="sigmoid", rng=0)
        ),
        "exploding_gradients": lambda: on_digits(net(*deep, init=normal(1.0))),
        "class_imbalance": lambda: on_digits(net(64, 10), DIGITS[rare], LABELS[rare]),
        "constant_feature": lambda: on_moons(nn.MLP(3, [8, 1], rng=0), ones),
        "duplicate_features": lambda: on_moons(nn.MLP(3, [8, 1], rng=0), twice),
    }


BEFORE = ill_before_training()


@pytest.mark.parametrize("kind", BEFORE)
def test_an_illness_is_seen_before_training(kind: str) -> None:
    assert kind.partition(",")[0] in BEFORE[kind]().kinds


# What only a run tells


def rate_of(lr: float) -> Callable[[], nn.Diagnosis]:
    model = net(64, 32, 10)
    return lambda: trained(model, nn.Adam(model.parameters(), lr=lr))


def wide(samples: int = 60) -> nn.Diagnosis:
    y = LABELS[:samples].copy()
    y[::4] = np.random.default_rng(0).permutation(y[::4])
    model = net(64, 64, 10)
    return trained(model, nn.Adam(model.parameters(), lr=3e-3), 60, DIGITS[:samples], y,
                   batch_size=14, validation=0.3)  # fmt: skip


def on_plane(model: Any, optimizer: Any, epochs: int, **options: Any) -> nn.Diagnosis:
    monitor = nn.Monitor(model, optimizer)
    history = nn.fit(model, MOONS, SIDES, loss=nn.mse_loss, optimizer=optimizer, epochs=epochs,
                     callbacks=[monitor], progress=False, rng=0, **options)  # fmt: skip
    return nn.diagnose(model, MOONS, SIDES, nn.mse_loss, history=history, monitor=monitor)


def column(x: Any) -> Any:
    return x[:, 0]


def flat(*widths: int, activation: Any = nn.Tanh) -> nn.Sequential:
    return nn.Sequential(*net(*widths, activation=activation, init="xavier"), column)


def jumps(step: int) -> float:
    return 300.0 if step % 90 == 80 else 1.0


def cut_always() -> nn.Diagnosis:
    model = net(64, 32, 10)
    return trained(model, sgd(model), clip_norm=1e-3)


def run_away() -> nn.Diagnosis:
    model = flat(2, 16, 1, activation=nn.ReLU)
    return on_plane(model, sgd(model, 3.0), 10)


def swinging() -> nn.Diagnosis:
    model = flat(2, 32, 1)
    return on_plane(model, sgd(model, 0.1, 0.995), 60)


def spiking() -> nn.Diagnosis:
    model = net(64, 32, 10)
    return trained(model, nn.Adam(model.parameters(), lr=3e-3), 20, schedule=jumps)


def decaying() -> nn.Diagnosis:
    model = net(64, 32, 10)
    return trained(model, nn.Adam(model.parameters(), lr=1e-3), 20, schedule=nn.StepLR(10, 0.1))


def straight() -> nn.Diagnosis:
    model = nn.MLP(2, [1], rng=0)
    return on_plane(model, sgd(model), 60, record=True)


def of_two() -> nn.Diagnosis:
    rng = np.random.default_rng(0)
    X = rng.uniform(-2.0, 2.0, (300, 2))
    y = np.sin(2.0 * X[:, 0]) + rng.normal(0.0, 0.7, 300)
    model = flat(2, 32, 1)
    optimizer = sgd(model, 0.2)
    monitor = nn.Monitor(model, optimizer)
    nn.fit(model, X, y, loss=nn.mse_loss, optimizer=optimizer, epochs=15, batch_size=2,
           callbacks=[monitor], progress=False, rng=0)  # fmt: skip
    return nn.diagnose(model, X, y, nn.mse_loss, monitor=monitor)


RUNS: dict[str, Callable[[], nn.Diagnosis]] = {
    "learning_rate_too_high": rate_of(3.0),
    "learning_rate_too_low": rate_of(1e-6),
    "divergence": run_away,
    "oscillation": swinging,
    "spikes": spiking,
    "plateau": decaying,
    "underfitting": straight,
    "overfitting": wide,
    "batch_too_small": of_two,
    "clipping_always_binds": cut_always,
}


@pytest.mark.parametrize("kind", RUNS)
def test_an_illness_is_seen_in_a_run(kind: str) -> None:
    assert kind in RUNS[kind]().kinds


def loop(twin: str, wrong: str, steps: int = 12) -> nn.Diagnosis:
    model: Any = nn.MLP(2, [8, 1], rng=0) if twin == "value" else flat(2, 8, 1)
    optimizer = sgd(model, 0.05)
    monitor = nn.Monitor(model) if "hand" in wrong else nn.Monitor(model, optimizer)
    X, y = MOONS[:60].astype(np.float32), SIDES[:60].astype(np.float32)
    for _ in range(steps):
        outputs = model(X) if twin == "tensor" else [model(x) for x in X.tolist()]
        loss = nn.mse_loss(outputs, y)
        if "piled" not in wrong:
            model.zero_grad()
        loss.backward()
        if "late" in wrong:
            model.zero_grad()
        if "hand" in wrong:
            for p in model.parameters():
                p.data = p.data + (0.05 if "up" in wrong else -0.05) * p.grad
        else:
            optimizer.step()
        monitor.observe(loss)
    return nn.diagnose(model, MOONS[:60], SIDES[:60], nn.mse_loss, monitor=monitor)


@pytest.mark.parametrize("twin", ["value", "tensor"])
@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ("piled", "gradients_accumulating"),
        ("piled by hand", "gradients_accumulating"),
        ("by hand, up", "ascent"),
        ("late", "parameters_never_change"),
    ],
)
def test_a_mistake_in_a_loop_is_seen_and_only_where_it_is(twin: str, wrong: str, kind: str) -> None:
    assert kind in loop(twin, wrong).kinds
    assert kind not in loop(twin, "by hand" if "hand" in wrong else "").kinds


def test_a_rule_of_the_wrong_sign_is_seen_without_a_monitor() -> None:
    class Uphill(nn.SGD):
        def update(self, x: Any, grad: Any, state: Any, step: int) -> Any:
            return x + self.lr * grad

    model = net(64, 32, 10)
    assert "ascent" in on_digits(model, optimizer=Uphill(model.parameters(), lr=0.1)).kinds
    assert "ascent" not in on_digits(model, optimizer=sgd(model)).kinds


# Health


@pytest.mark.parametrize("twin", ["value", "tensor"])
def test_a_healthy_run_has_an_empty_diagnosis(twin: str) -> None:
    if twin == "tensor":
        model: Any = net(64, 32, 10)
        found = trained(model, nn.Adam(model.parameters(), lr=5e-3), 12)
    else:
        model = nn.MLP(2, [12, 1], rng=0)
        found = on_plane(model, sgd(model, 0.1, 0.9), 60, batch_size=24, record=True)
    assert not found and list(found) == []
    assert str(found).startswith("Nothing found; looked for: nan_in_data, ")
    assert repr(found) == "<Diagnosis: nothing found>"


def test_few_samples_and_one_are_looked_at() -> None:
    X, y = nn.data.xor()
    assert not nn.diagnose(nn.MLP(2, [4, 1], rng=0), X, y, nn.mse_loss)
    assert isinstance(
        nn.diagnose(nn.MLP(2, [4, 1], rng=0), X[:1], y[:1], nn.mse_loss), nn.Diagnosis
    )


def test_a_last_layer_of_zeros_is_no_illness() -> None:
    model = net(64, 32, 10)
    model[2].weight.data = np.zeros((32, 10), np.float32)
    assert not on_digits(model)


def test_a_frozen_layer_is_no_illness() -> None:
    model = net(64, 32, 10)
    model[0].weight.constant = model[0].bias.constant = True
    assert "parameters_never_change" not in trained(model, sgd(model)).kinds


# The page


def test_findings_print_as_a_page_with_all_that_they_rest_on() -> None:
    found = on_digits(nn.Sequential(*net(64, 10), nn.Softmax()))
    finding = found[0]
    page = str(found)
    assert page.startswith("1 finding\n\n1. ERROR: output_unfit, the last layer\n")
    for words in (finding.title, "evidence", "cause", "remedy", finding.code, "why", finding.link):
        assert words in page
    assert max(map(len, page.splitlines())) <= 100
    assert finding.link == "docs/diagnosis.md#output_unfit"


def test_what_to_do_first_comes_first_and_what_follows_says_so() -> None:
    found = on_digits(net(64, *[24] * 9, 10, init=normal(1.0)))
    explodes = next(f for f in found if f.kind == "exploding_gradients")
    assert explodes.follows == ("initialization_too_large",)
    assert "likely from initialization_too_large; mend that first" in str(explodes)
    grave = ["error", "warning", "note"]
    ranks = [grave.index(f.severity) for f in found]
    assert ranks == sorted(ranks)


def test_every_kind_has_its_section_its_theory_and_its_source() -> None:
    page = PAGE.read_text()
    for kind, (title, why) in KINDS.items():
        assert f"\n## {kind}\n" in page
        assert f"{kind}, " in page.partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
        assert title.endswith(".") and any(c.isdigit() for c in why.rpartition("(")[2])
    for picture in {*page.split("](images/")[1:]}:
        assert (PAGE.parent / "images" / picture.partition(")")[0]).stat().st_size > 1000


# No trace


class Talkative(nn.Module):
    """Everything that running a model can change."""

    def __init__(self) -> None:
        self.layers = nn.Sequential(
            nn.Linear(64, 16, rng=0), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5, rng=1),
            nn.Linear(16, 10, rng=2),
        )  # fmt: skip
        self.calls = 0
        self.seen = np.zeros(10)

    def forward(self, x: Any) -> Any:
        self.calls += 1
        self.last = self.layers(x)
        self.seen += self.last.data.mean(axis=0)
        np.random.random()  # noqa: NPY002
        random.random()
        return self.last


def test_diagnosis_leaves_everything_as_it_was_bit_for_bit() -> None:
    model = Talkative()
    adam = nn.Adam(model.parameters(), lr=0.01)
    monitor = nn.Monitor(model, adam)
    history = nn.fit(model, DIGITS, LABELS, loss=nn.cross_entropy, optimizer=adam, epochs=2,
                     batch_size=50, callbacks=[monitor], progress=False, rng=0)  # fmt: skip
    model.layers[3].eval()
    loss = nn.cross_entropy(model(DIGITS.astype(np.float32)), LABELS)  # a graph that is alive

    def everything() -> list[Any]:
        numbers = [array.tobytes() for array in model.state_dict().values()]
        grads = [p.grad.tobytes() for p in model.parameters()]
        state = [x.tobytes() for entry in adam.state for x in entry.values()]
        rngs = [str(rng.bit_generator.state) for _, rng in model.named_generators()]
        luck = [random.getstate(), str(np.random.get_state())]  # noqa: NPY002
        modes = [module.training for module in model.modules()]
        steps = [adam.taken, adam.steps, adam.lr, model.calls, id(model.last)]
        kept = [(p._stamp, p._seen) for p in model.parameters()]  # of when they changed
        return [numbers, grads, state, rngs, luck, modes, steps, kept, monitor.path.tobytes()]

    before = everything()
    with tg.no_grad():
        on_digits(model, history=history, monitor=monitor, optimizer=adam)
    assert everything() == before
    loss.backward()  # its numbers are not out of date


def test_diagnosis_leaves_values_as_they_were() -> None:
    model = nn.MLP(2, [6, 1], rng=0)
    optimizer = sgd(model)
    loss = nn.mse_loss([model(x) for x in MOONS[:20].tolist()], SIDES[:20])
    loss.backward()
    before = [(p.data, p.grad) for p in model.parameters()]
    nn.diagnose(model, MOONS, SIDES, nn.mse_loss, optimizer=optimizer)
    assert [(p.data, p.grad) for p in model.parameters()] == before
    loss.backward()
    np.testing.assert_allclose([p.grad for p in model.parameters()], [2 * g for _, g in before])


# Doctor


def test_the_doctor_says_early_what_makes_the_rest_a_waste_and_keeps_the_page() -> None:
    said = io.StringIO()
    model = net(64, 16, 10, init="zeros")
    doctor = nn.Doctor(every=2, stream=said)
    nn.fit(model, DIGITS, LABELS, loss=nn.cross_entropy, optimizer=sgd(model), epochs=5,
           batch_size=50, callbacks=[doctor], progress=False, rng=0)  # fmt: skip
    first, _, rest = said.getvalue().partition("\n")
    assert first.startswith("epoch 2: zero_initialization, [0] Linear(64, 16): ")
    assert "epoch 4: zero_initialization" not in rest
    assert str(doctor.findings) in rest
    assert doctor.monitor is not None and len(doctor.monitor) == 40


def test_the_doctor_is_quiet_where_it_is_told_to_be_or_nothing_is_wrong(capsys: Any) -> None:
    for init, stream in (("zeros", False), ("he", None)):
        model = net(64, 16, 10, init=init)
        nn.fit(model, DIGITS, LABELS, loss=nn.cross_entropy, optimizer=sgd(model), epochs=4,
               batch_size=40, callbacks=[nn.Doctor(stream=stream)], progress=False)  # fmt: skip
    assert capsys.readouterr().out == ""


# What is refused


def test_what_is_no_history_no_monitor_and_no_model_is_refused() -> None:
    model = net(64, 10)
    with pytest.raises(TypeError, match=r"history is an nn\.History, not \[1\.0\]"):
        on_digits(model, history=[1.0])
    with pytest.raises(TypeError, match=r"monitor is an nn\.Monitor"):
        on_digits(model, monitor=sgd(model))
    with pytest.raises(TypeError, match=r"optimizer is an nn\.Optimizer"):
        on_digits(model, optimizer=model.parameters())
    with pytest.raises(TypeError, match="model is a built one"):
        on_digits(nn.MLP)
    with pytest.raises(TypeError, match="loss is a function"):
        nn.diagnose(model, DIGITS, LABELS, None)  # type: ignore[arg-type]
    with pytest.raises(tg.ShapeError, match="one entry for each sample"):
        on_digits(model, y=LABELS[:3])
    with pytest.raises(TypeError, match="X must hold numbers"):
        on_digits(model, X=np.full(DIGITS.shape, "a"))
    with pytest.raises(ValueError, match="has no parameters"):
        on_digits(nn.Sequential(nn.ReLU()))


# The numbers that findings rest on


@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_neighbours_and_kernels_say_what_scikit_learns_do(noise: float) -> None:
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.metrics.pairwise import euclidean_distances
    from sklearn.model_selection import LeaveOneOut, cross_val_predict
    from sklearn.neighbors import KNeighborsRegressor

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = X[:, :1] ** 2 + noise * rng.normal(size=(60, 1))
    usual = np.median(euclidean_distances(X, squared=True))
    rules = [KNeighborsRegressor(5)]
    rules += [
        KernelRidge(alpha=alpha, kernel="rbf", gamma=0.5 / (width * usual))
        for width in (0.05, 0.25, 1.0)
        for alpha in (1e-2, 0.3)
    ]
    said = [cross_val_predict(rule, X, y - y.mean(), cv=LeaveOneOut()) for rule in rules]
    of_each = [1.0 - ((y - y.mean() - s) ** 2).sum() / ((y - y.mean()) ** 2).sum() for s in said]
    assert reach(X, y).score == pytest.approx(max(of_each), abs=1e-9)


def test_shuffled_targets_are_as_far_from_chance_as_chance_is() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 3))
    far = [reach(X, rng.normal(size=(200, 1))).relation for _ in range(20)]
    assert np.median(far) < 2.5
    assert (reach(X, X[:, :1]).relation or 0.0) > 10.0


def test_the_curvature_along_the_gradient_is_that_of_a_quadratic() -> None:
    class Quadratic(nn.Module):
        def __init__(self) -> None:
            self.w = Tensor(np.array([1.0, 2.0]))

        def forward(self, x: Any) -> Any:
            return self.w

    def loss(w: Any, y: Any) -> Any:
        return (w * w * np.array([3.0, 0.5])).sum()

    model = Quadratic()
    X = y = np.zeros((1, 1))
    g = np.array([6.0, 2.0])  # 2·3·1 and 2·0.5·2; the Hessian is diag(6, 1)
    expected = (g * g * [6.0, 1.0]).sum() / (g * g).sum()
    again = Again(model, X, y, loss)
    found = curvature(again, look(model, X, y, loss), [np.array([1.0, 2.0])])
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_gradient_by_layer_is_the_one_that_backward_gives() -> None:
    model = nn.MLP(2, [4, 1], rng=0)
    seen = look(model, MOONS, SIDES, nn.mse_loss)
    nn.mse_loss([model([Value(a) for a in x]) for x in MOONS.tolist()], SIDES).backward()
    np.testing.assert_allclose(seen.vector, [p.grad for p in model.parameters()], rtol=1e-12)
