"""gradcheck: backward() held against finite differences, which know nothing of any rule.

The report says how far apart the two are and, where they are, which operation and which
element is wrong.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .finite_differences import slope
from .node import Node
from .run import Run, starting_from, unconnected, zeros_like
from .structure import flatten, map_leaves, rebuild
from .sweep import gradients, no_grad, topological_order

TOLERANCE = {np.dtype(np.float64): 1e-7, np.dtype(np.float32): 2e-3}


@dataclass(frozen=True)
class Disagreement:
    """One element at which backward() and finite differences differ most."""

    where: str
    relative_error: float
    backward: float
    finite_differences: float

    def __str__(self) -> str:
        return (
            f"{self.where}: backward says {self.backward:.10g}, finite differences "
            f"{self.finite_differences:.10g} (relative error {self.relative_error:.2g})"
        )


class _Settings(NamedTuple):
    precision: float
    eps: float | None
    rtol: float


@dataclass(frozen=True)
class GradcheckReport:
    """What `gradcheck` found: true when right, and printed, a sentence a line."""

    max_relative_error: float
    rtol: float
    checked: int
    worst: Disagreement | None
    operation: Disagreement | None

    def __bool__(self) -> bool:
        return self.max_relative_error <= self.rtol

    def __str__(self) -> str:
        largest = f"largest relative error {self.max_relative_error:.2g}, tolerance {self.rtol:g}"
        if self:
            return f"gradcheck: right at all {self.checked} inputs ({largest})"
        lines = [f"gradcheck: WRONG ({largest})", f"  {self.worst}"]
        if self.operation is not None:
            lines.append(f"  the operation that is wrong: {self.operation}")
        else:
            lines.append(
                "  every operation is right by itself: the function has a kink here, or does "
                "not give the same result twice, or takes numbers out of nodes"
            )
        return "\n".join(lines)

    __repr__ = __str__


def gradcheck(
    f: Callable[..., Any], *inputs: Any, eps: float | None = None, rtol: float | None = None
) -> GradcheckReport:
    """Whether the gradients of f at the inputs are what finite differences say.

    f takes numbers, arrays, or lists of them, and returns the same (several results are
    weighed into one number). For each element the error is |a - n| / max(|a| + |n|, floor),
    where the floor is what finite differences can resolve: it comes from the step, from |f| and
    from the dtype, so that a stationary point passes and a wrong slope does not.

    eps: the step of a central difference; by default several are tried, and extrapolated.
    rtol: the largest error that passes; 1e-7 in float64, 2e-3 in float32.

    No `.grad` is touched. At a kink the two need not agree.

    >>> import twingrad as tg
    >>> bool(tg.gradcheck(lambda x, y: tg.tanh(x) * y, 0.3, -2.0))
    True
    """
    if not inputs:
        raise ValueError("gradcheck needs at least one input to differentiate by, but none came")
    if rtol is not None and not rtol > 0.0:
        raise ValueError(f"rtol is a number above 0, not {rtol!r}")
    plain = map_leaves(_number, list(inputs))
    run = Run(f, plain, tuple(range(len(plain))))
    weights = _weights(run.results)
    passed = gradients(starting_from(run.results, weights))
    found = [passed[x] if x in passed else zeros_like(x) for x in run.inputs]
    dtypes = [np.asarray(x._data).dtype for x in run.inputs]
    dtype = max(dtypes, key=lambda each: np.finfo(each).eps)  # no better than the coarsest
    tolerance = TOLERANCE.get(dtype, 1e-7) if rtol is None else rtol
    settings = _Settings(float(np.finfo(dtype).eps), eps, tolerance)

    def weighed(numbers: Sequence[Any]) -> float:
        with no_grad(), np.errstate(all="ignore"):
            args = map_leaves(unconnected, rebuild(plain, list(numbers)))
            return _weighed(flatten(f(*args)), weights)

    numbers = [x._data for x in run.inputs]
    size = _size([(x._data, gradient) for x, gradient in passed.items()])
    checked = _compare(weighed, numbers, found, size, settings)
    named = [Disagreement(f"input {k}{_at(index)}", *rest) for (k, index, *rest) in checked]
    worst = max(named, key=_by_error, default=None)
    error = 0.0 if worst is None else worst.relative_error
    right = error <= tolerance
    operation = None if right else _wrong_operation(run.results, settings)
    return GradcheckReport(error, tolerance, len(named), worst, operation)


def _compare(
    f: Callable[[Sequence[Any]], float],
    numbers: Sequence[Any],
    slopes: Sequence[Any],
    size: float,
    settings: _Settings,
) -> list[tuple[int, tuple[int, ...], float, float, float]]:
    """For each element of each operand: which one, its relative error, and the two slopes."""
    precision, eps, rtol = settings
    found = []
    for k, gradient in enumerate(slopes):
        if gradient is None:
            continue
        for index in np.ndindex(np.shape(numbers[k])):
            x = float(np.asarray(numbers[k])[index])
            expected = slope(_along(f, numbers, k, index), x, precision, size, eps)
            analytic = float(np.asarray(gradient)[index])
            gap = abs(analytic - expected.slope)
            scale = max(abs(analytic) + abs(expected.slope), expected.error / rtol)
            error = 0.0 if gap == 0.0 else gap / scale
            error = float("inf") if np.isnan(error) else error
            found.append((k, index, error, analytic, expected.slope))
    return found


def _along(
    f: Callable[[Sequence[Any]], float], numbers: Sequence[Any], k: int, index: tuple[int, ...]
) -> Callable[[float], float]:
    """f as a function of one element of one operand."""

    def of_element(x: float) -> float:
        moved = list(numbers)
        if isinstance(numbers[k], np.ndarray):
            moved[k] = numbers[k].copy()
            moved[k][index] = x
        else:
            moved[k] = x
        return f(moved)

    return of_element


def _wrong_operation(results: Sequence[Any], settings: _Settings) -> Disagreement | None:
    """Each operation of the graph checked by itself; the first that is wrong, at its worst."""
    roots = [y for y in results if isinstance(y, Node)]
    for node in topological_order(*roots):
        if node._rule is None or node._pullback is None:
            continue
        weights = _weights([node])
        passed = node._pullback(weights[0])
        slopes = [
            None if g is None or p.constant else p._received(g, None, node)
            for p, g in zip(node.parents, passed, strict=True)
        ]
        rule, static = node._rule, node._static

        def weighed(
            numbers: Sequence[Any], rule: Any = rule, static: Any = static, weights: Any = weights
        ) -> float:
            with np.errstate(all="ignore"):
                return _weighed([rule(*numbers, **static)[0]], weights)

        numbers = [p._data for p in node.parents]
        known = [(x, slope) for x, slope in zip(numbers, slopes, strict=True) if slope is not None]
        checked = _compare(weighed, numbers, slopes, _size(known), settings)
        k, index, *rest = max(checked, key=lambda entry: entry[2], default=(0, (), 0.0, 0.0, 0.0))
        if rest[0] > settings.rtol:
            label = f" ({node.label})" if node.label else ""
            return Disagreement(f"{node.op}{label}, operand {k}{_at(index)}", *rest)
    return None


def _size(pairs: Sequence[tuple[Any, Any]]) -> float:
    """The size of a computation for its rounding: what each number weighs in the result."""
    with np.errstate(all="ignore"):
        weighs = [np.sum(np.abs(np.multiply(number, gradient))) for number, gradient in pairs]
    return float(sum(weight for weight in weighs if np.isfinite(weight)))


def _number(x: Any) -> Any:
    return np.array(x._data)[()] if isinstance(x, Node) else x


def _by_error(disagreement: Disagreement) -> float:
    return disagreement.relative_error


def _weights(results: Sequence[Any]) -> list[Any]:
    """Fixed weights that no two elements share, to weigh several results into one number."""
    shapes = [np.shape(y) for y in results]
    if shapes == [()]:
        return [1.0]
    rng = np.random.default_rng(0)
    return [rng.uniform(0.5, 1.5, shape if shape else None) for shape in shapes]


def _weighed(results: Sequence[Any], weights: Sequence[Any]) -> float:
    numbers = [np.asarray(getattr(y, "_data", y)) for y in results]
    return float(sum(np.sum(w * y) for w, y in zip(weights, numbers, strict=True)))


def _at(index: tuple[int, ...]) -> str:
    return f", element {index if len(index) > 1 else index[0]}" if index else ""
