"""Paint: a view as SVG, in the state that the last step leaves, for the script to take apart.

Whoever has no script sees every value, every gradient and every share; classes and not colours
stand here, so that the style sheet can follow the light.
"""

import math
from collections.abc import Container, Sequence
from xml.etree import ElementTree

import numpy as np

from .. import style
from ..drawing.svg import NAMESPACE, Element, _add, _pair, _short, smooth
from ..layout.layout import Layout, layout
from ..layout.routing import Point, Spacing
from .cards import PORT, PORTS_WITH_SHARES, Card, cards_of
from .reading import Sign, read, sign_of, size_of
from .steps import Step
from .view import Link, View
from .words import Words

# A share is written above the last straight bit of its edge: there is room for "-10.0000".
SPACING = Spacing(ranks=64.0, boxes=18.0, lanes=10.0, ports=PORT, approach=44.0)
THICKEST = 5.0
DECADES = 4
"""Between the widest edge and the thinnest."""
HEAD = (7.0, 3.0)


class Painter:
    """Paints one view of a graph."""

    def __init__(self, view: View, steps: Sequence[Step], words: Words) -> None:
        self._view, self._words = view, words
        self._cards = cards_of(view, steps, words)
        self._widths = widths(view.shares)

    def paint(self, unfolds: Container[int]) -> str:
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
        return ElementTree.tostring(root, encoding="unicode")

    def _paint_box(self, drawing: Element, box: int, plan: Layout, unfolds: bool) -> None:
        card = self._cards[box]
        width, height = card.size
        x, y = plan.centers[box]
        group = _add(drawing, "g", transform=f"translate({_pair((x - width / 2, y - height / 2))})")
        note = self._note_of_box(box, unfolds)
        values = [f"{row} {shown.reading.text}" for row, shown in card.last.items()]
        group.attrib |= {
            "class": f"box {card.role}",
            "data-box": str(box),
            "tabindex": "0",
            "role": "button" if unfolds else "img",
            "aria-label": ", ".join([note, *values]),
        }
        _add(group, "title", note)
        if self._view.node(box) is None:
            _add(group, "rect", x=3.5, y=3.5, width=width, height=height, rx=5).set("class", "card")
        _add(group, "rect", width=width, height=height, rx=5).set("class", "card")
        if card.op:
            band, low = _short(card.band), _short(height - 5)
            d = f"M{band} 0H5Q0 0 0 5V{low}Q0 {_short(height)} 5 {_short(height)}H{band}Z"
            _add(group, "path", d=d).set("class", "band")
            _add(group, "text", card.op, x=card.band / 2, y=height / 2 + 4).set("class", "op")
        top = (height - card.frame.height) / 2 + style.PAD_Y
        middle = card.band + (width - card.band) / 2
        for number, line in enumerate([*card.title, *card.notes]):
            text = _add(group, "text", line, x=middle, y=top + baseline(number))
            text.set("class", "title" if number < len(card.title) else "note")
        _paint_rows(group, card, top + card.frame.header)

    def _paint_link(self, drawing: Element, number: int, route: Sequence[Point]) -> None:
        view, link = self._view, self._view.links[number]
        passed = view.shares[number]
        group = _add(drawing, "g")
        sign: Sign | str = sign_of(passed) if passed else "none"
        group.attrib |= {
            "class": f"edge {sign}" + (" passed" if passed else ""),
            "data-link": str(number),
            "tabindex": "0",
            "role": "img",
        }
        _add(group, "title", self._note_of_link(link))
        # The line starts inside the arrowhead that it gets there, so as not to blunt the tip.
        d = smooth([(route[0][0] + HEAD[0] / 2, route[0][1]), *route[1:]], "LR")
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

    def _note_of_box(self, box: int, unfolds: bool) -> str:
        node, name = self._view.node(box), self._words.of(box)
        if node is not None:
            formula = self._words.result(node)
            return f"{name} = {formula}" if formula else name
        way = "Press Enter or click to unfold." if unfolds else "No view on this page unfolds it."
        return (
            f"{name}: {len(self._view.items[box].nodes):,} nodes, shown by the numbers that leave "
            f"them and the gradients that arrive. {way}"
        )

    def _note_of_link(self, link: Link) -> str:
        view, words = self._view, self._words
        consumer, position = link.uses[0]
        source, target = (words.of(box) for box in (link.source, link.target))
        if len(link.uses) > 1:
            return f"{len(link.uses):,} uses of {source} in {target}"
        if view.trace.shares[consumer][position] is None:
            return f"{source} into {target}: no gradient flows back"
        formula = words.slope(consumer, position)
        slope = words.slope_read(consumer, position).text
        if view.trace.nodes[consumer].holds is np.ndarray:
            return f"from {target} back to {source}: {formula}, where grad has arrived at {target}"
        return formula if formula.endswith(f"= {slope}") else f"{formula} = {slope}"


def _paint_rows(group: Element, card: Card, top: float) -> None:
    for (row, lines), height in zip(card.rows, card.frame.rows, strict=True):
        holder, reading = _add(group, "g"), card.last[row].reading
        holder.set("class", f"row {row}")
        if reading.exact is not None:
            holder.set("data-value", reading.exact)
        x = card.band + style.PAD_X
        _add(holder, "text", row, x=x, y=top + baseline(0)).set("class", "key")
        for number in range(lines):
            line = reading.lines[number] if number < len(reading.lines) else ""
            x, y = card.size[0] - style.PAD_X, top + baseline(number)
            _add(holder, "text", line, x=x, y=y).set("class", "figure")
        top += height


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
