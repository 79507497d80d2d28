"""Findings on what came of it: learned by heart, too simple, or standing still."""

from collections.abc import Iterator

import numpy as np

from .case import Case
from .findings import Finding
from .rates import creeps, pull
from .stability import ran_away, swings
from .steps import lowers_another_loss, steps_are_wrong
from .words import share, short

RISE = 1.25
"""A validation loss so many times its least has risen."""
BEHIND = 0.15
"""A score so far below that of neighbours could be better."""
FROZEN = 1e-6
"""Steps that change a layer by no more of itself lead nowhere, so nothing has been tried."""
STILL_FALLING = 0.1
"""A loss that a few steps without noise lower by so much has not converged; epochs tell as well."""
STRONG = 1e-3
"""A weight decay that takes so much of a weight in a step may hold a model back."""


def overfitting(case: Case) -> Iterator[Finding]:
    """A validation loss that rises while the training loss falls, and from when on."""
    history = case.course.history
    if history is None or len(history.val_loss) < 5:
        return
    training, held = np.array(history.loss), np.array(history.val_loss)
    if not (np.isfinite(training).all() and np.isfinite(held).all()):
        return
    best = int(held.argmin())
    end = float(np.median(held[-max(1, len(held) // 10) :]))
    fell = training[-1] < 0.9 * training[best]
    rose = end > RISE * held[best] and fell and len(held) - best > 3
    apart = (
        end > 5.0 * training[-1]
        and end > 0.5 * case.trivial
        and training[-1] < 0.1 * (case.trivial)
    )
    worth = end - training[-1] > 0.1 * case.trivial
    if not ((rose or apart) and worth):
        return
    evidence = (
        f"the validation loss was least in epoch {best + 1}, {short(held[best])}, and is "
        f"{short(end)} now, while the training loss went from {short(training[best])} to "
        f"{short(training[-1])}"
    )
    monitor = case.monitor
    if monitor is not None and len(monitor) > len(held):
        norms = np.sqrt((monitor.weight_norms**2).sum(axis=1))
        at = min(len(norms) - 1, round((best + 1) / len(held) * len(norms)))
        evidence += f"; since then the norm of the weights went from {short(norms[at])} to "
        evidence += short(norms[-1])
    yield Finding(
        "overfitting",
        f"from epoch {best + 1} on",
        evidence,
        f"{sum(np.size(p._data) for p in case.parameters):,} parameters and {len(case.X):,} "
        "samples leave room to learn them by heart",
        "stop at the best epoch; beyond that more data, weight decay, dropout or a smaller model",
        "warning",
        "nn.fit(…, callbacks=[nn.EarlyStopping(patience=10)])",
    )


def standing_still(case: Case) -> Iterator[Finding]:
    """Plateaus and underfitting: a loss that no longer falls, far above what neighbours reach."""
    course = case.course
    if (
        case.fresh
        or len(course) < (5 if course.by_epoch else 50)
        or ran_away(case)
        or swings(case) > 0.3
        or steps_are_wrong(case)
        or lowers_another_loss(case)
    ):
        return
    moved = course.ratios()
    if len(moved) and float(moved.max()) < FROZEN and not course.has_decayed:
        return
    if case.score is None or creeps(case):
        return
    best = case.reach.score
    if best is None:
        if len(case.X) >= 20 or case.score > 0.8 or _ambiguous(case):
            return
        best = 1.0
    limit = 0.5 * BEHIND if course.has_decayed else BEHIND
    if best - case.score < limit or (case.reach.relation or 9.0) < 3.0:
        return
    middle, end = course.level(0.55, 0.7), course.level(0.85, 1.0)
    trial = case.trial
    lengths = (1.0, 10.0, 100.0, 1000.0)
    gain = max(map(trial.gain, lengths)) if trial is not None else min(case.descent, 1.0)
    gap = (best - case.score) * case.trivial
    if not course.stands_still(not course.by_epoch and case.takes_all, gap):
        return
    rates, decayed = course.rates[np.isfinite(course.rates)], course.has_decayed
    numbers = (
        f"the loss was {short(middle)} after 60% of the {course.unit}s and is {short(end)} now, "
        f"{share(end / case.trivial)} of that of a constant answer; "
    )
    numbers += _compared(case, best)
    if decayed or gain > 0.1:
        cause = (
            f"the learning rate has decayed from {short(rates.max())} to {short(rates[-1])}"
            if decayed
            else f"a flat part of the loss: a longer step would still lower it by {share(gain)}"
        )
        yield Finding(
            "plateau",
            "training",
            numbers,
            cause,
            "let the rate decay later and less" if decayed else "longer steps, or momentum",
            "warning",
            "nn.fit(…, schedule=nn.CosineAnnealing(total))"
            if decayed
            else "nn.Adam(model.parameters(), lr=1e-2)",
        )
        return
    if case.smoothed > STILL_FALLING * (2.5 if course.by_epoch else 1.0):
        return
    count = sum(np.size(p._data) for p in case.parameters)
    hidden = any(row.activation for row in case.now.rows[:-1])
    decay = pull(case) > STRONG
    yield Finding(
        "underfitting",
        "the model",
        numbers,
        f"weight decay, which takes {pull(case):.2g} of each weight away in a step"
        if decay
        else f"a model of {count:,} parameters"
        + (", held back by its size or by regularisation" if hidden else " without a hidden layer"),
        "less weight decay"
        if decay
        else "more and wider hidden layers; less weight decay and dropout",
        "warning",
        f"{type(case.optimizer).__name__}(model.parameters(), weight_decay=1e-4)"
        if decay
        else "nn.MLP(2, [16, 16, 1])"
        if case.is_scalar
        else "nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 1))",
    )


def _ambiguous(case: Case) -> bool:
    """Whether equal inputs have different targets, so that no model can have all right."""
    return len(np.unique(case.rows, axis=0)) < len(case.X)


def _compared(case: Case, best: float) -> str:
    if case.score is None:
        return ""
    if case.reach.score is None:
        return f"it has {share(max(case.score, 0.0))} of the way from a constant to all right"
    return (
        f"from a constant (0) to perfect (1) its answers have a score of {case.score:.2f}, and "
        f"neighbours or kernels say {best:.2f} of each sample by the others"
    )
