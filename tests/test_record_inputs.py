"""What a recorded function may be given: numbers, arrays, lists and dicts of them, and the rest.

A replay takes other numbers of the same shape; what does not fit is an error that says how.
"""

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.recorded import eager, replayed
from twingrad import GraphError, ShapeError, Tensor, Value, nn

Pair = namedtuple("Pair", "first second")

FORMS: list[tuple[Callable[[Any], Any], Any, Any]] = [
    (lambda x: x, 2.0, -3.5),
    (lambda x: x, 2, 3),
    (lambda x: x, np.float32(2.0), np.float32(0.25)),
    (lambda x: x, np.array(2.0), np.array(5.0)),
    (lambda x: x[0] - 2.0 * x[1], [1.0, 2.0], (3, 4)),
    (lambda x: x[0] - 2.0 * x[1], (1.0, 2.0), np.array([3.0, 4.0])),
    (lambda x: x[0][0] + 3.0 * x[1][1], [[1.0, 2.0], [3.0, 4.0]], np.eye(2)),
    (lambda x: x[0][0] + 3.0 * x[1], [[1.0], 2.0], [[5.0], 7.0]),
    (lambda x: x["a"] - x["b"][1], {"a": 1.0, "b": [2.0, 3.0]}, {"b": [5.0, 6.0], "a": 7.0}),
    (lambda x: x["a"][1, 0] * 2.0, {"a": np.eye(2)}, {"a": np.arange(4.0).reshape(2, 2)}),
    (lambda x: x.first * 2.0 - x.second, Pair(1.0, 2.0), Pair(5.0, 6.0)),
    (lambda x: x.sum(), np.arange(4.0), np.arange(4, 8)),
    (lambda x: x.mean() - x[1:].mean(), np.arange(4.0), np.array([1.0, 5.0, 2.0, 2.0])),
    (lambda x: (x @ x.T).sum(), np.arange(6.0).reshape(2, 3), np.ones((2, 3))),
    (lambda x: x[:, 0, 1].sum(), np.arange(12.0).reshape(2, 3, 2), np.ones((2, 3, 2), np.float32)),
    (lambda x: np.tanh(x).sum(), np.arange(3.0), [7, 8, 9]),
    (lambda x: sum(x) if len(x) else 1.0, np.zeros(0), np.zeros(0)),
]


@pytest.mark.parametrize(("f", "before", "after"), FORMS)
def test_inputs_may_be_numbers_arrays_lists_and_dicts(
    f: Callable[[Any], Any], before: Any, after: Any
) -> None:
    w = Value(3.0)

    def g(x: Any) -> Any:
        return w * f(x)

    recording = tg.record(g, before)
    for inputs in (before, after):
        expected = eager(g, [w], [np.array(inputs) if hasattr(inputs, "dtype") else inputs])
        np.testing.assert_allclose(replayed(recording, [w], [inputs]), expected, 1e-15)


def test_inputs_come_in_the_order_of_the_parameters_and_defaults_stay() -> None:
    w = Value(2.0)

    def f(x: Any, y: Any, scale: float = 10.0) -> Any:
        return w * (x - y) * scale

    recording = tg.record(f, 5.0, 3.0)
    assert recording.replay(7.0, 1.0) == 120.0


def test_an_input_gets_no_gradient_and_is_no_leaf() -> None:
    w, seen = Value(2.0), []

    def f(x: Any) -> Any:
        seen.append(x)
        return w * x * x

    recording = tg.record(f, 3.0)
    recording.replay(3.0)
    assert recording.leaves == [w]
    assert (seen[0].grad, seen[0].constant) == (0.0, True)


def test_an_input_that_is_not_used_may_be_anything_of_its_shape() -> None:
    w = Value(2.0)
    recording = tg.record(lambda x, y: w * y, np.ones(3), 5.0)
    assert recording.replay(np.full(3, np.nan), 4.0) == 8.0


