"""Expand: a graph with its fused operations taken apart into products and sums.

A neuron is one node so that it is fast; a lesson on the chain rule wants to see every product. The
numbers stay those of the graph: only what stands between them is added.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import add
from typing import Any, cast

import numpy as np

from twingrad.engine import layer_rules, list_rules
from twingrad.engine.node import Node
from twingrad.engine.operations import exp, log
from twingrad.engine.sweep import enable_grad, gradients, topological_order

Build = Callable[[Sequence[Any]], Any]


def _dot(operands: Sequence[Any]) -> Any:
    n = len(operands) // 2
    products = [x * w for x, w in zip(operands[:n], operands[n : 2 * n], strict=True)]
    bias = operands[-1]
    # A dot without a bias has a constant 0 in its place.
    return reduce(add, products if bias.constant and bias._data == 0.0 else [*products, bias])


def _logsumexp(operands: Sequence[Any]) -> Any:
    return log(reduce(add, [exp(x) for x in operands]))


def _cross_entropy(operands: Sequence[Any]) -> Any:
    n = len(operands) // 2
    whole = _logsumexp(operands[:n])
    return reduce(add, [t * (whole - x) for x, t in zip(operands[:n], operands[n:], strict=True)])


PARTS: dict[Any, Build] = {
    list_rules.total: lambda operands: reduce(add, operands),
    list_rules.dot: _dot,
    list_rules.logsumexp_of: _logsumexp,
    list_rules.cross_entropy_of: _cross_entropy,
    list_rules.exp_difference: lambda operands: exp(operands[0] - operands[1]),
    layer_rules.linear: lambda operands: operands[0] @ operands[1] + operands[2],
}
"""What each fused operation does, in operations that are not."""


def expanded(root: Node, name: Callable[[Node], str]) -> Node:
    """A graph of the same leaves in which no operation is fused; returns its root.

    Every node of the graph that was is there again with its numbers, its gradient and, as its
    label, what `name` calls it; the leaves are the same nodes. Of what stands between, gradients
    are known where the fused node has one.
    """
    new: dict[Node, Node] = {}
    with enable_grad(), np.errstate(all="ignore"):
        for node in topological_order(root):
            operands = tuple([new[p] for p in node.parents])
            if node._rule in PARTS and len(operands) > 1:
                again = _taken_apart(node, operands)
            elif operands == node.parents:
                new[node] = node
                continue
            else:
                static = {k: v for k, v in node._static.items() if k != "needs"}
                again = operands[0]._apply(cast(Any, node._rule), operands, static)
            again._data, again._grad, again.label = node._data, node._grad, name(node)
            new[node] = again
    return new[root]


def _taken_apart(node: Node, operands: Sequence[Node]) -> Node:
    """The operation in its parts, each with the gradient that the whole passes on through it."""
    build = PARTS[node._rule]
    result: Node = build(operands)
    gradient = node._grad._data if isinstance(node._grad, Node) else node._grad
    if gradient is None or result.constant:
        return result
    # On leaves of their own, so that the sweep ends where the operation does.
    alone = {p: p._make(p._data, constant=p.constant) for p in operands}
    copy = build([alone[p] for p in operands])
    found = gradients({copy: gradient})
    for part, twin in zip(_between(result, operands), _between(copy, alone.values()), strict=True):
        part._grad = found.get(twin)
    return result


def _between(result: Node, operands: Iterable[Node]) -> list[Node]:
    """What a result was computed from, down to the operands and without them."""
    found: list[Node] = []
    seen, waiting = set(operands), [result]
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            found.append(node)
            waiting += node.parents
    return found
