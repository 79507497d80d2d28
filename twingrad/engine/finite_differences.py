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
    """A derivative by finite differences, the absolute error to be expected of it, its step."""

    slope: float
    error: float
    step: float


class Corner(NamedTuple):
    """The two slopes of a function where it has a kink."""

    left: float
    right: float
    error: float

    def has_between(self, slope: float) -> bool:
        """Whether a slope is one of the two or lies between them: a subgradient, if f is convex."""
        low, high = sorted((self.left, self.right))
        return low - self.error <= slope <= high + self.error


def slope(
    f: Callable[[float], float],
    x: float,
    precision: float,
    size: float,
    eps: float | None = None,
    scale: float | None = None,
) -> Slope:
    """The derivative at x of a function of one number computed to a relative precision.

    `size` is that of the numbers on the way to f, which may cancel in f itself but leave their
    rounding there. With `eps`, one central difference of that step; without, the best of several,
    the longest in proportion to `scale`, by default |x|, at least 1.
    """
    scale = max(1.0, abs(x)) if scale is None else scale
    if eps is not None:
        above, below = f(x + eps), f(x - eps)
        largest = max(size, abs(above), abs(below))
        truncation = (eps / scale) ** 2 * max(1.0, largest) / scale
        rounding = ROUNDINGS * precision * largest / eps
        return Slope((above - below) / (2.0 * eps), rounding + truncation, eps)
    best, least_change = Slope(float("nan"), 0.0, 0.0), float("inf")
    previous = float("nan")
    for step in _steps(scale, precision, 12):
        found, height = extrapolated(f, x, step)
        change = abs(found - previous)
        largest = max(size, height)
        rounding = ROUNDINGS * precision * largest / step
        if change <= least_change:
            # What two steps differ by is the error of the longer one, unless f is not smooth.
            smooth = 16.0 * (step / scale) ** 4 * max(1.0, largest) / scale
            best, least_change = Slope(found, rounding + min(change, smooth), step), change
        if change <= rounding:  # smaller steps would only add rounding
            break
        previous = found
    return best


def extrapolated(f: Callable[[float], float], x: float, step: float) -> tuple[float, float]:
    """The derivative from differences of two steps, and the largest |f| on the way."""
    values = [f(x + k * step) for k in (-2, -1, 1, 2)]
    near, far = (values[2] - values[1]) / 2.0, (values[3] - values[0]) / 4.0
    return (4.0 * near - far) / (3.0 * step), max(map(abs, values))


def corner(f: Callable[[float], float], x: float, precision: float, size: float) -> Corner | None:
    """The slopes from the left and from the right, if f has a kink at x or too near to tell.

    Where f is smooth, what the two differ by shrinks with the step; at a kink it does not.
    """
    alike: list[Corner] = []
    middle = f(x)
    for step in _steps(max(1.0, abs(x)), precision, 8):
        left, right = (
            (4.0 * f(x + h) - 3.0 * middle - f(x + 2.0 * h)) / (2.0 * h) for h in (-step, step)
        )
        rounding = 4.0 * ROUNDINGS * precision * max(size, abs(middle)) / step
        bend = right - left
        if not abs(bend) > 10.0 * rounding:
            return None
        if alike and abs(bend - (alike[-1].right - alike[-1].left)) > 0.01 * abs(bend):
            alike = []
        alike.append(Corner(left, right, rounding + 0.01 * abs(bend)))
        if len(alike) == 3:
            return alike[-1]
    return None


def jump(f: Callable[[float], float], x: float, precision: float, size: float) -> float | None:
    """By how much f leaps at x, if it does: then no step is short enough for a slope."""
    heights = []
    for step in _steps(max(1.0, abs(x)), precision, 3):
        below, above = f(x - step), f(x + step)
        heights.append(above - below)
        if not abs(heights[-1]) > 100.0 * ROUNDINGS * precision * max(size, abs(above), abs(below)):
            return None
    return heights[-1] if abs(heights[-1] - heights[0]) <= 0.2 * abs(heights[-1]) else None


def longest_step(precision: float) -> float:
    """The step that is tried first at a number of size 1."""
    return float(4.0 * precision**0.2)


def _steps(scale: float, precision: float, count: int) -> list[float]:
    return [float(step) for step in longest_step(precision) * scale / 8.0 ** np.arange(count)]
