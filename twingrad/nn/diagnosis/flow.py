"""Findings on the way back: gradients that fade or grow, and units that pass none on."""

from collections.abc import Iterator

import numpy as np

from .case import Case
from .findings import Finding
from .look import Look, Row
from .words import listed, share, short

FADED = 1e-3
"""A first layer with less than this share of the last layer's gradient hardly learns."""
LOST = 1e-5
GROWN = 1e3
"""A gradient that grows by more than this on its way back throws the weights away."""
DEEP = 4
"""From so many layers on, fading and growing are matters of depth."""
BORN_DEAD = ("zero_initialization", "initialization_too_large", "inputs_not_normalized")
"""What may have units off that no step turned off."""
FLAT = 0.05
"""The share of its largest slope below which an activation is flat."""


def vanishing_gradients(case: Case) -> Iterator[Finding]:
    """The first layer's gradient against the last's, before training and now, and by layer."""
    found = None
    for when, seen in ((case.at_first, case.first), ("now", case.now)):
        if seen is None or not np.isfinite(seen.loss) or len(case.matrices) < DEEP:
            continue
        norms = case.norms(seen)
        back = [float(np.linalg.norm(row.slopes)) for row in _linear(seen)]
        ratio = norms[0] / norms[-1] if norms[-1] > 0.0 else np.nan
        # Weights may be so small that all gradients fade alike, and only the signal tells.
        signal = back[0] / back[-1] if len(back) > 1 and back[-1] > 0.0 else np.nan
        if min(ratio, 1e3 * signal if signal < 1e-6 else ratio) < FADED and np.isfinite(ratio):
            found = (when, seen, norms, min(ratio, signal if signal < 1e-6 else ratio))
            break
    if found is None:
        return
    when, seen, norms, ratio = found
    layers = case.matrices
    fall = max(norms[0] / norms[-1], 1e-300) ** (1.0 / (len(norms) - 1))
    evidence = (
        f"{when}, the gradient's norm is {short(norms[0])} at the first of {len(norms)} layers, "
        f"{short(norms[len(norms) // 2])} in the middle and {short(norms[-1])} at the last: a "
        f"factor of {short(fall)} a layer"
    )
    kinds = [row.activation for row in seen.rows if row.activation]
    sigmoids = kinds.count("sigmoid")
    if sigmoids >= DEEP:
        evidence += f"; {sigmoids} sigmoids alone allow no more than 0.25^{sigmoids} = "
        evidence += f"{short(0.25**sigmoids)} of it"
    flat = "sigmoid" if sigmoids > len(kinds) / 2 else "tanh" if "tanh" in kinds else ""
    cause = {
        "sigmoid": f"{sigmoids} sigmoids one after the other, each with a slope of at most 0.25",
        "tanh": "tanh units that are saturated, or weights that are too small",
        "": "weights that are too small for so many layers, or units that are off",
    }[flat]
    yield Finding(
        "vanishing_gradients",
        f"{layers[0].name} to {layers[-1].name}",
        evidence,
        cause,
        "relu instead of sigmoid or tanh, with weights by He; or a way around each layer "
        "(Residual), or normalisation before each activation (BatchNorm1d)",
        "error" if ratio < LOST else "warning",
        'nn.MLP(2, [16, 1], activation="relu")  # and few layers'
        if case.is_scalar
        else 'nn.Sequential(nn.Linear(64, 64, init="he"), nn.ReLU(), …)',
    )


def _linear(seen: Look) -> list[Row]:
    """The rows of layers, without those of activations."""
    return [row for row in seen.rows if not row.activation]


def exploding_gradients(case: Case) -> Iterator[Finding]:
    """Gradients that grow on the way back, or that are no numbers any more."""
    for when, seen in ((case.at_first, case.first), ("now", case.now)):
        if seen is None:
            continue
        norms = case.norms(seen)
        if not np.isfinite(norms).all():
            lost = [layer.name for layer, n in zip(case.matrices, norms, strict=True)
                    if not np.isfinite(n)]  # fmt: skip
            yield _exploding(case, f"{when}, the gradient is not finite in {listed(lost)}")
            return
        back = [float(np.linalg.norm(row.slopes)) for row in _linear(seen)]
        if len(case.matrices) < DEEP or len(back) < DEEP or not back[-1] > 0.0:
            continue
        growth, ratio = back[0] / back[-1], norms[0] / norms[-1] if norms[-1] > 0.0 else 0.0
        if growth > GROWN or ratio > GROWN:
            each = growth ** (1.0 / (len(back) - 1))
            yield _exploding(
                case,
                f"{when}, the gradient by a layer's outputs has norm {short(back[-1])} at the last "
                f"layer and {short(back[0])} at the first, a factor of {short(each)} a layer; by "
                f"the weights it is {short(norms[0])} at the first and {short(norms[-1])} at the "
                "last",
            )
            return
    monitor = case.monitor
    if monitor is not None:
        totals = np.sqrt(np.nansum(monitor.gradient_norms**2, axis=1))
        early = float(np.nanmax([*totals[:3], 0.0]))
        bad = np.flatnonzero(~np.isfinite(totals) | (totals > 1e4 * max(early, 1e-12)))
        if len(bad):
            yield _exploding(
                case,
                f"at step {bad[0] + 1} the norm of the gradient is {short(totals[bad[0]])}, where "
                f"the first steps had {short(early)}",
            )


