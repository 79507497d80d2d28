"""Each operation of a graph checked by itself: the sweep adds up, so a mistake is in one of them.

An operation is a rule with the numbers it was run on. It can be run on others, and its pullback
on other gradients, which is how a mistake is told from its look-alikes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import GraphError
from ..node import Node
from ..sweep import _miscounted, enable_grad, topological_order
from .readings import Claims, Reading, Settings, at, worst_of
from .weights import weighed, weights_of


class Operation:
    """A node that a rule made, with what its pullback passes on for a gradient of weights."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.weights = node._seed(weights_of([node])[0])
        self.passed = self.pulled(self.weights)
        self.slopes = [None if p.constant else self.fitted(k) for k, p in enumerate(node.parents)]

    @property
    def name(self) -> str:
        """The operation as it is shown, with its label: "tanh (hidden)"."""
        return self.node.op + (f" ({self.node.label})" if self.node.label else "")

    def numbers(self, k: int) -> Any:
        """The numbers of an operand."""
        return self.node.parents[k]._data

    def pulled(self, grad: Any) -> tuple[Any, ...]:
        """What the rule's own pullback returns."""
        with np.errstate(all="ignore"):
            passed: tuple[Any, ...] = self.node._pullback(grad)  # type: ignore[misc]
        if type(passed) is not tuple or len(passed) != len(self.node.parents):
            raise GraphError(_miscounted(self.node, passed))
        return passed

    def fitted(self, k: int, passed: Sequence[Any] | None = None) -> Any:
        """The gradient of an operand in its shape; zeros where the pullback has None for it."""
        gradient = (self.passed if passed is None else passed)[k]
        parent = self.node.parents[k]
        if gradient is None:
            gradient = 0.0
        return parent._received(gradient, None, self.node)

    def claims(self, settings: Settings, weights: Any = None) -> Claims:
        """What is to be checked of it; with other weights, what its result is then."""
        rule, static = self.node._rule, self.node._static
        weights = self.weights if weights is None else weights

        def result(numbers: Sequence[Any]) -> float:
            with np.errstate(all="ignore"):
                return weighed([rule(*numbers, **static)[0]], [weights])  # type: ignore[misc]

        return Claims(result, [p._data for p in self.node.parents], self.slopes, settings)

    def elsewhere(self, rng: np.random.Generator) -> "Operation | None":
        """The same operation on other numbers near by, if it has finite results there."""
        parents = self.node.parents
        return self.on([p._data if p.constant else _nudged(p._data, rng) for p in parents])

    def writes_to_operands(self) -> bool:
        """Whether the rule changes in place what it is given."""
        rule, static = self.node._rule, self.node._static
        given = [
            p._data if isinstance(p._data, float) else p._data.copy() for p in self.node.parents
        ]
        kept = [np.array(x) for x in given]
        with np.errstate(all="ignore"):
            rule(*given, **static)  # type: ignore[misc]
        return not all(map(lambda x, y: np.array_equal(x, y, equal_nan=True), given, kept))

    def keeps_outside(self, rng: np.random.Generator) -> bool:
        """Whether the pullback is another once the rule has run on other numbers."""
        before = self.pulled(self.weights)
        if self.elsewhere(rng) is None:
            return False
        after = self.pulled(self.weights)
        pairs = [(self.fitted(k, before), self.fitted(k, after)) for k in range(len(before))]
        return not all(np.array_equal(x, y, equal_nan=True) for x, y in pairs)

    def on(self, numbers: Sequence[Any]) -> "Operation | None":
        """The same operation on other numbers, if it has finite results there."""
        node = self.node
        moved = [
            p._make(x.copy() if isinstance(x, np.ndarray) else x, constant=p.constant)
            for p, x in zip(node.parents, numbers, strict=True)
        ]
        try:
            with enable_grad(), np.errstate(all="ignore"):
                again = moved[0]._apply(node._rule, tuple(moved), node._static)  # type: ignore[arg-type]
            found = Operation(again)
        except (ArithmeticError, ValueError, TypeError, GraphError):
            return None
        return found if np.isfinite(found.node._data).all() else None


def wrong_operation(
    results: Sequence[Any], settings: Settings, rng: np.random.Generator
) -> tuple[Operation | None, Reading | None, list[str]]:
    """The first operation of a graph that is wrong, at its worst; and which stand at a corner."""
    roots = [y for y in results if isinstance(y, Node)]
    corners: list[str] = []
    for node in topological_order(*roots):
        if node._rule is None or node._pullback is None:
            continue
        operation = Operation(node)
        readings = operation.claims(settings).readings(rng)
        worst = worst_of(readings, settings.rtol)
        if worst is not None and worst.error > settings.rtol:
            return operation, worst, corners
        corners += [
            f"{operation.name}, operand {r.operand}{at(r.index)}"
            for r in readings
            if r.corner is not None and r.index is not None
        ]
    for node in topological_order(*roots):
        if node._rule is not None and node._pullback is not None:
            operation = Operation(node)
            if not_proportional(operation) is not None:
                return operation, None, corners
    return None, None, corners


def not_proportional(operation: Operation) -> int | None:
    """The operand whose gradient is not proportional to the gradient that arrives, if any."""
    half = operation.pulled(0.5 * operation.weights)
    for k, slope in enumerate(operation.slopes):
        if slope is None or not np.isfinite(slope).all():
            continue
        claimed = np.asarray(slope)
        tolerance = 100.0 * np.finfo(claimed.dtype).eps * np.max(np.abs(claimed), initial=0.0)
        if np.any(np.abs(operation.fitted(k, half) - 0.5 * claimed) > tolerance):
            return k
    return None


def _nudged(x: Any, rng: np.random.Generator) -> Any:
    factor = rng.uniform(1.05, 1.3, np.shape(x))
    moved = np.asarray(x) * factor + 0.01 * (factor - 1.0)
    return float(moved) if isinstance(x, float) else moved.astype(np.asarray(x).dtype)
