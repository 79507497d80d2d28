"""Where boxes and edges go: nothing overlaps or is crossed, and the answer is always the same.

The oracles are geometry and brute force, written here without a look at how the layout works.
"""

from itertools import combinations, pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from twingrad.viz.drawing.svg import smooth
from twingrad.viz.layout.layers import Layers, arrange_in_layers
from twingrad.viz.layout.layout import SPACING, Layout, layout
from twingrad.viz.layout.ordering import count_crossings, reduce_crossings
from twingrad.viz.layout.placement import place_across
from twingrad.viz.layout.routing import Spacing

Edges = list[tuple[int, int]]
Sizes = list[tuple[float, float]]
Rectangle = tuple[float, float, float, float]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Sizes, Edges]:
    """Boxes of any size, and edges that make no cycle; some come twice, some go far."""
    count = draw(st.integers(1, 14))
    lengths = st.integers(4, 150).map(float)
    sizes = draw(st.lists(st.tuples(lengths, lengths), min_size=count, max_size=count))
    names = draw(st.permutations(range(count)))
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    found = draw(st.lists(pairs.filter(lambda pair: pair[0] != pair[1]), max_size=30))
    return sizes, [(names[min(pair)], names[max(pair)]) for pair in found]


rankdirs = st.sampled_from(["LR", "TB"])


def rectangle(plan: Layout, sizes: Sizes, box: int) -> Rectangle:
    (x, y), (width, height) = plan.centers[box], sizes[box]
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def overlap(one: Rectangle, other: Rectangle) -> bool:
    left, right = max(one[0], other[0]), min(one[2], other[2])
    top, bottom = max(one[1], other[1]), min(one[3], other[3])
    return left < right - 1e-6 and top < bottom - 1e-6


def crossed(start: tuple[float, float], end: tuple[float, float], box: Rectangle) -> bool:
    """Whether the rectangle around a segment, where its curve is too, enters the box."""
    xs, ys = sorted((start[0], end[0])), sorted((start[1], end[1]))
    # A straight run has no breadth; to the eye it has some.
    x_breadth, y_breadth = 1e-3 * (xs[0] == xs[1]), 1e-3 * (ys[0] == ys[1])
    return overlap(
        (xs[0] - x_breadth, ys[0] - y_breadth, xs[1] + x_breadth, ys[1] + y_breadth), box
    )


@given(graphs(), rankdirs)
def test_no_two_boxes_overlap(graph: tuple[Sizes, Edges], rankdir: str) -> None:
    sizes, edges = graph
    plan = layout(sizes, edges, rankdir=rankdir)
    boxes = [rectangle(plan, sizes, box) for box in range(len(sizes))]
    assert not any(overlap(one, other) for one, other in combinations(boxes, 2))


@given(graphs(), rankdirs)
def test_no_edge_crosses_a_box(graph: tuple[Sizes, Edges], rankdir: str) -> None:
    sizes, edges = graph
    plan = layout(sizes, edges, rankdir=rankdir)
    boxes = [rectangle(plan, sizes, box) for box in range(len(sizes))]
    for route in plan.routes:
        for start, end in pairwise(route):
            assert not any(crossed(start, end, box) for box in boxes)


@given(graphs(), rankdirs)
def test_an_edge_runs_in_rank_direction_from_side_to_side(
    graph: tuple[Sizes, Edges], rankdir: str
) -> None:
    sizes, edges = graph
    plan = layout(sizes, edges, rankdir=rankdir)
    along = 0 if rankdir == "LR" else 1
    across = 1 - along
    for (source, target), route in zip(edges, plan.routes, strict=True):
        forward = [point[along] for point in route]
        assert forward == sorted(forward)
        out, into = rectangle(plan, sizes, source), rectangle(plan, sizes, target)
        assert route[0][along] == pytest.approx(out[along + 2])
        assert route[-1][along] == pytest.approx(into[along])
        assert out[across] <= route[0][across] <= out[across + 2]
        assert into[across] <= route[-1][across] <= into[across + 2]
        # The last piece is straight: an arrowhead on it points at the box.
        assert route[-2][across] == route[-1][across]


@given(graphs(), rankdirs)
def test_everything_lies_within_the_size_given(graph: tuple[Sizes, Edges], rankdir: str) -> None:
    sizes, edges = graph
    plan = layout(sizes, edges, rankdir=rankdir)
    corners = [rectangle(plan, sizes, box) for box in range(len(sizes))]
    points = [point for route in plan.routes for point in route]
    points += [corner[:2] for corner in corners] + [corner[2:] for corner in corners]
    for x, y in points:
        assert -1e-6 <= x <= plan.width + 1e-6
        assert -1e-6 <= y <= plan.height + 1e-6


