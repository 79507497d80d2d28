"""Outline: a graph as a tree of things that fold: modules, repeated operations, chains.

A picture of seven thousand boxes shows nothing. What a program did a hundred times in the same
way is one box marked ×100, what a layer did is one box with the layer's name, and each unfolds.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from twingrad.engine.node import Node

from .names import Names
from .places import Place, places_of

Kind = Literal["node", "module", "repeat", "chain"]

NUMBERS = re.compile(r"\d+")
SHORTEST_CHAIN = 4
FEWEST_REPEATS = 3


@dataclass(frozen=True)
class Item:
    """A box of a picture: one node, or several folded into one.

    `nodes` are indices into the order that the outline was made of, and `parts` what it unfolds
    into. `name` is a module's path, or what the members of a repeat have in common.
    """

    kind: Kind
    name: str
    nodes: tuple[int, ...]
    parts: tuple["Item", ...] = ()

    @cached_property
    def first(self) -> int:
        """The first of its nodes in the order of computation."""
        return min(self.nodes)

    @property
    def count(self) -> int:
        """How many times over it stands for its first part: 1600 for ×1600."""
        return len(self.parts) if self.kind == "repeat" else 1

    def walk(self) -> "Iterator[Item]":
        """Itself and everything that it unfolds into, at any depth."""
        waiting = [self]
        while waiting:
            item = waiting.pop()
            yield item
            waiting += reversed(item.parts)


def outline(nodes: Sequence[Node], names: Names, modules: bool = True) -> Item:
    """The tree of a graph, its root standing for all of it.

    `nodes` come operands first, as `topological_order` gives them. However the tree is cut, what
    lies side by side forms a graph without a cycle. Without `modules` it folds by repetition
    alone.
    """
    places = places_of(nodes, names) if modules else [()] * len(nodes)
    return _Outliner(nodes, names, places).whole()


class _Outliner:
    """Builds the tree of one graph."""

    def __init__(self, nodes: Sequence[Node], names: Names, places: Sequence[Place]) -> None:
        number = {node: i for i, node in enumerate(nodes)}
        self._nodes, self._names, self._places = nodes, names, places
        self._operands = [[number[p] for p in node.parents] for node in nodes]
        self._consumers: list[list[int]] = [[] for _ in nodes]
        for i, below in enumerate(self._operands):
            for j in dict.fromkeys(below):
                self._consumers[j].append(i)
        self._kinds = self._kinds_of_nodes()

    def whole(self) -> Item:
        everything = tuple(range(len(self._nodes)))
        return Item("module", "", everything, self._parts(everything, 0))

    def _parts(self, inside: Sequence[int], depth: int) -> tuple[Item, ...]:
        """What the nodes of a module unfold into: the modules in it, and what is its own."""
        own = [i for i in inside if len(self._places[i]) == depth]
        below: dict[str, list[int]] = {}
        for i in inside:
            if len(self._places[i]) > depth:
                below.setdefault(self._places[i][depth], []).append(i)
        modules = [
            Item("module", path, tuple(found), self._parts(found, depth + 1))
            for path, found in below.items()
        ]
        units = self._chains(own)
        while circling := self._circling([*units, *modules]):
            # A module whose results come back to it by way of other nodes cannot be one box.
            apart = [module for module in modules if id(module) in circling]
            modules = [module for module in modules if id(module) not in circling]
            for part in (part for module in apart for part in module.parts):
                inner = part.parts if part.kind == "repeat" else (part,)
                modules += [item for item in inner if item.kind == "module"]
                own += [i for item in inner if item.kind != "module" for i in item.nodes]
            units = self._chains(sorted(own))
        for candidate in (
            [*self._repeats(units), *self._repeats(modules)],
            [*self._repeats(units), *modules],
            [*units, *modules],
        ):
            if not self._circling(candidate):
                break
        return tuple(sorted(candidate, key=lambda item: item.first))

    def _repeats(self, items: Sequence[Item]) -> list[Item]:
        """The same items, those that are alike in one."""
        alike: dict[object, list[Item]] = {}
        for item in items:
            last = max(item.nodes)
            mark: object = (item.kind, self._kinds[last], len(item.nodes))
            if item.kind == "module":
                mark = tuple(sorted(Counter(self._kinds[i] for i in item.nodes).items()))
            alike.setdefault(mark, []).append(item)
        found: list[Item] = []
        for members in alike.values():
            if len(members) < FEWEST_REPEATS:
                found += members
                continue
            inside = tuple(sorted(i for member in members for i in member.nodes))
            found.append(Item("repeat", self._in_common(members), inside, tuple(members)))
        return found

    def _in_common(self, members: Sequence[Item]) -> str:
        """The name of all members: `x[…]` for x[0] to x[99]; "" if they have none."""
        names = [
            member.name or self._names.given(self._nodes[member.first])
            for member in members
            if member.kind in ("module", "node")
        ]
        if len(names) < len(members) or len({NUMBERS.sub("", name) for name in names}) > 1:
            return ""
        pieces = zip(*(NUMBERS.split(name) for name in names), strict=True)
        numbers = zip(*(NUMBERS.findall(name) for name in names), strict=True)
        shown = [found[0] if len(set(found)) == 1 else "…" for found in numbers]
        return "".join(same[0] + number for same, number in zip(pieces, [*shown, ""], strict=True))

    def _chains(self, inside: Sequence[int]) -> list[Item]:
        """The nodes as items, those that only lead from one to the next as one."""
        present = set(inside)
        often = Counter(self._kinds[i] for i in inside)
        after: dict[int, int] = {}
        for i in inside:
            before = self._leads_to(i, present)
            # Not from the first of a hundred that are added up: it belongs to the hundred.
            if before is not None and often[self._kinds[before]] == often[self._kinds[i]]:
                after[before] = i
        items: list[Item] = []
        chained: set[int] = set()
        for start in sorted(set(after) - set(after.values())):
            chain = [start]
            while chain[-1] in after:
                chain.append(after[chain[-1]])
            if len(chain) >= SHORTEST_CHAIN:
                beside = [
                    j for i in chain for j in self._operands[i]
                    if j in present and self._is_literal(j)
                ]  # fmt: skip
                members = sorted({*chain, *beside})
                chained.update(members)
                parts = tuple(Item("node", "", (i,)) for i in members)
                items.append(Item("chain", "", tuple(members), parts))
        items += [Item("node", "", (i,)) for i in inside if i not in chained]
        return sorted(items, key=lambda item: item.first)

    def _leads_to(self, i: int, present: set[int]) -> int | None:
        """The operation that only this one uses, and that it goes on from, if there is one."""
        computed = [j for j in self._operands[i] if self._operands[j]]
        if not computed:
            return None
        first = computed[0]
        alone = len(computed) == 1 or self._nodes[first].op == self._nodes[i].op
        return first if alone and first in present and self._consumers[first] == [i] else None

    def _is_literal(self, i: int) -> bool:
        node = self._nodes[i]
        return node.constant and not self._names.is_known(node) and len(self._consumers[i]) == 1

    def _kinds_of_nodes(self) -> list[int]:
        """A number for each node, equal where the same was computed in the same way."""
        known: dict[object, int] = {}
        kinds: list[int] = []
        for i, node in enumerate(self._nodes):
            mark: object
            if node.parents:
                below = tuple([kinds[j] for j in self._operands[i]])
                mark = (node._rule, _general(self._places[i]), below)
            else:
                mark = self._mark_of_leaf(i, node)
            kinds.append(known.setdefault(mark, len(known)))
        return kinds

    def _mark_of_leaf(self, i: int, node: Node) -> object:
        name = NUMBERS.sub("", self._names.given(node))
        uses = {
            (
                self._nodes[j].op,
                _general(self._places[j]),
                self._operands[j].index(i) if len(self._operands[j]) <= 3 else None,
            )
            for j in self._consumers[i]
        }
        shape = getattr(node._data, "shape", ())
        return node.constant, name, _general(self._places[i]), frozenset(uses), shape

    def _circling(self, items: Sequence[Item]) -> set[int]:
        """The ids of the items that would, as boxes, stand in a cycle, or between two."""
        box = {i: number for number, item in enumerate(items) for i in item.nodes}
        edges = {
            (box[j], number)
            for i, number in box.items()
            for j in self._operands[i]
            if box.get(j, number) != number
        }
        free = _without_cycle(len(items), edges) | _without_cycle(
            len(items), {(end, start) for start, end in edges}
        )
        return {id(item) for number, item in enumerate(items) if number not in free}


def _without_cycle(count: int, edges: Collection[tuple[int, int]]) -> set[int]:
    """The boxes that no cycle leads to."""
    targets: list[list[int]] = [[] for _ in range(count)]
    unheard = [0] * count
    for start, end in edges:
        targets[start].append(end)
        unheard[end] += 1
    done = [number for number in range(count) if not unheard[number]]
    for number in done:
        for target in targets[number]:
            unheard[target] -= 1
            if not unheard[target]:
                done.append(target)
    return set(done)


def _general(place: Place) -> str:
    return NUMBERS.sub("", place[-1]) if place else ""
