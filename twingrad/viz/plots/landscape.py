"""The loss around a model's weights, as a map: along two directions out of all that there are.

Random directions show how steep the valley is in which training ended; those of the training's
own path show how it got there.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import GraphError, Value, no_grad, record
from ...nn.fit_checks import checked_data
from ...nn.loop import checked_loss
from ...nn.monitor import Monitor
from ...nn.optional import optional
from ...nn.predict import respond
from ...nn.settings import above_zero, whole
from ...nn.watch import unchanged
from .canvas import ORANGE, axes
from .directions import filters_of, principal_directions, random_direction, snapshots_of, weights_of

Array = npt.NDArray[Any]


def plot_loss_landscape(
    model: Any,
    loss: Callable[[Any, Any], Any],
    X: Any,
    y: Any,
    *,
    path: Any = None,
    extent: float = 1.0,
    resolution: int = 25,
    rng: int | np.random.Generator | None = None,
    ax: Any = None,
) -> Any:
    """The loss on a grid of weights around a model's, as contours; the model stays as it is.

    X, y and loss are as in `nn.fit`, all samples at once, in evaluation mode. Two directions are
    drawn by `rng` and normalised filter by filter: the weights into each unit change by as much
    as they weigh. The model is at (0, 0), and ±1, or ±`extent`, is a change by all of that.
    Weights into a unit are a column of a Linear, a kernel of a convolution, and in a model of
    Values a list of them; biases and whatever else has one axis stay. Frozen parameters stay.

    With `path`, an `nn.Monitor` of this model or an array of snapshots, (snapshots, numbers) in
    the order of `model.parameters()`, the directions are the first two principal components of
    the path, biases included, and the axes say how much of its variance each explains. The plane
    is laid through the end of the path, whose other points are projected onto it: the loss there
    is not theirs, but that of the plane below them.

    The loss is computed resolution² times; contours are logarithmic where it spans a factor of 20.
    Where it is no finite number, the map is grey. Li, Xu, Taylor, Studer & Goldstein 2018,
    arXiv:1712.09913, sections 4 and 7. Returns the Axes.

    Raises `ValueError` for a path on which nothing moves, and for a model without weights of two
    axes, which has no filters; `ShapeError` for a path of another model.
    """
    whole("resolution", resolution, 3)
    above_zero("extent", extent)
    parameters = _parameters(model, path)
    if not callable(loss):
        raise TypeError(f"loss is a function, such as nn.mse_loss, not {loss!r}")
    inputs, targets = checked_data(X, y, parameters[0])
    if path is None:
        origin = weights_of(parameters)
        generator = np.random.default_rng(rng)
        filters = filters_of(model, parameters)
        directions = np.array([random_direction(origin, filters, generator) for _ in range(2)])
        trail, explained = np.zeros((1, 2)), None
        low, high = np.full(2, -extent), np.full(2, extent)
    else:
        snapshots = snapshots_of(path, parameters)
        origin = snapshots[-1]
        directions, explained = principal_directions(snapshots)
        trail = (snapshots - origin) @ directions.T
        middle = (trail.max(axis=0) + trail.min(axis=0)) / 2.0
        half = np.ptp(trail, axis=0) / 2.0
        half = 1.3 * extent * np.maximum(half, half.max() / 5.0)
        low, high = middle - half, middle + half
    grid = [np.linspace(low[i], high[i], resolution) for i in range(2)]
    places = np.stack(np.meshgrid(*grid), axis=-1).reshape(-1, 2)
    weights = (origin + place @ directions for place in [np.zeros(2), *places])
    optional("matplotlib.pyplot")  # where it is missing, nobody should wait for the losses
    centre, *losses = _losses(model, loss, inputs, targets, parameters, weights)
    if not np.isfinite(losses).any():
        raise ValueError("the loss is nan or infinite everywhere on the grid; try a small extent=")
    ax = axes(ax, (6.4, 5.0))
    _contours(ax, grid[0], grid[1], np.array(losses).reshape(resolution, resolution))
    _label(ax, centre, trail, explained)
    return ax


def _parameters(model: Any, path: Any) -> list[Any]:
    if isinstance(path, Monitor):
        if path.model is not model:
            raise ValueError(
                f"{path!r} watched another model than {model!r}; give plot_loss_landscape() the "
                "model that was trained"
            )
        return path.parameters
    if isinstance(model, type) or not hasattr(model, "parameters"):
        raise TypeError(f"model is a built one, such as nn.Sequential(...), not {model!r}")
    parameters = list(model.parameters())
    if not parameters:
        raise ValueError(f"{model!r} has no parameters that are learned")
    return parameters


def _losses(
    model: Any, loss: Any, X: Array, y: Array, parameters: list[Any], weights: Iterable[Array]
) -> list[float]:
    """The loss for each of the vectors of weights; afterwards the model is as it was."""

    def forward() -> Any:
        return loss(respond(model, X), y)

    def eager() -> float:
        with no_grad():
            return float(checked_loss(forward()))

    found: list[float] = []
    compute = eager
    gradients: list[tuple[Any, Any]] = []
    try:
        with unchanged(model), np.errstate(all="ignore"):
            for vector in weights:
                _put(parameters, vector)
                found.append(compute())
                if len(found) == 1 and isinstance(parameters[0], Value):
                    compute = _replay(forward, eager, found[0], gradients)
    finally:
        for leaf, gradient in gradients:
            leaf._grad = gradient
    return found


def _put(parameters: list[Any], weights: Array) -> None:
    start = 0
    for parameter in parameters:
        shape = np.shape(parameter.data)
        end = start + int(np.prod(shape))
        parameter.data = weights[start:end].reshape(shape)
        start = end


def _replay(
    forward: Callable[[], Any],
    eager: Callable[[], float],
    expected: float,
    gradients: list[tuple[Any, Any]],
) -> Callable[[], float]:
    """A recording of the loss where there can be one, as for `fit`; else the loss itself."""
    try:
        recording = record(forward)
        gradients += [(leaf, leaf._grad) for leaf in recording.leaves]
        if not np.isclose(recording.replay(), expected, rtol=1e-6, atol=1e-9, equal_nan=True):
            return eager
    except Exception:  # whatever it is that cannot be recorded
        return eager

    def replayed() -> float:
        try:
            return recording.replay()
        except GraphError:  # these weights take another way
            return eager()

    return replayed


def _contours(ax: Any, across: Array, up: Array, losses: Array) -> None:
    finite = losses[np.isfinite(losses)]
    low, high = float(finite.min()), float(finite.max())
    options: dict[str, Any] = {"cmap": "viridis"}
    if low > 0.0 and high > 20.0 * low:
        levels = np.geomspace(low, high, 25)
        options["norm"] = optional("matplotlib.colors").LogNorm(low, high)
    else:
        pad = 0.0 if high - low > 1e-9 * abs(high) else 0.5 * abs(high) or 0.5
        levels = np.linspace(low - pad, high + pad, 25)
    levels[[0, -1]] = min(levels[0], low), max(levels[-1], high)  # whatever rounding did
    ax.set_facecolor("#C0C0C0")
    ax.grid(False)
    shown = np.ma.masked_invalid(losses)
    filled = ax.contourf(across, up, shown, levels=levels, **options)
    ax.contour(across, up, shown, levels=levels[1:-1:2], colors="white", linewidths=0.4, alpha=0.6)
    bar = ax.figure.colorbar(filled, ax=ax, label="loss")
    ticker = optional("matplotlib.ticker")
    wide = ticker.LogLocator(subs=(1.0, 2.0, 5.0) if high < 1e4 * low else (1.0,))
    ticks = (wide if "norm" in options else ticker.MaxNLocator(7)).tick_values(low, high)
    bar.set_ticks([tick for tick in ticks if low <= tick <= high])
    bar.formatter = ticker.StrMethodFormatter("{x:g}")
    bar.update_ticks()
    bar.minorticks_off()


def _label(ax: Any, centre: float, trail: Array, explained: Array | None) -> None:
    if explained is None:
        ax.plot(0.0, 0.0, "*", color=ORANGE, markersize=14, markeredgecolor="white")
        ax.set(
            xlabel="along a random direction (1: as much as the weights)",
            ylabel="along another",
            title=f"Loss around the model, whose own is {centre:.3g} (star)",
        )
        return
    ax.plot(*trail.T, "o-", color="white", markersize=3, linewidth=1.2)
    ends = ((trail[0], "s", 8, "start"), (trail[-1], "*", 14, f"end: loss {centre:.3g}"))
    for place, marker, size, label in ends:
        style = {"color": ORANGE, "markeredgecolor": "white", "linestyle": "none"}
        ax.plot(*place, marker, markersize=size, label=label, **style)
    names = (f"{name} principal component of the path" for name in ("first", "second"))
    labels = [f"{name} ({s:.0%} of variance)" for name, s in zip(names, explained, strict=True)]
    share = f"{explained.sum():.0%}"
    title = f"Loss in the plane that holds {share} of the variance\nof the path of training"
    ax.set(xlabel=labels[0], ylabel=labels[1], title=title)
    ax.legend(loc="best")
