"""What `diagnose` accepts, checked before anything is computed: what came, what was expected.

Whatever came is named in a few words; the whole of a model or of data would hide the message.
"""

import difflib
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import Node, ShapeError, Tensor
from ...engine.caller import levels_to_the_user
from .. import losses
from ..history import History
from ..monitor import Monitor
from ..optimizer import Optimizer

Array = npt.NDArray[Any]
Loss = Callable[[Any, Any], Any]

_GIVE = {
    "history": "give what nn.fit returned; losses of a loop of your own go to an nn.Monitor",
    "monitor": "make one, nn.Monitor(model, optimizer), before training, and let it watch",
    "optimizer": "give the one that trains the model, such as nn.SGD(model.parameters(), lr=0.1)",
}


def checked(model: Any, loss: Any, history: Any, monitor: Any, optimizer: Any) -> Loss:
    """The loss, which will see that one number comes out, if the other arguments will do."""
    _check_model(model)
    for name, given, kind in (
        ("history", history, History),
        ("monitor", monitor, Monitor),
        ("optimizer", optimizer, Optimizer),
    ):
        if given is not None and not isinstance(given, kind):
            raise TypeError(f"{name} is an nn.{kind.__name__}, not {form(given)}; {_GIVE[name]}")
    if monitor is not None:
        _check_monitor(model, monitor)
    return checked_loss(loss)


def _check_model(model: Any) -> None:
    if not isinstance(model, type) and callable(getattr(model, "parameters", None)):
        if not list(model.parameters()):
            raise ValueError(f"model, {form(model)}, has no parameters that are trained")
        return
    fix = ""
    if isinstance(model, type):
        fix = f"; build it, {model.__name__}(...)"
    elif isinstance(model, list | tuple) and any(isinstance(x, Node) for x in model):
        fix = "; give the model itself, not its parameters()"
    elif isinstance(model, list | tuple) and all(callable(x) for x in model):
        fix = "; nn.Sequential(*layers) makes a model of layers"
    elif isinstance(model, np.ndarray | Tensor | list | tuple):
        fix = "; the order is diagnose(model, X, y, loss)"
    elif callable(model):
        fix = "; compute it in the forward() of a class derived from nn.Module"
    raise TypeError(f"model is a built one, such as nn.Sequential(...), not {form(model)}{fix}")


def _check_monitor(model: Any, monitor: Monitor) -> None:
    if monitor.model is not model:
        raise ValueError(
            f"monitor watches another model than the one to diagnose, {form(model)}; watch that "
            "one, nn.Monitor(model, optimizer), while it is trained"
        )
    if not len(monitor):
        warnings.warn(
            "monitor has seen no step, so it tells nothing; give it to fit, callbacks=[monitor], "
            "or call monitor.observe(loss) after each step of a loop of your own",
            stacklevel=levels_to_the_user(),
        )


def checked_loss(loss: Any) -> Loss:
    """A loss that raises where it gives anything but one number."""
    if not callable(loss) or isinstance(loss, type):
        raise TypeError(f"loss is a function, such as nn.mse_loss, not {form(loss)}{_meant(loss)}")
    try:
        inspect.signature(loss).bind(None, None)
    except TypeError as error:
        raise TypeError(f"loss is called as loss(outputs, targets), but {error}") from None
    except ValueError:  # some built-in functions have no signature to read
        pass

    def one_number(outputs: Any, targets: Any) -> Any:
        result = loss(outputs, targets)
        plain = isinstance(result, int | float | np.number)
        if plain or (isinstance(result, Node | np.ndarray) and np.size(_data(result)) == 1):
            return result
        raise _not_one_number(result)

    return one_number


def _meant(loss: Any) -> str:
    if loss is None:
        return "; give the one that the model is trained with"
    if isinstance(loss, Node):
        return "; give the function itself, not what it returned"
    if isinstance(loss, type):
        return f"; build it, {loss.__name__}()"
    if not isinstance(loss, str):
        return ""
    known = [
        name
        for name, what in vars(losses).items()
        if inspect.isfunction(what) and what.__module__ == losses.__name__ and name[0] != "_"
    ]
    near = difflib.get_close_matches(loss.lower().replace("-", "_"), known, 1, 0.5)
    return f"; give nn.{near[0]} itself" if near else ""


