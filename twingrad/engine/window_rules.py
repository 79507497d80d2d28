"""The derivatives of what looks at images through a window: convolution and pooling.

All stand on one pair. `windows` copies every window out of the images, `fold` adds them back, and
each is the other read backwards; the rest is a matrix product, a maximum, a mean.
"""

from typing import Any

import numpy as np

from . import array_functions as afn
from . import array_rules
from .array_functions import Pair
from .functions import Operand
from .rules import Pulled, selective


def windows(x: Operand, *, kernel: Pair, stride: Pair, padding: Pair, fill: float) -> Pulled:
    """Every window of the images; what several windows saw gets the gradients of all."""
    return afn.windows(x, kernel, stride, padding, fill), lambda grad: (
        afn.fold(grad, x.shape, stride, padding),
    )


def fold(x: Operand, *, shape: tuple[int, ...], stride: Pair, padding: Pair) -> Pulled:
    """Windows added up where they were taken; each has the gradient of what it is now part of."""
    kernel = (x.shape[1], x.shape[2])
    return afn.fold(x, shape, stride, padding), lambda grad: (
        afn.windows(grad, kernel, stride, padding, 0.0),
    )


@selective
def conv2d(
    x: Operand,
    weight: Operand,
    *bias: Operand,
    stride: Pair,
    padding: Pair,
    needs: tuple[bool, ...],
) -> Pulled:
    """A matrix product of the kernels, one a row, and the windows, one a column.

    x: (n, channels, height, width); weight: (out, channels, kernel_height, kernel_width); bias:
    (out,), or none. The gradients are those of the product, the windows' folded back into images.
    """
    seen = afn.windows(x, (weight.shape[2], weight.shape[3]), stride, padding, 0.0)
    size = seen.shape[0] * seen.shape[1] * seen.shape[2]
    columns, rows = seen.reshape((size, -1)), weight.reshape((weight.shape[0], size))
    product = rows @ columns
    if bias:
        product += afn.expand_dims(bias[0], 1)
    y = _images(product.reshape((weight.shape[0], *seen.shape[3:])))

    def pullback(grad: Operand) -> tuple[Operand, ...]:
        by_kernel = _images(grad).reshape((weight.shape[0], -1))
        of_x = of_weight = None
        if needs[0]:
            of_x = afn.fold((rows.T @ by_kernel).reshape(seen.shape), x.shape, stride, padding)
        if needs[1]:
            of_weight = (by_kernel @ columns.T).reshape(weight.shape)
        return of_x, of_weight, *[by_kernel.sum(axis=1) for _ in bias]

    return y, pullback


def max_pool2d(x: Operand, *, kernel: Pair, stride: Pair, padding: Pair) -> Pulled:
    """The greatest number of every window takes the gradient; ties share it evenly."""
    seen = afn.windows(x, kernel, stride, padding, -np.inf)
    y = seen.max(axis=(1, 2))

    def pullback(grad: Operand) -> tuple[Operand, ...]:
        lost = seen < afn.expand_dims(y, (1, 2))
        if any(padding):  # the frame never wins, even where everything is -inf
            lost = lost | (afn.windows(np.zeros(x.shape), kernel, stride, padding, 1.0) > 0.0)
        taken = afn.shared(_images(grad), lost, seen, (1, 2), False)
        return (afn.fold(taken, x.shape, stride, padding),)

    return _images(y), pullback


def avg_pool2d(x: Operand, *, kernel: Pair, stride: Pair, padding: Pair) -> Pulled:
    """The mean of every window, zeros of the padding counted; each number takes its share."""
    seen = afn.windows(x, kernel, stride, padding, 0.0)
    y, pull_back = array_rules.mean(seen, axis=(1, 2))
    return _images(y), lambda grad: (
        afn.fold(pull_back(_images(grad))[0], x.shape, stride, padding),
    )


def _images(x: Operand) -> Any:
    """Channels first as images first, and back."""
    return x.transpose((1, 0, 2, 3))
