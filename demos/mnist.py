"""MNIST: 60,000 handwritten digits to learn from, 10,000 to be judged by, and the tools around.

Two optimizers and three seeds for the network 784-128-64-10; --model conv trains a small
convolutional one. Where MNIST is not at hand, the digits of scikit-learn stand in.
"""

import argparse
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from demos.common import OUTPUTS, arguments, positive, save
from twingrad import nn, viz

Pair = tuple[np.ndarray, np.ndarray]
BATCH = 128


@dataclass
class Recipe:
    """A network, how it is trained, each optimizer to which peak of its rate, and for how long."""

    build: Callable[[int, np.random.Generator], nn.Sequential]
    optimizers: dict[str, tuple[Callable[..., nn.Optimizer], float]]
    epochs: int
    seeds: int


def mlp(pixels: int, rng: np.random.Generator) -> nn.Sequential:
    """Two hidden layers of relu units, weights drawn as He et al. do."""
    return nn.Sequential(
        nn.Linear(pixels, 128, init="he", rng=rng),
        nn.ReLU(),
        nn.Linear(128, 64, init="he", rng=rng),
        nn.ReLU(),
        nn.Linear(64, 10, init="he", rng=rng),
    )


def conv(pixels: int, rng: np.random.Generator) -> nn.Sequential:
    """Two convolutions, each pooled to half the size, before two dense layers."""
    side = round(pixels**0.5)
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2, rng=rng),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 32, 5, padding=2, rng=rng),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.3, rng=rng),
        nn.Linear(32 * (side // 4) ** 2, 64, rng=rng),
        nn.ReLU(),
        nn.Linear(64, 10, rng=rng),
    )


def adam(parameters: Any, peak: float) -> nn.Optimizer:
    """Adam; its rate is the schedule's."""
    return nn.Adam(parameters, lr=peak)


def sgd(parameters: Any, peak: float) -> nn.Optimizer:
    """SGD with momentum; its rate is the schedule's."""
    return nn.SGD(parameters, lr=peak, momentum=0.9)


RECIPES = {
    "mlp": Recipe(mlp, {"Adam": (adam, 3e-3), "SGD, momentum 0.9": (sgd, 0.1)}, epochs=20, seeds=3),
    "conv": Recipe(conv, {"Adam": (adam, 3e-3)}, epochs=6, seeds=1),
}


def data() -> tuple[Pair, Pair, str]:
    """Training and test samples and their name: MNIST, or, where it is missing, digits."""
    try:
        train, test = nn.data.mnist()
        return train, test, "MNIST"
    except FileNotFoundError as error:
        print(textwrap.indent(f"{error}\n", "  "))
        print("  Going on with the 1,797 digits of 8×8 pixels in scikit-learn.")
    X, y = nn.data.digits()
    X_train, X_test, y_train, y_test = nn.data.train_test_split(X, y, 0.2, stratify=True, rng=0)
    return (X_train, y_train), (X_test, y_test), "digits"


def train(
    model: nn.Sequential,
    optimizer: nn.Optimizer,
    samples: Pair,
    epochs: int,
    seed: int,
    *callbacks: nn.Callback,
) -> nn.History:
    """Train on nine tenths, validate on the rest, and end with the best epoch."""
    X, y = samples
    steps = epochs * -(-round(0.9 * len(X)) // BATCH)
    return nn.fit(
        model,
        X,
        y,
        loss=nn.cross_entropy,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=BATCH,
        validation=0.1,
        metrics="accuracy",
        schedule=nn.OneCycle(optimizer.lr, steps),
        callbacks=[nn.EarlyStopping(8, monitor="val_accuracy"), *callbacks],
        rng=seed,
    )


def report(model: nn.Sequential, history: nn.History, test: Pair, out: Path) -> None:
    """The pictures of one run."""
    X, y = test
    outputs = nn.predict(model, X)
    said = outputs.argmax(axis=1)
    chances = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    save(viz.plot_history(history), out / "loss_curve.png")
    save(viz.plot_history(history, "accuracy"), out / "accuracy_curve.png")
    save(viz.plot_confusion_matrix(y, said), out / "confusion_matrix.png")
    save(viz.plot_misclassified(X, y, said, confidence=chances), out / "misclassified.png")
    save(viz.plot_weights(model[0], count=32), out / "first_layer.png")


def run(name: str, seed: int, seeds: int | None, epochs: int | None, out: Path) -> None:
    """Train with every optimizer and seed, draw the first run, and print the table of all."""
    recipe = RECIPES[name]
    (X, y), (X_test, y_test), source = data()
    epochs = epochs or recipe.epochs * (1 if source == "MNIST" else 5)
    pixels = X.shape[1]
    if name == "conv":
        side = round(pixels**0.5)
        X, X_test = (images.reshape(-1, 1, side, side) for images in (X, X_test))
    model = recipe.build(pixels, np.random.default_rng(seed))
    print(f"  {source}: {len(X):,} samples to learn from, {len(X_test):,} to test on\n")
    print(nn.summary(model, (BATCH, *X.shape[1:])), "\n")
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for label, (make, peak) in recipe.optimizers.items():
        scores, best, seconds = [], [], []
        for k in range(seed, seed + (seeds or recipe.seeds)):
            model = recipe.build(pixels, np.random.default_rng(k))
            first = not rows and not scores
            kept = [nn.Checkpoint(out / "best_model.npz", monitor="val_accuracy")] if first else []
            optimizer = make(model.parameters(), peak)
            print(f"  {label}, seed {k}", flush=True)
            history = train(model, optimizer, (X, y), epochs, k, *kept)
            scores.append(float((nn.predict(model, X_test).argmax(axis=1) == y_test).mean()))
            seconds += history.seconds
            best.append(max(history["val_accuracy"]))
            if first:
                print(f"  wrote {out / 'best_model.npz'}, of epoch {kept[0].best_epoch}")
                report(model, history, (X_test, y_test), out)
        rows.append((label, scores, np.mean(best), np.median(seconds)))

    width = max(len(label) for label, *_ in rows)
    print(f"\n  {'':{width}}  {'s an epoch':>10}  {'best val.':>10}  test accuracy, seed by seed")
    for label, scores, best, pace in rows:
        each = "  ".join(f"{score:.2%}" for score in scores)
        print(f"  {label:{width}}  {pace:10.2f}  {best:10.2%}  {each}  mean {np.mean(scores):.2%}")
    print(f"test accuracy {100 * np.mean(rows[0][1]):.1f} %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--model", choices=list(RECIPES), default="mlp", help="(%(default)s)")
    parser.add_argument("--seeds", type=positive, help="how many (3 for mlp, 1 for conv)")
    parser.add_argument(
        "--epochs",
        type=positive,
        help="how many (20 for mlp, 6 for conv, five times that for digits)",
    )
    options = arguments(__doc__, more=parser, out=OUTPUTS / "mnist")
    run(options.model, options.seed, options.seeds, options.epochs, options.out)
