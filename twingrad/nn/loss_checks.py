"""What a loss accepts as outputs and targets, and how it makes one number of many.

Outputs are a Tensor, or Values in lists; targets become plain arrays, and where they could be
read in two ways they are refused.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import engine
from ..engine import Node, ShapeError, Tensor, Value
from ..engine.array_functions import by_columns
from ..engine.tape import recorded_numbers

NO_OUTPUTS = "a loss needs at least one output, but none came"
Array = npt.NDArray[Any]


def plain(targets: Any) -> Array:
    """Targets as an array of numbers, or of the Values that a recording has in their place."""
    if isinstance(targets, Node | list | tuple | np.ndarray):
        nodes = _nodes_in(targets)
        if nodes is not None:
            return nodes
    if isinstance(targets, Node):
        if not targets.constant:
            raise TypeError(
                "these targets get no gradient, but a node that wants one came; pass plain "
                "numbers, or targets.detach()"
            )
        return np.array(targets._data)
    try:
        array = np.asarray(targets)
    except ValueError:
        raise ShapeError("targets need rows of equal length, but these are ragged") from None
    if array.dtype.kind not in "biuf":
        number = "; number the classes, np.unique(targets, return_inverse=True)[1]"
        raise TypeError(
            f"targets are numbers, but an array of dtype {array.dtype} came"
            f"{number if array.dtype.kind in 'UST' else ''}"
        )
    return array


def _nodes_in(targets: Any) -> Array | None:
    """The constant Values that stand for targets, as an array of them; None if there are none."""
    if isinstance(targets, Tensor) or (isinstance(targets, np.ndarray) and targets.dtype != object):
        return None
    found = flat(targets)
    if not found or not all(isinstance(x, Value) and x.constant for x in found):
        return None
    return np.fromiter(found, object, len(found)).reshape(shape_of(targets))


def checked(targets: Array, check: Callable[[Array], None]) -> Array:
    """The targets, after a check of their numbers that raises if they will not do.

    Where the targets are Values that a recording replays, so is the check.
    """
    if targets.dtype == object:
        recorded_numbers(targets, check)
    else:
        check(targets)
    return targets


def distributions(
    loss: str, outputs: str, labels: Array, shape: tuple[int, ...], dtype: Any
) -> Array:
    """Labels as one row of probabilities for each row of the outputs.

    `loss` and `outputs`, such as "logits", are what errors call them. The rows are of `dtype`.
    """
    classes = shape[-1]
    whole = labels.dtype.kind in "iub"
    if labels.shape == shape:
        if whole:
            raise TypeError(
                f"labels of shape {shape} are read as one-hot rows, which are floats, but "
                "integers came; use labels.astype(float), or labels.argmax(axis=-1)"
            )
        rows = checked(labels, _check_rows)
        return rows if rows.dtype == object else rows.astype(dtype, copy=False)
    if labels.shape != shape[:-1]:
        raise ShapeError(
            f"{loss} got {outputs} of shape {shape}, so labels have shape {shape[:-1]} "
            f"(class indices) or {shape} (one-hot rows), but {labels.shape} came"
            f"{'; use labels.ravel()' if labels.shape == (*shape[:-1], 1) else ''}"
        )
    if not whole and labels.dtype != object:
        raise TypeError(f"class indices are integers, but {labels.dtype} came; use .astype(int)")

    def check(numbers: Array) -> None:
        if whole and numbers.min(initial=0) >= 0 and numbers.max(initial=0) < classes:
            return
        wrong = numbers[(numbers < 0) | (numbers >= classes) | (numbers != np.floor(numbers))]
        if wrong.size:
            low, high = float(numbers.min()), float(numbers.max())
            raise ValueError(
                f"label {wrong.flat[0]:g} is out of range: {classes} {outputs} are classes 0 to "
                f"{classes - 1}{_renumbered(low, high, classes)}"
            )

    if checked(labels, check).dtype == object:
        return _one_hot_nodes(labels, classes)
    one_hot = np.zeros((labels.size, classes), dtype=dtype)
    one_hot[np.arange(labels.size), labels.astype(int).ravel()] = 1.0
    turned: Array = by_columns(one_hot.reshape(shape))
    return turned


def _renumbered(low: float, high: float, classes: int) -> str:
    """How labels that go from `low` to `high` become class indices."""
    if (low, high, classes) == (-1.0, 1.0, 2):
        return "; labels of -1 and 1 become (labels + 1) // 2"
    if low >= 1.0 and high == classes:
        return f"; labels of 1 to {classes} become labels - 1"
    if low >= 0.0:
        return f"; end the model with {high + 1:g} outputs, one for each class"
    return ""


def _check_rows(rows: Array) -> None:
    sums = rows.sum(axis=-1)
    wrong = ~np.isclose(sums, 1.0, atol=1e-5) | (rows < 0).any(axis=-1)
    if wrong.any():
        i = int(np.argmax(wrong))
        which = f"row {i}" if rows.ndim > 1 else "this one"
        raise ValueError(
            f"each row of one-hot labels must be at least 0 and sum to 1, but {which}, "
            f"{some(np.atleast_2d(rows)[i])}, sums to {np.ravel(sums)[i]:g}; a class index for "
            "each sample, rows.argmax(axis=-1), is simpler, or divide each row by its sum"
        )


def _one_hot_nodes(labels: Array, classes: int) -> Array:
    """One-hot rows as Values computed from labels, so that a recording computes them anew."""
    nodes = [(1.0 - abs(x - k)).relu() for x in labels.ravel().tolist() for k in range(classes)]
    return np.fromiter(nodes, object, len(nodes)).reshape((*labels.shape, classes))


def reduced(losses: Any, reduction: str) -> Any:
    """The mean or the sum of a Tensor's elements, or of Values in a list."""
    if reduction not in ("mean", "sum"):
        raise ValueError(f'reduction is "mean" or "sum", not {reduction!r}')
    count = losses.size if isinstance(losses, Tensor) else len(losses)
    if count == 0:
        raise ShapeError(NO_OUTPUTS)
    if isinstance(losses, Tensor):
        return losses.mean() if reduction == "mean" else losses.sum()
    total = engine.sum(losses)
    return total / count if reduction == "mean" else total


def shape_of(tree: Any) -> tuple[int, ...]:
    """The shape of a Tensor, an array, or of Values in lists of equal lengths."""
    if isinstance(tree, Tensor | np.ndarray):
        shape: tuple[int, ...] = tree.shape
        return shape
    if not isinstance(tree, list | tuple):
        return ()
    shapes = {shape_of(branch) for branch in tree}
    if len(shapes) > 1:
        raise ShapeError(f"outputs need rows of equal length, but shapes {sorted(shapes)} came")
    return (len(tree), *(shapes.pop() if shapes else ()))


def flat(tree: Any) -> list[Any]:
    """The numbers of an array, or the Values in lists, in order."""
    if isinstance(tree, np.ndarray):
        return list(tree.ravel().tolist())
    if isinstance(tree, list | tuple):
        return [leaf for branch in tree for leaf in flat(branch)]
    return [tree]


def some(numbers: Array) -> str:
    """The first few of some numbers, for an error."""
    shown = ", ".join(f"{number:g}" for number in numbers[:5])
    return shown + (", …" if len(numbers) > 5 else "")
