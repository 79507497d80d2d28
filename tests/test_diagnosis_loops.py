"""The doctor on loops of one's own: the mistakes that newcomers make there, and right ones."""

import io
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import Tensor, Value, nn
from twingrad.nn.diagnosis.again import Again
from twingrad.nn.diagnosis.look import look

MOONS, SIDES = nn.data.moons(60, noise=0.1, rng=0)
DIGITS, LABELS = nn.data.digits()
DIGITS, LABELS = DIGITS[:400].astype(np.float32), LABELS[:400]
ROWS, ROW_SIDES = MOONS.astype(np.float32), SIDES.astype(np.float32)

pytestmark = pytest.mark.filterwarnings("ignore::twingrad.engine.MisuseWarning")


def column(x: Any) -> Any:
    return x[:, 0]


def plane(twin: str) -> Any:
    if twin == "value":
        return nn.MLP(2, [8, 1], rng=0)
    return nn.Sequential(
        nn.Linear(2, 8, init="xavier", rng=0), nn.Tanh(), nn.Linear(8, 1, rng=1), column
    )


def outputs_of(model: Any, rows: Any) -> Any:
    return model(rows) if isinstance(model, nn.Sequential) else [model(x) for x in rows.tolist()]


def net(*widths: int) -> nn.Sequential:
    layers: list[Any] = []
    for i, (into, out) in enumerate(pairwise(widths)):
        layers += [nn.Linear(into, out, rng=i), nn.ReLU()]
    return nn.Sequential(layers[:-1])


def down(rate: float) -> Callable[[Any], None]:
    def update(model: Any) -> None:
        for p in model.parameters():
            p.data = p.data - rate * p.grad

    return update


def by_hand(
    model: Any,
    update: Callable[[Any], None],
    steps: int = 30,
    X: Any = ROWS,
    y: Any = ROW_SIDES,
    loss: Any = nn.mse_loss,
    seen: Callable[[Any], Any] = lambda loss: loss,
    asked: Any = None,
) -> nn.Diagnosis:
    """A loop without an optimizer; `asked` are the X and y of the diagnosis, where they differ."""
    monitor = nn.Monitor(model)
    for _ in range(steps):
        total = loss(outputs_of(model, X), y)
        model.zero_grad()
        total.backward()
        update(model)
        monitor.observe(seen(total))
    return nn.diagnose(model, *(asked or (X, y)), loss, monitor=monitor)


def with_optimizer(
    model: Any, optimizer: Any, X: Any, y: Any, loss: Any, epochs: int = 6, batch: int = 40
) -> nn.Diagnosis:
    monitor, rng = nn.Monitor(model, optimizer), np.random.default_rng(0)
    for _ in range(epochs):
        order = rng.permutation(len(X))
        for start in range(0, len(X), batch):
            rows = order[start : start + batch]
            optimizer.zero_grad()
            total = loss(model(X[rows]), y[rows])
            total.backward()
            optimizer.step()
            monitor.observe(total)
    return nn.diagnose(model, X, y, loss, monitor=monitor)


def finding(found: nn.Diagnosis, kind: str) -> nn.Finding:
    return next(f for f in found if f.kind == kind)


# The rate of a loop by hand is known by what it does


@pytest.mark.parametrize("twin", ["value", "tensor"])
@pytest.mark.parametrize("rate", [1e-6, 1e-4])
def test_a_rate_by_hand_that_is_too_low_is_found_and_said_as_it_was(twin: str, rate: float) -> None:
    found = by_hand(plane(twin), down(rate))
    assert found.kinds == ["learning_rate_too_low"]
    said = float(found[0].cause.removeprefix("steps of the gradient times lr = "))
    assert said == pytest.approx(rate, rel=0.01)  # float32 rounds what a step does
    higher = float(found[0].code.removeprefix("lr = "))  # a line for who has no optimizer
    assert by_hand(plane(twin), down(higher)).kinds == []


@pytest.mark.parametrize("lr", [1e-5, 1e-7, 1e-9])
def test_however_low_a_rate_is_it_is_not_called_underfitting(lr: float) -> None:
    model = net(64, 32, 10)
    optimizer = nn.Adam(model.parameters(), lr=lr)
    found = with_optimizer(model, optimizer, DIGITS, LABELS, nn.cross_entropy, epochs=25)
    assert found.kinds == ["learning_rate_too_low"]


