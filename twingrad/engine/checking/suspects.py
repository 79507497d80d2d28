"""What a wrong gradient looks like, and hence which mistake made it.

Each suspect is a pattern that one mistake leaves in claimed slopes beside measured ones: a ratio
that is the same everywhere, the transposed array, zeros. The first that fits all of it is named.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from .evidence import Evidence
from .readings import at

PASSED_ON = "the gradient that arrives is passed on as it came"
UNUSUAL = (
    "none of the usual mistakes fits (a sign, a factor, a term, a use left out, a transposed "
    "array, a broadcast axis): work out this derivative again"
)


def suspect(evidence: Evidence, everywhere: Evidence) -> str:
    """The mistake that explains what was seen here, and also elsewhere; "" if none does."""
    if not evidence.indices:
        return ""
    for pattern in (_not_finite, _zero, _constant):
        told = pattern(everywhere)
        if told:
            return told
    return (
        _factor(everywhere)
        or _transposed(evidence)
        or _offset(everywhere)
        or _side(evidence)
        or _passed_on(everywhere)
        or _few(evidence)
    )


def exchanged(here: Evidence, others: dict[int, Evidence], k: int, name: str) -> str:
    """The sentence for two gradients in each other's place, or ""."""
    for j, there in others.items():
        if there.claimed.shape != here.claimed.shape or there.agrees(
            there.backward, there.measured
        ):
            continue
        mine = np.array([there.claimed[index] for index in here.indices])
        yours = np.array([here.claimed[index] for index in there.indices])
        if here.agrees(mine, here.measured) and there.agrees(yours, there.measured):
            first, second = sorted((j, k))
            return (
                f"the gradients of {name}s {first} and {second} are exchanged: they come in the "
                f"order of the {name}s"
            )
    return ""


def same_as_another(here: Evidence, others: dict[int, Evidence], k: int, name: str) -> str:
    """The sentence for a gradient that is right, but of another operand, or ""."""
    for j, there in others.items():
        if np.array_equal(there.claimed, here.claimed) and not there.wrong.any():
            return (
                f"{name} {k} is given the gradient of {name} {j}: both get the same, and only that "
                f"of {name} {j} is right"
            )
    return ""


def _not_finite(e: Evidence) -> str:
    ill = ~np.isfinite(e.backward)
    if ill.any():
        if np.isfinite(e.measured[ill]).all():
            kind = "nan" if np.isnan(e.backward[ill]).any() else "infinite"
            return (
                f"backward is {kind} where the slope is finite: 0 · inf or 0/0 in the way back; "
                "where() must keep the offending number out, not only its result"
            )
        return "neither the slope nor backward is finite here: move away from this point"
    if not np.isfinite(e.measured).all():
        return (
            "the function is not finite on both sides of this point, so it has no slope there: "
            "choose inputs within its domain"
        )
    return ""


def _zero(e: Evidence) -> str:
    if np.any(e.backward) or not np.any(np.abs(e.measured) > e.blur):
        return ""
    return (
        "it is treated as a constant: its gradient is missing, or 0 everywhere, although the "
        "result changes with it"
    )


def _constant(e: Evidence) -> str:
    if np.any(np.abs(e.measured) > 4.0 * e.blur):
        return ""
    return (
        "a constant is treated as a variable: the result does not change with it here, so "
        "its gradient is 0 (or None)"
    )


def _factor(e: Evidence) -> str:
    ratios = e.ratios
    if ratios.size and ratios.size == np.count_nonzero(e.backward):
        ratio = float(np.median(ratios))
        if e.agrees(e.backward, ratio * e.measured):
            return _named_ratio(ratio, e)
    for name, q in e.quantities.items():
        if q.size < 3 or np.ptp(q) <= 1e-3 * np.max(np.abs(q)):
            continue  # as good as a constant
        told = _by_a_quantity(name, q, e)
        if told:
            return told
    return ""


