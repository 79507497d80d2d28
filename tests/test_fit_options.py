"""What fit may be told beside its data: batches that gather, clipping, schedules, callbacks that
look on; and the trial that refuses mistakes before the model is touched.
"""

import io
import math
import re
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twingrad as tg
from tests.test_checkpoint import bits
from twingrad import Tensor, nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 3))
Y = RNG.normal(size=(10, 1))
both_twins = pytest.mark.parametrize("kind", ["Values", "Tensors"])


def linear(kind: str = "Tensors") -> Any:
    """w · x + b, with the numbers 0.5, -1, 2 and 0.25 in both twins."""
    if kind == "Values":
        model: Any = nn.Neuron(3, nonlin=False, rng=0)
        numbers: Any = [0.5, -1.0, 2.0, 0.25]
    else:
        model = nn.Sequential(nn.Linear(3, 1, dtype=np.float64, rng=0))
        numbers = [[[0.5], [-1.0], [2.0]], [0.25]]
    for parameter, number in zip(model.parameters(), numbers, strict=True):
        parameter.data = number
    return model


def weights(model: Any) -> np.ndarray:
    return np.concatenate([np.ravel(parameter.data) for parameter in model.parameters()])


def slope(theta: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient of the mean squared error of `linear`, worked by hand."""
    ones = np.column_stack([X, np.ones(len(X))])
    return 2.0 / len(X) * ones.T @ (ones @ theta - np.ravel(y))


def train(model: Any, X: Any = X, y: Any = None, *watching: nn.Callback, **given: Any) -> Any:
    """One quiet epoch of SGD in the order of the samples, unless told otherwise."""
    targets = (Y[:, 0] if isinstance(model, nn.Neuron) else Y) if y is None else y
    told = {"loss": nn.mse_loss, "epochs": 1, "progress": False, "shuffle": False} | given
    if "optimizer" not in told:
        told["optimizer"] = nn.SGD(model.parameters(), lr=0.1)
    return nn.fit(model, X, targets, callbacks=watching, **told)


class Notes(nn.Callback):
    """What there is to be seen after each step."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, ...]] = []
        self.gradients: list[np.ndarray] = []
        self.losses: list[float] = []
        self.rates: list[float] = []

    def on_step(self, training: nn.Training) -> None:
        self.steps.append((training.epoch, training.step, training.steps))
        grads = [np.ravel(parameter.grad) for parameter in training.model.parameters()]
        self.gradients.append(np.concatenate(grads))
        self.losses.append(training.step_loss)
        self.rates.append(training.learning_rate)


# Batches that gather


@both_twins
@pytest.mark.parametrize(("batch_size", "accumulate"), [(2, 5), (3, 4), (4, 3), (1, 10), (9, 2)])
def test_the_gradient_of_several_batches_is_that_of_all_their_samples(
    kind: str, batch_size: int, accumulate: int
) -> None:
    model, notes = linear(kind), Notes()
    expected = slope(weights(model), X, Y)
    train(model, X, None, notes, batch_size=batch_size, accumulate=accumulate)
    assert notes.steps == [(1, 1, 1)]
    np.testing.assert_allclose(notes.gradients, [expected], rtol=1e-12)


@both_twins
@given(st.integers(1, 10), st.integers(1, 5), st.integers(1, 5))
@settings(max_examples=25)
def test_gathering_batches_is_training_on_larger_ones(
    kind: str, samples: int, size: int, accumulate: int
) -> None:
    size = min(size, samples)
    large = min(size * accumulate, samples)
    gathered, whole, notes, truth = linear(kind), linear(kind), Notes(), Notes()
    targets = Y[:samples, 0] if kind == "Values" else Y[:samples]
    more = {"epochs": 3, "shuffle": True, "rng": 0}
    one = train(
        gathered, X[:samples], targets, notes, batch_size=size, accumulate=accumulate, **more
    )
    two = train(whole, X[:samples], targets, truth, batch_size=large, **more)
    np.testing.assert_allclose(weights(gathered), weights(whole), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(notes.gradients, truth.gradients, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(notes.losses, truth.losses, rtol=1e-12)
    np.testing.assert_allclose(one.loss, two.loss, rtol=1e-12)
    assert notes.steps == truth.steps
    assert len(notes.steps) == 3 * math.ceil(math.ceil(samples / size) / accumulate)


def test_more_batches_to_gather_than_there_are_is_one_step_an_epoch() -> None:
    model = linear()
    sgd = nn.SGD(model.parameters(), lr=0.1)
    train(model, batch_size=2, accumulate=1000, optimizer=sgd, epochs=3)
    assert sgd.taken == 3


def test_layers_see_each_batch_by_itself() -> None:
    norm = nn.BatchNorm1d(3, momentum=0.5, dtype=np.float64)
    model = nn.Sequential(norm, nn.Linear(3, 1, dtype=np.float64, rng=0))
    train(model, batch_size=5, accumulate=2)
    mean = 0.5 * (0.5 * X[:5].mean(axis=0)) + 0.5 * X[5:].mean(axis=0)
    np.testing.assert_allclose(norm.running_mean.data, mean, rtol=1e-12)


def test_parameters_that_the_optimizer_does_not_know_gather_for_one_step_only() -> None:
    model, notes = linear(), Notes()
    bias_only = nn.SGD([model[0].bias], lr=0.0)
    train(model, X, None, notes, batch_size=2, accumulate=2, optimizer=bias_only, epochs=2)
    parts = [(0, 4), (4, 8), (8, 10)] * 2
    truth = [slope(weights(model), X[a:b], Y[a:b]) for a, b in parts]
    np.testing.assert_allclose(notes.gradients, truth, rtol=1e-12)


@pytest.mark.parametrize("wrong", [0, -1, 2.0, True, "2", None])
def test_batches_gather_in_whole_numbers(wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"accumulate is a whole number from 1 on, not {wrong!r}"):
        train(linear(), accumulate=wrong)


# Clipping


@both_twins
@pytest.mark.parametrize("accumulate", [1, 2])
def test_no_step_is_longer_than_the_clipped_norm_allows(kind: str, accumulate: int) -> None:
    model, notes = linear(kind), Notes()
    before = weights(model)
    gradient = slope(before, X[: 3 * accumulate], Y[: 3 * accumulate])
    sgd = nn.SGD(model.parameters(), lr=0.5)
    more = {"batch_size": 3, "accumulate": accumulate, "optimizer": sgd}
    train(
        model,
        X[: 3 * accumulate],
        Y[: 3 * accumulate, 0] if kind == "Values" else Y[: 3 * accumulate],
        notes,
        clip_norm=0.25,
        **more,
    )
    moved = weights(model) - before
    assert np.linalg.norm(gradient) > 0.25
    assert np.linalg.norm(moved) == pytest.approx(0.5 * 0.25, rel=1e-5)
    assert moved == pytest.approx(-0.5 * 0.25 * gradient / np.linalg.norm(gradient), rel=1e-5)
    assert np.linalg.norm(notes.gradients[0]) == pytest.approx(0.25, rel=1e-5)


@both_twins
def test_a_limit_that_is_never_reached_changes_no_bit(kind: str) -> None:
    clipped, free = linear(kind), linear(kind)
    train(clipped, clip_norm=1e6, epochs=5, batch_size=3)
    train(free, epochs=5, batch_size=3)
    assert bits(clipped) == bits(free)


def test_a_gradient_that_is_no_number_is_an_error_and_not_a_step() -> None:
    model = linear()
    before = weights(model)

    def spoilt(outputs: Any, targets: Any) -> Any:
        return (outputs * (float("nan") if model.training else 1.0)).mean()

    with pytest.raises(tg.AnomalyError, match="the norm of the gradients is nan"):
        train(model, loss=spoilt, clip_norm=1.0)
    assert (weights(model) == before).all()


@pytest.mark.parametrize("wrong", [0, -1.0, math.nan, "1", True])
def test_a_limit_is_a_number_above_zero(wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"clip_norm is a number above 0, or inf, not {wrong!r}"):
        train(linear(), clip_norm=wrong)


# Schedules


class Counter(nn.Module):
    """A weight that each step of `descend` moves by the learning rate."""

    def __init__(self) -> None:
        self.w = Tensor([[0.0]])

    def forward(self, x: Any) -> Any:
        return x @ self.w


def descend(outputs: Any, targets: Any) -> Any:
    return -outputs.mean()


def count(model: Counter, sgd: nn.SGD, epochs: int = 1, **more: Any) -> nn.History:
    ones = np.ones((6, 1))
    told = {"loss": descend, "batch_size": 2, "progress": False} | more
    return nn.fit(model, ones, ones, optimizer=sgd, epochs=epochs, **told)


@pytest.mark.parametrize(
    ("schedule", "rate"),
    [
        (nn.StepLR(2, gamma=0.5), lambda n: 4.0 * 0.5 ** (n // 2)),
        (nn.CosineAnnealing(12), lambda n: 2.0 * (1 + math.cos(math.pi * n / 12))),
        (nn.WarmupCosine(3, 12), None),
        (nn.CyclicLR(1.0, 3.0, 2), lambda n: 1.0 + (n % 4 if n % 4 < 3 else 1)),
        (nn.OneCycle(2.0, 12), None),
        (lambda n: 1.0 / (1 + n), lambda n: 4.0 / (1 + n)),
        (lambda n: np.float32(0.5), lambda n: 2.0),
        (lambda n: 0, lambda n: 0.0),
    ],
)
def test_each_step_goes_by_the_rate_of_its_schedule(schedule: Any, rate: Any) -> None:
    rates = [(rate or (lambda n: schedule.rate(4.0, n)))(n) for n in range(6)]
    model = Counter()
    sgd, notes = nn.SGD(model.parameters(), lr=4.0), Notes()
    history = count(model, sgd, 2, schedule=schedule, callbacks=[notes])
    assert notes.rates == pytest.approx(rates, rel=1e-12)
    assert history.learning_rate == pytest.approx([rates[2], rates[5]], rel=1e-12)
    assert model.w.data.item() == pytest.approx(sum(rates), rel=1e-12)
    assert sgd.lr == 4.0


def test_without_a_schedule_the_history_holds_the_rate_of_the_optimizer() -> None:
    class Slower(nn.Callback):
        def on_epoch(self, training: nn.Training) -> None:
            training.optimizer.lr /= 2.0

    model = Counter()
    sgd = nn.SGD(model.parameters(), lr=1.0)
    assert count(model, sgd, 3, callbacks=[Slower()]).learning_rate == [1.0, 0.5, 0.25]
    halved = count(model, sgd, 2, callbacks=[Slower()], schedule=lambda step: 8.0)
    assert halved.learning_rate == [1.0, 0.5]
    assert sgd.lr == 0.03125


def test_a_schedule_goes_on_by_the_steps_of_the_optimizer() -> None:
    model = Counter()
    sgd, asked = nn.SGD(model.parameters(), lr=1.0), []

    def schedule(step: int) -> float:
        asked.append(step)
        return 1.0

    count(model, sgd, 2, schedule=schedule)
    count(model, sgd, 1, schedule=schedule)
    assert sorted(set(asked)) == [*range(9)]
    assert asked == sorted(asked)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_the_rate_is_put_back_when_a_step_fails(error: type[BaseException]) -> None:
    class Broken(nn.SGD):
        def step(self) -> None:
            assert self.lr == 0.5
            raise error

    model = Counter()
    sgd = Broken(model.parameters(), lr=1.0)
    try:
        count(model, sgd, schedule=lambda step: 0.5)
    except ZeroDivisionError:
        assert error is ZeroDivisionError
    assert sgd.lr == 1.0


def test_a_schedule_that_is_over_before_it_begins_is_told_of() -> None:
    model = Counter()
    sgd = nn.SGD(model.parameters(), lr=1.0)
    count(model, sgd, 2, schedule=nn.CosineAnnealing(6))
    for schedule in (nn.CosineAnnealing(6), nn.WarmupCosine(1, 3), nn.OneCycle(1.0, 2)):
        says = re.escape(
            f"{schedule!r} was over before this run began: the optimizer has taken {sgd.taken} "
            "steps already; build a new optimizer, or give the schedule a longer total"
        )
        with pytest.warns(UserWarning, match=says) as caught:
            count(model, sgd, schedule=schedule)
        assert len(caught) == 1
    for schedule in (nn.CosineAnnealing(sgd.taken + 1), nn.StepLR(1), nn.CyclicLR(0, 1, 1)):
        count(model, sgd, schedule=schedule)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (nn.CosineAnnealing, TypeError, r"a schedule is a built one, such as nn\.CosineAnnealing"),
        ("cosine", TypeError, r"or a function of the step that gives a factor, not 'cosine'"),
        (0.1, TypeError, r"or a function of the step that gives a factor, not 0\.1"),
        (lambda step: None, TypeError, r"gives a number for each step, but at step 0 .* gave None"),
        (lambda step: -1.0, ValueError, r"a finite number from 0 on, but at step 0 .* made -1 of"),
        (lambda step: math.nan, ValueError, r"but at step 0 .* made nan of the optimizer's 1"),
        (lambda step: True, TypeError, r"gave True, a bool"),
    ],
)
def test_what_is_no_schedule_is_refused_before_training(
    wrong: Any, error: type[Exception], says: str
) -> None:
    model = Counter()
    sgd = nn.SGD(model.parameters(), lr=1.0)
    before = bits([model, sgd])
    with pytest.raises(error, match=says):
        count(model, sgd, schedule=wrong)
    assert bits([model, sgd]) == before


# Sizes of batches


def normalised(where: str = "Sequential") -> Any:
    norm: Any = nn.BatchNorm1d(4)
    inner = nn.Residual(nn.Sequential(norm, nn.Tanh())) if where == "deep inside" else norm
    return nn.Sequential(nn.Linear(3, 4, rng=0), inner, nn.Linear(4, 1, rng=1))


def unmoved(model: Any, error: type[Exception], says: str, *data: Any, **told: Any) -> None:
    """Assert an error that leaves the model, the optimizer and the gradients to the bit."""
    generator = np.random.default_rng(0)
    optimizer = told.pop("optimizer", None) or nn.Adam(model.parameters())
    for parameter in model.parameters():
        parameter.grad = parameter.data * 0.0 + 7.0
    before, drawn = bits([model, optimizer]), bits(generator)
    with pytest.raises(error, match=says):
        train(model, *data, optimizer=optimizer, **({"rng": generator} | told))
    assert bits([model, optimizer]) == before
    assert bits(generator) == drawn, "the generator has moved"


def test_a_batch_is_not_larger_than_the_data() -> None:
    says = r"a batch of 11 is more than the 10 samples; take fewer, or batch_size=None for all"
    unmoved(linear(), ValueError, says, batch_size=11)
    train(linear(), batch_size=10)


@pytest.mark.parametrize("where", ["Sequential", "deep inside"])
@pytest.mark.parametrize(("samples", "size"), [(10, 3), (10, 9), (10, 1), (1, None), (1, 1)])
def test_a_last_batch_of_one_is_refused_where_batches_are_normalised(
    where: str, samples: int, size: int | None
) -> None:
    says = (
        rf"BatchNorm1d\(4\) needs 2 samples to train on, but {samples} samples in batches of "
        rf"{size or samples} leave a last batch of 1; take another batch_size, or leave a sample"
    )
    unmoved(normalised(where), ValueError, says, X[:samples], Y[:samples], batch_size=size)


@pytest.mark.parametrize("size", [2, 4, 5, 8, 10, None])
def test_a_last_batch_of_two_or_more_is_normalised(size: int | None) -> None:
    train(normalised(), batch_size=size)


def test_what_validation_takes_away_counts_for_the_last_batch() -> None:
    says = r"but 7 samples in batches of 3 leave a last batch of 1"
    with pytest.raises(ValueError, match=says):
        train(normalised(), batch_size=3, validation=0.3)
    train(normalised(), batch_size=3, validation=0.2)
    train(normalised(), batch_size=5, validation=(X[:1], Y[:1]))  # one alone may be looked at


def test_a_last_batch_of_one_is_fine_without_normalising() -> None:
    assert len(train(linear(), batch_size=3)) == 1


def test_a_network_may_begin_with_batch_normalisation() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 1, rng=0))
    train(model)
    np.testing.assert_allclose(model[0].running_mean.data, 0.1 * X.mean(axis=0), rtol=1e-4)


@pytest.mark.parametrize("wrong", [0, -3, 2.5, "8", True])
def test_a_batch_size_is_a_whole_number(wrong: Any) -> None:
    says = re.escape(f"batch_size is a whole number from 1 on, not {wrong!r}")
    unmoved(linear(), ValueError, says, batch_size=wrong)


# The trial


def classifier() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4, rng=0), nn.Dropout(0.5, rng=1), nn.Linear(4, 3, rng=2))


