"""detect_anomaly: the first NaN or infinity raises where it arises, on the user's own line.

What each error must name is known beforehand: the operation was chosen to fail, and its line is
that of this file. That nothing else changes is held against the same program without it.
"""

import gc
import math
import sys
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import twingrad as tg
from tests.reports import caught
from twingrad import AnomalyError, Tensor, Value, nn
from twingrad.engine.node import Node

TWINS = [Value, Tensor]


def line_of(program: Callable[[], Any]) -> int:
    return program.__code__.co_firstlineno


@pytest.mark.parametrize("twin", TWINS)
def test_log_of_zero_is_named_with_its_line_and_the_remedy(twin: Any) -> None:
    p = twin(0.0, label="p")
    program = lambda: -tg.log(p) * 2.0  # noqa: E731
    error = caught(program)
    assert (error.operation, error.phase) == ("log", "forward")
    assert (error.filename, error.lineno) == (__file__, line_of(program))
    said = str(error)
    assert said.startswith("forward, log gave -inf")
    assert "program = lambda: -tg.log(p) * 2.0" in said
    assert "'p'" in said
    assert "use log_softmax" in said


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize(
    ("operation", "x", "says"),
    [
        (lambda x: tg.log(x), -1.0, "log of a negative number"),
        (lambda x: tg.sqrt(x), -1.0, "square root of a negative number"),
        (lambda x: tg.exp(x), 1000.0, "exp of 1000 overflows, as of anything above 709.8"),
        (lambda x: 1.0 / x, 0.0, "a division by 0"),
        (lambda x: x / x, 0.0, "0/0"),
        (lambda x: x**0.5, -2.0, "to a power that is not whole"),
        (lambda x: x**-1.0, 0.0, "0 to a negative power"),
        (lambda x: x * x, 1e200, "it overflowed: the numbers reach 1e+200"),
    ],
)
def test_the_reason_is_told_in_words(
    twin: Any, operation: Callable[[Any], Any], x: float, says: str
) -> None:
    assert says in str(caught(lambda: operation(twin(x))))


@pytest.mark.parametrize("twin", TWINS)
def test_zero_times_infinity_in_the_gradient_of_sqrt_is_blamed_on_its_line(twin: Any) -> None:
    x = twin(0.0, label="x")

    def program() -> None:
        root = tg.sqrt(x)
        (root * 0.0).backward()

    error = caught(program)
    assert (error.operation, error.phase) == ("sqrt", "backward")
    assert error.lineno == line_of(program) + 1  # where it was made, not where backward() stands
    assert str(error).startswith("backward, sqrt passed nan on to 'x'")
    assert "0 · ∞ in the gradient of sqrt at 0" in str(error)


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize(
    ("operation", "says"),
    [
        (lambda x: x**0.5, "infinite at 0 for a power below 1"),
        (lambda x: tg.sqrt(x), "∞ in the gradient of sqrt at 0"),
    ],
)
def test_an_infinite_slope_is_found_on_the_way_back(
    twin: Any, operation: Callable[[Any], Any], says: str
) -> None:
    error = caught(lambda: operation(twin(0.0)).backward())
    assert error.phase == "backward"
    assert says in str(error)


def test_of_an_array_it_tells_how_many_where_and_the_range() -> None:
    x = Tensor(np.array([[1.0, 2.0], [0.0, -3.0]]), label="x")
    said = str(caught(lambda: x.log()))
    assert "'x'     (2, 2) float64: -3 … 2" in said
    assert (
        "result  (2, 2) float64: 1 of 4 nan, 1 -inf, the first at (1, 0); the others 0 … 0.69"
        in said
    )


@pytest.mark.parametrize("twin", TWINS)
def test_what_came_with_the_data_is_blamed_on_the_data(twin: Any) -> None:
    x = twin(math.nan, label="x")
    said = str(caught(lambda: x * 2.0))
    assert "'x' holds nan, which came in with the data" in said


@pytest.mark.parametrize("twin", TWINS)
def test_what_was_computed_before_is_not_blamed_on_the_data(twin: Any) -> None:
    x = twin(0.0).log()
    said = str(caught(lambda: x * 2.0))
    assert "was computed before detect_anomaly() began" in said


def test_a_layer_is_named_by_its_path() -> None:
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU(), nn.Linear(3, 1, rng=0))
    model[2].weight.data = model[2].weight.data * np.float32(1e38)
    said = str(caught(lambda: model(Tensor(np.full((4, 2), 1e3, np.float32)))))
    assert "Sequential[2] Linear(3, 1)\n" in said
    assert "'layers.2.weight'  (3, 1) float32" in said
    values = nn.MLP(2, [3, 1], rng=0)
    values.layers[0].neurons[1].w[0].data = math.inf
    said = " ".join(str(caught(lambda: values([1.0, 2.0]))).split())
    assert "MLP.layers[0] Layer(2, 3" in said
    assert "'layers.0.neurons.1.w.0' holds inf since it was changed at " in said


