"""Value: a float that remembers where it came from, the scalar twin.

Everything that is calculus is in `rules`, everything that is graph in `node`; left here is what
makes a float a float: what counts as one number, and how it prints.
"""

from typing import Any

import numpy as np

from .changes import clock
from .errors import GraphError
from .node import Node
from .spent import spend_by_hand
from .tape import Tape, ask


class Value(Node):
    """A number with a `data`, a `grad`, and the memory of how it was computed.

    Raises `TypeError` for what is not one real number.

    >>> from twingrad import Value
    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> loss = (a * b + 10.0) ** 2
    >>> loss.backward()
    >>> loss.data, a.grad, b.grad
    (16.0, -24.0, 16.0)
    """

    __slots__ = ()

    holds = float

    def __init__(self, data: Any, *, label: str = "") -> None:
        Node.made += 1
        self._begin(as_float(data), label)

    @property
    def data(self) -> float:
        """The number. Assigning another makes what was computed before out of date."""
        data: float = self._data if Tape.running.get() is None else float(self)
        return data

    @data.setter
    def data(self, data: Any) -> None:
        if Tape.running.get() is not None:
            raise GraphError(
                "a function that is recorded cannot assign to .data: a replay would not do it "
                "again; assign before or after, or compute with another Value"
            )
        number = as_float(data)
        if number != self._data:
            self._moved(clock.tick())
            if self._grad is not None:
                spend_by_hand(self)
            self._data = number

    @property
    def grad(self) -> Any:
        """The gradient collected so far, 0.0 at first; a Value after `create_graph`."""
        if not isinstance(self._grad, Value) and Tape.running.get() is not None:
            raise GraphError(
                "a gradient that is a plain number cannot be computed anew by a replay, so it has "
                "no part in a function that is recorded; use tg.grad, or "
                "backward(create_graph=True)"
            )
        return 0.0 if self._grad is None else self._grad

    @grad.setter
    def grad(self, grad: Any) -> None:
        self._grad = grad if grad is None or isinstance(grad, Value) else as_float(grad)

    # What Node asks of its twins

    def _held(self, data: Any) -> float:
        return as_float(data)

    def _operand(self, x: Any) -> Node:
        if isinstance(x, Node):
            if isinstance(x, Value):
                return x
            raise TypeError(
                "a Value and a Tensor do not mix; take the number, float(value) or "
                "tensor.item(), if no gradient should flow, or build both from one twin"
            )
        return self._make(as_float(x), constant=True)

    def _seed(self, gradient: Any) -> float:
        return 1.0 if gradient is None else as_float(gradient)

    def _as_gradient(self, gradient: Any) -> Any:
        return gradient if isinstance(gradient, Value) else as_float(gradient)

    def __reduce_ex__(self, protocol: Any) -> Any:
        float(self)  # while recording, whoever copies the number must find the same again
        return super().__reduce_ex__(protocol)

    # What a float can do

    def __float__(self) -> float:
        number: float = ask(float, self, None, self._data)
        return number

    def __int__(self) -> int:
        return int(ask(int, self, None, self._data))

    def __bool__(self) -> bool:
        return bool(ask(bool, self, None, self._data))

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec else repr(self)

    def __repr__(self) -> str:
        grad = "0.0" if self._grad is None else repr(self._grad)
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._data!r}, grad={grad}{label})"


def as_float(x: Any) -> float:
    """One real number as a float; NumPy's scalars and 0-d arrays are numbers."""
    if type(x) is float:
        return x
    if isinstance(x, int | float | np.bool_ | np.integer | np.floating):
        return float(x)
    if isinstance(x, np.ndarray) and x.dtype.kind in "biuf":
        if x.ndim == 0:
            return float(x)
        raise TypeError(
            f"a Value holds one number, but an array of shape {x.shape} came; use "
            "tg.Tensor(array), or a list, [v * x for x in array]"
        )
    if isinstance(x, Node):
        raise TypeError(
            f"expected a plain number, but a {type(x).__name__} came, which is a node already; "
            "use it as it is, or take its number: float(value), tensor.item()"
        )
    if isinstance(x, list | tuple):
        raise TypeError(
            f"a Value holds one number, but a {type(x).__name__} of {len(x)} came; use "
            "tg.Tensor(list), or a list of Values, [Value(x) for x in list]"
        )
    raise TypeError(
        f"a Value holds one real number, but {x!r}, a {type(x).__name__}, came; convert it with "
        "float() first"
    )
