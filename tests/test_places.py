"""Whose each number of a graph is, inferred from where the parameters were found."""

from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import Tensor, Value, nn
from twingrad.engine.node import Node
from twingrad.engine.sweep import topological_order
from twingrad.nn.neuron import ACTIVATIONS
from twingrad.viz.drawing.expand import expanded
from twingrad.viz.outline.names import Names
from twingrad.viz.outline.places import places_of

INPUT = np.linspace(-1.0, 1.0, 20).reshape(5, 4)
IMAGES = np.linspace(-1.0, 1.0, 2 * 64).reshape(2, 1, 8, 8)


def found(root: Node, **scope: Any) -> dict[Node, str]:
    """The innermost module of each node, "" for none."""
    nodes = topological_order(root)
    places = places_of(nodes, Names(nodes, scope))
    return {node: place[-1] if place else "" for node, place in zip(nodes, places, strict=True)}


def operations(root: Node, **scope: Any) -> list[tuple[str, str]]:
    """The operations in the order in which they were computed, with their modules."""
    return [(node.op, place) for node, place in found(root, **scope).items() if node.parents]


# --- Values ---------------------------------------------------------------------------------------


def swish(x: Any) -> Any:
    return x * x.sigmoid()


class Doubled(nn.Module):
    def forward(self, x: Any) -> Any:
        return tg.tanh(x) * 2.0


@pytest.mark.parametrize(
    "activation",
    [*ACTIVATIONS, swish, Doubled(), lambda x: (x + 1.0) / 2.0, lambda x: tg.exp(-x) + tg.sin(x)],
)
def test_the_activation_is_the_neurons_and_what_comes_after_is_not(activation: Any) -> None:
    neuron = nn.Neuron(2, activation, rng=0)
    before = neuron([1.0, 2.0])
    inside = {node for node in topological_order(before) if node.parents}
    loss = (tg.tanh(before) - 1.0) ** 2.0
    for node, place in found(loss, neuron=neuron).items():
        if node.parents:
            assert place == ("neuron" if node in inside else "")


@pytest.mark.parametrize("inputs", [1, 2, 3, 5])
@pytest.mark.parametrize("activation", ["linear", "tanh", swish])
def test_a_neuron_taken_apart_is_still_a_neuron(inputs: int, activation: Any) -> None:
    neuron = nn.Neuron(inputs, activation, rng=0)
    ends = [neuron([0.1 * k] * inputs) for k in (1.0, 2.0)]
    root = expanded(ends[0] + ends[1], lambda node: "")
    *inside, (op, place) = operations(root, neuron=neuron)
    assert {place for _, place in inside} == {"neuron"}
    assert (op, place) == ("+", "")


def test_a_neuron_without_a_bias_is_taken_apart_as_well() -> None:
    neuron = nn.Neuron(3, rng=0)
    neuron.b.constant = True
    root = expanded(neuron([0.1, 0.2, 0.3]) * 2.0, lambda node: "")
    seen = [("*", "neuron")] * 3 + [("+", "neuron")] * 2 + [("tanh", "neuron"), ("*", "")]
    assert sorted(operations(root, neuron=neuron)) == sorted(seen)


def test_what_is_done_with_the_weights_themselves_is_no_activation() -> None:
    neuron = nn.Neuron(2, rng=0)
    w = neuron.w
    penalty = (0.0 + w[0] * w[0]) + w[1] * w[1]
    seen = operations(penalty, neuron=neuron)
    assert sorted(seen) == [("*", "neuron"), ("*", "neuron"), ("+", ""), ("+", "")]


def test_an_mlp_has_layers_that_have_neurons() -> None:
    model = nn.MLP(2, [2, 1], rng=0)
    first, second, last = [
        "model.layers[0].neurons[0]", "model.layers[0].neurons[1]", "model.layers[1].neurons[0]",
    ]  # fmt: skip
    expected = [(op, place) for place in (first, second) for op in ("dot", "tanh")]
    expected += [("dot", last), ("-", ""), ("**", "")]
    loss = (model([1.0, 2.0]) - 1.0) ** 2.0
    assert sorted(operations(loss, model=model)) == sorted(expected)


