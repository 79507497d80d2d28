"""The two tables of a computation: forward, and the backward sweep, in the order they happen.

The order is what learners ask about most, so the table says at every operand whether its sum is
complete, or for whom it waits.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twingrad.engine.node import Node
from twingrad.engine.sweep import topological_order

from ..formulas.escape import tex_name
from ..formulas.formulas import result, slope
from ..formulas.notation import Written, of_name
from ..outline.names import Names
from .blocks import Block, Piece, Table, Words, say
from .naming import legend, short_names
from .page import Page
from .sweep_lines import Passing, sweep
from .wording import figures, numeral, with_number

Row = Sequence[Piece]

_COMPLETE = (
    "Backward: {} starts with the gradient 1. A node passes its gradient on only when that is "
    "complete: when every node computed from it has had its turn.{}{}"
)


class SweepExplanation(Page):
    """How a result was computed, and how its gradient is swept back.

    `forward` are the nodes, each after its operands; `backward` are the lines of the sweep, in
    the engine's order and with the engine's numbers.
    """

    def __init__(self, root: Node, scope: Mapping[str, Any], rows: int) -> None:
        self.root = root
        self.forward = topological_order(root)
        self.backward: list[Passing] = [] if root.constant else sweep(self.forward)
        self._names = Names(self.forward, scope)
        self._short = short_names(self.forward, self._names)
        self._uses = Counter(line.operand for line in self.backward)
        self._rows = rows
        self.blocks: list[Block] = [*self._forward(), *self._backward()]

    def __repr__(self) -> str:
        count = f"{len(self.forward):,} {'node' if len(self.forward) == 1 else 'nodes'}"
        return f"<Explanation of {count}; print it, or use .markdown() or .latex()>"

    def _name(self, node: Node) -> str:
        return self._short[node]

    def _called(self, node: Node) -> Written:
        return of_name(self._name(node))

    # Forward

    def _forward(self) -> list[Block]:
        given = [node for node in _leaves(self.root) if not self._is_literal(node)]
        computed = [node for node in self.forward if node.parents]
        few = _cut(given, max(self._rows // 3, self._rows - len(computed)))
        rows = [_left_out(x, 4) if isinstance(x, int) else self._given(x) for x in few]
        rows += [
            _left_out(x, 4) if isinstance(x, int) else self._computed(x)
            for x in _cut(computed, self._rows - len(few))
        ]
        said = "Forward: what is given, then what is computed, each node after its operands.{}{}"
        second = "with numbers" if self.root.holds is float else "shape"
        table = Table(["node", "computed as", second, ">value"], rows)
        return [say(said, self._legend(), self._hint(len(given) + len(computed))), table]

    def _given(self, node: Node) -> Row:
        kind = "constant" if node.constant else "given"
        shape = "" if node.holds is float else str(np.shape(node._data))
        return [self._called(node), kind, shape, figures(node._data)]

    def _computed(self, node: Node) -> Row:
        formula = result(node, self._name)
        shown: Piece = str(np.shape(node._data))
        if node.holds is float:
            numbers = result(node, lambda operand: numeral(operand._data).text)
            # Signs as in the column beside it, and not those of formulas.
            shown = Written(re.sub(r"(^|\()−(?=\d)", r"\1-", numbers.bare), numbers.bare_latex)
        made = Written(formula.text, formula.latex)
        return [self._called(node), made, shown, figures(node._data)]

    def _is_literal(self, node: Node) -> bool:
        """Whether a node is a number in a formula, which needs no row."""
        known = node.label or self._names.is_known(node)
        return node.constant and not known and np.ndim(node._data) == 0

    # Backward

    def _backward(self) -> list[Block]:
        root = self._called(self.root)
        if self.root.constant:
            return [say("{} is a constant: no gradient is passed on from it.", root)]
        if not self.backward:
            return [say("Backward: {} has the gradient 1, and nobody to pass it to.", root)]
        turns: dict[Node, int] = {}
        for line in self.backward:
            turns.setdefault(line.node, len(turns) + 1)
        rows: list[Row] = []
        last = None
        for line in _cut(self.backward, self._rows):
            if isinstance(line, int):
                rows.append(_left_out(line, 8))
                last = None
                continue
            rows.append(self._passing(line, turns[line.node], line.node is last))
            last = line.node
        times = "times" if self.root.holds is float else "this"
        header = [">turn", "of", ">its gradient", "passes to", times, ">that is", ">sum so far", ""]
        told = say(_COMPLETE, root, self._reason(), self._hint(len(self.backward)))
        return [told, Table(header, rows)]

    def _passing(self, line: Passing, turn: int, same: bool) -> Row:
        formula = slope(line.node, line.position, self._name)
        several = self._uses[line.operand] > 1
        passed = Written(formula.text, formula.latex)
        so_far: Piece = figures(line.so_far)
        if line.slope is not None:
            passed = with_number(formula, line.slope)
        elif not several:
            so_far = ""  # an array that is a sum of one term is not shown twice
        then: Piece = "complete" if several else ""
        if line.waits_for is not None:
            again = " again" if line.waits_for is line.node else ""
            more = f" and {line.to_come - 1} more" if line.to_come > 1 else ""
            then = _waits(self._called(line.waits_for), again + more)
        start: Row = ["", "", ""]
        if not same:
            start = [str(turn), self._called(line.node), figures(line.arrived)]
        return [*start, self._called(line.operand), passed, figures(line.passed), so_far, then]

    def _reason(self) -> Words:
        """Of the nodes used more than once, the first in the sweep: what it waits for."""
        for line in self.backward:
            if self._uses[line.operand] == 1 or not line.operand.parents:
                continue
            told = self._called(line.operand)
            users = dict.fromkeys(n.node for n in self.backward if n.operand is line.operand)
            first, *others = map(self._called, users)
            if not others:
                return say(
                    " Here {} stands more than once in {}: each place adds its part.", told, first
                )
            second = others[0] if len(others) == 1 else f"{len(others)} more"
            return say(
                " Here {} is used by {} and {}: if it went on before it has heard from all of "
                "them, what comes later would be lost, or passed on twice.",
                told, first, second,
            )  # fmt: skip
        return Words(())

    def _legend(self) -> str:
        return legend(self._names, self._short)

    def _hint(self, count: int) -> str:
        if count <= self._rows:
            return ""
        return f" Shown are {self._rows:,} of {count:,} rows; explain(..., rows={count}) shows all."


def _waits(user: Written, more: str) -> Written:
    latex = rf"\mathrm{{waits\ for\ }} {user.latex} {tex_name(more) if more else ''}"
    return Written(f"waits for {user.text}{more}", latex)


def _leaves(root: Node) -> list[Node]:
    """The leaves below a node from left to right, as they stand in the formulas."""
    leaves: dict[Node, None] = {}
    seen = {root}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if not node.parents:
            leaves[node] = None
        for parent in reversed(node.parents):
            if parent not in seen or not parent.parents:
                seen.add(parent)
                waiting.append(parent)
    return list(leaves)


def _cut(entries: Sequence[Any], most: int) -> list[Any]:
    """The entries, or the first and the last of them with the number left out between."""
    if len(entries) <= max(most, 3):
        return list(entries)
    head = max(1, 2 * most // 3)
    tail = max(1, most - head - 1)
    return [*entries[:head], len(entries) - head - tail, *entries[-tail:]]


def _left_out(count: int, columns: int) -> Row:
    return ["…", f"{count:,} more", *[""] * (columns - 2)]
