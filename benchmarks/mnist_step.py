"""One training step of an MNIST network: 784-128-64-10, relu, batch of 128, float32, Adam.

Every side starts from the same weights and does the same work, forward, cross-entropy, backward
and Adam, in turns, in one process and one thread: `python -m benchmarks.mnist_step`. The data are
random, which costs the same. Before the race all sides take the same steps, and must end with the
same loss.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded

import itertools
from collections.abc import Callable
from functools import partial
from importlib import import_module

import numpy as np

from benchmarks.turns import Step, compare
from twingrad import nn

WIDTHS = (784, 128, 64, 10)
ROUNDS, REPEATS = 15, 30
LR, BETA1, BETA2, EPS = 1e-3, 0.9, 0.999, 1e-8


def start(seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """A batch, its labels, and weights and biases by turns."""
    rng = np.random.default_rng(seed)
    X = rng.random((128, 784), dtype=np.float32)
    y = rng.integers(0, 10, 128)
    weights = []
    for into, out in itertools.pairwise(WIDTHS):
        weights += [nn.init.he_uniform((into, out), rng=rng), np.zeros(out, np.float32)]
    return X, y, weights


def twingrad_step() -> Step:
    """With nn.Sequential, nn.cross_entropy and nn.Adam, as a user writes it."""
    X, y, weights = start()
    layers = [nn.Linear(into, out) for into, out in itertools.pairwise(WIDTHS)]
    model = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
    for parameter, numbers in zip(model.parameters(), weights, strict=True):
        parameter.data = numbers
    adam = nn.Adam(model.parameters(), LR, (BETA1, BETA2), EPS)

    def step() -> float:
        loss = nn.cross_entropy(model(X), y)
        adam.zero_grad()
        loss.backward()
        adam.step()
        return loss.item()

    return step


def numpy_step() -> Step:
    """Derived by hand, Adam in place on one flat buffer: what NumPy can do."""
    X, y, weights = start()
    flat = np.concatenate([w.ravel() for w in weights])
    grads, m, v, spare = (np.zeros_like(flat) for _ in range(4))
    ends = np.cumsum([w.size for w in weights])[:-1]
    shapes = [w.shape for w in weights]

    def views(buffer: np.ndarray) -> list[np.ndarray]:
        parts = np.split(buffer, ends)
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    w1, b1, w2, b2, w3, b3 = views(flat)
    g1, c1, g2, c2, g3, c3 = views(grads)
    rows, t = np.arange(len(y)), 0

    def step() -> float:
        nonlocal t
        h1 = X @ w1
        h1 += b1
        np.maximum(h1, 0.0, out=h1)
        h2 = h1 @ w2
        h2 += b2
        np.maximum(h2, 0.0, out=h2)
        z = h2 @ w3
        z += b3
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z)
        total = p.sum(axis=1, keepdims=True)
        loss = float(np.mean(np.log(total[:, 0]) - z[rows, y]))
        p /= total
        p[rows, y] -= 1.0
        p /= len(y)
        np.matmul(h2.T, p, out=g3)
        np.sum(p, axis=0, out=c3)
        d2 = p @ w3.T
        d2 *= h2 > 0.0
        np.matmul(h1.T, d2, out=g2)
        np.sum(d2, axis=0, out=c2)
        d1 = d2 @ w2.T
        d1 *= h1 > 0.0
        np.matmul(X.T, d1, out=g1)
        np.sum(d1, axis=0, out=c1)
        t += 1
        m.__imul__(BETA1)
        np.multiply(grads, 1.0 - BETA1, out=spare)
        m.__iadd__(spare)
        v.__imul__(BETA2)
        np.multiply(grads, grads, out=spare)
        spare.__imul__(1.0 - BETA2)
        v.__iadd__(spare)
        np.multiply(v, 1.0 / (1.0 - BETA2**t), out=spare)
        np.sqrt(spare, out=spare)
        spare.__iadd__(EPS)
        np.divide(m, spare, out=spare)
        spare.__imul__(LR / (1.0 - BETA1**t))
        flat.__isub__(spare)
        return loss

    return step


def torch_step(fused: bool) -> Step:
    """With torch.nn and torch.optim.Adam; `fused` is its Adam in one kernel."""
    torch = import_module("torch")
    torch.set_num_threads(1)
    X, y, weights = start()
    linear = torch.nn.Linear
    layers = [linear(into, out) for into, out in itertools.pairwise(WIDTHS)]
    relu = torch.nn.ReLU
    model = torch.nn.Sequential(layers[0], relu(), layers[1], relu(), layers[2])
    with torch.no_grad():
        for parameter, numbers in zip(model.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(numbers.T.copy()))
    adam = torch.optim.Adam(model.parameters(), LR, (BETA1, BETA2), EPS, fused=fused)
    inputs, labels = torch.from_numpy(X), torch.from_numpy(y)

    def step() -> float:
        loss = torch.nn.functional.cross_entropy(model(inputs), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
        return loss.item()

    return step


SIDES: dict[str, Callable[[], Step]] = {
    "twingrad": twingrad_step,
    "NumPy, by hand": numpy_step,
    "PyTorch": partial(torch_step, fused=False),
    "PyTorch, fused Adam": partial(torch_step, fused=True),
}


def after(make: Callable[[], Step], count: int = 20) -> object:
    """The loss that a side has after some steps; None where it is absent."""
    try:
        step = make()
    except ImportError:
        return None
    return [step() for _ in range(count)][-1]


def main() -> None:
    """See that all sides do the same, then take turns."""
    losses = {name: after(make) for name, make in SIDES.items()}
    reached = [loss for loss in losses.values() if loss is not None]
    if not np.allclose(reached, reached[0], rtol=1e-3):
        raise SystemExit(f"the sides do not do the same work: {losses}")
    compare(SIDES, ROUNDS, REPEATS)


if __name__ == "__main__":
    main()
