"""The moons step with a node for each number: micrograd, twingrad, and PyTorch's 0-d tensors.

Written as their users write it: with the library's own MLP, and by hand with * and + alone.
"""

import gc
import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.moons_data import LR, PENALTY, WIDTHS, numbers, start
from benchmarks.side import Measured, Step


def micrograd() -> Step:
    """As its demo does it."""
    from micrograd.engine import Value
    from micrograd.nn import MLP

    X, y, _ = start()
    model = MLP(2, [16, 16, 1])
    for p, number in zip(model.parameters(), numbers(), strict=True):
        p.data = number
    rows, targets = X.tolist(), y.tolist()

    def step() -> float:
        scores = [model([Value(x) for x in row]) for row in rows]
        losses = [(1.0 + -t * score).relu() for t, score in zip(targets, scores, strict=True)]
        penalty = PENALTY * sum(p * p for p in model.parameters())
        loss = sum(losses) * (1.0 / len(losses)) + penalty
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= LR * p.grad
        return float(loss.data)

    return step


def twingrad() -> Step:
    """With nn.MLP, where a neuron is two nodes."""
    from twingrad import dot, nn

    X, y, _ = start()
    model = nn.MLP(2, [16, 16, 1], activation="relu")
    parameters = model.parameters()
    for p, number in zip(parameters, numbers(), strict=True):
        p.data = number
    rows, targets = X.tolist(), y.tolist()

    def step() -> float:
        scores = [model(row) for row in rows]
        loss = nn.hinge_loss(scores, targets) + PENALTY * dot(parameters, parameters)
        model.zero_grad()
        loss.backward()
        for p in parameters:
            p.data -= LR * p.grad
        return float(loss)

    return step


def network(number: Callable[[float], Any]) -> list[list[list[Any]]]:
    """For each neuron of each layer its weights and, last, its bias."""
    supply = iter(numbers())
    return [
        [[number(next(supply)) for _ in range(into + 1)] for _ in range(out)]
        for into, out in itertools.pairwise(WIDTHS)
    ]


def objective(layers: list[list[list[Any]]], X: Sequence[Any], y: Sequence[Any]) -> Any:
    """The loss of the network with nothing but * and +, and relu."""
    losses = []
    for x, t in zip(X, y, strict=True):
        for layer in layers:
            sums = [sum((w * xi for w, xi in zip(ws, x, strict=True)), b) for *ws, b in layer]
            x = sums if layer is layers[-1] else [s.relu() for s in sums]
        losses.append((1.0 + -t * x[0]).relu())
    penalty = PENALTY * sum(p * p for layer in layers for neuron in layer for p in neuron)
    return sum(losses) * (1.0 / len(losses)) + penalty


def by_hand(number: Callable[[float], Any]) -> Step:
    """The step of a learner who builds everything of single numbers."""
    X, y, _ = start()
    layers = network(number)
    parameters = [p for layer in layers for neuron in layer for p in neuron]
    rows, targets = X.tolist(), y.tolist()

    def step() -> float:
        loss = objective(layers, rows, targets)
        for p in parameters:
            p.grad = None
        loss.backward()
        for p in parameters:
            p.data -= LR * p.grad
        return float(loss.data)

    return step


def twingrad_by_hand() -> Step:
    """On Values."""
    from twingrad import Value

    return by_hand(Value)


def torch_by_hand() -> Step:
    """On PyTorch's tensors of no dimension."""
    import torch

    torch.set_num_threads(1)

    def number(x: float) -> Any:
        return torch.tensor(x, dtype=torch.float64, requires_grad=True)

    return by_hand(number)


def paused(make: Callable[[], Step]) -> Step:
    """A step without the cyclic collector, which runs once at its end: what best practice gives."""
    inner = make()

    def step() -> float | None:
        gc.disable()
        try:
            return inner()
        finally:
            gc.collect()
            gc.enable()

    return step


def swept(make: Callable[[], Step]) -> Measured:
    """A step that finds no garbage: what the one before left is collected, and nobody pays."""
    step = make()

    def measure() -> dict[str, Any]:
        gc.collect()
        started = time.perf_counter()
        step()
        return {"seconds": time.perf_counter() - started}

    return Measured(measure)
