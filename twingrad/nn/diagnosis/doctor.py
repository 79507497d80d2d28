"""diagnose and Doctor: why does it not learn? Asked once, or as `fit` goes.

Each kind of finding has a function of its own, which looks at the case and says what it sees.
"""

import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine import collector_paused
from ..callbacks import Callback
from ..history import History
from ..monitor import Monitor
from ..optimizer import Optimizer
from ..settings import whole
from . import (
    batches,
    beginnings,
    curves,
    data,
    flow,
    outputs,
    rates,
    stability,
    steps,
    targets,
    unmoved,
)
from .arguments import checked
from .case import Case
from .findings import Diagnosis, Finding
from .theory import KINDS

if TYPE_CHECKING:
    from ..loop import Training

Examination = Callable[[Case], Iterator[Finding]]

EXAMINATIONS: dict[tuple[str, ...], Examination] = {
    ("parameters_never_change",): unmoved.parameters_never_change,
    ("another_loss",): steps.another_loss,
    ("ascent",): steps.ascent,
    ("gradients_accumulating",): steps.gradients_accumulating,
    ("output_unfit",): outputs.output_unfit,
    ("constant_target",): targets.constant_target,
    ("shuffled_labels",): targets.shuffled_labels,
    ("zero_initialization", "symmetric_initialization"): beginnings.copies,
    ("initialization_too_large", "initialization_too_small"): beginnings.size,
    ("inputs_not_normalized",): data.inputs_not_normalized,
    ("dead_relus",): flow.dead_relus,
    ("saturated_units",): flow.saturated_units,
    ("vanishing_gradients",): flow.vanishing_gradients,
    ("exploding_gradients",): flow.exploding_gradients,
    ("divergence",): stability.divergence,
    ("learning_rate_too_high",): rates.learning_rate_too_high,
    ("oscillation",): stability.oscillation,
    ("learning_rate_too_low",): rates.learning_rate_too_low,
    ("spikes",): batches.spikes,
    ("batch_too_small",): batches.batch_too_small,
    ("clipping_always_binds",): batches.clipping_always_binds,
    ("plateau", "underfitting"): curves.standing_still,
    ("overfitting",): curves.overfitting,
    ("class_imbalance",): targets.class_imbalance,
    ("constant_feature",): data.constant_feature,
    ("duplicate_features",): data.duplicate_features,
}

AT_ONCE = {
    "parameters_never_change", "ascent", "another_loss", "gradients_accumulating", "output_unfit",
    "zero_initialization", "symmetric_initialization", "vanishing_gradients", "divergence",
}  # fmt: skip
"""What no further epoch will change; the rest is for the end of a run to tell."""

_LOOPS = ("gradients_accumulating", "ascent", "parameters_never_change", "another_loss")
_STARTS = ("initialization_too_large", "inputs_not_normalized")
_FOLLOWS: dict[str, tuple[str, ...]] = {
    "parameters_never_change": (
        "vanishing_gradients", "zero_initialization", "dead_relus", "saturated_units",
    ),
    "divergence": (
        *_LOOPS, *_STARTS, "output_unfit", "exploding_gradients", "learning_rate_too_high",
    ),
    "learning_rate_too_high": (*_STARTS, "output_unfit"),
    "oscillation": (*_LOOPS, "output_unfit", "learning_rate_too_high"),
    "spikes": (*_LOOPS, "learning_rate_too_high", "inputs_not_normalized"),
    "batch_too_small": (*_LOOPS, "learning_rate_too_high"),
    "exploding_gradients": (*_LOOPS[:2], *_STARTS, "output_unfit", "learning_rate_too_high"),
    "saturated_units": (*_LOOPS[:2], *_STARTS, "learning_rate_too_high"),
    "dead_relus": (*_LOOPS[:2], *_STARTS, "output_unfit", "learning_rate_too_high"),
    "vanishing_gradients": (
        "initialization_too_small", "saturated_units", "dead_relus", "zero_initialization",
    ),
    "plateau": (
        "vanishing_gradients", "zero_initialization", "symmetric_initialization", "output_unfit",
        "dead_relus", "learning_rate_too_high", "learning_rate_too_low",
        "initialization_too_small", "saturated_units",
    ),
    "clipping_always_binds": ("exploding_gradients", *_STARTS),
}  # fmt: skip
_FOLLOWS["underfitting"] = (*_FOLLOWS["plateau"], "inputs_not_normalized", "batch_too_small")
"""What each kind may come from; the finding then says so."""


