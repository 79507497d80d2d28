"""Guards: what a function asked its numbers while it was recorded must have the same answers.

Where it has not, a replay would be of another program than the one that would run, and says so
before it touches a gradient.
"""

import math
import operator as op
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import GraphError, Value

AGAIN = "record it again, or write the choice as an operation: where, maximum, relu"


def held_by_a_guard(f: Callable[..., Any], w: Value, good: Any, bad: Any, text: str = "") -> None:
    """Assert that a recording with good inputs refuses bad ones, and works as before then."""
    recording = tg.record(f, *good)
    w.grad = 7.0
    with pytest.raises(GraphError, match=text or "when this was recorded"):
        recording.replay(*bad)
    assert w.grad == 7.0
    assert recording.replay(*good) == f(*good).data


COMPARISONS = [op.lt, op.le, op.gt, op.ge, op.eq, op.ne]
SIGNS = dict(zip(COMPARISONS, ["<", "<=", ">", ">=", "==", "!="], strict=True))


@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("before", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("after", [1.0, 2.0, 3.0, math.nan])
@pytest.mark.parametrize("swapped", [False, True])
def test_a_comparison_of_an_input_holds_only_where_its_answer_does(
    compare: Callable[[Any, Any], Any], before: float, after: float, swapped: bool
) -> None:
    w = Value(3.0)

    def f(x: Any) -> Any:
        return 2.0 * w if (compare(2.0, x) if swapped else compare(x, 2.0)) else 5.0 * w

    recording = tg.record(f, before)
    if f(before).data == f(after).data:
        assert recording.replay(after) == f(after).data
    else:
        with pytest.raises(GraphError):
            recording.replay(after)


@pytest.mark.parametrize("compare", COMPARISONS[:4])
@pytest.mark.parametrize("before", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("after", [1.0, 2.0, 3.0, math.nan])
@pytest.mark.parametrize("other", [2.0, 2, True + 1, np.float32(2.0), Value(2.0)])
def test_a_comparison_of_a_leaf_holds_only_where_its_answer_does(
    compare: Callable[[Any, Any], Any], before: float, after: float, other: Any
) -> None:
    w = Value(before)

    def f() -> Any:
        return 2.0 * w.exp() if compare(w, other) else 5.0 * w

    answer, recording = compare(w, other), tg.record(f)
    w.data = after
    if compare(w, other) == answer:
        np.testing.assert_equal(recording.replay(), f().data)
    else:
        with pytest.raises(GraphError):
            recording.replay()


@pytest.mark.parametrize("compare", COMPARISONS)
def test_the_error_of_a_comparison_says_what_was_compared(compare: Callable[..., Any]) -> None:
    w, sign = Value(3.0), SIGNS[compare]
    good, bad = (2.0, 1.0) if compare(2.0, 2.0) else (1.0, 2.0) if compare(1.0, 2.0) else (3.0, 2.0)
    bad = 3.0 if compare(good, 2.0) == compare(bad, 2.0) else bad
    was = compare(good, 2.0)
    text = f"{bad:g} {sign} 2, is {not was} now, but it was {was} when this was recorded.*{AGAIN}"
    held_by_a_guard(lambda x: w * 1.0 if compare(x, 2.0) else w * 2.0, w, [good], [bad], text)


def test_two_nodes_are_compared_as_they_are_now() -> None:
    a, b = Value(1.0), Value(2.0)
    recording = tg.record(lambda: a * b if a * 3.0 > b else a + b)
    a.data, b.data = 10.0, 20.0
    assert recording.replay() == 200.0
    b.data = 40.0
    with pytest.raises(GraphError, match="30 > 40, is False now, but it was True"):
        recording.replay()


def test_an_input_equals_a_node_where_it_does_as_written() -> None:
    w = Value(2.0)

    def f(x: Any) -> Any:
        return w * 1.0 if x == w else w * 3.0

    assert tg.record(f, 2.0).replay(2.0) == f(2.0).data


def test_what_is_compared_need_not_reach_the_result() -> None:
    w, other = Value(2.0), Value(1.0)
    recording = tg.record(lambda: w * 2.0 if tg.exp(other) > 1.0 else w)
    assert recording.replay() == 4.0
    other.data = -1.0
    with pytest.raises(GraphError):
        recording.replay()


def test_a_comparison_without_gradients_is_a_guard_too() -> None:
    w = Value(2.0)

    def f(x: Any) -> Any:
        with tg.no_grad():
            steep = w * x > 1.0
        return w * 3.0 if steep else w

    held_by_a_guard(f, w, [2.0], [0.1], "0.2 > 1")


def test_a_choice_by_where_is_a_guard_and_one_by_relu_is_none() -> None:
    w = Value(2.0)
    held_by_a_guard(lambda x: tg.where(x > 0.0, w, -w), w, [1.0], [-1.0])
    recording = tg.record(lambda x: (w * x).relu() + tg.maximum(w, x) + abs(x * w), 1.0)
    assert recording.replay(-1.0) == 4.0


def test_equal_answers_of_many_comparisons_hold_together() -> None:
    w, X = Value(1.0), np.arange(6.0)
    recording = tg.record(lambda X: sum(w * x for x in X if x > 2.5), X)
    assert math.isclose(recording.replay(X + 0.4), 13.2)
    with pytest.raises(GraphError, match=r"2\.6 > 2\.5"):
        recording.replay(X + 0.6)


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda x: float(x), r"float\(\) of a node is 2.5 now, but it was 2.0 when"),
        (lambda x: math.sin(x), r"float\(\) of a node is 2.5 now"),
        (lambda x: x.data, r"float\(\) of a node is 2.5 now"),
        (lambda x: np.float64(x), r"float\(\) of a node is 2.5 now"),
    ],
)
def test_a_number_taken_out_of_a_node_must_stay_the_same(
    ask: Callable[[Any], float], text: str
) -> None:
    w = Value(2.0)
    recording = tg.record(lambda: w * ask(w))
    assert recording.replay() == 2.0 * ask(Value(2.0))
    w.data, w.grad = 2.5, 7.0
    with pytest.raises(GraphError, match=text):
        recording.replay()
    assert w.grad == 7.0


