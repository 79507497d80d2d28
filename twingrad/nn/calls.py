"""Calls: which models a program uses, in which mode, and on what data, outside of `fit`.

A loop of one's own tells nobody what it is about. What can be known of it is what it calls.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np

from ..engine import Tensor
from ..engine.caller import user_line
from ..engine.sweep import is_remembering
from . import scale

if TYPE_CHECKING:
    from .module import Module

called: "WeakValueDictionary[int, Module]" = WeakValueDictionary()
"""The models that were called for something to differentiate, by identity."""
evaluated_at: dict[int, str] = {}
"""Where that happened last, of those that were in evaluation mode."""

_by_us: ContextVar[bool] = ContextVar("_by_us", default=False)


def note(model: "Module", inputs: Sequence[Any]) -> None:
    """Take notice of a call of a model as a whole, and warn of data on another scale."""
    if _by_us.get():
        return
    learns = is_remembering.get()
    if learns:
        key = id(model)
        if key not in called:
            called[key] = model
            evaluated_at.pop(key, None)
        if not model.training:
            evaluated_at[key] = user_line()
    x = inputs[0] if inputs else None
    if type(x) is Tensor and not x.parents:
        x = x._data
    if type(x) is np.ndarray and x.ndim > 1:
        if learns and model.training:
            scale.learn(model, x)
        else:
            scale.compare_some(model, x)


@contextmanager
def by_us() -> Iterator[None]:
    """Within it calls go unnoticed: `fit` and `predict` know what they do."""
    token = _by_us.set(True)
    try:
        yield
    finally:
        _by_us.reset(token)