def with_label(label: Any, where: int) -> np.ndarray:
    labels = np.arange(10) % 3
    labels[where] = label
    return labels


@pytest.mark.parametrize("where", [0, 5, 9])
@pytest.mark.parametrize("label", [3, -1, 99])
def test_a_label_out_of_range_in_any_batch_is_refused(label: int, where: int) -> None:
    told = {"loss": nn.cross_entropy, "batch_size": 3}
    unmoved(classifier(), ValueError, "label", X, with_label(label, where), **told)
    unmoved(
        classifier(),
        ValueError,
        "label",
        X,
        with_label(0, 0),
        validation=(X, with_label(label, where)),
        **told,
    )


def convolution() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=0), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 3, rng=1)
    )


IMAGES = np.random.default_rng(1).integers(0, 256, (10, 1, 8, 8)).astype(np.uint8)
LABELS = (np.arange(10) % 3).astype(np.uint8)


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((10, 64), r"rows become images by x\.reshape\(-1, 1, 8, 8\)"),
        ((10, 8, 8), r"put in the axis of channels: x\.reshape\(-1, 1, 8, 8\)"),
        ((10, 8, 8, 1), r"the channels come before height and width: x\.transpose\(0, 3, 1, 2\)"),
        ((10, 2, 4, 8), r"expected \(batch, 1, height, width\), got \(10, 2, 4, 8\)"),
        ((10, 1, 4, 16), r"Linear\(18, 3\): expected \(batch, 18\)"),
        ((10, 1, 32, 2), r"expected images of at least \(3, 3\)"),
    ],
)
def test_images_of_the_wrong_shape_are_refused(shape: tuple[int, ...], says: str) -> None:
    told = {"loss": nn.cross_entropy}
    unmoved(convolution(), tg.ShapeError, says, IMAGES.reshape(shape), LABELS, **told)


