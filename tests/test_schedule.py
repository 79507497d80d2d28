"""Schedules: numbers worked by hand, shapes that hold for all settings, and what is refused.

PyTorch's rates at every step are compared in test_golden.
"""

import math
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twingrad import Value, nn
from twingrad.nn.schedule import learning_rate

mp = mpmath.mp.clone()
mp.dps = 40

# By hand

ROOT = math.sqrt(0.5)
WORKED: list[tuple[nn.Schedule, dict[int, float]]] = [
    (nn.StepLR(3), {0: 1.0, 2: 1.0, 3: 0.1, 5: 0.1, 6: 0.01, 300: 1e-100}),
    (nn.StepLR(1, gamma=2.0), {0: 1.0, 1: 2.0, 10: 1024.0}),
    (nn.ExponentialLR(0.5), {0: 1.0, 1: 0.5, 10: 2.0**-10}),
    # half a cosine: 0°, 45°, 60°, 90°, 180°
    (
        nn.CosineAnnealing(12),
        {0: 1.0, 3: (1 + ROOT) / 2, 4: 0.75, 6: 0.5, 8: 0.25, 12: 0.0, 13: 0.0, 24: 0.0},
    ),
    (nn.CosineAnnealing(12, floor=0.2), {0: 1.0, 4: 0.8, 6: 0.6, 8: 0.4, 12: 0.2, 99: 0.2}),
    (
        nn.WarmupCosine(4, 16),
        {0: 0.25, 1: 0.5, 2: 0.75, 3: 1.0, 4: 1.0, 8: 0.75, 10: 0.5, 16: 0.0, 17: 0.0},
    ),
    (nn.WarmupCosine(2, 14, floor=0.2), {0: 0.5, 1: 1.0, 2: 1.0, 6: 0.8, 14: 0.2, 15: 0.2}),
    (nn.WarmupCosine(0, 12), {0: 1.0, 4: 0.75, 12: 0.0}),
    # up over steps 0 to 9 - 1, from 1/25 of the peak; down over 21, to 1/250000 of it
    (
        nn.OneCycle(2.5, 30),
        {0: 0.1, 2: 0.1 + 2.4 * (1 - ROOT) / 2, 4: 1.3, 8: 2.5, 15: 1.875 + 1e-5 / 4, 29: 1e-5},
    ),
    (nn.OneCycle(2.5, 30), {30: 1e-5, 31: 1e-5, 1000: 1e-5}),
    (
        nn.OneCycle(1.0, 11, warm_share=0.0, start_divisor=2.0, end_divisor=5.0),
        {4: 0.1 + 0.9 * (1 + math.cos(math.pi * 5 / 11)) / 2, 10: 0.1, 11: 0.1},
    ),
    (nn.OneCycle(1.0, 1), {0: 4e-6, 5: 4e-6}),
    (nn.OneCycle(1.0, 2, warm_share=0.5), {0: 1.0, 1: 4e-6}),  # PyTorch divides by 0 here
    (nn.CyclicLR(0.1, 0.5, 4), {0: 0.1, 1: 0.2, 4: 0.5, 5: 0.4, 8: 0.1, 12: 0.5, 8000: 0.1}),
    (nn.CyclicLR(0.0, 1.0, 1), {0: 0.0, 1: 1.0, 2: 0.0, 3: 1.0}),
    (nn.CyclicLR(0.5, 0.5, 3), {0: 0.5, 1: 0.5, 3: 0.5}),
]


@pytest.mark.parametrize(("schedule", "expected"), WORKED, ids=lambda x: str(x)[:40])
def test_a_schedule_gives_what_was_worked_by_hand(
    schedule: nn.Schedule, expected: dict[int, float]
) -> None:
    found = [schedule(step) for step in expected]
    assert found == pytest.approx(list(expected.values()), rel=1e-14, abs=1e-16)
    assert {type(number) for number in found} == {float}


