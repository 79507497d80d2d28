"""fit: training for both twins, from data and a model to the history of what came of it.

It checks what it is given before it touches the model, and shuffles by a seed; the loop itself
is in `loop`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .callbacks import Callback
from .checkpoint import CheckpointRecord
from .data_checks import look_at_training
from .fit_checks import (
    checked_batches,
    checked_callbacks,
    checked_data,
    checked_parameters,
    checked_resume,
    checked_schedule,
    checked_validation,
    continued,
    name_parameters,
)
from .freed_memory import keep_freed_memory
from .history import History
from .loop import Training, is_ours, run_epoch, show, try_out
from .metrics import Metric, resolved
from .optimizer import Optimizer
from .predict import mode
from .progress import ProgressLine
from .randomness import put_back, state_of
from .recorder import Recorder
from .scale import compare
from .settings import above_zero_or_infinite, whole
from .snapshot import Snapshot


def fit(
    model: Any,
    X: Any,
    y: Any,
    *,
    loss: Callable[[Any, Any], Any],
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = None,
    accumulate: int = 1,
    validation: float | tuple[Any, Any] | None = None,
    metrics: str | Iterable[str | Metric] = (),
    schedule: Callable[[int], float] | None = None,
    clip_norm: float | None = None,
    callbacks: Iterable[Callback] = (),
    shuffle: bool = True,
    rng: int | np.random.Generator | None = None,
    progress: bool | Callable[[Iterable[int]], Iterable[int]] = True,
    record: bool = False,
    resume: CheckpointRecord | str | Path | None = None,
) -> History:
    """Train a model, of Values or of Tensors, and return its history.

    X: (samples, features) or (samples, channels, height, width), cast to the model's dtype once;
    y: one target a sample. `loss` is a function of (outputs, targets), the mean over the samples
    of a batch; `metrics` are names or functions of the same as plain arrays; training metrics are
    of the outputs as they were while training. `batch_size=None` is the full batch; with
    `accumulate=k`, a step takes the mean gradient of k batches that pass one after the other.
    `validation` is a share of the samples, drawn by `rng`, or a pair (X, y).

    `schedule` gives a factor for the optimizer's rate, or the rate, by the optimizer's count of
    steps, `optimizer.taken`; `optimizer.lr` itself stays. `clip_norm` limits the norm of all
    gradients together. `progress` may be `tqdm.tqdm`. Ctrl-C ends the run and returns the
    history so far.

    `record=True` trains a model of Values as array code, a hundred times as fast or more and the
    same to rounding: each shape of batch is recorded, as by `record`, and again when that does not
    hold any more. What cannot be, random numbers or a state in the model for one, is trained as
    without, and a warning says so once.

    `resume`, a checkpoint or its path, first puts model, optimizer (its rate too) and randomness
    into the saved state, and trains `epochs` more: the same bits as if the run had never stopped,
    if everything else is given as it was, the number of BLAS threads included. The history
    continues. What no checkpoint holds is a best epoch that EarlyStopping kept in memory.

    Before the first step the model is tried on a batch, the loss and metrics on all targets. All
    layers train, whatever mode they were in, and get their mode back.

    Raises, before the model is touched, `ShapeError` for X and y of different lengths,
    `ValueError` for NaN or infinite data, no epochs, a batch larger than the data, an optimizer
    of other parameters, and `CheckpointError` for a checkpoint of another model; and, with
    `clip_norm`, `AnomalyError` before the step whose gradients are not finite.

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
    whole("epochs", epochs, 1)
    whole("accumulate", accumulate, 1)
    if not isinstance(shuffle, bool) or not isinstance(record, bool):
        raise TypeError(f"shuffle and record are True or False, not {shuffle!r} and {record!r}")
    if not isinstance(progress, bool) and not callable(progress):
        raise TypeError(
            f"progress is True, False or a function such as tqdm.tqdm, not {progress!r}"
        )
    if not callable(loss):
        raise TypeError(f"loss is a function, such as nn.mse_loss, not {loss!r}")
    if clip_norm is not None:
        above_zero_or_infinite("clip_norm", clip_norm)
    inputs, targets = checked_data(X, y, parameters[0])
    name_parameters(model, parameters, optimizer)
    listeners = [*checked_callbacks(callbacks), *([ProgressLine()] if progress is True else [])]
    saved = None
    if resume is not None:
        saved = checked_resume(resume, model, generator, shuffle, validation)
    if schedule is not None:
        checked_schedule(schedule, optimizer, saved)
    with _undone_where_refused(model, optimizer, generator, saved is not None):
        history = History(rng={"start": state_of(generator)})
        if saved is not None and saved.history is not None and "start" in saved.history.rng:
            put_back(generator, saved.history.rng["start"])  # the same samples are held out again
        inputs, targets, held_out = checked_validation(
            validation, inputs, targets, parameters[0], generator
        )
        named = resolved(metrics, loss, targets)
        size = checked_batches(batch_size, len(inputs), model)
        curves = _curves(named, held_out is not None)
        if isinstance(validation, float):
            history.rng["split"] = [len(inputs), len(held_out[0])] if held_out else []
        if saved is not None and saved.history is not None:
            history = continued(saved.history, history, curves, saved.path)
        known = set(optimizer.parameters)
        training = Training(
            model,
            optimizer,
            loss,
            history,
            epochs=len(history) + epochs,
            data=(inputs, targets),
            others=[parameter for parameter in parameters if parameter not in known],
            curves=curves,
            schedule=schedule,
            clip_norm=clip_norm,
            rng=generator,
        )
        try_out(training, inputs, targets, size, named)
        if held_out:
            try:
                try_out(training, *held_out, size, named)
            except Exception as error:
                error.add_note("this is about the validation data")
                raise
        if saved is not None:
            optimizer.load_state_dict(saved.optimizer or {})
            saved.restore(model)
            if saved.rng is not None:
                put_back(generator, saved.rng)
        history.rng["now"] = state_of(generator)
        for listener in listeners:
            listener.on_start(training)

    look_at_training(model, X, y, inputs.dtype)
    if held_out:
        compare("the validation's X", model, held_out[0])
    keep_freed_memory()
    taken = optimizer.taken
    if record:
        told = [*named.values(), *([] if schedule is None else [schedule])]
        watched = callable(progress) or not all(map(is_ours, told))
        training.recorder = Recorder(training, with_outputs=bool(named), watched=watched)
    counted = range(len(history) + 1, training.epochs + 1)
    try:
        with mode(model, training=True):
            for epoch in progress(counted) if callable(progress) else counted:
                if training.stop:
                    break
                training.epoch, training.step = epoch, 0
                order = generator.permutation(len(inputs)) if shuffle else np.arange(len(inputs))
                batches = [order[i : i + size] for i in range(0, len(order), size)]
                steps = [batches[i : i + accumulate] for i in range(0, len(batches), accumulate)]
                run_epoch(training, inputs, targets, steps, held_out, named, listeners)
                if len(history) == epoch:
                    show(training, listeners, "on_epoch")
    except KeyboardInterrupt:
        history.interrupted = True
    finally:
        if training.recorder is not None:
            training.recorder.into_values()
        optimizer.checks.tell_of_unreached(optimizer.parameters, optimizer.taken - taken)
        if training.step and len(history) < training.epoch:
            history.rng["cut"] = training.epoch
        with ExitStack() as endings:  # each has its end, whatever another raises
            for listener in reversed(listeners):
                endings.callback(listener.on_end, training)
    return history


@contextmanager
def _undone_where_refused(
    model: Any, optimizer: Optimizer, generator: np.random.Generator, resuming: bool
) -> Iterator[None]:
    """Put all that a preparation may change back as it was, should it raise."""
    rng = state_of(generator)
    before = (Snapshot.of(model), optimizer.state_dict()) if resuming else None
    try:
        yield
    except BaseException:
        if before is not None:
            before[0].restore(model)
            optimizer.load_state_dict(before[1])
        put_back(generator, rng)
        raise


def _curves(metrics: Iterable[str], with_validation: bool) -> list[str]:
    """The names that the history will have."""
    measured = ["loss", *metrics]
    held_out = [f"val_{name}" for name in measured] if with_validation else []
    return [*measured, *held_out, "learning_rate", "seconds"]
