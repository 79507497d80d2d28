"""What all optimizers share: whom they move, whom they leave alone, and how they are saved.

Stories of two or three steps are told twice, here and with PyTorch where it is installed; what
momentum and weight decay make of each stands on paper beside it.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from tests.test_optim import Make, both_twins, each_optimizer
from twingrad import Tensor, Value, nn

# Stories, told to twingrad and to PyTorch


class Holder(nn.Module):
    """A model of one parameter."""

    def __init__(self, parameter: Any) -> None:
        self.parameter = parameter


class Ours:
    """What a story may do, in twingrad's words."""

    def __init__(self, twin: Any) -> None:
        self.twin = twin

    def parameter(self, number: float) -> Any:
        return self.twin(number if self.twin is Value else [number])

    def optimizer(self, kind: str, parameters: list[Any], **settings: Any) -> Any:
        return getattr(nn, kind)(parameters, **settings)

    def grad(self, parameter: Any, number: float | None) -> None:
        parameter.grad = number if number is None or self.twin is Value else [number]

    def freeze(self, parameter: Any, whether: bool) -> None:
        parameter.constant = whether

    def load(self, parameter: Any, number: float) -> None:
        holder = Holder(parameter)
        holder.load_state_dict({"parameter": np.full(np.shape(parameter.data), number)})

    def assign(self, parameter: Any, number: float) -> None:
        parameter.data = number if self.twin is Value else np.array([number])

    def number(self, parameter: Any) -> float:
        return float(parameter)


class Theirs:
    """The same in PyTorch's."""

    def __init__(self) -> None:
        self.torch = pytest.importorskip("torch")

    def parameter(self, number: float) -> Any:
        return self.torch.nn.Parameter(self.torch.tensor([number], dtype=self.torch.float64))

    def optimizer(self, kind: str, parameters: list[Any], **settings: Any) -> Any:
        return getattr(self.torch.optim, kind)(parameters, **settings)

    def grad(self, parameter: Any, number: float | None) -> None:
        as_theirs = self.torch.tensor([number or 0.0], dtype=self.torch.float64)
        parameter.grad = None if number is None else as_theirs

    def freeze(self, parameter: Any, whether: bool) -> None:
        parameter.requires_grad_(not whether)

    def load(self, parameter: Any, number: float) -> None:
        holder = self.torch.nn.Module()
        holder.parameter = parameter
        holder.load_state_dict({"parameter": self.torch.tensor([number])})

    def assign(self, parameter: Any, number: float) -> None:
        parameter.data = self.torch.tensor([number], dtype=self.torch.float64)

    def number(self, parameter: Any) -> float:
        return parameter.data.item()


Story = Callable[[Any, str, dict[str, Any]], list[float]]


def two_optimizers_move_one_parameter(us: Any, kind: str, settings: Any) -> list[float]:
    x = us.parameter(1.0)
    one, other = us.optimizer(kind, [x], **settings), us.optimizer("SGD", [x], lr=0.5)
    seen = []
    for optimizer, gradient in ((one, 2.0), (other, 1.0), (one, -1.0)):
        us.grad(x, gradient)
        optimizer.step()
        seen.append(us.number(x))
    return seen


def one_of_two_parameters_is_optimized(us: Any, kind: str, settings: Any) -> list[float]:
    x, y = us.parameter(1.0), us.parameter(1.0)
    optimizer = us.optimizer(kind, [x], **settings)
    for gradient in (2.0, -1.0):
        us.grad(x, gradient)
        us.grad(y, gradient)
        optimizer.step()
    return [us.number(x), us.number(y)]


def no_gradient_comes_for_one_step(us: Any, kind: str, settings: Any) -> list[float]:
    x = us.parameter(1.0)
    optimizer = us.optimizer(kind, [x], **settings)
    seen = []
    for gradient in (2.0, None, -1.0):
        us.grad(x, gradient)
        optimizer.step()
        seen.append(us.number(x))
    return seen