def test_the_array_that_came_is_not_changed_and_may_change() -> None:
    w, x = Value(2.0), np.array([1.0, 2.0])
    recording = tg.record(lambda x: w * (x[0] - x[1]), x)
    x[:] = 7.0, 4.0
    assert recording.replay(x) == 6.0
    assert x.tolist() == [7.0, 4.0]


def test_values_as_inputs_are_leaves() -> None:
    a, b = Value(2.0), Value(3.0)
    recording = tg.record(lambda pair, x: pair[0] * pair[1] * x, [a, b], 5.0)
    a.data = 4.0
    assert (recording.replay([a, b], 2.0), a.grad, b.grad) == (24.0, 6.0, 8.0)


def test_a_model_as_an_input_is_passed_on() -> None:
    model = nn.Neuron(2, rng=0)
    recording = tg.record(lambda model, x: model(x) * 1.0, model, [1.0, 2.0])
    assert recording.replay(model, [3.0, 4.0]) == model([3.0, 4.0]).data


def test_text_and_none_as_inputs_are_part_of_the_recording() -> None:
    w = Value(2.0)
    recording = tg.record(lambda how, x, _: w * x if how == "times" else w + x, "times", 3.0, None)
    assert recording.replay("times", 4.0, None) == 8.0
    with pytest.raises(
        GraphError, match=r"recorded with 'times', .* but 'plus' came; record again"
    ):
        recording.replay("plus", 4.0, None)


def test_a_nan_may_come_in() -> None:
    w = Value(2.0)
    recording = tg.record(lambda x: (w * x - 1.0) ** 2, 2.0)
    assert np.isnan(recording.replay(float("nan")))
    assert np.isnan(w.grad)
    assert recording.replay(2.0) == 9.0


# What does not fit

WRONG_INPUTS: list[tuple[tuple[Any, ...], tuple[Any, ...], type[Exception], str]] = [
    ((1.0,), (), TypeError, r"recorded with 1 inputs, but replay\(\) got 0"),
    ((1.0,), (1.0, 2.0), TypeError, r"recorded with 1 inputs, but replay\(\) got 2"),
    ((np.ones(3),), (np.ones(4),), ShapeError, r"shape \(3,\), but shape \(4,\) came; .*another"),
    ((np.ones(3),), (np.ones((3, 1)),), ShapeError, r"shape \(3,\), but shape \(3, 1\) came"),
    ((np.ones((2, 3)),), (np.ones((3, 2)),), ShapeError, r"\(2, 3\), but shape \(3, 2\) came"),
    ((np.ones(1),), (1.0,), ShapeError, r"shape \(1,\), but shape \(\) came"),
    ((2.0, np.ones(3)), (2.0, [1.0]), ShapeError, r"input 1 was recorded with shape \(3,\)"),
    (([1.0, 2.0],), ([1.0],), ShapeError, "input 0 was recorded with length 2, but 1 came"),
    (([1.0, 2.0],), (3.0,), ShapeError, "input 0 was recorded with length 2, but 3.0 came"),
    (([[1.0], [2.0]],), ([[1.0], [2.0, 3.0]],), ShapeError, "with length 1, but 2 came"),
    (({"a": 1.0},), ({"b": 1.0},), ShapeError, r"with the keys \['a'\], not {'b': 1.0}"),
    (({"a": 1.0},), ([1.0],), ShapeError, r"with the keys \['a'\], not \[1.0\]"),
    ((np.ones(2),), (np.array(["a", "b"]),), TypeError, "as numbers, but an array of <U1 came"),
    ((np.ones(2),), (np.ones(2) * 1j,), TypeError, "as numbers, but an array of complex128 came"),
    ((1.0,), ("a",), TypeError, "'a', a str, came"),
    ((1.0,), (None,), TypeError, "None, a NoneType, came"),
    ((1.0,), (np.ones(2),), TypeError, r"an array of shape \(2,\) came"),
    ((1.0,), (Value(1.0),), TypeError, r"input 0 was recorded as a plain number, but a Value came"),
    ((1.0,), (Tensor(1.0),), TypeError, "a Tensor came"),
    ((np.ones(2),), (Tensor([1.0, 2.0]),), TypeError, r"tensor.numpy\(\)"),
]


