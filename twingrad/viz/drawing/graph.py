"""Graph: the picture of a computation, every number in it and every operation between.

`draw(loss)` is the quickest answer to "what did I just build, and where does its gradient come
from?"; it takes whatever Graphviz there is, and does without when there is none.
"""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from twingrad.engine.node import Node
from twingrad.engine.sweep import topological_order
from twingrad.nn.settings import whole

from ..files import write_at_once
from ..layout.layout import RANKDIRS
from ..outline.cuts import cut
from ..outline.names import Names
from ..outline.outline import outline
from ..outline.scope import scope_of_caller
from . import dot
from .expand import expanded
from .photograph import take_picture
from .picture import Picture
from .rendering import BACKENDS, render

SHOWN = ("data", "grad")
COLORS = ("data", "grad", None)
SUFFIXES = (".svg", ".png", ".pdf", ".dot")
MAX_BOXES = 100
"""Of a drawing that may fold; more are hard to read at any size."""
MAX_NODES = 500
"""Of a drawing that was told not to fold."""
MAX_BOXES_IN_NOTEBOOK = 1000
MAX_NODES_UNASKED = 10_000
"""Of a node that a notebook shows because a cell ended in it."""


class Drawing:
    """A graph as it was when `draw` was called; shows itself in a notebook."""

    def __init__(self, picture: Picture, nodes: int, boxes: int, backend: str) -> None:
        self._picture = picture
        self._nodes, self._boxes = nodes, boxes
        self._backend = backend
        self._svg: str | None = None

    @property
    def source(self) -> str:
        """The drawing as DOT text; `ImportError` without the graphviz package."""
        return dot.source(self._picture)

    def svg(self) -> str:
        """The drawing as one `<svg>` element, to be written to a file or put into a page."""
        if self._svg is None:
            self._svg = render(self._picture, "svg", self._backend).decode()
        return self._svg

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write an .svg, .png, .pdf or .dot file, whole or not at all; returns its path.

        Raises `ValueError` for another suffix, `FileNotFoundError` when the folder is missing,
        `GraphvizError`, a `RuntimeError`, for PNG and PDF where there is no Graphviz, `ImportError`
        for .dot without the graphviz package.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            raise ValueError(
                f"a drawing is saved as {', '.join(SUFFIXES)}, but {str(path)!r} ends in "
                f"{path.suffix!r}; use one of those, such as {(path.stem or 'graph') + '.svg'!r}"
            )
        if not path.parent.is_dir():
            raise FileNotFoundError(
                f"there is no folder {str(path.parent)!r} to save {path.name!r} in; create it first"
            )
        if suffix == ".dot":
            content = self.source.encode()
        elif suffix == ".svg":
            content = self.svg().encode()
        else:
            content = render(self._picture, suffix[1:], self._backend)
        write_at_once(path, content)
        return path

    def _repr_svg_(self) -> str | None:
        # A notebook shows the traceback of whatever is raised here, instead of the plain repr.
        try:
            return self.svg() if self._boxes <= MAX_BOXES_IN_NOTEBOOK else None
        except Exception:
            return None

    def __repr__(self) -> str:
        folded = f" in {self._boxes} boxes" if self._boxes < self._nodes else ""
        return f"<Drawing of {self._nodes:,} nodes{folded}; save it with .save('graph.svg')>"


