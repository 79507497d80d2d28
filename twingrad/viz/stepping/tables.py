"""Tables: every step in HTML, to be read without a script and on paper.

The script shows one step by copying its rows from here, so that each number stands on the page
in one place.
"""

from collections.abc import Iterator, Sequence
from html import escape

from .reading import NOTHING, Reading
from .steps import Share, Step
from .words import Words

FORWARD = ("Step", "Node", "Computed as", "Value")
BACKWARD = (
    "Step", "Node, and why its turn has come", "Gradient that has arrived", "Operand",
    "Local derivative", "Its value", "Product: the share passed", "Sum so far",
)  # fmt: skip
OF_ARRAYS = (
    *BACKWARD[:4], "Share, from the grad that arrived", "The share passed", "Sum so far",
)  # fmt: skip
"""The slope of an array by another has as many axes as both: it is not shown, but what it does."""

OF_NUMBERS = {FORWARD[3], BACKWARD[2], *BACKWARD[5:], *OF_ARRAYS[5:]}
NUMBER = ' class="number"'


def tables(steps: Sequence[Step], words: Words, arrays: bool) -> str:
    """The two tables of a view, one `<tbody>` a step."""
    numbered = list(enumerate(steps, 1))
    forward = "".join(_forward(n, step, words) for n, step in numbered if step.phase == "forward")
    backward = "".join(
        _backward(n, step, arrays) for n, step in numbered if step.phase != "forward"
    )
    heads = OF_ARRAYS if arrays else BACKWARD
    return (
        _table("forward", "Forward: the values", FORWARD, forward)
        + _table("backward", "Backward: the gradients", heads, backward)
    )  # fmt: skip


def _table(name: str, caption: str, heads: Sequence[str], body: str) -> str:
    columns = "".join(
        f'<th scope="col"{NUMBER if head in OF_NUMBERS else ""}>{head}</th>' for head in heads
    )
    return (
        f'<div class="wide"><table class="{name}"><caption>{caption}</caption>'
        f"<thead><tr>{columns}</tr></thead>{body}</table></div>"
    )


def _forward(number: int, step: Step, words: Words) -> str:
    return (
        f'<tbody data-step="{number}"><tr><th scope="row">{number}</th>'
        f'<td>{escape(words.of(step.box))}</td><td class="formula">{escape(step.formula)}'
        f"</td>{_cell(step.reading)}</tr></tbody>"
    )


def _backward(number: int, step: Step, arrays: bool) -> str:
    columns = len(OF_ARRAYS if arrays else BACKWARD) - 3
    rows = list(_shares(step.shares, arrays))
    rows = rows or [f'<td colspan="{columns}" class="none">nothing to pass on</td>']
    span = f' rowspan="{len(rows)}"' if len(rows) > 1 else ""
    first = (
        f'<th scope="rowgroup"{span}>{number}</th>'
        f'<td class="why"{span}>{escape(step.words)}</td>{_cell(step.reading, span)}'
    )
    rows = [first + rows[0], *rows[1:]]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<tbody data-step="{number}">{body}</tbody>'


def _shares(shares: Sequence[Share], arrays: bool) -> Iterator[str]:
    for share in shares:
        operand, formula = f"<td>{escape(share.operand)}</td>", escape(share.formula)
        if share.product is NOTHING:
            yield f'{operand}<td colspan="{3 if arrays else 4}" class="none">{formula}</td>'
            continue
        heard, expected = share.heard
        progress = f" <small>({heard} of {expected})</small>" if expected > 1 else ""
        slope = "" if arrays else _cell(share.slope)
        yield (
            f'{operand}<td class="formula">{formula}</td>{slope}'
            f"{_cell(share.product)}{_cell(share.total, after=progress)}"
        )


def _cell(reading: Reading, attributes: str = "", after: str = "") -> str:
    exact = "" if reading.exact is None else f' data-value="{reading.exact}"'
    lines = "<br>".join(map(escape, reading.lines))
    return f'<td class="number"{exact}{attributes}>{lines}{after}</td>'