def diagnose(
    model: Any,
    X: Any,
    y: Any,
    loss: Callable[[Any, Any], Any],
    *,
    history: History | None = None,
    monitor: Monitor | None = None,
    optimizer: Optimizer | None = None,
) -> Diagnosis:
    """Why a model does not learn, or that nothing speaks against it.

    X, y and loss are what it is trained with, as for `fit`, before training or after it. What one
    look cannot tell comes from the `history` that fit returned, from an `nn.Monitor` that watched,
    which tells the most, and from the `optimizer`, whose next step is tried out at several
    lengths. Both twins.

    The findings come in the order of what to do first; `print` makes a page of them. The model,
    its gradients, running statistics and modes, the optimizer and all random states stay as they
    were, bit for bit. Hundreds of samples are looked at, drawn by a seed of its own.

    Raises `ShapeError` for X and y of different lengths and whatever the model and the loss
    refuse.

    >>> from twingrad import nn
    >>> X, y = nn.data.xor()
    >>> model = nn.MLP(2, [4, 1], activation="sigmoid", output="tanh", rng=0)
    >>> nn.diagnose(model, X, 10.0 * y, nn.mse_loss).kinds
    ['output_unfit']
    """
    loss = checked(model, loss, history, monitor, optimizer)
    return _examined(model, X, y, loss, history, monitor, optimizer)


def _examined(
    model: Any,
    X: Any,
    y: Any,
    loss: Callable[[Any, Any], Any],
    history: History | None,
    monitor: Monitor | None,
    optimizer: Optimizer | None,
    only: set[str] | None = None,
) -> Diagnosis:
    if optimizer is None and monitor is not None and not monitor.by_hand:
        optimizer = monitor.optimizer
    case = Case(model, X, y, loss, history, monitor, optimizer)
    found: list[Finding] = []
    with np.errstate(all="ignore"), collector_paused():
        if not case.is_finite:
            return Diagnosis(list(data.nan_in_data(case)), ["nan_in_data"])
        for kinds, examine in EXAMINATIONS.items():
            if only is None or only.intersection(kinds):
                found += examine(case)
    return Diagnosis(_ordered(found), _looked_for(case))


def _ordered(found: list[Finding]) -> list[Finding]:
    """By what to do first: errors before warnings before notes, causes before what follows.

    What an error may come from is as urgent as the error.
    """
    kinds = [finding.kind for finding in found]
    known, grave = list(KINDS), ("error", "warning", "note")
    explained = [
        replace(
            finding,
            follows=tuple(
                kind for kind in finding.follows or _FOLLOWS.get(finding.kind, ()) if kind in kinds
            ),
        )
        for finding in found
    ]
    rank = {kind: min(grave.index(f.severity) for f in found if f.kind == kind) for kind in kinds}
    for finding in sorted(explained, key=lambda f: len(f.follows)):
        for cause in finding.follows:
            rank[cause] = min(rank[cause], rank[finding.kind])
    depth: dict[str, int] = {}
    for kind in sorted(kinds, key=lambda kind: rank[kind]):
        _depth(kind, {f.kind: f.follows for f in explained}, depth)
    return sorted(explained, key=lambda f: (rank[f.kind], depth[f.kind], known.index(f.kind)))


def _depth(kind: str, follows: dict[str, tuple[str, ...]], known: dict[str, int]) -> int:
    """How many kinds stand between one and what it may come from in the end."""
    if kind not in known:
        known[kind] = 0  # against a circle
        known[kind] = max((1 + _depth(k, follows, known) for k in follows[kind]), default=0)
    return known[kind]


