"""Monitor: what each training step did to each layer, kept for pictures and for a diagnosis.

A loss says that training goes wrong; gradients and updates by layer say where.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..engine import Node, ShapeError
from .callbacks import Callback
from .fit_checks import checked_parameters
from .motion import Motion
from .optimizer import Optimizer
from .parts import layers_of
from .settings import whole

if TYPE_CHECKING:
    from .loop import Training

Array = npt.NDArray[Any]

EARLY = 8
"""So many of the first steps are kept one by one."""


class Monitor(Callback):
    """Records losses, gradients and updates by layer, and the path of the weights, step by step.

    It is a callback of `fit`, for the model and the optimizer that fit gets; in a loop of your
    own, call `observe(loss)` once per step, after `optimizer.step()` and before the gradients
    are reset. It changes nothing.

    `layers` are the paths of the modules that hold parameters, as `named_modules` writes them;
    neurons count with their layer. By step, from the first: `losses`, `learning_rates`, and by
    layer `gradient_norms`, of what the optimizer took, thus clipped if `fit` clips;
    `update_ratios`, ‖change of the weights‖/‖weights before‖; and `reached`, whether any gradient
    came; and `weight_norms`, before the step. A layer without a gradient has the norm nan, and
    one of zeros alone the ratio nan. Parameters that are frozen while the monitor is made are
    left out, and those frozen later have no gradient.

    Of all layers together, by step: `descents`, the cosine between the step and the way down that
    its gradient shows, and `turns`, the cosine between a gradient and the one before it.
    `unchanged` are the indices of parameters that never moved, and `accumulating` says whether
    gradients were added to those of the step before, as when zero_grad() is forgotten.

    A loop that moves its parameters by hand has no optimizer: `nn.Monitor(model)` watches it. Its
    `learning_rates` are what it multiplied its gradients by, nan for a step that was no multiple.

    `path` holds the `parameters`, each snapshot as one vector of float32, from before the first
    step to the last; `path_steps` says after how many steps each was taken. No more than
    `snapshots` and one are kept: when there are more, every other goes, and they come half as
    often from then on. `first_path` holds those from before the first step and after each of the
    first `EARLY`.

    On one core, a step costs 0.2 ms for an MLP of 337 Values, with `record=True` too, and as much
    for a Tensor network of 784-128-64-10.

    >>> from twingrad import nn
    >>> X, y = nn.data.xor()
    >>> model = nn.MLP(2, [4, 1], rng=2)
    >>> sgd = nn.SGD(model.parameters(), lr=0.5)
    >>> monitor = nn.Monitor(model, sgd)
    >>> history = nn.fit(
    ...     model, X, y, loss=nn.mse_loss, optimizer=sgd, epochs=20, callbacks=[monitor],
    ...     progress=False,
    ... )
    >>> monitor.layers, monitor.gradient_norms.shape, monitor.path.shape
    (['.layers[0]', '.layers[1]'], (20, 2), (21, 17))
    """

    clip_norm: float | None = None
    """The limit that `fit` clipped by."""
    epoch_steps: int | None = None
    """How many steps `fit` took in an epoch."""

    def __init__(
        self, model: Any, optimizer: Optimizer | None = None, snapshots: int = 100
    ) -> None:
        if isinstance(model, type) or not hasattr(model, "parameters"):
            raise TypeError(
                "model is a built one, such as nn.Sequential(...), whose parameters() a Monitor "
                f"asks for itself, not a {type(model).__name__}: nn.Monitor(model, optimizer)"
            )
        if optimizer is None:
            optimizer = Optimizer(model.parameters(), 0.0)  # which nobody steps with
            self.by_hand = True
        else:
            self.by_hand = False
        self.parameters = checked_parameters(model, optimizer)
        self.model, self.optimizer = model, optimizer
        self.snapshots = whole("snapshots", snapshots, 1)
        layers = layers_of(model)
        self.layers = list(layers)
        self._members = list(layers.values())
        sizes = [np.size(parameter._data) for parameter in self.parameters]
        self.motion = Motion(sizes)
        self.from_the_start = not optimizer.taken
        starts = dict(zip(self.parameters, self.motion.starts, strict=True))
        self._numbers = [
            _place(np.concatenate([starts[p] + np.arange(np.size(p._data)) for p in own]))
            for own in self._members
        ]
        self._steps: list[tuple[float, float, list[float | None], list[float], list[float]]] = []
        self._begin()

    def _begin(self) -> None:
        self._weights = _joined([parameter._data for parameter in self.parameters])
        self._taken = self.optimizer.taken
        if not self._steps:
            self._every, self._kept = 1, [_single(self._weights)]
            self._early = self._kept[:]

    # What was recorded

    @property
    def losses(self) -> Array:
        """The loss of each step: (steps,)."""
        return np.array([step[0] for step in self._steps])

    @property
    def learning_rates(self) -> Array:
        """The learning rate of each step, the schedule's where there is one: (steps,)."""
        return np.array([step[1] for step in self._steps])

    @property
    def gradient_norms(self) -> Array:
        """The Euclidean norm of each layer's gradient: (steps, layers)."""
        norms = np.array([step[2] for step in self._steps], np.float64)  # None becomes nan
        return norms.reshape(-1, len(self.layers))

    @property
    def update_ratios(self) -> Array:
        """How much of itself each layer changed by: (steps, layers)."""
        return np.array([step[3] for step in self._steps]).reshape(-1, len(self.layers))

    @property
    def weight_norms(self) -> Array:
        """The Euclidean norm of each layer's weights before each step: (steps, layers)."""
        return np.array([step[4] for step in self._steps]).reshape(-1, len(self.layers))

    @property
    def descents(self) -> Array:
        """The cosine between each step and minus its gradient, 1 for SGD without more: (steps,)."""
        return np.array(self.motion.descents)

    @property
    def turns(self) -> Array:
        """The cosine between each gradient and the one before; the first is nan: (steps,)."""
        return np.array(self.motion.turns)

    @property
    def unchanged(self) -> list[int]:
        """Which parameters no step has moved, by their place in `parameters`."""
        return np.flatnonzero(~self.motion.changed).tolist() if len(self) else []

    @property
    def accumulating(self) -> bool:
        """Whether most gradients were piled on those that had been stepped with already."""
        return sum(self.motion.piled) > len(self) // 2

    @property
    def reached(self) -> npt.NDArray[np.bool_]:
        """Whether any gradient reached each layer: (steps, layers)."""
        came = np.array([[norm is not None for norm in step[2]] for step in self._steps], bool)
        return came.reshape(-1, len(self.layers))

    @property
    def path(self) -> Array:
        """The weights on their way, in the order of `model.parameters()`: (snapshots, numbers)."""
        last = [] if len(self) % self._every == 0 else [_single(self._weights)]
        return np.array(self._kept + last)

    @property
    def first_path(self) -> Array:
        """The weights before the first steps, and after each: (steps + 1, numbers)."""
        return np.array(self._early)

    @property
    def path_steps(self) -> npt.NDArray[np.int_]:
        """How many steps had been taken at each snapshot: (snapshots,)."""
        last = [] if len(self) % self._every == 0 else [len(self)]
        return np.array([*range(0, len(self) + 1, self._every), *last])

    def __len__(self) -> int:
        """The number of steps."""
        return len(self._steps)

    # Recording

    def observe(self, loss: Any) -> None:
        """Record the step that the optimizer has just taken; `loss` is the number it began from.

        That no gradient came is recorded, for it is a mistake to tell of. Raises `RuntimeError` if
        the optimizer has taken no step since the last call, or if the gradients that it took are
        gone; `ShapeError` for a loss that is no single number.
        """
        if np.size(loss._data if isinstance(loss, Node) else loss) != 1:
            raise ShapeError("the loss to observe is a single number; call .mean() on it")
        counts = type(self.optimizer).step is Optimizer.step
        if counts and not self.by_hand and self.optimizer.taken == self._taken:
            raise RuntimeError(
                "the optimizer has taken no step since the last observation: is optimizer.step() "
                "missing? Call observe(loss) once per step, after optimizer.step()"
            )
        if all(parameter._grad is None for parameter in self.parameters) and self._has_moved():
            raise RuntimeError(
                "the parameters have moved, but the gradients that moved them are gone; call "
                "observe(loss) after the step and before zero_grad()"
            )
        self._record(loss, None if self.by_hand else self.optimizer.lr)

    def _has_moved(self) -> bool:
        now = _joined([parameter._data for parameter in self.parameters])
        return not np.array_equal(now, self._weights, equal_nan=True)

    def on_start(self, training: "Training") -> None:
        """See that it is the model and the optimizer that are watched, and where they stand."""
        for name, own, given in (
            ("model", self.model, training.model),
            ("optimizer", self.optimizer, training.optimizer),
        ):
            if own is not given:
                raise ValueError(
                    f"this Monitor watches another {name} than fit trains with, {own!r}; make one "
                    "for this run: nn.Monitor(model, optimizer)"
                )
        self.clip_norm = training.clip_norm
        self._begin()

    def on_step(self, training: "Training") -> None:
        """Record the step."""
        self.epoch_steps = training.steps
        self._record(training.step_loss, training.learning_rate)

    @np.errstate(all="ignore")  # as in the engine, IEEE has an answer
    def _record(self, loss: Any, learning_rate: float | None) -> None:
        now = _joined([parameter._data for parameter in self.parameters])
        change = now - self._weights
        norms = [gradient_norm(own) for own in self._members]
        sizes = [norm(self._weights[place]) for place in self._numbers]
        ratios = [
            norm(change[place]) / size if size else np.nan
            for place, size in zip(self._numbers, sizes, strict=True)
        ]
        self.motion.record(self.parameters, change)
        if learning_rate is None:
            learning_rate = self.motion.rates[-1]
        self._steps.append((float(loss), learning_rate, norms, ratios, sizes))
        self._weights, self._taken = now, self.optimizer.taken
        if len(self) <= EARLY:
            self._early.append(_single(now))
        if len(self) % self._every == 0:
            self._kept.append(_single(now))
            if len(self._kept) > self.snapshots:
                self._kept, self._every = self._kept[::2], 2 * self._every

    def __repr__(self) -> str:
        layers = f"{len(self.layers)} layer{'s' * (len(self.layers) != 1)}"
        steps = f"{len(self)} step{'s' * (len(self) != 1)}"
        ends = f", loss {self._steps[0][0]:.4g} to {self._steps[-1][0]:.4g}" if len(self) else ""
        return f"<Monitor of {layers}, {steps}{ends}>"


