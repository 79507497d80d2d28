"""Data against the model: whether it is on a scale to learn from, and on the one learned from.

All of it is legal, and all of it has cost somebody a day, because networks answer whatever comes.
"""

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from ..engine import DataScaleWarning, Tensor
from ..engine.misuse import warn
from .module import Module
from .normalization import BatchNorm1d, LayerNorm
from .plain_inputs import PIXELS, is_image_of_bytes, warn_of_bytes, warn_of_rounding

Array = npt.NDArray[Any]

FACTOR = 10.0
"""Data that reaches so many times as far as what a model has learned from is on another scale."""

_seen: WeakKeyDictionary[Any, tuple[float, float]] = WeakKeyDictionary()


def look_at_training(model: Any, X: Any, y: Any, dtype: Any) -> None:
    """Warn of what `fit` is given, and remember its range for what comes later."""
    inputs, targets = _array(X), _array(y)
    warn_of_rounding("X", inputs, dtype)
    warn_of_rounding("y", targets, dtype)
    if is_image_of_bytes(inputs) and not _scales_itself(model):
        warn_of_bytes("X", inputs)
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


def _scales_itself(model: Any) -> bool:
    """Whether a model begins with something that may bring numbers to another scale."""
    first = next(iter(getattr(model, "layers", ())), None)
    return isinstance(first, BatchNorm1d | LayerNorm) or (
        first is not None and not isinstance(first, Module)
    )


def _array(data: Any) -> Array:
    return data._data if isinstance(data, Tensor) else np.asarray(data)
