"""Runs of a task: as they should be, or with one thing wrong; and what the doctor says of each."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.doctor.tasks import Task, loss_of
from twingrad import Tensor, nn

Array = np.ndarray


@dataclass
class Recipe:
    """How to train on a task. What is wrong in an ill run is a change of one of these."""

    task: Task
    twin: str = "tensor"
    seed: int = 0
    hidden: Sequence[int] = (32,)
    activation: str = "relu"
    init: Any = None
    bias: float = 0.0
    output: str = ""
    wrap: Callable[[Any], Any] | None = None
    optimizer: Callable[[Any], nn.Optimizer] | None = None
    loss: Any = None
    epochs: int = 30
    batch: int | None = 32
    validation: float | None = 0.25
    schedule: Any = None
    clip: float | None = None
    convolution: bool = False
    dropout: float = 0.0
    normalize: bool = False
    with_monitor: bool = True
    trained: bool = True
    more: dict[str, Any] = field(default_factory=dict)


def built(recipe: Recipe) -> Any:
    """The model of a recipe."""
    task, rng = recipe.task, np.random.default_rng(recipe.seed)
    width = int(np.prod(task.X.shape[1:]))
    if recipe.twin == "value":
        output = recipe.output or "linear"
        model: Any = nn.MLP(
            width, [*recipe.hidden, task.outputs], recipe.activation, output, rng=rng
        )
        for p in model.parameters() if recipe.init is not None else ():
            if p.label.startswith("w"):
                p.data = float(recipe.init((width, 1), rng=rng, dtype=float)[0, 0])
        for p in model.parameters() if recipe.bias else ():
            if p.label == "b" and p is not model.layers[-1].neurons[0].b:
                p.data = recipe.bias
        return model
    usual = "he" if recipe.activation == "relu" else "xavier"
    kinds = {
        "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU,
        "leaky_relu": nn.LeakyReLU, "softplus": nn.Softplus,
    }  # fmt: skip
    layers: list[Any] = []
    if recipe.convolution:
        layers += [nn.Conv2d(1, 8, 3, padding=1, init=recipe.init or "he", rng=rng), nn.ReLU()]
        layers += [nn.MaxPool2d(2), nn.Flatten()]
        width = 8 * (task.X.shape[2] // 2) * (task.X.shape[3] // 2)
    elif task.X.ndim > 2:
        layers.append(nn.Flatten())
    for out in recipe.hidden:
        layers.append(nn.Linear(width, out, init=recipe.init or usual, rng=rng))
        if recipe.bias:
            layers[-1].bias.data = np.full(out, recipe.bias, np.float32)
        layers += [nn.BatchNorm1d(out)] * recipe.normalize
        layers += [kinds[recipe.activation]()] if recipe.activation != "linear" else []
        layers += [nn.Dropout(recipe.dropout, rng=rng)] * bool(recipe.dropout)
        width = out
    layers.append(nn.Linear(width, task.outputs, init=recipe.init or "xavier", rng=rng))
    if recipe.output:
        layers.append({**kinds, "softmax": nn.Softmax}[recipe.output]())
    if task.kind != "classes" and task.outputs == 1:
        layers.append(column)
    return nn.Sequential(*layers)


def column(x: Any) -> Any:
    """(n, 1) as (n,)."""
    return x[:, 0]


def _default(recipe: Recipe) -> Callable[[Any], nn.Optimizer]:
    if recipe.twin == "value":
        return lambda parameters: nn.SGD(parameters, lr=0.05, momentum=0.9)
    return lambda parameters: nn.Adam(parameters, lr=1e-2)


def fitted(recipe: Recipe) -> nn.Diagnosis:
    """Train by `fit`, and diagnose."""
    task, model = recipe.task, built(recipe)
    optimizer = (recipe.optimizer or _default(recipe))(model.parameters())
    loss = recipe.loss or loss_of(task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not recipe.trained:
            return nn.diagnose(model, task.X, task.y, loss, optimizer=optimizer)
        monitor = nn.Monitor(model, optimizer)
        options: dict[str, Any] = {"record": True} if recipe.twin == "value" else {}
        history = nn.fit(
            model, task.X, task.y, loss=loss, optimizer=optimizer, epochs=recipe.epochs,
            batch_size=recipe.batch, validation=recipe.validation, schedule=recipe.schedule,
            clip_norm=recipe.clip, callbacks=[monitor] if recipe.with_monitor else [],
            rng=recipe.seed, progress=False, **options,
        )  # fmt: skip
        return nn.diagnose(
            model, task.X, task.y, loss, history=history, optimizer=optimizer,
            monitor=monitor if recipe.with_monitor else None,
        )  # fmt: skip


def looped(recipe: Recipe, wrong: str = "", steps: int = 60) -> nn.Diagnosis:
    """Train by a loop such as people write themselves, with something wrong in it, and diagnose."""
    task, model = recipe.task, built(recipe)
    optimizer = (recipe.optimizer or _default(recipe))(model.parameters())
    by_hand, rate = "hand" in wrong, recipe.more.get("rate", 0.05)
    if "held" in wrong:
        optimizer = nn.SGD(model.parameters()[: len(model.parameters()) // 2], lr=0.1)
    loss_function = recipe.loss or loss_of(task)
    rng = np.random.default_rng(recipe.seed)
    X = task.X if recipe.twin == "value" else task.X.astype(np.float32)
    y = task.y if task.kind == "classes" else task.y.astype(X.dtype)
    size = len(X) if recipe.batch is None else recipe.batch
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        monitor = nn.Monitor(model) if by_hand else nn.Monitor(model, optimizer)
        for _ in range(steps):
            chosen = rng.permutation(len(X))[:size] if size < len(X) else np.arange(len(X))
            rows = X[chosen]
            outputs = model(rows) if recipe.twin == "tensor" else [model(x) for x in rows.tolist()]
            loss = loss_function(outputs, y[chosen])
            if "forgotten" not in wrong:
                model.zero_grad()
            if "backward" not in wrong:
                (-loss if "negative" in wrong else loss).backward()
            if "early" in wrong:
                model.zero_grad()
            if by_hand:
                for p in model.parameters():
                    p.data = p.data + (1.0 if "ascent" in wrong else -1.0) * rate * p.grad
            else:
                optimizer.step()
            monitor.observe(-loss if "negative" in wrong else loss)
        return nn.diagnose(
            model, task.X, task.y, loss_function, monitor=monitor,
            optimizer=None if by_hand else optimizer,
        )  # fmt: skip


class Uphill(nn.SGD):
    """A rule of the user's own, of the wrong sign."""

    def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
        """The mistake is the plus."""
        return x + self.lr * grad


