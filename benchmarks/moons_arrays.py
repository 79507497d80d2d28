"""The moons step with a node, or nothing, for each array: PyTorch, and NumPy derived by hand.

The second NumPy is the yardstick of the recorded step: everything in place, one buffer of
parameters, biases as one more weight of an input that is 1, and no call too many.
"""

import numpy as np

from benchmarks.moons_data import LR, PENALTY, start
from benchmarks.side import Step


def torch_tensors() -> Step:
    """With torch.nn, and SGD's weight decay for the gradient of L2: the fastest of three forms."""
    import torch

    torch.set_num_threads(1)
    X, y, layers = start()
    linears = [torch.nn.Linear(*w.shape, dtype=torch.float64) for w, _ in layers]
    relu = torch.nn.ReLU
    model = torch.nn.Sequential(linears[0], relu(), linears[1], relu(), linears[2])
    with torch.no_grad():
        for linear, (w, b) in zip(linears, layers, strict=True):
            linear.weight.copy_(torch.from_numpy(w.T.copy()))
            linear.bias.copy_(torch.from_numpy(b))
    inputs, targets = torch.from_numpy(X), torch.from_numpy(y)[:, None]
    sgd = torch.optim.SGD(model.parameters(), LR, weight_decay=2.0 * PENALTY)

    def step() -> float:
        loss = torch.relu(1.0 - targets * model(inputs)).mean()
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        return loss.item()

    def loss() -> float:
        squares = sum((p * p).sum().item() for p in model.parameters())
        hinge = torch.relu(1.0 - targets * model(inputs)).mean().item()
        return float(hinge + PENALTY * squares)

    step.loss = loss  # type: ignore[attr-defined]
    return step


def numpy_plain() -> Step:
    """As one writes it down: an array for each result."""
    X, y, layers = start()
    weights, biases = [w for w, _ in layers], [b for _, b in layers]

    def step() -> float:
        activations = [X]
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            z = activations[-1] @ w + b
            activations.append(np.maximum(z, 0.0) if i < 2 else z)
        margin = 1.0 - y[:, None] * activations[-1]
        loss = np.maximum(margin, 0.0).mean()
        grad = np.where(margin > 0.0, -y[:, None], 0.0) / len(y)
        for i in (2, 1, 0):
            w, b = weights[i], biases[i]
            loss += PENALTY * (np.vdot(w, w) + np.vdot(b, b))
            of_w, of_b = activations[i].T @ grad, grad.sum(axis=0)
            if i:
                grad = (grad @ w.T) * (activations[i] > 0.0)
            w -= LR * (of_w + 2.0 * PENALTY * w)
            b -= LR * (of_b + 2.0 * PENALTY * b)
        return float(loss)

    return step


def numpy_in_place() -> Step:
    """As fast as NumPy goes: 24 calls, none of which makes an array.

    Activations are (features, points), and end with a row of ones, whose weights are the biases.
    """
    X, y, layers = start()
    n = len(y)
    theta, grads = np.empty(337), np.empty(337)

    def views(buffer: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return buffer[:48].reshape(16, 3), buffer[48:320].reshape(16, 17), buffer[320:][None]

    w1, w2, w3 = views(theta)
    g1, g2, g3 = views(grads)
    for ours, (w, b) in zip((w1, w2, w3), layers, strict=True):
        ours[:, :-1], ours[:, -1] = w.T, b
    w2_back, w3_back = w2[:, :16].T, w3[:, :16].T

    with_one = np.ones((3, n)), np.ones((17, n)), np.ones((17, n))
    x, a1, a2 = with_one
    x[:2] = X.T
    h1, h2 = a1[:16], a2[:16]
    x_back, a1_back, a2_back = (a.T for a in with_one)
    d1, d2 = np.empty((2, 16, n))
    margins, slopes = np.empty((2, 1, n))
    active, positive = np.empty((1, n), bool), np.empty((16, n), bool)
    signs, shares, mean = -y[None], -y[None] / n, np.full(n, 1.0 / n)
    dot, add, subtract, multiply = np.dot, np.add, np.subtract, np.multiply
    maximum, greater = np.maximum, np.greater
    decay = 1.0 - 2.0 * PENALTY * LR

    def step() -> float:
        dot(w1, x, h1)
        maximum(h1, 0.0, out=h1)
        dot(w2, a1, h2)
        maximum(h2, 0.0, out=h2)
        dot(w3, a2, margins)
        multiply(margins, signs, margins)
        add(margins, 1.0, margins)
        maximum(margins, 0.0, out=margins)
        loss = dot(margins[0], mean) + PENALTY * dot(theta, theta)
        greater(margins, 0.0, active)
        multiply(active, shares, slopes)
        dot(slopes, a2_back, g3)
        multiply(w3_back, slopes, d2)
        greater(h2, 0.0, positive)
        multiply(d2, positive, d2)
        dot(d2, a1_back, g2)
        dot(w2_back, d2, d1)
        greater(h1, 0.0, positive)
        multiply(d1, positive, d1)
        dot(d1, x_back, g1)
        multiply(grads, LR, grads)
        multiply(theta, decay, theta)
        subtract(theta, grads, theta)
        return float(loss)

    return step
