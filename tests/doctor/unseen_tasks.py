"""Tasks of the unseen set, which are of no other set; thresholds were set without them."""

import numpy as np

from tests.doctor.fresh_tasks import standard
from tests.doctor.tasks import Task


def thrown(seed: int) -> Task:
    """Whether a ball clears a wall, by its speed and angle, and how far and high the wall is."""
    rng = np.random.default_rng(seed)
    speed, angle = rng.uniform(8, 16, 300), rng.uniform(0.3, 1.2, 300)
    far, high = rng.uniform(4, 12, 300), rng.uniform(1, 5, 300)
    over = far * np.tan(angle) - 4.9 * (far / speed / np.cos(angle)) ** 2 - high
    over += rng.normal(0.0, 0.3, 300)
    X = standard(np.stack([speed, angle, far, high], axis=1))
    return Task(X, np.where(over > np.median(over), 1.0, -1.0), "two", 1)


def triangles(seed: int) -> Task:
    """Whether a triangle is obtuse, by its sides, of 220."""
    rng = np.random.default_rng(seed)
    a, b, angle = rng.uniform(1, 3, 220), rng.uniform(1, 3, 220), rng.uniform(0.5, 2.6, 220)
    c = np.sqrt(a**2 + b**2 - 2.0 * a * b * np.cos(angle))
    X = standard(np.stack([a, b, c], axis=1) + rng.normal(0.0, 0.02, (220, 3)))
    return Task(X, np.where(angle > np.pi / 2, 1.0, -1.0), "two", 1)


