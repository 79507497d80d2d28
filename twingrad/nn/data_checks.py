"""What `fit` is given, against the model: images of bytes, and numbers that rounding would merge.

Elsewhere only the layer that data enters can see it: that is in `plain_inputs`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import Tensor
from .module import Module
from .normalization import BatchNorm1d, LayerNorm
from .plain_inputs import is_image_of_bytes, warn_of_bytes, warn_of_rounding
from .scale import compare, learn_all

Array = npt.NDArray[Any]


def look_at_training(model: Any, X: Any, y: Any, dtype: Any) -> None:
    """Warn of what `fit` is given, and remember its range for what comes later."""
    inputs, targets = _array(X), _array(y)
    warn_of_rounding("X", inputs, dtype)
    warn_of_rounding("y", targets, dtype)
    if is_image_of_bytes(inputs) and not _scales_itself(model):
        warn_of_bytes("X", inputs)
    else:
        compare("X", model, inputs)
    learn_all(model, inputs)


def _scales_itself(model: Any) -> bool:
    """Whether a model begins with something that may bring numbers to another scale."""
    first = next(iter(getattr(model, "layers", ())), None)
    return isinstance(first, BatchNorm1d | LayerNorm) or (
        first is not None and not isinstance(first, Module)
    )


def _array(data: Any) -> Array:
    return data._data if isinstance(data, Tensor) else np.asarray(data)