def test_two_models_and_one_inside_the_other_s_loss() -> None:
    generator, critic = nn.MLP(1, [2], rng=0), nn.MLP(2, [1], rng=1)
    loss = critic(generator([0.5])).sigmoid()
    expected = [("dot", f"generator.layers[0].neurons[{k}]") for k in (0, 1)]
    expected += [("dot", "critic.layers[0].neurons[0]"), ("sigmoid", "")]
    seen = operations(loss, generator=generator, critic=critic)
    assert sorted(seen) == sorted(expected)


def test_a_penalty_on_the_weights_belongs_to_nobody_s_neuron() -> None:
    model = nn.MLP(2, [2, 1], rng=0)
    penalty = tg.sum([p * p for p in model.parameters()])
    loss = (model([1.0, 2.0]) - 1.0) ** 2.0 + 0.1 * penalty
    places = found(loss, model=model)
    assert places[penalty] == places[loss] == ""


class Line:
    """A class of the user's own, that knows nothing of modules."""

    def __init__(self) -> None:
        self.slopes = [Value(1.0), Value(2.0)]
        self.offset = {"b": Value(0.0)}

    def __call__(self, x: list[float]) -> Any:
        pairs = zip(x, self.slopes, strict=True)
        return sum([a * b for a, b in pairs], 0.0) + self.offset["b"]


def test_a_plain_class_is_a_module_where_it_was_written() -> None:
    line = Line()
    loss = (line([1.0, 2.0]) - 3.0) ** 2.0
    scope = {"line": line, "__name__": __name__}
    assert [place for _, place in operations(loss, **scope)] == ["line"] * 5 + ["", ""]
    assert found(loss, line=line, __name__="elsewhere")[line.slopes[0]] == ""


def test_inputs_come_from_outside_and_literals_stand_inside() -> None:
    neuron = nn.Neuron(2, lambda x: x * 0.25, rng=0)
    places = found(neuron([7.0, 8.0]), neuron=neuron)
    where = {node.data: place for node, place in places.items() if node.constant}
    assert where == {7.0: "", 8.0: "", 0.25: "neuron"}
    linear = nn.Linear(4, 2, rng=0)
    assert [p for n, p in found(linear(INPUT), linear=linear).items() if n.constant] == [""]


def test_an_activation_with_a_parameter_of_its_own() -> None:
    class PReLU(nn.Module):
        def __init__(self) -> None:
            self.slope = Value(0.1)

        def forward(self, x: Any) -> Any:
            return tg.maximum(x, self.slope * x)

    neuron = nn.Neuron(1, PReLU(), rng=0)
    root = neuron([2.0])
    nodes = topological_order(root)
    names = Names(nodes, {"neuron": neuron})
    assert names[neuron.activation.slope] == "neuron.activation.slope"  # type: ignore[union-attr]
    assert "neuron" in found(root, neuron=neuron).values()


# --- Tensors --------------------------------------------------------------------------------------


def of_layers(model: Any, x: Any = INPUT) -> list[tuple[str, str]]:
    return operations(model(x), m=model)


@pytest.mark.parametrize(
    ("layer", "op"),
    [
        (nn.ReLU(), "relu"),
        (nn.LeakyReLU(), "leaky_relu"),
        (nn.LeakyReLU(0.3), "leaky_relu"),
        (nn.Tanh(), "tanh"),
        (nn.Sigmoid(), "sigmoid"),
        (nn.GELU(), "gelu"),
        (nn.GELU("tanh"), "gelu_tanh"),
        (nn.Softplus(), "softplus"),
        (nn.Softmax(), "softmax"),
        (nn.Dropout(0.5, rng=0), "dropout"),
        (nn.Flatten(), "reshape"),
        (tg.tanh, "tanh"),
        (tg.relu, "relu"),
        (tg.exp, "exp"),
    ],
)
def test_a_layer_without_parameters_has_its_operation(layer: Any, op: str) -> None:
    # At the end, where no later parameter tells that the model goes on.
    if op == "reshape":
        model = nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), layer)
        seen = of_layers(model, IMAGES)
    else:
        seen = of_layers(nn.Sequential(nn.Linear(4, 4, rng=0), layer))
    assert seen[-1] == (op, "m[1]")


