"""What the graph of a model's outputs tells of them: how they were made, what they can reach.

A loss takes any numbers, and probabilities are numbers. Only the operation that made them says
that they are no logits.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import LogitsWarning, Node, TargetsWarning, Tensor, Value, rules
from ..engine import array_rules as arrays
from ..engine import list_rules as lists
from ..engine.misuse import warn

Array = npt.NDArray[Any]

_TO_PROBABILITIES: dict[Any, str] = {
    arrays.softmax: "softmax",
    lists.exp_difference: "softmax",
    rules.sigmoid: "sigmoid",
}
SAME_NUMBERS = {
    arrays.reshape,
    arrays.squeeze,
    arrays.expand_dims,
    arrays.transpose,
    arrays.getitem,
    arrays.astype,
    rules.clip,
    rules.identity,
}
NEXT_TO_NOTHING = 1e-3
"""Added to a probability, this much leaves it one."""


def probabilities_by(outputs: Any) -> str:
    """The operation that made outputs probabilities, "" if none did."""
    row = outputs
    while isinstance(row, list | tuple) and row and isinstance(row[0], list | tuple):
        row = row[0]
    node = row[0] if isinstance(row, list | tuple) and row else row
    if not isinstance(node, Node):
        return ""
    while node.parents and (node._rule in SAME_NUMBERS or _adds_next_to_nothing(node)):
        node = node.parents[0]
    if node._rule is rules.divide and node.parents and _are_shares(row):
        return "softmax"
    return _TO_PROBABILITIES.get(node._rule, "")


def _adds_next_to_nothing(node: Node) -> bool:
    """Whether a node is x + 1e-9, as who takes a logarithm next would write it."""
    if node._rule is not rules.add:
        return False
    small = node.parents[1]._data
    return bool(np.size(small) == 1 and abs(np.max(small)) <= NEXT_TO_NOTHING)


def _are_shares(row: Any) -> bool:
    """Whether rows are as exp x/Σ exp x makes them: none negative, the sum 1."""
    if isinstance(row, Tensor):
        numbers = row._data
    elif isinstance(row, list | tuple) and all(isinstance(x, Value) for x in row):
        numbers = np.array([x._data for x in row])
    else:
        return False
    if numbers.ndim == 0 or numbers.shape[-1] < 2 or not numbers.size:
        return False
    return bool((numbers >= 0.0).all() and np.allclose(numbers.sum(axis=-1), 1.0, atol=1e-4))


def warn_of_probabilities(loss: str, own: str, outputs: Any) -> None:
    """Warn if what a loss takes for logits are probabilities; `own` is what it does to them."""
    found = probabilities_by(outputs)
    if not found:
        return
    instead = f"; or nll_loss(outputs.log(), labels) for a {found} that has to stay"
    warn(
        f"{loss} takes logits and applies {own} itself, but these outputs have been through "
        f"{found}: applied twice, the loss cannot come near 0, and its gradients are small; give "
        f"it what went into the {found}: a model for {loss} ends without one"
        f"{instead if own == found == 'softmax' else ''}",
        LogitsWarning,
    )


def warn_of_targets(loss: str, outputs: Any, targets: Array) -> None:
    """Warn of targets, such as -1 and 1, that outputs between 0 and 1 cannot reach."""
    found = probabilities_by(outputs)
    if not found or targets.dtype.kind not in "iuf" or not targets.size:
        return
    low, high = float(targets.min()), float(targets.max())
    if low < -0.5 or high > 1.5:  # beside the range by a little is noise
        fix = (
            "targets of -1 and 1 become (targets + 1) / 2, or end the model with tanh"
            if (low, high) == (-1.0, 1.0)
            else "end the model without it, or bring the targets to 0 to 1"
        )
        if loss == "hinge_loss":
            fix = "end the model without it: the hinge loss takes a score of either sign"
        warn(
            f"{loss} got targets from {low:g} to {high:g}, but the outputs come from {found}, "
            f"which stays between 0 and 1 and cannot reach them; {fix}",
            TargetsWarning,
        )
