"""What a gradient of the wrong shape tells of the mistake behind it."""

import numpy as np

from ..node import Node


def shape_advice(node: Node) -> str:
    """What a pullback does wrong whose gradients are refused, as far as their shapes tell."""
    try:
        with np.errstate(all="ignore"):
            passed = node._pullback(np.ones_like(node._data))  # type: ignore[misc]
    except Exception:  # it fails by itself, and in its own words
        return ""
    if not isinstance(passed, tuple) or len(passed) != len(node.parents):
        return "for one operand that is (gradient,), with a comma"
    for gradient, parent in zip(passed, node.parents, strict=True):
        came, wanted = np.shape(gradient), np.shape(parent._data)
        if gradient is not None and came not in (wanted, np.shape(node._data)):
            advice = about_shapes(came, wanted)
            if advice:
                return advice
    return ""


def about_shapes(came: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """What a gradient of the wrong shape looks like, or ""."""
    if len(came) == len(wanted) >= 2 and came[:-2] == wanted[:-2] and came != wanted:
        if came[-2:] == wanted[:-3:-1]:
            return "it is transposed"
    added = len(came) - len(wanted)
    padded = (1,) * added + wanted
    if added >= 0 and all(n in (1, m) for n, m in zip(padded, came, strict=True)):
        axes = [i for i, (n, m) in enumerate(zip(padded, came, strict=True)) if i < added or n != m]
        shown = axes[0] if len(axes) == 1 else tuple(axes)
        return (
            f"a broadcast axis is not summed: sum the gradient over axis {shown}, along which the "
            "operand was repeated"
        )
    return ""
