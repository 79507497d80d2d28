"""Transforms inside transforms, under no_grad, beside other graphs: each minds its own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import ShapeError, Tensor, Value

# No derivative takes another's perturbation for its own


def test_an_inner_gradient_does_not_confuse_the_outer_variable_with_its_own() -> None:
    assert tg.grad(lambda x: x * tg.grad(lambda y: x + y)(x))(1.0) == 1.0
    assert tg.grad(lambda x: x * tg.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert tg.grad(lambda x: tg.grad(lambda y: x * y**2)(x))(3.0) == 12.0


def test_the_same_holds_for_arrays() -> None:
    def f(x: Any) -> Any:
        return (x * tg.grad(lambda y: (x * y * y).sum())(x)).sum()  # Σ x · 2x² = 2 Σ x³

    np.testing.assert_allclose(tg.grad(f)(np.array([1.0, 2.0])), [6.0, 24.0])


def test_three_levels_deep_each_variable_is_its_own() -> None:
    def outer(x: Any) -> Any:
        def middle(y: Any) -> Any:
            return y * tg.grad(lambda z: x * y * z**2)(y)  # y · 2xy² = 2xy³

        return x * tg.grad(middle)(x)  # x · 6x·x² = 6x⁴

    assert tg.grad(outer)(2.0) == 24.0 * 2.0**3


@pytest.mark.parametrize(
    "inner",
    [
        lambda x: tg.jvp(lambda y: x * y**2, x, 1.0)[1],
        lambda x: tg.vjp(lambda y: x * y**2, x)[1](1.0),
        lambda x: tg.jacobian(lambda y: x * y**2)(x),
        lambda x: tg.value_and_grad(lambda y: x * y**2)(x)[1],
        lambda x: tg.hvp(lambda y: x * y**3 / 3, x, 1.0),
        lambda x: tg.hessian(lambda y: x * y**3 / 3)(x),
    ],
    ids=["jvp", "vjp", "jacobian", "value_and_grad", "hvp", "hessian"],
)
def test_every_transform_can_be_differentiated(inner: Callable[[Any], Any]) -> None:
    assert inner(3.0) == 18.0  # ∂/∂y x y² = 2xy, at y = x
    assert tg.grad(inner)(3.0) == 12.0
    assert tg.grad(tg.grad(inner))(3.0) == 4.0
    assert tg.jvp(inner, 3.0, 10.0)[1] == 120.0


def test_the_tangent_and_the_vector_are_differentiated_too() -> None:
    assert tg.grad(lambda t: tg.jvp(lambda x: x * x, 3.0, t)[1])(1.0) == 6.0
    assert tg.grad(lambda v: tg.vjp(lambda x: x * x, 3.0)[1](v))(1.0) == 6.0
    assert tg.grad(lambda v: tg.hvp(lambda x: x**3, 2.0, v))(1.0) == 12.0


def test_a_gradient_of_a_gradient_step_is_right() -> None:
    def after_a_step(lr: Any) -> Any:
        x = 3.0
        for _ in range(3):
            x = x - lr * tg.grad(lambda x: x * x)(x)
        return x

    # x (1 - 2 lr)³, by hand
    assert after_a_step(0.1) == pytest.approx(3.0 * 0.8**3, rel=1e-15)
    assert tg.grad(after_a_step)(0.1) == pytest.approx(-18.0 * 0.8**2, rel=1e-14)


def test_given_nodes_a_transform_gives_nodes() -> None:
    x, t = Value(3.0), Tensor([1.0, 2.0])
    slope = tg.grad(lambda y: y**3)(x)
    assert (type(slope), slope.data) == (Value, 27.0)
    slope.backward()
    assert x.grad == 18.0
    tg.grad(lambda y: (y**3).sum())(t).sum().backward()
    assert t.grad.tolist() == [6.0, 12.0]


def test_backward_with_create_graph_can_be_differentiated_again() -> None:
    x = Value(3.0)
    (x**3).backward(create_graph=True)
    assert x.grad.data == 27.0
    first, x.grad = x.grad, 0.0
    first.backward()
    assert x.grad == 18.0


def test_a_result_returned_twice_counts_twice() -> None:
    def twice(x: Any) -> Any:
        y = x * x
        return [y, y, x]

    value, pull = tg.vjp(twice, 3.0)
    assert value == [9.0, 9.0, 3.0]
    assert pull([1.0, 10.0, 100.0]) == 166.0
    assert tg.jvp(twice, 3.0, 10.0)[1] == [60.0, 60.0, 10.0]
    assert tg.jacobian(twice)(3.0) == [6.0, 6.0, 1.0]
    _, pull = tg.vjp(lambda x: [x, x], np.ones(2))
    assert pull([np.array([1.0, 2.0]), np.array([10.0, 20.0])]).tolist() == [11.0, 22.0]


# A transform touches no gradient


def test_no_transform_touches_a_gradient() -> None:
    x, w = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    scale = Value(2.0)
    x.grad, w.grad, scale.grad = [7.0, 7.0], None, 5.0
    array = np.array([1.0, 2.0])

    def f(y: Any) -> Any:
        return (w * y * y).sum()

    for argument in (array, x):
        tg.grad(f)(argument)
        tg.value_and_grad(f)(argument)
        tg.jacobian(f)(argument)
        tg.hessian(f)(argument)
        tg.hvp(f, argument, array)
        tg.jvp(f, argument, array)
        tg.vjp(f, argument)[1](np.array(1.0))
    tg.grad(lambda y: y * scale)(2.0)
    assert (x.grad.tolist(), w.grad, scale.grad) == ([7.0, 7.0], None, 5.0)
    assert array.tolist() == [1.0, 2.0]


def test_results_share_no_memory_with_arguments_or_with_each_other() -> None:
    x, v = np.array([1.0, 2.0]), np.array([1.0, 1.0])
    value, pull = tg.vjp(lambda x: x, x)
    both = tg.grad(lambda x, y: (x + y).sum(), (0, 1))(x, x)
    for one, other in [(value, x), (pull(v), v), both, (tg.jvp(lambda x: x, x, v)[1], v)]:
        assert not np.shares_memory(one, other)


def test_transforms_work_under_no_grad_and_leave_it_in_place() -> None:
    def f(x: Any) -> Any:
        return x**3

    with tg.no_grad():
        assert (tg.grad(f)(3.0), tg.jacobian(f)(3.0), tg.hessian(f)(3.0)) == (27.0, 27.0, 18.0)
        assert (tg.hvp(f, 3.0, 10.0), tg.jvp(f, 3.0, 10.0)[1]) == (180.0, 270.0)
        assert tg.vjp(f, 3.0)[1](10.0) == 270.0
        assert (Value(1.0) * 2.0).parents == ()
    assert (Value(1.0) * 2.0).parents != ()


def test_no_grad_inside_the_function_is_obeyed() -> None:
    def f(x: Any) -> Any:
        with tg.no_grad():
            held = x * x
        return held * x

    assert tg.grad(f)(3.0) == 9.0


def test_an_error_in_the_function_leaves_no_transform_open() -> None:
    def fails(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        tg.grad(fails)(1.0)
    assert type(tg.grad(lambda x: x * x)(1.0)) is float


# What does not arrive


def test_an_argument_that_the_result_does_not_reach_gets_zeros() -> None:
    found = tg.grad(lambda x, y, z: y * y, (0, 1, 2))(1.0, 2.0, 3.0)
    assert found == (0.0, 4.0, 0.0)
    x = np.ones((2, 3), dtype=np.float32)
    zeros, _ = tg.grad(lambda p: p[1] ** 2)([x, 2.0])
    np.testing.assert_array_equal(zeros, np.zeros((2, 3), dtype=np.float32), strict=True)
    assert tg.hessian(lambda p: p[0] ** 2)([1.0, 2.0]) == [[2.0, 0.0], [0.0, 0.0]]
    assert tg.jvp(lambda x, y: x * 2.0, (1.0, 2.0), (0.0, 1.0)) == (2.0, 0.0)


TRANSFORMS: dict[str, Callable[[Callable, float], Any]] = {
    "grad": lambda f, x: tg.grad(f)(x),
    "value_and_grad": lambda f, x: tg.value_and_grad(f)(x)[1],
    "jacobian": lambda f, x: tg.jacobian(f)(x),
    "hvp": lambda f, x: tg.hvp(f, x, 1.0),
    "jvp": lambda f, x: tg.jvp(f, x, 1.0)[1],
    "vjp": lambda f, x: tg.vjp(f, x)[1](1.0),
}


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_a_result_that_forgot_its_past_is_warned_of(transform: Callable) -> None:
    def forgetful(x: Any) -> float:
        return float(x) * 2.0

    with pytest.warns(
        UserWarning, match="forgetful returned a plain number.* derivative is 0"
    ) as w:
        assert transform(forgetful, 3.0) == 0.0
    assert "use tg.sin(x)" in str(w[0].message)


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.parametrize("result", [None, "text", object(), 1j])
def test_a_result_that_is_no_number_is_an_error(transform: Callable, result: Any) -> None:
    def forgot_return(x: Any) -> Any:
        return result

    with pytest.raises(TypeError, match=r"forgot_return returned .*: does the function end with"):
        transform(forgot_return, 3.0)


@pytest.mark.parametrize(
    ("f", "came"),
    [
        (lambda x: x * x, r"an array of shape \(2,\)"),
        (lambda x: [x.sum(), x.sum()], "2 results"),
        (lambda x: [], "0 results"),
    ],
)
def test_a_gradient_is_that_of_one_number(f: Callable, came: str) -> None:
    for transform in (tg.grad(f), tg.value_and_grad(f), tg.hessian(f)):
        with pytest.raises(ShapeError, match=rf"of one number, but .* {came}; sum it, or use jac"):
            transform(np.ones(2))
    with pytest.raises(ShapeError, match="a gradient is that of one number"):
        tg.hvp(f, np.ones(2), np.ones(2))


@pytest.mark.parametrize("argnum", [2, -3, (0, 2), [0, 1], "x", 0.0, None])
def test_an_argnum_that_names_no_argument_is_an_error(argnum: Any) -> None:
    for transform in (tg.grad, tg.value_and_grad, tg.jacobian, tg.hessian):
        with pytest.raises(ValueError, match="does not name one of the 2 positional arguments"):
            transform(lambda x, y: x * y, argnum)(1.0, 2.0)


@pytest.mark.parametrize("argument", ["text", None, 1j, ["text"], {"a": None}])
def test_an_argument_that_is_no_number_is_an_error(argument: Any) -> None:
    with pytest.raises(TypeError, match="one real number, but"):
        tg.grad(lambda x: x)(argument)


def test_vectors_that_do_not_fit_are_an_error() -> None:
    x = np.ones(2)
    with pytest.raises(ShapeError, match=r"tangents of jvp must have shape \(2,\), but \(3,\)"):
        tg.jvp(lambda x: x * x, x, np.ones(3))
    with pytest.raises(ShapeError, match="tangents of jvp must have 2 parts, but 1 came"):
        tg.jvp(lambda x, y: x * y, (1.0, 2.0), (1.0,))
    with pytest.raises(ShapeError, match=r"that vjp pulls back must have shape \(2,\), but \(\)"):
        tg.vjp(lambda x: x * x, x)[1](1.0)
    with pytest.raises(ShapeError, match=r"the vector of hvp must have shape \(2,\), but \(1,\)"):
        tg.hvp(lambda x: (x * x).sum(), x, np.ones(1))