def overlap(seed: int) -> Task:
    """Whether two stretches of time meet, by the middle and length of each, of 450."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (450, 4))
    room = 0.5 * (X[:, 2] + X[:, 3]) + 2.0 - 1.3 * np.abs(X[:, 0] - X[:, 1])
    room += rng.normal(0.0, 0.1, 450)
    return Task(X, np.where(room > np.median(room), 1.0, -1.0), "two", 1)


def votes(seed: int) -> Task:
    """Which side a member is on, by 16 votes for, against or withheld, of 650 members."""
    rng = np.random.default_rng(seed)
    side = np.where(rng.random(650) < 0.55, 1.0, -1.0)
    pull = np.linspace(-1.0, 1.0, 16) * (1.0 + 0.4 * rng.normal(size=(650, 1)))
    lean = 0.7 * side[:, None] * pull + rng.normal(0.0, 1.0, (650, 16))
    return Task((lean > 0.25).astype(float) - (lean < -0.25), side, "two", 1)


def engine(seed: int) -> Task:
    """Whether an engine fails, by nine readings and a tree of rules, of 1,100."""
    rng = np.random.default_rng(seed)
    X = standard(rng.gamma(4.0, 1.0, (1100, 9)) + rng.normal(0.0, 0.3, (1100, 9)))
    warm = np.where(X[:, 0] > 0.2, X[:, 1] + X[:, 2] > 0.3, (X[:, 3] > 0.6) | (X[:, 4] < -0.5))
    return Task(X, np.where(warm ^ (rng.random(1100) < 0.04), 1.0, -1.0), "two", 1)


def minerals(seed: int) -> Task:
    """Which of six minerals has a spectrum of 60 channels, over a slanted ground, of 480."""
    rng = np.random.default_rng(seed)
    known = np.random.default_rng(seed + 41)
    at, high = known.uniform(3, 57, (6, 4)), known.uniform(0.4, 1.2, (6, 4))
    label, channel = rng.integers(0, 6, 480), np.arange(60.0)
    shift = rng.normal(0.0, 0.4, (480, 1, 1))
    lines = np.exp(-(((channel - at[label][:, :, None] - shift) / 1.8) ** 2))
    y = (high[label][:, :, None] * lines).sum(axis=1)
    X = y + rng.normal(0.0, 0.3, (480, 1)) * (channel / 30.0 - 1.0) + rng.normal(0, 0.3, y.shape)
    return Task(1.5 * (X - X.mean(axis=0)), label, "classes", 6)


def months(seed: int) -> Task:
    """Which of twelve months a day is in, by light, warmth, change of light and rain, of 1,100."""
    rng = np.random.default_rng(seed)
    month = rng.integers(0, 12, 1100)
    year = 2.0 * np.pi * (month + rng.uniform(0, 1, 1100)) / 12.0
    light, change = -np.cos(year), np.sin(year) + rng.normal(0.0, 0.08, 1100)
    warm = -np.cos(year - 0.5) + rng.normal(0.0, 0.3, 1100)
    wet = 0.3 * np.sin(2.0 * year) + rng.gamma(2.0, 0.3, 1100)
    return Task(standard(np.stack([light, warm, change, wet], axis=1)), month, "classes", 12)


def tongues(seed: int) -> Task:
    """Which of four tongues ten letters of ten are of, one-hot, of 560."""
    rng = np.random.default_rng(seed)
    known = np.random.default_rng(seed + 42)
    often, pairs = known.dirichlet([0.7] * 10, 4), known.dirichlet([0.3] * 10, (4, 10))
    label, codes = rng.integers(0, 4, 560), np.zeros((560, 10), int)
    for place in range(10):
        chance = 0.05 + (often[label] if place % 3 == 0 else pairs[label, codes[:, place - 1]])
        chance = chance.cumsum(axis=1) / chance.sum(axis=1, keepdims=True)
        codes[:, place] = (chance < rng.random((560, 1))).sum(axis=1).clip(0, 9)
    return Task(np.eye(10)[codes].reshape(560, 100), label, "classes", 4)


def soils(seed: int) -> Task:
    """Which of five soils, by logarithms of the shares of sand, silt and clay, of 260."""
    rng = np.random.default_rng(seed)
    share = rng.dirichlet([1.2, 1.2, 1.2], 260)
    centres = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.4, 0.4, 0.2]])
    centres = np.vstack([centres, [[0.3, 0.2, 0.5]]])
    seen = share + rng.normal(0.0, 0.02, share.shape)
    label = np.linalg.norm(seen[:, None] - centres, axis=2).argmin(axis=1)
    X = np.log(share + 0.05) + rng.normal(0.0, 0.03, share.shape)
    return Task(standard(X), label, "classes", 5)


def fruit(seed: int) -> Task:
    """84 fruits of four kinds, by weight, length, breadth and how soft they are."""
    rng = np.random.default_rng(seed)
    label = np.arange(84) % 4
    length = np.array([6.0, 9.0, 7.0, 18.0])[label] * rng.lognormal(0.0, 0.12, 84)
    breadth = np.array([6.5, 6.0, 8.0, 4.0])[label] * rng.lognormal(0.0, 0.12, 84)
    weight = 0.5 * length * breadth**2 * rng.lognormal(0.0, 0.15, 84)
    soft = np.array([0.2, 0.6, 0.4, 0.7])[label] + rng.normal(0.0, 0.15, 84)
    X = np.stack([np.log(weight), np.log(length), np.log(breadth), soft], axis=1)
    return Task(standard(X), label, "classes", 4)


def shops(seed: int) -> Task:
    """Which of five shops, by the roots of how many come in each of 24 hours, of 340 days."""
    rng = np.random.default_rng(seed)
    hour, label = np.arange(24), rng.integers(0, 5, 340)
    peaks = np.array([[8, 17], [12, 13], [19, 22], [9, 11], [15, 18]])[label][:, :, None]
    busy = np.exp(-(((hour - peaks - rng.normal(0, 0.8, (340, 1, 1))) / 2.2) ** 2)).sum(axis=1)
    X = np.sqrt(rng.poisson(rng.gamma(5.0, 1.0, (340, 1)) * busy + 0.4))
    return Task(X - X.mean(), label, "classes", 5)


def ladder(seed: int) -> Task:
    """Which of three turns it is, by one number alone, the turns coming twice, of 210."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.7, 1.7, 210)
    place = np.floor((x + 1.7 + rng.normal(0.0, 0.03, 210)) / 3.4 * 6.0).astype(int)
    return Task(x[:, None], place % 3, "classes", 3)


def dice(seed: int) -> Task:
    """What a die shows, an image of 11 by 11 in shares of white, not quite straight, of 360."""
    rng = np.random.default_rng(seed)
    spots = ["5", "28", "258", "1379", "13579", "134679"]
    X, label = np.abs(rng.normal(0.0, 0.12, (360, 1, 11, 11))), rng.integers(0, 6, 360)
    row, column = np.mgrid[:11, :11]
    for i, shown in enumerate(label):
        down, right = rng.integers(-1, 2, 2)
        for spot in spots[shown]:
            y, x = divmod(int(spot) - 1, 3)
            far = np.hypot(row - 2 - 3.5 * y - 0.5 * down, column - 2 - 3.5 * x - 0.5 * right)
            X[i, 0] += 0.8 * np.exp(-((far / 1.2) ** 2))
    return Task(X.clip(0.0, 1.0), label, "classes", 6)


