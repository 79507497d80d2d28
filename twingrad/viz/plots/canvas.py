"""What every matplotlib picture is drawn on and with: axes, colours, ticks.

They stand in one place so that the pictures of a page belong together, and so that each takes the
axes it is given, or makes its own, in the same way.
"""

import re
from typing import Any

from ...nn.optional import optional

# Okabe & Ito 2008, "Color Universal Design": told apart by every kind of colour vision.
BLUE, ORANGE, GREEN, INK = "#0072B2", "#D55E00", "#009E73", "#333333"
CLASSES = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", INK)


# Neither a font nor a page has a place for these.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


AS_CELLS: dict[str, Any] = {"origin": "upper", "interpolation": "nearest"}
"""An image whose first row is on top, and whose pixels are seen, whatever the user's style says."""


def axes(ax: Any, size: tuple[float, float] = (6.4, 4.0)) -> Any:
    """The axes that were given, or those of a new figure of a size in inches.

    Raises `TypeError` for what is given and is no Axes, such as a figure, or pyplot itself.
    """
    if ax is not None:
        if not isinstance(ax, optional("matplotlib.axes").Axes):
            raise TypeError(
                f"ax is one matplotlib Axes, such as that of figure, ax = plt.subplots(), not "
                f"a {type(ax).__name__}"
            )
        return ax
    _, fresh = optional("matplotlib.pyplot").subplots(figsize=size, layout="constrained")
    return fresh


def below(ax: Any, share: float = 0.22) -> Any:
    """New axes below others, of the same x axis, in a share of the room that those had."""
    place = ax.get_subplotspec()
    if place is not None:
        upper, lower = place.subgridspec(2, 1, height_ratios=(1.0 - share, share), hspace=0.08)
        ax.set_subplotspec(upper)
        return ax.figure.add_subplot(lower, sharex=ax)
    left, bottom, width, height = ax.get_position(original=True).bounds
    ax.set_position((left, bottom + (share + 0.03) * height, width, (0.97 - share) * height))
    return ax.figure.add_axes((left, bottom, width, share * height), sharex=ax)


def logarithmic(ax: Any) -> None:
    """A logarithmic y axis with plain numbers at its ticks, 0.03 and not 3 × 10⁻²."""
    ticker = optional("matplotlib.ticker")
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    subs = (1.0, 2.0, 5.0) if high < 1e3 * low else (1.0,)
    ax.yaxis.set_major_locator(ticker.LogLocator(subs=subs))
    ax.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(ticker.NullFormatter())


def as_written(text: Any) -> str:
    """Text that matplotlib shows as it is written: between two dollars it would see a formula."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(text)).replace("$", r"\$")


def whole_numbers(axis: Any) -> None:
    """Ticks of an axis at whole numbers only: there is no epoch 2.5."""
    axis.set_major_locator(optional("matplotlib.ticker").MaxNLocator(integer=True, min_n_ticks=1))


def tints(color: str, steps: int) -> list[tuple[float, ...]]:
    """From nearly white towards a colour, never so strong that a mark of it would not be seen."""
    full = optional("matplotlib.colors").to_rgb(color)
    return [
        tuple(1.0 - (0.05 + 0.4 * i / max(steps - 1, 1)) * (1.0 - part) for part in full)
        for i in range(steps)
    ]


def signed() -> Any:
    """Blue below zero, grey at zero, yellow above; ever lighter, so that grey print tells them."""
    colors = ("#00233F", BLUE, "#8F9192", "#E9B33C", "#FFF6C8")
    return optional("matplotlib.colors").LinearSegmentedColormap.from_list("signed", colors)