def _by_a_quantity(name: str, q: Any, e: Evidence) -> str:
    """A factor that is no constant, but a number at hand, or a multiple of it."""
    for claimed, measured, words in (
        (e.backward * q, e.measured, "a factor is missing: multiply by"),
        (e.backward, e.measured * q, "a factor too many: it is multiplied by"),
    ):
        seen = claimed != 0.0
        if not seen.any():
            continue
        share = float(np.median(measured[seen] / claimed[seen]))
        if share and np.isfinite(share) and e.agrees(share * claimed, measured):
            share = share if "missing" in words else 1.0 / share
            nice = abs(float(Fraction(share).limit_denominator(60)) - share) <= 1e-6 * abs(share)
            if name == "the gradient that arrives" and not nice:
                continue  # a sum of it, rather
            times = "" if abs(abs(share) - 1.0) < 1e-3 else f"{abs(share):.6g} times "
            minus = ", and the sign is flipped" if share < 0.0 else ""
            return f"{words} {times}{name}{minus}"
    return ""


def _passed_on(e: Evidence) -> str:
    arriving = e.quantities.get("the gradient that arrives")
    if arriving is None or not e.agrees(e.backward, arriving):
        return ""
    return f"{PASSED_ON}: multiply it by the slope of this operation"


def _named_ratio(ratio: float, e: Evidence) -> str:
    if abs(ratio + 1.0) <= 1e-3:
        return "the sign is flipped: backward is minus the slope everywhere"
    flipped = ", and the sign is flipped" if ratio < 0.0 else ""
    size = abs(ratio)
    for factor, verb, instead in (
        (1.0 / size, "is missing", "a mean was taken for a sum, or one part for all of them"),
        (size, "too many", "a sum was taken for a mean"),
    ):
        whole = round(factor)
        if whole >= 2 and abs(factor - whole) <= 1e-3 * whole:
            length = e.lengths.get(whole)
            reason = f": {whole} is {length}, so perhaps {instead}" if length else ""
            return f"a factor {whole} {verb} everywhere{flipped}{reason}"
    share = Fraction(size).limit_denominator(12)
    exact = abs(float(share) - size) <= 1e-6 * size
    times = str(share) if exact else f"{size:.6g}"
    return f"it is {times} of what it should be everywhere{flipped}: look for a constant factor"


def _transposed(e: Evidence) -> str:
    if e.claimed.ndim < 2 or e.claimed.shape[-1] != e.claimed.shape[-2]:
        return ""
    swapped = np.swapaxes(e.claimed, -1, -2)
    turned = np.array([swapped[index] for index in e.indices])
    if e.agrees(turned, e.measured):
        return "it is transposed: backward's element (i, j) is the slope in element (j, i)"
    return ""


def _offset(e: Evidence) -> str:
    gaps = e.backward - e.measured
    if gaps.size < 3 or not e.agrees(e.backward, e.measured + np.median(gaps)):
        return ""
    return f"it is off by {np.median(gaps):.6g} everywhere: a term is missing, or too many"


def _side(e: Evidence) -> str:
    """Where the sign of the operand tells which elements are wrong."""
    count = int(np.count_nonzero(e.wrong))
    for side, mask in _sides(e.quantities.get("the operand itself")):
        if 1 < count < len(e.indices) and np.array_equal(mask, e.wrong):
            return f"it is wrong exactly where the operand is {side}, {count} of {_looked(e)}"
    return ""


def _few(e: Evidence) -> str:
    """Which elements are wrong, where most are right."""
    wrong = e.wrong
    count, every = int(np.count_nonzero(wrong)), len(e.indices)
    if not 0 < 2 * count <= every:
        return ""
    first = next(index for index, bad in zip(e.indices, wrong, strict=True) if bad)
    listed = at(first).removeprefix(", ")
    told = f"only {count} of {_looked(e)} {'is' if count == 1 else 'are'} wrong: {listed}"
    if count == 1:
        return told
    arriving = e.quantities.get("the gradient that arrives", 1.0)
    gaps = ((e.backward - e.measured) / arriving)[wrong]
    alike = np.ptp(gaps) <= e.tolerance * abs(np.median(gaps))
    off = f", each off by {np.median(gaps):.6g}: a term is missing there, or too many"
    return f"{told} and others{off if alike else ''}"


def _looked(e: Evidence) -> str:
    every = len(e.indices)
    return f"{every} elements" + ("" if every == e.claimed.size else " looked at")


def _sides(x: Any) -> Iterator[tuple[str, Any]]:
    if x is not None:
        yield "negative", x < 0.0
        yield "positive", x > 0.0
        yield "0", x == 0.0
