"""Findings that lie in the data: most networks that do not learn were given what cannot be learned.

Here are those of X, which look at X alone; `targets` has those of y.
"""

import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..normalization import BatchNorm1d, LayerNorm
from .case import Case
from .columns import columns_of, constant_columns
from .findings import Finding
from .words import columns, counted, listed, short

LARGE = 10.0
"""A feature of this size or more is not normalised."""
TINY = 1e-2
SPARSE = 0.2
"""Data with a larger share of zeros is made of counts, pixels or categories."""
SAME = 0.9999
"""Columns whose correlation is beyond this, or below minus this, are one column twice."""
APART = 1e3
"""Sizes of features so many times apart are not, either."""


def nan_in_data(case: Case) -> Iterator[Finding]:
    """NaN and infinities, where and how many."""
    for name, array in (("X", case.X), ("y", case.y)):
        lost = ~np.isfinite(array)
        if not lost.any():
            continue
        first = tuple(int(i) for i in np.unravel_index(int(lost.argmax()), lost.shape))
        where = f"{name}[{', '.join(map(str, first))}]"
        samples = int(lost.reshape(len(array), -1).any(axis=1).sum())
        among = ""
        if array.ndim == 2:
            touched = np.flatnonzero(lost.any(axis=0))
            among = f", in {len(touched):,} of {array.shape[1]:,} columns ({listed(touched)})"
        remedy, code = _without_gaps(name, samples, len(array))
        yield Finding(
            "nan_in_data",
            where,
            f"{name} holds {int(lost.sum()):,} NaN or infinite among {array.size:,} numbers, in "
            f"{samples:,} of {len(array):,} samples{among}; the first is {where} = {array[first]}",
            "missing values, a division by zero, or a logarithm of zero while the data was made",
            remedy,
            "error",
            code,
        )


def _without_gaps(name: str, samples: int, count: int) -> tuple[str, str]:
    """What to do where so many samples have a gap, and the lines that do it."""
    if name == "X" and samples > count // 2:
        return "fill each gap with the mean of its column; most samples have one", _FILLED
    if samples == count:
        return "no sample has a target to learn: print y after each line that makes it", ""
    return (
        "leave those samples out, or fill each gap with the mean of its column"
        if name == "X"
        else "leave those samples out: a target that is filled in teaches what was made up",
        _LEFT_OUT.format(name),
    )


_FILLED = """\
X = np.asarray(X)
means = np.ma.masked_invalid(X).mean(axis=0).filled(0.0)
X = np.where(np.isfinite(X), X, means)"""
_LEFT_OUT = """\
X, y = np.asarray(X), np.asarray(y)
good = np.isfinite({}).reshape(len(X), -1).all(axis=1)
X, y = X[good], y[good]"""


def inputs_not_normalized(case: Case) -> Iterator[Finding]:
    """Features that are large, tiny, or of very different sizes."""
    if _normalizes(case.model):
        return
    found = columns_of(case.rows)
    low, high = float(found.low.min()), float(found.high.max())
    varies = found.spread > 1e-12 * (1.0 + np.maximum(np.abs(found.low), np.abs(found.high)))
    if not varies.any():
        return
    sizes = np.hypot(found.mean, found.spread)[varies]
    largest, least, middle = float(sizes.max()), float(sizes.min()), float(np.median(sizes))
    apart = largest / least if least else np.inf
    if not (largest >= LARGE or largest < TINY or (apart >= APART and largest > 3.0)):
        return
    at = int(np.flatnonzero(varies)[sizes.argmax()])
    failing = case.nothing_learned or not np.isfinite(case.now.loss) or not case.course.is_finite
    pixels = 200.0 < high <= 255.0 and (case.X.ndim > 2 or low >= 0.0)
    yield Finding(
        "inputs_not_normalized",
        "X",
        f"feature {at} has mean {short(found.mean[at])} and standard deviation "
        f"{short(found.spread[at])}; the root mean squares of the {len(sizes):,} features that "
        f"vary go from {short(least)} to {short(largest)}, with the median {short(middle)}",
        "pixels are still 0 to 255" if pixels else "features go in as they were measured",
        "scale the pixels to 0 to 1"
        if pixels
        else "give each feature mean 0 and standard deviation 1, by the statistics of the training "
        "data, and do the same to all data that comes later",
        "error" if largest >= 3.0 * LARGE and failing else "warning",
        "X = np.asarray(X) / 255.0" if pixels else _scaled(float(found.spread[varies].min())),
    )


def _scaled(least: float) -> str:
    """The line that scales; what keeps it from dividing by zero is well below the least spread."""
    guard = np.format_float_scientific(min(1e-8, 1e-3 * least), 0, trim="-", exp_digits=1)
    return f"X = np.asarray(X)\nX = (X - X.mean(axis=0)) / (X.std(axis=0) + {guard})"


