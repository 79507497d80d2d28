"""Claims about fit(record=True): the training is the same, only as array code."""

import gc
import math
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import Value, nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
LABELS = RNG.integers(0, 3, 30)
NUMBERS = RNG.normal(size=30)
SIGNS = RNG.choice([-1, 1], 30)


def train(
    y: Any = NUMBERS, loss: Any = nn.mse_loss, outputs: int = 1, model: Any = None, **settings: Any
) -> tuple[Any, Any, nn.History]:
    """A model, its optimizer and its history."""
    model = nn.MLP(3, [4, outputs], rng=1) if model is None else model
    optimizer = settings.pop("optimizer", nn.SGD)
    if not isinstance(optimizer, nn.Optimizer):
        optimizer = optimizer(model.parameters(), lr=0.05)
    given = {"epochs": 3, "batch_size": 8, "rng": 0, "progress": False, **settings}
    return model, optimizer, nn.fit(model, X, y, loss=loss, optimizer=optimizer, **given)


def numbers(model: Any) -> list[float]:
    return [parameter.data for parameter in model.parameters()]


def assert_alike(eager: tuple[Any, Any, nn.History], replayed: tuple[Any, Any, nn.History]) -> None:
    (model, optimizer, history), (again, its_optimizer, its_history) = eager, replayed
    np.testing.assert_allclose(numbers(again), numbers(model), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        [p.grad for p in again.parameters()], [p.grad for p in model.parameters()], atol=1e-10
    )
    curves, its_curves = history.curves(), its_history.curves()
    assert curves.keys() == its_curves.keys()
    for name in curves.keys() - {"seconds"}:
        np.testing.assert_allclose(its_curves[name], curves[name], rtol=1e-9, err_msg=name)
    assert its_optimizer.taken == optimizer.taken
    assert its_optimizer.steps == optimizer.steps
    for entry, its_entry in zip(optimizer.state, its_optimizer.state, strict=True):
        for name, number in entry.items():
            assert type(its_entry[name]) is float
            assert its_entry[name] == pytest.approx(number, rel=1e-9, abs=1e-12)


def margin_by_hand(outputs: Any, y: Any) -> Any:
    losses = [(1.0 - t * o).relu() for o, t in zip(outputs, y, strict=True)]
    return sum(losses) / len(losses)


def nll_of_logits(rows: Any, y: Any) -> Any:
    return nn.nll_loss([[x - tg.logsumexp(row) for x in row] for row in rows], y)


LOSSES: dict[str, dict[str, Any]] = {
    "mse": {"loss": nn.mse_loss},
    "mse of rows": {"loss": nn.mse_loss, "y": RNG.normal(size=(30, 2)), "outputs": 2},
    "l1": {"loss": nn.l1_loss},
    "huber": {"loss": nn.huber_loss},
    "hinge": {"loss": nn.hinge_loss, "y": SIGNS},
    "logistic": {"loss": nn.binary_cross_entropy_with_logits, "y": (SIGNS + 1) // 2},
    "cross entropy": {"loss": nn.cross_entropy, "y": LABELS, "outputs": 3},
    "cross entropy, one-hot": {"loss": nn.cross_entropy, "y": np.eye(3)[LABELS], "outputs": 3},
    "nll": {"loss": nll_of_logits, "y": LABELS, "outputs": 3},
    "by hand": {"loss": margin_by_hand, "y": SIGNS},
}


@pytest.mark.parametrize("settings", LOSSES.values(), ids=LOSSES)
def test_batches_with_other_targets_train_alike(settings: dict[str, Any]) -> None:
    assert_alike(train(**settings), train(**settings, record=True))


OPTIMIZERS = [nn.SGD, nn.Adam, nn.AdamW, nn.RMSprop, nn.Lion]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("clip_norm", [None, 0.1])
def test_every_optimizer_takes_the_same_steps(optimizer: Any, clip_norm: float | None) -> None:
    settings = {"optimizer": optimizer, "clip_norm": clip_norm}
    assert_alike(train(**settings), train(**settings, record=True))


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": None},
        {"batch_size": 1, "epochs": 1},
        {"accumulate": 3},
        {"schedule": nn.CosineAnnealing(12)},
        {"shuffle": False},
        {"validation": 0.3, "metrics": lambda o, y: float(np.abs(o - y).max())},
    ],
    ids=lambda options: str(options).partition(" at 0x")[0],
)
def test_every_option_of_fit_means_the_same(settings: dict[str, Any]) -> None:
    assert_alike(train(**settings), train(**settings, record=True))


