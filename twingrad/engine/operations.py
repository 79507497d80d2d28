"""The operations as functions: of nodes, of plain numbers and arrays, and of lists of Values.

Every operation that a node has as a method is a function of the same name, `tg.tanh(x)`; those
are made from the methods below. The ones written out take several operands or a list.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from . import array_rules, list_rules, rules
from .array_functions import Axis
from .array_operators import ArrayOperators
from .errors import ShapeError
from .node import Node, apply
from .operators import Operators
from .tensor import Tensor
from .value import Value, as_float


def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y: the one taken takes the gradient.

    condition: a bool or an array of them, such as `x > 0`; it is not differentiated.
    """
    if isinstance(condition, Node):
        raise TypeError(
            f"where() needs a condition, such as x > 0, but a {type(condition).__name__} came"
        )
    held = np.asarray(condition, dtype=bool)
    return apply(rules.where, x, y, condition=bool(held) if held.ndim == 0 else held.copy())


def concatenate(tensors: Sequence[Any], axis: int = 0) -> Any:
    """Tensors or arrays joined along an axis they have."""
    return _joined(array_rules.concatenate, tensors, axis)


def stack(tensors: Sequence[Any], axis: int = 0) -> Any:
    """Tensors or arrays of one shape joined along an axis of their own."""
    return _joined(array_rules.stack, tensors, axis)


def _joined(rule: Any, tensors: Sequence[Any], axis: int) -> Any:
    operands = list(tensors)
    if any(isinstance(x, Value) for x in operands):
        raise TypeError(f"{rule.__name__}() joins Tensors; Values stay in a list, [a, b]")
    try:
        return apply(rule, *operands, axis=axis)
    except ValueError as error:
        shapes = [np.shape(x) for x in operands]
        raise ShapeError(f"cannot {rule.__name__} shapes {shapes} along axis {axis}") from error


def dot(xs: Iterable[Any], ys: Iterable[Any], bias: Any = None) -> Any:
    """x₁y₁ + … + xₙyₙ (+ bias) of two lists, as one node: a whole neuron.

    Raises `ShapeError` for lists of different lengths.

    >>> import twingrad as tg
    >>> weights = [tg.Value(0.5), tg.Value(-1.0)]
    >>> out = tg.dot([2.0, 3.0], weights, bias=1.0)
    >>> out.backward()
    >>> out.data, [w.grad for w in weights]
    (-1.0, [2.0, 3.0])
    """
    if any(isinstance(x, Tensor | np.ndarray) and x.ndim != 1 for x in (xs, ys)):
        raise TypeError("dot() multiplies two lists of numbers; for Tensors and matrices use @")
    left, right = list(xs), list(ys)
    if len(left) != len(right):
        raise ShapeError(
            f"dot() multiplies two lists of one length, but {len(left)} and {len(right)} "
            "numbers came"
        )
    if bias is None:
        bias = 0.0
    return apply(list_rules.dot, *left, *right, bias) if left else bias


def sum(values: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum of a list of Values, as one node; or of a Tensor or an array over an axis."""
    if isinstance(values, Tensor | np.ndarray):
        return _method("sum", values, axis, keepdims)
    numbers = _listed("sum", values, axis)
    return apply(list_rules.total, *numbers) if numbers else 0.0


def logsumexp(values: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """log(exp x₁ + … + exp xₙ) without overflow: of a list as one node, or over an axis."""
    if isinstance(values, Tensor | np.ndarray):
        return _method("logsumexp", values, axis, keepdims)
    numbers = _listed("logsumexp", values, axis)
    return apply(list_rules.logsumexp_of, *numbers) if numbers else float("-inf")


def softmax(values: Any, axis: Axis = -1) -> Any:
    """exp x over the sum of exp x: of a list, one node each, or of a Tensor along an axis."""
    if isinstance(values, Tensor | np.ndarray):
        return _method("softmax", values, axis)
    numbers = _listed("softmax", values, None if axis == -1 else axis)
    total = logsumexp(numbers)
    return [apply(list_rules.exp_difference, x, total) for x in numbers]


def _listed(name: str, values: Any, axis: Any = None) -> list[Any]:
    if isinstance(values, Node) or not hasattr(values, "__iter__"):
        came = type(values).__name__
        raise TypeError(f"{name}() takes a list of Values, but a single {came} came")
    if axis is not None:
        raise TypeError(f"{name}() of a list has no axis; axis={axis!r} is for Tensors and arrays")
    numbers = list(values)
    if any(isinstance(x, Tensor) for x in numbers):
        return numbers
    return [x if isinstance(x, Node) else as_float(x) for x in numbers]


def _method(name: str, x: Any, *arguments: Any, **named: Any) -> Any:
    """Call the method of that name on x, or on the constant that x is, the result made plain."""
    if isinstance(x, Node):
        return _bound(x, name)(*arguments, **named)
    for other in (*arguments, *named.values()):
        if isinstance(other, Node):
            return _bound(other._operand(x), name)(*arguments, **named)
    kind = Value if np.ndim(x) == 0 and hasattr(Value, name) else Tensor
    result = _bound(kind(x).detach(), name)(*arguments, **named).data
    return result[()] if isinstance(result, np.ndarray) else result


def _bound(node: Node, name: str) -> Callable[..., Any]:
    if not hasattr(node, name):
        raise TypeError(f"{name}() is for Tensors and arrays, but a {type(node).__name__} came")
    method: Callable[..., Any] = getattr(node, name)
    return method


def _function_of(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def function(x: Any, *arguments: Any, **named: Any) -> Any:
        return _method(method.__name__, x, *arguments, **named)

    return function


FUNCTIONS_OF_METHODS = {
    name: _function_of(method)
    for name, method in {**vars(Operators), **vars(ArrayOperators)}.items()
    if getattr(method, "is_function", False) and name not in globals()
}
"""A function for every method of a node that is marked as one and not written out above."""

globals().update(FUNCTIONS_OF_METHODS)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Callable[..., Any]: ...
