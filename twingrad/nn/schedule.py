"""Schedules: the learning rate as a function of the step, and of nothing else.

A schedule remembers nothing, so the same step gives the same rate wherever a run was stopped.
Steps are the optimizer's, counted from 0: `optimizer.taken` is the next one. Some schedules
give a factor for the rate that the optimizer was built with, the others the rate itself.

>>> from twingrad.nn import WarmupCosine
>>> schedule = WarmupCosine(warmup=4, total=20)
>>> [schedule(step) for step in (0, 1, 3, 4, 12, 20, 99)]
[0.25, 0.5, 1.0, 1.0, 0.5, 0.0, 0.0]
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ..engine import functions as fn
from .settings import above_zero, at_least_one, at_least_zero, below_one, is_number, share, whole


class Schedule:
    """What all schedules share: `schedule(step)` gives a float. A subclass defines `at`.

    `gives` says what the float is: a "factor" for the optimizer's rate, or the "rate" itself.
    `total` is the step from which on nothing changes, None where there is none.
    """

    gives: ClassVar[Literal["factor", "rate"]] = "factor"
    total: int | None = None

    def __call__(self, step: int) -> float:
        """The factor or the rate for a step; raises `ValueError` for what is no step."""
        return self.at(whole("step", step))

    def at(self, step: int) -> float:
        """The factor or the rate for a whole number from 0 on."""
        raise TypeError(f"{type(self).__name__} has no at(step); define what it gives there")

    def rate(self, base: float, step: int) -> float:
        """The learning rate for a step, of an optimizer that was built with the rate `base`."""
        return base * self(step) if self.gives == "factor" else self(step)


def learning_rate(schedule: Callable[[int], float], base: float, step: int) -> float:
    """The learning rate for a step, of an optimizer that was built with the rate `base`.

    schedule: a Schedule, or any function of the step that gives a factor, as PyTorch's LambdaLR
    takes one.

    Raises `TypeError` for what cannot be called or gives no number, and `ValueError` where the
    rate is not a finite number from 0 on.

    >>> from twingrad.nn.schedule import ExponentialLR, learning_rate
    >>> learning_rate(ExponentialLR(0.5), base=0.8, step=3)
    0.1
    >>> learning_rate(lambda step: 1 / (1 + step), base=0.8, step=3)
    0.2
    """
    if not callable(schedule) or isinstance(schedule, type):
        raise TypeError(
            "a schedule is a built one, such as nn.CosineAnnealing(1000), or a function of the "
            f"step that gives a factor, not {schedule!r}"
        )
    base, step = at_least_zero("base", base), whole("step", step)
    given = schedule(step)
    if not is_number(given):
        raise TypeError(
            f"a schedule gives a number for each step, but at step {step} {schedule!r} gave "
            f"{given!r}, a {type(given).__name__}"
        )
    rate = float(schedule.rate(base, step) if isinstance(schedule, Schedule) else base * given)
    if not 0.0 <= rate < math.inf:
        raise ValueError(
            f"a learning rate is a finite number from 0 on, but at step {step} {schedule!r} made "
            f"{rate:g} of the optimizer's {base:g}"
        )
    return rate


# Factors


@dataclass(frozen=True)
class StepLR(Schedule):
    """gamma^⌊step / step_size⌋: the rate times gamma after every `step_size` steps."""

    step_size: int
    gamma: float = 0.1

    def __post_init__(self) -> None:
        whole("step_size", self.step_size, least=1)
        above_zero("gamma", self.gamma)

    def at(self, step: int) -> float:
        """gamma as often as `step_size` went by."""
        return float(fn.power(float(self.gamma), float(step // self.step_size)))


@dataclass(frozen=True)
class ExponentialLR(Schedule):
    """gamma^step: the rate times gamma after every step."""

    gamma: float

    def __post_init__(self) -> None:
        above_zero("gamma", self.gamma)

    def at(self, step: int) -> float:
        """gamma to the step."""
        return float(fn.power(float(self.gamma), float(step)))


@dataclass(frozen=True)
class CosineAnnealing(Schedule):
    """floor + (1 - floor)(1 + cos(π step / total))/2: half a cosine, from 1 down to the floor.

    Loshchilov & Hutter 2017, arXiv:1608.03983, equation 5, without its restarts: from `total`
    on the factor stays at the floor. The floor is a share of the rate, 0 to 1, where PyTorch's
    `eta_min` is a rate.
    """

    total: int = field()  # not Schedule's None for a default
    floor: float = 0.0

    def __post_init__(self) -> None:
        whole("total", self.total, least=1)
        share("floor", self.floor)

    def at(self, step: int) -> float:
        """The cosine's share of what is above the floor, and the floor."""
        done = min(step, self.total) / self.total
        return self.floor + (1.0 - self.floor) * (1.0 + math.cos(math.pi * done)) / 2.0


