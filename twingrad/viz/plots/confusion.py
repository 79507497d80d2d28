"""Which class was taken for which: the confusion matrix, and what counts as a class index.

A share of right labels is one number; here is what it is made of, class by class.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import ShapeError
from .canvas import AS_CELLS, INK, as_written, axes

Array = npt.NDArray[Any]

MOST_CLASSES = 200
"""Of more, a cell is a few pixels wide."""


def plot_confusion_matrix(
    targets: Any, predictions: Any, *, names: Sequence[str] | None = None, ax: Any = None
) -> Any:
    """How often each class was taken for each other one: rows are true, columns predicted.

    Both are class indices, (samples,); `names` are those of all classes. Cells hold the count and
    its share of the row, which is also the colour; on the right stands the recall of each class,
    the share of it that was found. Returns the Axes.
    """
    truth, said = class_indices(targets, predictions)
    count = int(max(truth.max(initial=0), said.max(initial=0))) + 1
    if count > MOST_CLASSES:
        raise ValueError(
            f"a matrix of {count:,} classes cannot be read, and {MOST_CLASSES} are the most that "
            "are drawn; class indices count from 0, so np.unique(labels, return_inverse=True)[1] "
            "closes gaps between them"
        )
    ticks = [as_written(name) for name in (range(count) if names is None else names)]
    if len(ticks) < count:
        raise ValueError(f"there are {count} classes, but {len(ticks)} names came")
    count = len(ticks)  # a class with a name has a row, even where it never came
    counts = np.zeros((count, count), dtype=int)
    np.add.at(counts, (truth, said), 1)
    totals = counts.sum(axis=1)
    shares = counts / np.maximum(totals, 1)[:, None]
    cell = min(1.2, max(0.5, 3.6 / count))
    ax = axes(ax, (cell * count + 2.4, cell * count + 1.2))
    ax.imshow(shares, **AS_CELLS, cmap="Blues", vmin=0.0, vmax=1.0)
    ax.grid(False)
    size = _font_size(ax, counts)
    for (i, j), number in np.ndenumerate(counts):
        if number:
            color = "white" if shares[i, j] > 0.5 else INK
            words = f"{number:,}\n{_percent(shares[i, j])}"
            ax.text(j, i, words, ha="center", va="center", color=color, fontsize=size)
    long = max(map(len, ticks)) * count > 40
    turned = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if long else {}
    ax.set_xticks(range(count), ticks, **turned)
    ax.set_yticks(range(count), ticks)
    recall = [
        f"{shares[i, i]:.1%}" if total else "none true" for i, total in enumerate(totals.tolist())
    ]
    found = ax.secondary_yaxis("right")
    found.set_yticks(range(count), recall)
    found.set_ylabel("recall")
    found.tick_params(length=0)
    accuracy = np.trace(counts) / max(counts.sum(), 1)
    title = f"Confusion matrix, {accuracy:.1%} of {counts.sum():,} right"
    ax.set(xlabel="predicted", ylabel="true", title=title)
    return ax


def _font_size(ax: Any, counts: Array) -> float:
    """The size in points at which a count above its share fits into a cell."""
    box = ax.get_window_extent()
    points = 72.0 / ax.figure.dpi * min(box.width, box.height) / len(counts)
    longest = max(len(f"{counts.max():,}"), 4)
    return float(min(11.0, 0.85 * points / (0.65 * longest), 0.85 * points / 2.6))


def _percent(share: float) -> str:
    """A share in whole percents; 100% is said of all alone, and 0% of none."""
    if 0.0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1.0 else f"{share:.0%}"


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
