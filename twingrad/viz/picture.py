"""Picture: what is to be drawn of a graph, in words and boxes, before anyone draws it.

It is taken once, when `draw` is called, so that a drawing shows the numbers of that moment; and
both painters, DOT and SVG, work from it, so that they say the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from twingrad.engine.node import Node
from twingrad.engine.tensor import Tensor
from twingrad.engine.value import Value

from .figures import lines_of, magnitude
from .style import Role

NO_GRADIENTS = ("Gradients not computed yet:", "call backward(), then draw again.")
OTHER_GRADIENTS = (
    "The root has no gradient: those shown",
    "came from another call of backward().",
)
MISSING = "–"
LONGEST_LINE = 32
MOST_LINES = 4


@dataclass(frozen=True)
class Row:
    """One row of a box: `key` at the left, the lines of a number at the right."""

    key: str
    lines: tuple[str, ...]
    strength: float = 0.0


@dataclass(frozen=True)
class Box:
    """A value: what heads it, its rows, and a tooltip with all the digits."""

    role: Role
    title: tuple[str, ...]
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    tooltip: str


@dataclass(frozen=True)
class Chip:
    """An operation, between its operands and its result."""

    text: str
    operands: int
    tooltip: str


@dataclass(frozen=True)
class Picture:
    """Boxes and chips, numbered together, and the edges between them."""

    items: tuple[Box | Chip, ...]
    edges: tuple[tuple[int, int], ...]
    caption: tuple[str, ...]
    description: str
    rankdir: str


def take_picture(
    below: Sequence[Node], *, show: Sequence[str], color: str | None, rankdir: str
) -> Picture:
    """A picture of nodes that come operands first, the root last."""
    nodes = cast(Sequence[Value | Tensor], below)
    root = nodes[-1]
    gradients, caption = _gradients(nodes)
    if "grad" not in show:
        caption = ()
    strengths = _strengths(gradients if color == "grad" else [node.data for node in nodes])
    items: list[Box | Chip] = []
    edges: list[tuple[int, int]] = []
    place: dict[Node, int] = {}
    for node, gradient, strength in zip(nodes, gradients, strengths, strict=True):
        if node.parents:
            text = _lines(node.op or "?")[0]
            edges += [(place[parent], len(items)) for parent in node.parents]
            edges.append((len(items), len(items) + 1))
            items.append(Chip(text, len(node.parents), f"operation {text}"))
        place[node] = len(items)
        rows = []
        if "data" in show:
            rows.append(Row("data", lines_of(node.data), strength * (color == "data")))
        if "grad" in show and not node.constant:
            lines = (MISSING,) if gradient is None else lines_of(gradient)
            rows.append(Row("grad", lines, strength * (color == "grad")))
        role: Role = "intermediate" if node.parents else "leaf"
        role = "root" if node is root else "constant" if node.constant else role
        tooltip = _tooltip(node, gradient)
        items.append(Box(role, _title(node.label), _notes(node), tuple(rows), tooltip))
    description = _description(root, len(nodes), len(items) - len(nodes), caption)
    return Picture(tuple(items), tuple(edges), caption, description, rankdir)


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


def _strengths(numbers: Sequence[Any]) -> list[float]:
    """The size of each as a part of the largest."""
    sizes = [0.0 if number is None else magnitude(number) for number in numbers]
    largest = max(sizes) or 1.0
    return [size / largest for size in sizes]


def _notes(node: Value | Tensor) -> tuple[str, ...]:
    notes = ["constant"] if node.constant else []
    if isinstance(node, Tensor):
        notes.append(f"{node.shape} {node.dtype}")
    return tuple(notes)


def _title(label: str) -> tuple[str, ...]:
    """A label as the lines that head its box; the tooltip has what is left out here."""
    if not label.strip():
        return ()
    lines = _lines(label)
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], "…"]
    return tuple(
        line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…" for line in lines
    )


def _lines(text: str) -> list[str]:
    """The lines of a text, each of characters that XML can hold."""
    return [printable(line) for line in text.replace("\r\n", "\n").split("\n")]


def printable(text: str) -> str:
    """The text with a visible sign for each character that XML forbids.

    >>> from twingrad.viz.picture import printable
    >>> printable("bell" + chr(7))
    'bell␇'
    """
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    code = ord(character)
    if character in "\t\n\r":
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE:
        return "�"
    return character


def _tooltip(node: Value | Tensor, gradient: Any) -> str:
    """The whole label and every digit, for a pointer that rests on the box."""
    made = f" made by {node.op}" if node.parents else ""
    kind = "constant" if node.constant else type(node).__name__
    words = [f"{node.label}: " if node.label else "", kind, made]
    for key, numbers in (("data", node.data), ("grad", gradient)):
        if numbers is not None:
            exact = repr(numbers) if isinstance(numbers, float) else "; ".join(lines_of(numbers))
            words.append(f", {key} {exact}")
    return printable("".join(words))


def _description(root: Value | Tensor, values: int, operations: int, caption: Sequence[str]) -> str:
    """The picture in two sentences, for those who hear it."""
    name = printable(root.label) or "an unnamed result"
    what = f"A computation graph of {_count(values, 'value')} and {_count(operations, 'operation')}"
    return " ".join([f"{what}, ending in {name} = {'; '.join(lines_of(root.data))}.", *caption])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
