"""What the engines ask of a rule, each requirement looked at on one trial.

The slopes come first; then whatever else would spoil a graph although the slopes are right.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from ..rules import SELECTIVE
from ..sweep import enable_grad
from ..transforms import grad
from ..value import Value
from .findings import Findings
from .operations import Operation, not_proportional
from .purity import is_a_function, is_pure
from .readings import Settings, worst_of
from .reasons import why_wrong
from .report import Disagreement
from .shapes import failure
from .trials import REFUSALS, Trial, run


def check(
    rule: Callable[..., Any],
    trial: Trial,
    static: dict[str, Any],
    rng: np.random.Generator,
    found: Findings,
) -> None:
    """Slopes, second slopes, shapes, purity and `needs`, on one trial."""
    node = run(rule, trial, static)
    try:
        operation = Operation(node)
    except REFUSALS as error:
        found.add("the pullback", trial, _of_failure(error, node))
        return
    settings = Settings(float(np.finfo(np.float64).eps), None, 1e-7)
    if trial.dtype == np.float32:
        settings = Settings(float(np.finfo(np.float32).eps), None, 2e-3)
    if not is_pure(operation, trial, found) or not is_a_function(operation, trial, found, rng):
        return
    if trial.kind is not Value and node._data.dtype != trial.dtype and trial.dtype == np.float64:
        found.add(
            "float64 does not stay float64",
            trial,
            f"the result is {node._data.dtype}, which makes coarser what comes after it",
        )
        return
    readings = operation.claims(settings).readings(rng)
    worst = worst_of(readings, settings.rtol)
    found.first.append(trial.name)
    largest = max((r.error for r in readings), default=0.0)
    found.error = max(found.error, largest)
    if worst is not None and largest > settings.rtol:
        reasons = why_wrong(operation, worst, settings, rng)
        found.add(
            "first derivatives",
            trial,
            f"{Disagreement.of(worst, 'operand')}; {'; '.join(reasons)}",
        )
        return
    if not_proportional(operation) is not None:
        found.add("the arriving gradient", trial, why_wrong(operation, None, settings, rng)[0])
        return
    if rule in SELECTIVE:
        _needs(rule, trial, static, operation, found)
    if settings.rtol < 1e-6:
        _second_derivatives(rule, trial, static, settings, found)


def _of_failure(error: Exception, node: Any) -> str:
    """An error on the way back, with what the shapes tell."""
    told = f"{type(error).__name__}: {error}"
    advice = failure(node)[1]
    return f"{told}: {advice}" if advice else told


def _needs(
    rule: Callable[..., Any],
    trial: Trial,
    static: dict[str, Any],
    operation: Operation,
    found: Findings,
) -> None:
    """With some operands constant, the others' gradients are what they were."""
    count = len(trial.operands)
    for needs in product((True, False), repeat=count):
        if all(needs) or not any(needs):
            continue
        nodes = trial.nodes()
        for node, needed in zip(nodes, needs, strict=True):
            node.constant = not needed
        with enable_grad():
            partial = Operation(nodes[0]._apply(rule, nodes, static))
        for k, needed in enumerate(needs):
            if needed and not np.allclose(partial.fitted(k), operation.fitted(k), rtol=1e-6):
                found.add(
                    "needs",
                    trial,
                    f"with needs={needs} the gradient of operand {k} is another, or missing",
                )


def _second_derivatives(
    rule: Callable[..., Any],
    trial: Trial,
    static: dict[str, Any],
    settings: Settings,
    found: Findings,
) -> None:
    from ..check import gradcheck

    shape = np.shape(run(rule, trial, static)._data)
    weights = np.random.default_rng(1).uniform(0.5, 1.5, shape)

    def cubed(*nodes: Any) -> Any:
        # A cube, for the slopes of what is linear never change, and would hide a lost graph.
        y = nodes[0]._apply(rule, nodes, static)
        if trial.kind is Value:
            return y * y * y
        return (y * y * y * weights).sum()

    every = tuple(range(len(trial.operands)))
    try:
        report = gradcheck(grad(cubed, every), *trial.operands)
    except REFUSALS as error:
        found.tried.append(
            f"no second derivatives on {trial.name}: {type(error).__name__}: {error}"
        )
        return
    found.second.append(trial.name)
    if not report:
        found.add(
            "second derivatives",
            trial,
            f"{report.worst}; the pullback forgets its graph: run on nodes, it must compute with "
            "them by arithmetic and twingrad's functions, not with float(x), x.data or math.exp",
        )


def compare_twins(
    rule: Callable[..., Any], trials: list[Trial], static: dict[str, Any], found: Findings
) -> None:
    """An array's elements are what the numbers give one by one, if the rule is of numbers."""
    if not any(trial.kind is Value for trial in trials):
        return
    for trial in trials:
        if trial.kind is Value or not np.shape(trial.operands[0]):
            continue
        whole = run(rule, trial, static)._data
        spread = np.broadcast_arrays(*trial.operands) if trial.broadcast else None
        if spread is None or whole.shape != spread[0].shape:
            continue
        rows = zip(*(x.flat for x in spread), strict=True)
        each = [run(rule, Trial(Value, tuple(map(float, row))), static)._data for row in rows]
        found.tried.append("both twins alike")
        if not np.allclose(whole.ravel(), each, rtol=1e-9, equal_nan=True):
            found.add("the twins differ", trial, "on numbers one by one the results are others")


def at_single_precision(
    rule: Callable[..., Any],
    trial: Trial,
    static: dict[str, Any],
    rng: np.random.Generator,
    found: Findings,
) -> None:
    """The same with float32 operands, which the result must keep to."""
    if any(isinstance(x, type | np.dtype) for x in static.values()):
        return  # what is told a dtype may well have another
    static = {
        name: x.astype(np.float32) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
        for name, x in static.items()
    }
    node = run(rule, trial, static)
    if node._data.dtype != np.float32:
        found.add(
            "float32 does not stay float32",
            trial,
            f"the result is {node._data.dtype}: somewhere a NumPy float64, as np.sqrt(2.0) or "
            "np.array([2.0]), or a where() of two plain numbers, takes part; use Python's floats, "
            "as math.sqrt(2.0), and choose between numbers that have the dtype of x",
        )
        return
    found.tried.append("float32")
    check(rule, trial, static, rng, found)
