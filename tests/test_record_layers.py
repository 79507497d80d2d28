"""Layered networks of every size and style: their recordings are matrix products.

What a person writes as weights times numbers, neuron by neuron and sample by sample, must come
out as one product for each layer, whatever the style; and it must come to what it did.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.recorded import eager, near, replayed
from tests.scalar_operations import WAYS, Row
from twingrad import Recording, Value
from twingrad.engine.recording.cells import Gather

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    name: getattr(tg, name) for name in ("tanh", "relu", "sigmoid", "gelu", "softplus", "sin")
}
ACTIVATIONS |= {
    "linear": lambda x: x,
    "leaky_relu": lambda x: tg.leaky_relu(x, alpha=0.1),
    "tanh by hand": lambda x: ((2.0 * x).exp() - 1.0) / ((2.0 * x).exp() + 1.0),
    "sigmoid by hand": lambda x: 1.0 / (1.0 + (-x).exp()),
    "cubed": lambda x: x**3,
    "clipped": lambda x: x.clip(-1.0, 1.0),
}


def squared(outputs: Row, targets: Row) -> Any:
    return sum((o - t) ** 2 for o, t in zip(outputs, targets, strict=True))


def squared_as_product(outputs: Row, targets: Row) -> Any:
    errors = [o - t for o, t in zip(outputs, targets, strict=True)]
    return sum([e * e for e in errors]) / len(errors)


def hinge(outputs: Row, targets: Row) -> Any:
    return sum((1 + -t * o).relu() for o, t in zip(outputs, targets, strict=True))


def logistic(outputs: Row, targets: Row) -> Any:
    losses = [(1.0 + (-t * o).exp()).log() for o, t in zip(outputs, targets, strict=True)]
    return sum(losses) * (1.0 / len(losses))


LOSSES = [squared, squared_as_product, hinge, logistic]


class Network:
    """A network written by hand, of random widths, in a random style."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.batch = int(rng.integers(1, 21))
        self.widths = rng.integers(1, 10, rng.integers(2, 6)).tolist()
        pairs = list(zip(self.widths[:-1], self.widths[1:], strict=True))
        self.weights = [
            [[Value(x) for x in row] for row in rng.uniform(-1.0, 1.0, (n, m))] for m, n in pairs
        ]
        self.biases = [[Value(x) for x in rng.uniform(-1.0, 1.0, n)] for _, n in pairs]
        self.way = WAYS[rng.integers(len(WAYS))]
        self.activation = list(ACTIVATIONS)[rng.integers(len(ACTIVATIONS))]
        self.loss = LOSSES[rng.integers(len(LOSSES))]
        self.with_bias, self.with_decay, self.layer_by_layer = (rng.random(3) < 0.5).tolist()
        used = [*self.weights, self.biases] if self.with_bias else self.weights
        self.leaves = [w for layer in used for row in layer for w in row]
        self.rng = rng

    def __repr__(self) -> str:
        style = f"{self.way.__name__}, {self.activation}, {self.loss.__name__}"
        more = f"bias {self.with_bias}, decay {self.with_decay}, by layer {self.layer_by_layer}"
        return f"{self.batch} samples through {self.widths}, {style}, {more}"

    def inputs(self) -> tuple[Any, Any]:
        """New samples, and targets of -1 and 1, one for each output."""
        X = self.rng.normal(size=(self.batch, self.widths[0]))
        return X, self.rng.choice([-1.0, 1.0], self.batch * self.widths[-1])

    def respond(self, layer: int, x: Row) -> Row:
        last = layer == len(self.weights) - 1
        activate = ACTIVATIONS["linear" if last else self.activation]
        rows = zip(self.weights[layer], self.biases[layer], strict=True)
        return [activate(self.way(list(x), w, b if self.with_bias else 0.0)) for w, b in rows]

    def __call__(self, X: Any, y: Any) -> Any:
        samples = list(X)
        if self.layer_by_layer:
            for layer in range(len(self.weights)):
                samples = [self.respond(layer, x) for x in samples]
        else:
            for i, x in enumerate(samples):
                for layer in range(len(self.weights)):
                    x = self.respond(layer, x)
                samples[i] = x
        loss = self.loss([o for outputs in samples for o in outputs], y)
        if self.with_decay:
            loss = loss + 0.01 * sum(p * p for p in self.leaves)
        return loss

    @property
    def products(self) -> int:
        """One for each layer; a single neuron on a single sample is a dot product, no matrix."""
        samples = self.batch + self.decay_is_a_sample
        return sum(samples * width > 1 for width in self.widths[1:])

    @property
    def decay_is_a_sample(self) -> bool:
        """Of one neuron and no bias, w · w has the form of w · x, and is done with the samples."""
        return self.widths[1:] == [1] and self.with_decay and not self.with_bias


def gathers_of_layers(recording: Recording) -> int:
    """How many operands of matrix products must be picked together, number by number."""
    layers = [step for step in recording.program.steps if step.is_product]
    return sum(isinstance(operand, Gather) for step in layers for operand in step.operands)


def holds(network: Network) -> None:
    """Assert that it replays as it runs, also other numbers, by one product for each layer."""
    X, y = network.inputs()
    recording = tg.record(network, X, y)
    assert recording.matrix_products == network.products, f"{network}\n{recording}"
    if not network.decay_is_a_sample:
        assert gathers_of_layers(recording) == 0, f"{network}\n{recording}"
    for _ in range(2):
        expected = eager(network, network.leaves, (X, y))
        assert near(replayed(recording, network.leaves, (X, y)), expected), network
        X, y = network.inputs()
        for leaf in network.leaves:
            leaf.data *= 1.1


def test_a_network_written_by_hand_replays_as_it_runs_by_matrix_products() -> None:
    for seed in range(90):
        holds(Network(seed))


def test_a_single_sample_through_single_neurons_replays_as_it_runs() -> None:
    for seed in range(30):
        network = Network(seed)
        network.batch = 1
        holds(network)


@pytest.mark.slow
def test_a_thousand_more_networks_replay_as_they_run() -> None:
    for seed in range(1_000, 2_000):
        holds(Network(seed))
