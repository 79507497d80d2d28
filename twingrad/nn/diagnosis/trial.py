"""Trial: what the optimizer's next step would do, were it shorter or longer, and what of its curve.

It is the experiment that a teacher would make: if a tenth of the step lowers the loss and the
whole step raises it, the learning rate is too high.
"""

from copy import copy
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import Value
from ..optimizer import Optimizer
from .again import Again
from .look import Look

Array = npt.NDArray[Any]

LONGEST = 1e9


class Trial:
    """A step of an optimizer, tried at whatever length it is asked for; `start` is the loss before.

    `rate` is the learning rate, `step` what the optimizer would add to `begin`, the parameters.
    """

    def __init__(
        self, again: Again, seen: Look, begin: list[Array], step: list[Array], rate: float
    ) -> None:
        self._again, self._seen, self._begin, self._step = again, seen, begin, step
        self.start, self.rate = seen.loss, rate
        self._losses: dict[float, float] = {}

    def after(self, length: float) -> float:
        """The loss on the sample after a step of `length` times the optimizer's own."""
        if length not in self._losses:
            with np.errstate(all="ignore"):
                moved = [
                    (x + length * step).astype(x.dtype)
                    for x, step in zip(self._begin, self._step, strict=True)
                ]
            self._losses[length] = self._again(moved).loss
        return self._losses[length]

    def gain(self, length: float) -> float:
        """By how much of itself the loss falls by a step of this length; below 0 if it rises."""
        after = self.after(length)
        if not np.isfinite(after):
            return -np.inf
        return (self.start - after) / abs(self.start) if self.start else 0.0

    @cached_property
    def longest(self) -> float:
        """The length, ten times the one before, at which the loss falls the most; at least 10."""
        length, best = 10.0, 10.0
        while length < LONGEST and (self.gain(10.0 * length) > self.gain(best) or length < 1e5):
            length *= 10.0
            if self.gain(length) > self.gain(best):
                best = length
        return best

    @cached_property
    def curvature(self) -> float:
        """That of the loss along its gradient, gᵀHg/gᵀg."""
        return curvature(self._again, self._seen, self._begin)


def trial(
    again: Again, optimizer: Optimizer, seen: Look, weights: list[Array] | None, rate: float
) -> Trial | None:
    """Try steps by a copy of the optimizer's state, or, from `weights`, by a fresh one.

    None where that cannot be.
    """
    parameters = list(again.model.parameters())
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
    return Trial(again, seen, begin, [scale * step for step in steps], rate)


def _step(optimizer: Optimizer, i: int, x: Array, grad: Any, fresh: bool) -> Array:
    """What the optimizer would add to its parameter i, by its state or by none yet."""
    state = {
        name: np.zeros_like(x) if fresh else copy(numbers)
        for name, numbers in optimizer.state[i].items()
    }
    moved = _moved(optimizer, i, x, grad, state, 1 if fresh else optimizer.steps[i] + 1)
    return np.asarray(moved, np.float64) - np.asarray(x, np.float64)


def _moved(
    optimizer: Optimizer, i: int, x: Array, grad: Any, state: dict[str, Any], count: int
) -> Array:
    """Its parameter i after an update by a state, which changes."""
    scalar = isinstance(optimizer.parameters[i], Value)
    for name, numbers in state.items():
        state[name] = float(numbers) if scalar else numbers
    given = float(x) if scalar else x.copy()
    with np.errstate(all="ignore"):
        moved = optimizer.update(given, float(grad) if scalar else grad.copy(), state, count)
    return np.asarray(moved, x.dtype)


def walked(again: Again, optimizer: Optimizer, count: int) -> float:
    """The loss on the sample after steps by its whole gradient, from here; nan if they cannot be.

    The optimizer takes them with a copy of its state, at its present rate.
    """
    known = {parameter: i for i, parameter in enumerate(optimizer.parameters)}
    places = [known.get(parameter) for parameter in again.model.parameters()]
    weights = [np.array(p._data) for p in again.model.parameters()]
    states = [{k: copy(v) for k, v in state.items()} for state in optimizer.state]
    for taken in range(1, count + 1):
        seen = again(weights)
        for k, (i, grad) in enumerate(zip(places, seen.gradients, strict=True)):
            if grad is None or i is None:
                continue
            try:
                step = optimizer.steps[i] + taken
                weights[k] = _moved(optimizer, i, weights[k], grad, states[i], step)
            except Exception:
                return float("nan")  # an update of the user's own that needs more
    return again(weights).loss


@np.errstate(all="ignore")
def curvature(again: Again, seen: Look, begin: list[Array]) -> float:
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
        ends.append(again(moved).vector)
    return float((ends[0] - ends[1]) @ gradient) / (2.0 * step * length**2)
