"""Findings on parameters that stay what they are: not reached, not held, or not moved."""

from collections.abc import Iterator

import numpy as np

from ..module import Module
from .case import Case
from .findings import Finding
from .words import listed

FEW = 0.1
"""More than this share of the parameters is more than a few."""


def parameters_never_change(case: Case) -> Iterator[Finding]:
    """Parameters that the loss does not reach, the optimizer does not hold, or no step moved."""
    names = _names(case)
    unreached = [i for i, gradient in enumerate(case.now.gradients) if gradient is None]
    held = None
    if case.optimizer is not None and not case.by_hand:
        held = set(case.optimizer.parameters)
    reasons: dict[str, list[int]] = {}
    for i in unreached:
        reasons.setdefault("unreached", []).append(i)
    if held is not None:
        for i, parameter in enumerate(case.parameters):
            if parameter not in held and i not in unreached:
                reasons.setdefault("not held", []).append(i)
    for i in _still(case):
        if not any(i in found for found in reasons.values()):
            reasons.setdefault(_why_still(case, i), []).append(i)
    for reason, places in reasons.items():
        cause, remedy, code, severity = _REASONS[reason]
        if reason == "not held" and held is not None and held.isdisjoint(case.parameters):
            severity = "error"
        seen = ""
        if case.monitor is not None:
            seen = f" in {len(case.monitor):,} steps"
        count = sum(np.size(case.parameters[i]._data) for i in places)
        total = sum(np.size(p._data) for p in case.parameters)
        evidence = {
            "unreached": "backward() from the loss reaches no gradient to them",
            "not held": f"{type(case.optimizer).__name__} holds "
            f"{len(held or ())} parameters, and not these",
            "no gradient": f"they did not move{seen}, for each step found no gradient at all",
            "no gradient, by hand": f"they did not move{seen}, for each found no gradient at all",
            "too late": f"they did not move{seen}, for each step found no gradient, which came "
            "after it",
            "left out": f"they did not move{seen}, where others did, though they have a gradient",
            "not written": f"they did not move{seen}, though each of these found a gradient",
            "zero rate": f"they did not move{seen}; the learning rate was 0",
            "zero gradient": f"they did not move{seen}, and their gradient is 0 at each sample",
            "too small": f"they did not move{seen}, though their gradient is not 0",
        }[reason]
        yield Finding(
            "parameters_never_change",
            _where(case, names, places),
            f"{len(places)} of {len(case.parameters)} parameters, {count:,} of {total:,} numbers: "
            + evidence,
            cause,
            remedy,
            severity,  # type: ignore[arg-type]
            code,
        )


_REASONS = {
    "unreached": (
        "a layer that forward() does not use, or a number taken out of the graph (.data, float(), "
        ".numpy(), no_grad)",
        "use the layer in forward(), and compute with Values and Tensors all the way to the loss",
        "x = self.layer(x)  # and not self.layer(x).data",
        "error",
    ),
    "not held": (
        "an optimizer that was built from another list of parameters, or before these were made",
        "build it from all parameters of the model; freeze on purpose by `constant = True`",
        "optimizer = nn.Adam(model.parameters())",
        "warning",
    ),
    "no gradient": (
        "backward() is missing, or zero_grad() stands between backward() and step()",
        "in each step: zero_grad(), then backward(), then step()",
        "optimizer.zero_grad()\nloss.backward()\noptimizer.step()",
        "error",
    ),
    "no gradient, by hand": (
        "backward() is missing, or the gradients are reset between it and the update",
        "in each step: zero_grad(), then backward(), then the update",
        "model.zero_grad()\nloss.backward()\n"
        "for p in model.parameters():\n    p.data -= lr * p.grad",
        "error",
    ),
    "too late": (
        "step() stands before backward(), and after zero_grad()",
        "in each step: zero_grad(), then backward(), then step()",
        "optimizer.zero_grad()\nloss.backward()\noptimizer.step()",
        "error",
    ),
    "not written": (
        "an update that makes new numbers and does not give them to the parameters: p = p - lr * "
        "p.grad only gives the name p to something else",
        "write into the parameters' data",
        "for p in model.parameters():\n    p.data -= lr * p.grad",
        "error",
    ),
    "left out": (
        "an update that goes over some of the parameters alone",
        "update all of them; freeze on purpose by `constant = True`",
        "for p in model.parameters():\n    p.data -= lr * p.grad",
        "warning",
    ),
    "zero rate": (
        "a learning rate of 0, from the optimizer or from a schedule",
        "give it a rate above 0",
        "optimizer.lr = 1e-2",
        "error",
    ),
    "zero gradient": (
        "no sample passes a gradient to them: units above are off, or weights above are 0",
        "mend what stops the gradient: dead units, saturation, or weights of zero",
        'nn.Linear(64, 32, init="he")',
        "error",
    ),
    "too small": (
        "steps below the precision of the numbers, about 1e-7 of them in float32",
        "raise the learning rate, or find out why the gradient is so small",
        "optimizer.lr = 1e-2",
        "error",
    ),
}


def _where(case: Case, names: list[str], places: list[int]) -> str:
    """Parameters by name; Values, of which there are many, by their layers."""
    if not case.is_scalar or len(places) < 3:
        return listed(names[i] for i in places)
    return listed(
        (layer.name or "the model") + (" in part" * (not set(layer.members) <= set(places)))
        for layer in case.layers
        if not set(layer.members).isdisjoint(places)
    )


def _names(case: Case) -> list[str]:
    if not isinstance(case.model, Module):
        return [f"parameters()[{i}]" for i in range(len(case.parameters))]
    return [name for name, _ in case.model.named_parameters()]


def _still(case: Case) -> list[int]:
    """Parameters that no step moved, and that should have: matrices, or whole layers of Values."""
    monitor = case.monitor
    if monitor is None or len(monitor) < 2 or monitor.parameters != case.parameters:
        return []
    unchanged = set(monitor.unchanged)
    if len(unchanged) == len(case.parameters):
        return sorted(unchanged)
    found: list[int] = []
    for layer in case.layers:
        whole = unchanged.issuperset(layer.members)
        matrices = [i for i in layer.members if np.ndim(case.parameters[i]._data) > 1]
        if whole and layer.is_matrix:
            found += layer.members
        else:
            found += [i for i in matrices if i in unchanged]
    # Single numbers may stay for want of a gradient; that many with one do is no chance.
    left = [i for i in unchanged if i not in found and np.any(case.now.gradients[i])]
    if len(left) > 1 and len(left) > FEW * len(case.parameters):
        found += left
    return sorted(i for i in found if not case.parameters[i].constant)


def _why_still(case: Case, i: int) -> str:
    monitor, gradient = case.monitor, case.now.gradients[i]
    if monitor is not None and not monitor.reached.any():
        return "no gradient, by hand" if monitor.by_hand else "no gradient"
    if monitor is not None and len(monitor.unchanged) == len(case.parameters):
        if monitor.by_hand and np.nansum(monitor.gradient_norms):
            return "not written"
        if not monitor.by_hand and not sum(monitor.optimizer.steps):
            return "too late"
    if monitor is not None and monitor.by_hand and np.any(gradient):
        return "left out"
    rates = case.course.rates
    if len(rates) and not np.nan_to_num(rates, nan=1.0).any():
        return "zero rate"
    # An array of zeros, or one number, as for a Value
    return "zero gradient" if gradient is not None and not np.any(gradient) else "too small"
