"""What functions do that no gradient can follow: they draw anew, forget, branch and leap.

Here every operation is right by itself, and the sweep too; what is wrong is that the function
that was run back is not the function whose values are compared.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..finite_differences import ROUNDINGS, jump
from ..node import Node
from ..run import Run
from ..sweep import topological_order
from .readings import Claims, Reading, at

REMEDY = (
    "as float(v), v.data, .item(), .numpy(), detach() and no_grad() do, so backward cannot see "
    "where it came from; compute with the node itself, tg.sin(v) and not math.sin(v.data)"
)


BRANCHES = (
    "f is another program a small step away: it branches on its numbers, and backward "
    "differentiates the branch that was taken"
)


def draws_anew(values: Sequence[float], precision: float, size: float) -> str:
    """The sentence for a function whose values at one point differ, or ""."""
    first = values[0]
    for other in values[1:]:
        same = first == other or (np.isnan(first) and np.isnan(other))
        if not same and not abs(first - other) <= ROUNDINGS * precision * max(size, abs(first)):
            return (
                f"f does not give the same result twice: {first:.6g}, then {other:.6g} at the same "
                "inputs. If it draws random numbers, as dropout does, draw them before the check, "
                "or call model.eval(), or make a generator of a fixed seed inside f"
            )
    return ""


def forgets(graph_of: Callable[[Sequence[Any]], Run], numbers: Sequence[Any], seed: int = 0) -> str:
    """The sentence for numbers that leave the graph and come back as constants, or "".

    The graphs at two points are laid side by side: a constant that differs is none.
    """
    rng = np.random.default_rng(seed)
    moved = [
        x * (1.0 + 1e-3 * rng.uniform(0.5, 1.0, np.shape(x))) + 1e-6 * (np.asarray(x) == 0.0)
        for x in numbers
    ]
    like = [
        m.astype(x.dtype) if isinstance(x, np.ndarray) else float(m)
        for m, x in zip(moved, numbers, strict=True)
    ]
    with np.errstate(all="ignore"):
        runs = [graph_of(points) for points in (numbers, like)]
    here, there = (_ordered(run.results) for run in runs)
    kept = set(runs[0].inputs)
    if [node._rule for node in here] != [node._rule for node in there]:
        return BRANCHES
    for before, after in zip(here, there, strict=True):
        leaf = not before.parents and not before.constant and before not in kept
        if leaf and not _equal(before._data, after._data):
            return (
                f"f makes a new leaf, {_shown(before._data)}, of a number that changes with the "
                f"inputs. Something took it out of its node, {REMEDY}"
            )
        for k, (one, other) in enumerate(zip(before.parents, after.parents, strict=True)):
            if one.constant and not _equal(one._data, other._data):
                return (
                    f"f takes numbers out of nodes: {_shown(one._data)}, a constant to "
                    f"{before.op!r} (operand {k}), changes with the inputs. Something took it out "
                    f"of its node, {REMEDY}"
                )
        for name, old in before._static.items():
            new = after._static.get(name)
            if isinstance(old, bool | float | np.ndarray) and not _equal(old, new):
                if np.asarray(old).dtype == bool:
                    return BRANCHES
                return (
                    f"f takes numbers out of nodes: {name}={_shown(old)} of {before.op!r} changes "
                    "with the inputs, but it is not differentiated"
                )
    return ""


def unreached(results: Sequence[Any], inputs: Sequence[Node], readings: Sequence[Reading]) -> str:
    """The sentence for an input that the graph has lost, though the result moves with it, or ""."""
    if not any(isinstance(y, Node) and not y.constant for y in results):
        return (
            "the result forgot its past: it is a plain number, or a constant. Something on the "
            f"way took it out of its node, {REMEDY}"
        )
    reached = set(_ordered(results))
    for k in sorted({r.operand for r in readings}):
        if inputs[k] not in reached:
            return (
                f"the graph of the result does not lead to input {k}, although the result changes "
                f"with it. Something took it out of its node, {REMEDY}"
            )
    return ""


def leaps(claims: Claims, reading: Reading) -> str:
    """The sentence for a function that jumps at this very point, or ""."""
    if reading.index is None:
        return ""
    k, index = reading.operand, reading.index
    height = jump(
        claims.along(k, index),
        float(np.asarray(claims.numbers[k])[index]),
        claims.settings.precision,
        claims.size,
    )
    if height is None:
        return ""
    return f"f jumps by {height:.4g} at input {k}{at(index)}, and has no slope there"


def not_finite(results: Sequence[Any]) -> str:
    """The sentence for a function that is infinite or nan at the very point."""
    for node in _ordered(results):
        if node.parents and not np.isfinite(node._data).all():
            operands = [p._data for p in node.parents]
            if all(np.isfinite(x).all() for x in operands):
                came = " and ".join(map(_shown, operands))
                return (
                    f"the function is not finite here: {node.op!r} of {came} is not; choose inputs "
                    "within its domain"
                )
    return "the function is not finite here: choose inputs within its domain"


def rewritten(results: Sequence[Any]) -> str:
    """The sentence for a result that is no longer what its rule gave, or ""."""
    for node in _ordered(results):
        if node._rule is None:
            continue
        before = np.array(node._data)
        with np.errstate(all="ignore"):
            again = node._rule(*[p._data for p in node.parents], **node._static)[0]
        if not np.allclose(before, again, rtol=1e-6, equal_nan=True):
            return (
                f"the result of {node.op!r} was changed after it was computed, as by a rule that "
                "returns one array again and again: let it return a new one each time"
            )
    return ""


def _ordered(results: Sequence[Any]) -> list[Node]:
    return topological_order(*[y for y in results if isinstance(y, Node)])


def _equal(x: Any, y: Any) -> bool:
    try:
        return bool(np.array_equal(np.asarray(x), np.asarray(y), equal_nan=True))
    except TypeError:  # text, functions and the like
        return bool(x == y)


def _shown(x: Any) -> str:
    array = np.asarray(x)
    return f"{array.item():.6g}" if array.ndim == 0 else f"an array of shape {array.shape}"
