"""print(recording): the array program in NumPy's notation, which comes to the loss if it is run.

That the lines are true is tried: they are executed, on the arrays that their names stand for.
"""

import math
import re
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.recorded import near
from tests.test_record_layers import Network
from twingrad import Recording, Value, nn
from twingrad.engine.recording.listing import Listing

WORDS = {
    "np": np,
    "sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "gelu": lambda x: x * 0.5 * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0))),
    "leaky_relu": lambda x, alpha: np.where(x > 0.0, x, alpha * x),
    "clip": lambda x, low, high: np.clip(x, low, high),
}


def lines_of(recording: Recording) -> list[tuple[str, str, str]]:
    """The name, the expression and the shape of each line of the program."""
    program = str(recording).split("\n\n")[1]
    found = [re.fullmatch(r"(\w+) = (.*?) +# (.*)", line) for line in program.split("\n")]
    assert all(found), program
    return [match.groups() for match in found if match]


def executed(recording: Recording, names: dict[str, Any]) -> float:
    """What the lines come to; each has the shape that it is said to have."""
    names = WORDS | names
    for name, expression, shape in lines_of(recording):
        with np.errstate(over="ignore"):
            names[name] = eval(expression, names)
        assert str(np.shape(names[name])) == ("()" if shape == "a number" else shape)
    return float(names["loss"])


def matrix(layer: nn.Layer) -> np.ndarray:
    return np.array([[w.data for w in neuron.w] for neuron in layer.neurons]).T


def biases(layer: nn.Layer) -> np.ndarray:
    return np.array([[neuron.b.data for neuron in layer.neurons]])


@pytest.mark.parametrize("activation", nn.neuron.ACTIVATIONS)
def test_the_program_of_an_mlp_comes_to_its_loss(activation: str) -> None:
    model = nn.MLP(2, [4, 3, 2], activation=activation, rng=0)
    rng = np.random.default_rng(0)
    for p in model.parameters():
        p.data = rng.normal()
    X, y = rng.normal(size=(8, 2)), rng.normal(size=16)

    def loss(X: Any, y: Any) -> Any:
        outputs = [output for x in X for output in model(x)]
        error = sum((o - t) ** 2 for o, t in zip(outputs, y, strict=True)) / 8
        return error + 0.5 * sum(p * p for p in model.parameters())

    recording = tg.record(loss, X, y)
    names = {"X": X, "y": y, "p1": np.array([p.data for p in model.parameters()])}
    for k, layer in enumerate(model.layers, start=1):
        names |= {f"W{k}": matrix(layer), f"b{k}": biases(layer)}
    text = str(recording)
    assert "z1 = X @ W1 + b1" in text
    if "…" not in text:
        assert math.isclose(executed(recording, names), recording.replay(X, y), rel_tol=1e-9)
    else:
        assert "- y[…]" in text


def named(recording: Recording) -> dict[str, Any]:
    """What the names of leaves and literals stand for, as the listing itself keeps them."""
    listing = Listing(recording.program, [], recording._root)
    data, found = recording.program.places.cells.data, {}
    for key, name in listing._named.items():
        if isinstance(key, int):
            found[name] = data[key]
        elif isinstance(key[0], bytes):
            found[name] = np.frombuffer(key[0]).reshape(key[1])
        else:
            start, shape, steps = key
            strides = [8 * step for step in steps]
            found[name] = np.lib.stride_tricks.as_strided(data[start:], shape, strides)
    return found


def test_the_programs_of_networks_written_by_hand_come_to_their_losses() -> None:
    tried = 0
    for seed in range(60):
        network = Network(seed)
        if network.batch == 1 or network.activation == "tanh by hand":  # which repeats, see below
            continue
        X, y = network.inputs()
        recording = tg.record(network, X, y)
        if "…" in str(recording) or recording.gathers:
            continue
        tried += 1
        found = executed(recording, {"X": X, "y": y, **named(recording)})
        expected = recording.replay(X, y)
        assert near(np.array([found]), np.array([expected]), 1e-5), f"{network}\n{recording}"
    assert tried >= 15


