"""One run of a function on fresh nodes: what every transform starts from.

Fresh nodes keep a nested transform's derivative apart from the outer one's: each sweep stops at
nodes that no other sweep knows.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from .caller import levels_to_the_user
from .errors import ShapeError
from .node import Node
from .rules import identity
from .structure import aligned, flatten, map_leaves, rebuild
from .sweep import enable_grad, gradients, is_remembering
from .tape import Tape
from .tensor import Tensor
from .value import Value, as_float

Argnum = int | tuple[int, ...]


class Run:
    """A function called on fresh nodes in place of the arguments named by `argnum`.

    `inputs` are those nodes and `results` what came back, flat; `nested` says that somebody
    outside differentiates this, so that derivatives must be nodes.
    """

    _depth: ContextVar[int] = ContextVar("depth", default=0)

    def __init__(
        self,
        f: Callable[..., Any],
        args: Sequence[Any],
        argnum: Argnum,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        chosen = _chosen(argnum, len(args))
        given = flatten([args, kwargs or {}])
        outside = Run.inside() or any(isinstance(x, Node) for x in given)
        self.nested = outside and is_remembering.get()
        wrapped = list(args)
        with Run._one_deeper(), enable_grad():
            for i in chosen:
                wrapped[i] = map_leaves(fresh if self.nested else unconnected, args[i])
            self.result = f(*wrapped, **(kwargs or {}))
        self.wanted = (
            wrapped[argnum] if isinstance(argnum, int) else tuple(wrapped[i] for i in chosen)
        )
        self.inputs: list[Node] = flatten(self.wanted)
        self.results = flatten(self.result)
        for y in self.results:
            _check_result(y, f)

    @classmethod
    def of_tuple(cls, f: Callable[..., Any], inputs: Any) -> "Run":
        """A run on a tuple of arguments, or on one argument that is not a tuple."""
        if isinstance(inputs, tuple):
            return cls(f, inputs, tuple(range(len(inputs))))
        return cls(f, (inputs,), 0)

    @staticmethod
    def inside() -> bool:
        """Whether the function of another transform is running."""
        return Run._depth.get() > 0

    @staticmethod
    @contextmanager
    def _one_deeper() -> Iterator[None]:
        token = Run._depth.set(Run._depth.get() + 1)
        try:
            yield
        finally:
            Run._depth.reset(token)

    def only_number(self) -> Any:
        """The result, which must be one number."""
        y = self.results[0] if len(self.results) == 1 else None
        if y is None or np.size(y) != 1:
            came = (
                f"{len(self.results)} results" if y is None else f"an array of shape {np.shape(y)}"
            )
            raise ShapeError(
                f"a gradient is that of one number, but the function returned {came}; sum it, "
                "or use jacobian or vjp"
            )
        return y

    def like_inputs(self, leaves: list[Any]) -> Any:
        """Numbers, one for each input, in the structure of the arguments."""
        return rebuild(self.wanted, leaves)

    def like_result(self, leaves: list[Any]) -> Any:
        """Numbers, one for each result, in the structure of what the function returned."""
        return rebuild(self.result, leaves)

    def shown(self, tree: Any, nested: bool | None = None) -> Any:
        """What the caller gets: nodes when nested, else plain numbers and arrays."""
        return tree if (self.nested if nested is None else nested) else map_leaves(_plain, tree)


def pull_back(
    roots: Sequence[Any], seeds: Sequence[Any], inputs: Sequence[Node], create_graph: bool
) -> list[Any]:
    """The sum of the roots, each times its seed, differentiated by each input; zeros included."""
    start = starting_from(roots, seeds, create_graph)
    with Run._one_deeper():
        found = gradients(start, create_graph=create_graph, wrt=inputs)
    filled = [found[x] if x in found else zeros_like(x) for x in inputs]
    return [x._operand(g) if create_graph else g for x, g in zip(inputs, filled, strict=True)]


def starting_from(
    roots: Sequence[Any], seeds: Sequence[Any], create_graph: bool = False
) -> dict[Node, Any]:
    """The gradient each root starts from; a root that came twice starts from the sum."""
    start: dict[Node, Any] = {}
    for root, seed in zip(roots, seeds, strict=True):
        if isinstance(root, Node) and not root.constant:
            held = seed if isinstance(seed, Node) else root._seed(seed)
            held = root._operand(held) if create_graph else held
            start[root] = start[root] + held if root in start else held
    return start


def zeros_like(x: Node) -> Any:
    """Zero in the shape of a node."""
    return np.zeros_like(x._data) if x.holds is np.ndarray else 0.0


def matching(tree: Any, like: Any, what: str) -> list[Any]:
    """The numbers of a tree, checked to have the structure and the shapes of another."""
    leaves, nodes = aligned(tree, like, what), flatten(like)
    for leaf, node in zip(leaves, nodes, strict=True):
        shapes = [np.shape(x) for x in (leaf, node)]
        if shapes[0] != shapes[1]:
            raise ShapeError(f"{what} must have shape {shapes[1]}, but {shapes[0]} came")
    return leaves


def _chosen(argnum: Argnum, count: int) -> tuple[int, ...]:
    chosen = argnum if isinstance(argnum, tuple) else (argnum,)
    for i in chosen:
        if not isinstance(i, int) or not -count <= i < count:
            raise ValueError(
                f"argnum={argnum!r} does not name one of the {count} positional arguments"
            )
    if len({i % count for i in chosen}) < len(chosen):
        raise ValueError(f"argnum={argnum!r} names an argument twice")
    return chosen


def fresh(x: Any) -> Node:
    """A node of its own for an argument, connected to it if that is itself differentiated."""
    if isinstance(x, Node) and not x.constant:
        return x._apply(identity, (x,))
    if isinstance(x, Value) and Tape.running.get() is not None:
        return x.detach()._as_variable()
    return unconnected(x)


def unconnected(x: Any) -> Node:
    """A leaf with the number or array of an argument."""
    if isinstance(x, Node):
        return x._make(x._data)
    if isinstance(x, np.ndarray):
        return Tensor(x)
    return Value(as_float(x))


def _plain(x: Any) -> Any:
    if isinstance(x, Tensor):
        return x.numpy()
    return x.data if isinstance(x, Value) else x


def _check_result(y: Any, f: Callable[..., Any]) -> None:
    if isinstance(y, Node):
        return
    name = getattr(f, "__name__", "the function")
    if not isinstance(y, int | float | np.ndarray | np.generic):
        kind = type(y).__name__
        hint = "does the function end with return?"
        if hasattr(y, "backward"):
            hint = (
                f"to check an engine of your own, give gradcheck its nodes: gradcheck(f, {kind}(…))"
            )
        raise TypeError(
            f"{name} returned {y!r}, a {kind}; a transform differentiates numbers and arrays: "
            f"{hint}"
        )
    warnings.warn(
        f"{name} returned a plain number, which remembers nothing, so its derivative is 0; a "
        "number taken out of a node, as in math.sin(float(x)), is the usual cause: use tg.sin(x)",
        stacklevel=levels_to_the_user(),
    )