@given(graphs(), rankdirs)
def test_same_input_same_output(graph: tuple[Sizes, Edges], rankdir: str) -> None:
    sizes, edges = graph
    first = layout(sizes, edges, rankdir=rankdir)
    assert layout(list(sizes), list(edges), rankdir=rankdir) == first


@given(graphs())
def test_top_down_is_left_to_right_turned(graph: tuple[Sizes, Edges]) -> None:
    sizes, edges = graph
    turned = layout([(height, width) for width, height in sizes], edges, rankdir="TB")
    plan = layout(sizes, edges)
    assert [(y, x) for x, y in turned.centers] == list(plan.centers)
    assert (turned.height, turned.width) == (plan.width, plan.height)


@given(graphs())
def test_edges_that_come_twice_are_drawn_apart(graph: tuple[Sizes, Edges]) -> None:
    sizes, edges = graph
    plan = layout(sizes, edges + edges[:1])
    if edges:
        assert plan.routes[0] != plan.routes[-1]
        assert abs(plan.routes[0][-1][1] - plan.routes[-1][-1][1]) > 0


def test_twins_between_neighbours_are_apart_at_both_ends() -> None:
    plan = layout([(60, 40), (30, 30)], [(0, 1), (0, 1)])
    first, second = plan.routes
    assert abs(first[0][1] - second[0][1]) == SPACING.ports
    assert abs(first[-1][1] - second[-1][1]) == SPACING.ports


def crossings_by_brute_force(layers: Layers) -> int:
    """Compare every pair of edges of every gap."""
    place = {vertex: index for layer in layers.order for index, vertex in enumerate(layer)}
    count = 0
    for layer in layers.order:
        edges = [(place[v], place[t]) for v in layer for t in layers.targets[v]]
        count += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(edges, 2))
    return count


@given(graphs())
def test_crossings_are_counted_right_and_never_made_more(graph: tuple[Sizes, Edges]) -> None:
    sizes, edges = graph
    layers = arrange_in_layers(len(sizes), edges)
    before = count_crossings(layers)
    assert before == crossings_by_brute_force(layers)
    vertices = [sorted(layer) for layer in layers.order]
    reduce_crossings(layers)
    assert crossings_by_brute_force(layers) <= before
    assert [sorted(layer) for layer in layers.order] == vertices


def test_a_knot_that_can_be_undone_is_undone() -> None:
    # Six chains side by side, their far ends tied in reverse order.
    edges = [(box, 6 + box) for box in range(6)] + [(6 + box, 17 - box) for box in range(6)]
    edges += [(12 + box, 18) for box in range(6)]
    layers = arrange_in_layers(19, edges)
    layers.order[2].sort()
    layers.order[1].sort()
    layers.order[0].sort()
    assert count_crossings(layers) > 0
    reduce_crossings(layers)
    assert count_crossings(layers) == 0


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40))
def test_a_tree_is_drawn_without_a_crossing(choices: list[int]) -> None:
    edges = [(child, choice % child) for child, choice in enumerate(choices, start=1)]
    layers = arrange_in_layers(len(edges) + 1, edges)
    reduce_crossings(layers)
    assert count_crossings(layers) == 0


@given(graphs(), st.integers(0, 20), st.integers(0, 20))
def test_vertices_of_a_layer_keep_their_order_and_distance(
    graph: tuple[Sizes, Edges], one: int, other: int
) -> None:
    sizes, edges = graph
    layers = arrange_in_layers(len(sizes), edges)
    place = place_across(layers, lambda u, v: 5.0 + one * (u % 3 + v % 3) + other)
    for layer in layers.order:
        for u, v in pairwise(layer):
            assert place[v] - place[u] >= 5.0 + one * (u % 3 + v % 3) + other - 1e-6


@given(graphs())
@example(([(9, 9)] * 6, [(0, 1), (0, 3), (0, 5), (1, 2), (1, 5), (2, 3), (3, 4)]))
@example(([(9, 9)] * 5, [(0, 1), (0, 2), (0, 4), (1, 2), (1, 4), (2, 4)]))
@example(([(9, 9)] * 7, [(0, 1), (0, 2), (0, 4), (0, 5), (0, 6), (2, 4), (2, 6), (4, 5)]))
def test_a_trunk_is_straight_unless_it_crosses_another(graph: tuple[Sizes, Edges]) -> None:
    sizes, edges = graph
    layers = arrange_in_layers(len(sizes), edges)
    reduce_crossings(layers)
    order = {vertex: index for layer in layers.order for index, vertex in enumerate(layer)}
    pieces = [piece for trunk in layers.lanes for piece in pairwise(trunk)]
    for (a, b), (c, d) in combinations(pieces, 2):
        if layers.rank[a] == layers.rank[c]:
            assume((order[a] - order[c]) * (order[b] - order[d]) > 0)
    place = place_across(layers, lambda u, v: 10.0)
    for before, after in pieces:
        assert place[before] == pytest.approx(place[after])


