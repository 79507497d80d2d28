"""The backward sweep line by line: who passes what to whom, and who has still to be heard.

The engine's sweep keeps only the sums; whoever wants to see them grow needs every summand.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twingrad.engine.node import Node
from twingrad.engine.sweep import gradients


@dataclass(frozen=True)
class Passing:
    """What a node passes to one of its operands, when its turn has come.

    `arrived` is the node's whole gradient, `slope` the local derivative (None for Tensors),
    `passed` their product, `so_far` the operand's sum. `waits_for` is who passes it something
    next, None if nobody, and `to_come` how often that will be.
    """

    node: Node
    position: int
    arrived: Any
    slope: float | None
    passed: Any
    so_far: Any
    waits_for: Node | None
    to_come: int

    @property
    def operand(self) -> Node:
        """Who it is passed to."""
        return self.node.parents[self.position]


def sweep(order: Sequence[Node]) -> list[Passing]:
    """The backward sweep through nodes that come operands first, the root last, line by line."""
    root = order[-1]
    found = gradients({root: 1.0 if root.holds is float else np.ones_like(root._data)})
    turns = [(node, _passed_on(node, found[node])) for node in reversed(order) if node in found]
    waiting: defaultdict[Node, list[Node]] = defaultdict(list)
    for node, passed in reversed(turns):
        for position, _ in reversed(passed):
            waiting[node.parents[position]].append(node)
    sums: dict[Node, Any] = {}
    lines = []
    for node, passed in turns:
        slopes = dict(_passed_on(node, 1.0)) if node.holds is float else {}
        for position, gradient in passed:
            operand = node.parents[position]
            with np.errstate(all="ignore"):
                sums[operand] = sums[operand] + gradient if operand in sums else gradient
            still = waiting[operand]
            still.pop()
            following = still[-1] if still else None
            local, so_far = slopes.get(position), sums[operand]
            lines.append(Passing(
                node, position, found[node], local, gradient, so_far, following, len(still)
            ))  # fmt: skip
    return lines


def _passed_on(node: Node, grad: Any) -> list[tuple[int, Any]]:
    """The position of each operand that gets a gradient, and the gradient."""
    if node._pullback is None:
        return []
    with np.errstate(all="ignore"):
        return [
            (position, operand._received(gradient, grad, node))
            for position, (operand, gradient) in enumerate(
                zip(node.parents, node._pullback(grad), strict=True)
            )
            if gradient is not None and not operand.constant
        ]