def norm(numbers: Array) -> float:
    """The Euclidean norm of a vector of float64, without overflow and without underflow."""
    with np.errstate(all="ignore"):
        length = float(np.sqrt(numbers @ numbers))
        if 1e-140 < length < 1e140:
            return length
        largest = float(np.max(np.abs(numbers), initial=0.0))
        if largest == 0.0 or not np.isfinite(largest):
            return largest
        return largest * float(np.linalg.norm(numbers / largest))


def gradient_norm(parameters: list[Any]) -> float | None:
    """The Euclidean norm of the gradients together; None where none came, as of frozen ones."""
    came = [p._grad for p in parameters if p._grad is not None and not p.constant]
    # With create_graph=True a gradient is a node.
    plain = [grad._data if isinstance(grad, Node) else grad for grad in came]
    return norm(_joined(plain)) if plain else None


def _joined(numbers: list[Any]) -> Array:
    """Floats and arrays as one vector of float64."""
    if all(type(x) is float for x in numbers):
        return np.array(numbers)
    return np.concatenate([np.ravel(x) for x in numbers], dtype=np.float64)


def _single(numbers: Array) -> Array:
    with np.errstate(over="ignore"):
        return numbers.astype(np.float32)


def _place(indices: npt.NDArray[np.int_]) -> Any:
    """Where a layer's numbers lie: as a rule side by side, which a slice reads without a copy."""
    first, last = indices[0], indices[-1]
    return slice(first, last + 1) if (np.diff(indices) == 1).all() else indices