def test_a_short_loop_that_still_falls_is_left_alone() -> None:
    for lr in (0.03, 0.1):
        model = net(64, 32, 10)
        optimizer = nn.SGD(model.parameters(), lr=lr)
        assert not with_optimizer(model, optimizer, DIGITS, LABELS, nn.cross_entropy, 5)


# Updates that go nowhere


@pytest.mark.parametrize("twin", ["value", "tensor"])
def test_an_update_that_never_reaches_the_parameters_is_told_as_that(twin: str) -> None:
    def update(model: Any) -> None:
        for p in model.parameters():
            p = p - 0.1 * p.grad

    found = by_hand(plane(twin), update)
    assert found.kinds == ["parameters_never_change"]
    assert "p = p - lr * p.grad" in found[0].cause


def test_an_update_of_the_last_layer_alone_is_told_as_that() -> None:
    def update(model: Any) -> None:
        down(0.1)(model.layers[-1])

    found = finding(by_hand(plane("value"), update), "parameters_never_change")
    assert found.where == "layers[0] Layer(2, 8)"
    assert "some of the parameters" in found.cause


def test_a_forgotten_backward_is_recorded_and_told_and_lost_gradients_are_refused() -> None:
    model = plane("tensor")
    monitor = nn.Monitor(model)
    for _ in range(4):
        monitor.observe(nn.mse_loss(model(ROWS), ROW_SIDES))
    found = nn.diagnose(model, ROWS, ROW_SIDES, nn.mse_loss, monitor=monitor)
    assert "backward() is missing" in finding(found, "parameters_never_change").cause
    loss = nn.mse_loss(model(ROWS), ROW_SIDES)
    loss.backward()
    down(0.1)(model)
    model.zero_grad()
    with pytest.raises(RuntimeError, match=r"before zero_grad\(\)"):
        monitor.observe(loss)


def test_a_step_before_backward_is_told_as_that() -> None:
    model = net(64, 16, 10)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    monitor = nn.Monitor(model, optimizer)
    for _ in range(5):
        loss = nn.cross_entropy(model(DIGITS), LABELS)
        optimizer.zero_grad()
        optimizer.step()
        loss.backward()
        monitor.observe(loss)
    found = nn.diagnose(model, DIGITS, LABELS, nn.cross_entropy, monitor=monitor)
    assert "step() stands before backward()" in finding(found, "parameters_never_change").cause


def test_an_optimizer_of_another_model_is_an_error() -> None:
    model, other = net(64, 10), net(64, 10)
    optimizer = nn.SGD(other.parameters(), lr=0.1)
    found = nn.diagnose(model, DIGITS, LABELS, nn.cross_entropy, optimizer=optimizer)
    assert finding(found, "parameters_never_change").severity == "error"


# Gradients that pile up, known without the loss's graph


@pytest.mark.parametrize("twin", ["value", "tensor"])
@pytest.mark.parametrize("seen", [float, lambda loss: loss])
def test_gradients_that_pile_up_are_found_whatever_is_observed(
    twin: str, seen: Callable[[Any], Any]
) -> None:
    model = plane(twin)
    optimizer = nn.SGD(model.parameters(), lr=0.05)
    monitor = nn.Monitor(model, optimizer)
    for _ in range(10):
        loss = nn.mse_loss(outputs_of(model, ROWS), ROW_SIDES)
        loss.backward()
        optimizer.step()
        monitor.observe(seen(loss))
    found = nn.diagnose(model, ROWS, ROW_SIDES, nn.mse_loss, monitor=monitor)
    assert found[0].kind == "gradients_accumulating"
    assert "in 9 of 10 steps" in found[0].evidence
    assert "learning_rate_too_low" not in found.kinds


