"""Updates by stretches: the numbers of a step do not depend on what is joined and what is cut.

The yardstick is the same rule of update without its mark, which gets one parameter at a time.
"""

import copy
import functools
import pickle
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twingrad import Tensor, Value, nn
from twingrad.nn import stretches
from twingrad.nn.stretches import elementwise

Make = Callable[[Sequence[Any]], nn.Optimizer]

KINDS: dict[str, tuple[type[nn.Optimizer], dict[str, Any]]] = {
    "sgd": (nn.SGD, {"lr": 0.1}),
    "momentum": (nn.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    "nesterov": (nn.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "adam": (nn.Adam, {"lr": 0.1, "weight_decay": 0.1}),
    "adamw": (nn.AdamW, {"lr": 0.1, "weight_decay": 0.1}),
    "rmsprop": (nn.RMSprop, {"lr": 0.1}),
    "lion": (nn.Lion, {"lr": 0.1, "weight_decay": 0.1}),
}
each_kind = pytest.mark.parametrize("name", KINDS)


def make(name: str, parameters: Sequence[Any]) -> nn.Optimizer:
    kind, given = KINDS[name]
    return kind(parameters, **given)


def make_unmarked(name: str, parameters: Sequence[Any]) -> nn.Optimizer:
    """The same rule in a class of its own, so that nothing is joined or cut."""
    kind, given = KINDS[name]

    class Unmarked(kind):  # type: ignore[misc, valid-type]
        def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
            return super().update(x, grad, state, step)

    Unmarked.__name__ = kind.__name__
    return Unmarked(parameters, **given)


@pytest.fixture
def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters of 6 numbers are short, and those of 10 are cut."""
    monkeypatch.setattr(stretches, "SHORT", 6)
    monkeypatch.setattr(stretches, "LONG", 5)


SHAPES = [(3,), (), (2, 3), (4, 7), (1, 1), (0, 2), (13,), (3, 2), (9,), (2, 5, 3)]


def tensors(dtype: Any = np.float32) -> list[Tensor]:
    rng = np.random.default_rng(0)
    return [Tensor(rng.normal(size=shape), dtype=dtype) for shape in SHAPES]


def give_gradients(parameters: Sequence[Any], seed: int, reached: Sequence[bool] = ()) -> None:
    rng = np.random.default_rng(seed)
    for i, parameter in enumerate(parameters):
        grad = rng.normal(size=parameter.shape)
        parameter.grad = grad if not reached or reached[i] else None


def bits(optimizer: nn.Optimizer) -> Any:
    numbers = [(p.data.dtype.str, p.data.tobytes()) for p in optimizer.parameters]
    state = optimizer.state_dict()
    kept = [{name: (a.dtype.str, a.tobytes()) for name, a in s.items()} for s in state["state"]]
    return numbers, kept, state["steps"], state["taken"]


@each_kind
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.usefixtures("small_stretches")
def test_what_is_joined_and_what_is_cut_changes_no_bit(name: str, dtype: Any) -> None:
    by_stretches, one_by_one = make(name, tensors(dtype)), make_unmarked(name, tensors(dtype))
    assert (by_stretches.elementwise, one_by_one.elementwise) == (True, False)
    for seed in range(4):
        for optimizer in (by_stretches, one_by_one):
            give_gradients(optimizer.parameters, seed)
            optimizer.step()
        assert bits(by_stretches) == bits(one_by_one)


@pytest.mark.parametrize("size", [2**13, 2**13 + 1, 2**17 - 1, 2**17, 2**17 + 3])
def test_sizes_about_the_borders_change_no_bit(size: int) -> None:
    rng = np.random.default_rng(size)
    start, grad = rng.normal(size=(2, size))
    found = []
    for made in (make, make_unmarked):
        parameters = [Tensor(start, dtype=np.float32), Tensor([1.0, 2.0], dtype=np.float32)]
        optimizer = made("adam", parameters)
        for _ in range(2):
            parameters[0].grad, parameters[1].grad = grad, [0.5, -0.5]
            optimizer.step()
        found.append(bits(optimizer))
    assert found[0] == found[1]


PATTERNS = st.lists(
    st.lists(st.booleans(), min_size=len(SHAPES), max_size=len(SHAPES)), min_size=1, max_size=6
)


@each_kind
@given(PATTERNS, PATTERNS)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("small_stretches")
@pytest.mark.filterwarnings("ignore::twingrad.UnreachedParameterWarning")
def test_whatever_is_reached_and_frozen_changes_no_bit(
    name: str, reached: list[list[bool]], frozen: list[list[bool]]
) -> None:
    by_stretches, one_by_one = make(name, tensors()), make_unmarked(name, tensors())
    for seed, now in enumerate(reached):
        for optimizer in (by_stretches, one_by_one):
            for parameter, is_frozen in zip(
                optimizer.parameters, frozen[seed % len(frozen)], strict=True
            ):
                parameter.constant = is_frozen
            give_gradients(optimizer.parameters, seed, now)
            optimizer.step()
    assert bits(by_stretches) == bits(one_by_one)


@each_kind
@pytest.mark.usefixtures("small_stretches")
def test_parameters_that_have_come_to_one_precision_keep_that_of_their_states(name: str) -> None:
    found = []
    for made in (make, make_unmarked):
        optimizer = made(name, [*tensors(np.float32)[:3], *tensors(np.float64)[:3]])
        precisions_change(optimizer)
        for seed in range(3):
            give_gradients(optimizer.parameters, seed)
            optimizer.step()
        found.append(bits(optimizer))
    assert found[0] == found[1]


def precisions_change(optimizer: nn.Optimizer) -> None:
    for parameter in optimizer.parameters[1::2]:  # what Module.to does
        parameter._data = parameter.data.astype(np.float64)
        parameter.grad = None


def a_state_is_loaded(optimizer: nn.Optimizer) -> None:
    state = optimizer.state_dict()
    for entry in state["state"]:
        for array in entry.values():
            array *= 0.5
    state["steps"] = [3 + i % 2 for i in range(len(SHAPES))]
    optimizer.load_state_dict(state)


def a_state_is_replaced(optimizer: nn.Optimizer) -> None:
    for entry in optimizer.state:
        for name, array in entry.items():
            entry[name] = array + np.float32(0.25)


def a_state_is_written_into(optimizer: nn.Optimizer) -> None:
    for entry in optimizer.state:
        for array in entry.values():
            array += np.float32(0.25)


def steps_are_counted_anew(optimizer: nn.Optimizer) -> None:
    optimizer.steps[2] = 7


def numbers_are_assigned(optimizer: nn.Optimizer) -> None:
    for i, parameter in enumerate(optimizer.parameters):
        parameter.data = np.full(parameter.shape, i)


def numbers_are_written_into(optimizer: nn.Optimizer) -> None:
    for parameter in optimizer.parameters:
        parameter.data[...] *= 2.0


def others_take_their_places(optimizer: nn.Optimizer) -> None:
    optimizer.parameters = tensors()


def memory_lies_in_another_order(optimizer: nn.Optimizer) -> None:
    for parameter, entry in zip(optimizer.parameters, optimizer.state, strict=True):
        parameter._data = np.asfortranarray(parameter.data)
        for name, array in entry.items():
            entry[name] = np.asfortranarray(array)


@each_kind
@pytest.mark.parametrize(
    "happens",
    [
        precisions_change,
        a_state_is_loaded,
        a_state_is_replaced,
        a_state_is_written_into,
        steps_are_counted_anew,
        numbers_are_assigned,
        numbers_are_written_into,
        others_take_their_places,
        memory_lies_in_another_order,
    ],
)
@pytest.mark.usefixtures("small_stretches")
def test_whatever_happens_between_two_steps_changes_no_bit(
    name: str, happens: Callable[[nn.Optimizer], None]
) -> None:
    by_stretches, one_by_one = make(name, tensors()), make_unmarked(name, tensors())
    for optimizer in (by_stretches, one_by_one):
        give_gradients(optimizer.parameters, 0)
        optimizer.step()
        happens(optimizer)
        for seed in (1, 2):
            give_gradients(optimizer.parameters, seed)
            optimizer.step()
    assert bits(by_stretches) == bits(one_by_one)


def deep_copy(optimizer: nn.Optimizer) -> nn.Optimizer:
    return copy.deepcopy(optimizer)


def pickled(optimizer: nn.Optimizer) -> nn.Optimizer:
    return pickle.loads(pickle.dumps(optimizer))


@each_kind
@pytest.mark.parametrize("copied", [deep_copy, pickled])
@pytest.mark.usefixtures("small_stretches")
def test_a_copy_steps_as_the_original_and_moves_nothing_of_it(name: str, copied: Any) -> None:
    original = make(name, tensors())
    give_gradients(original.parameters, 0)
    original.step()
    other, before = copied(original), bits(original)
    give_gradients(other.parameters, 1)
    other.step()
    assert bits(original) == before
    give_gradients(original.parameters, 1)
    original.step()
    assert bits(original) == bits(other)


@pytest.mark.usefixtures("small_stretches")
def test_gradients_in_any_order_of_memory_and_of_nodes_are_taken() -> None:
    parameters, expected = tensors(), tensors()
    give_gradients(parameters, 0)
    give_gradients(expected, 0)
    for i, parameter in enumerate(parameters):
        grad = np.asfortranarray(parameter.grad)
        parameter._grad = Tensor(grad, dtype=np.float32) if i % 2 else grad
    optimizers = make("adam", parameters), make_unmarked("adam", expected)
    for optimizer in optimizers:
        optimizer.step()
    assert bits(optimizers[0]) == bits(optimizers[1])


@each_kind
@pytest.mark.usefixtures("small_stretches")
def test_a_step_by_stretches_aliases_nothing_and_leaves_gradients(name: str) -> None:
    parameters = tensors()
    storage = [parameter.data for parameter in parameters]
    optimizer = make(name, parameters)
    for seed in range(2):
        give_gradients(parameters, seed)
        before = [parameter.grad.copy() for parameter in parameters]
        optimizer.step()
        for parameter, place, grad in zip(parameters, storage, before, strict=True):
            assert parameter.data is place
            assert np.array_equal(parameter.grad, grad)
    arrays = [*storage, *[p.grad for p in parameters]]
    arrays += [array for entry in optimizer.state for array in entry.values()]
    for one, other in combinations(arrays, 2):
        assert not np.shares_memory(one, other)


# Who may be given a stretch


class Seen:
    """Keeps the shapes of what an update is given."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []


def whole_norm(x: Any, grad: Any, lr: float) -> Any:
    """A step that depends on the whole parameter, as in LARS (arXiv:1708.03888)."""
    return x - lr * (np.linalg.norm(x) / np.linalg.norm(grad)) * grad


def overriding(seen: Seen) -> type[nn.Optimizer]:
    class Lars(nn.Adam):
        def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
            seen.shapes.append(x.shape)
            return whole_norm(x, grad, self.lr)

    return Lars


def wrapping(seen: Seen) -> type[nn.Optimizer]:
    class Lars(nn.Adam):
        @functools.wraps(nn.Adam.update)
        def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
            seen.shapes.append(x.shape)
            return whole_norm(x, grad, self.lr)

    return Lars


def mixed_in(seen: Seen) -> type[nn.Optimizer]:
    class Mixin:
        lr: float

        def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
            seen.shapes.append(x.shape)
            return whole_norm(x, grad, self.lr)

    class Lars(Mixin, nn.SGD):
        pass

    return Lars


def on_the_instance(seen: Seen) -> Callable[..., nn.Optimizer]:
    def build(parameters: Any, lr: float) -> nn.Optimizer:
        optimizer = nn.SGD(parameters, lr)

        def update(x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
            seen.shapes.append(x.shape)
            return whole_norm(x, grad, lr)

        optimizer.update = update  # type: ignore[method-assign]
        return optimizer

    return build


def from_scratch(seen: Seen) -> type[nn.Optimizer]:
    class Lars(nn.Optimizer):
        def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
            seen.shapes.append(x.shape)
            return whole_norm(x, grad, self.lr)

    return Lars


@pytest.mark.parametrize("build", [overriding, wrapping, mixed_in, on_the_instance, from_scratch])
@pytest.mark.usefixtures("small_stretches")
def test_an_update_that_nobody_marked_gets_whole_parameters(build: Any) -> None:
    seen, shapes = Seen(), [(2, 3), (3,), (4, 7)]
    rng = np.random.default_rng(0)
    parameters = [Tensor(rng.normal(size=shape)) for shape in shapes]
    before = [parameter.numpy() for parameter in parameters]
    optimizer = build(seen)(parameters, lr=0.1)
    assert not optimizer.elementwise
    give_gradients(parameters, 0)
    optimizer.step()
    assert seen.shapes == shapes
    for parameter, x in zip(parameters, before, strict=True):
        np.testing.assert_array_equal(parameter.data, whole_norm(x, parameter.grad, 0.1))


@pytest.mark.usefixtures("small_stretches")
def test_marking_what_looks_at_the_whole_would_show() -> None:
    class Wrong(nn.Optimizer):
        @elementwise
        def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
            return whole_norm(x, grad, self.lr)

    parameters = [Tensor([3.0, 4.0]), Tensor([12.0])]
    for parameter in parameters:
        parameter.grad = np.ones(parameter.shape)
    Wrong(parameters, lr=0.1).step()
    alone = whole_norm(np.array([3.0, 4.0]), np.ones(2), 0.1)
    assert not np.allclose(parameters[0].data, alone)


@pytest.mark.usefixtures("small_stretches")
def test_a_marked_update_of_ones_own_may_make_new_arrays() -> None:
    class Heavy(nn.Optimizer):
        state_names = ("velocity",)

        @elementwise
        def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
            assert np.shape(x) == np.shape(grad) == np.shape(state["velocity"])
            state["velocity"] = 0.5 * state["velocity"] + grad
            return x - self.lr * state["velocity"]

    parameters, expected = tensors(np.float64), [tensor.numpy() for tensor in tensors(np.float64)]
    storage = [parameter.data for parameter in parameters]
    optimizer = Heavy(parameters, lr=0.1)
    velocity = [np.zeros_like(x) for x in expected]
    for seed in range(3):
        give_gradients(parameters, seed)
        optimizer.step()
        for i, parameter in enumerate(parameters):
            velocity[i] = 0.5 * velocity[i] + parameter.grad
            expected[i] = expected[i] - 0.1 * velocity[i]
    for parameter, place, x in zip(parameters, storage, expected, strict=True):
        assert parameter.data is place
        np.testing.assert_array_equal(parameter.data, x)


def test_a_marked_update_names_all_of_its_state() -> None:
    class Forgetful(nn.Optimizer):
        state_names = ("v",)

        @elementwise
        def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
            state["count"] = state.get("count", 0) + 1
            return x - self.lr * grad

    parameters = [Tensor([1.0]), Tensor([2.0, 3.0])]
    for parameter in parameters:
        parameter.grad = np.ones(parameter.shape)
    said = r"state of its state_names alone, \['v'\], but left \['count', 'v'\]; name all of them"
    with pytest.raises(TypeError, match=said):
        Forgetful(parameters, lr=0.1).step()


def test_values_are_updated_one_by_one() -> None:
    kinds = []

    class Looking(nn.SGD):
        @elementwise
        def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
            kinds.append(type(x))
            return super().update(x, grad, state, step)

    values = [Value(float(i)) for i in range(3)]
    for value in values:
        value.grad = 1.0
    Looking(values, lr=0.5).step()
    assert kinds == [float] * 3
    assert [value.data for value in values] == [-0.5, 0.5, 1.5]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many numbers each call of Adam's rule was given."""
    sizes: list[int] = []

    class Counting(nn.Adam):
        @elementwise
        def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
            sizes.append(x.size)
            return super().update(x, grad, state, step)

    monkeypatch.setattr(nn, "Adam", Counting)
    return sizes


def test_an_mnist_network_is_two_calls_and_a_long_parameter_several(calls: list[int]) -> None:
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.Linear(64, 10))
    parameters = [*model.parameters(), Tensor(np.zeros((2, 2**16 + 5)))]
    for parameter in parameters:
        parameter.grad = np.zeros(parameter.shape)
    nn.Adam(parameters).step()
    assert sorted(calls) == [10, 9034, 2**16, 2**16, 784 * 128]
