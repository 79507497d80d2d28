"""Motion: how steps go by gradients, and gradients by those before them, which no norm tells.

A step up the slope, a valley crossed back and forth, gradients that pile up: each is an angle
between two vectors.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import Node
from ..engine.spent import spent

Array = npt.NDArray[Any]

STRAIGHT = 0.99
"""A step whose cosine with the way down, or up, is no less is a multiple of its gradient."""


class Motion:
    """The angles of each step, and which parameters ever changed, from vectors of float64.

    `descents` and `turns` are what Monitor says of them, nan where a vector is zero. `rates` has
    what each step multiplied its gradient by, nan where it was no multiple of it. `changed` has an
    entry for each parameter. `piled` says of each step whether what it took was a sum of its own
    gradient and one that an earlier step had taken.
    """

    def __init__(self, sizes: list[int]) -> None:
        self.starts = np.cumsum([0, *sizes[:-1]])
        self.descents: list[float] = []
        self.turns: list[float] = []
        self.rates: list[float] = []
        self.piled: list[bool] = []
        self._mixtures = spent.mixtures
        self.changed = np.zeros(len(sizes), bool)
        self.last: Array | None = None
        """The gradient that the last step took."""

    def record(self, parameters: list[Any], change: Array) -> None:
        """Take a step in: the change it made, by the gradients that the parameters have."""
        gradient = joined_gradients([parameter._grad for parameter in parameters], parameters)
        descent = _cosine(change, -gradient)
        self.descents.append(descent)
        along = -float(change @ gradient) / float(gradient @ gradient or np.nan)
        self.rates.append(along if abs(descent) > STRAIGHT else np.nan)
        self.turns.append(np.nan if self.last is None else _cosine(gradient, self.last))
        if not self.changed.all():
            self.changed |= np.logical_or.reduceat(change != 0.0, self.starts)
        self.piled.append(spent.mixtures > self._mixtures)
        self._mixtures, self.last = spent.mixtures, gradient


def joined_gradients(grads: list[Any], parameters: list[Any]) -> Array:
    """Gradients as one vector, zeros where none came."""
    plain = [
        np.zeros(np.size(parameter._data))
        if grad is None or parameter.constant
        else np.ravel(grad._data if isinstance(grad, Node) else grad)
        for grad, parameter in zip(grads, parameters, strict=True)
    ]
    return np.concatenate(plain, dtype=np.float64)


def _cosine(a: Array, b: Array) -> float:
    product = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    return float(a @ b) / product if product and np.isfinite(product) else np.nan
