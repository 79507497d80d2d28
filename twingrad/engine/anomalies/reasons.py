"""Why there is a NaN or an infinity: which numbers met, why that gives no number, what to do."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np

from .. import array_rules, layer_rules, list_rules, rules
from .found import Found, kind_of, largest

_PACKAGE = __name__.partition(".")[0]


@np.errstate(all="ignore")
def reason(found: Found) -> str:
    """The reason in words, with what to do."""
    if found.phase == "backward" and not np.isfinite(found.arrived).all():
        return (
            f"the gradient that arrived is {kind_of(found.arrived)} already; look at what was "
            "assigned to .grad"
        )
    blamed = _mask_times(found) or _brought(found)
    if blamed:
        return blamed
    explain = (_FORWARD if found.phase == "forward" else _BACKWARD).get(found.rule)
    said = explain(found) if explain else ""
    if said:
        return said
    if any(not np.isfinite(x).all() for x in found.numbers):
        return _of_infinities(found)
    return _overflow(found) if _is_ours(found.rule) else _own_rule(found)


def _brought(found: Found) -> str:
    """Whether an operand held it already, that was not computed where it would have been seen."""
    bad = [x for x in found.operands if not np.isfinite(x.numbers).all() and x.origin != "within"]
    if found.phase == "backward" or not bad:
        return ""
    x = next((x for x in bad if kind_of(x.numbers) == kind_of(found.result)), bad[0])
    holds = f"{'its operand' if x.name == 'operand' else x.name} holds {kind_of(x.numbers)}"
    if x.origin == "before":
        return f"{holds}, which was computed before detect_anomaly() began; let it begin earlier"
    if x.changed:
        return (
            f"{holds} since it was changed{x.changed}; if a step did that, lower the learning rate "
            "or clip the gradients (clip_grad_norm), if it was loaded, look at the file"
        )
    return (
        f"{holds}, which came in with the data, it was not computed: look where this is made or "
        "loaded (np.isfinite(x).all())"
    )


def _mask_times(found: Found) -> str:
    """Whether a mask of ones and zeros was multiplied by infinity."""
    if found.phase == "backward" or found.rule is not rules.mul:
        return ""
    for (x, y), operand in zip(permutations(found.numbers), found.operands, strict=True):
        if operand.origin == "leaf" and (np.isinf(x) & (y == 0.0)).any():
            return "0 · ∞ is nan; a mask selects, it does not multiply: where(mask, -inf, x)"
    return ""


def _of_infinities(found: Found) -> str:
    """Infinities that were let pass, as those of a mask, have met what makes no number of them."""
    met = {
        rules.add: "∞ - ∞",
        rules.sub: "∞ - ∞",
        rules.mul: "0 · ∞",
        rules.divide: "∞ / ∞",
        array_rules.matmul: "0 · ∞ or ∞ - ∞",
        layer_rules.linear: "0 · ∞ or ∞ - ∞",
        list_rules.dot: "0 · ∞ or ∞ - ∞",
    }
    what = met.get(found.rule, "") if found.phase == "forward" else "0 · ∞ in a gradient"
    begin = f"{what}: an" if what and kind_of(found.result) == "nan" else "an"
    return (
        f"{begin} infinity that was let pass, as that of a mask is, came here; mask as late as "
        "possible, right before the softmax, or mask with a large number, -1e9"
    )


def _overflow(found: Found) -> str:
    numbers = [*found.numbers, *([] if found.arrived is None else [found.arrived])]
    limit = float(np.finfo(np.asarray(found.result).dtype).max)
    nan = ", and ∞ - ∞ or 0 · ∞ is nan" if kind_of(found.result) == "nan" else ""
    if found.phase == "backward" and largest(found.numbers) < largest([found.arrived]):
        asked = (
            "gradients explode where each operation makes them larger; are the weights too large?"
        )
    else:
        asked = "are the weights, the inputs or the learning rate too large?"
    return (
        f"it overflowed: the numbers reach {largest(numbers):.3g}, and beyond {limit:.3g} there is "
        f"only inf{nan}; {asked}"
    )


def _is_ours(rule: Any) -> bool:
    return str(getattr(rule, "__module__", "")).startswith(f"{_PACKAGE}.")


def _own_rule(found: Found) -> str:
    what = "its result" if found.phase == "forward" else "its pullback"
    return (
        f"finite numbers gave none: {what} divides by 0, overflows, or is wrong; have the rule "
        "looked at with gradcheck or check_op"
    )


def _log(found: Found) -> str:
    x = found.numbers[0]
    if (x < 0.0).any():
        return "log of a negative number has no value; is it a probability, or a difference?"
    if (x > 1.0).any() and (x == 0.0).any():  # no probabilities
        return (
            "log of 0; a where() after it would be too late, for the slope is infinite too: choose "
            "before, log(where(x > 0, x, 1.0))"
        )
    if (x == 0.0).any():
        return (
            "log of 0: a probability underflowed; use log_softmax, or a loss that takes logits: "
            "cross_entropy, binary_cross_entropy_with_logits"
        )
    return ""


def _exp(found: Found) -> str:
    x = found.numbers[0]
    limit = float(np.log(np.finfo(x.dtype if x.dtype.kind == "f" else np.float64).max))
    return (
        f"exp of {float(np.nanmax(x)):.6g} overflows, as of anything above {limit:.4g}; softmax, "
        "logsumexp and softplus are computed so that they do not"
    )


def _sqrt(found: Found) -> str:
    return "the square root of a negative number has no value; was it a difference, or rounding?"


def _divide(found: Found) -> str:
    x, y = found.numbers
    if (y == 0.0).any():
        what = "0/0" if ((x == 0.0) & (y == 0.0)).any() else "a division by 0"
        if (y != 0.0).any():
            return (
                f"{what}; a where() after it would be too late, for the slope is infinite too: "
                "choose before, x / where(y == 0, 1.0, y)"
            )
        return f"{what}; is it a mean of nothing, a norm or a standard deviation of equal numbers?"
    smallest = float(np.abs(y).min(initial=np.inf))
    if smallest < 1.0 and np.isfinite(x).all():
        return f"a division by {smallest:.3g}, next to 0, overflows; add a small number below"
    return ""


def _power(found: Found) -> str:
    x, y = found.numbers
    if ((x < 0.0) & (y != np.floor(y))).any():
        return "a negative number to a power that is not whole has no real value"
    if ((x == 0.0) & (y < 0.0)).any():
        return "0 to a negative power is a division by 0"
    if np.isfinite(x).all() and np.isfinite(y).all():
        return (
            f"it overflowed: bases reach {largest([x]):.3g} and powers {largest([y]):.3g}; are the "
            "weights, the inputs or the learning rate too large?"
        )
    return ""


def _spread(found: Found) -> str:
    x, axis, ddof = found.numbers[0], found.static.get("axis"), found.static.get("ddof", 0)
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis)
    n = int(np.prod([x.shape[i] for i in axes]))
    if n > ddof:
        return ""
    of = f"{n} number{'s' * (n != 1)}" if n else "nothing"
    less = f" with ddof={ddof}" if ddof else ""
    return f"the {found.name} of {of}{less} is 0/0; is this axis, or the batch, too short?"


def _softmax(found: Found) -> str:
    if any((x == np.inf).any() for x in found.numbers):
        return ""
    return (
        "everything in a row is -inf, so all of it is masked, and its softmax is 0/0; leave at "
        "least one of them unmasked"
    )


def _cross_entropy(found: Found) -> str:
    return (
        "the logit of a target is -inf, so its probability is 0, and -log 0 is inf; is the right "
        "answer masked?"
    )


def _log_back(found: Found) -> str:
    return "the slope of log x is 1/x, which overflows where x is next to 0: log(x + 1e-12)"


def _sqrt_back(found: Found) -> str:
    grad = np.asarray(found.arrived)
    if not (found.numbers[0] == 0.0).any():
        return ""
    product = kind_of(found.result) == "nan" and (grad == 0.0).any()
    late = "; where() helps below the root, not after it" if product else ""
    return (
        f"{'0 · ∞' if product else '∞'} in the gradient of sqrt at 0: its slope 1/(2√x) is "
        "infinite there; add a small number below the root, sqrt(x + 1e-12), or differentiate "
        f"the square{late}"
    )


def _power_back(found: Found) -> str:
    x, y = found.numbers
    if found.position == 0 and ((x == 0.0) & (y < 1.0)).any():
        what = f"the gradient of {found.part_of} has" if found.part_of else "the slope of xʸ is"
        slope = "xʸ, whose slope is y·xʸ⁻¹" if found.part_of else "y·xʸ⁻¹"
        return f"{what} {slope}, infinite at 0 for a power below 1; add a small number to x"
    if found.position == 1 and (x < 0.0).any():
        return "the slope of xʸ in y is xʸ log x, and log of a negative number has no value"
    return ""


def _divide_back(found: Found) -> str:
    y = found.numbers[1]
    smallest = float(np.abs(y).min(initial=np.inf))
    if smallest >= 1.0:
        return ""
    return (
        f"the slopes of x/y are 1/y and -x/y², which overflow where y is next to 0, here "
        f"{smallest:.3g}"
    )


_FORWARD: dict[Any, Callable[[Found], str]] = {
    rules.log: _log,
    rules.exp: _exp,
    rules.sqrt: _sqrt,
    rules.divide: _divide,
    rules.power: _power,
    array_rules.mean: _spread,
    array_rules.var: _spread,
    array_rules.std: _spread,
    array_rules.softmax: _softmax,
    array_rules.log_softmax: _softmax,
    list_rules.exp_difference: _softmax,
    array_rules.cross_entropy: _cross_entropy,
    list_rules.cross_entropy_of: _cross_entropy,
}
_BACKWARD: dict[Any, Callable[[Found], str]] = {
    rules.log: _log_back,
    rules.sqrt: _sqrt_back,
    rules.power: _power_back,
    rules.divide: _divide_back,
}
