"""Losses: one number that says how far outputs are from targets, for both twins.

Outputs are a Tensor, or Values in lists as a scalar model gives them; targets are plain numbers
of the same shape. No loss broadcasts: (N, 1) against (N,) is an error.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from .. import engine
from ..engine import Node, ShapeError, Tensor, apply
from ..engine.array_rules import cross_entropy as cross_entropy_rule
from ..engine.list_rules import cross_entropy_of
from ..engine.rules import binary_cross_entropy as binary_cross_entropy_rule
from ..engine.rules import huber as huber_rule
from ..engine.rules import weigh
from .loss_checks import (
    NO_OUTPUTS,
    Array,
    checked,
    distributions,
    flat,
    plain,
    reduced,
    shape_of,
    some,
)
from .output_checks import warn_of_probabilities, warn_of_targets
from .settings import above_zero

Reduction = Literal["mean", "sum"]


def mse_loss(outputs: Any, targets: Any, reduction: Reduction = "mean") -> Any:
    """(output - target)², its mean or sum over all elements.

    Outputs and targets have one shape, whichever; else `ShapeError`.

    >>> from twingrad import Value
    >>> from twingrad.nn import mse_loss
    >>> mse_loss([Value(1.0), Value(3.0)], [0.0, 1.0]).data
    2.5
    """

    def squared(output: Any, target: Any) -> Any:
        error = output - target
        return error * error

    return _elementwise("mse_loss", squared, outputs, targets, reduction)


def l1_loss(outputs: Any, targets: Any, reduction: Reduction = "mean") -> Any:
    """|output - target|, its mean or sum over all elements; its slope at 0 is 0, as PyTorch's.

    Outputs and targets have one shape, whichever; else `ShapeError`.

    >>> from twingrad import Value
    >>> from twingrad.nn import l1_loss
    >>> l1_loss([Value(1.0), Value(3.0)], [0.0, 1.0]).data
    1.5
    """
    return _elementwise("l1_loss", lambda o, t: abs(o - t), outputs, targets, reduction)


def huber_loss(
    outputs: Any, targets: Any, reduction: Reduction = "mean", delta: float = 1.0
) -> Any:
    """error²/2 up to |error| = delta, from there on delta · (|error| - delta/2), a straight line.

    Its mean or sum over all elements. No error pulls harder than delta, so a few wild targets
    do not decide. Any error that is not nan, infinite ones too, has a finite gradient.

    Raises `ShapeError` for targets of another shape than the outputs, `ValueError` for a delta that
    is not a finite number above 0.

    Huber 1964, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics
    35(1). At |error| = delta the second derivative is 0, as PyTorch's.

    >>> from twingrad import Value
    >>> from twingrad.nn import huber_loss
    >>> huber_loss([Value(0.5), Value(11.0)], [0.0, 1.0], reduction="sum").data
    9.625
    """
    width = above_zero("delta", delta)

    def robust(output: Any, target: Any) -> Any:
        return apply(huber_rule, output - target, delta=width)

    return _elementwise("huber_loss", robust, outputs, targets, reduction)


def hinge_loss(outputs: Any, targets: Any, reduction: Reduction = "mean") -> Any:
    """max(0, 1 - target · output) for targets of -1 and 1, its mean or sum: the SVM's loss.

    Raises `ShapeError` for targets of another shape than the outputs, `ValueError` for others than
    -1 and 1.
    """

    def check(signs: Array) -> None:
        if not (np.abs(signs) == 1).all():
            raise ValueError(
                "hinge_loss takes targets of -1 and 1, but got "
                f"{some(np.unique(signs))}; labels of 0 and 1 become 2 * labels - 1"
            )

    signs = checked(plain(targets), check)
    return _elementwise("hinge_loss", lambda o, t: (1.0 - t * o).relu(), outputs, signs, reduction)


def binary_cross_entropy_with_logits(
    outputs: Any, targets: Any, reduction: Reduction = "mean"
) -> Any:
    """-log of the probability that sigmoid(output) gives a target of 0 to 1, in nats.

    Stable for any logit; sigmoid is part of it, so a model ends without one.

    Raises `ShapeError` for targets of another shape than the outputs, `ValueError` for targets that
    are no probabilities.
    """

    def check(chances: Array) -> None:
        if not ((chances >= 0) & (chances <= 1)).all():
            raise ValueError(
                "binary_cross_entropy_with_logits takes targets from 0 to 1, but got "
                f"{some(np.unique(chances))}; targets of -1 and 1 become (targets + 1) / 2"
            )

    chances = checked(plain(targets), check)

    def surprise(output: Any, target: Any) -> Any:
        return apply(binary_cross_entropy_rule, output, target)

    warn_of_probabilities("binary_cross_entropy_with_logits", "sigmoid", outputs)
    return _elementwise("binary_cross_entropy_with_logits", surprise, outputs, chances, reduction)


def cross_entropy(logits: Any, labels: Any, reduction: Reduction = "mean") -> Any:
    """-log of the probability that softmax(logits) gives the label, in nats; over the batch.

    logits: (batch, classes), or (classes,) for one sample. labels: class indices, integers of
    shape (batch,), or distributions such as one-hot rows, floats of shape (batch, classes).

    Raises `ShapeError` for other shapes, `TypeError` for float indices and integer one-hot rows,
    `ValueError` for a label out of range or a row that does not sum to 1.
    """

    def of_row(row: Any, target: list[Any]) -> Any:
        return apply(cross_entropy_of, *row, *target)

    def of_rows(tensor: Tensor, targets: Array) -> Any:
        return apply(cross_entropy_rule, tensor, targets=targets)

    warn_of_probabilities("cross_entropy", "softmax", logits)
    return _by_class("cross_entropy", "logits", logits, labels, reduction, of_rows, of_row)


def nll_loss(log_probabilities: Any, labels: Any, reduction: Reduction = "mean") -> Any:
    """-log of the probability of the label, of logarithms already taken, in nats; over the batch.

    log_probabilities: (batch, classes), or (classes,) for one sample, as `log_softmax` gives
    them. labels: as in `cross_entropy`, which is this loss of `log_softmax(logits)`. A class of
    probability 0, whose logarithm is -inf, counts nothing where no target is on it.

    Raises what `cross_entropy` raises, and `ValueError` for logarithms above 0, which are none
    of a probability: logits came, or the probabilities themselves. PyTorch takes them.

    >>> from twingrad import Tensor
    >>> from twingrad.nn import nll_loss
    >>> chances = Tensor([[0.5, 0.5], [0.125, 0.875]])
    >>> round(nll_loss(chances.log(), [0, 0]).item() / float(np.log(2.0)), 6)
    2.0
    """

    def of_row(row: Any, target: list[Any]) -> Any:
        return -engine.sum([apply(weigh, log, t) for log, t in zip(row, target, strict=True)])

    def of_rows(tensor: Tensor, targets: Array) -> Any:
        return -apply(weigh, tensor, targets).sum(axis=-1)

    def check(logarithms: Array) -> None:
        highest = float(np.max(logarithms))
        if highest > 1e-3:  # of half precision, 0 itself is known no better
            raise ValueError(
                f"nll_loss takes logarithms of probabilities, which are at most 0, but {highest:g} "
                "came; take log_softmax(logits), or use cross_entropy on the logits"
            )

    of = "log-probabilities"
    loss = _by_class("nll_loss", of, log_probabilities, labels, reduction, of_rows, of_row)
    outputs = flat(log_probabilities)
    if isinstance(log_probabilities, Tensor):
        check(log_probabilities._data)
    else:
        checked(np.fromiter(outputs, object, len(outputs)), check)
    return loss


def _by_class(
    name: str,
    of: str,
    outputs: Any,
    labels: Any,
    reduction: Reduction,
    of_rows: Callable[[Tensor, Array], Any],
    of_row: Callable[[Any, list[Any]], Any],
) -> Any:
    """A loss of rows against labels: of a Tensor's rows at once, or of each row of Values."""
    shape = shape_of(outputs)
    if 0 in shape:
        raise ShapeError(NO_OUTPUTS)
    if not shape or len(shape) > 2:
        raise ShapeError(f"{name} takes {of} of shape (batch, classes), not {shape}")
    dtype = outputs.dtype if isinstance(outputs, Tensor) else np.dtype(np.float64)
    targets = distributions(name, of, plain(labels), shape, dtype)
    if isinstance(outputs, Tensor):
        return reduced(of_rows(outputs, targets), reduction)
    rows = [outputs] if len(shape) == 1 else outputs
    pairs = zip(rows, np.atleast_2d(targets).tolist(), strict=True)
    return reduced([of_row(row, target) for row, target in pairs], reduction)


