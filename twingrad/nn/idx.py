"""Reads IDX, the format of MNIST and of the sets modelled on it: a header, and then the numbers.

A header is believed only as far as the bytes behind it go, so that a damaged or foreign file is an
error that names it, and never an array.
"""

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""What the third byte of a file says of its numbers; they are stored with the high byte first."""


def read(path: str | Path) -> npt.NDArray[Any]:
    """The array in an IDX file, gzip or plain, in the byte order of this machine.

    ValueError if the file is anything else. Format: yann.lecun.com/exdb/mnist.
    """
    with open(path, "rb") as file, unpacked(file, path) as content:
        magic = content.read(4)
        if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
            raise ValueError(
                f"{path} is not an IDX file: it starts with the bytes {magic.hex(' ') or '(none)'},"
                " expected 00 00, then a type, 08, 09 or 0b to 0e, then the number of dimensions"
            )
        ndim = magic[3]
        lengths = content.read(4 * ndim)
        if len(lengths) < 4 * ndim:
            raise ValueError(
                f"{path} ends in its header: {len(lengths)} bytes, expected {4 * ndim} for the "
                f"lengths of its {ndim} dimensions; get the file again"
            )
        shape = struct.unpack(f">{ndim}I", lengths)
        dtype = np.dtype(TYPES[magic[2]])
        size = math.prod(shape) * dtype.itemsize
        # Piece by piece: one read of the size that a header claims would reserve that much first.
        numbers = bytearray()
        while len(numbers) <= size and (piece := content.read(2**20)):
            numbers += piece
    if len(numbers) != size:
        came = f"only {len(numbers)}" if len(numbers) < size else "more"
        raise ValueError(
            f"{path} is damaged: its header announces an array of shape {shape} in {size} bytes, "
            f"but {came} came; get the file again"
        )
    try:
        stored = np.ndarray(shape, dtype, numbers)
    except ValueError as error:
        raise ValueError(
            f"{path} announces {ndim} dimensions, expected what NumPy can hold: {error}"
        ) from error
    return stored.astype(dtype.newbyteorder("="), copy=False)


@contextmanager
def unpacked(file: BufferedIOBase, name: str | Path) -> Iterator[BufferedIOBase]:
    """The content of an open file, without the gzip around it, if there is one.

    The first bytes tell, and not the name: browsers and servers unpack a file and keep its name.
    """
    # Here and not above: nobody else who imports twingrad needs these.
    import gzip
    import zlib

    gzipped = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    if not gzipped:
        yield file
        return
    try:
        with gzip.GzipFile(fileobj=file) as content:
            yield content
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{name} is a damaged gzip file: {error}; get it again") from error