def scope(seed: int) -> Task:
    """A wave on a screen of 7 by 15: a sine, a saw, a square or a pulse, of 300."""
    rng = np.random.default_rng(seed)
    label, begun = rng.integers(0, 4, 300), rng.uniform(0.0, 1.0, 300)
    way = (np.arange(15) / 8.0 + begun[:, None]) % 1.0
    kinds = np.stack(
        [np.sin(2 * np.pi * way), 2 * way - 1, np.sign(way - 0.5), 2.0 * (way < 0.2) - 1.0]
    )
    height = kinds[label, np.arange(300)]
    X = np.exp(-((np.arange(7)[:, None] - 3.0 - 2.6 * height[:, None]) ** 2) / 0.8)
    return Task((1.8 * X - 0.5 + rng.normal(0.0, 0.3, X.shape))[:, None], label, "classes", 4)


def lens(seed: int) -> Task:
    """How large an image is, by how far the thing is from a lens and how strong that is, of 170."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (170, 2))
    far, strong = 4.0 + X[:, 0], 1.2 + 0.4 * X[:, 1]
    y = np.arctan(strong / (far - strong + 0.2)) + rng.normal(0.0, 0.05, 170)
    return Task(X, standard(y), "numbers", 1)


def crops(seed: int) -> Task:
    """What a field yields, by three foods of which the scarcest counts, water and sun, of 360."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (360, 5))
    food = 1.0 - np.exp(-0.9 * (X[:, :3] + 2.0))
    y = food.min(axis=1) * np.exp(-0.3 * (X[:, 3] - 0.4) ** 2) + 0.08 * X[:, 4]
    return Task(X, standard(y + rng.normal(0.0, 0.03, 360)), "numbers", 1)


def sugar(seed: int) -> Task:
    """How much sugar is in a juice, by how much light of 40 colours it lets through, of 320."""
    rng = np.random.default_rng(seed)
    known, channel = np.random.default_rng(seed + 43), np.arange(40.0)
    parts = np.exp(-(((channel - known.uniform(4, 36, (5, 1))) / 5.0) ** 2))
    much = rng.gamma(3.0, 0.4, (320, 5))
    X = np.exp(-0.7 * much @ parts) + rng.normal(0.0, 0.01, (320, 40))
    return Task(standard(X), standard(much[:, 0] + rng.normal(0, 0.05, 320)), "numbers", 1)


def flights(seed: int) -> Task:
    """How late 1,000 flights are, by six numbers and one of four fields, one-hot."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0.0, 1.0, (1000, 6))
    field = rng.choice(4, 1000, p=[0.4, 0.3, 0.2, 0.1])
    wait = np.maximum(X[:, 0] + 0.5 * X[:, 1], 0.0) * (1.0 + 0.5 * field) + 0.4 * X[:, 2]
    y = wait - 0.6 * np.tanh(2.0 * X[:, 3]) + rng.normal(0.0, 0.3, 1000)
    return Task(np.hstack([X, np.eye(4)[field]]), standard(y), "numbers", 1)


def star(seed: int) -> Task:
    """How bright a star is in its turn, one number: two dips, of 110 nights."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.7, 1.7, 110)
    y = 0.15 * x - np.exp(-((x + 0.8) ** 2) / 0.15) - 0.5 * np.exp(-((x - 0.7) ** 2) / 0.2)
    return Task(x[:, None], standard(y + rng.normal(0.0, 0.05, 110)), "numbers", 1)


def globe(seed: int) -> Task:
    """Where on a ball a place is, three numbers, by its length and breadth, of 400."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (400, 2))
    east, north = 1.5 * X[:, 0], 0.8 * X[:, 1]
    y = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])
    return Task(X, standard(y.T + rng.normal(0.0, 0.04, (400, 3))), "numbers", 3)


def hares(seed: int) -> Task:
    """How many hares and foxes there are after a while, by how many were and two rates, of 240."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (240, 5))
    a, b, born, eaten = (np.exp(0.3 * X[:, i]) for i in range(4))
    for _ in range(40):
        a, b = a + 0.03 * (born * a - eaten * a * b), b + 0.03 * (a * b - np.exp(0.2 * X[:, 4]) * b)
    y = np.log(np.stack([a, b], axis=1)) + rng.normal(0.0, 0.04, (240, 2))
    return Task(X, standard(y), "numbers", 2)


def juices(seed: int) -> Task:
    """How sweet, sour, bitter and red a drink of seven juices is, of 280."""
    rng = np.random.default_rng(seed)
    X, known = rng.normal(0.0, 1.0, (280, 7)), np.random.default_rng(44)
    mix = X @ known.normal(0.0, 0.5, (7, 5))
    y = np.tanh(mix[:, :4]) + 0.4 * mix[:, 1:] + rng.normal(0.0, 0.1, (280, 4))
    return Task(X, standard(y), "numbers", 4)


TASKS = {
    made.__name__: made
    for made in (
        thrown, triangles, overlap, votes, engine, minerals, months, tongues, soils, fruit, shops,
        ladder, dice, scope, lens, crops, sugar, flights, star, globe, hares, juices,
    )
}  # fmt: skip
