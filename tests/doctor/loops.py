"""Training loops as people write them themselves, right or with one mistake."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.doctor.tasks import Task

Array = np.ndarray


@dataclass
class Loop:
    """A loop: when it resets gradients, what it makes of them, and how it moves parameters.

    `zero` is "each" step, "never", "epoch" for once in each, "late" for after backward(), or
    "first" for the first layer only. `between` is done after backward(), `moved` by hand in place
    of `optimizer.step()`. `rate` gives the optimizer's rate by the step, `spoil` changes a batch.
    """

    epochs: int = 30
    zero: str = "each"
    backward: Callable[[Any], None] = lambda loss: loss.backward()
    between: Callable[[Any, Any], None] | None = None
    moved: Callable[[Any, int], None] | None = None
    rate: Callable[[int], float] | None = None
    spoil: Callable[[int, Array, Array], tuple[Array, Array]] | None = None
    shuffle: bool = True

    @property
    def by_hand(self) -> bool:
        return self.moved is not None

    def run(
        self, model: Any, optimizer: Any, monitor: Any, task: Task, loss_of: Any,
        batch: int | None, seed: int,
    ) -> None:  # fmt: skip
        """Train."""
        values = hasattr(model, "layers") and hasattr(model.layers[0], "neurons")
        X = task.X if values else task.X.astype(np.float32)
        y = task.y if task.kind == "classes" else task.y.astype(X.dtype)
        step = 0
        for chosen, begins in self._batches(len(X), batch, np.random.default_rng(seed)):
            rows, targets = X[chosen], y[chosen]
            if self.spoil is not None:
                rows, targets = self.spoil(step, rows, targets)
            outputs = [model(row) for row in rows.tolist()] if values else model(rows)
            loss = loss_of(outputs, targets)
            if self.zero == "each" or (self.zero == "epoch" and begins):
                model.zero_grad()
            elif self.zero == "first":
                model.layers[0].zero_grad()
            self.backward(loss)
            if self.zero == "late":
                model.zero_grad()
            if self.between is not None:
                self.between(model, step)
            if self.rate is not None:
                optimizer.lr = self.rate(step)
            if self.moved is not None:
                self.moved(model, step)
            else:
                optimizer.step()
            monitor.observe(loss)
            step += 1

    def _batches(
        self, samples: int, batch: int | None, rng: np.random.Generator
    ) -> Iterator[tuple[Array, bool]]:
        size = samples if batch is None else batch
        for _ in range(self.epochs):
            order = rng.permutation(samples) if self.shuffle else np.arange(samples)
            for start in range(0, samples, size):
                yield order[start : start + size], start == 0


# How parameters are moved by hand


def down(rate: float) -> Callable[[Any, int], None]:
    """As it should be."""

    def moved(model: Any, step: int) -> None:
        for p in model.parameters():
            if p.grad is not None:
                p.data = p.data - rate * p.grad

    return moved


def up(rate: float) -> Callable[[Any, int], None]:
    """The mistake is the plus."""

    def moved(model: Any, step: int) -> None:
        for p in model.parameters():
            p.data = p.data + rate * p.grad

    return moved


def rebound(rate: float) -> Callable[[Any, int], None]:
    """The mistake is a new name for the result, where the parameter's numbers were meant."""

    def moved(model: Any, step: int) -> None:
        for p in model.parameters():
            p = p.data - rate * p.grad

    return moved


def down_last(rate: float) -> Callable[[Any, int], None]:
    """The mistake is that only the last layer is moved."""

    def moved(model: Any, step: int) -> None:
        last = [part for part in model.layers if getattr(part, "parameters", list)()][-1]
        for p in last.parameters():
            p.data = p.data - rate * p.grad

    return moved


# What is made of gradients


def flipped(model: Any, step: int) -> None:
    """The mistake is to turn the gradient round before an optimizer that subtracts it."""
    for p in model.parameters():
        p.grad = -p.grad


def shortened(limit: float) -> Callable[[Any, int], None]:
    """Clipping by hand."""

    def between(model: Any, step: int) -> None:
        gradients = [p.grad for p in model.parameters()]
        length = np.sqrt(sum(float(np.sum(np.square(g))) for g in gradients))
        for p in model.parameters():
            p.grad = p.grad * min(1.0, limit / (length + 1e-12))

    return between
