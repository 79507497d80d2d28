"""Mistakes that runs of the fresh set have: in their loops, their models and their data."""

from typing import Any

import numpy as np

from tests.doctor import ills
from twingrad import Tensor, nn


def forgetful(lr: float) -> Any:
    return lambda p: nn.Adam(p, lr=lr, betas=(0.0, 0.9))


class Gated(nn.Module):
    """A model with a gate, which may be out of the graph, or a scale that nothing is scaled by."""

    def __init__(self, plan: Any, wrong: str = "") -> None:
        width, rng = int(np.prod(plan.task.X.shape[1:])), np.random.default_rng(plan.seed)
        self.first = nn.Linear(width, 20, rng=rng)
        self.gate = nn.Linear(width, 20, rng=rng)
        self.last = nn.Linear(20, plan.task.outputs, rng=rng)
        self.wrong = wrong

    def forward(self, x: Any) -> Any:
        """The mistake is in what becomes of the gate."""
        gate = self.gate(x).sigmoid()
        if self.wrong == "numbers":
            gate = Tensor(gate.numpy())
        if self.wrong == "steps":
            gate = Tensor((gate.numpy() > 0.5).astype(np.float32))
        return self.last(self.first(x).relu() * gate)


def only(wanted: Any, rate: float) -> Any:
    """By hand, and the mistake is to leave some parameters out."""

    def moved(model: Any, step: int) -> None:
        for p in model.parameters():
            if wanted(p):
                p.data = p.data - rate * p.grad

    return moved


def scaled(factor: float) -> Any:
    """Gradients times a number: divided by the samples once more, or not at all."""

    def between(model: Any, step: int) -> None:
        for p in model.parameters():
            p.grad = p.grad * factor

    return between


def cut_each(limit: float) -> Any:
    """Each parameter's gradient cut to a length of its own."""

    def between(model: Any, step: int) -> None:
        for p in model.parameters():
            p.grad = p.grad * min(1.0, limit / (float(np.linalg.norm(p.grad)) + 1e-12))

    return between


def knocked(size: float, every: int) -> Any:
    """Now and then something else writes into the parameters."""

    def between(model: Any, step: int) -> None:
        rng = np.random.default_rng(step)
        for p in model.parameters() if step % every == every - 5 else ():
            p.data = p.data + size * rng.normal(size=np.shape(p.data)).astype(np.float32)

    return between


def relabelled(step: int, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mistake is a file whose classes are numbered from 1."""
    return (X, (y + 1) % 7) if step % 90 == 80 else (X, y)


def negated(step: int, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mistake is a batch whose targets are of the other sign, and in tenths."""
    return (X, -10.0 * y) if step % 55 == 50 else (X, y)


def at_first(step: int, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mistake is a first batch of another unit."""
    return (X, 150.0 * y + 150.0) if step == 0 else (X, y)


def column_as(place: int, f: Any) -> Any:
    """One column by a function of it."""
    return ills.columns(
        lambda X, g: np.where(np.arange(X.shape[1]) == place, f(X[:, [place]], g), X)
    )


def hardly_any(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Of every second class only a few."""
    rare = np.isin(y, np.unique(y)[1::2])
    return ~rare | (rng.random(len(y)) < 0.05)
