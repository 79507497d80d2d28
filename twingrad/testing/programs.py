"""Random programs, which make random graphs: results used again, broadcast, reduced, summed up.

A program prints as the Python that it is, so that a failing example can be copied out of the
report and run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .. import engine as tg
from .strategies import arrays, broadcastable_shapes, floats

Operation = tuple[str, Callable[..., Any]]

SMOOTH: tuple[tuple[int, str, Callable[..., Any]], ...] = (
    (1, "tg.tanh({})", tg.tanh),
    (1, "tg.sin({})", tg.sin),
    (1, "tg.cos({})", tg.cos),
    (1, "tg.sigmoid({})", tg.sigmoid),
    (1, "tg.softplus({})", tg.softplus),
    (1, "tg.gelu({})", tg.gelu),
    (1, "tg.exp(tg.sin({}))", lambda x: tg.exp(tg.sin(x))),
    (1, "tg.log(1.5 + tg.cos({}))", lambda x: tg.log(1.5 + tg.cos(x))),
    (1, "tg.sqrt(1.0 + {0} * {0})", lambda x: tg.sqrt(1.0 + x * x)),
    (1, "-{}", lambda x: -x),
    (2, "{} + {}", lambda x, y: x + y),
    (2, "{} - {}", lambda x, y: x - y),
    (2, "{} * tg.tanh({})", lambda x, y: x * tg.tanh(y)),
    (2, "{} / (2.0 + tg.sin({}))", lambda x, y: x / (2.0 + tg.sin(y))),
    (2, "(1.5 + tg.sin({})) ** tg.tanh({})", lambda x, y: (1.5 + tg.sin(x)) ** tg.tanh(y)),
)
"""How many operands, how it is written, what it does; nothing leaves a domain or grows fast."""

KINKED: tuple[tuple[int, str, Callable[..., Any]], ...] = (
    (1, "tg.relu({})", tg.relu),
    (1, "tg.leaky_relu({})", tg.leaky_relu),
    (1, "abs({})", abs),
    (2, "tg.maximum({}, {})", tg.maximum),
    (2, "tg.minimum({}, {})", tg.minimum),
)

REDUCED: tuple[tuple[int, str, Callable[..., Any]], ...] = (
    (1, "tg.sum({}, keepdims=True)", lambda x: tg.sum(x, keepdims=True)),
    (1, "{0} - tg.mean({0})", lambda x: x - tg.mean(x)),
    (1, "tg.softmax({}, axis=None)", lambda x: tg.softmax(x, axis=None)),
    (1, "tg.logsumexp({}, keepdims=True)", lambda x: tg.logsumexp(x, keepdims=True)),
)


@dataclass(frozen=True)
class Step:
    """One line of a program: an operation on the numbers at these positions."""

    written: str
    call: Callable[..., Any]
    positions: tuple[int, ...]


@dataclass(frozen=True, repr=False)
class Program:
    """A function that can be called and read: the sum of the results of all its steps.

    `leaves` are numbers or arrays to call it on: `program(*program.leaves)`. It takes Values,
    Tensors, or plain numbers and arrays.
    """

    leaves: tuple[Any, ...]
    steps: tuple[Step, ...]

    def __call__(self, *leaves: Any) -> Any:
        if len(leaves) != len(self.leaves):
            raise TypeError(f"this program takes {len(self.leaves)} numbers, not {len(leaves)}")
        results = list(leaves)
        for step in self.steps:
            results.append(step.call(*(results[position] for position in step.positions)))
        return _total(results[len(leaves) :])

    def __repr__(self) -> str:
        names = [_name(k) for k in range(len(self.leaves) + len(self.steps))]
        given, made = names[: len(self.leaves)], names[len(self.leaves) :]
        lines = [f"def program({', '.join(given)}):"]
        for name, step in zip(made, self.steps, strict=True):
            lines.append(f"    {name} = {step.written.format(*(names[p] for p in step.positions))}")
        of_arrays = any(np.ndim(leaf) for leaf in self.leaves)
        terms = [f"tg.sum({name})" for name in made] if of_arrays else made
        lines.append(f"    return {' + '.join(terms)}")
        called = ", ".join(map(_written, self.leaves))
        return "\n".join([*lines, f"program({called})"])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What Hypothesis prints of a failing example, which would else be the fields."""
        printer.text(repr(self))


@st.composite
def programs(
    draw: st.DrawFn,
    on_arrays: bool = False,
    *,
    max_leaves: int = 3,
    max_steps: int = 6,
    kinks: bool = False,
    operations: Sequence[tuple[int, str, Callable[..., Any]]] | None = None,
) -> Program:
    """Programs of numbers, or of arrays whose shapes broadcast; smooth unless `kinks`.

    operations: others to draw from, each with how many operands it takes, how it is written, and
        what it does: `(1, "cube({})", cube)`.

    >>> from hypothesis import given
    >>> from twingrad.testing import assert_gradients, programs
    >>> @given(programs())
    ... def test_that_gradients_are_right(program):
    ...     assert_gradients(program, *program.leaves)
    """
    choice = list(operations) if operations is not None else [*SMOOTH]
    if operations is None:
        choice += [*KINKED] * kinks + [*REDUCED] * on_arrays
    count = draw(st.integers(1, max_leaves))
    if on_arrays:
        leaves: list[Any] = [
            draw(arrays(shape))
            for shape in draw(broadcastable_shapes(count, min_dims=1, max_dims=2))
        ]
    else:
        leaves = [draw(floats()) for _ in range(count)]
    steps = []
    for known in range(count, count + draw(st.integers(1, max_steps))):
        operands, written, call = draw(st.sampled_from(choice))
        positions = tuple(draw(st.integers(0, known - 1)) for _ in range(operands))
        steps.append(Step(written, call, positions))
    return Program(tuple(leaves), tuple(steps))


def _total(results: list[Any]) -> Any:
    total = 0.0
    for result in results:
        total = total + (tg.sum(result) if isinstance(result, tg.Tensor | np.ndarray) else result)
    return total


def _written(leaf: Any) -> str:
    line = " ".join(repr(leaf).split())
    return f"np.{line}" if isinstance(leaf, np.ndarray) else line


def _name(k: int) -> str:
    return ascii_lowercase[k] if k < 26 else f"v{k}"
