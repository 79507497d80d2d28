"""Frames: a layout in which the boxes of a module stand together, within a line around them.

A frame is laid out by itself, as if it were all there is, and then is one box in the layout
around it. Edges pass its border at ports, one for each box that they come from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..style import PAD_X, text_width
from .layout import Layout, Size, layout
from .routing import Point

HEADING = 17.0
GUTTER = 12.0
SIDE = 8.0


@dataclass(frozen=True)
class Frame:
    """Boxes, by their numbers, and frames, under a title."""

    title: str
    boxes: tuple[int, ...]
    frames: "tuple[Frame, ...]" = ()

    def everything(self) -> list[int]:
        """The boxes inside, at any depth."""
        return [*self.boxes, *(box for frame in self.frames for box in frame.everything())]


@dataclass(frozen=True)
class Line:
    """A polyline, and whether it ends at a box, with an arrowhead, or passes a border."""

    points: tuple[Point, ...]
    arrives: bool


@dataclass(frozen=True)
class Panel:
    """Where a frame is drawn: its corner, its size, its title, and how many are around it."""

    title: str
    corner: Point
    size: Size
    depth: int


@dataclass(frozen=True)
class Plan:
    """Where everything goes: `centers[box]`, the lines of all edges, the panels of all frames."""

    width: float
    height: float
    centers: dict[int, Point]
    lines: tuple[Line, ...]
    panels: tuple[Panel, ...]


Edge = tuple[int, int]
Ports = dict[int, float]
"""How far across its frame an edge passes, by the number of the box that it comes from."""


@dataclass(frozen=True)
class _Block:
    """What a frame came to: a plan, and where edges enter and leave it."""

    plan: Plan
    entering: Ports
    leaving: Ports


def plan(
    sizes: Sequence[Size], edges: Sequence[Edge], frames: Sequence[Frame], *, rankdir: str = "LR"
) -> Plan:
    """Place boxes of (width, height) as `layout` does, those of each frame together.

    The frames must be such that edges between them, and the boxes outside, form no cycle.
    """
    framed = {box for frame in frames for box in frame.everything()}
    outside = tuple(box for box in range(len(sizes)) if box not in framed)
    whole = Frame("", outside, tuple(frames))
    return _lay_out(whole, sizes, edges, rankdir, -1).plan


def _lay_out(
    frame: Frame, sizes: Sequence[Size], edges: Sequence[Edge], rankdir: str, depth: int
) -> _Block:
    inside = set(frame.everything())
    touching = [(u, v) for u, v in edges if u in inside or v in inside]
    blocks = [_lay_out(inner, sizes, touching, rankdir, depth + 1) for inner in frame.frames]
    # Units are what this layout places: boxes, frames, and a port for each edge across the border.
    unit = {box: number for number, box in enumerate(frame.boxes)}
    extents = [sizes[box] for box in frame.boxes]
    for inner, block in zip(frame.frames, blocks, strict=True):
        unit |= dict.fromkeys(inner.everything(), len(extents))
        extents.append((block.plan.width, block.plan.height))
    count = len(extents)
    arriving = {
        u: count + i for i, u in enumerate(_once(u for u, v in touching if u not in inside))
    }
    count += len(arriving)
    departing = {
        u: count + i for i, u in enumerate(_once(u for u, v in touching if v not in inside))
    }
    extents += [(0.0, 0.0)] * (len(arriving) + len(departing))
    links: list[tuple[int, int, int]] = []
    for u, v in touching:
        start = unit[u] if u in inside else arriving[u]
        end = unit[v] if v in inside else departing[u]
        direct = end < len(frame.boxes)  # an operand that comes twice is seen to
        if start != end and (direct or (start, end, u) not in links):
            links.append((start, end, u))
    across = 1 if rankdir == "LR" else 0
    ports: tuple[dict[int, float], dict[int, float]] = ({}, {})
    for number, (*ends, source) in enumerate(links):
        for end, found, side in zip(ends, ports, ("leaving", "entering"), strict=True):
            if len(frame.boxes) <= end < len(frame.boxes) + len(blocks):
                block = blocks[end - len(frame.boxes)]
                middle = (block.plan.width, block.plan.height)[across] / 2
                found[number] = getattr(block, side)[source] - middle
    laid = layout(
        extents, [(start, end) for start, end, _ in links], rankdir=rankdir,
        first=list(arriving.values()), leaving=ports[0], entering=ports[1],
    )  # fmt: skip
    return _assembled(frame, laid, links, blocks, arriving, departing, sizes, rankdir, depth)


def _once(numbers: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


def _assembled(
    frame: Frame,
    laid: Layout,
    links: Sequence[tuple[int, int, int]],
    blocks: Sequence[_Block],
    arriving: dict[int, int],
    departing: dict[int, int],
    sizes: Sequence[Size],
    rankdir: str,
    depth: int,
) -> _Block:
    """The layout of a frame with those of the frames in it put into their places."""
    across = 1 if rankdir == "LR" else 0
    left, top, right, bottom = _padding(rankdir) if depth >= 0 else (0.0, 0.0, 0.0, 0.0)
    width, height = laid.width + left + right, laid.height + top + bottom
    width = max(width, text_width(frame.title) + 2 * PAD_X) if depth >= 0 else width
    centers = {
        box: (laid.centers[number][0] + left, laid.centers[number][1] + top)
        for number, box in enumerate(frame.boxes)
    }
    lines: list[Line] = []
    panels = [Panel(frame.title, (0.0, 0.0), (width, height), depth)] if depth >= 0 else []
    corners: list[Point] = []
    for number, block in enumerate(blocks, len(frame.boxes)):
        x, y = laid.centers[number]
        corner = (x - block.plan.width / 2 + left, y - block.plan.height / 2 + top)
        corners.append(corner)
        centers |= {box: _moved(c, corner) for box, c in block.plan.centers.items()}
        lines += [Line(tuple(_moved(p, corner) for p in line.points), line.arrives)
                  for line in block.plan.lines]  # fmt: skip
        panels += [Panel(p.title, _moved(p.corner, corner), p.size, p.depth)
                   for p in block.plan.panels]  # fmt: skip
    first = len(frame.boxes)
    for (start, end, source), route in zip(links, laid.routes, strict=True):
        points = [_moved(point, (left, top)) for point in route]
        if first <= start < first + len(blocks):
            block, corner = blocks[start - first], corners[start - first]
            points.insert(0, _port(block, corner, block.leaving[source], across, ends=True))
        if first <= end < first + len(blocks):
            block, corner = blocks[end - first], corners[end - first]
            points.append(_port(block, corner, block.entering[source], across, ends=False))
        if source in departing and end == departing[source]:
            # Up to where the edge goes on: a title, or a box beside, may have widened the frame.
            x, y = points[-1]
            points.append((width - right, y) if across else (x, height - bottom))
        lines.append(Line(tuple(points), arrives=end < first))
    found = Plan(width, height, centers, tuple(lines), tuple(panels))
    shift = top if across else left
    return _Block(
        found,
        {u: laid.centers[number][across] + shift for u, number in arriving.items()},
        {u: laid.centers[number][across] + shift for u, number in departing.items()},
    )


def _padding(rankdir: str) -> tuple[float, float, float, float]:
    """The space between a frame and what is in it: left, top, right, bottom."""
    if rankdir == "LR":
        return GUTTER, HEADING + SIDE / 2, GUTTER, SIDE
    return SIDE, HEADING + GUTTER, SIDE, GUTTER


def _port(block: _Block, corner: Point, place: float, across: int, *, ends: bool) -> Point:
    """Where an edge meets the layout within a block: a little inside its border."""
    size, pad = (block.plan.width, block.plan.height), _padding("LR" if across else "TB")
    along = 1 - across
    depth = size[along] - pad[2 + along] if ends else pad[along]
    point = [0.0, 0.0]
    point[along], point[across] = corner[along] + depth, corner[across] + place
    return point[0], point[1]


def _moved(point: Point, by: Point) -> Point:
    return point[0] + by[0], point[1] + by[1]