def test_metrics_are_of_the_outputs_while_training() -> None:
    settings = {"loss": nn.cross_entropy, "y": LABELS, "outputs": 3, "metrics": "accuracy"}
    assert_alike(train(**settings), train(**settings, record=True))


def test_only_what_the_optimizer_holds_is_moved() -> None:
    results = []
    for record in (False, True):
        model = nn.MLP(3, [4, 1], rng=1)
        model.layers[0].neurons[1].w[2].constant = True
        optimizer = nn.SGD(model.layers[0].parameters(), lr=0.1, momentum=0.5)
        results.append(train(model=model, optimizer=optimizer, record=record))
    assert_alike(*results)
    start = nn.MLP(3, [4, 1], rng=1)
    model = results[1][0]
    assert model.layers[0].neurons[1].w[2].data == start.layers[0].neurons[1].w[2].data
    assert numbers(model.layers[1]) == numbers(start.layers[1])


@pytest.mark.filterwarnings("ignore::twingrad.UnreachedParameterWarning")
def test_a_parameter_that_nothing_reaches_is_left_alone() -> None:
    class Spare(nn.Module):
        def __init__(self) -> None:
            self.used, self.spare = Value(0.5), Value(3.0)

        def forward(self, x: Any) -> Any:
            return x[0] * self.used

    results = [train(model=Spare(), optimizer=nn.AdamW, record=record) for record in (False, True)]
    assert_alike(*results)
    assert results[1][0].spare.data == 3.0
    assert results[1][1].steps == [12, 0]


def test_an_optimizer_of_ones_own_gets_the_values_themselves() -> None:
    class Normed(nn.Optimizer):
        def update(self, x: Any, grad: Any, state: Any, step: int) -> Any:
            assert type(x) is float
            return x - self.lr * grad / (abs(grad) + 1.0)

    assert_alike(train(optimizer=Normed), train(optimizer=Normed, record=True))


