"""The derivatives of what only arrays do: products, reductions, shapes, indexing.

Rules as in `rules`: the operands are arrays or Tensors, `axis`, `shape` and `index` are static.
"""

from math import prod
from typing import Any

import numpy as np

from . import array_functions as afn
from . import functions as fn
from .array_functions import Axis
from .functions import Operand
from .rules import Pulled, selective

# Products


@selective
def matmul(x: Operand, y: Operand, *, needs: tuple[bool, ...]) -> Pulled:
    """x @ y as NumPy's matmul; with G the gradient, the gradients are G yᵀ and xᵀ G."""

    def pullback(grad: Operand) -> tuple[Operand, ...]:
        of_x = _gradient_of_left(x, y, grad) if needs[0] else None
        of_y = _gradient_of_right(x, y, grad) if needs[1] else None
        return of_x, of_y

    return x @ y, pullback


# A vector on either side is a matrix of one row or column, whose axis of length one is put in
# before the product and taken out after it.


def _gradient_of_left(x: Operand, y: Operand, grad: Operand) -> Operand:
    if y.ndim == 1:
        return afn.expand_dims(grad, -1) * y
    if x.ndim == 1:
        return (afn.expand_dims(grad, -2) @ _transposed(y)).squeeze(-2)
    return grad @ _transposed(y)


def _gradient_of_right(x: Operand, y: Operand, grad: Operand) -> Operand:
    if x.ndim == 1:
        return x * grad if y.ndim == 1 else afn.expand_dims(x, -1) * afn.expand_dims(grad, -2)
    if y.ndim == 1:
        return (_transposed(x) @ afn.expand_dims(grad, -1)).squeeze(-1)
    if y.ndim == 2 and x.ndim > 2:  # one product over all the leading axes at once
        rows = prod(x.shape[:-1])
        return x.reshape((rows, x.shape[-1])).T @ grad.reshape((rows, grad.shape[-1]))
    return _transposed(x) @ grad


