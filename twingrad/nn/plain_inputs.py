"""What plain arrays tell of themselves: that they are images of bytes, what rounding will cost.

An array takes on the precision of the model it enters, without a word; here is when to say one.
"""

from typing import Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from ..engine import DataScaleWarning, PrecisionWarning
from ..engine.misuse import warn

Array = npt.NDArray[Any]

PIXELS = 16
"""So many numbers a sample are taken for an image, if they look like one."""
LEVELS = 1000
"""A feature that has fewer steps left, from its least number to its greatest, has lost some."""

_looked_at: WeakSet[Any] = WeakSet()


def look_once(layer: Any, x: Any, dtype: Any) -> None:
    """Warn of the first batch that a layer gets as a plain array of another kind than its own."""
    if not isinstance(x, np.ndarray) or x.dtype == dtype or layer in _looked_at:
        return
    if len(x) < 2 or x.ndim < 2:  # one sample shows no spread
        return
    _looked_at.add(layer)
    if is_image_of_bytes(x):
        warn_of_bytes("the input", x)
    warn_of_rounding("the input", x, dtype)


def is_image_of_bytes(X: Array) -> bool:
    """Whether these are whole numbers up to 255, and enough for an image."""
    if X.dtype.kind not in "iu" or X.ndim < 2 or not X.size:
        return False
    looks_like_one = X.dtype == np.uint8 or X[0].size >= PIXELS
    return bool(looks_like_one and X.min() >= 0 and 100 < X.max() <= 255)


def warn_of_bytes(name: str, X: Array) -> None:
    """Say how such images are brought to a scale that networks learn from."""
    warn(
        f"{name} holds whole numbers from {X.min()} to {X.max()} ({X.dtype}), as images are "
        "stored; a network learns from numbers about 1: pass X / 255.0, here and wherever the "
        "model is used. If the model scales them itself, X.astype(float) says so",
        DataScaleWarning,
    )


def warn_of_rounding(name: str, numbers: Array, dtype: Any) -> None:
    """Warn where a feature's numbers would hardly differ any more in a model's precision."""
    whole = numbers.dtype.kind in "iu"
    wide = whole or numbers.dtype.itemsize > np.dtype(dtype).itemsize
    if numbers.dtype.kind not in "iuf" or not wide or not numbers.size:
        return
    low, high = (f(axis=0).astype(np.float64) for f in (numbers.min, numbers.max))
    limits = np.finfo(dtype)
    largest = np.maximum(np.abs(low), np.abs(high))
    gap = largest * float(limits.eps)
    lost = (high > low) & (gap * LEVELS > high - low) & (gap > (1.0 if whole else 0.0))
    lost |= largest > float(limits.max)
    if not lost.any():
        return
    i = np.unravel_index(int(np.argmax(lost)), lost.shape)
    where = f"column {int(i[0])} of {name}" if len(i) == 1 else name
    has = (
        f"ends at {limits.max:.2g}: the rest becomes infinite; scale them down"
        if largest[i] > float(limits.max)
        else f"has steps of about {gap[i]:.2g}: most of what tells its numbers apart is rounded "
        "away; subtract the mean first, X - X.mean(axis=0)"
    )
    warn(
        f"{where} runs from {low[i]:.10g} to {high[i]:.10g}, where the model's {np.dtype(dtype)} "
        f"{has}, or use a model of float64",
        PrecisionWarning,
    )
