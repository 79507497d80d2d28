"""The order in which gradients can be known, and the sweep that computes them in that order.

This is reverse-mode differentiation itself: a node's gradient is complete when every node
computed from it has been heard, and only then does its pullback pass it on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from .changes import clock, refuse_if_stale
from .errors import GraphError

if TYPE_CHECKING:
    from .node import Node

is_remembering: ContextVar[bool] = ContextVar("is_remembering", default=True)


@contextmanager
def _remember(whether: bool) -> Iterator[None]:
    token = is_remembering.set(whether)
    try:
        yield
    finally:
        is_remembering.reset(token)


@contextmanager
def no_grad() -> Iterator[None]:
    """Within it results remember nothing: cheaper, and nothing to call `backward` on.

    >>> import twingrad as tg
    >>> x = tg.Value(3.0)
    >>> with tg.no_grad():
    ...     y = x * x
    >>> y.parents
    ()
    """
    with _remember(False):
        yield


@contextmanager
def enable_grad() -> Iterator[None]:
    """Within it results remember, whatever `no_grad` stands around: what a transform needs."""
    with _remember(True):
        yield


def unwatched(
    found: "dict[Node, Any]", order: "list[Node]", create_graph: bool
) -> AbstractContextManager[None]:
    """What stands around a sweep: nothing."""
    return nullcontext()


watch: Callable[..., AbstractContextManager[None]] = unwatched
"""What stands around every sweep; `detect_anomaly` puts its own there."""


def topological_order(*roots: "Node") -> "list[Node]":
    """Every node below the roots, each after all that it was computed from.

    Why a sort at all? `b = a + a; c = b + b`. Pass gradients on by plain recursion and b, which
    is reached twice, passes on 1 and then 1 + 1: a collects 6 where the answer is 4. A node may
    pass its gradient on only when it has received all of it, and read backwards this order puts
    each after its last consumer. Nothing recurses, for a graph may be a million nodes deep.
    """
    order: list[Node] = []
    seen: set[Node] = set()
    waiting: list[Node | None] = [*reversed(roots)]
    while waiting:
        node = waiting.pop()
        if node is None:  # the one below it has had everything it was computed from put in order
            order.append(waiting.pop())  # type: ignore[arg-type]
        elif node not in seen:
            seen.add(node)
            waiting += (node, None)
            for parent in node.parents:
                if parent not in seen:
                    waiting.append(parent)
    return order


@np.errstate(all="ignore")
def gradients(
    seeds: "dict[Node, Any]", *, create_graph: bool = False, wrt: "Sequence[Node] | None" = None
) -> "dict[Node, Any]":
    """The gradient of the roots with respect to every node below, or only what `wrt` needs.

    `seeds` holds the gradient to start from for each root, and becomes part of the answer. No
    `.grad` is touched. With `create_graph` each rule runs again, on the nodes themselves, so
    that the gradients are nodes with a past of their own. What is out of date, on the way, is a
    `StaleGraphError`.
    """
    found = dict(seeds)
    order = topological_order(*found)
    if wrt is not None:
        order = _leading_to(wrt, order)
    arrays = any(root.holds is np.ndarray for root in found)
    for node in order if arrays else ():
        if node._seen is not None:  # type: ignore[attr-defined]
            node.look()  # type: ignore[attr-defined]
    now = clock.now
    with enable_grad() if create_graph else nullcontext(), watch(found, order, create_graph):
        for node in reversed(order):
            grad = found.get(node)
            if grad is None or node._pullback is None:
                continue
            if node._stamp is not now:  # nothing moves while most graphs are built and swept
                refuse_if_stale(node)
            passed = (node._rerun() if create_graph else node._pullback)(grad)
            if type(passed) is not tuple or len(passed) != len(node.parents):
                raise GraphError(_miscounted(node, passed))
            for parent, gradient in zip(node.parents, passed):  # noqa: B905 - strict is slow
                if gradient is None or parent.constant:
                    continue
                if arrays:
                    gradient = parent._received(gradient, grad, node)
                    if parent in found:
                        found[parent] += gradient
                        continue
                elif parent in found:
                    gradient = found[parent] + gradient
                found[parent] = gradient
    for node, grad in found.items():
        if type(grad) is not node.holds:
            found[node] = node._as_gradient(grad)
    return found


def _leading_to(wrt: "Sequence[Node]", order: "list[Node]") -> "list[Node]":
    """The nodes on the way to any in `wrt`, in order: the others need not pass anything on."""
    leading = set(wrt)
    for node in order:
        if not leading.isdisjoint(node.parents):
            leading.add(node)
    return [node for node in order if node in leading]


def _miscounted(node: "Node", passed: Any) -> str:
    came = (
        f"a tuple of {len(passed)}" if isinstance(passed, tuple) else f"a {type(passed).__name__}"
    )
    return (
        f"the pullback of {node.op!r} returned {came} for {len(node.parents)} operands; it must "
        "return a tuple with one gradient for each operand, None for those without"
    )
