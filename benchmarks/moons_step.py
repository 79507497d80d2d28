"""One training step of micrograd's moons demo: 100 points, MLP(2, [16, 16, 1]), full batch.

Every side does the same work, hinge loss with L2, forward, backward and update, in turns, in one
process: `python -m benchmarks.moons_step`. A peer that is not installed is reported as absent.
"""

import random
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.turns import compare
from twingrad import Value, nn
from twingrad.engine import dot
from twingrad.engine import sum as total

ROUNDS = 7


def data(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The hundred points, without scikit-learn: two half circles and some noise."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0.0, np.pi, 100)
    label = np.repeat([-1.0, 1.0], 50)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    X = np.where(label[:, None] < 0.0, upper, lower) + rng.normal(0.0, 0.1, (100, 2))
    return X, label


def micrograd_step(X: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    """The step as micrograd's demo writes it."""
    value, network = import_module("micrograd.engine").Value, import_module("micrograd.nn")
    random.seed(0)
    model = network.MLP(2, [16, 16, 1])
    rows, targets = X.tolist(), y.tolist()

    def step() -> None:
        scores = [model([value(x) for x in row]) for row in rows]
        losses = [(1.0 + -t * score).relu() for t, score in zip(targets, scores, strict=True)]
        loss = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 0.01 * p.grad

    return step


def twingrad_step(X: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    """The same on Values, a neuron being one node."""
    model = nn.MLP(2, [16, 16, 1], activation="relu", rng=0)
    parameters = model.parameters()
    rows, targets = X.tolist(), y.tolist()

    def step() -> None:
        scores = [model(row) for row in rows]
        loss = nn.hinge_loss(scores, targets) + 1e-4 * dot(parameters, parameters)
        model.zero_grad()
        loss.backward()
        for p in parameters:
            p.data -= 0.01 * p.grad

    return step


def by_hand_step(X: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    """The same on Values with nothing but * and +, as a learner writes it."""
    rng = np.random.default_rng(0)
    layers = [
        [([Value(w) for w in rng.uniform(-1, 1, nin)], Value(0.0)) for _ in range(nout)]
        for nin, nout in ((2, 16), (16, 16), (16, 1))
    ]
    parameters = [p for layer in layers for ws, b in layer for p in (*ws, b)]
    rows, targets = X.tolist(), y.tolist()

    def respond(x: list[Any]) -> Any:
        for layer in layers:
            sums = [sum((w * xi for w, xi in zip(ws, x, strict=True)), b) for ws, b in layer]
            x = [s.relu() for s in sums] if layer is not layers[-1] else sums
        return x[0]

    def step() -> None:
        losses = [(1.0 - t * respond(row)).relu() for t, row in zip(targets, rows, strict=True)]
        loss = total(losses) / len(losses) + 1e-4 * sum(p * p for p in parameters)
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data -= 0.01 * p.grad

    return step


def numpy_step(X: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    """The same derived by hand on arrays: what no engine can be much faster than."""
    rng = np.random.default_rng(0)
    shapes = ((2, 16), (16, 16), (16, 1))
    weights = [rng.uniform(-1.0, 1.0, shape) for shape in shapes]
    biases = [np.zeros(shape[1]) for shape in shapes]

    def step() -> None:
        activations = [X]
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            z = activations[-1] @ w + b
            activations.append(np.maximum(z, 0.0) if i < 2 else z)
        active = 1.0 - y[:, None] * activations[-1] > 0.0
        grad = np.where(active, -y[:, None], 0.0) / len(y)
        for i in (2, 1, 0):
            of_w, of_b = activations[i].T @ grad, grad.sum(axis=0)
            if i:
                grad = (grad @ weights[i].T) * (activations[i] > 0.0)
            weights[i] -= 0.01 * (of_w + 2e-4 * weights[i])
            biases[i] -= 0.01 * (of_b + 2e-4 * biases[i])

    return step


def main() -> None:
    """Take turns, and print medians and ratios."""
    X, y = data()
    sides = {
        "micrograd": micrograd_step,
        "twingrad, * and +": by_hand_step,
        "twingrad, nn.MLP": twingrad_step,
        "NumPy, by hand": numpy_step,
    }
    compare({name: partial(make, X, y) for name, make in sides.items()}, ROUNDS)


if __name__ == "__main__":
    main()
