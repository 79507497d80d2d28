"""Conv2d, MaxPool2d and AvgPool2d: layers that look at images through a window.

Images are (batch, channels, height, width), as in PyTorch; a size, a stride or a padding is one
number for both directions, or a pair (vertical, horizontal).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import ShapeError, Tensor, apply
from ..engine.window_rules import avg_pool2d, conv2d, max_pool2d
from ..engine.windows import Pair, framed_size
from .freed_memory import keep_freed_memory
from .layers import Rng, as_input, drawn, settings_of
from .module import Module
from .plain_inputs import look_once
from .settings import whole


class Conv2d(Module):
    """Kernels slid over images: (batch, in_channels, h, w) -> (batch, out_channels, h', w').

    h' = (h + 2 padding - kernel_size) // stride + 1. `weight` has shape (out_channels,
    in_channels, *kernel_size), drawn by `init` as in `Linear`; `bias` (out_channels,) starts at
    0. The kernel is not turned round: the cross-correlation that PyTorch computes too. LeCun et
    al. 1989, "Backpropagation applied to handwritten zip code recognition".

    Raises `ShapeError` for what is no batch of images of in_channels, or smaller than the kernel.

    >>> import numpy as np
    >>> from twingrad.nn import Conv2d
    >>> Conv2d(1, 8, 3, padding=1, rng=0)(np.zeros((2, 1, 28, 28))).shape
    (2, 8, 28, 28)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        bias: bool = True,
        init: str | Callable[..., npt.NDArray[Any]] = "he",
        dtype: npt.DTypeLike = np.float32,
        rng: Rng = None,
    ) -> None:
        whole("in_channels", in_channels, 1)
        whole("out_channels", out_channels, 1)
        self.kernel_size = _pair("kernel_size", kernel_size, 1)
        self.stride = _pair("stride", stride, 1)
        self.padding = _pair("padding", padding, 0)
        self.weight = drawn((out_channels, in_channels, *self.kernel_size), init, dtype, rng)
        self.bias = Tensor(np.zeros(out_channels), dtype=dtype) if bias else None
        keep_freed_memory()

    def forward(self, x: Any) -> Any:
        """What each kernel makes of each image."""
        x = _images(self, x, self.weight.shape[1])
        parameters = (self.weight,) if self.bias is None else (self.weight, self.bias)
        return apply(conv2d, x, *parameters, stride=self.stride, padding=self.padding)

    def __repr__(self) -> str:
        out, into = self.weight.shape[:2]
        shown = [str(into), str(out), _short(self.kernel_size)]
        shown += [f"stride={_short(self.stride)}"] * (self.stride != (1, 1))
        shown += [f"padding={_short(self.padding)}"] * (self.padding != (0, 0))
        return f"Conv2d({', '.join(shown)}{settings_of(self)})"


class _Pool2d(Module):
    """A window of a size, slid over every channel by a stride, its own size unless given."""

    rule: Any

    def __init__(
        self, kernel_size: int | Pair, stride: int | Pair | None = None, padding: int | Pair = 0
    ) -> None:
        self.kernel_size = _pair("kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else _pair("stride", stride, 1)
        self.padding = _pair("padding", padding, 0)
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ValueError(
                f"padding is at most half of kernel_size {_short(self.kernel_size)}, so that every "
                f"window sees the image, not {_short(self.padding)}"
            )

    def forward(self, x: Any) -> Any:
        """One number for each window."""
        return apply(
            type(self).rule,
            _images(self, x),
            kernel=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
        )

    def __repr__(self) -> str:
        shown = [_short(self.kernel_size)]
        shown += [f"stride={_short(self.stride)}"] * (self.stride != self.kernel_size)
        shown += [f"padding={_short(self.padding)}"] * (self.padding != (0, 0))
        return f"{type(self).__name__}({', '.join(shown)})"


class MaxPool2d(_Pool2d):
    """The greatest number of each window: (batch, channels, h, w) -> (batch, channels, h', w').

    h' = (h + 2 padding - kernel_size) // stride + 1, the stride being the kernel's size unless
    given. Padding never wins. Equal greatest numbers share the gradient evenly (PyTorch gives it
    to the first).

    Raises `ShapeError` for what is no batch of images, or smaller than the window.
    """

    rule = staticmethod(max_pool2d)


class AvgPool2d(_Pool2d):
    """The mean of each window: (batch, channels, h, w) -> (batch, channels, h', w').

    h' = (h + 2 padding - kernel_size) // stride + 1, the stride being the kernel's size unless
    given. The zeros of the padding count, as in PyTorch.

    Raises `ShapeError` for what is no batch of images, or smaller than the window.
    """

    rule = staticmethod(avg_pool2d)


def _images(layer: Any, x: Any, channels: int | None = None) -> Any:
    """The images, of which the layer can find windows in each."""
    given, x = x, as_input(x)
    shape = x.shape
    if len(shape) != 4 or (channels is not None and shape[1] != channels):
        wanted = f"(batch, {'channels' if channels is None else channels}, height, width)"
        raise ShapeError(f"{layer!r}: expected {wanted}, got {shape}{_fix(shape, channels or 1)}")
    framed = framed_size(shape, layer.padding)
    if any(k > size for k, size in zip(layer.kernel_size, framed, strict=True)):
        raise ShapeError(
            f"{layer!r}: expected images of at least {layer.kernel_size}, got {shape}, which with "
            f"its padding is {framed}; use a smaller kernel, or more padding"
        )
    if channels is not None:
        look_once(layer, given, layer.weight._data.dtype)
    return x


def _fix(shape: tuple[int, ...], channels: int) -> str:
    if len(shape) == 4 and shape[3] == channels < shape[1]:
        return "; the channels come before height and width: x.transpose(0, 3, 1, 2)"
    if len(shape) == 3 and shape[0] == channels > 1:
        return f"; put in the axis of the batch: x.reshape{(1, *shape)}"
    if len(shape) == 3 and channels == 1:
        return f"; put in the axis of channels: x.reshape(-1, 1, {shape[1]}, {shape[2]})"
    if len(shape) == 2:
        side = round((shape[1] / channels) ** 0.5)
        if side and channels * side * side == shape[1]:
            return f"; rows become images by x.reshape(-1, {channels}, {side}, {side})"
    return ""


def _pair(name: str, given: Any, least: int) -> Pair:
    both = given if isinstance(given, tuple | list) else (given, given)
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in both)
    if len(both) != 2 or not whole or min(both) < least:
        raise ValueError(
            f"{name} is a whole number from {least} on, or a pair of them (vertical, horizontal), "
            f"not {given!r}"
        )
    return int(both[0]), int(both[1])


def _short(pair: Pair) -> str:
    return str(pair[0] if pair[0] == pair[1] else pair)