def test_an_int_holds_where_it_rounds_to_the_same() -> None:
    w = Value(3.0)
    recording = tg.record(lambda x: w * int(x), 2.7)
    assert recording.replay(2.1) == 6.0
    assert tg.record(lambda x: w * int(x), -2.7).replay(-2.1) == -6.0
    with pytest.raises(GraphError, match=r"int\(\) of a node is 3 now, but it was 2 when"):
        recording.replay(3.0)


def test_a_bool_holds_where_it_is_as_true() -> None:
    w = Value(3.0)
    held_by_a_guard(
        lambda x: w * 1.0 if x else w * 2.0, w, [2.0], [0.0], r"bool\(\) of a node is False now"
    )
    assert tg.record(lambda x: w * 1.0 if x else w * 2.0, 1.0).replay(math.nan) == 3.0


def test_an_index_holds_where_it_is_the_same() -> None:
    ws = [Value(1.0), Value(2.0), Value(3.0)]
    held_by_a_guard(
        lambda i: ws[i] * 1.0, ws[1], [1], [2], r"index\(\) of a node is 2 now, but it was 1 when"
    )
    held_by_a_guard(lambda n: sum(ws[k] * 1.0 for k in range(n)), ws[0], [3], [2])


def test_an_input_that_is_no_whole_number_is_no_index() -> None:
    ws = [Value(1.0), Value(2.0)]
    with pytest.raises(TypeError, match=r"1\.5 is no whole number"):
        tg.record(lambda i: ws[i] * 1.0, 1.5)
    recording = tg.record(lambda i: ws[i] * 1.0, 1)
    with pytest.raises((GraphError, TypeError)):
        recording.replay(1.5)


def test_an_int_of_nan_is_a_changed_answer_like_any_other() -> None:
    w = Value(3.0)
    recording = tg.record(lambda x: w * int(x), 2.7)
    for x in (math.nan, math.inf):
        with pytest.raises(GraphError):
            recording.replay(x)


