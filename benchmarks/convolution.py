"""One step of a small convolutional network: 8 kernels of 3×3, relu, pooling by 2, 10 outputs.

Convolution is where an engine on NumPy has the least to lean on: the windows are its own work.
"""

from functools import partial
from typing import Any

import numpy as np

from benchmarks.mnist_data import LR
from benchmarks.mnist_peers import torch_loop
from benchmarks.side import Side, Step
from benchmarks.tables import titled
from benchmarks.turns import Found

BATCH = 64
RACES = {"step": {"rounds": 9, "steps": 10}}


def start(seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Images (64, 1, 28, 28), their labels, and the weights and biases of both layers."""
    rng = np.random.default_rng(seed)
    X, y = rng.random((BATCH, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, BATCH)
    shapes = ((8, 1, 3, 3), (8,), (8 * 13 * 13, 10), (10,))
    return X, y, [rng.uniform(-0.1, 0.1, shape).astype(np.float32) for shape in shapes]


def twingrad_step(after_fit: bool = False) -> Step:
    """With nn.Conv2d; `nn.fit` tells the C library to keep what is freed, for the whole process."""
    from twingrad import nn

    X, y, weights = start()
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1352, 10)
    )
    if after_fit:
        adam = nn.Adam(model.parameters(), LR)
        nn.fit(model, X, y, loss=nn.cross_entropy, optimizer=adam, epochs=1, progress=False)
    for parameter, numbers in zip(model.parameters(), weights, strict=True):
        parameter.data = numbers
    adam = nn.Adam(model.parameters(), LR)

    def step() -> float:
        loss = nn.cross_entropy(model(X), y)
        adam.zero_grad()
        loss.backward()
        adam.step()
        return float(loss.item())

    return step


def torch_step() -> Step:
    """With torch.nn.Conv2d."""
    import torch

    torch.set_num_threads(1)
    X, y, weights = start()
    layers: list[Any] = [torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
    model = torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(1352, 10))
    weights[2] = weights[2].T
    with torch.no_grad():
        for parameter, numbers in zip(model.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(numbers.copy()))
    adam = torch.optim.Adam(model.parameters(), LR)
    return torch_loop(model, adam, X, y)


def sides(race: str) -> dict[str, Side]:
    """The two that have convolutions."""
    return {
        "PyTorch": Side(torch_step),
        "twingrad": Side(twingrad_step),
        "twingrad, after nn.fit": Side(partial(twingrad_step, after_fit=True)),
    }


def table(races: dict[str, Found]) -> str:
    """Each side's step, and how many times as fast as PyTorch's it is."""
    return titled("one step", races["step"], "PyTorch")