class Cut(nn.Module):
    """A model whose first layer is out of the graph, by taking its numbers."""

    def __init__(self, width: int, outputs: int, seed: int) -> None:
        self.first = nn.Linear(width, 16, rng=seed)
        self.last = nn.Linear(16, outputs, rng=seed + 1)

    def forward(self, x: Any) -> Any:
        """The mistake is `.numpy()`."""
        return self.last(Tensor(self.first(x).relu().numpy()))


class Unused(nn.Module):
    """A model with a layer that it does not use."""

    def __init__(self, width: int, outputs: int, seed: int) -> None:
        self.first = nn.Linear(width, 16, rng=seed)
        self.second = nn.Linear(16, 16, rng=seed + 1)
        self.last = nn.Linear(16, outputs, rng=seed + 2)

    def forward(self, x: Any) -> Any:
        """The mistake is that `second` is left out."""
        return self.last(self.first(x).relu())


def of_model(task: Task, model: Any, epochs: int = 5) -> nn.Diagnosis:
    """Train a model of one's own on classes, and diagnose."""
    optimizer = nn.Adam(model.parameters(), lr=1e-2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        monitor = nn.Monitor(model, optimizer)
        X = task.X.reshape(len(task.X), -1)
        history = nn.fit(
            model, X, task.y, loss=nn.cross_entropy, optimizer=optimizer, epochs=epochs,
            batch_size=32, callbacks=[monitor], progress=False, rng=0,
        )  # fmt: skip
        return nn.diagnose(model, X, task.y, nn.cross_entropy, history=history, monitor=monitor)