def test_adding_up_before_a_step_is_no_mistake() -> None:
    model = plane("tensor")
    optimizer = nn.SGD(model.parameters(), lr=0.05)
    monitor = nn.Monitor(model, optimizer)
    for _ in range(10):
        optimizer.zero_grad()
        for part in (slice(0, 30), slice(30, 60)):
            loss = nn.mse_loss(model(ROWS[part]), ROW_SIDES[part])
            loss.backward()
        optimizer.step()
        monitor.observe(loss)
    assert not monitor.accumulating


# A loop that lowers something else, or raises what it should lower


@pytest.mark.parametrize("twin", ["value", "tensor"])
def test_a_loop_over_one_sample_and_one_with_other_targets_lower_another_loss(twin: str) -> None:
    one = by_hand(plane(twin), down(0.1), 60, ROWS[:1], ROW_SIDES[:1], asked=(ROWS, ROW_SIDES))
    assert one.kinds == ["another_loss"]
    turned = by_hand(plane(twin), down(0.1), 30, ROWS, -ROW_SIDES, asked=(ROWS, ROW_SIDES))
    assert turned.kinds == ["another_loss"]
    assert "divergence" not in turned.kinds
    assert not by_hand(plane(twin), down(0.1), 60)


@pytest.mark.parametrize("twin", ["value", "tensor"])
def test_a_gradient_turned_round_before_the_step_is_ascent(twin: str) -> None:
    def update(model: Any) -> None:
        for p in model.parameters():
            p.grad = -p.grad
        down(0.05)(model)

    assert by_hand(plane(twin), update, 12)[0].kind == "ascent"


def test_a_likelihood_that_is_lowered_is_told_as_a_loss_of_the_wrong_sign() -> None:
    def likelihood(logits: Any, y: Any) -> Any:
        return -nn.cross_entropy(logits, y)

    model = net(64, 16, 10)
    optimizer = nn.SGD(model.parameters(), lr=0.05)
    found = with_optimizer(model, optimizer, DIGITS, LABELS, likelihood, 3)
    assert found[0].kind == "ascent"
    assert "wrong sign" in found[0].cause


# Losses of one's own


def log_loss(chances: Any, y: Any) -> Any:
    return -tg.log(chances[np.arange(len(y)), y]).mean()


def test_a_softmax_with_a_plain_log_loss_is_right_and_with_another_softmax_is_not() -> None:
    def doubled(outputs: Any, y: Any) -> Any:
        exps = tg.exp(outputs)
        return log_loss(exps / exps.sum(axis=1, keepdims=True), y)

    model = nn.Sequential(*net(64, 10), nn.Softmax())
    assert not nn.diagnose(model, DIGITS, LABELS, log_loss)
    found = nn.diagnose(model, DIGITS, LABELS, doubled)
    assert "another in the loss" in finding(found, "output_unfit").cause


def test_a_column_against_a_row_is_told_as_all_pairs() -> None:
    def squares(outputs: Any, y: Any) -> Any:
        return ((outputs - Tensor(y)) ** 2).mean()

    model = nn.Sequential(nn.Linear(2, 8, rng=0), nn.Tanh(), nn.Linear(8, 1, rng=1))
    found = finding(nn.diagnose(model, ROWS, ROW_SIDES, squares), "output_unfit")
    assert "60 x 60" in found.evidence
    assert not nn.diagnose(model, ROWS, ROW_SIDES[:, None], squares)


def test_targets_of_minus_one_in_a_loss_for_0_and_1_are_told_and_logistic_ones_are_not() -> None:
    def bernoulli(logits: Any, y: Any) -> Any:
        return (tg.softplus(logits) - logits * Tensor(y)).mean()

    def logistic(logits: Any, y: Any) -> Any:
        return tg.softplus(-logits * Tensor(y)).mean()

    model = plane("tensor")
    assert (
        "targets of -1"
        in finding(nn.diagnose(model, ROWS, ROW_SIDES, bernoulli), "output_unfit").cause
    )
    assert not nn.diagnose(model, ROWS, ROW_SIDES, logistic)
    assert not nn.diagnose(model, ROWS, (ROW_SIDES > 0).astype(np.float32), bernoulli)


# What is claimed of a model that nobody tells about


