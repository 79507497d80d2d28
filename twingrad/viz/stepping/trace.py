"""Trace: everything that a backward pass passes on, kept, so that it can be told afterwards.

The engine adds gradients up and forgets of what; here each share stays by itself, and no `.grad`
is read or written, so a trace is the same before `backward()` and after it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from twingrad.engine.node import Node
from twingrad.engine.sweep import gradients, topological_order


@dataclass(frozen=True)
class Trace:
    """A graph, operands first, with its gradients and the shares that they are sums of.

    `shares[i][k]` is what node i passes to its operand k, None where nothing is passed, and
    `uses[i]` lists the (consumer, position) at which node i is an operand and hears of a share;
    `consumers[i]` are all that it is an operand of.
    """

    nodes: tuple[Node, ...]
    operands: tuple[tuple[int, ...], ...]
    gradients: tuple[Any, ...]
    shares: tuple[tuple[Any, ...], ...]
    uses: tuple[tuple[tuple[int, int], ...], ...]
    consumers: tuple[tuple[int, ...], ...]


@np.errstate(all="ignore")
def take_trace(root: Node, gradient: Any = None) -> Trace:
    """The trace of a backward pass from `root`, which starts with 1 or with `gradient`.

    Raises `GraphError` for a constant and `ShapeError` for a root of more than one number
    without a `gradient`, as `backward()` does.
    """
    if root.constant:
        root.backward(gradient)  # which says why not
    nodes = topological_order(root)
    number = {node: i for i, node in enumerate(nodes)}
    operands = tuple(tuple(number[parent] for parent in node.parents) for node in nodes)
    found = gradients({root: root._seed(gradient)})
    shares = tuple(_shares(node, found.get(node)) for node in nodes)
    uses: list[list[tuple[int, int]]] = [[] for _ in nodes]
    # The last first: in this order the sweep adds them up.
    for consumer in reversed(range(len(nodes))):
        for position, share in enumerate(shares[consumer]):
            if share is not None:
                uses[operands[consumer][position]].append((consumer, position))
    consumers: list[list[int]] = [[] for _ in nodes]
    for consumer, below in enumerate(operands):
        for operand in below:
            consumers[operand].append(consumer)
    return Trace(
        tuple(nodes),
        operands,
        tuple(map(found.get, nodes)),
        shares,
        tuple(map(tuple, uses)),
        tuple(map(tuple, consumers)),
    )


def _shares(node: Node, gradient: Any) -> tuple[Any, ...]:
    """What the node's pullback makes of its gradient, for each operand."""
    if gradient is None or node._pullback is None:
        return (None,) * len(node.parents)
    return tuple(
        None if share is None or parent.constant else parent._received(share, gradient, node)
        for parent, share in zip(node.parents, node._pullback(gradient), strict=True)
    )
