"""Page: views, style and script put into one HTML file that needs nothing beside it.

Its Content-Security-Policy names the one script and the one style sheet by their hashes and
forbids everything else, so that no label, however odd, can make the page run or fetch anything.
"""

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from .. import style
from ..files import write_at_once
from .cards import key_of
from .steps import Step


@dataclass(frozen=True)
class Sheet:
    """One view, ready for the page: its picture, its tables, its steps, and where it leads.

    `path` is how one came to it, as pairs of a title and a view's number; `unfolds` says which
    view a click on a box opens.
    """

    drawing: str
    tables: str
    steps: tuple[Step, ...]
    path: tuple[tuple[str, int], ...]
    unfolds: dict[int, int]


class StepperPage:
    """The page of a graph as it was when `stepper` was called; shows itself in a notebook."""

    def __init__(self, html: str, title: str, nodes: int) -> None:
        self.html = html
        self._title = title
        self._nodes = nodes

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, whole or not at all; returns its path.

        Raises `ValueError` for a suffix that no browser takes for a page, `FileNotFoundError`
        when the folder is missing.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(
                f"a page is saved as .html, but {str(path)!r} ends in {path.suffix!r}; use such as "
                f"{(path.stem or 'steps') + '.html'!r}"
            )
        if not path.parent.is_dir():
            raise FileNotFoundError(
                f"there is no folder {str(path.parent)!r} to save {path.name!r} in; create it first"
            )
        write_at_once(path, self.html.encode())
        return path

    def _repr_html_(self) -> str:
        # A frame, so that its policy and its keys stay its own.
        return (
            f'<iframe srcdoc="{escape(self.html)}" title="{escape(self._title)}" width="100%" '
            'height="760" sandbox="allow-scripts" style="border:0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<StepperPage of {self._nodes:,} nodes; save it with .save('steps.html')>"


def page(title: str, summary: str, sheets: Sequence[Sheet], nodes: int) -> StepperPage:
    """The page that opens with the first of the sheets."""
    css, script = _text("page.css"), _text("page.js")
    css = _colors() + css
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hash(script)}",
            f"style-src {_hash(css)}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    first, *others = sheets
    templates = "".join(
        f'<template data-view="{number}"><div>{sheet.drawing}</div><div>{sheet.tables}</div>'
        "</template>"
        for number, sheet in enumerate(others, 1)
    )
    body = _text("page.html")
    html = body.format(
        policy=policy,
        title=escape(title),
        summary=escape(summary),
        css=css,
        drawing=first.drawing,
        tables=first.tables,
        templates=templates,
        folded=' <span class="swatch folded"></span> several nodes' if others else "",
        data=_json([_data_of(sheet) for sheet in sheets]),
        script=script,
    )
    return StepperPage(html, title, nodes)


def _data_of(sheet: Sheet) -> dict[str, Any]:
    """What the script must know beside what stands on the page already."""
    return {
        "path": sheet.path,
        "unfolds": sheet.unfolds,
        "steps": [
            {
                "phase": step.phase,
                "box": step.box,
                # Backward they stand in the table already.
                **({"words": step.words} if step.phase == "forward" else {}),
                "links": step.links,
                "shown": [
                    [s.box, s.row, key_of(s.row, s.heard), s.reading.lines, s.reading.exact]
                    for s in step.shown
                ],
            }
            for step in sheet.steps
        ],
    }


def _json(data: Any) -> str:
    """JSON that no label can end the `<script>` of, nor a line of it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


@cache
def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _colors() -> str:
    """The colours that the page shares with every other picture."""
    return f":root {{ --negative: {style.NEGATIVE}; --positive: {style.POSITIVE}; }}\n"
