"""Findings on the last layer: outputs that cannot be what the loss or the targets ask for."""

from collections.abc import Iterator

import numpy as np

from .case import Case
from .findings import Finding
from .scores import loss_of
from .words import short

RIGHT = 8.0
"""An output so many times its target of -1 or 1 is right, and sure of it."""
BOUNDS = {
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "relu": (0.0, np.inf),
    "softplus": (0.0, np.inf),
    "softmax": (0.0, 1.0),
    "sin": (-1.0, 1.0),
}
"""Where the outputs of an activation lie."""


def output_unfit(case: Case) -> Iterator[Finding]:
    """An output activation that the loss has already, or that keeps targets out of reach."""
    outputs, operations = case.now.outputs, case.now.operations
    if not np.isfinite(outputs).all():
        yield from _far_targets(case, "outputs are no numbers any more")
        return
    last = case.now.last
    of_classes = any(op.startswith("cross_entropy") for op in operations)
    of_logits = any(op.startswith("binary_cross_entropy") for op in operations)
    if of_classes and outputs.ndim == 2 and _are_chances(outputs):
        last = "softmax"
    seen = f"outputs go from {short(outputs.min())} to {short(outputs.max())}"
    if (of_classes or of_logits) and last in BOUNDS:
        loss = "cross_entropy" if of_classes else "binary_cross_entropy_with_logits"
        own = "softmax" if of_classes else "sigmoid"
        reach = _least_loss(case, last, of_classes, outputs)
        yield Finding(
            "output_unfit",
            "the last layer",
            f"the model ends in {last}, and its {seen}; {loss} takes them for logits{reach}",
            f"{loss} has a {own} of its own, so that outputs are squashed twice"
            if last == own
            else f"{loss} takes logits of any size and sign, which {last} does not give",
            f"let the model end in a Linear layer, and take the {own} only to look at chances",
            "error",
            "model = nn.Sequential(…, nn.Linear(32, classes))  # and nothing after it",
        )
        return
    own_loss = list(_of_own_losses(case))
    if own_loss:
        yield from own_loss
        return
    if last not in BOUNDS or case.y.dtype.kind not in "biuf" or of_classes or _are_indices(case):
        yield from _far_targets(case, seen)
        return
    low, high = BOUNDS[last]
    targets = case.y.astype(np.float64)
    margin = 1e-6 + 0.02 * float(targets.std())
    beyond = float(np.mean((targets < low - margin) | (targets > high + margin)))
    hinge = not {"-", "sub"} & operations
    if beyond < 0.01 or (hinge and last == "tanh"):
        return
    yield Finding(
        "output_unfit",
        "the last layer",
        f"the model ends in {last}, whose outputs lie between {low:g} and {high:g}, but "
        f"{beyond:.0%} of the targets lie beyond; they go from {short(targets.min())} to "
        f"{short(targets.max())}, and {seen}",
        f"{last} as the activation of the last layer",
        "let the model end in a Linear layer, or bring the targets into that range",
        "error",
        'nn.MLP(2, [16, 1], output="linear")'
        if case.is_scalar
        else "model = nn.Sequential(…, nn.Linear(32, 1))  # and nothing after it",
    )


def _are_indices(case: Case) -> bool:
    """Whether targets say which of several outputs is meant, and are not what it should be."""
    wide = case.now.outputs.ndim == 2 and case.now.outputs.shape[1] > 1
    return wide and case.y.ndim == 1


def _of_own_losses(case: Case) -> Iterator[Finding]:
    """What goes wrong in losses that users write: pairs of all with all, softmax twice, signs."""
    outputs, count = case.now.outputs, len(case.now.outputs)
    added = {op for op, _ in case.now.after}
    if (
        outputs.shape == (count, 1)
        and case.y.ndim == 1
        and count > 1
        and any(shape == (count, count) for _, shape in case.now.after)
    ):
        yield Finding(
            "output_unfit",
            "the loss",
            f"outputs of shape ({count}, 1) meet targets of shape ({count},), and the loss has "
            f"{count} x {count} terms: each output is compared with each target",
            "broadcasting, which takes one for a column and the other for a row",
            "give both one shape",
            "error",
            "y = y.reshape(-1, 1)  # or outputs[:, 0]",
        )
    elif case.now.last == "softmax" and added & {"softmax", "log_softmax", "logsumexp", "exp"}:
        yield Finding(
            "output_unfit",
            "the last layer",
            f"the model ends in softmax, its outputs go from {short(outputs.min())} to "
            f"{short(outputs.max())}, and the loss takes a softmax of them again",
            "one softmax in the model and another in the loss, so that outputs are squashed twice",
            "let the model end in a Linear layer, or take a plain logarithm in the loss",
            "error",
            "loss = nn.cross_entropy(logits, y)",
        )
    elif set(np.unique(case.y)) == {-1.0, 1.0} and (at := _of_right_answers(case)) < -0.5:
        yield Finding(
            "output_unfit",
            "the targets",
            f"targets are -1 and 1, and where each output is {RIGHT:g} times its target the loss "
            f"is {short(at)}, below zero",
            "targets of -1 in a formula for 0 and 1: it has no least value, and falls without end",
            "give the classes the targets 0 and 1",
            "error",
            "y = (y > 0).astype(float)",
        )


def _of_right_answers(case: Case) -> float:
    """The loss of outputs that are right, and sure of it."""
    outputs, y = case.now.outputs, case.sample[1]
    if outputs.size != y.size:
        return 0.0
    return loss_of(case.loss, (RIGHT * y).reshape(outputs.shape), y, case.is_scalar)


def _are_chances(outputs: np.ndarray) -> bool:
    return bool(
        outputs.shape[1] > 1
        and (outputs >= 0.0).all()
        and np.allclose(outputs.sum(axis=1), 1.0, atol=1e-4)
    )


def _least_loss(case: Case, last: str, of_classes: bool, outputs: np.ndarray) -> str:
    low, high = BOUNDS[last]
    if not of_classes or not np.isfinite(high):
        return ""
    gap, others = high - low, outputs.shape[1] - 1
    least = float(np.log1p(others * np.exp(-gap)))
    return f", with which the loss cannot come below {short(least)}"


def _far_targets(case: Case, seen: str) -> Iterator[Finding]:
    """Targets of quite another size than outputs begin with."""
    if case.classes is not None or case.y.dtype.kind != "f" or not len(case.y):
        return
    size = float(np.sqrt(np.mean(case.y.astype(np.float64) ** 2)))
    if 1e-2 < size < 50.0 or case.now.outputs.size != case.sample[1].size:
        return
    if case.score is not None and case.score > 0.5 and not case.fresh:
        return
    y = case.y
    yield Finding(
        "output_unfit",
        "the targets",
        f"targets have mean {short(float(y.mean()))} and standard deviation "
        f"{short(float(y.std()))}, while {seen}",
        "targets go in as they were measured, and weights must grow by as much to say them",
        "learn targets of mean 0 and spread 1, and undo that for predictions",
        "warning",
        "mean, spread = y.mean(), y.std()\ny = (y - mean) / spread"
        "\npredictions = mean + spread * nn.predict(model, X)",
    )
