"""What a model of two features says everywhere around its data: its decision boundary.

Where the boundary runs, how sure the model is on either side, and which samples lie on the wrong
one are seen at once; a share of right labels tells none of it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import ShapeError
from ...nn import MLP
from ...nn.predict import predict
from ...nn.settings import at_least_zero, is_number, whole
from .canvas import CLASSES, INK, as_written, axes, tints

Array = npt.NDArray[Any]

LEGEND: dict[str, Any] = {
    "fontsize": "small",
    "facecolor": "white",
    "labelcolor": INK,
    "frameon": True,
}
"""On ground that is light in any style, and with marks that are dark."""

_STEPS = 10  # of shade, from the boundary to where the model is sure


def plot_decision_boundary(
    model: Any,
    X: Any,
    y: Any,
    *,
    cut: float | None = None,
    resolution: int = 100,
    margin: float = 0.5,
    features: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    ax: Any = None,
) -> Any:
    """What a model of two features says everywhere around its data, and the data.

    X: (samples, 2). A model with one output is cut midway between the labels (0 for -1 and 1; for
    0 and 1, 0.5) or at `cut`: 0.0 for logits of 0 and 1. It is shaded by how far its output is
    from the cut. One with several outputs, logits or probabilities, is coloured by the largest,
    and paler where another comes near. Dashed lines run where the output is halfway from the cut
    to a label, or one class three times as likely as the next. Samples on the wrong side are
    ringed.

    `features` names the two axes, `names` the labels in rising order. Serves both twins. Returns
    the Axes.
    """
    plane = Plane(X, y, cut, resolution, margin, features, names)
    everywhere, at_points = plane.outputs(model)
    if not (np.isfinite(everywhere).all() and np.isfinite(at_points).all()):
        raise ValueError("the model's outputs are NaN or infinite, so there is no boundary to draw")
    plane.check(at_points)
    ax = axes(ax, (6.4, 5.0))
    right = plane.draw(ax, everywhere, at_points)
    ax.set_title(f"Decision boundary, {right:,} of {len(plane.labels):,} right")
    return ax


class Plane:
    """Samples of two features, with the grid around them on which models are asked."""

    def __init__(
        self,
        X: Any,
        y: Any,
        cut: float | None = None,
        resolution: int = 100,
        margin: float = 0.5,
        features: Sequence[str] | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        whole("resolution", resolution, 2)
        at_least_zero("margin", margin)
        self.points, self.labels, self.classes = _checked_points(X, y)
        if features is not None and (isinstance(features, str) or len(features) != 2):
            raise ValueError(f"features names the two axes, such as ('x', 'y'), not {features!r}")
        self.features = features or ("first feature", "second feature")
        self.names = names
        low, high = self.points.min(axis=0) - margin, self.points.max(axis=0) + margin
        self.across, self.up = (np.linspace(low[i], high[i], resolution) for i in range(2))
        lower = -1.0 if self.classes.min() < 0 else 0.0
        self.ends = self.classes if len(self.classes) == 2 else np.array([lower, 1.0])
        self.logits = cut == 0.0 and self.ends.tolist() == [0.0, 1.0]
        if cut is not None and not (is_number(cut) and np.isfinite(cut)):
            raise ValueError(f"cut is a finite number, where one label ends, not {cut!r}")
        self.cut = float(self.ends.sum()) / 2.0 if cut is None else float(cut)
        self.reach = float(np.ptp(self.ends)) / 2.0

    def outputs(self, model: Any) -> tuple[Array, Array]:
        """What a model says on the grid and of the samples, one row for each."""
        grid = np.stack(np.meshgrid(self.across, self.up), axis=-1).reshape(-1, 2)
        asked = _quick(model)
        said = np.asarray(predict(asked, np.concatenate([grid, self.points])), dtype=np.float64)
        said = said.reshape(len(grid) + len(self.points), -1)
        return said[: len(grid)], said[len(grid) :]

    def check(self, outputs: Array) -> None:
        """Refuse outputs that cannot tell the labels apart, and names that are not one a label."""
        count, classes = outputs.shape[1], self.classes
        if count > 1 and not np.isin(classes, range(count)).all():
            raise ValueError(
                f"a model of {count} outputs tells labels 0 to {count - 1} apart, but y holds "
                f"{classes.tolist()}"
            )
        if count == 1 and not np.isin(classes, self.ends).all():
            raise ValueError(
                f"a model of one output tells two labels apart, such as 0 and 1, but y holds "
                f"{classes.tolist()}"
            )
        if self.names is not None and len(self.names) != max(count, 2):
            raise ValueError(f"there are {max(count, 2)} classes, but {len(self.names)} names came")

    def draw(self, ax: Any, everywhere: Array, at_points: Array) -> int:
        """Shade, boundary and samples, from what `outputs` gave; returns how many are right."""
        leads = self._leads(everywhere)
        for i, lead in enumerate(leads):
            surface = lead.reshape(len(self.up), len(self.across))
            levels = np.linspace(0.0, 1.0, _STEPS + 1)
            colors = tints(CLASSES[i % len(CLASSES)], _STEPS)
            ax.contourf(self.across, self.up, surface, levels=levels, colors=colors)
            if i or len(leads) > 2:  # the boundary of the first of two is that of the second
                self._line(ax, surface, 0.0, linewidths=1.5)
            self._line(ax, surface, 0.5, linewidths=0.8, linestyles="dashed")
        count = at_points.shape[1]
        place = self.labels.astype(int) if count > 1 else (self.labels == self.ends[1]).astype(int)
        leads = self._leads(at_points)
        wrong = (leads.argmax(axis=0) != place) | np.isnan(leads).any(axis=0)
        scale = float(np.clip(300 / len(place), 0.1, 1.0)) ** 0.5  # many samples are drawn small
        for i in np.unique(place):
            label = str(self.names[i]) if self.names else f"label {self.labels[place == i][0]:g}"
            ax.scatter(
                *self.points[place == i].T,
                s=36.0 * scale**2,
                c=CLASSES[i % len(CLASSES)],
                marker="os^Dv"[i % 5],
                edgecolors="white",
                linewidths=0.7 * scale,
                label=as_written(f" {label}" if label.startswith("_") else label),  # else hidden
            )
        ring = {"facecolors": "none", "edgecolors": INK, "linewidths": 1.5 * scale}
        ax.scatter(*self.points[wrong].T, s=126.0 * scale**2, label="misclassified", **ring)
        ax.plot([], [], color=INK, linewidth=0.8, linestyle="dashed", label=self._halfway(count))
        across, up = map(as_written, self.features)
        ax.set(xlabel=across, ylabel=up)
        ax.legend(**LEGEND)
        return int(np.count_nonzero(~wrong))

    def _halfway(self, count: int) -> str:
        """What holds on the dashed lines."""
        if count > 1 or self.logits:
            return "3 times as likely as the next"
        return f"output {self.cut - self.reach / 2.0:g} or {self.cut + self.reach / 2.0:g}"

    def _line(self, ax: Any, surface: Array, level: float, **style: Any) -> None:
        # matplotlib warns of a level that is nowhere, as where a model always says the same.
        if surface.min() < level < surface.max():
            ax.contour(self.across, self.up, surface, levels=[level], colors=[INK], **style)

    @np.errstate(invalid="ignore", over="ignore")  # a diverged model's frame is drawn too
    def _leads(self, outputs: Array) -> Array:
        """How far each class is before the best other one, (classes, rows), from -1 to 1."""
        if outputs.shape[1] == 1:
            ahead = outputs.ravel() - self.cut
            # Of logits it is the difference of the two probabilities.
            lead = np.tanh(ahead / 2.0) if self.logits else np.clip(ahead / self.reach, -1.0, 1.0)
            return np.stack([-lead, lead])
        columns = range(outputs.shape[1])
        best_other = np.stack([np.delete(outputs, i, axis=1).max(axis=1) for i in columns])
        if outputs.min() >= 0.0 and np.allclose(outputs.sum(axis=1), 1.0, atol=1e-3):
            return np.asarray((outputs.T - best_other) / (outputs.T + best_other))
        return np.asarray(np.tanh((outputs.T - best_other) / 2.0))  # the same, from logits


def _quick(model: Any) -> Any:
    """The twin on Tensors of an MLP of Values, which says the same a hundred times as fast."""
    if type(model) is MLP and all(isinstance(layer.activation, str) for layer in model.layers):
        try:
            return model.to_tensor()
        except (TypeError, ValueError):  # a layer of two activations, or frozen in part
            return model
    return model


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
    return points.astype(float), labels.astype(float), np.unique(labels).astype(float)