@pytest.mark.parametrize(
    ("schedule", "gives", "total"),
    [
        (nn.StepLR(3), "factor", None),
        (nn.ExponentialLR(0.9), "factor", None),
        (nn.CosineAnnealing(7), "factor", 7),
        (nn.WarmupCosine(2, 7), "factor", 7),
        (nn.OneCycle(0.1, 7), "rate", 7),
        (nn.CyclicLR(0.1, 0.2, 7), "rate", None),
    ],
)
def test_a_schedule_says_what_it_gives_and_when_it_ends(
    schedule: nn.Schedule, gives: str, total: int | None
) -> None:
    assert (schedule.gives, schedule.total) == (gives, total)
    expected = 10.0 * schedule(5) if gives == "factor" else schedule(5)
    assert schedule.rate(10.0, 5) == expected
    assert learning_rate(schedule, 10.0, 5) == expected


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in WORKED], ids=repr)
def test_a_schedule_prints_as_the_call_that_makes_it(schedule: nn.Schedule) -> None:
    again = eval(repr(schedule), vars(nn))
    assert again == schedule
    assert again is not schedule


def test_the_repr_of_a_schedule_names_its_settings() -> None:
    assert repr(nn.WarmupCosine(2, 10)) == "WarmupCosine(warmup=2, total=10, floor=0.0)"


# For all settings

totals = st.integers(1, 10_000)
shares = st.floats(0.0, 1.0)
steps = st.integers(0, 20_000)
slack = 1 + 1e-15


@given(totals, shares, steps)
def test_a_cosine_is_the_square_of_one_of_half_the_angle(
    total: int, floor: float, step: int
) -> None:
    angle = mp.pi * min(step, total) / (2 * total)
    truth = mp.mpf(floor) + (1 - mp.mpf(floor)) * mp.cos(angle) ** 2
    assert nn.CosineAnnealing(total, floor)(step) == pytest.approx(float(truth), abs=3e-16)


@given(totals, shares)
@settings(max_examples=50)
def test_a_cosine_falls_from_one_to_its_floor_and_stays(total: int, floor: float) -> None:
    schedule = nn.CosineAnnealing(total, floor)
    found = np.array([schedule(step) for step in spread(total)])
    assert found[0] == 1.0
    assert schedule(total) == schedule(total + 1) == schedule(10 * total) == floor
    assert (np.diff(found) <= 1e-15).all()
    assert ((found >= floor) & (found <= slack)).all()


