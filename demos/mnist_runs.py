"""Runs of MNIST recipes with several seeds, and the tables and curves that compare them."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from twingrad import nn
from twingrad.nn.optional import optional
from twingrad.viz.plots.canvas import CLASSES

SEEDS = (0, 1, 2)
EPOCHS = 10
BATCH = 128

adam = partial(nn.Adam, lr=1e-3)
momentum = partial(nn.SGD, lr=0.1, momentum=0.9)


@cache
def data() -> tuple[Any, Any]:
    """MNIST; without it there is nothing to study."""
    return nn.data.mnist()


def network(
    seed: int,
    widths: Sequence[int] = (784, 128, 64, 10),
    init: Any = "he",
    dtype: Any = np.float32,
    between: Callable[[int, np.random.Generator], Iterable[Any]] = lambda width, rng: (),
) -> nn.Sequential:
    """Linear layers with relu, and what goes `between` each and its relu or after that."""
    rng = np.random.default_rng(seed)
    layers: list[Any] = []
    for into, out in itertools.pairwise(widths):
        layers.append(nn.Linear(into, out, init=init, dtype=dtype, rng=rng))
        if out != widths[-1]:
            layers += [*between(out, rng), nn.ReLU()]
    return nn.Sequential(layers)


@dataclass
class Outcome:
    """What three runs of one recipe came to; curves are means over the seeds, `model` the last."""

    accuracy: np.ndarray
    loss: np.ndarray
    val_loss: np.ndarray
    val_accuracy: np.ndarray
    seconds: float
    model: nn.Sequential

    @property
    def score(self) -> str:
        """The test accuracy, its mean and its spread over the seeds."""
        return f"{self.accuracy.mean():.2%} ± {self.accuracy.std(ddof=1):.2%}"

    def epochs_to(self, level: float) -> str:
        """The first epoch whose mean validation accuracy reaches a level."""
        reached = np.flatnonzero(self.val_accuracy >= level)
        return str(reached[0] + 1) if reached.size else f"not in {len(self.val_accuracy)}"


def runs(
    build: Callable[[int], nn.Sequential],
    optimizer: Callable[[Any], nn.Optimizer] = adam,
    epochs: int = EPOCHS,
    batch_size: int = BATCH,
    clip_norm: float | None = None,
    schedule: Callable[[int], float] | None = None,
) -> Outcome:
    """Train with every seed on nine tenths of the training set."""
    (X, y), (X_test, y_test) = data()
    histories, scores = [], []
    for seed in SEEDS:
        model = build(seed)
        with np.errstate(all="ignore"):
            history = nn.fit(
                model,
                X,
                y,
                loss=nn.cross_entropy,
                optimizer=optimizer(model.parameters()),
                epochs=epochs,
                batch_size=batch_size,
                validation=0.1,
                metrics="accuracy",
                clip_norm=clip_norm,
                schedule=schedule,
                rng=seed,
                progress=False,
            )
        histories.append(history)
        scores.append((nn.predict(model, X_test).argmax(axis=1) == y_test).mean())
    names = ("loss", "val_loss", "val_accuracy")
    means = [np.mean([history[name] for history in histories], axis=0) for name in names]
    seconds = np.median([s for history in histories for s in history.seconds])
    return Outcome(np.array(scores), *means, float(seconds), model)


def table(*rows: Sequence[Any]) -> str:
    """Rows in Markdown, the first the titles."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def curves(lines: dict[str, Sequence[float]], title: str, **labels: str) -> Any:
    """Lines by epoch, or by layer, on one Axes."""
    _, ax = optional("matplotlib.pyplot").subplots(figsize=(6.4, 4.0), layout="constrained")
    for (name, numbers), color, dash in zip(
        lines.items(), CLASSES, ("-", "--", "-.", ":", "-", "--"), strict=False
    ):
        ax.plot(range(1, len(numbers) + 1), numbers, dash, color=color, marker=".", label=name)
    ax.set(title=title, **labels)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    return ax