class Looks(nn.Callback):
    """Keeps what can be seen of the model and the optimizer at each moment."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_step(self, training: Any) -> None:
        grads = [p.grad for p in training.model.parameters()]
        self.seen.append([*numbers(training.model), *grads, training.step_loss])

    def on_epoch(self, training: Any) -> None:
        self.seen.append([*numbers(training.model), training.optimizer.state[0].get("m", 0.0)])


def test_callbacks_see_every_step() -> None:
    looks = Looks(), Looks()
    for record, look in enumerate(looks):
        train(optimizer=nn.Adam, callbacks=[look], record=bool(record))
    assert len(looks[1].seen) == 15
    for eager, replayed in zip(*[look.seen for look in looks], strict=True):
        np.testing.assert_allclose(replayed, eager, rtol=1e-9, atol=1e-12)


class Meddles(nn.Callback):
    """Moves a parameter, freezes another, and adds a neuron, at the end of epochs."""

    def on_epoch(self, training: Any) -> None:
        first, second = training.model.parameters()[:2]
        if training.epoch == 1:
            first.data = 2.0
        elif training.epoch == 2:
            second.constant = True
        elif training.epoch == 3:
            for neuron in training.model.layers[1].neurons:
                neuron.w[0] = Value(0.25)


def test_what_callbacks_change_is_heeded() -> None:
    settings = {"callbacks": [Meddles()], "epochs": 5}
    assert_alike(train(**settings), train(**settings, record=True))


def test_a_run_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    whole = train(optimizer=nn.Adam, epochs=4, record=True)
    path = tmp_path / "run.npz"
    saving = nn.Checkpoint(path, monitor=None)
    train(optimizer=nn.Adam, epochs=2, record=True, callbacks=[saving])
    assert_alike(whole, train(optimizer=nn.Adam, epochs=2, record=True, resume=path))


class Bursts(nn.Callback):
    def on_step(self, training: Any) -> None:
        if training.epoch == 2 and training.step == 2:
            raise KeyboardInterrupt


def test_an_interruption_leaves_the_numbers_of_the_last_step() -> None:
    settings = {"callbacks": [Bursts()], "optimizer": nn.Adam}
    assert_alike(train(**settings), train(**settings, record=True))


def test_an_error_amid_an_epoch_leaves_the_numbers_of_the_last_step() -> None:
    def loss(outputs: Any, y: Any) -> Any:
        return nn.mse_loss(outputs, y) * 1e200

    models = []
    for record in (False, True):
        model = nn.MLP(3, [4, 1], rng=1)
        optimizer = nn.SGD(model.parameters(), lr=1e80)
        with pytest.raises(tg.AnomalyError, match=r"this was epoch \d, step \d"):
            train(model=model, optimizer=optimizer, loss=loss, clip_norm=1e300, record=record)
        models.append(model)
    np.testing.assert_allclose(numbers(models[1]), numbers(models[0]), rtol=1e-9)


# What cannot be recorded


def warned(**settings: Any) -> list[str]:
    """What was warned of in a run that must be the same as the eager one."""
    eager = train(**settings)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        replayed = train(**settings, record=True)
    assert_alike(eager, replayed)
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


class Noisy(nn.Module):
    """A model with noise of its own; `source` draws it."""

    def __init__(self, source: Any) -> None:
        self.weight, self.source = Value(0.5), source
        if isinstance(source, np.random.Generator):
            self.rng = source

    def forward(self, x: Any) -> Any:
        source = self.source
        noise = source.normal() if isinstance(source, np.random.Generator) else source()
        return x[0] * self.weight + noise


def test_randomness_in_a_model_is_noticed_before_anything_is_replayed() -> None:
    for make in (
        lambda: Noisy(np.random.default_rng(3)),
        lambda: Noisy(random.random),
        lambda: Noisy(np.random.random_sample),
    ):
        results = []
        for record in (False, True):
            random.seed(0)
            np.random.seed(0)  # noqa: NPY002
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                results.append(train(model=make(), record=record))
            assert len(caught) == record
        assert "draws random numbers (" in str(caught[0].message)
        assert_alike(*results)


def test_a_loss_that_takes_another_way_for_other_labels_falls_back_once() -> None:
    def loss(outputs: Any, y: Any) -> Any:
        return sum([o * o if t > 0.0 else abs(o) for o, t in zip(outputs, y, strict=True)])

    (message,) = warned(loss=loss)
    assert "it goes another way for other data: a comparison" in message


def test_a_loss_that_indexes_by_labels_falls_back_once() -> None:
    def loss(rows: Any, y: Any) -> Any:
        return -sum([row[int(t)] for row, t in zip(rows, y, strict=True)]) / len(rows)

    (message,) = warned(loss=loss, y=LABELS, outputs=3)
    assert "int() of a node" in message


def test_numbers_from_elsewhere_are_noticed_on_the_second_batch() -> None:
    def make() -> Any:
        calls = [0]

        def loss(outputs: Any, y: Any) -> Any:
            calls[0] += 1
            return nn.mse_loss(outputs, y) * float(calls[0])

        return loss

    with pytest.warns(UserWarning, match="another batch the replay gives a loss of"):
        train(loss=make(), record=True)


def test_what_raises_only_while_recording_falls_back_once() -> None:
    def loss(outputs: Any, y: Any) -> Any:
        return nn.mse_loss(outputs, [math.floor(t * 8) / 8 for t in y])

    (message,) = warned(loss=loss)
    assert message.startswith("record=True: this training cannot be replayed as array code")


def test_a_model_of_tensors_says_that_it_needs_no_recording() -> None:
    model = nn.Sequential(nn.Linear(3, 1, rng=0))
    with pytest.warns(UserWarning, match="its parameters are Tensors"):
        train(y=NUMBERS[:, None], model=model, record=True)


def test_an_error_of_the_model_is_the_same_error() -> None:
    def loss(outputs: Any, y: Any) -> Any:
        return nn.hinge_loss(outputs, [3.0 for _ in y])

    for record in (False, True):
        with pytest.raises(ValueError, match="hinge_loss takes targets of -1 and 1"):
            train(loss=loss, record=record)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_left_as_it_was(enabled: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        train(record=True)
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


# What could go out of date


class Anneals(nn.Callback):
    """Changes a number that the loss depends on."""

    def __init__(self, beta: dict[str, float]) -> None:
        self.beta = beta

    def on_epoch(self, training: Any) -> None:
        self.beta["b"] = float(training.epoch)


def test_a_number_that_a_callback_changes_is_heeded() -> None:
    results = []
    for record in (False, True):
        beta, model = {"b": 0.0}, nn.MLP(3, [4, 1], rng=1)

        def loss(o: Any, y: Any, beta: Any = beta, model: Any = model) -> Any:
            return nn.mse_loss(o, y) + beta["b"] * sum(p * p for p in model.parameters())

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            results.append(train(model=model, loss=loss, callbacks=[Anneals(beta)], record=record))
        assert len(caught) == record
    assert_alike(*results)


class Centred(nn.SGD):
    """A step of its own around the update."""

    def step(self) -> None:
        mean = sum(p.grad for p in self.parameters) / len(self.parameters)
        for p in self.parameters:
            p.grad = p.grad - mean
        super().step()


class Forgetful(nn.SGD):
    """A zero_grad of its own, which keeps half."""

    def zero_grad(self) -> None:
        for p in self.parameters:
            p.grad = 0.5 * p.grad


def test_an_optimizer_with_a_step_of_its_own_gets_the_values() -> None:
    assert_alike(train(optimizer=Centred), train(optimizer=Centred, record=True))


def test_an_optimizer_with_a_zero_grad_of_its_own_trains_without_recording() -> None:
    (message,) = warned(optimizer=Forgetful)
    assert "its Forgetful has a zero_grad() of its own" in message


def test_metrics_schedules_and_progress_see_the_model_as_it_is() -> None:
    results = []
    for record in (False, True):
        model = nn.MLP(3, [4, 1], rng=1)
        seen: list[float] = []

        def total(*_: Any, model: Any = model) -> float:
            return float(sum(p.data**2 for p in model.parameters()))

        def progress(epochs: Any, seen: Any = seen, total: Any = total) -> Any:
            for epoch in epochs:
                seen.append(total())
                yield epoch

        run = train(
            model=model,
            metrics=total,
            schedule=lambda step, total=total: 1.0 / (1.0 + total()),
            progress=progress,
            record=record,
        )
        results.append((run, seen))
    assert_alike(results[0][0], results[1][0])
    np.testing.assert_allclose(results[1][1], results[0][1], rtol=1e-9)


class Running(nn.Module):
    """A model that keeps a running mean, as batch normalisation does."""

    def __init__(self) -> None:
        self.net, self.running = nn.MLP(3, [4, 1], rng=1), 0.0

    def forward(self, x: Any) -> Any:
        out = self.net(x)
        if self.training:
            self.running = 0.9 * self.running + 0.1 * out.detach()
        return out - self.running


def test_a_model_that_keeps_a_state_trains_without_recording() -> None:
    results = []
    for record in (False, True):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            results.append(train(model=Running(), validation=0.3, record=record))
        assert len(caught) == record
    assert "its forward changes running" in str(caught[0].message)
    assert_alike(*results)


def test_an_error_of_clipping_names_the_parameter() -> None:
    messages = []
    for record in (False, True):
        model = nn.MLP(3, [4, 1], rng=1)
        settings = {"loss": lambda o, y: nn.mse_loss(o, y) * 1e308, "clip_norm": 1.0}
        with pytest.raises(tg.AnomalyError) as caught:
            train(model=model, record=record, **settings)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
