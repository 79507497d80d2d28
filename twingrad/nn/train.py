"""fit: the training loop, for both twins: forward, loss, backward, step, and what came of it.

The loop itself is five lines in `_train_on`; the rest checks what it is given before it touches
the model, shuffles by a seed, and keeps the history.
"""

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import Node, ShapeError, no_grad
from .fit_checks import (
    at_least_one,
    checked_callbacks,
    checked_data,
    checked_parameters,
    checked_validation,
)
from .history import History
from .metrics import Metric, measured, resolved
from .optim import Optimizer
from .predict import mode, plain, respond
from .progress import Callback, ProgressLine

Array = npt.NDArray[Any]


@dataclass
class Training:
    """A run of `fit` as its callbacks see it: `epoch` counts from 1, `stop` ends the run.

    `others` are the model's parameters that the optimizer does not know.
    """

    model: Any
    optimizer: Optimizer
    loss: Callable[[Any, Any], Any]
    history: History
    epochs: int
    others: Sequence[Any] = ()
    epoch: int = 0
    stop: bool = False


def fit(
    model: Any,
    X: Any,
    y: Any,
    *,
    loss: Callable[[Any, Any], Any],
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = None,
    validation: float | tuple[Any, Any] | None = None,
    metrics: str | Iterable[str | Metric] = (),
    callbacks: Iterable[Callback] = (),
    shuffle: bool = True,
    rng: int | np.random.Generator | None = None,
    progress: bool | Callable[[Iterable[int]], Iterable[int]] = True,
) -> History:
    """Train a model, of Values or of Tensors, and return its history.

    X: (samples, features), cast to the model's dtype once; y: one target a sample. `loss` is a
    function of (outputs, targets); `metrics` are names or functions of the same as plain arrays;
    training metrics are of the outputs as they were while training. `batch_size=None` is the
    full batch. `validation` is a share of the samples, drawn by `rng`, or a pair (X, y).
    `progress` may be `tqdm.tqdm`. Ctrl-C ends the run and returns the history so far.

    Before the first step the model, the loss and the metrics are tried once on all the data.

    Raises, before the model is touched, `ShapeError` for X and y of different lengths,
    `ValueError` for NaN or infinite data, no epochs, an optimizer of other parameters.

    >>> from twingrad import nn
    >>> X, y = nn.data.xor()
    >>> model = nn.MLP(2, [4, 1], rng=2)
    >>> sgd = nn.SGD(model.parameters(), lr=0.5, momentum=0.9)
    >>> history = nn.fit(model, X, y, loss=nn.mse_loss, optimizer=sgd, epochs=200, progress=False)
    >>> history.loss[-1] < 0.01
    True
    """
    generator = np.random.default_rng(rng)
    parameters = checked_parameters(model, optimizer)
    at_least_one("epochs", epochs)
    if not callable(loss):
        raise TypeError(f"loss is a function, such as nn.mse_loss, not {loss!r}")
    inputs, targets = checked_data(X, y, parameters[0])
    inputs, targets, held_out = checked_validation(
        validation, inputs, targets, parameters[0], generator
    )
    named = resolved(metrics, loss, targets)
    size = len(inputs) if batch_size is None else at_least_one("batch_size", batch_size)
    known = set(optimizer.parameters)
    others = [parameter for parameter in parameters if parameter not in known]
    training = Training(model, optimizer, loss, History(), epochs, others)
    listeners = [*checked_callbacks(callbacks), *([ProgressLine()] if progress is True else [])]
    for pair in ((inputs, targets), *([held_out] if held_out else [])):
        # What the model, the loss or a metric refuses, it refuses now, before anything is learned.
        measured(named, _evaluate(training, *pair, size)[1], pair[1])

    counted = range(1, epochs + 1)
    for listener in listeners:
        listener.on_start(training)
    try:
        with mode(model, training=True):
            for epoch in progress(counted) if callable(progress) else counted:
                training.epoch = epoch
                order = generator.permutation(len(inputs)) if shuffle else np.arange(len(inputs))
                batches = [order[i : i + size] for i in range(0, len(order), size)]
                _run_epoch(training, inputs, targets, batches, held_out, named)
                for listener in listeners:
                    listener.on_epoch(training)
                if training.stop:
                    break
    except KeyboardInterrupt:
        training.history.interrupted = True
    finally:
        for listener in listeners:
            listener.on_end(training)
    return training.history


def _run_epoch(
    training: Training,
    X: Array,
    y: Array,
    batches: Sequence[Array],
    held_out: tuple[Array, Array] | None,
    metrics: dict[str, Metric],
) -> None:
    started = time.perf_counter()
    total, outputs = 0.0, []
    for batch in batches:
        with _collector_paused():
            loss, output = _train_on(training, X[batch], y[batch])
        total += loss * len(batch)
        outputs.append(output)
    found = {"loss": total / len(X)}
    found |= measured(metrics, np.concatenate(outputs), y[np.concatenate(batches)])
    if held_out is not None:
        found["val_loss"], outputs_then = _evaluate(training, *held_out, len(batches[0]))
        of_held_out = measured(metrics, outputs_then, held_out[1])
        found |= {f"val_{name}": number for name, number in of_held_out.items()}
    history = training.history
    history.loss.append(found.pop("loss"))
    if "val_loss" in found:
        history.val_loss.append(found.pop("val_loss"))
    for name, number in found.items():
        history.metrics.setdefault(name, []).append(number)
    history.learning_rate.append(training.optimizer.lr)
    history.seconds.append(time.perf_counter() - started)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the cyclic collector from searching a growing graph, which holds no cycles to find."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _train_on(training: Training, X: Array, y: Array) -> tuple[float, Array]:
    """One step: forward, loss, zero, backward, update."""
    outputs = respond(training.model, X)
    loss = _checked(training.loss(outputs, y))
    training.optimizer.zero_grad()
    for parameter in training.others:
        parameter.grad = None
    loss.backward()
    training.optimizer.step()
    return float(loss), plain(outputs)


def _evaluate(training: Training, X: Array, y: Array, size: int) -> tuple[float, Array]:
    """The mean loss and the outputs on data that nothing is learned from."""
    total, outputs = 0.0, []
    with mode(training.model, training=False), no_grad():
        for i in range(0, len(X), size):
            output = respond(training.model, X[i : i + size])
            loss = _checked(training.loss(output, y[i : i + size]))
            total += float(loss) * len(X[i : i + size])
            outputs.append(plain(output))
    return total / len(X), np.concatenate(outputs)


def _checked(loss: Any) -> Any:
    if not isinstance(loss, Node):
        raise TypeError(
            f"the loss must be a Value or a Tensor to learn from, but {loss!r} came, a "
            f"{type(loss).__name__}"
        )
    if np.size(loss.data) != 1:
        raise ShapeError(
            f"the loss must be a single number, but it has shape {np.shape(loss.data)}; call "
            ".mean() on it"
        )
    return loss
