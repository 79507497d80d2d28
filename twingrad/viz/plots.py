"""Pictures of what a classifier says: decision boundaries and confusion matrices.

Each takes the axes to draw on, or makes them, and returns them; none shows or saves anything.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import ShapeError
from ..nn.predict import predict
from .canvas import CLASSES, INK, axes, shades

Array = npt.NDArray[Any]


def plot_decision_boundary(
    model: Any,
    X: Any,
    y: Any,
    *,
    cut: float | None = None,
    resolution: int = 100,
    margin: float = 0.5,
    ax: Any = None,
) -> Any:
    """What a model of two features says everywhere around its data, and the data.

    X: (samples, 2). A model with one output is shaded by it, and cut midway between the labels
    (0 for -1 and 1; for 0 and 1, 0.5) or at `cut`: 0.0 for logits. One with several outputs is
    coloured by the largest. Samples on the wrong side are ringed. Serves both twins. Returns
    the Axes.
    """
    points, labels, classes = _checked_points(X, y)
    ax = axes(ax, (6.0, 5.0))
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    across, up = (np.linspace(low[i], high[i], resolution) for i in range(2))
    grid = np.stack(np.meshgrid(across, up), axis=-1)
    outputs = _finite_outputs(model, grid.reshape(-1, 2))
    at_points = _finite_outputs(model, points)
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        count = outputs.shape[1]
        if not np.isin(classes, range(count)).all():
            raise ValueError(
                f"a model of {count} outputs tells labels 0 to {count - 1} apart, but y holds "
                f"{classes.tolist()}"
            )
        colors = [CLASSES[i % len(CLASSES)] for i in range(count)]
        regions = outputs.argmax(axis=1).reshape(resolution, resolution)
        edges = np.arange(count + 1) - 0.5
        ax.contourf(across, up, regions, levels=edges, colors=colors, alpha=0.25)
        wrong = at_points.argmax(axis=1) != labels
        place = {label: int(label) for label in classes}
    else:
        lower = -1.0 if classes.min() < 0 else 0.0
        if len(classes) > 2 or not (len(classes) == 2 or classes[0] in (lower, 1.0)):
            raise ValueError(
                f"a model of one output tells two labels apart, such as 0 and 1, but y holds "
                f"{classes.tolist()}"
            )
        ends = classes if len(classes) == 2 else np.array([lower, 1.0])
        cut = float(ends.sum()) / 2.0 if cut is None else cut
        surface = outputs.reshape(resolution, resolution)
        shown = np.clip((surface - cut) / (float(np.ptp(ends)) / 2.0), -1.0, 1.0)
        ax.contourf(across, up, shown, levels=np.linspace(-1.0, 1.0, 21), cmap=shades())
        ax.contour(across, up, surface, levels=[cut], colors=[INK], linewidths=1.5)
        wrong = (at_points.ravel() > cut) != (labels == ends[1])
        place = {label: int(label == ends[1]) for label in classes}
    for label in classes:
        i, chosen = place[label], labels == label
        color, marker = CLASSES[i % len(CLASSES)], "os^Dv"[i % 5]
        ax.scatter(
            *points[chosen].T, c=color, marker=marker, edgecolors="white", label=f"{label:g}"
        )
    ax.scatter(*points[wrong].T, s=120, facecolors="none", edgecolors=INK, linewidths=1.5)
    right = f"{np.count_nonzero(~wrong)} of {len(labels)} right"
    ax.set(xlabel="first feature", ylabel="second feature", title=f"Decision boundary, {right}")
    ax.legend(title="label", frameon=True)
    return ax


def _checked_points(X: Any, y: Any) -> tuple[Array, Array, Array]:
    points, labels = np.asarray(X), np.asarray(y).ravel()
    for name, numbers in (("X", points), ("y", labels)):
        if numbers.dtype.kind not in "biuf":
            raise TypeError(f"{name} must hold numbers, but its dtype is {numbers.dtype}")
        if not np.isfinite(numbers).all():
            raise ValueError(f"{name} holds NaN or infinite numbers; remove them first")
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ShapeError(
            f"a decision boundary needs X of shape (samples, 2), not {points.shape}; choose two "
            "features"
        )
    if len(points) != len(labels):
        raise ShapeError(f"X has {len(points)} samples and y has {len(labels)}")
    return points.astype(float), labels, np.unique(labels)


def _finite_outputs(model: Any, X: Array) -> Array:
    outputs = predict(model, X)
    if not np.isfinite(outputs).all():
        raise ValueError("the model's outputs are NaN or infinite, so there is no boundary to draw")
    return outputs


def plot_confusion_matrix(
    targets: Any, predictions: Any, *, names: Sequence[str] | None = None, ax: Any = None
) -> Any:
    """How often each class was taken for each other one: rows are true, columns predicted.

    Both are class indices, (samples,). Cells hold counts; colour is the share of the row.
    Returns the Axes.
    """
    truth, said = class_indices(targets, predictions)
    count = int(max(truth.max(initial=0), said.max(initial=0))) + 1
    counts = np.zeros((count, count), dtype=int)
    np.add.at(counts, (truth, said), 1)
    ax = axes(ax, (6.0, 5.5))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = ax.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    ax.figure.colorbar(image, ax=ax, label="share of the true class", fraction=0.046)
    for (i, j), number in np.ndenumerate(counts):
        if number:
            color = "white" if shares[i, j] > 0.5 else INK
            ax.text(j, i, number, ha="center", va="center", color=color)
    ticks = list(names) if names is not None else [str(i) for i in range(count)]
    if len(ticks) != count:
        raise ValueError(f"there are {count} classes, but {len(ticks)} names came")
    ax.set_xticks(range(count), ticks)
    ax.set_yticks(range(count), ticks)
    accuracy = np.trace(counts) / max(counts.sum(), 1)
    title = f"Confusion matrix, {accuracy:.1%} of {counts.sum():,} right"
    ax.set(xlabel="predicted", ylabel="true", title=title)
    return ax


def class_indices(targets: Any, predictions: Any) -> tuple[Array, Array]:
    """Targets and predictions as integers from 0 on, (samples,) each."""
    found = []
    for name, given in (("targets", targets), ("predictions", predictions)):
        labels = np.asarray(given)
        if labels.dtype.kind not in "iub":
            raise TypeError(
                f"{name} must be class indices, integers, not {labels.dtype}; for outputs of a "
                "model take outputs.argmax(axis=1), for labels held as floats labels.astype(int)"
            )
        if labels.size != (len(labels) if labels.ndim else 0):
            raise ShapeError(
                f"{name} must be one class index for each sample, (samples,), not of shape "
                f"{labels.shape}; of one-hot rows take rows.argmax(axis=1)"
            )
        if labels.size and labels.min() < 0:
            raise ValueError(
                f"class indices count from 0, but {labels.min()} came; for -1 and 1 take "
                "(labels + 1) // 2"
            )
        found.append(labels.ravel().astype(int))
    truth, said = found
    if truth.shape != said.shape:
        raise ShapeError(f"{len(truth)} true labels came with {len(said)} predictions")
    return truth, said