def test_an_answer_of_nan_stays_nan() -> None:
    w = Value(3.0)
    recording = tg.record(lambda x: w if math.isnan(x) else w * x, math.nan)
    assert recording.replay(math.nan) == 3.0
    with pytest.raises(GraphError):
        recording.replay(1.0)


def test_numbers_asked_of_sums_hold_for_the_numbers_they_were_asked_of() -> None:
    """An array adds in another order, which must not count as another answer."""
    rng = np.random.default_rng(0)
    ws, X = [Value(x) for x in rng.normal(size=50)], rng.normal(size=(20, 50))

    def f(X: Any) -> Any:
        responses = [tg.dot(ws, list(x)) for x in X]
        return sum(response * float(response) for response in responses)

    recording = tg.record(f, X)
    np.testing.assert_allclose(recording.replay(X), f(X).data, 1e-12)


NUMPYS: list[Callable[[Any], Any]] = [
    lambda w: np.float64(0.5) < w,
    lambda w: np.float64(0.5) <= w,
    lambda w: np.float32(0.5) < w,
    lambda w: np.int64(0) < w,
    lambda w: np.array(0.5) < w,
    lambda w: np.less(0.5, w),
    lambda w: np.greater(w, 0.5),
    lambda w: (np.array([0.5, -1.0]) < w)[0],
]


@pytest.mark.parametrize("positive", NUMPYS)
def test_a_comparison_that_numpy_makes_is_a_guard(positive: Callable[[Any], Any]) -> None:
    w = Value(1.0)
    recording = tg.record(lambda: w * 2.0 if positive(w) else w * 3.0)
    w.data = -1.0
    with pytest.raises(GraphError):
        recording.replay()


@pytest.mark.parametrize("compare", [op.lt, op.ge])
def test_a_node_may_be_compared_with_an_array(compare: Callable[[Any, Any], Any]) -> None:
    w, limits = Value(1.0), np.array([0.0, 2.0])
    recording = tg.record(lambda: w * float(compare(w, limits).sum()))
    w.data = 1.5
    assert recording.replay() == 1.5
    w.data = 3.0
    with pytest.raises(GraphError):
        recording.replay()


def test_an_input_is_compared_with_numpys_numbers_on_either_side() -> None:
    w = Value(1.0)
    for same in (lambda x: x == np.float64(1.0), lambda x: np.float64(1.0) == x):
        recording = tg.record(lambda x, same=same: w * 2.0 if same(x) else w, 1.0)
        assert recording.replay(1.0) == 2.0
        with pytest.raises(GraphError):
            recording.replay(2.0)


LOOKED_UP = [
    lambda labels: len(set(labels)),
    lambda labels: {0.0: 2.0, 1.0: 3.0}.get(labels[0], 9.0),
    lambda labels: 2.0 if labels[0] in {0.0, 1.0} else 3.0,
    lambda labels: 2.0 if labels[0] in (0.0, 1.0) else 3.0,
    lambda labels: 1.0 + labels.index(1.0),
    lambda labels: 1.0 + labels.count(1.0),
]


@pytest.mark.parametrize("look_up", LOOKED_UP)
def test_an_input_is_found_by_its_number_or_refuses_to_be_looked_up(
    look_up: Callable[[Any], Any],
) -> None:
    w = Value(1.0)

    def f(labels: Any) -> Any:
        return w * look_up(labels)

    labels = [0.0, 1.0, 1.0]
    expected = f(labels).data
    try:
        recording = tg.record(f, labels)
    except TypeError:
        return
    assert recording.replay(labels) == expected


def test_a_computed_input_is_equal_to_what_it_is_as_written() -> None:
    """Times a frozen Value, a number is a node, and nodes are equal to themselves alone."""
    w, frozen = Value(1.0), Value(3.0)
    frozen.constant = True

    def f(x: Any) -> Any:
        return w * 2.0 if x * frozen == 3.0 else w

    assert tg.record(f, 1.0).replay(1.0) == f(1.0).data


def test_a_number_that_was_formatted_must_stay_the_same() -> None:
    w = Value(1.0)
    held_by_a_guard(lambda x: w * float(f"{x:.0f}"), w, [1.0], [2.0])