def it_is_frozen_for_one_step(us: Any, kind: str, settings: Any) -> list[float]:
    x, beside = us.parameter(1.0), us.parameter(0.0)
    optimizer = us.optimizer(kind, [x, beside], **settings)
    seen = []
    for gradient in (2.0, None, -1.0):
        us.freeze(x, gradient is None)
        optimizer.zero_grad()
        us.grad(beside, 1.0)
        us.grad(x, gradient)
        optimizer.step()
        seen.append(us.number(x))
    return seen


def moved(by: Callable[[Any, Any], None]) -> Story:
    """A step, a move to 3 by other means, and a step from there."""

    def story(us: Any, kind: str, settings: Any) -> list[float]:
        x = us.parameter(1.0)
        optimizer = us.optimizer(kind, [x], **settings)
        us.grad(x, 2.0)
        optimizer.step()
        by(us, x)
        there = us.number(x)
        us.grad(x, -1.0)
        optimizer.step()
        return [there, us.number(x)]

    return story


def subtract(us: Any, x: Any) -> None:
    x.data -= us.number(x) - 3.0


def write(us: Any, x: Any) -> None:
    x.data[...] = 3.0


INTO = "written into"

# At a rate of 0.1 with momentum 0.5 and decay 0.1, from x = 1: v ← 0.5 v + g + 0.1 x.
STORIES: dict[str, tuple[Story, list[float]]] = {
    # v = 2.1; x = 0.79 - 0.5 · 1; v = 1.05 - 1 + 0.029 = 0.079
    "two optimizers": (two_optimizers_move_one_parameter, [0.79, 0.29, 0.2821]),
    # v = 2.1; v = 1.05 - 1 + 0.079 = 0.129
    "a subset": (one_of_two_parameters_is_optimized, [0.7771, 1.0]),
    # the same v as if the step in between had not been
    "no gradient": (no_gradient_comes_for_one_step, [0.79, 0.79, 0.7771]),
    "frozen and thawed": (it_is_frozen_for_one_step, [0.79, 0.79, 0.7771]),
    # v = 1.05 - 1 + 0.3 = 0.35
    "loaded": (moved(lambda us, x: us.load(x, 3.0)), [3.0, 2.965]),
    "assigned": (moved(lambda us, x: us.assign(x, 3.0)), [3.0, 2.965]),
    "subtracted from": (moved(subtract), [3.0, 2.965]),
    INTO: (moved(write), [3.0, 2.965]),
}
each_story = pytest.mark.parametrize("name", STORIES)


@pytest.mark.parametrize(
    ("twin", "name"),
    # A Value's number cannot be written into.
    [(twin, name) for twin in (Value, Tensor) for name in STORIES if (twin, name) != (Value, INTO)],
)
def test_a_story_ends_as_on_paper(name: str, twin: Any) -> None:
    story, expected = STORIES[name]
    settings = {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.1}
    assert story(Ours(twin), "SGD", settings) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        ("Adam", {"lr": 0.1, "weight_decay": 0.1}),
        ("AdamW", {"lr": 0.1, "weight_decay": 0.5}),
        ("RMSprop", {"lr": 0.1}),
    ],
)
@each_story
def test_a_story_ends_as_in_pytorch(name: str, kind: str, settings: dict[str, Any]) -> None:
    story, _ = STORIES[name]
    expected = story(Theirs(), kind, settings)
    assert story(Ours(Tensor), kind, settings) == pytest.approx(expected, rel=1e-13)


# What is left alone


@each_optimizer
@both_twins
def test_a_parameter_that_no_gradient_reached_keeps_its_state(twin: Any, make: Make) -> None:
    reached, unreached = twin(1.0), twin(3.0)
    optimizer = make([reached, unreached])
    reached.grad = unreached.grad = 1.0
    optimizer.step()
    before, there = repr(optimizer.state[1]), float(unreached)
    optimizer.zero_grad()
    reached.grad = -1.0
    optimizer.step()
    assert (float(unreached), repr(optimizer.state[1])) == (there, before)
    assert (optimizer.steps, optimizer.taken) == ([2, 1], 2)


