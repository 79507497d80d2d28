"""Photograph: from a graph, folded as it is to be shown, to the picture of it.

What a box says is decided here: which name, which numbers, how deep a tint.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from twingrad.engine.node import Node
from twingrad.engine.tensor import Tensor
from twingrad.engine.value import Value

from ..figures import leaning, lines_of, magnitude
from ..layout.frames import Frame
from ..outline.cuts import Shown
from ..outline.names import Names
from ..outline.outline import Item
from ..style import Role
from .captions import (
    count,
    description,
    folding,
    numbers_in_words,
    plain_lines,
    printable,
    title_lines,
)
from .picture import Box, Chip, Picture, Row

NO_GRADIENTS = ("Gradients not computed yet:", "call backward(), then draw again.")
OTHER_GRADIENTS = (
    "The root has no gradient: those shown",
    "came from another call of backward().",
)
MISSING = "–"


def take_picture(
    below: Sequence[Node],
    shown: Sequence[Shown],
    names: Names,
    *,
    show: Sequence[str],
    color: str | None,
    rankdir: str,
    framed: bool,
) -> Picture:
    """A picture of a cut through the outline of nodes that come operands first, the root last."""
    graph = _Graph(cast(Sequence[Value | Tensor], below), names, framed)
    caption = graph.caption if "grad" in show else ()
    if len(shown) < len(below):
        repeated = [one.item.count for one in shown if one.item.count > 1]
        usual = max(sorted(set(repeated)), key=repeated.count, default=1)
        caption = (*caption, *folding(len(below), len(shown), usual))
    numbers = [graph.numbers(one.item) for one in shown]
    tinting = [found[color == "grad"] for found in numbers]
    sizes = [0.0 if number is None else magnitude(number) for number in tinting]
    largest = max(sizes, default=0.0) or 1.0
    items: list[Box | Chip] = []
    of_item: list[range] = []
    for one, (data, gradient), size in zip(shown, numbers, sizes, strict=True):
        start = len(items)
        operation = graph.operation(one.item)
        items += [] if operation is None else [operation]
        rows = []
        for key, number in (("data", data), ("grad", gradient)):
            if key not in show or (key == "grad" and graph.is_constant(one.item)):
                continue
            lines = (MISSING,) if number is None else lines_of(number)
            tinted = key == color and number is not None
            rows.append(Row(key, lines, *((size / largest, leaning(number)) if tinted else ())))
        items.append(graph.box(one, tuple(rows), data, gradient))
        of_item.append(range(start, len(items)))
    operations = sum(bool(node.parents) for node in below)
    said = description(names.given(below[-1]), below[-1]._data, len(below), operations, caption)
    frames = _frames(list(zip(shown, of_item, strict=True)), names) if framed else ()
    edges = graph.edges([one.item for one in shown], of_item)
    return Picture(tuple(items), edges, caption, said, rankdir, frames)


class _Graph:
    """What there is to say of the nodes, alone and together."""

    def __init__(self, nodes: Sequence[Value | Tensor], names: Names, framed: bool) -> None:
        self._nodes, self._names, self._framed = nodes, names, framed
        self._gradients, self.caption = _gradients(nodes)
        self._number = {cast(Node, node): i for i, node in enumerate(nodes)}
        self._consumers: list[list[int]] = [[] for _ in nodes]
        for i, node in enumerate(nodes):
            for parent in node.parents:
                self._consumers[self._number[parent]].append(i)

    def operation(self, item: Item) -> Chip | None:
        """The operation in front of a box, where one has made all that is in it."""
        members = [item] if item.kind == "node" else item.parts
        if item.kind in ("module", "chain") or any(part.kind != "node" for part in members):
            return None
        made = [self._nodes[part.first] for part in members]
        if not made[0].parents:
            return None
        text = plain_lines(made[0].op or "?")[0]
        return Chip(text, len(made[0].parents), f"operation {text}")

    def numbers(self, item: Item) -> tuple[Any, Any]:
        """The data and the gradient that a box shows: of what leaves it, together in one array."""
        out = self._results(item)
        if item.kind == "node":
            return self._nodes[out[0]]._data, self._gradients[out[0]]
        data = np.concatenate([np.ravel(self._nodes[i]._data) for i in out])
        found = [self._gradients[i] for i in out if self._gradients[i] is not None]
        return data, np.concatenate([np.ravel(grad) for grad in found]) if found else None

    def _results(self, item: Item) -> list[int]:
        inside = set(item.nodes)
        leaving = [
            i for i in item.nodes
            if i == len(self._nodes) - 1 or not inside.issuperset(self._consumers[i])
        ]  # fmt: skip
        computed = [i for i in leaving if self._nodes[i].parents]
        return computed or leaving

    def is_constant(self, item: Item) -> bool:
        """Whether no gradient flows to any of what leaves the item."""
        return all(self._nodes[i].constant for i in self._results(item))

    def box(self, one: Shown, rows: tuple[Row, ...], data: Any, gradient: Any) -> Box:
        """The box of an item."""
        item, node = one.item, self._nodes[one.item.first]
        if item.kind == "node":
            title, notes = self._title(one, node), _notes(node)
            made = f" made by {node.op}" if node.parents else ""
            kind = "constant" if node.constant else type(node).__name__
            name = self._names.given(node)
            said = f"{name}: {kind}{made}" if name else f"{kind}{made}"
        else:
            name = item.name
            if item.kind == "chain" and self._names.is_known(self._nodes[item.nodes[-1]]):
                name = self._names[self._nodes[item.nodes[-1]]]  # of the result, which comes last
            title = _inside(name, one) if self._framed else name
            notes = self._contents(item)
            said = ", ".join([f"{name}: {notes[0]}" if name else notes[0], *notes[1:]])
        tooltip = printable(said) + numbers_in_words(data, gradient)
        return Box(self._role(item), title_lines(title), notes, rows, tooltip)

    def _title(self, one: Shown, node: Value | Tensor) -> str:
        place = self._names.places.get(node)
        if (
            self._framed
            and one.within
            and place
            and place.owner
            and place.owner.path == one.within[-1].name
        ):
            return self._names.short(node)
        return self._names[node] if self._names.is_known(node) else ""

    def _contents(self, item: Item) -> tuple[str, ...]:
        """What is folded: "×1,600", or how many parameters and operations."""
        nodes = [self._nodes[i] for i in item.nodes]
        kinds = (
            ("operation", sum(bool(node.parents) for node in nodes)),
            ("parameter", sum(not node.parents and not node.constant for node in nodes)),
            ("constant", sum(not node.parents and node.constant for node in nodes)),
        )
        if item.kind == "repeat" and item.parts[0].kind == "node":
            kind = "" if nodes[0].parents else " constants" if nodes[0].constant else " parameters"
            return (f"×{item.count:,}{kind}",)
        times = (f"×{item.count:,}",) if item.kind == "repeat" else ()
        kind = self._names.kind(item.name) if item.kind == "module" else ""
        return (
            *times,
            *((kind,) if kind else ()),
            *(count(number, kind) for kind, number in kinds if number),
        )

    def _role(self, item: Item) -> Role:
        if len(self._nodes) - 1 in item.nodes[-1:]:
            return "root"
        if item.kind != "node":
            return "folded"
        node = self._nodes[item.first]
        return "constant" if node.constant else "intermediate" if node.parents else "leaf"

    def edges(self, shown: Sequence[Item], of_item: Sequence[range]) -> tuple[tuple[int, int], ...]:
        """The edges between items: as often as an operand is used, but once where several fold."""
        item_of = {i: number for number, item in enumerate(shown) for i in item.nodes}
        edges = [(span[0], span[-1]) for span in of_item if len(span) > 1]
        known: set[tuple[int, int]] = set()
        for i, node in enumerate(self._nodes):
            target = item_of[i]
            for parent in node.parents:
                source = item_of[self._number[parent]]
                edge = of_item[source][-1], of_item[target][0]
                folded = "node" != shown[source].kind or "node" != shown[target].kind
                if source != target and not (folded and edge in known):
                    known.add(edge)
                    edges.append(edge)
        return tuple(edges)


def _frames(
    added: Sequence[tuple[Shown, range]], names: Names, depth: int = 0
) -> tuple[Frame, ...]:
    """A frame for each module that was opened, with those within it."""
    modules: dict[str, list[tuple[Shown, range]]] = {}
    for one, span in added:
        if len(one.within) > depth:
            modules.setdefault(one.within[depth].name, []).append((one, span))
    return tuple(
        Frame(
            printable(": ".join(filter(None, (name, names.kind(name))))),
            tuple(i for one, span in found if len(one.within) == depth + 1 for i in span),
            _frames(found, names, depth + 1),
        )
        for name, found in modules.items()
    )


def _inside(name: str, one: Shown) -> str:
    """A path from the frame that it stands in."""
    return name.removeprefix(one.within[-1].name).lstrip(".") if one.within else name


def _notes(node: Value | Tensor) -> tuple[str, ...]:
    notes = ["constant"] if node.constant else []
    if isinstance(node, Tensor):
        notes.append(f"{node.shape} {node.dtype}")
    return tuple(notes)


def _gradients(nodes: Sequence[Value | Tensor]) -> tuple[list[Any], tuple[str, ...]]:
    """For each node its gradient, None where none has come, and what there is to say about them.

    Zeros set by hand, as micrograd's programs reset gradients, are no gradients that have come.
    """
    gradients = [None if node.constant else _gradient(node) for node in nodes]
    if nodes[-1].constant or gradients[-1] is not None:
        return gradients, ()
    if any(gradient is not None and np.any(gradient) for gradient in gradients):
        return gradients, OTHER_GRADIENTS
    return [None] * len(nodes), NO_GRADIENTS


def _gradient(node: Value | Tensor) -> Any:
    """The gradient as a float or an array: after `create_graph` it is a node that holds one."""
    grad = node._grad  # None where none has come, which `.grad` of a Value hides
    return grad.data if isinstance(grad, Value | Tensor) else grad
