"""What `fit` accepts, checked before the model is touched, so that a refusal loses nothing."""

import warnings
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import Node, ShapeError, Tensor
from .callbacks import Callback
from .checkpoint import CheckpointRecord, load
from .history import History
from .module import Module, leaves_of
from .optimizer import Optimizer
from .predict import dtype_of
from .randomness import check_kind
from .schedule import Schedule, learning_rate
from .settings import whole
from .step_checks import replacements

Array = npt.NDArray[Any]


def checked_parameters(model: Any, optimizer: Any) -> list[Any]:
    """The model's parameters, which the optimizer must know."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"optimizer is a built one, such as nn.Adam(model.parameters()), not {optimizer!r}"
        )
    if isinstance(model, type) or not hasattr(model, "parameters"):
        raise TypeError(f"model is a built one, such as nn.Sequential(...), not {model!r}")
    parameters = list(model.parameters())
    if isinstance(model, Module):
        computed = [name for name, leaf in leaves_of(model, Node) if leaf.parents]
        if computed:
            warnings.warn(
                f"{', '.join(computed[:3])} of {type(model).__name__}: the result of an operation, "
                "which is not trained; a parameter is made of plain numbers, Tensor(x.numpy())",
                stacklevel=3,
            )
    if not parameters:
        raise ValueError(f"{model!r} has no parameters to train")
    if set(parameters).isdisjoint(optimizer.parameters):
        raise ValueError(
            "the optimizer holds none of this model's parameters; build it from "
            "model.parameters() of the model that you train"
        )
    return parameters


def name_parameters(model: Any, parameters: list[Any], optimizer: Optimizer) -> None:
    """Tell the optimizer the paths of its parameters, and warn of one that it lacks by mistake."""
    paths = {p: name for name, p in model.named_parameters()} if isinstance(model, Module) else {}
    optimizer.checks.names = paths
    own = set(parameters)
    gone = {p for p in optimizer.parameters if p not in own and not p.constant}
    optimizer.checks.tell_of_replaced(replacements(optimizer.parameters, parameters, gone), gone)


def checked_data(X: Any, y: Any, parameter: Any, of: str = "") -> tuple[Array, Array]:
    """X and y as finite arrays of one length, in the precision of the parameters."""
    inputs, targets = _numbers(f"{of}X", X), _numbers(f"{of}y", y)
    if inputs.ndim == 0 or targets.ndim == 0 or len(inputs) != len(targets):
        raise ShapeError(
            f"{of}X and y need one entry for each sample, but X has shape {inputs.shape} and y "
            f"{targets.shape}"
        )
    if not len(inputs):
        raise ShapeError(f"{of}X and y hold no samples")
    if inputs.ndim < 2:
        raise ShapeError(
            f"{of}X needs a row for each sample, but has shape {inputs.shape}; one feature is a "
            "column, X.reshape(-1, 1)"
        )
    dtype = dtype_of(parameter)
    inputs = _at_precision(f"{of}X", inputs, dtype)
    return inputs, _at_precision(f"{of}y", targets, dtype) if targets.dtype.kind == "f" else targets


def checked_validation(
    validation: Any, X: Array, y: Array, parameter: Any, rng: np.random.Generator
) -> tuple[Array, Array, tuple[Array, Array] | None]:
    """X and y to train on, and the pair to validate on, if any."""
    if validation is None:
        return X, y, None
    if isinstance(validation, float | np.floating):
        return _split(X, y, float(validation), rng)
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise ValueError(_NO_VALIDATION.format(len(X), validation))
    return X, y, checked_data(validation[0], validation[1], parameter, "the validation's ")


def checked_callbacks(callbacks: Any) -> list[Callback]:
    """The callbacks as a list."""
    if isinstance(callbacks, Callback) or not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks is a list, such as [callback], not {callbacks!r}")
    found = list(callbacks)
    for callback in found:
        if not isinstance(callback, Callback):
            raise TypeError(
                "a callback is made from a class derived from nn.Callback, as "
                f"nn.EarlyStopping(5) is, not {callback!r}"
            )
    return found


def _at_precision(name: str, numbers: Array, dtype: Any) -> Array:
    with np.errstate(over="ignore"):
        cast = numbers.astype(dtype, copy=False)
    if not np.isfinite(cast).all():
        raise ValueError(
            f"{name} holds numbers up to {np.abs(numbers).max():.3g}, too large for the model's "
            f"{dtype}; scale them down"
        )
    return cast


def _numbers(name: str, data: Any) -> Array:
    if isinstance(data, Tensor):
        data = data._data
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError(f"{name} is masked, which is not heeded; use .filled(0.0) or .compressed()")
    try:
        array = np.asarray(data)
    except ValueError:
        raise ShapeError(f"{name} needs rows of equal length, but it is ragged") from None
    if array.dtype.kind not in "biuf":
        number = f"; number its classes, np.unique({name[-1]}, return_inverse=True)[1]"
        raise TypeError(
            f"{name} must hold numbers, but its dtype is {array.dtype}"
            f"{number if name.endswith('y') and array.dtype.kind in 'UST' else ''}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(
            f"{name} holds {np.count_nonzero(~np.isfinite(array))} NaN or infinite numbers, the "
            f"first at {where}; remove or replace them before training"
        )
    return array


_NO_VALIDATION = (
    "validation is a pair (X, y), or a share of the {} samples between 0 and 1 that leaves some "
    "on either side, not {!r}"
)


def _split(
    X: Array, y: Array, share: float, rng: np.random.Generator
) -> tuple[Array, Array, tuple[Array, Array]]:
    count = round(len(X) * share) if 0.0 < share < 1.0 else 0
    if not 0 < count < len(X):
        raise ValueError(_NO_VALIDATION.format(len(X), share))
    order = rng.permutation(len(X))
    held, kept = order[:count], order[count:]
    return X[kept], y[kept], (X[held], y[held])


def checked_batches(batch_size: Any, samples: int, model: Any) -> int:
    """The size of a batch, if the model can train on every batch there will be."""
    size = samples if batch_size is None else whole("batch_size", batch_size, 1)
    if size > samples:
        raise ValueError(
            f"a batch of {size} is more than the {samples} samples; take fewer, or "
            "batch_size=None for all of them"
        )
    least = min(size, samples % size or size)
    for module in model.modules() if isinstance(model, Module) else ():
        if module.least_batch > least:
            raise ValueError(
                f"{module!r} needs {module.least_batch} samples to train on, but {samples} samples "
                f"in batches of {size} leave a last batch of {least}; take another batch_size, or "
                "leave a sample out"
            )
    return size


def checked_resume(
    resume: Any, model: Any, rng: np.random.Generator, shuffle: bool, validation: Any
) -> CheckpointRecord:
    """A checkpoint from which this run can go on."""
    record = load(resume) if isinstance(resume, str | Path) else resume
    if not isinstance(record, CheckpointRecord):
        raise TypeError(f"resume is what nn.load() gave, or the path of a file, not {resume!r}")
    record.check(model)
    if record.rng is not None:
        check_kind(rng, record.rng)
    start = None if record.history is None else record.history.rng.get("start")
    lacking = []
    if record.optimizer is None:
        lacking.append("no optimizer (optimizer=)")
    if record.rng is None and shuffle:
        lacking.append("no randomness to shuffle by (history= or rng=)")
    if start is None and isinstance(validation, float | np.floating):
        lacking.append("no history (history=), which knows the samples that were held out")
    if lacking:
        raise ValueError(
            f"{record.path} cannot be resumed, because it has {' and '.join(lacking)}; save it by "
            "nn.save(path, model, optimizer=optimizer, history=history), or by nn.Checkpoint"
        )
    return record


def continued(history: History, new: History, curves: Iterable[str], path: Path) -> History:
    """A copy of a saved history for the run that goes on, which must record the same curves."""
    split, now = history.rng.get("split"), new.rng.get("split")
    if split != now:
        raise ValueError(
            f"the run in {path} trained and validated on {split} samples, and this one would on "
            f"{now}: some would be both; give fit the data and the share that it had"
        )
    recorded = history.curves().keys()
    if recorded and recorded != set(curves):
        raise ValueError(
            f"the run in {path} recorded {', '.join(recorded)}, but this one would record "
            f"{', '.join(curves)}; give fit the metrics and validation that it had"
        )
    history = deepcopy(history)
    history.interrupted = False
    cut = history.rng.pop("cut", None)
    if cut is not None:
        warnings.warn(
            f"the run in {path} ended amid epoch {cut}: what it had learned of that epoch "
            "stays, and the epoch is now trained in whole, so the bits are not those of a run "
            "that never stopped; nn.Checkpoint(path, monitor=None) saves after whole epochs",
            stacklevel=3,
        )
    return history


def checked_schedule(schedule: Any, optimizer: Optimizer, record: CheckpointRecord | None) -> None:
    """Refuse what is no schedule, and tell of one that is over before it begins."""
    saved = {} if record is None else record.optimizer or {}
    lr, taken = saved.get("lr", optimizer.lr), saved.get("taken", optimizer.taken)
    learning_rate(schedule, lr, taken)
    total = schedule.total if isinstance(schedule, Schedule) else None
    if total is not None and taken >= total:
        warnings.warn(
            f"{schedule!r} was over before this run began: the optimizer has taken "
            f"{taken} steps already; build a new optimizer, or give the schedule a "
            "longer total",
            stacklevel=3,
        )
