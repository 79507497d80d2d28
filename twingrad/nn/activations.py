"""The activations as layers, to stand in a Sequential; the functions themselves are the engine's.

Each takes any shape and keeps it.
"""

from typing import Any, Literal

from .. import engine
from .module import Module
from .settings import is_number


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x: Any) -> Any:
        """Each element's relu."""
        return engine.relu(x)


class LeakyReLU(Module):
    """x where positive, else alpha x."""

    def __init__(self, alpha: float = 0.01) -> None:
        if not is_number(alpha):
            raise ValueError(f"alpha is a number, the slope below 0, not {alpha!r}")
        self.alpha = float(alpha)

    def forward(self, x: Any) -> Any:
        """Each element's leaky relu."""
        return engine.leaky_relu(x, self.alpha)

    def __repr__(self) -> str:
        return f"LeakyReLU(alpha={self.alpha})"


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
        if approximate not in ("none", "tanh"):
            raise ValueError(f'approximate is "none" or "tanh", not {approximate!r}')
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
