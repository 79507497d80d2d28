"""What else may happen while a function is recorded: transforms, other recordings, errors.

A derivative within a function is part of its program; an error ends the recording, and nothing of
it is left.
"""

import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.recorded import eager, near, replayed
from twingrad import GraphError, Value
from twingrad.engine.tape import Tape


def cubic(t: Any) -> Any:
    return t * t * t - 2.0 * t


# Transforms


WITHIN: list[Callable[[Any], Any]] = [
    lambda x: tg.grad(cubic)(x),
    lambda x: tg.grad(tg.grad(cubic))(x),
    lambda x: tg.value_and_grad(cubic)(x)[0] * 2.0,
    lambda x: tg.jvp(cubic, (x,), (2.0,))[1],
    lambda x: tg.hvp(cubic, x, 3.0),
    lambda x: sum(tg.grad(lambda pair: pair[0] * pair[1] ** 2)([x, 2.0 * x])),
]


@pytest.mark.parametrize("within", WITHIN)
def test_a_derivative_by_a_node_is_part_of_the_program(within: Callable[[Any], Any]) -> None:
    w = Value(1.5)

    def f(x: Any) -> Any:
        return within(w * x) * w

    recording = tg.record(f, 2.0)
    for w.data, x in ((1.5, 2.0), (0.5, 2.0), (0.5, -1.0)):
        assert near(replayed(recording, [w], [x]), eager(f, [w], [x]))


@pytest.mark.parametrize("within", WITHIN)
def test_a_derivative_by_an_input_is_part_of_the_program(within: Callable[[Any], Any]) -> None:
    w = Value(1.5)

    def f(x: Any) -> Any:
        return within(x) * w

    recording = tg.record(f, 2.0)
    for x in (2.0, -1.0, 0.5):
        assert near(replayed(recording, [w], [x]), eager(f, [w], [x]))


def test_the_slope_of_a_model_by_its_input_trains_the_model() -> None:
    """A gradient penalty: the leaves are reached through a derivative."""
    a, b = Value(0.5), Value(-1.0)

    def f(x: Any) -> Any:
        slope = tg.grad(lambda t: tg.tanh(a * t + b))(x + 0.0 * a)
        return (slope - 1.0) ** 2

    recording = tg.record(f, 2.0)
    a.data, b.data = 0.75, -0.5
    assert near(replayed(recording, [a, b], [1.0]), eager(f, [a, b], [1.0]))


def test_recording_within_a_transform_takes_its_numbers_as_leaves() -> None:
    seen = []

    def f(x: Any) -> Any:
        w = Value(2.0)
        recording = tg.record(lambda: w * x)
        seen.append((recording.replay(), w.grad))
        return x * x

    assert tg.grad(f)(3.0) == 6.0
    assert seen == [(6.0, 3.0)]


def test_a_backward_pass_within_a_function_leaves_its_program_alone() -> None:
    w = Value(3.0)

    def f(x: Any) -> Any:
        y = w * x
        y.backward()
        return y * y

    recording = tg.record(f, 2.0)
    assert (recording.replay(5.0), w.grad) == (225.0, 150.0)


def test_a_gradient_that_is_a_plain_number_is_refused_while_recording() -> None:
    w = Value(3.0)

    def f(x: Any) -> Any:
        w.grad = None
        y = w * w * x
        y.backward()
        return w * w.grad

    with pytest.raises(GraphError, match="a gradient that is a plain number cannot be computed"):
        tg.record(f, 2.0)


def test_nor_is_a_gradient_that_has_not_come_yet() -> None:
    w = Value(3.0)
    with pytest.raises(GraphError):
        tg.record(lambda: w * (1.0 + w.grad))


def test_nodes_can_be_printed_while_they_are_recorded() -> None:
    w, seen = Value(3.0, label="w"), []

    def f(x: Any) -> Any:
        seen.append(f"{w} {w * x!r} {w:.1f}")
        return w * x

    for _ in range(2):
        assert tg.record(f, 2.0).replay(3.0) == 9.0
    assert "Value(data=6.0" in seen[-1]


# Recordings within recordings


def test_a_recording_within_a_recording_is_one_of_its_own() -> None:
    w, inner = Value(3.0), []

    def f(x: Any) -> Any:
        inner.append(tg.record(lambda y: w * y if y > 0.0 else w, 2.0))
        return w * x if x > 1.0 else w

    recording = tg.record(f, 4.0)
    assert recording.replay(5.0) == 15.0
    assert inner[0].replay(7.0) == 21.0
    with pytest.raises(GraphError, match=r"0\.5 > 1"):
        recording.replay(0.5)
    assert inner[0].replay(0.5) == 1.5
    with pytest.raises(GraphError, match="-1 > 0"):
        inner[0].replay(-1.0)


