"""The rest of the vocabulary: what only arrays and Tensors have, such as softmax and scatter.

Sums, shapes and products need no words of their own, because `x.sum(axis)`, `x.reshape(shape)`
and `x @ y` read the same for an array and for a Tensor.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .functions import Operand, Traced, exp, log, where

Axis = int | tuple[int, ...] | None


def largest(x: Operand, axis: Axis = None) -> Operand:
    """The finite maximum over an axis, kept as an axis of one: what softmax subtracts."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(top), top, 0)


def logsumexp(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """log of the sum of exp x over an axis, without overflow."""
    if isinstance(x, Traced):
        return x._trace("logsumexp", (x,), axis=axis, keepdims=keepdims)
    top = largest(x, axis)
    result = log(exp(x - top).sum(axis=axis, keepdims=True)) + top
    return result if keepdims else result.squeeze(_all_axes(x) if axis is None else axis)


def softmax(x: Operand, axis: Axis = -1) -> Operand:
    """exp x over its sum along an axis, without overflow."""
    if isinstance(x, Traced):
        return x._trace("softmax", (x,), axis=axis)
    weights = exp(x - largest(x, axis))
    return weights / weights.sum(axis=axis, keepdims=True)


def log_softmax(x: Operand, axis: Axis = -1) -> Operand:
    """The logarithm of the softmax, exact where the softmax underflows."""
    if isinstance(x, Traced):
        return x._trace("log_softmax", (x,), axis=axis)
    shifted = x - largest(x, axis)
    return shifted - log(exp(shifted).sum(axis=axis, keepdims=True))


def expand_dims(x: Operand, axis: int | tuple[int, ...]) -> Operand:
    """x with axes of length one put in."""
    if isinstance(x, Traced):
        return x._trace("expand_dims", (x,), axis=axis)
    return np.expand_dims(x, axis)


def broadcast_to(x: Operand, shape: tuple[int, ...]) -> Operand:
    """x repeated to a shape, as broadcasting would."""
    if isinstance(x, Traced):
        return x._trace("broadcast_to", (x,), shape=shape)
    return np.broadcast_to(x, shape)


def scatter(x: Operand, index: Any, shape: tuple[int, ...]) -> Operand:
    """Zeros of a shape with x added at an index: what indexing is when read backwards."""
    if isinstance(x, Traced):
        return x._trace("scatter", (x,), index=index, shape=shape)
    result = np.zeros(shape, dtype=x.dtype)
    if any(isinstance(part, np.ndarray | list) for part in _parts(index)):
        np.add.at(result, index, x)  # an index may name a place twice: = would count it once
    else:
        result[index] = x
    return result


def _parts(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def concatenate(xs: Sequence[Operand], axis: int = 0) -> Operand:
    """The arrays joined along an axis they have."""
    for x in xs:
        if isinstance(x, Traced):
            return x._trace("concatenate", xs, axis=axis)
    return np.concatenate(xs, axis=axis)


def stack(xs: Sequence[Operand], axis: int = 0) -> Operand:
    """The arrays joined along an axis of their own."""
    for x in xs:
        if isinstance(x, Traced):
            return x._trace("stack", xs, axis=axis)
    return np.stack(xs, axis=axis)


def mean(x: Operand, axis: Axis, keepdims: bool) -> Operand:
    """The mean over an axis, nan over an empty one."""
    if count(x, axis):
        return x.mean(axis=axis, keepdims=keepdims)
    return x.sum(axis=axis, keepdims=keepdims) / 0  # nan, of which NumPy's mean would warn


def count(x: Operand, axis: Axis) -> int:
    """How many numbers a reduction over an axis takes together."""
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis).tolist()
    return prod(x.shape[a] for a in axes)


def over_axes(reduced: Operand, x: Operand, axis: Axis, keepdims: bool) -> Operand:
    """What a reduction of x gave, with the reduced axes put back as axes of one."""
    if keepdims:
        return reduced
    axes = _all_axes(x) if axis is None else axis
    return expand_dims(reduced, tuple(a % x.ndim for a in np.atleast_1d(axes).tolist()))


def shared(grad: Operand, lost: Any, x: Operand, axis: Axis, keepdims: bool) -> Operand:
    """A gradient shared evenly, over an axis of x, among the places that have not lost."""
    winners = np.logical_not(lost).sum(axis=axis, keepdims=True, dtype=x.dtype)
    return where(lost, 0.0, over_axes(grad, x, axis, keepdims) / winners)


def _all_axes(x: Operand) -> tuple[int, ...]:
    return tuple(range(x.ndim))
