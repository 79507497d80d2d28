"""Checkpoints: a run in one file, from which `fit` goes on as if it had never stopped.

The file is NumPy's `.npz`, without pickle: arrays under readable names, and a header in JSON. It
appears under its name when it is whole, and not before.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from re import sub
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from .history import History
from .module import Module
from .optimizer import Optimizer
from .randomness import state_of
from .snapshot import Snapshot

FORMAT = 1
HEADER = "twingrad"
"""The name of the header among the arrays of the file."""

_ARRAY = "array:"


class CheckpointError(ValueError):
    """A file that is no checkpoint, or not one of this model."""


@dataclass
class CheckpointRecord:
    """What a checkpoint holds, as plain numbers; what was not saved is None.

    `model` holds the parameters and running statistics by path, `generators` the randomness of
    the model's layers, `optimizer` what its `state_dict` gave, `rng` the state of the generator
    that shuffles.
    """

    architecture: str
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
        Snapshot(self.model, self.generators).restore(model)

    def check(self, model: Any) -> None:
        """Raise `CheckpointError` if the model is another one than was saved."""
        _check_module(model)
        own = {name: np.shape(numbers) for name, numbers in model.state_dict().items()}
        saved = {name: np.shape(numbers) for name, numbers in self.model.items()}
        differing = [
            f"  {name}: {saved.get(name, 'absent')} in the file, {own.get(name, 'absent')} here"
            for name in {**saved, **own}
            if saved.get(name) != own.get(name)
        ]
        if self.generators.keys() != dict(model.named_generators()).keys():
            differing.append(f"  generators: {sorted(self.generators)} in the file")
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
    _check_module(model)
    snapshot = Snapshot.of(model)
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is the numpy Generator that fit was given, not {rng!r}")
    state = None if rng is None else state_of(rng)
    if state is None and history is not None:
        state = history.rng.get("now")
    parts = {
        "model": snapshot.numbers,
        "generators": snapshot.generators,
        "optimizer": None if optimizer is None else optimizer.state_dict(),
        "rng": state,
        "history": None if history is None else asdict(history),
    }
    arrays: dict[str, npt.NDArray[Any]] = {}
    content = {name: _packed(part, name, arrays) for name, part in parts.items()}
    header = {"format": FORMAT, "architecture": repr(model), **content}
    arrays[HEADER] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    with _renamed_when_whole(Path(path)) as file:
        np.savez(file, allow_pickle=False, **arrays)


def load(path: str | Path, into: Module | None = None) -> CheckpointRecord:
    """Read a checkpoint, and put its numbers `into` a model if one is given: all or nothing.

    Raises `FileNotFoundError`, and `CheckpointError` for a file that is truncated, that another
    program or a newer twingrad wrote, or that holds another architecture.
    """
    path = Path(path)
    header, arrays = _read(path)
    if header["format"] > FORMAT:
        raise CheckpointError(
            f"{path} was written by a newer twingrad: its format is {header['format']}, and this "
            f"version reads up to {FORMAT}; upgrade twingrad"
        )
    try:
        parts = {
            name: _unpacked(header[name], arrays)
            for name in ("architecture", "model", "generators", "optimizer", "rng", "history")
        }
        history = parts.pop("history")
        record = CheckpointRecord(
            **parts, history=None if history is None else History(**history), path=path
        )
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged: {error!r} while its header was read") from error
    if into is not None:
        record.restore(into)
    return record


def _read(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """The header and the arrays of a file."""
    from zipfile import BadZipFile
    from zlib import error as ZlibError  # noqa: N812

    with open(path, "rb") as file:
        begins = file.read(4)
        if begins != b"PK\x03\x04":
            what = "is empty" if not begins else "is no .npz file"
            raise CheckpointError(f"{path} {what}; a checkpoint is a file that nn.save() wrote")
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as found:
                names = list(found.files)
                arrays = {} if HEADER not in names else {name: found[name] for name in names}
        except (BadZipFile, ZlibError, EOFError, ValueError, KeyError, OSError) as error:
            raise CheckpointError(
                f"{path} is truncated or damaged ({error}); use an earlier checkpoint"
            ) from error
    if not arrays:
        listed = ", ".join(names[:5])
        raise CheckpointError(
            f"{path} was written by another program: it is an .npz file of {listed} without the "
            "header of a checkpoint; read it with numpy.load"
        )
    try:
        header = json.loads(arrays.pop(HEADER).tobytes())
        if not isinstance(header["format"], int):
            raise TypeError("the format is no number")
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged: its header cannot be read ({error})") from error
    return header, arrays


def _packed(tree: Any, path: str, arrays: dict[str, npt.NDArray[Any]]) -> Any:
    """A tree as JSON takes it, its arrays named there and put into `arrays`."""
    if isinstance(tree, np.ndarray) and (tree.ndim or tree.dtype != np.float64):
        arrays[path] = tree
        return _ARRAY + path
    if isinstance(tree, np.ndarray | np.generic):
        return tree.item()
    if isinstance(tree, Mapping):
        return {name: _packed(branch, f"{path}/{name}", arrays) for name, branch in tree.items()}
    if isinstance(tree, list | tuple):
        return [_packed(branch, f"{path}/{i}", arrays) for i, branch in enumerate(tree)]
    return tree


def _unpacked(tree: Any, arrays: dict[str, npt.NDArray[Any]]) -> Any:
    if isinstance(tree, str) and tree.startswith(_ARRAY):
        return arrays[tree.removeprefix(_ARRAY)]
    if isinstance(tree, dict):
        return {name: _unpacked(branch, arrays) for name, branch in tree.items()}
    if isinstance(tree, list):
        return [_unpacked(branch, arrays) for branch in tree]
    return tree


@contextmanager
def _renamed_when_whole(path: Path, keep: bool = True) -> Iterator[IO[bytes]]:
    """A file to write, which takes the place of `path` at the end, or disappears."""
    from tempfile import mkstemp

    try:
        handle, name = mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    except OSError as error:
        raise _unwritable(path, error) from error
    written = Path(name)
    try:
        with open(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if keep:
            written.chmod(0o666 & ~_umask())
            written.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):
            written.unlink(missing_ok=True)


def writable(path: Path) -> None:
    """Raise `OSError` if no file can be written there."""
    with _renamed_when_whole(path, keep=False):
        pass


def _unwritable(path: Path, error: OSError) -> OSError:
    found = "what was there is as it was" if path.exists() else "nothing was written"
    return type(error)(
        error.errno, f"cannot save to {path} ({error.strerror}); {found}: choose another place"
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _essence(architecture: str) -> str:
    """An architecture without precisions, which may differ, and addresses, which always do."""
    return sub(r",? ?dtype='\w+'| at 0x[0-9a-f]+|\s", "", architecture)


def _check_module(model: Any) -> None:
    if not isinstance(model, Module):
        raise TypeError(
            f"a checkpoint is of an nn.Module, whose parameters have names, not of {model!r}; "
            "derive the model from nn.Module"
        )
