"""Findings that lie in the targets: that they never differ, are rare, or have nothing to do with X.

The first two look at y alone; whether targets belong to the inputs needs both, and the model.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from .case import Case
from .columns import constant_columns
from .findings import Finding
from .words import short

RARE = 10.0
"""A class so many times smaller than the largest is rare."""
CHANCE = 3.0
"""So many standard deviations from shuffled labels are still chance."""

_ONE_ORDER = """\
order = np.random.default_rng(0).permutation(len(X))
X, y = np.asarray(X)[order], np.asarray(y)[order]"""


def constant_target(case: Case) -> Iterator[Finding]:
    """One class only, or one number: nothing to learn."""
    if not _is_constant(case):
        return
    y = case.y
    count = len(y)
    if case.classes is not None:
        told = f"all {count:,} samples are of one class, {_names(case)[0]:g}"
    elif y.size == count:
        told = f"all {count:,} targets are {short(float(y.flat[0]))}"
    else:
        told = (
            f"each of the {y[0].size:,} columns of y has one value in all {count:,} samples, such "
            f"as {short(float(y.flat[0]))} in column 0"
        )
    yield Finding(
        "constant_target",
        "y",
        told,
        "a part was cut off data that is sorted by y, a filter left one class, or y is the wrong "
        "column",
        "load X and y anew and shuffle both by one order before a part is cut off; see that y is "
        "what is to be learned",
        "error",
        f"# after X and y are loaded, before a part is taken:\n{_ONE_ORDER}",
    )


def _is_constant(case: Case) -> bool:
    y = case.y
    return len(y) > 1 and bool((y == y[0]).all())


def _names(case: Case) -> npt.NDArray[Any]:
    """The classes as y has them, in the order of `case.classes`."""
    if case.y.ndim == 2 and case.y.shape[1] > 1:
        return np.flatnonzero(case.y.any(axis=0))
    return np.unique(case.y)


def class_imbalance(case: Case) -> Iterator[Finding]:
    """Classes of very different sizes, with what always saying the largest would reach."""
    if case.classes is None or len(case.classes) < 30:
        return
    counts = np.bincount(case.classes)
    most, least = int(counts.max()), int(counts.min())
    share = most / len(case.classes)
    if len(counts) < 2 or not (share >= 0.85 or (len(counts) <= 20 and most >= RARE * least)):
        return
    names = _names(case)
    yield Finding(
        "class_imbalance",
        "y",
        f"class {names[counts.argmin()]:g} has {least:,} and class {names[counts.argmax()]:g} "
        f"{most:,} of {len(case.classes):,} samples: always saying the latter is right "
        f"{share:.1%} of the time{_accuracy(case)}",
        "the classes are as rare as where they were collected",
        "draw each class equally often, and judge by the accuracy of each class, not by that of "
        "all",
        "warning",
        _balanced(case),
    )


def _accuracy(case: Case) -> str:
    """How often a trained model is right, over the samples that it was asked about."""
    y = case.sample[1]
    if case.fresh or case.score is None:
        return ""
    labels = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    most = float(np.unique(labels, return_counts=True)[1].max()) / len(labels)
    over = "" if len(y) == len(case.y) else f" over {len(y):,} of them"
    return f"; the model's accuracy{over} is {case.score * (1.0 - most) + most:.1%}"


def _balanced(case: Case) -> str:
    """Lines that draw as many samples as there are, of each class as many as of any other."""
    many = case.y.ndim == 2 and case.y.shape[1] > 1
    labels = "labels = y.argmax(axis=1)\n" if many else "labels = y.ravel()\n"
    named = "y" if case.y.ndim == 1 else "labels"
    return (
        "rng = np.random.default_rng(0)\n"
        "X, y = np.asarray(X), np.asarray(y)\n"
        f"{labels * (case.y.ndim > 1)}"
        f"groups = [np.flatnonzero({named} == c) for c in np.unique({named})]\n"
        "size = len(y) // len(groups)  # of each class\n"
        "drawn = [np.resize(rng.permutation(group), size) for group in groups]\n"
        "chosen = rng.permutation(np.concatenate(drawn))\n"
        "X, y = X[chosen], y[chosen]"
    )


def can_look_for_shuffling(case: Case) -> bool:
    """Whether there are enough samples, which differ, to tell targets from shuffled ones."""
    if _is_constant(case) or len(constant_columns(case.rows)) == case.rows.shape[1]:
        return False
    if case.classes is not None and np.sort(np.bincount(case.classes))[-2:].min() < 10:
        return False
    return case.reach.relation is not None


def shuffled_labels(case: Case) -> Iterator[Finding]:
    """Targets that neighbours and a line find unrelated to the inputs, and a model too.

    A rule may be too intricate for both, as parity is; so it is an error only where a model has
    tried, and validation shows that it learned nothing that holds for other samples.
    """
    relation = case.reach.relation if can_look_for_shuffling(case) else None
    if relation is None:
        return
    history = case.course.history
    held = [] if history is None else [x for x in history.val_loss if np.isfinite(x)]
    known = bool(held) and bool(np.isfinite(case.trivial))
    best = min(held) if known else np.inf
    useless = len(held) > 4 and known and not best < 0.97 * case.trivial
    if relation >= CHANCE * (1.5 if useless else 1.0) or best < 0.9 * case.trivial:
        return
    told = (
        f"over {min(len(case.X), 800)} samples, neighbours are no more alike in their targets, and "
        "a linear fit to one half tells no more of the other, than with the targets shuffled: "
        f"{relation:.1f} standard deviations from that"
    )
    if known:
        told += (
            f"; the lowest validation loss is {short(best)}, that of a constant answer "
            f"{short(case.trivial)}"
        )
    elif not case.fresh and np.isfinite(case.trivial):
        told += f"; the model's loss is {short(case.now.loss)}, a constant's {short(case.trivial)}"
    apart = "X and y were shuffled or sorted apart, or the targets are pure chance"
    yield Finding(
        "shuffled_labels",
        "y",
        told,
        apart if useless else f"{apart}; or the rule is too intricate for neighbours and a line",
        "what was shuffled apart cannot be paired again: load X and y anew, shuffle both by one "
        "order, and look at a few samples with their labels"
        + ("" if useless else "; validation= in fit tells whether a model learns the rule"),
        "error" if useless else "warning",
        f"# after X and y are loaded anew:\n{_ONE_ORDER}",
    )
