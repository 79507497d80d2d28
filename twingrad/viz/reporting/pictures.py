"""Pictures of a run as figures of a page: an image that is part of the page, and what it shows.

Each is an SVG within the page's own text, so that it is sharp at any size and needs no file.
"""

import base64
import warnings
from collections.abc import Callable
from functools import partial
from io import StringIO
from typing import Any

import numpy as np

from ...engine import Tensor
from ...nn import MLP, Module
from ...nn.optional import optional
from ...nn.predict import predict
from ..plots.activations import plot_activations
from ..plots.boundary import plot_decision_boundary
from ..plots.canvas import BLUE, INK, ORANGE, as_written
from ..plots.confusion import plot_confusion_matrix
from ..plots.curves import less_is_better, plot_history
from ..plots.flow import plot_gradient_flow
from ..plots.images import plot_misclassified, plot_weights
from .html import Html, tag
from .run import Part, Run

_MANY = 1000
"""What has more marks or corners than that is drawn as pixels: a page of shapes would be large."""

_WIDE = 5.5
"""Inches beyond which letters would be too small in a narrow window."""

_UNITS = 32


def figure(
    draw: Callable[[Any], Any], caption: Any, size: tuple[float, float] = (5.4, 4.0)
) -> Html:
    """What `draw` draws on axes of a size in inches, with its caption; its title is its alt text.

    The user's own matplotlib settings and figures are left alone.
    """
    matplotlib = optional("matplotlib")
    figure_module, style = optional("matplotlib.figure"), optional("matplotlib.style")
    with style.context("default"), warnings.catch_warnings():
        # Text stays text, in the fonts of whoever reads it: they may have letters that this
        # machine has not.
        matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "twingrad"}
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        drawn = figure_module.Figure(figsize=size, layout="compressed")
        ax = draw(drawn.subplots())
        for marks in ax.collections:
            points = sum(len(path.vertices) for path in marks.get_paths())
            marks.set_rasterized(max(points, len(marks.get_offsets())) > _MANY)
        for line in ax.lines:
            line.set_rasterized(len(line.get_xdata()) > _MANY)
        written = StringIO()
        unsaid = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        drawn.savefig(
            written, format="svg", dpi=150, metadata=unsaid, bbox_inches="tight", pad_inches=0.05
        )
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :]
    alt = ax.get_title().replace(r"\$", "$").replace("\n", " ")
    source = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    image = Html(tag("img", src=source, alt=alt).removesuffix("</img>"))
    inside = tag("div", image, class_="picture")
    if size[0] > _WIDE:  # in a narrow window it is scrolled, with the keyboard too
        inside = tag("div", image, class_="wide", role="region", aria_label=alt, tabindex="0")
    return tag("figure", inside, tag("figcaption", caption))


def curves(run: Run) -> list[Html]:
    """The loss with the learning rate, and each metric."""
    lines = "Blue: training data"
    if run.history.val_loss:
        lines += "; dashed orange: samples held out, which it never learned from"
    found = []
    for curve in ("loss", *(name for name in run.history.metrics if not name.startswith("val_"))):
        words = f"{'Lower' if less_is_better(curve) else 'Higher'} is better. {lines}."
        if curve == "loss" and run.history.learning_rate:
            words += " Below it, the learning rate: how large the steps were."
        found.append(figure(partial(_curve, run, curve), words))
    return found


def _curve(run: Run, curve: str, ax: Any) -> Any:
    return plot_history(run.history, curve, ax=ax, learning_rate=curve == "loss")


def answers(run: Run) -> list[Html]:
    """What the model says: the plane that it divides, a table of classes, or its numbers."""
    if run.task == "numbers":
        return _numbers(run)
    found = []
    if run.seen.X.shape[1:] == (2,):
        for part in run.parts:
            words = (
                f"Each point is one of the {part.name} samples, coloured by its true label; the "
                "ground is coloured by what the model says there, and paler where it is less "
                f"sure. {_rings(part)}"
            )
            found.append(figure(partial(_plane, run, part), words))
    else:
        part = run.judged
        words = (
            f"The {part.name} samples. Row: what a sample is; column: what the model takes it for. "
            "What is right stands on the diagonal. Percents are shares of a row; on the right, how "
            "much of each class was found."
        )
        side = 5.4 if len(run.labels) < 9 else 7.2
        found.append(
            figure(
                lambda ax: plot_confusion_matrix(part.truth, part.said, names=run.labels, ax=ax),
                words,
                (side, 0.86 * side),
            )
        )
    return found


def _rings(part: Part) -> str:
    wrong = len(part.X) - part.right
    return f"The {wrong:,} it gets wrong are ringed." if wrong else "It gets all of them right."


