"""Telling: the paths of a gradient as sentences, equations and tables, for numbers.

Few paths are written out one by one. Many are told by the nodes in which they come together,
since that is how the sweep computes them: a common factor is taken out.
"""

import math
from collections.abc import Callable, Sequence

from twingrad.engine.node import Node

from ..formulas.escape import tex_name
from ..formulas.formulas import slope
from ..formulas.notation import PRODUCT, Written
from .blocks import Block, Equation, Line, Piece, Table, Words, say
from .naming import Naming
from .paths import Factor, Path, Share
from .wording import (
    bare,
    counted,
    equal,
    figures,
    held,
    in_a_row,
    is_number,
    numeral,
    ordinal,
    with_number,
)

MOST_FACTORS = 8

TIMES, DOT, PLUS = Written("×", r"\times"), Written("·", r"\cdot"), Written("+", "+")


class Teller(Naming):
    """The blocks of an explanation of Values."""

    along = "the local derivatives are multiplied"

    # Few paths

    def beginning(self) -> list[Block]:
        """What the sweep starts from, if that needs saying."""
        return []

    def all_paths(self, paths: Sequence[Path]) -> list[Block]:
        """Every path, then their sum."""
        root = self.called(self._ways.root)
        if not paths[0].factors:
            return [say("{} by itself has the gradient 1: there every sweep begins.", root)]
        if len(paths) == 1:
            told = say("{} depends on {} along one path: {}", root, self.introduced(),
                       self.trail(paths[0]))  # fmt: skip
            return [told, *self.in_full(paths[0], self.whole)]
        blocks: list[Block] = [
            say(
                f"{{}} depends on {{}} along {len(paths)} paths. Along a path {self.along}; the "
                "gradient is the sum over all paths.{}",
                root, self.introduced(), self.twins(paths),
            )
        ]  # fmt: skip
        for number, path in enumerate(paths, 1):
            blocks.append(say(f"Path {number}: {{}}", self.trail(path)))
            of = Written(f"path {number}", rf"\mathrm{{path\ {number}}}")
            blocks += self.contribution(path, of)
        return [*blocks, *self.sum_of(paths)]

    def in_full(self, path: Path, of: Written) -> list[Block]:
        """A path's product, and where each factor comes from."""
        return [*self.contribution(path, of), self.steps(path)]

    def contribution(self, path: Path, of: Written) -> list[Block]:
        """What a path contributes: the derivatives, their formulas, their numbers."""
        product = numeral(path.product)
        derivatives = self._some(path, lambda f: self.derivative(f.node, f.operand))
        formulas = self._some(path, lambda f: bare(self.slope(f)).at_least(PRODUCT))
        numbers = self._some(path, lambda f: numeral(f.slope))
        lines = [Line(derivatives, DOT), Line(formulas, TIMES), Line(numbers, TIMES, product)]
        if all(is_number(formula.text) for formula in formulas):
            del lines[1]
        if len(path.factors) == 1:
            lines[-1] = Line([product], TIMES)
            if derivatives == [of]:
                del lines[0]
        return [Equation(of, lines)]

    def sum_of(self, paths: Sequence[Path]) -> list[Block]:
        """The sum over the paths."""
        first, *others = [numeral(path.product) for path in paths]
        line = Line([first, *map(held, others)], PLUS, numeral(self._ways.total))
        return [say("Their sum:"), Equation(self.whole, [line])]

    def steps(self, path: Path) -> Table:
        """How each node on a path was computed, and its slope by the next."""
        rows: list[Sequence[Piece]] = []
        for factor in self.shown(path):
            if factor is None:
                rows.append(["…", self.left_out(path), ""])
                continue
            local = equal(self.derivative(factor.node, factor.operand), self.slope(factor))
            rows.append([self.made(factor.node), local, numeral(factor.slope)])
        return Table(["computed as", "so the local derivative is", ">here"], rows)

    def trail(self, path: Path) -> Words:
        """L ← d ← a; an operand that stands twice with its place."""
        trail = say("{}", self.called(path.factors[0].node))
        for factor in self.shown(path):
            if factor is None:
                trail = say("{} ← … {} …", trail, self.left_out(path))
                continue
            trail = say("{} ← {}", trail, self.called(factor.operand))
            if factor.node.parents.count(factor.operand) > 1:
                place = factor.node.parents[: factor.position + 1].count(factor.operand)
                trail = say("{} ({})", trail, ordinal(place))
        return trail

    def twins(self, paths: Sequence[Path]) -> Words:
        """What (1st) and (2nd) mean, if they are going to appear."""
        for path in paths:
            for factor in path.factors:
                if factor.node.parents.count(factor.operand) > 1:
                    return say(
                        " An operand that stands twice, as in {}, is two ways to go.",
                        self.made(factor.node),
                    )
        return Words(())

    def shown(self, path: Path) -> list[Factor | None]:
        """The factors, of too many the first and the last, with None between."""
        if len(path.factors) <= MOST_FACTORS:
            return [*path.factors]
        half = MOST_FACTORS // 2
        return [*path.factors[:half], None, *path.factors[1 - half :]]

    def left_out(self, path: Path) -> str:
        """How many factors are not shown."""
        return f"{len(path.factors) - MOST_FACTORS + 1:,} more"

    def _some(self, path: Path, of: Callable[[Factor], Written]) -> list[Written]:
        more = self.left_out(path)
        dots = Written(f"… {more} …", rf"\ldots\ {tex_name(more)}\ \ldots")
        return [dots if factor is None else of(factor) for factor in self.shown(path)]

    # Many paths

    def by_consumer(self, most: int) -> list[Block]:
        """The gradient as a sum over the nodes computed from `wrt`: the larger terms, the rest."""
        ways = self._ways
        shares = sorted(ways.shares, key=lambda share: -self.size(share))
        places = f"{len(shares):,} places" if len(shares) > 1 else "one place"
        opening = say(
            f"{{}} depends on {{}} along {counted(ways.count)} paths, too many to list. They come "
            f"together in the {places} where {{}} is used. There all that arrives over the paths "
            "before is one common factor, multiplied by the local derivative:",
            self.called(ways.root), self.introduced(), self.called(ways.wrt),
        )  # fmt: skip
        rest = shares[most:] if len(shares) > most + 1 else []
        rows = [self.row(share) for share in shares[: len(shares) - len(rest)]]
        if rest:
            count = counted(sum(share.count for share in rest))
            rows.append([f"{len(rest):,} more", count, "", "together", self.together(rest)])
        rows.append(["sum", counted(ways.count), "", self.whole, figures(ways.total)])
        return [opening, Table(self.columns(), rows)]

    def columns(self) -> list[str]:
        """The header over the consumers."""
        root = self.name(self._ways.root)
        return ["used in", ">paths", f">∂{root}/∂(it)", "× local derivative", ">contribution"]

    def row(self, share: Share) -> list[Piece]:
        """A consumer, what arrives there, and what it passes on."""
        here = dict(self._ways.steps(share.consumer, 1.0))[share.position]
        local = with_number(self.slope(share), here)
        arrived, passed = numeral(share.arrived), numeral(share.passed)
        return [self.consumer(share), counted(share.count), arrived, local, passed]

    def consumer(self, share: Share) -> Written:
        """A consumer's name, with what it does if the name does not say."""
        called, op = self.called(share.consumer), share.consumer.op
        if self._names.is_known(share.consumer):
            return called
        return Written(f"{called.text} ({op})", rf"{called.latex}\ \left({tex_name(op)}\right)")

    def together(self, shares: Sequence[Share]) -> Written:
        """What some consumers pass on together."""
        return numeral(sum(share.passed for share in shares))

    def size(self, share: Share) -> float:
        """How large a contribution is; nan before anything else."""
        size = abs(share.passed)
        return math.inf if math.isnan(size) else float(size)

    def strongest(self, path: Path) -> list[Block]:
        """The one path that is told of many."""
        of = Written("this path", r"\mathrm{this\ path}")
        told = say("The path that contributes most: {}", self.trail(path))
        return [told, *self.in_full(path, of)]

    # Remarks

    def remarks(self) -> list[Block]:
        """Where the root, or the gradient, became nan or infinite."""
        first = self._ways.not_finite()
        blocks: list[Block] = []
        if first is not None:
            value = equal(self.called(self._ways.root), in_a_row(self._ways.root._data))
            template = "{}, which is not finite; the first that is not is {}"
            made, numbers = self.made(first), self.numbers(first)
            blocks.append(
                say(template + " with {}.", value, made, numbers)
                if first.parents
                else say(template + ", which was given.", value, self.called(first))
            )
        spoilt = self._ways.spoilt()
        if spoilt is None:
            return blocks
        node, position = spoilt
        local = slope(node, position, self.name)
        told = say(
            "This gradient is not finite. It goes wrong first at {} with {}, where {}.",
            self.made(node), self.numbers(node),
            equal(self.derivative(node, node.parents[position]), local),
        )  # fmt: skip
        return [*blocks, told]

    def numbers(self, node: Node) -> Words:
        """The operands of a node, as they are."""
        told = Words(())
        for parent in dict.fromkeys(node.parents):
            if parent.parents or not parent.constant:
                between = ", " if told.pieces else ""
                shown = equal(self.called(parent), in_a_row(parent._data))
                told = say(f"{{}}{between}{{}}", told, shown)
        return told
