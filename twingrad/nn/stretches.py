"""Updates by stretches of numbers: short parameters joined into one array, long ones cut.

A call of NumPy costs as much time as some thousand numbers, and arrays of millions leave the
processor's cache between one call and the next. An update that treats every number by itself
need not know where one parameter ends and the next begins.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from ..engine import Node, Tensor

if TYPE_CHECKING:
    from .optimizer import Optimizer

Array = npt.NDArray[Any]
State = dict[str, Any]
Update = Callable[[Any, Any, State, int], Any]
Rule = TypeVar("Rule", bound=Callable[..., Any])

SHORT = 2**13
"""The numbers of a Tensor up to which to join it costs less than a call of its own."""
LONG = 2**16
"""The numbers that stay in the cache together with all that an update computes on its way."""

_ELEMENTWISE: WeakSet[Callable[..., Any]] = WeakSet()


def elementwise(update: Rule) -> Rule:
    """Mark an `Optimizer.update` that treats every number by itself, wherever it stands.

    Instead of one Tensor after the other it may then be given arrays of any length: a part of a
    long one, or several short ones in a row; and all the Values of a recorded model as an array.
    Leave an update unmarked that looks at its parameter as a whole, at a norm or a shape. One
    that overrides a marked one is unmarked until it is marked itself.
    """
    _ELEMENTWISE.add(update)
    return update


def is_elementwise(update: Update) -> bool:
    """Whether an update is marked."""
    return getattr(update, "__func__", update) in _ELEMENTWISE


class Stretches:
    """Which parameters of an optimizer are updated together: found once, kept while it holds."""

    def __init__(self) -> None:
        self.reached: list[int] = []
        self.joined: list[Joined] = []
        self.alone: list[int] = []

    def update(self, optimizer: "Optimizer", reached: list[int]) -> list[int]:
        """Update what is joined of the parameters at these places; returns the places left."""
        if reached != self.reached or not all(joined.holds(optimizer) for joined in self.joined):
            self._arrange(optimizer, reached)
        for joined in self.joined:
            joined.update(optimizer)
        return self.alone

    def _arrange(self, optimizer: "Optimizer", reached: list[int]) -> None:
        together: dict[Any, list[int]] = {}
        for i in reached:
            parameter, state = optimizer.parameters[i], optimizer.state[i]
            if isinstance(parameter, Tensor) and parameter.size <= SHORT:
                precisions = [state[name].dtype for name in optimizer.state_names]
                alike = optimizer.steps[i], parameter.dtype, *precisions
                together.setdefault(alike, []).append(i)
        self.reached = reached
        self.joined = [Joined(optimizer, places) for places in together.values() if places[1:]]
        joined = {i for group in self.joined for i in group.places}
        self.alone = [i for i in reached if i not in joined]


class Joined:
    """Short Tensors in a row, of one precision and as many steps each, and so their states.

    The numbers of the Tensors come and go with every step; of the states there are only views.
    """

    def __init__(self, optimizer: "Optimizer", places: list[int]) -> None:
        self.places = places
        self.tensors = [optimizer.parameters[i] for i in places]
        self.x = np.concatenate([tensor._data for tensor in self.tensors], axis=None)
        self.grad = np.empty_like(self.x)
        self.parts, self.parts_of_grad = self._cut(self.x), self._cut(self.grad)
        self.state: State = {}
        self.parts_of_state: dict[str, list[Array]] = {}
        states = [optimizer.state[i] for i in places]
        for name in optimizer.state_names:
            row = np.concatenate([state[name] for state in states], axis=None)
            self.state[name], self.parts_of_state[name] = row, self._cut(row)
            for state, part in zip(states, self.parts_of_state[name], strict=True):
                state[name] = part

    def _cut(self, row: Array) -> list[Array]:
        parts = np.split(row, np.cumsum([tensor.size for tensor in self.tensors])[:-1])
        return [
            part.reshape(tensor.shape) for part, tensor in zip(parts, self.tensors, strict=True)
        ]

    def holds(self, optimizer: "Optimizer") -> bool:
        """Whether all is as it was: a state may have been loaded, or this may be a copy."""
        if self.parts[0].base is not self.x:
            return False
        step, rows = optimizer.steps[self.places[0]], self.parts_of_state.items()
        for k, (i, tensor) in enumerate(zip(self.places, self.tensors, strict=True)):
            if optimizer.parameters[i] is not tensor or optimizer.steps[i] != step:
                return False
            if tensor._data.dtype != self.x.dtype:
                return False
            state = optimizer.state[i]
            for name, parts in rows:
                if state[name] is not parts[k] or parts[k].base is not self.state[name]:
                    return False
        return True

    def update(self, optimizer: "Optimizer") -> None:
        """Update all of the Tensors at once."""
        parts = zip(self.tensors, self.parts, self.parts_of_grad, strict=True)
        for tensor, part, part_of_grad in parts:
            part[...] = tensor._data
            part_of_grad[...] = plain(tensor._grad)
        step = optimizer.steps[self.places[0]]
        update_array(optimizer.update, self.x, self.grad, self.state, step)
        for tensor, part in zip(self.tensors, self.parts, strict=True):
            tensor._data[...] = part


def update_array(update: Update, x: Array, grad: Array, state: State, step: int) -> None:
    """Update an array where it is, by an elementwise rule, stretch by stretch if it is long."""
    if x.size >= 2 * LONG and all(array.flags.c_contiguous for array in (x, *state.values())):
        row, grad = x.reshape(-1), grad.reshape(-1)
        rows = {name: array.reshape(-1) for name, array in state.items()}
        for start in range(0, x.size, LONG):
            part = slice(start, start + LONG)
            of_part = {name: row[part] for name, row in rows.items()}
            update_array(update, row[part], grad[part], of_part, step)
        return
    new = dict(state)
    moved = update(x, grad, new, step)
    if moved is not x:  # a rule may make new arrays as well
        x[...] = moved
    for name, array in state.items():
        if new[name] is not array:
            array[...] = new[name]
    if len(new) != len(state):
        raise TypeError(
            f"an elementwise update has a state of its state_names alone, {sorted(state)}, but "
            f"left {sorted(new)}; name all of them, or do not mark it as elementwise"
        )


def plain(grad: Any) -> Any:
    """The numbers of a gradient, which after `create_graph` is a node."""
    return grad._data if isinstance(grad, Node) else grad
