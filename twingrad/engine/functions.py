"""The vocabulary the rules are written in: exp, log, where … of a float, an array or a node.

A rule that says nothing but these words and + - * @ serves both twins, and, run on nodes, its
own derivative. Numbers follow IEEE 754 as NumPy does: exp(1000.0) is inf, log(0.0) is -inf.
"""

import math
from collections.abc import Callable, Sequence
from functools import reduce, wraps
from operator import add, mul
from typing import Any, TypeAlias

import numpy as np

from . import erf as _erf
from . import select as _select

Operand: TypeAlias = Any
"""A float, an array or a node: what a rule is given, and what it returns."""

ARRAYS = (np.ndarray, np.generic)


class Traced:
    """What these functions know of a node: given one, they run the rule of their own name."""

    __slots__ = ()

    def _trace(self, name: str, operands: Sequence[Operand], **static: Any) -> Any:
        raise TypeError(f"{type(self).__name__} cannot run the rule {name!r}")


def _first_node(operands: Sequence[Operand]) -> Traced | None:
    for operand in operands:
        if isinstance(operand, Traced):
            return operand
    return None


def unary(on_float: Callable[[float], float]) -> Callable[[Any], Callable[[Operand], Operand]]:
    """Make a function for arrays serve floats, through `on_float`, and nodes too."""

    def decorate(on_array: Callable[[Any], Any]) -> Callable[[Operand], Operand]:
        name = on_array.__name__

        @wraps(on_array)
        def function(x: Operand) -> Operand:
            if type(x) is float:
                try:
                    return on_float(x)
                except (ValueError, OverflowError):  # Python raises where IEEE has an answer
                    with np.errstate(all="ignore"):
                        return float(on_array(np.float64(x)))
            if isinstance(x, Traced):
                return x._trace(name, (x,))
            return on_array(x)

        return function

    return decorate


@unary(math.exp)
def exp(x: Operand) -> Operand:
    """e to the x."""
    return np.exp(x)


@unary(math.log)
def log(x: Operand) -> Operand:
    """The natural logarithm."""
    return np.log(x)


@unary(math.sqrt)
def sqrt(x: Operand) -> Operand:
    """The square root."""
    return np.sqrt(x)


@unary(math.sin)
def sin(x: Operand) -> Operand:
    """The sine of an angle in radians."""
    return np.sin(x)


@unary(math.cos)
def cos(x: Operand) -> Operand:
    """The cosine of an angle in radians."""
    return np.cos(x)


@unary(math.tanh)
def tanh(x: Operand) -> Operand:
    """The hyperbolic tangent."""
    return np.tanh(x)


@unary(math.erf)
def erf(x: Operand) -> Operand:
    """The error function, 2/√π ∫₀ˣ exp(-t²) dt."""
    return _erf.erf(x)


@unary(math.erfc)
def erfc(x: Operand) -> Operand:
    """1 - erf x, exact in the tail where erf rounds to 1."""
    return _erf.erfc(x)


def _sigmoid(x: float) -> float:
    decay = math.exp(-abs(x))
    return (1.0 if x >= 0.0 else decay) / (1.0 + decay)


@unary(_sigmoid)
def sigmoid(x: Operand) -> Operand:
    """1 / (1 + e⁻ˣ), without overflow on either side."""
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, decay) / (1 + decay)


def _softplus(x: float) -> float:
    return (x if x > 0.0 else 0.0) + math.log1p(math.exp(-abs(x)))


