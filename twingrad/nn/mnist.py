"""MNIST: where its four files may lie, how they get there if asked, and what they must hold.

Only `download=True` uses the network, and what comes from there is checked before it gets a name.
"""

import os
import sys
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import idx

Pair = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]

# The smallest first: a folder that cannot be written to is noticed after 5 KB.
FILES = {
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
}
"""The files, and the SHA-256 of what they hold when unpacked, since one content has many gzips."""

MIRRORS = [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
]
TIMEOUT = 20.0  # seconds without a byte


def mnist(path: str | Path | None = None, download: bool = False) -> tuple[Pair, Pair]:
    """70,000 handwritten digits: (X_train, y_train), (X_test, y_test).

    X: float32 of shape (60000, 784) and (10000, 784), pixels from 0 to 1; y: int64, 0 to 9. For
    convolutions, X.reshape(-1, 1, 28, 28) gives images of one channel. To train on them:

        train, test = nn.data.mnist()
        nn.fit(model, *train, validation=test, ...)

    The four files, gzip or plain, are looked for in the folder `path` and in its subfolder mnist;
    without `path` in $TWINGRAD_DATA, its subfolder mnist, and the user's cache folder. If they are
    nowhere, `download=True` fetches them (11 MB) into `path` or into the cache folder; without it,
    FileNotFoundError. A set of the same shape and names, such as Fashion-MNIST, is read as well.

    LeCun, Cortes & Burges, "The MNIST database of handwritten digits", CC BY-SA 3.0.
    """
    folders = _folders(path)
    files = next((found for found in map(_files, folders) if len(found) == len(FILES)), None)
    if files is None:
        if not download:
            raise FileNotFoundError(_where_to_put_them(folders))
        files = _downloaded(folders[-1] if path is None else folders[0])
    return _pair(files, "train"), _pair(files, "t10k")


# Where they are


def _folders(path: str | Path | None) -> list[Path]:
    named = path if path is not None else os.environ.get("TWINGRAD_DATA") or None
    folders = [] if named is None else [Path(named).expanduser()]
    folders += [folder / "mnist" for folder in folders]
    return folders if path is not None else [*folders, _cache()]


def _cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "twingrad" / "mnist"
    windows = sys.platform == "win32"
    cache = Path(os.environ.get("LOCALAPPDATA" if windows else "XDG_CACHE_HOME", ""))
    if not cache.is_absolute():  # unset, or what the XDG specification says to ignore
        cache = Path.home() / ("AppData/Local" if windows else ".cache")
    return cache / "twingrad" / "mnist"


def _files(folder: Path) -> dict[str, Path]:
    """Those of the four that are in a folder; where one is there twice, the plain file."""
    return {
        name: path
        for name in FILES
        for spelling in (name, name.replace("-idx", ".idx"))
        for path in (folder / f"{spelling}.gz", folder / spelling)
        if path.is_file()
    }


def _where_to_put_them(folders: list[Path]) -> str:
    looked = ""
    for folder in folders:
        missing = [name for name in FILES if name not in _files(folder)]
        found = "nothing of it" if len(missing) == len(FILES) else f"lacks {', '.join(missing)}"
        if not folder.is_dir():
            found = "is no folder" if folder.exists() else "no such folder"
        looked += f"\n  {folder}: {found}"
    return (
        f"MNIST was not found. Looked in:{looked}\nCall nn.data.mnist(download=True) to fetch it "
        "(11 MB), or put its four files, plain or with .gz, into one of these folders or, without "
        f"path, into the one that TWINGRAD_DATA names: {', '.join(FILES)}"
    )


# How they get there


