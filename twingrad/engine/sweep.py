"""The order in which gradients can be known, and the sweep that computes them in that order.

This is reverse-mode differentiation itself: a node's gradient is complete when every node
computed from it has been heard, and only then does its pullback pass it on.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

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


def consumers_first(*roots: "Node") -> "list[Node]":
    """Every node below the roots, each after all the nodes that were computed from it.

    Why a sort at all? `b = a + a; c = b + b`. Pass gradients on by plain recursion and b, which
    is reached twice, passes on 1 and then 1 + 1: a collects 6 where the answer is 4.
    A node may pass its gradient on only when it has received all of it: so each waits here
    until its last consumer is done. Nothing recurses, for a graph may be a million nodes deep.
    """
    unheard = dict.fromkeys(roots, 0)
    found = list(unheard)
    for node in found:
        for parent in node.parents:
            if parent in unheard:
                unheard[parent] += 1
            else:
                unheard[parent] = 1
                found.append(parent)
    order = []
    ready = [root for root in unheard if not unheard[root]]
    while ready:
        node = ready.pop()
        order.append(node)
        for parent in node.parents:
            unheard[parent] -= 1
            if not unheard[parent]:
                ready.append(parent)
    return order


def gradients(
    seeds: "dict[Node, Any]", *, create_graph: bool = False, wrt: "Sequence[Node] | None" = None
) -> "dict[Node, Any]":
    """The gradient of the roots with respect to every node below, or only what `wrt` needs.

    `seeds` holds the gradient to start from for each root, and becomes part of the answer. No
    `.grad` is touched. With `create_graph` each rule runs again, on the nodes themselves, so
    that the gradients are nodes with a past of their own.
    """
    found = dict(seeds)
    order = consumers_first(*found)
    wanted = None if wrt is None else _leading_to(wrt, order)
    arrays = any(root.holds is np.ndarray for root in found)
    with np.errstate(all="ignore"), enable_grad():
        for node in order:
            grad = found.get(node)
            if grad is None or node._pullback is None:
                continue
            passed = (node._rerun() if create_graph else node._pullback)(grad)
            if len(passed) != len(node.parents):
                raise GraphError(
                    f"the pullback of {node.op!r} returned {len(passed)} gradients for "
                    f"{len(node.parents)} operands; return a tuple of one for each, None for "
                    "those without"
                )
            for parent, gradient in zip(node.parents, passed, strict=True):
                if gradient is None or parent.constant:
                    continue
                if wanted is not None and parent not in wanted:
                    continue
                if arrays:
                    gradient = parent._received(gradient, grad, node)
                held = found.get(parent)
                if held is None:
                    found[parent] = gradient
                else:
                    held += gradient
                    found[parent] = held
    return found


def _leading_to(wrt: "Sequence[Node]", order: "list[Node]") -> "set[Node]":
    """The nodes on the way from the root to any in `wrt`: the others need no gradient."""
    wanted = set(wrt)
    for node in reversed(order):
        if not wanted.isdisjoint(node.parents):
            wanted.add(node)
    return wanted
