"""What is held against a suspect: claimed slopes, measured ones, and numbers that may explain them.

A suspect is named only if it fits all of that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .readings import Claims, Reading


@dataclass
class Evidence:
    """Claimed and measured slopes of one operand at some of its elements.

    `quantities` are numbers that a factor may have been forgotten of, each at those elements;
    `lengths` says of a whole number what has that length here.
    """

    claimed: Any
    indices: list[tuple[int, ...]]
    backward: Any
    measured: Any
    blur: Any
    tolerance: float
    quantities: dict[str, Any] = field(default_factory=dict)
    lengths: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        claims: Claims,
        readings: Sequence[Reading],
        k: int,
        quantities: dict[str, Any],
        lengths: dict[int, str],
    ) -> "Evidence":
        """The evidence in readings of single elements of an operand, but for those at kinks."""
        seen = [r for r in readings if r.operand == k and r.index is not None and not r.corner]
        indices = [r.index for r in seen if r.index is not None]
        shape = np.shape(claims.numbers[k])
        fitting = {
            name: np.array([np.broadcast_to(x, shape)[i] for i in indices])
            for name, x in quantities.items()
            if np.shape(x) in (shape, ())
        }
        return cls(
            np.asarray(claims.slopes[k]),
            indices,
            np.array([r.backward for r in seen]),
            np.array([r.measured.slope for r in seen]),
            np.array([r.measured.error for r in seen]),
            20.0 * claims.settings.rtol,
            fitting,
            lengths,
        )

    def agrees(self, backward: Any, measured: Any) -> bool:
        """Whether two are equal everywhere, as well as finite differences can tell."""
        gap = np.abs(backward - measured)
        scale = np.maximum(np.abs(backward), np.abs(measured))
        return bool(np.all(gap <= self.tolerance * scale + 4.0 * self.blur))

    @property
    def wrong(self) -> Any:
        """Which elements disagree."""
        scale = np.maximum(np.abs(self.backward), np.abs(self.measured))
        return np.abs(self.backward - self.measured) > self.tolerance / 20.0 * scale + self.blur

    @property
    def ratios(self) -> Any:
        """Claimed over measured, where both can be seen."""
        seen = np.abs(self.measured) > 1e3 * self.blur
        seen &= np.abs(self.measured) > 0.0
        return self.backward[seen] / self.measured[seen]

    def joined(self, other: "Evidence") -> "Evidence":
        """Both together."""
        shared = self.quantities.keys() & other.quantities.keys()
        return Evidence(
            self.claimed,
            self.indices + other.indices,
            np.concatenate([self.backward, other.backward]),
            np.concatenate([self.measured, other.measured]),
            np.concatenate([self.blur, other.blur]),
            self.tolerance,
            {
                name: np.concatenate([self.quantities[name], other.quantities[name]])
                for name in self.quantities
                if name in shared
            },
            self.lengths,
        )