def test_a_layer_is_named_on_the_way_back_too() -> None:
    class Root(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.sqrt()

    model = nn.Sequential(nn.Linear(2, 2, init="zeros", rng=0), Root())
    error = caught(lambda: model(Tensor(np.ones((1, 2), np.float32))).sum().backward())
    assert "Sequential[1] Root()" in str(error)
    assert error.phase == "backward"


def test_in_fit_the_first_bad_step_raises() -> None:
    model = nn.Sequential(nn.Linear(1, 1, rng=0))
    sgd = nn.SGD(model.parameters(), lr=1e30)
    X = np.full((4, 1), 1e10, np.float32)
    with pytest.raises(AnomalyError), tg.detect_anomaly():
        nn.fit(model, X, X, loss=nn.mse_loss, optimizer=sgd, epochs=9, progress=False)


def test_infinities_may_be_let_pass() -> None:
    masked = tg.where(np.array([True, False]), Tensor([1.0, 2.0]), -np.inf)
    with tg.detect_anomaly(infinity=False):
        assert (masked + 1.0).data[1] == -np.inf
        with pytest.raises(AnomalyError):
            masked - masked
    with pytest.raises(AnomalyError), tg.detect_anomaly():
        masked + 1.0


def test_outside_it_nothing_is_looked_at() -> None:
    plain = Node._apply
    with tg.detect_anomaly():
        with tg.detect_anomaly():
            pass
        assert Node._apply is not plain
        with pytest.raises(AnomalyError):
            Value(0.0).log()
    assert Node._apply is plain
    assert Value(0.0).log().data == -math.inf
    with pytest.raises(AnomalyError), tg.detect_anomaly():
        Value(0.0).log()
    assert Node._apply is plain


def test_operands_that_are_not_finite_are_no_anomaly_if_the_result_is() -> None:
    with tg.detect_anomaly():
        assert tg.maximum(Value(-math.inf), 1.0).data == 1.0
        assert tg.exp(Value(-math.inf)).data == 0.0


def calls_of(step: Callable[[], Any]) -> int:
    """How many functions a step calls, in Python and in C, whatever else the machine does."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        step()
    finally:
        sys.setprofile(None)
    return count


def plainest(step: Callable[[], Any]) -> int:
    """How many of them when nothing is looked at that a loss or a layer looks at now and then."""
    return min(calls_of(step) for _ in range(6))


def step_of_values() -> Callable[[], Any]:
    model = nn.MLP(2, [8, 8, 1], rng=0)
    return lambda: ((model([1.0, -2.0]) - 1.0) ** 2.0).backward()


def step_of_tensors() -> Callable[[], Any]:
    model = nn.Sequential(nn.Linear(4, 8, rng=0), nn.ReLU(), nn.Linear(8, 3, rng=1))
    X, y = np.ones((5, 4)), np.array([0, 1, 2, 0, 1])
    return lambda: nn.cross_entropy(model(X), y).backward()


@pytest.mark.parametrize("made", [step_of_values, step_of_tensors])
def test_a_watched_step_makes_at_most_three_times_the_calls_and_later_ones_no_more(
    made: Callable[[], Callable[[], Any]],
) -> None:
    step = made()
    before = plainest(step)
    with tg.detect_anomaly():
        step()
        watched = calls_of(step)
    assert before < watched <= 3 * before
    assert plainest(step) < 1.1 * before  # a call more or less is of caches, here and there


def test_an_error_changes_no_gradient() -> None:
    x = Value(0.0)
    caught(lambda: (x * 1.0 + tg.sqrt(x)).backward())
    assert x._grad is None


def test_users_own_rules_are_watched() -> None:
    def wrong(x: Any) -> Any:
        return x * 1.0, lambda grad: (grad / 0.0 if isinstance(grad, np.ndarray) else math.inf,)

    error = caught(lambda: tg.apply(wrong, Value(1.0)).backward())
    assert (error.operation, error.phase) == ("wrong", "backward")
    assert "looked at with gradcheck" in str(error)


def test_second_derivatives_are_watched() -> None:
    with tg.detect_anomaly():
        assert tg.grad(tg.grad(lambda x: x**3))(2.0) == 12.0
    caught(lambda: tg.grad(tg.grad(lambda x: x**1.5))(0.0))


@given(st.lists(st.floats(-3.0, 3.0), min_size=2, max_size=5), st.booleans())
def test_of_healthy_programs_every_bit_stays_as_it_is(numbers: list[float], arrays: bool) -> None:
    def program() -> tuple[Any, list[Any]]:
        leaves = [Tensor([n, -n]) if arrays else Value(n) for n in numbers]
        total = leaves[0]
        for x in leaves:
            total = (total * x).tanh() + x.exp() / (1.0 + x * x)
        total = total.sum() if arrays else total
        total.backward()
        return total.data, [np.array(x.grad) for x in leaves]

    plain = program()
    with tg.detect_anomaly():
        watched = program()
    assert plain[0] == watched[0]
    assert all(np.array_equal(a, b) for a, b in zip(plain[1], watched[1], strict=True))


@pytest.mark.parametrize("twin", TWINS)
def test_a_watched_graph_is_freed_without_the_collector(twin: Any) -> None:
    class Marked(twin):  # type: ignore[misc]
        __slots__ = ("__weakref__",)

    gc.disable()
    try:
        with tg.detect_anomaly():
            x = Marked(2.0)
            y = (x * x).tanh()
            y.backward()
        seen = weakref.ref(y)
        del y
        assert seen() is None
    finally:
        gc.enable()