def _normalizes(model: Any) -> bool:
    """Whether the first layer with parameters normalises what comes in."""
    for module in model.modules() if hasattr(model, "modules") else ():
        if isinstance(module, BatchNorm1d | LayerNorm):
            return True
        if any(True for name in ("weight", "w", "neurons") if hasattr(module, name)):
            return False
    return False


def constant_feature(case: Case) -> Iterator[Finding]:
    """Columns without any variation; those of zeros only where zeros are not usual.

    A pixel of an image cannot be left out, so of images it is said only where none varies.
    """
    rows = case.rows
    if len(rows) < 2 or not rows.shape[1]:
        return
    constant = constant_columns(rows)
    count = rows.shape[1]
    if len(constant) == count:
        yield Finding(
            "constant_feature",
            "X",
            f"none of {counted(count, 'feature')} varies: all {len(rows):,} samples are equal, "
            f"with {short(rows[0, 0])} in column 0",
            "X was not filled, or multiplied by 0, or one sample was repeated",
            "print a few rows of X after each line that makes it, and see where they become equal",
            "error",
        )
        return
    loud = constant[rows[0, constant] != 0.0]
    # In counts and pixels zeros are usual, and a column of them may be one for rarer samples.
    sparse = count > 20 and float((rows[:500] == 0.0).mean()) > SPARSE
    told = loud if sparse else constant
    if not len(told) or case.X.ndim > 2:
        return
    yield Finding(
        "constant_feature",
        columns(told),
        f"{len(told):,} of {counted(count, 'feature')} "
        f"{'has' if len(told) == 1 else 'have'} one value in all {len(rows):,} samples, such as "
        f"{short(rows[0, told[0]])} in column {told[0]}",
        "a column of ones is left over, or a column that was not filled",
        "leave constant columns out; the bias does what they could do",
        "warning" if len(loud) else "note",
        "X = np.asarray(X)\nX = X[:, (X != X[0]).any(axis=0)]",
    )


_MOST_COLUMNS = 2000
"""Pairs are looked for among no more columns than that: each is compared with each."""


def duplicate_features(case: Case) -> Iterator[Finding]:
    """Columns that are copies of another, up to scale and shift; not those of images."""
    count = case.rows.shape[1]
    if len(case.X) < 10 or count < 2 or case.X.ndim > 2:
        return
    rng = np.random.default_rng(0)
    samples = np.sort(rng.permutation(len(case.X))[:2000])
    looked_at = np.sort(rng.permutation(count)[:_MOST_COLUMNS])
    rows = case.rows[np.ix_(samples, looked_at)].astype(np.float64)
    centred = rows - rows.mean(axis=0)
    lengths = np.sqrt((centred**2).sum(axis=0))
    most = np.abs(rows).max(axis=0)
    # A column with a handful of numbers beside its constant may match another by luck.
    own = np.array([_others(column) for column in rows.T])
    usable = np.flatnonzero((lengths > 1e-9 * (1.0 + most)) & (own >= max(5, len(rows) // 50)))
    unit = centred[:, usable] / lengths[usable]
    products = unit.T @ unit
    alike = np.triu(np.abs(products) > SAME, 1)
    pairs = looked_at[usable[np.argwhere(alike)]]
    if not len(pairs):
        return
    first, second = pairs[0]
    correlation = products[tuple(np.argwhere(alike)[0])]
    copies = np.unique(pairs[:, 1])
    yield Finding(
        "duplicate_features",
        columns(copies),
        f"{len(copies):,} of {counted(len(looked_at), 'feature')} "
        f"{'repeats' if len(copies) == 1 else 'repeat'} another one, up to scale and shift: "
        f"column {second} has correlation {correlation:.6g} with column {first}",
        "a column was joined twice, is there in two units, or is another one rounded or turned "
        "round",
        "keep one of each",
        "warning",
        _without(copies, len(looked_at) == count),
    )


def _without(copies: npt.NDArray[np.intp], all_known: bool) -> str:
    """The line that takes columns out, by their numbers as long as these can be read."""
    if all_known and len(copies) <= 40:
        names = textwrap.fill(", ".join(map(str, copies.tolist())), 70)
        return f"X = np.delete(X, [{names}], axis=1)"
    return (
        "X = np.asarray(X)\n"
        f"copies = np.triu(abs(np.corrcoef(X, rowvar=False)) > {SAME}, 1).any(axis=0)\n"
        "X = X[:, ~copies]"
    )


def _others(column: npt.NDArray[Any]) -> int:
    """How many numbers of a column are not its most frequent one."""
    return len(column) - int(np.unique(column, return_counts=True)[1].max())
