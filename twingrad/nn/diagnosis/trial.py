"""Trial: what the optimizer's next step would do, were it shorter or longer, and what of its curve.

It is the experiment that a teacher would make: if a tenth of the step lowers the loss and the
whole step raises it, the learning rate is too high.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import Value
from ..optimizer import Optimizer
from .look import Look, look

Array = npt.NDArray[Any]

LENGTHS = (-1.0, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4)


@dataclass
class Trial:
    """`losses` after steps of `LENGTHS` times the optimizer's own, on the sample; `start` before.

    `curvature` is that of the loss along the gradient, gᵀHg/gᵀg, and `rate` the learning rate.
    """

    start: float
    losses: dict[float, float]
    curvature: float
    rate: float

    @property
    def best(self) -> float:
        """The length of step that lowers the loss the most; 0.0 if none does."""
        tried = {n: loss for n, loss in self.losses.items() if n > 0 and np.isfinite(loss)}
        length = min(tried, key=lambda n: tried[n], default=0.0)
        return length if length and tried[length] < self.start else 0.0

    def gain(self, length: float) -> float:
        """By how much of itself the loss falls by a step of this length; below 0 if it rises."""
        after = self.losses.get(length, np.nan)
        if not np.isfinite(after):
            return -np.inf
        return (self.start - after) / abs(self.start) if self.start else 0.0


def trial(
    model: Any,
    X: Array,
    y: Array,
    loss: Callable[[Any, Any], Any],
    optimizer: Optimizer,
    seen: Look,
    weights: list[Array] | None,
    rate: float,
) -> Trial | None:
    """Try steps by a copy of the optimizer's state, or, from `weights`, by a fresh one.

    None where that cannot be.
    """
    parameters = list(model.parameters())
    begin = weights or [np.array(p._data) for p in parameters]
    known = {parameter: i for i, parameter in enumerate(optimizer.parameters)}
    places = [known.get(parameter) for parameter in parameters]
    try:
        steps = [
            np.zeros(np.shape(x))
            if grad is None or i is None
            else _step(optimizer, i, x, grad, fresh=weights is not None)
            for x, grad, i in zip(begin, seen.gradients, places, strict=True)
        ]
    except Exception:
        return None  # an update of the user's own that needs more than a fresh state
    scale = rate / optimizer.lr if optimizer.lr and np.isfinite(rate) else 1.0

    def after(length: float) -> float:
        moved = [
            (x + length * scale * step).astype(x.dtype)
            for x, step in zip(begin, steps, strict=True)
        ]
        return look(model, X, y, loss, moved, deep=False).loss

    with np.errstate(all="ignore"):
        losses = {length: after(length) for length in LENGTHS}
        curved = curvature(model, X, y, loss, seen, begin)
    return Trial(seen.loss, losses, curved, rate)


def _step(optimizer: Optimizer, i: int, x: Array, grad: Any, fresh: bool) -> Array:
    """What the optimizer would add to its parameter i, by its state or by none yet."""
    scalar = isinstance(optimizer.parameters[i], Value)
    state: dict[str, Any] = {
        name: (0.0 if scalar else np.zeros_like(x)) if fresh else copy(numbers)
        for name, numbers in optimizer.state[i].items()
    }
    count = 1 if fresh else optimizer.steps[i] + 1
    given = float(x) if scalar else x.copy()
    with np.errstate(all="ignore"):
        moved = optimizer.update(given, float(grad) if scalar else grad.copy(), state, count)
    return np.asarray(moved, np.float64) - np.asarray(x, np.float64)


def curvature(
    model: Any, X: Array, y: Array, loss: Callable[..., Any], seen: Look, begin: list[Array]
) -> float:
    """That of a loss along its gradient, by the gradients at both ends of a short way."""
    gradient = seen.vector
    length = float(np.linalg.norm(gradient))
    size = float(np.sqrt(sum(float(np.sum(np.square(x, dtype=np.float64))) for x in begin)))
    if not length or not np.isfinite(length):
        return float("nan")
    step = 1e-3 * max(size, 1e-3) / length
    ends = []
    for sign in (1.0, -1.0):
        moved = [
            (x if g is None else x + sign * step * np.asarray(g, np.float64)).astype(x.dtype)
            for x, g in zip(begin, seen.gradients, strict=True)
        ]
        ends.append(look(model, X, y, loss, moved, deep=False).vector)
    return float((ends[0] - ends[1]) @ gradient) / (2.0 * step * length**2)
