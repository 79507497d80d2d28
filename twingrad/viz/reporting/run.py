"""The run that a report is about: what was given, checked, and what the model says of it now.

Everything on the page is computed from here, so that a report measures the model it describes
and does not repeat what it was told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import ShapeError, no_grad, sigmoid, softmax
from ...nn import History, cross_entropy, nll_loss
from ...nn.fit_checks import checked_data, checked_validation
from ...nn.losses import binary_cross_entropy_with_logits
from ...nn.predict import first_numbers, mode, plain, respond
from ...nn.randomness import put_back
from ..plots.tiles import image_shape

Array = npt.NDArray[Any]

_AT_ONCE = 1000
"""Samples that a model is asked about in one go: all of MNIST would not fit into memory."""


@dataclass
class Part:
    """Samples, what the model says of them, and its loss, where one is known.

    `truth` and `said` are class indices, and `right` compares them; where the model gives
    numbers, `errors` holds the distance of each from its target.
    """

    name: str
    X: Array
    y: Array
    outputs: Array
    loss: float | None = None
    truth: Array = field(default_factory=lambda: np.zeros(0, int))
    said: Array = field(default_factory=lambda: np.zeros(0, int))
    errors: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def right(self) -> int:
        """How many were taken for what they are."""
        return int(np.count_nonzero(self.truth == self.said))


@dataclass
class Run:
    """A training run. `task` is "classes", "two labels" or "numbers"; `parts` begin with training.

    `labels` are the names of the classes, `features` those of a sample's numbers, and `image` is
    the (height, width) of samples that are images.
    """

    model: Any
    history: History
    loss: Callable[[Any, Any], Any] | None
    parts: list[Part]
    task: str
    labels: list[str]
    features: list[str]
    cut: float = 0.0
    image: tuple[int, int] | None = None

    @property
    def seen(self) -> Part:
        """The samples that were trained on."""
        return self.parts[0]

    @property
    def judged(self) -> Part:
        """The samples to judge the model by: those held out, where there are any."""
        return self.parts[-1]

    @property
    def finite(self) -> bool:
        """Whether the model still says something, of every sample."""
        return all(bool(np.isfinite(part.outputs).all()) for part in self.parts)

    def chances(self, part: Part) -> Array | None:
        """The probability of each class for each sample, where the loss tells what outputs are."""
        outputs = part.outputs
        if self.task == "two labels":
            if self.loss is not binary_cross_entropy_with_logits:
                return None
            upper = np.asarray(sigmoid(outputs.ravel()))
            return np.stack([1.0 - upper, upper], axis=1)
        if self.loss is cross_entropy:
            return np.asarray(softmax(outputs, axis=1))
        if self.loss is nll_loss:
            return np.asarray(np.exp(outputs))
        sums = outputs.min() >= 0.0 and np.allclose(outputs.sum(axis=1), 1.0, atol=1e-3)
        return outputs if sums else None


def taken_in(
    model: Any,
    history: Any,
    X: Any,
    y: Any,
    validation: Any,
    loss: Any,
    names: Sequence[str] | None,
    features: Sequence[str] | None,
    shape: tuple[int, int] | None,
) -> Run:
    """A run from what a user gives, or an error that says what is wrong with it."""
    if not isinstance(history, History):
        raise TypeError(f"report() tells of what nn.fit returned, a History, not {history!r}")
    if not len(history):
        raise ValueError("this history holds no epoch yet; train the model first")
    if loss is not None and not callable(loss):
        raise TypeError(f"loss is the function that was trained with, not {loss!r}")
    numbers = first_numbers(model)
    if numbers is None:
        raise ValueError(f"{model!r} has no parameters, so there is no training to report")
    inputs, targets = checked_data(X, y, numbers)
    inputs, targets, held = _divided(history, validation, inputs, targets, numbers)
    given = [("training", inputs, targets), *([("held-out", *held)] if held else [])]
    parts = [_asked(model, loss, *part) for part in given]
    task, labels, cut = _task(parts, loss, names)
    for part in parts:
        _judge(part, task, cut)
    named = _features(features, inputs)
    return Run(model, history, loss, parts, task, labels, named, cut, _image(inputs, shape))


def _divided(
    history: History, validation: Any, X: Array, y: Array, numbers: Any
) -> tuple[Array, Array, tuple[Array, Array] | None]:
    """X and y as `fit` divided them: the share that it held out is drawn again."""
    sizes = history.rng.get("split") or []
    if validation is None and sizes and sum(sizes) == len(X):
        validation = sizes[1] / len(X)
    if not isinstance(validation, float):
        return checked_validation(validation, X, y, numbers, np.random.default_rng())
    start = history.rng.get("start")
    if start is None or sum(sizes) != len(X):
        raise ValueError(
            f"validation={validation} is a share that fit drew of its own data, and this history "
            f"does not tell how for {len(X)} samples; give the pair, validation=(X_held, y_held)"
        )
    generator = np.random.Generator(getattr(np.random, start["bit_generator"])())
    put_back(generator, start)
    return checked_validation(validation, X, y, numbers, generator)


def _asked(model: Any, loss: Any, name: str, X: Array, y: Array) -> Part:
    outputs, total = [], 0.0
    with mode(model, training=False), no_grad():
        for i in range(0, len(X), _AT_ONCE):
            said, targets = respond(model, X[i : i + _AT_ONCE]), y[i : i + _AT_ONCE]
            if loss is not None:
                total += float(loss(said, targets)) * len(targets)
            outputs.append(plain(said).reshape(len(targets), -1).astype(float))
    return Part(name, X, y, np.concatenate(outputs), None if loss is None else total / len(X))


def _task(parts: list[Part], loss: Any, names: Any) -> tuple[str, list[str], float]:
    """What the outputs are compared with, the names of the classes, and where a single one cuts."""
    count = parts[0].outputs.shape[1]
    y = np.concatenate([part.y.reshape(len(part.y), -1) for part in parts])
    if count > 1:
        whole = bool((y == np.floor(y)).all() and (y >= 0).all())
        one_hot = y.shape[1] == count and whole and bool((y.sum(axis=1) == 1).all())
        indices = y.shape[1] == 1 and whole and bool((y < count).all())
        if one_hot or indices:
            return "classes", _named(names, count, [str(i) for i in range(count)]), 0.0
    elif y.shape[1] == 1:
        lower = -1.0 if y.min() < 0 else 0.0
        if np.isin(y, (lower, 1.0)).all():
            logits = loss is binary_cross_entropy_with_logits
            cut = 0.0 if logits else (lower + 1.0) / 2.0
            return "two labels", _named(names, 2, [f"{lower:g}", "1"]), cut
    if y.shape[1] != count:
        raise ShapeError(
            f"the model gives {count} output{'s' * (count > 1)} a sample, which y of shape "
            f"{parts[0].y.shape} cannot be compared with; y holds class indices from 0 to "
            f"{count - 1}, or as many numbers a sample"
        )
    return "numbers", [], 0.0


def _named(names: Any, count: int, otherwise: list[str]) -> list[str]:
    found = otherwise if names is None else [str(name) for name in names]
    if len(found) != count:
        raise ValueError(f"there are {count} classes, but {len(found)} names came")
    return found


def _features(features: Any, X: Array) -> list[str]:
    count = int(np.prod(X.shape[1:]))
    if features is None:
        return [f"feature {i + 1}" for i in range(count)]
    if isinstance(features, str) or len(features) != count:
        raise ValueError(f"features names the {count} numbers of a sample, but {features!r} came")
    return [str(name) for name in features]


def _judge(part: Part, task: str, cut: float) -> None:
    """Fill in which samples are right, or how far each is off."""
    y = part.y.reshape(len(part.y), -1)
    no_answer = ~np.isfinite(part.outputs).all(axis=1)
    if task == "numbers":
        with np.errstate(invalid="ignore", over="ignore"):
            part.errors = np.sqrt(((part.outputs - y) ** 2).sum(axis=1))
    elif task == "two labels":
        part.truth = (y.ravel() == 1.0).astype(int)
        part.said = (part.outputs.ravel() > cut).astype(int)
    else:
        part.truth = y.argmax(axis=1) if y.shape[1] > 1 else y.ravel().astype(int)
        part.said = part.outputs.argmax(axis=1)
    if task != "numbers":
        part.said[no_answer] = -1  # which is right of nothing


def _image(X: Array, shape: tuple[int, int] | None) -> tuple[int, int] | None:
    """The shape of samples that are images, as far as numbers can tell."""
    if X.ndim == 4:
        return X.shape[2:] if X.shape[1] == 1 else None
    if X.ndim == 3:
        return X.shape[1:]
    if shape is not None:
        return image_shape(shape, X.shape[1])
    # 64 features may be a square of pixels, or not; pixels are not negative.
    return image_shape(None, X.shape[1]) if X.shape[1] >= 64 and X.min() >= 0.0 else None
