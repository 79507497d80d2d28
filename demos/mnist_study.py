"""The claims of "from scratch" courses, measured on MNIST: initialisation, optimizers, batches,
dropout, batch norm, clipping, precision. Writes the tables and pictures of docs/mnist.md.
"""

import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from demos.common import arguments, save
from demos.mnist_runs import BATCH, adam, curves, data, momentum, network, runs, table
from twingrad import Tensor, nn, viz

DOCS = Path("docs")
NORMALS: dict[str, Callable[..., np.ndarray]] = {
    "He": nn.init.he_normal,
    "Xavier": nn.init.xavier_normal,
    "naive: normal, σ = 1": lambda shape, rng, dtype: rng.normal(0.0, 1.0, shape),
    "naive: normal, σ = 0.01": lambda shape, rng, dtype: rng.normal(0.0, 0.01, shape),
}


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
    lines = {name: 100.0 * (1.0 - outcome.val_accuracy) for name, outcome in outcomes.items()}
    ax = curves(lines, "Validation errors by epoch", xlabel="epoch", ylabel="errors, %")
    ax.set_ylim(0.0)
    save(ax, images / "mnist_optimizers.png")
    titles = ("optimizer, rate", "epochs to 97 %", "training loss, last epoch", "test")
    rows = [
        (name, outcome.epochs_to(0.97), f"{outcome.loss[-1]:.2g}", outcome.score)
        for name, outcome in outcomes.items()
    ]
    return table(titles, *rows)


def schedules(images: Path) -> str:
    """The rate held, and led up and down, over twenty epochs."""
    total = 20 * -(-54000 // BATCH)
    recipes: dict[str, Any] = {
        "Adam, 0.001 held": (adam, None),
        "Adam, 0.001, CosineAnnealing": (adam, nn.CosineAnnealing(total)),
        "Adam, OneCycle to 0.003": (adam, nn.OneCycle(3e-3, total)),
        "SGD, momentum 0.9, 0.1 held": (momentum, None),
        "SGD, momentum 0.9, OneCycle to 0.1": (momentum, nn.OneCycle(0.1, total)),
    }
    rows = []
    for name, (optimizer, schedule) in recipes.items():
        outcome = runs(network, optimizer, 20, schedule=schedule)
        rows.append((name, outcome.epochs_to(0.97), outcome.score))
    (X, y), model = data()[1], outcome.model
    said = nn.predict(model, X).argmax(axis=1)
    save(viz.plot_misclassified(X, y, said), images / "mnist_misclassified.png")
    save(viz.plot_weights(model[0], count=32), images / "mnist_first_layer.png")
    return table(("optimizer, rate", "epochs to 97 %", "test"), *rows)


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
    model, exact = network(0, dtype=dtype), network(0, dtype=np.float64)
    exact.load_state_dict(model.state_dict())
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
    "schedules": schedules,
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