def test_a_chain_is_one_straight_line() -> None:
    plan = layout([(50, 20), (10, 60), (80, 30), (5, 5)], [(0, 1), (1, 2), (2, 3)])
    assert len({y for _, y in plan.centers}) == 1
    assert all(len(route) == 2 for route in plan.routes)


def test_a_box_between_two_stands_in_the_middle() -> None:
    plan = layout([(50, 20), (50, 20), (20, 20)], [(0, 2), (1, 2)])
    (_, first), (_, second), (_, result) = plan.centers
    assert result == (first + second) / 2


def test_operands_stand_in_their_order() -> None:
    plan = layout([(50, 20)] * 4 + [(20, 20)], [(2, 4), (0, 4), (3, 4), (1, 4)])
    heights = [plan.centers[box][1] for box in (2, 0, 3, 1)]
    assert heights == sorted(heights)


def test_a_long_edge_passes_the_boxes_in_one_straight_run() -> None:
    # A chain of ten and one edge from its start to its end.
    plan = layout([(60, 40)] * 10, [(box, box + 1) for box in range(9)] + [(0, 9)])
    bends = [pair for pair in pairwise(plan.routes[-1]) if pair[0][1] != pair[1][1]]
    assert len(bends) <= 2


def test_long_edges_of_different_boxes_run_apart() -> None:
    chain = [(box, box + 1) for box in range(9)]
    edges = chain + [(box, target) for box in (10, 11, 12) for target in (1, 8, 9)]
    # Boxes so thin that they would let their lines touch.
    plan = layout([(60, 2)] * 13, edges, spacing=Spacing(boxes=1.0, lanes=10.0))
    x, chain_height = plan.centers[5]
    segments = [segment for route in plan.routes[9:] for segment in pairwise(route)]
    heights = sorted({start[1] for start, end in segments if start[0] < x < end[0]})
    assert len(heights) == 3
    side_by_side = [
        (u, v) for u, v in pairwise(heights) if (u < chain_height) == (v < chain_height)
    ]
    assert side_by_side
    assert all(v - u >= 10.0 - 1e-6 for u, v in side_by_side)


def test_long_edges_of_one_box_share_a_trunk() -> None:
    # A weight that 500 steps use: a lane for each use would make 125,000.
    steps = 500
    edges = [(step, step + 1) for step in range(1, steps)]
    edges += [(0, step) for step in range(2, steps + 1)]
    layers = arrange_in_layers(steps + 1, edges)
    assert len(layers.rank) <= 2 * (steps + 1)
    plan = layout([(60, 40)] * (steps + 1), edges)
    assert max(len(route) for route in plan.routes) <= 8


def test_a_deep_graph_does_not_recurse() -> None:
    count = 20_000
    plan = layout([(10, 10)] * count, [(box, box + 1) for box in range(count - 1)])
    assert len(plan.routes) == count - 1


def test_nothing_and_one_box_can_be_laid_out() -> None:
    assert layout([], []) == Layout(0.0, 0.0, (), ())
    assert layout([(60, 40)], []) == Layout(60.0, 40.0, ((30.0, 20.0),), ())


def test_a_curve_stays_within_the_rectangle_of_its_segment() -> None:
    assert smooth([(0, 0), (10, 0), (40, 90)], "LR") == "M0 0L10 0C25 0 25 90 40 90"
    assert smooth([(0, 0), (0, 10), (90, 40)], "TB") == "M0 0L0 10C0 25 90 25 90 40"


def test_a_cycle_is_refused() -> None:
    with pytest.raises(ValueError, match="without a cycle; box 0 leads to one"):
        layout([(1, 1)] * 3, [(0, 2), (1, 2), (2, 1)])
    with pytest.raises(ValueError, match="without a cycle"):
        layout([(1, 1)], [(0, 0)])


def test_an_edge_to_no_box_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(0, 2\) names a box that does not exist; there are 2"):
        layout([(1, 1)] * 2, [(0, 2)])
    with pytest.raises(ValueError, match="names a box that does not exist"):
        layout([(1, 1)] * 2, [(-1, 1)])


def test_an_unknown_direction_is_refused() -> None:
    with pytest.raises(ValueError, match=r"left to right.*not 'BT'"):
        layout([], [], rankdir="BT")
