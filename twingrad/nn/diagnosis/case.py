"""Case: all that the doctor knows of a model, gathered once, for every finding to rest on.

What costs a pass over the data is computed when first asked for.
"""

from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...engine import Value
from ..history import History
from ..module import Module
from ..monitor import Monitor
from ..optim import SGD
from ..optimizer import Optimizer
from ..parts import layer_name, layers_of
from ..predict import dtype_of, first_numbers
from .again import Again
from .arguments import arrays_of
from .course import Course
from .look import Look, look
from .neighbours import Reach, reach
from .scores import score_of, trivial_loss
from .trial import Trial, curvature, trial, walked

Array = npt.NDArray[Any]


SMOOTH = 30
"""So many steps show where a run would go if its batches made no noise."""


def once(measure: Callable[["Case"], Any]) -> Callable[["Case"], Any]:
    """A measure of a case that many findings ask for, and that is taken once."""

    @wraps(measure)
    def asked(case: "Case") -> Any:
        if measure not in case.measured:
            case.measured[measure] = measure(case)
        return case.measured[measure]

    return asked


class LayerOf(NamedTuple):
    """A layer's path and name, the indices of its parameters, and whether it holds a matrix."""

    path: str
    name: str
    members: list[int]
    is_matrix: bool


class Case:
    """A model and what is known of it: data, losses, looks at it now and before training."""

    def __init__(
        self,
        model: Any,
        X: Any,
        y: Any,
        loss: Callable[[Any, Any], Any],
        history: History | None = None,
        monitor: Monitor | None = None,
        optimizer: Optimizer | None = None,
    ) -> None:
        self.model, self.loss = model, loss
        self.measured: dict[Any, Any] = {}
        self.monitor = monitor if monitor is not None and len(monitor) else None
        self.parameters = list(model.parameters())
        self.optimizer = optimizer or self._by_hand()
        self.by_hand = optimizer is None and self.optimizer is not None
        numbers = first_numbers(model)
        self.is_scalar = isinstance(numbers, Value)
        self.X, self.y = arrays_of(X, y, np.dtype(float) if numbers is None else dtype_of(numbers))
        self.course = Course(history, self.monitor)
        self._taken = optimizer.taken if optimizer is not None else None
        modules = dict(model.named_modules()) if isinstance(model, Module) else {}
        place = {parameter: i for i, parameter in enumerate(self.parameters)}
        self.layers = [
            LayerOf(
                path,
                layer_name(path, modules[path]) if path in modules else path.lstrip("."),
                [place[p] for p in own],
                any(np.ndim(p._data) > 1 for p in own) or (self.is_scalar and len(own) > 1),
            )
            for path, own in layers_of(model).items()
        ]

    def _by_hand(self) -> Optimizer | None:
        """What a loop of one's own does, where its steps are multiples of the gradients."""
        monitor = self.monitor
        if monitor is None or not monitor.by_hand:
            return None
        rates = monitor.learning_rates
        rates = rates[np.isfinite(rates) & (rates > 0.0)]
        late = rates[len(rates) // 2 :]
        return SGD(self.parameters, lr=float(np.median(late))) if len(late) else None

    # Before training, or after it

    @cached_property
    def is_new(self) -> bool:
        """Whether the model is known to be untrained: its numbers never changed, or no step did."""
        if len(self.course) or self._taken:
            return False
        return self._taken == 0 or not any(p._stamp for p in self.parameters)

    @cached_property
    def fresh(self) -> bool:
        """Whether the model is to be taken for untrained: nobody tells of a training, nor it."""
        if len(self.course) or self._taken:
            return False
        known = all(np.isfinite(p._data).all() for p in self.parameters)
        return self.is_new or (known and not self.share_left < 0.7)

    @property
    def at_first(self) -> str:
        """When the first look was taken, in words that claim no more than is known."""
        return "as it stands" if self.fresh and not self.is_new else "before training"

    # The data

    @cached_property
    def is_finite(self) -> bool:
        """Whether X and y are numbers all through."""
        return bool(np.isfinite(self.X).all() and np.isfinite(self.y).all())

    @cached_property
    def sample(self) -> tuple[Array, Array]:
        """A few hundred samples, drawn once."""
        count = 512
        if self.is_scalar:
            count = min(300, max(50, 300_000 // max(1, len(self.parameters))))
        elif self.X.ndim > 2:
            count = 256
        chosen = np.sort(np.random.default_rng(0).permutation(len(self.X))[:count])
        return self.X[chosen], self.y[chosen]

    @property
    def rows(self) -> Array:
        """X with one axis of features."""
        return self.X.reshape(len(self.X), -1)

    @cached_property
    def classes(self) -> npt.NDArray[np.intp] | None:
        """The class of each sample, 0, 1 …; None where the targets are no classes."""
        found = self._classes_of(self.y)
        return None if found is None else np.unique(found, return_inverse=True)[1]

    def _classes_of(self, y: Array) -> Array | None:
        if y.ndim == 2 and y.shape[1] > 1:
            one_hot = ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all()
            return y.argmax(axis=1) if one_hot else None
        flat = y.reshape(len(y), -1)
        if flat.shape[1] != 1:
            return None
        kinds = np.unique(flat)
        whole = y.dtype.kind in "biu" and self.now.outputs.ndim == 2 and y.ndim == 1
        two = len(kinds) == 2 and set(kinds.tolist()) in ({0.0, 1.0}, {-1.0, 1.0})
        labels: Array = flat[:, 0]
        return labels if whole or two else None

    @cached_property
    def codes(self) -> Array:
        """Targets as one-hot rows, or as numbers standardised: (samples, n)."""
        if self.classes is not None:
            one_hot: Array = np.eye(int(self.classes.max()) + 1)[self.classes]
            return one_hot
        numbers = self.y.reshape(len(self.y), -1).astype(np.float64)
        spread = numbers.std(axis=0)
        scaled: Array = (numbers - numbers.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
        return scaled

    @cached_property
    def reach(self) -> Reach:
        """What neighbours can learn of the data."""
        return reach(self.rows, self.codes)

    # The model

    @cached_property
    def now(self) -> Look:
        """The model as it is."""
        return look(self.model, *self.sample, self.loss)

    @cached_property
    def first_weights(self) -> list[Array] | None:
        """The parameters before training, where they are known."""
        if self.fresh:
            return [np.array(p._data) for p in self.parameters]
        monitor = self.monitor
        if monitor is None or not monitor.from_the_start:
            return None
        return self.weights_of(monitor.path[0], monitor)

    def weights_of(self, numbers: Array, monitor: Monitor) -> list[Array] | None:
        """A row of a monitor's path as one array for each parameter."""
        watched = monitor.parameters
        sizes = [np.size(p._data) for p in watched]
        if len(numbers) != sum(sizes) or watched != self.parameters:
            return None
        parts = np.split(numbers, np.cumsum(sizes)[:-1])
        return [
            part.reshape(np.shape(p._data)).astype(dtype_of(p))
            for part, p in zip(parts, watched, strict=True)
        ]

    @cached_property
    def first(self) -> Look | None:
        """The model as it was before training; None where that is not known."""
        if self.fresh:
            return self.now
        weights = self.first_weights
        return None if weights is None else look(self.model, *self.sample, self.loss, weights)

    def norms(self, seen: Look) -> Array:
        """The gradient norm of each layer that holds a matrix, in order."""
        return np.array(
            [
                np.sqrt(sum(float(np.sum(np.square(_double(seen.gradients[i])))) for i in members))
                for _, _, members, is_matrix in self.layers
                if is_matrix
            ]
        )

    @property
    def matrices(self) -> list[LayerOf]:
        """The layers that hold a matrix."""
        return [layer for layer in self.layers if layer.is_matrix]

    def name_of(self, path: str) -> str:
        """A layer as it is called in a finding."""
        return next((layer.name for layer in self.layers if layer.path == path), path.lstrip("."))

    # How well it does

    @cached_property
    def trivial(self) -> float:
        """The loss of the best constant answer, by the loss itself."""
        return trivial_loss(self.loss, self.sample[1], self.now.outputs.shape, self.is_scalar)

    @cached_property
    def score(self) -> float | None:
        """How the model does on the sample: 0 as a constant, 1 perfect; None where unknown."""
        y = self.sample[1]
        of_logits = "binary_cross_entropy" in self.now.operations and self.now.last != "sigmoid"
        return score_of(self.now.outputs, y, self._classes_of(y), of_logits)

    @property
    def share_left(self) -> float:
        """The loss now over that of the best constant: about 1 where nothing is learned."""
        return self.now.loss / self.trivial if self.trivial else float("nan")

    @property
    def nothing_learned(self) -> bool:
        """Whether a trained model does hardly better than a constant."""
        return not self.fresh and not self.share_left < 0.9

    @cached_property
    def again(self) -> Again:
        """Looks at the sample with other weights."""
        return Again(self.model, *self.sample, self.loss)

    @cached_property
    def takes_all(self) -> bool:
        """Whether the steps of a loop took all samples at once, as far as it can be told."""
        monitor = self.monitor
        if monitor is None or len(self.X) > len(self.sample[0]):
            return False
        for numbers, step in zip(monitor.path, monitor.path_steps, strict=True):
            weights = self.weights_of(numbers, monitor)
            if weights is None or step >= len(monitor):
                return False
            if not np.isclose(self.again(weights).loss, monitor.losses[step], rtol=1e-3):
                return False
            if step:
                return True
        return False

    # What a step does

    @cached_property
    def trial(self) -> Trial | None:
        """What steps of several lengths do to the model as it is."""
        return self._tried(None)

    @cached_property
    def peak_trial(self) -> Trial | None:
        """What steps of several lengths do now, at the largest rate that there ever was."""
        rates = self.course.rates[np.isfinite(self.course.rates)]
        return self._tried(None, float(rates.max())) if len(rates) else self.trial

    @cached_property
    def first_trial(self) -> Trial | None:
        """What they would have done to the model as it was."""
        if self.fresh:
            return self.trial
        return None if self.first_weights is None else self._tried(self.first_weights)

    @cached_property
    def descent(self) -> float:
        """By how much of itself the best step down the gradient of the sample lowers the loss.

        |g|²/2c of the loss, c being the curvature along the gradient g.
        """
        begin = [np.array(p._data) for p in self.parameters]
        curved = curvature(self.again, self.now, begin)
        steep = float(self.now.vector @ self.now.vector)
        return steep / (2.0 * curved * abs(self.now.loss)) if curved > 0.0 else 1.0

    @cached_property
    def smoothed(self) -> float:
        """By how much of itself the loss falls in `SMOOTH` steps by the gradient of the sample."""
        if self.optimizer is None or not np.isfinite(self.now.loss):
            return min(self.descent, 1.0)
        end = walked(self.again, self.optimizer, SMOOTH)
        return (self.now.loss - end) / abs(self.now.loss) if np.isfinite(end) else 0.0

    def _tried(self, weights: list[Array] | None, rate: float | None = None) -> Trial | None:
        if self.optimizer is None:
            return None
        seen = self.now if weights is None else self.first
        if rate is None:
            rate = self.course.rate_of(weights is not None, self.optimizer)
        if seen is None or not np.isfinite(seen.loss):
            return None
        return trial(self.again, self.optimizer, seen, weights, rate)


def _double(gradient: Array | None) -> Array:
    return np.zeros(1) if gradient is None else np.asarray(gradient, np.float64)
