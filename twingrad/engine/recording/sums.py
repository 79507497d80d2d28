"""Finding the sums of products: whatever is written `b + w0 * x0 + w1 * x1` becomes one of them.

A person adds products one by one, by `sum(...)`, or by `tg.dot`. All three are terms of one sum,
and a sum of products is what a matrix product is made of.
"""

import numpy as np
import numpy.typing as npt

from .. import list_rules, rules
from .columns import FROZEN, LEAF, LITERAL, Columns, Ints

PLAIN = -1
"""In the place of a product's second factor: this term is a number and no product."""


class Sums:
    """The sums of a graph and their terms, each `first * second`, or `first` alone.

    `inner` marks the nodes that are terms of a sum, or part of one, and of nothing else: they
    need no place of their own. `of_sum` is sorted, so the terms of a sum are neighbours, in the
    order in which they were added. `offset` is the sum of the literals among them.
    """

    def __init__(self, graph: Columns, results: Ints) -> None:
        self.is_dot = graph.is_rule(list_rules.dot)
        adds = graph.is_rule(rules.add, list_rules.total) & (graph.arity > 1)
        self.is_sum = adds | self.is_dot

        # Each operand of each node is an edge, from its owner and from one place there.
        owner = np.repeat(np.arange(len(graph.nodes)), graph.arity)
        place = np.arange(len(owner)) - graph.first[owner]
        last = place == graph.arity[owner] - 1
        added = adds[owner] | (self.is_dot[owner] & last)  # the last operand of `dot` is its bias

        used_once = graph.uses == 1
        used_once[results] = False
        edge_of = np.zeros(len(graph.nodes), np.intp)  # the only edge of what is used once
        edge_of[graph.operands] = np.arange(len(owner))
        constant = graph.constant[: len(graph.nodes)]
        consumer = owner[edge_of] if len(owner) else edge_of
        added_once = used_once & (graph.arity > 0) & (constant == constant[consumer])
        if len(owner):
            added_once &= added[edge_of]
        # A number added to a whole sum is added to it afterwards: it would spoil a bias.
        literal = (graph.kind[graph.operands] == LITERAL) & (graph.data[graph.operands] != 0.0)
        shifted = np.bincount(owner[literal & ~self.is_dot[owner]], minlength=len(graph.nodes)) > 0
        part = self.is_sum & added_once & ~shifted[consumer]
        product = graph.is_rule(rules.mul) & added_once
        self.inner = part | product

        whole = np.where(part, consumer, np.arange(len(graph.nodes)))
        while not np.array_equal(whole, further := whole[whole]):
            whole = further

        edges = np.flatnonzero(added & ~part[graph.operands])
        term = graph.operands[edges]
        factors = graph.first[term] * product[term]  # 0 where there are none
        is_product = product[term]
        first = np.where(is_product, graph.operands[factors], term)
        second = np.where(is_product, graph.operands[factors + is_product], PLAIN)
        half = graph.arity[owner] // 2
        pairs = np.flatnonzero(self.is_dot[owner] & (place < half))
        source = np.concatenate([owner[edges], owner[pairs]])
        position = np.concatenate([place[edges], place[pairs]])
        first = np.concatenate([first, graph.operands[pairs]])
        second = np.concatenate([second, graph.operands[pairs + half[pairs]]])
        order = np.lexsort((position, source, whole[source]))
        self.of_sum, self.first, self.second = whole[source][order], first[order], second[order]
        self._fold_literals(graph)
        self._put_parameters_second(graph)

    def _fold_literals(self, graph: Columns) -> None:
        """Add up the literals of each sum; those of 0, which `sum` starts from, are no terms."""
        literal = (self.second == PLAIN) & (graph.kind[self.first] == LITERAL)
        weights = graph.data[self.first[literal]]
        self.offset = np.bincount(self.of_sum[literal], weights, len(graph.nodes))
        self._keep(~literal)

    def _put_parameters_second(self, graph: Columns) -> None:
        """Make it x @ W, with the parameters on the right, however the products were written."""
        parameter = (graph.kind == LEAF) | (graph.kind == FROZEN)
        swap = (self.second != PLAIN) & parameter[self.first] & ~parameter[self.second]
        self.first[swap], self.second[swap] = self.second[swap], self.first[swap]

    def _keep(self, chosen: npt.NDArray[np.bool_]) -> None:
        self.of_sum, self.first, self.second = (
            column[chosen] for column in (self.of_sum, self.first, self.second)
        )

    def make_products_of_plain_terms(self, graph: Columns) -> Ints:
        """Leave the sums that hold products one plain term at most, their bias, and return that.

        A second plain term p is the product p · 1. Where there is none, the bias is 0.
        """
        n = len(self.offset)
        plain = self.second == PLAIN
        has_products = np.bincount(self.of_sum[~plain], minlength=n) > 0
        bias = np.full(n, graph.zero)
        shifted = np.flatnonzero(has_products & (self.offset != 0.0))
        bias[shifted] = graph.add_literals(self.offset[shifted])
        free = np.flatnonzero(plain & has_products[self.of_sum] & (bias[self.of_sum] == graph.zero))
        sums, at = np.unique(self.of_sum[free], return_index=True)
        bias[sums] = self.first[free[at]]
        taken = np.zeros(len(plain), np.bool_)
        taken[free[at]] = True
        self.second[plain & has_products[self.of_sum] & ~taken] = graph.add_literals(np.ones(1))[0]
        self._keep(~taken)
        return bias
