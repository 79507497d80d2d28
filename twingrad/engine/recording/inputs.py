"""Inputs: the numbers that every replay is given anew, as nodes of the recorded graph.

They stand where plain numbers would: no gradient flows into them, and `==` compares them.
"""

import sys
from collections.abc import Callable, Sequence
from enum import Enum
from operator import eq, index, ne
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import GraphError, ShapeError
from ..node import NO_STATIC, Node
from ..structure import flatten, map_leaves
from ..tape import Tape, ask
from ..tensor import Tensor
from ..value import Value, as_float

Array = npt.NDArray[Any]
NUMBERS = int | float | np.bool_ | np.integer | np.floating
_EQUALITY: dict[Any, Callable[[Any, Any], Any]] = {np.equal: eq, np.not_equal: ne}
_ENGINE = __name__.rpartition(".recording")[0]


class Input(Value):
    """A number that a recorded function was given, or computed from such numbers alone."""

    __slots__ = ()

    def _apply(
        self,
        rule: Callable[..., Any],
        operands: tuple[Any, ...],
        static: dict[str, Any] = NO_STATIC,
    ) -> Any:
        node = super()._apply(rule, operands, static)
        if not all(isinstance(parent, Input) for parent in node.parents):
            node.__class__ = Value  # type: ignore[assignment]
        return node

    def __eq__(self, other: object) -> Any:
        if isinstance(other, Input | NUMBERS):
            return ask(eq, self, other, self._data, self._compared(other))
        return NotImplemented

    def __ne__(self, other: object) -> Any:
        if isinstance(other, Input | NUMBERS):
            return ask(ne, self, other, self._data, self._compared(other))
        return NotImplemented

    def __hash__(self) -> int:
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if Tape.running.get() is None or caller.startswith(_ENGINE):
            return object.__hash__(self)
        return hash(float(self))  # in a set or a dict of the user's it is the number

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Compare with NumPy's numbers too; everything else as a Value does."""
        if ufunc in _EQUALITY and method == "__call__" and not kwargs:
            other = inputs[1] if inputs[0] is self else inputs[0]
            is_number = isinstance(other, np.generic | np.ndarray) and not other.ndim
            return _EQUALITY[ufunc](self, other.item() if is_number else other)
        return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)

    def __copy__(self) -> "Input":
        return self

    def __deepcopy__(self, memo: Any) -> "Input":
        return self

    def __index__(self) -> int:
        if self._data != int(self._data):
            raise TypeError(f"{self._data!r} is no whole number, as an index or a count must be")
        return int(ask(index, self, None, int(self._data)))


Input.__name__ = "Value"  # which it is, as far as a user and an error are concerned


class Inputs:
    """The arguments of a recorded function: what it was given in their place, and what replays
    must be given.

    Numbers, and arrays, lists and dicts of them, become inputs; an array one of Inputs. A Value
    stays the Value that it is, and so does True, and whatever holds no numbers; a replay must be
    given the same again.
    """

    def __init__(self, arguments: Sequence[Any]) -> None:
        self.nodes: list[Node] = []
        self.given = [self._taken(argument) for argument in arguments]

    def _taken(self, argument: Any) -> Any:
        if isinstance(argument, np.ma.MaskedArray):
            raise TypeError("an input has no mask; use array.filled(0.0) or array.compressed()")
        if isinstance(argument, np.ndarray) and argument.dtype.kind in "biuf" and argument.ndim:
            numbers = argument.astype(np.float64).ravel().tolist()
            nodes = np.fromiter(map(self._input, numbers), object, len(numbers))
            return nodes.reshape(argument.shape)
        if isinstance(argument, list | tuple | dict):
            return map_leaves(self._taken, argument)
        if isinstance(argument, Tensor):
            raise TypeError(
                "record() records programs of Values, but a Tensor came, which computes whole "
                "arrays at once already; pass tensor.numpy()"
            )
        switch = isinstance(argument, bool | Enum)  # decides what is done, and is no quantity
        of_objects = isinstance(argument, np.ndarray) and argument.dtype.kind not in "biuf"
        if isinstance(argument, NUMBERS | np.ndarray) and not switch and not of_objects:
            return self._input(as_float(argument))
        return argument

    def _input(self, number: float) -> Input:
        node = Input._make(number, constant=True)
        self.nodes.append(node)
        return node

    def copied(self) -> list[Any]:
        """What the function is given: lists and arrays of its own, which it may change."""
        trees = [x.copy() if isinstance(x, np.ndarray) else x for x in self.given]
        return [map_leaves(lambda leaf: leaf, tree) for tree in trees]

    def named_shapes(self, names: Sequence[str]) -> list[tuple[str, tuple[int, ...]]]:
        """The shape of each array or number in order; in a list they are named by their place."""
        found = []
        for i, given in enumerate(self.given):
            parts = [x for x in flatten(given) if isinstance(x, Input | np.ndarray)]
            name = names[i] if i < len(names) else f"input{i}"
            together = isinstance(given, list | tuple | dict)
            if together and all(isinstance(x, Input) for x in parts):
                found.append((name, _shape_of(given) or (len(parts),)))
            else:
                found += [
                    (
                        f"{name}[{k}]" if together else name,
                        np.shape(part) if isinstance(part, np.ndarray) else (),
                    )
                    for k, part in enumerate(parts)
                ]
        return found

    def write(self, arguments: Sequence[Any], cells: Array) -> None:
        """Write the numbers of other arguments into cells; raise if they do not fit."""
        if len(arguments) != len(self.given):
            raise TypeError(
                f"this was recorded with {len(self.given)} inputs, but replay() got "
                f"{len(arguments)}"
            )
        pairs = zip(arguments, self.given, strict=True)
        numbers = [_numbers(*pair, f"input {i}") for i, pair in enumerate(pairs)]
        cells[...] = np.concatenate(numbers) if numbers else 0.0


