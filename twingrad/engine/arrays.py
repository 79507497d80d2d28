"""What counts as an array of numbers, and how a gradient is made to fit one.

Rules hold calculus and nothing else; here is the rest that arrays need: dtypes, the sum over
axes that broadcasting added, and memory that no two gradients share.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import GraphError, ShapeError
from .functions import Operand, Traced

if TYPE_CHECKING:
    from .node import Node

Array = npt.NDArray[Any]
_RULES_OF_OURS = __name__.rpartition(".")[0]


def as_array(x: Any, dtype: npt.DTypeLike | None = None, *, copy: bool = False) -> Array:
    """Real numbers as an array of floats: those keep their dtype, others become float64."""
    if type(x) is np.ndarray and x.dtype.kind == "f" and not copy:
        if dtype is None or dtype is x.dtype:
            return x  # most of what comes, and comes in every operation
    if isinstance(x, Traced):
        raise TypeError(
            f"expected plain numbers, but a {type(x).__name__} came, which is a node already; "
            "use it as it is, or take its numbers: tensor.numpy(), float(value)"
        )
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(
            "a Tensor has no mask, and would take masked numbers for numbers; use "
            "array.filled(0.0) or array.compressed() first"
        )
    try:
        array = np.asarray(x)
    except ValueError:
        raise ShapeError(
            "a Tensor needs rows of equal length, but these numbers are ragged; pad them, or "
            "make one Tensor of each"
        ) from None
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"a Tensor holds real numbers, but {_described(array)} came; convert to floats first"
        )
    wanted = array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)
    if dtype is not None:
        wanted = np.dtype(dtype)
        if wanted.kind != "f":
            raise TypeError(
                f"a Tensor holds floats, because only those have gradients, but dtype={dtype!r} "
                "came; use float32 or float64"
            )
    if array.dtype == wanted:
        return np.array(array, order="C") if copy else array
    with np.errstate(all="ignore"):  # what does not fit is infinite
        return array.astype(wanted, order="C" if copy else "K")


def _described(array: Array) -> str:
    if array.dtype.kind == "c":
        return "complex numbers"
    if array.dtype.kind in "US":
        return f"text ({str(array.flat[0])!r})" if array.size else "text"
    return f"an array of dtype {array.dtype}"


def fit_gradient(gradient: Operand, operand: Array, passed_on: Operand, sender: "Node") -> Operand:
    """A gradient from a pullback in the operand's shape and dtype, in memory that is its own.

    `passed_on` is the gradient that the pullback was given: it may have handed that, or a view
    of it, to several operands, and a rule of the user's may hand out an array it keeps.
    """
    if isinstance(gradient, Traced):
        return _cast(_summed_to(gradient, operand.shape, sender), operand.dtype)
    array = np.asarray(gradient)
    fitted = array if array.shape == operand.shape else _summed_to(array, operand.shape, sender)
    if fitted.dtype != operand.dtype:
        fitted = fitted.astype(operand.dtype)
    made_here = fitted is not array or (array is not passed_on and _is_ours(sender))
    return fitted if made_here and fitted.base is None else fitted.copy(order="K")


def _is_ours(sender: "Node") -> bool:
    return getattr(sender._rule, "__module__", "").startswith(_RULES_OF_OURS)


def _cast(gradient: Operand, dtype: Any) -> Operand:
    return gradient if gradient.dtype == dtype else gradient.astype(dtype)


def _summed_to(gradient: Operand, shape: tuple[int, ...], sender: "Node") -> Operand:
    """The gradient summed over the axes that broadcasting an operand of this shape had added."""
    if gradient.shape == shape:
        return gradient
    if gradient.ndim == 0:  # the same slope for every element
        return gradient + np.zeros(shape, dtype=gradient.dtype)
    added = gradient.ndim - len(shape)
    whole = added > 0 and gradient.shape[added:] == shape  # only whole axes, as of a bias
    padded = (1,) * added + shape
    fits = whole or (
        added >= 0 and all(n in (1, m) for n, m in zip(padded, gradient.shape, strict=True))
    )
    if not fits or not (_is_ours(sender) or gradient.shape == sender._data.shape):
        raise GraphError(
            f"the pullback of {sender.op!r} returned a gradient of shape {gradient.shape} for an "
            f"operand of shape {shape}; it must have the operand's shape, or that of the result"
        )
    if whole:
        return gradient.sum(axis=tuple(range(added)))
    axes = tuple(i for i, n in enumerate(padded) if n == 1 and gradient.shape[i] != 1)
    return gradient.sum(axis=axes, keepdims=True).reshape(shape)
