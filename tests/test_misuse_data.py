"""Data and losses that do not go together: said with the one-line remedy, which silences it.

Warnings are errors here unless they are caught, so that every call that is not within `told` also
claims to be silent.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as any_array

import twingrad as tg
from twingrad import ShapeError, Tensor, Value, nn
from twingrad.nn.metrics import named_metric

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (12, 16)).astype(np.uint8)
LABELS = np.arange(12) % 3


def told(program: Callable[[], Any]) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        program()
    return caught


def only(program: Callable[[], Any], category: type[Warning]) -> str:
    caught = told(program)
    assert {w.category for w in caught} == {category}
    assert {w.filename for w in caught} == {__file__}
    return str(caught[0].message)


def classifier(*first: Any) -> Any:
    return nn.Sequential(*first, nn.Linear(16, 3, rng=0))


def train(model: Any, X: Any, y: Any = LABELS, loss: Any = nn.cross_entropy, **more: Any) -> None:
    told = {"epochs": 1, "progress": False, **more}
    nn.fit(model, X, y, loss=loss, optimizer=nn.SGD(model.parameters(), lr=1e-6), **told)


# Scale


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
def test_images_of_bytes_are_told_to_be_scaled(dtype: Any) -> None:
    text = only(lambda: train(classifier(), BYTES.astype(dtype)), tg.DataScaleWarning)
    assert "pass X / 255.0" in text and np.dtype(dtype).name in text
    train(classifier(), BYTES / 255.0)
    train(classifier(), BYTES.astype(float))  # says that the model scales them itself


def test_models_that_scale_and_whole_numbers_that_are_no_images_are_silent() -> None:
    train(classifier(nn.BatchNorm1d(16)), BYTES)
    train(classifier(nn.LayerNorm(16)), BYTES)
    train(classifier(lambda x: x / 255.0), BYTES)
    train(classifier(), (BYTES > 128).astype(np.uint8))
    train(classifier(), (BYTES // 16).astype(np.uint8))  # the digits' 0 to 16
    ages = nn.Sequential(nn.Linear(2, 3, rng=0))
    train(ages, BYTES[:, :2].astype(int))


def test_bytes_given_to_a_model_of_scaled_images_are_told_wherever_they_come() -> None:
    model = classifier()
    X = BYTES / 255.0
    train(model, X)
    nn.predict(model, X)
    text = only(lambda: nn.predict(model, BYTES), tg.DataScaleWarning)
    assert "numbers from 0 to 255, but this model was trained on 0 to 1" in text
    only(lambda: nn.predict(model, BYTES.astype(np.float32)), tg.DataScaleWarning)
    held_out = X, LABELS
    train(model, X, validation=held_out)
    text = only(
        lambda: train(model, X, validation=(BYTES.astype(float), LABELS)), tg.DataScaleWarning
    )
    assert text.startswith("the validation's X holds numbers from 0 to 255")
    only(lambda: train(model, BYTES.astype(float)), tg.DataScaleWarning)


def test_scaled_images_given_to_a_model_of_bytes_are_told() -> None:
    model = classifier()
    train(model, BYTES.astype(float))
    nn.predict(model, BYTES[:3])
    only(lambda: nn.predict(model, BYTES / 255.0), tg.DataScaleWarning)


def test_scalar_models_know_their_scale_too() -> None:
    model = nn.MLP(2, [2, 1], rng=0)
    X, y = nn.data.xor()
    train(model, X, y, nn.mse_loss)
    nn.predict(model, X)
    only(lambda: nn.predict(model, 100.0 * X), tg.DataScaleWarning)


def test_some_extrapolation_is_silent_and_models_never_fitted_know_no_scale() -> None:
    model = nn.Linear(1, 1, rng=0)
    nn.predict(model, [[1e6]])
    x = np.linspace(-1, 1, 20)[:, None]
    train(model, x, x, nn.mse_loss)
    nn.predict(model, 5.0 * x)
    nn.predict(model, 1e-3 * x)
    nn.predict(model, [[0.0]])
    only(lambda: nn.predict(model, 11.0 * x), tg.DataScaleWarning)


def loop(model: Any, X: Any, y: Any, steps: int = 5) -> None:
    for _ in range(steps):
        nn.mse_loss(model(X), y).backward()


RAW = 100.0 + 50.0 * RNG.normal(size=(64, 2))
STANDARD = (RAW - RAW.mean(axis=0)) / RAW.std(axis=0)


class Own(nn.Module):
    """A model whose first operation is its own."""

    def __init__(self) -> None:
        self.w = Tensor(RNG.normal(size=(2, 1)))

    def forward(self, x: Any) -> Any:
        return x @ self.w if isinstance(x, Tensor) else Tensor(x) @ self.w


@pytest.mark.parametrize("make", [lambda: nn.Linear(2, 1, rng=0), Own], ids=["Linear", "own"])
@pytest.mark.parametrize("given", [np.asarray, Tensor], ids=["array", "Tensor"])
def test_data_on_another_scale_than_a_loop_of_ones_own_trained_on_is_told_once(
    make: Any, given: Any
) -> None:
    model, y = make(), np.zeros((64, 1))
    loop(model, given(STANDARD), y)

    def evaluate(X: Any) -> None:
        with tg.no_grad():
            for i in range(0, 64, 8):
                model(given(X[i : i + 8]))

    for factor in (1.0, 5.0, 0.0, -2.0):
        evaluate(factor * STANDARD)
    text = only(lambda: evaluate(RAW), tg.DataScaleWarning)
    assert "but this model was trained on -" in text
    evaluate(RAW)  # said


def test_predict_and_models_in_evaluation_know_the_scale_of_a_loop_of_ones_own() -> None:
    y = np.zeros((64, 1))
    for ask in (nn.predict, lambda model, X: model.eval()(X)):
        model = nn.Linear(2, 1, rng=0)
        loop(model, STANDARD, y)
        ask(model, STANDARD)
        assert len(told(lambda ask=ask, model=model: ask(model, RAW))) == 1


def test_what_fit_trained_on_is_known_outside_of_predict_too() -> None:
    model = nn.Linear(2, 1, rng=0)
    train(model, STANDARD, np.zeros((64, 1)), nn.mse_loss)
    with tg.no_grad():
        model(STANDARD)
        only(lambda: model(RAW), tg.DataScaleWarning)


def test_batches_of_any_reach_widen_what_a_loop_knows() -> None:
    """Heavy tails: of a thousand batches of few, the later reach further than the first."""
    model, y = nn.Linear(2, 1, rng=0), np.zeros((8, 1))
    X = RNG.lognormal(0.0, 1.0, size=(2000, 8, 2))
    for batch in X[:1000]:
        loop(model, batch, y, steps=1)
    with tg.no_grad():
        for batch in X[1000:]:
            model(batch)


def test_whole_numbers_that_are_names_of_things_have_no_scale() -> None:
    class Embedding(nn.Module):
        def __init__(self) -> None:
            self.vectors = Tensor(RNG.normal(size=(1000, 3)))

        def forward(self, ids: Any) -> Any:
            return self.vectors[ids].sum(axis=1)

    model = Embedding()
    loop(model, RNG.integers(0, 20, (4, 5)), np.zeros((4, 3)))
    with tg.no_grad():
        model(RNG.integers(900, 1000, (4, 5)))
    plain = nn.Linear(2, 1, rng=0)
    loop(plain, STANDARD, np.zeros((64, 1)))
    with tg.no_grad():
        only(lambda: plain(RAW.astype(int)), tg.DataScaleWarning)


# Precision


def test_features_that_float32_cannot_tell_apart_are_told() -> None:
    times = 1.7e9 + np.arange(12.0)[:, None]  # seconds since 1970, twelve of them
    X = np.hstack([RNG.normal(size=(12, 1)), times])
    model = nn.Linear(2, 1, rng=0)
    y = np.zeros((12, 1))
    text = only(lambda: train(model, X, y, nn.mse_loss), tg.PrecisionWarning)
    assert text.startswith("column 1 of X runs from 1700000000 to 1700000011")
    assert "X - X.mean(axis=0)" in text
    train(model, X - X.mean(axis=0), y, nn.mse_loss)
    train(nn.Linear(2, 1, rng=0, dtype=np.float64), X, y, nn.mse_loss)
    train(nn.Linear(2, 1, rng=0), X.astype(np.float32), y, nn.mse_loss)  # nothing more is lost
    whole = X.astype(np.int64)
    only(lambda: train(nn.Linear(2, 1, rng=0), whole, y, nn.mse_loss), tg.PrecisionWarning)
    y = only(lambda: train(nn.Linear(2, 1), X[:, :1] @ [[1, 1]], times, nn.mse_loss),
             tg.PrecisionWarning)  # fmt: skip
    assert y.startswith("column 0 of y")


@given(
    any_array(np.float64, (6, 2), elements=st.floats(-1e6, 1e6, width=32)).filter(
        lambda X: bool((np.ptp(X, axis=0) > 0.01 * np.abs(X).max(axis=0)).all())
    )
)
def test_ordinary_numbers_may_be_rounded(X: np.ndarray) -> None:
    train(nn.Linear(2, 1, rng=0), X, np.zeros((6, 1)), nn.mse_loss)


def test_wide_integers_and_constant_columns_are_silent() -> None:
    X = np.hstack([np.full((12, 1), 1e12), np.arange(12)[:, None]])
    exact = 8_000_000 + np.arange(24).reshape(12, 2)  # below 2²⁴ float32 has every whole number
    train(nn.Linear(2, 1, rng=0), exact, np.zeros((12, 1)), nn.mse_loss)
    train(nn.Linear(2, 1, rng=0), X, np.zeros((12, 1)), nn.mse_loss)


@pytest.mark.parametrize("first", [[], [nn.Flatten()]], ids=["Linear", "Flatten"])
def test_a_loop_of_ones_own_is_told_of_its_first_batch(first: Any) -> None:
    def loop(X: Any) -> Callable[[], Any]:
        model = nn.Sequential(*first, nn.Linear(16, 3, rng=0))
        return lambda: [nn.cross_entropy(model(X), LABELS).backward() for _ in range(3)]

    assert "the input holds whole numbers" in only(loop(BYTES), tg.DataScaleWarning)
    text = only(loop(1e9 + BYTES / 255.0), tg.PrecisionWarning)
    assert text.startswith("column 0 of the input runs from 1000000000")
    assert len(told(loop(BYTES))) == 1
    huge = 1e200 * BYTES
    assert "becomes infinite" in only(lambda: loop(huge)(), tg.PrecisionWarning)
    for X in (BYTES / 255.0, Tensor(BYTES / 255.0), BYTES.astype(float), np.float32(BYTES)):
        loop(X)()


def test_the_first_layer_may_be_a_convolution() -> None:
    images = BYTES.reshape(12, 1, 4, 4)
    model = nn.Sequential(nn.Conv2d(1, 2, 3, rng=0))
    only(lambda: model(images), tg.DataScaleWarning)
    nn.Sequential(nn.Conv2d(1, 2, 3, rng=0))(images / 255.0)


# Probabilities for logits

SCORES = RNG.normal(size=(4, 3))


def tensor() -> Tensor:
    return Tensor(SCORES)


def values() -> list[list[Value]]:
    return [[Value(x) for x in row] for row in SCORES.tolist()]


def by_hand(row: list[Value]) -> list[Value]:
    powers = [x.exp() for x in row]
    return [power / tg.sum(powers) for power in powers]


SQUASHED: dict[str, Callable[[], Any]] = {
    "Tensor.softmax": lambda: tensor().softmax(),
    "nn.Softmax": lambda: nn.Softmax()(tensor()),
    "turned": lambda: tensor().T.softmax(axis=0).T,
    "with a little added": lambda: tensor().softmax() + 1e-9,
    "clipped": lambda: tensor().softmax().clip(1e-7, 1.0),
    "Values with a little added": lambda: [[x + 1e-9 for x in tg.softmax(r)] for r in values()],
    "cut and reshaped": lambda: tensor().softmax()[:4].reshape(4, 3),
    "by hand": lambda: tensor().exp() / tensor().exp().sum(axis=-1, keepdims=True),
    "Values": lambda: [tg.softmax(row) for row in values()],
    "Values by hand": lambda: [by_hand(row) for row in values()],
    "sigmoid": lambda: tensor().sigmoid(),
    "Values' sigmoid": lambda: [[x.sigmoid() for x in row] for row in values()],
}


@pytest.mark.parametrize("outputs", SQUASHED.values(), ids=SQUASHED)
@pytest.mark.parametrize("labels", [[0, 1, 2, 0], np.eye(3)[[0, 1, 2, 0]]], ids=["index", "row"])
def test_probabilities_in_cross_entropy_are_told(outputs: Any, labels: Any) -> None:
    text = only(lambda: nn.cross_entropy(outputs(), labels), tg.LogitsWarning)
    assert "cross_entropy takes logits and applies softmax itself" in text
    assert " a a " not in text
    assert "ends without one" in text


def test_the_remedies_are_silent() -> None:
    labels = [0, 1, 2, 0]
    right = nn.cross_entropy(tensor(), labels).item()
    assert float(nn.cross_entropy(values(), labels)) == pytest.approx(right)
    for loss in (
        nn.nll_loss(tensor().log_softmax(), labels),
        nn.nll_loss(tensor().softmax().log(), labels),
    ):
        assert loss.item() == pytest.approx(right)


def test_numbers_that_only_look_like_probabilities_are_silent() -> None:
    nn.cross_entropy(Tensor(np.eye(3)), [0, 1, 2])
    nn.cross_entropy(Tensor(np.full((2, 2), 0.5)) * 1.0, [0, 1])
    nn.cross_entropy(tensor() / 3.0, [0, 1, 2, 0])  # a temperature
    nn.cross_entropy(tensor().exp() / 3.0, [0, 1, 2, 0])
    nn.cross_entropy(tensor().tanh(), [0, 1, 2, 0])
    nn.cross_entropy(tensor().sigmoid() + 1.0, [0, 1, 2, 0])
    nn.cross_entropy(5.0 * tensor().softmax(), [0, 1, 2, 0])  # somebody knows what they do
    attended = tensor().softmax() @ Tensor(np.ones((3, 3)))
    nn.cross_entropy(attended, [0, 1, 2, 0])


def test_a_sigmoid_before_its_own_loss_is_told() -> None:
    chances = [0.0, 1.0, 1.0]
    for outputs in (
        Tensor([1.0, 2.0, 3.0]).sigmoid(),
        [Value(x).sigmoid() for x in (1.0, 2.0, 3.0)],
    ):
        text = only(
            lambda outputs=outputs: nn.binary_cross_entropy_with_logits(outputs, chances),
            tg.LogitsWarning,
        )
        assert "applies sigmoid itself" in text and "ends without one" in text
    nn.binary_cross_entropy_with_logits(Tensor([1.0, 2.0, 3.0]), chances)
    nn.binary_cross_entropy_with_logits([Value(x) for x in (1.0, 2.0, 3.0)], chances)


@pytest.mark.parametrize("record", [False, True])
def test_fit_tells_it_at_the_line_of_fit(record: bool) -> None:
    X, y = nn.data.xor()
    scalar = nn.MLP(2, [3, 1], rng=0)

    def squashed(outputs: Any, targets: Any) -> Any:
        return nn.binary_cross_entropy_with_logits([x.sigmoid() for x in outputs], targets)

    only(lambda: train(scalar, X, y, squashed, record=record), tg.LogitsWarning)
    if not record:
        model = nn.Sequential(nn.Linear(16, 3, rng=0), nn.Softmax())
        only(lambda: train(model, BYTES / 255.0), tg.LogitsWarning)


# Targets


@pytest.mark.parametrize("loss", [nn.mse_loss, nn.l1_loss, nn.huber_loss, nn.hinge_loss])
def test_targets_of_minus_one_that_a_sigmoid_cannot_reach_are_told(loss: Any) -> None:
    signs = [-1.0, 1.0]
    for outputs in (
        Tensor([0.3, 0.4]).sigmoid(),
        [Value(0.3).sigmoid(), Value(0.4).sigmoid()],
        Tensor([0.3, 0.4]).softmax(),
    ):
        text = only(lambda outputs=outputs: loss(outputs, signs), tg.TargetsWarning)
        assert "stays between 0 and 1 and cannot reach them" in text
        assert ("(targets + 1) / 2" in text) is (loss is not nn.hinge_loss)
    loss(Tensor([0.3, 0.4]).tanh(), signs)
    loss([Value(0.3).tanh(), Value(0.4)], signs)
    if loss is not nn.hinge_loss:
        loss(Tensor([0.3, 0.4]).sigmoid(), [0.0, 1.0])
        loss(Tensor([0.3, 0.4]).sigmoid(), [-0.01, 1.02])  # noise about what it can reach
        loss(Tensor([0.3, 0.4]).sigmoid(), Tensor([0.0, 1.0]).detach())


def test_signs_as_targets_of_a_binary_cross_entropy_are_an_error_with_the_remedy() -> None:
    for outputs in (Tensor([0.3, 0.4]), [Value(0.3), Value(0.4)]):
        with pytest.raises(ValueError, match=r"got -1, 1; targets .* become \(targets \+ 1\) / 2"):
            nn.binary_cross_entropy_with_logits(outputs, [-1, 1])


def test_integers_shaped_like_one_hot_rows_are_an_error_with_the_remedy() -> None:
    for outputs in (tensor(), values()):
        for loss in (nn.cross_entropy, nn.nll_loss):
            with pytest.raises(TypeError, match=r"labels\.astype\(float\), or labels\.argmax"):
                loss(outputs, np.eye(3, dtype=int)[[0, 1, 2, 0]])


def test_rows_that_do_not_sum_to_one_are_an_error_that_names_the_first() -> None:
    rows = np.eye(3)[[0, 1, 2, 0]]
    rows[2] = [0.0, 1.0, 1.0]
    for outputs in (tensor(), values()):
        with pytest.raises(ValueError, match=r"row 2, 0, 1, 1, sums to 2; .*rows\.argmax\(axis="):
            nn.cross_entropy(outputs, rows)
    with pytest.raises(ValueError, match=r"but this one, 0\.5, 0, 0, sums to 0\.5"):
        nn.cross_entropy(Tensor(SCORES[0]), [0.5, 0.0, 0.0])
    with pytest.raises(ValueError, match=r"row 0, 2, -1, 0, sums to 1"):
        nn.cross_entropy(Tensor(SCORES[:1]), [[2.0, -1.0, 0.0]])


LOSSES = [
    nn.mse_loss,
    nn.l1_loss,
    nn.huber_loss,
    nn.hinge_loss,
    nn.binary_cross_entropy_with_logits,
]


@pytest.mark.parametrize("loss", LOSSES)
@given(n=st.integers(1, 5))
def test_a_column_against_a_row_is_an_error_in_every_loss_and_both_twins(loss: Any, n: int) -> None:
    column, row = np.ones((n, 1)), np.ones(n)
    for outputs, targets in (
        (Tensor(column), row),
        (Tensor(row), column),
        ([[Value(1.0)] for _ in range(n)], row),
        ([Value(1.0) for _ in range(n)], column),
    ):
        with pytest.raises(ShapeError, match=r"would pair every output with every target: use "):
            loss(outputs, targets)


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.nll_loss])
def test_a_column_of_labels_is_an_error(loss: Any) -> None:
    with pytest.raises(ShapeError, match=r"labels have shape \(4,\) \(class indices\) or"):
        loss(-abs(tensor()), np.zeros((4, 1), int))


@pytest.mark.parametrize(
    ("labels", "remedy"),
    [
        (np.array([1, 3, 2, 1]), lambda labels: labels - 1),
        (np.array([[0], [1], [2], [0]]), lambda labels: labels.ravel()),
        (np.array(["cat", "dog", "emu", "cat"]), lambda y: np.unique(y, return_inverse=True)[1]),
        (np.array([0.0, 1.0, 2.0, 0.0]), lambda labels: labels.astype(int)),
    ],
    ids=["from 1", "column", "text", "floats"],
)
def test_labels_that_need_a_line_more_are_an_error_that_has_it(labels: Any, remedy: Any) -> None:
    line = ("labels - 1", "labels.ravel()", "return_inverse=True)[1]", ".astype(int)")
    for outputs in (tensor(), values()):
        with pytest.raises((TypeError, ValueError)) as raised:
            nn.cross_entropy(outputs, labels)
        assert sum(code in str(raised.value) for code in line) == 1
        nn.cross_entropy(outputs, remedy(labels))


def test_signs_as_labels_and_too_few_outputs_are_errors_with_the_remedy() -> None:
    signs = np.array([-1, 1, 1, -1])
    with pytest.raises(ValueError, match=r"labels of -1 and 1 become \(labels \+ 1\) // 2"):
        nn.cross_entropy(Tensor(SCORES[:, :2]), signs)
    nn.cross_entropy(Tensor(SCORES[:, :2]), (signs + 1) // 2)
    with pytest.raises(ValueError, match=r"end the model with 5 outputs, one for each class"):
        nn.cross_entropy(tensor(), np.array([0, 1, 4, 2]))


def test_text_as_targets_of_fit_is_an_error_with_the_remedy() -> None:
    names = np.array(["cat", "dog", "emu"])[LABELS]
    with pytest.raises(TypeError, match=r"number its classes, np\.unique\(y, return_inverse=True"):
        train(classifier(), BYTES / 255.0, names)
    train(classifier(), BYTES / 255.0, np.unique(names, return_inverse=True)[1])


@pytest.mark.parametrize("metric", ["mse", "mae"])
def test_a_column_against_a_row_is_an_error_in_metrics_of_errors(metric: str) -> None:
    measure = named_metric(metric, nn.mse_loss, np.zeros(3))
    for outputs, targets in ((np.ones((3, 1)), np.ones(3)), (np.ones(3), np.ones((3, 1)))):
        with pytest.raises(ShapeError, match="cannot be compared"):
            measure(outputs, targets)


def test_accuracy_reads_columns_and_rows_alike() -> None:
    measure = named_metric("accuracy", nn.mse_loss, np.zeros(3))
    column, row = np.array([[0.2], [0.9], [0.8]]), np.array([0.0, 1.0, 0.0])
    for outputs in (column, column[:, 0]):
        for targets in (row, row[:, None]):
            assert measure(outputs, targets) == pytest.approx(2 / 3)


def test_a_loss_of_ones_own_that_pairs_every_output_with_every_target_is_told_by_fit() -> None:
    x = np.linspace(-1.0, 1.0, 8)[:, None]

    def own(outputs: Any, targets: Any) -> Any:
        return ((outputs - targets) ** 2).mean()

    def twice(outputs: Any, targets: Any) -> Any:
        return own(outputs.tanh() * 2.0, targets)

    for loss in (own, twice):
        model = nn.Linear(1, 1, rng=0)
        text = only(
            lambda loss=loss, model=model: train(model, x, x[:, 0], loss, batch_size=4, epochs=3),
            tg.TargetsWarning,
        )
        assert "outputs of shape (4, 1) and targets of shape (4,) has shape (4, 4)" in text
        assert "use y.reshape(-1, 1)" in text
        train(nn.Linear(1, 1, rng=0), x, x.reshape(-1, 1), loss)


def test_pairs_that_a_loss_of_ones_own_makes_of_outputs_alone_are_silent() -> None:
    x = np.linspace(-1.0, 1.0, 8)[:, None]

    def ranking(outputs: Any, targets: Any) -> Any:
        apart = (targets[:, None] > targets) * 1.0
        return ((outputs.T - outputs) * apart).relu().mean()

    train(nn.Linear(1, 1, rng=0), x, x[:, 0], ranking)
