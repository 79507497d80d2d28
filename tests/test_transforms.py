"""grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp: held against what is known without them.

Closed forms, mpmath's derivatives at 40 digits, and identities that any derivative satisfies.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import twingrad as tg
from twingrad import Tensor, Value

NUMBERS = st.floats(-2.0, 2.0)
VECTORS = arrays(np.float64, 3, elements=NUMBERS)
MATRIX = np.array([[0.5, -1.0, 0.25], [1.5, 0.75, -0.5]])


def bumpy(x: Any) -> Any:
    """A function of three numbers to three, with every second derivative."""
    return tg.sin(x * x[::-1]) * tg.exp(0.3 * x) + x.sum() * x / (1.0 + x * x)


def hill(x: Any) -> Any:
    return (bumpy(x) * x).sum()


# Shapes of arguments and results


def test_the_gradient_of_a_float_is_a_float() -> None:
    found = tg.grad(lambda x: x**3)(2.0)
    assert (type(found), found) == (float, 12.0)
    assert tg.grad(lambda x: x**3)(2) == tg.grad(lambda x: x**3)(np.float64(2.0)) == 12.0


@pytest.mark.parametrize("x", [np.array(2.0), np.array([2.0]), np.full((1, 1), 2.0), np.array(2)])
def test_the_gradient_of_an_array_is_an_array_of_its_shape(x: np.ndarray) -> None:
    found = tg.grad(lambda x: x**3)(x)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, np.full(x.shape, 12.0), strict=True)


def test_a_float_arrives_as_a_value_and_an_array_as_a_tensor() -> None:
    came = []
    tg.grad(lambda x, y: came.extend([type(x), type(y)]) or x * 1.0)(2.0, np.array(2.0))
    assert came == [Value, np.ndarray]
    tg.grad(lambda x, y: came.extend([type(x), type(y)]) or x * 1.0, (0, 1))(2.0, 3.0)
    assert came[2:] == [Value, Value]
    tg.grad(lambda x: came.append(type(x)) or x * 1.0)(np.array(2.0))
    assert came[-1] is Tensor


class Pair(NamedTuple):
    first: Any
    second: Any


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: x[0] * x[1] ** 2, [3.0, 5.0], [25.0, 30.0]),
        (lambda x: x[0] * x[1] ** 2, (3.0, 5.0), (25.0, 30.0)),
        (lambda x: x["a"] * x["b"] ** 2, {"a": 3.0, "b": 5.0}, {"a": 25.0, "b": 30.0}),
        (lambda x: x[0][0] * x[1]["b"][0], [[3.0], {"b": (5.0,)}], [[5.0], {"b": (3.0,)}]),
        (lambda x: x.first * x.second, Pair(3.0, 5.0), Pair(5.0, 3.0)),
        (lambda x: x["a"] * 2.0, {"a": 3.0, "empty": []}, {"a": 2.0, "empty": []}),
    ],
)
def test_lists_tuples_and_dicts_keep_their_structure(f: Callable, x: Any, expected: Any) -> None:
    assert tg.grad(f)(x) == expected
    assert type(tg.grad(f)(x)) is type(x)
    assert tg.value_and_grad(f)(x) == (f(x), expected)


def test_arrays_and_numbers_mix_in_a_structure() -> None:
    found = tg.grad(lambda p: (p["w"] @ np.ones(2)).sum() * 3.0)({"w": np.ones((2, 2)), "s": 1.0})
    np.testing.assert_array_equal(found["w"], np.full((2, 2), 3.0))
    assert found["s"] == 0.0


def test_argnum_names_one_argument_or_several() -> None:
    def f(x: Any, y: Any, z: Any) -> Any:
        return x * y**2 + 0.0 * z

    assert tg.grad(f)(3.0, 5.0, 7.0) == 25.0
    assert tg.grad(f, 1)(3.0, 5.0, 7.0) == 30.0
    assert tg.grad(f, -2)(3.0, 5.0, 7.0) == 30.0
    assert tg.grad(f, (1, 0))(3.0, 5.0, 7.0) == (30.0, 25.0)
    assert tg.grad(f, (1,))(3.0, 5.0, 7.0) == (30.0,)
    assert tg.value_and_grad(f, (0, 2))(3.0, 5.0, 7.0) == (75.0, (25.0, 0.0))


def test_keywords_and_other_arguments_reach_the_function_as_they_are() -> None:
    def f(x: Any, words: str, *, power: int) -> Any:
        assert (words, type(power)) == ("as is", int)
        return x**power

    assert tg.grad(f)(2.0, "as is", power=3) == 12.0


# Oracles


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda x: tg.exp(x) * tg.sin(x), lambda x: mpmath.exp(x) * mpmath.sin(x)),
        (lambda x: tg.tanh(x * x), lambda x: mpmath.tanh(x * x)),
        (lambda x: tg.log(1 + x**4), lambda x: mpmath.log(1 + x**4)),
        (lambda x: (2 + x) ** x, lambda x: (2 + x) ** x),
        (lambda x: tg.erf(x) / (1 + x * x), lambda x: mpmath.erf(x) / (1 + x * x)),
    ],
)
@pytest.mark.parametrize("x", [0.7, -0.4])
def test_derivatives_up_to_the_fourth_are_mpmaths(
    ours: Callable, theirs: Callable, x: float
) -> None:
    with mpmath.workdps(40):
        expected = [float(mpmath.diff(theirs, mpmath.mpf(x), n)) for n in range(1, 5)]
    found, f = [], ours
    for _ in range(4):
        f = tg.grad(f)
        found.append(f(x))
    np.testing.assert_allclose(found, expected, rtol=1e-11)


@given(VECTORS)
def test_the_gradient_is_that_of_a_complex_step(x: np.ndarray) -> None:
    def plain(x: np.ndarray) -> Any:
        bumps = np.sin(x * x[::-1]) * np.exp(0.3 * x) + x.sum() * x / (1.0 + x * x)
        return (bumps * x).sum()

    steps = 1e-30j * np.eye(3)
    expected = [plain(x + step).imag / 1e-30 for step in steps]
    np.testing.assert_allclose(tg.grad(hill)(x), expected, rtol=1e-12, atol=1e-12)


def test_the_jacobian_of_a_linear_map_is_its_matrix() -> None:
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(tg.jacobian(lambda x: Tensor(MATRIX) @ x)(x), MATRIX)
    np.testing.assert_array_equal(
        tg.jacobian(lambda x, y: MATRIX @ x * y, (0, 1))(x, 2.0 * np.ones(2))[1],
        np.diag(MATRIX @ x),
    )


def test_the_jacobian_has_the_shape_of_the_result_before_that_of_the_input() -> None:
    found = tg.jacobian(lambda x: (x @ MATRIX).tanh().reshape(2, 3, 2))(np.ones((4, 2)))
    assert found.shape == (2, 3, 2, 4, 2)
    weights = np.arange(12.0).reshape(2, 3, 2)
    weighed = tg.grad(lambda x: ((x @ MATRIX).tanh().reshape(2, 3, 2) * weights).sum())
    np.testing.assert_allclose(np.tensordot(weights, found, 3), weighed(np.ones((4, 2))))


def test_the_jacobian_of_lists_is_a_list_of_lists() -> None:
    polar = tg.jacobian(lambda p: [p[0] * tg.cos(p[1]), p[0] * tg.sin(p[1])])
    r, angle = 2.0, 0.5
    expected = [[np.cos(angle), -r * np.sin(angle)], [np.sin(angle), r * np.cos(angle)]]
    found = polar([r, angle])
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    assert [type(row) for row in found] == [list, list]


def test_the_hessian_of_a_quadratic_form_is_its_matrix() -> None:
    square = MATRIX.T @ MATRIX
    found = tg.hessian(lambda x: 0.5 * (x * (square @ x)).sum())(np.array([0.3, -1.0, 2.0]))
    np.testing.assert_allclose(found, square, atol=1e-15)
    assert tg.hessian(lambda x: x[0] ** 2 * x[1])([3.0, 5.0]) == [[10.0, 6.0], [6.0, 0.0]]
    assert tg.hessian(lambda x: x**4)(2.0) == 48.0


def test_the_hessian_of_several_arguments_has_a_block_for_each_pair() -> None:
    def f(x: Any, y: Any) -> Any:
        return x**3 * y**2

    assert tg.hessian(f, 1)(2.0, 3.0) == 16.0
    assert tg.hessian(f, (0, 1))(2.0, 3.0) == ((108.0, 72.0), (72.0, 16.0))


def test_the_hessian_of_a_matrix_has_its_shape_twice() -> None:
    found = tg.hessian(lambda x: (x**3).sum())(MATRIX)
    assert found.shape == (2, 3, 2, 3)
    np.testing.assert_allclose(found.reshape(6, 6), np.diag(6.0 * MATRIX.ravel()))


# Identities


@given(VECTORS)
def test_the_hessian_is_symmetric(x: np.ndarray) -> None:
    found = tg.hessian(hill)(x)
    np.testing.assert_allclose(found, found.T, rtol=1e-10, atol=1e-10)


@given(VECTORS, VECTORS)
def test_hvp_is_the_hessian_times_the_vector(x: np.ndarray, v: np.ndarray) -> None:
    np.testing.assert_allclose(tg.hvp(hill, x, v), tg.hessian(hill)(x) @ v, rtol=1e-9, atol=1e-9)


@given(VECTORS, VECTORS, VECTORS)
def test_jvp_and_vjp_are_transposes(x: np.ndarray, forward: np.ndarray, back: np.ndarray) -> None:
    value, pushed = tg.jvp(bumpy, x, forward)
    same, pull = tg.vjp(bumpy, x)
    np.testing.assert_array_equal(value, same)
    np.testing.assert_allclose(back @ pushed, pull(back) @ forward, rtol=1e-10, atol=1e-10)


@given(VECTORS, VECTORS)
def test_jvp_and_vjp_are_the_jacobian(x: np.ndarray, v: np.ndarray) -> None:
    jacobian = tg.jacobian(bumpy)(x)
    np.testing.assert_allclose(tg.jvp(bumpy, x, v)[1], jacobian @ v, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(tg.vjp(bumpy, x)[1](v), v @ jacobian, rtol=1e-9, atol=1e-9)


@given(VECTORS)
def test_the_jacobian_of_the_gradient_is_the_hessian(x: np.ndarray) -> None:
    np.testing.assert_array_equal(tg.jacobian(tg.grad(hill))(x), tg.hessian(hill)(x))


@given(NUMBERS, NUMBERS)
def test_mixed_derivatives_do_not_depend_on_their_order(x: float, y: float) -> None:
    def f(x: Any, y: Any) -> Any:
        return tg.sin(x * y) * tg.exp(x) + x**2 / (2.0 + tg.cos(y))

    one, other = tg.grad(tg.grad(f, 0), 1)(x, y), tg.grad(tg.grad(f, 1), 0)(x, y)
    assert one == pytest.approx(other, rel=1e-12, abs=1e-12)


def test_vjp_and_jvp_take_the_structures_of_inputs_and_results() -> None:
    def f(x: Any, p: Any) -> Any:
        return {"scaled": x * p["s"], "sum": x.sum()}

    x, p = np.array([1.0, 2.0]), {"s": np.array(3.0)}
    value, pull = tg.vjp(f, x, p)
    assert value["scaled"].tolist() == [3.0, 6.0]
    of_x, of_p = pull({"scaled": np.array([1.0, 10.0]), "sum": np.array(100.0)})
    assert (of_x.tolist(), of_p["s"].item()) == ([103.0, 130.0], 21.0)
    _, pushed = tg.jvp(f, (x, p), (np.array([1.0, 0.0]), {"s": np.array(1.0)}))
    assert (pushed["scaled"].tolist(), pushed["sum"].item()) == ([4.0, 2.0], 1.0)


def test_a_pullback_may_be_used_again() -> None:
    _, pull = tg.vjp(lambda x: x**3, 2.0)
    assert [pull(1.0), pull(10.0), pull(1.0)] == [12.0, 120.0, 12.0]
