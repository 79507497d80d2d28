"""Findings on how a step is made: sums never reset, the wrong sign, nothing moved.

They rest on what a Monitor saw; some can be told from a model and its loss alone.
"""

from collections.abc import Iterator

import numpy as np

from ..module import Module
from .case import Case
from .findings import Finding
from .words import listed, short


def gradients_accumulating(case: Case) -> Iterator[Finding]:
    """Gradients that are the sum of all so far."""
    monitor = case.monitor
    if monitor is None or len(monitor) < 3:
        return
    totals = np.sqrt(np.nansum(monitor.gradient_norms**2, axis=1))
    piled = monitor.motion.piled
    turns = monitor.turns[1:4]
    # Without the graph of the loss: the sum of like gradients grows as 1, 2, 3, 4.
    counted = totals[1:4] / totals[0] if totals[0] > 0.0 else np.zeros(0)
    grows = (
        not piled
        and len(counted) == 3
        and bool((np.abs(counted / [2.0, 3.0, 4.0] - 1.0) < 0.3).all() and (turns > 0.9).all())
    )
    if not (monitor.accumulating or grows):
        return
    first = ", ".join(short(x) for x in totals[:4])
    evidence = f"the norm of the gradient in the first steps is {first}"
    if piled:
        evidence += (
            f"; in {sum(piled)} of the first {len(piled)} steps that were looked at, the gradient "
            "is that of the loss plus the one of the step before"
        )
    name = "model" if monitor.by_hand else "optimizer"
    yield Finding(
        "gradients_accumulating",
        "the training loop",
        evidence,
        f"{name}.zero_grad() is missing before backward()",
        "reset the gradients in each step, before backward()",
        "error",
        f"{name}.zero_grad()\nloss.backward()",
    )


def ascent(case: Case) -> Iterator[Finding]:
    """Steps along the gradient instead of against it, or down a loss of the wrong sign."""
    monitor, trial = case.monitor, case.first_trial
    if monitor is not None and len(monitor) >= 2:
        descents = monitor.descents[np.isfinite(monitor.descents)]
        if len(descents) >= 2 and np.median(descents) < -0.1 and np.mean(descents < 0.0) > 0.8:
            yield _ascent(
                f"in {np.mean(descents < 0.0):.0%} of {len(descents)} steps the weights moved "
                f"along the gradient (median cosine with the way down {np.median(descents):.2f}); "
                f"the loss went from {short(monitor.losses[0])} to {short(monitor.losses[-1])}",
                "a gradient that is added where it must be subtracted",
                "p.data -= lr * p.grad" if monitor.by_hand else "x -= lr * grad",
            )
            return
        seen = case.first or case.now
        if monitor.losses[0] < 0.0 < seen.loss and not case.now.loss < seen.loss:
            yield _ascent(
                f"the loop stepped down from {short(monitor.losses[0])} to "
                f"{short(monitor.losses[-1])}, while the loss itself went up from "
                f"{short(seen.loss)} to {short(case.now.loss)}",
                "a loss with its sign turned, so that less of it is worse",
                "loss.backward()  # and not (-loss).backward()",
            )
            return
    if trial is None:
        return
    up = [trial.gain(n) for n in (1e-3, 1e-2, 0.1, 1.0)]
    if all(gain < 0.0 for gain in up[1:]) and trial.gain(-1.0) > 1e-4 and up[0] <= 0.0:
        yield _ascent(
            f"a step of the optimizer takes the loss from {short(trial.start)} to "
            f"{short(trial.losses[1.0])}, a tenth of it to {short(trial.losses[0.1])}; the same "
            f"step backwards to {short(trial.losses[-1.0])}",
            f"the update of {type(case.optimizer).__name__} adds the gradient",
            "x -= self.lr * grad",
        )


def _ascent(evidence: str, cause: str, code: str) -> Finding:
    return Finding(
        "ascent", "the training loop", evidence, cause, "step against the gradient", "error", code
    )


def parameters_never_change(case: Case) -> Iterator[Finding]:
    """Parameters that the loss does not reach, the optimizer does not hold, or no step moved."""
    names = _names(case)
    unreached = [i for i, gradient in enumerate(case.now.gradients) if gradient is None]
    held = None
    if case.optimizer is not None:
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
            "zero rate": f"they did not move{seen}; the learning rate was 0",
            "zero gradient": f"they did not move{seen}, and their gradient is 0 at each sample",
            "too small": f"they did not move{seen}, though their gradient is not 0",
        }[reason]
        yield Finding(
            "parameters_never_change",
            listed(names[i] for i in places),
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
    return [i for i in found if not case.parameters[i].constant]


def _why_still(case: Case, i: int) -> str:
    monitor, gradient = case.monitor, case.now.gradients[i]
    if monitor is not None and not monitor.reached.any():
        return "no gradient"
    rates = case.course.rates
    if len(rates) and not np.nan_to_num(rates, nan=1.0).any():
        return "zero rate"
    # An array of zeros, or one number, as for a Value
    return "zero gradient" if gradient is not None and not np.any(gradient) else "too small"
