"""check_op: a rule of the user's own, held against all that a rule must be.

A rule can have the right slope and still be wrong: it may change its operands, forget the graph
on the way back, answer float32 with float64, or work on numbers and not on arrays.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..rules import SELECTIVE
from .report import page

MOST_LIMITS = 3


@dataclass(frozen=True)
class OperationReport:
    """What `check_op` found: true when right, and printed, a sentence a line.

    `problems` says what is wrong and why, `tried` what was looked at, `limits` what the rule
    refuses, which may be as it should be.
    """

    name: str
    problems: Sequence[str]
    tried: Sequence[str]
    limits: Sequence[str]
    max_relative_error: float

    def __bool__(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        verdict = "right" if self else "WRONG"
        lines = [f"check_op: {self.name} is {verdict}"]
        lines += [f"  {problem}" for problem in self.problems]
        lines += [f"  tried: {each}" for each in self.tried]
        lines += [f"  {each}" for each in self.limits[:MOST_LIMITS]]
        if len(self.limits) > MOST_LIMITS:
            lines.append(f"  and {len(self.limits) - MOST_LIMITS} more that it refuses")
        return page(lines)

    __repr__ = __str__


def check_op(
    rule: Callable[..., Any], *operands: Any, rng: int | np.random.Generator = 0, **static: Any
) -> OperationReport:
    """Whether a rule of one's own is right, in all that the two engines ask of a rule.

    Looked at are, on Values and on Tensors of several shapes that broadcast: the first
    derivatives, the second ones where the rule can be run on nodes, the shape of each gradient,
    that it is proportional to the gradient that arrives, `needs` of a `selective` rule, that
    nothing is changed in place, that both twins agree, and that float32 stays float32.

    operands: where to look; by default numbers and arrays are drawn, as many as the rule takes.
    rng: a seed or a generator, for those. static: what the rule takes by keyword.

    Raises `GraphError` for a rule that does not return a result and a pullback, `TypeError` for a
    keyword that is missing, `ValueError` where it takes none of the operands that were drawn.

    >>> import twingrad as tg
    >>> def cube(x):
    ...     return x * x * x, lambda grad: (grad * (3.0 * x * x),)
    >>> bool(tg.check_op(cube))
    True
    >>> def wrong(x):
    ...     return tg.cos(x), lambda grad: (grad * tg.sin(x),)
    >>> tg.check_op(wrong).problems[0]
    'first derivatives, Values: ... the sign is flipped: backward is minus the slope everywhere'
    """
    # Loaded when first used: most programs import twingrad and check nothing.
    from .findings import Findings
    from .requirements import at_single_precision, check, compare_twins
    from .trials import missing_static, trials_of

    name = getattr(rule, "__name__", type(rule).__name__)
    absent = missing_static(rule, static)
    if absent == ["needs"]:
        raise TypeError(
            f"the rule {name!r} takes needs=, so it must be marked: put @tg.selective above it"
        )
    if absent:
        raise TypeError(
            f"the rule {name!r} needs {absent[0]}=; give it as check_op({name}, {absent[0]}=...)"
        )
    generator = np.random.default_rng(rng)
    trials, refused = trials_of(rule, operands, static, generator)
    if not trials:
        raise ValueError(
            f"the rule {name!r} took none of the operands that were tried; give it some, as "
            f"check_op({name}, np.ones((2, 3))): {'; '.join(refused)}"
        )
    found, limited = Findings(), Findings()
    multiplies = any(trial.multiplies_matrices for trial in trials)
    for trial in sorted(trials, key=lambda t: multiplies and not t.multiplies_matrices):
        # Who writes x @ w for matrices need not have vectors in mind: that is told, not blamed.
        aside = multiplies and not operands and not trial.of_layer
        check(rule, trial, static, generator, limited if aside else found)
    alike = [] if found.draws else trials  # what is drawn anew is other each time
    compare_twins(rule, alike, static, found)
    for trial in [t for t in alike if t.of_arrays and (t.of_layer or not multiplies)][:2]:
        at_single_precision(rule, trial.as_float32(), static, generator, found)
    if rule in SELECTIVE:
        found.tried.append("needs, with each selection of the operands")
    found.first += [name for name in limited.first if name not in limited.wrong]
    found.second += [name for name in limited.second if name not in limited.wrong]
    wrong = ", ".join(limited.wrong)
    limits = [f"for matrices alone: it is wrong on {wrong}"] if wrong else []
    right = [each for each in found.first if each not in found.wrong]
    if found.problems and right and not operands:
        limits.insert(0, f"right on {right[-1]}: give such operands, to have them alone checked")
    return OperationReport(
        name, tuple(found.problems), tuple(found.summary()), (*limits, *refused), found.error
    )
