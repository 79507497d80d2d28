"""Whether somebody looks for anomalies here and now, and where the user's program stands.

Nothing of the graph is known here, so that a node, a module and a replay may all ask.
"""

from contextvars import ContextVar
from math import isfinite
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from ..caller import user_frame

calling: ContextVar[tuple[Any, ...]] = ContextVar("calling", default=())
"""The modules that are being called, the outermost first; `nn` keeps it."""


class Place(NamedTuple):
    """Where an operation stands: a line of the user's program, the modules it is in.

    An operation of a second derivative stands where that stands whose gradient it is part of.
    """

    code: CodeType
    line: int
    modules: tuple[Any, ...]
    gradient_of: Any = None


def here() -> Place:
    """Where the user's program stands now."""
    frame = user_frame()
    return Place(frame.f_code, frame.f_lineno, calling.get())


class Context:
    """A `detect_anomaly` that was entered, and the one around it."""

    __slots__ = ("is_open", "outer", "wanted")

    def __init__(self, wanted: str, outer: "Context | None") -> None:
        self.wanted, self.outer, self.is_open = wanted, outer, True


entered: ContextVar[Context | None] = ContextVar("entered", default=None)


def looked_for() -> str | None:
    """What is looked for here and now: "infinity", which includes nan, or "nan", or nothing."""
    context = entered.get()
    if context is not None and not context.is_open:
        context = innermost()
    return None if context is None else context.wanted


def innermost() -> Context | None:
    """The context that holds here, of those that are not over yet."""
    context = entered.get()
    while context is not None and not context.is_open:
        context = context.outer
    return context


def is_anomalous(numbers: Any, wanted: str) -> bool:
    """Whether there is a nan in it, or an infinity where those are looked for too."""
    if type(numbers) is float:
        return numbers != numbers if wanted == "nan" else not numbers - numbers == 0.0
    # One sum over all is the fastest look; only a sum that is not finite is looked into.
    if isfinite(np.add.reduce(numbers, axis=None)):
        return False
    return bool(np.isnan(numbers).any() if wanted == "nan" else not np.isfinite(numbers).all())
