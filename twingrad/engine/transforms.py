"""Functions in, derivatives out: grad, vjp, jvp, jacobian, hessian, hvp.

Each runs the function on fresh nodes and sweeps; no `.grad` is ever touched. A number becomes a
Value, an array a Tensor, and lists, tuples and dicts of them keep their structure. Given nodes,
or inside another transform, the results are nodes, so that transforms nest; at the top they are
plain numbers and arrays.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .node import Node
from .operations import stack
from .run import Argnum, Run, matching, pull_back, zeros_like
from .structure import map_leaves
from .tensor import Tensor
from .value import Value


def grad(f: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., Any]:
    """The function that computes the gradient of f with respect to one argument, or a tuple.

    f returns one number. An argument that the result does not reach gets zeros.

    >>> import twingrad as tg
    >>> def cubed(x):
    ...     return x**3
    >>> tg.grad(cubed)(2.0), tg.grad(tg.grad(cubed))(2.0)
    (12.0, 12.0)
    """
    both = value_and_grad(f, argnum)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def value_and_grad(f: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., tuple[Any, Any]]:
    """As `grad`, with the value of f before the gradient: `value, gradient = both(x)`."""

    def both(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        run = Run(f, args, argnum, kwargs)
        found = pull_back([run.only_number()], [None], run.inputs, run.nested)
        return run.shown(run.result), run.shown(run.like_inputs(found))

    return both


def vjp(f: Callable[..., Any], *inputs: Any) -> tuple[Any, Callable[[Any], Any]]:
    """f at the inputs, and the function from a gradient of its result to theirs, v -> vᵀJ.

    v has the structure and shapes of the result; the answer is one gradient for one input, a
    tuple for several.

    >>> import numpy as np, twingrad as tg
    >>> value, pull = tg.vjp(lambda x: x * x, np.array([1.0, 2.0]))
    >>> pull(np.array([1.0, 10.0]))
    array([ 2., 40.])
    """
    run = Run(f, inputs, 0 if len(inputs) == 1 else tuple(range(len(inputs))))

    def pull(v: Any) -> Any:
        seeds = matching(v, run.result, "the vector that vjp pulls back")
        nested = run.nested or Run.inside() or _differentiated(seeds)
        found = pull_back(run.results, seeds, run.inputs, nested)
        return run.shown(run.like_inputs(found), nested)

    return run.shown(run.result), pull


def jvp(f: Callable[..., Any], inputs: Any, tangents: Any) -> tuple[Any, Any]:
    """f at the inputs, and how fast it changes as they move along the tangents, Jv.

    A tuple of inputs is several arguments, anything else is one. The pullback v -> vᵀJ is
    linear in v, and pulling back through *it* pushes forward: no second table of derivatives.

    >>> import twingrad as tg
    >>> tg.jvp(lambda x, y: x * y, (3.0, 4.0), (1.0, 0.5))
    (12.0, 5.5)
    """
    run = Run.of_tuple(f, inputs)
    along = matching(tangents, run.wanted, "the tangents of jvp")
    v = [y._make(zeros_like(y)) if isinstance(y, Node) else Value(0.0) for y in run.results]
    pulled = pull_back(run.results, v, run.inputs, create_graph=True)
    nested = run.nested or _differentiated(along)
    pushed = pull_back(pulled, along, v, nested)
    return run.shown(run.result), run.shown(run.like_result(pushed), nested)


def hvp(f: Callable[..., Any], inputs: Any, vectors: Any) -> Any:
    """The Hessian of f times a vector, Hv, without the Hessian: the gradient of ⟨grad f, v⟩.

    A tuple of inputs is several arguments, anything else is one.

    >>> import numpy as np, twingrad as tg
    >>> tg.hvp(lambda x: (x**3).sum(), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    run = Run.of_tuple(f, inputs)
    along = matching(vectors, run.wanted, "the vector of hvp")
    slopes = pull_back([run.only_number()], [None], run.inputs, create_graph=True)
    nested = run.nested or _differentiated(along)
    return run.shown(run.like_inputs(pull_back(slopes, along, run.inputs, nested)), nested)


def jacobian(f: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., Any]:
    """The function that computes every slope of every result: shape of result + shape of input.

    Lists of numbers give lists: for each number of the result the structure of the argument.

    >>> import numpy as np, twingrad as tg
    >>> tg.jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    def slopes(*args: Any, **kwargs: Any) -> Any:
        run = Run(f, args, argnum, kwargs)

        def of_one_result(y: Any) -> Any:
            seeds = _unit_vectors(y)
            rows = [pull_back([y], [seed], run.inputs, run.nested) for seed in seeds]
            if not rows:  # a result of no elements
                return run.like_inputs([np.zeros(y.shape + np.shape(x._data)) for x in run.inputs])
            columns = zip(*rows, strict=True)
            return run.like_inputs([_stacked(column, y) for column in columns])

        return run.shown(map_leaves(of_one_result, run.result))

    return slopes


def hessian(f: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., Any]:
    """The function that computes all second derivatives of f, which returns one number.

    For an array of shape s the shape is s + s; lists of numbers give lists of lists.

    >>> import twingrad as tg
    >>> tg.hessian(lambda x: x[0] ** 2 * x[1])([3.0, 5.0])
    [[10.0, 6.0], [6.0, 0.0]]
    """
    return jacobian(grad(f, argnum), argnum)


def _differentiated(numbers: list[Any]) -> bool:
    return any(isinstance(x, Node) for x in numbers)


def _unit_vectors(y: Any) -> list[Any]:
    if not isinstance(y, Tensor | np.ndarray):
        return [1.0]
    return list(np.eye(y.size, dtype=y.dtype).reshape(y.size, *y.shape))


def _stacked(rows: Any, y: Any) -> Any:
    """One gradient for each element of y, joined to an array of y's shape before their own."""
    if not isinstance(y, Tensor | np.ndarray):
        return rows[0]
    joined = stack(rows) if isinstance(rows[0], Node) else np.stack(rows)
    return joined.reshape(y.shape + joined.shape[1:])
