"""What data tells of itself: its scale, whether it is the one a model knows, what rounding costs.

All of it is legal, and all of it has cost somebody a day, because networks answer whatever comes.
"""

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from ..engine import DataScaleWarning, PrecisionWarning, Tensor
from ..engine.misuse import warn
from .module import Module
from .normalization import BatchNorm1d, LayerNorm

Array = npt.NDArray[Any]

FACTOR = 10.0
"""Data that reaches so many times as far as what a model has learned from is on another scale."""
PIXELS = 16
"""So many numbers a sample are taken for an image, if they look like one."""
LEVELS = 1000
"""A feature that has fewer steps left, from its least number to its greatest, has lost some."""

_seen: WeakKeyDictionary[Any, tuple[float, float]] = WeakKeyDictionary()


def look_at_training(model: Any, X: Any, y: Any, dtype: Any) -> None:
    """Warn of what `fit` is given, and remember its range for what comes later."""
    inputs, targets = _array(X), _array(y)
    warn_of_rounding("X", inputs, dtype)
    warn_of_rounding("y", targets, dtype)
    if _is_image_of_bytes(inputs) and not _scales_itself(model):
        warn(
            f"X holds whole numbers from {inputs.min()} to {inputs.max()} ({inputs.dtype}), as "
            "images are stored; a network learns from numbers about 1: pass X / 255.0, here and "
            "wherever the model is used. If the model scales them itself, X.astype(float) says so",
            DataScaleWarning,
        )
    else:
        compare("X", model, inputs)
    try:
        _seen[model] = float(inputs.min()), float(inputs.max())
    except TypeError:  # a model that has no weak references, or no hash
        return


def compare(name: str, model: Any, X: Any) -> None:
    """Warn of data on another scale than what `fit` has trained a model on."""
    try:
        known = _seen.get(model)
    except TypeError:
        return
    inputs = _array(X)
    if known is None or not inputs.size or inputs.dtype.kind not in "biuf":
        return
    low, high = float(inputs.min()), float(inputs.max())
    reach, known_reach = max(-low, high), max(-known[0], known[1])
    looks_scaled = (
        inputs.dtype.kind == "f"
        and known[0] >= 0.0
        and known_reach > 100.0
        and 0.0 <= low < high <= 1.0
        and inputs[0].size >= PIXELS
    )
    if np.isfinite(reach) and (reach > FACTOR * known_reach > 0.0 or looks_scaled):
        warn(
            f"{name} holds numbers from {low:g} to {high:g}, but fit trained this model on "
            f"{known[0]:g} to {known[1]:g}; scale {name} by the same numbers as the data that it "
            "was trained on",
            DataScaleWarning,
        )


def warn_of_rounding(name: str, numbers: Array, dtype: Any) -> None:
    """Warn where a feature's numbers would hardly differ any more in a model's precision."""
    wide = numbers.dtype.kind in "iu" or numbers.dtype.itemsize > np.dtype(dtype).itemsize
    if numbers.dtype.kind not in "iuf" or not wide or not numbers.size:
        return
    low, high = (f(axis=0).astype(np.float64) for f in (numbers.min, numbers.max))
    # Twice the half of the gap between the greatest number and the next.
    gap = np.maximum(np.abs(low), np.abs(high)) * float(np.finfo(dtype).eps)
    lost = (high > low) & (gap * LEVELS > high - low) & (gap > 0.0)
    if numbers.dtype.kind in "iu":
        lost &= gap > 1.0
    if lost.any():
        i = np.unravel_index(int(np.argmax(lost)), lost.shape)
        where = f"column {int(i[0])} of {name}" if len(i) == 1 else name
        warn(
            f"{where} runs from {low[i]:.10g} to {high[i]:.10g}, where {np.dtype(dtype)}, the "
            f"model's precision, has steps of about {gap[i]:.2g}: most of what tells its numbers "
            f"apart is rounded away; subtract the mean first, {name} - {name}.mean(axis=0), or use "
            "a model of float64",
            PrecisionWarning,
        )


def _is_image_of_bytes(X: Array) -> bool:
    if X.dtype.kind not in "iu" or not X.size or not 100 < X.max() <= 255 or X.min() < 0:
        return False
    return X.dtype == np.uint8 or X[0].size >= PIXELS


def _scales_itself(model: Any) -> bool:
    """Whether a model begins with something that may bring numbers to another scale."""
    first = next(iter(getattr(model, "layers", ())), None)
    return isinstance(first, BatchNorm1d | LayerNorm) or (
        first is not None and not isinstance(first, Module)
    )


def _array(data: Any) -> Array:
    return data._data if isinstance(data, Tensor) else np.asarray(data)
