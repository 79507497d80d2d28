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
from .errors import GraphError, ShapeError
from .node import Node, not_a_rule
from .operators import Operators
from .rules import SELECTIVE
from .sweep import topological_order
from .tensor import Tensor
from .value import Value, as_float


def apply(rule: Callable[..., Any], *operands: Any, **static: Any) -> Any:
    """Run a rule, one of twingrad's or of your own, on nodes, arrays or numbers.

    A rule takes the operands' numbers and returns the result and its pullback, which takes the
    gradient of the result and returns a tuple of gradients, one per operand, None for those
    that have none. `static` is passed on to the rule and not differentiated. Written with
    arithmetic and `twingrad`'s own functions, a rule gives second derivatives as well.

    >>> import twingrad as tg
    >>> def cube(x):
    ...     return x * x * x, lambda grad: (grad * (3.0 * x * x),)
    >>> x = tg.Value(2.0)
    >>> y = tg.apply(cube, x)
    >>> y.backward()
    >>> y.data, x.grad
    (8.0, 12.0)
    """
    for operand in operands:
        if isinstance(operand, Node):
            return operand._apply(rule, operands, static)
    if rule in SELECTIVE:
        static["needs"] = (False,) * len(operands)
    with np.errstate(all="ignore"):
        result = rule(*[float(x) if isinstance(x, int) else x for x in operands], **static)
    if not isinstance(result, tuple) or len(result) != 2:
        raise GraphError(not_a_rule(rule, result))
    return result[0]


def zero_grad(root: Node) -> None:
    """Reset the gradient of every node below: to 0.0 for a Value, to None for a Tensor.

    >>> from twingrad import Value, zero_grad
    >>> x = Value(3.0)
    >>> y = x * x
    >>> y.backward()
    >>> zero_grad(y)
    >>> x.grad, y.grad
    (0.0, 0.0)
    """
    if not isinstance(root, Node):
        raise TypeError(
            f"zero_grad() starts from a Value or a Tensor, but a {type(root).__name__} came; a "
            "model and an optimizer have a zero_grad() of their own"
        )
    for node in topological_order(root):
        node._grad = None


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
