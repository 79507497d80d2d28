"""Whether a rule and its pullback are functions of what they are given, and leave it as it was.

Slopes may be right and a graph be spoilt all the same: by a rule that writes into an array that
others use, draws anew, or keeps its operands where the next call puts others.
"""

import numpy as np

from ..value import Value
from .findings import Findings
from .operations import Operation
from .reasons import DRAWS, KEEPS
from .trials import Trial


def is_pure(operation: Operation, trial: Trial, found: Findings) -> bool:
    """Whether the rule and its pullback leave alone what they are given."""
    given = zip(trial.operands, operation.node.parents, strict=True)
    if not all(np.array_equal(x, p._data) for x, p in given):
        found.add(
            "an operand is changed in place",
            trial,
            "the rule or its pullback writes into what it was given (x += ..., out=x): work on a "
            "copy",
        )
        return False
    arriving = np.array(operation.weights, dtype=trial.dtype)
    kept = arriving.copy()
    if trial.kind is not Value:
        operation.pulled(arriving)
    if not np.array_equal(arriving, kept):
        found.add(
            "the arriving gradient is changed in place",
            trial,
            "other operations use it too: write grad * y and not grad *= y",
        )
        return False
    again = operation.pulled(operation.weights)
    for k, slope in enumerate(operation.slopes):
        if slope is not None and not np.array_equal(
            operation.fitted(k, again), slope, equal_nan=True
        ):
            found.add(
                "the pullback",
                trial,
                f"the second call gives operand {k} another gradient than the first: it keeps or "
                "changes something between calls",
            )
            return False
    return True


def is_a_function(
    operation: Operation, trial: Trial, found: Findings, rng: np.random.Generator
) -> bool:
    """Whether nothing but the operands decides what the rule and its pullback give."""
    again = operation.on([p._data for p in operation.node.parents])
    if again is not None and not np.array_equal(
        again.node._data, operation.node._data, equal_nan=True
    ):
        found.add("the result", trial, DRAWS)
        found.draws = True
        return False
    if operation.keeps_outside(rng):
        found.add("the pullback", trial, KEEPS)
        return False
    return True
