"""Picture: what is to be drawn of a graph, in words and boxes, before anyone draws it.

It is taken once, when `draw` is called, so that a drawing shows the numbers of that moment; and
both painters, DOT and SVG, work from it, so that they say the same.
"""

from dataclasses import dataclass

from ..layout.frames import Frame
from ..style import Role


@dataclass(frozen=True)
class Row:
    """One row of a box: `key` at the left, the lines of a number at the right.

    It is tinted by `strength`, 0 to 1, and `lean`, from -1, all below zero, to 1, all above.
    """

    key: str
    lines: tuple[str, ...]
    strength: float = 0.0
    lean: float = 0.0


@dataclass(frozen=True)
class Box:
    """A value, or several folded: what heads it, its rows, and a tooltip with all the digits."""

    role: Role
    title: tuple[str, ...]
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    tooltip: str


@dataclass(frozen=True)
class Chip:
    """An operation, between its operands and its result."""

    text: str
    operands: int
    tooltip: str


@dataclass(frozen=True)
class Picture:
    """Boxes and chips, numbered together, the edges between them, and the frames around them."""

    items: tuple[Box | Chip, ...]
    edges: tuple[tuple[int, int], ...]
    caption: tuple[str, ...]
    description: str
    rankdir: str
    frames: tuple[Frame, ...] = ()
