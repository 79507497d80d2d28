"""Course: how a run went, from a history, a monitor or both, in the few numbers findings need."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..history import History
from ..monitor import Monitor
from ..optimizer import Optimizer

Array = npt.NDArray[Any]


LONG = 10
"""So many epochs tell how fast a loss falls."""


class Course:
    """The losses of a run: `curve`, one for each epoch, or for each step of a loop of one's own.

    `by_epoch` says which; its length is 0 where nothing is known.
    """

    def __init__(self, history: History | None, monitor: Monitor | None) -> None:
        self.history, self.monitor = history, monitor
        self.by_epoch = history is not None and len(history) > 0
        self.curve: Array = np.zeros(0)
        if history is not None and len(history):
            self.curve = np.array(history.loss, np.float64)
        elif monitor is not None:
            self.curve = monitor.losses

    def __len__(self) -> int:
        return len(self.curve)

    @property
    def unit(self) -> str:
        """What the curve counts."""
        return "epoch" if self.by_epoch else "step"

    @property
    def steps(self) -> int:
        """The number of steps, where a monitor counted them."""
        return 0 if self.monitor is None else len(self.monitor)

    @property
    def is_finite(self) -> bool:
        """Whether every loss is a number."""
        lost = self.monitor is not None and not np.isfinite(self.monitor.losses).all()
        return bool(np.isfinite(self.curve).all()) and not lost

    @property
    def start(self) -> float:
        """The loss that the run began with: of the first step, where it is known."""
        if self.monitor is not None and self.monitor.from_the_start:
            return float(self.monitor.losses[0])
        return float(self.curve[0]) if len(self) else float("nan")

    def level(self, begin: float, end: float) -> float:
        """The median loss between two shares of the run."""
        part = self._stretch(begin, end)
        return float(np.median(part)) if len(part) else float("nan")

    @property
    def end(self) -> float:
        """The loss of the last tenth."""
        return self.level(0.9, 1.0)

    def rate_of(self, first: bool, optimizer: Optimizer | None) -> float:
        """The learning rate, of the first step or of the last."""
        rates: Any = None
        if self.monitor is not None:
            rates = self.monitor.learning_rates
        elif self.history is not None and len(self.history):
            rates = np.array(self.history.learning_rate)
        if rates is not None and len(rates) and np.isfinite(rates).all():
            return float(rates[0] if first else rates[-1])
        return optimizer.lr if optimizer is not None else float("nan")

    @property
    def rates(self) -> Array:
        """The learning rates of all steps or epochs that are known."""
        if self.monitor is not None:
            return self.monitor.learning_rates
        return np.array([] if self.history is None else self.history.learning_rate)

    @property
    def has_decayed(self) -> bool:
        """Whether the learning rate ended at a small part of its largest."""
        rates = self.rates[np.isfinite(self.rates)]
        return len(rates) > 1 and bool(0.0 <= rates[-1] < rates.max() / 30.0)

    def stands_still(self, noiseless: bool, gap: float) -> bool:
        """Whether the loss no longer falls: by epochs, or by steps with or without batches' noise.

        Two stretches of the second half are compared by their means; where these are too uncertain
        to tell, it does not. A loss that falls so slowly that ten times the epochs would not close
        the `gap` to what could be reached stands still as well.
        """
        before, after = self._stretch(0.55, 0.7), self._stretch(0.85, 1.0)
        if not len(before) or not len(after):
            return False
        if self.by_epoch or noiseless:
            middle, fell = (
                abs(float(np.median(before))),
                float(np.median(before) - np.median(after)),
            )
            doubt = 2.0 * float(np.hypot(before.std(), after.std())) / np.sqrt(len(after))
            slack = min(doubt, 0.1 * middle) if self.by_epoch else 0.0
            if self.by_epoch and len(self) >= LONG:
                slack = max(slack, 0.1 * gap)
            return fell < max((0.03 if self.by_epoch else 0.01) * middle, slack)
        before, after = self._stretch(0.4, 0.7), self._stretch(0.7, 1.0)
        middle = abs(float(before.mean()))
        doubt = float(np.hypot(before.std(), after.std())) / np.sqrt(len(after))
        return bool(before.mean() - after.mean() < 0.03 * middle and doubt < 0.1 * middle)

    def _stretch(self, begin: float, end: float) -> Array:
        part = self.curve[int(begin * len(self)) : max(1, int(np.ceil(end * len(self))))]
        return part[np.isfinite(part)]

    def ratios(self, begin: float = 0.0, end: float = 1.0) -> Array:
        """The median update of each layer over itself, between two shares of the run."""
        if self.monitor is None:
            return np.zeros(0)
        count = len(self.monitor)
        part = self.monitor.update_ratios[int(begin * count) : max(1, int(np.ceil(end * count)))]
        finite = np.isfinite(part).any(axis=0)
        return np.nanmedian(part[:, finite], axis=0) if finite.any() else np.zeros(0)
