"""The compiler: from a recorded graph to an array program, level by level.

Each group of equal operations becomes a matrix product where its operands form a grid, one
operation on whole arrays where they follow a pattern, and otherwise one on gathered numbers.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from .. import array_rules, layer_rules, list_rules
from ..node import Node
from .cells import Block, Cells, Fixed, Gather, Operand, Single, View, Whole, pattern
from .columns import COMPUTED, FROZEN, INPUT, LEAF, LITERAL, Array, Columns, Ints
from .grids import grids
from .groups import Group, grouped
from .steps import Call, Loop, Repeated, Step, row_products

FEW_PRODUCTS = 4
"""Sums of so few products, where they form no grid, are done product by product."""
NARROW, LONG = 3, 16
"""So few operations on each of so many levels are done one after the other, not as arrays."""
FEW_PARTS = 8
"""A group whose operands come from so few different results is done in parts."""


class Program:
    """The steps, and the cells they work on: inputs first, then leaves, then the rest."""

    def __init__(self, graph: Columns, inputs: Sequence[Node], results: Ints) -> None:
        self.graph = graph
        self.steps: list[Step | Loop] = []
        self.blocks: list[Block] = []
        groups = list(grouped(graph, results))
        kinds = np.bincount(graph.kind, minlength=5)
        counts = [len(inputs), kinds[LEAF], kinds[FROZEN], kinds[LITERAL]]
        ends = np.cumsum(counts)
        self._next = dict(
            zip((INPUT, LEAF, FROZEN, LITERAL), (ends - counts).tolist(), strict=True)
        )
        self.inputs, self.leaf_cells, self.frozen_cells = (
            slice(int(end) - int(count), int(end))
            for end, count in zip(ends[:3], counts[:3], strict=True)
        )
        self.cells = Cells(int(ends[-1]) + sum(len(group.members) for group in groups))
        self._end = int(ends[-1])
        self.place = np.full(len(graph.kind), -1)
        self._block_at = np.full(len(self.cells.data), -1)
        for i, node in enumerate(inputs):
            self.cells.data[i] = node._data
            if node in graph.at:
                self.place[graph.at[node]] = i
        self._put_matrices_first(groups)
        with np.errstate(all="ignore"):
            for run in _runs(groups):
                if isinstance(run, Group):
                    self._add(run)
                else:
                    self._add_loop(run)
        # What nobody needs any more: the recorded nodes themselves.
        every = np.flatnonzero((graph.kind == LEAF) | (graph.kind == FROZEN))
        self._settle(every)
        at = {int(self.place[i]): graph.nodes[i] for i in every}
        self.leaves, self.frozen = (
            [at[i] for i in range(part.start, part.stop)]
            for part in (self.leaf_cells, self.frozen_cells)
        )

    # Places

    def _settle(self, nodes: Ints) -> None:
        """Give the numbers that rules start from their places, in the order of first use."""
        new = nodes[self.place[nodes] < 0]
        if not new.size:
            return
        _, first = np.unique(new, return_index=True)
        new = new.ravel()[np.sort(first)]
        for kind in (LEAF, FROZEN, LITERAL):
            these = new[self.graph.kind[new] == kind]
            self.place[these] = self._next[kind] + np.arange(len(these))
            self._next[kind] += len(these)
        self.cells.data[self.place[new]] = self.graph.data[new]

    def _put_matrices_first(self, groups: Iterable[Group]) -> None:
        """Give the matrices of parameters contiguous places, before anything else uses them."""
        for group in groups:
            if group.factors is not None and len(group.members) > 1:
                group.grids, group.loose = grids(group.operands, group.factors)
                for grid in group.grids:
                    self._settle(grid.second)
                    self._settle(grid.first)
                    if group.bias is not None:
                        self._settle(group.bias[grid.members])

    def _new_block(self, members: Ints) -> Block:
        block = Block(self.cells, self._end, members.shape)
        self.place[members] = self._end + np.arange(members.size).reshape(members.shape)
        self._block_at[self._end : self._end + members.size] = len(self.blocks)
        self._end += members.size
        self.blocks.append(block)
        return block

    def operand(self, nodes: Ints, *, whole_shape: bool = False) -> Operand:
        """How to get at these nodes, as an array of this shape, or one that broadcasts to it.

        With `whole_shape` it has the shape itself, as a matrix product needs it.
        """
        self._settle(nodes)
        places = self.place[nodes]
        graph = self.graph
        if (graph.kind[nodes] == LITERAL).all():
            return _fixed(graph.data[nodes], whole_shape)
        wanted = not bool(graph.constant[nodes].all())
        found = pattern(places)
        used = np.unique(self._block_at[places])
        if found is not None and whole_shape and 0 in _steps_of_long_axes(found[1], nodes.shape):
            found = None
        if found is not None:
            start, steps = found
            shape = tuple(n if step else 1 for n, step in zip(nodes.shape, steps, strict=True))
            if whole_shape:
                shape = nodes.shape
            elif not any(steps):
                shape = ()
            if len(used) == 1 and used[0] >= 0:
                block = self.blocks[used[0]]
                inner = (places if shape == nodes.shape else _once(places, steps)).ravel()
                if np.array_equal(inner, block.start + np.arange(block.count)):
                    return Whole(block, shape, wanted)
        for i in used[used >= 0].tolist():
            self.blocks[i].keep()
        if found is None:
            return Gather(self.cells, places, wanted)
        if not shape:
            return Single(self.cells, start, wanted)
        return View(self.cells, start, shape, steps, wanted)

    # Steps

    def _add(self, group: Group) -> None:
        if group.factors is not None:
            self._add_products(group)
        elif group.is_sum:
            self._add_sums(group)
        else:
            for part in self._parts(group):
                self._add_map(part)

    def _add_products(self, group: Group) -> None:
        if len(group.members) == 1:
            found, loose = [], np.zeros(1, np.intp)
        else:
            found, loose = group.grids, group.loose
        width = group.operands.shape[1]
        if width <= FEW_PRODUCTS and not (len(found) == 1 and not len(loose)):
            found, loose = [], np.arange(len(group.members))
        for grid in found:
            left = self.operand(grid.first, whole_shape=True)
            right = self.operand(grid.second, whole_shape=True)
            bias = None if group.bias is None else group.bias[grid.members]
            self._add_product(group, grid.members, left, right, bias)
        if not len(loose):
            return
        rest = group.part(loose)
        if width <= FEW_PRODUCTS:
            zero = self.graph.zero if rest.bias is None else rest.bias
            columns = [rest.operands, rest.factors, np.broadcast_to(zero, len(loose))[:, None]]
            rest.operands, rest.factors = np.concatenate(columns, axis=1), None
            rest.rule = list_rules.dot
            for part in self._parts(rest):
                self._add_map(part)
            return
        if len(loose) == 1:
            left, right = self._along_cells(rest.operands[0], rest.factors[0])
            self._add_product(rest, np.zeros((), np.intp), left, right, rest.bias)
            return
        left, right = self.operand(rest.operands), self.operand(rest.factors)
        bias = self.operand(
            np.broadcast_to(self.graph.zero, len(loose)) if rest.bias is None else rest.bias
        )
        self._run(Step, row_products, {}, [left, right, bias], rest.members, rest.constant)

    def _along_cells(self, first: Ints, second: Ints) -> tuple[Operand, Operand]:
        """The factors of a single sum of products, in the order in which they lie."""
        self._settle(second)
        self._settle(first)
        order = np.lexsort((self.place[first], self.place[second]))
        return tuple(self.operand(nodes[order], whole_shape=True) for nodes in (first, second))  # type: ignore[return-value]

    def _add_product(
        self, group: Group, at: Ints, left: Operand, right: Operand, bias: Ints | None
    ) -> None:
        operands = [left, right]
        if bias is not None:
            operands.append(self.operand(bias.reshape(at.shape)))
        static = {"needs": tuple(x.wanted for x in operands)}
        rule = array_rules.matmul if bias is None else layer_rules.linear
        self._run(Step, rule, static, operands, group.members[at], group.constant)
        self.steps[-1].is_product = at.ndim > 0

    def _add_sums(self, group: Group) -> None:
        self._settle(group.operands)
        order = np.argsort(self.place[group.operands], axis=1, kind="stable")
        terms = np.take_along_axis(group.operands, order, axis=1)
        members = group.members
        if len(members) == 1:
            terms, members = terms[0], members.reshape(())
        operand = self.operand(terms, whole_shape=True)
        static = {"axis": -1} if members.ndim else {}
        self._run(Step, array_rules.sum, static, [operand], members, group.constant)

    def _parts(self, group: Group) -> list[Group]:
        """A group, in parts if its operands come from a few different results."""
        self._settle(group.operands)
        kinds = self.graph.kind[group.operands]
        source = np.where(kinds == COMPUTED, self._block_at[self.place[group.operands]], -1 - kinds)
        distinct, part = np.unique(source, axis=0, return_inverse=True)
        if not 1 < len(distinct) <= FEW_PARTS:
            return [group]
        return [group.part(part.ravel() == i) for i in range(len(distinct))]

    def _add_map(self, group: Group) -> None:
        places = self.place[group.operands]
        distinct = [len(np.unique(column)) for column in places.T]
        computed = self.graph.kind[group.operands[0]] == COMPUTED
        by_rank = sorted(range(places.shape[1]), key=lambda i: (distinct[i], computed[i]))
        order = np.lexsort([np.arange(len(places)), *[places[:, i] for i in by_rank]])
        shape = self._best_shape(places[order], distinct)
        members = group.members[order].reshape(shape)
        columns = [column.reshape(shape) for column in group.operands[order].T]
        ours = group.rule.__module__.startswith(__name__.partition(".")[0] + ".")
        operands = [self.operand(column) for column in columns]
        if ours or self._takes_arrays(group, operands, members):
            self._run(Step, group.rule, group.static, operands, members, group.constant)
        else:
            self._add_loop([group])

    def _best_shape(self, places: Ints, distinct: list[int]) -> tuple[int, ...]:
        """The shape in which most of the operands follow a pattern."""
        count = len(places)
        if count == 1:
            return ()
        shapes = [(count,)]
        for i in np.unique(self._block_at[places]).tolist():
            block = self.blocks[i] if i >= 0 else None
            if block is not None and len(block.shape) == 2 and block.count == count:
                shapes.insert(0, block.shape)
        shapes += [(n, count // n) for n in sorted({*distinct}) if 1 < n < count and not count % n]
        best, most = (count,), -1
        for shape in dict.fromkeys(shapes):
            fitting = sum(pattern(column.reshape(shape)) is not None for column in places.T)
            if fitting > most:
                best, most = shape, fitting
        return best

    def _takes_arrays(self, group: Group, operands: Sequence[Operand], members: Ints) -> bool:
        """Whether a rule of the user's gives of arrays what it gave of their numbers."""
        nodes = [self.graph.nodes[i] for i in members.ravel().tolist()]
        try:
            data, pullback = group.rule(*[x.get() for x in operands], **group.static)
            passed = [np.broadcast_to(x, members.shape) for x in pullback(np.ones(members.shape))]
            alone = [node._pullback(1.0) for node in nodes]  # type: ignore[misc]
            slopes = np.array(alone, dtype=float).T.reshape((-1, *members.shape))
            held = np.broadcast_to(data, members.shape), self.graph.data[members]
        except Exception:
            return False
        return np.allclose(*held, equal_nan=True) and np.allclose(passed, slopes, equal_nan=True)

    def _run(
        self,
        kind: type[Step],
        rule: Any,
        static: dict[str, Any],
        operands: Sequence[Operand],
        members: Ints,
        constant: bool,
    ) -> None:
        """Add a step, and run it on the recorded numbers, for the steps that follow."""
        block = self._new_block(members)
        step = kind(rule, static, operands, block, constant)
        step.forward()
        if block.shape and np.shape(block.data) != block.shape:
            step = Repeated(rule, static, operands, block, constant)
            step.forward()
        self.steps.append(step)

    def _add_loop(self, groups: Sequence[Group]) -> None:
        """Do groups number by number, in the order in which they were recorded."""
        graph = self.graph
        members = np.sort(np.concatenate([group.members for group in groups]))
        block = self._new_block(members)
        block.keep()
        calls = []
        for group in groups:
            rule, columns = group.rule, group.operands
            if group.factors is not None:
                zero = np.broadcast_to(graph.zero, len(group.members))
                bias = zero if group.bias is None else group.bias
                columns = np.concatenate([columns, group.factors, bias[:, None]], axis=1)
                rule = list_rules.dot
            elif group.is_sum:
                rule = list_rules.total
            self._settle(columns)
            for i in np.unique(self._block_at[self.place[columns]]).tolist():
                if i >= 0:
                    self.blocks[i].keep()
            for member, row in zip(group.members.tolist(), columns, strict=True):
                wanted = (~graph.constant[row] & (not group.constant)).tolist()
                calls.append(
                    Call(
                        rule,
                        group.static,
                        self.place[row].tolist(),
                        wanted,
                        int(self.place[member]),
                    )
                )
        calls.sort(key=lambda call: call.output)
        loop = Loop(self.cells, calls, block)
        loop.forward()
        block.data = block._data_there
        self.steps.append(loop)

    # Running

    def at_cell(self, place: int) -> Any:
        """The leaf, or the frozen Value, that a cell belongs to."""
        part = self.leaf_cells if place < self.leaf_cells.stop else self.frozen_cells
        return (self.leaves if part is self.leaf_cells else self.frozen)[place - part.start]

    def block_at(self, place: int) -> Block | None:
        """The result that a cell is part of."""
        return self.blocks[self._block_at[place]] if self._block_at[place] >= 0 else None

    def kept_place(self, node: int) -> int:
        """The cell where a node's number can be read after a run."""
        self._settle(np.array([node]))
        place = int(self.place[node])
        if self._block_at[place] >= 0:
            self.blocks[self._block_at[place]].keep()
        return place

    def result(self, node: int) -> Operand:
        """How to get at one node, and how to give it a gradient."""
        return self.operand(np.array(node))

    def forward(self) -> None:
        """Compute all numbers from the inputs, the leaves and the frozen ones in the cells."""
        for step in self.steps:
            step.forward()

    def backward(self, root: Operand) -> None:
        """Compute all gradients of the root."""
        self.cells.grad.fill(0.0)
        root.add(1.0)
        for step in reversed(self.steps):
            if not step.constant:
                step.backward()


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


def _fixed(data: Array, whole_shape: bool) -> Fixed:
    """Literals, each axis along which they are equal having length one."""
    if not whole_shape:
        for axis in range(data.ndim):
            first = data.take([0], axis)  # of equal bits: -0.0 is not 0.0 here
            if np.array_equal(
                np.broadcast_to(first, data.shape).view(np.int64), data.view(np.int64)
            ):
                data = first
        if data.size == 1:
            data = data.reshape(())
    return Fixed(np.ascontiguousarray(data) if data.ndim else data)


def _once(places: Ints, steps: tuple[int, ...]) -> Ints:
    for axis, step in enumerate(steps):
        if not step:
            places = places.take([0], axis)
    return places


def _steps_of_long_axes(steps: tuple[int, ...], shape: tuple[int, ...]) -> list[int]:
    return [step for step, n in zip(steps, shape, strict=True) if n > 1]
