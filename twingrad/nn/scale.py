"""Scale: how far the data reached that a model learned from, and whether what comes later does.

All of it is legal, and all of it has cost somebody a day, because networks answer whatever comes.
"""

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from ..engine import DataScaleWarning
from ..engine.misuse import warn
from .plain_inputs import PIXELS

Array = npt.NDArray[Any]

FACTOR = 10.0
"""Data that reaches so many times as far as what a model has learned from is on another scale."""
ROWS = 16
"""Of a batch in a loop of one's own, about so many rows are looked at."""


@dataclass
class _Known:
    low: float
    high: float
    calls: int = 0
    told: bool = False


_known: WeakKeyDictionary[Any, _Known] = WeakKeyDictionary()


def learn_all(model: Any, X: Array) -> None:
    """Remember the range of all that a model is trained on."""
    try:
        _known[model] = _Known(float(X.min()), float(X.max()))
    except TypeError:  # a model that has no weak references, or no hash
        return


def learn(model: Any, batch: Array) -> None:
    """Remember the range of a batch: of the first, second, fourth, eighth … of a model."""
    try:
        known = _known.get(model)
    except TypeError:
        return
    calls = 0 if known is None else known.calls
    if known is not None:
        known.calls = calls + 1
    measured = batch.dtype.kind == "f" or batch.dtype == np.uint8  # other integers may be names
    if calls & (calls + 1) or not batch.size or not measured:
        return
    low, high = float(batch.min()), float(batch.max())
    if known is None:
        _known[model] = _Known(low, high, 1)
    else:
        known.low, known.high = min(low, known.low), max(high, known.high)


def compare(name: str, model: Any, inputs: Array) -> bool:
    """Warn of data on another scale than a model was trained on; whether that was so."""
    try:
        known = _known.get(model)
    except TypeError:
        return False
    if known is None or not inputs.size or inputs.dtype.kind not in "biuf":
        return False
    low, high = float(inputs.min()), float(inputs.max())
    reach, known_reach = max(-low, high), max(-known.low, known.high)
    looks_scaled = (
        inputs.dtype.kind == "f"
        and known.low >= 0.0
        and known_reach > 100.0
        and 0.0 <= low < high <= 1.0
        and inputs[0].size >= PIXELS
    )
    if not np.isfinite(reach) or not (reach > FACTOR * known_reach > 0.0 or looks_scaled):
        return False
    warn(
        f"{name} holds numbers from {low:g} to {high:g}, but this model was trained on "
        f"{known.low:g} to {known.high:g}; scale {name} by the same numbers as the data that it "
        "was trained on",
        DataScaleWarning,
    )
    return True


def compare_some(model: Any, batch: Array) -> None:
    """Compare some rows of a batch, until a model has been warned of once."""
    try:
        known = _known.get(model)
    except TypeError:
        return
    if known is not None and not known.told:
        known.told = compare("the input", model, batch[:: max(1, len(batch) // ROWS)])
