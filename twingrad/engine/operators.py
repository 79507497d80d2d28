"""The operators and elementary functions that Value and Tensor share: same names, same rules.

Each is one line that names its rule. A method marked `function` is also a function of the
package, `tg.tanh(x)`, that takes a node, an array or a plain number.
"""

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import numpy as np

from . import rules
from .functions import Traced
from .tape import ask

Method = TypeVar("Method", bound=Callable[..., Any])


def function(method: Method) -> Method:
    """Mark a method that is offered as a function too."""
    method.is_function = True  # type: ignore[attr-defined]
    return method


class Operators(Traced):
    """Arithmetic, comparison and elementary functions of a node."""

    __slots__ = ()

    _data: Any

    if TYPE_CHECKING:

        def _apply(
            self, rule: Any, operands: tuple[Any, ...], static: dict[str, Any] = ...
        ) -> Self: ...
        def _operand(self, x: Any) -> Any: ...

    # Arithmetic, on either side of a number

    def __add__(self, other: Any) -> Self:
        return self._apply(rules.add, (self, other))

    def __radd__(self, other: Any) -> Self:
        return self._apply(rules.add, (other, self))

    def __sub__(self, other: Any) -> Self:
        return self._apply(rules.sub, (self, other))

    def __rsub__(self, other: Any) -> Self:
        return self._apply(rules.sub, (other, self))

    def __mul__(self, other: Any) -> Self:
        return self._apply(rules.mul, (self, other))

    def __rmul__(self, other: Any) -> Self:
        return self._apply(rules.mul, (other, self))

    def __truediv__(self, other: Any) -> Self:
        return self._apply(rules.divide, (self, other))

    def __rtruediv__(self, other: Any) -> Self:
        return self._apply(rules.divide, (other, self))

    def __pow__(self, other: Any) -> Self:
        return self._apply(rules.power, (self, other))

    def __rpow__(self, other: Any) -> Self:
        return self._apply(rules.power, (other, self))

    def __neg__(self) -> Self:
        return self._apply(rules.neg, (self,))

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self._apply(rules.absolute, (self,))

    # Comparison, of the numbers; `==` stays identity, so that nodes can be keys

    def __lt__(self, other: Any) -> Any:
        return ask(operator.lt, self, other, self._data, self._compared(other))

    def __le__(self, other: Any) -> Any:
        return ask(operator.le, self, other, self._data, self._compared(other))

    def __gt__(self, other: Any) -> Any:
        return ask(operator.gt, self, other, self._data, self._compared(other))

    def __ge__(self, other: Any) -> Any:
        return ask(operator.ge, self, other, self._data, self._compared(other))

    def _compared(self, other: Any) -> Any:
        return self._operand(other)._data if isinstance(other, Operators) else other

    # Elementary functions

    @function
    def exp(self) -> Self:
        """e to the x."""
        return self._apply(rules.exp, (self,))

    @function
    def log(self) -> Self:
        """The natural logarithm; -inf at 0, nan below."""
        return self._apply(rules.log, (self,))

    @function
    def sqrt(self) -> Self:
        """The square root; nan below 0."""
        return self._apply(rules.sqrt, (self,))

    @function
    def sin(self) -> Self:
        """The sine of an angle in radians."""
        return self._apply(rules.sin, (self,))

    @function
    def cos(self) -> Self:
        """The cosine of an angle in radians."""
        return self._apply(rules.cos, (self,))

    @function
    def erf(self) -> Self:
        """The error function, 2/√π ∫₀ˣ exp(-t²) dt."""
        return self._apply(rules.erf, (self,))

    @function
    def erfc(self) -> Self:
        """1 - erf x, exact in the tail where erf rounds to 1."""
        return self._apply(rules.erfc, (self,))

    # Activations

    @function
    def tanh(self) -> Self:
        """The hyperbolic tangent."""
        return self._apply(rules.tanh, (self,))

    @function
    def sigmoid(self) -> Self:
        """1/(1 + e⁻ˣ), the logistic function."""
        return self._apply(rules.sigmoid, (self,))

    @function
    def softplus(self) -> Self:
        """log(1 + eˣ), a smooth relu."""
        return self._apply(rules.softplus, (self,))

    @function
    def relu(self) -> Self:
        """x where it is positive, else 0; the slope at 0 is 0."""
        return self._apply(rules.relu, (self,))

    @function
    def leaky_relu(self, alpha: float = 0.01) -> Self:
        """x where it is positive, else alpha x; the slope at 0 is alpha."""
        return self._apply(rules.leaky_relu, (self,), {"alpha": _plain_number("alpha", alpha)})

    @function
    def gelu(self, approximate: Literal["none", "tanh"] = "none") -> Self:
        """x Φ(x), Φ the normal distribution's cumulative function, or its tanh approximation.

        Hendrycks & Gimpel 2016, arXiv:1606.08415.
        """
        if approximate not in ("none", "tanh"):
            raise ValueError(f'approximate is "none" or "tanh", not {approximate!r}')
        return self._apply(rules.gelu if approximate == "none" else rules.gelu_tanh, (self,))

    # Choosing

    @function
    def maximum(self, other: Any) -> Self:
        """The greater of the two; at a tie each takes half of the gradient."""
        return self._apply(rules.maximum, (self, other))

    @function
    def minimum(self, other: Any) -> Self:
        """The smaller of the two; at a tie each takes half of the gradient."""
        return self._apply(rules.minimum, (self, other))

    @function
    def clip(self, low: float | None = None, high: float | None = None) -> Self:
        """The number kept within [low, high], two plain numbers; no gradient outside."""
        limits = {
            "low": float("-inf") if low is None else _plain_number("low", low),
            "high": float("inf") if high is None else _plain_number("high", high),
        }
        if limits["low"] > limits["high"]:
            raise ValueError(f"clip() needs low <= high, but low={low} and high={high} came")
        return self._apply(rules.clip, (self,), limits)


def _plain_number(name: str, x: Any) -> float:
    """A setting of an operation, through which no gradient could flow unnoticed."""
    if isinstance(x, Traced) or np.ndim(x):
        raise TypeError(
            f"{name} is a plain number, which is not differentiated, but {x!r} came; for arrays "
            "and nodes write it out with where, maximum and minimum"
        )
    return float(x)
