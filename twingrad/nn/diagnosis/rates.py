"""Findings on the length of steps: too long, too short, swinging, running away."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from .case import Case
from .findings import Finding
from .words import share, short


def ran_away(case: Case) -> bool:
    """Whether the loss ended as no number, or far above where it began."""
    course = case.course
    if not len(course):
        return not np.isfinite(case.now.loss) and not case.fresh
    if not course.is_finite or not np.isfinite(case.now.loss):
        return True
    worst = max(course.end, case.now.loss)
    start = max(course.start, case.trivial) if np.isfinite(case.trivial) else course.start
    came_down = float(course.curve.min())
    return worst > 3.0 * start or (worst > 10.0 * came_down and worst > 1.5 * start)


def swings(case: Case) -> float:
    """How far the loss swings up and down in the second half, as a share of its level; 0 if not.

    A swing is a change of 25% of the level or more until it turns back. The losses of batches,
    which differ by themselves, count only where successive gradients lie on one line.
    """
    course, monitor = case.course, case.monitor
    late = course.curve[len(course) // 2 :]
    if len(late) < 6 or not np.isfinite(late).all():
        return 0.0
    if not course.by_epoch and monitor is not None:
        turns = monitor.turns[len(monitor) // 2 :]
        if not float(np.nanmedian(np.abs([*turns, 0.0]))) > 0.5:
            return 0.0
    level = float(np.median(late))
    if not level > 0.25 * case.trivial:
        return 0.0
    legs = _legs(late, 0.25 * level)
    return float(np.median(legs)) / level if len(legs) >= 4 else 0.0


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


def divergence(case: Case) -> Iterator[Finding]:
    """A loss that is no number any more, or ends far above where it began."""
    if case.fresh or not ran_away(case):
        return
    course = case.course
    lost = np.flatnonzero(~np.isfinite(course.curve))
    when = (
        f", and is {course.curve[lost[0]]} from {course.unit} {lost[0] + 1} on" if len(lost) else ""
    )
    yield Finding(
        "divergence",
        "training",
        f"the loss began at {short(course.start)}, was at its lowest "
        f"{short(float(np.nanmin(course.curve)) if len(course) else np.nan)}{when}, and of the "
        f"model now it is {short(case.now.loss)}; a constant answer has {short(case.trivial)}",
        _cause_of_divergence(case),
        "begin anew from fresh weights, with a rate ten times lower; clipping bounds what is left",
        "error",
        f"optimizer.lr = {_rate_to_try(case)}",
    )


def _cause_of_divergence(case: Case) -> str:
    if case.optimizer is None:
        return "steps that are too long for the curvature of the loss"
    return f"steps that are too long for the curvature of the loss: {_named_rate(case)}"


def _named_rate(case: Case) -> str:
    kind = type(case.optimizer).__name__
    return f"{kind} with lr = {short(case.course.rate_of(True, case.optimizer))}"


def _rate_to_try(case: Case) -> str:
    """The longest length of the trials that still did well, or a tenth."""
    rate = case.course.rate_of(True, case.optimizer)
    trial = case.first_trial or case.trial
    length = trial.best if trial is not None and 0.0 < trial.best < 1.0 else 0.1
    return short(rate * length) if np.isfinite(rate) else "0.1 * optimizer.lr"


def learning_rate_too_high(case: Case) -> Iterator[Finding]:
    """A run that fails, whose steps raise the loss where shorter ones would lower it."""
    if case.fresh or _wrong_steps(case):
        return
    failing = ran_away(case) or swings(case) > 0.2 or case.nothing_learned
    behind = _behind(case)
    if not failing and not behind > 0.15:
        return
    told = []
    for when, trial in (("at the first step", case.first_trial), ("now", case.trial)):
        if trial is None or not trial.gain(1.0) < (-0.02 if failing else -0.2):
            continue
        shorter = [n for n in (0.1, 0.01, 0.001) if trial.gain(n) > 1e-4]
        if shorter:
            told.append(
                f"{when} a step of this length takes the loss from {short(trial.start)} to "
                f"{short(trial.losses[1.0])}, and one of {shorter[0]:g} of it to "
                f"{short(trial.losses[shorter[0]])}"
            )
        if np.isfinite(trial.curvature) and trial.curvature > 0.0 and _is_plain(case):
            told[-1:] = [f"{told[-1]}" if told else when] if told else []
    moved = case.course.ratios(0.0, 0.2)
    long = len(moved) and float(moved.max()) > 0.3
    if long:
        told.append(
            f"in the first steps a layer changed by {share(float(moved.max()))} of itself a step, "
            "where about 0.1% to 1% is usual"
        )
    if not told or (not failing and len(told) < (1 if not long else 2)):
        return
    curvature = case.first_trial.curvature if case.first_trial is not None else np.nan
    if _is_plain(case) and np.isfinite(curvature) and curvature > 0.0:
        told.append(
            f"the curvature along the first gradient is {short(curvature)}, which bears a rate of "
            f"up to 2/{short(curvature)} = {short(2.0 / curvature)}"
        )
    yield Finding(
        "learning_rate_too_high",
        "optimizer",
        "; ".join(told),
        _named_rate(case) if case.optimizer is not None else "steps that are too long",
        "lower it by ten, and begin anew; nn.lr_range_test finds the highest that works",
        "error" if failing else "warning",
        f"optimizer.lr = {_rate_to_try(case)}",
    )


def _is_plain(case: Case) -> bool:
    return type(case.optimizer).__name__ == "SGD"


def _wrong_steps(case: Case) -> bool:
    """Whether steps are wrong by more than their length, which other findings tell."""
    monitor = case.monitor
    if monitor is None:
        return False
    return monitor.accumulating or float(np.nanmedian([*monitor.descents, 1.0])) < 0.0


def _behind(case: Case) -> float:
    """By how much the model does worse than neighbours would."""
    best = case.reach.score
    if case.score is None or best is None:
        return 0.0 if case.score is None or len(case.X) >= 20 else 1.0 - case.score
    return best - case.score


def creeps(case: Case) -> bool:
    """Whether the loss hardly fell, and would fall many times as fast by far longer steps."""
    trial, course = case.trial, case.course
    if case.fresh or trial is None or not len(course) or ran_away(case):
        return False
    rates = course.rates[np.isfinite(course.rates)]
    if len(rates) and rates[-1] < rates.max() / 30.0:
        return False
    high = case.now.loss > 0.6 * min(course.start, 4.0 * case.trivial)
    slow = high and (_behind(case) > 0.1 or case.share_left > 0.9)
    one, ten, hundred, *longer = (trial.gain(n) for n in (1.0, 10.0, 100.0, 1e3, 1e4))
    linear = ten > 5.0 * one > 0.0 and hundred > 20.0 * one and max(hundred, *longer) > 0.02
    return slow and linear


def learning_rate_too_low(case: Case) -> Iterator[Finding]:
    """A loss that creeps."""
    trial, course = case.trial, case.course
    if trial is None or not creeps(case):
        return
    longest = max((10.0, 100.0, 1e3, 1e4), key=trial.gain)
    moved = course.ratios()
    ratio = f"; a step changes a layer by {short(float(moved.max()))} of itself" * bool(len(moved))
    yield Finding(
        "learning_rate_too_low",
        "optimizer",
        f"in {len(course)} {course.unit}s the loss went from {short(course.start)} to "
        f"{short(case.now.loss)}; a step of this length lowers it by {trial.gain(1.0):.2g} of "
        f"itself, and one {longest:g} times as long by {trial.gain(longest):.2g}{ratio}",
        _named_rate(case),
        "raise it by ten until the loss no longer falls faster; nn.lr_range_test does that in one "
        "run",
        "error" if case.share_left > 0.9 else "warning",
        f"optimizer.lr = {short(trial.rate * longest)}",
    )


def oscillation(case: Case) -> Iterator[Finding]:
    """A loss that goes up and down by much of itself instead of falling."""
    if case.fresh or ran_away(case):
        return
    amplitude = swings(case)
    if not amplitude > 0.3:
        return
    monitor, course = case.monitor, case.course
    turned, onwards = "", False
    if monitor is not None:
        turns = monitor.turns[len(monitor) // 2 :]
        onwards = bool(np.nanmedian(turns) > 0.0)
        turned = f"; the cosine of successive gradients is {np.nanmedian(turns):.2f} (median)"
    last = ", ".join(short(x) for x in course.curve[-4:])
    yield Finding(
        "oscillation",
        "training",
        f"in the second half the loss goes up and down by {share(amplitude)} of its level from "
        f"turn to turn; its last {course.unit}s are {last}{turned}",
        "momentum that carries the weights past the minimum, and back"
        if onwards
        else "steps that cross the valley and land on its other side",
        "lower the learning rate, or let it decay; less momentum if there is much",
        "error" if case.nothing_learned else "warning",
        f"optimizer.lr = {short(0.3 * case.course.rate_of(False, case.optimizer))}"
        if case.optimizer is not None
        else "lr = 0.3 * lr",
    )