def _downloaded(folder: Path) -> dict[str, Path]:
    """Fetch what is missing; what is there must belong to it, or two sets would be mixed."""
    files = _files(folder)
    for name, path in files.items():
        with path.open("rb") as file:
            found = _digest(file, path)
        if found != FILES[name]:
            raise ValueError(
                f"{path} is not MNIST's: its content has the SHA-256 {found}, expected "
                f"{FILES[name]}; move it away, or download to another folder: "
                "nn.data.mnist(path, download=True)"
            )
    for name in [name for name in FILES if name not in files]:
        files[name] = folder / f"{name}.gz"
        _write(files[name], _fetch(name, folder))
    return files


def _fetch(name: str, folder: Path) -> bytes:
    """The file from the first mirror that has it; it stays in memory until it proves right."""
    from http.client import HTTPException
    from io import BytesIO

    reasons = ""
    for mirror in MIRRORS:
        url = f"{mirror}{name}.gz"
        try:
            content = _get(url)
            found = _digest(BytesIO(content), "what came")
            if found == FILES[name]:
                return content
            reason = f"what came has the SHA-256 {found}, expected {FILES[name]}"
        except (OSError, HTTPException, ValueError) as error:
            reason = str(error)
        reasons += f"\n  {url}: {reason}"
    raise ConnectionError(
        f"{name}.gz could not be downloaded:{reasons}\nTry again later, or fetch the four files "
        f"({', '.join(FILES)}) some other way and put them, plain or with .gz, into {folder}"
    )


def _get(url: str) -> bytes:
    """What a URL answers, with a line that says how far it is."""
    from urllib.request import urlopen

    content = bytearray()
    line = name = url.rpartition("/")[2]
    terminal = sys.stderr.isatty()
    with urlopen(url, timeout=TIMEOUT) as answer:
        total = answer.length  # None if the server does not tell
        of = "" if total is None else f" of {total / 1e6:.3f}"
        try:
            while piece := answer.read(2**16):
                content += piece
                line = f"{name}  {len(content) / 1e6:.3f}{of} MB"
                if terminal:
                    sys.stderr.write(f"\r{line}")
                    sys.stderr.flush()
        finally:
            sys.stderr.write("\n" if terminal else f"{line}\n")
    if total is not None and len(content) != total:
        raise ConnectionError(f"the answer ended after {len(content)} of {total} bytes")
    return bytes(content)


def _digest(file: BufferedIOBase, name: str | Path) -> str:
    import hashlib

    with idx.unpacked(file, name) as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _write(path: Path, content: bytes) -> None:
    """All of the file, or nothing: it gets its name when it is complete."""
    from tempfile import TemporaryDirectory

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".download-", dir=path.parent) as scratch:
            Path(scratch, path.name).write_bytes(content)
            os.replace(Path(scratch, path.name), path)
    except OSError as error:
        raise OSError(
            error.errno,
            f"{path.name} could not be written to {path.parent} ({error.strerror}); make room or "
            "permission there, or name another folder: nn.data.mnist(path, download=True)",
        ) from error


# What they hold


def _pair(files: dict[str, Path], part: str) -> Pair:
    images = _read(files[f"{part}-images-idx3-ubyte"], (28, 28))
    labels = _read(path := files[f"{part}-labels-idx1-ubyte"], ())
    if len(images) != len(labels) or not len(images):
        raise ValueError(
            f"{path} holds {len(labels)} labels for {len(images)} images, expected one for each "
            "and at least one; get the files again"
        )
    if labels.max() > 9:
        raise ValueError(
            f"{path} holds the label {labels.max()}, expected 0 to 9; is this another set of the "
            "same names?"
        )
    pixels = images.reshape(-1, 784).astype(np.float32)
    pixels /= 255.0
    return pixels, labels.astype(np.int64)


def _read(path: Path, each: tuple[int, ...]) -> npt.NDArray[Any]:
    array = idx.read(path)
    if array.dtype != np.uint8 or array.ndim == 0 or array.shape[1:] != each:
        expected = ", ".join(map(str, ("n", *each)))
        raise ValueError(
            f"{path} holds {array.dtype} of shape {array.shape}, expected uint8 of shape "
            f"({expected}); is this another set of the same names?"
        )
    return array