def spread(total: int) -> list[int]:
    """At most 50 steps from 0 to the total, both included."""
    return sorted({*range(0, total + 1, max(1, total // 48)), total})


@given(st.integers(0, 200), st.integers(1, 200), shares)
@settings(max_examples=50)
def test_a_warm_up_climbs_in_equal_steps_and_a_cosine_takes_over(
    warmup: int, rest: int, floor: float
) -> None:
    schedule = nn.WarmupCosine(warmup, warmup + rest, floor)
    climb = [schedule(step) for step in range(warmup)]
    assert climb == [float(Fraction(step + 1, warmup)) for step in range(warmup)]
    after = [schedule(warmup + step) for step in range(rest + 3)]
    assert after == [nn.CosineAnnealing(rest, floor)(step) for step in range(rest + 3)]


@given(st.floats(1e-6, 10.0), st.integers(1, 300), st.floats(0.0, 0.99), st.floats(1.0, 100.0))
@settings(max_examples=50)
def test_one_cycle_rises_once_and_falls_once_between_its_ends(
    peak: float, total: int, warm_share: float, divisor: float
) -> None:
    schedule = nn.OneCycle(
        peak, total, warm_share=warm_share, start_divisor=divisor, end_divisor=10.0
    )
    found = np.array([schedule(step) for step in range(total + 2)])
    top = max(0, math.ceil(warm_share * total - 1.0))
    assert (np.diff(found[:top]) >= -1e-15 * peak).all()
    assert (np.diff(found[top:]) <= 1e-15 * peak).all()
    lowest = peak / divisor / 10.0
    assert (found >= lowest * (1 - 1e-12)).all()
    assert (found <= peak * slack).all()
    assert found[-3:] == pytest.approx([lowest] * 3)
    if top >= 1:
        assert found[0] == pytest.approx(peak / divisor)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.integers(1, 500), steps)
def test_a_triangle_repeats_mirrors_itself_and_is_straight(
    low: float, height: float, half: int, step: int
) -> None:
    schedule = nn.CyclicLR(low, low + height + 1e-3, half)
    assert schedule(step) == schedule(step + 2 * half) == schedule((2 * half - step) % (2 * half))
    away = Fraction(abs((step + half) % (2 * half) - half), half)  # how far from a valley
    exact = Fraction(schedule.base) + (Fraction(schedule.peak) - Fraction(schedule.base)) * away
    assert schedule(step) == pytest.approx(float(exact), rel=1e-15)


@given(st.floats(0.01, 2.0), st.integers(1, 50), st.integers(0, 500))
def test_steps_of_a_size_are_the_exponential_of_their_count(
    gamma: float, size: int, step: int
) -> None:
    truth = float(mp.mpf(gamma) ** (step // size))
    assert nn.StepLR(size, gamma)(step) == pytest.approx(truth, rel=1e-14)
    assert nn.ExponentialLR(gamma)(step // size) == pytest.approx(truth, rel=1e-14)


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in WORKED], ids=repr)
def test_a_schedule_remembers_nothing(schedule: nn.Schedule) -> None:
    forward = [schedule(step) for step in range(40)]
    assert [schedule(step) for step in reversed(range(40))] == forward[::-1]
    assert [schedule(np.int64(step)) for step in range(40)] == forward


# The learning rate


def test_any_function_of_the_step_is_a_factor() -> None:
    for given_back in (0.5, np.float32(0.5)):
        rate = learning_rate(lambda step, x=given_back: x, 0.25, 3)
        assert (rate, type(rate)) == (0.125, float)
    assert learning_rate(lambda step: 1, 0.25, 3) == 0.25
    assert learning_rate(lambda step: step, 0.25, 3) == 0.75


def test_a_schedule_of_ones_own_needs_nothing_but_at() -> None:
    class Half(nn.Schedule):
        def at(self, step: int) -> float:
            return 0.5

    class Fixed(Half):
        gives = "rate"

    assert (Half().gives, Half().total) == ("factor", None)
    assert learning_rate(Half(), 8.0, 1) == 4.0
    assert learning_rate(Fixed(), 8.0, 1) == 0.5
    with pytest.raises(TypeError, match=r"Schedule has no at\(step\); define what it gives"):
        nn.Schedule()(1)


def test_a_schedule_drives_an_optimizer_by_its_count_of_steps() -> None:
    x = Value(1.0)
    sgd, base = nn.SGD([x], lr=1.0), 1.0
    seen = []
    for _ in range(5):
        sgd.lr = learning_rate(nn.StepLR(2, 0.5), base, sgd.taken)
        x.grad = 1.0
        sgd.step()
        seen.append(sgd.lr)
    assert seen == [1.0, 1.0, 0.5, 0.5, 0.25]
    assert x.data == 1.0 - sum(seen)


@pytest.mark.parametrize(
    ("schedule", "error", "said"),
    [
        ("cosine", TypeError, r"a built one, such as nn.CosineAnnealing\(1000\), or a function"),
        (nn.StepLR, TypeError, "a schedule is a built one, .* not <class"),
        (None, TypeError, "not None"),
        (lambda step: None, TypeError, "at step 3 .* gave None, a NoneType"),
        (lambda step: Value(1.0), TypeError, r"gave Value\(.*, a Value"),
        (lambda step: np.ones(2), TypeError, "an? ndarray"),
        (lambda step: True, TypeError, "a bool"),
        (lambda step: -1.0, ValueError, "from 0 on, but at step 3 .* made -0.5 of the optimizer's"),
        (lambda step: math.nan, ValueError, "made nan of the optimizer's 0.5"),
        (lambda step: math.inf, ValueError, "made inf"),
    ],
)
def test_a_schedule_that_gives_no_rate_is_refused(schedule: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        learning_rate(schedule, 0.5, 3)


def test_a_rate_that_grows_beyond_floats_is_refused_by_the_step() -> None:
    growing = nn.ExponentialLR(2.0)
    assert learning_rate(growing, 1.0, 1023) == 2.0**1023
    said = r"at step 5000 ExponentialLR\(gamma=2.0\) made inf of the optimizer's 1$"
    with pytest.raises(ValueError, match=said):
        learning_rate(growing, 1.0, 5000)
    assert nn.ExponentialLR(0.5)(5000) == 0.0


# What is refused


@pytest.mark.parametrize("step", [-1, 1.0, 0.5, True, "1", None, np.float64(2.0)])
def test_what_is_no_step_is_refused(step: Any) -> None:
    for schedule, _ in WORKED:
        with pytest.raises(ValueError, match="step is a whole number from 0 on, not"):
            schedule(step)
    with pytest.raises(ValueError, match="step is a whole number"):
        learning_rate(lambda step: 1.0, 0.5, step)


@pytest.mark.parametrize("base", [-0.1, math.nan, math.inf, "0.1"])
def test_a_base_that_is_no_rate_is_refused(base: Any) -> None:
    with pytest.raises(ValueError, match="base is a number from 0 on, not"):
        learning_rate(nn.StepLR(2), base, 0)


BAD: list[tuple[Any, tuple[Any, ...], str]] = [
    (nn.StepLR, (0,), "step_size is a whole number from 1 on, not 0"),
    (nn.StepLR, (2.0,), "step_size is a whole number from 1 on, not 2.0"),
    (nn.StepLR, (2, 0.0), "gamma is a finite number above 0, not 0.0"),
    (nn.StepLR, (2, math.inf), "gamma is a finite number above 0, not inf"),
    (nn.ExponentialLR, (-0.5,), "gamma is a finite number above 0, not -0.5"),
    (nn.ExponentialLR, (math.nan,), "gamma is a finite number above 0, not nan"),
    (nn.CosineAnnealing, (0,), "total is a whole number from 1 on, not 0"),
    (nn.CosineAnnealing, (-5,), "total is a whole number from 1 on, not -5"),
    (nn.CosineAnnealing, (10.0,), "total is a whole number from 1 on, not 10.0"),
    (nn.CosineAnnealing, (10, -0.1), "floor is a number from 0 to 1, not -0.1"),
    (nn.CosineAnnealing, (10, 1.5), "floor is a number from 0 to 1, not 1.5"),
    (nn.WarmupCosine, (-1, 10), "warmup is a whole number from 0 on, not -1"),
    (nn.WarmupCosine, (10, 10), "warmup is less than total, .* warmup=10 and total=10 came"),
    (nn.WarmupCosine, (20, 10), "warmup=20 and total=10 came"),
    (nn.WarmupCosine, (2, 0), "total is a whole number from 1 on, not 0"),
    (nn.WarmupCosine, (2, 10, math.nan), "floor is a number from 0 to 1, not nan"),
    (nn.OneCycle, (0.0, 10), "peak is a finite number above 0, not 0.0"),
    (nn.OneCycle, (0.1, 0), "total is a whole number from 1 on, not 0"),
    (nn.CyclicLR, (-0.1, 0.5, 4), "base is a number from 0 on, not -0.1"),
    (nn.CyclicLR, (0.5, 0.1, 4), "peak is at least base, but base=0.5 and peak=0.1 came"),
    (nn.CyclicLR, (0.1, 0.5, 0), "half_period is a whole number from 1 on, not 0"),
]


@pytest.mark.parametrize(("kind", "given", "said"), BAD)
def test_a_setting_that_makes_no_sense_is_refused(kind: Any, given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=f"^.*{said}"):
        kind(*given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"warm_share": 1.0}, "warm_share is a number from 0 up to but not including 1, not 1.0"),
        ({"warm_share": -0.1}, "warm_share is a number from 0"),
        ({"start_divisor": 0.5}, "start_divisor is a finite number from 1 on, not 0.5"),
        ({"end_divisor": 0}, "end_divisor is a finite number from 1 on, not 0"),
    ],
)
def test_a_cycle_that_has_no_shape_is_refused(given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        nn.OneCycle(0.1, 10, **given)


def test_a_schedule_without_its_total_is_no_schedule() -> None:
    for kind, given_first in (
        (nn.CosineAnnealing, ()),
        (nn.WarmupCosine, (1,)),
        (nn.OneCycle, (1,)),
    ):
        with pytest.raises(TypeError, match="missing 1 required positional argument: 'total'"):
            kind(*given_first)
