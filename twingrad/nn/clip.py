"""Clipping: gradients cut down before a step, so that one wild batch cannot throw the model away.

Both change gradients where they are, between `backward()` and `optimizer.step()`.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..engine import AnomalyError, Node, Value
from ..engine import functions as fn
from .optimizer import listed_parameters
from .settings import above_zero_or_infinite


def clip_grad_norm(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = True,
) -> float:
    """Multiply all gradients by min(1, max_norm/(norm + 1e-6)); returns the norm they had.

    parameters: one or several. The norm is that of all their gradients as one vector, Euclidean
    unless `norm_type` says otherwise; inf is the largest magnitude. `max_norm=inf` only measures.
    Parameters without a gradient and frozen ones are passed by, as an optimizer does.

    Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063, Algorithm 1, in the form of PyTorch's
    `clip_grad_norm_`. It differs in two things: the norm is found in float64 and without
    overflow, whatever the gradients' precision; and a norm that is not finite, by which PyTorch
    makes every gradient nan or 0 in silence, is an error unless `error_if_nonfinite=False`.

    Raises `AnomalyError`, an `ArithmeticError`, for a norm that is not finite, before anything
    is changed; `TypeError` for gradients that are nodes, as `create_graph=True` makes them.

    >>> from twingrad import Value, nn
    >>> x, y = Value(0.0), Value(0.0)
    >>> x.grad, y.grad = 3.0, -4.0
    >>> norm = nn.clip_grad_norm([x, y], max_norm=0.5)
    >>> norm, round(x.grad, 6), round(y.grad, 6)
    (5.0, 0.3, -0.4)
    """
    limit = above_zero_or_infinite("max_norm", max_norm)
    power = above_zero_or_infinite("norm_type", norm_type)
    reached = _reached("clip_grad_norm", parameters)
    with np.errstate(all="ignore"):
        norm = _norm([parameter.grad for parameter in reached.values()], power)
        if error_if_nonfinite and not np.isfinite(norm):
            raise AnomalyError(_not_finite(norm, reached))
        factor = limit / (norm + 1e-6)
        if not factor >= 1.0:  # nan too
            for parameter in reached.values():
                if isinstance(parameter, Value):
                    parameter.grad = parameter.grad * factor
                else:  # in float64, for a factor may be too small for a float32
                    grad = parameter.grad
                    np.multiply(grad, factor, out=grad, dtype=np.float64, casting="same_kind")
    return norm


def clip_grad_value(parameters: Any, clip_value: float) -> None:
    """Bring every number in every gradient within [-clip_value, clip_value].

    parameters: one or several; those without a gradient and frozen ones are passed by. nan stays
    nan, as in PyTorch's `clip_grad_value_`.

    Raises `TypeError` for gradients that are nodes, as `create_graph=True` makes them.
    """
    limit = above_zero_or_infinite("clip_value", clip_value)
    for parameter in _reached("clip_grad_value", parameters).values():
        if isinstance(parameter, Value):
            parameter.grad = fn.maximum(fn.minimum(parameter.grad, limit), -limit)
        else:
            with np.errstate(over="ignore"):  # what is beyond a float32 limits none
                np.clip(parameter.grad, -limit, limit, out=parameter.grad)


def _reached(who: str, parameters: Node | Iterable[Any]) -> dict[int, Any]:
    """The parameters that have a gradient and are not frozen, by their position."""
    given = [parameters] if isinstance(parameters, Node) else parameters
    found = {
        i: parameter
        for i, parameter in enumerate(listed_parameters(who, given))
        if parameter._grad is not None and not parameter.constant
    }
    for i, parameter in found.items():
        if isinstance(parameter._grad, Node):
            raise TypeError(
                f"{who} changes gradients in place, but that of {_named(i, parameter)} is a node "
                "that remembers, from backward(create_graph=True); take plain gradients first: "
                "parameter.grad = parameter.grad.data"
            )
    return found


def _norm(gradients: list[Any], power: float) -> float:
    """(Σ|g|^power)^(1/power), of numbers divided by the largest where a power might overflow."""
    if not gradients:
        return 0.0
    numbers = np.concatenate([np.ravel(g) for g in gradients], dtype=np.float64)
    if power == 2.0 and 1e-140 < (norm := float(np.linalg.norm(numbers))) < 1e140:
        return norm  # squares neither overflowed nor vanished, and a pass or three are spared
    largest = float(np.max(np.abs(numbers), initial=0.0))
    if largest == 0.0 or not np.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(numbers / largest, power))


def _not_finite(norm: float, reached: dict[int, Any]) -> str:
    spoilt = {i: p for i, p in reached.items() if not np.isfinite(p.grad).all()}
    if not spoilt:
        return (
            f"the gradients are finite, but their norm is beyond any float: {norm}; scale the loss "
            "down"
        )
    nans = sum(bool(np.isnan(p.grad).any()) for p in spoilt.values())
    first = next(iter(spoilt))
    return (
        f"the norm of the gradients is {norm}: of {len(reached)} gradients, {nans} hold nan and "
        f"{len(spoilt) - nans} inf, the first that of {_named(first, spoilt[first])}; nothing was "
        "changed. Look for the batch or the operation it comes from, or go on as PyTorch does, "
        "with error_if_nonfinite=False"
    )


def _named(i: int, parameter: Any) -> str:
    return f"parameter {i}" + (f" ({parameter.label!r})" if parameter.label else "")