def _looked_for(case: Case) -> list[str]:
    """The kinds that what is known allowed to look for."""
    asked = {kind for kinds in EXAMINATIONS for kind in kinds} | {"nan_in_data"}
    if case.monitor is None:
        asked -= {"gradients_accumulating", "batch_too_small", "clipping_always_binds"}
    if case.monitor is None or case.course.by_epoch:
        asked -= {"another_loss"}
    if len(case.matrices) < flow.DEEP:
        asked -= {"vanishing_gradients"}
    if not targets.can_look_for_shuffling(case):
        asked -= {"shuffled_labels"}
    if not case.matrices:
        asked -= {"symmetric_initialization", "initialization_too_large"}
        asked -= {"initialization_too_small", "exploding_gradients"}
    if case.course.history is None or not case.course.history.val_loss:
        asked -= {"overfitting"}
    if case.optimizer is None:
        asked -= {"learning_rate_too_low"}
    if case.fresh:
        asked -= {
            "divergence", "oscillation", "spikes", "plateau", "underfitting", "overfitting",
            "learning_rate_too_high", "learning_rate_too_low",
        }  # fmt: skip
    return [kind for kind in KINDS if kind in asked]


class Doctor(Callback):
    """A callback of `fit` that examines as it goes, and says at the end what it found.

    It watches by a Monitor of its own, `monitor`. After `every` epochs, and again when there have
    been twice as many, it looks for what no further epoch will mend, `AT_ONCE`, and prints errors
    that are new. At the end it looks for everything, prints the page, if there is anything on it,
    and keeps it as `findings`. `stream` is where to print, standard output unless told; False
    prints nothing.

    >>> from twingrad import nn
    >>> X, y = nn.data.xor()
    >>> model = nn.MLP(2, [4, 1], rng=2)
    >>> sgd, doctor = nn.SGD(model.parameters(), lr=0.5, momentum=0.9), nn.Doctor()
    >>> history = nn.fit(model, X, y, loss=nn.mse_loss, optimizer=sgd, epochs=200,
    ...                  callbacks=[doctor], progress=False)
    >>> doctor.findings
    <Diagnosis: nothing found>
    """

    def __init__(self, every: int | None = 10, stream: Any = None) -> None:
        self.every = None if every is None else whole("every", every, 1)
        self.stream = stream
        self.findings = Diagnosis([])
        self.monitor: Monitor | None = None
        self._told: set[str] = set()
        self._next = 0

    def on_start(self, training: "Training") -> None:
        """Begin to watch."""
        self.monitor = Monitor(training.model, training.optimizer)
        self.monitor.on_start(training)
        self._told = set()
        self._next = training.epoch + (self.every or training.epochs + 1)

    def on_step(self, training: "Training") -> None:
        """Record the step."""
        if self.monitor is not None:
            self.monitor.on_step(training)

    def on_epoch(self, training: "Training") -> None:
        """Look, if it is time to, for what is no good waiting for."""
        if training.epoch != self._next or training.epoch == training.epochs:
            return
        self._next *= 2
        self.findings = self._examine(training, AT_ONCE)
        for finding in self.findings.errors:
            if finding.kind not in self._told:
                self._told.add(finding.kind)
                told = f"epoch {training.epoch}: {finding.kind}, {finding.where}: {finding.cause}"
                self._say(textwrap.fill(told, 92, subsequent_indent="  "))

    def on_end(self, training: "Training") -> None:
        """Examine once more, and print what was found."""
        if sys.exc_info()[0] is None and len(training.history):
            self.findings = self._examine(training)
        if self.findings:
            self._say(f"\n{self.findings}")

    def _examine(self, training: "Training", only: set[str] | None = None) -> Diagnosis:
        model, (X, y), loss = training.model, training.data, training.loss
        history, optimizer = training.history, training.optimizer
        return _examined(model, X, y, loss, history, self.monitor, optimizer, only)

    def _say(self, words: str) -> None:
        if self.stream is not False:
            print(words, file=self.stream)

    def __repr__(self) -> str:
        return f"Doctor(every={self.every})"
