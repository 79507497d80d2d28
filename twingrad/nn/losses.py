"""Losses: one number that says how far outputs are from targets, for both twins.

Outputs are a Tensor, or Values in lists as a scalar model gives them; targets are plain numbers
of the same shape. No loss broadcasts: (N, 1) against (N,) is an error.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .. import engine
from ..engine import Node, ShapeError, Tensor, apply
from ..engine.array_rules import cross_entropy as cross_entropy_rule
from ..engine.list_rules import cross_entropy_of
from ..engine.rules import binary_cross_entropy as binary_cross_entropy_rule

_NO_OUTPUTS = "a loss needs at least one output, but none came"
Reduction = Literal["mean", "sum"]
Array = npt.NDArray[Any]


def mse_loss(outputs: Any, targets: Any, reduction: Reduction = "mean") -> Any:
    """(output - target)², its mean or sum over all elements.

    >>> from twingrad import Value
    >>> from twingrad.nn import mse_loss
    >>> mse_loss([Value(1.0), Value(3.0)], [0.0, 1.0]).data
    2.5
    """

    def squared(output: Any, target: Any) -> Any:
        error = output - target
        return error * error

    return _elementwise("mse_loss", squared, outputs, targets, reduction)


def hinge_loss(outputs: Any, targets: Any, reduction: Reduction = "mean") -> Any:
    """max(0, 1 - target · output) for targets of -1 and 1, its mean or sum: the SVM's loss."""
    signs = _plain(targets)
    if not np.isin(signs, (-1, 1)).all():
        raise ValueError(
            "hinge_loss takes targets of -1 and 1, but got "
            f"{_some(np.unique(signs))}; labels of 0 and 1 become 2 * labels - 1"
        )
    return _elementwise("hinge_loss", lambda o, t: (1.0 - t * o).relu(), outputs, signs, reduction)


def binary_cross_entropy_with_logits(
    outputs: Any, targets: Any, reduction: Reduction = "mean"
) -> Any:
    """-log of the probability that sigmoid(output) gives a target of 0 to 1, in nats.

    Stable for any logit; sigmoid is part of it, so a model ends without one.
    """
    chances = _plain(targets)
    if not ((chances >= 0) & (chances <= 1)).all():
        raise ValueError(
            "binary_cross_entropy_with_logits takes targets from 0 to 1, but got "
            f"{_some(np.unique(chances))}; targets of -1 and 1 become (targets + 1) / 2"
        )

    def surprise(output: Any, target: Any) -> Any:
        return apply(binary_cross_entropy_rule, output, target)

    return _elementwise("binary_cross_entropy_with_logits", surprise, outputs, chances, reduction)


def cross_entropy(logits: Any, labels: Any, reduction: Reduction = "mean") -> Any:
    """-log of the probability that softmax(logits) gives the label, in nats; over the batch.

    logits: (batch, classes), or (classes,) for one sample. labels: class indices, integers of
    shape (batch,), or distributions such as one-hot rows, floats of shape (batch, classes).

    Raises `ShapeError` for other shapes, `TypeError` for float indices and integer one-hot rows,
    `ValueError` for a label out of range or a row that does not sum to 1.
    """
    shape = _shape(logits)
    if 0 in shape:
        raise ShapeError(_NO_OUTPUTS)
    if not shape or len(shape) > 2:
        raise ShapeError(f"cross_entropy takes logits of shape (batch, classes), not {shape}")
    targets = _distributions(_plain(labels), shape)
    if isinstance(logits, Tensor):
        losses = apply(cross_entropy_rule, logits, targets=targets.astype(logits.dtype))
        return _reduced(losses, reduction)
    rows = [logits] if len(shape) == 1 else logits
    losses = [
        apply(cross_entropy_of, *row, *target)
        for row, target in zip(rows, np.atleast_2d(targets).tolist(), strict=True)
    ]
    return _reduced(losses, reduction)


