"""Placement: where along its layer each vertex stands, so that edges run straight.

Brandes & Köpf 2002, "Fast and Simple Horizontal Coordinate Assignment": chain each vertex to its
median neighbour, pack the chains as blocks, do so from all four corners, and average.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from .layers import Layers

Separation = Callable[[int, int], float]
Pair = tuple[int, int]


def place_across(layers: Layers, separation: Separation) -> list[float]:
    """The coordinate of every vertex across the ranks, in the order that the layers are in.

    `separation(u, v)` is the least distance of the centres of two vertices side by side.
    """
    forbidden = _crossings_of_trunks(layers)
    assignments = []
    for ranks_reversed in (False, True):
        for layer_reversed in (False, True):
            order = layers.order[::-1] if ranks_reversed else layers.order
            order = [layer[::-1] for layer in order] if layer_reversed else order
            neighbours = _partners(layers, after=ranks_reversed)
            block = _align(order, neighbours, forbidden)
            position = _pack(order, block, separation)
            assignments.append([-p for p in position] if layer_reversed else position)
    return _average(assignments)


def _partners(layers: Layers, *, after: bool) -> list[Sequence[int]]:
    """The neighbours, in the layer before or after, that each vertex may be chained to.

    Where a trunk goes on, its lanes are chained to each other, and what branches off to neither.
    """
    boxes = layers.boxes
    goes_on = [any(target >= boxes for target in found) for found in layers.targets]
    partners: list[Sequence[int]] = []
    for vertex, found in enumerate(layers.targets if after else layers.sources):
        if vertex >= boxes:
            partners.append([n for n in found if n >= boxes] or found)
        else:
            partners.append([n for n in found if after or n < boxes or not goes_on[n]])
    return partners


def _crossings_of_trunks(layers: Layers) -> set[Pair]:
    """The edges, as pairs of vertices, that cross a trunk: the trunk stays straight, they do not.

    These are the "type 1 conflicts" of the paper.
    """
    boxes = layers.boxes
    found: set[Pair] = set()
    for upper, lower in pairwise(layers.order):
        place = {vertex: index for index, vertex in enumerate(upper)}
        leftmost, checked = 0, 0
        for index, vertex in enumerate(lower):
            inner = next((s for s in layers.sources[vertex] if vertex >= boxes and s >= boxes), -1)
            if inner < 0 and index < len(lower) - 1:
                continue
            rightmost = place[inner] if inner >= 0 else len(upper) - 1
            for other in lower[checked : index + 1]:
                for source in layers.sources[other]:
                    crosses = not leftmost <= place[source] <= rightmost
                    if crosses and not (source >= boxes and other >= boxes):
                        found.add((source, other))
            leftmost, checked = rightmost, index + 1
    return found


def _align(
    order: Sequence[Sequence[int]], neighbours: Sequence[Sequence[int]], forbidden: set[Pair]
) -> list[int]:
    """Chain vertices to a median neighbour in the layer before; returns each one's block."""
    block = list(range(len(neighbours)))
    taken = [False] * len(neighbours)
    for before, layer in pairwise(order):
        place = {vertex: index for index, vertex in enumerate(before)}
        limit = -1
        for vertex in layer:
            candidates = sorted(neighbours[vertex], key=place.__getitem__)
            middle = len(candidates) // 2
            for median in candidates[max(middle - (len(candidates) % 2 == 0), 0) : middle + 1]:
                # In a pass over reversed ranks the pairs come the other way round.
                pairs = {(median, vertex), (vertex, median)}
                if not taken[median] and limit < place[median] and forbidden.isdisjoint(pairs):
                    taken[median] = True
                    block[vertex] = block[median]
                    limit = place[median]
                    break
    return block


def _pack(
    order: Sequence[Sequence[int]], block: Sequence[int], separation: Separation
) -> list[float]:
    """Coordinates in which each block is one straight line, as far to the front as they can be."""
    after: dict[int, dict[int, float]] = {b: {} for b in block}
    unheard = dict.fromkeys(after, 0)
    for layer in order:
        for left, right in pairwise(layer):
            gaps = after[block[left]]
            if block[right] not in gaps:
                unheard[block[right]] += 1
            gaps[block[right]] = max(gaps.get(block[right], 0.0), separation(left, right))
    position = dict.fromkeys(after, 0.0)
    done = [b for b, count in unheard.items() if not count]
    for left_block in done:
        for right_block, gap in after[left_block].items():
            position[right_block] = max(position[right_block], position[left_block] + gap)
            unheard[right_block] -= 1
            if not unheard[right_block]:
                done.append(right_block)
    # Packed to the front only, a short layer would stand off from the one that it belongs to.
    for left_block in reversed(done):
        if after[left_block]:
            position[left_block] = min(position[b] - gap for b, gap in after[left_block].items())
    return [position[b] for b in block]


def _average(assignments: list[list[float]]) -> list[float]:
    """The mean of the two middle coordinates of each vertex; separations survive it."""
    widths = [max(a, default=0.0) - min(a, default=0.0) for a in assignments]
    narrowest = assignments[widths.index(min(widths))]
    low, high = min(narrowest, default=0.0), max(narrowest, default=0.0)
    shifted = []
    for number, assignment in enumerate(assignments):
        # Those packed from the front meet the narrowest at its low end, the others at its high.
        from_front = number % 2 == 0
        shift = low - min(assignment, default=0.0)
        shift = shift if from_front else high - max(assignment, default=0.0)
        shifted.append([p + shift for p in assignment])
    middles = [sorted(places)[1:3] for places in zip(*shifted, strict=True)]
    return [(a + b) / 2 for a, b in middles]