def _plane(run: Run, part: Part, ax: Any) -> Any:
    y = part.truth
    cut = None
    if run.task == "two labels":
        y, cut = part.y.ravel(), run.cut
    ax = plot_decision_boundary(
        run.model, part.X, y, cut=cut, features=run.features, names=run.labels, ax=ax
    )
    ax.set_title(f"{ax.get_title()} ({part.name})")
    return ax


def _numbers(run: Run) -> list[Html]:
    part = run.judged
    words = (
        f"Each point is one of the {part.name} samples: how far right is its true number, how far "
        "up what the model says. On the line both are equal."
    )
    found = [figure(lambda ax: _agreement(part, ax), words)]
    if run.seen.X.shape[1:] == (1,) and part.outputs.shape[1] == 1:
        words = "The samples by their one feature, and the curve that the model has found."
        found.insert(0, figure(lambda ax: _fitted(run, ax), words))
    return found


def _agreement(part: Part, ax: Any) -> Any:
    y = part.y.reshape(len(part.y), -1)
    ax.scatter(y.ravel(), part.outputs.ravel(), s=18, color=BLUE, alpha=0.6, edgecolors="white")
    both = np.concatenate([y.ravel(), part.outputs.ravel()])
    ends = [both.min(), both.max()]
    ax.plot(ends, ends, color=INK, linewidth=1.0, linestyle="dashed", label="equal")
    ax.legend(frameon=False)
    ax.set(xlabel="true", ylabel="predicted", title=f"Predicted against true ({part.name})")
    ax.grid(alpha=0.3)
    return ax


def _fitted(run: Run, ax: Any) -> Any:
    for part, color in zip(run.parts, (BLUE, ORANGE), strict=False):
        ax.scatter(part.X.ravel(), part.y.ravel(), s=18, color=color, alpha=0.6, label=part.name)
    X = np.concatenate([part.X for part in run.parts])
    along = np.linspace(X.min(), X.max(), 300)[:, None]
    ax.plot(along, predict(run.model, along).reshape(-1), color=INK, label="model")
    ax.legend(frameon=False)
    ax.set(xlabel=as_written(run.features[0]), ylabel="target", title="What the model has found")
    ax.grid(alpha=0.3)
    return ax


def mistakes(run: Run) -> list[Html]:
    """The samples that were taken for another class, where they are images."""
    part = run.judged
    images = part.X.reshape(len(part.X), *(run.image or ()))
    chances = run.chances(part)
    order = ", the surest mistakes first" if chances is not None else ""
    words = f"What each is, and what the model took it for{order}."
    rows = int(np.clip(np.ceil((len(part.X) - part.right) / 5), 1, 2))
    return [
        figure(
            lambda ax: plot_misclassified(
                images, part.truth, part.said, confidence=chances, names=run.labels, ax=ax
            ),
            words,
            (6.0, 0.6 + 1.7 * rows),
        )
    ]


def inside(run: Run, monitor: Any) -> list[Html]:
    """Gradients by layer, outputs by layer, and the first weights, where they are images."""
    found = []
    if monitor is not None:
        words = (
            "How strongly each layer is told to change, step by step. Lines that stay within a few "
            "powers of ten of each other mean that all layers learn; one that falls away from the "
            "others has stopped, one that shoots up is about to blow up."
        )
        found.append(figure(lambda ax: plot_gradient_flow(monitor, ax=ax), words, (7.2, 4.4)))
    if not run.finite or not isinstance(run.model, Module):
        return found
    sample = run.judged.X[:500]
    words = (
        "How often each number comes out of each layer. What is marked lies where an activation is "
        "flat, and passes hardly any gradient back."
    )
    found.append(figure(lambda ax: plot_activations(run.model, sample, ax=ax), words, (7.2, 4.6)))
    layer = _first_layer(run)
    if layer is not None:
        words = (
            "What the first layer looks for: each square is one unit, bright where a pixel speaks "
            "for it, blue where it speaks against it."
        )
        shape = run.image if layer.weight.data.ndim == 2 else None
        found.append(
            figure(lambda ax: plot_weights(layer, count=_UNITS, shape=shape, ax=ax), words)
        )
    return found


def _first_layer(run: Run) -> Any:
    """The first layer with weights, where its inputs are the pixels of an image."""
    model = run.model.to_tensor() if type(run.model) is MLP and run.image else run.model
    for module in model.modules():
        weight = getattr(module, "weight", None)
        if not isinstance(weight, Tensor):
            continue
        if weight.ndim == 4:
            return module
        fits = run.image and weight.ndim == 2 and weight.shape[0] == run.image[0] * run.image[1]
        return module if fits else None
    return None
