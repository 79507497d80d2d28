"""Reading: numbers as a page shows them, rounded for the eye, exact for whoever checks.

The page computes nothing. Whatever it shows was written here, once, from the engine's numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..figures import lines_of, magnitude, number

Sign = Literal["positive", "negative", "zero", "mixed", "nan"]


@dataclass(frozen=True)
class Reading:
    """The lines that stand for a number or an array; `exact` has all digits of a single one."""

    lines: tuple[str, ...] = ()
    exact: str | None = None

    @property
    def text(self) -> str:
        """The lines as one."""
        return "; ".join(self.lines)


NOTHING = Reading()


def read(data: Any) -> Reading:
    """A float or an array.

    >>> from twingrad.viz.stepping.reading import read
    >>> read(0.1 + 0.2)
    Reading(lines=('0.3000',), exact='0.30000000000000004')
    """
    single = np.size(data) == 1
    return Reading(lines_of(data), repr(float(np.ravel(data)[0])) if single else None)


def read_together(numbers: Sequence[Any]) -> Reading:
    """The numbers of several nodes: how many, their range and their mean, for they are not one."""
    if not numbers:
        return NOTHING
    everything = flat(numbers)
    if everything.size == 1:
        return read(everything[0])
    finite = everything[np.isfinite(everything)]
    lines = [f"{everything.size:,} numbers"]
    if finite.size:
        low, high = finite.min(), finite.max()
        if low == high:
            lines.append(f"all {number(low)}" if finite.size == everything.size else number(low))
        else:
            with np.errstate(over="ignore"):
                lines += [f"{number(low)} … {number(high)}", f"mean {number(finite.mean())}"]
    lines += [
        f"{count:,} {name}"
        for name, count in (
            ("nan", np.isnan(everything).sum()),
            ("inf", np.isinf(everything).sum()),
        )
        if count
    ]
    return Reading(tuple(lines))


def sign_of(numbers: Sequence[Any]) -> Sign:
    """The sign that all of them have; "mixed" where some are positive and some negative."""
    everything = flat(numbers)
    if np.isnan(everything).any():
        return "nan"
    positive, negative = bool((everything > 0).any()), bool((everything < 0).any())
    if positive and negative:
        return "mixed"
    return "positive" if positive else "negative" if negative else "zero"


def size_of(numbers: Sequence[Any]) -> float:
    """The root mean square of the finite ones; infinite where one is."""
    everything = flat(numbers)
    return math.inf if np.isinf(everything).any() else magnitude(everything)


def flat(numbers: Sequence[Any]) -> np.ndarray:
    """All the numbers of floats or of arrays in a row."""
    if isinstance(numbers[0], float):
        return np.array(numbers)
    return np.concatenate([np.ravel(data) for data in numbers])
