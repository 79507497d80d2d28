"""Slopes of a large array along random directions, and by halves where those are wrong.

A large array is not worth two evaluations for each of its elements. One random direction through
all of them tells whether any is wrong, and halving it tells which: so does HIPS/autograd's
checker in its first half.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..finite_differences import extrapolated

if TYPE_CHECKING:
    from .readings import Claims, Reading

SUSPICIOUS = 1e-5
"""Float32 gradients along a direction are better than this, though each for itself is not."""


def by_directions(claims: "Claims", k: int, rng: np.random.Generator) -> "list[Reading]":
    """What two directions through an operand say, and the elements where they are wrong."""
    x = np.asarray(claims.numbers[k])
    # No two elements move alike, or mistakes in both could cancel.
    reach = rng.uniform(0.5, 1.5, x.shape) * np.maximum(1.0, np.abs(x)) / np.sqrt(x.size)
    signs = rng.choice([-1.0, 1.0], x.shape)
    uphill = np.where(np.asarray(claims.slopes[k]) < 0.0, -1.0, 1.0)
    directions = [reach * signs, reach * uphill]
    found = [over(claims, k, direction) for direction in directions]
    found.append(claims.at(k, unravelled(np.argmax(np.abs(claims.slopes[k])), x.shape)))
    wrong = [
        (reading, direction)
        for reading, direction in zip(found, directions, strict=False)
        if reading.error > claims.settings.rtol
    ]
    if wrong:
        found += _halved(claims, k, *max(wrong, key=lambda pair: pair[0].error))
        return found
    if claims.doubled is not None:
        found += _searched(claims.doubled, k, directions)
    if any(reading.corner for reading in found):  # a kink along the whole may hide a mistake
        found += claims.sample(k, rng)
    return found


def over(claims: "Claims", k: int, direction: Any) -> "Reading":
    """The slope of all elements of an operand at once, each moved by its own amount."""
    claimed = _claimed(claims, k, direction)
    found = claims.read(_across(claims, k, direction), 0.0, claimed, k, None)
    return claims.finer(found, lambda finer: over(finer, k, direction))


def _searched(claims: "Claims", k: int, directions: list[Any]) -> "list[Reading]":
    """Elements that may be wrong although the direction passes.

    A column of a hundred that gets no gradient is lost in float32's tolerance of a sum.
    Where a direction is off by more than rounding, elements are looked at, and they decide.
    """
    strict = replace(claims, settings=claims.settings._replace(rtol=SUSPICIOUS))
    readings = [over(strict, k, direction) for direction in directions]
    pairs = zip(readings, directions, strict=True)
    worst, direction = max(pairs, key=lambda pair: pair[0].error)
    return _halved(claims, k, worst, direction) if worst.error > SUSPICIOUS else []


def _halved(claims: "Claims", k: int, whole: "Reading", direction: Any) -> "list[Reading]":
    """The elements in which a direction goes wrong, found by halving it again and again."""
    low, high = 0, direction.size
    gap = whole.backward - whole.measured.slope
    while high - low > 8:
        middle = (low + high) // 2
        part = np.zeros(direction.size)
        part[low:middle] = direction.flat[low:middle]
        of_left = _gap(claims, k, part.reshape(direction.shape), whole.measured.step)
        of_right = gap - of_left
        go_right = abs(of_left) < abs(of_right) or np.isfinite(of_left) > np.isfinite(gap)
        low, high = (middle, high) if go_right else (low, middle)
        gap = of_right if go_right else of_left
    return [claims.at(k, unravelled(i, direction.shape)) for i in range(low, high)]


def _across(claims: "Claims", k: int, direction: Any) -> Callable[[float], float]:
    start = np.asarray(claims.numbers[k])

    def along(t: float) -> float:
        moved = list(claims.numbers)
        moved[k] = (start + t * direction).astype(start.dtype, copy=False)
        return claims.f(moved)

    return along


def _claimed(claims: "Claims", k: int, direction: Any) -> float:
    return float(np.sum(np.asarray(claims.slopes[k], dtype=np.float64) * direction))


def _gap(claims: "Claims", k: int, direction: Any, step: float) -> float:
    """What is claimed less what is measured with a step that has proved good."""
    measured = extrapolated(_across(claims, k, direction), 0.0, step)[0]
    return _claimed(claims, k, direction) - measured


def unravelled(position: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of an element from its place in the flat array."""
    return tuple(int(i) for i in np.unravel_index(position, shape))