def _elementwise(
    name: str, loss: Callable[[Any, Any], Any], outputs: Any, targets: Any, reduction: Reduction
) -> Any:
    numbers = targets if isinstance(targets, Node) else plain(targets)
    shape, came = shape_of(outputs), shape_of(numbers)
    if shape != came:
        raise ShapeError(
            f"{name} got outputs of shape {shape} and targets of shape {came}; they must be "
            f"equal, for broadcasting would pair every output with every target{_fix(shape, came)}"
        )
    warn_of_targets(name, outputs, numbers._data if isinstance(numbers, Node) else numbers)
    if isinstance(outputs, Tensor):
        return reduced(loss(outputs, numbers), reduction)
    beside = outputs if isinstance(outputs, list) else ()
    if any(isinstance(x, Tensor) for x in (numbers, *beside)):
        raise TypeError(f"{name} takes one Tensor of outputs, or Values in lists")
    pairs = zip(flat(outputs), flat(numbers), strict=True)
    return reduced([loss(output, target) for output, target in pairs], reduction)


def _fix(outputs: tuple[int, ...], targets: tuple[int, ...]) -> str:
    if outputs == (*targets, 1):
        return f": use outputs.squeeze({len(targets)}), or targets.reshape({outputs})"
    if targets == (*outputs, 1):
        return f": use targets.reshape({outputs})"
    if len(outputs) == 2 and targets == outputs[:1]:
        return ": labels of classes go with cross_entropy"
    return ""
