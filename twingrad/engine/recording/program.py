"""The compiler: from a recorded graph to an array program, level by level.

Each group of equal operations becomes a matrix product where its operands form a grid, one
operation on whole arrays where they follow a pattern, and otherwise one on gathered numbers.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from .. import array_rules, layer_rules, list_rules
from ..node import Node
from .cells import Operand, pattern
from .columns import FROZEN, LEAF, Columns, Ints
from .grids import grids
from .groups import Group, grouped
from .places import Places
from .steps import Call, Loop, Repeated, Step, row_products

FEW_PRODUCTS = 4
"""Sums of so few products, where they form no grid, are done product by product."""
NARROW, LONG = 3, 16
"""So few operations on each of so many levels are done one after the other, not as arrays."""
FEW_PARTS = 8
"""A group whose operands come from so few different results is done in parts."""


class Program:
    """The steps, and the places they work on; each step runs once when it is added."""

    def __init__(self, graph: Columns, inputs: Sequence[Node], results: Ints) -> None:
        self.graph = graph
        self.steps: list[Step | Loop] = []
        groups = list(grouped(graph, results))
        self.places = Places(graph, inputs, sum(len(group.members) for group in groups))
        self._put_matrices_first(groups)
        with np.errstate(all="ignore"):
            for run in _runs(groups):
                if isinstance(run, Group):
                    self._add(run)
                else:
                    self._add_loop(run)
        held = np.flatnonzero((graph.kind == LEAF) | (graph.kind == FROZEN))
        self.places.settle(held)
        by_place = held[np.argsort(self.places.of[held])].tolist()
        self.held: list[Any] = [graph.nodes[i] for i in by_place]
        """The leaves, then the frozen Values, in the order of their cells."""

    def forward(self) -> None:
        """Compute all numbers from those in the cells of inputs, leaves and frozen Values."""
        for step in self.steps:
            step.forward()

    def backward(self, root: Operand) -> None:
        """Compute all gradients of the root."""
        self.places.cells.grad.fill(0.0)
        try:
            root.add(1.0)
            for step in reversed(self.steps):
                if not step.constant:
                    step.backward()
        except BaseException:
            for block in self.places.blocks:
                block.grad = None
            raise

    def forget_nodes(self) -> None:
        """Let go of the recorded graph, which nothing needs any more but its leaves."""
        del self.graph, self.places.graph

    # Sums of products

    def _put_matrices_first(self, groups: Iterable[Group]) -> None:
        """Give the matrices of parameters contiguous places, before anything else uses them."""
        for group in groups:
            if group.rule is list_rules.dot and len(group.members) > 1:
                first, second, bias = group.factors()
                group.grids = grids(first, second)
                for grid in group.grids:
                    for nodes in (grid.second, grid.first, bias[grid.members]):
                        self.places.settle(nodes)

    def _add_products(self, group: Group) -> None:
        first, second, bias = group.factors()
        found = group.grids
        if first.shape[1] <= FEW_PRODUCTS and not (
            len(found) == 1 and found[0].members.size == len(bias)
        ):
            self._add_maps(group)
            return
        loose = np.ones(len(bias), np.bool_)
        for grid in found:
            loose[grid.members] = False
            left = self.places.operand(grid.first, as_matrix=True)
            right = self.places.operand(grid.second, as_matrix=True)
            self._add_product(group, left, right, bias[grid.members], group.members[grid.members])
        if loose.sum() == 1:
            i = int(np.argmax(loose))
            self.places.settle(second[i])
            self.places.settle(first[i])
            order = np.lexsort((self.places.of[first[i]], self.places.of[second[i]]))
            left, right = (
                self.places.operand(nodes[i, order], as_matrix=True) for nodes in (first, second)
            )
            self._add_product(group, left, right, bias[i], group.members[i])
        elif loose.any():
            factors = [self.places.operand(x[loose], as_matrix=True) for x in (first, second)]
            operands = [*factors, self.places.operand(bias[loose])]
            self._run(row_products, {}, operands, group.members[loose], group.constant)

    def _add_product(
        self, group: Group, left: Operand, right: Operand, bias: Ints, members: Ints
    ) -> None:
        rule: Callable[..., Any] = array_rules.matmul
        operands = [left, right]
        if (bias != self.graph.zero).any():
            rule = layer_rules.linear
            operands.append(self.places.operand(bias))
        static = {"needs": tuple(x.wanted for x in operands)}
        step = self._run(rule, static, operands, members, group.constant)
        step.is_product = members.ndim > 0

    # Other operations

    def _add(self, group: Group) -> None:
        if group.rule is list_rules.dot:
            self._add_products(group)
        elif group.rule is list_rules.total and group.operands.shape[1] > 1:
            self._add_sums(group)
        else:
            self._add_maps(group)

    def _add_sums(self, group: Group) -> None:
        self.places.settle(group.operands)
        order = np.argsort(self.places.of[group.operands], axis=1, kind="stable")
        terms, members = np.take_along_axis(group.operands, order, axis=1), group.members
        if len(members) == 1:
            terms, members = terms[0], members.reshape(())
        operand = self.places.operand(terms, as_matrix=True)
        static = {"axis": -1} if members.ndim else {}
        self._run(array_rules.sum, static, [operand], members, group.constant)

    def _add_maps(self, group: Group) -> None:
        """A group in one operation; in a few, if its operands come from a few results."""
        for column in group.operands.T:
            self.places.settle(column)
        sources = self.places.sources(group.operands)
        distinct, part = np.unique(sources, axis=0, return_inverse=True)
        if 1 < len(distinct) <= FEW_PARTS:
            for i in range(len(distinct)):
                self._add_map(group.part(np.flatnonzero(part.ravel() == i)))
        else:
            self._add_map(group)

    def _add_map(self, group: Group) -> None:
        places = self.places.of[group.operands]
        distinct = [len(np.unique(column)) for column in places.T]
        rank = np.lexsort([self.places.sources(group.operands[0]), np.array(distinct)])
        order = np.lexsort([np.arange(len(places)), *[places[:, i] for i in rank]])
        shape = self._best_shape(places[order], distinct)
        group = group.part(order)
        members = group.members.reshape(shape)
        operands = [self.places.operand(column.reshape(shape)) for column in group.operands.T]
        ours = group.rule.__module__.startswith(__name__.partition(".")[0] + ".")
        if ours or self._takes_arrays(group, operands, members):
            self._run(group.rule, group.static, operands, members, group.constant)
        else:
            self._add_loop([group])

    def _best_shape(self, places: Ints, distinct: Sequence[int]) -> tuple[int, ...]:
        """The shape in which most of the operands follow a pattern."""
        count = len(places)
        if count == 1:
            return ()
        blocks = [self.places.block_at(int(place)) for place in places[0]]
        shapes = [block.shape for block in blocks if block is not None and block.count == count]
        shapes.append((count,))
        shapes += [(n, count // n) for n in sorted({*distinct}) if 1 < n < count and not count % n]
        fitting = [
            sum(pattern(column.reshape(shape)) is not None for column in places.T)
            for shape in shapes
        ]
        return shapes[int(np.argmax(fitting))]

    def _takes_arrays(self, group: Group, operands: Sequence[Operand], members: Ints) -> bool:
        """Whether a rule of the user's gives of arrays what it gave of their numbers."""
        rng = np.random.default_rng(0)
        recorded = [x.get() for x in operands]
        others = [[rng.standard_normal(np.shape(x)) for x in recorded] for _ in range(2)]
        try:
            return all(_agrees(group, numbers, members) for numbers in (recorded, *others))
        except Exception:  # whatever it raises, of numbers it did not
            return False

    def _run(
        self,
        rule: Any,
        static: dict[str, Any],
        operands: Sequence[Operand],
        members: Ints,
        constant: bool,
    ) -> Step:
        """Add a step, and run it on the recorded numbers, for the steps that follow."""
        block = self.places.new_block(members)
        step = Step(rule, static, operands, block, constant)
        step.forward()
        if block.shape and np.shape(block.data) != block.shape:
            step = Repeated(rule, static, operands, block, constant)
            step.forward()
        self.steps.append(step)
        return step

    def _add_loop(self, groups: Sequence[Group]) -> None:
        """Do groups number by number, in the order in which they were recorded."""
        calls: list[Call] = []
        block = self.places.new_block(np.sort(np.concatenate([group.members for group in groups])))
        block.keep()
        constant = self.graph.constant
        for group in groups:
            rows = self.places.keep(group.operands).tolist()
            wanted = (~constant[group.operands] & (not group.constant)).tolist()
            outputs = self.places.of[group.members].tolist()
            for output, row, asked in zip(outputs, rows, wanted, strict=True):
                calls.append(Call(output, group.rule, group.static, row, asked))
        loop = Loop(self.places.cells, sorted(calls, key=lambda call: call.output), block)
        loop.forward()
        self.steps.append(loop)


