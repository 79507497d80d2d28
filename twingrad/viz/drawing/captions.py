"""Captions: what a picture says in words: titles, tooltips, captions, descriptions.

Labels are the user's, and may hold anything; here they become lines that fit a box and hold no
character that SVG forbids.
"""

from collections.abc import Sequence
from typing import Any

from ..figures import lines_of

LONGEST_LINE = 32
MOST_LINES = 4


def title_lines(label: str) -> tuple[str, ...]:
    """A label as the lines that head its box; the tooltip has what is left out here."""
    if not label.strip():
        return ()
    lines = plain_lines(label)
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], "…"]
    return tuple(
        line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…" for line in lines
    )


def plain_lines(text: str) -> list[str]:
    """The lines of a text, each of characters that XML can hold."""
    return [printable(line) for line in text.replace("\r\n", "\n").split("\n")]


def printable(text: str) -> str:
    """The text with a visible sign for each character that XML forbids.

    >>> from twingrad.viz.drawing.captions import printable
    >>> printable("bell" + chr(7))
    'bell␇'
    """
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    code = ord(character)
    if character in "\t\n\r":
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE:
        return "�"
    return character


def numbers_in_words(data: Any, gradient: Any) -> str:
    """Every digit of a number and of its gradient, or the lines that stand for an array."""
    words = []
    for key, numbers in (("data", data), ("grad", gradient)):
        if numbers is not None:
            exact = repr(numbers) if isinstance(numbers, float) else "; ".join(lines_of(numbers))
            words.append(f", {key} {exact}")
    return printable("".join(words))


def description(name: str, data: Any, values: int, operations: int, caption: Sequence[str]) -> str:
    """The picture in two sentences, for those who hear it."""
    what = f"A computation graph of {count(values, 'value')} and {count(operations, 'operation')}"
    called = printable(name) or "an unnamed result"
    return " ".join([f"{what}, ending in {called} = {'; '.join(lines_of(data))}.", *caption])


def count(number: int, noun: str) -> str:
    """A number of things.

    >>> from twingrad.viz.drawing.captions import count
    >>> count(1, "value"), count(1600, "value")
    ('1 value', '1,600 values')
    """
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def folding(values: int, boxes: int, times: int) -> tuple[str, str]:
    """What to say under a picture in which not every value has a box of its own.

    `times` is how many stand in one box, most often.
    """
    folded = f"{count(values, 'value')} folded into {count(boxes, 'box').replace('boxs', 'boxes')}"
    meaning = f"; ×{times:,} is {times:,} in the same place" if times > 1 else ""
    return (
        f"{folded}{meaning}.",
        "To see more: draw(..., max_nodes=...), or draw a node nearer to the leaves.",
    )
