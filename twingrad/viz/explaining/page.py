"""A page: blocks one below the other, printed, in a notebook, or written into a document."""

from collections.abc import Sequence
from itertools import pairwise

from .blocks import Block, Words


class Page:
    """Blocks one below the other, in whichever notation is asked for."""

    blocks: Sequence[Block]

    def __str__(self) -> str:
        lines = ["\n".join(block.text()) for block in self.blocks]
        text = lines[0] if lines else ""
        for (above, below), line in zip(pairwise(self.blocks), lines[1:], strict=True):
            apart = not isinstance(above, Words) or isinstance(below, Words)  # words announce
            text += ("\n\n" if apart else "\n") + line
        return text

    def markdown(self) -> str:
        """The page in Markdown, its formulas between dollar signs."""
        return "\n\n".join(block.markdown() for block in self.blocks) + "\n"

    def latex(self) -> str:
        r"""The page as a part of a LaTeX document that uses the package amsmath."""
        return "\n\n".join(block.latex() for block in self.blocks) + "\n"

    def formulas(self) -> list[str]:
        """Every formula of the page in LaTeX's math mode, one at a time."""
        return [formula for block in self.blocks for formula in block.formulas()]

    def _repr_markdown_(self) -> str:
        return self.markdown()
