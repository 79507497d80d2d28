"""Style: the colours, the font and the sizes that every backend draws with.

One look, whoever draws: Okabe & Ito's colours, which colour-blind readers tell apart, and besides
each colour a line (thick, thin, dashed) that survives a black-and-white printer.
"""

import unicodedata
from dataclasses import dataclass
from typing import Literal

Role = Literal["leaf", "intermediate", "root", "constant", "folded"]

FONT_FAMILY = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
FONT_SIZE = 10.0
CHIP_FONT_SIZE = 12.0
LINE_HEIGHT = 13.0
CHARACTER_WIDTH = 0.62
"""Of the widest font in the family, in parts of its size; the others leave a little air."""

PAD_X = 6.0
PAD_Y = 3.0
KEY_GAP = 8.0
MARGIN = 12.0

BACKGROUND = "#ffffff"
INK = "#1a1a1a"
FAINT_INK = "#444444"
"""As faint as can be read on the strongest tint."""
RULE = "#c8c8c8"
EDGE = "#6b6b6b"
CHIP_FILL = "#fbeccc"
CHIP_LINE = "#b37b00"
CHIP_RADIUS = 9.0
NEGATIVE = "#0072b2"
POSITIVE = "#d55e00"
FRAME_FILLS = ("#f4f4f1", "#fbfbf9")
FRAME_LINE = "#c3c3ba"


@dataclass(frozen=True)
class Look:
    """How the boxes of one role are drawn."""

    line: str
    line_width: float
    header: str
    dashed: bool = False
    doubled: bool = False


LOOKS: dict[Role, Look] = {
    "leaf": Look(line="#007a5a", line_width=1.2, header="#d3ebe2"),
    "intermediate": Look(line="#7a7a7a", line_width=0.8, header="#f0f0f0"),
    "root": Look(line="#1a1a1a", line_width=2.2, header="#e4e4e4"),
    "constant": Look(line="#9a9a9a", line_width=1.0, header="#ffffff", dashed=True),
    "folded": Look(line="#7a7a7a", line_width=0.8, header="#ece7f3", doubled=True),
}


def tint(strength: float, lean: float) -> str:
    """A background between none at 0 and the strongest, still light under black ink, at 1.

    Its hue says the sign: one colour for -1, another for 1, and grey where both are mixed.
    """
    share = 0.5 * min(max(strength, 0.0), 1.0)
    hue = [
        abs(lean) * c + (1.0 - abs(lean)) * 128.0
        for c in _channels(NEGATIVE if lean < 0 else POSITIVE)
    ]
    return "#" + "".join(f"{round(255 - share * (255 - c)):02x}" for c in hue)


def _channels(color: str) -> list[int]:
    return [int(color[start : start + 2], 16) for start in (1, 3, 5)]


def text_width(text: str, size: float = FONT_SIZE) -> float:
    """An upper estimate of how wide the text is drawn, whichever font of the family is there."""
    return sum(map(_columns, text)) * CHARACTER_WIDTH * size


def _columns(character: str) -> int:
    """The columns that a character takes on a terminal, and in a monospaced font."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