@pytest.mark.filterwarnings("ignore::twingrad.DataScaleWarning")
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16])
def test_images_of_bytes_train_as_the_same_images_of_other_numbers(kind: Any) -> None:
    told = {"loss": nn.cross_entropy, "batch_size": 4, "metrics": "accuracy", "epochs": 2}
    ours, theirs = convolution(), convolution()
    first = train(ours, IMAGES, LABELS, validation=(IMAGES[:3], LABELS[:3]), **told)
    pair = IMAGES[:3].astype(kind), LABELS[:3].astype(int)
    second = train(theirs, IMAGES.astype(kind), LABELS.astype(np.int64), validation=pair, **told)
    assert bits(ours) == bits(theirs)
    assert (first.loss, first.val_loss, first.metrics) == (
        second.loss,
        second.val_loss,
        second.metrics,
    )


@pytest.mark.filterwarnings("ignore::twingrad.DataScaleWarning")
def test_images_of_bytes_are_not_changed_by_training() -> None:
    images, labels = IMAGES.copy(), LABELS.copy()
    train(convolution(), images, labels, loss=nn.cross_entropy, batch_size=4)
    assert (images == IMAGES).all()
    assert (labels == LABELS).all()
    assert images.dtype == labels.dtype == np.uint8


NAN_AMID = X.copy()
NAN_AMID[7, 2] = np.nan