def _exploding(case: Case, evidence: str) -> Finding:
    return Finding(
        "exploding_gradients",
        f"{case.matrices[0].name} to {case.matrices[-1].name}" if case.matrices else "the model",
        evidence,
        "weights that are too large for so many layers, or steps that have thrown them there",
        "begin with weights by He or Xavier, and bound the step by clipping",
        "error",
        "nn.fit(…, clip_norm=1.0)",
    )


def dead_relus(case: Case) -> Iterator[Finding]:
    """Layers of relu in which many units are zero at every sample."""
    dead: list[tuple[str, int, int]] = []
    if not np.isfinite(case.now.loss):
        return
    for row in case.now.rows:
        if row.activation == "relu" and len(row.outputs) >= 4:
            off = int((row.outputs == 0.0).all(axis=0).sum())
            dead.append((case.name_of(row.path), off, row.outputs.shape[1]))
    ill = [entry for entry in dead if entry[1] >= 2 and entry[1] >= 0.5 * entry[2]]
    if not ill:
        return
    count = len(case.sample[0])
    wholly = [entry for entry in ill if entry[1] == entry[2]]
    evidence = f"over {count} samples " + "; ".join(
        f"{off} of {units} units of {name or 'the model'} are zero at every one"
        for name, off, units in ill[:3]
    )
    before = dead_share(case.first) if case.first is not None and not case.fresh else None
    if before is not None:
        evidence += f"; before training, {share(before)} of all relu units were"
    killed = before is not None and before < 0.5 * dead_share(case.now)
    cause = (
        "steps so long that they pushed the units below zero for good"
        if killed
        else "biases or weights that keep the inputs of relu below zero"
    )
    worst = max(off / units for _, off, units in ill)
    yield Finding(
        "dead_relus",
        listed(name or "the model" for name, _, _ in ill),
        evidence,
        cause,
        "a lower learning rate, and weights drawn anew; or an activation with a slope below zero"
        if killed
        else "weights by He and biases of zero; or an activation with a slope below zero",
        "error" if wholly or (worst >= 0.8 and case.nothing_learned) else "warning",
        'nn.MLP(2, [16, 1], activation="leaky_relu")'
        if case.is_scalar
        else "nn.LeakyReLU(0.01)  # where nn.ReLU() stood",
        () if killed else BORN_DEAD,
    )


def dead_share(seen: Look) -> float:
    """The share of relu units that are zero at every sample."""
    off = [(row.outputs == 0.0).all(axis=0) for row in seen.rows if row.activation == "relu"]
    return float(np.concatenate(off).mean()) if off else 0.0


def saturated_units(case: Case) -> Iterator[Finding]:
    """Layers of tanh or sigmoid of whose outputs most are where the slope is next to nothing."""
    for when, seen, limit in ((case.at_first, case.first, 0.6), ("now", case.now, 0.85)):
        if seen is None or not np.isfinite(seen.loss):
            continue
        hidden = [row for row in seen.rows if row.activation in ("tanh", "sigmoid")]
        if hidden and seen.last in ("tanh", "sigmoid"):
            right = case.score is not None and case.score > 0.8 and when == "now"
            hidden = hidden[:-1] if right or len(hidden) > 1 else hidden
        parts = [(case.name_of(row.path), float(_flat(row).mean()), row) for row in hidden]
        ill = [part for part in parts if part[1] >= limit]
        if not ill or (when == "now" and case.score is not None and case.score > 0.9):
            continue
        name, worst, row = max(ill, key=lambda part: part[1])
        stuck = int(_flat(row).all(axis=0).sum())
        yield Finding(
            "saturated_units",
            listed(part[0] for part in ill),
            f"{when}, {share(worst)} of the outputs of {name} lie where {row.activation} has less "
            f"than 5% of its slope, and {stuck} of {row.outputs.shape[1]} units at every sample",
            "inputs or weights that are too large, so that sums lie far from zero",
            "normalise the inputs, and draw the weights by Xavier",
            "error" if worst >= 0.95 and (case.nothing_learned or case.fresh) else "warning",
            "X = (X - X.mean(axis=0)) / X.std(axis=0)  # and smaller weights"
            if case.is_scalar
            else 'X = (X - X.mean(axis=0)) / X.std(axis=0)\nnn.Linear(64, 32, init="xavier")',
        )
        return


def _flat(row: Row) -> np.ndarray:
    outputs = row.outputs.astype(np.float64)
    if row.activation == "tanh":
        return 1.0 - outputs**2 < FLAT
    return 4.0 * outputs * (1.0 - outputs) < FLAT
