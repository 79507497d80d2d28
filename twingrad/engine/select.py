"""Selecting by a mask without a branch for every number, which processors guess wrong.

Most masks choose between a number and zero: relu, dropout, the losers of a maximum. That is each
number's bits times one or zero, several times as fast as NumPy's own choice between two arrays.
"""

from math import copysign
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_BITS = {np.dtype("f4"): np.int32, np.dtype("f8"): np.int64}


def where(condition: Any, x: Any, y: Any) -> Array:
    """np.where, the same to the last bit."""
    if type(x) is float and x == 0.0 and _many(condition, y):
        return _or_zero(np.logical_not(condition), y, x)
    if type(y) is float and y == 0.0 and _many(condition, x):
        return _or_zero(condition, x, y)
    chosen: Array = np.where(condition, x, y)
    return chosen


def _many(condition: Any, x: Any) -> bool:
    """Whether there is enough to select for the detour to pay, in a form that it can take."""
    return (
        type(x) is np.ndarray
        and x.dtype in _BITS
        and type(condition) is np.ndarray
        and condition.dtype == bool
        and condition.size >= 2048
    )


def _or_zero(keep: Array, x: Array, zero: float) -> Array:
    if copysign(1.0, zero) < 0.0:
        return np.where(keep, x, zero)
    bits = _BITS[x.dtype]
    shape = x.shape if x.shape == keep.shape else np.broadcast_shapes(keep.shape, x.shape)
    result = np.empty(shape, x.dtype)
    np.multiply(x.view(bits), keep, out=result.view(bits))
    return result
