"""Several results weighed into one number, and how large the numbers on the way to it are.

Finite differences are of one number, and rounding is measured by the size of what it comes from.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..finite_differences import longest_step


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
