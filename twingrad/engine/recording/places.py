"""Where each recorded number has its cell, and how an operation gets at the cells it needs.

The order is inputs, leaves, frozen Values, literals, then the results of operations, each result
in the order of its members. So a matrix of weights is a view, and a layer's output the next input.
"""

from collections.abc import Sequence

import numpy as np

from ..node import Node
from .cells import Block, Cells, Fixed, Gather, Operand, Single, View, Whole, pattern
from .columns import COMPUTED, FROZEN, INPUT, LEAF, LITERAL, Array, Columns, Ints


class Places:
    """The cells of a program, and the place of every node in them, -1 where it has none yet."""

    def __init__(self, graph: Columns, inputs: Sequence[Node], results: int) -> None:
        self.graph = graph
        kinds = np.bincount(graph.kind, minlength=LITERAL + 1)
        counts = [len(inputs), int(kinds[LEAF]), int(kinds[FROZEN]), int(kinds[LITERAL])]
        self._next: dict[int, int] = {}
        self._end = 0
        for kind, count in zip((INPUT, LEAF, FROZEN, LITERAL), counts, strict=True):
            self._next[kind] = self._end
            self._end += count
        ends = np.cumsum(counts).tolist()
        self.inputs, self.leaves, self.frozen = (
            slice(end - count, end) for end, count in zip(ends[:3], counts[:3], strict=True)
        )
        self.cells = Cells(self._end + results)
        self.blocks: list[Block] = []
        self._block_of_cell = np.full(len(self.cells.data), -1)
        self.of = np.full(len(graph.kind), -1)
        for i, node in enumerate(inputs):
            self.cells.data[i] = node._data
            if node in graph.at:
                self.of[graph.at[node]] = i

    def settle(self, nodes: Ints) -> None:
        """Give leaves and literals their places, in this order, if they have none yet."""
        new = nodes[self.of[nodes] < 0]
        if not new.size:
            return
        _, first = np.unique(new, return_index=True)
        new = new[np.sort(first)]
        for kind in (LEAF, FROZEN, LITERAL):
            these = new[self.graph.kind[new] == kind]
            self.of[these] = self._next[kind] + np.arange(len(these))
            self._next[kind] += len(these)
        self.cells.data[self.of[new]] = self.graph.data[new]

    def new_block(self, members: Ints) -> Block:
        """Places for the results of an operation, in the shape of its members."""
        block = Block(self.cells, self._end, members.shape)
        cells = slice(self._end, self._end + members.size)
        self.of[members.ravel()] = np.arange(cells.start, cells.stop)
        self._block_of_cell[cells] = len(self.blocks)
        self._end = cells.stop
        self.blocks.append(block)
        return block

    def sources(self, nodes: Ints) -> Ints:
        """For each node the number of the block it is in, or a negative number for its kind."""
        self.settle(nodes)
        return np.where(
            self.graph.kind[nodes] == COMPUTED,
            self._block_of_cell[self.of[nodes]],
            -self.graph.kind[nodes],
        )

    def block_at(self, place: int) -> Block | None:
        """The result that a cell is part of."""
        i = int(self._block_of_cell[place])
        return self.blocks[i] if i >= 0 else None

    def keep(self, nodes: Ints) -> Ints:
        """Their places, where their numbers can be read from the cells from now on."""
        self.settle(nodes)
        places = self.of[nodes]
        for i in np.unique(self._block_of_cell[places]).tolist():
            if i >= 0:
                self.blocks[i].keep()
        return places

    def operand(self, nodes: Ints, *, as_matrix: bool = False) -> Operand:
        """How to get at these nodes, as an array of their shape, or one that broadcasts to it.

        With `as_matrix` it has the shape itself, as a matrix product needs it.
        """
        self.settle(nodes)
        graph, places = self.graph, self.of[nodes]
        if (graph.kind[nodes] == LITERAL).all():
            return Fixed(graph.data[nodes] if as_matrix else _shortened(graph.data[nodes]))
        wanted = not bool(graph.constant[nodes].all())
        found = pattern(places)
        if found is None or (as_matrix and _repeats(found[1], places.shape)):
            self.keep(nodes)
            return Gather(self.cells, places, wanted)
        start, steps = found
        shape = tuple(n if step else 1 for n, step in zip(places.shape, steps, strict=True))
        shape = places.shape if as_matrix else shape if any(steps) else ()
        block = self.block_at(start)
        once = places[tuple(slice(None) if step else slice(1) for step in steps)].ravel()
        if block is not None and np.array_equal(once, block.start + np.arange(block.count)):
            return Whole(block, shape, wanted)
        self.keep(nodes)
        if not shape:
            return Single(self.cells, start, wanted)
        return View(self.cells, start, shape, steps, wanted)


def _repeats(steps: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether the same cells come again along an axis."""
    return any(not step and n > 1 for step, n in zip(steps, shape, strict=True))


def _shortened(data: Array) -> Array:
    """Literals, each axis along which they are equal to the bit having length one."""
    bits = data.view(np.int64)
    for axis in range(data.ndim):
        if (bits == bits.take([0], axis)).all():
            data = data.take([0], axis)
            bits = data.view(np.int64)
    return data.reshape(()) if data.size == 1 else data
