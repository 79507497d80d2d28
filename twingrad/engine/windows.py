"""What looks at images through a window, on arrays: the windows themselves, and convolution.

Images are (n, channels, height, width). A `Pair` is of the vertical and the horizontal. Like the
rest of the vocabulary these serve nodes too, through the rules of the same names.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from .functions import Operand, Traced

Pair = tuple[int, int]
"""Of the vertical and the horizontal: a kernel's size, a stride, a padding."""

AT_ONCE = 2**21
"""Numbers in the windows that a convolution unfolds at once: 8 MB of float32."""


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


# Convolution, and its two companions. With x the images, w the kernels (out, channels, *kernel)
# and y the responses (n, out, rows, columns), the number Σ y · convolve(x, w) is linear in all
# three; what multiplies one of them in it is a function of the other two. Windows take up many
# times the memory of the images, so they are unfolded for some images at a time, and again on the
# way back, and none are kept.


def convolve(x: Operand, w: Operand, stride: Pair, padding: Pair) -> Operand:
    """What multiplies y: each kernel's response to each window."""
    for operand in (x, w):
        if isinstance(operand, Traced):
            return operand._trace("convolve", (x, w), stride=stride, padding=padding)
    kernel = (w.shape[2], w.shape[3])
    rows = w.reshape((len(w), -1))
    at = places(x.shape, kernel, stride, padding)
    y = np.empty((len(w), len(x), *at), np.result_type(x, w))
    for some in _portions(len(x), rows.shape[1] * prod(at)):
        columns = windows(x[some], kernel, stride, padding, 0.0).reshape((rows.shape[1], -1))
        y[:, some] = (rows @ columns).reshape((len(w), -1, *at))
    return y.swapaxes(0, 1)


def transposed_convolve(
    y: Operand, w: Operand, shape: tuple[int, ...], stride: Pair, padding: Pair
) -> Operand:
    """What multiplies x: every response laid out as its kernel, where the window was."""
    for operand in (y, w):
        if isinstance(operand, Traced):
            static = {"shape": shape, "stride": stride, "padding": padding}
            return operand._trace("transposed_convolve", (y, w), **static)
    rows = w.reshape((len(w), -1))
    by_kernel = y.swapaxes(0, 1)
    x = np.empty((shape[1], shape[0], *shape[2:]), np.result_type(y, w)).swapaxes(0, 1)
    for some in _portions(len(y), rows.shape[1] * prod(y.shape[2:])):
        seen = rows.T @ by_kernel[:, some].reshape((len(w), -1))
        parts = seen.reshape((*w.shape[1:], -1, *y.shape[2:]))
        x[some] = fold(parts, (parts.shape[3], *shape[1:]), stride, padding)
    return x


def correlate(x: Operand, y: Operand, kernel: Pair, stride: Pair, padding: Pair) -> Operand:
    """What multiplies w: all that each response saw through the window, weighed by it."""
    for operand in (x, y):
        if isinstance(operand, Traced):
            static = {"kernel": kernel, "stride": stride, "padding": padding}
            return operand._trace("correlate", (x, y), **static)
    by_kernel = y.swapaxes(0, 1)
    size = x.shape[1] * prod(kernel)
    w = np.zeros((len(by_kernel), size), np.result_type(x, y))
    for some in _portions(len(x), size * prod(y.shape[2:])):
        columns = windows(x[some], kernel, stride, padding, 0.0).reshape((size, -1))
        w += by_kernel[:, some].reshape((len(by_kernel), -1)) @ columns.T
    return w.reshape((len(by_kernel), x.shape[1], *kernel))


def _portions(n: int, each: int) -> Iterator[slice]:
    """Slices of n images, few enough that together they unfold to no more than AT_ONCE numbers."""
    count = max(1, AT_ONCE // max(1, each))
    return (slice(i, i + count) for i in range(0, n, count))


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
