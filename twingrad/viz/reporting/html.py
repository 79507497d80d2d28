"""HTML: small pieces of a page, in which whatever a user wrote stays text.

Only `Html` is taken for markup; every other string is escaped where it enters, so that no name
can become a tag by being forgotten.
"""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from ..plots.canvas import UNPRINTABLE


class Html(str):
    """Text that is markup already."""


def text(content: Any) -> Html:
    """Anything as it may stand on a page, between tags or in an attribute's quotes.

    >>> from twingrad.viz.reporting.html import text
    >>> text('x < "y" & $z$')
    'x &lt; &quot;y&quot; &amp; $z$'
    """
    if isinstance(content, Html):
        return content
    return Html(escape(UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(content))))


def tag(name: str, *content: Any, **attributes: Any) -> Html:
    """An element; `class_` stands for `class`, and `aria_label` for `aria-label`.

    >>> from twingrad.viz.reporting.html import tag
    >>> tag("p", "1 < 2", class_="note")
    '<p class="note">1 &lt; 2</p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{written}>{joined(content)}</{name}>")


def joined(content: Iterable[Any]) -> Html:
    """Pieces one after the other."""
    return Html("".join(map(text, content)))


def paragraphs(words: str) -> Html:
    """Text of a user's, a paragraph for each that a blank line ends."""
    return joined(tag("p", part) for part in re.split(r"\n\s*\n", words.strip()) if part)


def pairs(rows: Iterable[tuple[str, Any]]) -> Html:
    """Names with what they stand for."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows))


def table(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], numbers: int = 0
) -> Html:
    """A table whose rows each begin with their heading; from column `numbers` on, numbers."""
    kinds = ["words" if i < numbers else "number" for i in range(len(columns))]
    head = tag(
        "tr",
        *(
            tag("th", name, scope="col", class_=kind)
            for name, kind in zip(columns, kinds, strict=True)
        ),
    )
    body = [
        tag(
            "tr",
            tag("th", row[0], scope="row", class_=kinds[0]),
            *(tag("td", cell, class_=kind) for cell, kind in zip(row[1:], kinds[1:], strict=True)),
        )
        for row in rows
    ]
    inside = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body))
    # A wide table is scrolled by itself, with the keyboard too.
    return tag("div", inside, class_="scroll", role="region", aria_label=caption, tabindex="0")
