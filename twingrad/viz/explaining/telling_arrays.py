"""Telling, for arrays: along a path of Tensors no numbers are multiplied, a gradient is passed on.

Each step is a linear map of the gradient that has come so far; the rows say which, and what shape
and numbers come out.
"""

from collections.abc import Sequence

import numpy as np

from ..figures import magnitude
from ..formulas.notation import Written
from .blocks import Block, Piece, Table, say
from .paths import Path, Share
from .telling import Teller
from .wording import counted, figures, in_a_row

GRAD = Written("grad", r"\mathrm{grad}")


class ArrayTeller(Teller):
    """The blocks of an explanation of Tensors."""

    along = "the gradient is passed on from node to node"

    def beginning(self) -> list[Block]:
        """Of an array that is no single number, what is explained."""
        if self._ways.root._data.size == 1:
            return []
        root, shape = self.called(self._ways.root), str(self._ways.root._data.shape)
        told = (
            "{} has shape {}; explained is the gradient of its sum, as after {}.sum().backward()."
        )
        return [say(told, root, shape, root)]

    def contribution(self, path: Path, of: Written) -> list[Block]:
        """What a path contributes: the gradient after every step."""
        return [self.steps(path)]

    def in_full(self, path: Path, of: Written) -> list[Block]:
        """A path step by step, and the array at its end."""
        seed = in_a_row(self._ways.seed)
        reading = "Read downwards: {} is what the row above has passed on, {} at first."
        end = say("So {} = {}", of, in_a_row(path.product))
        return [say(reading, GRAD, seed), self.steps(path), end]

    def steps(self, path: Path) -> Table:
        """How each node on a path was computed, and what it passes on to the next."""
        rows: list[Sequence[Piece]] = []
        for factor in self.shown(path):
            if factor is None:
                rows.append(["…", self.left_out(path), "", "", ""])
                continue
            passed, shape = self.slope(factor), str(np.shape(factor.passed))
            rows.append([
                self.made(factor.node), self.called(factor.operand),
                Written(passed.text, passed.latex), shape, figures(factor.passed),
            ])  # fmt: skip
        return Table(["computed as", "passes to", "this", "of shape", ">numbers"], rows)

    def sum_of(self, paths: Sequence[Path]) -> list[Block]:
        """What each path adds, and the sum."""
        rows: list[Sequence[Piece]] = [
            [f"path {number}", figures(path.product)] for number, path in enumerate(paths, 1)
        ]
        rows.append([self.whole, figures(self._ways.total)])
        return [say("Their sum:"), Table(["along", ">numbers"], rows)]

    def columns(self) -> list[str]:
        """The header over the consumers."""
        return ["used in", ">paths", ">where grad is", "passes on", ">which is"]

    def row(self, share: Share) -> list[Piece]:
        """A consumer, what arrives there, and what it passes on."""
        formula = self.slope(share)
        passed = Written(formula.text, formula.latex)
        arrived, gives = figures(share.arrived), figures(share.passed)
        return [self.consumer(share), counted(share.count), arrived, passed, gives]

    def together(self, shares: Sequence[Share]) -> Written:
        """What some consumers pass on together."""
        return figures(np.sum([share.passed for share in shares], axis=0))

    def size(self, share: Share) -> float:
        """How large a contribution is, as its root mean square; nan before anything else."""
        return magnitude(share.passed) if np.isfinite(share.passed).all() else np.inf

    def strongest(self, path: Path) -> list[Block]:
        """The one path that is told of many."""
        of = Written("the part of this path", r"\mathrm{the\ part\ of\ this\ path}")
        told = say("One path, the largest part at each step: {}", self.trail(path))
        return [told, *self.in_full(path, of)]
