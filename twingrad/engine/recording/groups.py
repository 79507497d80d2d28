"""Grouping the operations of a recorded graph: what is equal and independent is done at once.

Operations are equal if one rule made them, with the same settings, of as many operands; they are
independent if they stand on one level, the longest way down to the numbers they start from.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import list_rules, rules
from ..node import NO_STATIC
from .columns import Columns, Ints
from .grids import Grid
from .sums import PLAIN, Sums


@dataclass
class Group:
    """Equal operations of one level: the node of each, and its operands, a row for each.

    A sum of products, however it was written, has the rule `dot`, with the operands of that: all
    first factors, all second ones, the bias. A sum of more than two numbers has `total`.
    """

    level: int
    members: Ints
    constant: bool
    rule: Callable[..., Any]
    static: dict[str, Any]
    operands: Ints
    grids: list[Grid] = field(default_factory=list)
    """Of a sum of products: its matrix products."""

    def part(self, chosen: Ints) -> "Group":
        """The group of some of its members, given by their positions."""
        members, operands = self.members[chosen], self.operands[chosen]
        return Group(self.level, members, self.constant, self.rule, self.static, operands)

    def factors(self) -> tuple[Ints, Ints, Ints]:
        """Of a sum of products: the first factors, the second ones, and the bias."""
        half = self.operands.shape[1] // 2
        return self.operands[:, :half], self.operands[:, half : 2 * half], self.operands[:, -1]


_PRODUCTS, _TOTAL, _ADD = -1, -2, -3


def grouped(graph: Columns, results: Ints) -> Iterator[Group]:
    """The groups of a graph, lower levels first, members in the order they were written."""
    sums = Sums(graph, results)
    bias = sums.make_products_of_plain_terms(graph)
    n = len(graph.nodes)
    plain = sums.second == PLAIN
    products = np.bincount(sums.of_sum[~plain], minlength=n)
    terms = np.bincount(sums.of_sum[plain], minlength=n)
    terms += (products == 0) & (sums.offset != 0.0)

    nodes = np.flatnonzero((graph.arity > 0) & ~sums.inner)[::-1]  # the sort put the last first
    level = graph.levels(~sums.inner)[nodes]
    is_sum = sums.is_sum[nodes]
    of_sum = np.where(products[nodes] > 0, _PRODUCTS, np.where(terms[nodes] > 2, _TOTAL, _ADD))
    code = np.where(is_sum, of_sum, graph.code[nodes])
    width = np.where(
        is_sum, products[nodes] + terms[nodes] * (of_sum == _TOTAL), graph.arity[nodes]
    )
    keys = np.stack([level, code, width, bias[nodes] != graph.zero, graph.constant[nodes]])
    order = np.lexsort(keys[::-1])
    nodes, keys = nodes[order], keys[:, order]
    borders = np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1
    heads = keys[:, [0, *borders]].T.tolist() if len(nodes) else []
    rule: Callable[..., Any]
    for members, head in zip(np.split(nodes, borders), heads, strict=False):
        at, kind, count, _, constant = head
        if kind == _PRODUCTS:
            rows = np.searchsorted(sums.of_sum, members)[:, None] + np.arange(count)
            columns = [sums.first[rows], sums.second[rows], bias[members][:, None]]
            rule, static, operands = list_rules.dot, NO_STATIC, np.concatenate(columns, axis=1)
        elif kind in (_TOTAL, _ADD):
            rule, static = list_rules.total if kind == _TOTAL else rules.add, NO_STATIC
            operands = _plain_terms(graph, sums, members, count if kind == _TOTAL else 2)
        else:
            rule, static = graph.rules[kind]
            operands = graph.operands[graph.first[members][:, None] + np.arange(count)]
        yield Group(at, members, bool(constant), rule, static, operands)


def _plain_terms(graph: Columns, sums: Sums, members: Ints, count: int) -> Ints:
    """The terms of sums that hold no products, then the sum of their literals, then zeros."""
    starts = np.searchsorted(sums.of_sum, members)[:, None]
    own = np.searchsorted(sums.of_sum, members, side="right")[:, None] - starts
    place = np.arange(count)
    terms = np.append(sums.first, PLAIN)[np.where(place < own, starts + place, len(sums.first))]
    offset = graph.add_literals(sums.offset[members])[:, None]
    return np.where(place < own, terms, np.where(place == own, offset, graph.zero))
