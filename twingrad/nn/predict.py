"""A model's outputs for samples, whichever twin it is made of, as nodes or as plain numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import Node, Tensor, Value, no_grad
from .calls import by_us
from .module import Module
from .scale import compare

Array = npt.NDArray[Any]


def predict(model: Any, X: Any) -> Array:
    """A model's outputs for samples as a plain array, in evaluation mode, remembering nothing.

    >>> from twingrad import nn
    >>> nn.predict(nn.MLP(2, [3, 1], rng=0), [[0.0, 1.0], [1.0, 0.0]]).shape
    (2,)
    """
    numbers = first_numbers(model)
    inputs = np.asarray(X, dtype=np.float64 if numbers is None else dtype_of(numbers))
    compare("X", model, inputs)
    with mode(model, training=False), no_grad():
        return plain(respond(model, inputs)).copy()


def respond(model: Any, X: Array) -> Any:
    """A model's outputs: for a model of Values, sample by sample."""
    with by_us():
        if isinstance(first_numbers(model), Value):
            return [model(row) for row in X.tolist()]
        return model(X)


def plain(outputs: Any) -> Array:
    """Outputs as an array of plain numbers."""
    if isinstance(outputs, list):
        return np.array([plain(output) for output in outputs])
    return np.asarray(outputs._data if isinstance(outputs, Node) else outputs)


@contextmanager
def mode(model: Any, *, training: bool) -> Iterator[None]:
    """Within it a model trains or is evaluated; afterwards each part is as it was."""
    modules = list(model.modules()) if isinstance(model, Module) else []
    modes = [module.training for module in modules]
    for module in modules:
        module.training = training
    try:
        yield
    finally:
        for module, was_training in zip(modules, modes, strict=True):
            module.training = was_training


def first_numbers(model: Any) -> Any:
    """A model's first Value or Tensor, frozen or not, which tells its twin and its precision."""
    if isinstance(model, Module):
        return next((leaf for _, leaf in model.named_numbers() if isinstance(leaf, Node)), None)
    if not hasattr(model, "parameters"):
        raise TypeError(
            f"a model has parameters(), which tell its twin, but {model!r} has none; derive it "
            "from nn.Module"
        )
    return next(iter(model.parameters()), None)


def dtype_of(parameter: Any) -> Any:
    """The precision of a parameter; a Value is a float64."""
    return parameter.dtype if isinstance(parameter, Tensor) else np.dtype(np.float64)
