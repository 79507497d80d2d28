"""Findings on the length of steps: too long, or too short.

The optimizer's next step is tried at several lengths, as a teacher would.
"""

from collections.abc import Iterator

import numpy as np

from .case import Case
from .findings import Finding
from .flow import dead_share
from .stability import named_rate, ran_away, rate_to_try, set_rate, swings
from .steps import lowers_another_loss, steps_are_wrong
from .words import share, short

PULL = 0.03
"""A weight decay that takes more than this share of a weight in a step is what moves it."""
KILLED = 0.3
"""So many more of the relu units off than at first were turned off by steps."""


def learning_rate_too_high(case: Case) -> Iterator[Finding]:
    """A run that fails, whose steps raise the loss where shorter ones would lower it."""
    if case.fresh or steps_are_wrong(case) or lowers_another_loss(case):
        return
    failing = ran_away(case) or swings(case) > 0.2 or case.nothing_learned
    if not failing and not behind(case) > 0.15:
        return
    told, long = _raised(case, -0.02 if failing else -0.2), _long(case)
    told += [long] * bool(long)
    if failing or long:
        told += _thrown(case)
    if not told or (not failing and len(told) < (1 if not long else 2)):
        return
    curvature = case.first_trial.curvature if case.first_trial is not None else np.nan
    if type(case.optimizer).__name__ == "SGD" and np.isfinite(curvature) and curvature > 0.0:
        told.append(
            f"the curvature along the first gradient is {short(curvature)}, and steps are stable "
            f"up to a rate of 2/{short(curvature)} = {short(2.0 / curvature)}"
        )
    yield Finding(
        "learning_rate_too_high",
        "optimizer" if not case.by_hand else "the training loop",
        "; ".join(told),
        named_rate(case),
        "lower it by ten, and begin anew; nn.lr_range_test finds the highest that works",
        "error" if failing else "warning",
        set_rate(case, rate_to_try(case)),
    )


def _raised(case: Case, limit: float) -> list[str]:
    """Trials in which the whole step raises the loss, and a part of it lowers it."""
    told = []
    for when, trial in (("at the first step", case.first_trial), ("now", case.trial)):
        if trial is None or not trial.gain(1.0) < limit:
            continue
        shorter = next((n for n in (0.1, 0.01, 0.001) if trial.gain(n) > 1e-4), None)
        if shorter is not None:
            told.append(
                f"{when} a step of this length takes the loss from {short(trial.start)} to "
                f"{short(trial.after(1.0))}, and one of {shorter:g} of it to "
                f"{short(trial.after(shorter))}"
            )
    return told


def _long(case: Case) -> str:
    """That first steps changed a layer by much of itself, if gradients did that."""
    moved = case.course.ratios(0.0, 0.2)
    if not len(moved) or not float(moved.max()) > 0.3 or pull(case) > PULL:
        return ""
    return (
        f"in the first steps a layer changed by {share(float(moved.max()), 'itself')} a step, "
        "where about 0.1% to 1% is usual"
    )


def pull(case: Case) -> float:
    """The share of a weight that weight decay takes in a step."""
    decay = getattr(case.optimizer, "weight_decay", 0.0)
    return float(decay * case.course.rate_of(True, case.optimizer)) if decay else 0.0


def _thrown(case: Case) -> list[str]:
    """What too long first steps leave behind: a huge loss early on, units off for good."""
    told, course = [], case.course
    usual = max(case.trivial, case.first.loss if case.first is not None else 0.0)
    if course.by_epoch and np.isfinite(usual) and course.curve[0] > 3.0 * usual:
        told.append(
            f"the mean loss of the first epoch was {short(course.curve[0])}, where a constant "
            f"answer has {short(case.trivial)}"
        )
    if case.first is not None and dead_share(case.now) > KILLED + dead_share(case.first):
        told.append(
            f"{share(dead_share(case.now))} of all relu units are off at every sample now, "
            f"{share(dead_share(case.first))} were before training"
        )
    return told


def behind(case: Case) -> float:
    """By how much the model does worse than neighbours would."""
    best = case.reach.score
    if case.score is None or best is None:
        return 0.0 if case.score is None or len(case.X) >= 20 else 1.0 - case.score
    return best - case.score


def creeps(case: Case) -> bool:
    """Whether the loss hardly fell, and would fall many times as fast by far longer steps."""
    course, trial = case.course, case.peak_trial
    if case.fresh or not len(course) or ran_away(case) or steps_are_wrong(case):
        return False
    if lowers_another_loss(case):
        return False
    high = case.now.loss > 0.6 * min(course.start, 4.0 * case.trivial)
    if not (high and (behind(case) > 0.1 or case.share_left > 0.9)):
        return False
    if trial is None:
        # Nobody tells what the steps were: a loss that stood still on a slope.
        stood = abs(course.curve[0] - course.end) < 0.02 * course.curve[0]
        calm = course.curve[0] < 2.0 * case.trivial
        known = course.by_epoch and len(course) > 4 and not course.has_decayed
        return known and stood and calm and case.descent > 0.02
    one, ten, hundred = trial.gain(1.0), trial.gain(10.0), trial.gain(100.0)
    # So short a step that rounding hides what it does tells nothing but that it is too short.
    linear = abs(hundred) < 1e-5 or (ten > 5.0 * one > 0.0 and hundred > 20.0 * one)
    patient = len(course) > (9 if course.by_epoch else 199) or course.steps > 199
    short_ones = one < 1e-3 or (patient and not course.has_decayed)
    return linear and trial.gain(trial.longest) > 0.02 and short_ones


def learning_rate_too_low(case: Case) -> Iterator[Finding]:
    """A loss that creeps."""
    if not creeps(case):
        return
    trial, course = case.peak_trial, case.course
    told = (
        f"in {len(course)} {course.unit}s the loss went from {short(course.start)} to "
        f"{short(case.now.loss)}"
    )
    if trial is None:
        rate, longest = course.rate_of(False, None), 100.0
        told += (
            f", where a step down the gradient, as long as the curvature allows, lowers it by "
            f"{share(case.descent, 'itself')}"
        )
    else:
        rate, longest = trial.rate, trial.longest
        told += (
            f"; a step of this length lowers it by {trial.gain(1.0):.2g} of itself, and one "
            f"{longest:g} times as long by {trial.gain(longest):.2g}"
        )
    moved = course.ratios()
    if len(moved):
        told += f"; a step changes a layer by {short(float(moved.max()))} of itself"
    yield Finding(
        "learning_rate_too_low",
        "the training loop" if case.by_hand else "optimizer",
        told,
        named_rate(case) if case.optimizer is not None else f"lr = {short(rate)}",
        "raise it by ten until the loss no longer falls faster; nn.lr_range_test does that in one "
        "run",
        "error" if case.share_left > 0.9 else "warning",
        set_rate(case, 0.1 * rate * longest),  # as of a range test, a tenth of what is steepest
    )
