"""gradcheck: what is right passes, stationary points too; what is wrong fails and is named.

A checker that passes everything would make every other test here worthless, so most of these
tests hand it something wrong.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import twingrad as tg
from tests.reports import words
from twingrad import ShapeError, Tensor, Value

# What is right passes

RIGHT: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "product": (lambda x, y: tg.tanh(x) * y, (0.3, -2.0)),
    "square at 0": (lambda x: x**2, (0.0,)),
    "cube at 0": (lambda x: x**3, (0.0,)),
    "fifth power at 0": (lambda x: x**5, (0.0,)),
    "fifth power near 0": (lambda x: x**5, (1e-3,)),
    "cosine at 0": (tg.cos, (0.0,)),
    "saddle": (lambda x, y: x * x - y * y, (0.0, 0.0)),
    "constant": (lambda x: 0.0 * x + 3.0, (1.0,)),
    "constant far from 0": (lambda x: 0.0 * x + 1e9, (1.0,)),
    "unreached": (lambda x, y: y * y, (1.0, 2.0)),
    "linear": (lambda x: 5.0 * x - 2.0, (7.0,)),
    "offset": (lambda x: 1e9 + x, (1.0,)),
    "large offset": (lambda x: 1e15 + x * x, (1.0,)),
    "huge function": (lambda x: 1e12 * x**2, (1.0,)),
    "tiny function": (lambda x: 1e-12 * tg.sin(x), (1.0,)),
    "tiny input": (lambda x: x**2 + x, (1e-8,)),
    "large input": (lambda x: x**2, (1e8,)),
    "steep": (tg.exp, (50.0,)),
    "fast": (lambda x: tg.sin(100.0 * x), (1.0,)),
    "near a pole": (lambda x: 1 / x, (1e-3,)),
    "near the edge of its domain": (tg.sqrt, (1e-6,)),
    "beside a kink": (tg.relu, (1e-3,)),
    "close to a kink": (tg.relu, (-1e-4,)),
    "saturated": (lambda x: tg.sigmoid(x) + tg.tanh(x), (30.0,)),
    "array": (lambda x: (x @ x.T).sum() ** 2, (np.linspace(-1.0, 2.0, 6).reshape(2, 3),)),
    "array without axes": (lambda x: x**3, (np.array(0.5),)),
    "array of one": (lambda x: x**3, (np.array([[0.5]]),)),
    "empty array": (lambda x: x.sum() + 1.0, (np.zeros((0, 3)),)),
    "array to array": (lambda x: x.softmax(axis=0), (np.array([[1.0, -1.0], [0.5, 2.0]]),)),
    "list": (lambda p: tg.logsumexp(p) * p[0], ([1.0, -1.0, 0.5],)),
    "dict": (lambda p: p["w"].sum() * p["b"].sum(), ({"w": np.ones((2, 2)), "b": np.ones(1)},)),
    "several results": (lambda x: [x * 2.0, {"cube": x**3}], (1.5,)),
    "node inside": (lambda x: x * Value(2.0), (1.5,)),
}


@pytest.mark.parametrize(("f", "inputs"), RIGHT.values(), ids=RIGHT)
def test_a_right_function_passes(f: Callable[..., Any], inputs: tuple[Any, ...]) -> None:
    report = tg.gradcheck(f, *inputs)
    assert report, report
    assert report.max_relative_error < 1e-7
    assert report.rtol == 1e-7


def test_float32_passes_at_a_tolerance_of_its_own() -> None:
    x = np.linspace(-2.0, 2.0, 7, dtype=np.float32)
    report = tg.gradcheck(lambda x: (x.tanh() * x).sum() + x.gelu().mean(), x)
    assert report, report
    assert 1e-5 < report.rtol < 1e-2
    assert not tg.gradcheck(lambda x: tg.apply(scaled_by(1.05), x).sum(), x)


def test_nodes_may_be_given_as_inputs() -> None:
    x, t = Value(1.5), Tensor([1.0, 2.0])
    assert tg.gradcheck(lambda x, t: (t * t).sum(), x, t)
    assert tg.gradcheck(lambda x: x**3, x)
    assert not tg.gradcheck(lambda x: tg.apply(scaled_by(2.0), x), x)


@given(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0))
def test_a_smooth_function_passes_wherever_it_is_looked_at(x: float, y: float) -> None:
    assert tg.gradcheck(lambda x, y: tg.exp(0.3 * x * y) * tg.sin(x - y) + x**3, x, y)


# What is wrong fails


def scaled_by(factor: float) -> Callable[[Any], Any]:
    """The rule of x², but for a factor of its slope."""

    def squared(x: Any) -> Any:
        return x * x, lambda grad: (factor * grad * (2.0 * x),)

    return squared


def product_that_forgets_to_transpose(x: Any, y: Any) -> Any:
    return x @ y, lambda grad: (grad @ y, x @ grad)


def product_with_one_wrong_element(x: Any, y: Any) -> Any:
    def pullback(grad: Any) -> Any:
        of_y = x.T @ grad
        of_y[1, 0] += 0.01
        return grad @ y.T, of_y

    return x @ y, pullback


def sum_that_forgets_an_axis(x: Any) -> Any:
    return x.sum(axis=0), lambda grad: (np.broadcast_to(grad / x.shape[0], x.shape),)


@given(st.floats(0.1, 10.0), st.sampled_from([0.0, -1.0, 0.5, 0.999, 1.001, 1.00001, 2.0]))
def test_a_slope_off_by_a_factor_is_caught(x: float, factor: float) -> None:
    assert not tg.gradcheck(lambda x: tg.apply(scaled_by(factor), x), x)
    assert tg.gradcheck(lambda x: tg.apply(scaled_by(1.0), x), x)


@pytest.mark.parametrize("eps", [1e-3, 1e-5])
def test_a_wrong_slope_is_caught_with_a_step_of_ones_own(eps: float) -> None:
    assert tg.gradcheck(lambda x: tg.apply(scaled_by(1.0), x), 1.5, eps=eps)
    assert not tg.gradcheck(lambda x: tg.apply(scaled_by(1.01), x), 1.5, eps=eps)


def test_a_tolerance_of_ones_own_decides() -> None:
    def f(x: Any) -> Any:
        return tg.apply(scaled_by(1.001), x)

    report = tg.gradcheck(f, 1.5)
    assert report.max_relative_error == pytest.approx(0.001 / 2.001, rel=1e-3)
    assert tg.gradcheck(f, 1.5, rtol=1e-3)
    assert not tg.gradcheck(f, 1.5, rtol=1e-4)


def test_the_report_names_the_operation_and_the_element() -> None:
    x, y = np.arange(1.0, 7.0).reshape(2, 3), np.ones((3, 2))
    report = tg.gradcheck(
        lambda x, y: tg.apply(product_with_one_wrong_element, x, y).tanh().sum(), 0.1 * x, y
    )
    assert not report
    assert re.match(r"gradcheck: WRONG \(largest relative error \S+, tolerance", str(report))
    assert "input 1, element (1, 0): backward says" in words(report)
    named = "the operation that is wrong: product_with_one_wrong_element, operand 1, element (1, 0)"
    assert named in words(report)
    assert repr(report) == str(report)


def test_the_numbers_of_the_report_are_the_slopes() -> None:
    report = tg.gradcheck(lambda x: tg.apply(scaled_by(2.0), x), 1.5)
    assert report.worst is not None
    assert report.worst.backward == pytest.approx(6.0)
    assert report.worst.finite_differences == pytest.approx(3.0)
    assert "input 0: backward says 6, finite differences 3" in words(report)


SKEW = np.array([[1.0, 5.0], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("rule", "inputs"),
    [
        (product_that_forgets_to_transpose, (np.arange(4.0).reshape(2, 2), SKEW)),
        (sum_that_forgets_an_axis, (np.arange(6.0).reshape(3, 2),)),
    ],
)
def test_the_usual_mistakes_of_array_rules_are_caught(rule: Callable, inputs: tuple) -> None:
    report = tg.gradcheck(lambda *xs: tg.apply(rule, *xs).sum() ** 2, *inputs)
    assert not report
    assert f"the operation that is wrong: {rule.__name__}, operand 0, element" in words(report)


def test_the_one_wrong_operation_among_many_right_ones_is_named() -> None:
    def f(x: Any) -> Any:
        y = x.tanh() * 2.0 + x.exp()
        z = tg.apply(scaled_by(1.5), y)
        z.label = "energy"
        return (z - x).sin().sum()

    report = tg.gradcheck(f, np.array([0.1, 0.2]))
    assert "the operation that is wrong: squared (energy), operand 0" in words(report)


def test_a_wrong_result_among_several_is_caught() -> None:
    assert not tg.gradcheck(lambda x: [x, x**2, tg.apply(scaled_by(1.1), x)], 1.5)


def test_a_wrong_slope_in_one_input_of_a_list_is_named() -> None:
    report = tg.gradcheck(lambda p: p[0] ** 2 + tg.apply(scaled_by(3.0), p[1]), [1.0, 2.0])
    assert "input 1: backward says 12, finite differences 4" in words(report)


def test_a_wrong_slope_beside_a_large_constant_is_caught() -> None:
    assert not tg.gradcheck(lambda x: 1e9 + tg.apply(scaled_by(0.5), x), 1.0)


@pytest.mark.parametrize("x", [1e4, -1e6, 1e8])
def test_a_wrong_slope_at_a_large_input_is_caught(x: float) -> None:
    assert not tg.gradcheck(lambda x: tg.apply(scaled_by(1.001), x), x)


def test_a_wrong_slope_of_a_tiny_function_is_caught() -> None:
    assert not tg.gradcheck(lambda x: 1e-12 * tg.apply(scaled_by(0.5), x), 3.0)


def test_a_logarithm_near_zero_passes() -> None:
    assert tg.gradcheck(tg.log, 1e-8)


# Where no check can pass, the report says why


KINKS: dict[str, tuple[Callable[..., Any], float, float, float]] = {
    "relu": (tg.relu, 0.0, 1.0, 0.0),
    "leaky relu": (tg.leaky_relu, 0.01, 1.0, 0.01),
    "a sum of two": (
        lambda x: tg.maximum(x, 0.5 * x) + tg.clip(x, 0.0, 1.0),
        0.5,
        2.0,
        1.75,
    ),
    "a downward one": (lambda x: -3.0 * tg.relu(x), 0.0, -3.0, 0.0),
    "beside others": (lambda x: tg.relu(x) + x**2 + tg.sin(x), 1.0, 2.0, 1.0),
}


@pytest.mark.parametrize(("f", "left", "right", "backward"), KINKS.values(), ids=KINKS)
def test_a_kink_is_named_with_both_slopes_and_passes(
    f: Callable[..., Any], left: float, right: float, backward: float
) -> None:
    report = tg.gradcheck(f, 0.0)
    assert report, report
    assert len(report.kinks) == 1
    kink = report.kinks[0]
    assert (kink.left, kink.right) == pytest.approx((left, right), abs=1e-5)
    assert kink.backward == pytest.approx(backward)
    assert "a kink, the slope is" in words(report)
    assert "which lies between them" in words(report)


@given(st.sampled_from(sorted(KINKS)), st.floats(-10.0, -4.0), st.sampled_from([-1.0, 1.0]))
def test_what_is_near_a_kink_passes(name: str, exponent: float, side: float) -> None:
    f, left, right, _ = KINKS[name]
    report = tg.gradcheck(f, side * 10.0**exponent)
    assert report, report
    assert all((k.left, k.right) == pytest.approx((left, right), abs=1e-3) for k in report.kinks)


def test_the_element_with_a_kink_is_named() -> None:
    report = tg.gradcheck(lambda x: x.relu().sum(), np.array([-1.0, 0.0, 1.0]))
    assert report
    assert "input 0, element 1: a kink, the slope is 0 on the left and 1 on the right" in words(
        report
    )


def test_a_slope_that_is_not_between_the_two_fails() -> None:
    def relu_with_slope_two(x: Any) -> Any:
        return tg.relu(x), lambda grad: (np.where(np.asarray(x) < 0.0, 0.0, 2.0 * grad),)

    report = tg.gradcheck(lambda x: tg.apply(relu_with_slope_two, x).sum(), np.zeros(1))
    assert not report
    assert "backward takes 2, which does not lie between them" in words(report)


@pytest.mark.parametrize("f", [lambda x: x**2, tg.cos, lambda x: tg.sin(50.0 * x), tg.softplus])
@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0])
def test_no_kink_is_seen_where_there_is_none(f: Callable[..., Any], factor: float) -> None:
    def wrong(x: Any) -> Any:
        return x + 0.0, lambda grad: (factor * grad,)

    report = tg.gradcheck(lambda x: f(tg.apply(wrong, x)), 0.7)
    assert not report
    assert not report.kinks


def test_a_function_that_differs_each_time_is_told_so() -> None:
    rng = np.random.default_rng(0)
    report = tg.gradcheck(lambda x: x * rng.uniform(0.5, 1.5), 3.0)
    assert not report
    assert "does not give the same result twice" in words(report)


def test_a_number_taken_out_of_a_node_is_told_so() -> None:
    report = tg.gradcheck(lambda x: x * float(x), 3.0)
    assert not report
    assert "backward says 3, finite differences 6" in words(report)
    assert "every operation is right by itself" in words(report)
    assert "takes numbers out of nodes" in words(report)


@pytest.mark.parametrize("f", [lambda x: x * np.nan, lambda x: x.exp(), lambda x: (-x) ** 0.5])
def test_what_is_not_finite_fails(f: Callable[[Any], Any]) -> None:
    report = tg.gradcheck(f, 1000.0)
    assert not report
    assert report.max_relative_error == np.inf


def test_a_function_without_a_result_is_an_error() -> None:
    with pytest.raises(TypeError, match="does the function end with return"):
        tg.gradcheck(lambda x: None, 3.0)


# Beside the point


def test_no_gradient_is_touched_and_no_input_changed() -> None:
    w, array = Tensor([3.0, 4.0]), np.array([1.0, 2.0])
    w.grad = [7.0, 7.0]
    x = Tensor([1.0, 2.0])
    for start in (array, x):
        assert tg.gradcheck(lambda x: (x * x * w).sum(), start)
        assert not tg.gradcheck(lambda x: (tg.apply(scaled_by(2.0), x) * w).sum(), start)
    assert (w.grad.tolist(), x.grad) == ([7.0, 7.0], None)
    assert array.tolist() == x.data.tolist() == [1.0, 2.0]


def test_it_works_under_no_grad() -> None:
    with tg.no_grad():
        assert tg.gradcheck(lambda x: x**3, 2.0)
        assert not tg.gradcheck(lambda x: tg.apply(scaled_by(2.0), x), 2.0)


def test_a_right_report_says_how_much_was_looked_at() -> None:
    report = tg.gradcheck(lambda x, y: x.sum() * y, np.ones((2, 3)), np.array(2.0))
    assert report.checked == 7
    assert str(report).startswith("gradcheck: right at all 7 inputs (largest relative error ")


def test_a_rule_that_breaks_off_says_what_is_wrong_with_it() -> None:
    def wrong_shape(x: Any) -> Any:
        return x * x, lambda grad: (np.ones(5),)

    with pytest.raises((tg.GraphError, ShapeError), match=r"'wrong_shape' returned a gradient of"):
        tg.gradcheck(lambda x: tg.apply(wrong_shape, x), np.ones(2))
