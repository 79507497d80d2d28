"""SVG: a picture painted by our own layout, where no Graphviz is installed.

The result needs nothing beside it: no script, no style sheet, no font, and no `id`s that would
clash when two drawings stand on one page.
"""

from collections.abc import Sequence
from itertools import pairwise
from xml.etree import ElementTree

from .. import style
from ..layout.frames import Line, Panel, plan
from ..layout.routing import Point
from .measure import frame, size
from .picture import Box, Chip, Picture

Element = ElementTree.Element

NAMESPACE = "http://www.w3.org/2000/svg"
ARROW = (7.0, 2.8)


def paint(picture: Picture) -> str:
    """The picture as one `<svg>` element."""
    sizes = [size(item, picture.rankdir) for item in picture.items]
    laid = plan(sizes, picture.edges, picture.frames, rankdir=picture.rankdir)
    caption_height = len(picture.caption) * style.LINE_HEIGHT
    caption_width = max(map(style.text_width, picture.caption), default=0.0)
    width = max(laid.width, caption_width) + 2 * style.MARGIN
    height = laid.height + 2 * style.MARGIN + caption_height + (8.0 if caption_height else 0.0)

    root = Element("svg", xmlns=NAMESPACE, role="img")
    root.attrib |= {
        # Points, not pixels: the size at which Graphviz draws the same text.
        "width": f"{_short(width)}pt",
        "height": f"{_short(height)}pt",
        "viewBox": f"0 0 {_short(width)} {_short(height)}",
        "aria-label": picture.description,
        "font-family": style.FONT_FAMILY,
        "font-size": _short(style.FONT_SIZE),
    }
    _add(root, "title", "Computation graph")
    _add(root, "desc", picture.description)
    # A ground of its own, for the page behind it may be dark.
    _add(root, "rect", width="100%", height="100%", rx=6, fill=style.BACKGROUND)
    shift = (style.MARGIN + (width - 2 * style.MARGIN - laid.width) / 2, style.MARGIN)
    drawing = _add(root, "g", transform=f"translate({_short(shift[0])} {_short(shift[1])})")
    for panel in laid.panels:
        _paint_panel(drawing, panel)
    for edge in laid.lines:
        _paint_edge(drawing, edge, picture.rankdir)
    for panel in laid.panels:
        _paint_panel_title(drawing, panel)
    for number, (item, extent) in enumerate(zip(picture.items, sizes, strict=True)):
        center = laid.centers[number]
        corner = (center[0] - extent[0] / 2, center[1] - extent[1] / 2)
        group = _add(drawing, "g", transform=f"translate({_short(corner[0])} {_short(corner[1])})")
        _add(group, "title", item.tooltip)
        if isinstance(item, Box):
            _paint_box(group, item)
        else:
            _paint_chip(group, item, *extent)
    for number, line in enumerate(picture.caption):
        y = height - style.MARGIN - caption_height + (number + 0.75) * style.LINE_HEIGHT
        _add(root, "text", line, x=style.MARGIN, y=y, fill=style.FAINT_INK, font_style="italic")
    return ElementTree.tostring(root, encoding="unicode")


def _paint_panel(group: Element, panel: Panel) -> None:
    (x, y), (width, height) = panel.corner, panel.size
    _add(group, "rect", x=x, y=y, width=width, height=height, rx=6,
         fill=style.FRAME_FILLS[panel.depth % 2], stroke=style.FRAME_LINE)  # fmt: skip


def _paint_panel_title(group: Element, panel: Panel) -> None:
    x, y = panel.corner
    # With a halo, for edges may come in from above.
    _add(group, "text", panel.title, x=x + style.PAD_X, y=y + _baseline(0) + 1,
         fill=style.FAINT_INK, stroke=style.FRAME_FILLS[panel.depth % 2], stroke_width=4,
         paint_order="stroke")  # fmt: skip


