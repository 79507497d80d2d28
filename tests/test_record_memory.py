"""What a recording keeps alive: its leaves and its arrays, and nothing of the graph."""

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import Recording, Value, nn


@pytest.fixture(autouse=True)
def collector_off() -> Iterator[None]:
    """Whatever is freed here is freed by its last reference."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def nodes_alive() -> int:
    return sum(issubclass(type(x), Value) for x in gc.get_objects())


class Case:
    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.model = nn.MLP(4, [8, 8, 1], rng=0)
        self.X, self.y = rng.normal(size=(20, 4)), rng.choice([-1.0, 1.0], 20)

    def loss(self, X: Any, y: Any) -> Any:
        return sum((1 - t * self.model(x)).relu() for x, t in zip(X, y, strict=True))

    def recorded(self) -> Recording:
        return tg.record(self.loss, self.X, self.y)


def test_a_recording_holds_no_node_but_leaves_and_inputs() -> None:
    case = Case()
    before = nodes_alive()
    recording = case.recorded()
    assert nodes_alive() - before <= case.X.size + case.y.size
    assert recording.nodes > 800


def test_nor_does_that_of_a_built_graph() -> None:
    case = Case()
    before = nodes_alive()
    recording = tg.record(case.loss(case.X, case.y))
    assert nodes_alive() == before
    assert recording.steps > 0


def test_replays_make_no_nodes_and_pile_up_nothing() -> None:
    case = Case()
    recording = case.recorded()
    recording.replay(case.X, case.y)
    nodes, objects = nodes_alive(), len(gc.get_objects())
    for _ in range(20):
        recording.replay(case.X, case.y)
    assert nodes_alive() == nodes
    assert len(gc.get_objects()) - objects < 20


def test_all_is_freed_with_the_recording() -> None:
    case = Case()
    before = nodes_alive()
    recording = case.recorded()
    recording.replay(case.X, case.y)
    alive = weakref.ref(recording)
    del recording
    assert alive() is None
    assert nodes_alive() == before


def test_what_the_function_made_is_freed_with_the_recording() -> None:
    class Big(Value):
        __slots__ = ("__weakref__",)

    made = []

    def f(x: Any) -> Any:
        w = Big(3.0)
        made.append(weakref.ref(w))
        return w * x

    w = Value(2.0)
    recording = tg.record(lambda x: f(x) * w, 2.0)
    assert recording.replay(2.0) == 12.0
    del recording
    assert made[0]() is None


def test_the_arrays_that_came_are_not_kept() -> None:
    class Watched(np.ndarray):
        pass

    w, X = Value(2.0), np.ones((3, 2)).view(Watched)
    recording = tg.record(lambda X: w * sum(x[0] for x in X), X)
    alive = weakref.ref(X)
    recording.replay(X)
    del X
    assert recording.steps > 0
    assert alive() is None


def test_a_failed_recording_leaves_nothing_behind() -> None:
    before = nodes_alive()

    def fails(x: Any) -> Any:
        nodes = [Value(1.0) * x for _ in range(50)]
        raise ZeroDivisionError(len(nodes))

    with pytest.raises(ZeroDivisionError, match="50"):
        tg.record(fails, 2.0)
    assert nodes_alive() == before
