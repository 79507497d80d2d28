"""What to say of a NaN or an infinity: which numbers met, why that gives no number, what to do."""

import linecache
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import array_rules, rules
from .symbols import operation_name


@dataclass(frozen=True)
class Found:
    """An anomaly: the operation, its operands' numbers, and what came of them.

    `result` is what the operation gave, or the gradient that it passed to the operand at
    `position`; `arrived` is then the gradient that had arrived.
    """

    phase: str
    rule: Any
    static: dict[str, Any]
    numbers: Sequence[Any]
    labels: Sequence[str]
    computed: Sequence[bool]
    result: Any
    position: int = 0
    arrived: Any = None

    @property
    def name(self) -> str:
        """The operation as it is shown: "log"."""
        return operation_name(self.rule)

    def operand(self, position: int) -> str:
        """What to call an operand: its label, or its place."""
        if self.labels[position]:
            return repr(self.labels[position])
        return "operand" if len(self.numbers) == 1 else f"operand {position + 1}"


def report(found: Found, filename: str, line: int, path: str) -> str:
    """The whole message."""
    kind = _kind(found.result)
    if found.phase == "forward":
        head = f"forward, {found.name} gave {kind}"
    else:
        head = f"backward, {found.name} passed {kind} on to {found.operand(found.position)}"
    source = linecache.getline(filename, line).strip()
    rows = [("at", f"{filename}:{line}" + (f"  {source}" if source else ""))]
    rows += [("in", path)] if path else []
    rows += [(found.operand(i), summary(x)) for i, x in _shown(found)]
    if found.phase == "backward":
        rows.append(("arrived", summary(found.arrived)))
        rows.append(("passed on", summary(found.result)))
    else:
        rows.append(("result", summary(found.result)))
    rows.append(("why", _why(found)))
    width = max(len(key) for key, _ in rows)
    return "\n".join([head, *(f"  {key.ljust(width)}  {words}" for key, words in rows)])


MOST_OPERANDS = 4


def _shown(found: Found) -> list[tuple[int, Any]]:
    """All operands, if they are few; of many those that are no numbers, or else the largest."""
    every = list(enumerate(found.numbers))
    if len(every) <= MOST_OPERANDS:
        return every
    ill = [(i, x) for i, x in every if not np.isfinite(x).all()]
    largest = sorted(every, key=lambda entry: -_size(entry[1]))
    return sorted((ill or largest)[:MOST_OPERANDS])


def _size(x: Any) -> float:
    with np.errstate(all="ignore"):
        return float(np.nanmax(np.abs(x), initial=0.0))


def summary(x: Any) -> str:
    """A number, or of an array its shape, how many are no numbers, where the first is, the range.

    >>> from twingrad.engine.anomaly_words import summary
    >>> summary(np.array([[1.0, np.nan], [np.inf, -2.0]]))
    '(2, 2) float64: 1 of 4 nan, 1 inf, the first at (0, 1); the others -2 … 1'
    """
    array = np.asarray(x)
    if array.ndim == 0:
        return repr(float(array))
    finite = np.isfinite(array)
    words = f"{array.shape} {array.dtype}: "
    if not finite.all():
        nans = int(np.isnan(array).sum())
        infinities = int(np.isinf(array).sum())
        counts = [f"{n} {name}" for n, name in ((nans, "nan"), (infinities, "inf")) if n]
        counts[0] = counts[0].replace(" ", f" of {array.size} ", 1)
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        words += f"{', '.join(counts)}, the first at {first if array.ndim > 1 else first[0]}"
        if not finite.any():
            return words
        words += "; the others "
    held = array[finite]
    return words + f"{held.min():.6g} … {held.max():.6g}"


def _kind(x: Any) -> str:
    array = np.asarray(x)
    if np.isnan(array).any():
        return "nan"
    return "inf" if (array == np.inf).any() else "-inf"


# Why


