"""The claims of "from scratch" courses, measured on MNIST: initialisation, optimizers, batches,
dropout, batch norm, clipping, precision. Writes the tables and pictures of docs/mnist.md.
"""

import itertools
import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from demos.common import arguments, save
from twingrad import Tensor, nn
from twingrad.nn.optional import optional
from twingrad.viz.canvas import CLASSES

DOCS = Path("docs")
SEEDS = (0, 1, 2)
EPOCHS = 10
BATCH = 128

adam = partial(nn.Adam, lr=1e-3)
momentum = partial(nn.SGD, lr=0.1, momentum=0.9)

NORMALS: dict[str, Callable[..., np.ndarray]] = {
    "He": nn.init.he_normal,
    "Xavier": nn.init.xavier_normal,
    "naive: normal, σ = 1": lambda shape, rng, dtype: rng.normal(0.0, 1.0, shape),
    "naive: normal, σ = 0.01": lambda shape, rng, dtype: rng.normal(0.0, 0.01, shape),
}


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
    """What three runs of one recipe came to; curves are means over the seeds."""

    accuracy: np.ndarray
    loss: np.ndarray
    val_loss: np.ndarray
    val_accuracy: np.ndarray
    seconds: float

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
                rng=seed,
                progress=False,
            )
        histories.append(history)
        scores.append((nn.predict(model, X_test).argmax(axis=1) == y_test).mean())
    names = ("loss", "val_loss", "val_accuracy")
    means = [np.mean([history[name] for history in histories], axis=0) for name in names]
    seconds = np.median([s for history in histories for s in history.seconds])
    return Outcome(np.array(scores), *means, float(seconds))


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


# The studies; each returns its table


def spreads(init: Any) -> tuple[list[float], list[float]]:
    """The standard deviations of activations and of their gradients, layer by layer, untrained."""
    (X, y), _ = data()
    model = network(0, (784, *[128] * 8, 10), init)
    x, seen = Tensor(X[:1000]), []
    for layer in model:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            seen.append(x)
    nn.cross_entropy(x, y[:1000]).backward()
    return [float(a.data.std()) for a in seen], [float(a.grad.std()) for a in seen]


def initialisation(images: Path) -> str:
    """How the size of the signal goes through eight hidden layers, and how fast they learn."""
    measured = {name: spreads(init) for name, init in NORMALS.items()}
    for i, what in enumerate(("activations", "gradients")):
        lines = {name: pair[i] for name, pair in measured.items()}
        ax = curves(lines, f"Spread of {what} before training", xlabel="hidden layer")
        ax.set(ylabel="standard deviation", yscale="log")
        save(ax, images / f"mnist_init_{what}.png")
    rows: list[Sequence[Any]] = [
        ("weights", "activations, layer 1 → 8", "gradients, layer 8 → 1", "epochs to 95 %", "test")
    ]
    for name, (activations, gradients) in measured.items():
        deep = partial(network, widths=(784, *[128] * 8, 10), init=NORMALS[name])
        outcome = runs(deep, partial(nn.SGD, lr=0.02, momentum=0.9))
        rows.append(
            (
                name,
                f"{activations[0]:.2g} → {activations[-1]:.2g}",
                f"{gradients[-1]:.2g} → {gradients[0]:.2g}",
                outcome.epochs_to(0.95),
                outcome.score,
            )
        )
    return table(*rows)


def optimizers(images: Path) -> str:
    """Adam, SGD with momentum, and SGD without, at constant rates."""
    recipes = {
        "Adam, 0.001": adam,
        "SGD, momentum 0.9, 0.1": momentum,
        "SGD, momentum 0.9, 0.01": partial(nn.SGD, lr=0.01, momentum=0.9),
        "SGD, 0.1": partial(nn.SGD, lr=0.1),
    }
    outcomes = {name: runs(network, recipe, epochs=20) for name, recipe in recipes.items()}
    lines = {name: 1.0 - outcome.val_accuracy for name, outcome in outcomes.items()}
    ax = curves(lines, "Validation errors by epoch", xlabel="epoch", ylabel="share of errors")
    ax.set_yscale("log")
    save(ax, images / "mnist_optimizers.png")
    titles = ("optimizer, rate", "epochs to 97 %", "training loss, last epoch", "test")
    rows = [
        (name, outcome.epochs_to(0.97), f"{outcome.loss[-1]:.2g}", outcome.score)
        for name, outcome in outcomes.items()
    ]
    return table(titles, *rows)


