"""Random graphs, with nodes used twice, several paths, constants and broadcasting.

Each is a program that mpmath runs too, and differentiates by differences at 40 digits: an
oracle without a graph. That it can fail is shown at the end, by breaking a rule, broadcasting
and the order of the sweep. The strategies stay in `tests/`, because they build programs of the
table's operations, with their oracles; importable ones come later, with a testing kit.
"""

import contextlib
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy

import twingrad as tg
from tests.oracles import mp
from tests.strategies import Program, programs
from twingrad import Value
from twingrad.engine import rules


def near(found: Any, expected: Any, tolerance: float = 1e-11) -> None:
    """Equal beside the largest: a program may lose some digits where its slopes are steep."""
    scale = 1.0 + np.max(np.abs(expected))
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=tolerance * scale)


def gradients(program: Program, leaves: Any) -> tuple[Any, np.ndarray]:
    value, found = tg.value_and_grad(program.on_nodes, tuple(range(len(leaves))))(*leaves)
    return value, np.concatenate([np.ravel(g) for g in found])


def holds(program: Program) -> None:
    """Assert that value and gradients are what mpmath says."""
    value, found = gradients(program, program.leaves)
    near(value, float(program.on_numbers(*program.numbers)))
    near(found, [program.slope(k) for k in range(len(program.numbers))])


@settings(max_examples=200)
@given(programs())
def test_the_gradients_of_a_scalar_graph_are_mpmaths(program: Program) -> None:
    holds(program)


@settings(max_examples=100)
@given(programs(on_arrays=True))
def test_the_gradients_of_a_graph_of_arrays_are_mpmaths(program: Program) -> None:
    holds(program)


@settings(max_examples=200)
@given(programs())
def test_the_twins_agree_on_a_graph(program: Program) -> None:
    value, found = gradients(program, program.leaves)
    held, expected = gradients(program, [np.array(x) for x in program.leaves])
    near([value, *found], [held, *expected], tolerance=1e-12)


@settings(max_examples=60)
@given(programs(max_leaves=2, max_steps=3))
def test_the_second_derivatives_of_a_scalar_graph_are_mpmaths(program: Program) -> None:
    leaves = range(len(program.leaves))
    found = tg.hessian(program.on_nodes, tuple(leaves))(*program.leaves)
    near(found, [[program.slope(i, j) for j in leaves] for i in leaves])


@settings(max_examples=60)
@given(programs(on_arrays=True, max_leaves=2, max_steps=3))
def test_the_second_derivatives_of_a_graph_of_arrays_are_mpmaths(program: Program) -> None:
    start = program.numbers
    line = np.cos(np.arange(len(start)))

    def along_the_line(t: Any) -> Any:
        return program.on_numbers(*[x + t * v for x, v in zip(start, line.tolist(), strict=True)])

    parts = np.split(line, np.cumsum([x.size for x in program.leaves])[:-1])
    vectors = tuple(v.reshape(x.shape) for v, x in zip(parts, program.leaves, strict=True))
    bent = tg.hvp(program.on_nodes, program.leaves, vectors)
    found = sum(np.sum(v * h) for v, h in zip(vectors, bent, strict=True))
    near(found, float(mp.diff(along_the_line, 0.0, 2)))


# The oracle can fail


def the_smallest(candidates: SearchStrategy[Program], fails: Callable[[Program], bool]) -> Program:
    """The smallest program that Hypothesis finds to fail; none at all is an error.

    It looks several times, for what it draws depends on the modules that happen to be loaded.
    """
    tries = settings(max_examples=300, database=None)
    for seed in range(5):
        with contextlib.suppress(NoSuchExample):
            return find(candidates, fails, settings=tries, random=Random(seed))
    raise AssertionError("no program fails: the oracle is blind")


def is_wrong(program: Program) -> bool:
    try:
        holds(program)
    except AssertionError:
        return True
    return False


def test_a_wrong_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(x: Any) -> Any:
        y, pullback = tanh(x)
        return y, lambda grad: (1.001 * pullback(grad)[0],)

    tanh = rules.tanh
    monkeypatch.setattr(rules, "tanh", wrong)
    assert "tanh" in [step.name for step in the_smallest(programs(), is_wrong).steps]


def test_a_gradient_lost_in_broadcasting_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(x: Any, y: Any) -> Any:
        def halved(grad: Any) -> Any:
            both = zip((x, y), pullback(grad), strict=True)
            return tuple(g if np.shape(g) == np.shape(x) else 0.5 * g for x, g in both)

        product, pullback = mul(x, y)
        return product, halved

    mul = rules.mul
    monkeypatch.setattr(rules, "mul", wrong)
    found = the_smallest(programs(on_arrays=True, max_leaves=1, max_steps=2), is_wrong)
    assert "mul" in [step.name for step in found.steps]


def gradients_passed_on_as_they_come(program: Program) -> list[float]:
    """Every node passes its gradient on when it is met, though more of it may be to come."""
    leaves = [Value(x) for x in program.leaves]
    root = program.on_nodes(*leaves)
    root.grad = 1.0
    met = [root]
    for node in met:
        node._backward()
        met += [parent for parent in dict.fromkeys(node.parents) if parent not in met]
    return [leaf.grad for leaf in leaves]


def test_a_sweep_in_the_wrong_order_is_found() -> None:
    def fails(program: Program) -> bool:
        slopes = [program.slope(k) for k in range(len(program.leaves))]
        return not np.allclose(gradients_passed_on_as_they_come(program), slopes)

    holds(the_smallest(programs(), fails))
