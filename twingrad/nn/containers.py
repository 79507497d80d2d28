"""Sequential, which chains layers, and Residual, which adds what a layer says to what it heard.

A container knows nothing of what its parts do; their parameters are found in it.
"""

from collections.abc import Iterator
from typing import Any

from ..engine import ShapeError
from .layers import as_input
from .module import Module
from .neuron import MLP
from .place import at_index


class Sequential(Module):
    """Layers, each fed with the output of the one before; any function may stand among them.

    >>> from twingrad.nn import Linear, ReLU, Sequential
    >>> Sequential(Linear(2, 8, rng=0), ReLU(), Linear(8, 1, rng=1))
    Sequential(Linear(2, 8), ReLU(), Linear(8, 1))
    """

    indexed = "layers"

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
        for index, layer in enumerate(self.layers):
            try:
                x = layer(x)
            except ShapeError as error:
                at_index(error, self, layer, index)
                raise
        return x

    def to_scalar(self) -> MLP:
        """The same network on Values; for chains of Linear and activations."""
        from .twins import to_scalar

        return to_scalar(self)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int | slice) -> Any:
        """A layer, or for a slice a Sequential of the same layers."""
        found = self.layers[index]
        return Sequential(*found) if isinstance(index, slice) else found

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    def __repr__(self) -> str:
        names = [
            repr(layer) if isinstance(layer, Module) else getattr(layer, "__name__", repr(layer))
            for layer in self.layers
        ]
        line = f"Sequential({', '.join(names)})"
        if len(line) <= 100 and "\n" not in line:
            return line
        indented = [name.replace("\n", "\n    ") for name in names]
        return "Sequential(\n    " + ",\n    ".join(indented) + ",\n)"


class Residual(Module):
    """x + module(x): the module learns what to change, and the gradient has a way around it.

    The module keeps the shape. He, Zhang, Ren & Sun 2016, arXiv:1512.03385, equation 1, without
    the relu after the sum.

    Raises `ShapeError` where the module changes the shape.

    >>> from twingrad.nn import Linear, Residual, Sequential, Tanh
    >>> Residual(Sequential(Linear(8, 8, rng=0), Tanh()))
    Residual(Sequential(Linear(8, 8), Tanh()))
    """

    def __init__(self, module: Any) -> None:
        if not callable(module):
            raise TypeError(f"Residual takes a layer, but {module!r} came")
        self.module = module

    def forward(self, x: Any) -> Any:
        """The input plus what the module makes of it."""
        x = as_input(x)
        change = self.module(x)
        came, made = x.shape, change.shape
        if came != made:
            raise ShapeError(
                f"Residual: expected the module to keep the shape {came}, but it gave {made}; "
                "only equal shapes are added, for broadcasting would repeat one of them"
            )
        return x + change

    def __repr__(self) -> str:
        module = self.module
        shown = repr(module) if isinstance(module, Module) else getattr(module, "__name__", "")
        return f"Residual({shown or repr(module)})"
