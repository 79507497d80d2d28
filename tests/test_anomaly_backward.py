"""detect_anomaly on the way back: sums of gradients, second derivatives, replays, steps by hand.

The operation at fault and its line are known beforehand; the line is that of this file.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.reports import caught, words
from twingrad import AnomalyError, Tensor, Value, nn

TWINS = [Value, Tensor]


def by_hand(x: Any, gradient: Any) -> None:
    y = x * 2.0
    y.grad = gradient
    y._backward()


@pytest.mark.parametrize("twin", TWINS)
def test_gradients_that_overflow_as_they_add_up_are_told_of_the_result_they_belong_to(
    twin: Any,
) -> None:
    x = twin(1e-300)

    def program() -> None:
        inner = x * 1.0
        (inner * 1e308 + inner * 1e308).backward()

    error = caught(program)
    assert str(error).startswith("backward, the gradients of what * gave add up to inf")
    assert error.lineno == program.__code__.co_firstlineno + 1


@pytest.mark.parametrize("twin", TWINS)
def test_gradients_of_a_leaf_that_overflow_as_they_add_up_are_told(twin: Any) -> None:
    x = twin(1e-300, label="x")
    error = caught(lambda: (x * 1e308 + x * 1e308).backward())
    assert str(error).startswith("backward, the gradients of 'x' add up to inf")
    assert x._grad is None


def test_gradients_that_overflow_over_a_broadcast_axis_are_told() -> None:
    bias = Tensor([0.0], label="bias")
    error = caught(lambda: (Tensor(np.full((4, 1), 1e308)) * bias).sum().backward())
    assert str(error).startswith("backward, the gradients of 'bias' add up to inf")


@pytest.mark.parametrize("twin", TWINS)
def test_gradients_that_overflow_over_several_backwards_are_told(twin: Any) -> None:
    x = twin(1e-300, label="x")

    def program() -> None:
        for _ in range(2):
            (x * 1e308).backward()

    error = caught(program)
    assert str(error).startswith("backward, .grad of 'x' became inf")
    assert "is zero_grad() missing" in str(error)


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_backward_was_given_is_blamed_on_that(twin: Any, bad: float) -> None:
    x = twin(1.0)
    error = caught(lambda: (x * x).backward(bad))
    assert str(error).startswith(f"backward() was given {bad} to start from")
    assert error.filename == __file__


@pytest.mark.parametrize("twin", TWINS)
def test_a_leaf_that_is_no_number_is_blamed_itself(twin: Any) -> None:
    error = caught(lambda: twin(math.nan, label="x").backward())
    assert str(error).startswith("backward() starts from nan")
    assert "'x' holds nan, which came in with the data" in words(error)


@pytest.mark.parametrize("twin", TWINS)
def test_a_graph_made_before_is_found_at_fault_all_the_same(twin: Any) -> None:
    root = tg.sqrt(twin(0.0) * 1.0)
    error = caught(lambda: root.backward())
    assert str(error).startswith("backward, sqrt passed inf on to its operand")
    assert "computed before detect_anomaly() began" in words(error)
    assert "∞ in the gradient of sqrt at 0" in str(error)


@pytest.mark.parametrize("twin", TWINS)
def test_a_loss_made_before_that_is_no_number_is_told(twin: Any) -> None:
    loss = tg.log(twin(0.0))
    assert str(caught(lambda: loss.backward())).startswith(
        "backward() starts from -inf, which log gave"
    )


ZERO = np.zeros(2)
SECOND: list[tuple[Callable[[], Any], str]] = [
    (lambda: tg.grad(tg.grad(lambda x: tg.sqrt(x * x)))(0.0), "sqrt"),
    (lambda: tg.hessian(lambda x: (x * x).sum() ** 0.5)(ZERO), "**"),
    (lambda: tg.hvp(lambda x: (x * x).sum().sqrt(), ZERO, np.ones(2)), "sqrt"),
    (lambda: tg.jvp(lambda x: x.sqrt().sum(), ZERO, np.ones(2)), "sqrt"),
    (lambda: tg.jacobian(lambda x: x.sqrt())(np.array([1.0, 0.0])), "sqrt"),
    (lambda: tg.sqrt(Value(0.0)).backward(create_graph=True), "sqrt"),
]


@pytest.mark.parametrize(("program", "operation"), SECOND)
def test_in_a_transform_the_operation_of_the_program_is_named_and_not_a_step_of_its_gradient(
    program: Callable[[], Any], operation: str
) -> None:
    error = caught(program)
    assert (error.phase, error.operation) == ("backward", operation)
    assert (error.filename, error.lineno) == (__file__, program.__code__.co_firstlineno)


@pytest.mark.parametrize("twin", TWINS)
def test_a_second_derivative_is_blamed_on_the_line_of_the_operation(twin: Any) -> None:
    x = twin(0.0, label="x")

    def program() -> None:
        y = x**1.5
        y.backward(create_graph=True)
        slope, x.grad = x.grad, None
        slope.backward()

    error = caught(program)
    assert error.lineno == program.__code__.co_firstlineno + 1
    assert "the gradient of **, which is there" in str(error)


def test_second_derivatives_that_are_finite_do_not_raise() -> None:
    squares = [lambda x: x**2.0, lambda x: x**1.0, lambda x: tg.maximum(x, 0.0) ** 2.0]
    with tg.detect_anomaly():
        for f in [*squares, tg.relu, tg.gelu, abs]:
            assert math.isfinite(tg.grad(tg.grad(f))(0.0))
            assert np.isfinite(tg.hessian(lambda x, f=f: f(x).sum())(ZERO)).all()


def test_a_step_by_hand_as_in_the_lecture_is_looked_at() -> None:
    x = Value(0.0, label="x")

    def program() -> None:
        y = tg.sqrt(x)
        y.grad = 1.0
        y._backward()

    error = caught(program)
    assert str(error).startswith("backward, sqrt passed inf on to 'x'")
    assert error.lineno == program.__code__.co_firstlineno + 1
    assert x.grad == 0.0


@pytest.mark.parametrize("twin", TWINS)
def test_a_gradient_that_was_assigned_is_blamed_in_a_step_by_hand(twin: Any) -> None:
    error = caught(lambda: by_hand(twin(1.0), math.nan))
    assert "the gradient that arrived is nan already" in words(error)


def test_a_replay_raises_what_the_recorded_function_raises_and_sets_no_gradient() -> None:
    w = Value(1.0)
    f = lambda x: tg.log(w * x)  # noqa: E731
    recording = tg.record(f, 2.0)
    recording.replay(4.0)
    before = w.grad
    error = caught(lambda: recording.replay(0.0))
    assert (error.operation, error.lineno) == ("log", f.__code__.co_firstlineno)
    assert w.grad == before
    assert recording.replay(0.0) == -math.inf  # outside nobody looks


def test_a_replay_of_a_graph_that_was_built_says_that_it_knows_no_line() -> None:
    w = Value(1.0)
    recording = tg.record(tg.log(w * 1.0))
    w.data = 0.0
    assert "compute the graph itself" in str(caught(lambda: recording.replay()))


def test_a_recorded_fit_stops_at_the_step_at_which_it_stops_without() -> None:
    X = np.linspace(-100.0, 100.0, 8).reshape(8, 1)

    def diverge(record: bool) -> AnomalyError:
        model = nn.MLP(1, [4, 1], activation="relu", rng=0)
        sgd = nn.SGD(model.parameters(), lr=1e5)
        return caught(
            lambda: nn.fit(
                model, X, X[:, 0], loss=nn.mse_loss, optimizer=sgd, epochs=50, progress=False,
                record=record, shuffle=False,
            )
        )  # fmt: skip

    eager, recorded = diverge(False), diverge(True)
    assert (recorded.operation, recorded.phase) == (eager.operation, eager.phase)
    numbers = [
        float(str(e).split("the numbers reach ")[1].split(",")[0]) for e in (eager, recorded)
    ]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-3)
