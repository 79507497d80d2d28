"""Small images beside each other on one axes: which shape they have, where they stand, their words.

matplotlib would give every image axes of its own; a picture that takes one `ax` has to put them
into it.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import ShapeError
from .canvas import AS_CELLS, axes

Array = npt.NDArray[Any]
Shape = tuple[int, int] | None

_GAP = 0.06  # between two images, of the width of one
_IN_A_ROW = 5


def image_shape(shape: Shape, pixels: int) -> Shape:
    """The (height, width) that is told, or that of a square, or None where there is none."""
    if shape is None:
        side = math.isqrt(pixels)
        return (side, side) if side and side * side == pixels else None
    if np.shape(shape) != (2,) or min(shape) < 1 or math.prod(shape) != pixels:
        raise ShapeError(f"shape is a (height, width) of {pixels} pixels in all, not {shape!r}")
    return int(shape[0]), int(shape[1])


def tiles(
    ax: Any, images: Array, columns: int, group: int = 1, above: float = 0.0, **colours: Any
) -> list[tuple[float, float]]:
    """Images of width 1 in rows, with room above each, groups apart; and where they begin."""
    height = images.shape[1] / images.shape[2]
    between = group * (1 + _GAP) + 0.2 * (group > 1)
    corners = []
    for i, image in enumerate(images):
        place, part = divmod(i, group)
        left = place % columns * between + part * (1 + _GAP)
        top = place // columns * (height + _GAP + above) + above
        ax.imshow(image, extent=(left, left + 1, top + height, top), **AS_CELLS, **colours)
        corners.append((left, top))
    ax.set(xlim=(0, max(left for left, _ in corners) + 1), ylim=(corners[-1][1] + height, 0))
    ax.set_axis_off()
    return corners


def captioned(images: Array, captions: list[list[str]], ax: Any) -> Any:
    """Grey images, five a row, each with its lines of words above it."""
    above = 0.08 + 0.14 * len(captions[0])
    wide = min(_IN_A_ROW, len(images)) * (1 + _GAP)
    rows = math.ceil(len(images) / _IN_A_ROW)
    tall = rows * (images.shape[1] / images.shape[2] + above + _GAP)
    inches = 1.2
    if ax is not None:
        box = ax.get_window_extent()
        inches = min(box.width / wide, box.height / tall) / ax.figure.dpi
    longest = max(len(line) for lines in captions for line in lines)
    size = min(9.0, 72 * inches * min(0.11, 1.8 / longest))
    ax = axes(ax, (6.8, inches * tall + 0.4))
    limits = {"vmin": images.min(), "vmax": images.max()}
    corners = tiles(ax, images, _IN_A_ROW, above=above, cmap="gray", **limits)
    for (left, top), lines in zip(corners, captions, strict=True):
        words = "\n".join(lines)
        ax.text(left + 0.5, top - 0.04, words, ha="center", va="bottom", fontsize=size)
    return ax
