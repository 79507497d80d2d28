"""The outputs of each layer as a histogram: how far activations are spread, how many are saturated.

A unit whose activation has no slope left at any sample learns nothing more.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ...nn.optional import optional
from .canvas import BLUE, INK, ORANGE, as_written, axes
from .responses import Response, responses

Array = npt.NDArray[Any]

SLOPE = 0.05
"""The share of its largest slope below which an activation counts as saturated."""


def plot_activations(model: Any, X: Any, ax: Any = None) -> Any:
    """How the outputs of each layer are distributed over samples, and how many are saturated.

    X: (samples, features) or what else the model is called with. A row for each layer, the first
    on top, after its activation if it has one. Heights are square roots of the shares, each row's
    largest the same, so that a few outputs are seen beside many; where outputs go beyond ±5 the
    axis is an arsinh, which is linear near 0 and logarithmic far from it.

    Orange are outputs of tanh and sigmoid where the slope is below 5% of the largest it can be
    (|tanh| > 0.975, a sigmoid below 0.013 or above 0.987), and the zeros of relu. Said beside
    each row: their share, and how many units are dead, so at every sample; of other layers, mean
    and standard deviation.

    Serves both twins; evaluation mode, and the model is left as it was. Glorot & Bengio 2010,
    section 3 (saturation); Lu, Shin, Su & Karniadakis 2019, arXiv:1903.06733 (dead relu units).
    Returns the Axes. `ValueError` for NaN in X; NaN among the outputs is said in the row.
    """
    rows = responses(model, X)
    ax = axes(ax, (7.2, min(12.0, 1.7 + 0.62 * len(rows))))
    ax.set(xlabel="output", ylabel="share of the outputs, by its square root")
    edges = _edges(ax, np.concatenate([row.outputs.ravel() for row in rows]))
    for place, row in enumerate(rows):
        base = len(rows) - 1 - place
        outputs = row.outputs[np.isfinite(row.outputs)]
        counts, flat = (
            np.histogram(numbers, edges)[0]
            for numbers in (outputs, outputs[_saturated(outputs, row.activation)])
        )
        heights = 0.85 * np.sqrt(counts / max(counts.max(initial=0), 1))
        blue = heights * (1.0 - flat / np.maximum(counts, 1))
        ax.axhline(base, color=INK, linewidth=0.6, alpha=0.4)
        ax.stairs(base + heights, edges, baseline=base, fill=True, color=ORANGE)
        ax.stairs(base + blue, edges, baseline=base, fill=True, color=BLUE)
        at = {"transform": ax.get_yaxis_transform(), "va": "bottom", "fontsize": "small"}
        ax.text(1.02, base, _said(row), **at)
    names = [as_written(row.name.replace(" → ", "\n→ ")) for row in rows]
    ax.set_yticks(range(len(rows))[::-1], names, va="bottom")
    ax.set_ylim(-0.1, len(rows))
    ax.set_xlim(edges[0], edges[-1])
    samples = len(X)
    ax.set_title(f"Outputs of each layer over {samples:,} sample{'s' * (samples != 1)}")
    kinds = {row.activation for row in rows}
    meanings = ["saturated: slope below 5% of its largest"] * bool(kinds & {"tanh", "sigmoid"})
    meanings += ["zero after relu"] * ("relu" in kinds)
    if meanings:
        patch = optional("matplotlib.patches").Patch
        text = ", or ".join(meanings)
        ax.legend(
            handles=[patch(color=ORANGE, label=text)],
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            frameon=False,
        )
        ax.set_title(ax.get_title(), pad=28)
    return ax


def _edges(ax: Any, outputs: Array) -> Array:
    """Bins as wide as each other on the axis."""
    finite = outputs[np.isfinite(outputs)].astype(float)
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    if max(-low, high) > 5.0:
        ax.set_xscale("asinh")
        decades = np.log10(max(-low, high))
        step = np.ceil(decades / 4.0)
        powers = 10.0 ** np.arange(0.0 if step == 1.0 else step, min(decades + 1.0, 308.0), step)
        ticks = np.concatenate([-powers[::-1], [0.0], powers])
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        ax.set_xlabel("output (logarithmic far from 0)")
    scale = ax.xaxis.get_transform()
    ends = scale.transform(np.array([low, high]))
    margin = 0.03 * (ends[1] - ends[0]) or 0.5
    edges: Array = scale.inverted().transform(np.linspace(ends[0] - margin, ends[1] + margin, 101))
    return edges


def _saturated(outputs: Array, activation: str) -> npt.NDArray[np.bool_]:
    if activation == "tanh":
        return 1.0 - outputs**2 < SLOPE
    if activation == "sigmoid":
        return 4.0 * outputs * (1.0 - outputs) < SLOPE
    return outputs == 0.0 if activation == "relu" else np.zeros(outputs.shape, bool)


def _said(row: Response) -> str:
    """What stands beside a row."""
    finite = np.isfinite(row.outputs)
    lost = 1.0 - finite.mean()
    lines = [f"{lost:.1%} nan or infinite"] if lost else []
    if row.activation in ("tanh", "sigmoid", "relu"):
        flat = _saturated(row.outputs, row.activation)
        share = flat.mean()
        amount = "under 1%" if 0.0 < share < 0.01 else f"{share:.0%}"
        lines.append(f"{amount} {'zero' if row.activation == 'relu' else 'saturated'}")
        dead = int(flat.all(axis=0).sum())
        lines.append(f"{dead} of {flat.shape[1]} units dead" if dead else "no unit dead")
    elif finite.any():
        seen = row.outputs[finite].astype(float)
        lines.append(f"mean {seen.mean():.2g}\nstandard deviation {seen.std():.2g}")
    return "\n".join(lines)
