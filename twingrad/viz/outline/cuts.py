"""Cuts: how much of an outline is unfolded, so that a picture says as much as can be read.

A cut decides by kinds and never by single boxes: all neurons of a layer open, or none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .outline import NUMBERS, Item

LINES_PER_BOX = 2.5
LONGEST_WAY = 40
"""How many boxes may follow each other where the rest folds: more are a picture metres wide."""


@dataclass(frozen=True)
class Shown:
    """An item of a cut, and the modules that were opened on the way to it, outermost first."""

    item: Item
    within: tuple[Item, ...] = ()

    def opened(self) -> "list[Shown]":
        """What it unfolds into."""
        module = self.item.kind == "module"
        within = (*self.within, self.item) if module else self.within
        return [Shown(part, within) for part in self.item.parts]


def cut(
    root: Item, most: float, depth: int | None = None, edges: Sequence[tuple[int, int]] = ()
) -> list[Shown]:
    """The items to show side by side: as much unfolded as `most` boxes allow, modules first.

    Given the `edges` between nodes, neither are there more than two and a half lines for each of
    the boxes allowed, two layers of sixteen neurons being a web of 256, nor more than forty boxes
    in a row. Modules below `depth` stay folded: at 0, each of the outermost is one box. What is
    alike unfolds together or not at all, so that a picture treats all neurons the same.
    """
    shown = [Shown(item) for item in root.parts]
    while True:
        alike: dict[tuple[bool, int, bool, str], list[Shown]] = {}
        for one in shown:
            module, level = one.item.kind == "module", len(one.within)
            if one.item.parts and not (module and depth is not None and level >= depth):
                of_modules = module or one.item.parts[0].kind == "module"
                name = "" if of_modules else NUMBERS.sub("", one.item.name)
                alike.setdefault((not of_modules, level, module, name), []).append(one)
        too_many = False
        for (repeats_only, *_), chosen in sorted(alike.items(), key=lambda entry: entry[0]):
            if too_many and not repeats_only:
                continue  # a neuron is not opened where those beside it could not be
            opened = set(map(id, chosen))
            more = [
                after for one in shown for after in (one.opened() if id(one) in opened else (one,))
            ]
            if len(more) <= most and not _is_a_crowd(more, edges, most):
                shown = more
                break
            too_many = True
        else:
            return sorted(shown, key=lambda one: one.item.first)


def _is_a_crowd(shown: Sequence[Shown], edges: Sequence[tuple[int, int]], most: float) -> bool:
    """Whether too many pairs of boxes have an edge between them, or too many follow each other."""
    box = {i: number for number, one in enumerate(shown) for i in one.item.nodes} if edges else {}
    lines: set[tuple[int, int]] = set()
    before = dict.fromkeys(box, 1)
    for i, j in edges:  # those to an earlier node come first
        if box[i] != box[j]:
            lines.add((box[i], box[j]))
        before[j] = max(before[j], before[i] + (box[i] != box[j]))
    return len(lines) > LINES_PER_BOX * most or max(before.values(), default=0) > LONGEST_WAY
