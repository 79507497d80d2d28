"""record and replay: what they take, what they set, and what they say when that does not fit.

That replays come to what eager runs come to is claimed in `test_record_random`.
"""

import gc
from collections.abc import Callable
from typing import Any

import numpy as np

import twingrad as tg
from twingrad import Recording, Value, nn


def squared_error(w: Value) -> Callable[[Any], Any]:
    return lambda x: (w * x - 1.0) ** 2


# What a replay computes and sets


def test_a_replay_gives_loss_and_gradient_of_the_present_numbers() -> None:
    w = Value(3.0)
    recording = tg.record(squared_error(w), 2.0)
    assert (recording.replay(2.0), w.grad) == (25.0, 20.0)
    w.data = 1.0
    assert (recording.replay(5.0), w.grad) == (16.0, 40.0)


def test_a_replay_sets_gradients_and_does_not_add() -> None:
    w = Value(3.0)
    recording = tg.record(squared_error(w), 2.0)
    w.grad = 100.0
    for _ in range(2):
        recording.replay(2.0)
        assert w.grad == 20.0


def test_recording_touches_no_gradient_and_no_number() -> None:
    w = Value(3.0)
    w.grad = 7.0
    tg.record(squared_error(w), 2.0)
    assert (w.data, w.grad) == (3.0, 7.0)


def test_a_function_is_called_once_and_never_by_a_replay() -> None:
    w, calls = Value(3.0), []

    def f(x: Any) -> Any:
        calls.append(x)
        return w * x

    recording = tg.record(f, 2.0)
    recording.replay(3.0)
    assert len(calls) == 1


def test_a_built_graph_replays_with_the_leaves_present_numbers() -> None:
    a, b = Value(2.0), Value(-3.0)
    loss = (a * b + 10.0) ** 2
    recording = tg.record(loss)
    a.data = 1.0
    assert (recording.replay(), a.grad, b.grad) == (49.0, -42.0, 14.0)
    assert (loss.data, loss.grad) == (16.0, 0.0)


def test_a_leaf_by_itself_has_a_gradient_of_one() -> None:
    w = Value(3.0)
    for recording in (tg.record(w), tg.record(lambda: w)):
        assert (recording.replay(), w.grad, recording.steps) == (3.0, 1.0, 0)
        assert recording.leaves == [w]


def test_leaves_are_the_values_that_somebody_holds() -> None:
    a, b, unused = Value(2.0), Value(5.0), Value(1.0)
    recording = tg.record(lambda: a * Value(3.0) + 2.0 * b)
    assert set(recording.leaves) == {a, b}
    recording.replay()
    assert (a.grad, b.grad, unused.grad) == (3.0, 2.0, 0.0)


def test_a_leaf_that_no_gradient_reaches_has_none() -> None:
    a, b = Value(2.0), Value(5.0)
    recording = tg.record(lambda: a * b.detach())
    assert recording.replay() == 10.0
    b.grad = 7.0
    assert recording.replay() == 10.0
    assert (a.grad, b.grad, b._grad) == (5.0, 0.0, None)
    b.data = 6.0
    assert (recording.replay(), a.grad) == (12.0, 6.0)


def test_gradients_stop_at_what_was_made_without_gradients() -> None:
    a = Value(2.0)

    def f(x: Any) -> Any:
        with tg.no_grad():
            scale = a * x
        return a * scale

    recording = tg.record(f, 3.0)
    assert (recording.replay(3.0), a.grad) == (12.0, 6.0)
    a.data = 4.0
    assert (recording.replay(1.0), a.grad) == (16.0, 4.0)


def test_recording_within_no_grad_records_all_the_same() -> None:
    w = Value(3.0)
    with tg.no_grad():
        recording = tg.record(squared_error(w), 2.0)
        assert (recording.replay(2.0), w.grad) == (25.0, 20.0)


def test_the_present_number_of_a_frozen_value_counts() -> None:
    a, frozen = Value(2.0), Value(3.0)
    frozen.constant = True
    recording = tg.record(lambda: a * tg.exp(frozen * 0.0) * frozen)
    frozen.data = 5.0
    assert (recording.replay(), a.grad, frozen.grad) == (10.0, 5.0, 0.0)
    assert recording.leaves == [a]


def test_numbers_from_elsewhere_stay_as_they_were_recorded() -> None:
    w, settings = Value(2.0), {"rate": 3.0}
    recording = tg.record(lambda: w * settings["rate"])
    settings["rate"] = 5.0
    assert recording.replay() == 6.0


def test_a_recording_outlives_the_function_s_own_values() -> None:
    def recorded() -> Recording:
        w = Value(3.0)
        return tg.record(lambda x: w * x, 2.0)

    recording = recorded()
    gc.collect()
    assert (recording.replay(5.0), recording.leaves[0].grad) == (15.0, 5.0)


def test_the_gradients_that_a_replay_leaves_are_plain_floats() -> None:
    model = nn.MLP(2, [3, 1], rng=0)
    recording = tg.record(lambda X: nn.mse_loss([model(x) for x in X], [1.0, 2.0]), np.eye(2))
    assert type(recording.replay(np.eye(2))) is float
    assert {type(p.grad) for p in model.parameters()} == {float}
