"""DOT: a picture in Graphviz's language, for Graphviz to draw and for readers to change.

Labels are HTML-like tables and not records: those take any character, and cells with a tint.
"""

import html
from typing import Any

from ...nn.optional import optional
from .. import style
from ..layout.frames import Frame
from .measure import frame, smallest
from .picture import Box, Picture

POINTS_PER_INCH = 72
FONT = "monospace"
COMMUTATIVE = ("+", "*")


def source(picture: Picture) -> str:
    """The picture as DOT text.

    Raises `ImportError` without the `graphviz` package.
    """
    graph = optional("graphviz").Digraph(
        graph_attr={
            "rankdir": picture.rankdir,
            "bgcolor": style.BACKGROUND,
            "pad": _inches(style.MARGIN),
            "nodesep": _inches(14),
            "ranksep": _inches(26),
            # Rounds of improvement per box: without a limit a leaf that a hundred operations
            # share can take minutes.
            "nslimit": "2",
        },
        node_attr={"fontname": FONT, "fontsize": f"{style.FONT_SIZE:g}", "shape": "plain"},
        edge_attr={"color": style.EDGE, "arrowsize": "0.6"},
    )
    if picture.caption:
        lines = "".join(f'{_text(line)}<BR ALIGN="LEFT"/>' for line in picture.caption)
        graph.attr(
            label=f"<<I>{lines}</I>>", labeljust="l", labelloc="b", fontname=FONT,
            fontsize=f"{style.FONT_SIZE:g}", fontcolor=style.FAINT_INK,
        )  # fmt: skip
    # The root first: then Graphviz, where it is free to choose, puts first operands first.
    whole = Frame("", tuple(range(len(picture.items))), picture.frames)
    _add_boxes(graph, whole, picture, 0)
    for before, after in picture.edges:
        graph.edge(f"n{before}", f"n{after}")
    text: str = graph.source
    return text


def _add_boxes(graph: Any, frame: Frame, picture: Picture, depth: int) -> None:
    """The boxes of a frame, those in the frames within it as clusters."""
    inner = {number for within in frame.frames for number in within.everything()}
    for number in sorted(set(frame.boxes) - inner, reverse=True):
        item = picture.items[number]
        if isinstance(item, Box):
            graph.node(f"n{number}", label=f"<{_table(item)}>")
            continue
        width, height = smallest(item)
        # a - b is not b - a: there operands stand in their order, even if edges cross for it.
        graph.node(
            f"n{number}", label=f"<{_text(item.text)}>", shape="box", style="rounded,filled",
            fontsize=f"{style.CHIP_FONT_SIZE:g}", margin="0", fillcolor=style.CHIP_FILL,
            color=style.CHIP_LINE, width=_inches(width), height=_inches(height),
            ordering=None if item.text in COMMUTATIVE else "in",
        )  # fmt: skip
    for within in frame.frames:
        # Graphviz frames only what is called cluster, and each must have a name of its own.
        with graph.subgraph(name=f"cluster{min(within.everything())}_{depth}") as cluster:
            cluster.attr(
                label=f"<{_text(within.title)}>", labeljust="l", fontname=FONT,
                fontsize=f"{style.FONT_SIZE:g}", fontcolor=style.FAINT_INK, style="filled,rounded",
                fillcolor=style.FRAME_FILLS[depth % 2], color=style.FRAME_LINE, margin="8",
            )  # fmt: skip
            _add_boxes(cluster, within, picture, depth + 1)


def _table(box: Box) -> str:
    """A box as an HTML-like table: unlike a record, it takes any label and tinted cells."""
    measured, look = frame(box), style.LOOKS[box.role]
    lined = ' STYLE="DASHED"' if look.dashed else ""
    rows = []
    if measured.header:
        heading = [f"<B>{_text(line)}</B>" for line in box.title]
        heading += [f'<FONT COLOR="{style.FAINT_INK}">{_text(line)}</FONT>' for line in box.notes]
        heading_text = "<BR/>".join(heading)
        rows.append(_row(heading_text, measured.width, measured.header, look.header))
    for row, height in zip(box.rows, measured.rows, strict=True):
        # As many lines as the number has: so the key stands beside the first.
        key = f'<FONT COLOR="{style.FAINT_INK}">{_text(row.key)}</FONT>'
        key += "<BR/>&#160;" * (len(row.lines) - 1)
        lines = "<BR/>".join(map(_text, row.lines))
        # A table within the cell: two cells side by side would show a seam in their tint.
        columns = (
            f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" '
            f'WIDTH="{measured.width - 2 * style.PAD_X:.0f}"><TR>'
            f'<TD ALIGN="LEFT" WIDTH="{measured.keys - style.PAD_X:.0f}">{key}</TD>'
            f'<TD ALIGN="RIGHT" BALIGN="RIGHT" '
            f'WIDTH="{measured.width - measured.keys - style.PAD_X:.0f}">{lines}</TD>'
            "</TR></TABLE>"
        )
        rule = f' BORDER="1" SIDES="T" COLOR="{style.RULE}"' if rows else ""
        rows.append(_row(columns, measured.width, height, style.tint(row.strength, row.lean), rule))
    if not rows:
        rows.append(_row("", measured.width, measured.height, look.header))
    # Graphviz wants whole numbers here.
    border = max(round(look.line_width), 1)
    table = (
        f'<TABLE BORDER="{border}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1" '
        f'COLOR="{look.line}" BGCOLOR="{style.BACKGROUND}"{lined}>'
        f"{''.join(rows)}</TABLE>"
    )
    if not look.doubled:
        return table
    return (
        f'<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2" COLOR="{look.line}" '
        f'BGCOLOR="{style.BACKGROUND}"><TR><TD>{table}</TD></TR></TABLE>'
    )


def _row(content: str, width: float, height: float, ground: str, more: str = "") -> str:
    size = f'WIDTH="{width:.0f}" HEIGHT="{height:.0f}"'
    return f'<TR><TD {size} BGCOLOR="{ground}"{more}>{content}</TD></TR>'


def _text(text: str) -> str:
    """Text within an HTML-like label."""
    # Graphviz drops spaces that stand together, and puts the name of the node for \N.
    return html.escape(text).replace(" ", "&#160;").replace("\\", "\\\\")


def _inches(points: float) -> str:
    return f"{points / POINTS_PER_INCH:.3f}"