def _why(found: Found) -> str:
    if found.phase == "backward" and not np.isfinite(found.arrived).all():
        return (
            "the gradient that arrived was no number already: backward() was given it, or it was "
            "computed before detect_anomaly() began"
        )
    for i, x in enumerate(found.numbers):
        if not np.isfinite(x).all() and found.phase == "forward":
            came = (
                "was computed before detect_anomaly() began; let it begin earlier"
                if found.computed[i]
                else "came in with the data, it was not computed: look where this is made or "
                "loaded (np.isfinite(x).all()), and at parameters that an earlier step has ruined"
            )
            return f"{found.operand(i)} holds {_kind(x)}, which {came}"
    reasons = _FORWARD if found.phase == "forward" else _BACKWARD
    explain = reasons.get(found.rule)
    said = explain(found) if explain else ""
    return said or _generic(found)


def _generic(found: Found) -> str:
    largest = max(map(_size, [*found.numbers, *([] if found.arrived is None else [found.arrived])]))
    limit = float(np.finfo(np.asarray(found.result).dtype).max)
    if largest > 1e3 and _kind(found.result) != "nan":
        return (
            f"it overflowed: the numbers reach {largest:.3g}, and beyond {limit:.3g} there is only "
            "inf; is the learning rate too high, are the inputs not scaled?"
        )
    return "finite numbers gave none; the rule of this operation should be looked at with gradcheck"


def _log(found: Found) -> str:
    x = np.asarray(found.numbers[0])
    if (x < 0.0).any():
        return "log of a negative number has no value; is it a probability, or a difference?"
    return (
        "log of 0: a probability underflowed; use log_softmax, or a loss that takes logits: "
        "cross_entropy, binary_cross_entropy_with_logits"
    )


def _exp(found: Found) -> str:
    x = np.asarray(found.numbers[0])
    limit = float(np.log(np.finfo(x.dtype if x.dtype.kind == "f" else np.float64).max))
    return (
        f"exp of {float(np.nanmax(x)):.6g} overflows, as of anything above {limit:.4g}; softmax, "
        "logsumexp and softplus are computed so that they do not"
    )


def _sqrt(found: Found) -> str:
    return "the square root of a negative number has no value; was it a difference, or rounding?"


def _divide(found: Found) -> str:
    y = np.asarray(found.numbers[1])
    if not (y == 0.0).any():
        return ""
    over = (np.asarray(found.numbers[0]) == 0.0) & (y == 0.0)
    what = "0/0" if over.any() else "a division by 0"
    return f"{what}; is it a mean of nothing, a norm or a standard deviation of equal numbers?"


def _power(found: Found) -> str:
    x, y = (np.asarray(n) for n in found.numbers)
    if (x < 0.0).any() and (y != np.floor(y)).any():
        return "a negative number to a power that is not whole has no real value"
    if ((x == 0.0) & (y < 0.0)).any():
        return "0 to a negative power is a division by 0"
    return ""


def _sqrt_back(found: Found) -> str:
    grad = np.asarray(found.arrived)
    product = "0 · ∞ in" if (grad == 0.0).any() and _kind(found.result) == "nan" else "∞ in"
    return (
        f"{product} the gradient of sqrt at 0: its slope 1/(2√x) is infinite there; add a small "
        "number below the root, sqrt(x + 1e-12), or differentiate the square"
    )


def _power_back(found: Found) -> str:
    x, y = (np.asarray(n) for n in found.numbers)
    if found.position == 0 and ((x == 0.0) & (y < 1.0)).any():
        return (
            "the slope of xʸ is y·xʸ⁻¹, infinite at 0 for a power below 1; add a small number to x"
        )
    if found.position == 1 and (x < 0.0).any():
        return "the slope of xʸ in y is xʸ log x, and log of a negative number has no value"
    return ""


def _divide_back(found: Found) -> str:
    y = np.asarray(found.numbers[1])
    if not (np.abs(y) < 1e-100).any() and y.dtype != np.float32:
        return ""
    return "the slope of x/y in y is -x/y², which overflows where y is next to 0"


def _std_back(found: Found) -> str:
    return (
        "the standard deviation of equal numbers is 0, and its slope there infinite; add a small "
        "number: (x.var() + 1e-12).sqrt()"
    )


_FORWARD: dict[Any, Callable[[Found], str]] = {
    rules.log: _log,
    rules.exp: _exp,
    rules.sqrt: _sqrt,
    rules.divide: _divide,
    rules.power: _power,
}
_BACKWARD: dict[Any, Callable[[Found], str]] = {
    rules.sqrt: _sqrt_back,
    rules.power: _power_back,
    rules.divide: _divide_back,
    array_rules.std: _std_back,
}
