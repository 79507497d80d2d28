"""The MNIST network trained for five epochs: what a step costs with everything around it.

Shuffling, taking out batches and keeping count are part of it; so is the accuracy on the test
digits that comes of it. Without MNIST at hand it is one epoch of random data, and no accuracy.
"""

import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from benchmarks.mnist_data import BATCH, WIDTHS, drawn
from benchmarks.mnist_numpy import Flat, by_hand
from benchmarks.mnist_peers import torch_model, twingrad_model
from benchmarks.side import Measured, Side
from benchmarks.tables import duration, markdown, times
from benchmarks.turns import Found, measured, ratio

EPOCHS = 5
RACES = {"MNIST": {"rounds": 3}}

Trained = tuple[int, Callable[[np.ndarray], np.ndarray]]
"""How many epochs were trained, and a function from images to labels."""


@cache
def data() -> tuple[Any, Any, bool]:
    """Training set, test set, and whether they are MNIST or random."""
    from twingrad import nn

    try:
        return *nn.data.mnist(), True
    except FileNotFoundError:
        rng = np.random.default_rng(0)
        X = rng.random((60000, 784), dtype=np.float32)
        return (X, rng.integers(0, 10, 60000)), (X[:100], np.zeros(100)), False


def start(seed: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], int]:
    """Training digits, labels, weights, and how many epochs there are."""
    (X, y), _, real = data()
    return X, y, drawn(WIDTHS, np.random.default_rng(seed)), EPOCHS if real else 1


def twingrad_epochs(seed: int) -> Trained:
    """With nn.fit."""
    from twingrad import nn

    X, y, weights, epochs = start(seed)
    model, adam = twingrad_model(weights)
    options: dict[str, Any] = {"batch_size": BATCH, "rng": seed, "progress": False}
    nn.fit(model, X, y, loss=nn.cross_entropy, optimizer=adam, epochs=epochs, **options)
    return epochs, lambda images: nn.predict(model, images).argmax(axis=1)


def torch_epochs(seed: int, fused: bool) -> Trained:
    """The loop that PyTorch's users write, without a DataLoader, which would be slower."""
    import torch

    torch.manual_seed(seed)
    X, y, weights, epochs = start(seed)
    model, adam = torch_model(weights, fused)
    inputs, labels = torch.from_numpy(X), torch.from_numpy(y)
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs)).split(BATCH):
            loss = torch.nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
            adam.zero_grad()
            loss.backward()
            adam.step()

    def predict(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            found: np.ndarray = model(torch.from_numpy(images)).argmax(dim=1).numpy()
        return found

    return epochs, predict


def numpy_epochs(seed: int) -> Trained:
    """The step by hand in a loop."""
    X, y, weights, epochs = start(seed)
    rng, flat = np.random.default_rng(seed), Flat(weights)
    step = by_hand(flat).step
    for _ in range(epochs):
        order = rng.permutation(len(X))
        for i in range(0, len(X), BATCH):
            batch = order[i : i + BATCH]
            step(X[batch], y[batch])

    def predict(images: np.ndarray) -> np.ndarray:
        *hidden, last = zip(*[iter(flat.views(flat.numbers))] * 2, strict=True)
        for w, b in hidden:
            images = np.maximum(images @ w + b, 0.0)
        return np.argmax(images @ last[0] + last[1], axis=1)

    return epochs, predict


def trained(train: Callable[[int], Trained]) -> Measured:
    """Seconds an epoch and the accuracy on the test digits, each time with another seed."""
    train(0)  # the peer, the data and the caches are there before the clock runs
    seeds = iter(range(1000))

    def measure() -> dict[str, Any]:
        started = time.perf_counter()
        epochs, predict = train(next(seeds))
        found = {"seconds": (time.perf_counter() - started) / epochs}
        _, (X_test, y_test), real = data()
        return found | ({"accuracy": float(np.mean(predict(X_test) == y_test))} if real else {})

    return Measured(measure, warm_up=False)


def sides(race: str) -> dict[str, Side]:
    """Those whose users write such a loop."""
    trainings: dict[str, Callable[[int], Trained]] = {
        "PyTorch": partial(torch_epochs, fused=False),
        "PyTorch, fused Adam": partial(torch_epochs, fused=True),
        "twingrad, nn.fit": twingrad_epochs,
        "NumPy, by hand": numpy_epochs,
    }
    return {name: Side(partial(trained, train)) for name, train in trainings.items()}


def table(races: dict[str, Found]) -> str:
    """An epoch's time beside PyTorch's, and the test accuracy."""
    found = races["MNIST"]
    rows = [("five epochs", "an epoch", "times as fast as PyTorch", "test accuracy")]
    for side in found:
        took, share = measured(found, side), found[side].get("accuracy")
        seen = f"{np.mean(share):.2%} ± {np.std(share, ddof=1):.2%}" if share else "no MNIST here"
        factor = times(ratio(found, "PyTorch", side)) if took else "absent"
        rows.append((side, duration(took and took.median), factor, seen if took else "absent"))
    return markdown(*rows)
