"""gradcheck: backward() held against finite differences, which know nothing of any rule.

The report says how far apart the two are and, where they are, which operation and which element
is wrong, and which mistake would explain it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .checking.behaviour import draws_anew
from .checking.own_engine import is_own
from .checking.readings import FEW, Claims, Reading, Settings, worst_of
from .checking.report import Disagreement, GradcheckReport, Kink
from .checking.subject import Subject, in_their_classes, of_backward, of_hand, of_own_engine
from .node import Node
from .structure import flatten, map_leaves
from .sweep import topological_order

__all__ = ["Disagreement", "GradcheckReport", "Kink", "gradcheck"]

TOLERANCE = {np.dtype(np.float64): 1e-7, np.dtype(np.float32): 2e-3}


def gradcheck(
    f: Callable[..., Any],
    *inputs: Any,
    eps: float | None = None,
    rtol: float | None = None,
    gradient: Any = None,
    rng: int | np.random.Generator = 0,
) -> GradcheckReport:
    """Whether the gradients of f at the inputs are what finite differences say, and if not, why.

    f takes numbers, arrays, or lists of them, and returns the same (several results are
    weighed into one number); or nodes of an engine of your own, with data, grad and backward(), if
    such come: gradcheck(f, MyValue(3.0)). For each element the error is
    |a - n| / max(|a| + |n|, floor), where the floor is what finite differences can resolve: it
    comes from the step, from |f| and from the dtype, so that a stationary point passes and a wrong
    slope does not. Arrays of more than 400 elements are looked at along random directions, and
    by halves where those are wrong.

    eps: the step of a central difference; by default several are tried, and extrapolated. One
        that is too small or too large for the dtype is named, and another used.
    rtol: the largest error that passes; 1e-7 in float64, 2e-3 in float32.
    gradient: what to check in place of `backward`: gradients worked out by hand, one for each
        input, or a function of the inputs that returns them. f may then be plain NumPy.
    rng: a seed or a generator, for the directions.

    No `.grad` is touched. At a kink, where the slopes from left and right differ, any slope
    between the two is right, and the report says so.

    >>> import twingrad as tg
    >>> bool(tg.gradcheck(lambda x, y: tg.tanh(x) * y, 0.3, -2.0))
    True
    >>> by_hand = tg.gradcheck(lambda x: (x**3).sum(), np.ones(2), gradient=lambda x: x**2)
    >>> by_hand.why
    ('a factor 3 is missing everywhere',)
    """
    if not callable(f):
        raise TypeError(
            f"gradcheck takes a function and where to look, as gradcheck(lambda x: x * x, 3.0), "
            f"but {f!r} is not one"
        )
    if not inputs:
        raise ValueError("gradcheck needs at least one input to differentiate by, but none came")
    if rtol is not None and not rtol > 0.0:
        raise ValueError(f"rtol is a number above 0, not {rtol!r}")
    if eps is not None and not eps > 0.0:
        raise ValueError(f"eps is a step above 0, not {eps!r}; leave it out to have one chosen")
    plain = map_leaves(_number, list(inputs))
    if gradient is not None:
        subject = of_hand(f, plain, gradient)
    elif any(map(is_own, flatten(plain))):
        subject = of_own_engine(f, plain)
    else:
        subject = of_backward(in_their_classes(f, inputs), plain)
    dtypes = [np.asarray(x).dtype for x in (*subject.numbers, *_computed(subject))]
    dtype = max(dtypes, key=lambda each: np.finfo(each).eps)  # no better than the coarsest
    tolerance = TOLERANCE.get(dtype, 1e-7) if rtol is None else rtol
    settings = Settings(float(np.finfo(dtype).eps), eps, tolerance)
    return _report(subject, settings, np.random.default_rng(rng))


def _report(subject: Subject, settings: Settings, rng: np.random.Generator) -> GradcheckReport:
    rtol, numbers = settings.rtol, subject.numbers
    checked = sum(int(np.size(x)) for x in numbers)

    def drawn(count: int) -> str:
        values = [subject.value(numbers) for _ in range(count)]
        return draws_anew(values, settings.precision, subject.size)

    refused = subject.refused or drawn(2)
    if refused:
        return GradcheckReport(float("inf"), rtol, checked, None, None, (refused,))
    claims = Claims(subject.near, numbers, subject.slopes, settings, subject.size)
    readings = claims.readings(rng)
    error = max((r.error for r in readings), default=0.0)
    worst = worst_of(readings, rtol)
    operation: Disagreement | None = None
    why: list[str] = []
    if worst is not None and error > rtol:
        # Loaded for what is wrong alone: most programs import twingrad and check nothing.
        from .checking.explanation import explain

        anew = drawn(8)
        operation, why = (None, [anew]) if anew else explain(subject, claims, readings, worst, rng)
    return GradcheckReport(
        error,
        rtol,
        checked,
        None if worst is None else Disagreement.of(worst, "input"),
        operation,
        tuple(why),
        tuple(_kink(r) for r in readings if r.corner is not None),
        max((r.measured.error for r in readings), default=0.0),
        tuple(_notes(claims, readings)),
    )


def _kink(reading: Reading) -> Kink:
    sides = reading.corner
    left, right = (0.0, 0.0) if sides is None else (sides.left, sides.right)
    return Kink(f"input {reading.operand}{reading.where}", left, right, reading.backward)


def _notes(claims: Claims, readings: list[Reading]) -> list[str]:
    """What the check could not see, or saw in another way than it was asked to."""
    notes = []
    steps = [r for r in readings if r.unfit_eps]
    if steps:
        best = min(r.measured.step for r in steps)
        notes.append(f"{steps[0].unfit_eps}: a step of {best:.1g}, extrapolated, was used instead")
    floor = max((r.measured.error for r in readings), default=0.0)
    largest = max((abs(r.backward) for r in readings), default=0.0)
    if floor > 0.1 * largest > 0.0:
        notes.append(
            f"rounding hides slopes below {floor:.1g}, and the largest here is {largest:.1g}: "
            "this says little; use smaller numbers, or float64"
        )
    if readings and not largest and not any(r.measured.slope for r in readings):
        notes.append(
            "every slope is 0 here, so a wrong factor would not show: does f use its inputs? If it "
            "does, look at another point"
        )
    for k, x in enumerate(claims.numbers):
        if np.size(x) > FEW:
            notes.append(
                f"input {k} has {np.size(x)} elements, looked at along random directions; a "
                "mistake in a few elements that hardly count can hide there"
            )
    return notes


def _computed(subject: Subject) -> list[Any]:
    """The numbers on the way to the result: a step in float32 makes all after it as coarse."""
    results = [] if subject.run is None else subject.run.results
    nodes = topological_order(*[y for y in results if isinstance(y, Node)])
    return [node._data for node in nodes if node.parents]


def _number(x: Any) -> Any:
    return np.array(x._data)[()] if isinstance(x, Node) else x
