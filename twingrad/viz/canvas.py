"""What every matplotlib picture is drawn on and with: axes, colours, ticks.

They stand in one place so that the pictures of a page belong together, and so that each takes the
axes it is given, or makes its own, in the same way.
"""

from typing import Any

from ..nn.optional import optional

# Okabe & Ito 2008, "Color Universal Design": told apart by every kind of colour vision.
BLUE, ORANGE, GREEN, INK = "#0072B2", "#D55E00", "#009E73", "#333333"
CLASSES = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", INK)


def axes(ax: Any, size: tuple[float, float] = (6.4, 4.0)) -> Any:
    """The axes that were given, or those of a new figure of a size in inches."""
    if ax is not None:
        return ax
    _, fresh = optional("matplotlib.pyplot").subplots(figsize=size, layout="constrained")
    return fresh


def whole_numbers(axis: Any) -> None:
    """Ticks of an axis at whole numbers only: there is no epoch 2.5."""
    axis.set_major_locator(optional("matplotlib.ticker").MaxNLocator(integer=True, min_n_ticks=1))


def shades() -> Any:
    """From the first class's colour over white to the second's."""
    return _blend("twins", "#8CC1E3", "#FFFFFF", "#F2B48C")


def signed() -> Any:
    """Blue below zero, grey at zero, yellow above; ever lighter, so that grey print tells them."""
    return _blend("signed", "#00233F", BLUE, "#8F9192", "#E9B33C", "#FFF6C8")


def _blend(name: str, *colors: str) -> Any:
    return optional("matplotlib.colors").LinearSegmentedColormap.from_list(name, colors)
