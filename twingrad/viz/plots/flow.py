"""The gradient on its way back through a network, by layer: while it trained, or as it is now.

Where it fades or grows from layer to layer, a deep network stops learning or blows up.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ...nn.module import Module
from ...nn.monitor import Monitor, gradient_norm
from ...nn.optional import optional
from ...nn.parts import layer_name, layers_of
from .canvas import INK, as_written, axes, whole_numbers

Array = npt.NDArray[Any]

LONG = 100
"""A line of more steps is smoothed."""
NAMED = 8
"""Of more layers a legend names the first, the last and some between."""


def plot_gradient_flow(monitor: Any, ax: Any = None) -> Any:
    """The norm of each layer's gradient, step by step or as it is now, on a logarithmic axis.

    `monitor` is an `nn.Monitor` that has seen steps: a line for each layer, darkest the first;
    beyond 100 steps it is a running geometric mean, over the norms themselves, which are faint.
    Or it is a model after `backward()`: a point for each layer. The title compares the first
    layer with the last; by step, the medians of the last tenth. Zero has no place on such an
    axis, and what no gradient reached has no norm: these are left out, and named below it.
    Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural
    networks", section 4. Returns the Axes.

    Raises `ValueError` for a monitor without steps and for a model without gradients.
    """
    if isinstance(monitor, Monitor):
        if not len(monitor):
            raise ValueError(
                f"{monitor!r} has seen no step yet; give it to nn.fit among the callbacks, or "
                "call monitor.observe(loss) after each optimizer.step()"
            )
        return _by_step(monitor, ax)
    if isinstance(monitor, type) or not hasattr(monitor, "parameters"):
        raise TypeError(
            f"plot_gradient_flow() takes an nn.Monitor, or a model after backward(), not "
            f"{monitor!r}"
        )
    return _now(monitor, ax)


def _by_step(monitor: Monitor, ax: Any) -> Any:
    norms, names = monitor.gradient_norms, _names(monitor.model, monitor.layers)
    drawable = _drawable(norms)
    count, layers = norms.shape
    ax = axes(ax, (7.2, 4.4))
    steps = np.arange(1, count + 1)
    named = set(np.linspace(0, layers - 1, min(NAMED, layers)).round().astype(int).tolist())
    dot = "o" if count == 1 else ""  # a line of one point would not be seen
    for i, color in enumerate(_ramp(layers)):
        line = drawable[:, i]
        if count > LONG:
            ax.plot(steps, line, color=color, alpha=0.25, linewidth=0.7, zorder=1)
            line = _smooth(line)
        label = as_written(names[i]) if i in named else None
        ax.plot(steps, line, color=color, marker=dot, linewidth=1.6, label=label)
    ax.set_yscale("log")
    whole_numbers(ax.xaxis)
    last = drawable[-max(1, count // 10) :]
    ends = [column[np.isfinite(column)] for column in (last[:, 0], last[:, -1])]
    when = f", median of the last {len(last)} steps" if len(last) > 1 else ""
    ratio = np.median(ends[0]) / np.median(ends[1]) if all(map(len, ends)) else np.nan
    ax.set(xlabel="step" + _left_out(norms, monitor.reached, names), ylabel="norm of the gradient")
    ax.set_title(_title(ratio, layers, when))
    shown = f"{layers} layers" if layers > NAMED else "layer"
    ax.legend(title=shown, loc="upper left", bbox_to_anchor=(1.0, 1.02), frameon=False)
    ax.grid(alpha=0.3)
    return ax


def _now(model: Any, ax: Any) -> Any:
    layers = layers_of(model)
    found = [gradient_norm(own) for own in layers.values()]
    if all(norm is None for norm in found):
        raise ValueError(
            f"no parameter of {model!r} has a gradient; call backward() on the loss first, and "
            "plot before zero_grad()"
        )
    norms, names = np.array(found, np.float64), _names(model, list(layers))
    drawable, count = _drawable(norms), len(norms)
    ax = axes(ax, (6.4, min(9.0, 1.6 + 0.3 * count)))
    rows = np.arange(count)
    ax.plot(drawable, rows, color=INK, alpha=0.4, linewidth=1.0)
    ax.scatter(drawable, rows, c=_ramp(count), s=50, zorder=3)
    _logarithmic(ax, drawable)
    every = -(-count // 40)  # more names than that would overlap
    ax.set_yticks(rows[::every], [as_written(name) for name in names[::every]])
    ax.set_ylim(count - 0.5, -0.5)
    reached = np.array([norm is not None for norm in found])
    said = _left_out(norms[None], reached[None], names)
    ax.set(xlabel="norm of the gradient" + said)
    ax.set_title(_title(drawable[0] / drawable[-1], count, ""))
    ax.grid(alpha=0.3)
    return ax


def _logarithmic(ax: Any, numbers: Array) -> None:
    """A logarithmic x axis of a decade at least: less has no tick, or ticks that overlap."""
    ticker, finite = optional("matplotlib.ticker"), numbers[np.isfinite(numbers)]
    ax.set_xscale("log")
    if finite.size:
        low, high = finite.min(), finite.max()
        middle, half = np.sqrt(low * high), max((high / low) ** 0.55, np.sqrt(10.0))
        ax.set_xlim(middle / half, middle * half)
        if half < 20.0:
            ax.xaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
            ax.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(ticker.NullFormatter())


def _drawable(norms: Array) -> Array:
    return np.where(np.isfinite(norms) & (norms > 0.0), norms, np.nan)


def _names(model: Any, paths: list[str]) -> list[str]:
    modules = dict(model.named_modules()) if isinstance(model, Module) else {"": model}
    return [
        layer_name(path, modules[path]) if path in modules else path.lstrip(".") for path in paths
    ]


def _ramp(count: int) -> list[Any]:
    """From dark to light, in viridis, whose yellow end would not be seen on white."""
    viridis = optional("matplotlib").colormaps["viridis"]
    return [viridis(place) for place in np.linspace(0.0, 0.85, count)]


def _smooth(line: Array) -> Array:
    """The running geometric mean over a fiftieth of the steps, of those that are there."""
    window = np.ones(2 * (len(line) // 100) + 1)
    there = np.isfinite(line)
    sums = np.convolve(np.where(there, np.log(np.where(there, line, 1.0)), 0.0), window, "same")
    counts = np.convolve(there, window, "same")
    return np.where(there, np.exp(sums / np.maximum(counts, 1.0)), np.nan)


def _title(ratio: float, layers: int, when: str) -> str:
    title = "Norm of the gradient by layer"
    if layers < 2 or not np.isfinite(ratio):
        return title
    return f"{title}\nfirst layer ÷ last layer: {ratio:.2g}{when}"


def _left_out(norms: Array, reached: Array, names: list[str]) -> str:
    """What has no place on a logarithmic axis, as lines below it. norms: (steps, layers)."""
    lines = []
    for said, where in (
        ("zero", norms == 0.0),
        ("no gradient", ~reached),
        ("nan or infinite", reached & ~np.isfinite(norms)),
    ):
        steps = int(where.any(axis=1).sum())
        if steps:
            which = [name for i, name in enumerate(names) if where[:, i].any()]
            more = f" and {len(which) - 2} more" if len(which) > 2 else ""
            at = f" at {steps} of {len(norms)} steps" if len(norms) > 1 else ""
            lines.append(f"\nnot drawn, {said}{at}: {as_written(', '.join(which[:2]))}{more}")
    return "".join(lines)
