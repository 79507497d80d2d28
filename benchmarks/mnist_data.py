"""What every side of the MNIST races starts from: a batch, its labels, weights, Adam's constants.

The batch is random, which costs the same as digits do; `epochs` trains on digits.
"""

import itertools
from collections.abc import Sequence

import numpy as np

WIDTHS = (784, 128, 64, 10)
BATCH = 128
LR, BETA1, BETA2, EPS = 1e-3, 0.9, 0.999, 1e-8


def start(
    widths: Sequence[int] = WIDTHS, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """A batch, its labels, and weights and biases by turns, in float32."""
    rng = np.random.default_rng(seed)
    X = rng.random((BATCH, widths[0]), dtype=np.float32)
    y = rng.integers(0, widths[-1], BATCH)
    return X, y, drawn(widths, rng)


def drawn(widths: Sequence[int], rng: np.random.Generator) -> list[np.ndarray]:
    """Weights (in, out), uniform with He's variance, and biases 0."""
    weights = []
    for into, out in itertools.pairwise(widths):
        limit = np.sqrt(6.0 / into)
        weights.append(rng.uniform(-limit, limit, (into, out)).astype(np.float32))
        weights.append(np.zeros(out, np.float32))
    return weights
