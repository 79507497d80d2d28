"""Tasks of the last set, which are of no other set; thresholds were set without them."""

import numpy as np

from tests.doctor.fresh_tasks import standard
from tests.doctor.tasks import Task


def shore(seed: int) -> Task:
    """Land or sea, by the place on a map with a winding shore, of 190 places."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (190, 2))
    over = X[:, 1] - 0.9 * np.sin(1.9 * X[:, 0]) + rng.normal(0.0, 0.08, 190)
    return Task(X, np.where(over > np.median(over), 1.0, -1.0), "two", 1)


def tank(seed: int) -> Task:
    """Whether a tank runs over, by what flows in and out, its size and how full it is, of 380."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (380, 5))
    into, out, size = np.exp(0.4 * X[:, 0]), np.exp(0.4 * X[:, 1]), 2.0 + 0.6 * X[:, 2]
    over = 0.5 * (X[:, 3] + 1.7) + 2.0 * (into - out) * (1.0 + 0.3 * X[:, 4]) - size
    over += rng.normal(0.0, 0.1, 380)
    return Task(X, np.where(over > np.median(over), 1.0, -1.0), "two", 1)


def mushrooms(seed: int) -> Task:
    """Whether a mushroom is edible, by its cap, gills and stem, one-hot, and 3 sizes, of 900."""
    rng = np.random.default_rng(seed)
    parts, sizes = rng.integers(0, 3, (900, 3)), rng.normal(0.0, 1.0, (900, 3))
    good = 1.2 * (parts[:, 0] == parts[:, 1]) - 0.9 * (parts[:, 2] == 2) + 0.5 * sizes[:, 0]
    good += 0.4 * np.abs(sizes[:, 1]) + rng.normal(0.0, 0.15, 900)
    X = np.hstack([sizes, 1.5 * np.eye(3)[parts].reshape(900, 9) - 0.5])
    return Task(X, np.where(good > np.median(good), 1.0, -1.0), "two", 1)


def birds(seed: int) -> Task:
    """81 birds of three kinds, by six lengths."""
    rng = np.random.default_rng(seed)
    label, known = np.arange(81) % 3, np.random.default_rng(51)
    size = rng.normal(0.0, 0.6, (81, 1))
    X = known.normal(0.0, 1.0, (3, 6))[label] + size + rng.normal(0.0, 0.5, (81, 6))
    return Task(standard(X), label, "classes", 3)


def quarters(seed: int) -> Task:
    """Which of five parts of a town a house is in, by where it is: a centre and four around it."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (260, 2))
    seen = X + rng.normal(0.0, 0.05, X.shape)
    around = np.floor((np.arctan2(seen[:, 1], seen[:, 0]) + np.pi) / (np.pi / 2)).astype(int) % 4
    return Task(X, np.where(np.linalg.norm(seen, axis=1) < 0.9, 4, around), "classes", 5)


def stones(seed: int) -> Task:
    """Which of seven stones, by how heavy, hard, bright and so on it is, of 500."""
    rng, known = np.random.default_rng(seed), np.random.default_rng(52)
    label, way = rng.integers(0, 7, 500), rng.uniform(-1.0, 1.0, (500, 1))
    middle, lean, bend = known.normal(0.0, 1.3, (3, 7, 9))
    X = middle[label] + 0.7 * lean[label] * way + 0.7 * bend[label] * way**2
    return Task(standard(X + rng.normal(0.0, 0.45, X.shape)), label, "classes", 7)


def kitchens(seed: int) -> Task:
    """Which of five kitchens a menu is of, by how often each of 28 foods is in it, of 460."""
    rng, known = np.random.default_rng(seed), np.random.default_rng(53)
    rates, label = known.gamma(0.6, 1.0, (5, 28)), rng.integers(0, 5, 460)
    X = rng.poisson(rates[label] * rng.gamma(6.0, 0.2, (460, 1)) + 0.05)
    return Task(np.log1p(X), label, "classes", 5)


def codes(seed: int) -> Task:
    """Eight signs of six, one-hot, and which of three checks the sums of two halves say, of 520."""
    rng, known = np.random.default_rng(seed), np.random.default_rng(54)
    signs, worth = rng.integers(0, 6, (520, 8)), known.normal(0.0, 1.0, (8, 6))
    each = worth[np.arange(8), signs]
    first, second = each[:, :4].sum(axis=1), each[:, 4:].sum(axis=1)
    said = np.stack([first, second, 0.8 - 0.5 * np.abs(first + second)], axis=1)
    label = (said + rng.normal(0.0, 0.1, said.shape)).argmax(axis=1)
    return Task(np.eye(6)[signs].reshape(520, 48), label, "classes", 3)


def vowels(seed: int) -> Task:
    """Which of ten vowels is sung, by seven bands of it, of 850."""
    rng, known = np.random.default_rng(seed), np.random.default_rng(55)
    label, pitch = rng.integers(0, 10, 850), rng.normal(0.0, 0.5, (850, 1))
    X = known.normal(0.0, 1.2, (10, 7))[label] + np.sin(pitch + np.arange(7.0)) * pitch
    return Task(standard(X + rng.normal(0.0, 0.35, X.shape)), label, "classes", 10)


def arrows(seed: int) -> Task:
    """Which way an arrow on a sign of 9 by 13 shows, somewhere on it, of 370."""
    rng = np.random.default_rng(seed)
    label, X = rng.integers(0, 4, 370), rng.normal(0.0, 0.25, (370, 1, 9, 13))
    head = np.zeros((5, 5))
    head[[0, 1, 1, 2, 2, 2, 3, 4], [2, 1, 3, 0, 2, 4, 2, 2]] = head[1, 2] = 1.3
    for i, turns in enumerate(label):
        row, column = rng.integers(1, 4), rng.integers(2, 7)
        X[i, 0, row : row + 5, column : column + 5] += np.rot90(head, turns)
    return Task(X, label, "classes", 4)


def beam(seed: int) -> Task:
    """How far a beam bends, by its length, load, height and where it is held, of 105."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (105, 4))
    y = 0.6 * X[:, 0] + 0.3 * X[:, 0] ** 2 + 0.5 * X[:, 1] - 0.4 * X[:, 2] * (1.0 + 0.4 * X[:, 0])
    return Task(X, standard(y + 0.2 * np.sin(X[:, 3]) + rng.normal(0.0, 0.1, 105)), "numbers", 1)


