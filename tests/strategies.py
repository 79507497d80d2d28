"""Hypothesis strategies that build random programs of the table's own operations.

They stay here, not in `twingrad.testing`, because they are made of the table's rows, whose
oracles and domains no user has. A program is plain data that two interpreters run: twingrad on
nodes, and mpmath, which differentiates it from outside, by differences, and so knows nothing of
graphs, sweeps or the chain rule.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import twingrad as tg
from tests.oracles import Interval, mp
from tests.table import ELEMENTWISE
from twingrad.testing import arrays, floats

SHAPES: list[tuple[int, ...]] = [(), (3,), (2, 1), (1, 3), (2, 3)]


def each(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of mpmath's numbers for arrays of them."""
    return np.vectorize(f, otypes=[object])


@dataclass(frozen=True)
class Use:
    """An earlier result as an operand, brought by a sine to where the operation is smooth."""

    position: int
    centre: float = 0.0
    radius: float | None = None

    def __repr__(self) -> str:
        if self.radius is None:
            return f"[{self.position}]"
        return f"{self.centre} + {self.radius} sin [{self.position}]"


@dataclass(frozen=True)
class Step:
    """One operation on earlier results and constants."""

    name: str
    call: Callable[..., Any]
    oracle: Callable[..., Any]
    operands: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(map(repr, self.operands))})"


@dataclass(frozen=True)
class Program:
    """Numbers to start from, then steps; what it computes is the sum of all their results."""

    leaves: tuple[Any, ...]
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        lines = map(repr, (*self.leaves, *self.steps))
        return "\n".join(f"[{k}] {line}" for k, line in enumerate(lines))

    @property
    def numbers(self) -> list[float]:
        """The numbers of all the leaves, one after the other."""
        return [float(x) for leaf in self.leaves for x in np.asarray(leaf).flat]

    def on_nodes(self, *leaves: Any) -> Any:
        """What twingrad makes of it."""
        results = self._run(leaves, tg.sin, lambda step: step.call)
        return tg.sum([tg.sum(x) if isinstance(x, tg.Tensor) else x for x in results])

    def on_numbers(self, *numbers: Any) -> Any:
        """What mpmath makes of it, given the numbers of all the leaves."""
        sizes = np.cumsum([np.size(leaf) for leaf in self.leaves])[:-1]
        parts = np.split(np.array(numbers, dtype=object), sizes)
        leaves = [p.reshape(np.shape(x)) for p, x in zip(parts, self.leaves, strict=True)]
        results = self._run(leaves, each(mp.sin), lambda step: step.oracle)
        return mp.fsum(x for result in results for x in np.ravel(result))

    def slope(self, *by: int) -> float:
        """The derivative by one of the numbers, or by several in turn, at 40 digits."""
        orders = tuple(by.count(k) for k in range(len(self.numbers)))
        return float(mp.diff(self.on_numbers, tuple(self.numbers), orders))

    def _run(self, leaves: Any, sin: Any, function_of: Callable[[Step], Any]) -> list[Any]:
        results = list(leaves)
        brought: dict[Use, Any] = {}

        def operand(x: Any) -> Any:
            if not isinstance(x, Use):
                return x
            if x.radius is None:
                return results[x.position]
            if x not in brought:  # the same use twice is the same node twice
                brought[x] = x.centre + x.radius * sin(results[x.position])
            return brought[x]

        for step in self.steps:
            results.append(function_of(step)(*map(operand, step.operands)))
        return results[len(self.leaves) :]


ACROSS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sum": (lambda x: tg.sum(x, keepdims=True), lambda x: np.sum(x, keepdims=True)),
    "less its mean": (lambda x: x - tg.mean(x), lambda x: x - np.sum(x) / np.size(x)),
    "softmax": (
        lambda x: tg.softmax(x, axis=None),
        lambda x: each(mp.exp)(x) / np.sum(each(mp.exp)(x)),
    ),
    "reversed": (
        lambda x: tg.reshape(tg.reshape(x, (-1,))[::-1], x.shape),
        lambda x: np.reshape(np.ravel(x)[::-1], np.shape(x)),
    ),
    "first, twice": (
        lambda x: tg.sum(tg.reshape(x, (-1,))[[0, 0]]),
        lambda x: 2 * np.ravel(x)[0],
    ),
    "squared norm": (
        lambda x: tg.reshape(x, (1, -1)) @ tg.reshape(x, (-1, 1)),
        lambda x: np.reshape(np.sum(x * x), (1, 1)),
    ),
}
"""What arrays add: operations on all the numbers of one, whatever its shape."""


def numbers(low: float, high: float, shape: tuple[int, ...] | None) -> st.SearchStrategy[Any]:
    """A float within bounds; or, given a shape, an array of them."""
    return floats(low, high) if shape is None else arrays(shape, low, high)


def uses(position: int, interval: Interval) -> st.SearchStrategy[Use]:
    """An earlier result brought into an interval: to its middle or to one of its ends."""
    low, high = interval
    radius = min(0.4, (high - low) / 2)
    centres = [(low + high) / 2, low + radius, high - radius]
    return st.sampled_from([Use(position, centre, radius) for centre in centres])


@st.composite
def elementwise_steps(draw: st.DrawFn, count: int, on_arrays: bool) -> Step:
    """A row of the table on any of the earlier results, one operand perhaps a constant."""
    row = draw(st.sampled_from(ELEMENTWISE))
    operands = [
        draw(uses(draw(st.integers(0, count - 1)), draw(st.sampled_from(domain))))
        for domain in row.domains
    ]
    if len(operands) > 1 and draw(st.booleans()):
        k = draw(st.integers(0, len(operands) - 1))
        shape = draw(st.sampled_from([None, *SHAPES])) if on_arrays else None
        operands[k] = draw(numbers(*draw(st.sampled_from(row.domains[k])), shape))
    return Step(str(row), row.call, each(row.oracle), tuple(operands))


@st.composite
def steps_across(draw: st.DrawFn, count: int) -> Step:
    """An operation on all the numbers of an earlier result."""
    name, functions = draw(st.sampled_from(sorted(ACROSS.items(), key=lambda item: item[0])))
    return Step(name, *functions, (Use(draw(st.integers(0, count - 1))),))


@st.composite
def programs(
    draw: st.DrawFn, on_arrays: bool = False, max_leaves: int = 3, max_steps: int = 6
) -> Program:
    """A program of numbers, or of arrays whose shapes broadcast."""
    leaves = [
        draw(numbers(-2.0, 2.0, draw(st.sampled_from(SHAPES)) if on_arrays else None))
        for _ in range(draw(st.integers(1, max_leaves)))
    ]
    steps: list[Step] = []
    for count in range(len(leaves), len(leaves) + draw(st.integers(1, max_steps))):
        across = on_arrays and draw(st.integers(0, 2)) == 0
        steps.append(draw(steps_across(count) if across else elementwise_steps(count, on_arrays)))
    return Program(tuple(leaves), tuple(steps))
