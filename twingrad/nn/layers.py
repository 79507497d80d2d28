"""Linear, Flatten and Dropout: the layers on Tensors that most networks have.

A batch is the first axis; a layer's parameters are Tensors of float32 unless told otherwise.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import ShapeError, Tensor, apply
from ..engine.arrays import as_array
from ..engine.layer_rules import dropout, linear
from . import init as initialisers
from .module import Module
from .plain_inputs import look_once
from .settings import below_one, whole

Rng = int | np.random.Generator | None


class Linear(Module):
    """x @ weight + bias: (batch, in_features) -> (batch, out_features).

    `weight` has shape (in_features, out_features), PyTorch's transposed; it is drawn by `init`,
    "he" (uniform) by default, or a function called as init(shape, rng=rng, dtype=dtype). `bias`
    has shape (out_features,) and starts at 0.

    Raises `ShapeError` for an input of another width.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        init: str | Callable[..., npt.NDArray[Any]] = "he",
        dtype: npt.DTypeLike = np.float32,
        rng: Rng = None,
    ) -> None:
        whole("in_features", in_features, 1)
        whole("out_features", out_features, 1)
        self.weight = drawn((in_features, out_features), init, dtype, rng)
        self.bias = Tensor(np.zeros(out_features), dtype=dtype) if bias else None

    def forward(self, x: Any) -> Any:
        """The layer's response to a batch, or to one sample of shape (in_features,)."""
        given, x = x, as_input(x)
        shape = x.shape
        if not shape or shape[-1] != self.weight.shape[0]:
            raise ShapeError(
                f"{self!r}: expected (batch, {self.weight.shape[0]}), got {shape}{self._fix(shape)}"
            )
        look_once(self, given, self.weight._data.dtype)
        if self.bias is None:
            return x @ self.weight
        return apply(linear, x, self.weight, self.bias)

    def _fix(self, shape: tuple[int, ...]) -> str:
        wanted, out = self.weight.shape
        if len(shape) > 2 and prod(shape[1:]) == wanted:
            return "; put Flatten() before it"
        if len(shape) == 2 and shape[0] == wanted:
            return "; samples are rows: transpose the input, x.T"
        return f"; Linear({shape[-1]}, {out}) would take that" if shape else ""

    def __repr__(self) -> str:
        return f"Linear({self.weight.shape[0]}, {self.weight.shape[1]}{settings_of(self)})"


class Flatten(Module):
    """(batch, …) -> (batch, all the rest in one axis), as between images and a Linear."""

    def forward(self, x: Any) -> Any:
        """Each sample as one row."""
        x = x if isinstance(x, np.ndarray) else as_input(x)
        shape = x.shape
        if not shape:
            raise ShapeError(f"{self!r}: expected (batch, ...), got a single number")
        return x.reshape((shape[0], prod(shape[1:])))


class Dropout(Module):
    """While training, each number is 0 with probability p, and else 1/(1 - p) times itself.

    In evaluation it does nothing. Srivastava et al. 2014, JMLR 15, with the scaling at training
    time ("inverted"), so that the mean stays. `rng` draws the masks, and is saved in checkpoints.
    Any shape comes, and is kept. Raises `ValueError` for a p below 0, or of 1 and more.

    >>> from twingrad.nn import Dropout
    >>> Dropout(0.5, rng=0)
    Dropout(0.5)
    """

    def __init__(self, p: float = 0.5, rng: Rng = None) -> None:
        self.p = below_one("p", p)
        self.rng = np.random.default_rng(rng)

    def forward(self, x: Any) -> Any:
        """Each element kept or dropped."""
        if not self.p:
            return x
        if not self.training:
            return x
        x = as_input(x)
        kept = self.rng.random(x.shape, dtype=np.float32) >= self.p
        return apply(dropout, x, kept=kept, scale=1.0 / (1.0 - self.p))

    def __repr__(self) -> str:
        return f"Dropout({self.p})"


def as_input(x: Any, dtype: Any = None) -> Any:
    """A Tensor as it is; anything else as an array of floats, of a precision if one is told."""
    return x if isinstance(x, Tensor) else as_array(x, dtype)


def drawn(
    shape: tuple[int, ...],
    init: str | Callable[..., npt.NDArray[Any]],
    dtype: npt.DTypeLike,
    rng: Rng,
) -> Tensor:
    """Weights as an initialiser draws them."""
    numbers = np.asarray(initialisers.by_name(init)(shape, rng=rng, dtype=dtype))
    if numbers.shape != shape:
        raise ShapeError(f"init gave weights of shape {numbers.shape}, not {shape}")
    return Tensor(numbers, dtype=dtype)


def settings_of(layer: Any) -> str:
    """How a layer with a weight shows that it has no bias, or another precision."""
    bias = "" if layer.bias is not None else ", bias=False"
    return bias + precision_of(layer.weight)


def precision_of(tensor: Tensor | None) -> str:
    """How a layer shows a precision that is not the usual one."""
    if tensor is None or tensor.dtype == np.float32:
        return ""
    return f", dtype={str(tensor.dtype)!r}"
