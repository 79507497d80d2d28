"""Tensor: an array that remembers where it came from, Value's twin.

The same operators run the same rules; left here is what makes an array an array: dtypes,
broadcasting, memory of its own, and the operations that only arrays have.
"""

from collections.abc import Callable, Iterator
from sys import getrefcount
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from .array_operators import ArrayOperators
from .array_rules import matmul
from .arrays import Array, as_array, fit_gradient
from .changes import clock, fingerprint
from .errors import ShapeError
from .node import NO_STATIC, Node
from .spent import spend_by_hand, spent
from .symbols import operation_name


class Tensor(Node, ArrayOperators):
    """An array with a `data`, a `grad`, and the memory of how it was computed.

    The data is copied. Floats keep their dtype, integers and booleans become float64. `grad` is
    None until a backward pass comes, then an array of the same shape and dtype.

    Raises `TypeError` for what is not real numbers, `ShapeError` for ragged lists.

    >>> from twingrad import Tensor
    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> (x * x).sum().backward()
    >>> x.grad
    array([[2., 4.],
           [6., 8.]])
    """

    __slots__ = ("_seen",)

    holds = np.ndarray
    _data: Array
    _seen: Any
    """The fingerprint of the data, once somebody has got hold of the array and may write in it."""

    def __init__(self, data: Any, *, label: str = "", dtype: npt.DTypeLike | None = None) -> None:
        self._begin(as_array(data, dtype, copy=True), label)

    def _begin(self, data: Any, label: str, constant: bool = False) -> None:
        self._seen = None
        Node._begin(self, data, label, constant)

    @property
    def data(self) -> Array:
        """The numbers themselves. Assigning copies into them; another shape is a `ShapeError`."""
        data: Array = self._data
        if self._seen is None:
            self._seen = fingerprint(data)
        return data

    @data.setter
    def data(self, data: Any) -> None:
        if data is self._data:  # `p.data -= step` has done it already
            self._assigned()
            return
        array = as_array(data)
        if array.shape != self.shape:
            raise ShapeError(
                f"this Tensor has shape {self.shape}, but data of shape {array.shape} came; "
                "assign an array of the same shape, or make a new Tensor"
            )
        if not np.array_equal(self._data, array):
            self._assigned()
        self._data[...] = array

    def _assigned(self) -> None:
        self._moved(clock.tick())
        if self._grad is not None:
            spend_by_hand(self)

    def _moved(self, now: int) -> None:
        self._stamp = -now if self.parents else now
        if self._seen is not None:
            self._seen = _TO_BE_SEEN

    def look(self) -> None:
        """Notice what was written into the array that `data` had given out."""
        now = fingerprint(self._data)
        if now != self._seen:
            if self._seen is not _TO_BE_SEEN:
                self._moved(clock.tick_late())
                if self._grad is not None:
                    spend_by_hand(self)
            self._seen = now
        if self._data.base is None and getrefcount(self._data) == _ALONE:
            self._seen = None  # whoever had the array, or a view of it, has let go of it

    @property
    def grad(self) -> Any:
        """The gradient collected so far, None at first; a Tensor after `create_graph`."""
        return self._grad

    @grad.setter
    def grad(self, grad: Any) -> None:
        if grad is self._grad:
            spent.forget(grad)  # `p.grad *= share` has done it already
        elif grad is not None:
            if not isinstance(grad, Tensor):
                grad = as_array(grad, self.dtype, copy=True)
            if grad.shape != self.shape:
                raise ShapeError(
                    f"this Tensor has shape {self.shape}, but a gradient of shape {grad.shape} came"
                )
        self._grad = grad

    # What Node asks of its twins

    @np.errstate(all="ignore")  # NumPy warns where IEEE has an answer
    def _apply(
        self,
        rule: Callable[..., Any],
        operands: tuple[Any, ...],
        static: dict[str, Any] = NO_STATIC,
    ) -> Self:
        for x in operands:
            if type(x) is Tensor and x._seen is not None and not x.parents:
                x.look()
        try:
            node = super()._apply(rule, operands, static)
        except ValueError as error:
            _explain_shapes(rule, operands, error)
            raise
        if node._data.dtype.kind != "f":
            node._data = as_array(node._data)
        node._seen = None
        return node

    def _held(self, data: Any) -> Array:
        return as_array(data)

    def _operand(self, x: Any) -> Node:
        if isinstance(x, Node):
            if isinstance(x, Tensor):
                return x
            raise TypeError(
                "a Tensor and a Value do not mix; take the number, float(value) or "
                "tensor.item(), if no gradient should flow, or build both from one twin"
            )
        return self._make(as_array(x, self.dtype), constant=True)

    def _seed(self, gradient: Any) -> Array:
        if gradient is None:
            if self._data.size != 1:
                raise ShapeError(
                    f"backward() starts from a single number, but this Tensor has shape "
                    f"{self.shape}; call .sum() or .mean() on it first, or give backward() the "
                    "gradient to start from"
                )
            return np.ones_like(self._data)
        seed = as_array(gradient, self.dtype, copy=True)
        if seed.shape != self.shape:
            raise ShapeError(
                f"the gradient that backward() starts from has shape {seed.shape}, but this "
                f"Tensor has shape {self.shape}; they must be equal"
            )
        return seed

    def _received(self, gradient: Any, passed_on: Any, sender: Node) -> Any:
        if isinstance(passed_on, Node):  # a graph of gradients: a plain one is a constant of it
            gradient = self._operand(gradient)
        return fit_gradient(gradient, self._data, passed_on, sender)

    def _as_gradient(self, gradient: Any) -> Any:
        return gradient if isinstance(gradient, Tensor) else np.asarray(gradient)

    def __reduce_ex__(self, protocol: Any) -> Any:
        make, arguments, (own, slots) = super().__reduce_ex__(protocol)
        return make, arguments, (own, {**slots, "_seen": None})

    # What an array can tell

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The precision: float64, float32 …"""
        return self._data.dtype

    def numpy(self) -> Array:
        """A copy of the numbers, as a NumPy array."""
        return self._data.copy()

    def item(self) -> float:
        """The number of a Tensor that has one element."""
        if self.size != 1:
            raise ShapeError(
                f"item() takes the only number, but this Tensor has shape {self.shape}; index "
                "it first, or use .numpy()"
            )
        return float(self._data.item())

    def __float__(self) -> float:
        return self.item()

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ShapeError(
                f"a Tensor of shape {self.shape} is neither true nor false; compare and then "
                "ask the array: (tensor > 0).all()"
            )
        return bool(self._data.item())

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("a Tensor of shape () has no length; use .item()")
        return len(self._data)

    def __contains__(self, number: Any) -> bool:
        return bool((self._data == getattr(number, "_data", number)).any())

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __repr__(self) -> str:
        numbers = np.array2string(self._data, separator=", ", prefix="Tensor(")
        dtype = "" if self.dtype == np.float64 else f", dtype={self.dtype}"
        label = f", label={self.label!r}" if self.label else ""
        if self._grad is None:
            grad = "None"
        elif isinstance(self._grad, Node):
            grad = repr(self._grad)
        else:
            grad = np.array2string(self._grad, separator=", ", prefix="       grad=")
        line = "\n       " if "\n" in numbers else " "
        return f"Tensor({numbers},{line}grad={grad}{dtype}{label})"


_unheld = Tensor(0.0)
_ALONE = getrefcount(_unheld._data)
"""The references to an array that nobody else holds: its Tensor's, and that of who counts them."""
_TO_BE_SEEN = b"written into by those who say so: an assignment, an optimizer"


def _explain_shapes(rule: Callable[..., Any], operands: tuple[Any, ...], error: ValueError) -> None:
    """Raise a clearer error if the operands' shapes are what is wrong."""
    shapes = [np.shape(x) for x in operands]
    if rule is matmul:
        raise ShapeError(
            f"cannot multiply shapes {shapes[0]} @ {shapes[1]}: the last axis of the first must "
            f"match the {'only' if len(shapes[1]) < 2 else 'last but one'} axis of the second; "
            "transpose one of them, or use * for a product element by element"
        ) from error
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        if isinstance(error, ShapeError):
            return
        listed = " and ".join(str(shape) for shape in shapes)
        raise ShapeError(
            f"{operation_name(rule)!r} cannot combine shapes {listed}: from the last axis "
            "backwards, lengths must be equal or 1; use reshape, expand_dims or transpose"
        ) from error
