"""Recorder: training steps of a model of Values as array code, for `fit(record=True)`.

It keeps one recording for each shape of batch, and the parameters as one array, which the
optimizer steps whole; the Values get their numbers whenever somebody else may look at them.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..engine import AnomalyError, GraphError, Node, Tensor, Value, no_grad
from ..engine.caller import levels_to_the_user
from ..engine.changes import moved
from ..engine.recording import Recording, drawn_from, record_with_results
from .loss_checks import flat, shape_of
from .optimizer import Optimizer
from .predict import respond
from .snapshot import without_a_trace

if TYPE_CHECKING:
    from .loop import Training

Array = npt.NDArray[Any]

COMPARED = {1, 10, 100, 1_000, 10_000, 100_000}
"""So often replayed, a recording is held against the model again."""
PATIENCE = 3
"""So many recordings that did not hold for the next batch, one after the other, are enough."""


class NotRecordableError(Exception):
    """Why a model or a loss cannot be replayed; what it says ends a sentence."""


class Batch:
    """A recording for batches of one shape, and how its leaves stand among the parameters."""

    def __init__(self, recording: Recording, shape: tuple[int, ...], places: Any, loss: float):
        self.recording, self.shape, self.places, self.loss = recording, shape, places, loss
        self.replayed = 0


class Recorder:
    """The steps of a training by recordings; `active` is False once it has given up.

    What cannot be recorded is trained eagerly, and a warning says so once. Each recording is
    held against the model itself on the batch it was made of, on the next one, then ever more
    rarely, and whenever a callback of the user's has run: there a number that is taken from
    elsewhere shows, if it changes.
    """

    def __init__(self, training: "Training", with_outputs: bool, watched: bool) -> None:
        self.training, self.with_outputs, self.watched = training, with_outputs, watched
        self.active = True
        self.doubtful = False
        """Whether somebody may have changed what the model or the loss depends on."""
        self._batches: dict[Any, Batch] = {}
        self._out_of_date = 0
        self._values: list[Any] = [*training.optimizer.parameters, *training.others]
        self._reset = len(self._values)  # what else a loss may hold is nobody's to reset
        self._at = {value: i for i, value in enumerate(self._values)}
        self._in_arrays = False
        self._data = self._grad = np.zeros(0)
        if type(training.optimizer).zero_grad is not Optimizer.zero_grad:
            self._give_up(f"its {type(training.optimizer).__name__} has a zero_grad() of its own")
        elif not all(isinstance(value, Value) for value in self._values):
            self._give_up("its parameters are Tensors, which compute whole arrays at once already")

    # A step

    def gradients(
        self, X: Array, y: Array, share: float, first: bool
    ) -> tuple[float, Array] | None:
        """The loss and the outputs of a batch, its gradients times `share` collected.

        They are added to those so far unless this is the `first` batch of a step. None where the
        batch must be done eagerly.
        """
        if not self.active:
            return None
        try:
            batch, loss = self._replayed(X, y)
        except NotRecordableError as error:
            self._give_up(str(error))
            return None
        if batch.recording.is_anomalous:  # which the model itself is to tell, with its lines
            self.into_values()
            return None
        self._collect(batch, share, first)
        outputs = batch.recording.others
        return loss, outputs.reshape(batch.shape) if self.with_outputs else outputs

    def _replayed(self, X: Array, y: Array) -> tuple[Batch, float]:
        key = X.shape, y.shape
        self.into_arrays()
        batch = self._batches.get(key)
        if batch is not None:
            try:
                loss = self._run(batch, X, y)
            except GraphError as error:
                self._out_of_date += 1
                if self._out_of_date >= PATIENCE:
                    raise NotRecordableError(
                        f"it goes another way for other data: {error}"
                    ) from None
            else:
                if self.doubtful or batch.replayed in COMPARED:
                    self._compare(loss, self._eager_loss(X, y), "another batch")
                    self._out_of_date, self.doubtful = 0, False
                batch.replayed += 1
                return batch, loss
        batch = self._batches[key] = self._recorded(X, y)
        loss = self._run(batch, X, y)
        self._compare(loss, batch.loss, "the batch it was recorded with")
        batch.replayed = 1
        return batch, loss

    def _run(self, batch: Batch, X: Array, y: Array) -> float:
        self.into_arrays()
        recording = batch.recording
        recording.write_inputs(X, y)
        recording.leaf_data[:] = self._data[batch.places]
        return recording.run()

    def _collect(self, batch: Batch, share: float, first: bool) -> None:
        self.into_arrays()
        grad = batch.recording.leaf_grad if share == 1.0 else share * batch.recording.leaf_grad
        if first:
            self._grad[: self._reset] = 0.0
            self._has_grad[: self._reset] = False
        self._grad[batch.places] += grad
        self._has_grad[batch.places] |= batch.recording.reached

    # Recording

    def _recorded(self, X: Array, y: Array) -> Batch:
        """A new recording, made of the model as it is now."""
        self.into_values()
        training, outputs = self.training, []

        def loss(X: Any, y: Any) -> Any:
            outputs.append(respond(training.model, X))
            return training.loss(outputs[0], y)

        with without_a_trace(training.model) as assigned:
            try:
                recording = record_with_results(
                    loss,
                    (X, y),
                    lambda: _nodes(outputs[0]) if self.with_outputs else (),
                    uses=(training.model, training.loss),
                )
            except (NotRecordableError, AnomalyError):
                raise
            except Exception as error:
                raise NotRecordableError(f"{type(error).__name__}: {error}") from error
        if assigned:
            raise NotRecordableError(
                f"its forward changes {', '.join(assigned[:3])}, which a replay would not"
            )
        for leaf in recording.leaves:
            if leaf not in self._at:
                self._at[leaf] = len(self._values)
                self._values.append(leaf)
        places = np.array([self._at[leaf] for leaf in recording.leaves], np.intp)
        shape = shape_of(outputs.pop())  # the graph is not needed any more
        return Batch(recording, shape, places, recording.first_loss)

    def _eager_loss(self, X: Array, y: Array) -> float:
        self.into_values()
        training = self.training
        with drawn_from((training.model, training.loss)), no_grad():
            return float(training.loss(respond(training.model, X), y))

    def _compare(self, replayed: float, eager: float, where: str) -> None:
        if not np.isclose(replayed, eager, rtol=1e-6, atol=1e-9, equal_nan=True):
            raise NotRecordableError(
                f"on {where} the replay gives a loss of {replayed:g}, the model itself {eager:g}; "
                "does it take numbers from elsewhere, which change from batch to batch?"
            )

    def _give_up(self, reason: str) -> None:
        self.into_values()
        self.active = False
        warnings.warn(
            f"record=True: this training cannot be replayed as array code, because {reason}\n"
            "It goes on without, at the speed of Values",
            stacklevel=levels_to_the_user(),
        )

    # The parameters, in arrays and in Values

    def into_arrays(self) -> None:
        """Read the parameters and the optimizer's state, if somebody else may have changed them."""
        if self._in_arrays and len(self._data) == len(self._values):
            return
        self.into_values()
        optimizer, count = self.training.optimizer, len(self.training.optimizer.parameters)
        self._data = np.array([value._data for value in self._values])
        self._grad = np.array([value.grad for value in self._values], np.float64)
        self._has_grad = np.array([value._grad is not None for value in self._values])
        self._free = np.array([not value.constant for value in self._values])
        self._flat = Tensor._make(self._data[:count])
        self._state = {
            name: np.array([entry[name] for entry in optimizer.state])
            for name in optimizer.state_names
        }
        self._steps = list(optimizer.steps)
        self._batches = {
            key: batch for key, batch in self._batches.items() if batch.recording.still_holds()
        }
        self._in_arrays = True

    def into_values(self) -> None:
        """Write the parameters, their gradients and the optimizer's state back."""
        if not self._in_arrays:
            return
        optimizer = self.training.optimizer
        for value, number, grad, has_grad in zip(
            self._values,
            self._data.tolist(),
            self._grad.tolist(),
            self._has_grad.tolist(),
            strict=False,
        ):
            value._data = number
            value._grad = grad if has_grad else None
        moved(self._values)
        for name, numbers in self._state.items():
            for entry, number in zip(optimizer.state, numbers.tolist(), strict=True):
                entry[name] = number
        optimizer.steps = self._steps
        self._in_arrays = False  # last, so that what an interruption cut short is done again

    @contextmanager
    def in_place_of_values(self) -> Iterator[None]:
        """Within it the optimizer holds one Tensor in the place of its Values, if that is the same.

        It is for an optimizer that treats every number alike, if all have a gradient and have
        taken as many steps; another one gets its Values, with their gradients, and so does every
        one if somebody watches.
        """
        optimizer = self.training.optimizer
        count = len(optimizer.parameters)
        if not self.active or not self._in_arrays:
            yield
            return
        if not (
            not self.watched
            and optimizer.elementwise
            and type(optimizer).step is Optimizer.step
            and all(entry.keys() == set(optimizer.state_names) for entry in optimizer.state[:1])
            and len(set(self._steps)) == 1
            and (self._has_grad[:count] & self._free[:count]).all()
        ):
            self.into_values()
            yield
            return
        held = optimizer.parameters, optimizer.state
        self._flat._grad = self._grad[:count]
        optimizer.parameters, optimizer.steps = [self._flat], self._steps[:1]
        optimizer.state = [self._state]
        try:
            yield
        finally:
            self._steps = optimizer.steps * count
            optimizer.parameters, optimizer.state = held
            optimizer.steps = self._steps


def _nodes(outputs: Any) -> Sequence[Node]:
    nodes = flat(outputs)
    if not all(isinstance(node, Value) for node in nodes):
        raise NotRecordableError("its outputs are not all Values, so they cannot be computed anew")
    return nodes
