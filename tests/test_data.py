"""Data: what comes with the package, and what `fit` refuses to learn from.

A refusal is an error that says what to do, and leaves the model, the optimizer and the gradients
as they were, to the last bit.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import Tensor, nn

# What comes with the package


def test_xor_is_one_where_the_inputs_differ() -> None:
    X, y = nn.data.xor()
    assert X.shape == (4, 2)
    assert len({tuple(x) for x in X.tolist()}) == 4
    assert [a != b for a, b in X.tolist()] == (y == 1.0).tolist()


def test_moons_are_two_classes_of_minus_one_and_one() -> None:
    X, y = nn.data.moons(50, noise=0.0, rng=0)
    assert X.shape == (50, 2)
    assert sorted(y.tolist()) == [-1.0] * 25 + [1.0] * 25
    # Without noise each lies on its half circle, about (0, 0) and about (1, 0.5).
    centres = np.where(y[:, None] < 0, [[0.0, 0.0]], [[1.0, 0.5]])
    assert np.linalg.norm(X - centres, axis=1) == pytest.approx(np.ones(50))


def test_digits_are_1797_images_from_zero_to_one() -> None:
    X, y = nn.data.digits()
    assert X.shape == (1797, 64)
    assert (X.min(), X.max()) == (0.0, 1.0)
    assert y.dtype.kind == "i"
    assert sorted(set(y.tolist())) == list(range(10))
    nn.cross_entropy(Tensor(np.zeros((1797, 10))), y)


@pytest.mark.parametrize("rng", [3, np.int64(3)])
def test_one_seed_draws_one_set_of_moons(rng: Any) -> None:
    assert np.array_equal(nn.data.moons(20, rng=rng)[0], nn.data.moons(20, rng=3)[0])
    assert not np.array_equal(nn.data.moons(20, rng=rng)[0], nn.data.moons(20, rng=4)[0])
    generators = [np.random.default_rng(3) for _ in range(2)]
    first, second = (nn.data.moons(20, rng=generator)[0] for generator in generators)
    assert np.array_equal(first, second)


def test_a_split_shares_out_every_sample_once_with_its_label() -> None:
    X, y = np.arange(20.0)[:, None], np.arange(20)
    X_train, X_test, y_train, y_test = nn.data.train_test_split(X, y, 0.25, rng=0)
    assert (len(X_train), len(X_test)) == (15, 5)
    assert sorted([*y_train, *y_test]) == y.tolist()
    assert X_train.ravel().tolist() == y_train.tolist()
    assert X_test.ravel().tolist() == y_test.tolist()
    again, other = (nn.data.train_test_split(X, y, 0.25, rng=rng)[3] for rng in (0, 1))
    assert np.array_equal(again, y_test)
    assert not np.array_equal(other, y_test)


def test_a_stratified_split_keeps_the_shares_of_the_classes() -> None:
    y = np.array([0] * 30 + [1] * 10)
    for seed in range(5):
        *_, y_test = nn.data.train_test_split(y[:, None], y, 0.2, stratify=True, rng=seed)
        assert np.bincount(y_test).tolist() == [6, 2]


# What fit refuses

X, Y = nn.data.xor()
LABELS = np.array([0, 1, 2, 1])


class Run:
    """A model that has already learned something, its optimizer, and a picture of both."""

    def __init__(self, kind: str, nouts: int) -> None:
        mlp = nn.MLP(2, [3, nouts], rng=0)
        self.model: Any = mlp if kind == "Values" else mlp.to_tensor().to(np.float32)
        self.y = Y if kind == "Values" else Y[:, None]
        self.optimizer = nn.Adam(self.model.parameters(), lr=0.1)
        if nouts == 1:
            self.fit()
        for parameter in self.model.parameters():
            parameter.grad = parameter.data * 0.5
        self.before = self.picture()

    def fit(self, **changed: Any) -> None:
        named: dict[str, Any] = {"X": X, "y": self.y, "loss": nn.mse_loss, "epochs": 2}
        named |= {"optimizer": self.optimizer, "progress": False, "shuffle": False} | changed
        nn.fit(self.model, named.pop("X"), named.pop("y"), **named)

    def picture(self) -> list[bytes]:
        saved = self.optimizer.state_dict()
        numbers = [*self.model.state_dict().values(), saved["lr"], saved["steps"]]
        numbers += [array for state in saved["state"] for array in state.values()]
        numbers += [parameter.grad for parameter in self.model.parameters()]
        return [np.asarray(number).tobytes() for number in numbers]


def stranger() -> nn.Optimizer:
    return nn.SGD(nn.Linear(2, 1).parameters(), lr=0.1)


def with_hole(number: float, dtype: Any = float) -> np.ndarray:
    spoilt = X.astype(dtype)
    spoilt[2, 1] = number
    return spoilt


Refusal = tuple[dict[str, Any], type[Exception], str]
REFUSED: dict[str, Refusal] = {
    "text": ({"X": [["a", "b"]] * 4}, TypeError, "X must hold numbers, but its dtype is <U1"),
    "nothing": ({"X": None}, TypeError, "X must hold numbers"),
    "objects": ({"y": [None] * 4}, TypeError, "y must hold numbers, but its dtype is object"),
    "complex": ({"X": X + 1j}, TypeError, "X must hold numbers, but its dtype is complex128"),
    "ragged": ({"X": [[0.0, 1.0], [1.0]]}, tg.ShapeError, "X needs rows of equal length"),
    "lengths": ({"X": X[:3]}, tg.ShapeError, r"X has shape \(3, 2\) and y \(4"),
    "a number": ({"X": 1.0}, tg.ShapeError, r"one entry for each sample, but X has shape \(\)"),
    "no samples": ({"X": X[:0], "y": Y[:0]}, tg.ShapeError, "X and y hold no samples"),
    "nan in X": ({"X": with_hole(np.nan)}, ValueError, r"X holds 1 NaN or .* first at \(2, 1\)"),
    "inf in X": ({"X": with_hole(-np.inf)}, ValueError, r"X holds 1 NaN or infinite"),
    "nan in y": ({"y": Y * np.nan}, ValueError, r"y holds 4 NaN or .*; remove or replace them"),
    "no epochs": ({"epochs": 0}, ValueError, "epochs is a whole number from 1 on, not 0"),
    "half an epoch": ({"epochs": 1.5}, ValueError, "epochs is a whole number"),
    "no batch": ({"batch_size": 0}, ValueError, "batch_size is a whole number from 1 on, not 0"),
    "batch by name": ({"batch_size": "all"}, ValueError, "batch_size is a whole number"),
    "loss by name": ({"loss": "mse"}, TypeError, "loss is a function, such as nn.mse_loss, not"),
    "plain loss": ({"loss": lambda o, t: 1.0}, TypeError, "must be a Value or a Tensor to learn"),
    "optimizer by name": ({"optimizer": "sgd"}, TypeError, "optimizer is a built one, such as"),
    "optimizer class": ({"optimizer": nn.SGD}, TypeError, "optimizer is a built one"),
    "another's optimizer": ({"optimizer": stranger()}, ValueError, "none of this model's param"),
    "width": ({"X": np.ones((4, 3))}, tg.ShapeError, r"(expected \(batch, 2\), got|takes 2 num)"),
    "metric": ({"metrics": "f1"}, ValueError, "a metric is one of accuracy"),
    "all held out": ({"validation": 1.0}, ValueError, "validation is a pair .* not 1.0"),
    "none held out": ({"validation": 0.01}, ValueError, "share of the 4 samples"),
    "validation nan": ({"validation": (X * np.nan, Y)}, ValueError, "NaN or infinite"),
    "validation lengths": ({"validation": (X, Y[:2])}, tg.ShapeError, "one entry for each sample"),
    "validation of three": ({"validation": (X, Y, Y)}, ValueError, "validation is a pair"),
    "validation width": (
        {"validation": (np.ones((4, 3)), Y)},
        tg.ShapeError,
        r"(expected \(batch, 2\), got|takes 2 num)",
    ),
    "validation shape": ({"validation": (X, np.ones((4, 2)))}, tg.ShapeError, "must be equal"),
    "callback": ({"callbacks": [print]}, TypeError, "[Cc]allback"),
    "single callback": ({"callbacks": nn.Callback()}, TypeError, "callbacks"),
}


@pytest.mark.parametrize("kind", ["Values", "Tensors"])
@pytest.mark.parametrize(("changed", "error", "said"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_is_clear_and_changes_nothing(
    changed: dict[str, Any], error: type[Exception], said: str, kind: str
) -> None:
    run = Run(kind, nouts=1)
    with pytest.raises(error, match=said):
        run.fit(**changed)
    assert run.picture() == run.before


LABELS_REFUSED: dict[str, Refusal] = {
    "out of range": ({"y": LABELS + 1}, ValueError, "label 3 is out of range: 3 logits"),
    "below range": ({"y": LABELS - 1}, ValueError, "label -1 is out of range"),
    "floats": ({"y": LABELS * 1.0}, TypeError, r"indices are integers, .*\.astype\(int\)"),
    "whole one-hot": ({"y": np.eye(3, dtype=int)[LABELS]}, TypeError, r"labels\.astype\(float\)"),
    "held out": ({"validation": (X, LABELS + 1)}, ValueError, "label 3 is out of range"),
}


@pytest.mark.parametrize("batch_size", [None, 1])
@pytest.mark.parametrize("kind", ["Values", "Tensors"])
@pytest.mark.parametrize(("changed", "error", "said"), LABELS_REFUSED.values(), ids=LABELS_REFUSED)
def test_wrong_labels_are_refused_before_the_first_batch_is_learned(
    changed: dict[str, Any], error: type[Exception], said: str, kind: str, batch_size: int | None
) -> None:
    run = Run(kind, nouts=3)
    named: dict[str, Any] = {"y": LABELS, "loss": nn.cross_entropy, "batch_size": batch_size}
    with pytest.raises(error, match=said):
        run.fit(**named | changed)
    assert run.picture() == run.before


TENSORS_REFUSED: dict[str, Refusal] = {
    "a row": ({"y": Y}, tg.ShapeError, r"outputs of shape \(4, 1\) and targets of shape \(4,\)"),
    "many losses": ({"loss": lambda o, t: (o - t) ** 2}, tg.ShapeError, "single number"),
    "too large": ({"X": with_hole(1e39)}, ValueError, "float32"),
}


@pytest.mark.parametrize(
    ("changed", "error", "said"), TENSORS_REFUSED.values(), ids=TENSORS_REFUSED
)
def test_what_only_arrays_can_get_wrong_is_refused_too(
    changed: dict[str, Any], error: type[Exception], said: str
) -> None:
    run = Run("Tensors", nouts=1)
    with pytest.raises(error, match=said):
        run.fit(**changed)
    assert run.picture() == run.before


def test_a_model_without_parameters_has_nothing_to_train() -> None:
    with pytest.raises(ValueError, match=r"Sequential\(Tanh\(\)\) has no parameters to train"):
        nn.fit(nn.Sequential(nn.Tanh()), X, X, loss=nn.mse_loss, optimizer=stranger(), epochs=1)


@pytest.mark.parametrize("make", [nn.SGD, nn.Adam])
def test_a_rate_below_zero_is_refused_when_the_optimizer_is_built(
    make: Callable[..., nn.Optimizer],
) -> None:
    run = Run("Values", nouts=1)
    with pytest.raises(ValueError, match=r"lr is a number from 0 on, not -0\.1"):
        run.fit(optimizer=make(run.model.parameters(), lr=-0.1))
    assert run.picture() == run.before


def test_refused_data_is_not_changed_and_neither_is_what_is_accepted() -> None:
    inputs, targets = X.copy(), Y.copy()
    Run("Values", nouts=1).fit(X=inputs, y=targets, validation=0.25)
    assert np.array_equal(inputs, X)
    assert np.array_equal(targets, Y)