def _distributions(labels: Array, shape: tuple[int, ...]) -> Array:
    """Labels as one row of probabilities for each row of the logits."""
    classes = shape[-1]
    whole = labels.dtype.kind in "iub"
    if labels.shape == shape:
        if whole:
            raise TypeError(
                f"labels of shape {shape} are read as one-hot rows, which are floats, but "
                "integers came; use labels.astype(float), or labels.argmax(axis=-1)"
            )
        if not np.allclose(labels.sum(axis=-1), 1.0, atol=1e-5) or (labels < 0).any():
            raise ValueError("each row of one-hot labels must be at least 0 and sum to 1")
        return labels
    if labels.shape != shape[:-1]:
        raise ShapeError(
            f"cross_entropy got logits of shape {shape}, so labels have shape {shape[:-1]} "
            f"(class indices) or {shape} (one-hot rows), but {labels.shape} came"
        )
    if not whole:
        raise TypeError(f"class indices are integers, but {labels.dtype} came; use .astype(int)")
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        wrong = labels[(labels < 0) | (labels >= classes)].flat[0]
        raise ValueError(
            f"label {wrong} is out of range: {classes} logits are classes 0 to {classes - 1}"
        )
    one_hot: Array = np.eye(classes)[labels.astype(int)]
    return one_hot


def _elementwise(
    name: str, loss: Callable[[Any, Any], Any], outputs: Any, targets: Any, reduction: Reduction
) -> Any:
    shape, plain = _shape(outputs), targets if isinstance(targets, Node) else _plain(targets)
    came = _shape(plain)
    if shape != came:
        raise ShapeError(
            f"{name} got outputs of shape {shape} and targets of shape {came}; they must be "
            f"equal, for broadcasting would pair every output with every target{_fix(shape, came)}"
        )
    if isinstance(outputs, Tensor):
        return _reduced(loss(outputs, plain), reduction)
    if any(isinstance(x, Tensor) for x in (plain, *(outputs if isinstance(outputs, list) else ()))):
        raise TypeError(f"{name} takes one Tensor of outputs, or Values in lists")
    pairs = zip(_flat(outputs), _flat(plain), strict=True)
    return _reduced([loss(output, target) for output, target in pairs], reduction)


def _fix(outputs: tuple[int, ...], targets: tuple[int, ...]) -> str:
    if outputs == (*targets, 1):
        return f": use outputs.squeeze({len(targets)}), or targets.reshape({outputs})"
    if targets == (*outputs, 1):
        return f": use targets.reshape({outputs})"
    return ""


def _reduced(losses: Any, reduction: str) -> Any:
    if reduction not in ("mean", "sum"):
        raise ValueError(f'reduction is "mean" or "sum", not {reduction!r}')
    count = losses.size if isinstance(losses, Tensor) else len(losses)
    if count == 0:
        raise ShapeError(_NO_OUTPUTS)
    if isinstance(losses, Tensor):
        return losses.mean() if reduction == "mean" else losses.sum()
    total = engine.sum(losses)
    return total / count if reduction == "mean" else total


def _plain(targets: Any) -> Array:
    """Targets as an array of numbers."""
    if isinstance(targets, Node):
        if not targets.constant:
            raise TypeError(
                "these targets get no gradient, but a node that wants one came; pass plain "
                "numbers, or targets.detach()"
            )
        return np.array(targets.data)
    try:
        array = np.asarray(targets)
    except ValueError:
        raise ShapeError("targets need rows of equal length, but these are ragged") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"targets are numbers, but an array of dtype {array.dtype} came")
    return array


def _shape(tree: Any) -> tuple[int, ...]:
    """The shape of a Tensor, an array, or of Values in lists of equal lengths."""
    if isinstance(tree, Tensor | np.ndarray):
        shape: tuple[int, ...] = tree.shape
        return shape
    if not isinstance(tree, list | tuple):
        return ()
    shapes = {_shape(branch) for branch in tree}
    if len(shapes) > 1:
        raise ShapeError(f"outputs need rows of equal length, but shapes {sorted(shapes)} came")
    return (len(tree), *(shapes.pop() if shapes else ()))


def _flat(tree: Any) -> list[Any]:
    if isinstance(tree, np.ndarray):
        return list(tree.ravel().tolist())
    if isinstance(tree, list | tuple):
        return [leaf for branch in tree for leaf in _flat(branch)]
    return [tree]


def _some(numbers: Array) -> str:
    shown = ", ".join(f"{number:g}" for number in numbers[:5])
    return shown + (", …" if len(numbers) > 5 else "")
