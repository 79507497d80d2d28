"""Claimed slopes held against finite differences, element by element.

A reading is one of them, with the error of what was measured: only what is off by more counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..finite_differences import ROUNDINGS, Corner, Slope, corner, slope
from .directions import by_directions, unravelled
from .weights import reached, size_of

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
                found += by_directions(self, k, rng)
        return found

    def sample(
        self, k: int, rng: np.random.Generator, also: tuple[int, ...] | None = None
    ) -> list[Reading]:
        """Some elements of an operand, one that is asked for too; all of it, if it is small."""
        shape, count = np.shape(self.numbers[k]), np.size(self.numbers[k])
        if count <= FEW:
            return [self.at(k, index) for index in np.ndindex(shape)]
        chosen = rng.choice(count, SAMPLE, replace=False)
        indices = [unravelled(i, shape) for i in np.sort(chosen)]
        if also is not None and also not in indices:
            indices.append(also)
        return [self.at(k, index) for index in indices]

    def at(self, k: int, index: tuple[int, ...]) -> Reading:
        """The slope in one element of one operand."""
        x = float(np.asarray(self.numbers[k])[index])
        claimed = float(np.asarray(self.slopes[k])[index])
        along = self.along(k, index)
        found = self.read(along, x, claimed, k, index)
        if found.error > self.settings.rtol and 0.0 < abs(x) < 1.0:
            found = self._closer(found, along, x)
        return self.finer(found, lambda finer: finer.at(k, index))

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

    @cached_property
    def doubled(self) -> "Claims | None":
        """The same slopes, to be measured in float64; None if they are, or if f is not f there."""
        finest = float(np.finfo(np.float64).eps)
        if self.settings.precision <= finest:
            return None
        numbers = [x if isinstance(x, float) else np.asarray(x, np.float64) for x in self.numbers]
        settings = self.settings._replace(precision=finest, eps=None)
        try:
            here, there = self.f(self.numbers), self.f(numbers)
        except (TypeError, ValueError):  # a function may insist on its dtype
            return None
        resolved = ROUNDINGS * self.settings.precision * max(self.size, abs(here))
        return (
            replace(self, numbers=numbers, settings=settings)
            if abs(here - there) <= resolved
            else None
        )

    def finer(self, found: Reading, again: "Callable[[Claims], Reading]") -> Reading:
        """A reading in float64 where that acquits: rounding in float32 may hide a slope."""
        if not found.error > self.settings.rtol or self.doubled is None:
            return found
        told = again(self.doubled)
        return told if told.error <= self.settings.rtol else found

    def _closer(self, found: Reading, along: Callable[[float], float], x: float) -> Reading:
        """A reading by steps in proportion to x where that acquits: close to 0, 1 is far away."""
        near = slope(along, x, self.settings.precision, 0.0, scale=abs(x))
        gap, sum_of_both = abs(found.backward - near.slope), abs(found.backward) + abs(near.slope)
        if gap <= self.settings.rtol * sum_of_both and near.error <= 1e-3 * sum_of_both:
            return replace(found, measured=near, error=gap / sum_of_both, corner=None)
        return found

    def read(
        self,
        along: Callable[[float], float],
        x: float,
        claimed: float,
        k: int,
        index: tuple[int, ...] | None,
    ) -> Reading:
        """A slope along some way, and whether it is the one claimed."""
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