MISTAKES: dict[str, tuple[type[Exception], str, dict[str, Any]]] = {
    "no samples": (tg.ShapeError, "X and y hold no samples", {"X": X[:0], "y": Y[:0]}),
    "other lengths": (tg.ShapeError, r"X has shape \(10, 3\) and y \(9, 1\)", {"y": Y[:9]}),
    "one number": (tg.ShapeError, r"X has shape \(\) and y \(10, 1\)", {"X": 3.0}),
    "no rows": (tg.ShapeError, r"is a column, X\.reshape\(-1, 1\)", {"X": X[:, 0]}),
    "other width": (tg.ShapeError, r"expected \(batch, 3\), got \(10, 2\)", {"X": X[:, :2]}),
    "objects": (TypeError, "X must hold numbers, but its dtype is object", {"X": X.astype(object)}),
    "text": (TypeError, "y must hold numbers, but its dtype is <U", {"y": Y.astype(str)}),
    "complex": (TypeError, "X must hold numbers, but its dtype is complex128", {"X": X * 1j}),
    "dates": (TypeError, "dtype is datetime64", {"X": X.astype(int).astype("M8[s]")}),
    "ragged": (tg.ShapeError, "rows of equal length", {"X": [[1, 2, 3], [1, 2]], "y": Y[:2]}),
    "nan": (
        ValueError,
        r"X holds 1 NaN or infinite numbers, the first at \(7, 2\)",
        {"X": NAN_AMID},
    ),
    "infinity": (ValueError, "y holds 10 NaN or infinite numbers", {"y": Y * np.inf}),
    "too large": (
        ValueError,
        "up to 1e\\+300, too large for the model's float32",
        {"y": Y * 0 + 1e300},
    ),
    "targets in a row": (tg.ShapeError, r"\(10, 1\).*\(10,\)", {"y": Y[:, 0]}),
    "loss of each": (
        tg.ShapeError,
        r"but it has shape \(10, 1\); call \.mean\(\)",
        {"loss": lambda o, t: o - t},
    ),
    "loss of numbers": (
        TypeError,
        "must be a Value or a Tensor to learn from",
        {"loss": lambda o, t: 1.0},
    ),
    "loss of numpy": (TypeError, "to learn from", {"loss": lambda o, t: np.mean(o.data - t)}),
    "no loss": (TypeError, r"loss is a function, such as nn\.mse_loss, not 'mse'", {"loss": "mse"}),
    "metric of each": (
        TypeError,
        "'each' must give one number, but",
        {"metrics": lambda o, t: o - t},
    ),
    "no metric": (ValueError, "a metric is one of accuracy, mse, mae, or", {"metrics": ["f1"]}),
    "twice": (ValueError, "two metrics are called 'mse'", {"metrics": ["mse", "mse"]}),
    "no epochs": (ValueError, "epochs is a whole number from 1 on, not 0", {"epochs": 0}),
    "half an epoch": (ValueError, "epochs is a whole number from 1 on, not 0.5", {"epochs": 0.5}),
    "all to validate": (ValueError, "leaves some on either side, not 1.0", {"validation": 1.0}),
    "none to validate": (ValueError, "leaves some on either side, not 0.01", {"validation": 0.01}),
    "one sample": (ValueError, "a pair \\(X, y\\), or a share .* not 1", {"validation": 1}),
    "half a pair": (ValueError, "validation is a pair", {"validation": (X,)}),
    "other pair": (tg.ShapeError, "got \\(10, 2\\)", {"validation": (X[:, :2], Y)}),
    "empty pair": (tg.ShapeError, "hold no samples", {"validation": (X[:0], Y[:0])}),
    "pair of nan": (ValueError, "NaN or infinite", {"validation": (X, Y * np.nan)}),
}
MISTAKES["metric of each"][2]["metrics"].__name__ = "each"


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_refused_before_the_model_is_touched(name: str) -> None:
    error, says, told = MISTAKES[name]
    data = told.get("X", X), told.get("y", Y)
    told = {name: thing for name, thing in told.items() if name not in "Xy"}
    model = nn.Sequential(*normalised().layers, nn.Dropout(0.0, rng=3))
    unmoved(model, error, f"(?s){says}", *data, **told)


