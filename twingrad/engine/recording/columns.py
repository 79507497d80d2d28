"""A recorded graph as columns of numbers: for each node its rule, its operands, its datum.

What the compiler asks of a graph of a hundred thousand nodes, which are products of parameters,
which sums are added to one other sum only, NumPy then answers for all of them at once.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from ..node import NO_STATIC, Node

Ints = npt.NDArray[np.intp]
Array = npt.NDArray[Any]

COMPUTED, INPUT, LEAF, FROZEN, LITERAL = range(5)
"""What a node is: the result of a rule, or one of four kinds of numbers that rules start from.

An input is given anew to every replay. A leaf is somebody's Value and gets a gradient; frozen,
it gets none. A literal is a number that nobody but the graph holds: it cannot change.
"""


class Columns:
    """The nodes of a graph, each after its operands; a node is its position in these columns."""

    def __init__(self, order: Sequence[Node], inputs: Sequence[Node], built: bool = False) -> None:
        n = len(order)
        self.nodes = order
        self.at = dict(zip(order, range(n), strict=True))
        self.data = np.fromiter((node._data for node in order), np.float64, n)
        self.constant = np.fromiter((node.constant for node in order), np.bool_, n)
        parents = [node.parents for node in order]
        self.arity = np.fromiter(map(len, parents), np.intp, n)
        self.operands = np.fromiter(
            map(self.at.__getitem__, chain.from_iterable(parents)), np.intp, self.arity.sum()
        )
        self.first = np.cumsum(self.arity) - self.arity
        self.uses = np.bincount(self.operands, minlength=n)
        self.rules: list[tuple[Any, dict[str, Any]]] = []
        self.code = self._codes()
        self.kind = self._kinds(inputs, built)
        self.constant |= np.isin(self.kind, (INPUT, LITERAL))
        self._merge_equal_literals()
        self.zero = int(self.add_literals(np.zeros(1))[0])

    def _codes(self) -> Ints:
        """For each node the number of its rule, with what is static to it, in `self.rules`."""
        known: dict[Any, int] = {}
        keys = []
        for node in self.nodes:
            key = node._rule if node._static is NO_STATIC else _rule_and_static(node)
            if key not in known:
                known[key] = len(known)
                self.rules.append((node._rule, node._static))
            keys.append(key)
        return np.fromiter(map(known.__getitem__, keys), np.intp, len(keys))

    def is_rule(self, *rules: Callable[..., Any]) -> npt.NDArray[np.bool_]:
        """Which nodes one of these rules made."""
        codes = [code for code, (rule, _) in enumerate(self.rules) if rule in rules]
        return np.isin(self.code, codes)

    def _kinds(self, inputs: Iterable[Node], built: bool) -> Ints:
        kind = np.zeros(len(self.nodes), np.intp)
        probe = [object()]  # counts the references that a list, a dict and the call make
        ours = sys.getrefcount(probe[0]) + len(dict.fromkeys(probe))
        for i in np.flatnonzero(self.arity == 0).tolist():
            # Whoever holds a node can read its gradient, or change its number; in a graph that
            # somebody built it may be found by its parents.
            held = sys.getrefcount(self.nodes[i]) > self.uses[i] + ours
            held = held or (built and bool(self.nodes[i].label))
            kind[i] = LITERAL if not held else FROZEN if self.constant[i] else LEAF
        for node in inputs:
            if node in self.at:
                kind[self.at[node]] = INPUT
        return kind

    def _merge_equal_literals(self) -> None:
        """Let one literal stand for all of the same bits: `2.0 * x` makes a new one each time."""
        places = np.flatnonzero(self.kind == LITERAL)
        bits = self.data[places].view(np.int64)
        _, first, inverse = np.unique(bits, return_index=True, return_inverse=True)
        same = np.arange(len(self.nodes))
        same[places] = places[first[inverse]]
        self.operands = same[self.operands]

    def add_literals(self, numbers: Array) -> Ints:
        """Further literals with these numbers, one for all that are equal."""
        distinct, inverse = np.unique(numbers.view(np.int64), return_inverse=True)
        start = len(self.kind)
        self.data = np.append(self.data, distinct.view(np.float64))
        self.kind = np.append(self.kind, np.full(len(distinct), LITERAL))
        self.constant = np.append(self.constant, np.ones(len(distinct), np.bool_))
        return start + inverse

    @property
    def is_computed(self) -> npt.NDArray[np.bool_]:
        """Which nodes a rule made."""
        return np.append(self.arity > 0, np.zeros(len(self.kind) - len(self.arity), np.bool_))

    def let_unreached_be_constant(self, root: int) -> None:
        """Mark what no gradient reaches: no way up from it leads to the root but by constants."""
        reached = [False] * len(self.kind)
        reached[root] = True
        firsts, ends = self.first.tolist(), (self.first + self.arity).tolist()
        operands, constant = self.operands.tolist(), self.constant.tolist()
        for i in range(len(self.nodes) - 1, -1, -1):
            if reached[i] and not constant[i]:
                for j in operands[firsts[i] : ends[i]]:
                    reached[j] = True
        self.constant |= ~np.array(reached)

    def levels(self, counted: npt.NDArray[np.bool_]) -> Ints:
        """How many of the counted nodes lie, at most, on a way down from each, itself included."""
        level = [0] * len(self.nodes)
        firsts, steps = self.first.tolist(), counted.tolist()
        operands = self.operands.tolist()
        ends = (self.first + self.arity).tolist()
        for i in np.flatnonzero(self.arity).tolist():
            below = operands[firsts[i] : ends[i]]
            level[i] = max([level[j] for j in below]) + steps[i]
        return np.array(level, np.intp)


def _exactly(x: Any) -> Any:
    return repr(x) if isinstance(x, float) else x  # 0.0 and -0.0 are equal


def _rule_and_static(node: Node) -> Any:
    """What tells two operations apart; an array among the static makes one that has no equal."""
    try:
        key = (node._rule, *[(k, type(x), _exactly(x)) for k, x in sorted(node._static.items())])
        hash(key)
    except TypeError:
        return id(node)
    return key
