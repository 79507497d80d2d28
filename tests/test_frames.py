"""Boxes in frames: nothing overlaps, and every line leads from its box to its box."""

from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twingrad.viz.layout.frames import Frame, Plan, plan
from twingrad.viz.style import text_width

Size = tuple[float, float]
Edges = list[tuple[int, int]]
NEAR = 1e-6


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Size], Edges, tuple[Frame, ...]]:
    """Boxes in frames in frames, and edges from earlier ones to later ones.

    Frames hold boxes in a row, so that no edge leads back into one.
    """
    count = draw(st.integers(1, 14))
    side = st.floats(5.0, 120.0)
    sizes = [(draw(side), draw(side)) for _ in range(count)]
    boxes = st.integers(0, count - 1)
    pairs = draw(st.lists(st.tuples(boxes, boxes), max_size=2 * count))
    edges = [(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]]
    title = st.sampled_from(["m", "model.layers[0]", "a long name of a module <&> 漢字", ""])

    def frames(low: int, high: int, depth: int) -> tuple[Frame, ...]:
        if depth == 3 or high - low < 1:
            return ()
        cuts = sorted(draw(st.sets(st.integers(low, high), max_size=4)))
        found = []
        for start, end in zip(cuts[::2], cuts[1::2], strict=False):
            inner = frames(start, end, depth + 1)
            taken = {box for frame in inner for box in frame.everything()}
            own = tuple(box for box in range(start, end) if box not in taken)
            found.append(Frame(draw(title), own, inner))
        return tuple(found)

    return sizes, edges, frames(0, count, 0)


def rectangle(center: tuple[float, float], size: Size) -> tuple[float, float, float, float]:
    (x, y), (width, height) = center, size
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def overlap(a: Any, b: Any) -> bool:
    return bool(
        min(a[2], b[2]) - max(a[0], b[0]) > NEAR and min(a[3], b[3]) - max(a[1], b[1]) > NEAR
    )


def contains(outer: Any, inner: Any) -> bool:
    low = outer[0] - NEAR <= inner[0] and outer[1] - NEAR <= inner[1]
    return bool(low and inner[2] <= outer[2] + NEAR and inner[3] <= outer[3] + NEAR)


def all_frames(frames: tuple[Frame, ...], depth: int = 0) -> list[tuple[Frame, int]]:
    found = []
    for frame in frames:
        found.append((frame, depth))
        found += all_frames(frame.frames, depth + 1)
    return found


