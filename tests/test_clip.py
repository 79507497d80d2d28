"""Clipped gradients: by hand, for all gradients, at both ends of the floats, and what is refused.

PyTorch's numbers are compared in test_golden. The oracle of a norm is `math.hypot`, which
neither overflows nor underflows.
"""

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twingrad as tg
from twingrad import Tensor, Value, nn

mp = mpmath.mp.clone()
mp.dps = 60


def on_values(numbers: list[float]) -> list[Any]:
    """Values with these gradients."""
    found = [Value(1.0) for _ in numbers]
    for value, number in zip(found, numbers, strict=True):
        value.grad = number
    return found


def on_tensors(numbers: list[float], dtype: Any = np.float64) -> list[Any]:
    """The same in two Tensors, the second of two axes."""
    parts = [np.array(numbers[:1]), np.array(numbers[1:]).reshape(1, -1)]
    found = [Tensor(np.ones(part.shape), dtype=dtype) for part in parts]
    for tensor, part in zip(found, parts, strict=True):
        tensor.grad = part
    return found


def gradients_of(parameters: list[Any]) -> list[float]:
    return np.concatenate([np.ravel(p.grad) for p in parameters]).tolist()


both_twins = pytest.mark.parametrize("on_twin", [on_values, on_tensors])

# By hand


@both_twins
@pytest.mark.parametrize(
    ("norm_type", "norm"), [(2.0, 7.0), (1.0, 11.0), (math.inf, 6.0), (3.0, 251.0 ** (1 / 3))]
)
def test_gradients_keep_their_direction_and_lose_length(
    norm_type: float, norm: float, on_twin: Any
) -> None:
    numbers = [2.0, -3.0, 6.0]
    parameters = on_twin(numbers)
    found = nn.clip_grad_norm(parameters, 0.5, norm_type)
    assert found == pytest.approx(norm, rel=1e-15)
    assert type(found) is float
    factor = 0.5 / (norm + 1e-6)
    expected = [factor * x for x in numbers]
    assert gradients_of(parameters) == pytest.approx(expected, rel=1e-15)


@both_twins
@pytest.mark.parametrize("max_norm", [7.0 + 2e-6, 100.0, math.inf])
def test_gradients_within_the_limit_are_not_touched(max_norm: float, on_twin: Any) -> None:
    parameters = on_twin([2.0, -3.0, 6.0])
    assert nn.clip_grad_norm(parameters, max_norm) == pytest.approx(7.0, rel=1e-15)
    assert gradients_of(parameters) == [2.0, -3.0, 6.0]


@both_twins
def test_every_number_is_brought_within_the_limit_by_itself(on_twin: Any) -> None:
    parameters = on_twin([0.25, -3.0, math.inf, -math.inf, math.nan, 1.0, -0.0])
    assert nn.clip_grad_value(parameters, 1.0) is None
    np.testing.assert_array_equal(
        gradients_of(parameters), [0.25, -1.0, 1.0, -1.0, math.nan, 1.0, -0.0]
    )
    before = gradients_of(parameters)
    nn.clip_grad_value(parameters, math.inf)
    np.testing.assert_array_equal(gradients_of(parameters), before)


def test_one_parameter_or_an_iterable_of_them_is_taken() -> None:
    x = Tensor([3.0, -4.0])
    x.grad = [3.0, -4.0]
    assert nn.clip_grad_norm(x, 1.0) == 5.0
    assert nn.clip_grad_norm(iter([x]), 1.0) == pytest.approx(1.0, abs=1e-6)
    nn.clip_grad_value(x, 0.5)
    assert x.grad.tolist() == [0.5, -0.5]
    nn.clip_grad_value(iter([x]), 0.25)
    assert x.grad.tolist() == [0.25, -0.25]


@pytest.mark.parametrize("twin", [Value, Tensor])
def test_parameters_that_no_optimizer_would_move_do_not_count(twin: Any) -> None:
    x, without, frozen = twin(1.0), twin(1.0), twin(1.0)
    x.grad, frozen.grad = 2.0, 100.0
    frozen.constant = True
    assert nn.clip_grad_norm([without, frozen, x], 1.0) == 2.0
    nn.clip_grad_value([without, frozen, x], 0.5)
    assert (float(x.grad), float(frozen.grad)) == (0.5, 100.0)
    assert without._grad is None
    assert nn.clip_grad_norm([without, frozen], 1.0) == 0.0


def test_a_gradient_stays_in_its_memory_and_precision_and_the_data_as_it_is() -> None:
    for dtype in (np.float32, np.float64):
        for start in ([3.0, 4.0], 5.0):
            x = Tensor(start, dtype=dtype)
            for clip in (nn.clip_grad_norm, nn.clip_grad_value):
                x.grad = start
                storage = x.grad
                clip(x, 1.0)
                assert x.grad is storage
                assert x.grad.dtype == dtype
                assert not np.shares_memory(x.grad, x.data)
                assert x.data.tolist() == start
                assert np.abs(x.grad).max() <= 1.0


