"""Callbacks: what `fit` tells as it goes, and two that act on the best epoch.

EarlyStopping ends a run that no longer gets better, Checkpoint keeps its best epoch in a file.
"""

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..engine.caller import levels_to_the_user
from .checkpoint import check_module, save
from .settings import at_least_zero, whole
from .snapshot import Snapshot
from .storage import writable

if TYPE_CHECKING:
    from .loop import Training

Mode = Literal["auto", "min", "max"]

_LESS_IS_BETTER = ("loss", "mse", "mae", "error")
_MORE_IS_BETTER = ("accuracy", "score", "auc", "f1", "precision", "recall", "r2")


class Callback:
    """What `fit` tells as it goes; override what you want to hear.

    Set `reads_model` to False in one that looks at nothing of the model or the optimizer: with
    `record=True` their numbers then need not be put in place for it.
    """

    reads_model = True

    def on_start(self, training: "Training") -> None:
        """Training begins; nothing is learned yet, and what is refused here changes nothing."""

    def on_step(self, training: "Training") -> None:
        """The optimizer has taken a step; the gradients it took are still there."""

    def on_epoch(self, training: "Training") -> None:
        """An epoch is over and in the history; `training.stop = True` ends the run."""

    def on_end(self, training: "Training") -> None:
        """Training is over, by its epochs, by `stop`, by Ctrl-C or by an error."""


class _Best(Callback):
    """The best value that a curve of the history has had, `best`, and when, `best_epoch`."""

    best: float
    best_epoch: int

    def __init__(self, monitor: str, mode: Mode, min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise ValueError(f'mode is "auto", "min" or "max", not {mode!r}')
        if not isinstance(monitor, str):
            raise TypeError(f'monitor is the name of a curve, such as "val_loss", not {monitor!r}')
        self.monitor, self.mode = monitor, mode
        self.min_delta = at_least_zero("min_delta", min_delta)

    def on_start(self, training: "Training") -> None:
        """Find the curve, and what a resumed run has of it already."""
        if self.monitor not in training.curves:
            validated = any(name.startswith("val_") for name in training.curves)
            unvalidated = self.monitor.startswith("val_") and not validated
            wanted = "validation=" if unvalidated else "metrics="
            raise ValueError(
                f"{type(self).__name__} watches {self.monitor!r}, but this run records "
                f"{', '.join(training.curves)}; give fit {wanted}"
            )
        self._sign = self._direction()
        self.best, self.best_epoch = math.nan, 0
        for epoch, number in enumerate(training.history.curves().get(self.monitor, ()), 1):
            self._note(number, epoch)

    def _direction(self) -> float:
        name = self.monitor.lower()
        for endings, sign in ((_LESS_IS_BETTER, 1.0), (_MORE_IS_BETTER, -1.0)):
            if self.mode == "auto" and name.endswith(endings):
                return sign
        if self.mode == "auto":
            raise ValueError(
                f"whether more or less of {self.monitor!r} is better cannot be told from its "
                'name; say mode="min" or mode="max"'
            )
        return 1.0 if self.mode == "min" else -1.0

    def _note(self, number: float, epoch: int) -> bool:
        """Take a number in, and say whether it is the best so far; nan never is."""
        gained = self._sign * (self.best - number)
        if math.isnan(number) or (self.best_epoch and not gained > self.min_delta):
            return False
        self.best, self.best_epoch = number, epoch
        return True


class EarlyStopping(_Best):
    """Ends the run after `patience` epochs in which the monitored curve was not at its best.

    With `restore_best` the model is left as it was at its best epoch, however the run ended; the
    optimizer and the history are those of the last, so what is saved then is no run to resume.
    A change of `min_delta` or less is none. `mode` says whether less ("min") or more ("max") is
    better; "auto" knows losses and errors from accuracies and scores. Afterwards `best` and
    `best_epoch` say what was found. Prechelt 1998, "Early Stopping - But When?".

    `fit` raises `ValueError`, before it trains, for a curve that the run will not record, and for
    one of which "auto" knows no better end.
    """

    def __init__(
        self,
        patience: int,
        restore_best: bool = True,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        mode: Mode = "auto",
    ) -> None:
        self.patience = whole("patience", patience, 1)
        if not isinstance(restore_best, bool):
            raise TypeError(f"restore_best is True or False, not {restore_best!r}")
        self.restore_best = restore_best
        super().__init__(monitor, mode, min_delta)

    def on_start(self, training: "Training") -> None:
        """Begin to watch."""
        super().on_start(training)
        done = len(training.history)
        self._kept = Snapshot.of(training.model) if done and self.best_epoch == done else None

    def on_epoch(self, training: "Training") -> None:
        """Keep the best epoch; stop when it lies too far back."""
        if self._note(training.history[self.monitor][-1], training.epoch):
            self._kept = Snapshot.of(training.model) if self.restore_best else None
        elif training.epoch - self.best_epoch >= self.patience:
            training.stop = True

    def on_end(self, training: "Training") -> None:
        """Put the best epoch back."""
        if not self.restore_best or not self.best_epoch:
            return
        if self._kept is not None:
            self._kept.restore(training.model)
        else:
            warnings.warn(
                f"EarlyStopping cannot restore the best epoch, {self.best_epoch}, which came "
                "before this run was resumed; nn.Checkpoint keeps the best epoch in a file",
                stacklevel=5,  # past the ExitStack of fit
            )

    def __repr__(self) -> str:
        return f"EarlyStopping({self.patience}, monitor={self.monitor!r})"


class Checkpoint(_Best):
    """Saves the run to `path` whenever the monitored curve is at its best, or each epoch for None.

    The file holds the model, the optimizer, the randomness and the history: `nn.load` reads it,
    and `fit(resume=…)` goes on from it. `mode` is as in `EarlyStopping`.

    `fit` raises `OSError` for a place that cannot be written to, and `ValueError` for a curve that
    the run will not record, before it trains; a save that fails later, as on a full disk, is a
    warning, and the file before it stays.
    """

    def __init__(
        self, path: str | Path, monitor: str | None = "val_loss", mode: Mode = "auto"
    ) -> None:
        self.path = Path(path)
        self.every = monitor is None
        super().__init__("loss" if monitor is None else monitor, mode)

    def on_start(self, training: "Training") -> None:
        """Begin to watch, and see whether the file can be written."""
        super().on_start(training)
        check_module(training.model)
        writable(self.path)

    def on_epoch(self, training: "Training") -> None:
        """Save the epoch if it is the best."""
        best = self._note(training.history[self.monitor][-1], training.epoch)
        if best or self.every:
            try:
                save(
                    self.path,
                    training.model,
                    optimizer=training.optimizer,
                    rng=training.rng,
                    history=training.history,
                )
            except OSError as error:
                warnings.warn(
                    f"epoch {training.epoch} was not saved: {error}",
                    stacklevel=levels_to_the_user(),
                )

    def __repr__(self) -> str:
        monitor = None if self.every else self.monitor
        return f"Checkpoint({str(self.path)!r}, monitor={monitor!r})"