@each_optimizer
def test_the_first_step_of_a_parameter_is_a_first_step_whenever_it_comes(make: Make) -> None:
    reached, late = Tensor([1.0, 2.0]), Tensor([3.0])
    optimizer = make([reached, late])
    for _ in range(2):
        reached.grad = [1.0, -1.0]
        optimizer.step()
    assert late.data.tolist() == [3.0]
    assert reached.data[0] < 1.0
    late.grad = [1.0]
    optimizer.step()
    fresh = Tensor([3.0])
    fresh.grad = [1.0]
    make([fresh]).step()
    assert np.array_equal(late.data, fresh.data)


@each_optimizer
@both_twins
def test_a_frozen_parameter_stays_even_where_a_gradient_is_left(twin: Any, make: Make) -> None:
    x = twin(1.0)
    optimizer = make([x])
    x.grad = 1.0
    optimizer.step()
    x.constant = True
    before, state = float(x), repr(optimizer.state)
    optimizer.step()
    assert (float(x), repr(optimizer.state)) == (before, state)


@each_optimizer
def test_a_step_writes_into_the_parameter_and_leaves_its_gradient(make: Make) -> None:
    for start in ([1.0, 2.0], 1.0):
        x = Tensor(start)
        storage, gradient = x.data, np.full(x.shape, 0.5)
        x.grad = gradient
        optimizer = make([x])
        for _ in range(3):
            optimizer.step()
        assert x.data is storage
        assert np.array_equal(x.grad, gradient)
        assert not np.shares_memory(x.grad, x.data)
        for array in optimizer.state[0].values():
            assert not np.shares_memory(array, x.data)
            assert not np.shares_memory(array, x.grad)


@each_optimizer
def test_a_gradient_that_is_a_node_moves_as_its_number(make: Make) -> None:
    x, y = Value(3.0), Value(3.0)
    (x * x).backward(create_graph=True)
    (y * y).backward()
    make([x]).step()
    make([y]).step()
    assert type(x.data) is float
    assert x.data == y.data


def test_zero_grad_resets_values_to_zero_and_tensors_to_none() -> None:
    v, t = Value(1.0), Tensor([1.0])
    v.grad, t.grad = 3.0, [3.0]
    nn.SGD([v, t], lr=0.1).zero_grad()
    assert (v.grad, t.grad) == (0.0, None)


@both_twins
def test_the_rate_may_be_assigned_and_counts_from_the_next_step(twin: Any) -> None:
    x = twin(1.0)
    optimizer = nn.SGD(iter([x]), lr=0.1)
    x.grad = 1.0
    optimizer.step()
    optimizer.lr = 0.25
    optimizer.step()
    assert float(x) == pytest.approx(1.0 - 0.1 - 0.25)


@pytest.mark.filterwarnings("ignore::twingrad.UnreachedParameterWarning")
@each_optimizer
def test_every_call_of_step_is_counted(make: Make) -> None:
    optimizer = make([Value(1.0)])
    assert optimizer.taken == 0
    for count in (1, 2, 3):
        optimizer.step()  # no gradient has come, but the call was one
        assert optimizer.taken == count
    assert optimizer.steps == [0]


def test_a_repr_says_what_the_optimizer_does() -> None:
    x, y = Value(1.0), Value(2.0)
    assert repr(nn.SGD([x], lr=0.1)) == (
        "SGD(1 parameter, lr=0.1, momentum=0.0, nesterov=False, weight_decay=0.0)"
    )
    assert repr(nn.AdamW([x, y])) == (
        "AdamW(2 parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01)"
    )
    assert repr(nn.RMSprop([x, y])) == "RMSprop(2 parameters, lr=0.01, alpha=0.99, eps=1e-08)"
    assert repr(nn.Lion([x])) == "Lion(1 parameter, lr=0.0001, betas=(0.9, 0.99), weight_decay=0.0)"


# Saving


@each_optimizer
@both_twins
def test_a_state_restored_takes_the_same_next_steps_bit_for_bit(twin: Any, make: Make) -> None:
    x, y = twin(1.0), twin(1.0)
    first, second = make([x]), make([y])
    first.lr = 0.03
    for gradient in (2.0, -1.0):
        x.grad = gradient
        first.step()
    state = first.state_dict()
    saved = repr(state)
    y.data = float(x)
    second.load_state_dict(state)
    assert (second.lr, second.taken, second.steps) == (0.03, 2, [2])
    for gradient in (0.5, 0.7, -3.0):
        x.grad = y.grad = gradient
        first.step()
        second.step()
        assert float(x) == float(y)
    assert repr(state) == saved  # a copy, which no step has reached


