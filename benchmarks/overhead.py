"""How much of a step on Tensors is spent beside the arrays, from narrow networks to wide ones.

The same step in hand-written NumPy makes the same products and sums and no graph. What twingrad
needs beyond it is Python, and arrays that the hand has no need to make.
"""

from functools import partial

from benchmarks.mnist_numpy import numpy_step, products_alone
from benchmarks.mnist_peers import twingrad_step
from benchmarks.side import Side
from benchmarks.tables import duration, markdown
from benchmarks.turns import Found, Spread, measured, spread

WIDTHS = (8, 16, 32, 64, 128, 256, 512, 1024)
RACES = {str(width): {"rounds": 7, "turn": 0.04, "steps": 5} for width in WIDTHS}


def sides(race: str) -> dict[str, Side]:
    """A network of three layers, width-width-width-10; the race is the width."""
    widths = (*[int(race)] * 3, 10)
    return {
        "twingrad": Side(partial(twingrad_step, widths)),
        "NumPy, by hand": Side(partial(numpy_step, widths)),
        "matrix products alone": Side(partial(products_alone, widths), alike=False),
    }


def share(found: Found, without: str) -> Spread | None:
    """The share of twingrad's step that another side does without."""
    whole, part = (found[side].get("seconds") for side in ("twingrad", without))
    if not whole or not part:
        return None
    return spread([1.0 - b / a for a, b in zip(whole, part, strict=True)])


def table(races: dict[str, Found]) -> str:
    """Times by width, and the share of the step that is not in the other two."""
    names = ("twingrad", "NumPy, by hand", "matrix products alone")
    rows = [("width", *names, "beyond NumPy by hand", "beyond the products")]
    for width, found in races.items():
        took = [measured(found, name) for name in names]
        shares = [share(found, name) for name in names[1:]]
        rows.append(
            (
                width,
                *(duration(t and t.median) for t in took),
                *("absent" if s is None else f"{s.median:.0%}" for s in shares),
            )
        )
    return markdown(*rows)