@unary(_softplus)
def softplus(x: Operand) -> Operand:
    """log(1 + eˣ), without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@unary(lambda x: 0.0 if x <= 0.0 else x)  # so that NaN stays NaN
def relu(x: Operand) -> Operand:
    """x where it is positive, else 0."""
    result = np.zeros_like(x)  # several times as fast as a single 0, which NumPy takes one by one
    return np.maximum(x, result, out=result)


def binary(
    on_float: Callable[[float, float], float],
) -> Callable[[Any], Callable[[Operand, Operand], Operand]]:
    """Make a function of two arrays serve floats, through `on_float`, and nodes too."""

    def decorate(on_array: Callable[[Any, Any], Any]) -> Callable[[Operand, Operand], Operand]:
        name = on_array.__name__

        @wraps(on_array)
        def function(x: Operand, y: Operand) -> Operand:
            if type(x) is float and type(y) is float:
                try:
                    return on_float(x, y)
                except (ValueError, OverflowError, ZeroDivisionError):
                    with np.errstate(all="ignore"):
                        return float(on_array(np.float64(x), np.float64(y)))
            node = _first_node((x, y))
            if node is not None:
                return node._trace(name, (x, y))
            return on_array(x, y)

        return function

    return decorate


@binary(lambda x, y: x / y)
def divide(x: Operand, y: Operand) -> Operand:
    """x / y; 1/0 is inf and 0/0 is nan."""
    return np.divide(x, y)


@binary(math.pow)
def power(x: Operand, y: Operand) -> Operand:
    """x to the y; 0⁻¹ is inf, the root of a negative number is nan."""
    return x**y


@binary(lambda x, y: x if x >= y or x != x else y)  # either NaN wins
def maximum(x: Operand, y: Operand) -> Operand:
    """The greater of x and y."""
    return np.maximum(x, y)


@binary(lambda x, y: x if x <= y or x != x else y)
def minimum(x: Operand, y: Operand) -> Operand:
    """The smaller of x and y."""
    return np.minimum(x, y)


def where(condition: Any, x: Operand, y: Operand) -> Operand:
    """x where the condition holds, else y. It selects: what is not taken cannot spoil the rest."""
    if type(condition) is bool and type(x) is float and type(y) is float:
        return x if condition else y
    node = _first_node((x, y))
    if node is not None:
        return node._trace("where", (x, y), condition=condition)
    return _select.where(condition, x, y)


def equal(x: Operand, y: Operand) -> Any:
    """Whether the numbers are equal: a bool or an array of them (`==` of nodes is identity)."""
    return (x >= y) & (x <= y)


def anywhere(mask: Any) -> bool:
    """Whether a condition holds for at least one of the numbers."""
    return mask if type(mask) is bool else bool(mask.any())


def total(xs: Sequence[Operand]) -> Operand:
    """The sum of a list."""
    if isinstance(xs[0], Traced):
        return xs[0]._trace("total", xs)
    return reduce(add, xs)  # `sum` compensates floats since Python 3.12, and arrays not at all


def dot(xs: Sequence[Operand], ys: Sequence[Operand], bias: Operand = 0.0) -> Operand:
    """x₁y₁ + … + xₙyₙ + bias."""
    if isinstance(xs[0], Traced):
        return xs[0]._trace("dot", (*xs, *ys, bias))
    return reduce(add, map(mul, xs, ys), bias)


def logsumexp_of(xs: Sequence[Operand]) -> Operand:
    """log(exp x₁ + … + exp xₙ), without overflow."""
    if isinstance(xs[0], Traced):
        return xs[0]._trace("logsumexp_of", xs)
    if set(map(type, xs)) != {float}:
        return _logsumexp_of_columns(xs)
    largest = max(xs)
    if math.isinf(largest):  # inf - inf would be nan
        return math.nan if any(x != x for x in xs) else largest
    return largest + math.log(reduce(add, [math.exp(x - largest) for x in xs]))


def log_softmax_of(xs: Sequence[Operand]) -> list[Operand]:
    """The logarithm of each exp x over their sum, keeping its digits however large the numbers."""
    if not isinstance(xs[0], Traced):  # of nodes, the shift would cancel in every derivative
        largest = reduce(maximum, xs)
        xs = [x - largest for x in xs]
    total = logsumexp_of(xs)
    return [x - total for x in xs]


def _logsumexp_of_columns(xs: Sequence[Operand]) -> Operand:
    from .array_functions import logsumexp

    return logsumexp(np.stack(np.broadcast_arrays(*xs)), axis=0)
