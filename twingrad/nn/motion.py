"""Motion: how steps go by gradients, and gradients by those before them, which no norm tells.

A step up the slope, a valley crossed back and forth, gradients that pile up: each is an angle
between two vectors.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import Node
from ..engine.sweep import gradients

Array = npt.NDArray[Any]

ASKED = 8
"""So many of the first steps are held against the gradient of their own loss."""


class Motion:
    """The angles of each step, and which parameters ever changed, from vectors of float64.

    `descents` and `turns` are what Monitor says of them, nan where a vector is zero. `changed`
    has an entry for each parameter. `piled` has, for each of the first steps that could be asked,
    whether its gradient was the step's own added to the gradient of the step before.
    """

    def __init__(self, sizes: list[int]) -> None:
        self.starts = np.cumsum([0, *sizes[:-1]])
        self.descents: list[float] = []
        self.turns: list[float] = []
        self.piled: list[bool] = []
        self.changed = np.zeros(len(sizes), bool)
        self.last: Array | None = None
        """The gradient that the last step took."""

    def record(self, parameters: list[Any], change: Array, loss: Any) -> None:
        """Take a step in: the change it made, and the loss whose gradient it should have taken."""
        gradient = joined_gradients([parameter._grad for parameter in parameters], parameters)
        self.descents.append(_cosine(change, -gradient))
        self.turns.append(np.nan if self.last is None else _cosine(gradient, self.last))
        if not self.changed.all():
            self.changed |= np.logical_or.reduceat(change != 0.0, self.starts)
        fits = isinstance(loss, Node) and loss.parents and not isinstance(loss._grad, Node)
        if self.last is not None and fits and len(self.descents) <= ASKED:
            own = _gradients_again(loss, parameters)
            self.piled.append(_is_piled(gradient, self.last, own))
        self.last = gradient


def _gradients_again(loss: Node, parameters: list[Any]) -> Array:
    """The gradient of a loss from whose graph the parameters have moved on, by a step or so."""
    stamps = [parameter._stamp for parameter in parameters]
    try:
        for parameter in parameters:
            parameter._stamp = 0
        came = gradients({loss: loss._seed(None)}, wrt=parameters)
    finally:
        for parameter, stamp in zip(parameters, stamps, strict=True):
            parameter._stamp = stamp
    return joined_gradients([came.get(parameter) for parameter in parameters], parameters)


def joined_gradients(grads: list[Any], parameters: list[Any]) -> Array:
    """Gradients as one vector, zeros where none came."""
    plain = [
        np.zeros(np.size(parameter._data))
        if grad is None or parameter.constant
        else np.ravel(grad._data if isinstance(grad, Node) else grad)
        for grad, parameter in zip(grads, parameters, strict=True)
    ]
    return np.concatenate(plain, dtype=np.float64)


def _is_piled(gradient: Array, last: Array, own: Array) -> bool:
    """Whether a gradient is nearer to the last one plus its own than to its own, however scaled."""
    size = float(np.linalg.norm(own))
    if not size or np.linalg.norm(last) < 0.05 * size:
        return False
    alone = np.linalg.norm(gradient - own)
    return bool(np.linalg.norm(gradient - last - own) < 0.2 * size and alone > 0.2 * size)


def _cosine(a: Array, b: Array) -> float:
    product = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    return float(a @ b) / product if product and np.isfinite(product) else np.nan
