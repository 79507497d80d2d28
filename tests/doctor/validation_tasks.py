"""Tasks of the validation set, none of them one that thresholds were set on."""

import numpy as np

from tests.doctor.tasks import Task
from twingrad import nn


def ripple(seed: int) -> Task:
    """A curve over one number, of 80 points."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (80, 1))
    y = np.sin(3.0 * X[:, 0]) * (1.0 + 0.3 * X[:, 0]) + rng.normal(0.0, 0.15, 80)
    return Task(X, (y - y.mean()) / y.std(), "numbers", 1)


def hand(seed: int) -> Task:
    """Where an arm's hand is, two numbers, by two angles and a reach."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (220, 3))
    one, two, reach = X[:, 0], X[:, 0] + X[:, 1], 1.5 + 0.4 * X[:, 2]
    y = np.stack([np.cos(one) + reach * np.cos(two), np.sin(one) + reach * np.sin(two)], axis=1)
    y += rng.normal(0.0, 0.08, y.shape)
    return Task(X, (y - y.mean(axis=0)) / y.std(axis=0), "numbers", 2)


def clover(seed: int) -> Task:
    """Inside or outside of a clover leaf."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.6, 1.6, (260, 2))
    leaf = 1.0 + 0.45 * np.cos(3.0 * np.arctan2(X[:, 1], X[:, 0]))
    return Task(X, np.where(np.linalg.norm(X, axis=1) < leaf, 1.0, -1.0), "two", 1)


def clusters(seed: int) -> Task:
    """Six classes, two clusters each, in 12 features of which six say something."""
    rng = np.random.default_rng(seed)
    label, part = rng.integers(0, 6, 480), rng.integers(0, 2, 480)
    centres = np.random.default_rng(seed + 900).normal(0.0, 1.6, (6, 2, 6))
    X = rng.normal(0.0, 1.0, (480, 12))
    X[:, :6] += centres[label, part]
    return Task((X - X.mean(axis=0)) / X.std(axis=0), label, "classes", 6)


def topics(seed: int) -> Task:
    """Four topics by how often each of 50 words comes: sparse counts."""
    rng = np.random.default_rng(seed)
    rates = np.random.default_rng(seed + 901).gamma(0.5, 0.6, (4, 50)) + 0.03
    label = rng.integers(0, 4, 320)
    return Task(rng.poisson(rates[label]).astype(float), label, "classes", 4)


def chains(seed: int) -> Task:
    """Which of three habits wrote twelve letters of four, one-hot in a row."""
    rng = np.random.default_rng(seed)
    habits = np.random.default_rng(902).dirichlet([0.5] * 4, (3, 4))
    label = rng.integers(0, 3, 420)
    codes = np.zeros((420, 12), int)
    codes[:, 0] = rng.integers(0, 4, 420)
    for i, habit in enumerate(label):
        for at in range(1, 12):
            codes[i, at] = rng.choice(4, p=habits[habit, codes[i, at - 1]])
    return Task(np.eye(4)[codes].reshape(420, 48), label, "classes", 3)


def clients(seed: int) -> Task:
    """Age, income, visits, rooms and two flags, standardised, and who buys: about 60 to 40."""
    rng = np.random.default_rng(seed)
    age, income = rng.uniform(18, 80, 360), rng.lognormal(10.0, 0.5, 360)
    visits, rooms = rng.poisson(3.0, 360), rng.integers(1, 6, 360)
    flags = rng.uniform(0.0, 1.0, (360, 2)) < [0.4, 0.6]
    X = np.stack([age, income, visits, rooms, *flags.T], axis=1).astype(float)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    chance = X[:, 2] + 0.8 * X[:, 0] * X[:, 4] + 0.6 * X[:, 1] - 0.4 + rng.logistic(0, 0.35, 360)
    return Task(X, np.where(chance > 0.0, 1.0, -1.0), "two", 1)


def spots(seed: int) -> Task:
    """Images of 10 by 10 with a round spot in one of four corners, or a ring in the middle."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 5, 300)
    row, column = np.mgrid[:10, :10]
    X = rng.normal(0.0, 0.4, (300, 1, 10, 10))
    for i, kind in enumerate(label):
        y, x = rng.uniform(1.5, 3.5, 2)
        y, x = (9 - y if kind in (2, 3) else y), (9 - x if kind in (1, 3) else x)
        if kind == 4:
            far = np.hypot(row - 4.5, column - 4.5)
            X[i, 0] += 1.5 * np.exp(-((far - rng.uniform(2.0, 3.5)) ** 2))
        else:
            X[i, 0] += 1.5 * np.exp(-((row - y) ** 2 + (column - x) ** 2) / 3.0)
    return Task(X, label, "classes", 5)


def springs(seed: int) -> Task:
    """The energy of three masses on springs, of 600 with a tenth of noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0.0, 1.0, (600, 6))
    at, speed = X[:, :3], X[:, 3:]
    energy = (speed**2).sum(axis=1) + (np.diff(at, axis=1) ** 2).sum(axis=1)
    y = np.sqrt(energy) + rng.normal(0.0, 0.15, 600)
    return Task(X, (y - y.mean()) / y.std(), "numbers", 1)


def teacher(seed: int) -> Task:
    """What another network says, of 1,000 samples."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0.0, 1.0, (1000, 9))
    weights = np.random.default_rng(seed + 903)
    first, last = weights.normal(0.0, 0.5, (9, 6)), weights.normal(0.0, 1.0, 6)
    y = np.tanh(X @ first) @ last
    y += rng.normal(0.0, 0.2 * y.std(), 1000)
    return Task(X, (y - y.mean()) / y.std(), "numbers", 1)


def largest(seed: int) -> Task:
    """Which of four numbers is the largest."""
    X = np.random.default_rng(seed).normal(0.0, 1.0, (280, 4))
    return Task(X, X.argmax(axis=1), "classes", 4)


def strokes(seed: int) -> Task:
    """Of the digits that scikit-learn has: whether it is a 3 or an 8, by its 8 rows' and columns'
    means, in 300 samples.
    """
    X, y = nn.data.digits()
    chosen = np.flatnonzero((y == 3) | (y == 8))
    chosen = np.random.default_rng(seed).permutation(chosen)[:300]
    images = X[chosen].reshape(-1, 8, 8)
    X = np.hstack([images.mean(axis=1), images.mean(axis=2)])
    X = X[:, X.std(axis=0) > 0.01]
    return Task((X - X.mean(axis=0)) / X.std(axis=0), np.where(y[chosen] == 3, 1.0, -1.0), "two", 1)


TASKS = {
    made.__name__: made
    for made in (
        ripple, hand, clover, clusters, topics, chains, clients, spots, springs, teacher, largest,
        strokes,
    )
}  # fmt: skip
