"""Why a gradient is wrong: the operation at fault, or what the function does behind its back.

The sweep adds up what operations pass on. So either an operation is wrong, or the sum, or the
function is not the one whose graph was made; the places are looked at in this order.
"""

from dataclasses import replace

import numpy as np

from ..node import Node
from .behaviour import forgets, leaps, not_finite, rewritten, unreached
from .evidence import Evidence
from .operations import wrong_operation
from .readings import Claims, Reading
from .reasons import why_wrong
from .report import Disagreement
from .subject import Subject
from .suspects import UNUSUAL, exchanged, same_as_another, suspect
from .uses import overwritten


def explain(
    subject: Subject,
    claims: Claims,
    readings: list[Reading],
    worst: Reading,
    rng: np.random.Generator,
) -> tuple[Disagreement | None, list[str]]:
    """The operation that is wrong, if one is, and sentences on why."""
    # The steps of the user's own served their purpose: here the best are wanted.
    claims = replace(claims, settings=claims.settings._replace(eps=None))
    if subject.failed and not np.isfinite(worst.measured.slope):
        return None, [
            f"f fails a step away from here ({subject.failed}), so it has no slope on both sides: "
            "choose inputs within its domain"
        ]
    if not np.isfinite(claims.f(claims.numbers)):
        return None, [not_finite(subject.run.results if subject.run else [])]
    if subject.by_hand or subject.run is None:
        return None, _by_hand(subject, claims, worst, rng)
    results = subject.run.results
    operation, reading, corners = wrong_operation(results, claims.settings, rng)
    if operation is not None:
        reasons = why_wrong(operation, reading, claims.settings, rng)
        if reading is None:
            return None, [f"the operation {operation.name} is wrong: {reasons[0]}"]
        return Disagreement.of(reading, f"{operation.name}, operand"), reasons
    wrong = [r for r in readings if r.error > claims.settings.rtol]
    reason = (
        overwritten(results, subject.weights, subject.run.inputs, subject.slopes)
        or unreached(results, subject.run.inputs, wrong)
        or leaps(claims, worst)
        or forgets(subject.graph, subject.numbers)
    )
    if not reason and corners:
        reason = (
            f"{corners[0]} stands at a kink, where it passes on a slope that is right for itself "
            "but not in this sum: move the inputs away from the kink"
        )
    if not reason and not np.isfinite(worst.measured.slope):
        reason = (
            "the function is not finite on both sides of this point: choose inputs within its "
            "domain"
        )
    reason = reason or rewritten(results)
    if not reason:
        reason = (
            "the function has a kink here, or does not give the same result twice, or takes "
            "numbers out of nodes"
        )
    if not any(isinstance(y, Node) and y.parents for y in results):
        return None, [reason]
    return None, [f"every operation is right by itself, but {reason}"]


def _by_hand(
    subject: Subject, claims: Claims, worst: Reading, rng: np.random.Generator
) -> list[str]:
    if subject.engine is not None:
        steps = subject.engine.wrong_steps(subject.run.results if subject.run else [])
        if steps:
            return steps
    k = worst.operand
    jump = leaps(claims, worst)
    if jump:
        return [jump]
    claims = claims.doubled or claims
    here = _evidence(claims, k, rng, worst.index)
    everywhere = here
    for _ in range(3 if subject.claim is not None and len(here.indices) < 8 else 0):
        other = _moved(subject, claims, rng)
        everywhere = everywhere.joined(_evidence(other, k, rng))
    others = {
        j: _evidence(claims, j, rng)
        for j, x in enumerate(claims.numbers)
        if j != k and len(claims.numbers) <= 8 and np.shape(x) == np.shape(claims.numbers[k])
    }
    told = exchanged(here, others, k, "input") or suspect(here, everywhere)
    told = told or same_as_another(here, others, k, "input")
    reused = ""
    if subject.run is not None:
        run = subject.run
        reused = overwritten(run.results, subject.weights, run.inputs, subject.slopes)
    return [sentence for sentence in (told, reused) if sentence] or [UNUSUAL]


def _evidence(
    claims: Claims, k: int, rng: np.random.Generator, also: tuple[int, ...] | None = None
) -> Evidence:
    quantities = {
        "the input itself" if j == k else f"input {j}": x for j, x in enumerate(claims.numbers)
    }
    lengths: dict[int, str] = {}
    for j, x in enumerate(claims.numbers):
        for axis, length in enumerate(np.shape(x)):
            lengths.setdefault(length, f"the length of axis {axis} of input {j}")
        lengths.setdefault(int(np.size(x)), f"the number of elements of input {j}")
    return Evidence.of(claims, claims.sample(k, rng, also), k, quantities, lengths)


def _moved(subject: Subject, claims: Claims, rng: np.random.Generator) -> Claims:
    numbers = []
    for x in subject.numbers:
        moved = np.asarray(x) * rng.uniform(1.05, 1.3, np.shape(x))
        numbers.append(float(moved) if isinstance(x, float) else moved.astype(x.dtype))
    slopes = subject.claim(numbers) if subject.claim is not None else []
    return replace(claims, numbers=numbers, slopes=slopes)