def test_a_trained_model_without_its_run_is_not_taken_for_a_new_one() -> None:
    model = net(64, 32, 10)
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    with_optimizer(model, optimizer, DIGITS, LABELS, nn.cross_entropy, epochs=20)
    assert not nn.diagnose(model, DIGITS, LABELS, nn.cross_entropy)


def test_of_a_model_that_may_have_been_trained_nothing_is_said_to_be_before_training() -> None:
    model = net(64, 32, 10)
    for p in model.parameters():
        p.data = 60.0 * p.data
    page = str(nn.diagnose(model, DIGITS, LABELS, nn.cross_entropy))
    assert "initialization_too_large" in page and "as it stands" in page
    assert "before training" not in page
    model[0].weight.data = np.full((64, 32), np.nan, np.float32)
    found = nn.diagnose(model, DIGITS, LABELS, nn.cross_entropy)
    assert "parameters hold NaN" in finding(found, "divergence").evidence
    assert "initialization_too_large" not in found.kinds


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_defaults_of_the_library_are_not_found_fault_with(seed: int, activation: str) -> None:
    assert not nn.diagnose(
        nn.MLP(2, [16, 1], activation=activation, rng=seed), MOONS, SIDES, nn.mse_loss
    )
    kind = {"tanh": nn.Tanh, "relu": nn.ReLU}[activation]
    wide = nn.Sequential(
        nn.Linear(2, 16, rng=seed), kind(), nn.Linear(16, 1, rng=seed + 50), column
    )
    assert not nn.diagnose(wide, ROWS, ROW_SIDES, nn.mse_loss)


def test_zeros_are_seen_in_classes_that_are_no_modules() -> None:
    class Perceptron:
        def __init__(self) -> None:
            self.w = [Value(0.0) for _ in range(5)]

        def __call__(self, x: Any) -> Any:
            hidden = (self.w[0] * x[0] + self.w[1] * x[1]).tanh()
            return self.w[2] * hidden + self.w[3] * hidden + self.w[4]

        def parameters(self) -> list[Value]:
            return self.w

    found = nn.diagnose(Perceptron(), MOONS, SIDES, nn.mse_loss)
    assert "zero_initialization" in found.kinds
    assert "symmetric_initialization" not in found.looked_for or not found.kinds[1:]


# The page


def test_what_an_error_follows_from_stands_before_it_though_it_is_a_warning() -> None:
    model = net(64, 32, 10)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    found = with_optimizer(model, optimizer, 255.0 * DIGITS, LABELS, nn.cross_entropy)
    place = {f.kind: i for i, f in enumerate(found)}
    assert len(found) > 1
    for f in found:
        assert all(place[cause] < place[f.kind] for cause in f.follows)


def test_weight_decay_that_holds_a_model_back_is_named() -> None:
    model = net(64, 32, 10)
    optimizer = nn.SGD(model.parameters(), lr=0.1, weight_decay=0.5)
    history = nn.fit(model, DIGITS, LABELS, loss=nn.cross_entropy, optimizer=optimizer, epochs=15,
                     batch_size=40, rng=0, progress=False)  # fmt: skip
    found = nn.diagnose(model, DIGITS, LABELS, nn.cross_entropy, history=history,
                        optimizer=optimizer)  # fmt: skip
    assert finding(found, "underfitting").cause.startswith("weight decay")


def test_the_doctor_tells_at_once_only_what_no_epoch_will_mend() -> None:
    X, y = nn.data.xor()
    model, told = nn.MLP(2, [4, 1], rng=2), io.StringIO()
    optimizer = nn.SGD(model.parameters(), lr=0.5)
    doctor = nn.Doctor(every=2, stream=told)
    nn.fit(model, X, y, loss=nn.mse_loss, optimizer=optimizer, epochs=400, callbacks=[doctor],
           record=True, progress=False)  # fmt: skip
    assert not told.getvalue() and not doctor.findings
    model = nn.MLP(2, [4, 1], output="sigmoid", rng=2)
    optimizer = nn.SGD(model.parameters(), lr=0.5)
    nn.fit(model, X, 2.0 * y - 1.0, loss=nn.mse_loss, optimizer=optimizer, epochs=6, record=True,
           callbacks=[nn.Doctor(every=2, stream=told)], progress=False)  # fmt: skip
    assert "epoch 2: output_unfit" in told.getvalue()