def panels_of(laid: Plan, frames: tuple[Frame, ...], rects: list[Any]) -> dict[int, Any]:
    """The rectangle of each frame, by its place in the list: the panel of its depth and boxes."""
    found = {}
    left = [(p.depth, p.title, (*p.corner, *map(sum, zip(p.corner, p.size, strict=True))))
            for p in laid.panels]  # fmt: skip
    for number, (frame, depth) in enumerate(all_frames(frames)):
        inside = frame.everything()
        fitting = [
            p for p in left
            if p[0] == depth and p[1] == frame.title
            and all(contains(p[2], rects[box]) for box in inside)
        ]  # fmt: skip
        assert fitting, "a frame without a panel around its boxes"
        found[number] = fitting[0][2]
        left.remove(fitting[0])
    assert not left
    return found


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@given(graph=graphs())
def test_no_two_boxes_overlap_and_frames_hold_their_own_and_nothing_else(
    graph: tuple[list[Size], Edges, tuple[Frame, ...]], rankdir: str
) -> None:
    sizes, edges, frames = graph
    laid = plan(sizes, edges, frames, rankdir=rankdir)
    rects = [rectangle(laid.centers[box], size) for box, size in enumerate(sizes)]
    assert not any(overlap(a, b) for a, b in combinations(rects, 2))
    assert all(contains((0.0, 0.0, laid.width, laid.height), rect) for rect in rects)
    panel = panels_of(laid, frames, rects)
    listed = all_frames(frames)
    for number, (frame, _) in enumerate(listed):
        inside = set(frame.everything())
        for box, rect in enumerate(rects):
            assert contains(panel[number], rect) == (box in inside)
            assert overlap(panel[number], rect) == (box in inside)
    for (i, (a, _)), (j, (b, _)) in combinations(enumerate(listed), 2):
        nested = set(b.everything()) < set(a.everything()) or b in a.frames
        if nested or set(a.everything()) & set(b.everything()):
            assert contains(panel[i], panel[j]) or contains(panel[j], panel[i])
        elif a.everything() and b.everything():
            assert not overlap(panel[i], panel[j])
    for rect in panel.values():
        assert contains((0.0, 0.0, laid.width, laid.height), rect)


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@given(graph=graphs())
def test_titles_fit_above_what_is_in_a_frame(
    graph: tuple[list[Size], Edges, tuple[Frame, ...]], rankdir: str
) -> None:
    sizes, edges, frames = graph
    laid = plan(sizes, edges, frames, rankdir=rankdir)
    rects = [rectangle(laid.centers[box], size) for box, size in enumerate(sizes)]
    panel = panels_of(laid, frames, rects)
    for number, (frame, _) in enumerate(all_frames(frames)):
        x, y, right, _ = panel[number]
        heading = (x, y, x + text_width(frame.title), y + 13.0)
        assert heading[2] <= right
        assert not any(overlap(heading, rect) for rect in rects)


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@given(graph=graphs())
def test_every_line_leads_from_its_box_to_its_box(
    graph: tuple[list[Size], Edges, tuple[Frame, ...]], rankdir: str
) -> None:
    """Followed from point to point, a walk along the lines from a box ends at all its targets.

    And at no other: lines meet where the edges of one box go on through a border.
    """
    sizes, edges, frames = graph
    laid = plan(sizes, edges, frames, rankdir=rankdir)
    along = 0 if rankdir == "LR" else 1

    def near(point: Any) -> tuple[int, int]:
        return round(point[0] * 100), round(point[1] * 100)

    def on_border(point: Any, box: int, end: int) -> bool:
        """Whether the point is on the side of the box that lines leave (1) or enter (-1)."""
        center, size = laid.centers[box], sizes[box]
        off = point[1 - along] - center[1 - along]
        ahead = point[along] - center[along]
        return bool(abs(ahead - end * size[along] / 2) < 1e-6 and abs(off) <= size[1 - along] / 2)

    goes_on: dict[tuple[int, int], list[Any]] = {}
    for line in laid.lines:
        goes_on.setdefault(near(line.points[0]), []).append(line)
    reached: dict[int, set[int]] = {}
    used = set()
    for box in range(len(sizes)):
        waiting = [line for line in laid.lines if on_border(line.points[0], box, 1)]
        found = reached.setdefault(box, set())
        while waiting:
            line = waiting.pop()
            used.add(id(line))
            if line.arrives:
                ends = [b for b in range(len(sizes)) if on_border(line.points[-1], b, -1)]
                assert len(ends) == 1
                found.add(ends[0])
            else:
                following = goes_on.get(near(line.points[-1]), [])
                assert following, "a line that ends nowhere"
                waiting += following
    for source, targets in reached.items():
        assert targets == {v for u, v in edges if u == source}
    assert used == set(map(id, laid.lines)), "a line that begins nowhere"


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@given(graph=graphs())
def test_lines_run_forward_and_within_the_picture(
    graph: tuple[list[Size], Edges, tuple[Frame, ...]], rankdir: str
) -> None:
    sizes, edges, frames = graph
    laid = plan(sizes, edges, frames, rankdir=rankdir)
    along = 0 if rankdir == "LR" else 1
    for line in laid.lines:
        way = [point[along] for point in line.points]
        assert all(b >= a - NEAR for a, b in pairwise(way))
        # Straight where it arrives, and where it passes a border.
        start, end = line.points[-2:]
        assert abs(start[1 - along] - end[1 - along]) < NEAR
        for x, y in line.points:
            assert -NEAR <= x <= laid.width + NEAR and -NEAR <= y <= laid.height + NEAR


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@given(graph=graphs())
def test_no_line_runs_through_a_box(
    graph: tuple[list[Size], Edges, tuple[Frame, ...]], rankdir: str
) -> None:
    """A curve stays within the rectangle of its segment, so it is enough to look at those."""
    sizes, edges, frames = graph
    laid = plan(sizes, edges, frames, rankdir=rankdir)
    rects = [rectangle(laid.centers[box], size) for box, size in enumerate(sizes)]
    for line in laid.lines:
        for (x, y), (u, v) in pairwise(line.points):
            swept = (min(x, u), min(y, v) - 0.001, max(x, u), max(y, v) + 0.001)
            assert not any(overlap(swept, shrunk(rect)) for rect in rects)


def shrunk(rect: Any) -> Any:
    return rect[0] + 0.01, rect[1] + 0.01, rect[2] - 0.01, rect[3] - 0.01


def test_an_operand_used_twice_arrives_twice_in_a_frame_and_out_of_one() -> None:
    for frames in ((), (Frame("m", (0, 1)),), (Frame("m", (1,)),), (Frame("m", (0,)),)):
        laid = plan([(40.0, 20.0)] * 2, [(0, 1), (0, 1)], frames)
        ends = {line.points[-1] for line in laid.lines if line.arrives}
        assert len(ends) == 2


def test_without_frames_it_is_the_layout() -> None:
    laid = plan([(60, 30), (60, 30), (20, 20)], [(0, 2), (1, 2)], ())
    assert list(laid.centers.values()) == [(30.0, 15.0), (30.0, 61.0), (100.0, 38.0)]
    assert not laid.panels and all(line.arrives for line in laid.lines)


def test_the_same_graph_is_laid_out_the_same() -> None:
    sizes = [(40.0, 20.0)] * 6
    edges = [(0, 2), (1, 2), (2, 4), (3, 4), (4, 5), (0, 5)]
    frames = (Frame("a", (2,), (Frame("b", (0, 1)),)), Frame("c", (4,)))
    assert plan(sizes, edges, frames) == plan(sizes, edges, frames)
