"""Routing: the way of each edge, from its port on one box to its port on another.

Each rank is a band as thick as its thickest box. Within a band edges run straight on, and slope
only in the gap between two bands, where no box stands: so none is ever crossed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .layers import Edge, Layers

Point = tuple[float, float]
Ports = Mapping[int, float]
"""By the number of an edge, where it meets its box, from the middle of the side."""


@dataclass(frozen=True)
class Spacing:
    """Distances, in the unit of the boxes' sizes.

    `approach` is how far an edge runs straight before it enters its box: room for an arrowhead.
    """

    ranks: float = 30.0
    boxes: float = 16.0
    lanes: float = 10.0
    ports: float = 8.0
    approach: float = 7.0


@dataclass(frozen=True)
class Band:
    """The strip that the boxes of one rank stand in."""

    start: float
    end: float

    @property
    def middle(self) -> float:
        """Where the centres of its boxes are."""
        return (self.start + self.end) / 2


def lay_bands(
    layers: Layers, along: Sequence[float], place: Sequence[float], spacing: Spacing
) -> list[Band]:
    """One band a rank; where edges have far to go across, the gap before the next is wider."""
    bands: list[Band] = []
    start = 0.0
    for layer in layers.order:
        thickest = max((along[vertex] for vertex in layer if vertex < layers.boxes), default=0.0)
        bands.append(Band(start, start + thickest))
        farthest = max(
            (abs(place[t] - place[vertex]) for vertex in layer for t in layers.targets[vertex]),
            default=0.0,
        )
        # Seven in one is a slope that the eye still follows; four times as wide is enough.
        start = bands[-1].end + min(max(spacing.ranks, farthest / 7), 4 * spacing.ranks)
    return bands


def route_edges(
    layers: Layers,
    edges: Sequence[Edge],
    along: Sequence[float],
    across: Sequence[float],
    place: Sequence[float],
    bands: Sequence[Band],
    spacing: Spacing,
    fixed: tuple[Ports, Ports] = ({}, {}),
) -> list[list[Point]]:
    """A polyline (along, across) for every edge, from border to border.

    `fixed` are ports, leaving and entering, that are not free to choose.
    """
    ways = [layers.way(edge) for edge in edges]
    leaving = _leaving(ways, across, place, spacing.ports)
    entering = _entering(ways, across, place, spacing.ports)
    for ports, side, given in ((leaving, 0, fixed[0]), (entering, -1, fixed[1])):
        for number, offset in given.items():
            ports[number] = place[ways[number][side]] + offset
    routes = []
    for number, (source, *lanes, target) in enumerate(ways):
        first, last = bands[layers.rank[source]], bands[layers.rank[target]]
        route = [
            (first.middle + along[source] / 2, leaving[number]),
            (first.end, leaving[number]),
        ]
        for lane in lanes:
            band = bands[layers.rank[lane]]
            route += [(band.start, place[lane]), (band.end, place[lane])]
        route += [
            (last.start - spacing.approach, entering[number]),
            (last.middle - along[target] / 2, entering[number]),
        ]
        routes.append(_without_needless_points(route))
    return routes


def _leaving(
    ways: Sequence[Sequence[int]], across: Sequence[float], place: Sequence[float], gap: float
) -> list[float]:
    """Where each edge leaves its box: in the middle of the side, those that come twice apart."""
    twins: dict[tuple[int, int], list[int]] = {}
    for number, (source, following, *rest) in enumerate(ways):
        # Long edges share a trunk, and part only at its end.
        if not rest:
            twins.setdefault((source, following), []).append(number)
    ports = [place[way[0]] for way in ways]
    for (source, _), numbers in twins.items():
        for number, offset in zip(numbers, _spread(len(numbers), across[source], gap), strict=True):
            ports[number] += offset
    return ports


def _entering(
    ways: Sequence[Sequence[int]], across: Sequence[float], place: Sequence[float], gap: float
) -> list[float]:
    """Where each edge enters its box: apart, in the order in which they come."""
    arriving: dict[int, list[int]] = {}
    for number, way in enumerate(ways):
        arriving.setdefault(way[-1], []).append(number)
    ports = [place[way[-1]] for way in ways]
    for target, numbers in arriving.items():
        numbers.sort(key=lambda number: place[ways[number][-2]])
        offsets = _spread(len(numbers), across[target], gap)
        # One that comes straight at the middle is better left straight, if there is room.
        for number, offset in zip(numbers, offsets, strict=True):
            room = across[target] / 2 - gap / 2 - abs(offset)
            comes_straight = abs(place[ways[number][-2]] - place[target]) < 1
            if comes_straight and abs(offsets[0]) <= room:
                offsets = [other - offset for other in offsets]
                break
        for number, offset in zip(numbers, offsets, strict=True):
            ports[number] += offset
    return ports


def _spread(count: int, side: float, gap: float) -> list[float]:
    """Offsets from the middle of a side, `gap` apart or as far as the side has room."""
    step = min(gap, max(side - 2 * gap, side / 2) / max(count - 1, 1))
    return [(index - (count - 1) / 2) * step for index in range(count)]


def _without_needless_points(route: Sequence[Point]) -> list[Point]:
    """The same polyline without the points in the middle of a straight run."""
    kept: list[Point] = []
    for point in route:
        if len(kept) > 1 and kept[-2][1] == kept[-1][1] == point[1]:
            kept.pop()
        if not kept or kept[-1] != point:
            kept.append(point)
    return kept