def batches(images: Path) -> str:
    """Adam at one rate, from small batches to large ones."""
    outcomes = {size: runs(network, batch_size=size) for size in (16, 64, 256, 1024, 4096)}
    lines = {f"batches of {size}": outcome.loss for size, outcome in outcomes.items()}
    ax = curves(lines, "Training loss by epoch", xlabel="epoch", ylabel="mean loss, nats")
    ax.set_yscale("log")
    save(ax, images / "mnist_batches.png")
    titles = ("batch", "steps an epoch", "seconds an epoch", "epochs to 97 %", "test")
    rows = [
        (size, -(-54000 // size), f"{o.seconds:.2f}", o.epochs_to(0.97), o.score)
        for size, o in outcomes.items()
    ]
    return table(titles, *rows)


def extras(images: Path) -> str:
    """The same network with dropout and batch norm, twenty epochs."""
    recipes: dict[str, Any] = {
        "neither": lambda width, rng: (),
        "dropout 0.2": lambda width, rng: (nn.Dropout(0.2, rng=rng),),
        "batch norm": lambda width, rng: (nn.BatchNorm1d(width),),
        "both": lambda width, rng: (nn.BatchNorm1d(width), nn.Dropout(0.2, rng=rng)),
    }
    outcomes = {
        name: runs(partial(network, between=between), epochs=20)
        for name, between in recipes.items()
    }
    lines = {name: outcome.val_loss for name, outcome in outcomes.items()}
    ax = curves(lines, "Validation loss by epoch", xlabel="epoch", ylabel="mean loss, nats")
    save(ax, images / "mnist_extras.png")
    titles = ("with", "training loss", "validation loss", "its least", "epochs to 97 %", "test")
    rows = [
        (
            name,
            f"{o.loss[-1]:.3f}",
            f"{o.val_loss[-1]:.3f}",
            f"{o.val_loss.min():.3f} in epoch {o.val_loss.argmin() + 1}",
            o.epochs_to(0.97),
            o.score,
        )
        for name, o in outcomes.items()
    ]
    return table(titles, *rows)


def clipping(_: Path) -> str:
    """SGD with momentum at growing rates, with the norm of the gradient limited to 1, and not."""
    rows = []
    for lr in (0.1, 0.3, 0.6, 1.0):
        recipe = partial(nn.SGD, lr=lr, momentum=0.9)
        free, clipped = (runs(network, recipe, 5, clip_norm=norm) for norm in (None, 1.0))
        rows.append((lr, free.score, clipped.score))
    return table(("rate", "test, not clipped", "test, clipped to a norm of 1"), *rows)


def precision(_: Path) -> str:
    """float32 against float64."""
    rows = []
    for dtype in (np.float32, np.float64):
        outcome = runs(partial(network, dtype=dtype))
        gradient, numbers = checked(dtype)
        worst = np.abs(gradient - numbers).max() / np.abs(numbers).max()
        name = np.dtype(dtype).name
        rows.append((name, f"{outcome.seconds:.2f}", outcome.score, f"{worst:.1e}"))
    titles = ("precision", "seconds an epoch", "test", "largest error of a gradient")
    return table(titles, *rows)


def checked(dtype: Any, count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Some weights' gradients in each layer by backward(), and by differences in float64."""
    (X, y), _ = data()
    model, exact = network(0, dtype=dtype), network(0).to(np.float64)
    nn.cross_entropy(model(X[:BATCH]), y[:BATCH]).backward()
    analytical, numerical = [], []
    for own, other in zip(model.parameters(), exact.parameters(), strict=True):
        if own.ndim < 2:
            continue
        largest = np.argsort(np.abs(own.grad).ravel())[-count:]
        for place in zip(*np.unravel_index(largest, own.shape), strict=True):
            analytical.append(float(own.grad[place]))
            numerical.append(slope(exact, other, place, X[:BATCH], y[:BATCH]))
    return np.array(analytical), np.array(numerical)


def slope(model: Any, parameter: Any, place: Any, X: Any, y: Any, eps: float = 1e-5) -> float:
    """A central difference of the loss along one weight."""
    losses, weight = [], float(parameter.data[place])
    for shift in (eps, -eps):
        parameter.data[place] = weight + shift
        losses.append(nn.cross_entropy(model(X), y).item())
    parameter.data[place] = weight
    return (losses[0] - losses[1]) / (2.0 * eps)


def gradients(_: Path) -> str:
    """The three steepest weights of each layer."""
    analytical, numerical = checked(np.float64)
    titles = ("layer", "analytical", "numerical", "relative error")
    rows = []
    for i, (a, n) in enumerate(zip(analytical, numerical, strict=True)):
        error = abs(a - n) / (abs(a) + abs(n))
        rows.append((f"Linear {i // 3 + 1}", f"{a:.10f}", f"{n:.10f}", f"{error:.1e}"))
    return table(titles, *rows)


STUDIES = {
    "initialisation": initialisation,
    "optimizers": optimizers,
    "batches": batches,
    "extras": extras,
    "clipping": clipping,
    "precision": precision,
    "gradients": gradients,
}


def run(docs: Path, names: Iterable[str] = STUDIES) -> None:
    """Measure, and put each table in its place in mnist.md."""
    page = docs / "mnist.md"
    for name in names:
        measured = STUDIES[name](docs / "images")
        print(f"\n{name}\n{measured}", flush=True)
        place = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
        text = page.read_text(encoding="utf-8")
        new = re.sub(place, lambda m: f"{m[1]}\n{measured}\n\n{m[2]}", text, flags=re.DOTALL)  # noqa: B023
        page.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("studies", nargs="*", default=list(STUDIES), help="all, or some of these")
    options = arguments(__doc__, out=DOCS, more=parser)
    unknown = set(options.studies) - STUDIES.keys()
    if unknown:
        raise SystemExit(f"there is no study {unknown.pop()!r}; there are {', '.join(STUDIES)}")
    run(options.out, options.studies)
