"""A recording holds while a function would use the Values that it used: none new, none frozen.

A parameter appended to a model would be trained by nobody, in silence, if a replay did not look.
"""

import copy
import types
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import twingrad as tg
from twingrad import GraphError, Value


@pytest.mark.parametrize("frozen", [False, True])
def test_freezing_or_unfreezing_is_an_error_until_it_is_undone(frozen: bool) -> None:
    a, b = Value(2.0), Value(3.0)
    b.constant = frozen
    recording = tg.record(lambda: a * b)
    b.constant, a.grad = not frozen, 7.0
    with pytest.raises(GraphError, match=r"frozen or unfrozen .* since this was recorded; record"):
        recording.replay()
    assert a.grad == 7.0
    b.constant = frozen
    assert recording.replay() == 6.0


class Model:
    def __init__(self) -> None:
        self.ws = [Value(2.0)]

    def __call__(self) -> Any:
        return tg.sum([w * w for w in self.ws])

    def loss(self) -> Any:
        return self()


class Slotted:
    __slots__ = ("ws",)

    def __init__(self) -> None:
        self.ws = [Value(2.0)]

    def __call__(self) -> Any:
        return tg.sum([w * w for w in self.ws])


def sum_of_squares(ws: Any) -> Any:
    return tg.sum([w * w for w in ws])


GLOBAL: list[Value] = []


def of_global() -> Any:
    return sum_of_squares(GLOBAL)


class OfGlobal:
    def __call__(self) -> Any:
        return sum_of_squares(GLOBAL)


def in_a_closure(ws: list[Value]) -> Any:
    return lambda: sum_of_squares(ws)


def in_a_model(ws: list[Value]) -> Any:
    model = Model()
    model.ws = ws
    return model


def in_a_method(ws: list[Value]) -> Any:
    return in_a_model(ws).loss


def in_a_model_that_a_function_uses(ws: list[Value]) -> Any:
    model = in_a_model(ws)
    return lambda: model() * 1.0


def in_a_partial(ws: list[Value]) -> Any:
    return partial(sum_of_squares, ws)


def in_a_default(ws: list[Value]) -> Any:
    return lambda ws=ws: sum_of_squares(ws)


def in_a_dict_of_lists(ws: list[Value]) -> Any:
    held = {"layers": (ws,)}
    return lambda: sum_of_squares(held["layers"][0])


def in_a_namespace(ws: list[Value]) -> Any:
    held = types.SimpleNamespace(ws=ws)
    return lambda: sum_of_squares(held.ws)


def in_a_global(ws: list[Value]) -> Any:
    global GLOBAL
    GLOBAL = ws
    return of_global


def in_slots(ws: list[Value]) -> Any:
    model = Slotted()
    model.ws = ws
    return model


def in_a_class(ws: list[Value]) -> Any:
    return type("OfClass", (Model,), {"__init__": lambda self: None, "ws": ws})()


def in_a_global_of_a_call(ws: list[Value]) -> Any:
    in_a_global(ws)
    return OfGlobal()


def in_a_module(ws: list[Value]) -> Any:
    module = types.ModuleType("settings")
    module.ws = ws  # type: ignore[attr-defined]
    return lambda: sum_of_squares(module.ws)


REACHED = [
    in_a_closure, in_a_model, in_a_method, in_a_model_that_a_function_uses, in_a_partial,
    in_a_default, in_a_dict_of_lists, in_a_namespace, in_a_global, in_slots, in_a_class,
    in_a_global_of_a_call, in_a_module,
]  # fmt: skip


def refuses_what_is_new(hide: Callable[[list[Value]], Any], ws: list[Value], new: Any) -> None:
    recording = tg.record(hide(ws))
    assert recording.replay() == 4.0
    ws[0].grad = 7.0
    ws.append(new())
    with pytest.raises(GraphError, match=r"can reach 1 Value made since .*; record it again"):
        recording.replay()
    assert ws[0].grad == 7.0
    ws.pop()
    assert recording.replay() == 4.0


@pytest.mark.parametrize("hide", REACHED)
def test_a_value_made_since_that_the_function_can_reach_is_an_error(
    hide: Callable[[list[Value]], Any],
) -> None:
    refuses_what_is_new(hide, [Value(2.0)], lambda: Value(3.0))


def test_a_value_made_since_is_found_in_any_container() -> None:
    ws = deque([Value(2.0)])
    recording = tg.record(lambda: sum_of_squares(ws))
    ws.append(Value(3.0))
    with pytest.raises(GraphError):
        recording.replay()


def test_values_made_since_elsewhere_are_no_error() -> None:
    ws = [Value(2.0)]
    recording = tg.record(in_a_closure(ws))
    elsewhere = [Value(3.0) for _ in range(3)]
    assert recording.replay() == 4.0
    assert len(elsewhere) == 3


def test_a_function_may_make_values_of_its_own_each_time() -> None:
    w = Value(2.0)

    def f(x: Any) -> Any:
        return w * Value(3.0) * x

    recording = tg.record(f, 1.0)
    assert f(2.0).data == recording.replay(2.0) == 12.0


def test_a_copy_of_a_value_is_new_as_well() -> None:
    ws = [Value(2.0)]
    refuses_what_is_new(in_a_closure, ws, lambda: copy.deepcopy(ws[0]))


def test_a_value_made_before_that_the_function_reaches_only_now_is_an_error() -> None:
    spare = Value(3.0)
    refuses_what_is_new(in_a_closure, [Value(2.0)], lambda: spare)


def test_a_value_made_before_the_last_replay_that_is_reached_only_now_is_an_error() -> None:
    ws = [Value(2.0)]
    recording = tg.record(in_a_closure(ws))
    spare = Value(3.0)
    recording.replay()
    ws.append(spare)
    with pytest.raises(GraphError):
        recording.replay()


def test_a_value_made_since_within_an_input_is_an_error() -> None:
    model = Model()
    recording = tg.record(lambda model: model() * 1.0, model)
    model.ws.append(Value(3.0))
    with pytest.raises(GraphError):
        recording.replay(model)


def test_what_f_stored_when_it_was_recorded_is_not_new() -> None:
    w, seen = Value(2.0), []

    def f(x: Any) -> Any:
        seen.append(w * x)
        return seen[-1] * 1.0

    recording = tg.record(f, 2.0)
    assert recording.replay(3.0) == 6.0
    f(3.0)
    assert Value(0.0).data == 0.0
    assert recording.replay(3.0) == 6.0


CHANGES: list[Callable[[list[Value], Value], Any]] = [
    lambda ws, spare: ws.__setitem__(0, spare),
    lambda ws, spare: ws.pop(),
    lambda ws, spare: ws.reverse(),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_value_that_goes_or_changes_places_is_an_error(
    change: Callable[[list[Value], Value], Any],
) -> None:
    spare, ws = Value(3.0), [Value(2.0), Value(4.0)]
    recording = tg.record(lambda: tg.sum([w * (k + 1.0) for k, w in enumerate(ws)]))
    assert recording.replay() == 10.0
    change(ws, spare)
    with pytest.raises(GraphError):
        recording.replay()


def test_another_value_in_an_attribute_is_an_error() -> None:
    spare, model = Value(3.0), types.SimpleNamespace(w=Value(2.0))
    recording = tg.record(lambda: model.w * model.w)
    model.w = spare
    with pytest.raises(GraphError):
        recording.replay()
