"""Claimed slopes held against finite differences: element by element, or along directions.

A large array is not worth two evaluations for each of its elements. One random direction through
all of them tells whether any is wrong, and halving it tells which: so does HIPS/autograd's
checker in its first half.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..finite_differences import Corner, Slope, corner, extrapolated, longest_step, slope

FEW = 400
"""How many elements of an array are looked at one by one; a larger one is by directions."""

SAMPLE = 12
"""How many elements of a large array are looked at by themselves where something is amiss."""


class Settings(NamedTuple):
    """How good the numbers are, and how good the slopes must be."""

    precision: float
    eps: float | None
    rtol: float


@dataclass(frozen=True)
class Reading:
    """A slope that was claimed beside the one that was measured; no index means a direction."""

    operand: int
    index: tuple[int, ...] | None
    backward: float
    measured: Slope
    error: float
    corner: Corner | None = None
    unfit_eps: str = ""

    @property
    def where(self) -> str:
        """The element, to put after the name of the operand: ", element (1, 0)"."""
        if self.index is None:
            return ", along a random direction"
        return at(self.index)


@dataclass
class Claims:
    """A function of several numbers or arrays, and the slopes that are claimed for it.

    `slopes` has None for what is not differentiated. `size` is what rounding on the way to the
    function's value is measured by.
    """

    f: Callable[[Sequence[Any]], float]
    numbers: Sequence[Any]
    slopes: Sequence[Any]
    settings: Settings
    size: float = 0.0

    def __post_init__(self) -> None:
        if not self.size:
            known = zip(self.numbers, self.slopes, strict=True)
            self.size = size_of(
                [(reached(x), claimed) for x, claimed in known if claimed is not None]
            )

    def readings(self, rng: np.random.Generator) -> list[Reading]:
        """Every element of what is small; of what is large directions, and whatever is wrong."""
        found: list[Reading] = []
        for k, claimed in enumerate(self.slopes):
            if claimed is None:
                continue
            count = np.size(self.numbers[k])
            if count <= FEW:
                found += [self.at(k, index) for index in np.ndindex(np.shape(self.numbers[k]))]
            else:
                found += self._by_directions(k, rng)
        return found

    def sample(
        self, k: int, rng: np.random.Generator, also: tuple[int, ...] | None = None
    ) -> list[Reading]:
        """Some elements of an operand, one that is asked for too; all of it, if it is small."""
        shape, count = np.shape(self.numbers[k]), np.size(self.numbers[k])
        if count <= FEW:
            return [self.at(k, index) for index in np.ndindex(shape)]
        chosen = rng.choice(count, SAMPLE, replace=False)
        indices = [_unravelled(i, shape) for i in np.sort(chosen)]
        if also is not None and also not in indices:
            indices.append(also)
        return [self.at(k, index) for index in indices]

    def at(self, k: int, index: tuple[int, ...]) -> Reading:
        """The slope in one element of one operand."""
        x = float(np.asarray(self.numbers[k])[index])
        claimed = float(np.asarray(self.slopes[k])[index])
        return self._read(self.along(k, index), x, claimed, k, index)

    def along(self, k: int, index: tuple[int, ...]) -> Callable[[float], float]:
        """The function of one element of one operand."""

        def of_element(x: float) -> float:
            moved = list(self.numbers)
            if isinstance(self.numbers[k], np.ndarray):
                moved[k] = self.numbers[k].copy()
                moved[k][index] = x
            else:
                moved[k] = x
            return self.f(moved)

        return of_element

    def over(self, k: int, direction: Any) -> Reading:
        """The slope of all elements of an operand at once, each moved by its own amount."""
        return self._read(self._across(k, direction), 0.0, self._claimed(k, direction), k, None)

    def _across(self, k: int, direction: Any) -> Callable[[float], float]:
        start = np.asarray(self.numbers[k])

        def along(t: float) -> float:
            moved = list(self.numbers)
            moved[k] = (start + t * direction).astype(start.dtype, copy=False)
            return self.f(moved)

        return along

    def _claimed(self, k: int, direction: Any) -> float:
        return float(np.sum(np.asarray(self.slopes[k], dtype=np.float64) * direction))

    def _gap(self, k: int, direction: Any, step: float) -> float:
        """What is claimed less what is measured with a step that has proved good."""
        return self._claimed(k, direction) - extrapolated(self._across(k, direction), 0.0, step)[0]

    def _by_directions(self, k: int, rng: np.random.Generator) -> list[Reading]:
        x = np.asarray(self.numbers[k])
        # No two elements move alike, or mistakes in both could cancel.
        reach = rng.uniform(0.5, 1.5, x.shape) * np.maximum(1.0, np.abs(x)) / np.sqrt(x.size)
        signs = rng.choice([-1.0, 1.0], x.shape)
        uphill = np.where(np.asarray(self.slopes[k]) < 0.0, -1.0, 1.0)
        directions = [reach * signs, reach * uphill]
        found = [self.over(k, direction) for direction in directions]
        found.append(self.at(k, _unravelled(np.argmax(np.abs(self.slopes[k])), x.shape)))
        wrong = [
            (reading, direction)
            for reading, direction in zip(found, directions, strict=False)
            if reading.error > self.settings.rtol
        ]
        if wrong:
            found += self._halved(k, *max(wrong, key=lambda pair: pair[0].error))
        elif any(reading.corner for reading in found):  # a kink along the whole may hide a mistake
            found += self.sample(k, rng)
        return found

    def _halved(self, k: int, whole: Reading, direction: Any) -> list[Reading]:
        """The elements in which a direction goes wrong, found by halving it again and again."""
        low, high = 0, direction.size
        gap = whole.backward - whole.measured.slope
        while high - low > 8:
            middle = (low + high) // 2
            part = np.zeros(direction.size)
            part[low:middle] = direction.flat[low:middle]
            of_left = self._gap(k, part.reshape(direction.shape), whole.measured.step)
            of_right = gap - of_left
            go_right = abs(of_left) < abs(of_right) or np.isfinite(of_left) > np.isfinite(gap)
            low, high = (middle, high) if go_right else (low, middle)
            gap = of_right if go_right else of_left
        return [self.at(k, _unravelled(i, direction.shape)) for i in range(low, high)]

    def _read(
        self,
        along: Callable[[float], float],
        x: float,
        claimed: float,
        k: int,
        index: tuple[int, ...] | None,
    ) -> Reading:
        precision, eps, rtol = self.settings
        measured = slope(along, x, precision, self.size, eps)
        found = Reading(k, index, claimed, measured, self._error(claimed, measured))
        by_floor_alone = abs(claimed - measured.slope) > rtol * (abs(claimed) + abs(measured.slope))
        if eps is not None and (found.error > rtol or by_floor_alone):
            found = self._by_a_better_step(found, slope(along, x, precision, self.size))
        if found.error > rtol:
            sides = corner(along, x, precision, self.size)
            found = replace(found, corner=sides)
            if sides is not None and sides.has_between(claimed):
                found = replace(found, error=0.0)
        return found

    def _by_a_better_step(self, found: Reading, better: Slope) -> Reading:
        """The reading by a chosen step, where the step that was asked for tells less."""
        claimed, eps = found.backward, found.measured.step
        if not better.error < found.measured.error:
            return found
        told = replace(found, measured=better, error=self._error(claimed, better))
        visible = abs(claimed) + abs(better.slope) > better.error / self.settings.rtol
        hidden = found.error <= self.settings.rtol
        differ = (found.error > self.settings.rtol) != (told.error > self.settings.rtol)
        if not visible or not (differ or hidden):
            return found if not differ else told
        size = "small" if eps < better.step else "large"
        return replace(told, unfit_eps=f"eps={eps:g} is too {size} here")

    def _error(self, claimed: float, measured: Slope) -> float:
        gap = abs(claimed - measured.slope)
        if gap == 0.0:
            return 0.0
        floor = measured.error / self.settings.rtol
        error = gap / max(abs(claimed) + abs(measured.slope), floor)
        return float("inf") if np.isnan(error) else error


def worst_of(readings: Sequence[Reading], rtol: float) -> Reading | None:
    """The reading that is most wrong: an element, unless only directions are wrong."""

    def order(reading: Reading) -> tuple[bool, float]:
        return reading.index is not None and reading.error > rtol, reading.error

    return max(readings, key=order, default=None)


def at(index: tuple[int, ...]) -> str:
    """An element, to put after the name of its array: ", element 3"."""
    return f", element {index if len(index) > 1 else index[0]}" if index else ""


def reached(x: Any) -> Any:
    """How large numbers are, at least for a step away from them."""
    array = np.abs(np.asarray(x))
    return array + longest_step(float(np.finfo(array.dtype).eps)) * np.maximum(1.0, array)


def size_of(pairs: Sequence[tuple[Any, Any]]) -> float:
    """The size of a computation for its rounding: what each number weighs in the result."""
    with np.errstate(all="ignore"):
        weighs = [np.sum(np.abs(np.multiply(number, gradient))) for number, gradient in pairs]
    return float(sum(weight for weight in weighs if np.isfinite(weight)))


def weights_of(results: Sequence[Any]) -> list[Any]:
    """Fixed weights that no two elements share, to weigh several results into one number."""
    shapes = [np.shape(y) for y in results]
    if shapes == [()]:
        return [1.0]
    rng = np.random.default_rng(0)
    return [rng.uniform(0.5, 1.5, shape if shape else None) for shape in shapes]


def weighed(results: Sequence[Any], weights: Sequence[Any]) -> float:
    """Several results as one number."""
    numbers = [np.asarray(getattr(y, "_data", y)) for y in results]
    return float(sum(np.sum(w * y) for w, y in zip(weights, numbers, strict=True)))


def _unravelled(position: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(position, shape))
