"""Steps: what happens at each click, first the values forward, then the gradients backward.

A step is one box's turn: the words for it, the links along which numbers flow, the rows of the
table, and what from now on stands in which box.
"""

from collections.abc import Iterator
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

    `formula` and `slope` say nothing where one box has several uses for the other, nor does
    `total` where the other is several nodes: there is more than one of each.
    """

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
    formula: str
    reading: Reading
    shares: tuple[Share, ...] = ()


def steps_of(view: View, words: Words) -> tuple[Step, ...]:
    """All steps of a view: each box forward, then each that a gradient reaches backward."""
    return (*_forward(view, words), *_Sweep(view, words).steps())


def _forward(view: View, words: Words) -> Iterator[Step]:
    for box, links in enumerate(view.into):
        node = view.node(box)
        if node is None:
            value = read_together([view.trace.nodes[i]._data for i in view.results(box)])
            formula = f"{len(view.items[box].nodes):,} nodes"
        else:
            value = read(view.trace.nodes[node]._data)
            formula = words.result(node)
        said = words.forward(box, value)
        yield Step("forward", box, said, links, (Shown(box, "data", value),), formula, value)


class _Sweep:
    """The backward pass of a view: what each box has heard so far."""

    def __init__(self, view: View, words: Words) -> None:
        self._view, self._words = view, words
        self._totals: dict[int, Any] = {}
        self._heard = [0] * len(view.items)
        self._expected = [sum(bool(view.shares[link]) for link in links) for links in view.out_of]

    def steps(self) -> Iterator[Step]:
        view, root = self._view, len(self._view.trace.nodes) - 1
        self._totals[root] = view.trace.gradients[root]
        for box in reversed(range(len(view.items))):
            arrived = self._arrived(box)
            if arrived is NOTHING:
                continue
            shown = [Shown(box, "grad", arrived)] if not self._expected[box] else []
            flowing, shares = [], []
            for link in view.into[box]:
                passed = view.shares[link]
                if passed:
                    self._collect(link)
                    operand = view.links[link].source
                    flowing.append(link)
                    shown.append(
                        Shown(operand, "grad", self._arrived(operand), self._progress(operand))
                    )
                shares.append(self._share(link, passed))
            said = self._words.backward(box, arrived)
            yield Step(
                "backward", box, said, tuple(flowing), tuple(shown), "", arrived, tuple(shares)
            )

    def _collect(self, link: int) -> None:
        trace = self._view.trace
        self._heard[self._view.links[link].source] += 1
        with np.errstate(all="ignore"):
            for consumer, position in self._view.links[link].uses:
                share = trace.shares[consumer][position]
                if share is not None:
                    i = trace.operands[consumer][position]
                    self._totals[i] = self._totals[i] + share if i in self._totals else share

    def _progress(self, box: int) -> tuple[int, int]:
        return self._heard[box], self._expected[box]

    def _arrived(self, box: int) -> Reading:
        """What has come to a box from outside it."""
        view, complete = self._view, self._heard[box] == self._expected[box]
        found = []
        for i in view.items[box].nodes:
            total = self._totals.get(i)
            if total is None:
                continue
            if complete and all(view.box_of[k] != box for k, _ in view.trace.uses[i]):
                # Added in the order of this view, its last bits may differ from the engine's.
                total = view.trace.gradients[i]
            found.append(total)
        return read(found[0]) if view.node(box) is not None and found else read_together(found)

    def _share(self, link: int, passed: list[Any]) -> Share:
        view, words = self._view, self._words
        operand = view.links[link].source
        name, progress = words.of(operand), self._progress(operand)
        if not passed:
            constant = all(view.trace.nodes[i].constant for i in view.items[operand].nodes)
            why = "a constant: no gradient flows" if constant else "no gradient flows"
            return Share(name, why, NOTHING, NOTHING, NOTHING, (0, 0))
        formula, slope, product = (
            f"one for each of {len(passed):,} uses",
            NOTHING,
            read_together(passed),
        )
        if len(view.links[link].uses) == 1:
            formula = words.slope(*view.links[link].uses[0])
            slope = words.slope_read(*view.links[link].uses[0])
            product = read(passed[0])
        total = NOTHING if view.node(operand) is None else self._arrived(operand)
        return Share(name, formula, slope, product, total, progress)
