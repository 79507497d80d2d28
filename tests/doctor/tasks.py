"""Tasks to learn, each in seconds: those that thresholds were set on, and others kept unseen."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from twingrad import nn

Array = np.ndarray


class Task(NamedTuple):
    """Samples, targets, and what they are: "two" classes, "classes" or "numbers"."""

    X: Array
    y: Array
    kind: str
    outputs: int


def moons(seed: int) -> Task:
    X, y = nn.data.moons(200, noise=0.1, rng=seed)
    return Task(X, y, "two", 1)


def digits(seed: int) -> Task:
    X, y = nn.data.digits()
    chosen = np.random.default_rng(seed).permutation(len(X))[:600]
    return Task(X[chosen], y[chosen], "classes", 10)


def waves(seed: int) -> Task:
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2.0, 2.0, (300, 2))
    y = np.sin(2.0 * X[:, 0]) + 0.5 * X[:, 1] + rng.normal(0.0, 0.1, 300)
    return Task(X, y, "numbers", 1)


def xor(seed: int) -> Task:
    """XOR by noisy copies of its corners, centred."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 2, (200, 2))
    X = 2.0 * corners - 1.0 + rng.normal(0.0, 0.25, (200, 2))
    return Task(X, 2.0 * (corners[:, 0] ^ corners[:, 1]) - 1.0, "two", 1)


def iris(seed: int) -> Task:
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    return Task((X - X.mean(axis=0)) / X.std(axis=0), y, "classes", 3)


def circles(seed: int) -> Task:
    rng = np.random.default_rng(seed)
    angle, inner = rng.uniform(0.0, 2.0 * np.pi, 240), rng.integers(0, 2, 240)
    radius = np.where(inner, 0.5, 1.2) + rng.normal(0.0, 0.08, 240)
    return Task(
        np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1),
        2.0 * inner - 1.0,
        "two",
        1,
    )


def spirals(seed: int) -> Task:
    """Three arms."""
    rng = np.random.default_rng(seed)
    arm, way = rng.integers(0, 3, 450), rng.uniform(0.15, 1.0, 450)
    angle = 4.0 * way + 2.0 * np.pi * arm / 3.0 + rng.normal(0.0, 0.1, 450)
    return Task(
        2.0 * np.stack([way * np.cos(angle), way * np.sin(angle)], axis=1), arm, "classes", 3
    )


def blobs(seed: int) -> Task:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 5, 400)
    centres = rng.normal(0.0, 2.5, (5, 6))
    return Task(centres[label] + rng.normal(0.0, 1.0, (400, 6)), label, "classes", 5)


def diabetes(seed: int) -> Task:
    """442 patients, whose disease after a year is known to an R² of about a half."""
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    return Task(X / X.std(axis=0), (y - y.mean()) / y.std(), "numbers", 1)


def wine(seed: int) -> Task:
    from sklearn.datasets import load_wine

    X, y = load_wine(return_X_y=True)
    return Task((X - X.mean(axis=0)) / X.std(axis=0), y, "classes", 3)


def images(seed: int) -> Task:
    """Digits as images, for convolutions."""
    X, y = nn.data.digits()
    chosen = np.random.default_rng(100 + seed).permutation(len(X))[:500]
    return Task(X[chosen].reshape(-1, 1, 8, 8), y[chosen], "classes", 10)


def letters(seed: int) -> Task:
    """Three letters of a text, one-hot, and whether the next one is a vowel."""
    text = (
        "the gradient of a sum is the sum of the gradients and the gradient of a product is a sum "
        "of products so that whoever knows the parts knows the whole and nobody has to remember "
        "more than a small table of rules which is why a machine can do it without a mistake "
    ) * 2
    order = {letter: i for i, letter in enumerate(sorted(set(text)))}
    start = 10 * seed
    codes = np.array([order[letter] for letter in text[start : start + 440]])
    X = np.hstack([np.eye(len(order))[codes[i : len(codes) - 3 + i]] for i in range(3)])
    follows = text[start + 3 : start + 440]
    return Task(X, np.array([letter in "aeiou" for letter in follows], int), "classes", 2)


def friedman(seed: int) -> Task:
    """Friedman 1991, whose target needs five of ten features."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.0, 1.0, (400, 10))
    a, b, c, d, e = (X[:, :5] + 1.0).T / 2.0
    y = 10 * np.sin(np.pi * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e + rng.normal(0, 1, 400)
    return Task(X, (y - y.mean()) / y.std(), "numbers", 1)


def board(seed: int) -> Task:
    """A board of 3 by 3 fields in two colours."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.5, 1.5, (400, 2))
    field = np.floor(X[:, 0] + 1.5) + np.floor(X[:, 1] + 1.5)
    return Task(X, 2.0 * (field % 2) - 1.0, "two", 1)


def rings(seed: int) -> Task:
    """Four rings, one around the other, in space."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0.0, 1.0, (400, 3))
    size = np.linalg.norm(X, axis=1)
    return Task(X, np.searchsorted(np.quantile(size, [0.25, 0.5, 0.75]), size), "classes", 4)


def cancer(seed: int) -> Task:
    """Wisconsin's breast cancers, benign or not."""
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    chosen = np.random.default_rng(seed).permutation(len(X))[:300]
    X = X[chosen]
    return Task((X - X.mean(axis=0)) / X.std(axis=0), 2.0 * y[chosen] - 1.0, "two", 1)


