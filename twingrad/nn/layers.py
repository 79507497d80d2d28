"""Layers on Tensors: Linear, the activations, and Sequential, which chains them.

A batch is the first axis; a layer's parameters are Tensors of float32 unless told otherwise.
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .. import engine
from ..engine import ShapeError, Tensor, apply
from ..engine.array_rules import linear
from . import init as initialisers
from .module import Module
from .neuron import MLP, check_width

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
        shape = (in_features, out_features)
        drawn = np.asarray(initialisers.by_name(init)(shape, rng=rng, dtype=dtype))
        if drawn.shape != shape:
            raise ShapeError(f"init gave weights of shape {drawn.shape}, not {shape}")
        self.weight = Tensor(drawn, dtype=dtype)
        self.bias = Tensor(np.zeros(out_features), dtype=dtype) if bias else None

    def forward(self, x: Any) -> Any:
        """The layer's response to a batch, or to one sample of shape (in_features,)."""
        shape = np.shape(getattr(x, "data", x))
        if not shape or shape[-1] != self.weight.shape[0]:
            raise ShapeError(f"{self!r}: expected (batch, {self.weight.shape[0]}), got {shape}")
        if self.bias is None:
            return x @ self.weight
        return apply(linear, x, self.weight, self.bias)

    def __repr__(self) -> str:
        bias = "" if self.bias is not None else ", bias=False"
        dtype = "" if self.weight.dtype == np.float32 else f", dtype={str(self.weight.dtype)!r}"
        return f"Linear({self.weight.shape[0]}, {self.weight.shape[1]}{bias}{dtype})"


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x: Any) -> Any:
        """Each element's relu."""
        return engine.relu(x)


class LeakyReLU(Module):
    """x where positive, else alpha x."""

    def __init__(self, alpha: float = 0.01) -> None:
        self.alpha = float(alpha)

    def forward(self, x: Any) -> Any:
        """Each element's leaky relu."""
        return engine.leaky_relu(x, self.alpha)

    def __repr__(self) -> str:
        return f"LeakyReLU(alpha={self.alpha:g})"


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x: Any) -> Any:
        """Each element's tanh."""
        return engine.tanh(x)


class Sigmoid(Module):
    """1/(1 + e⁻ˣ)."""

    def forward(self, x: Any) -> Any:
        """Each element's sigmoid."""
        return engine.sigmoid(x)


class GELU(Module):
    """x Φ(x), exactly or by its tanh approximation."""

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        """Each element's gelu."""
        return engine.gelu(x, self.approximate)

    def __repr__(self) -> str:
        return "GELU()" if self.approximate == "none" else "GELU(approximate='tanh')"


class Softplus(Module):
    """log(1 + eˣ)."""

    def forward(self, x: Any) -> Any:
        """Each element's softplus."""
        return engine.softplus(x)


class Softmax(Module):
    """exp x over its sum along an axis, the last by default.

    Not before `cross_entropy`, which takes the logits themselves.
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        """The softmax along the axis."""
        return engine.softmax(x, self.axis)

    def __repr__(self) -> str:
        return "Softmax()" if self.axis == -1 else f"Softmax(axis={self.axis})"


class Sequential(Module):
    """Layers, each fed with the output of the one before; any function may stand among them.

    >>> from twingrad.nn import Linear, ReLU, Sequential
    >>> Sequential(Linear(2, 8, rng=0), ReLU(), Linear(8, 1, rng=1))
    Sequential(Linear(2, 8), ReLU(), Linear(8, 1))
    """

    def __init__(self, *layers: Any) -> None:
        given = layers[0] if len(layers) == 1 and isinstance(layers[0], list | tuple) else layers
        for layer in given:
            if not callable(layer):
                raise TypeError(
                    f"Sequential takes layers, but {layer!r} came, a {type(layer).__name__}"
                )
        self.layers = list(given)

    def forward(self, x: Any) -> Any:
        """The output of the last layer."""
        for layer in self.layers:
            x = layer(x)
        return x

    def to_scalar(self) -> MLP:
        """The same network on Values; for chains of Linear and activations."""
        from .twins import to_scalar

        return to_scalar(self)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int) -> Any:
        return self.layers[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    def __repr__(self) -> str:
        names = [
            repr(layer) if isinstance(layer, Module) else getattr(layer, "__name__", repr(layer))
            for layer in self.layers
        ]
        return f"Sequential({', '.join(names)})"
