"""Tasks of the fresh set, which are of no other set."""

import numpy as np

from tests.doctor.tasks import Array, Task


def standard(x: Array) -> Array:
    """Of mean 0 and deviation 1, by column."""
    return (x - x.mean(axis=0)) / x.std(axis=0)


def phase(seed: int) -> Task:
    """Friedman's phase angle of a circuit, of 240 samples, its resistance and such standardised."""
    from sklearn.datasets import make_friedman3

    X, y = make_friedman3(240, noise=0.05, random_state=seed)
    return Task(standard(X), standard(y), "numbers", 1)


def sheet(seed: int) -> Task:
    """Seven stretches of an S in space, 420 samples."""
    from sklearn.datasets import make_s_curve

    X, t = make_s_curve(420, noise=0.06, random_state=seed)
    label = np.searchsorted(np.quantile(t, np.arange(1, 7) / 7.0), t)
    return Task(standard(X), label, "classes", 7)


def hastie(seed: int) -> Task:
    """Whether ten numbers are far from the middle, by Hastie, 900 samples."""
    from sklearn.datasets import make_hastie_10_2

    X, y = make_hastie_10_2(900, random_state=seed)
    return Task(X, y, "two", 1)


def colours(seed: int) -> Task:
    """Which of nine names a colour has, the nearest one, told with a little doubt."""
    rng = np.random.default_rng(seed)
    X, names = rng.uniform(0.0, 1.0, (700, 3)), np.random.default_rng(seed + 31).random((9, 3))
    seen = X + rng.normal(0.0, 0.03, X.shape)
    label = np.linalg.norm(seen[:, None] - names, axis=2).argmin(axis=1)
    while np.bincount(label, minlength=9).min() < 40:  # a name for hardly any colour
        names = rng.random((9, 3))
        label = np.linalg.norm(seen[:, None] - names, axis=2).argmin(axis=1)
    return Task((X - 0.5) * np.sqrt(12.0), label, "classes", 9)


