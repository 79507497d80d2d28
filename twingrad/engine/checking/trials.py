"""Operands to try a rule on: numbers and arrays of several shapes, where it has finite results.

Nothing is known of a rule but how many operands it takes. Shapes that it refuses are left out,
and where ordinary numbers are outside its domain, as with a logarithm, others are drawn.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import GraphError
from ..node import Node
from ..rules import SELECTIVE
from ..run import unconnected
from ..sweep import enable_grad
from ..tensor import Tensor
from ..value import Value

Shapes = tuple[tuple[int, ...], ...]

SHAPES: dict[int, list[Shapes]] = {
    1: [((),), ((3,),), ((2, 3),), ((3, 3),), ((2, 3, 2),)],
    2: [
        ((), ()),
        ((3,), (3,)),
        ((2, 3), (2, 3)),
        ((2, 3), (3,)),
        ((2, 1), (1, 3)),
        ((), (2, 3)),
        ((2, 3), (3, 4)),
        ((3, 3), (3, 3)),
    ],
    3: [
        ((), (), ()),
        ((3,), (3,), (3,)),
        ((2, 3), (3,), ()),
        ((2, 1), (1, 3), (2, 3)),
        ((4, 3), (3, 2), (2,)),
    ],
}
INTERVALS = ((-1.5, 1.5), (0.3, 1.7), (0.1, 0.9), (1.1, 1.9))
"""Where operands are drawn from: the first in which the result is finite."""

REFUSALS = (TypeError, ValueError, AttributeError, IndexError, ArithmeticError, GraphError)


@dataclass(frozen=True)
class Trial:
    """Operands of one kind, "Value" or "Tensor", and what they are in words."""

    kind: type[Node]
    operands: tuple[Any, ...]

    @property
    def name(self) -> str:
        """In words: "Tensors (2, 3) with (3,)"."""
        if self.kind is Value:
            return "Values"
        shapes = [str(np.shape(x)) for x in self.operands]
        dtype = "" if self.dtype == np.float64 else f" {self.dtype}"
        return f"Tensors {' with '.join(shapes)}{dtype}"

    @property
    def dtype(self) -> Any:
        """The precision of the operands."""
        return np.result_type(*self.operands)

    @property
    def of_arrays(self) -> bool:
        """Whether some operand has an axis."""
        return any(np.ndim(x) for x in self.operands)

    @property
    def of_matrices(self) -> bool:
        """Whether the first two operands, or the only one, are matrices."""
        return all(np.ndim(x) == 2 for x in self.operands[:2])

    @property
    def of_layer(self) -> bool:
        """Whether matrices come first, and then vectors and numbers alone, as a bias is."""
        return self.of_matrices and all(np.ndim(x) < 2 for x in self.operands[2:])

    @property
    def multiplies_matrices(self) -> bool:
        """Whether a rule that takes these multiplies matrices: they go together no other way."""
        if len(self.operands) < 2 or not self.of_matrices:
            return False
        first, second = (np.shape(x) for x in self.operands[:2])
        return first[1] == second[0] and not self.broadcast

    @property
    def broadcast(self) -> bool:
        """Whether the shapes go together element by element."""
        try:
            np.broadcast_shapes(*(np.shape(x) for x in self.operands))
        except ValueError:
            return False
        return True

    def nodes(self) -> tuple[Node, ...]:
        """The operands as leaves."""
        return tuple(unconnected(x) for x in self.operands)

    def as_float32(self) -> "Trial":
        """The same numbers at single precision."""
        return Trial(self.kind, tuple(np.asarray(x, dtype=np.float32) for x in self.operands))


def trials_of(
    rule: Callable[..., Any],
    given: Sequence[Any],
    static: dict[str, Any],
    rng: np.random.Generator,
) -> tuple[list[Trial], list[str]]:
    """Operands that the rule takes, and in words those that it refuses."""
    if given:
        candidates = _of_given(given)
    else:
        count = count_of_operands(rule)
        candidates = [
            [_drawn(kind, shapes, interval, rng) for interval in INTERVALS]
            for kind, shapes in _kinds_and_shapes(count)
        ]
    taken, refused = [], []
    for draws in candidates:
        errors = []
        for trial in draws:
            try:
                result = run(rule, trial, static)
            except GraphError:  # what it returned is no result and pullback, whatever it is given
                raise
            except REFUSALS as error:
                errors.append(f"refuses {trial.name}: {refusal(error)}")
                continue
            if np.isfinite(result._data).all():
                taken.append(trial)
                break
            errors.append(f"gives no finite result of {trial.name}")
        else:
            refused.append(errors[-1])
    return taken, refused


def run(rule: Callable[..., Any], trial: Trial, static: dict[str, Any]) -> Node:
    """The rule on a trial's operands, as leaves of their own."""
    nodes = trial.nodes()
    with enable_grad(), np.errstate(all="ignore"):
        return nodes[0]._apply(rule, nodes, static)


def refusal(error: Exception) -> str:
    """An error in a line that is not too long."""
    line = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {line[:70]}{'...' if len(line) > 70 else ''}"


def count_of_operands(rule: Callable[..., Any]) -> int:
    """How many operands a rule takes: its parameters that are neither keyword-only nor optional."""
    parameters = list(inspect.signature(rule).parameters.values())
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return 2
    operands = [
        p
        for p in parameters
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
    ]
    if not operands:
        raise TypeError(
            f"{getattr(rule, '__name__', rule)!r} takes no operands, so there is nothing to "
            "differentiate by; a rule is called as rule(x, y, ...)"
        )
    return len(operands)


def missing_static(rule: Callable[..., Any], static: dict[str, Any]) -> list[str]:
    """The keyword arguments that a rule needs and has not been given."""
    parameters = inspect.signature(rule).parameters.values()
    return [
        p.name
        for p in parameters
        if p.kind is p.KEYWORD_ONLY and p.default is p.empty and p.name not in static
        if not (p.name == "needs" and rule in SELECTIVE)
    ]


def _kinds_and_shapes(count: int) -> list[tuple[type[Node], Shapes]]:
    shapes = SHAPES.get(count) or [((),) * count, ((3,),) * count, ((2, 3),) * count]
    return [(Value, ((),) * count), *((Tensor, each) for each in dict.fromkeys(shapes))]


def _drawn(
    kind: type[Node], shapes: Shapes, interval: tuple[float, float], rng: np.random.Generator
) -> Trial:
    operands = [_away_from_zero(rng.uniform(*interval, shape)) for shape in shapes]
    return Trial(kind, tuple(float(x) if kind is Value else np.asarray(x) for x in operands))


def _away_from_zero(x: Any) -> Any:
    """Kinks lie at 0 more often than anywhere else."""
    return np.where(np.abs(x) < 0.1, np.where(x < 0.0, x - 0.1, x + 0.1), x)


def _of_given(given: Sequence[Any]) -> list[list[Trial]]:
    numbers = [np.array(x._data if isinstance(x, Node) else x) for x in given]
    floats = [x if x.dtype.kind == "f" else x.astype(np.float64) for x in numbers]
    trials = [[Trial(Tensor, tuple(floats))]]
    if all(x.ndim == 0 for x in floats) and not any(isinstance(x, Tensor) for x in given):
        trials.insert(0, [Trial(Value, tuple(float(x) for x in floats))])
    return trials