@both_twins
def test_a_mistake_in_the_last_batch_only_is_refused_before_the_first(kind: str) -> None:
    def picky(outputs: Any, targets: Any) -> Any:
        if targets[-1] == targets_of_all[-1]:
            raise ArithmeticError("the last batch")
        return nn.mse_loss(outputs, targets)

    model = linear(kind)
    targets_of_all = Y[:, 0] if kind == "Values" else Y
    sgd = nn.SGD(model.parameters(), lr=0.1)
    unmoved(model, ArithmeticError, "the last batch", loss=picky, batch_size=3, optimizer=sgd)


def test_an_optimizer_of_another_model_is_refused() -> None:
    other = nn.Adam(linear().parameters())
    says = "the optimizer holds none of this model's parameters"
    unmoved(linear(), ValueError, says, optimizer=other)
    for wrong in (nn.Adam, "adam", None):
        with pytest.raises(TypeError, match=r"optimizer is a built one, such as nn\.Adam"):
            train(linear(), optimizer=wrong)


def test_a_refusal_after_a_share_was_drawn_leaves_the_generator() -> None:
    says = "a batch of 11 is more than the 7 samples"
    unmoved(linear(), ValueError, says, batch_size=11, validation=0.3)


def test_the_trial_learns_nothing_and_draws_nothing() -> None:
    class Still(nn.SGD):
        def step(self) -> None:
            raise KeyboardInterrupt

    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4), nn.Dropout(0.5, rng=1))
    seen: list[Any] = []

    class First(nn.Callback):
        def on_start(self, training: nn.Training) -> None:
            seen.append(bits(training.model))

    before = bits(model)
    sgd = Still(model.parameters(), lr=0.1)
    target = np.zeros((10, 4))
    train(model, X, target, First(), batch_size=5, validation=(X, target), optimizer=sgd)
    assert seen == [before]


