"""The learning-rate range test: a short run at ever larger rates shows which the model can bear.

The loss falls where the rate is high enough to learn, and blows up where it is too high.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .callbacks import Callback
from .fit_checks import checked_data, checked_parameters
from .loop import Training
from .optimizer import Optimizer
from .schedule import Schedule
from .settings import above_zero, whole
from .snapshot import Snapshot
from .train import fit

SMOOTHING = 0.9
"""How much of the running mean of the loss stays at each step."""

BLOWN_UP = 4.0
"""How many times its least smoothed loss a model may have before the test ends."""

FALLEN = 1e-6
"""The share of itself by which a loss has to fall, lest rounding be taken for learning."""


@dataclass
class LearningRateCurve:
    """What `lr_range_test` saw: the loss at each rate, raw and smoothed, and a `suggestion`.

    The suggestion is the rate at which the smoothed loss fell most steeply, by the logarithm of
    the rate; None where it never fell. `viz.plot_lr_range` draws it.
    """

    rates: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    smoothed: list[float] = field(default_factory=list)

    @property
    def suggestion(self) -> float | None:
        """Where the smoothed loss fell most steeply before its minimum."""
        settled = round(1.0 / (1.0 - SMOOTHING))  # before that the mean is of too few to trust
        trusted = np.array(self.smoothed[settled:])
        lowest = int(np.argmin(trusted)) if len(trusted) else 0
        if lowest < 2 or not trusted[0] - trusted[lowest] > FALLEN * abs(trusted[0]):
            return None
        until = slice(settled, settled + lowest + 1)
        slopes = np.gradient(self.smoothed[until], np.log(self.rates[until]))
        return self.rates[settled + int(np.argmin(slopes))]

    def __repr__(self) -> str:
        if not self.rates:
            return "<LearningRateCurve of 0 steps>"
        found = "none" if self.suggestion is None else f"{self.suggestion:.2g}"
        return (
            f"<LearningRateCurve of {len(self.rates)} steps, {self.rates[0]:.2g} to "
            f"{self.rates[-1]:.2g}, suggestion {found}>"
        )


def lr_range_test(
    model: Any,
    X: Any,
    y: Any,
    *,
    loss: Callable[[Any, Any], Any],
    optimizer: Optimizer,
    start: float = 1e-6,
    end: float = 10.0,
    steps: int = 100,
    batch_size: int | None = 64,
    rng: int | np.random.Generator | None = None,
) -> LearningRateCurve:
    """Train for `steps` steps while the rate grows from start to end by equal factors.

    It stops early where the smoothed loss is four times its least, or no number any more.
    Afterwards model, optimizer and the randomness of the layers are as they were; the gradients
    are reset. Smith 2017, arXiv:1506.01186, section 3.3, with exponential growth and the running
    mean of the loss, bias-corrected.

    X, y, loss and optimizer are as in `fit`, which says what is refused; besides, `ValueError` for
    an end that is not above start.

    >>> from twingrad import nn
    >>> X, y = nn.data.digits()
    >>> model = nn.Sequential(nn.Linear(64, 32, rng=0), nn.ReLU(), nn.Linear(32, 10, rng=1))
    >>> adam = nn.Adam(model.parameters())
    >>> curve = nn.lr_range_test(model, X, y, loss=nn.cross_entropy, optimizer=adam, rng=0)
    >>> 1e-4 < curve.suggestion < 1e-1
    True
    """
    above_zero("start", start)
    if not above_zero("end", end) > start:
        raise ValueError(f"end is a rate above start, {start:g}, not {end!r}")
    whole("steps", steps, 2)
    X, y = checked_data(X, y, checked_parameters(model, optimizer)[0])
    size = len(X) if batch_size is None else min(whole("batch_size", batch_size, 1), len(X))
    curve = LearningRateCurve()
    before, state = Snapshot.of(model), optimizer.state_dict()
    try:
        with np.errstate(all="ignore"):
            fit(
                model,
                X,
                y,
                loss=loss,
                optimizer=optimizer,
                epochs=math.ceil(steps / math.ceil(len(X) / size)),
                batch_size=size,
                schedule=_Growing(start, end, steps, optimizer.taken),
                callbacks=[_Recorder(curve, steps)],
                rng=rng,
                progress=False,
            )
    finally:
        before.restore(model)
        optimizer.load_state_dict(state)
        for parameter in model.parameters():
            parameter.grad = None
    return curve


@dataclass(frozen=True)
class _Growing(Schedule):
    gives = "rate"
    start: float
    end: float
    steps: int
    taken: int

    def at(self, step: int) -> float:
        along = (step - self.taken) / (self.steps - 1)
        return float(self.start ** (1.0 - along) * self.end**along)


class _Recorder(Callback):
    def __init__(self, curve: LearningRateCurve, steps: int) -> None:
        self.curve, self.steps = curve, steps
        self.mean = 0.0

    def on_step(self, training: Training) -> None:
        curve, loss = self.curve, training.step_loss
        if not math.isfinite(loss):
            training.stop = True
            return
        self.mean = SMOOTHING * self.mean + (1.0 - SMOOTHING) * loss
        curve.rates.append(training.learning_rate)
        curve.losses.append(loss)
        curve.smoothed.append(self.mean / (1.0 - SMOOTHING ** len(curve.rates)))
        least = min(curve.smoothed)
        blown_up = curve.smoothed[-1] - least > (BLOWN_UP - 1.0) * abs(least)
        training.stop = blown_up or len(curve.rates) >= self.steps
