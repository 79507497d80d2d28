"""A line that says how far a training is: it rewrites itself on a terminal, and elsewhere speaks
now and then.
"""

import sys
import time
from typing import TYPE_CHECKING, TextIO

from .callbacks import Callback

if TYPE_CHECKING:
    from .loop import Training


class ProgressLine(Callback):
    """One line on a terminal; elsewhere a line now and then, five seconds apart at least."""

    reads_model = False

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream

    def on_start(self, training: "Training") -> None:
        """Note the time."""
        self._out = self.stream or sys.stderr
        self._done = len(training.history)
        self._started = self._spoke = time.perf_counter()
        self._length = 0

    def on_step(self, training: "Training") -> None:
        """Show how far a long epoch is, on a terminal."""
        if training.step < training.steps and self._out.isatty():
            now = time.perf_counter()
            if now - self._spoke > 0.5:
                self._rewrite(self._line(training, now), now)

    def on_epoch(self, training: "Training") -> None:
        """Say where the training is, if it is time to."""
        now = time.perf_counter()
        last = training.stop or training.epoch == training.epochs
        if self._out.isatty():
            if last or now - self._spoke > 0.1 or training.epoch == 1:
                self._rewrite(self._line(training, now), now)
        elif last or (
            training.epoch % max(1, training.epochs // 10) == 0 and now - self._spoke > 5.0
        ):
            self._out.write(self._line(training, now) + "\n")
            self._spoke = now
        self._out.flush()

    def on_end(self, training: "Training") -> None:
        """Leave the line as it stands."""
        if self._out.isatty() and self._length:
            self._out.write("\n")
            self._out.flush()

    def _rewrite(self, line: str, now: float) -> None:
        self._out.write("\r" + line.ljust(self._length))
        self._length, self._spoke = len(line), now
        self._out.flush()

    def _line(self, training: "Training", now: float) -> str:
        shown = {
            name: curve[-1]
            for name, curve in training.history.curves().items()
            if name not in ("learning_rate", "seconds")
        }
        numbers = "  ".join(f"{name} {number:.4g}" for name, number in shown.items())
        amid = len(training.history) < training.epoch
        part = training.step / training.steps if amid else 1.0
        done = training.epoch - 1 + part - self._done
        taken = now - self._started
        left = taken / done * (training.epochs - self._done - done)
        when = f"{left:.0f} s left" if left >= 1.0 and not training.stop else f"{taken:.1f} s"
        width = len(str(training.epochs))
        share = f" {part:4.0%}" if amid else ""
        return f"epoch {training.epoch:{width}d}/{training.epochs}{share}  {numbers}  {when}"
