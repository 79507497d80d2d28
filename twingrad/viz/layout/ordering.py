"""Ordering: which vertex stands above which in its layer, so that few edges cross.

Sweep forth and back over the layers, putting each vertex at the mean place of its neighbours
(the barycentre), and keep the best order seen; exact answers are NP-hard, and not needed.
"""

from bisect import bisect_right, insort
from collections.abc import Sequence

from .layers import Layers

PATIENCE = 4
"""How many sweeps without a better order end the search."""


def reduce_crossings(layers: Layers, sweeps: int = 24) -> None:
    """Reorder `layers.order` in place; deterministic, and never worse than what came."""
    best = [list(layer) for layer in layers.order]
    fewest = count_crossings(layers)
    since_best = 0
    for number in range(sweeps):
        if not fewest or since_best == PATIENCE:
            break
        # Ties go alternately to either side: otherwise two symmetric orders lock each other.
        _sweep(layers, forward=number % 2 == 0, ties_reversed=number % 4 >= 2)
        crossings = count_crossings(layers)
        since_best += 1
        if crossings < fewest:
            best, fewest, since_best = [list(layer) for layer in layers.order], crossings, 0
    layers.order = best
    if fewest:
        _swap_neighbours(layers)


def count_crossings(layers: Layers) -> int:
    """The number of pairs of edges that cross, over all gaps between layers."""
    return sum(
        _crossings_in_gap(upper, lower, layers.targets)
        for upper, lower in zip(layers.order, layers.order[1:], strict=False)
    )


def _crossings_in_gap(
    upper: Sequence[int], lower: Sequence[int], targets: Sequence[Sequence[int]]
) -> int:
    place = {vertex: index for index, vertex in enumerate(lower)}
    passed: list[int] = []
    crossings = 0
    for vertex in upper:
        ends = [place[target] for target in targets[vertex]]
        for end in ends:
            crossings += len(passed) - bisect_right(passed, end)
        for end in ends:
            insort(passed, end)
    return crossings


def _sweep(layers: Layers, *, forward: bool, ties_reversed: bool) -> None:
    neighbours = layers.sources if forward else layers.targets
    order = layers.order
    indices = range(1, len(order)) if forward else range(len(order) - 2, -1, -1)
    for index in indices:
        fixed = order[index - 1 if forward else index + 1]
        place = {vertex: position for position, vertex in enumerate(fixed)}
        layer = order[index]
        pulled = [vertex for vertex in layer if neighbours[vertex]]
        centre = {v: sum(place[n] for n in neighbours[v]) / len(neighbours[v]) for v in pulled}
        if ties_reversed:
            pulled.reverse()
        # What has no neighbour on that side keeps its place; the others move around it.
        moved = iter(sorted(pulled, key=centre.__getitem__))
        order[index] = [next(moved) if vertex in centre else vertex for vertex in layer]


def _swap_neighbours(layers: Layers, rounds: int = 4) -> None:
    """Exchange vertices side by side wherever that saves a crossing: what sweeps overlook."""
    place = [0] * len(layers.rank)
    for layer in layers.order:
        for index, vertex in enumerate(layer):
            place[vertex] = index
    for _ in range(rounds):
        improved = False
        for layer in layers.order:
            for index in range(len(layer) - 1):
                first, second = layer[index], layer[index + 1]
                saved = 0
                for side in (layers.sources, layers.targets):
                    ends, others = side[first], side[second]
                    saved += sum(
                        (place[end] > place[other]) - (place[end] < place[other])
                        for end in ends
                        for other in others
                    )
                if saved > 0:
                    layer[index], layer[index + 1] = second, first
                    place[first], place[second] = index + 1, index
                    improved = True
        if not improved:
            return
