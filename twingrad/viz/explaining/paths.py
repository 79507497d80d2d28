"""Paths: the ways from a result down to one of the nodes it was computed from, and what each adds.

A gradient is the sum, over all paths, of the product of the slopes along each. There may be more
paths than atoms, so they are counted exactly, and walked only where somebody asked for few.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from twingrad.engine.node import Node
from twingrad.engine.sweep import gradients, topological_order

from ..figures import magnitude


@dataclass(frozen=True)
class Factor:
    """One step of a path: from a node to its operand at a position.

    `slope` is the local derivative, None for Tensors; `passed` is the gradient that comes to the
    operand along this path alone.
    """

    node: Node
    position: int
    slope: float | None
    passed: Any

    @property
    def operand(self) -> Node:
        """The node that the step leads to."""
        return self.node.parents[self.position]


@dataclass(frozen=True)
class Path:
    """A way from the root to a node: its factors, and their product, the path's contribution."""

    factors: tuple[Factor, ...]
    product: Any

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes on the way, the root first."""
        first = [factor.node for factor in self.factors[:1]]
        return (*first, *[factor.operand for factor in self.factors])


@dataclass(frozen=True)
class Share:
    """What comes to a node from one that was computed from it, over `count` paths at once."""

    consumer: Node
    position: int
    count: int
    arrived: Any
    passed: Any


@dataclass
class Ways:
    """All paths from a root to a node below it; `total` is the gradient, by the engine's sweep."""

    root: Node
    wrt: Node
    total: Any = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.order = topological_order(self.root)
        leading = {self.wrt}
        for node in self.order:
            if not leading.isdisjoint(node.parents) and node is not self.wrt:
                leading.add(node)
        self.leading = [node for node in self.order if node in leading]
        self.reached = self.root in leading
        self.seed = 1.0 if self.root.holds is float else np.ones_like(self.root._data)
        self._found = gradients({self.root: self.seed}) if self.reached else {}
        self.total = self._found.get(self.wrt)

    def steps(self, node: Node, grad: Any) -> Iterator[tuple[int, Any]]:
        """For each operand on the way to `wrt`: its position, and what is passed to it."""
        if node is self.wrt or node._pullback is None:
            return
        with np.errstate(all="ignore"):
            passed = node._pullback(grad)
            for position, (operand, gradient) in enumerate(zip(node.parents, passed, strict=True)):
                if gradient is None or operand.constant or operand not in self._on_the_way:
                    continue
                fitted = operand._received(gradient, grad, node)
                yield position, float(fitted) if node.holds is float else fitted

    @cached_property
    def _on_the_way(self) -> set[Node]:
        return set(self.leading)

    @cached_property
    def shares(self) -> list[Share]:
        """What each consumer of `wrt` passes to it, in the order of the sweep."""
        shares = []
        counts = {self.root: 1}
        for node in reversed(self.leading):
            # Numbers of paths may have thousands of digits: none is kept longer than needed.
            count, grad = counts.pop(node, 0), self._found.get(node)
            if not count or grad is None:
                continue
            for position, passed in self.steps(node, grad):
                operand = node.parents[position]
                if operand is self.wrt:
                    shares.append(Share(node, position, count, grad, passed))
                else:
                    counts[operand] = counts.get(operand, 0) + count
        return shares

    @cached_property
    def count(self) -> int:
        """How many paths there are."""
        return 1 if self.root is self.wrt else sum(share.count for share in self.shares)

    def walk(self) -> Iterator[Path]:
        """Every path, one by one: to be asked for where there are few."""
        waiting: list[tuple[Node, Any, Any]] = [(self.root, self.seed, None)]
        while waiting:
            node, grad, trail = waiting.pop()
            if node is self.wrt:
                yield Path(_unrolled(trail), grad)
                continue
            slopes = dict(self.steps(node, 1.0)) if node.holds is float else {}
            steps = []
            for position, passed in self.steps(node, grad):
                factor = Factor(node, position, slopes.get(position), passed)
                steps.append((node.parents[position], passed, (trail, factor)))
            waiting += reversed(steps)

    def strongest(self) -> Path:
        """The path with the largest product; of Tensors, that of the largest share at each step."""
        chosen = self._by_products() if self.root.holds is float else self._by_shares()
        factors, grad, node = [], self.seed, self.root
        while node is not self.wrt:
            position = chosen[node]
            slope = dict(self.steps(node, 1.0))[position] if node.holds is float else None
            grad = dict(self.steps(node, grad))[position]
            factors.append(Factor(node, position, slope, grad))
            node = node.parents[position]
        return Path(tuple(factors), grad)

    def _by_products(self) -> dict[Node, int]:
        """For each node the operand through which the largest product to `wrt` goes."""
        largest, chosen = {self.wrt: 0.0}, {}
        for node in self.leading:
            for position, slope in self.steps(node, 1.0):
                below = largest.get(node.parents[position])
                if below is None:
                    continue
                size = _log(slope) + below
                size = -math.inf if math.isnan(size) else size
                if node not in chosen or size > largest[node]:
                    largest[node], chosen[node] = size, position
        return chosen

    def _by_shares(self) -> dict[Node, int]:
        """The same by following, from `wrt` up, the consumer that passes on most."""
        passed: dict[Node, tuple[float, Node, int]] = {}
        for node in reversed(self.leading):
            grad = self._found.get(node)
            if grad is None:
                continue
            for position, gradient in self.steps(node, grad):
                operand, size = node.parents[position], magnitude(gradient)
                if operand not in passed or size > passed[operand][0]:
                    passed[operand] = (size, node, position)
        chosen, below = {}, self.wrt
        while below is not self.root:
            _, below, position = passed[below]
            chosen[below] = position
        return chosen

    def not_finite(self) -> Node | None:
        """Of a root that is not finite, the first node that is not though its operands are."""
        if np.isfinite(self.root._data).all():
            return None
        for node in self.order:
            if not np.isfinite(node._data).all():
                return node
        return None

    def spoilt(self) -> tuple[Node, int] | None:
        """Where in the sweep a finite gradient first gives one that is not, if it matters."""
        if np.isfinite(self.total).all():
            return None
        for node in reversed(self.leading):
            grad = self._found.get(node)
            if grad is None or not np.isfinite(grad).all():
                continue
            for position, passed in self.steps(node, grad):
                if not np.isfinite(passed).all():
                    return node, position
        return None


def _log(slope: float) -> float:
    """log |slope|; a nan is larger than anything, for it decides what the sum is."""
    if math.isnan(slope):
        return math.inf
    return math.log(abs(slope)) if slope else -math.inf


def _unrolled(trail: Any) -> tuple[Factor, ...]:
    factors = []
    while trail is not None:
        trail, factor = trail
        factors.append(factor)
    return tuple(reversed(factors))