@each_optimizer
@both_twins
def test_a_state_is_plain_and_survives_json(twin: Any, make: Make) -> None:
    x = twin(1.0)
    optimizer = make([x])
    x.grad = 0.3
    optimizer.step()
    state = optimizer.state_dict()
    assert_plain(state)
    written = json.dumps(state, default=lambda array: array.tolist())
    other = make([twin(1.0)])
    other.load_state_dict(json.loads(written))
    assert repr(other.state_dict()) == repr(state)
    assert type(other.state[0].get("m", 0.0)) is type(optimizer.state[0].get("m", 0.0))


def assert_plain(tree: Any) -> None:
    assert type(tree) in (dict, list, str, int, float, bool, np.ndarray)
    for branch in tree.values() if type(tree) is dict else tree if type(tree) is list else ():
        assert_plain(branch)


def test_a_state_says_whose_it_is() -> None:
    state = nn.AdamW([Value(1.0)], lr=0.5, betas=(0.5, 0.75)).state_dict()
    assert state["kind"] == "AdamW"
    assert state["settings"] == {"betas": [0.5, 0.75], "eps": 1e-8, "weight_decay": 0.01}
    assert (state["lr"], state["taken"], state["steps"]) == (0.5, 0, [0])


def test_a_state_keeps_the_precision_of_the_parameters_it_meets() -> None:
    wide, narrow = Tensor([1.0, 2.0]), Tensor([1.0, 2.0], dtype=np.float32)
    first, second = nn.Adam([wide]), nn.Adam([narrow])
    wide.grad = [0.1, 0.2]
    first.step()
    second.load_state_dict(first.state_dict())
    assert second.state[0]["m"].dtype == np.float32
    np.testing.assert_allclose(second.state[0]["m"], first.state[0]["m"], rtol=1e-6)


def learned() -> nn.SGD:
    x = Tensor([1.0, 2.0])
    optimizer = nn.SGD([x], lr=0.1, momentum=0.9)
    x.grad = [1.0, 1.0]
    optimizer.step()
    return optimizer


def changed(**parts: Any) -> dict[str, Any]:
    return {**learned().state_dict(), **parts}


def without(*keys: str) -> dict[str, Any]:
    return {key: part for key, part in learned().state_dict().items() if key not in keys}


def of_settings(**parts: Any) -> dict[str, Any]:
    return changed(settings={**learned().state_dict()["settings"], **parts})


