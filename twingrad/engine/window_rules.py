"""The derivatives of what looks at images through a window: convolution and pooling.

`windows` copies every window out of the images, `fold` adds them back, and each is the other read
backwards: pooling is a maximum or a mean of the one, and goes back by the other. Convolution and
its two companions are each other's derivatives.
"""

import numpy as np

from . import array_functions as afn
from . import array_rules
from .functions import Operand
from .rules import Pulled, selective
from .windows import Pair
from .windows import convolve as convolved
from .windows import correlate as correlated
from .windows import fold as folded
from .windows import transposed_convolve as transposed
from .windows import windows as unfolded


def windows(x: Operand, *, kernel: Pair, stride: Pair, padding: Pair, fill: float) -> Pulled:
    """Every window of the images; what several windows saw gets the gradients of all."""
    return unfolded(x, kernel, stride, padding, fill), lambda grad: (
        folded(grad, x.shape, stride, padding),
    )


def fold(x: Operand, *, shape: tuple[int, ...], stride: Pair, padding: Pair) -> Pulled:
    """Windows added up where they were taken; each has the gradient of what it is now part of."""
    kernel = (x.shape[1], x.shape[2])
    return folded(x, shape, stride, padding), lambda grad: (
        unfolded(grad, kernel, stride, padding, 0.0),
    )


def convolve(x: Operand, w: Operand, *, stride: Pair, padding: Pair) -> Pulled:
    """Kernels slid over images: linear in both, so each has the other in its slope."""
    kernel = (w.shape[2], w.shape[3])
    return convolved(x, w, stride, padding), lambda grad: (
        transposed(grad, w, x.shape, stride, padding),
        correlated(x, grad, kernel, stride, padding),
    )


def transposed_convolve(
    y: Operand, w: Operand, *, shape: tuple[int, ...], stride: Pair, padding: Pair
) -> Pulled:
    """Responses laid out as kernels: linear in both."""
    kernel = (w.shape[2], w.shape[3])
    return transposed(y, w, shape, stride, padding), lambda grad: (
        convolved(grad, w, stride, padding),
        correlated(grad, y, kernel, stride, padding),
    )


def correlate(x: Operand, y: Operand, *, kernel: Pair, stride: Pair, padding: Pair) -> Pulled:
    """What the responses saw, weighed by them: linear in both."""
    return correlated(x, y, kernel, stride, padding), lambda grad: (
        transposed(y, grad, x.shape, stride, padding),
        convolved(x, grad, stride, padding),
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
    """convolve and a bias (out,), or none: a whole layer in one node."""
    y = convolved(x, weight, stride, padding)
    if bias:
        y += afn.expand_dims(bias[0], (1, 2))
    kernel = (weight.shape[2], weight.shape[3])

    def pullback(grad: Operand) -> tuple[Operand, ...]:
        of_x = transposed(grad, weight, x.shape, stride, padding) if needs[0] else None
        of_weight = correlated(x, grad, kernel, stride, padding) if needs[1] else None
        return of_x, of_weight, *[grad.sum(axis=(0, 2, 3)) for _ in bias]

    return y, pullback


def max_pool2d(x: Operand, *, kernel: Pair, stride: Pair, padding: Pair) -> Pulled:
    """The greatest number of every window takes the gradient; ties share it evenly."""
    seen = unfolded(x, kernel, stride, padding, -np.inf)
    y = seen.max(axis=(1, 2))

    def pullback(grad: Operand) -> tuple[Operand, ...]:
        lost = seen < afn.expand_dims(y, (1, 2))
        if any(padding):  # the frame never wins, even where everything is -inf
            lost = lost | (unfolded(np.zeros(x.shape), kernel, stride, padding, 1.0) > 0.0)
        taken = afn.shared(_images(grad), lost, seen, (1, 2), False)
        return (folded(taken, x.shape, stride, padding),)

    return _images(y), pullback


def avg_pool2d(x: Operand, *, kernel: Pair, stride: Pair, padding: Pair) -> Pulled:
    """The mean of every window, zeros of the padding counted; each number takes its share."""
    seen = unfolded(x, kernel, stride, padding, 0.0)
    y, pull_back = array_rules.mean(seen, axis=(1, 2))
    return _images(y), lambda grad: (folded(pull_back(_images(grad))[0], x.shape, stride, padding),)


def _images(x: Operand) -> Operand:
    """Channels first as images first, and back."""
    return x.transpose((1, 0, 2, 3))
