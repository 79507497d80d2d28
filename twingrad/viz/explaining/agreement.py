"""Agreement: whether a gradient that was explained is what `.grad` holds, and if not, why not.

`.grad` is a sum over every backward pass since it was reset, whichever result it began at; that
surprises everyone once.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from twingrad.engine.node import Node

from ..formulas.notation import Written
from .blocks import Words, say
from .paths import Ways
from .wording import in_a_row

MOST_PASSES = 1000


def plain(grad: Any) -> Any:
    """A gradient as a float or an array: after `create_graph` it is a node that holds one."""
    return grad._data if isinstance(grad, Node) else grad


def agreement(ways: Ways, called: Callable[[Node], Written]) -> tuple[bool | None, Words]:
    """Whether `.grad` is the gradient that was explained, None without one; and a sentence."""
    held, total, name = plain(ways.wrt._grad), ways.total, called(ways.wrt)
    grad = Written(f"{name.text}.grad", rf"{name.latex}\mathrm{{.grad}}")
    if held is None:
        return None, say(
            "{} is empty: no backward pass has come by, or it was reset since. After backward() "
            "it holds the gradient above.",
            grad,
        )
    shown = in_a_row(held)
    if close(held, total):
        return True, say("{} = {}, which agrees.", grad, shown)
    return False, say("{} = {}, which differs: {}", grad, shown, _reason(ways, held, called))


def _reason(ways: Ways, held: Any, called: Callable[[Node], Written]) -> Words:
    passes, whole = _passes(held, ways.total), plain(ways.root._grad)
    if not np.any(held):
        return say("it was set back to zero, and backward() has not been called since.")
    if ways.root is ways.wrt:
        return say("it came from backward() of something else, or came by more than once.")
    if whole is None or not np.any(whole):
        return say(
            "{} itself has no gradient, so this one came from backward() of something else.",
            called(ways.root),
        )
    if passes:
        return say(
            f"it is {passes} times that. Gradients add up: backward() came by {passes} times "
            "without zero_grad() between."
        )
    return say(
        "gradients add up, and it holds more than this one; call zero_grad(), and then backward()."
    )


def close(held: Any, total: Any) -> bool:
    """Whether two gradients are equal but for rounding, nan and inf in the same places."""
    tolerance = 1e-4 if np.asarray(held).dtype.itemsize < 8 else 1e-9
    scale = float(np.max(np.abs(np.asarray(total)), initial=0.0))
    slack = tolerance * scale if np.isfinite(scale) else 0.0
    return bool(np.allclose(held, total, rtol=tolerance, atol=slack, equal_nan=True))


def _passes(held: Any, total: Any) -> int:
    """How many times the gradient is held, 0 if it is no whole number of times."""
    size = float(np.max(np.abs(np.asarray(total)), initial=0.0))
    most = float(np.max(np.abs(np.asarray(held)), initial=0.0))
    if not size * 1.5 < most < size * MOST_PASSES:
        return 0
    passes = round(most / size)
    return passes if close(held, passes * np.asarray(total)) else 0
