"""Twenty sigmoid layers that do not learn: why, by the numbers, and three ways to cure them."""

import argparse
from collections.abc import Callable
from math import log
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from demos.common import arguments, positive, save
from twingrad import nn, viz

DEPTH, WIDTH, EPOCHS = 20, 512, 10
BOUND = 0.25**DEPTH
"""A sigmoid's slope is at most 1/4, so twenty of them leave at most this of a gradient."""

Rng = np.random.Generator


class Outcome(NamedTuple):
    """A network after training: gradient norms are of the first step, which is what counts."""

    model: nn.Sequential
    history: nn.History
    monitor: nn.Monitor
    diagnosis: nn.Diagnosis
    first: float
    last: float
    accuracy: float


def sigmoid(width: int, rng: Rng) -> list[Any]:
    """The illness: Linear by Xavier, then a sigmoid, layer after layer."""
    return [nn.Linear(width, width, init="xavier", rng=rng), nn.Sigmoid()]


def relu(width: int, rng: Rng) -> list[Any]:
    """Slopes of 1 where a unit is active, and weights that make up for where it is not."""
    return [nn.Linear(width, width, init="he", rng=rng), nn.ReLU()]


def residual(width: int, rng: Rng) -> list[Any]:
    """The same, each layer with a way around it; sigmoid first, so that the sum has either sign."""
    return [
        nn.Residual(nn.Sequential(nn.Sigmoid(), nn.Linear(width, width, init="xavier", rng=rng)))
    ]


def normalized(width: int, rng: Rng) -> list[Any]:
    """The same sigmoid layers, their sums brought to spread 1, where a sigmoid is steep."""
    return [nn.Linear(width, width, init="xavier", rng=rng), nn.BatchNorm1d(width), nn.Sigmoid()]


WAYS: dict[str, Callable[[int, Rng], list[Any]]] = {
    "sigmoid, Xavier": sigmoid,
    "relu, He": relu,
    "sigmoid, residual": residual,
    "sigmoid, batch norm": normalized,
}


def network(way: str, width: int = WIDTH, depth: int = DEPTH, seed: int = 0) -> nn.Sequential:
    """`depth` fully connected layers in a way of `WAYS`, and one more for the ten classes."""
    rng = np.random.default_rng(seed)
    make = WAYS[way]
    first = [nn.Linear(64, width, init="he" if make is relu else "xavier", rng=rng)]
    if make is not residual:
        first += make(width, rng)[1:]
    hidden = [layer for _ in range(depth - 1) for layer in make(width, rng)]
    return nn.Sequential(*first, *hidden, nn.Linear(width, 10, init="xavier", rng=rng))


def train(
    way: str, width: int = WIDTH, depth: int = DEPTH, epochs: int = EPOCHS, seed: int = 0
) -> Outcome:
    """Train on four fifths of the digits, by SGD with momentum, the same for all."""
    X, y = nn.data.digits()
    X, X_test, y, y_test = nn.data.train_test_split(X, y, 0.2, stratify=True, rng=seed)
    model = network(way, width, depth, seed)
    optimizer = nn.SGD(model.parameters(), lr=0.01, momentum=0.9)
    monitor = nn.Monitor(model, optimizer, snapshots=1)
    history = nn.fit(
        model, X, y, loss=nn.cross_entropy, optimizer=optimizer, epochs=epochs, batch_size=32,
        validation=(X_test, y_test), metrics="accuracy", callbacks=[monitor], rng=seed,
        progress=False,
    )  # fmt: skip
    diagnosis = nn.diagnose(
        model, X, y, nn.cross_entropy, history=history, monitor=monitor, optimizer=optimizer
    )
    # Of a normalisation, which has parameters too, the gradient is another matter.
    linear = [i for i, path in enumerate(monitor.layers) if _is_linear(model, path)]
    norms = monitor.gradient_norms[0, linear]
    accuracy = history["val_accuracy"][-1]
    return Outcome(model, history, monitor, diagnosis, norms[0], norms[-1], accuracy)


def _is_linear(model: nn.Sequential, path: str) -> bool:
    return isinstance(dict(model.named_modules())[path], nn.Linear)


def row(way: str, outcome: Outcome) -> str:
    """A line of the table."""
    first, last = outcome.first, outcome.last
    losses = outcome.history.loss
    return (
        f"{way:20} {first:10.1e} {last:10.1e} {first / last:10.1e} "
        f"{losses[0]:8.3f} {losses[-1]:8.3f} {outcome.accuracy:9.1%}"
    )


HEAD = (
    f"{'':20} {'gradient, first step, of the':^32}\n"
    f"{'layers':20} {'first':>10} {'last':>10} {'ratio':>10} "
    f"{'loss, 1st':>8} {'last':>7} {'accuracy':>9}"
)


def run(seed: int, out: Path, width: int = WIDTH, epochs: int = EPOCHS) -> None:
    """Train the ill network, hear the doctor, and train the cured ones."""
    print(
        f"{DEPTH} layers of {width} units on digits; by chance 10.0% are right, with a loss of "
        f"ln 10 = {log(10):.3f}\n0.25^{DEPTH} = {BOUND:.1e}\n\n{HEAD}"
    )
    outcomes = {}
    for way in WAYS:
        outcomes[way] = train(way, width, epochs=epochs, seed=seed)
        print(row(way, outcomes[way]), flush=True)
    print(f"\nThe doctor on the first one:\n\n{outcomes['sigmoid, Xavier'].diagnosis}\n")
    for way in list(WAYS)[1:]:
        print(f"… on {way}: {', '.join(outcomes[way].diagnosis.kinds) or 'nothing found'}")
    save(drawn(outcomes), out / "vanishing.png")


def drawn(outcomes: dict[str, Outcome]) -> Any:
    """The gradient flow of all of them, side by side on one scale; returns the last Axes."""
    from twingrad.nn.optional import optional

    count = len(outcomes)
    figure, axes = optional("matplotlib.pyplot").subplots(
        1, count, figsize=(3.6 * count, 4.2), sharey=True, layout="constrained"
    )
    for ax, (way, outcome) in zip(axes, outcomes.items(), strict=True):
        viz.plot_gradient_flow(outcome.monitor, ax=ax)
        ax.get_legend().remove()
        ax.set_ylabel("")
        ax.xaxis.get_major_locator().set_params(nbins=5)
        ax.set_title(f"{way}\n{outcome.accuracy:.0%} right after {len(outcome.history)} epochs")
    axes[0].set_ylabel("norm of the gradient, by layer")
    axes[0].set_ylim(1e-14, 1e3)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, title="layer", loc="outside right center", frameon=False)
    figure.suptitle(f"Gradients of {DEPTH} layers and an output layer, step by step")
    return axes[-1]


if __name__ == "__main__":
    more = argparse.ArgumentParser(add_help=False)
    more.add_argument("--width", type=positive, default=WIDTH, help="units a layer (%(default)s)")
    more.add_argument("--epochs", type=positive, default=EPOCHS, help="(%(default)s)")
    options = arguments(__doc__, more=more)
    run(options.seed, options.out, options.width, options.epochs)