# Looking on


@both_twins
def test_on_step_is_called_once_a_step_with_the_gradients_it_took(kind: str) -> None:
    model, notes = linear(kind), Notes()
    still = nn.SGD(model.parameters(), lr=0.0)
    history = train(model, X, None, notes, batch_size=4, epochs=2, optimizer=still)
    assert notes.steps == [(epoch, step, 3) for epoch in (1, 2) for step in (1, 2, 3)]
    parts = [slice(0, 4), slice(4, 8), slice(8, 10)] * 2
    truth = [slope(weights(model), X[part], Y[part]) for part in parts]
    np.testing.assert_allclose(notes.gradients, truth, rtol=1e-12)
    errors = (np.column_stack([X, np.ones(10)]) @ weights(model) - Y[:, 0]) ** 2
    assert notes.losses == pytest.approx([errors[part].mean() for part in parts], rel=1e-12)
    assert history.loss == pytest.approx([errors.mean()] * 2, rel=1e-12)
    assert notes.rates == [0.0] * 6


class StopAt(nn.Callback):
    def __init__(self, epoch: int, step: int) -> None:
        self.at, self.epochs = (epoch, step), 0

    def on_step(self, training: nn.Training) -> None:
        training.stop = (training.epoch, training.step) == self.at

    def on_epoch(self, training: nn.Training) -> None:
        self.epochs += 1