@pytest.mark.parametrize(("recorded", "given", "error", "text"), WRONG_INPUTS)
def test_inputs_that_do_not_fit_are_an_error_and_touch_no_gradient(
    recorded: tuple[Any, ...], given: tuple[Any, ...], error: type[Exception], text: str
) -> None:
    w = Value(2.0)
    recording = tg.record(lambda *inputs: w * 3.0, *recorded)
    w.grad = 7.0
    with pytest.raises(error, match=text):
        recording.replay(*given)
    assert w.grad == 7.0
    assert recording.replay(*recorded) == 6.0


def test_a_ragged_list_for_an_array_is_a_shape_error() -> None:
    w = Value(2.0)
    recording = tg.record(lambda x: w * x[0, 0], np.ones((2, 2)))
    with pytest.raises(ShapeError):
        recording.replay([[1.0, 2.0], [3.0]])


def test_a_switch_is_part_of_the_recording() -> None:
    w = Value(3.0)
    recording = tg.record(lambda x, square: w * x if square is True else w, 2.0, True)
    assert recording.replay(5.0, True) == 15.0
    with pytest.raises(GraphError, match=r"input 1 was recorded with True, .* but False came"):
        recording.replay(5.0, False)


def test_what_a_function_does_to_its_lists_and_arrays_it_does_to_copies() -> None:
    w = Value(3.0)

    def f(xs: Any, X: Any) -> Any:
        X[0] = 0.0
        return w * xs.pop(0) + X.sum()

    xs, X = [2.0, 5.0], np.array([1.0, 4.0])
    recording = tg.record(f, xs, X)
    assert (xs, X.tolist()) == ([2.0, 5.0], [1.0, 4.0])
    assert recording.replay([4.0, 5.0], np.array([1.0, 6.0])) == 18.0


def test_an_array_of_values_may_come_as_an_input() -> None:
    pair = np.fromiter([Value(2.0), Value(3.0)], object)
    recording = tg.record(lambda pair: pair[0] * pair[1], pair)
    assert recording.replay(pair) == 6.0


WRONG_TO_RECORD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: tg.record(sum, np.ma.array([1.0, 2.0], mask=[0, 1])), TypeError, "has no mask"),
    (lambda: tg.record(3.0), TypeError, r"record\(\) takes a function or a Value, but 3.0 came"),
    (lambda: tg.record(Value(1.0), 2.0), TypeError, r"built already, .*: record\(f, \*inputs\)"),
    (lambda: tg.record(Tensor([1.0]).sum()), TypeError, "Tensor came, .* call backward"),
    (lambda: tg.record(lambda x: x, Tensor(1.0)), TypeError, r"pass tensor.numpy\(\)"),
    (lambda: tg.record(lambda: Tensor([1.0]).sum()), TypeError, "Tensor came, .* call backward"),
    (lambda: tg.record(lambda: 3.0), TypeError, "returned 3.0, a float; .*end with return"),
    (lambda: tg.record(lambda: None), TypeError, "returned None, a NoneType; .*end with return"),
    (lambda: tg.record(lambda x: [x], 1.0), TypeError, "a list; .* needs the Value"),
    (lambda: tg.record(lambda x: x * 2.0, 1.0), GraphError, "is a constant, .*inputs alone"),
    (lambda: tg.record(lambda: Value(1.0).detach()), GraphError, "is a constant"),
    (lambda: tg.record(Value(1.0).detach()), GraphError, "is a constant"),
    (lambda: tg.record(lambda x: x, 1j), TypeError, "1j"),
]


@pytest.mark.parametrize(("call", "error", "text"), WRONG_TO_RECORD)
def test_what_cannot_be_recorded_is_an_error_that_says_why(
    call: Callable[[], Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        call()
