"""Layout: boxes of given sizes and the edges between them in, positions and routes out.

So that a graph can be drawn where no Graphviz is installed; it knows nothing of nodes or
gradients, and gives the same answer for the same input, which is what makes it testable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .layers import Edge, arrange_in_layers
from .ordering import reduce_crossings
from .placement import place_across
from .routing import Point, Ports, Spacing, lay_bands, route_edges

Size = tuple[float, float]

RANKDIRS = ("LR", "TB")
SPACING = Spacing()


@dataclass(frozen=True)
class Layout:
    """Where everything goes: `centers[box]`, `routes[edge]`, and the size of the whole.

    The drawing fills (0, 0) to (width, height), y downwards. A route is a polyline from the
    border of one box to that of the other. Between two ranks it may slope; beside boxes it runs
    straight along the ranks, so that it meets none but its ends.
    """

    width: float
    height: float
    centers: tuple[Point, ...]
    routes: tuple[tuple[Point, ...], ...]


def layout(
    sizes: Sequence[Size],
    edges: Sequence[Edge],
    *,
    rankdir: str = "LR",
    spacing: Spacing = SPACING,
    first: Sequence[int] = (),
    leaving: Ports | None = None,
    entering: Ports | None = None,
) -> Layout:
    """Place boxes in layers so that every edge `(source, target)` points along `rankdir`.

    `sizes` are (width, height), and edges number the boxes by them; an edge that comes twice is
    routed twice. The boxes in `first`, which no edge may lead to, stand before all others.
    `leaving` and `entering` hold, by the number of an edge, how far from the middle of its box it
    leaves or enters, where that is not free.

    Raises `ValueError` on a cycle, an edge to no box, a `rankdir` other than "LR" and "TB".

    >>> from twingrad.viz.layout.layout import layout
    >>> plan = layout([(60, 30), (60, 30), (20, 20)], [(0, 2), (1, 2)])
    >>> plan.centers
    ((30.0, 15.0), (30.0, 61.0), (100.0, 38.0))
    """
    if rankdir not in RANKDIRS:
        raise ValueError(f'rankdir is "LR" (left to right) or "TB" (top down), not {rankdir!r}')
    # From here on everything is told in two directions, "along" the ranks and "across" them.
    along = [_turned(size, rankdir)[0] for size in sizes]
    across = [_turned(size, rankdir)[1] for size in sizes]
    layers = arrange_in_layers(len(sizes), edges, first)
    reduce_crossings(layers)

    def separation(first: int, second: int) -> float:
        if first >= layers.boxes and second >= layers.boxes:
            return spacing.lanes
        halves = [across[v] / 2 if v < layers.boxes else 0.0 for v in (first, second)]
        return sum(halves) + spacing.boxes

    place = place_across(layers, separation)
    # A trunk may be the outermost thing in the drawing; its line must not be cut off.
    border = [*(size / 2 for size in across), *[spacing.lanes / 2] * (len(place) - len(sizes))]
    low = min((p - b for p, b in zip(place, border, strict=True)), default=0.0)
    place = [p - low for p in place]
    breadth = max((p + b for p, b in zip(place, border, strict=True)), default=0.0)

    bands = lay_bands(layers, along, place, spacing)
    routes = route_edges(
        layers, edges, along, across, place, bands, spacing, (leaving or {}, entering or {})
    )
    centers = [
        (bands[rank].middle, p)
        for rank, p in zip(layers.rank[: len(sizes)], place[: len(sizes)], strict=True)
    ]
    width, height = _turned((bands[-1].end if bands else 0.0, breadth), rankdir)
    return Layout(
        width,
        height,
        tuple(_turned(center, rankdir) for center in centers),
        tuple(tuple(_turned(point, rankdir) for point in route) for route in routes),
    )


def _turned(pair: Point, rankdir: str) -> Point:
    """From x and y to along and across, and back again: the same exchange."""
    return pair if rankdir == "LR" else (pair[1], pair[0])