def reactor(seed: int) -> Task:
    """How much there is of three substances, one of which becomes another: A to B to C."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (260, 4))
    first, second = np.exp(0.5 * X[:, 0]), np.exp(0.5 * X[:, 1]) + 0.01
    time, start = 1.2 + 0.6 * X[:, 2], 1.5 + 0.5 * X[:, 3]
    a = np.exp(-first * time)
    gap = np.where(np.abs(second - first) < 1e-3, 1e-3, second - first)
    b = first / gap * (a - np.exp(-second * time))
    y = start[:, None] * np.stack([a, b, 1.0 - a - b], axis=1)
    return Task(X, standard(y + rng.normal(0.0, 0.04, y.shape)), "numbers", 3)


def flags(seed: int) -> Task:
    """Six flags, 9 by 9, of any contrast and either way round in colour, 330 of them."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:9, :9]
    drawn = [
        np.abs(row - 4) < 2, np.abs(column - 4) < 2, np.abs(row - column) < 2,
        (np.abs(row - 4) < 1) | (np.abs(column - 3) < 1), (row < 5) & (column < 5),
        (row // 3 + column // 3) % 2 == 0,
    ]  # fmt: skip
    label, contrast = rng.integers(0, 6, 330), rng.uniform(0.7, 1.6, 330)
    X = contrast[:, None, None] * np.stack(drawn).astype(float)[label]
    return Task((X + rng.normal(-0.4, 0.45, X.shape))[:, None], label, "classes", 6)


def melody(seed: int) -> Task:
    """Nine notes of seven, one-hot, and which of five composers likes such ones there."""
    rng = np.random.default_rng(seed)
    taste = np.random.default_rng(seed + 32).dirichlet([0.8] * 7, (5, 9))
    label = rng.integers(0, 5, 450)
    notes = (taste[label].cumsum(axis=2) < rng.random((450, 9, 1))).sum(axis=2).clip(0, 6)
    return Task(np.eye(7)[notes].reshape(450, 63), label, "classes", 5)


def bikes(seed: int) -> Task:
    """The root of how many bicycles are lent, by six numbers of the day, of 520 days."""
    rng = np.random.default_rng(seed)
    warm, rain, wind = rng.normal(15, 8, 520), rng.poisson(1.0, 520), rng.gamma(3.0, 1.0, 520)
    day, shops, events = rng.integers(0, 7, 520), rng.poisson(4, 520), rng.poisson(0.7, 520)
    mean = np.exp(2.2 - ((warm - 20) / 15) ** 2 - 0.25 * rain - 0.05 * wind + 0.3 * (day < 5))
    count = rng.poisson(mean + 2.0 * events * (warm > 12))
    X = np.stack([warm, rain, wind, day, shops, events], axis=1).astype(float)
    return Task(standard(X), standard(np.sqrt(count)), "numbers", 1)


def wages(seed: int) -> Task:
    """What 1,100 people earn, by age, years at school, hours and one of five trades, one-hot."""
    rng = np.random.default_rng(seed)
    age, school, hours = (
        rng.uniform(18, 65, 1100),
        rng.integers(8, 19, 1100),
        rng.normal(0, 1, 1100),
    )
    trade = rng.choice(5, 1100, p=[0.3, 0.25, 0.2, 0.15, 0.1])
    rise = np.array([0.03, 0.08, 0.12, 0.05, 0.15])[trade] * (school - 8)
    y = rise + 0.4 * hours - ((age - 48) / 25) ** 2 + rng.normal(0.0, 0.3, 1100)
    numbers = standard(np.stack([age, school.astype(float), hours], axis=1))
    return Task(np.hstack([numbers, np.eye(5)[trade]]), standard(y), "numbers", 1)


def petals(seed: int) -> Task:
    """60 flowers of three kinds, by five lengths that go together."""
    rng = np.random.default_rng(seed)
    label, mix = np.arange(60) % 3, np.random.default_rng(33).normal(0.0, 0.5, (5, 5))
    centres = np.array([[0, 0, 0, 0, 0], [2, 0, 1, -1, 0], [2, 2, -1, 0, 1]])
    X = 1.2 * centres[label] + rng.normal(0.0, 1.0, (60, 5)) @ (np.eye(5) + mix)
    return Task(standard(X), label, "classes", 3)


def tones(seed: int) -> Task:
    """Which of eight tones sounds, by 20 moments of it, begun a little early or late."""
    rng = np.random.default_rng(seed)
    label, begun = rng.integers(0, 8, 640), rng.uniform(0.0, 1.2, 640)
    angle = np.arange(20) * (0.35 + 0.12 * label[:, None]) + begun[:, None]
    loud = rng.uniform(0.7, 1.5, (640, 1))
    return Task(1.2 * loud * np.sin(angle) + rng.normal(0.0, 0.3, (640, 20)), label, "classes", 8)


def saddle(seed: int) -> Task:
    """Above or below a saddle, 200 samples on the plane, of which a few are on the wrong side."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0.0, 1.0, (200, 2))
    height = X[:, 0] ** 2 - 1.2 * X[:, 1] ** 2 + 0.5 * X[:, 1] + rng.normal(0.0, 0.15, 200)
    return Task(X, np.where(height > np.median(height), 1.0, -1.0), "two", 1)


def lissajous(seed: int) -> Task:
    """Where a pen is, two numbers, by the time alone, 150 samples."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(-1.7, 1.7, 150)
    y = np.stack([np.sin(1.8 * t + 0.4), np.cos(2.6 * t)], axis=1)
    return Task(t[:, None], standard(y + rng.normal(0.0, 0.1, y.shape)), "numbers", 2)


def alloy(seed: int) -> Task:
    """How hard an alloy of six metals is, by its shares, of 140."""
    rng = np.random.default_rng(seed)
    X = rng.dirichlet([1.5] * 6, 140)
    y = X @ [1.0, 3.0, 0.5, 2.0, 4.0, 1.5] + 9.0 * X[:, 0] * X[:, 1] - 6.0 * X[:, 2] * X[:, 4]
    return Task(standard(X), standard(y + rng.normal(0.0, 0.2, 140)), "numbers", 1)


TASKS = {
    made.__name__: made
    for made in (
        phase, sheet, hastie, colours, reactor, flags, melody, bikes, wages, petals, tones, saddle,
        lissajous, alloy,
    )
}  # fmt: skip
