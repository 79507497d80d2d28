"""Paint: a view as SVG, in the state that the last step leaves, for the script to take apart.

Whoever has no script sees every value, every gradient and every share; classes and not colours
stand here, so that the style sheet can follow the light.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np

from .. import style
from ..escape import one_line
from ..layout import Layout, layout
from ..measure import Frame, frame
from ..names import Names
from ..picture import Box, Row
from ..routing import Point, Spacing
from ..style import Role
from ..svg import NAMESPACE, Element, _add, _pair, _short, smooth
from .reading import Sign, read, sign_of, size_of
from .steps import RowName, Shown, Step
from .view import Link, View
from .words import Words, folded_name

# A share is written above the last straight bit of its edge: there is room for "-10.0000".
SPACING = Spacing(ranks=64.0, boxes=18.0, lanes=10.0, ports=15.0, approach=44.0)
PORTS_WITH_SHARES = 8
LONGEST_LINE = 20
MOST_LINES = 3
THICKEST = 5.0
DECADES = 4
"""Between the widest edge and the thinnest."""
HEAD = (7.0, 3.0)


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


class Painter:
    """Paints one view of a graph."""

    def __init__(self, view: View, steps: Sequence[Step], words: Words, names: Names) -> None:
        self._view, self._words, self._names = view, words, names
        shown: dict[int, list[Shown]] = {}
        for step in steps:
            for what in step.shown:
                shown.setdefault(what.box, []).append(what)
        self._shown = shown
        self._cards = [self._card(box) for box in range(len(view.items))]
        self._widths = widths([view.shares(link) for link in range(len(view.links))])

    def paint(self, unfolds: Sequence[int]) -> str:
        """The view as one `<svg>` element; the boxes in `unfolds` are buttons."""
        plan = layout(
            [card.size for card in self._cards],
            [(link.source, link.target) for link in self._view.links],
            spacing=SPACING,
        )
        width, height = plan.width + 2 * style.MARGIN, plan.height + 2 * style.MARGIN
        root = Element("svg", xmlns=NAMESPACE, role="group")
        root.attrib |= {
            "width": _short(width * 1.25),
            "height": _short(height * 1.25),
            "viewBox": f"0 0 {_short(width)} {_short(height)}",
            "aria-label": "The graph, each node followed by the edges into it",
        }
        drawing = _add(root, "g", transform=f"translate({_short(style.MARGIN)} {style.MARGIN})")
        for box in range(len(self._cards)):
            self._paint_box(drawing, box, plan, box in unfolds)
            for link in self._view.into[box]:
                self._paint_link(drawing, link, plan.routes[link])
        return serialized(root)

    def _card(self, box: int) -> Card:
        view = self._view
        node, item = view.node(box), view.items[box]
        rows = [Row("data", self._most_lines(box, "data"))]
        grads = self._most_lines(box, "grad")
        if grads:
            rows.append(Row(self._widest_key(box), grads))
        root = box == len(view.items) - 1
        role: Role
        if node is None:
            title, op = lines_of_name(folded_name(item)), ""
            notes: tuple[str, ...] = (f"{len(item.nodes):,} nodes",)
            role = "root" if root else "folded"
        else:
            of = view.trace.nodes[node]
            title, op = lines_of_name(one_line(self._names[of])), one_line(of.op)
            notes = (f"{of._data.shape} {of._data.dtype}",) if of.holds is np.ndarray else ()
            role = "intermediate" if of.parents else "leaf"
            role = "root" if root else "constant" if of.constant else role
        measured = frame(Box(role=role, title=title, notes=notes, rows=tuple(rows), tooltip=""))
        band = style.text_width(op, style.CHIP_FONT_SIZE) + 2 * style.PAD_X if op else 0.0
        ports = len(view.into[box])
        needed = ports * SPACING.ports + 8.0 if ports <= PORTS_WITH_SHARES else 0.0
        size = (round(band + measured.width), max(measured.height, needed, 8.0 * min(ports, 40)))
        row_lines: list[tuple[RowName, int]] = [("data", len(rows[0].lines))]
        if grads:
            row_lines.append(("grad", len(grads)))
        return Card(role, title, notes, op, band, measured, tuple(row_lines), size)

    def _most_lines(self, box: int, row: RowName) -> tuple[str, ...]:
        """As many lines, and as wide, as the row ever has."""
        states = [s.reading.lines for s in self._shown.get(box, ()) if s.row == row]
        widest = max((line for lines in states for line in lines), key=style.text_width, default="")
        return (widest,) * max(map(len, states), default=0)

    def _widest_key(self, box: int) -> str:
        heard = [s.heard for s in self._shown.get(box, ()) if s.heard]
        return max((key_of("grad", h) for h in [*heard, None]), key=len)

    def _paint_box(self, drawing: Element, box: int, plan: Layout, unfolds: bool) -> None:
        card, words = self._cards[box], self._words
        width, height = card.size
        x, y = plan.centers[box]
        name = words.of(self._view, box)
        node = self._view.node(box)
        formula = "" if node is None else words.result(node)
        last = {shown.row: shown for shown in self._shown.get(box, ())}
        group = _add(drawing, "g", transform=f"translate({_pair((x - width / 2, y - height / 2))})")
        note = f"{name} = {formula}" if formula else name
        values = [f"{row} {shown.reading.text}" for row, shown in last.items()]
        group.attrib |= {
            "class": f"box {card.role}" + (" folded" if node is None else ""),
            "data-box": str(box),
            "data-note": note,
            "tabindex": "0",
            "role": "button" if unfolds else "img",
            "aria-label": ", ".join([note, *values]),
        }
        _add(group, "rect", width=width, height=height, rx=5).set("class", "card")
        if card.op:
            band = f"M{_short(card.band)} 0H5Q0 0 0 5V{_short(height - 5)}Q0 {_short(height)} 5 "
            band += f"{_short(height)}H{_short(card.band)}Z"
            _add(group, "path", d=band).set("class", "band")
            _add(group, "text", card.op, x=card.band / 2, y=height / 2 + 4).set("class", "op")
        top = (height - card.frame.height) / 2
        middle = card.band + (width - card.band) / 2
        for number, line in enumerate([*card.title, *card.notes]):
            text = _add(group, "text", line, x=middle, y=top + style.PAD_Y + baseline(number))
            text.set("class", "title" if number < len(card.title) else "note")
        top += card.frame.header
        for (row, lines), row_height in zip(card.rows, card.frame.rows, strict=True):
            holder = _add(group, "g")
            shown = last[row]
            holder.set("class", f"row {row}")
            if shown.reading.exact is not None:
                holder.set("data-value", shown.reading.exact)
            y = top + style.PAD_Y + baseline(0)
            _add(holder, "text", row, x=card.band + style.PAD_X, y=y).set("class", "key")
            for number in range(lines):
                line = shown.reading.lines[number] if number < len(shown.reading.lines) else ""
                y = top + style.PAD_Y + baseline(number)
                _add(holder, "text", line, x=width - style.PAD_X, y=y).set("class", "figure")
            top += row_height

    def _paint_link(self, drawing: Element, number: int, route: Sequence[Point]) -> None:
        view, link = self._view, self._view.links[number]
        passed = view.shares(number)
        group = _add(drawing, "g")
        sign: Sign | str = sign_of(passed) if passed else "none"
        note = self._note(link)
        group.attrib |= {
            "class": f"edge {sign}" + (" passed" if passed else ""),
            "data-link": str(number),
            "data-note": note,
            "tabindex": "0",
            "role": "img",
            "aria-label": note,
        }
        # The line starts inside the arrowhead that it gets there, so as not to blunt the tip.
        d = smooth([(route[0][0] + HEAD[0] / 2, route[0][1]), *route[1:]], "LR")
        _add(group, "path", d=d).set("class", "hit")
        _add(group, "path", d=d, stroke_width=self._widths[number]).set("class", "wire")
        _add(group, "path", d=head(route[-1], -1)).set("class", "head")
        if not passed:
            return
        _add(group, "path", d=head(route[0], +1, self._widths[number])).set("class", "tail")
        single = len(passed) == 1 and len(link.uses) == 1 and np.size(passed[0]) == 1
        if single and len(view.into[link.target]) <= PORTS_WITH_SHARES:
            share = read(passed[0])
            x, y = route[-1]
            y -= 2.5 + self._widths[number] / 2
            text = _add(group, "text", signed(share.text), x=x - HEAD[0] - 1, y=y)
            text.attrib |= {"class": "share", "data-value": share.exact or ""}

    def _note(self, link: Link) -> str:
        view, words = self._view, self._words
        consumer, position = link.uses[0]
        source, target = (words.of(view, box) for box in (link.source, link.target))
        if len(link.uses) > 1:
            return f"{len(link.uses):,} uses of {source} in {target}"
        if view.trace.shares[consumer][position] is None:
            return f"{source} into {target}: no gradient flows back"
        formula = words.slope(consumer, position)
        slope = words.slope_read(consumer, position).text
        if view.trace.nodes[consumer].holds is np.ndarray:
            return f"from {target} back to {source}: {formula}, where grad has arrived at {target}"
        return formula if formula.endswith(f"= {slope}") else f"{formula} = {slope}"


def widths(shares: Sequence[list[object]]) -> list[float]:
    """The width of each edge: the widest for the largest share, less with each power of ten."""
    sizes = [size_of(passed) if passed else 0.0 for passed in shares]
    largest = max((size for size in sizes if math.isfinite(size)), default=0.0)
    return [
        THICKEST if math.isinf(size)
        else 1.0 + (THICKEST - 1.0) * max(1.0 + math.log10(size / largest) / DECADES, 0.0)
        if size and largest
        else 1.0
        for size in sizes
    ]  # fmt: skip


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


def head(point: Point, direction: int, width: float = 1.0) -> str:
    """A triangle with its tip at a point; -1 points right, into a box, and +1 left, into one."""
    (x, y), (length, half) = point, (HEAD[0] + width - 1.0, HEAD[1] + 0.6 * (width - 1.0))
    corners = [(x, y), (x + direction * length, y - half), (x + direction * length, y + half)]
    return "M" + "L".join(map(_pair, corners)) + "Z"


def signed(text: str) -> str:
    """A share with its sign, + too: what colour alone should not say."""
    return text if text.startswith("-") or not text[:1].isdigit() else f"+{text}"


def baseline(line: int) -> float:
    """Where the text of a line stands, below the top of the first."""
    return (line + 0.75) * style.LINE_HEIGHT


def serialized(root: Element) -> str:
    """An element as it stands in a page of HTML."""
    return ElementTree.tostring(root, encoding="unicode")
