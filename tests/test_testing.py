"""twingrad.testing: what it draws is what it says, and its assertions speak as the reports do."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

import twingrad as tg
from twingrad import Tensor, Value
from twingrad.testing import (
    Program,
    arrays,
    assert_gradients,
    assert_operation,
    broadcastable_shapes,
    broadcasting_arrays,
    floats,
    programs,
    shapes,
    tensors,
    values,
)

# What is drawn


@given(floats(-1.0, 3.0, away_from=(0.0, 2.0), by=0.25))
def test_numbers_lie_within_their_bounds_and_away_from_kinks(x: float) -> None:
    assert -1.0 <= x <= 3.0
    assert min(abs(x), abs(x - 2.0)) >= 0.25


def test_numbers_come_from_every_side_of_a_kink() -> None:
    between = floats(-1.0, 3.0, away_from=(0.0, 2.0))
    for wanted in (lambda x: x < 0.0, lambda x: 0.0 < x < 2.0, lambda x: x > 2.0):
        assert find(between, wanted) is not None


def test_bounds_that_leave_no_number_are_an_error() -> None:
    with pytest.raises(ValueError, match="low must be below high"):
        floats(2.0, 1.0)
    with pytest.raises(ValueError, match=r"no number from -0.1 to 0.1 is 0.5 away"):
        floats(-0.1, 0.1, away_from=(0.0,), by=0.5)


@given(st.data(), st.sampled_from([np.float32, np.float64]))
def test_arrays_have_the_shape_dtype_and_bounds_asked_for(data: st.DataObject, dtype: Any) -> None:
    shape = data.draw(shapes(min_dims=1, max_dims=2, max_side=3))
    x = data.draw(arrays(shape, 0.5, 1.5, dtype=dtype))
    assert (x.shape, x.dtype) == (shape, dtype)
    assert ((x >= 0.5) & (x <= 1.5)).all()
    assert 1 <= x.ndim <= 2 and max(shape) <= 3


@given(broadcastable_shapes(3))
def test_shapes_that_broadcast_do(drawn: tuple[tuple[int, ...], ...]) -> None:
    assert len(drawn) == 3
    np.broadcast_shapes(*drawn)


def test_shapes_that_broadcast_are_not_all_alike() -> None:
    assert find(broadcastable_shapes(2), lambda pair: pair[0] != pair[1])
    assert find(broadcastable_shapes(2), lambda pair: len(pair[0]) != len(pair[1]))


@given(broadcasting_arrays(2), values(1.0, 2.0), tensors((2,), away_from=(0.0,)))
def test_arrays_that_broadcast_and_leaves_are_drawn(pair: Any, v: Value, t: Tensor) -> None:
    assert (pair[0] + pair[1]).shape == np.broadcast_shapes(pair[0].shape, pair[1].shape)
    assert isinstance(v, Value) and 1.0 <= v.data <= 2.0 and not v.parents
    assert t.shape == (2,) and (np.abs(t.data) >= 0.1).all() and t.grad is None


# Programs


@given(programs(kinks=True))
def test_a_program_of_numbers_is_the_same_on_both_twins(program: Program) -> None:
    of_numbers = program(*program.leaves)
    of_values = program(*map(Value, program.leaves))
    of_tensors = program(*map(Tensor, program.leaves))
    assert float(of_values) == pytest.approx(float(of_numbers), rel=1e-12, abs=1e-12)
    assert of_tensors.item() == pytest.approx(float(of_numbers), rel=1e-12, abs=1e-12)


@given(st.booleans().flatmap(programs))
def test_a_program_prints_as_python_that_does_the_same(program: Program) -> None:
    namespace = {"tg": tg, "np": np, "array": np.array}
    *lines, call = repr(program).splitlines()
    exec("\n".join(lines), namespace)
    again = eval(call, namespace)
    # Arrays print eight digits.
    assert float(again) == pytest.approx(float(program(*program.leaves)), rel=1e-5, abs=1e-5)


def test_programs_use_results_again_and_arrays_that_broadcast() -> None:
    def reuses(program: Program) -> bool:
        used = [position for step in program.steps for position in step.positions]
        return any(used.count(k) > 1 for k in used if k >= len(program.leaves))

    assert find(programs(), reuses)
    assert find(programs(True), lambda p: len({np.shape(x) for x in p.leaves}) > 1)


def test_a_program_can_be_made_of_operations_of_ones_own() -> None:
    program = find(programs(operations=[(1, "cube({})", lambda x: x**3)]), lambda p: True)
    assert "b = cube(a)" in repr(program)
    with pytest.raises(TypeError, match="this program takes 1 numbers, not 2"):
        program(1.0, 2.0)


# Assertions


def cube(x: Any) -> Any:
    return x * x * x, lambda grad: (grad * (3.0 * x * x),)


def flipped(x: Any) -> Any:
    return x * x * x, lambda grad: (-grad * (3.0 * x * x),)


@given(arrays())
def test_right_gradients_pass(x: np.ndarray) -> None:
    assert_gradients(lambda x: tg.apply(cube, x), x)


def test_a_failing_assertion_is_the_report() -> None:
    with pytest.raises(AssertionError, match=r"(?s)gradcheck: WRONG.*the sign is flipped"):
        assert_gradients(lambda x: tg.apply(flipped, x), np.ones(3))
    assert_gradients(lambda x: x**3, 1.0, rtol=1e-5)
    assert_operation(cube)
    with pytest.raises(AssertionError, match=r"(?s)check_op: flipped is WRONG.*sign is flipped"):
        assert_operation(flipped)


# Without Hypothesis


def test_without_hypothesis_the_error_names_the_extra() -> None:
    program = """
import sys
sys.modules["hypothesis"] = None
import twingrad
try:
    import twingrad.testing
except ImportError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (
        'needs hypothesis, which is missing; install it with pip install "twingrad[testing]"'
        in (done.stdout)
    )
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert project["project"]["optional-dependencies"]["testing"] == ["hypothesis"]
