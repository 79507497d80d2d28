"""Module: assigning is registering, and what is registered can be named, reset, moved and saved."""

from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import Tensor, Value, nn


class Holder(nn.Module):
    """A module with whatever attributes it is given."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


def names(module: nn.Module) -> list[str]:
    return [name for name, _ in module.named_parameters()]


# Assigning is registering


def test_parameters_come_in_the_order_of_assignment() -> None:
    model = Holder(late=Value(1.0), early=Tensor([2.0]))
    model.last = Value(3.0)
    assert model.parameters() == [model.late, model.early, model.last]


def test_lists_dicts_and_modules_are_searched_at_any_depth() -> None:
    inner = Holder(w=[Value(1.0), Value(2.0)], b=Tensor([0.0]))
    model = Holder(blocks={"first": [inner], "second": (Value(3.0), {"deep": Value(4.0)})})
    assert names(model) == [
        "blocks.first.0.w.0",
        "blocks.first.0.w.1",
        "blocks.first.0.b",
        "blocks.second.0",
        "blocks.second.1.deep",
    ]


def test_a_shared_parameter_comes_once() -> None:
    shared = Value(1.0)
    block = Holder(w=shared)
    model = Holder(a=shared, b=[shared, block], c=block)
    assert model.parameters() == [shared]
    assert names(model) == ["a"]


def test_an_attribute_assigned_again_or_deleted_is_forgotten() -> None:
    model = Holder(a=Value(1.0), b=Value(2.0))
    model.a = replacement = Value(3.0)
    del model.b
    assert model.parameters() == [replacement]


def test_numbers_names_arrays_and_results_are_no_parameters() -> None:
    w = Value(1.0)
    model = Holder(w=w, result=w * 2.0, width=3, name="x", seen=np.zeros(2), nothing=None)
    assert model.parameters() == [w]


def test_a_frozen_parameter_is_left_out_until_it_is_thawed() -> None:
    model = nn.Linear(2, 1)
    model.weight.constant = True
    assert model.parameters() == [model.bias]
    model(np.ones((1, 2))).sum().backward()
    assert model.weight.grad is None
    model.weight.constant = False
    assert model.parameters() == [model.weight, model.bias]


# Resetting, switching, moving


def test_zero_grad_resets_values_to_zero_and_tensors_to_none() -> None:
    model = Holder(v=Value(2.0), t=Tensor([1.0, 2.0]))
    (model.v * 3.0).backward()
    model.t.sum().backward()
    model.zero_grad()
    assert model.v.grad == 0.0
    assert model.t.grad is None


def test_train_and_eval_reach_every_module_inside() -> None:
    deep = Holder()
    model = Holder(layers=[nn.Tanh(), {"deep": deep}])
    assert model.training is True
    assert model.eval() is model
    assert [module.training for module in model.modules()] == [False] * 3
    assert deep.training is False
    model.train()
    assert [module.training for module in model.modules()] == [True] * 3


def test_to_changes_the_precision_in_place_and_drops_gradients() -> None:
    model = nn.Linear(2, 3, rng=0)
    before = model.weight, model.weight.numpy()
    model(np.ones((1, 2))).sum().backward()
    assert model.to(np.float64) is model
    assert model.weight is before[0]
    assert model.weight.dtype == model.bias.dtype == np.float64
    assert model.weight.grad is None
    assert np.array_equal(model.weight.data, before[1])
    assert model(np.ones((1, 2))).dtype == np.float64


def test_to_takes_frozen_parameters_along() -> None:
    model = nn.Linear(2, 3)
    model.bias.constant = True
    model.to(np.float64)
    assert model.bias.dtype == np.float64


def test_a_value_has_no_other_precision() -> None:
    with pytest.raises(TypeError, match=r"w\.0 is a Value, a Python float"):
        nn.Neuron(2).to(np.float32)


@pytest.mark.parametrize("dtype", [int, bool, complex])
def test_parameters_cannot_be_made_other_than_floats(dtype: type) -> None:
    model = nn.Linear(2, 1)
    with pytest.raises(TypeError, match="float"):
        model.to(dtype)
    assert model.weight.dtype == np.float32


# Saving


def test_state_is_a_copy_of_every_number_by_path() -> None:
    model = Holder(layer=nn.Linear(2, 1, rng=0), scale=Value(2.0), running=np.array([5.0]))
    state = model.state_dict()
    assert list(state) == ["layer.weight", "layer.bias", "scale", "running"]
    assert state["scale"] == 2.0
    for array in state.values():
        array += 1.0
    assert model.scale.data == 2.0
    assert model.running == 5.0
    assert (model.layer.bias.data == 0.0).all()


def test_results_of_the_last_call_are_not_part_of_the_state() -> None:
    # The lecture's layers keep their output as `self.out`, to look at it.
    class Scale(nn.Module):
        def __init__(self) -> None:
            self.factor = Tensor([2.0])

        def forward(self, x: Any) -> Any:
            self.out = self.factor * x
            return self.out

    model = Scale()
    model(3.0)
    assert list(model.state_dict()) == ["factor"]


@pytest.mark.parametrize("kind", ["Values", "Tensors"])
def test_a_model_loads_the_state_of_another_exactly(kind: str) -> None:
    def make(seed: int) -> nn.Module:
        mlp = nn.MLP(2, [3, 1], rng=seed)
        return mlp if kind == "Values" else mlp.to_tensor()

    model, other = make(0), make(1)
    other.load_state_dict(model.state_dict())
    X = np.array([[0.3, -0.4], [1.0, 2.0]])
    assert np.array_equal(nn.predict(model, X), nn.predict(other, X))


def test_loading_copies_and_keeps_each_precision() -> None:
    model, running = nn.Linear(2, 1, rng=0), np.zeros(2, dtype=np.float32)
    holder = Holder(model=model, running=running)
    parameter = model.weight
    weight = np.array([[0.1], [0.2]])
    holder.load_state_dict(
        {"model.weight": weight, "model.bias": np.array([0.3]), "running": np.array([0.1, 0.2])}
    )
    weight[:] = 9.0
    assert model.weight is parameter
    assert model.weight.dtype == holder.running.dtype == np.float32
    assert np.array_equal(model.weight.data, np.array([[0.1], [0.2]], dtype=np.float32))
    assert np.array_equal(holder.running, np.array([0.1, 0.2], dtype=np.float32))
    assert (running == 0.0).all()  # it may be somebody else's


GOOD = {"weight": np.ones((2, 1)), "bias": np.ones(1)}
BROKEN = {
    "missing": ({"weight": np.ones((2, 1))}, KeyError, r"missing \['bias'\], unknown \[\]"),
    "unknown": ({**GOOD, "scale": 1.0}, KeyError, r"missing \[\], unknown \['scale'\]"),
    "shape": ({**GOOD, "bias": np.ones(2)}, tg.ShapeError, r"bias has shape \(1,\).* \(2,\)"),
    "text": ({**GOOD, "bias": np.array(["one"])}, TypeError, "text"),
    "complex": ({**GOOD, "bias": np.array([1j])}, TypeError, "complex"),
}


@pytest.mark.parametrize(("state", "error", "said"), BROKEN.values(), ids=BROKEN)
def test_a_state_that_does_not_fit_is_named_and_changes_nothing(
    state: dict[str, Any], error: type[Exception], said: str
) -> None:
    model = nn.Linear(2, 1, rng=0)
    before = model.state_dict()
    with pytest.raises(error, match=said):
        model.load_state_dict(state)
    assert all(np.array_equal(before[name], now) for name, now in model.state_dict().items())


# One's own modules


def test_a_module_without_forward_says_what_is_missing() -> None:
    with pytest.raises(TypeError, match=r"Holder has no forward\(\); define"):
        Holder()(1.0)


class LectureNeuron(nn.Module):
    """A neuron as a reader of micrograd writes it."""

    def __init__(self, nin: int) -> None:
        self.w = [Value(0.5) for _ in range(nin)]
        self.b = Value(0)

    def __call__(self, x: list[Any]) -> Any:
        return sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b).relu()

    def parameters(self) -> list[Value]:
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"ReLUNeuron({len(self.w)})"


def test_a_module_in_the_style_of_micrograd_trains() -> None:
    model = LectureNeuron(2)
    (model([1.0, 2.0]) * 3.0).backward()
    assert [p.grad for p in model.parameters()] == [3.0, 6.0, 3.0]
    for p in model.parameters():
        p.data += -0.1 * p.grad
    assert [p.data for p in model.parameters()] == pytest.approx([0.2, -0.1, -0.3])
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [0.0, 0.0, 0.0]


def test_fit_trains_a_module_in_the_style_of_micrograd_and_one_that_is_none() -> None:
    class Plain:
        def __init__(self) -> None:
            self.neuron = LectureNeuron(1)

        def __call__(self, x: list[float]) -> Any:
            return self.neuron(x)

        def parameters(self) -> list[Value]:
            return self.neuron.parameters()

    for model in (LectureNeuron(1), Plain()):
        sgd = nn.SGD(model.parameters(), lr=0.1)
        X, y = [[1.0], [2.0]], [3.0, 5.0]
        nn.fit(model, X, y, loss=nn.mse_loss, optimizer=sgd, epochs=500, progress=False)
        assert [p.data for p in model.parameters()] == pytest.approx([2.0, 1.0], abs=1e-3)


def test_whole_numbers_beside_the_parameters_take_no_fractions() -> None:
    class Counts(nn.Module):
        def __init__(self) -> None:
            self.seen = np.array([3, 4])

    model = Counts()
    with pytest.raises(ValueError, match="seen holds int64, which the state's numbers are not"):
        model.load_state_dict({"seen": np.array([1.7, 2.0])})
    model.load_state_dict({"seen": np.array([1.0, 2**53 + 1], dtype=object).astype(int)})
    assert model.seen.tolist() == [1, 2**53 + 1]


class Looks(nn.Module):
    """Keeps what goes through it, in every form, to be looked at."""

    def __init__(self, seed: int = 0) -> None:
        self.layer = nn.Linear(2, 2, rng=seed)

    def forward(self, x: Any) -> Any:
        self.given = x
        self.result = self.layer(x)
        self.detached, self.numbers = self.result.detach(), self.result.data
        return self.result


@pytest.mark.parametrize("remembering", [True, False])
def test_what_a_call_keeps_to_look_at_is_no_part_of_the_module(remembering: bool) -> None:
    model, x = Looks(), np.ones((3, 2), dtype=np.float32)
    if remembering:
        model(x)
    else:
        with tg.no_grad():
            model(x)
    assert model.numbers.shape == (3, 2)
    assert list(model.state_dict()) == ["layer.weight", "layer.bias"]
    model.load_state_dict(Looks(1).state_dict())
    assert (x == 1.0).all()
    assert len(model.parameters()) == 2


def test_what_a_call_makes_late_is_a_part_of_the_module() -> None:
    class Late(nn.Module):
        def forward(self, x: Any) -> Any:
            if not hasattr(self, "weight"):
                self.weight, self.after = Tensor(np.ones((2, 2))), nn.Linear(2, 1, rng=0)
            return self.after(x @ self.weight)

    model = Late()
    model(np.ones((3, 2)))
    assert list(model.state_dict()) == ["weight", "after.weight", "after.bias"]


def test_numbers_computed_under_no_grad_at_the_start_are_a_part_of_the_module() -> None:
    class Features(nn.Module):
        def __init__(self, seed: int) -> None:
            with tg.no_grad():
                self.fixed = Tensor(np.random.default_rng(seed).normal(size=(2, 3))) * 0.5
            self.kept = np.broadcast_to(np.float64(seed), (3,))  # read-only

    model, other = Features(0), Features(1)
    model.load_state_dict(other.state_dict())
    assert (model.fixed.data == other.fixed.data).all()
    assert (model.kept == 1.0).all()
    assert not model.parameters()


def test_fit_warns_of_what_looks_like_a_parameter_and_is_a_result() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.weight, self.bias = Tensor(np.ones((2, 1))) * 0.1, Tensor([0.0])

        def forward(self, x: Any) -> Any:
            return x @ self.weight + self.bias

    model = Net()
    sgd = nn.SGD(model.parameters(), lr=0.1)
    with pytest.warns(UserWarning, match="weight of Net: the result of an operation, which is not"):
        nn.fit(
            model,
            np.ones((3, 2)),
            np.ones((3, 1)),
            loss=nn.mse_loss,
            optimizer=sgd,
            epochs=1,
            progress=False,
        )
