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
Pair = tuple[int, int]
"""Of the vertical and the horizontal: a kernel's size, a stride, a padding."""


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


def windows(x: Operand, kernel: Pair, stride: Pair, padding: Pair, fill: float) -> Operand:
    """Every window of a size, a stride apart, of images with a frame of `fill` around them.

    (n, channels, height, width) -> (channels, *kernel, n, rows, columns): each place in the
    window is a picture of its own, so that what is done with windows runs along long rows.
    """
    if isinstance(x, Traced):
        return x._trace("windows", (x,), kernel=kernel, stride=stride, padding=padding, fill=fill)
    n, channels, height, width = x.shape
    if any(padding):
        framed = np.full((n, channels, *framed_size(x.shape, padding)), fill, dtype=x.dtype)
        framed[_inside(height, width, padding)] = x
    else:
        framed = x
    result = np.empty((channels, *kernel, n, *places(x.shape, kernel, stride, padding)), x.dtype)
    for i, j in np.ndindex(kernel):
        result[:, i, j] = framed[_seen_from(i, j, stride, result.shape)].swapaxes(0, 1)
    return result


def fold(x: Operand, shape: tuple[int, ...], stride: Pair, padding: Pair) -> Operand:
    """Windows added up in images of a shape, where `windows` took them; the frame is left out."""
    if isinstance(x, Traced):
        return x._trace("fold", (x,), shape=shape, stride=stride, padding=padding)
    n, channels, height, width = shape
    framed = np.zeros((channels, n, *framed_size(shape, padding)), dtype=x.dtype)
    for i, j in np.ndindex(x.shape[1:3]):
        framed[_seen_from(i, j, stride, x.shape)] += x[:, i, j]
    return framed[_inside(height, width, padding)].swapaxes(0, 1)


def places(shape: tuple[int, ...], kernel: Pair, stride: Pair, padding: Pair) -> Pair:
    """How many windows fit below each other, and beside each other."""
    down, across = (
        (size - window) // step + 1
        for size, window, step in zip(framed_size(shape, padding), kernel, stride, strict=True)
    )
    return down, across


def framed_size(shape: tuple[int, ...], padding: Pair) -> Pair:
    """The height and width of images of a shape with their frame."""
    return shape[2] + 2 * padding[0], shape[3] + 2 * padding[1]


def _inside(height: int, width: int, padding: Pair) -> tuple[Any, ...]:
    down, across = padding
    return ..., slice(down, down + height), slice(across, across + width)


def _seen_from(i: int, j: int, stride: Pair, windows: tuple[int, ...]) -> tuple[Any, ...]:
    """What place (i, j) of every window sees."""
    down, across = stride
    rows, columns = windows[-2:]
    return ..., slice(i, i + down * rows, down), slice(j, j + across * columns, across)


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
