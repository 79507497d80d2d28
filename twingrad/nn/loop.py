"""The training loop: an epoch of steps, each forward, loss, backward, clip, update.

`fit` prepares what comes in here; a callback sees all of it as the `Training`.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import AnomalyError, Node, ShapeError, no_grad
from ..engine.collector import collector_paused
from .callbacks import Callback
from .clip import clip_grad_norm
from .history import History
from .metrics import Metric, measured
from .optimizer import Optimizer
from .own_losses import look
from .predict import mode, plain, respond
from .randomness import state_of
from .recorder import Recorder
from .schedule import learning_rate

Array = npt.NDArray[Any]


@dataclass
class Training:
    """A run of `fit` as its callbacks see it. `stop = True` ends it, within an epoch too.

    `epoch` counts from 1 up to `epochs`, `step` from 1 up to `steps` within the epoch; both go on
    where a resumed run stopped. `curves` are the names that the history will have. `others` are
    the model's parameters that the optimizer does not know, `data` what is trained on, (X, y).
    `step_loss` and `learning_rate` are those of the last step; `optimizer.lr` is the rate before
    the schedule.
    """

    model: Any
    optimizer: Optimizer
    loss: Callable[[Any, Any], Any]
    history: History
    epochs: int
    data: tuple[Array, Array] = field(default_factory=lambda: (np.zeros((0, 0)), np.zeros(0)))
    others: Sequence[Any] = ()
    curves: Sequence[str] = ()
    schedule: Callable[[int], float] | None = None
    clip_norm: float | None = None
    rng: np.random.Generator = field(default_factory=np.random.default_rng)
    recorder: Recorder | None = None
    epoch: int = 0
    step: int = 0
    steps: int = 0
    step_loss: float = float("nan")
    learning_rate: float = float("nan")
    stop: bool = False
    looked: bool = False


def run_epoch(
    training: Training,
    X: Array,
    y: Array,
    steps: Sequence[Sequence[Array]],
    held_out: tuple[Array, Array] | None,
    metrics: dict[str, Metric],
    listeners: Sequence[Callback],
) -> None:
    """Take the steps, each of one or more batches of indices, and write the epoch's history."""
    started = time.perf_counter()
    total, outputs = 0.0, []
    training.steps = len(steps)
    for training.step, batches in enumerate(steps, 1):
        with collector_paused():
            loss, output = _train_on(training, [(X[batch], y[batch]) for batch in batches])
        total += loss
        outputs += output if metrics else []
        show(training, listeners, "on_step")
        if training.stop:
            return
    found = {"loss": total / len(X)}
    if metrics:
        order = np.concatenate([batch for batches in steps for batch in batches])
        found |= measured(metrics, np.concatenate(outputs), y[order])
    if held_out is not None:
        if training.recorder is not None:
            training.recorder.into_values()
        found["val_loss"], outputs_then = _evaluate(training, *held_out, len(steps[0][0]))
        of_held_out = measured(metrics, outputs_then, held_out[1])
        found |= {f"val_{name}": number for name, number in of_held_out.items()}
    history = training.history
    history.loss.append(found.pop("loss"))
    if "val_loss" in found:
        history.val_loss.append(found.pop("val_loss"))
    for name, number in found.items():
        history.metrics.setdefault(name, []).append(number)
    history.learning_rate.append(training.learning_rate)
    history.seconds.append(time.perf_counter() - started)
    history.rng["now"] = state_of(training.rng)


def _train_on(
    training: Training, batches: Sequence[tuple[Array, Array]]
) -> tuple[float, list[Array]]:
    """One step: the gradient of the mean loss over the samples of the batches, and the update."""
    total = 0.0
    seen: list[Array] = []
    samples = sum(len(X) for X, _ in batches)
    recorder = training.recorder
    for X, y in batches:
        share, first = len(X) / samples, not seen
        replayed = None if recorder is None else recorder.gradients(X, y, share, first)
        loss, outputs = _gradients(training, X, y, share, first) if replayed is None else replayed
        total += loss * len(X)
        seen.append(outputs)
    if recorder is not None and recorder.watched:
        recorder.into_values()
    training.step_loss, training.learning_rate = total / samples, optimizer_rate(training)
    try:
        with nullcontext() if recorder is None else recorder.in_place_of_values():
            _update(training)
    except AnomalyError:
        if recorder is not None and training.clip_norm is not None:
            recorder.into_values()
            _clip(training)  # which names the parameter
        raise
    return total, seen


