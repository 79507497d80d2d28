"""What takes part in a comparison: something that builds a step once, to be taken many times.

A side names no peer before it is made, so that a peer that is missing is missed by its own side
alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Step = Callable[[], float | None]
"""One step of the work; it returns the loss it started from, where it has one."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison: `make` builds its step, or what it measures itself.

    The sides that are `alike` start from the same numbers and do the same, and have to reach the
    same loss before anything is timed. A step whose own result is only a part of that loss may
    have an attribute `loss`, a function that gives all of it.
    """

    make: Callable[[], "Step | Measured"]
    alike: bool = True


@dataclass(frozen=True)
class Measured:
    """What is no step that can be repeated, and measures itself: `measure` gives numbers by name.

    `warm_up`: whether it runs once, unmeasured, before the first round.
    """

    measure: Callable[[], dict[str, Any]]
    warm_up: bool = True
