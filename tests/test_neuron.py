"""Neuron, Layer and MLP: what they draw, what they answer, and how much graph it takes."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import twingrad as tg
from twingrad import Value, nn
from twingrad.engine.sweep import topological_order


def set_numbers(neuron: nn.Neuron, w: list[float], b: float) -> None:
    for weight, number in zip(neuron.w, w, strict=True):
        weight.data = number
    neuron.b.data = b


def operations(*roots: Value) -> list[str]:
    """The names of the operations in a graph, in order."""
    return [node.op for node in topological_order(*roots) if node.parents]


def numbers(module: nn.Module) -> list[float]:
    return [parameter.data for parameter in module.parameters()]


# What is drawn


def test_weights_fill_the_interval_from_minus_one_to_one_and_biases_are_zero() -> None:
    layer = nn.Layer(100, 40, rng=0)
    weights = np.array([w.data for neuron in layer.neurons for w in neuron.w])
    assert weights.min() >= -1.0
    assert weights.max() <= 1.0
    # 4,000 draws: no tenth of the interval should be off by more than five standard deviations.
    counts, _ = np.histogram(weights, bins=10, range=(-1.0, 1.0))
    assert np.abs(counts - 400).max() < 5 * math.sqrt(4000 * 0.1 * 0.9)
    assert [neuron.b.data for neuron in layer.neurons] == [0.0] * 40


MAKERS: list[Callable[..., nn.Module]] = [
    lambda rng: nn.Neuron(5, rng=rng),
    lambda rng: nn.Layer(3, 4, rng=rng),
    lambda rng: nn.MLP(3, [4, 4, 1], rng=rng),
]


@pytest.mark.parametrize("make", MAKERS)
def test_one_seed_draws_one_set_of_bits_and_another_seed_others(make: Callable[..., Any]) -> None:
    assert numbers(make(7)) == numbers(make(7)) == numbers(make(np.random.default_rng(7)))
    assert numbers(make(7)) != numbers(make(8))
    assert numbers(make(None)) != numbers(make(None))


def test_neurons_of_a_network_all_draw_differently() -> None:
    weights = [number for number in numbers(nn.MLP(3, [4, 4, 1], rng=0)) if number != 0.0]
    assert len(set(weights)) == len(weights) == 3 * 4 + 4 * 4 + 4


# What is there


def test_a_network_of_3_4_4_1_has_41_parameters() -> None:
    assert len(nn.MLP(3, [4, 4, 1]).parameters()) == 4 * (3 + 1) + 4 * (4 + 1) + 1 * (4 + 1) == 41


def test_weights_biases_neurons_and_layers_go_by_the_names_of_the_lecture() -> None:
    model = nn.MLP(3, [4, 2])
    assert [len(layer.neurons) for layer in model.layers] == [4, 2]
    neuron = model.layers[1].neurons[0]
    assert len(neuron.w) == 4
    assert all(isinstance(weight, Value) for weight in [*neuron.w, neuron.b])
    assert neuron.parameters() == [*neuron.w, neuron.b]
    assert model.parameters() == [
        p for layer in model.layers for n in layer.neurons for p in n.parameters()
    ]


# What is answered


def sigmoid(z: float) -> float:
    return 1.0 / (1.0 + math.exp(-z))


PLAIN: dict[str, Callable[[float], float]] = {
    "linear": lambda z: z,
    "tanh": math.tanh,
    "relu": lambda z: max(z, 0.0),
    "sigmoid": sigmoid,
    "leaky_relu": lambda z: z if z > 0.0 else 0.01 * z,
    "gelu": lambda z: z * 0.5 * (1.0 + math.erf(z / math.sqrt(2.0))),
    "softplus": lambda z: math.log(1.0 + math.exp(z)),
    "sin": math.sin,
}


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("x", [[0.5, -1.0], [2.0, 1.5]])
def test_a_neuron_is_its_activation_of_the_weighted_sum(name: str, x: list[float]) -> None:
    neuron = nn.Neuron(2, activation=name)
    set_numbers(neuron, [0.7, 0.9], -0.2)
    z = 0.7 * x[0] + 0.9 * x[1] - 0.2
    assert neuron(x).data == pytest.approx(PLAIN[name](z), rel=1e-13)


@pytest.mark.parametrize("activation", [tg.tanh, Value.tanh, nn.Tanh(), lambda z: z.tanh()])
def test_an_activation_may_be_any_function(activation: Any) -> None:
    neuron = nn.Neuron(2, activation=activation)
    set_numbers(neuron, [0.7, 0.9], -0.2)
    assert neuron([1.0, 1.0]).data == pytest.approx(math.tanh(1.4), rel=1e-14)


@pytest.mark.parametrize("make", [nn.Neuron, lambda n, **k: nn.Layer(n, 1, **k)])
def test_without_nonlin_a_neuron_is_its_weighted_sum(make: Callable[..., Any]) -> None:
    plain = make(2, nonlin=False, rng=0)
    w1, w2, b = plain.parameters()
    b.data = 0.25
    assert plain([2.0, 3.0]).data == pytest.approx(2.0 * w1.data + 3.0 * w2.data + 0.25, rel=1e-14)


def test_only_the_last_layer_of_a_network_is_linear() -> None:
    model = nn.MLP(2, [3, 2, 1], rng=0)
    x: list[float] = [0.3, -0.8]
    for layer, bend in zip(model.layers, [math.tanh, math.tanh, float], strict=True):
        x = [
            bend(sum(w.data * number for w, number in zip(n.w, x, strict=True)) + n.b.data)
            for n in layer.neurons
        ]
    assert model([0.3, -0.8]).data == pytest.approx(x[0], rel=1e-13)


def test_output_names_the_activation_of_the_last_layer() -> None:
    model = nn.MLP(2, [3, 1], activation="relu", output="sigmoid", rng=0)
    linear = nn.MLP(2, [3, 1], activation="relu", rng=0)
    assert model([1.0, 2.0]).data == pytest.approx(sigmoid(linear([1.0, 2.0]).data), rel=1e-14)


def test_a_layer_of_one_answers_with_a_value_and_others_with_a_list() -> None:
    assert isinstance(nn.Layer(2, 1)([1.0, 2.0]), Value)
    assert isinstance(nn.MLP(2, [3, 1])([1.0, 2.0]), Value)
    answers = nn.Layer(2, 3)([1.0, 2.0])
    assert isinstance(answers, list)
    assert len(answers) == len(nn.MLP(2, [5, 3])([1.0, 2.0])) == 3


def test_a_hidden_layer_of_one_neuron_feeds_the_next() -> None:
    assert isinstance(nn.MLP(2, [1, 1, 1])([1.0, 2.0]), Value)
    assert len(nn.MLP(2, [1, 3])([1.0, 2.0])) == 3


@given(st.lists(st.floats(-10.0, 10.0), min_size=3, max_size=3), st.integers(0, 2**32))
def test_lists_tuples_arrays_and_values_are_answered_alike(x: list[float], seed: int) -> None:
    model = nn.MLP(3, [4, 1], rng=seed)
    forms = [x, tuple(x), np.array(x), [Value(number) for number in x]]
    assert len({model(form).data for form in forms}) == 1


# How much graph


@pytest.mark.parametrize("name", [name for name in PLAIN if name != "linear"])
def test_a_neuron_is_two_nodes(name: str) -> None:
    assert operations(nn.Neuron(10, activation=name)([0.1] * 10)) == ["dot", name]


def test_a_linear_neuron_is_one_node() -> None:
    assert operations(nn.Neuron(10, nonlin=False)([0.1] * 10)) == ["dot"]


def test_a_network_is_two_nodes_for_every_hidden_neuron() -> None:
    assert len(operations(nn.MLP(3, [4, 4, 1])([1.0, 2.0, 3.0]))) == 2 * 8 + 1


def test_plain_inputs_are_made_constants_once_for_a_whole_layer() -> None:
    outputs = nn.Layer(3, 5)([1.0, 2.0, 3.0])
    leaves = [node for node in topological_order(*outputs) if not node.parents]
    assert sum(leaf.constant for leaf in leaves) == 3


def test_gradient_reaches_inputs_that_are_values() -> None:
    neuron = nn.Neuron(2, nonlin=False, rng=0)
    x = [Value(1.0), Value(2.0)]
    neuron(x).backward()
    assert [number.grad for number in x] == [w.data for w in neuron.w]
    assert [w.grad for w in neuron.w] == [1.0, 2.0]


# What is refused


@pytest.mark.parametrize("model", [nn.Neuron(2), nn.Layer(2, 3), nn.MLP(2, [3, 1])])
@pytest.mark.parametrize("x", [[1.0, 2.0, 3.0], [1.0], [], np.zeros(3)])
def test_inputs_of_another_length_are_refused(model: nn.Module, x: Any) -> None:
    with pytest.raises(tg.ShapeError, match=rf"\(2, .* takes 2 numbers, but {len(x)} came"):
        model(x)


@pytest.mark.parametrize("x", [1.0, Value(1.0), tg.Tensor([1.0, 2.0])])
def test_what_is_no_list_of_numbers_is_refused(x: Any) -> None:
    with pytest.raises(TypeError, match="takes a list of 2 numbers"):
        nn.MLP(2, [3, 1])(x)


def test_a_batch_is_refused_because_a_scalar_model_takes_one_sample() -> None:
    with pytest.raises(TypeError, match=r"holds one number, but an array of shape \(2,\) came"):
        nn.MLP(2, [3, 1])(np.zeros((2, 2)))


@pytest.mark.parametrize("width", [0, -1, 2.5, True, "3", None])
def test_a_width_that_counts_no_neurons_is_refused(width: Any) -> None:
    with pytest.raises(ValueError, match="nin is a whole number from 1 on"):
        nn.Neuron(width)
    with pytest.raises(ValueError, match="nout is a whole number from 1 on"):
        nn.Layer(2, width)
    with pytest.raises(ValueError, match="is a whole number from 1 on"):
        nn.MLP(2, [3, width])


@pytest.mark.parametrize("nouts", [4, []])
def test_widths_that_are_no_list_are_refused(nouts: Any) -> None:
    with pytest.raises(ValueError, match=r"list of layer widths, such as \[16, 16, 1\]"):
        nn.MLP(3, nouts)


def test_an_unknown_activation_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"one of linear, tanh, relu, .* not 'swish'"):
        nn.Neuron(2, activation="swish")


# What is printed


@pytest.mark.parametrize(
    "made",
    [
        "Neuron(2, activation='tanh')",
        "Neuron(2, activation='linear')",
        "Layer(3, 4, activation='relu')",
        "Layer(3, 4, activation=LeakyReLU(alpha=0.2))",
        "MLP(3, [4, 4, 1], activation='tanh', output='linear')",
        "MLP(2, [8, 3], activation='gelu', output='sigmoid')",
        "MLP(2, [1], activation='tanh', output='softplus')",
        "MLP(2, [4, 1], activation=tanh, output='linear')",
    ],
)
def test_a_repr_is_the_call_that_makes_the_module(made: str) -> None:
    assert repr(eval(made, {**vars(nn), "tanh": tg.tanh})) == made
