"""Steps: what happens at each click, first the values forward, then the gradients backward.

A step is one box's turn: the words for it, the links along which numbers flow, the rows of the
table, and what from now on stands in which box.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .reading import NOTHING, Reading, read, read_together
from .view import View
from .words import Words

RowName = Literal["data", "grad"]


@dataclass(frozen=True)
class Shown:
    """What a row of a box shows from a step on: `heard` is (2, 3) after two of three shares."""

    box: int
    row: RowName
    reading: Reading
    heard: tuple[int, int] | None = None


@dataclass(frozen=True)
class Share:
    """What a box passes to one that it was computed from, and how that comes about.

    Of folded boxes `slope` and `total` say nothing: there is more than one of each.
    """

    link: int
    operand: str
    formula: str
    slope: Reading
    product: Reading
    total: Reading
    heard: tuple[int, int]


@dataclass(frozen=True)
class Step:
    """One click."""

    phase: Literal["forward", "backward"]
    box: int
    words: str
    links: tuple[int, ...]
    shown: tuple[Shown, ...]
    formula: str = ""
    arrived: Reading = NOTHING
    shares: tuple[Share, ...] = ()


def steps_of(view: View, words: Words) -> tuple[Step, ...]:
    """All steps of a view: each box forward, then each that a gradient reaches backward."""
    return (*_forward(view, words), *_backward(view, words))


def _forward(view: View, words: Words) -> Iterator[Step]:
    for box, links in enumerate(view.into):
        node = view.node(box)
        if node is None:
            value = read_together([view.trace.nodes[i]._data for i in view.items[box].nodes])
            formula = ""
        else:
            value = read(view.trace.nodes[node]._data)
            formula = words.result(node)
        said = words.forward(view, box, value)
        yield Step("forward", box, said, links, (Shown(box, "data", value),), formula, value)


@np.errstate(all="ignore")
def _backward(view: View, words: Words) -> Iterator[Step]:
    trace = view.trace
    totals: dict[int, Any] = {}
    heard = [0] * len(view.items)
    for box in reversed(range(len(view.items))):
        gradients = view.gradients(box)
        if not gradients:
            continue
        arrived = _together(view, box)(gradients)
        shown = []
        if not any(view.shares(link) for link in view.out_of[box]):
            shown.append(Shown(box, "grad", arrived))
        shares = []
        for link in view.into[box]:
            operand = view.links[link].source
            passed = view.shares(link)
            if not passed:
                shares.append(_nothing(view, words, link))
                continue
            heard[operand] += 1
            expected = sum(bool(view.shares(k)) for k in view.out_of[operand])
            for consumer, position in view.links[link].uses:
                share = trace.shares[consumer][position]
                if share is not None:
                    i = trace.operands[consumer][position]
                    totals[i] = totals[i] + share if i in totals else share
            complete = heard[operand] == expected
            inside = [i for i in view.items[operand].nodes if i in totals]
            # Summed in the order of this view the last bits may differ; the end is the engine's.
            sums = view.gradients(operand) if complete else [totals[i] for i in inside]
            total = _together(view, operand)(sums)
            progress = (heard[operand], expected)
            shown.append(Shown(operand, "grad", total, progress))
            consumer, position = view.links[link].uses[0]
            single = view.node(box) is not None and view.node(operand) is not None
            shares.append(
                Share(
                    link,
                    words.of(view, operand),
                    words.slope(consumer, position) if single else "",
                    words.slope_read(consumer, position) if single else NOTHING,
                    read(passed[0]) if single else read_together(passed),
                    total if view.node(operand) is not None else NOTHING,
                    progress,
                )
            )
        said = words.backward(view, box, arrived)
        links = tuple(share.link for share in shares if share.product is not NOTHING)
        yield Step("backward", box, said, links, tuple(shown), "", arrived, tuple(shares))


def _nothing(view: View, words: Words, link: int) -> Share:
    operand = words.of(view, view.links[link].source)
    return Share(link, operand, "", NOTHING, NOTHING, NOTHING, (0, 0))


def _together(view: View, box: int) -> Callable[[list[Any]], Reading]:
    """How to read the numbers of a box: the one that it is, or several together."""
    return read_together if view.node(box) is None else lambda numbers: read(numbers[0])
