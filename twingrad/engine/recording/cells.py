"""Where the numbers of an array program lie, and how an operation gets at its operands.

All numbers have their place in one array, all gradients in another. What follows a pattern there
is seen through a view; what a whole operation gave is handed on as it is; only the rest is
gathered, number by number.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from .columns import Ints

Array = npt.NDArray[Any]


class Cells:
    """The numbers of a program and their gradients, each a place in two long arrays."""

    def __init__(self, count: int) -> None:
        self.data = np.zeros(count)
        self.grad = np.zeros(count)


class Block:
    """The result of one operation on arrays: `count` cells from `start`, seen in a shape.

    It is handed on as the array that it is. Where somebody needs a part of it, or it together
    with others, `keep` has it copied into the cells as well, and its gradient read there.
    """

    def __init__(self, cells: Cells, start: int, shape: tuple[int, ...]) -> None:
        self.cells, self.start, self.shape = cells, start, shape
        self.count = int(np.prod(shape))
        self.data: Any = None
        self.grad: Any = None
        self.name = ""
        self.kept = False
        self._data_there: Any = None
        self._grad_there: Any = None

    def keep(self) -> None:
        """Have the numbers in the cells too, the present ones at once."""
        if not self.kept:
            self.kept = True
            part = slice(self.start, self.start + self.count)
            self._data_there = self.cells.data[part].reshape(self.shape)
            self._grad_there = self.cells.grad[part].reshape(self.shape)
            self._data_there[...] = self.data

    def put(self, data: Any) -> None:
        """Take the result of the operation; a single one is a plain number."""
        self.data = data if self.shape else float(data)
        if self.kept:
            self._data_there[...] = data

    def gathered_grad(self) -> Any:
        """The gradient that has come from all sides, None if none has; it is given once."""
        grad, self.grad = self.grad, None
        if self.kept:
            return self._grad_there if grad is None else grad + self._grad_there
        return grad


class Fixed:
    """Literals: an array that never changes, or a number."""

    wanted = False

    def __init__(self, data: Array) -> None:
        self.shape = data.shape
        self.data: Any = data if data.shape else float(data)

    def get(self) -> Any:
        """The array."""
        return self.data

    def add(self, grad: Any) -> None:
        """Nobody asks for the gradient of a literal."""


class Single:
    """One cell, as a plain number."""

    shape = ()

    def __init__(self, cells: Cells, place: int, wanted: bool) -> None:
        self.cells, self.place, self.wanted = cells, place, wanted

    def get(self) -> Any:
        """The number."""
        return self.cells.data.item(self.place)

    def add(self, grad: Any) -> None:
        """Add a gradient, or the sum of many."""
        self.cells.grad[self.place] += single(grad)


class View:
    """Cells that follow a pattern, through a view of them."""

    def __init__(
        self, cells: Cells, start: int, shape: tuple[int, ...], steps: tuple[int, ...], wanted: bool
    ) -> None:
        self.shape, self.wanted = shape, wanted
        self.start, self.steps = start, steps
        self.data = _strided(cells.data, start, shape, steps)
        self.grad = _strided(cells.grad, start, shape, steps)

    def get(self) -> Any:
        """The view."""
        return self.data

    def add(self, grad: Any) -> None:
        """Add a gradient, summed over the axes along which these cells were repeated."""
        self.grad += summed_to(grad, self.shape)


class Whole:
    """The whole result of one operation, perhaps in another shape."""

    def __init__(self, block: Block, shape: tuple[int, ...], wanted: bool) -> None:
        self.block, self.shape, self.wanted = block, shape, wanted
        self.reshaped = shape != block.shape

    @property
    def name(self) -> str:
        """The name of the result."""
        if not self.reshaped:
            return self.block.name
        return f"{self.block.name}.reshape({', '.join(map(str, self.shape))})"

    def get(self) -> Any:
        """The result."""
        if not self.reshaped:
            return self.block.data
        return np.reshape(self.block.data, self.shape) if self.shape else self.block.data.item()

    def add(self, grad: Any) -> None:
        """Add a gradient, summed over the axes along which the result was repeated."""
        block = self.block
        grad = summed_to(grad, self.shape) if self.shape else single(grad)
        if self.reshaped:
            grad = np.reshape(grad, block.shape) if block.shape else single(grad)
        block.grad = grad if block.grad is None else block.grad + grad


class Gather:
    """Cells in no order that a view could follow: picked one by one."""

    def __init__(self, cells: Cells, places: Ints, wanted: bool) -> None:
        self.cells, self.places, self.shape = cells, places, places.shape
        self.wanted = wanted
        self.repeated = len(np.unique(places)) < places.size

    def get(self) -> Any:
        """The picked numbers."""
        return self.cells.data[self.places]

    def add(self, grad: Any) -> None:
        """Add a gradient to each of the cells, as often as it was picked."""
        if self.repeated:
            np.add.at(self.cells.grad, self.places, grad)
        else:
            self.cells.grad[self.places] += grad


Operand = Fixed | Single | View | Whole | Gather


def single(grad: Any) -> float:
    """The gradient of one number that was used for many: the sum of theirs."""
    return grad if type(grad) is float else float(np.add.reduce(grad, axis=None))


def summed_to(grad: Any, shape: tuple[int, ...]) -> Any:
    """A gradient summed over the axes along which numbers of this shape had been repeated."""
    try:
        came = grad.shape
    except AttributeError:  # a plain 0, as a rule of the user's may say that there is no slope
        return np.full(shape, grad)
    if came == shape:
        return grad
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and came[i] != 1)
    return np.add.reduce(grad, axis=axes, keepdims=True)


def pattern(places: Ints) -> tuple[int, tuple[int, ...]] | None:
    """Where cells start and by which steps they go on along each axis; None if by none.

    A step of 0 says that the cells repeat along that axis. Cells that repeat in another way have
    no pattern here: a view of them could not take a gradient.
    """
    if not places.size:
        return None
    start = int(places.flat[0])
    steps = tuple(
        0 if n == 1 else int(places.take(1, axis).flat[0]) - start
        for axis, n in enumerate(places.shape)
    )
    expected: Any = start
    for axis, (n, step) in enumerate(zip(places.shape, steps, strict=True)):
        along = [1] * places.ndim
        along[axis] = n
        expected = expected + step * np.arange(n).reshape(along)
    distinct = int(np.prod([n for n, step in zip(places.shape, steps, strict=True) if step]))
    if not np.array_equal(places, np.broadcast_to(expected, places.shape)):
        return None
    return (start, steps) if len(np.unique(places)) == distinct else None


def _strided(array: Array, start: int, shape: tuple[int, ...], steps: tuple[int, ...]) -> Array:
    return np.lib.stride_tricks.as_strided(
        array[start:], shape, [step * array.itemsize for step in steps]
    )
