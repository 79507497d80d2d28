"""Anomalies in a replay: seen in its arrays, told by running the program itself, number by number.

An array operation knows no line of the user's, the function that was recorded does.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..anomalies.context import is_anomalous, looked_for
from ..errors import AnomalyError
from ..sweep import enable_grad, gradients
from .inputs import Inputs
from .program import Program


def is_to_be_told(program: Program) -> bool:
    """Whether the last run gave a nan or an infinity, and somebody looks for those."""
    wanted = looked_for()
    if wanted is None:
        return False
    places = program.places
    with np.errstate(all="ignore"):
        return any(
            is_anomalous(x, wanted) for x in (places.cells.grad, *[b.data for b in places.blocks])
        )


def tell(f: Callable[..., Any] | None, inputs: Sequence[Any], name: str) -> None:
    """Raise where the function itself raises; what it lets pass, as a mask, is let pass."""
    if f is None:
        raise AnomalyError(
            f"a replay of {name} gave a nan or an infinity; where is not known, because an array "
            "program has no lines: compute the graph itself within detect_anomaly()"
        )
    with enable_grad():
        gradients({f(*Inputs(inputs).copied()): 1.0})