@dataclass(frozen=True)
class WarmupCosine(Schedule):
    """(step + 1)/warmup for the first `warmup` steps, then a CosineAnnealing over the others.

    The first step has a factor of 1/warmup, step `warmup - 1` that of 1; the floor is reached at
    `total`. The warm-up is that of Goyal et al. 2017, arXiv:1706.02677, section 2.2, by the step.
    """

    warmup: int
    total: int = field()
    floor: float = 0.0

    def __post_init__(self) -> None:
        whole("warmup", self.warmup)
        whole("total", self.total, least=1)
        share("floor", self.floor)
        if self.warmup >= self.total:
            raise ValueError(
                f"warmup is less than total, which counts it, but warmup={self.warmup} and "
                f"total={self.total} came"
            )

    def at(self, step: int) -> float:
        """A straight line up, then the cosine."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        return CosineAnnealing(self.total - self.warmup, self.floor).at(step - self.warmup)


# Rates


@dataclass(frozen=True)
class OneCycle(Schedule):
    """A rise from peak/start_divisor to the peak, and a fall far below where it started.

    Both are half cosines. The rise takes the `warm_share` of the `total` steps; the last step,
    total - 1, has peak/start_divisor/end_divisor, and so have all that follow.

    Smith & Topin 2018, arXiv:1708.07120, as PyTorch's OneCycleLR gives it, to the last step and
    with its defaults. Momentum, which the paper and PyTorch cycle as well, is left alone.
    """

    gives = "rate"

    peak: float
    total: int = field()
    warm_share: float = field(default=0.3, kw_only=True)
    start_divisor: float = field(default=25.0, kw_only=True)
    end_divisor: float = field(default=1e4, kw_only=True)

    def __post_init__(self) -> None:
        above_zero("peak", self.peak)
        whole("total", self.total, least=1)
        below_one("warm_share", self.warm_share)
        at_least_one("start_divisor", self.start_divisor)
        at_least_one("end_divisor", self.end_divisor)

    def at(self, step: int) -> float:
        """Up to the top, which need not be at a whole step, or down from it."""
        last, top = self.total - 1, self.warm_share * self.total - 1.0
        start = self.peak / self.start_divisor
        if step < top:
            return _half_cosine(start, self.peak, step / top)
        return _half_cosine(
            self.peak, start / self.end_divisor, (min(step, last) - top) / (last - top)
        )


def _half_cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) / 2.0 * (1.0 + math.cos(math.pi * done))


@dataclass(frozen=True)
class CyclicLR(Schedule):
    """A straight line from base to peak in `half_period` steps, and as many back, again and again.

    Smith 2017, arXiv:1506.01186, section 3: the policy called triangular.
    """

    gives = "rate"

    base: float
    peak: float
    half_period: int

    def __post_init__(self) -> None:
        at_least_zero("base", self.base)
        above_zero("peak", self.peak)
        whole("half_period", self.half_period, least=1)
        if self.peak < self.base:
            raise ValueError(
                f"peak is at least base, but base={self.base} and peak={self.peak} came"
            )

    def at(self, step: int) -> float:
        """The base, and as much of what is above it as the step is away from a valley."""
        since = step % (2 * self.half_period)
        away = min(since, 2 * self.half_period - since)
        return self.base + (self.peak - self.base) * (away / self.half_period)
