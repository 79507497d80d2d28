"""Rendering: who turns a picture into SVG, PNG or PDF on this machine.

Graphviz lays out better than we do and writes PNG and PDF, but it is a program of its own that
many machines lack; so nothing is imported or run before a drawing needs it, and SVG is always ours
to give.
"""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from xml.etree import ElementTree

from .. import style
from ..layout.layers import arrange_in_layers
from . import dot
from .picture import Picture
from .svg import paint

SVG = "http://www.w3.org/2000/svg"

INSTALL = (
    'pip install "twingrad[viz]", and either the Graphviz program (https://graphviz.org/download) '
    "or pip install pygraphviz, which brings Graphviz along"
)

PATIENCE = 60.0
"""Seconds for Graphviz; hundreds of long edges from one box can keep it for hours."""

LONG_EDGES = 20_000
"""Ranks passed by all edges together, above which "auto" does not leave an SVG to Graphviz."""

DRAW_WITH_PYGRAPHVIZ = """
import sys, pygraphviz
text = sys.stdin.buffer.read().decode()
drawn = pygraphviz.AGraph(string=text).draw(format=sys.argv[1], prog="dot")
sys.stdout.buffer.write(drawn)
"""


class GraphvizError(RuntimeError):
    """No Graphviz was found, or the one that was found cannot draw."""


def render(picture: Picture, kind: str, backend: str) -> bytes:
    """The picture as "svg", "png" or "pdf", by the backend named or by the first that can.

    Raises `GraphvizError`, which says what to install and what was tried.
    """
    if backend == "auto" and kind == "svg":
        # Graphviz leaves the ranks of a framed drawing uneven; where it need not draw, we do.
        ours = bool(picture.frames) or _ranks_passed(picture) > LONG_EDGES
        backend = "builtin" if ours else backend
    wanted = BACKENDS.values() if backend == "auto" else [BACKENDS[backend]]
    reasons = []
    for draw in wanted:
        try:
            return draw(picture, kind)
        except (ImportError, GraphvizError) as error:
            reasons.append(str(error))
    what = kind.upper() if kind != "svg" else f"backend={backend!r}"
    raise GraphvizError(
        f"{what} needs Graphviz: {INSTALL}. SVG from backend='builtin' needs nothing. "
        f"What was tried: {'; '.join(reasons)}"
    )


def _ranks_passed(picture: Picture) -> int:
    """How far the edges run past other ranks: what costs Graphviz its time."""
    rank = arrange_in_layers(len(picture.items), picture.edges).rank
    return sum(rank[target] - rank[source] - 1 for source, target in picture.edges)


def _builtin(picture: Picture, kind: str) -> bytes:
    """The picture laid out and painted by ourselves, as SVG."""
    if kind != "svg":
        raise GraphvizError("the builtin backend draws SVG only")
    return paint(picture).encode()


def _dot(picture: Picture, kind: str) -> bytes:
    """The picture drawn by the program `dot`."""
    text = dot.source(picture)
    if shutil.which("dot") is None:
        raise GraphvizError("the program dot is not on the PATH")
    return _run(["dot", f"-T{kind}"], text, picture, kind)


def _pygraphviz(picture: Picture, kind: str) -> bytes:
    """The picture drawn by the Graphviz within `pygraphviz`."""
    text = dot.source(picture)
    if importlib.util.find_spec("pygraphviz") is None:
        raise GraphvizError("pygraphviz is not installed")
    # In a process of its own: a deep graph with many long edges can crash Graphviz, and here it
    # would take the reader's notebook with it.
    return _run([sys.executable, "-c", DRAW_WITH_PYGRAPHVIZ, kind], text, picture, kind)


def _run(command: list[str], text: str, picture: Picture, kind: str) -> bytes:
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, timeout=PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
        raise GraphvizError(
            f"Graphviz is installed but could not draw this graph as {kind.upper()} "
            f"({said or error})"
        ) from error
    return _finish(done.stdout, picture) if kind == "svg" else done.stdout


def _finish(svg: bytes, picture: Picture) -> bytes:
    """Graphviz's SVG with our tooltips and description, ready to stand within a page."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(svg)
    root.attrib |= {"role": "img", "aria-label": picture.description}
    for element in root.iter():
        # "transparent" is no colour of SVG 1.1, and `id`s clash on a page with two drawings.
        if element.get("stroke") == "transparent":
            element.set("stroke", "none")
        if element.get("font-family") == dot.FONT:
            element.set("font-family", style.FONT_FAMILY)
        element.attrib.pop("id", None)
        title = element.find(f"{{{SVG}}}title")
        if title is None:
            continue
        if element.get("class") == "node":
            title.text = picture.items[int((title.text or "n0")[1:])].tooltip
        else:
            element.remove(title)
    for tag, text in (("desc", picture.description), ("title", "Computation graph")):
        element = ElementTree.Element(f"{{{SVG}}}{tag}")
        element.text = text
        root.insert(0, element)
    return ElementTree.tostring(root, encoding="unicode").encode()


BACKENDS: dict[str, Callable[[Picture, str], bytes]] = {
    "dot": _dot,
    "pygraphviz": _pygraphviz,
    "builtin": _builtin,
}
"""In the order in which "auto" tries them."""