def test_a_replay_is_refused_while_another_function_is_recorded() -> None:
    v, w = Value(2.0), Value(3.0)
    other = tg.record(lambda x: v * x, 1.0)
    for number in (lambda x: x, lambda x: 4.0):
        with pytest.raises(GraphError, match="would leave a plain number; call the function"):
            tg.record(lambda x, number=number: w * other.replay(number(x)), 2.0)
    assert v.grad == 0.0
    assert other.replay(4.0) == 8.0


def test_two_threads_record_apart() -> None:
    w, counts = Value(3.0), []
    barrier = threading.Barrier(2)

    def record() -> None:
        def f(x: Any) -> Any:
            barrier.wait()
            return w * x if x > 0.0 else w

        counts.append(tg.record(f, 2.0)._guards.count)

    threads = [threading.Thread(target=record) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [1, 1]


# Errors, and what is left


def test_an_error_in_the_function_ends_the_recording() -> None:
    w = Value(3.0)

    def fails(x: Any) -> Any:
        if w * x > 1.0:
            raise ZeroDivisionError("as it is")
        return w

    with pytest.raises(ZeroDivisionError, match="as it is"):
        tg.record(fails, 2.0)
    assert Tape.running.get() is None
    assert (float(w), w.data, bool(w > 2.0)) == (3.0, 3.0, True)
    assert tg.record(lambda x: w * x, 2.0).replay(3.0) == 9.0


@pytest.mark.parametrize("result", [None, 3.0, [Value(1.0)], Value(1.0).detach()])
def test_a_wrong_result_ends_the_recording_too(result: Any) -> None:
    with pytest.raises((TypeError, GraphError)):
        tg.record(lambda: result)
    assert Tape.running.get() is None


def test_outside_a_recording_nothing_is_noted() -> None:
    w = Value(3.0)
    recording = tg.record(lambda x: w * x, 2.0)
    assert w > 1.0
    assert float(w) == 3.0
    assert recording._guards.count == 0
    with tg.no_grad():
        assert (w * 2.0).parents == ()
    assert w.detach().parents == ()


def test_what_was_recorded_can_be_used_like_any_node() -> None:
    w, kept = Value(3.0), []

    def f(x: Any) -> Any:
        kept.append(w * x)
        return kept[0] * 2.0

    recording = tg.record(f, 2.0)
    kept[0].backward()
    assert (kept[0].data, w.grad) == (6.0, 2.0)
    assert (recording.replay(5.0), w.grad) == (30.0, 10.0)
    assert type(kept[0]) is Value


def test_an_input_that_was_kept_is_a_constant_like_any_other() -> None:
    w, kept = Value(3.0), []

    def f(x: Any) -> Any:
        kept.append(x)
        return w * x

    tg.record(f, 2.0)
    y = kept[0] * w
    y.backward()
    assert (y.data, w.grad, kept[0].grad) == (6.0, 2.0, 0.0)
    assert (kept[0] == 2.0, len({kept[0], w})) == (True, 2)


def test_a_copy_of_what_a_replay_computes_is_refused() -> None:
    w = Value(3.0)
    with pytest.raises(TypeError, match="a Value that was computed cannot be copied"):
        tg.record(lambda x: w * copy.copy((w * x).detach()), 2.0)


def test_leaves_can_be_pickled_and_copied_while_they_are_recorded() -> None:
    w, copies = Value(3.0), []

    def f(x: Any) -> Any:
        copies.append(pickle.loads(pickle.dumps(w)))
        return copies[0] * x + w

    recording = tg.record(f, 2.0)
    assert recording.replay(2.0) == 9.0
    assert set(recording.leaves) == {w, copies[0]}


def test_numbers_set_within_a_function_are_its_own_affair() -> None:
    w = Value(3.0)

    def f(x: Any) -> Any:
        w.label = "changed"
        return w * x

    recording = tg.record(f, 2.0)
    assert (w.label, recording.replay(2.0)) == ("changed", 6.0)


def test_a_shape_that_depends_on_the_data_is_guarded() -> None:
    ws = [Value(float(i)) for i in range(4)]

    def f(x: Any) -> Any:
        order = np.argsort(x)
        return sum(ws[i] * x[int(i)] * (k + 1.0) for k, i in enumerate(order))

    x = np.array([3.0, 1.0, 2.0, 4.0])
    recording = tg.record(f, x)
    assert recording.replay(x * 2.0) == f(x * 2.0).data
    with pytest.raises(GraphError):
        recording.replay(x[::-1])
