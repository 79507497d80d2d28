"""Derivatives from the function's values alone: the oracle that knows nothing of any rule.

Central differences at a falling sequence of steps, each extrapolated once (Richardson), keeping
the pair that agrees best (Ridders 1982, Advances in Engineering Software 4(2), 75-76).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

ROUNDINGS = 8.0
"""How many units in the last place a value of the function is taken to be off by."""


class Slope(NamedTuple):
    """A derivative by finite differences, and the absolute error that is to be expected of it."""

    slope: float
    error: float


def slope(
    f: Callable[[float], float], x: float, precision: float, eps: float | None = None
) -> Slope:
    """The derivative at x of a function whose values have a relative precision.

    With `eps`, one central difference of that step; without, the best of several steps.
    """
    if eps is not None:
        return _central(f, x, eps, precision)
    best, least_change = Slope(float("nan"), 0.0), float("inf")
    previous = float("nan")
    for step in 4.0 * precision**0.2 * max(1.0, abs(x)) / 8.0 ** np.arange(8):
        found = _extrapolated(f, x, float(step), precision)
        change = abs(found.slope - previous)
        if change <= least_change:
            best, least_change = found, change
        if change <= found.error:  # smaller steps would only add rounding
            break
        previous = found.slope
    return best


def _central(f: Callable[[float], float], x: float, step: float, precision: float) -> Slope:
    above, below = f(x + step), f(x - step)
    rounding = _rounding(max(abs(above), abs(below)), step, precision)
    return Slope((above - below) / (2.0 * step), rounding + step**2)


def _extrapolated(f: Callable[[float], float], x: float, step: float, precision: float) -> Slope:
    values = [f(x + k * step) for k in (-2, -1, 1, 2)]
    near, far = (values[2] - values[1]) / 2.0, (values[3] - values[0]) / 4.0
    rounding = _rounding(max(map(abs, values)), step, precision)
    return Slope((4.0 * near - far) / (3.0 * step), rounding + 16.0 * step**4)


def _rounding(size: float, step: float, precision: float) -> float:
    """What rounding of f adds to a slope; numbers of order 1 may have cancelled on the way to f."""
    return ROUNDINGS * precision * max(1.0, size) / step