def draw(
    root: Node,
    *,
    show: Sequence[str] = SHOWN,
    color: str | None = "grad",
    group: Literal["auto"] | int | None = "auto",
    expand: bool = False,
    max_nodes: int | None = None,
    rankdir: str = "LR",
    backend: str = "auto",
    scope: Mapping[str, Any] | None = None,
) -> Drawing:
    """A drawing of everything that a node was computed from.

    `show` names the rows of a box. `color` tints the row of that name, the more the larger its
    number is among all in the drawing (root mean square for an array), blue below zero and
    orange above; None tints nothing.

    `group` "auto" draws a frame around what belongs to a module, and folds what repeats, whole
    neurons or whole layers until at most `max_nodes` boxes are left, 100 unless told. A number
    is how many levels of modules are open, where that few boxes can show them: at 0 a model is
    one box, at 1 each of its layers. None draws every node by itself. `expand` takes fused
    operations apart into products and sums. `rankdir` is "LR", left to right, or "TB", top down.
    `backend` "auto" takes the program `dot`, else `pygraphviz`, else the layout of our own
    ("builtin"), which draws SVG only. `scope` holds the names by which nodes and models go,
    `vars()` for example; unless told, the variables where `draw` is called.

    Raises `TypeError` for what is no node, `ValueError` for a drawing of more boxes than
    `max_nodes`, which are 500 where nothing may fold, and for options that do not exist.

    >>> import twingrad as tg
    >>> a, b = tg.Value(2.0, label="a"), tg.Value(-3.0, label="b")
    >>> loss = (a * b + 10.0) ** 2
    >>> loss.backward()
    >>> tg.viz.draw(loss)
    <Drawing of 7 nodes; save it with .save('graph.svg')>
    """
    if not isinstance(root, Node):
        raise TypeError(
            f"draw() starts from a Value or a Tensor, but this is a {type(root).__name__}; give "
            "it the result whose computation you want to see, such as draw(loss)"
        )
    shown = tuple(show) if isinstance(show, list | tuple | set) else (show,)
    for name in shown:
        _check("show", name, SHOWN)
    _check("color", color, COLORS)
    _check("rankdir", rankdir, RANKDIRS)
    _check("backend", backend, ("auto", *BACKENDS))
    depth = _depth(group)
    nodes = topological_order(root)
    names = Names(nodes, scope_of_caller() if scope is None else scope)
    if expand:
        root = expanded(root, names.given)
        nodes = topological_order(root)
        names = Names(nodes, scope_of_caller() if scope is None else scope)
    if max_nodes is None:
        max_nodes = MAX_NODES if group is None else MAX_BOXES
    whole("max_nodes", max_nodes, 1)
    if group is None and len(nodes) > max_nodes:  # a large graph takes long to outline
        raise ValueError(_too_large(len(nodes), len(nodes), max_nodes))
    tree = outline(nodes, names, modules=group is not None)
    number = {node: i for i, node in enumerate(nodes)}
    edges = [(number[p], i) for i, node in enumerate(nodes) for p in node.parents]
    crowd = edges if group == "auto" and len(nodes) > max_nodes else []
    boxes = cut(tree, math.inf if group is None else max_nodes, depth, crowd)
    if len(boxes) > max_nodes:
        raise ValueError(_too_large(len(nodes), len(boxes), max_nodes))
    picture = take_picture(
        nodes,
        boxes,
        names,
        show=shown,
        color=color,
        rankdir=rankdir,
        framed=group is not None,
    )
    return Drawing(picture, len(nodes), len(boxes), backend)


def _depth(group: Any) -> int | None:
    """How many levels of modules to open, None for as many as there are."""
    if group is None or (isinstance(group, str) and group == "auto"):
        return None
    if not isinstance(group, int | np.integer) or isinstance(group, bool) or group < 0:
        raise ValueError(
            'group= takes "auto", None, or how many levels of modules to open, a whole number '
            f"from 0 on, but got {group!r}"
        )
    return int(group)


def _too_large(nodes: int, boxes: int, most: int) -> str:
    folded = "" if boxes == nodes else f", which fold into {boxes:,} boxes"
    them = "them all" if boxes == nodes else "those"
    hint = 'group="auto" folds it; ' if boxes == nodes else ""
    return (
        f"this graph has {nodes:,} nodes{folded}, more than max_nodes={most:,}; draw(..., "
        f"max_nodes={boxes}) draws {them}, but pictures of hundreds are hard to read: {hint}"
        "rather draw a node nearer to the leaves, or the loss of a single example"
    )


def svg_in_notebook(node: Node) -> str | None:
    """How a notebook shows a node itself; None, and so its repr, when the graph is too large."""
    try:
        small = len(topological_order(node)) <= MAX_NODES_UNASKED
        return draw(node).svg() if small else None
    except Exception:
        return None


def _check(option: str, given: Any, known: Sequence[Any]) -> None:
    if given not in known:
        names = ", ".join(map(repr, known))
        raise ValueError(f"{option}= takes one of {names}, but got {given!r}")
