"""A model's outputs for samples, whichever twin it is made of, as nodes or as plain numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import Node, Tensor, Value, no_grad

Array = npt.NDArray[Any]


def predict(model: Any, X: Any) -> Array:
    """A model's outputs for samples as a plain array, in evaluation mode, remembering nothing.

    >>> from twingrad import nn
    >>> nn.predict(nn.MLP(2, [3, 1], rng=0), [[0.0, 1.0], [1.0, 0.0]]).shape
    (2,)
    """
    parameters = model.parameters()
    inputs = np.asarray(X, dtype=dtype_of(parameters[0]) if parameters else None)
    was_training = getattr(model, "training", True)
    set_mode(model, False)
    try:
        with no_grad():
            return plain(respond(model, inputs))
    finally:
        set_mode(model, was_training)


def respond(model: Any, X: Array) -> Any:
    """A model's outputs: for a model of Values, sample by sample."""
    if isinstance(model.parameters()[0], Value):
        return [model(row) for row in X.tolist()]
    return model(X)


def plain(outputs: Any) -> Array:
    """Outputs as an array of plain numbers."""
    if isinstance(outputs, list):
        return np.array([plain(output) for output in outputs])
    return np.asarray(outputs.data if isinstance(outputs, Node) else outputs)  # type: ignore[attr-defined]


def set_mode(model: Any, training: bool) -> None:
    """Switch a model to training or evaluation, if it knows the difference."""
    if hasattr(model, "train"):
        model.train(training)


def dtype_of(parameter: Any) -> Any:
    """The precision of a parameter; a Value is a float64."""
    return parameter.dtype if isinstance(parameter, Tensor) else np.dtype(np.float64)
