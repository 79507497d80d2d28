"""Measure: how large a box must be for its text, and where in it the text goes.

Every painter asks here, so that a box has the same size from each of them, and text that fits
in one picture fits in all.
"""

from dataclasses import dataclass

from ..style import (
    CHIP_FONT_SIZE,
    KEY_GAP,
    LINE_HEIGHT,
    PAD_X,
    PAD_Y,
    text_width,
)
from .picture import Box, Chip

SMALLEST_BOX = 18.0
SMALLEST_CHIP = 24.0
PORTS_SHOWN = 12
COMMON_NUMBER = text_width("-10.0000")
"""Numbers up to this width get boxes of one width, which stand in a line."""


@dataclass(frozen=True)
class Frame:
    """The inner measures of a box: the header's height, the keys' column, each row's height."""

    width: float
    header: float
    keys: float
    rows: tuple[float, ...]

    @property
    def height(self) -> float:
        """Of header and rows together."""
        return max(self.header + sum(self.rows), SMALLEST_BOX)


def frame(box: Box) -> Frame:
    """The measures of a box, from its text."""
    heading = [*box.title, *box.notes]
    keys = max((text_width(row.key) for row in box.rows), default=0.0)
    values = [text_width(line) for row in box.rows for line in row.lines]
    columns = keys + KEY_GAP + max([COMMON_NUMBER, *values]) if box.rows else 0.0
    width = max([columns, *map(text_width, heading)]) + 2 * PAD_X
    return Frame(
        width=round(max(width, SMALLEST_BOX)),
        header=_height(len(heading)),
        keys=round(PAD_X + keys + KEY_GAP),
        rows=tuple(_height(len(row.lines)) for row in box.rows),
    )


def size(item: Box | Chip, rankdir: str) -> tuple[float, float]:
    """Width and height; a chip is as long across the ranks as its operands need."""
    if isinstance(item, Box):
        measured = frame(item)
        return measured.width, measured.height
    width, height = smallest(item)
    ports = 10.0 + 8.0 * min(item.operands, PORTS_SHOWN)
    return (width, max(ports, height)) if rankdir == "LR" else (max(ports, width), height)


def smallest(chip: Chip) -> tuple[float, float]:
    """Width and height of a chip by its text alone."""
    text = text_width(chip.text, CHIP_FONT_SIZE) + 2 * PAD_X
    return round(max(text, SMALLEST_CHIP)), SMALLEST_CHIP


def _height(lines: int) -> float:
    return lines * LINE_HEIGHT + 2 * PAD_Y if lines else 0.0
