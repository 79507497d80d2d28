"""Pictures of numbers that training leaves behind one after the other: by epoch, by learning rate.

They show what the last number of a run does not: when it was best, and where it began to fail.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import ShapeError
from ...nn import History
from .canvas import BLUE, GREEN, ORANGE, axes, below, logarithmic, whole_numbers

Array = npt.NDArray[Any]

_IN_WORDS = {
    "loss": "mean loss",
    "mse": "mean squared error",
    "mae": "mean absolute error",
    "seconds": "time (s)",
}


def plot_history(
    history: History, curve: str = "loss", ax: Any = None, *, learning_rate: bool = True
) -> Any:
    """A curve of a training run by epoch, with its validation counterpart.

    `curve` is "loss", "learning_rate", "seconds" or the name of a metric. Losses are drawn on a
    logarithmic axis, and so is a learning rate that is below a tenth of its highest for at least
    half of the epochs. The best validation epoch is marked. Below a loss or a metric stands the
    learning rate, in a panel of its own that shares the epochs and takes a quarter of the room;
    `learning_rate=False` leaves it out. What is NaN or infinite is counted below the axis. Returns
    the Axes of the curve.
    """
    if not isinstance(history, History):
        raise TypeError(f"plot_history() draws what nn.fit returned, not {history!r}")
    if not len(history):
        raise ValueError("this history holds no epoch yet; train the model first")
    values = drawn = np.asarray(history[curve])
    rates = history.learning_rate if curve not in ("learning_rate", "seconds") else []
    panelled = learning_rate and len(rates) > 0
    ax = axes(ax, (6.4, 4.8) if panelled else (6.4, 4.0))
    epochs = np.arange(1, len(values) + 1)
    ax.plot(epochs, values, color=BLUE, **_dots(values), label="training")
    left_out = _left_out(values, "training")
    curves = history.curves()
    if f"val_{curve}" in curves:
        held_out = np.asarray(curves[f"val_{curve}"])
        drawn = np.concatenate([values, held_out])
        left_out += _left_out(held_out, "validation")
        dashed = {"color": ORANGE, "linestyle": "--", **_dots(held_out)}
        ax.plot(epochs, held_out, label="validation", **dashed)
        if np.isfinite(held_out).any():
            down = less_is_better(curve)
            best = int(np.nanargmin(held_out) if down else np.nanargmax(held_out))
            said = f"best: {held_out[best]:.4g}, epoch {best + 1}"
            ax.plot(best + 1, held_out[best], "o", color=ORANGE, label=said)
        ax.legend(frameon=False)
    _scale(ax, curve, drawn)
    whole_numbers(ax.xaxis)
    name = curve.removeprefix("val_")
    words = _IN_WORDS.get(name, name.replace("_", " "))
    words = words if name == curve else f"validation {words}"
    title = f"{words[0].upper()}{words[1:]} by epoch".replace(" (s)", "")
    ax.set(xlabel="epoch" + left_out, ylabel=words, title=title)
    if not np.isfinite(drawn).any():
        ax.set_xlim(0.5, len(values) + 0.5)
    ax.grid(alpha=0.3)
    if panelled:
        _rate_panel(ax, np.asarray(rates))
    return ax


def less_is_better(curve: str) -> bool:
    """Whether a curve is at its best where it is lowest, as its name tells."""
    return curve.lower().endswith(("loss", "mse", "mae", "error"))


def _rate_panel(ax: Any, rates: Array) -> None:
    """The learning rate below a curve, over the same epochs."""
    panel = below(ax)
    epochs = np.arange(1, len(rates) + 1)
    panel.plot(epochs, rates, color=GREEN, **_dots(rates))
    _scale(panel, "learning_rate", rates)
    panel.set(xlabel=ax.get_xlabel(), ylabel="learning\nrate")
    panel.grid(alpha=0.3)
    ax.set_xlabel("")
    ax.tick_params(labelbottom=False)


def _dots(numbers: Array) -> dict[str, Any]:
    """Markers at finite points that stand alone: a line through one would not be seen."""
    there = np.pad(np.isfinite(numbers), 1)
    alone = there[1:-1] & ~there[:-2] & ~there[2:]
    return {"marker": "o", "markevery": np.flatnonzero(alone).tolist()} if alone.any() else {}


def _left_out(numbers: Array, name: str) -> str:
    """What has no place on any axis, as a line below it."""
    lost = np.flatnonzero(~np.isfinite(numbers))
    if not lost.size:
        return ""
    return (
        f"\nnot drawn, nan or infinite: {name} in {lost.size} of {numbers.size} epochs, first "
        f"in {lost[0] + 1}"
    )


def _scale(ax: Any, curve: str, drawn: Array) -> None:
    finite = drawn[np.isfinite(drawn)]
    if _is_logarithmic(curve, finite):
        logarithmic(ax)
    elif curve in ("learning_rate", "seconds"):
        # From zero on: else a constant rate is magnified, and its ticks unreadable.
        ax.set_ylim(0.0, 1.2 * float(finite.max(initial=0.0)) or None)


def _is_logarithmic(curve: str, finite: Array) -> bool:
    if not finite.size or finite.min() <= 0.0:
        return False
    # Not by the least rate: a cosine that ends near zero is best seen as a cosine.
    falls = bool(np.median(finite) < 0.101 * finite.max())
    return curve in ("loss", "val_loss") or (curve == "learning_rate" and falls)


def plot_lr_range(curve: Any, ax: Any = None) -> Any:
    """The loss as the learning rate rises, and the rate that is suggested.

    `curve` is what `nn.lr_range_test` returned: `rates`, `losses` and `smoothed`, (steps,) each,
    and `suggestion`, a rate or None. What is NaN or infinite is left out, and the rise at the end
    is cut off where it would flatten the rest. Returns the Axes.
    """
    rates, losses, smoothed = _checked_range(curve)
    ax = axes(ax)
    for numbers, label, strength in ((losses, "as measured", 0.35), (smoothed, "smoothed", 1.0)):
        seen = np.isfinite(numbers)
        ax.plot(rates[seen], numbers[seen], color=BLUE, alpha=strength, label=label)
    ax.set_xscale("log")
    title = "Loss as the learning rate rises"
    if curve.suggestion is None:
        title += ", no rate suggested"
    else:
        rate, seen = float(curve.suggestion), np.isfinite(smoothed)
        ax.axvline(rate, color=ORANGE, linestyle="--", label=f"suggestion: {rate:.3g}")
        height = np.interp(np.log(rate), np.log(rates[seen]), smoothed[seen])
        ax.plot(rate, height, "o", color=ORANGE)
    ax.set(xlabel="learning rate", ylabel="loss", title=title)
    ax.set_ylim(*_limits(losses, smoothed))
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def _checked_range(curve: Any) -> tuple[Array, Array, Array]:
    needed = ("rates", "losses", "smoothed", "suggestion")
    missing = [name for name in needed if not hasattr(curve, name)]
    if missing:
        raise TypeError(
            f"plot_lr_range() draws what nn.lr_range_test returned, but {curve!r} has no "
            f"{', '.join(missing)}"
        )
    rates, losses, smoothed = (np.asarray(getattr(curve, name), float) for name in needed[:3])
    if rates.ndim != 1 or not rates.shape == losses.shape == smoothed.shape:
        raise ShapeError(
            f"a curve has one loss and one smoothed loss for each rate, but {rates.size} rates "
            f"came with {losses.size} and {smoothed.size}"
        )
    if not (np.diff(rates, prepend=0.0) > 0.0).all():
        raise ValueError("the rates of a curve are positive and rise, but these do not")
    if not (np.isfinite(losses) & np.isfinite(smoothed)).any():
        raise ValueError("this curve holds no finite loss to draw; start from a lower rate")
    return rates, losses, smoothed


def _limits(losses: Array, smoothed: Array) -> tuple[float, float]:
    """From below the least loss to a little above what came before the least smoothed one."""
    finite = np.isfinite(losses) & np.isfinite(smoothed)
    losses, smoothed = losses[finite], smoothed[finite]
    before = slice(int(smoothed.argmin()) + 1)
    low = min(losses.min(), smoothed.min())
    # A curve that only rises has no fall to show; half of it is then what is worth seeing.
    fall = max(losses[before].max(), smoothed[before].max(), np.median(smoothed)) - low
    high = min(low + 1.3 * fall, max(losses.max(), smoothed.max()))
    margin = 0.05 * (high - low) or 0.05
    return float(low - margin), float(high + margin)