def _transposed(x: Operand) -> Operand:
    return x.T if x.ndim == 2 else x.transpose((*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


# Reductions


def sum(x: Operand, *, axis: Axis = None, keepdims: bool = False) -> Pulled:
    """The sum over an axis; every slope is 1."""
    return x.sum(axis=axis, keepdims=keepdims), lambda grad: (
        afn.broadcast_to(afn.over_axes(grad, x, axis, keepdims), x.shape),
    )


def mean(x: Operand, *, axis: Axis = None, keepdims: bool = False) -> Pulled:
    """The mean over an axis; every slope is 1/n."""
    n = afn.count(x, axis)
    return afn.mean(x, axis, keepdims), lambda grad: (
        afn.broadcast_to(afn.over_axes(grad / n, x, axis, keepdims), x.shape),
    )


def max(x: Operand, *, axis: Axis = None, keepdims: bool = False) -> Pulled:
    """The greatest over an axis takes the gradient; ties share it evenly."""
    y = x.max(axis=axis, keepdims=keepdims)
    return y, lambda grad: (
        afn.shared(grad, x < afn.over_axes(y, x, axis, keepdims), x, axis, keepdims),
    )


def min(x: Operand, *, axis: Axis = None, keepdims: bool = False) -> Pulled:
    """The least over an axis takes the gradient; ties share it evenly."""
    y = x.min(axis=axis, keepdims=keepdims)
    return y, lambda grad: (
        afn.shared(grad, x > afn.over_axes(y, x, axis, keepdims), x, axis, keepdims),
    )


def var(x: Operand, *, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Pulled:
    """Σ(x - mean)²/(n - ddof); its slopes are 2(x - mean)/(n - ddof)."""
    n = afn.count(x, axis) - ddof
    deviation = _deviation(x, axis)
    y = (deviation * deviation).sum(axis=axis, keepdims=keepdims) / n
    return y, lambda grad: (afn.over_axes(grad, x, axis, keepdims) * (2.0 * deviation / n),)


def std(x: Operand, *, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Pulled:
    """√var; its slopes are (x - mean)/((n - ddof) std), and 0 where all numbers are equal."""
    n = afn.count(x, axis) - ddof
    deviation = _deviation(x, axis)
    y = fn.sqrt((deviation * deviation).sum(axis=axis, keepdims=keepdims) / n)

    def pullback(grad: Operand) -> tuple[Operand, ...]:
        flat = fn.equal(y, 0.0)
        scale = fn.where(flat, 0.0, grad / (n * fn.where(flat, 1.0, y)))
        return (afn.over_axes(scale, x, axis, keepdims) * deviation,)

    return y, pullback


def logsumexp(x: Operand, *, axis: Axis = None, keepdims: bool = False) -> Pulled:
    """log Σ exp x over an axis; its slopes are the softmax."""
    y = afn.logsumexp(x, axis, keepdims)

    def pullback(grad: Operand) -> tuple[Operand, ...]:
        ratios = fn.exp(x - afn.over_axes(y, x, axis, keepdims))
        return (afn.over_axes(grad, x, axis, keepdims) * ratios,)

    return y, pullback


def softmax(x: Operand, *, axis: Axis = -1) -> Pulled:
    """s = exp x / Σ exp x; with G the gradient, the gradient is s (G - Σ G s)."""
    y = afn.softmax(x, axis)
    return y, lambda grad: (y * (grad - (grad * y).sum(axis=axis, keepdims=True)),)


def log_softmax(x: Operand, *, axis: Axis = -1) -> Pulled:
    """log softmax x; with G the gradient, the gradient is G - softmax · Σ G."""
    y = afn.log_softmax(x, axis)
    return y, lambda grad: (grad - fn.exp(y) * grad.sum(axis=axis, keepdims=True),)


def cross_entropy(x: Operand, *, targets: Any) -> Pulled:
    """-Σ targets · log softmax x over the last axis, each row of targets a distribution.

    With G the gradient, the gradient is G (softmax - targets). A target of 0 contributes 0
    even where the logit is -inf.
    """
    y = afn.log_softmax(x)
    losses = -fn.where(targets == 0, 0.0, targets * y).sum(axis=-1)
    return losses, lambda grad: (afn.expand_dims(grad, -1) * (fn.exp(y) - targets),)


def _deviation(x: Operand, axis: Axis) -> Operand:
    return x - afn.mean(x, axis, keepdims=True)


# Shapes


def reshape(x: Operand, *, shape: tuple[int, ...]) -> Pulled:
    """The same numbers in another shape; the gradient is reshaped back."""
    return x.reshape(shape), lambda grad: (grad.reshape(x.shape),)


def squeeze(x: Operand, *, axis: Axis = None) -> Pulled:
    """x without its axes of length one; the gradient gets them back."""
    return x.squeeze(axis), lambda grad: (grad.reshape(x.shape),)


def expand_dims(x: Operand, *, axis: int | tuple[int, ...]) -> Pulled:
    """x with axes of length one put in; the gradient loses them."""
    return afn.expand_dims(x, axis), lambda grad: (grad.reshape(x.shape),)


def transpose(x: Operand, *, axes: tuple[int, ...]) -> Pulled:
    """x with its axes permuted; the gradient's are permuted back."""
    back = tuple(np.argsort(axes).tolist())
    return x.transpose(axes), lambda grad: (grad.transpose(back),)


def broadcast_to(x: Operand, *, shape: tuple[int, ...]) -> Pulled:
    """x repeated to a shape; backward sums over the repetitions."""
    return afn.broadcast_to(x, shape), lambda grad: (grad,)


def astype(x: Operand, *, dtype: Any) -> Pulled:
    """x at another precision; the gradient returns to that of x."""
    return x.astype(dtype), lambda grad: (grad.astype(x.dtype),)


# Taking and joining


def getitem(x: Operand, *, index: Any) -> Pulled:
    """x[index]; the gradient goes to the places it was taken from, added where taken twice."""
    return x[index], lambda grad: (afn.scatter(grad, index, x.shape),)


def scatter(x: Operand, *, index: Any, shape: tuple[int, ...]) -> Pulled:
    """Zeros with x added at an index; its gradient is read at that index."""
    return afn.scatter(x, index, shape), lambda grad: (grad[index],)


def concatenate(*xs: Operand, axis: int = 0) -> Pulled:
    """Arrays joined along an axis; each takes its part of the gradient."""
    y = afn.concatenate(xs, axis)
    before = (slice(None),) * (axis % y.ndim)
    ends = np.cumsum([x.shape[axis] for x in xs]).tolist()
    return y, lambda grad: tuple(
        grad[(*before, slice(end - x.shape[axis], end))] for x, end in zip(xs, ends, strict=True)
    )


def stack(*xs: Operand, axis: int = 0) -> Pulled:
    """Arrays joined along a new axis; each takes its layer of the gradient."""
    y = afn.stack(xs, axis)
    before = (slice(None),) * (axis % y.ndim)
    return y, lambda grad: tuple(grad[(*before, i)] for i in range(len(xs)))
