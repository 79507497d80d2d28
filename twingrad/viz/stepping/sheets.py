"""Sheets: which views of a graph the page holds, and how a click leads from one to another.

A small graph is shown as it is. A large one opens folded, and each thing that unfolds has a view
of its own, in which all around it stays folded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import ceil, sqrt

import numpy as np

from ..outline.cuts import cut
from ..outline.names import Names
from ..outline.outline import Item
from .page import Sheet
from .paint import Painter
from .steps import steps_of
from .tables import tables
from .trace import Trace
from .view import View, in_order, view_of
from .words import Words

MOST_UNFOLDED = 150
"""Nodes that are shown all at once."""

MOST_BESIDE = 30
"""Boxes that a large graph opens with, and parts of one thing that need no groups."""

MOST_AT_FIRST = 100
"""Boxes that it opens with where nothing in it repeats."""

LARGEST = 3_700_000
"""Characters that the views together may take, by the estimate of `_size`."""


@dataclass(frozen=True)
class _Plan:
    """A view to be painted, and the items that were unfolded on the way to it."""

    view: View
    way: tuple[Item, ...] = ()


def sheets_of(trace: Trace, whole: Item, names: Names) -> list[Sheet]:
    """The sheets of a graph, first the one that the page opens with."""
    if len(trace.nodes) <= MOST_UNFOLDED:
        plans = [_Plan(view_of(trace, [item for item in whole.walk() if not item.parts]))]
    else:
        plans = _plans(trace, whole)
    # By their nodes: a layer of one neuron unfolds into what the neuron unfolds into.
    number = {plan.way[-1].nodes: n for n, plan in enumerate(plans) if plan.way}
    return [_sheet(plan, number, names) for plan in plans]


def _sheet(plan: _Plan, number: Mapping[tuple[int, ...], int], names: Names) -> Sheet:
    view = plan.view
    modules = [item.name for item in plan.way if item.kind == "module"]
    words = Words(view, names, modules[-1] if modules else "")
    steps = steps_of(view, words)
    arrays = view.trace.nodes[-1].holds is np.ndarray
    unfolds = {
        box: number[item.nodes] for box, item in enumerate(view.items) if item.nodes in number
    }
    drawing = Painter(view, steps, words).paint(unfolds)
    path = [("Whole graph", 0)]
    path += [(words.folded(item), number[item.nodes]) for item in plan.way]
    return Sheet(drawing, tables(steps, words, arrays), steps, tuple(path), unfolds)


def _plans(trace: Trace, whole: Item) -> list[_Plan]:
    """The overview, then what unfolds: outer before inner, modules before repetitions, and the
    first of a kind before its like. What the page has no room for stays folded.
    """
    items = [one.item for one in cut(whole, MOST_BESIDE)]
    if len(items) > MOST_AT_FIRST:
        items = list(parts_of(trace, whole))
    plans = [_Plan(view_of(trace, items))]
    size = _size(plans[0].view)
    waiting: list[tuple[int, int, tuple[Item, ...], tuple[Item, ...]]] = []
    _wait_for_parts(trace, waiting, 0, 0, (whole,), ())
    order = len(waiting)
    while waiting:
        rank, _, way, beside = heappop(waiting)
        view = view_of(trace, (*beside, *parts_of(trace, way[-1])))
        size += _size(view)
        if size > LARGEST:
            break
        plans.append(_Plan(view, way[1:]))
        _wait_for_parts(trace, waiting, rank, order, way, beside)
        order += len(way[-1].nodes)
    return plans


def _wait_for_parts(
    trace: Trace,
    waiting: list[tuple[int, int, tuple[Item, ...], tuple[Item, ...]]],
    rank: int,
    order: int,
    way: tuple[Item, ...],
    beside: tuple[Item, ...],
) -> None:
    parts, known = parts_of(trace, way[-1]), set()
    for part in parts:
        if part.parts:
            like = part.kind, len(part.nodes)
            costs = 1 if _is_of_modules(part) else 2 if part in way[-1].parts else 3
            around = (*beside, *(other for other in parts if other is not part))
            heappush(waiting, (rank + costs + (like in known), order, (*way, part), around))
            known.add(like)
            order += 1


def _is_of_modules(item: Item) -> bool:
    return item.kind == "module" or item.parts[0].kind == "module"


def parts_of(trace: Trace, item: Item) -> Sequence[Item]:
    """What an item unfolds into, many parts in groups of consecutive ones."""
    parts = item.parts
    while len(parts) == 1 and parts[0].parts:
        parts = parts[0].parts
    if len(parts) <= MOST_BESIDE:
        return parts
    parts = in_order(trace, parts)
    length = ceil(len(parts) / ceil(sqrt(len(parts))))
    groups = []
    for start in range(0, len(parts), length):
        group = parts[start : start + length]
        nodes = tuple(sorted(i for part in group for i in part.nodes))
        last = start + len(group)
        groups.append(
            group[0]
            if len(group) == 1
            else Item("chain", f"{item.name or 'part'} {start + 1}–{last}", nodes, group)
        )
    return groups


def _size(view: View) -> int:
    """About how many characters a view takes on the page."""
    return 1000 * len(view.items) + 800 * len(view.links)
