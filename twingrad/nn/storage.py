"""A tree of arrays and plain values in one file: written whole or not at all, and read back with
every checksum compared.

The file is NumPy's `.npz`, without pickle: arrays under readable names, all else in a header of
JSON.
"""

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from errno import EEXIST, EISDIR
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

HEADER = "twingrad"
"""The name of the header among the arrays of the file."""

PREFIX, SUFFIX = ".checkpoint-", ".partial"
"""What a file is called until it is whole; a process that is killed while it writes leaves one."""

ABANDONED = 600.0
"""Seconds after which such a file that nobody writes to is taken for left behind, and removed."""

_ARRAY, _FLOAT, _TEXT = "array:", "float:", "text:"


class CheckpointError(ValueError):
    """A file that is no checkpoint, or not one of this model."""


def write(path: Path, tree: dict[str, Any]) -> None:
    """Write a dict of plain values and arrays, nested as it may be, to a file."""
    from zipfile import ZipFile

    arrays: dict[str, npt.NDArray[Any]] = {}
    header = {name: _packed(branch, name, arrays) for name, branch in tree.items()}
    arrays[HEADER] = np.frombuffer(json.dumps(header, allow_nan=False).encode(), dtype=np.uint8)
    with _renamed_when_whole(path) as file, ZipFile(file, "w") as members:
        for name, array in arrays.items():
            with members.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def read(path: Path, newest: int) -> dict[str, Any]:
    """What `write` wrote, of a `format` up to `newest`; `CheckpointError` says what else it is."""
    from zipfile import ZipFile

    with open(path, "rb") as file:
        begins = file.read(4)
        if begins != b"PK\x03\x04":
            what = "is empty" if not begins else "is no .npz file"
            raise CheckpointError(f"{path} {what}; a checkpoint is a file that nn.save() wrote")
        file.seek(0)
        try:
            # Whole members, and then arrays: a checksum is compared at the end of a member only,
            # which numpy.load does not reach where a header is wrong.
            with ZipFile(file) as members:
                names = [name.removesuffix(".npy") for name in members.namelist()]
                content = {name: members.read(f"{name}.npy") for name in names if HEADER in names}
            arrays = {name: np.load(BytesIO(part)) for name, part in content.items()}
        except Exception as error:  # bytes that are wrong can raise anything
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
        if type(header["format"]) is not int or header["format"] < 1:
            raise TypeError("the format is no number from 1 on")
        if header["format"] <= newest:
            return {name: _unpacked(branch, arrays) for name, branch in header.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged: its header cannot be read ({error})") from error
    raise CheckpointError(
        f"{path} was written by a newer twingrad: its format is {header['format']}, and this "
        f"version reads up to {newest}; upgrade twingrad"
    )


def _packed(tree: Any, path: str, arrays: dict[str, npt.NDArray[Any]]) -> Any:
    """A tree as JSON takes it, its arrays named there and put into `arrays`."""
    # A single float is read as easily in the header, but for a nan, which has bits of its own.
    if isinstance(tree, np.ndarray) and not (
        tree.ndim == 0 and tree.dtype == np.float64 and np.isfinite(tree)
    ):
        arrays[path] = tree
        return _ARRAY + path
    if isinstance(tree, str) and tree.startswith((_ARRAY, _FLOAT, _TEXT)):
        return _TEXT + tree
    if isinstance(tree, np.ndarray | np.generic):
        tree = tree.item()
    if isinstance(tree, float) and not math.isfinite(tree):
        return f"{_FLOAT}{tree}"  # JSON has no word for it
    if isinstance(tree, Mapping):
        return {name: _packed(branch, f"{path}/{name}", arrays) for name, branch in tree.items()}
    if isinstance(tree, list | tuple):
        return [_packed(branch, f"{path}/{i}", arrays) for i, branch in enumerate(tree)]
    return tree


def _unpacked(tree: Any, arrays: dict[str, npt.NDArray[Any]]) -> Any:
    if isinstance(tree, str) and tree.startswith(_ARRAY):
        return arrays[tree.removeprefix(_ARRAY)]
    if isinstance(tree, str) and tree.startswith(_TEXT):
        return tree.removeprefix(_TEXT)
    if isinstance(tree, str) and tree.startswith(_FLOAT):
        return float(tree.removeprefix(_FLOAT))
    if isinstance(tree, dict):
        return {name: _unpacked(branch, arrays) for name, branch in tree.items()}
    if isinstance(tree, list):
        return [_unpacked(branch, arrays) for branch in tree]
    return tree


@contextmanager
def _renamed_when_whole(path: Path, keep: bool = True) -> Iterator[IO[bytes]]:
    """A file to write, which takes the place of `path` at the end, or disappears."""
    from tempfile import mkstemp

    path = path.resolve()  # where a link leads
    if path.is_dir():
        raise _unwritable(path, IsADirectoryError(EISDIR, os.strerror(EISDIR)))
    if path.exists() and not path.is_file():
        raise _unwritable(path, FileExistsError(EEXIST, "it is no regular file"))
    _remove_abandoned(path.parent)
    try:
        handle, name = mkstemp(dir=path.parent, prefix=PREFIX, suffix=SUFFIX)
    except OSError as error:
        raise _unwritable(path, error) from error
    written = Path(name)
    try:
        with open(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if keep:
            written.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
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


def _remove_abandoned(folder: Path) -> None:
    for left in folder.glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED:
                left.unlink()


def _unwritable(path: Path, error: OSError) -> OSError:
    found = "what was there is as it was" if path.exists() else "nothing was written"
    return type(error)(
        error.errno, f"cannot save to {path} ({error.strerror}); {found}: choose another place"
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
