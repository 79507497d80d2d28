"""How well a model does, from that of the best constant answer to perfect, whatever its loss.

A loss of 0.7 says little by itself; that a constant has 0.69 says all.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import Tensor, Value, no_grad

Array = npt.NDArray[Any]
Loss = Callable[[Any, Any], Any]


def trivial_loss(loss: Loss, y: Array, shape: tuple[int, ...], is_scalar: bool) -> float:
    """The loss of the best constant answer, for outputs of a shape; nan where none is known."""
    losses = [
        loss_of(loss, np.broadcast_to(constant, shape), y, is_scalar)
        for constant in _constants(y, shape[1:])
    ]
    finite = [number for number in losses if np.isfinite(number)]
    return min(finite) if finite else float("nan")


def _constants(y: Array, width: tuple[int, ...]) -> list[Array]:
    """Answers that are best for one loss or another: mean, median, logits of shares."""
    found = [np.zeros(width)]
    if y.shape[1:] == width:
        mean = y.mean(axis=0)
        found += [mean, np.median(y, axis=0)]
        if (y >= 0).all() and (y <= 1).all():
            inside = np.clip(mean, 1e-6, 1.0 - 1e-6)
            found += [np.log(inside / (1.0 - inside)), np.log(inside)]
    elif len(width) == 1 and y.ndim == 1 and y.dtype.kind in "biu":
        shares = np.bincount(y.astype(int), minlength=width[0])[: width[0]] / len(y)
        found.append(np.log(np.clip(shares, 1e-6, 1.0)))
    return found


def loss_of(loss: Loss, outputs: Array, y: Array, is_scalar: bool) -> float:
    """A loss of plain outputs, for either twin; nan where it refuses them."""
    try:
        with no_grad():
            total = loss(_values_of(outputs) if is_scalar else Tensor(outputs), y)
    except Exception:
        return float("nan")  # what this loss refuses is no answer
    return float(total)


def _values_of(outputs: Array) -> Any:
    if outputs.ndim:
        return [_values_of(row) for row in outputs]
    return Value(float(outputs))


def score_of(
    outputs: Array, y: Array, classes: Array | None, of_logits: bool = False
) -> float | None:
    """R² of numbers, or for `classes`, from the share of the largest one, 0, to all right, 1.

    A single output says the upper class above 0 if classes begin below it, or if it is a logit,
    and else above 0.5. None where outputs and targets cannot be compared.
    """
    if not np.isfinite(outputs).all():
        return None
    if classes is None:
        if outputs.size != y.size:
            return None
        errors = outputs.reshape(len(y), -1) - y.reshape(len(y), -1)
        spread = float(np.var(y.reshape(len(y), -1), axis=0).sum())
        return 1.0 - float(np.mean(errors**2, axis=0).sum()) / spread if spread else None
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        right = float(np.mean(outputs.argmax(axis=1) == classes))
    else:
        cut = 0.0 if of_logits or classes.min() < 0 else 0.5
        right = float(np.mean((outputs.reshape(-1) > cut) == (classes > 0)))
    most = float(np.unique(classes, return_counts=True)[1].max() / len(classes))
    return (right - most) / (1.0 - most) if most < 1.0 else None
