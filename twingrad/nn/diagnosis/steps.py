"""Findings on how a step is made: of sums never reset, of the wrong sign, by another loss.

They rest on what a Monitor saw; some can be told from a model and its loss alone.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from .case import Case, once
from .findings import Finding
from .words import short

ENOUGH = 8
"""The mean loss of so many steps is near that of all samples, if they are what is stepped for."""


def steps_are_wrong(case: Case) -> bool:
    """Whether steps are wrong by more than their length, which other findings tell."""
    monitor = case.monitor
    if monitor is None:
        return False
    return monitor.accumulating or float(np.nanmedian([*monitor.descents, 1.0])) < 0.0


def gradients_accumulating(case: Case) -> Iterator[Finding]:
    """Gradients that are the sum of all so far."""
    monitor = case.monitor
    if monitor is None or len(monitor) < 3 or not monitor.accumulating:
        return
    totals = np.sqrt(np.nansum(monitor.gradient_norms**2, axis=1))
    first = ", ".join(short(x) for x in totals[:4])
    name = "model" if monitor.by_hand else "optimizer"
    yield Finding(
        "gradients_accumulating",
        "the training loop",
        f"in {sum(monitor.motion.piled):,} of {len(monitor):,} steps backward() had added to "
        "gradients that an earlier step had taken already; their norm in the first steps is "
        f"{first}",
        f"{name}.zero_grad() is missing before backward()",
        "reset the gradients in each step, before backward()",
        "error",
        f"{name}.zero_grad()\nloss.backward()",
    )


@once
def lowers_another_loss(case: Case) -> bool:
    """Whether a loop lowers the loss that it observes, while the one asked about does not fall."""
    monitor, first = case.monitor, case.first
    if monitor is None or case.course.by_epoch or len(monitor) < 5 or first is None:
        return False
    losses = monitor.losses
    if case.fresh or not np.isfinite([*losses, first.loss, case.now.loss]).all():
        return False
    part = max(1, min(len(losses) // 4, 50))
    begin, end = float(losses[:part].mean()), float(losses[-part:].mean())
    begin = min(begin, float(losses[:3].max()))  # a loss that was thrown up first has not begun so
    if not 0.0 <= end < begin or not case.now.loss > end:
        return False
    late = losses[-len(losses) // 3 :]
    if len(late) >= ENOUGH and late.mean() < 0.2 * case.now.loss > 0.1 * case.trivial:
        return True
    if not case.now.loss > 1.02 * first.loss:
        return False
    if end < 0.7 * begin and case.now.loss > 1.2 * max(first.loss, case.trivial):
        return True
    return end < 0.95 * begin and _climbs(case)


@once
def _climbs(case: Case) -> bool:
    """Whether the first steps, each for itself, go up the slope of the loss over the sample."""
    monitor, ways = case.monitor, []
    if monitor is None or not monitor.from_the_start:
        return False
    for here, there in pairwise(monitor.first_path):
        weights = case.weights_of(here, monitor)
        if weights is None:
            return False
        change = there.astype(np.float64) - here
        slope = case.again(weights).vector
        lengths = float(np.linalg.norm(change) * np.linalg.norm(slope))
        ways.append(float(change @ slope) / lengths if lengths else np.nan)
    up = np.array(ways)
    return len(up) > 2 and bool(
        np.isfinite(up).all() and up.mean() > 0.05 and (up > 0.0).mean() > 0.75
    )


def another_loss(case: Case) -> Iterator[Finding]:
    """A loop that minimises something else than the loss over these samples."""
    if not lowers_another_loss(case) or case.monitor is None or case.first is None:
        return
    losses = case.monitor.losses
    yield Finding(
        "another_loss",
        "the training loop",
        f"the loss that was observed went from {short(losses[0])} to {short(losses[-1])}, while "
        f"the loss over all of X and y went from {short(case.first.loss)} to "
        f"{short(case.now.loss)}; a constant answer has {short(case.trivial)}",
        "the loop computes its loss from other samples, such as one only, from other targets, or "
        "by another formula",
        "compute the loss in the loop from what is asked about here: outputs for all samples, or "
        "for each batch in turn, and their own targets",
        "error",
        "loss = loss_function(model(X[rows]), y[rows])",
    )


def ascent(case: Case) -> Iterator[Finding]:
    """Steps along the gradient instead of against it, or down a loss of the wrong sign."""
    monitor, trial = case.monitor, case.first_trial
    if monitor is not None and len(monitor) >= 2:
        descents = monitor.descents[np.isfinite(monitor.descents)]
        if len(descents) >= 2 and np.median(descents) < -0.1 and np.mean(descents < 0.0) > 0.8:
            yield _ascent(
                f"in {np.mean(descents < 0.0):.0%} of {len(descents)} steps the weights moved "
                f"along the gradient (median cosine with the way down {np.median(descents):.2f}); "
                f"the loss went from {short(monitor.losses[0])} to {short(monitor.losses[-1])}",
                "a gradient that is added where it must be subtracted",
                "p.data -= lr * p.grad" if monitor.by_hand else "x -= lr * grad",
            )
            return
        seen = case.first or case.now
        if monitor.losses[0] < 0.0 < seen.loss and not case.now.loss < seen.loss:
            yield _ascent(
                f"the loop stepped down from {short(monitor.losses[0])} to "
                f"{short(monitor.losses[-1])}, while the loss itself went up from "
                f"{short(seen.loss)} to {short(case.now.loss)}",
                "a loss with its sign turned, so that less of it is worse",
                "loss.backward()  # and not (-loss).backward()",
            )
            return
        if not case.now.loss <= seen.loss and not lowers_another_loss(case) and _climbs(case):
            yield _ascent(
                f"the first steps go up the slope of the loss over {len(case.sample[0])} samples, "
                f"each for itself, and the loss went from {short(seen.loss)} to "
                f"{short(case.now.loss)}",
                "a gradient, or the loss that backward() is called on, with its sign turned",
                "loss.backward()  # and not (-loss).backward(), nor p.grad = -p.grad",
            )
            return
    yield from _bottomless(case)
    if trial is None:
        return
    up = [trial.gain(n) for n in (1e-3, 1e-2, 0.1, 1.0)]
    if all(gain < 0.0 for gain in up[1:]) and trial.gain(-1.0) > 1e-4 and up[0] <= 0.0:
        yield _ascent(
            f"a step of the optimizer takes the loss from {short(trial.start)} to "
            f"{short(trial.after(1.0))}, a tenth of it to {short(trial.after(0.1))}; the same "
            f"step backwards to {short(trial.after(-1.0))}",
            f"the update of {type(case.optimizer).__name__} adds the gradient",
            "x -= self.lr * grad",
        )


def _bottomless(case: Case) -> Iterator[Finding]:
    """A loss that falls below zero while answers get no better, as one of the wrong sign does."""
    course, first = case.course, case.first
    if case.fresh or case.score is None or not len(course) or not course.is_finite:
        return
    start = course.start if first is None else first.loss
    if case.now.loss < 0.0 and case.now.loss < start and case.score < 0.1:
        yield _ascent(
            f"the loss went from {short(start)} to {short(case.now.loss)}, below zero, while the "
            f"answers have a score of {case.score:.2f} from that of a constant (0) to perfect (1)",
            "a loss of the wrong sign, which is least where answers are worst: a likelihood is to "
            "be raised, and a loss is minus its logarithm",
            "loss = -(log_probability).mean()",
        )


def _ascent(evidence: str, cause: str, code: str) -> Finding:
    return Finding(
        "ascent", "the training loop", evidence, cause, "step against the gradient", "error", code
    )
