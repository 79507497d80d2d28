"""Findings on single steps against the many: jumps, noise, clipping."""

from collections.abc import Iterator

import numpy as np

from ...engine import Value
from .case import SMOOTH, Case
from .findings import Finding
from .words import listed, share, short

NOISY = 15.0
"""A batch this many times smaller than the noise scale is too small."""
TINY = 4
"""Batches of no more are too small even where they still get on, slowly."""
WILD = 50.0
"""No sample is so hard that its loss is so many times that of a constant answer."""
ALWAYS = 0.9
"""So large a share of steps being cut is always."""


def signal_of(case: Case, begin: float) -> float:
    """The share of a squared gradient that is not noise: E[g·g']/E[|g|²], g' of the next batch."""
    monitor = case.monitor
    if monitor is None:
        return 1.0
    totals = np.sqrt(np.nansum(monitor.gradient_norms**2, axis=1))
    at = max(1, int(begin * len(totals)))
    products = monitor.turns[at:] * totals[at:] * totals[at - 1 : -1]
    squares = totals[at:] ** 2
    usual = np.isfinite(products)
    return float(products[usual].mean() / squares[usual].mean()) if usual.any() else 1.0


def batch_too_small(case: Case) -> Iterator[Finding]:
    """Steps that are nearly all noise, in a run that stands still above what could be reached."""
    monitor = case.monitor
    if monitor is None or len(monitor) < 200 or not case.course.is_finite:
        return
    size = None
    if monitor.epoch_steps:
        size = max(1, round(len(case.X) / monitor.epoch_steps))
        if size > 16 or monitor.epoch_steps < 4:
            return
    elif case.takes_all:
        return
    signal = signal_of(case, 0.5)
    noise = 1.0 / signal - 1.0 if signal > 0.0 else np.inf
    tiny = size is not None and size <= TINY
    if noise < (NOISY / 3.0 if tiny else NOISY):
        return
    losses = monitor.losses
    quarter = len(losses) // 4
    middle = float(np.mean(losses[-2 * quarter : -quarter]))
    end = float(np.mean(losses[-quarter:]))
    still = end > (0.6 if tiny else 0.9) * middle
    if not (still and end > 0.15 * case.trivial):
        return
    # So much fell in a quarter of the run, and so much would in a few steps without the noise.
    fell, gain = 1.0 - end / middle, case.smoothed
    if not gain > max(0.05, 3.0 * fell * SMOOTH / quarter):
        return
    of = f"of about {size} sample{'s' * (size > 1)} " if size else ""
    scale = f"; a batch should be nearer to {round(noise * size):,}" if size and noise < 1e6 else ""
    seen = "over 1,000" if noise > 1e3 else short(noise)
    yield Finding(
        "batch_too_small",
        "training",
        f"in the second half, successive gradients {of}agree so little that the noise scale is "
        f"{seen} times the batch{scale}; in the last {quarter:,} steps the mean loss is "
        f"{short(end)}, after {short(middle)} in as many before, though {SMOOTH} steps by the "
        f"gradient over {len(case.sample[0])} samples would lower it by {share(gain)}",
        "batches so small that their samples decide where a step goes",
        "larger batches, or a learning rate that decays, which averages over steps",
        "warning",
        "nn.fit(…, batch_size=64)",
    )


def clipping_always_binds(case: Case) -> Iterator[Finding]:
    """Gradients whose norm is the same in nearly every step."""
    monitor = case.monitor
    if monitor is None or len(monitor) < 10:
        return
    totals = np.sqrt(np.nansum(monitor.gradient_norms**2, axis=1))
    limit = monitor.clip_norm
    if limit is None or not np.isfinite(limit):
        limit = float(np.median(totals))
        exact = 1e-5 if not isinstance(case.parameters[0], Value) else 1e-9
        # A gradient that is the same at each step was cut by nobody: nothing moves.
        if not float(np.nanmedian([*monitor.turns[1:], 1.0])) < 0.9999:
            return
        cut = np.abs(totals - limit) < exact * limit
        told = f"the norm of the gradient is {short(limit)}"
    else:
        cut = totals > limit * (1.0 - 1e-4)
        told = f"the gradient was cut to the norm {short(limit)}"
    # A run that has converged is not cut any more, whatever the limit.
    early = float(cut[: len(cut) // 2].mean())
    if not limit > 0.0 or early < ALWAYS or float(cut.mean()) < 0.5:
        return
    own = float(np.linalg.norm(case.now.vector))
    count = len(case.sample[0])
    beyond = f"; over {count:,} samples it is {short(own)} now" if own > limit else ""
    yield Finding(
        "clipping_always_binds",
        "training",
        f"in {cut.sum()} of {len(cut)} steps {told}{beyond}",
        "a limit below the usual norm of the gradient",
        "set the limit to a norm that only the largest tenth of the steps exceeds, then tune the "
        "rate again",
        "warning",
        f"nn.fit(…, clip_norm={short(10.0 * max(limit, own / 5.0))})",
    )


def spikes(case: Case) -> Iterator[Finding]:
    """Single losses far above those around them, after which it falls back."""
    course = case.course
    if case.fresh or not course.is_finite:
        return
    curve, unit = course.curve, course.unit
    if case.monitor is not None and len(case.monitor) >= 30:
        curve, unit = case.monitor.losses, "step"
    if len(curve) < 10 or float(curve.min()) < 0.0:
        return
    window = 5 if unit == "epoch" else 20
    # The losses of batches vary by themselves; a jump is far beyond all but a few of them.
    worth = 0.2 if unit == "epoch" else 0.25
    tail = 0.0 if unit == "epoch" else 3.0 * float(np.quantile(curve[len(curve) // 5 :], 0.9))
    found = []
    for i in range(window, len(curve) - 1):
        before = curve[i - window : i]
        level = float(np.median(before))
        jump = curve[i] - level
        high = curve[i] > max(2.5 * level, 1.3 * float(before.max()), tail)
        after = curve[i + 1 : i + 1 + window]
        back = after.min() < level + 0.5 * jump
        # A sample that is hard to get right leaves the steps after it as they were; where batches
        # are so small that one of them makes a jump, others nearby make jumps as well.
        thrown = unit == "epoch" or float(np.median(after[:5])) > level + max(
            0.5 * level, 0.1 * jump
        )
        alike = float(np.quantile(before, 0.9)) < 4.0 * level
        thrown |= curve[i] > (10.0 if alike else WILD) * max(level, (not alike) * case.trivial)
        if high and back and thrown and jump > worth * case.trivial:
            found.append(i)
    if not found:
        return
    worst = max(found, key=lambda i: curve[i])
    level = float(np.median(curve[max(0, worst - window) : worst]))
    yield Finding(
        "spikes",
        f"{unit}{'s' * (len(found) > 1)} {listed(i + 1 for i in found)}",
        f"at {unit} {worst + 1} the loss is {short(curve[worst])}, where the {window} before have "
        f"{short(level)} (median); such jumps in {len(curve)} {unit}s: {len(found)}",
        "a rate near the edge of stability, or a few samples with huge gradients",
        "clip the norm of the gradient near its usual value, or lower the rate; look at the "
        "samples of those steps",
        "warning",
        "nn.fit(…, clip_norm=1.0)",
    )