# Its form


def loss_of_neuron(neuron: nn.Neuron) -> Any:
    def loss(X: Any, y: Any) -> Any:
        return sum((neuron(x) - t) ** 2 for x, t in zip(X, y, strict=True))

    return loss


def test_the_head_counts_and_names_what_there_is() -> None:
    loss = loss_of_neuron(nn.Neuron(3, rng=0))
    recording = tg.record(loss, np.ones((5, 3)), np.ones(5))
    head = str(recording).split("\n\n")[0].split("\n")
    assert f"loss: {recording.nodes} Values as {recording.steps} array operations" in head[0]
    assert re.search(r"\b1 .*matrix product", head[0])
    assert re.search(r"no gathers", head[0])
    assert head[1:] == ["inputs  X (5, 3), y (5,)", "leaves  4, as W1 (3, 1)", "guards  none"]


def test_guards_are_counted_and_those_of_a_built_graph_unknown() -> None:
    w = Value(2.0)
    assert "guards  2" in str(tg.record(lambda x: w * x[0] if x[0] > 0.0 and w else w, [1.0]))
    assert "guards  none: this graph was built before" in str(tg.record(w * 2.0))


def test_a_labelled_leaf_goes_by_its_label() -> None:
    slope, w = Value(2.0, label="slope"), Value(3.0)
    text = str(tg.record(slope * w.exp()))
    assert "slope" in text
    assert "np.exp(p1)" in text


def test_the_repr_is_one_line() -> None:
    w = Value(2.0)
    assert repr(tg.record(w * 2.0)) == (
        "<Recording of a graph that was built: 3 Values as 1 array operations>"
    )


def test_a_loop_says_how_long_it_is() -> None:
    w = Value(0.5)

    def chain() -> Any:
        x = w
        for _ in range(30):
            x = x.tanh()
        return x

    assert "… 30 operations, one after the other" in str(tg.record(chain))


def test_inputs_in_lists_and_dicts_are_named_after_their_parameter() -> None:
    w = Value(2.0)
    recording = tg.record(
        lambda pair, rows, both, options: w * (pair[0] + rows[1][0] + both["a"][0, 0]),
        [1.0, 2.0],
        [[1.0], [2.0]],
        {"a": np.eye(2), "b": 3.0},
        None,
    )
    assert "inputs  pair (2,), rows (2, 1), both[0] (2, 2), both[1] ()" in str(recording)


def test_a_program_of_a_single_number_can_be_printed() -> None:
    w = Value(3.0, label="w")
    text = str(tg.record(lambda x: (w * x - 1.0) ** 2, 2.0))
    assert "w * x" in text


def test_a_negative_literal_raised_to_a_power_stands_in_parentheses() -> None:
    ws = [Value(2.0), Value(4.0)]
    recording = tg.record(lambda: tg.sum([((-2.0) ** w).tanh() for w in ws]))
    assert math.isclose(executed(recording, named(recording)), recording.replay())


def test_a_line_that_is_repeated_says_so() -> None:
    ws = [Value(2.0), Value(4.0), Value(5.0)]
    recording = tg.record(lambda: tg.sum([w.exp() / w.exp() for w in ws]))
    assert math.isclose(executed(recording, named(recording)), recording.replay())


def test_two_leaves_of_one_label_are_told_apart() -> None:
    a, b = Value(2.0, label="w"), Value(5.0, label="w")
    assert "w - w" not in str(tg.record(lambda: a - b))


def test_a_literal_that_is_nearly_one_is_not_left_out() -> None:
    ws = [Value(2.0), Value(4.0)]
    recording = tg.record(lambda: (ws[0] * 1.0000001 + ws[1] * 3.0).tanh())
    assert "= p1 + " not in str(recording)
