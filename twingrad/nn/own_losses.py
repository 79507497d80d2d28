"""Losses of one's own: what their graph tells, looked at once for each line that calls backward().

The losses of `nn` know outputs from targets, and refuse what does not go together. In arithmetic
the same mistakes are legal, and only the whole of it shows what is hardly ever meant.
"""

import sys
from types import FrameType
from typing import Any

import numpy as np

from ..engine import Node, TargetsWarning, rules
from ..engine.caller import is_ours
from ..engine.misuse import warn
from ..engine.sweep import topological_order
from .output_checks import SAME_NUMBERS, probabilities_by

LINES = 256
"""So many kinds of losses, by line, are remembered; then all are looked at again."""

_ERRORS = {
    rules.add,
    rules.sub,
    rules.mul,
    rules.divide,
    rules.power,
    rules.neg,
    rules.absolute,
    rules.log,
    rules.sqrt,
    rules.relu,
    rules.softplus,
    rules.huber,
    rules.maximum,
    rules.minimum,
    rules.clip,
    rules.where,
    rules.identity,
}
"""What is done to a table of errors; who takes exp of one has meant it, for it is a kernel."""

_seen: dict[tuple[Any, ...], Any] = {}


def look_once(loss: Node) -> None:
    """Look at a loss if it is the first of its kind that this line calls backward() on."""
    frame: FrameType = sys._getframe(2)
    below = loss.parents[0] if loss.parents else loss
    kind = id(loss._rule), id(below._rule), np.shape(below._data)  # no rule lives on for this
    key = id(frame.f_code), frame.f_lasti, *kind
    if key in _seen:
        return
    if len(_seen) >= LINES:
        _seen.clear()
    _seen[key] = frame.f_code  # held, so that no other has its identity
    if not is_ours(frame):
        look(loss)


def look(loss: Node) -> None:
    """Warn of a loss that pairs every output with every target, or that can never come near 0."""
    nodes = topological_order(loss)
    for node in nodes:
        if len(node.parents) == 1 and np.size(node._data) == 1:
            pairs = _pairs(node.parents[0])
            if pairs is not None:
                _warn_of(pairs)
                return
    subtracted = [_target_of_probability(node) for node in nodes if node._rule is rules.sub]
    numbers = [np.ravel(x) for x in subtracted if x is not None]
    signs = np.unique(np.concatenate(numbers)).tolist() if numbers else []
    if signs == [-1.0, 1.0]:
        warn(
            "this loss subtracts targets of -1 and 1 from outputs that come from a sigmoid or a "
            "softmax, which stay between 0 and 1 and cannot reach them; targets become "
            "(targets + 1) / 2, or end the model with tanh",
            TargetsWarning,
        )


def _pairs(table: Node) -> Node | None:
    """The operation of a column of outputs and a row of targets, if that is all of a table."""
    shape, found = np.shape(table._data), None
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 2:
        return None
    waiting, known = [table], {table}
    while waiting:
        node = waiting.pop()
        if node._rule not in _ERRORS:
            return None
        tables = {parent for parent in node.parents if np.shape(parent._data) == shape}
        if not tables:
            if not _is_pairing(node, shape[0]):
                return None
            found = node
        waiting += tables - known
        known |= tables
    return found


def _is_pairing(node: Node, n: int) -> bool:
    """Whether one operand is a target, of n numbers without a past, and the other was computed."""
    if {np.shape(parent._data) for parent in node.parents} != {(n, 1), (n,)}:
        return False
    past = [_origin(parent).parents for parent in node.parents]
    return sorted(map(bool, past)) == [False, True]


def _origin(node: Node) -> Node:
    while node.parents and node._rule in SAME_NUMBERS:
        node = node.parents[0]
    return node


def _warn_of(node: Node) -> None:
    (outputs, targets), (n, *_) = _operands(node), np.shape(node._data)
    fix = "y.reshape(-1, 1)" if np.ndim(outputs._data) == 2 else "y.ravel()"
    warn(
        f"in this loss {node.op!r} of outputs of shape {np.shape(outputs._data)} and targets of "
        f"shape {np.shape(targets._data)} has shape {(n, n)}: every output is compared with every "
        f"target; use {fix} for the targets y, or y[None, :] if it is meant",
        TargetsWarning,
    )


def _operands(node: Node) -> tuple[Node, Node]:
    """The one that was computed, and the other."""
    x, y = node.parents
    return (x, y) if _origin(x).parents else (y, x)


def _target_of_probability(node: Node) -> Any:
    """What was subtracted from a sigmoid, or it from that, if it has no past."""
    outputs, targets = _operands(node)
    return None if targets.parents or not probabilities_by(outputs) else targets._data


Node.look_at_loss = look_once