def optimizer_rate(training: Training) -> float:
    """The learning rate of the step to come, by the schedule if there is one."""
    optimizer = training.optimizer
    if training.schedule is None:
        return optimizer.lr
    return learning_rate(training.schedule, optimizer.lr, optimizer.taken)


def _gradients(
    training: Training, X: Array, y: Array, share: float, first: bool
) -> tuple[float, Array]:
    """The loss and the outputs of a batch, its gradients times `share` collected."""
    outputs = respond(training.model, X)
    loss = checked_loss(training.loss(outputs, y))
    if first:
        training.optimizer.zero_grad()
        for parameter in training.others:
            parameter.grad = None
    if not training.looked and not is_ours(training.loss):
        look(loss)
    training.looked = True
    (loss if share == 1.0 else loss * share).backward()
    return float(loss), plain(outputs)


def _update(training: Training) -> None:
    """Clip the gradients and step, by the schedule's learning rate."""
    if training.clip_norm is not None:
        _clip(training)
    optimizer, base = training.optimizer, training.optimizer.lr
    optimizer.lr = training.learning_rate
    try:
        optimizer.step()
    finally:
        optimizer.lr = base


def _clip(training: Training) -> None:
    try:
        clip_grad_norm(training.optimizer.parameters, training.clip_norm or np.inf)
    except AnomalyError as error:
        error.add_note(
            f"this was epoch {training.epoch}, step {training.step}; the parameters are as the "
            "step before left them"
        )
        raise


def show(training: Training, listeners: Sequence[Callback], moment: str) -> None:
    """Tell the listeners; those that may look at the model find its numbers where they belong."""
    if training.recorder is not None and any(
        listener.reads_model and getattr(type(listener), moment) is not getattr(Callback, moment)
        for listener in listeners
    ):
        training.recorder.into_values()
        training.recorder.doubtful |= any(not is_ours(listener) for listener in listeners)
    for listener in listeners:
        getattr(listener, moment)(training)


def is_ours(x: Any) -> bool:
    """Whether something is of this package, and so changes nothing that a loss depends on."""
    module: str = x.__module__ if isinstance(x, FunctionType) else type(x).__module__
    return module.startswith(__name__.partition(".")[0] + ".")


def _evaluate(training: Training, X: Array, y: Array, size: int) -> tuple[float, Array]:
    """The mean loss and the outputs on data that nothing is learned from."""
    total, outputs = 0.0, []
    with mode(training.model, training=False), no_grad():
        for i in range(0, len(X), size):
            output = respond(training.model, X[i : i + size])
            loss = checked_loss(training.loss(output, y[i : i + size]))
            total += float(loss) * len(X[i : i + size])
            outputs.append(plain(output))
    return total / len(X), np.concatenate(outputs)


def try_out(training: Training, X: Array, y: Array, size: int, metrics: dict[str, Metric]) -> None:
    """Let the model, the loss and the metrics refuse what they will refuse, learning nothing.

    The model sees a batch of every size that will come, the loss and the metrics all targets.
    """
    with mode(training.model, training=False), no_grad():
        tried = {n: respond(training.model, X[:n]) for n in {min(size, len(X)), len(X) % size} if n}
        outputs = []
        for i in range(0, len(X), size):
            targets = y[i : i + size]
            checked_loss(training.loss(tried[len(targets)], targets))
            outputs += [plain(tried[len(targets)])] if metrics else []
    if metrics:
        measured(metrics, np.concatenate(outputs), y)


def checked_loss(loss: Any) -> Any:
    """A loss that `backward` can start from."""
    if not isinstance(loss, Node):
        raise TypeError(
            f"the loss must be a Value or a Tensor to learn from, but {loss!r} came, a "
            f"{type(loss).__name__}"
        )
    if np.size(loss._data) != 1:
        raise ShapeError(
            f"the loss must be a single number, but it has shape {np.shape(loss._data)}; call "
            ".mean() on it"
        )
    return loss