def echo(seed: int) -> Task:
    """How loud an echo is, by how far a wall is, its angle and how soft it is, of 250."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (250, 3))
    y = np.cos(1.2 * X[:, 1]) * np.exp(-0.4 * X[:, 0]) - 0.4 * X[:, 2] * np.tanh(X[:, 0] + 1.0)
    return Task(X, standard(y + rng.normal(0.0, 0.05, 250)), "numbers", 1)


def bakery(seed: int) -> Task:
    """How many loaves are sold, by eight numbers of the day and week, of 540."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0.0, 1.0, (540, 8))
    y = np.maximum(X[:, 0], -0.4) + 0.7 * X[:, 1] * np.tanh(X[:, 2]) + 0.5 * np.abs(X[:, 3])
    y += 0.3 * X[:, 4:] @ [1.0, -1.0, 0.5, 0.2] + rng.normal(0.0, 0.15, 540)
    return Task(X, standard(y), "numbers", 1)


def cells(seed: int) -> Task:
    """How long a cell lasts, by six numbers, heat and one of four makers, one-hot, of 1,150."""
    rng = np.random.default_rng(seed)
    X, maker = rng.normal(0.0, 1.0, (1150, 7)), rng.integers(0, 4, 1150)
    y = np.exp(-0.4 * X[:, 0]) * (1.0 + 0.3 * maker) - 0.5 * np.maximum(X[:, 1], X[:, 2])
    y += 0.3 * X[:, 3] * X[:, 4] + 0.4 * X[:, 5] + 0.2 * X[:, 6] + rng.normal(0.0, 0.2, 1150)
    return Task(np.hstack([X, np.eye(4)[maker]]), standard(np.tanh(0.4 * y)), "numbers", 1)


def orbit(seed: int) -> Task:
    """Where a moon is, two numbers, by the time and how long its path is, of 160."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (160, 2))
    angle, long = 1.4 * X[:, 0], 1.0 + 0.25 * X[:, 1]
    y = np.stack([long * np.cos(angle), np.sin(angle) / long], axis=1)
    return Task(X, standard(y + rng.normal(0.0, 0.05, y.shape)), "numbers", 2)


def dyes(seed: int) -> Task:
    """How red, green and blue a cloth is, by how much of six dyes is in it, of 410."""
    rng, known = np.random.default_rng(seed), np.random.default_rng(56)
    X, takes = rng.uniform(-1.7, 1.7, (410, 6)), known.gamma(1.0, 0.35, (6, 3))
    y = np.exp(-0.6 * (X + 1.7) @ takes) + 0.05 * np.sin(2.0 * X[:, :3])
    return Task(X, standard(y + rng.normal(0.0, 0.01, y.shape)), "numbers", 3)


TASKS = {
    made.__name__: made
    for made in (
        shore, tank, mushrooms, birds, quarters, stones, kitchens, codes, vowels, arrows, beam,
        echo, bakery, cells, orbit, dyes,
    )
}  # fmt: skip