TWO = [Tensor([1.0, 2.0])]
REFUSED: list[tuple[Any, type[Exception], str]] = [
    ("adam", TypeError, "a state is a dict, as state_dict.* gives it, not 'adam'"),
    ({}, ValueError, r"lacks \['kind', 'settings', 'lr', 'taken', 'steps', 'state'\]"),
    (without("taken", "lr"), ValueError, r"lacks \['lr', 'taken'\]; load what .* of an SGD gave"),
    (nn.Adam(TWO).state_dict(), ValueError, "is of an Adam, but this is an SGD; build"),
    (nn.Lion(TWO).state_dict(), ValueError, "is of a Lion, but this is an SGD"),
    (nn.RMSprop(TWO).state_dict(), ValueError, "is of an RMSprop, but this is an SGD"),
    (changed(kind=""), ValueError, "but this is an SGD"),
    (
        of_settings(momentum=0.5),
        ValueError,
        r"saved with momentum=0.5, but this SGD has momentum=0.9; build it with momentum=0.5 to "
        r"continue that run, or change state\['settings'\]\['momentum'\]",
    ),
    (of_settings(nesterov=True), ValueError, "with nesterov=True, but this SGD has nesterov=False"),
    (of_settings(dampening=0.5), ValueError, r"settings \['dampening', 'momentum', .* but this"),
    (changed(settings={}), ValueError, r"settings \[\], but this SGD has \['momentum', 'nest"),
    (changed(lr=-1.0), ValueError, "lr is a number from 0 on, not -1.0"),
    (changed(taken=-1), ValueError, "taken is a whole number from 0 on, not -1"),
    (changed(taken=1.5), ValueError, "taken is a whole number from 0 on, not 1.5"),
    (changed(taken=True), ValueError, "taken is a whole number from 0 on, not True"),
    (changed(steps=["seven"]), ValueError, r"steps\[0\] is a whole number from 0 on, not 'seven'"),
    (changed(steps=[]), ValueError, "it holds 0 steps and 1 states, but this SGD needs 1, one a"),
    (changed(state=[]), ValueError, "it holds 1 steps and 0 states"),
    (changed(state=[{}]), ValueError, r"state\[0\] holds {}, but parameter 0 needs {'velocity'"),
    (
        changed(state=[{"velocity": np.ones(3)}]),
        ValueError,
        r"does not fit: state\[0\] holds {'velocity': \(3,\)}, but parameter 0 needs {'velocity': "
        r"\(2,\)}; build the optimizer from the parameters it had",
    ),
    (
        changed(state=[{"velocity": np.array(["a", "b"])}]),
        TypeError,
        r"state\[0\]\['velocity'\] holds real numbers, but an array of dtype <U1 came",
    ),
]


@pytest.mark.parametrize(("state", "error", "said"), REFUSED)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(
    state: Any, error: type[Exception], said: str
) -> None:
    optimizer = learned()
    before = repr(optimizer.state_dict())
    with pytest.raises(error, match=said):
        optimizer.load_state_dict(state)
    assert repr(optimizer.state_dict()) == before
    optimizer.load_state_dict(changed(lr=0.5, taken=np.int64(7)))  # what fits is taken over
    assert (optimizer.lr, optimizer.taken, type(optimizer.taken)) == (0.5, 7, int)


def test_the_second_of_two_states_may_be_the_one_that_does_not_fit() -> None:
    optimizer = nn.Adam([Tensor([1.0]), Tensor([1.0, 2.0])])
    state = optimizer.state_dict()
    spoilt = deepcopy(state)
    spoilt["state"][0]["m"][0] = 5.0
    spoilt["state"][1]["v"] = np.ones(1)
    with pytest.raises(ValueError, match=r"state\[1\] holds .*'v': \(1,\).* but parameter 1 needs"):
        optimizer.load_state_dict(spoilt)
    assert repr(optimizer.state_dict()) == repr(state)


# What is refused

X = Value(1.0)


@pytest.mark.parametrize(
    ("parameters", "error", "said"),
    [
        ([], ValueError, "an optimizer needs at least one parameter, but the list is empty"),
        (nn.Neuron(2), TypeError, r"model\.parameters\(\), not the model"),
        (X, TypeError, r"write \[parameter\]"),
        ([X, X], ValueError, "came twice; an optimizer would change it twice in a step"),
        ([X, X * 2.0], TypeError, "parameter 1 is .* not results of operations"),
        ([1.0], TypeError, "parameter 0 is 1.0; an optimizer takes only Values and Tensors"),
    ],
)
def test_what_cannot_be_optimized_is_refused(parameters: Any, error: Any, said: str) -> None:
    for make in (nn.SGD, nn.Adam, nn.AdamW, nn.RMSprop, nn.Lion):
        with pytest.raises(error, match=said):
            make(parameters, lr=0.1)


def test_an_optimizer_without_a_rule_says_so() -> None:
    X.grad = 1.0
    with pytest.raises(TypeError, match=r"Optimizer has no update\(\)"):
        nn.Optimizer([X], lr=0.1).step()


def test_an_optimizer_of_ones_own_may_return_a_new_array() -> None:
    class Sign(nn.Optimizer):
        def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
            return x - self.lr * np.sign(grad)

    x = Tensor([1.0, 2.0])
    x.grad = [3.0, -4.0]
    Sign([x], lr=0.5).step()
    assert x.data.tolist() == [0.5, 2.5]
