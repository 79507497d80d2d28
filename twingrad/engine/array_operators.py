"""What a Tensor can do and a Value cannot: products, reductions, shapes, indexing.

Names and axes are NumPy's. Each method checks its arguments and names its rule.
"""

from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np
import numpy.typing as npt

from . import array_rules
from .array_functions import Axis
from .errors import ShapeError
from .operators import function


class ArrayOperators:
    """The part of Tensor that is about axes and shapes."""

    __slots__ = ()

    _data: npt.NDArray[Any]

    if TYPE_CHECKING:

        def _apply(
            self, rule: Any, operands: tuple[Any, ...], static: dict[str, Any] = ...
        ) -> Self: ...

    # Products

    def __matmul__(self, other: Any) -> Self:
        return self._apply(array_rules.matmul, (self, other))

    def __rmatmul__(self, other: Any) -> Self:
        return self._apply(array_rules.matmul, (other, self))

    @function
    def matmul(self, other: Any) -> Self:
        """The matrix product, as `@`: (…, n, m) @ (…, m, k) -> (…, n, k)."""
        return self._apply(array_rules.matmul, (self, other))

    # Reductions

    @function
    def sum(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """The sum over an axis, several, or all."""
        return self._reduce(array_rules.sum, axis, keepdims)

    @function
    def mean(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """The mean over an axis, several, or all."""
        return self._reduce(array_rules.mean, axis, keepdims)

    @function
    def max(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """The greatest over an axis, several, or all; ties share the gradient evenly."""
        return self._reduce(array_rules.max, axis, keepdims)

    @function
    def min(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """The least over an axis, several, or all; ties share the gradient evenly."""
        return self._reduce(array_rules.min, axis, keepdims)

    @function
    def var(self, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Self:
        """The variance, divided by n - ddof as in NumPy (PyTorch's default is ddof=1)."""
        return self._reduce(array_rules.var, axis, keepdims, ddof=ddof)

    @function
    def std(self, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Self:
        """The root of the variance; its gradient is 0 where all numbers are equal."""
        return self._reduce(array_rules.std, axis, keepdims, ddof=ddof)

    @function
    def logsumexp(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """log of the sum of exp over an axis, several, or all, without overflow."""
        return self._reduce(array_rules.logsumexp, axis, keepdims)

    @function
    def softmax(self, axis: Axis = -1) -> Self:
        """exp over its sum along an axis (the last; None for all numbers together)."""
        return self._reduce(array_rules.softmax, axis)

    @function
    def log_softmax(self, axis: Axis = -1) -> Self:
        """The logarithm of the softmax, exact where the softmax underflows."""
        return self._reduce(array_rules.log_softmax, axis)

    def _reduce(self, rule: Any, axis: Axis, keepdims: bool | None = None, **static: int) -> Self:
        axes = axis if axis is None else _checked_axes(axis, self._data.shape)
        if keepdims is not None:
            if not isinstance(keepdims, bool | np.bool_):
                raise TypeError(f"keepdims is True or False, not {keepdims!r}")
            static["keepdims"] = bool(keepdims)
        return self._apply(rule, (self,), {"axis": axes, **static})

    # Shapes

    @property
    def T(self) -> Self:  # noqa: N802 - the name NumPy gave it
        """The axes in reverse order."""
        return self.transpose()

    @function
    def reshape(self, *shape: Any) -> Self:
        """The same numbers in another shape; one length may be -1."""
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        try:
            lengths = np.empty(self._data.shape, dtype=bool).reshape(wanted).shape
        except (ValueError, TypeError) as error:
            raise ShapeError(
                f"cannot reshape {self._data.shape} ({self._data.size} numbers) into "
                f"{tuple(wanted)}"
            ) from error
        return self._apply(array_rules.reshape, (self,), {"shape": lengths})

    @function
    def transpose(self, *axes: Any) -> Self:
        """The axes in the order given, or reversed."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        ndim = self._data.ndim
        if not order:
            order = tuple(reversed(range(ndim)))
        if sorted(a % ndim if -ndim <= a < ndim else a for a in order) != list(range(ndim)):
            raise ShapeError(f"transpose needs each of {ndim} axes once, but {tuple(order)} came")
        return self._apply(array_rules.transpose, (self,), {"axes": tuple(a % ndim for a in order)})

    @function
    def squeeze(self, axis: Axis = None) -> Self:
        """The axes of length one left out: all of them, or those given."""
        shape = self._data.shape
        if axis is not None:
            axis = _checked_axes(axis, shape)
            long = [a for a in np.atleast_1d(axis).tolist() if shape[a] != 1]
            if long:
                raise ShapeError(
                    f"squeeze leaves out axes of length 1, but axis {long[0]} of shape {shape} "
                    f"has length {shape[long[0]]}"
                )
        return self._apply(array_rules.squeeze, (self,), {"axis": axis})

    @function
    def expand_dims(self, axis: int | tuple[int, ...]) -> Self:
        """An axis of length one put in, so that it stands at the place given."""
        try:
            return self._apply(array_rules.expand_dims, (self,), {"axis": axis})
        except np.exceptions.AxisError as error:
            raise ShapeError(
                f"axis {axis!r} does not fit a Tensor of shape {self._data.shape} that gets an axis"
            ) from error

    @function
    def broadcast_to(self, shape: tuple[int, ...]) -> Self:
        """The numbers repeated to a larger shape, by NumPy's rules."""
        try:
            lengths = np.broadcast_shapes(self._data.shape, shape)
        except ValueError as error:
            raise ShapeError(f"cannot broadcast {self._data.shape} to {shape}") from error
        if lengths != (tuple(shape) if not isinstance(shape, int) else (shape,)):
            raise ShapeError(f"cannot broadcast {self._data.shape} to the smaller {shape}")
        return self._apply(array_rules.broadcast_to, (self,), {"shape": lengths})

    @function
    def astype(self, dtype: npt.DTypeLike) -> Self:
        """The numbers at another precision, float32 or float64."""
        if np.dtype(dtype).kind != "f":
            raise TypeError(
                f"a Tensor holds floats, but dtype={dtype!r} came; use float32 or float64"
            )
        return self._apply(array_rules.astype, (self,), {"dtype": np.dtype(dtype)})

    # Indexing

    def __getitem__(self, index: Any) -> Self:
        """Whatever NumPy's indexing takes; a place taken twice gets both gradients."""
        return self._apply(array_rules.getitem, (self,), {"index": _own_index(index)})

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError(
            "a Tensor's items cannot be assigned: what was computed from them would not know; "
            "use tg.where(mask, new, tensor), or, to change a parameter outside any graph, "
            "tensor.data[index] = value"
        )


def _checked_axes(axis: Any, shape: tuple[int, ...]) -> Any:
    axes = axis if isinstance(axis, tuple) else (axis,)
    for a in axes:
        if not isinstance(a, int | np.integer) or not -len(shape) <= a < len(shape):
            raise ShapeError(f"axis {a!r} does not fit a Tensor of shape {shape}")
    counted = tuple(int(a) % len(shape) for a in axes)
    if len(set(counted)) < len(counted):
        raise ShapeError(f"axis {axis!r} names an axis of shape {shape} twice")
    return counted if isinstance(axis, tuple) else counted[0]


def _own_index(index: Any) -> Any:
    """The index with arrays copied and lists made arrays, so that later changes do not reach it."""
    return tuple(map(_own_part, index)) if isinstance(index, tuple) else _own_part(index)


def _own_part(part: Any) -> Any:
    if isinstance(part, ArrayOperators):
        raise TypeError(
            "a Tensor holds floats, which are no positions; index with integers: "
            "tensor.numpy().astype(int)"
        )
    if part is None or part is Ellipsis or isinstance(part, int | np.integer | slice | np.bool_):
        return part
    positions = np.array(part)
    return (
        positions if positions.size else positions.astype(bool if positions.dtype == bool else int)
    )
