"""What a pullback that breaks off, or whose gradients are refused, does wrong."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ..node import Node
from ..sweep import topological_order

PRODUCT = "for x @ y the gradients are grad @ y.T and x.T @ grad"


def advice_on(results: Sequence[Any]) -> tuple[str, str]:
    """The operation of a graph that breaks off on the way back, and what it does wrong."""
    for node in topological_order(*[y for y in results if isinstance(y, Node)]):
        if node._pullback is not None:
            failed, advice = failure(node)
            if failed or advice:
                return failed, advice
    return "", ""


def failure(node: Node) -> tuple[str, str]:
    """How the pullback of a node fails, if it does, and what it does wrong, both in words."""
    try:
        with np.errstate(all="ignore"):
            passed = node._pullback(np.ones_like(node._data))  # type: ignore[misc]
    except Exception as error:
        failed = f"the pullback of {node.op!r} fails with {type(error).__name__}: {error}"
        if not isinstance(error, ValueError):
            return failed, ""
        came = ", ".join(str(np.shape(p._data)) for p in node.parents)
        where = f"its operands have shape {came}, the gradient that arrives {np.shape(node._data)}"
        return failed, f"{where}; {PRODUCT}" if is_product(node) else where
    count = len(node.parents)
    if passed is None:
        return "", "does it end with return?"
    if type(passed) is list:
        return "", "write (gradient, …) with round brackets"
    if not isinstance(passed, tuple):
        return "", "for one operand that is (gradient,), with a comma" if count == 1 else ""
    if len(passed) != count:
        return "", ""
    for gradient, parent in zip(passed, node.parents, strict=True):
        came, wanted, whole = (np.shape(x) for x in (gradient, parent._data, node._data))
        if gradient is None or came == wanted or (came == whole and fits(wanted, whole)):
            continue  # the sweep sums over what broadcasting repeated
        advice = about_shapes(came, wanted) or _summed(came, wanted, whole)
        if advice:
            return "", advice
    return "", ""


def is_product(node: Node) -> bool:
    """Whether a node is the product of two matrices."""
    if len(node.parents) != 2 or any(np.ndim(p._data) != 2 for p in node.parents):
        return False
    x, y = (p._data for p in node.parents)
    return x.shape[1] == y.shape[0] and np.allclose(x @ y, node._data, rtol=1e-4)


def about_shapes(came: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """What a gradient of the wrong shape looks like, or ""."""
    if len(came) == len(wanted) >= 2 and came[:-2] == wanted[:-2] and came != wanted:
        if came[-2:] == wanted[:-3:-1]:
            return "it is transposed"
    if fits(wanted, came):
        axes = repeated(wanted, came)
        return (
            f"a broadcast axis is not summed: sum the gradient over axis {shown(axes)}, along "
            "which the operand was repeated"
        )
    return ""


def _summed(came: tuple[int, ...], wanted: tuple[int, ...], whole: tuple[int, ...]) -> str:
    """A gradient that was summed over an axis, but not over the right one."""
    for axes in (c for n in range(1, len(whole) + 1) for c in combinations(range(len(whole)), n)):
        if tuple(n for axis, n in enumerate(whole) if axis not in axes) != came:
            continue
        right = repeated(wanted, whole) if fits(wanted, whole) else None
        if right is not None and right != axes:
            instead = f"but the operand is repeated along axis {shown(right)}"
            if not right:
                instead = "but the operand is not repeated along any: leave the sum out"
            return f"it looks summed over axis {shown(axes)}, {instead}"
    return ""


def fits(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Whether an array of the one shape is repeated to the other by broadcasting."""
    padded = (1,) * (len(large) - len(small)) + small
    return len(padded) == len(large) and all(
        n in (1, m) for n, m in zip(padded, large, strict=True)
    )


def repeated(small: tuple[int, ...], large: tuple[int, ...]) -> tuple[int, ...]:
    """The axes along which it is repeated."""
    added = len(large) - len(small)
    padded = (1,) * added + small
    return tuple(
        i for i, (n, m) in enumerate(zip(padded, large, strict=True)) if i < added or n != m
    )


def shown(axes: tuple[int, ...]) -> str:
    """Axes in words: "0", "(0, 1)"."""
    return str(axes[0] if len(axes) == 1 else axes)
