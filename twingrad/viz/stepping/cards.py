"""Cards: how large each box of a view is, and what its lines are, in every state it will be in.

A picture that is stepped through must not move: so a box is as large as the largest of its states.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import style
from ..drawing.measure import Frame, frame
from ..drawing.picture import Box, Row
from ..style import Role
from .steps import RowName, Shown, Step
from .view import View
from .words import Words

PORT = 15.0
"""Between two edges into a box: room for a number above each."""

PORTS_WITH_SHARES = 12
LONGEST_LINE = 20
MOST_LINES = 3


@dataclass(frozen=True)
class Card:
    """A box's measures, the band for its operation at the left, and which lines it holds."""

    role: Role
    title: tuple[str, ...]
    notes: tuple[str, ...]
    op: str
    band: float
    frame: Frame
    rows: tuple[tuple[RowName, int], ...]
    size: tuple[float, float]
    last: dict[RowName, Shown]


def cards_of(view: View, steps: Sequence[Step], words: Words) -> list[Card]:
    """The card of each box."""
    shown: list[list[Shown]] = [[] for _ in view.items]
    for step in steps:
        for what in step.shown:
            shown[what.box].append(what)
    return [_card(view, box, shown[box], words) for box in range(len(view.items))]


def _card(view: View, box: int, shown: Sequence[Shown], words: Words) -> Card:
    grads = _most_lines(shown, "grad")
    rows = [Row("data", _most_lines(shown, "data"))]
    lines: list[tuple[RowName, int]] = [("data", len(rows[0].lines))]
    if grads:
        keys = [key_of("grad", what.heard) for what in shown]
        rows.append(Row(max(keys, key=len), grads))
        lines.append(("grad", len(grads)))
    title, notes = lines_of_name(words.of(box)), _notes(view, box)
    op, role = words.operation(box), _role(view, box)
    measured = frame(Box(role=role, title=title, notes=notes, rows=tuple(rows), tooltip=""))
    band = style.text_width(op, style.CHIP_FONT_SIZE) + 2 * style.PAD_X if op else 0.0
    ports = len(view.into[box])
    needed = ports * PORT + 8.0 if ports <= PORTS_WITH_SHARES else 8.0 * min(ports, 40)
    size = (round(band + measured.width), max(measured.height, needed))
    last = {what.row: what for what in shown}
    return Card(role, title, notes, op, band, measured, tuple(lines), size, last)


def _role(view: View, box: int) -> Role:
    node = view.node(box)
    if box == len(view.items) - 1:
        return "root"
    if node is None:
        return "folded"
    of = view.trace.nodes[node]
    return "constant" if of.constant else "intermediate" if of.parents else "leaf"


def _notes(view: View, box: int) -> tuple[str, ...]:
    node = view.node(box)
    if node is None:
        return (f"{len(view.items[box].nodes):,} nodes",)
    of = view.trace.nodes[node]
    return (f"{of._data.shape} {of._data.dtype}",) if of.holds is np.ndarray else ()


def _most_lines(shown: Sequence[Shown], row: RowName) -> tuple[str, ...]:
    """As many lines, and as wide, as the row ever has."""
    states = [what.reading.lines for what in shown if what.row == row]
    widest = max((line for lines in states for line in lines), key=style.text_width, default="")
    return (widest,) * max(map(len, states), default=0)


def key_of(row: RowName, heard: tuple[int, int] | None) -> str:
    """What stands beside a number: `grad 1/2` while one of two shares is there."""
    return row if heard is None or heard[0] == heard[1] else f"{row} {heard[0]}/{heard[1]}"


def lines_of_name(name: str) -> tuple[str, ...]:
    """A name as the lines that head a box, a long path broken at its dots."""
    parts = [f".{part}" if n else part for n, part in enumerate(name.split("."))]
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(part) <= LONGEST_LINE:
            lines[-1] += part
        else:
            lines.append(part)
    lines = [line if len(line) <= 32 else f"{line[:15]}…{line[-15:]}" for line in lines]
    return tuple(lines if len(lines) <= MOST_LINES else ["…", *lines[1 - MOST_LINES :]])
