"""Figures: how numbers and arrays are written in a box too small for all of them.

Four decimals, as in the lecture, where four decimals say anything; an array in full while it
fits, and otherwise what one would ask about it first.
"""

import math
from typing import Any

import numpy as np

MOST_ROWS = 4
MOST_COLUMNS = 4


def number(x: Any) -> str:
    """A number in at most eleven characters.

    >>> from twingrad.viz.figures import number
    >>> number(2.0), number(-1.25e-7), number(float("nan")), number(3)
    ('2.0000', '-1.250e-07', 'nan', '3')
    """
    if isinstance(x, (bool, int, np.bool_, np.integer)):
        return str(x)
    if isinstance(x, (complex, np.complexfloating)):
        return format(complex(x), ".4g")
    x = float(x)
    fits = x == 0 or 1e-3 <= abs(x) < 1e5
    return format(x, ".4f" if fits or not math.isfinite(x) else ".3e")


def lines_of(data: Any) -> tuple[str, ...]:
    """A float or an array as the lines that stand for it.

    >>> import numpy as np
    >>> from twingrad.viz.figures import lines_of
    >>> lines_of(np.array([[1.0, -20.0], [3.0, 4.0]]))
    ('1.0000 -20.0000', '3.0000   4.0000')
    >>> lines_of(np.arange(100.0))
    ('0.0000 … 99.0000', 'mean 49.5000', 'std 28.8661')
    """
    array = np.asarray(data)
    if array.ndim == 0:
        return (number(array[()]),)
    if not array.size:
        return ("empty",)
    rows, columns = (1, array.size) if array.ndim == 1 else array.shape[:2]
    if array.ndim <= 2 and rows <= MOST_ROWS and columns <= MOST_COLUMNS:
        return _grid(array.reshape(rows, columns))
    return _statistics(array)


def magnitude(data: Any) -> float:
    """The root mean square of the finite numbers in it: one size for a float and for an array."""
    array = np.abs(np.asarray(data)).astype(float)
    finite = array[np.isfinite(array)]
    largest = float(finite.max(initial=0.0))
    # Divided by the largest first, so that no square overflows.
    return largest * math.sqrt(float(np.mean((finite / largest) ** 2))) if largest else 0.0


def leaning(data: Any) -> float:
    """From -1, where all of it is below zero, to 1, where all is above; by squares, as magnitude.

    >>> import numpy as np
    >>> from twingrad.viz.figures import leaning
    >>> leaning(-2.0), leaning(np.array([1.0, -1.0])), leaning(0.0)
    (-1.0, 0.0, 0.0)
    """
    size = magnitude(data)
    if not size or np.iscomplexobj(data):
        return 0.0
    array = np.asarray(data, dtype=float)
    scaled = array[np.isfinite(array)] / size
    return float(np.mean(scaled * np.abs(scaled))) if scaled.size else 0.0


def _grid(array: np.ndarray) -> tuple[str, ...]:
    """The numbers row by row, their columns flush right."""
    cells = [[number(x) for x in row] for row in array]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return tuple(
        " ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )


def _statistics(array: np.ndarray) -> tuple[str, ...]:
    """Range, mean and spread of the finite numbers, and how many are not."""
    finite = array[np.isfinite(array)]
    lines = []
    if finite.size and (finite == finite[0]).all():
        lines.append(f"all {number(finite[0])}")
    elif finite.size:
        if not np.iscomplexobj(finite):
            lines.append(f"{number(finite.min())} … {number(finite.max())}")
        with np.errstate(over="ignore", invalid="ignore"):
            mean, std = finite.mean(), finite.std()
        lines += [f"mean {number(mean)}", f"std {number(std)}"]
    missing = [("nan", np.isnan(array)), ("inf", np.isinf(array))]
    lines += [f"{count} {name}" for name, where in missing if (count := int(where.sum()))]
    return tuple(lines)
