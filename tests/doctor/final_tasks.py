"""Tasks of the final set, which are of no other set, and which no threshold has seen."""

from functools import cache

import numpy as np

from tests.doctor.tasks import Task
from twingrad import nn


def handwriting(seed: int) -> Task:
    """MNIST's digits as images of 10 by 10, 500 of them; without MNIST, digits of seven bars."""
    rng = np.random.default_rng(seed)
    found = mnist()
    if found is None:
        label = rng.integers(0, 10, 500)
        return Task(_bars(label, rng), label, "classes", 10)
    chosen = rng.permutation(len(found[0]))[:500]
    X = found[0][chosen].reshape(-1, 28, 28)[:, 4:24, 4:24].astype(float)
    X = X.reshape(-1, 10, 2, 10, 2).mean(axis=(2, 4))[:, None]
    return Task(X, found[1][chosen], "classes", 10)


@cache
def mnist() -> tuple[np.ndarray, np.ndarray] | None:
    """The first 6,000 digits of MNIST, None where it is not there."""
    try:
        (X, y), _ = nn.data.mnist()
    except FileNotFoundError:
        return None
    return X[:6000].copy(), y[:6000].copy()


def _bars(label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    lit = ["012456", "25", "02346", "02356", "1235", "01356", "013456", "025", "0123456", "012356"]
    where = [(1, slice(2, 8)), (slice(1, 5), 2), (slice(1, 5), 7), (5, slice(2, 8))]
    where += [(slice(5, 9), 2), (slice(5, 9), 7), (8, slice(2, 8))]
    X = np.abs(rng.normal(0.0, 0.25, (len(label), 1, 10, 10)))
    for i, digit in enumerate(label):
        for bar in lit[digit]:
            X[(i, 0, *where[int(bar)])] += 0.7
    return X


def picture(seed: int) -> Task:
    """Red, green and blue of a photograph of a temple, by the place in it."""
    from sklearn.datasets import load_sample_image

    blocks = load_sample_image("china.jpg")[:420, :640].reshape(21, 20, 32, 20, 3)
    y = blocks.mean(axis=(1, 3)).reshape(-1, 3)
    X = np.stack(np.mgrid[:21, :32], axis=-1).reshape(-1, 2).astype(float)
    chosen = np.random.default_rng(seed).permutation(len(X))[:640]
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean(axis=0)) / y.std(axis=0)
    return Task(X[chosen], y[chosen], "numbers", 3)


def tides(seed: int) -> Task:
    """The next two heights of a tide, by the 16 before."""
    rng = np.random.default_rng(seed)
    time = np.arange(330.0)
    height = np.sin(0.5 * time + seed) + 0.7 * np.sin(0.21 * time) + rng.normal(0.0, 0.2, 330)
    height = (height - height.mean()) / height.std()
    window = np.stack([height[i : i + 18] for i in range(310)])
    return Task(window[:, :16], window[:, 16:], "numbers", 2)


def octants(seed: int) -> Task:
    """Eight corners of a cube, neighbours of different colours, 400 samples."""
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 2, (400, 3))
    X = 2.0 * corner - 1.0 + rng.normal(0.0, 0.3, (400, 3))
    return Task(X, 2.0 * (corner.sum(axis=1) % 2) - 1.0, "two", 1)


def dial(seed: int) -> Task:
    """Which hour a hand shows: twelve classes."""
    rng = np.random.default_rng(seed)
    hour, length = rng.integers(0, 12, 900), rng.uniform(0.6, 1.6, 900)
    angle = 2.0 * np.pi * (hour + rng.normal(0.0, 0.22, 900)) / 12.0
    X = np.stack([length * np.cos(angle), length * np.sin(angle)], axis=1)
    return Task(1.3 * X, hour, "classes", 12)


