"""Checkpoints: a run in one file, from which `fit` goes on as if it had never stopped.

What the file is, and how it is written, stands in `storage`.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from re import sub
from typing import Any

import numpy as np
import numpy.typing as npt

from .history import History
from .module import Module
from .optimizer import Optimizer
from .randomness import check_kind, put_back, state_of
from .snapshot import Snapshot
from .storage import CheckpointError, read, write

FORMAT = 1

_KINDS = {
    "architecture": str,
    "parts": dict,
    "model": dict,
    "generators": dict,
    "optimizer": dict | None,
    "rng": dict | None,
}


@dataclass
class CheckpointRecord:
    """What a checkpoint holds, as plain numbers; what was not saved is None.

    `architecture` is how the model printed, `parts` how each of its layers did, by path. `model`
    holds the parameters and running statistics by path, `generators` the randomness of layers,
    `optimizer` what its `state_dict` gave, `rng` the state of the generator that shuffles.
    """

    architecture: str
    parts: dict[str, str]
    model: dict[str, npt.NDArray[Any]]
    generators: dict[str, Any]
    optimizer: dict[str, Any] | None
    rng: dict[str, Any] | None
    history: History | None
    path: Path

    def restore(self, model: Any) -> None:
        """Put these numbers into a model of the same architecture; all of them or none.

        Raises `CheckpointError` that lists what differs.
        """
        self.check(model)
        model.load_state_dict(self.model)
        for path, rng in model.named_generators():
            put_back(rng, self.generators[path])

    def check(self, model: Any) -> None:
        """Raise `CheckpointError` if the model is another one than was saved."""
        check_module(model)
        shapes = {name: np.shape(numbers) for name, numbers in self.model.items()}
        own = {name: np.shape(numbers) for name, numbers in model.state_dict().items()}
        differing = _differing(shapes, own)
        if not differing:
            essences = ({k: _essence(v) for k, v in p.items()} for p in (self.parts, _parts(model)))
            differing = _differing(*essences)
        generators = dict(model.named_generators())
        differing += _differing(
            dict.fromkeys(self.generators, "randomness"), dict.fromkeys(generators, "randomness")
        )
        for path in self.generators.keys() & generators.keys():
            check_kind(generators[path], self.generators[path])
        if differing or _essence(self.architecture) != _essence(repr(model)):
            raise CheckpointError(
                f"{self.path} is of another model: it holds {self.architecture}, but the model is "
                f"{model!r}; build the model as it was when it was saved"
                + "".join(f"\n{line}" for line in differing[:10])
                + (f"\n  and {len(differing) - 10} more" if len(differing) > 10 else "")
            )

    def __repr__(self) -> str:
        epochs = "" if self.history is None else f" after {len(self.history)} epochs"
        return f"<CheckpointRecord of {self.architecture}{epochs}>"


def save(
    path: str | Path,
    model: Module,
    *,
    optimizer: Optimizer | None = None,
    rng: np.random.Generator | None = None,
    history: History | None = None,
) -> None:
    """Write a model, and what else `fit` needs to go on, to one `.npz` file.

    `rng` is the generator that `fit` was given; a history that `fit` returned knows its state, so
    that `fit(resume=…)` needs `optimizer` and `history` only. The file is written beside its
    place and renamed when it is whole: whatever happens, what was there before stays until then.

    Raises `OSError` where it cannot be written.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from twingrad import nn
    >>> path = Path(tempfile.mkdtemp()) / "model.npz"
    >>> nn.save(path, nn.MLP(2, [3, 1], rng=0))
    >>> other = nn.MLP(2, [3, 1], rng=1)
    >>> nn.load(path, into=other)
    <CheckpointRecord of MLP(2, [3, 1], activation='tanh', output='linear')>
    >>> bool(nn.predict(other, [[1.0, 2.0]]) == nn.predict(nn.MLP(2, [3, 1], rng=0), [[1.0, 2.0]]))
    True
    """
    if isinstance(path, Module):
        raise TypeError("the path comes first: nn.save(path, model)")
    check_module(model)
    snapshot = Snapshot.of(model)
    for given, kind, wanted in (
        (optimizer, Optimizer, "optimizer is that of the run"),
        (rng, np.random.Generator, "rng is the numpy Generator that fit was given"),
        (history, History, "history is what fit returned"),
    ):
        if given is not None and not isinstance(given, kind):
            raise TypeError(f"{wanted}, not {given!r}")
    state = None if rng is None else state_of(rng)
    if state is None and history is not None:
        state = history.rng.get("now")
    content = {
        "model": snapshot.numbers,
        "generators": snapshot.generators,
        "optimizer": None if optimizer is None else optimizer.state_dict(),
        "rng": state,
        "history": None if history is None else asdict(history),
    }
    header = {"format": FORMAT, "architecture": repr(model), "parts": _parts(model)}
    write(Path(path), header | content)


def load(path: str | Path, into: Module | None = None) -> CheckpointRecord:
    """Read a checkpoint, and put its numbers `into` a model if one is given: all or nothing.

    Raises `FileNotFoundError`, and `CheckpointError` for a file that is truncated, that another
    program or a newer twingrad wrote, or that holds another architecture.
    """
    path = Path(path)
    found = read(path, FORMAT)
    try:
        found.pop("format")
        history = found.pop("history")
        for name, kind in _KINDS.items():
            if not isinstance(found[name], kind):
                raise TypeError(f"{name} is a {type(found[name]).__name__}")
        record = CheckpointRecord(
            **found, history=None if history is None else History(**history), path=path
        )
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged: {error!r} while its header was read") from error
    if into is not None:
        record.restore(into)
    return record


def _differing(saved: dict[str, Any], own: dict[str, Any]) -> list[str]:
    """A line for every entry that is not the same in both."""
    return [
        f"  {name}: {saved.get(name, 'absent')} in the file, {own.get(name, 'absent')} here"
        for name in {**saved, **own}
        if saved.get(name) != own.get(name)
    ]


def _essence(architecture: str) -> str:
    """An architecture without precisions, which may differ, and addresses, which always do."""
    return sub(r",? ?dtype='\w+'| at 0x[0-9a-f]+|\s|,(?=\s*\))", "", architecture)


def _parts(model: Module) -> dict[str, str]:
    """How each layer prints, and each container's kind, by path."""
    return {
        path: type(module).__name__ if len(list(module.modules())) > 1 else repr(module)
        for path, module in model.named_modules()
    }


def check_module(model: Any) -> None:
    """Refuse what has no names for its parameters."""
    if not isinstance(model, Module):
        raise TypeError(
            f"a checkpoint is of an nn.Module, whose parameters have names, not of {model!r}; "
            "derive the model from nn.Module"
        )
