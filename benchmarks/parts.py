"""Where a step of twingrad goes: forward, loss, backward, update, and letting go of the graph.

The shares say what there is to gain before anybody tries to gain it.
"""

import time
from collections.abc import Callable
from typing import Any

from benchmarks.mnist_data import start as mnist_start
from benchmarks.mnist_numpy import Flat, by_hand
from benchmarks.mnist_peers import torch_model, twingrad_model
from benchmarks.moons_data import LR, PENALTY, start
from benchmarks.moons_recorded import built
from benchmarks.moons_scalars import network, objective
from benchmarks.side import Measured, Side
from benchmarks.tables import duration, markdown
from benchmarks.turns import Found, measured

RACES = {"step": {"rounds": 5}}
PARTS = ("forward", "loss", "zero_grad", "backward", "update", "letting go")

Lap = Callable[[str], None]


def laps(step: Callable[[Lap], None], repeats: int) -> Measured:
    """Seconds a step for each part, whose end the step itself tells `lap`."""

    def measure() -> dict[str, Any]:
        found: dict[str, float] = {}
        last = 0.0

        def lap(part: str) -> None:
            nonlocal last
            now = time.perf_counter()
            found[part] = found.get(part, 0.0) + (now - last) / repeats
            last = time.perf_counter()

        for _ in range(repeats):
            last = time.perf_counter()
            step(lap)
            lap("letting go")
        return found

    return Measured(measure)


def moons() -> Measured:
    """The moons step with nn.MLP."""
    from twingrad import dot, nn

    X, y, _ = start()
    model, rows, targets = built(), X.tolist(), y.tolist()
    parameters = model.parameters()

    def step(lap: Lap) -> None:
        scores = [model(row) for row in rows]
        lap("forward")
        loss = nn.hinge_loss(scores, targets) + PENALTY * dot(parameters, parameters)
        lap("loss")
        model.zero_grad()
        lap("zero_grad")
        _pull_back_and_update(loss, parameters, lap)

    return laps(step, 5)


def _pull_back_and_update(loss: Any, parameters: list[Any], lap: Lap) -> None:
    loss.backward()
    lap("backward")
    for p in parameters:
        p.data -= LR * p.grad
    lap("update")


def moons_by_hand() -> Measured:
    """The moons step with * and +; its loss is part of its forward."""
    from twingrad import Value

    X, y, _ = start()
    layers, rows, targets = network(Value), X.tolist(), y.tolist()
    parameters = [p for layer in layers for neuron in layer for p in neuron]

    def step(lap: Lap) -> None:
        loss = objective(layers, rows, targets)
        lap("forward")
        for p in parameters:
            p.grad = None
        lap("zero_grad")
        _pull_back_and_update(loss, parameters, lap)

    return laps(step, 1)


def mnist() -> Measured:
    """The MNIST step."""
    from twingrad import nn

    X, y, weights = mnist_start()
    model, adam = twingrad_model(weights)
    return laps(_of_layers(model, nn.cross_entropy, adam, X, y), 200)


def mnist_torch() -> Measured:
    """The same with PyTorch."""
    import torch

    X, y, weights = mnist_start()
    model, adam = torch_model(weights, fused=False)
    inputs, labels = torch.from_numpy(X), torch.from_numpy(y)
    return laps(_of_layers(model, torch.nn.functional.cross_entropy, adam, inputs, labels), 200)


def _of_layers(model: Any, loss_of: Any, optimizer: Any, X: Any, y: Any) -> Callable[[Lap], None]:
    def step(lap: Lap) -> None:
        scores = model(X)
        lap("forward")
        loss = loss_of(scores, y)
        lap("loss")
        optimizer.zero_grad()
        lap("zero_grad")
        loss.backward()
        lap("backward")
        optimizer.step()
        lap("update")

    return step


def mnist_numpy() -> Measured:
    """The same by hand."""
    X, y, weights = mnist_start()
    hand = by_hand(Flat(weights))

    def step(lap: Lap) -> None:
        hand.forward(X)
        lap("forward")
        hand.loss(y)
        lap("loss")
        hand.backward(X)
        lap("backward")
        hand.flat.adam()
        lap("update")

    return laps(step, 200)


def sides(race: str) -> dict[str, Side]:
    """The steps that are taken apart."""
    makes = {
        "moons, nn.MLP": moons,
        "moons, by hand": moons_by_hand,
        "MNIST": mnist,
        "MNIST, NumPy by hand": mnist_numpy,
        "MNIST, PyTorch": mnist_torch,
    }
    return {name: Side(make) for name, make in makes.items()}


def table(races: dict[str, Found]) -> str:
    """For each step the time of its parts, and their shares of it."""
    found = races["step"]
    rows: list[tuple[Any, ...]] = [("", *found)]
    whole = {name: sum(filter(None, _seconds(found, name).values())) for name in found}
    for part in PARTS:
        cells = []
        for name in found:
            seconds = _seconds(found, name)[part]
            cells.append(
                "" if seconds is None else f"{duration(seconds)}, {seconds / whole[name]:.0%}"
            )
        rows.append((part, *cells))
    return markdown(*rows)


def _seconds(found: Found, name: str) -> dict[str, float | None]:
    spreads = {part: measured(found, name, part) for part in PARTS}
    return {part: None if spread is None else spread.median for part, spread in spreads.items()}