def test_an_empty_gradient_has_no_length() -> None:
    x = Tensor(np.zeros((0, 3)))
    x.grad = np.zeros((0, 3))
    assert nn.clip_grad_norm(x, 1.0) == 0.0


# For all gradients

numbers = st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=8)
limits = st.floats(1e-3, 1e3)


@both_twins
@given(numbers, limits)
@settings(max_examples=60)
def test_the_norm_is_right_and_then_at_most_the_limit(
    on_twin: Any, numbers: list[float], limit: float
) -> None:
    norm = math.hypot(*numbers)
    parameters = on_twin(numbers)
    found = nn.clip_grad_norm(parameters, limit)
    assert found == pytest.approx(norm, rel=1e-14, abs=0.0)
    after = gradients_of(parameters)
    assert math.hypot(*after) <= limit * (1 + 1e-14)
    factor = min(mp.mpf(1), mp.mpf(limit) / (mp.mpf(norm) + mp.mpf(1e-6)))
    assert after == pytest.approx([float(x * factor) for x in numbers], rel=1e-13, abs=1e-300)


@both_twins
@given(numbers, limits)
@settings(max_examples=30)
def test_what_was_clipped_by_value_needs_no_second_time(
    on_twin: Any, numbers: list[float], limit: float
) -> None:
    parameters = on_twin(numbers)
    nn.clip_grad_value(parameters, limit)
    after = gradients_of(parameters)
    assert after == [max(-limit, min(limit, x)) for x in numbers]
    nn.clip_grad_value(parameters, limit)
    assert gradients_of(parameters) == after


@given(st.lists(st.floats(-10.0, 10.0), min_size=2, max_size=6), st.floats(0.5, 6.0))
@settings(max_examples=30)
def test_the_norm_of_any_order_is_that_of_the_formula(numbers: list[float], order: float) -> None:
    truth = sum(abs(mp.mpf(x)) ** mp.mpf(order) for x in numbers) ** (1 / mp.mpf(order))
    for on_twin in (on_values, on_tensors):
        found = nn.clip_grad_norm(on_twin(numbers), math.inf, order)
        assert found == pytest.approx(float(truth), rel=1e-12)


# At both ends of the floats


@both_twins
@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, 50.0])
@pytest.mark.parametrize("size", [1e200, 1e-200, 5e-324])
def test_no_power_of_a_gradient_leaves_the_floats(
    size: float, norm_type: float, on_twin: Any
) -> None:
    parameters = on_twin([size, -size, 0.0])
    assert nn.clip_grad_norm(parameters, 1.0, norm_type) == pytest.approx(
        size * 2 ** (1 / norm_type), rel=1e-14
    )
    share = 2 ** (-1 / norm_type)
    expected = [share, -share, 0.0] if size > 1.0 else [size, -size, 0.0]
    assert gradients_of(parameters) == pytest.approx(expected, rel=1e-14)


def test_single_precision_is_measured_and_multiplied_in_double() -> None:
    # Together 2e38 · √(4e6), which no float32 holds; nor does it the factor, 2.5e-42, in full.
    many = Tensor(np.ones(4_000_000), dtype=np.float32)
    many.grad = np.full(many.shape, 2e38, dtype=np.float32)
    assert nn.clip_grad_norm(many, 1.0) == pytest.approx(4e41, rel=1e-6)
    assert many.grad.dtype == np.float32
    np.testing.assert_allclose(many.grad, 5e-4, rtol=1e-6)
    mixed = on_tensors(np.random.default_rng(0).normal(size=10_000).tolist(), np.float32)
    exact = math.hypot(*gradients_of(mixed))
    assert nn.clip_grad_norm(mixed, math.inf) == pytest.approx(exact, rel=1e-14)
    for size in (1e30, 1e-40):
        x = Tensor([1.0, 1.0], dtype=np.float32)
        x.grad = np.array([3.0, 4.0], dtype=np.float32) * np.float32(size)
        assert nn.clip_grad_norm(x, 0.1) == pytest.approx(5.0 * size, rel=1e-4)
    nn.clip_grad_value(x, 1e300)  # which is beyond a float32
    assert x.grad.dtype == np.float32


# What is no number


@both_twins
def test_a_norm_that_is_not_finite_is_an_error_and_changes_nothing(on_twin: Any) -> None:
    for spoilt in (math.nan, math.inf, -math.inf):
        before = [1.0, spoilt, 2.0]
        parameters = on_twin(before)
        for norm_type in (2.0, 1.0, math.inf):
            with pytest.raises(ArithmeticError, match=r"the norm of the gradients is (nan|inf)"):
                nn.clip_grad_norm(parameters, 1.0, norm_type)
        np.testing.assert_array_equal(gradients_of(parameters), before)


