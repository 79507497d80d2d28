"""Finding the matrices: sums of products whose factors form a grid are one matrix product.

A layer of 16 neurons on 100 samples is 1,600 sums; each takes one of 100 rows of numbers and one
of 16 rows of weights, and every pair occurs once.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .columns import Ints

_ROUNDS = 16
"""Within a grid, parts are told apart in two."""


class Grid(NamedTuple):
    """Members arranged by the row of first factors and by the row of second factors they take."""

    members: Ints
    """Positions in the group, (rows, columns)."""
    first: Ints
    """The nodes of the left matrix, (rows, products)."""
    second: Ints
    """The nodes of the right matrix, (products, columns)."""


def grids(first: Ints, second: Ints) -> list[Grid]:
    """The grids among sums of products; what is in none has to be done otherwise.

    first, second: (members, products).
    """
    a, b = _by_row(first), _by_row(second)
    a = _told_apart(a, b)
    parts = _connected(a, b)
    found: list[Grid] = []
    if parts.max() >= max(8, len(a) // 8):  # so many parts are small
        return found
    for part in range(parts.max() + 1):
        members = np.flatnonzero(parts == part)
        rows, columns = _renumbered(a[members]), _renumbered(b[members])
        shape = int(rows.max()) + 1, int(columns.max()) + 1
        at = rows * shape[1] + columns
        if 1 < len(members) == shape[0] * shape[1] and len(np.unique(at)) == len(at):
            arranged = members[np.argsort(at)].reshape(shape)
            found.append(Grid(arranged, first[arranged[:, 0]], second[arranged[0]].T))
    return found


def _by_row(rows: Ints) -> Ints:
    """The same number for equal rows, counted in the order of first appearance."""
    mixed = rows.astype(np.uint64) @ _random_factors(rows.shape[1])
    number = _renumbered(mixed)
    _, first = np.unique(number, return_index=True)
    if not np.array_equal(rows[first][number], rows):  # two rows that mix to one number
        return _renumbered(np.unique(rows, axis=0, return_inverse=True)[1].ravel())
    return number


def _told_apart(a: Ints, b: Ints) -> Ints:
    """a, with other numbers for the second, third … time that it comes with the same b.

    Samples that are equal give equal rows.
    """
    pair = a * (b.max() + 1) + b
    order = np.argsort(pair, kind="stable")
    starts = np.searchsorted(pair[order], pair[order])
    time = np.empty(len(pair), np.intp)
    time[order] = np.arange(len(pair)) - starts
    return _renumbered(a * (time.max() + 1) + time) if time.any() else a


def _random_factors(count: int) -> npt.NDArray[np.uint64]:
    return np.random.default_rng(0).integers(1, 2**63, count, dtype=np.uint64) | np.uint64(1)


def _renumbered(numbers: npt.NDArray[np.generic]) -> Ints:
    """0, 1, 2 … for equal numbers, in the order of first appearance."""
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _connected(a: Ints, b: Ints) -> Ints:
    """For each pair (a, b) the part it is in: pairs that share an a or a b are in one part."""
    part = np.arange(a.max() + 1)
    for _ in range(_ROUNDS):
        of_b = np.full(b.max() + 1, len(part))
        np.minimum.at(of_b, b, part[a])
        smaller = part.copy()
        np.minimum.at(smaller, a, of_b[b])
        if np.array_equal(smaller, part):
            return _renumbered(part[a])
        part = smaller
    return np.arange(len(a))  # a long chain of pairs, which is no grid
