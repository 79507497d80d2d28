"""Layers: every box gets a rank, and every edge that passes a rank gets a lane through it.

This is the first half of a layered drawing (Sugiyama, Tagawa & Toda 1981): afterwards edges run
only from one layer to the next, so that the later steps never look further than one gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Edge = tuple[int, int]


@dataclass
class Layers:
    """Vertices by layer: boxes are numbered below `boxes`, lanes from there on.

    `order` lists the vertices of each layer, `sources` and `targets` the neighbours of each
    vertex in the layers before and after it. `lanes[box]` is the trunk that the long edges of one
    box share: one lane in every layer up to its farthest target.
    """

    boxes: int
    rank: list[int]
    order: list[list[int]]
    sources: list[list[int]]
    targets: list[list[int]]
    lanes: list[list[int]]

    def way(self, edge: Edge) -> list[int]:
        """The vertices that an edge runs through: a box, lanes, a box."""
        source, target = edge
        return [source, *self.lanes[source][: self.rank[target] - self.rank[source] - 1], target]


def arrange_in_layers(boxes: int, edges: Sequence[Edge], first: Sequence[int] = ()) -> Layers:
    """Layers in which every edge ascends, each box as close to its first target as it can be.

    The boxes in `first` are the first layer, and alone there.

    Raises `ValueError` when an edge names no box, or when the edges form a cycle.
    """
    distance = _distances_to_the_end(boxes, edges)
    depth = max(distance, default=-1)
    rank = [depth - d for d in distance]
    if first:
        others = set(range(boxes)).difference(first)
        shift = any(rank[box] == 0 for box in others)
        rank = [rank[box] + shift if box in others else 0 for box in range(boxes)]
    lanes: list[list[int]] = [[] for _ in range(boxes)]
    reach = list(rank)
    for source, target in edges:
        reach[source] = max(reach[source], rank[target])
    # One trunk for all the long edges of a box, not a lane for each: a weight that 500 steps share
    # would need 125,000 lanes, and its picture would be a wall of parallel lines.
    for box in range(boxes):
        for layer in range(rank[box] + 1, reach[box]):
            lanes[box].append(len(rank))
            rank.append(layer)
    sources: list[dict[int, None]] = [{} for _ in rank]
    targets: list[dict[int, None]] = [{} for _ in rank]
    layers = Layers(boxes, rank, [], [], [], lanes)
    for source, target in edges:
        hops = rank[target] - rank[source]
        last = lanes[source][hops - 2] if hops > 1 else source
        sources[target][last] = targets[last][target] = None
    for box, trunk in enumerate(lanes):
        for before, after in zip([box, *trunk], trunk, strict=False):
            sources[after][before] = targets[before][after] = None
    layers.sources = [list(found) for found in sources]
    layers.targets = [list(found) for found in targets]
    layers.order = _first_order(layers)
    return layers


def _distances_to_the_end(boxes: int, edges: Sequence[Edge]) -> list[int]:
    """For each box the number of edges on its longest way to a box without targets."""
    sources: list[list[int]] = [[] for _ in range(boxes)]
    unheard = [0] * boxes
    for source, target in edges:
        if not (0 <= source < boxes and 0 <= target < boxes):
            raise ValueError(
                f"the edge {(source, target)} names a box that does not exist; "
                f"there are {boxes} boxes, numbered from 0"
            )
        sources[target].append(source)
        unheard[source] += 1
    distance = [0] * boxes
    done = [box for box in range(boxes) if not unheard[box]]
    for target in done:
        for source in sources[target]:
            distance[source] = max(distance[source], distance[target] + 1)
            unheard[source] -= 1
            if not unheard[source]:
                done.append(source)
    if len(done) < boxes:
        stuck = next(box for box in range(boxes) if unheard[box])
        raise ValueError(f"a layered drawing needs edges without a cycle; box {stuck} leads to one")
    return distance


def _first_order(layers: Layers) -> list[list[int]]:
    """Each layer in the order of a walk from the end back to the sources: a tree never crosses."""
    depth = max(layers.rank, default=-1)
    order: list[list[int]] = [[] for _ in range(depth + 1)]
    seen = [False] * len(layers.rank)
    waiting = [box for box in reversed(range(layers.boxes)) if not layers.targets[box]]
    while waiting:
        vertex = waiting.pop()
        if seen[vertex]:
            continue
        seen[vertex] = True
        order[layers.rank[vertex]].append(vertex)
        waiting.extend(reversed(layers.sources[vertex]))
    return order