def _paint_box(group: Element, box: Box) -> None:
    measured, look = frame(box), style.LOOKS[box.role]
    width, height = measured.width, measured.height
    if look.doubled:
        _add(group, "rect", x=-2.5, y=-2.5, width=width + 5, height=height + 5,
             fill=style.BACKGROUND, stroke=look.line, stroke_width=look.line_width)  # fmt: skip
    _add(group, "rect", width=width, height=height, fill=style.BACKGROUND)
    if measured.header:
        _add(group, "rect", width=width, height=measured.header, fill=look.header)
    heading = [(line, style.INK, "bold") for line in box.title]
    heading += [(line, style.FAINT_INK, "normal") for line in box.notes]
    for number, (line, ink, weight) in enumerate(heading):
        y = style.PAD_Y + _baseline(number)
        _add(group, "text", line, x=width / 2, y=y, fill=ink, font_weight=weight,
             text_anchor="middle")  # fmt: skip
    top = measured.header
    for row, row_height in zip(box.rows, measured.rows, strict=True):
        if row.strength:
            ground = style.tint(row.strength, row.lean)
            _add(group, "rect", y=top, width=width, height=row_height, fill=ground)
        if top:
            _add(group, "path", d=f"M0 {_short(top)}H{_short(width)}", stroke=style.RULE)
        _add(group, "text", row.key, x=style.PAD_X, y=top + style.PAD_Y + _baseline(0),
             fill=style.FAINT_INK)  # fmt: skip
        for number, line in enumerate(row.lines):
            y = top + style.PAD_Y + _baseline(number)
            _add(group, "text", line, x=width - style.PAD_X, y=y, fill=style.INK,
                 text_anchor="end")  # fmt: skip
        top += row_height
    border = _add(group, "rect", width=width, height=height, fill="none")
    border.attrib |= {"stroke": look.line, "stroke-width": _short(look.line_width)}
    if look.dashed:
        border.set("stroke-dasharray", "4 2")


def _paint_chip(group: Element, chip: Chip, width: float, height: float) -> None:
    _add(group, "rect", width=width, height=height, rx=style.CHIP_RADIUS,
         fill=style.CHIP_FILL, stroke=style.CHIP_LINE)  # fmt: skip
    y = height / 2 + 0.35 * style.CHIP_FONT_SIZE
    _add(group, "text", chip.text, x=width / 2, y=y, fill=style.INK, text_anchor="middle",
         font_size=style.CHIP_FONT_SIZE)  # fmt: skip


def _paint_edge(group: Element, line: Line, rankdir: str) -> None:
    length, half = ARROW
    route = line.points
    if not line.arrives:
        _add(group, "path", d=smooth(route, rankdir), fill="none", stroke=style.EDGE)
        return
    x, y = route[-1]
    if rankdir == "LR":
        tip = [(x, y), (x - length, y - half), (x - length, y + half)]
        # The line ends inside its arrowhead, so that it does not blunt the tip.
        route = (*route[:-1], (x - length / 2, y))
    else:
        tip = [(x, y), (x - half, y - length), (x + half, y - length)]
        route = (*route[:-1], (x, y - length / 2))
    _add(group, "path", d=smooth(route, rankdir), fill="none", stroke=style.EDGE)
    _add(group, "path", d="M" + "L".join(map(_pair, tip)) + "Z", fill=style.EDGE)


def smooth(route: Sequence[Point], rankdir: str) -> str:
    """Path data of a curve through a route, within the rectangle of each of its segments.

    Each slope is a cubic that leaves and arrives straight along the ranks, so the curve has no
    corner and meets no box that the polyline does not meet.
    """
    across = 1 if rankdir == "LR" else 0
    path = "M" + _pair(route[0])
    for start, end in pairwise(route):
        if start[across] == end[across]:
            path += "L" + _pair(end)
            continue
        halfway = (start[1 - across] + end[1 - across]) / 2
        controls = ((halfway, start[1]), (halfway, end[1]))
        if rankdir == "TB":
            controls = ((start[0], halfway), (end[0], halfway))
        path += f"C{_pair(controls[0])} {_pair(controls[1])} {_pair(end)}"
    return path


def _baseline(line: int) -> float:
    return (line + 0.75) * style.LINE_HEIGHT


def _add(parent: Element, tag: str, text: str | None = None, **attributes: str | float) -> Element:
    """A new child; `font_size` stands for `font-size`, and numbers are written short."""
    element = ElementTree.SubElement(parent, tag)
    # Browsers draw spaces side by side as one, unless nothing may break there.
    element.text = text.replace(" ", "\N{NO-BREAK SPACE}") if text and tag == "text" else text
    for name, value in attributes.items():
        written = value if isinstance(value, str) else _short(value)
        element.set(name.replace("_", "-"), written)
    return element


def _pair(point: Point) -> str:
    return f"{_short(point[0])} {_short(point[1])}"


def _short(number: float) -> str:
    """Two decimals at most, and no "-0"."""
    return format(round(number, 2) + 0.0, ".2f").rstrip("0").rstrip(".")