def test_every_layer_of_a_deep_model_has_its_own() -> None:
    model = nn.Sequential(
        nn.Linear(4, 4, rng=0), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5, rng=0),
        nn.Linear(4, 4, rng=1), nn.LayerNorm(4), nn.Tanh(), nn.Tanh(), nn.Linear(4, 2, rng=2),
    )  # fmt: skip
    seen = of_layers(model)
    assert seen == [
        ("linear", "m[0]"),
        *[(op, "m[1]") for op in ("standardize", "*", "+")],
        *[("relu", "m[2]"), ("dropout", "m[3]"), ("linear", "m[4]")],
        *[(op, "m[5]") for op in ("standardize", "*", "+")],
        *[("tanh", "m[6]"), ("tanh", "m[7]"), ("linear", "m[8]")],
    ]
    model.eval()
    assert {place for _, place in of_layers(model)} == {f"m[{k}]" for k in (0, 1, 2, 4, 5, 6, 7, 8)}


def test_normalization_comes_first_and_is_still_the_layer_s() -> None:
    for layer in (nn.LayerNorm(4), nn.BatchNorm1d(4)):
        x = Tensor(INPUT, label="x")
        seen = of_layers(nn.Sequential(layer, nn.Linear(4, 2, rng=0)), x)
        assert seen == [*[(op, "m[0]") for op in ("standardize", "*", "+")], ("linear", "m[1]")]


def test_a_convolutional_model() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=0), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(18, 3, rng=1),
    )  # fmt: skip
    ops = ["conv2d", "relu", "max_pool2d", "reshape", "linear"]
    assert of_layers(model, IMAGES) == [(op, f"m[{k}]") for k, op in enumerate(ops)]


def test_a_residual_holds_its_way_round() -> None:
    inner = nn.Sequential(nn.Linear(4, 4, rng=0), nn.Tanh())
    model = nn.Sequential(nn.Linear(4, 4, rng=1), nn.Residual(inner), nn.Linear(4, 1, rng=2))
    assert of_layers(model) == [
        ("linear", "m[0]"),
        ("linear", "m[1].module[0]"),
        ("tanh", "m[1].module[1]"),
        ("+", "m[1]"),
        ("linear", "m[2]"),
    ]


def test_a_norm_in_a_residual_is_in_the_residual() -> None:
    inner = nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 4, rng=0), nn.GELU())
    model = nn.Sequential(nn.Linear(4, 4, rng=1), nn.Residual(inner))
    places = [place for _, place in of_layers(model)]
    assert places == ["m[0]", *["m[1].module[0]"] * 3, "m[1].module[1]", "m[1].module[2]", "m[1]"]


def test_a_module_of_ones_own_and_what_it_does_between_its_layers() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            self.query, self.key = nn.Linear(4, 4, rng=0), nn.Linear(4, 4, rng=1)
            self.out = nn.Linear(5, 4, rng=2)

        def forward(self, x: Any) -> Any:
            weights = tg.softmax(self.query(x) @ self.key(x).transpose() / 2.0)
            return self.out(weights)

    model = Attention()
    assert {place for _, place in operations(Attention()(INPUT).sum(), m=model)} == {""}
    loss = model(INPUT).sum()
    assert sorted(operations(loss, m=model)) == sorted(
        [
            *[("linear", "m.query"), ("linear", "m.key"), ("transpose", "m"), ("@", "m")],
            *[("/", "m"), ("softmax", "m"), ("linear", "m.out"), ("sum", "")],
        ]
    )


def test_the_twin_of_an_mlp_has_a_layer_for_each_activation() -> None:
    twin = nn.MLP(4, [3, 2], activation="gelu", output="sigmoid", rng=0).to_tensor()
    ops = ["linear", "gelu", "linear", "sigmoid"]
    assert of_layers(twin) == [(op, f"m[{k}]") for k, op in enumerate(ops)]