def bars(seed: int) -> Task:
    """Images of 8 by 8 with a bar: level, upright or along either diagonal."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0.0, 0.3, (300, 1, 8, 8))
    label, at = rng.integers(0, 4, 300), rng.integers(1, 7, 300)
    for i, (kind, place) in enumerate(zip(label, at, strict=True)):
        if kind == 0:
            X[i, 0, place] += 1.0
        elif kind == 1:
            X[i, 0, :, place] += 1.0
        else:
            image = X[i, 0] if kind == 2 else X[i, 0, :, ::-1]
            image[np.arange(8), np.arange(8)] += 1.0
    return Task(X, label, "classes", 4)


def pendulum(seed: int) -> Task:
    """The angle of a damped pendulum after a time, from where it began."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.0, 1.0, (300, 4))
    time, angle, speed, length = X.T
    beat = np.sqrt(1.0 / (length + 1.5))
    way = angle * np.cos(6.0 * beat * (time + 1.0)) + speed * np.sin(6.0 * beat * (time + 1.0))
    y = np.exp(-0.4 * (time + 1.0)) * way + rng.normal(0.0, 0.05, 300)
    return Task(X, (y - y.mean()) / y.std(), "numbers", 1)


def words(seed: int) -> Task:
    """Which of six words are in a sentence of twelve, and whether its mood is good."""
    rng = np.random.default_rng(seed)
    X = (rng.uniform(0.0, 1.0, (350, 24)) < 0.25).astype(float)
    mood = X[:, :6].sum(axis=1) - X[:, 6:12].sum(axis=1) + 2.0 * X[:, 0] * X[:, 6]
    noise = rng.normal(0.0, 0.4, 350)
    return Task(X, (mood + noise > 0.0).astype(int), "classes", 2)


def prices(seed: int) -> Task:
    """A made-up market: size, age, place and noise, standardised, a third of it chance."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0.0, 1.0, (350, 5))
    y = X[:, 0] + 0.5 * X[:, 0] * X[:, 1] - np.abs(X[:, 2]) + rng.normal(0.0, 0.9, 350)
    return Task(X, (y - y.mean()) / y.std(), "numbers", 1)


# Unseen while thresholds were set


def stripes(seed: int) -> Task:
    """Slanted stripes in two colours."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.5, 1.5, (320, 2))
    return Task(X, np.where(np.sin(3.0 * X[:, 0] + 2.0 * X[:, 1]) > 0.0, 1.0, -1.0), "two", 1)


def shells(seed: int) -> Task:
    """Three elliptic shells in four dimensions, with some noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0.0, 1.0, (360, 4))
    size = (X**2 * [1.0, 0.5, 0.5, 0.2]).sum(axis=1) + rng.normal(0.0, 0.15, 360)
    return Task(X, np.searchsorted(np.quantile(size, [0.33, 0.67]), size), "classes", 3)


def arm(seed: int) -> Task:
    """How high the hand of a robot of two joints is, by its angles and lengths."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.0, 1.0, (320, 4))
    one, two, first, second = X.T
    y = (first + 1.5) * np.sin(2.0 * one) + (second + 1.5) * np.sin(2.0 * (one + two))
    y += rng.normal(0.0, 0.1, 320)
    return Task(X, (y - y.mean()) / y.std(), "numbers", 1)


def shapes(seed: int) -> Task:
    """Images of 8 by 8 with a frame, a cross or a block, somewhere."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0.0, 0.25, (300, 1, 8, 8))
    label = rng.integers(0, 3, 300)
    for i, (row, column) in enumerate(rng.integers(0, 4, (300, 2))):
        patch = X[i, 0, row : row + 5, column : column + 5]
        if label[i] == 0:
            patch[[0, -1]] += 1.0
            patch[:, [0, -1]] += 1.0
        elif label[i] == 1:
            patch[2] += 1.0
            patch[:, 2] += 1.0
        else:
            patch[1:-1, 1:-1] += 1.0
    return Task(X, label, "classes", 3)


def genes(seed: int) -> Task:
    """Eight letters of four, one-hot, and which of three groups their sum of weights is in."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (380, 8))
    weights = np.random.default_rng(99).normal(0.0, 1.0, (8, 4))
    total = weights[np.arange(8), codes].sum(axis=1) + rng.normal(0.0, 0.3, 380)
    X = np.eye(4)[codes].reshape(380, 32)
    return Task(X, np.searchsorted(np.quantile(total, [0.33, 0.67]), total), "classes", 3)


def weather(seed: int) -> Task:
    """A number by hour and season, with much noise."""
    rng = np.random.default_rng(seed)
    hour, day = rng.uniform(0.0, 1.0, (2, 360))
    y = np.sin(2 * np.pi * hour) + np.cos(2 * np.pi * day) * hour + rng.normal(0.0, 0.4, 360)
    X = np.stack([hour, day, rng.uniform(0.0, 1.0, 360)], axis=1)
    return Task((X - 0.5) * np.sqrt(12.0), (y - y.mean()) / y.std(), "numbers", 1)


def ring_or_core(seed: int) -> Task:
    """A core of one class in a ball of the other, in five dimensions."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0.0, 1.0, (360, 5))
    near = (X[:, :3] ** 2).sum(axis=1)
    return Task(X, np.where(near < np.median(near), 1.0, -1.0), "two", 1)


TUNING: list[Callable[[int], Task]] = [
    moons, digits, waves, xor, iris, circles, spirals, blobs, diabetes, wine, images, letters,
    friedman, board, rings, pendulum, cancer, bars, words, prices,
]  # fmt: skip
UNSEEN: list[Callable[[int], Task]] = [
    stripes, shells, arm, shapes, genes, weather, ring_or_core,
]  # fmt: skip


def loss_of(task: Task) -> Any:
    """The loss that fits a task."""
    return nn.cross_entropy if task.kind == "classes" else nn.mse_loss
