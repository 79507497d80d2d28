"""View: what stands side by side on the page, boxes and links, and in which order it goes.

A box is one node, or several that are folded into one; a link is the use of a node as an operand,
or all the uses that lead from one box to another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heapify, heappop, heappush
from typing import Any

from ..outline.outline import Item
from .trace import Trace


@dataclass(frozen=True)
class Link:
    """From box `source` to box `target`, the uses (consumer, position) that go that way."""

    source: int
    target: int
    uses: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class View:
    """A graph cut into boxes, which stand in the order of their turns in the forward pass.

    Where every box is one node, that is the engine's own order.
    """

    trace: Trace
    items: tuple[Item, ...]
    links: tuple[Link, ...] = field(repr=False)

    @cached_property
    def into(self) -> tuple[tuple[int, ...], ...]:
        """The links that lead into each box, operands in order."""
        found: list[list[int]] = [[] for _ in self.items]
        for number, link in enumerate(self.links):
            found[link.target].append(number)
        return tuple(map(tuple, found))

    @cached_property
    def out_of(self) -> tuple[tuple[int, ...], ...]:
        """The links that lead out of each box, those whose turn is last in the forward first."""
        found: list[list[int]] = [[] for _ in self.items]
        for number, link in enumerate(self.links):
            found[link.source].append(number)
        return tuple(
            tuple(sorted(numbers, key=lambda k: self.links[k].target, reverse=True))
            for numbers in found
        )

    def node(self, box: int) -> int | None:
        """The node that a box is; None for several in one."""
        item = self.items[box]
        return item.nodes[0] if len(item.nodes) == 1 else None

    @cached_property
    def shares(self) -> tuple[list[Any], ...]:
        """What is passed back along each link, a number or array for each use that passes any."""
        shares = self.trace.shares
        return tuple(
            [share for i, k in link.uses if (share := shares[i][k]) is not None]
            for link in self.links
        )

    @cached_property
    def box_of(self) -> dict[int, int]:
        """The box that each node is in."""
        return {i: box for box, item in enumerate(self.items) for i in item.nodes}

    def results(self, box: int) -> list[int]:
        """The nodes of a box that are used outside it; those computed, where some are."""
        box_of, root = self.box_of, len(self.trace.nodes) - 1
        leaving = [
            i
            for i in self.items[box].nodes
            if i == root or any(box_of[consumer] != box for consumer in self.trace.consumers[i])
        ]
        return [i for i in leaving if self.trace.operands[i]] or leaving


def view_of(trace: Trace, items: Sequence[Item]) -> View:
    """The view that shows these items, whose nodes are all those of the trace.

    Raises `ValueError` for items that wait for each other.
    """
    items = in_order(trace, items)
    box = {i: number for number, item in enumerate(items) for i in item.nodes}
    links: dict[tuple[Any, ...], list[tuple[int, int]]] = {}
    for consumer, operands in enumerate(trace.operands):
        for position, operand in enumerate(operands):
            source, target = box[operand], box[consumer]
            if source == target:
                continue
            single = len(items[source].nodes) == len(items[target].nodes) == 1
            # Of single nodes each use is a link, so a + a has two; otherwise there is one a pair.
            key = (source, target, position) if single else (source, target)
            links.setdefault(key, []).append((consumer, position))
    return View(
        trace, items, tuple(Link(key[0], key[1], tuple(uses)) for key, uses in links.items())
    )


def in_order(trace: Trace, items: Sequence[Item]) -> tuple[Item, ...]:
    """Each after all that it is computed from, and as near to the engine's order as that allows.

    They need not be the whole graph.
    """
    box = {i: number for number, item in enumerate(items) for i in item.nodes}
    targets: list[set[int]] = [set() for _ in items]
    waiting_for = [0] * len(items)
    for consumer, target in box.items():
        for operand in trace.operands[consumer]:
            source = box.get(operand, target)
            if source != target and target not in targets[source]:
                targets[source].add(target)
                waiting_for[target] += 1
    ready = [(max(items[b].nodes), b) for b, count in enumerate(waiting_for) if not count]
    heapify(ready)
    ordered = []
    while ready:
        _, source = heappop(ready)
        ordered.append(items[source])
        for target in targets[source]:
            waiting_for[target] -= 1
            if not waiting_for[target]:
                heappush(ready, (max(items[target].nodes), target))
    if len(ordered) < len(items):
        raise ValueError("these items, as boxes, wait for each other")
    return tuple(ordered)