def _not_one_number(result: Any) -> Exception:
    came = f"loss has to return one number, but {form(result)} came"
    if result is None:
        return TypeError(f"{came}: it may lack a `return`")
    if isinstance(result, list | tuple):
        return TypeError(f"{came}: return their mean, sum(losses) / len(losses)")
    if isinstance(result, Node | np.ndarray):
        return ShapeError(f"{came}: return the mean over the samples, .mean()")
    return TypeError(came)


def arrays_of(X: Any, y: Any, dtype: Any) -> tuple[Array, Array]:
    """X and y as arrays of numbers of one length, in the model's precision.

    They share memory with what came where nothing has to be converted.
    """
    inputs, targets = _numbers("X", X), _numbers("y", y)
    if not inputs.ndim or not targets.ndim or len(inputs) != len(targets):
        raise ShapeError(
            f"X and y need one entry for each sample, but X has shape {inputs.shape} and y "
            f"{targets.shape}"
        )
    if not inputs.size or not targets.size:
        raise ShapeError(
            f"X and y hold nothing to look at: X has shape {inputs.shape} and y {targets.shape}"
        )
    if inputs.ndim < 2:
        raise ShapeError(
            f"X needs a row for each sample, but has shape {inputs.shape}; one feature is a "
            "column, X.reshape(-1, 1)"
        )
    inputs = _in_precision("X", inputs, dtype)
    return inputs, _in_precision("y", targets, dtype) if targets.dtype.kind == "f" else targets


def _numbers(name: str, data: Any) -> Array:
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError(f"{name} is masked, which is not heeded; use .filled(0.0) or .compressed()")
    try:
        array = np.asarray(_data(data))
    except ValueError:
        raise ShapeError(f"{name} needs rows of equal length, but it is ragged") from None
    except TypeError as error:
        raise TypeError(f"{name} must hold numbers: {error}") from None
    if array.dtype.kind in "biuf":
        return array
    if not array.ndim:
        raise TypeError(f"{name} must hold numbers, one entry for each sample, not {form(data)}")
    fix = ""
    if array.dtype.kind in "USO" and name == "y":
        fix = "; np.unique(y, return_inverse=True)[1] numbers the classes"
    elif array.dtype.kind in "USO":
        fix = f"; np.asarray({name}, float) makes numbers of it, if it can be read as such"
    raise TypeError(f"{name} must hold numbers, but its dtype is {array.dtype}{fix}")


def _in_precision(name: str, numbers: Array, dtype: Any) -> Array:
    with np.errstate(over="ignore"):
        cast: Array = numbers.astype(dtype, copy=False)
    if cast is not numbers and numbers.dtype.itemsize > cast.dtype.itemsize:
        lost = np.isinf(cast) & np.isfinite(numbers)
        if lost.any():
            raise ValueError(
                f"{name} holds numbers up to {np.abs(numbers[lost]).max():.3g}, too large for the "
                f"model's {np.dtype(dtype)}; scale them down"
            )
    return cast


def _data(thing: Any) -> Any:
    return thing._data if isinstance(thing, Node) else thing


def form(thing: Any) -> str:
    """What something is, in a few words, for an error.

    >>> import numpy as np
    >>> from twingrad.nn.diagnosis.arguments import form
    >>> form(np.zeros((9, 2))), form([0.1] * 9), form(float), form("mse"), form(None)
    ('an array of shape (9, 2)', 'a list of 9 floats', 'the class float', "'mse'", 'None')
    """
    if isinstance(thing, type):
        return f"the class {thing.__name__}"
    if isinstance(thing, np.ndarray | Tensor):
        name = "an array" if isinstance(thing, np.ndarray) else "a Tensor"
        return f"{name} of shape {thing.shape}"
    if isinstance(thing, list | tuple) and len(thing) > 3:
        kinds = {type(x).__name__ for x in thing}
        each = f"{kinds.pop()}s" if len(kinds) == 1 else "things"
        return f"a {type(thing).__name__} of {len(thing):,} {each}"
    if inspect.isroutine(thing):
        return f"the function {thing.__name__}"
    said = repr(thing)
    if len(said) <= 60 and "\n" not in said:
        return said
    name = type(thing).__name__
    spelt = name[:2].isupper()  # an MLP, but a Monitor
    return f"{'an' if name[0] in ('AEFHILMNORSX' if spelt else 'AEIO') else 'a'} {name}"
