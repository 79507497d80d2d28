"""Findings on a loss that does not settle: it runs away, or swings to and fro."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from .case import Case, once
from .findings import Finding
from .steps import lowers_another_loss
from .words import share, short

LEG = 0.25
LEVEL = 0.1
"""Below this share of a constant's loss, swings are of no account."""
SNAPSHOTS = 12
"""Losses of all samples at so many places of the path tell swings from the noise of batches."""


@once
def swings(case: Case) -> float:
    """How far the loss swings up and down in the second half, as a share of its level; 0 if not.

    A swing is a change of 25% of the level or more until it turns back, or 10% where each step
    takes all samples. The losses of batches, which differ by themselves, count only where
    successive gradients lie on one line, and where the loss over the sample swings as well.
    """
    course, monitor = case.course, case.monitor
    late = course.curve[len(course) // 2 :]
    if len(late) < 6 or not np.isfinite(late).all():
        return 0.0
    level = float(np.median(late))
    exact = takes_all_at_once(case)
    if not level > (0.3 if exact else 1.0) * LEVEL * case.trivial:
        return 0.0
    if not course.by_epoch and monitor is not None:
        turns = monitor.turns[len(monitor) // 2 :]
        if not float(np.nanmedian(np.abs([*turns, 0.0]))) > 0.5:
            return 0.0
        if not case.takes_all:
            late = _of_all_samples(case)
            if len(late) < 6 or not np.isfinite(late).all():
                return 0.0
            level = float(np.median(late))
    legs = _legs(late, (0.4 if exact else 1.0) * LEG * level)
    return float(np.median(legs)) / level if len(legs) >= 4 else 0.0


def takes_all_at_once(case: Case) -> bool:
    """Whether each step takes all samples, so that no batch makes the loss go up or down."""
    monitor = case.monitor
    return (
        case.takes_all if monitor is None or not monitor.epoch_steps else monitor.epoch_steps == 1
    )


def _of_all_samples(case: Case) -> npt.NDArray[Any]:
    """The loss over the sample at the last places of the path."""
    monitor = case.monitor
    if monitor is None:
        return np.zeros(0)
    places = monitor.path[len(monitor.path) // 2 :][-SNAPSHOTS:]
    found = [case.weights_of(numbers, monitor) for numbers in places]
    return np.array([case.again(weights).loss for weights in found if weights is not None])


def _legs(curve: npt.NDArray[Any], least: float) -> list[float]:
    """How far a curve goes from each turn to the next, turns by less than `least` left out."""
    legs: list[float] = []
    low = high = start = float(curve[0])
    up = 0
    for x in map(float, curve):
        low, high = min(low, x), max(high, x)
        if up >= 0 and high - x >= least:
            legs += [high - start] if up else []
            up, start, low = -1, high, x
        elif up <= 0 and x - low >= least:
            legs += [start - low] if up else []
            up, start, high = 1, low, x
    return legs


def ran_away(case: Case) -> bool:
    """Whether the loss ended as no number, or far above where it began."""
    course = case.course
    if not len(course):
        return not np.isfinite(case.now.loss) and not case.fresh
    if not course.is_finite or not np.isfinite(case.now.loss):
        return True
    if lowers_another_loss(case):
        return False
    worst = max(course.end, case.now.loss)
    start = max(course.start, case.trivial) if np.isfinite(case.trivial) else course.start
    came_down = float(course.curve.min())
    return worst > 3.0 * start or (worst > 10.0 * came_down and worst > 1.5 * start)


def divergence(case: Case) -> Iterator[Finding]:
    """A loss that is no number any more, or ends far above where it began."""
    if case.fresh or not ran_away(case):
        return
    course = case.course
    if not len(course):
        bad = sum(not np.isfinite(p._data).all() for p in case.parameters)
        told = f"{bad} of {len(case.parameters)} parameters hold NaN or infinity"
    else:
        lost = np.flatnonzero(~np.isfinite(course.curve))[:1]
        lowest = np.nanmin([course.start, *course.curve])
        told = f"the loss began at {short(course.start)}, was at its lowest {short(lowest)}"
        for i in lost:
            told += f", and is {course.curve[i]} from {course.unit} {i + 1} on"
    yield Finding(
        "divergence",
        "training",
        f"{told}, and of the model now it is {short(case.now.loss)}; a constant answer has "
        f"{short(case.trivial)}",
        f"steps that are too long for the curvature of the loss{named_rate(case, ': ')}",
        "begin anew from fresh weights, with a rate ten times lower; clipping bounds what is left",
        "error",
        set_rate(case, rate_to_try(case)),
    )


def set_rate(case: Case, rate: float | None) -> str:
    """The line that sets a rate, for who has an optimizer and who moves weights by hand."""
    name = "lr" if case.by_hand or case.optimizer is None else "optimizer.lr"
    return f"{name} = {f'0.1 * {name}' if rate is None else short(rate)}"


def named_rate(case: Case, before: str = "") -> str:
    """How the steps were made, as a cause."""
    if case.optimizer is None:
        return "" if before else "steps that are too long"
    rate = f"lr = {short(case.course.rate_of(True, case.optimizer))}"
    kind = type(case.optimizer).__name__
    return before + (f"steps of the gradient times {rate}" if case.by_hand else f"{kind}, {rate}")


def rate_to_try(case: Case) -> float | None:
    """The shorter length of the trials that did best, or a tenth."""
    rate = case.course.rate_of(True, case.optimizer)
    trial = case.first_trial or case.trial
    if not np.isfinite(rate) or not rate > 0.0:
        return None
    if trial is None:
        return 0.1 * rate
    best = max((0.1, 0.01, 1e-3), key=trial.gain)
    return rate * (best if trial.gain(best) > 0.0 else 0.1)


def oscillation(case: Case) -> Iterator[Finding]:
    """A loss that goes up and down by much of itself instead of falling."""
    if case.fresh or ran_away(case):
        return
    amplitude = swings(case)
    if not amplitude > (0.1 if takes_all_at_once(case) else 0.3):
        return
    monitor, course = case.monitor, case.course
    turned, onwards = "", False
    if monitor is not None:
        turns = monitor.turns[len(monitor) // 2 :]
        onwards = bool(np.nanmedian(turns) > 0.0)
        turned = f"; the cosine of successive gradients is {np.nanmedian(turns):.2f} (median)"
    last = ", ".join(short(x) for x in course.curve[-4:])
    rate = course.rate_of(False, case.optimizer)
    yield Finding(
        "oscillation",
        "training",
        f"in the second half the loss goes up and down by {share(amplitude, 'its level')} from "
        f"turn to turn; its last {course.unit}s are {last}{turned}",
        "momentum that carries the weights past the minimum, and back"
        if onwards
        else "steps that cross the valley and land on its other side",
        "lower the learning rate, or let it decay; less momentum if there is much",
        "error" if case.nothing_learned else "warning",
        set_rate(case, 0.3 * rate if np.isfinite(rate) and rate else None),
    )
