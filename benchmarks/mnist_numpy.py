"""The MNIST step derived by hand, in place: what NumPy can do, and so what twingrad is held to.

Every result has its place before the first step, and all parameters lie in one buffer, which Adam
walks through in twelve passes.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from benchmarks.mnist_data import BETA1, BETA2, EPS, LR, WIDTHS, start
from benchmarks.side import Step


class Flat:
    """Parameters in one buffer, gradients in another, and Adam over both.

    Kingma & Ba 2015, with the two corrections in one factor, as the end of their section 2 has it.
    """

    def __init__(self, weights: Sequence[np.ndarray]) -> None:
        self.shapes = [w.shape for w in weights]
        self.ends = np.cumsum([w.size for w in weights])[:-1]
        self.numbers = np.concatenate([w.ravel() for w in weights])
        self.grads, self.m, self.v, self.spare = (np.zeros_like(self.numbers) for _ in range(4))
        self.taken = 0

    def views(self, buffer: np.ndarray) -> list[np.ndarray]:
        """The parts of a buffer in their own shapes."""
        parts = np.split(buffer, self.ends)
        return [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def adam(self) -> None:
        """One step of Adam in place."""
        self.taken += 1
        grads, m, v, spare = self.grads, self.m, self.v, self.spare
        correction = (1.0 - BETA2**self.taken) ** 0.5
        np.multiply(m, BETA1, m)
        np.multiply(grads, 1.0 - BETA1, spare)
        np.add(m, spare, m)
        np.multiply(v, BETA2, v)
        np.multiply(grads, grads, spare)
        np.multiply(spare, 1.0 - BETA2, spare)
        np.add(v, spare, v)
        np.sqrt(v, spare)
        np.add(spare, EPS * correction, spare)
        np.divide(m, spare, spare)
        np.multiply(spare, LR * correction / (1.0 - BETA1**self.taken), spare)
        np.subtract(self.numbers, spare, self.numbers)


class ByHand(NamedTuple):
    """A network of linear layers with relu, derived by hand, in the parts of its step.

    They follow each other in this order, on the same batch; `flat.adam` comes after them.
    """

    forward: Callable[[np.ndarray], None]
    loss: Callable[[np.ndarray], float]
    backward: Callable[[np.ndarray], None]
    flat: Flat

    def step(self, X: np.ndarray, y: np.ndarray) -> float:
        """Learn from a batch; returns the loss before that."""
        self.forward(X)
        loss = self.loss(y)
        self.backward(X)
        self.flat.adam()
        return loss


def by_hand(flat: Flat) -> ByHand:
    """The step for the parameters in `flat`, weights and biases by turns, of any depth."""
    parameters, slopes = flat.views(flat.numbers), flat.views(flat.grads)
    weights, biases = parameters[::2], parameters[1::2]
    of_weights, of_biases = slopes[::2], slopes[1::2]
    widths = [len(bias) for bias in biases]
    last = len(widths) - 1
    dot, add, multiply, greater, maximum = np.dot, np.add, np.multiply, np.greater, np.maximum

    @cache
    def places(n: int) -> tuple[list[Any], list[Any], list[Any], np.ndarray, np.ndarray]:
        """Room for the results of each layer, for their gradients, for masks, and for a column."""
        results, gradients = ([np.empty((n, w), np.float32) for w in widths] for _ in range(2))
        masks = [np.empty((n, w), bool) for w in widths]
        return results, gradients, masks, np.empty((n, 1), np.float32), np.arange(n)

    def forward(X: np.ndarray) -> None:
        results = places(len(X))[0]
        x = X
        for w, b, h in zip(weights, biases, results, strict=True):
            dot(x, w, h)
            add(h, b, h)
            x = maximum(h, 0.0, out=h) if h is not results[last] else h

    def loss(y: np.ndarray) -> float:
        results, gradients, _, column, rows = places(len(y))
        z, p = results[last], gradients[last]
        z.max(axis=1, out=column, keepdims=True)
        np.subtract(z, column, z)
        np.exp(z, p)
        p.sum(axis=1, out=column, keepdims=True)
        found = float((np.log(column[:, 0]) - z[rows, y]).mean())
        np.divide(p, column, p)
        p[rows, y] -= 1.0
        multiply(p, 1.0 / len(y), p)
        return found

    def backward(X: np.ndarray) -> None:
        results, gradients, masks, *_ = places(len(X))
        for i in range(last, -1, -1):
            grad = gradients[i]
            dot((results[i - 1] if i else X).T, grad, of_weights[i])
            grad.sum(axis=0, out=of_biases[i])
            if i:
                below = gradients[i - 1]
                dot(grad, weights[i].T, below)
                greater(results[i - 1], 0.0, masks[i - 1])
                multiply(below, masks[i - 1], below)

    return ByHand(forward, loss, backward, flat)


def numpy_step(widths: Sequence[int] = WIDTHS) -> Step:
    """The step on one batch again and again."""
    X, y, weights = start(widths)
    step = by_hand(Flat(weights)).step
    return lambda: step(X, y)


def products_alone(widths: Sequence[int] = WIDTHS) -> Step:
    """The matrix products of that step, and nothing else."""
    X, _, weights = start(widths)
    matrices = weights[::2]
    results = [np.ones((len(X), w.shape[1]), np.float32) for w in matrices]
    below = [X, *results[:-1]]
    spare, slopes = [np.empty_like(x) for x in below], [np.empty_like(w) for w in matrices]

    def step() -> None:
        for x, w, h in zip(below, matrices, results, strict=True):
            np.dot(x, w, h)
        for i in range(len(matrices) - 1, -1, -1):
            np.dot(below[i].T, results[i], slopes[i])
            if i:
                np.dot(results[i], matrices[i].T, spare[i])

    return step
