"""Sheets: which views of a graph the page holds, and how a click leads from one to another.

A small graph is shown as it is. A large one opens folded, and each thing that unfolds has a view
of its own, in which all around it stays folded.
"""

from ..names import Names
from ..outline import Item
from .page import Sheet
from .paint import Painter
from .steps import steps_of
from .tables import tables
from .trace import Trace
from .view import view_of
from .words import Words

MOST_UNFOLDED = 150


def sheets_of(trace: Trace, whole: Item, words: Words, names: Names) -> list[Sheet]:
    """The sheets of a graph, first the one that the page opens with."""
    items = [item for item in whole.walk() if not item.parts]
    view = view_of(trace, items)
    steps = steps_of(view, words)
    drawing = Painter(view, steps, words, names).paint(())
    return [Sheet(drawing, tables(view, steps, words), steps, (("Whole graph", 0),), {})]
