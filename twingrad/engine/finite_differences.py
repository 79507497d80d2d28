"""Derivatives from the function's values alone: the oracle that knows nothing of any rule.

Central differences at a falling sequence of steps, each extrapolated once (Richardson), keeping
the pair that agrees best (Ridders 1982, Advances in Engineering Software 4(2), 75-76).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

ROUNDINGS = 8.0
"""How many units in the last place of its size a value of the function is taken to be off by."""


class Slope(NamedTuple):
    """A derivative by finite differences, and the absolute error that is to be expected of it."""

    slope: float
    error: float


def slope(
    f: Callable[[float], float], x: float, precision: float, size: float, eps: float | None = None
) -> Slope:
    """The derivative at x of a function of one number computed to a relative precision.

    `size` is that of the numbers on the way to f, which may cancel in f itself but leave their
    rounding there. With `eps`, one central difference of that step; without, the best of several.
    """
    scale = max(1.0, abs(x))
    if eps is not None:
        above, below = f(x + eps), f(x - eps)
        largest = max(size, abs(above), abs(below))
        truncation = (eps / scale) ** 2 * max(1.0, largest) / scale
        rounding = ROUNDINGS * precision * largest / eps
        return Slope((above - below) / (2.0 * eps), rounding + truncation)
    best, least_change = Slope(float("nan"), 0.0), float("inf")
    previous = float("nan")
    for step in 4.0 * precision**0.2 * scale / 8.0 ** np.arange(12):
        values = [f(x + k * float(step)) for k in (-2, -1, 1, 2)]
        near, far = (values[2] - values[1]) / 2.0, (values[3] - values[0]) / 4.0
        found = (4.0 * near - far) / (3.0 * float(step))
        change = abs(found - previous)
        largest = max(size, *map(abs, values))
        rounding = ROUNDINGS * precision * largest / float(step)
        if change <= least_change:
            # What two steps differ by is the error of the longer one, unless f is not smooth.
            smooth = 16.0 * (float(step) / scale) ** 4 * max(1.0, largest) / scale
            best, least_change = Slope(found, rounding + min(change, smooth)), change
        if change <= rounding:  # smaller steps would only add rounding
            break
        previous = found
    return best
