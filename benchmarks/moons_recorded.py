"""The moons step recorded once and replayed as array code: what a recording costs and gives.

Replay alone is loss and gradients; what becomes of them is an update by a plain loop over the 337
parameters, or `nn.fit`.
"""

import time
from collections.abc import Callable
from typing import Any

from benchmarks.moons_data import LR, PENALTY, numbers, start
from benchmarks.moons_scalars import network, objective
from benchmarks.side import Measured, Step


def program(by_hand: bool) -> tuple[Callable[..., Any], list[Any], list[Any]]:
    """What is recorded, its parameters, and its inputs: the points and their labels."""
    import twingrad as tg

    X, y, _ = start()
    if by_hand:
        layers = network(tg.Value)
        parameters = [p for layer in layers for neuron in layer for p in neuron]
        return lambda X, y: objective(layers, X, y), parameters, [X, y]
    model = built()
    parameters = model.parameters()

    def loss(X: Any, y: Any) -> Any:
        scores = [model(row) for row in X]
        penalty = PENALTY * tg.dot(parameters, parameters)
        return tg.nn.hinge_loss(scores, y) + penalty

    return loss, parameters, [X, y]


def built() -> Any:
    """The network of Values with the starting numbers."""
    from twingrad import nn

    model = nn.MLP(2, [16, 16, 1], activation="relu")
    for p, number in zip(model.parameters(), numbers(), strict=True):
        p.data = number
    return model


def recording(by_hand: bool) -> Measured:
    """How long it takes to record, the collector at work as the library leaves it."""
    loss, _, inputs = program(by_hand)
    import twingrad as tg

    def measure() -> dict[str, Any]:
        started = time.perf_counter()
        tg.record(loss, *inputs)
        return {"seconds": time.perf_counter() - started}

    return Measured(measure)


def replay(by_hand: bool) -> Step:
    """Loss and gradients, and no update."""
    loss, _, inputs = program(by_hand)
    import twingrad as tg

    recorded = tg.record(loss, *inputs)
    return lambda: recorded.replay(*inputs)


def looped(by_hand: bool) -> Step:
    """Loss, gradients, and the update as the eager step has it."""
    loss, parameters, inputs = program(by_hand)
    import twingrad as tg

    recorded = tg.record(loss, *inputs)

    def step() -> float:
        found: float = recorded.replay(*inputs)
        for p in parameters:
            p.data -= LR * p.grad
        return found

    return step


def fitted(seconds: float = 0.2) -> Measured:
    """A step of `nn.fit(record=True)`: the median time from one epoch's end to the next.

    An epoch is one step here; SGD's weight decay stands for L2. Recording is in the first epoch.
    """
    import numpy as np

    from twingrad import nn

    class Clock(nn.Callback):
        """When each epoch ended, until there are enough of them."""

        reads_model = False

        def __init__(self) -> None:
            self.ends: list[float] = []

        def on_epoch(self, training: Any) -> None:
            self.ends.append(time.perf_counter())
            training.stop = len(self.ends) > 10 and self.ends[-1] > self.ends[0] + seconds

    def measure() -> dict[str, Any]:
        X, y, _ = start()
        model, clock = built(), Clock()
        sgd = nn.SGD(model.parameters(), LR, weight_decay=2.0 * PENALTY)
        options: dict[str, Any] = {"loss": nn.hinge_loss, "optimizer": sgd, "record": True}
        nn.fit(model, X, y, epochs=10**6, progress=False, callbacks=[clock], **options)
        return {"seconds": float(np.median(np.diff(clock.ends)))}

    return Measured(measure, warm_up=False)
