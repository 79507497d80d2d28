"""Linear, Flatten and Dropout: the layers on Tensors that most networks have.

A batch is the first axis; a layer's parameters are Tensors of float32 unless told otherwise.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import ShapeError, Tensor, apply
from ..engine.layer_rules import dropout, linear
from . import init as initialisers
from .module import Module
from .neuron import check_width

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
        check_width("in_features", in_features)
        check_width("out_features", out_features)
        self.weight = drawn((in_features, out_features), init, dtype, rng)
        self.bias = Tensor(np.zeros(out_features), dtype=dtype) if bias else None

    def forward(self, x: Any) -> Any:
        """The layer's response to a batch, or to one sample of shape (in_features,)."""
        shape = shape_of(x)
        if not shape or shape[-1] != self.weight.shape[0]:
            raise ShapeError(
                f"{self!r}: expected (batch, {self.weight.shape[0]}), got {shape}{self._fix(shape)}"
            )
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
        shape = shape_of(x)
        if not shape:
            raise ShapeError(f"{self!r}: expected (batch, ...), got a single number")
        return x.reshape((shape[0], prod(shape[1:])))


class Dropout(Module):
    """While training, each number is 0 with probability p, and else 1/(1 - p) times itself.

    In evaluation it does nothing. Srivastava et al. 2014, JMLR 15, with the scaling at training
    time ("inverted"), so that the mean stays. `rng` draws the masks, and is saved in checkpoints.

    >>> from twingrad.nn import Dropout
    >>> Dropout(0.5, rng=0)
    Dropout(0.5)
    """

    def __init__(self, p: float = 0.5, rng: Rng = None) -> None:
        if not isinstance(p, int | float | np.number) or not 0.0 <= p < 1.0:
            raise ValueError(f"p is the share that is dropped, from 0 to below 1, not {p!r}")
        self.p = float(p)
        self.rng = np.random.default_rng(rng)

    def forward(self, x: Any) -> Any:
        """Each element kept or dropped."""
        if not self.training or not self.p:
            return x
        kept = self.rng.random(shape_of(x), dtype=np.float32) >= self.p
        return apply(dropout, x, kept=kept, scale=1.0 / (1.0 - self.p))

    def __repr__(self) -> str:
        return f"Dropout({self.p:g})"


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of a Tensor or of an array."""
    return np.shape(getattr(x, "data", x)) if not isinstance(x, np.ndarray) else x.shape


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
    dtype = "" if layer.weight.dtype == np.float32 else f", dtype={str(layer.weight.dtype)!r}"
    return bias + dtype
