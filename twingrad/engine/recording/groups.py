"""Grouping the operations of a recorded graph: what is equal and independent is done at once.

Operations are equal if one rule made them, with the same settings, of as many operands; they are
independent if they stand on one level, the longest way down to the numbers they start from.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import rules
from .columns import Columns, Ints
from .grids import Grid
from .sums import PLAIN, Sums


@dataclass
class Group:
    """Equal operations of one level; `members` are their nodes, in the order they were written.

    `operands` has a row for each member. In a sum of products, `rule` being None, `operands` are
    the first factors, `factors` the second ones, and `bias` what is added, or None. A sum of more
    than two numbers has `is_sum`.
    """

    level: int
    members: Ints
    constant: bool
    operands: Ints
    rule: Any = None
    static: dict[str, Any] = field(default_factory=dict)
    factors: Ints | None = None
    bias: Ints | None = None
    is_sum: bool = False
    grids: list[Grid] = field(default_factory=list)
    loose: Ints | None = None

    def part(self, chosen: Any) -> "Group":
        """The group of some of its members."""
        factors = None if self.factors is None else self.factors[chosen]
        bias = None if self.bias is None else self.bias[chosen]
        return Group(
            self.level, self.members[chosen], self.constant, self.operands[chosen], self.rule,
            self.static, factors, bias, self.is_sum,
        )  # fmt: skip


_PRODUCTS, _SUM, _ADD = -1, -2, -3


def grouped(graph: Columns, results: Ints) -> Iterator[Group]:
    """The groups of a graph, lower levels first."""
    graph.zero = int(graph.add_literals(np.zeros(1))[0])
    sums = Sums(graph, results)
    bias = sums.make_products_of_plain_terms(graph)
    n = len(graph.nodes)
    plain = sums.second == PLAIN
    products = np.bincount(sums.of_sum[~plain], minlength=n)
    terms = np.bincount(sums.of_sum[plain], minlength=n)
    terms += (products == 0) & (sums.offset != 0.0)
    starts = np.searchsorted(sums.of_sum, np.arange(n))

    nodes = np.flatnonzero((graph.arity > 0) & ~sums.inner)[::-1]
    level = graph.levels(~sums.inner)[nodes]
    is_sum = sums.is_sum[nodes]
    of_sum = np.where(products[nodes] > 0, _PRODUCTS, np.where(terms[nodes] > 2, _SUM, _ADD))
    code = np.where(is_sum, of_sum, graph.code[nodes])
    width = np.where(is_sum, products[nodes] + terms[nodes] * (of_sum == _SUM), graph.arity[nodes])
    keys = np.stack([level, code, width, bias[nodes] != PLAIN, graph.constant[nodes]])
    order = np.lexsort(keys[::-1])
    keys = keys[:, order]
    borders = np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1
    for members, (at, kind, count, biased, constant) in zip(
        np.split(nodes[order], borders), keys[:, [0, *borders]].T.tolist(), strict=True
    ):
        group = Group(at, members, bool(constant), members)
        if kind == _PRODUCTS:
            rows = starts[members][:, None] + np.arange(count)
            group.operands, group.factors = sums.first[rows], sums.second[rows]
            group.bias = bias[members] if biased else None
        elif kind in (_SUM, _ADD):
            group.is_sum = kind == _SUM
            group.rule = rules.add
            group.operands = _plain_terms(graph, sums, members, starts, max(count, 2))
        else:
            group.rule, group.static = graph.rules[kind]
            group.operands = graph.operands[graph.first[members][:, None] + np.arange(count)]
        yield group


def _plain_terms(graph: Columns, sums: Sums, members: Ints, starts: Ints, count: int) -> Ints:
    """The terms of sums that hold no products, then the sum of their literals, then zeros."""
    ends = np.searchsorted(sums.of_sum, members, side="right")
    own = (ends - starts[members])[:, None]
    places = starts[members][:, None] + np.arange(count)
    padded = np.append(sums.first, PLAIN)
    rows = padded[np.where(np.arange(count) < own, places, len(sums.first))]
    offset = graph.add_literals(sums.offset[members])[:, None]
    zero = graph.add_literals(np.zeros(1))[0]
    return np.where(rows != PLAIN, rows, np.where(np.arange(count) == own, offset, zero))
