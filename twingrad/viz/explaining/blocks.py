"""Blocks: sentences, equations and tables, set for a terminal, in Markdown and in LaTeX.

What an explanation says is said once; each of the three readers gets the same words and numbers
in its own notation.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from textwrap import TextWrapper, wrap
from typing import Any

from ..formulas.escape import markdown_text, tex_text
from ..formulas.notation import Written

WIDTH = 100
"""Columns of a terminal that a line may take."""

INDENT = "  "
_NARROWEST = 10

Piece = str | Written
Sentence = Sequence[Piece]


@dataclass(frozen=True)
class Words:
    """A sentence or two."""

    pieces: Sentence

    def text(self) -> Iterator[str]:
        """Lines for a terminal."""
        yield from wrap(_joined(self.pieces, str, lambda w: w.text), WIDTH)

    def markdown(self) -> str:
        """A paragraph."""
        return _joined(self.pieces, markdown_text, _inline)

    def latex(self) -> str:
        """A paragraph."""
        return _joined(self.pieces, tex_text, _inline)

    def formulas(self) -> Iterator[str]:
        """Whatever stands between dollar signs."""
        yield from (piece.latex for piece in self.pieces if isinstance(piece, Written))


def say(template: str, *pieces: "Piece | Words") -> Words:
    """A sentence, with pieces in the place of each `{}`.

    >>> from twingrad.viz.explaining.blocks import say
    >>> say("one {} three", say("and {}", "two")).pieces
    ('one ', 'and ', 'two', ' three')
    """
    told: list[Piece] = []
    for words, piece in zip_longest(template.split("{}"), pieces, fillvalue=""):
        told += [words, *(piece.pieces if isinstance(piece, Words) else [piece])]
    return Words(tuple(piece for piece in told if piece))


@dataclass(frozen=True)
class Line:
    """One side of an equation: factors or terms, what stands between them, what they give."""

    parts: Sequence[Written]
    sign: Written
    result: Written | None = None

    @property
    def text(self) -> str:
        """The whole line as text."""
        return "".join(self.pieces())

    @property
    def latex(self) -> str:
        """The whole line in math mode."""
        line = f" {self.sign.latex} ".join(part.latex for part in self.parts)
        return line if self.result is None else f"{line} = {self.result.latex}"

    def pieces(self) -> Iterator[str]:
        """The parts as text, each with the sign before it."""
        for number, part in enumerate(self.parts):
            yield part.text if number == 0 else f" {self.sign.text} {part.text}"
        if self.result is not None:
            yield f" = {self.result.text}"


@dataclass(frozen=True)
class Equation:
    """A quantity, and what it is equal to, line after line."""

    of: Written
    lines: Sequence[Line]

    def text(self) -> Iterator[str]:
        """Lines for a terminal, the signs of equality one below the other."""
        before = INDENT + self.of.text
        if len(before) > WIDTH // 3:
            yield before
            before = INDENT * 2
        for line in self.lines:
            start = before + " = "
            empty = " " * len(start)
            for number, piece in enumerate(line.pieces()):
                if number and len(start) + len(piece) > WIDTH:
                    yield start
                    start, piece = empty, piece.lstrip()
                start += piece
            yield start
            before = " " * len(before)

    def markdown(self) -> str:
        """Displayed mathematics."""
        return f"$$\n\\begin{{aligned}}\n{self._rows()}\n\\end{{aligned}}\n$$"

    def latex(self) -> str:
        """Displayed mathematics, of the package amsmath."""
        return f"\\begin{{align*}}\n{self._rows()}\n\\end{{align*}}"

    def formulas(self) -> Iterator[str]:
        """Each line as an equation of its own."""
        yield from (f"{self.of.latex} = {line.latex}" for line in self.lines)

    def _rows(self) -> str:
        return " \\\\\n".join(
            f"{self.of.latex if number == 0 else ''} &= {line.latex}"
            for number, line in enumerate(self.lines)
        )


@dataclass(frozen=True)
class Table:
    """Rows under a header; columns that begin with `>` in the header stand flush right."""

    header: Sequence[str]
    rows: Sequence[Sequence[Piece]]

    def __post_init__(self) -> None:
        """Leave out columns in which nothing stands."""
        kept = [number for number in range(len(self.header))
                if any(row[number] != "" for row in self.rows)]  # fmt: skip
        object.__setattr__(self, "header", [self.header[number] for number in kept])
        object.__setattr__(self, "rows", [[row[number] for number in kept] for row in self.rows])

    def text(self) -> Iterator[str]:
        """Lines for a terminal, the widest columns cut where they do not fit."""
        cells = [[name.lstrip(">") for name in self.header]]
        cells += [[piece if isinstance(piece, str) else piece.text for piece in row]
                  for row in self.rows]  # fmt: skip
        lines = [[cell.split("\n") for cell in row] for row in cells]
        widths = [max(max(map(columns_of, cell)) for cell in column)
                  for column in zip(*lines, strict=True)]  # fmt: skip
        gaps = 2 * (len(widths) - 1) + len(INDENT)
        right = [name.startswith(">") for name in self.header]
        while sum(widths) + gaps > WIDTH and max(widths) > _NARROWEST:
            # A formula that is cut can still be read; a number that is cut is a wrong one.
            words = [0 if number else width for width, number in zip(widths, right, strict=True)]
            longest = words if max(words) > _NARROWEST else widths
            widths[longest.index(max(longest))] -= 1
        for cells_of_row in lines:
            row = list(map(_wrapped, cells_of_row, widths, right))
            for number in range(max(map(len, row))):
                parts = [cell[number] if number < len(cell) else "" for cell in row]
                yield (INDENT + "  ".join(map(_placed, parts, widths, right))).rstrip()

    def markdown(self) -> str:
        """A table of pipes; formulas in it hold no pipe."""
        names = [markdown_text(name.lstrip(">")) for name in self.header]
        rule = ["---:" if name.startswith(">") else "---" for name in self.header]
        rows = [[_in_cell(piece) for piece in row] for row in self.rows]
        return "\n".join(f"| {' | '.join(row)} |" for row in [names, rule, *rows])

    def latex(self) -> str:
        """A tabular, to stand in a float or in the text."""
        columns = "".join("r" if name.startswith(">") else "l" for name in self.header)
        names = " & ".join(tex_text(name.lstrip(">")) for name in self.header)
        rows = [" & ".join(_tex_cell(piece) for piece in row) for row in self.rows]
        body = " \\\\\n".join([names + r" \\ \hline" + "\n" + (rows or [""])[0], *rows[1:]])
        table = f"\\begin{{tabular}}{{{columns}}}\n{body}\n\\end{{tabular}}"
        room = r"\renewcommand{\arraystretch}{1.5}"  # for fractions
        return f"\\begin{{center}}\n{room}\n{table}\n\\end{{center}}"

    def formulas(self) -> Iterator[str]:
        """Every cell that is a formula."""
        for row in self.rows:
            yield from (cell.latex for cell in row if isinstance(cell, Written) and cell.latex)


Block = Words | Equation | Table


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(bool(unicodedata.combining(c)) for c in text)


def _wrapped(lines: list[str], width: int, right: bool) -> list[str]:
    """The lines of a cell, what is too long on two; of a number there is no half."""
    if right or max(map(columns_of, lines)) <= width:
        return lines
    wrapper = TextWrapper(width, max_lines=2, placeholder=" …", break_long_words=False,
                          break_on_hyphens=False)  # fmt: skip
    return [part for line in lines for part in wrapper.wrap(line)]


def _placed(text: str, width: int, right: bool) -> str:
    if columns_of(text) > width and " " not in text:  # of a name the end says most
        text = text[: width // 3] + "…" + text[width // 3 + 1 - width :]
    while columns_of(text) > width:
        text = text[:-2] + "…"
    room = " " * (width - columns_of(text))
    return room + text if right else text + room


def _joined(pieces: Sentence, of_words: Any, of_formula: Any) -> str:
    parts = [of_words(p) if isinstance(p, str) else of_formula(p) for p in pieces]
    return "".join(parts)


def _inline(formula: Written) -> str:
    return f"${formula.latex}$" if formula.latex else ""


def _in_cell(piece: Piece) -> str:
    return markdown_text(piece) if isinstance(piece, str) else _inline(piece)


def _tex_cell(piece: Piece) -> str:
    return tex_text(piece) if isinstance(piece, str) else _inline(piece)
