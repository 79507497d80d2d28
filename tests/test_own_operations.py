"""Operations of one's own: tg.apply runs a rule, and says what is wrong with one that is wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import GraphError, Tensor, Value


def cube(x: Any) -> Any:
    return x * x * x, lambda grad: (grad * (3.0 * x * x),)


def scaled(x: Any, y: Any, *, factor: float) -> Any:
    return factor * x * y, lambda grad: (factor * grad * y, factor * grad * x)


def test_a_rule_serves_numbers_arrays_and_both_twins() -> None:
    array = np.array([1.0, -2.0])
    assert tg.apply(cube, 2.0) == 8.0
    assert tg.apply(cube, 2) == 8.0
    assert tg.apply(cube, array).tolist() == [1.0, -8.0]
    v, t = Value(2.0), Tensor(array)
    tg.apply(cube, v).backward()
    tg.apply(cube, t).sum().backward()
    assert (v.grad, t.grad.tolist()) == (12.0, [3.0, 12.0])


def test_a_rule_has_second_and_third_derivatives() -> None:
    def f(x: Any) -> Any:
        return tg.apply(cube, x)

    assert tg.grad(tg.grad(f))(2.0) == 12.0
    assert tg.grad(tg.grad(tg.grad(f)))(2.0) == 6.0
    np.testing.assert_array_equal(
        tg.hessian(lambda x: tg.apply(cube, x).sum())(np.array([1.0, 2.0])), np.diag([6.0, 12.0])
    )


def test_static_arguments_reach_the_rule_and_its_second_run() -> None:
    def f(x: Any, y: Any) -> Any:
        return tg.apply(scaled, x, y, factor=10.0)

    assert tg.value_and_grad(f, (0, 1))(2.0, 3.0) == (60.0, (30.0, 20.0))
    assert tg.grad(tg.grad(f, 0), 1)(2.0, 3.0) == 10.0


def test_the_name_of_the_rule_is_the_operation() -> None:
    assert tg.apply(cube, Value(2.0)).op == "cube"


def test_an_operand_without_a_gradient_may_get_none() -> None:
    def first(x: Any, y: Any) -> Any:
        return x + 0.0 * y, lambda grad: (grad, None)

    x, y = Tensor([1.0]), Tensor([2.0])
    tg.apply(first, x, y).backward()
    assert x.grad.tolist() == [1.0]
    assert y.grad is None


def test_a_number_as_gradient_counts_for_every_element() -> None:
    x = Tensor([1.0, 2.0])
    tg.apply(lambda x: (2.0 * x, lambda grad: (2.0,)), x).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_a_gradient_of_the_results_shape_is_summed_to_the_operands() -> None:
    x = Tensor([[1.0], [2.0]])
    y = tg.apply(lambda x: (x + np.zeros((2, 3)), lambda grad: (grad,)), x)
    y.backward(np.arange(6.0).reshape(2, 3))
    assert x.grad.tolist() == [[3.0], [12.0]]


def test_a_gradient_takes_on_the_dtype_of_its_operand() -> None:
    x = Tensor([1.0, 2.0], dtype=np.float32)
    tg.apply(lambda x: (x, lambda grad: (np.array([1, 2]),)), x).sum().backward()
    assert x.grad.dtype == np.float32


# Rules that are wrong


@pytest.mark.parametrize("x", [Value(2.0), Tensor(2.0), Tensor([1.0, 2.0, 3.0])])
@pytest.mark.parametrize(
    "rule",
    [lambda x: x * x, lambda x: None, lambda x: (x,), lambda x: (x, lambda g: (g,), x)],
    ids=["no pullback", "nothing", "only the result", "three things"],
)
def test_a_rule_that_does_not_return_two_things_is_named(rule: Callable, x: Any) -> None:
    rule.__name__ = "squared"
    with pytest.raises(GraphError, match=r"'squared' returned a \w+; a rule returns two things:"):
        tg.apply(rule, x)


@pytest.mark.parametrize("x", [Value(2.0), Tensor([2.0, 3.0])])
@pytest.mark.parametrize("count", [0, 2])
def test_a_wrong_number_of_gradients_is_named(count: int, x: Any) -> None:
    def squared(x: Any) -> Any:
        return x * x, lambda grad: (grad,) * count

    y = tg.apply(squared, x)
    with pytest.raises(GraphError, match=rf"'squared' returned a tuple of {count} for 1 operands"):
        y.backward(np.ones(2) if isinstance(x, Tensor) else None)
    assert not np.any(x.grad)


@pytest.mark.parametrize("shape", [(3,), (1,), (2, 1), (0,)])
def test_a_gradient_of_the_wrong_shape_is_named(shape: tuple[int, ...]) -> None:
    def squared(x: Any) -> Any:
        return x * x, lambda grad: (np.ones(shape),)

    y = tg.apply(squared, Tensor([1.0, 2.0])).sum()
    with pytest.raises(GraphError, match=r"'squared' returned a gradient of shape \(.*\(2,\); it"):
        y.backward()


def test_an_array_as_gradient_of_a_value_is_an_error() -> None:
    y = tg.apply(lambda x: (x, lambda grad: (np.ones(3),)), Value(1.0))
    with pytest.raises(TypeError, match=r"one number, but an array of shape \(3,\)"):
        y.backward()


def test_a_result_of_the_wrong_kind_is_an_error_for_a_value() -> None:
    for result in (None, "a", np.ones(2), 1j):
        with pytest.raises(TypeError, match=r"a Value holds one "):
            tg.apply(lambda x, result=result: (result, lambda grad: (grad,)), Value(1.0))


def test_a_rule_without_a_pullback_is_named_even_for_two_numbers() -> None:
    with pytest.raises(GraphError, match="a rule returns two things"):
        tg.apply(lambda x: x * x, Tensor([1.0, 2.0]))


@pytest.mark.parametrize("result", [None, "a", np.array([1j]), [None]])
def test_a_result_of_the_wrong_kind_is_an_error_for_a_tensor(result: Any) -> None:
    with pytest.raises(TypeError, match="a Tensor holds real numbers"):
        tg.apply(lambda x: (result, lambda grad: (grad,)), Tensor([1.0]))


def test_a_result_of_whole_numbers_becomes_floats() -> None:
    y = tg.apply(lambda x: (np.floor(x).astype(int), lambda grad: (grad,)), Tensor([1.5]))
    assert y.dtype == np.float64


@pytest.mark.parametrize("x", [Value(2.0), Tensor(2.0)])
@pytest.mark.parametrize("gradient", [2.0, None])
def test_a_pullback_that_returns_no_tuple_is_named(gradient: Any, x: Any) -> None:
    y = tg.apply(lambda x: (x * x, lambda grad: gradient), x)
    with pytest.raises(GraphError, match="tuple"):
        y.backward()


def test_a_gradient_of_too_few_axes_is_named() -> None:
    y = tg.apply(lambda x: (x * x, lambda grad: (np.ones(3),)), Tensor(np.ones((3, 1)))).sum()
    with pytest.raises(GraphError, match="gradient of shape"):
        y.backward()


def test_a_gradient_of_neither_the_operands_nor_the_results_shape_is_named() -> None:
    y = tg.apply(lambda x: (x * x, lambda grad: (np.ones((5, 2)),)), Tensor([1.0, 2.0])).sum()
    with pytest.raises(GraphError, match="gradient of shape"):
        y.backward()
