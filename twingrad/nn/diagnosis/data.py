"""Findings that lie in the data: most networks that do not learn were given what cannot be learned.

They look at X and y alone, but for labels that look shuffled, where the model is heard as well.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..normalization import BatchNorm1d, LayerNorm
from .case import Case
from .findings import Finding
from .words import listed, short

LARGE = 10.0
"""A feature of this size or more is not normalised."""
TINY = 1e-2
APART = 1e3
"""Sizes of features so many times apart are not, either."""
RARE = 10.0
"""A class so many times smaller than the largest is rare."""
CHANCE = 3.0
"""So many standard deviations from shuffled labels are still chance."""


def nan_in_data(case: Case) -> Iterator[Finding]:
    """NaN and infinities, where and how many."""
    for name, array in (("X", case.X), ("y", case.y)):
        lost = ~np.isfinite(array)
        if not lost.any():
            continue
        first = tuple(int(i) for i in np.argwhere(lost)[0])
        columns = ""
        if array.ndim == 2:
            touched = np.flatnonzero(lost.any(axis=0))
            columns = f", in {len(touched)} of {array.shape[1]} columns ({listed(touched)})"
        place = first[0] if len(first) == 1 else first
        samples = int(lost.reshape(len(array), -1).any(axis=1).sum())
        yield Finding(
            "nan_in_data",
            f"{name}[{str(place).strip('()')}]",
            f"{int(lost.sum()):,} of {array.size:,} numbers of {name} are NaN or infinite, in "
            f"{samples:,} of {len(array):,} samples{columns}; the first is "
            f"{name}[{str(place).strip('()')}] = {array[first]}",
            "missing values, a division by zero, or a logarithm of zero while the data was made",
            "leave those samples out, or fill each gap with the mean of its column",
            "error",
            "good = np.isfinite(X.reshape(len(X), -1)).all(axis=1) & np.isfinite(y)"
            "\nX, y = X[good], y[good]",
        )


def inputs_not_normalized(case: Case) -> Iterator[Finding]:
    """Features that are large, tiny, or of very different sizes."""
    if _normalizes(case.model):
        return
    rows = case.rows.astype(np.float64)
    spread = rows.std(axis=0)
    varies = spread > 1e-12 * (1.0 + np.abs(rows).max(axis=0))
    if not varies.any():
        return
    sizes = np.sqrt((rows[:, varies] ** 2).mean(axis=0))
    columns = np.flatnonzero(varies)
    largest, least, middle = float(sizes.max()), float(sizes.min()), float(np.median(sizes))
    apart = largest / least if least else np.inf
    if not (largest >= LARGE or largest < TINY or (apart >= APART and largest > 3.0)):
        return
    at = int(columns[sizes.argmax()])
    evidence = (
        f"feature {at} has mean {short(rows[:, at].mean())} and standard deviation "
        f"{short(spread[at])}; the root mean squares of the {len(sizes)} features that vary go "
        f"from {short(least)} to {short(largest)}, with the median {short(middle)}"
    )
    failing = case.nothing_learned or not np.isfinite(case.now.loss) or not case.course.is_finite
    image = case.X.ndim > 2 or (rows.min() >= 0.0 and 200.0 < rows.max() <= 255.0)
    pixels = image and 200.0 < rows.max() <= 255.0
    yield Finding(
        "inputs_not_normalized",
        "X",
        evidence,
        "pixels are still 0 to 255" if pixels else "features go in as they were measured",
        "scale the pixels to 0 to 1"
        if pixels
        else "give each feature mean 0 and spread 1, by the statistics of the training data, and "
        "do the same to all data that comes later",
        "error" if largest >= 3.0 * LARGE and failing else "warning",
        "X = X / 255.0" if pixels else "X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-8)",
    )


def _normalizes(model: Any) -> bool:
    """Whether the first layer with parameters normalises what comes in."""
    for module in model.modules() if hasattr(model, "modules") else ():
        if isinstance(module, BatchNorm1d | LayerNorm):
            return True
        if any(True for name in ("weight", "w", "neurons") if hasattr(module, name)):
            return False
    return False


def constant_feature(case: Case) -> Iterator[Finding]:
    """Columns without any variation; those of zeros only where features are few."""
    rows = case.rows
    if len(rows) < 2:
        return
    constant = np.flatnonzero((rows == rows[0]).all(axis=0))
    loud = constant[rows[0, constant] != 0.0]
    told = constant if rows.shape[1] <= 20 else loud
    if not len(told):
        return
    yield Finding(
        "constant_feature",
        f"X[:, {listed(told)}]",
        f"{len(told)} of {rows.shape[1]} features have one value in all {len(rows):,} samples, "
        f"such as {short(float(rows[0, told[0]]))} in column {told[0]}",
        "a column of ones is left over, or a column that was not filled",
        "leave constant columns out; the bias does what they could do",
        "warning" if len(loud) else "note",
        "X = X[:, X.std(axis=0) > 0]",
    )


def duplicate_features(case: Case) -> Iterator[Finding]:
    """Columns that are copies of another, up to scale and shift."""
    rows = case.rows[:2000].astype(np.float64)
    if len(rows) < 10 or rows.shape[1] < 2:
        return
    centred = rows - rows.mean(axis=0)
    lengths = np.sqrt((centred**2).sum(axis=0))
    most = np.abs(rows).max(axis=0)
    # A column with a handful of numbers beside its constant may match another by luck.
    own = np.array([_others(column) for column in rows.T])
    usable = np.flatnonzero((lengths > 1e-9 * (1.0 + most)) & (own >= max(5, len(rows) // 50)))
    unit = centred[:, usable] / lengths[usable]
    alike = np.triu(unit.T @ unit > 1.0 - 1e-9, 1)
    pairs = np.argwhere(alike)
    if not len(pairs):
        return
    first, second = usable[pairs[0]]
    copies = np.unique(usable[pairs[:, 1]])
    yield Finding(
        "duplicate_features",
        f"X[:, {listed(copies)}]",
        f"{len(copies)} of {rows.shape[1]} features repeat another one, up to scale: column "
        f"{second} has correlation 1 with column {first}",
        "a column was joined twice, or is there in two units",
        "keep one of each",
        "warning",
        f"X = np.delete(X, {[int(c) for c in copies[:10]]}, axis=1)",
    )


def _others(column: npt.NDArray[Any]) -> int:
    """How many numbers of a column are not its most frequent one."""
    return len(column) - int(np.unique(column, return_counts=True)[1].max())


def class_imbalance(case: Case) -> Iterator[Finding]:
    """Classes of very different sizes, with what always saying the largest would reach."""
    if case.classes is None or len(case.classes) < 50:
        return
    counts = np.bincount(case.classes)
    most, least = int(counts.max()), int(counts.min())
    share = most / len(case.classes)
    if not (share >= 0.85 or (len(counts) <= 10 and most >= RARE * least)):
        return
    largest, rarest = int(counts.argmax()), int(counts.argmin())
    kinds = np.unique(case.y) if case.y.ndim == 1 else np.arange(len(counts))
    evidence = (
        f"class {short(float(kinds[rarest]))} has {least:,} samples and class "
        f"{short(float(kinds[largest]))} {most:,} of {len(case.classes):,}: always saying the "
        f"latter is right {share:.1%} of the time"
    )
    if case.score is not None and not case.fresh:
        evidence += f"; the model's accuracy is {case.score * (1.0 - share) + share:.1%}"
    yield Finding(
        "class_imbalance",
        "y",
        evidence,
        "the classes are as rare as where they were collected",
        "draw the rare classes more often, and judge by the accuracy of each class, not by that of "
        "all",
        "warning",
        "chosen = np.concatenate([rng.choice(np.flatnonzero(y == c), len(y)) for c in "
        "np.unique(y)])\nX, y = X[chosen], y[chosen]",
    )


def shuffled_labels(case: Case) -> Iterator[Finding]:
    """Targets that neighbours and a line find unrelated to the inputs, and a model too."""
    relation = case.reach.relation
    validation = [] if case.course.history is None else case.course.history.val_loss
    useless = len(validation) > 4 and not np.nanmin(validation) < 0.97 * case.trivial
    if relation is None or relation >= CHANCE * (1.5 if useless else 1.0):
        return
    if case.classes is not None and np.sort(np.bincount(case.classes))[-2:].min() < 10:
        return
    if validation and np.nanmin(validation) < 0.9 * case.trivial:
        return
    evidence = (
        f"whether neighbouring samples have like targets, or a linear fit says anything of others, "
        f"is {relation:.1f} standard deviations from what shuffled targets give, over "
        f"{min(len(case.X), 800)} samples"
    )
    if validation:
        evidence += (
            f"; the validation loss never came below {short(float(np.nanmin(validation)))}, where "
            f"a constant answer has {short(case.trivial)}"
        )
    elif not case.fresh:
        evidence += (
            f"; the model's loss is {short(case.now.loss)}, a constant's {short(case.trivial)}"
        )
    yield Finding(
        "shuffled_labels",
        "y",
        evidence,
        "X and y were shuffled or sorted apart, or the targets are pure chance",
        "shuffle both by one order, and look at a few samples with their labels",
        "error",
        "order = rng.permutation(len(X))\nX, y = X[order], y[order]",
    )