def promoter(seed: int) -> Task:
    """Ten letters of four, one-hot, and whether a pair of them is as it must be: 800 samples."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (800, 10))
    weights = np.random.default_rng(seed + 700).normal(0.0, 1.0, (10, 4))
    total = weights[np.arange(10), codes].sum(axis=1) + 1.5 * (codes[:, 3] == codes[:, 4])
    total += rng.normal(0.0, 0.5, 800)
    label = (total > np.quantile(total, 0.45)).astype(int)
    return Task(np.eye(4)[codes].reshape(800, 40), label, "classes", 2)


def basket(seed: int) -> Task:
    """What a basket costs, by how many of each of 30 goods are in it, most of them none."""
    rng = np.random.default_rng(seed)
    rates = np.random.default_rng(seed + 701).uniform(0.1, 0.8, 30)
    X = rng.poisson(rates, (450, 30)).astype(float)
    price = np.random.default_rng(seed + 702).gamma(1.0, 1.0, 30)
    y = X @ price - 0.1 * np.maximum(X @ price - 8.0, 0.0) ** 1.3 + rng.normal(0.0, 1.0, 450)
    return Task(X, (y - y.mean()) / y.std(), "numbers", 1)


def loans(seed: int) -> Task:
    """Nine columns of as many units, standardised, and who pays; a tenth is not as it looks."""
    rng = np.random.default_rng(seed)
    X = np.stack(
        [
            rng.lognormal(10, 0.6, 1500), rng.uniform(18, 75, 1500), rng.poisson(2.0, 1500),
            rng.gamma(2.0, 800.0, 1500), rng.integers(0, 2, 1500), rng.normal(650, 80, 1500),
            rng.exponential(3.0, 1500), rng.integers(1, 8, 1500), rng.uniform(0, 1, 1500),
        ],
        axis=1,
    )  # fmt: skip
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    sure = X[:, 5] + 0.7 * X[:, 0] - 0.8 * X[:, 2] * X[:, 4] + 0.5 * np.abs(X[:, 1])
    y = np.where(sure > np.median(sure), 1.0, -1.0)
    return Task(X, np.where(rng.uniform(0, 1, 1500) < 0.1, -y, y), "two", 1)


def weaves(seed: int) -> Task:
    """Images of 12 by 12 of three weaves, at any shift."""
    rng = np.random.default_rng(seed)
    label, shift = rng.integers(0, 3, 260), rng.uniform(0.0, 6.3, 260)
    row, column = np.mgrid[:12, :12]
    waves = np.stack([1.3 * row, 1.3 * column, 0.9 * (row + column)])
    X = np.sin(waves[label] + shift[:, None, None]) + rng.normal(0.0, 0.5, (260, 12, 12))
    return Task(X[:, None], label, "classes", 3)


def roll(seed: int) -> Task:
    """Where on a rolled sheet: five stretches of a Swiss roll, standardised."""
    from sklearn.datasets import make_swiss_roll

    X, t = make_swiss_roll(600, noise=0.4, random_state=seed)
    label = np.searchsorted(np.quantile(t, [0.2, 0.4, 0.6, 0.8]), t)
    return Task(1.3 * (X - X.mean(axis=0)) / X.std(axis=0), label, "classes", 5)


def circuit(seed: int) -> Task:
    """Friedman's impedance of a circuit, of 70 samples in units of their own, standardised."""
    from sklearn.datasets import make_friedman2

    X, y = make_friedman2(70, noise=40.0, random_state=seed)
    return Task((X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std(), "numbers", 1)


def patients(seed: int) -> Task:
    """Two groups in twenty dimensions, of 160 samples, 60 to 40."""
    rng = np.random.default_rng(seed)
    y = np.where(rng.uniform(0, 1, 160) < 0.6, 1.0, -1.0)
    X = rng.normal(0.0, 1.0, (160, 20))
    X[:, :5] += 0.75 * y[:, None]
    return Task((X - X.mean(axis=0)) / X.std(axis=0), y, "two", 1)


TASKS = {
    made.__name__: made
    for made in (
        handwriting, picture, tides, octants, dial, promoter, basket, loans, weaves, roll, circuit,
        patients,
    )
}  # fmt: skip