def _agrees(group: Group, arrays: Sequence[Any], members: Ints) -> bool:
    """Whether a rule gives of arrays what it gives of each of their numbers."""
    data, pullback = group.rule(*arrays, **group.static)
    slopes = pullback(np.ones(members.shape))
    columns = [np.broadcast_to(x, members.shape).ravel().tolist() for x in arrays]
    alone = [group.rule(*numbers, **group.static) for numbers in zip(*columns, strict=True)]
    passed = list(zip(*[back(1.0) for _, back in alone], strict=True))
    return (
        len(slopes) == len(passed) == len(arrays)
        and _equal(data, [number for number, _ in alone], members)
        and all(_equal(*pair, members) for pair in zip(slopes, passed, strict=True))
    )


def _equal(of_arrays: Any, of_numbers: Any, members: Ints) -> bool:
    if of_arrays is None or any(x is None for x in np.ravel(of_numbers)):
        return of_arrays is None and all(x is None for x in np.ravel(of_numbers))
    numbers = np.reshape(np.array(of_numbers, np.float64), members.shape)
    return bool(np.allclose(np.broadcast_to(of_arrays, members.shape), numbers, equal_nan=True))


def _runs(groups: Sequence[Group]) -> Iterable[Group | list[Group]]:
    """The groups in order; those of many narrow levels, one upon the other, as one list."""
    levels = [list(level) for _, level in groupby(groups, key=lambda group: group.level)]
    narrow = [sum(len(group.members) for group in level) <= NARROW for level in levels]
    at = 0
    for is_narrow, several in groupby(narrow):
        count = len(list(several))
        run = [group for level in levels[at : at + count] for group in level]
        at += count
        if is_narrow and count >= LONG:
            yield run
        else:
            yield from run
