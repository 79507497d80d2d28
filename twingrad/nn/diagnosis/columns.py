"""What each column of the data holds, in one pass over it, block by block.

Data is the largest thing there is, and a copy of it in another precision may not fit.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_NUMBERS = 1 << 17
"""So many numbers at a time: a block of them stays in the cache of a core."""


class Columns(NamedTuple):
    """Of each column of (samples, columns): mean, standard deviation, least, largest number."""

    mean: Array
    spread: Array
    low: Array
    high: Array


def columns_of(rows: Array) -> Columns:
    """The columns of finite numbers of any precision, in float64.

    The sums are of differences from the first row, so that a large mean does not swallow a small
    spread: Chan, Golub & LeVeque 1983, "Algorithms for Computing the Sample Variance".
    """
    first = rows[0].astype(np.float64)
    total, squares = np.zeros_like(first), np.zeros_like(first)
    low, high = rows[0].copy(), rows[0].copy()
    for block in _blocks(rows):
        np.minimum(low, block.min(axis=0), out=low)
        np.maximum(high, block.max(axis=0), out=high)
        away = block - first
        total += away.sum(axis=0)
        squares += np.einsum("ij,ij->j", away, away)
    mean = total / len(rows)
    spread = np.sqrt(np.maximum(squares / len(rows) - mean**2, 0.0))
    spread[low == high] = 0.0
    return Columns(first + mean, spread, low.astype(np.float64), high.astype(np.float64))


def constant_columns(rows: Array) -> npt.NDArray[np.intp]:
    """The columns that hold one number in all rows; most data is known after the first block."""
    left = np.arange(rows.shape[1])
    for block in _blocks(rows):
        left = left[(block[:, left] == rows[0, left]).all(axis=0)]
        if not len(left):
            break
    return left


def _blocks(rows: Array) -> Iterator[Array]:
    step = max(1, _NUMBERS // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        yield rows[start : start + step]
