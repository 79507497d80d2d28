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

_SHORT_ROW = 16


def by_columns(x: Operand, axis: Axis = -1) -> Operand:
    """A matrix whose short rows will be reduced, with its numbers laid out column by column.

    NumPy reduces rows one after the other, and columns all at once. Over rows of ten numbers a
    whole cross-entropy takes half of the time.
    """
    if x.ndim == 2 and axis in (-1, 1) and x.shape[1] <= _SHORT_ROW:
        return np.asfortranarray(x)
    return x


def largest(x: Operand, axis: Axis = None) -> Operand:
    """The finite maximum over an axis, kept as an axis of one: what softmax subtracts."""
    top = x.max(axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(top), top, 0)


def logsumexp(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """log of the sum of exp x over an axis, without overflow."""
    if isinstance(x, Traced):
        return x._trace("logsumexp", (x,), axis=axis, keepdims=keepdims)
    x = by_columns(x, axis)
    top = largest(x, axis)
    result = log(exp(x - top).sum(axis=axis, keepdims=True)) + top
    return result if keepdims else result.squeeze(_axes(x, axis))


def softmax(x: Operand, axis: Axis = -1) -> Operand:
    """exp x over its sum along an axis, without overflow."""
    if isinstance(x, Traced):
        return x._trace("softmax", (x,), axis=axis)
    x = by_columns(x, axis)
    weights = exp(x - largest(x, axis))
    return weights / weights.sum(axis=axis, keepdims=True)


def log_softmax(x: Operand, axis: Axis = -1) -> Operand:
    """The logarithm of the softmax, exact where the softmax underflows."""
    if isinstance(x, Traced):
        return x._trace("log_softmax", (x,), axis=axis)
    x = by_columns(x, axis)
    shifted = x - largest(x, axis)
    return shifted - log(exp(shifted).sum(axis=axis, keepdims=True))


def expand_dims(x: Operand, axis: int | tuple[int, ...]) -> Operand:
    """x with axes of length one put in."""
    if isinstance(x, Traced):
        return x._trace("expand_dims", (x,), axis=axis)
    return np.asarray(x)[..., np.newaxis] if axis == -1 else np.expand_dims(x, axis)


def broadcast_to(x: Operand, shape: tuple[int, ...]) -> Operand:
    """x repeated to a shape, as broadcasting would, in memory of its own."""
    if isinstance(x, Traced):
        return x._trace("broadcast_to", (x,), shape=shape)
    repeated = np.empty(shape, dtype=x.dtype)
    repeated[...] = x
    return repeated


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
    if x.dtype == np.float16:  # which cannot hold the sum
        return x.mean(axis=axis, keepdims=keepdims)
    return x.sum(axis=axis, keepdims=keepdims) / count(x, axis)


def count(x: Operand, axis: Axis) -> int:
    """How many numbers a reduction over an axis takes together."""
    return x.size if axis is None else prod([x.shape[a] for a in _axes(x, axis)])


def over_axes(reduced: Operand, x: Operand, axis: Axis, keepdims: bool) -> Operand:
    """What a reduction of x gave, with the reduced axes put back as axes of one."""
    if keepdims:
        return reduced
    if not isinstance(reduced, Traced):
        reduced = np.asarray(reduced)
    gone = _axes(x, axis)
    return reduced.reshape(tuple([1 if i in gone else n for i, n in enumerate(x.shape)]))


def shared(grad: Operand, lost: Any, x: Operand, axis: Axis, keepdims: bool) -> Operand:
    """A gradient shared evenly, over an axis of x, among the places that have not lost."""
    winners = np.logical_not(lost).sum(axis=axis, keepdims=True, dtype=x.dtype)
    return where(lost, 0.0, over_axes(grad, x, axis, keepdims) / winners)


def _axes(x: Operand, axis: Axis) -> tuple[int, ...]:
    """The axes that are meant, counted from the first."""
    if axis is None:
        return tuple(range(x.ndim))
    return tuple([a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))])