@pytest.mark.parametrize(("epoch", "step", "taken"), [(1, 1, 1), (3, 1, 7), (3, 2, 8), (3, 3, 9)])
def test_a_stop_within_an_epoch_leaves_whole_epochs_in_the_history(
    epoch: int, step: int, taken: int
) -> None:
    model = linear()
    sgd, stop = nn.SGD(model.parameters(), lr=0.01), StopAt(epoch, step)
    told = {"batch_size": 4, "epochs": 9, "optimizer": sgd, "validation": (X, Y)}
    history = train(model, X, Y, stop, metrics="mse", **told)
    assert sgd.taken == taken
    assert history.interrupted is False
    assert len(history) == stop.epochs == epoch - 1
    assert {len(curve) for curve in history.curves().values()} <= {epoch - 1}


# The line of progress


class Screen(io.StringIO):
    """A terminal that knows what stands in its last line."""

    def isatty(self) -> bool:
        return True

    def line(self) -> str:
        shown = ""
        for text in self.getvalue().rpartition("\n")[2].split("\r"):
            shown = text + shown[len(text) :]
        return shown


class Slow(nn.Callback):
    """Each step takes so many seconds; before the line of progress among the callbacks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        self.seconds, self.now = seconds, 0.0
        monkeypatch.setattr("time.perf_counter", lambda: self.now)

    def on_step(self, training: nn.Training) -> None:
        self.now += self.seconds


class Reader(nn.Callback):
    def __init__(self, stream: Any) -> None:
        self.stream, self.read = stream, []

    def on_step(self, training: nn.Training) -> None:
        self.read.append(self.stream.line())

    on_epoch = on_step


def reading(monkeypatch: pytest.MonkeyPatch, seconds: float, **told: Any) -> list[str]:
    screen = Screen()
    reader = Reader(screen)
    watching = Slow(monkeypatch, seconds), nn.ProgressLine(screen), reader
    train(told.pop("model", None) or linear(), X, Y, *watching, **{"batch_size": 3, **told})
    return [" ".join(re.sub(r"loss \S+", "loss", line).split()) for line in reader.read]


def test_a_long_epoch_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reading(monkeypatch, 10.0, epochs=2) == [
        "epoch 1/2 25% 70 s left",
        "epoch 1/2 50% 60 s left",
        "epoch 1/2 75% 50 s left",
        "epoch 1/2 75% 50 s left",  # the last step, before the epoch is in the history
        "epoch 1/2 loss 40 s left",
        "epoch 2/2 25% loss 30 s left",
        "epoch 2/2 50% loss 20 s left",
        "epoch 2/2 75% loss 10 s left",
        "epoch 2/2 75% loss 10 s left",
        "epoch 2/2 loss 80.0 s",
    ]


def test_the_time_left_of_a_resumed_run_is_of_its_own_epochs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    model = linear()
    sgd = nn.SGD(model.parameters(), lr=0.1)
    history = train(model, X, Y, optimizer=sgd, epochs=8, batch_size=3)
    nn.save(tmp_path / "m.npz", model, optimizer=sgd, history=history)
    told = {"model": model, "optimizer": sgd, "resume": tmp_path / "m.npz"}
    lines = reading(monkeypatch, 10.0, epochs=2, **told)
    assert lines[0] == "epoch 9/10 25% loss 70 s left"
    assert lines[4:6] == ["epoch 9/10 loss 40 s left", "epoch 10/10 25% loss 30 s left"]
    assert lines[-1] == "epoch 10/10 loss 80.0 s"


def test_short_steps_do_not_fill_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = reading(monkeypatch, 0.02, epochs=1, batch_size=1)
    assert lines == [""] * 10 + ["epoch 1/1 loss 0.2 s"]


def test_a_file_hears_nothing_within_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    heard: list[str] = []

    class Ear(nn.Callback):
        def on_step(self, training: nn.Training) -> None:
            heard.append(stream.getvalue())

    watching = Slow(monkeypatch, 100.0), nn.ProgressLine(stream), Ear()
    train(linear(), X, Y, *watching, batch_size=3)
    assert heard == [""] * 4
    assert stream.getvalue().count("\n") == 1


def test_a_run_stopped_within_an_epoch_ends_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    watching = Slow(monkeypatch, 10.0), nn.ProgressLine(screen), StopAt(1, 2)
    train(linear(), X, Y, *watching, batch_size=3, epochs=5)
    assert screen.getvalue().count("\n") == 1
    assert screen.getvalue().endswith("\n")


# What a history, a callback, or data could be confused with


@pytest.mark.parametrize("name", ["loss", "learning_rate", "seconds", "val_loss", "val_mine"])
def test_a_metric_does_not_go_by_the_name_of_another_curve(name: str) -> None:
    def metric(outputs: Any, targets: Any) -> float:
        return 42.0

    metric.__name__ = name
    with pytest.raises(ValueError, match=f"a metric cannot be called '{name}'"):
        train(linear(), metrics=[metric])


def test_a_callback_that_fails_at_the_end_leaves_the_others_theirs() -> None:
    class Fails(nn.Callback):
        def on_end(self, training: nn.Training) -> None:
            raise RuntimeError("at the end")

    class Notes(nn.Callback):
        ended = False

        def on_end(self, training: nn.Training) -> None:
            self.ended = True

    before, after = Notes(), Notes()
    with pytest.raises(RuntimeError, match="at the end"):
        train(linear(), X, None, before, Fails(), after)
    assert before.ended
    assert after.ended


def test_masked_data_are_refused() -> None:
    with pytest.raises(TypeError, match="X is masked, which is not heeded"):
        train(linear(), np.ma.masked_array(X, X > 0.0))


def test_what_is_wrong_with_the_validation_data_is_said_to_be_theirs() -> None:
    with pytest.raises(tg.ShapeError, match="expected") as caught:
        train(linear(), validation=(X[:, :2], Y))
    assert caught.value.__notes__ == ["this is about the validation data"]
    with pytest.raises(ValueError, match="the validation's X holds 1 NaN"):
        train(linear(), validation=([[math.nan, 0.0, 0.0]], Y[:1]))


@pytest.mark.parametrize("wrong", [{"shuffle": "no"}, {"record": 1}])
def test_what_is_neither_true_nor_false_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="shuffle and record are True or False, not"):
        train(linear(), **wrong)


@pytest.mark.parametrize("wrong", ["tqdm", 1])
def test_progress_is_a_switch_or_a_function(wrong: Any) -> None:
    with pytest.raises(TypeError, match="progress is True, False or a function"):
        train(linear(), progress=wrong)


def test_without_metrics_outputs_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twingrad.nn.train.keep_freed_memory", lambda: None)  # 32 MB for a moment
    model = nn.Sequential(nn.Linear(2, 2000, rng=0))
    inputs, targets = np.ones((2000, 2), np.float32), np.zeros((2000, 2000), np.float32)
    sgd = nn.SGD(model.parameters(), lr=0.0)
    tracemalloc.start()
    try:
        nn.fit(
            model,
            inputs,
            targets,
            loss=nn.mse_loss,
            optimizer=sgd,
            epochs=1,
            batch_size=20,
            progress=False,
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < targets.nbytes / 3


def test_a_gradient_that_is_nan_ends_a_clipped_run_before_its_step() -> None:
    model = linear()

    def spoilt(outputs: Any, targets: Any) -> Any:
        loss = nn.mse_loss(outputs, targets)
        return loss * math.nan if spoiling else loss

    class Spoils(nn.Callback):
        def on_step(self, training: nn.Training) -> None:
            nonlocal before, spoiling
            before, spoiling = weights(model).copy(), (training.epoch, training.step) == (2, 1)

    before, spoiling = weights(model), False
    with pytest.raises(tg.AnomalyError, match="the norm of the gradients is nan") as caught:
        train(model, X, None, Spoils(), loss=spoilt, clip_norm=1.0, batch_size=5, epochs=3)
    assert caught.value.__notes__[0].startswith("this was epoch 2, step 2; the parameters are as")
    assert (weights(model) == before).all()