def _shape_of(tree: Any) -> tuple[int, ...] | None:
    """The shape of nested lists, None if they are ragged."""
    if not isinstance(tree, list | tuple):
        return None if isinstance(tree, dict) else ()
    shapes = {_shape_of(branch) for branch in tree}
    if len(shapes) != 1 or None in shapes:
        return None
    return (len(tree), *shapes.pop())  # type: ignore[misc]


def _array(argument: Any, shape: tuple[int, ...], where: str) -> Array:
    try:
        array = np.asarray(argument)
    except ValueError:
        raise ShapeError(
            f"{where} was recorded with shape {shape}, but ragged lists came; give it rows of "
            "equal length"
        ) from None
    if array.shape != shape:
        raise ShapeError(
            f"{where} was recorded with shape {shape}, but shape {array.shape} came; a recording "
            "holds for one shape: record another for this one"
        )
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{where} was recorded as numbers, but an array of {array.dtype} came")
    return array


def _numbers(argument: Any, given: Any, where: str) -> Array:
    """The numbers of an argument, in the order of the inputs that a like one became."""
    if isinstance(given, np.ndarray) and (not given.size or isinstance(given.item(0), Input)):
        return _array(argument, given.shape, where).ravel()
    if isinstance(given, dict):
        if not isinstance(argument, dict) or argument.keys() != given.keys():
            raise ShapeError(f"{where} was recorded with the keys {list(given)}, not {argument!r}")
        pairs = [(argument[key], given[key]) for key in given]
    elif isinstance(given, list | tuple):
        came = argument.tolist() if isinstance(argument, np.ndarray) else argument
        if not isinstance(came, list | tuple) or len(came) != len(given):
            length = len(came) if isinstance(came, list | tuple) else repr(argument)
            raise ShapeError(
                f"{where} was recorded with length {len(given)}, but {length} came; a recording "
                "holds for one length: record another for this one"
            )
        pairs = list(zip(came, given, strict=True))
    elif isinstance(given, Input):
        if isinstance(argument, Value):
            raise TypeError(
                f"{where} was recorded as a plain number, but a Value came; record with the Value "
                "to have its gradient, or pass its number, float(value)"
            )
        try:
            return np.array([as_float(argument)])
        except TypeError as error:
            raise TypeError(f"{where} was recorded as a number: {error}") from None
    else:
        if not _is_same(argument, given):
            raise GraphError(
                f"{where} was recorded with {given!r}, which is no number and so part of the "
                f"recording, but {argument!r} came; record again with that"
            )
        return np.zeros(0)
    return np.concatenate([np.zeros(0), *[_numbers(*pair, where) for pair in pairs]])


def _is_same(argument: Any, given: Any) -> bool:
    if isinstance(given, np.ndarray) and isinstance(argument, np.ndarray):  # of Values
        pairs = zip(argument.ravel().tolist(), given.ravel().tolist(), strict=False)
        same = [a is b or (not isinstance(b, Value) and bool(a == b)) for a, b in pairs]
        return argument.shape == given.shape and all(same)
    return argument is given or (not isinstance(given, Value) and bool(argument == given))
