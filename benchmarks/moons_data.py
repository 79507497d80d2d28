"""What every side of the moons race starts from: points, labels, weights, and the step's constants.

Where they stand apart, each side can have them without the others.
"""

import itertools

import numpy as np

POINTS = 100
WIDTHS = (2, 16, 16, 1)
LR, PENALTY = 0.01, 1e-4

Start = tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]


def start(seed: int = 0) -> Start:
    """The points (100, 2), their labels (100,), and for each layer its weights and biases.

    Two half circles and some noise, without scikit-learn; weights (in, out) from -1 to 1.
    """
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0.0, np.pi, POINTS)
    label = np.repeat([-1.0, 1.0], POINTS // 2)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    X = np.where(label[:, None] < 0.0, upper, lower) + rng.normal(0.0, 0.1, (POINTS, 2))
    layers = [
        (rng.uniform(-1.0, 1.0, (into, out)), np.zeros(out))
        for into, out in itertools.pairwise(WIDTHS)
    ]
    return X, label, layers


def numbers() -> list[float]:
    """The 337 starting numbers in the order of `model.parameters()`, a neuron after the other."""
    *_, layers = start()
    return [
        float(number)
        for w, b in layers
        for column, bias in zip(w.T, b, strict=True)
        for number in (*column, bias)
    ]