def test_the_error_says_how_many_gradients_and_which_is_the_first() -> None:
    parameters = [Tensor([1.0, 2.0], label=name) for name in ("", "w", "", "b", "")]
    rows = [[1.0, 1.0], [math.inf, 1.0], [math.nan, math.inf], [math.nan, 0.0], None]
    for parameter, row in zip(parameters, rows, strict=True):
        parameter.grad = row
    said = (
        r"norm of the gradients is nan: of 4 gradients, 2 hold nan and 1 inf, the first that of "
        r"parameter 1 \('w'\); nothing was changed.*error_if_nonfinite=False$"
    )
    with pytest.raises(tg.AnomalyError, match=said):
        nn.clip_grad_norm(parameters, 1.0)
    del parameters[1]
    with pytest.raises(
        tg.AnomalyError, match=r"of 3 gradients, 2 hold nan and 0 inf, .* of parameter 1;"
    ):
        nn.clip_grad_norm(parameters, 1.0)


@both_twins
def test_a_norm_beyond_any_float_is_an_error_though_every_gradient_is_finite(on_twin: Any) -> None:
    parameters = on_twin([1.5e308, -1.5e308, 0.0])
    with pytest.raises(ArithmeticError, match="are finite, but their norm is beyond any float"):
        nn.clip_grad_norm(parameters, 1.0)
    assert gradients_of(parameters) == [1.5e308, -1.5e308, 0.0]
    assert nn.clip_grad_norm(parameters, 1.0, math.inf) == 1.5e308


@both_twins
def test_without_the_error_everything_becomes_what_pytorch_makes_of_it(on_twin: Any) -> None:
    for spoilt, expected in (
        (math.nan, [math.nan, math.nan, math.nan]),
        (math.inf, [0.0, math.nan, 0.0]),
    ):
        parameters = on_twin([1.0, spoilt, 2.0])
        norm = nn.clip_grad_norm(parameters, 1.0, error_if_nonfinite=False)
        np.testing.assert_array_equal([norm], [spoilt])
        np.testing.assert_array_equal(gradients_of(parameters), expected)


# What is refused


@pytest.mark.parametrize("twin", [Value, Tensor])
def test_gradients_that_are_nodes_are_refused_with_the_remedy(twin: Any) -> None:
    x = twin(3.0)
    x.label = "x"
    (x * x).backward(create_graph=True)
    said = r"in place, but that of parameter 0 \('x'\) is a node .* parameter.grad = parameter.grad"
    for clip in (nn.clip_grad_norm, nn.clip_grad_value):
        with pytest.raises(TypeError, match=f"{clip.__name__} changes gradients {said}"):
            clip([x], 1.0)
    x.grad = x.grad.data
    assert nn.clip_grad_norm([x], 1.0) == 6.0


@pytest.mark.parametrize("limit", [0.0, -1.0, math.nan, "1", None, True])
def test_a_limit_that_is_no_number_above_zero_is_refused(limit: Any) -> None:
    x = on_values([1.0])
    with pytest.raises(ValueError, match="max_norm is a number above 0, or inf, not"):
        nn.clip_grad_norm(x, limit)
    with pytest.raises(ValueError, match="norm_type is a number above 0, or inf, not"):
        nn.clip_grad_norm(x, 1.0, limit)
    with pytest.raises(ValueError, match="clip_value is a number above 0, or inf, not"):
        nn.clip_grad_value(x, limit)


X = Value(1.0)


@pytest.mark.parametrize("clip", [nn.clip_grad_norm, nn.clip_grad_value])
@pytest.mark.parametrize(
    ("parameters", "error", "said"),
    [
        ([], ValueError, "needs at least one parameter, but the list is empty"),
        (nn.Neuron(2), TypeError, r"takes parameters: model\.parameters\(\), not the model"),
        ([X, X], ValueError, "a parameter came twice"),
        ([X, X * 2.0], TypeError, "parameter 1 is .* not results of operations"),
        ([1.0], TypeError, "parameter 0 is 1.0; .* takes only Values and Tensors"),
    ],
)
def test_what_has_no_gradients_to_clip_is_refused(
    clip: Any, parameters: Any, error: Any, said: str
) -> None:
    with pytest.raises(error, match=said):
        clip(parameters, 1.0)


def test_a_clipped_step_is_as_long_as_the_limit_allows() -> None:
    rng = np.random.default_rng(0)
    model = nn.Linear(5, 3, dtype=np.float64, rng=0)
    before = np.concatenate([p.numpy().ravel() for p in model.parameters()])
    loss = nn.mse_loss(model(Tensor(rng.normal(size=(8, 5)))), 100.0 * rng.normal(size=(8, 3)))
    loss.backward()
    assert nn.clip_grad_norm(model.parameters(), 0.5) > 0.5
    nn.SGD(model.parameters(), lr=2.0).step()
    after = np.concatenate([p.data.ravel() for p in model.parameters()])
    assert math.dist(before, after) == pytest.approx(1.0, rel=1e-5)