# How looks are made


def test_a_recorded_look_is_the_one_that_the_model_itself_gives() -> None:
    model = nn.MLP(2, [6, 1], activation="relu", rng=0)
    again, rng = Again(model, MOONS, SIDES, nn.mse_loss), np.random.default_rng(0)
    before = [(p.data, p.grad) for p in model.parameters()]
    for _ in range(3):
        weights = [np.array(rng.normal()) for _ in model.parameters()]
        plain = look(model, MOONS, SIDES, nn.mse_loss, weights)
        seen = again(weights)
        assert seen.loss == pytest.approx(plain.loss, rel=1e-12)
        np.testing.assert_allclose(seen.vector, plain.vector, rtol=1e-9, atol=1e-12)
    assert again._recording is not None
    assert before == [(p.data, p.grad) for p in model.parameters()]


def test_a_model_whose_way_depends_on_its_numbers_is_looked_at_the_long_way() -> None:
    class Bent(nn.Module):
        def __init__(self) -> None:
            self.w = Value(1.0)

        def forward(self, x: Any) -> Any:
            return self.w * x[0] if float(self.w) > 0.0 else self.w * x[1] * 3.0

    model = Bent()
    again = Again(model, MOONS, SIDES, nn.mse_loss)
    for w in (2.0, -2.0, 1.0):
        weights = [np.array(w)]
        expected = look(model, MOONS, SIDES, nn.mse_loss, weights)
        assert again(weights).loss == pytest.approx(expected.loss, rel=1e-12)
        np.testing.assert_allclose(again(weights).vector, expected.vector, rtol=1e-12)


def test_biases_that_an_update_by_hand_leaves_out_are_named() -> None:
    def update(model: Any) -> None:
        for p in model.parameters():
            if p.ndim > 1:
                p.data = p.data - 0.1 * p.grad

    found = finding(by_hand(plane("tensor"), update), "parameters_never_change")
    assert found.where == "layers.0.bias, layers.2.bias"
    assert found.severity == "warning"


def spiked(batch: int, spoil: bool) -> nn.Diagnosis:
    model, rng = net(64, 32, 10), np.random.default_rng(0)
    optimizer = nn.Adam(model.parameters(), lr=3e-3)
    monitor = nn.Monitor(model, optimizer)
    for step in range(400):
        rows = rng.permutation(len(DIGITS))[:batch]
        y = (LABELS[rows] + 1) % 10 if spoil and step % 90 == 80 else LABELS[rows]
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(DIGITS[rows]), y)
        loss.backward()
        optimizer.step()
        monitor.observe(loss)
    return nn.diagnose(model, DIGITS, LABELS, nn.cross_entropy, monitor=monitor)


def test_batches_with_wrong_labels_are_spikes_and_hard_samples_one_by_one_are_not() -> None:
    found = finding(spiked(40, spoil=True), "spikes")
    assert "171" in found.where and "351" in found.where  # steps count from 1
    assert not spiked(40, spoil=False)
    assert "spikes" not in spiked(1, spoil=False).kinds


@pytest.mark.parametrize("copy", [lambda x: -3.0 * x + 1.0, lambda x: np.round(x, 2)])
def test_a_column_turned_round_or_rounded_is_the_same_column(copy: Any) -> None:
    X = np.hstack([MOONS, copy(MOONS[:, :1])])
    found = nn.diagnose(nn.MLP(3, [8, 1], rng=0), X, SIDES, nn.mse_loss)
    assert found.kinds == ["duplicate_features"]


def test_a_column_of_zeros_is_told_in_dense_data_and_not_among_pixels() -> None:
    X = np.random.default_rng(0).normal(size=(len(DIGITS), 64)).astype(np.float32)
    X[:, 5] = 0.0
    found = nn.diagnose(net(64, 16, 10), X, LABELS, nn.cross_entropy)
    assert "X[:, 5]" in finding(found, "constant_feature").where
    assert (DIGITS == 0.0).all(axis=0).any()
    assert not nn.diagnose(net(64, 16, 10), DIGITS, LABELS, nn.cross_entropy)
