"""The reader of IDX files, held against files that the tests put together byte by byte."""

import gzip
import re
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from twingrad.nn import idx

CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}
"""The type of the numbers, as the format's page lists them."""

THREE = bytes.fromhex("00 00 08 01  00 00 00 03  05 00 04")
"""Three labels, 5, 0 and 4: the smallest file that looks like one of MNIST's."""


def written(array: np.ndarray) -> bytes:
    """The array as IDX, by struct and not by what is tested."""
    head = struct.pack(">BBBB", 0, 0, CODES[array.dtype.name], array.ndim)
    letter = np.dtype(array.dtype).char
    lengths = struct.pack(f">{array.ndim}I", *array.shape)
    return head + lengths + struct.pack(f">{array.size}{letter}", *array.ravel().tolist())


arrays_to_store = st.sampled_from(sorted(CODES)).flatmap(
    lambda name: arrays(
        name, st.just(()) | array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
    )
)
packings = st.sampled_from([bytes, gzip.compress])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("idx") / "some-file"


def refused(path: Path, content: bytes, said: str = "") -> None:
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(str(path)) + ".*" + said):
        idx.read(path)


# What is read


def test_a_file_spelled_out_by_hand_is_read_as_it_says(path: Path) -> None:
    path.write_bytes(THREE)
    assert idx.read(path).tolist() == [5, 0, 4]
    path.write_bytes(bytes.fromhex("00 00 0b 02  00 00 00 01  00 00 00 02  ff fe  01 00"))
    assert idx.read(str(path)).tolist() == [[-2, 256]]
    path.write_bytes(bytes.fromhex("00 00 0d 00  3f c0 00 00"))
    assert idx.read(path) == np.float32(1.5)


@given(array=arrays_to_store, pack=packings)
def test_what_is_written_is_read_back_in_every_type_and_shape(
    path: Path, array: np.ndarray, pack: type
) -> None:
    path.write_bytes(pack(written(array)))
    found = idx.read(path)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.dtype.isnative
    assert np.array_equal(found, array, equal_nan=array.dtype.kind == "f")


def test_the_first_bytes_tell_a_gzip_and_not_the_name(path: Path) -> None:
    gzipped, plain = path.with_name("labels"), path.with_name("labels.gz")
    gzipped.write_bytes(gzip.compress(THREE, mtime=0))
    plain.write_bytes(THREE)
    assert idx.read(gzipped).tolist() == idx.read(plain).tolist() == [5, 0, 4]


def test_what_is_read_can_be_changed(path: Path) -> None:
    path.write_bytes(THREE)
    array = idx.read(path)
    array += 1
    assert array.tolist() == [6, 1, 5]


def test_several_megabytes_are_read_whole(path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 256, (5, 1000, 1000), dtype=np.uint8)
    path.write_bytes(struct.pack(">BBBB3I", 0, 0, 8, 3, *array.shape) + array.tobytes())
    assert np.array_equal(idx.read(path), array)


# What is refused


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"is not an IDX file: it starts with the bytes \(none\), expected 00 00, then"),
        (THREE[:3], "is not an IDX file: it starts with the bytes 00 00 08"),
        (b"<!DOCTYPE html>", "is not an IDX file: it starts with the bytes 3c 21 44 4f"),
        (b"\x89PNG\r\n", "is not an IDX file: it starts with the bytes 89 50 4e 47"),
        (b"\0\0\x0a" + THREE[3:], "is not an IDX file: it starts with the bytes 00 00 0a 01"),
        (b"\0\1" + THREE[2:], "is not an IDX file"),
        (THREE[:6], "ends in its header: 2 bytes, expected 4 for the lengths of its 1 dim"),
        (THREE[:-1], r"array of shape \(3,\) in 3 bytes, but only 2 came; get the file again"),
        (THREE + b"\0", r"array of shape \(3,\) in 3 bytes, but more came"),
        (b"\0\0\x08\x41" + b"\0\0\0\1" * 65 + b"\7", "65 dimensions, expected what NumPy can hold"),
        (b"\0\0\x08\x04" + b"\0\0\0\0" + b"\xff" * 12, "4 dimensions, expected what NumPy can"),
        (gzip.compress(THREE, mtime=0)[:-1], "is a damaged gzip file: .*; get it again"),
        (gzip.compress(THREE, mtime=0)[:14], "is a damaged gzip file"),
        (gzip.compress(THREE, mtime=0)[:2], "is a damaged gzip file"),
        (gzip.compress(THREE, mtime=0)[:-8] + bytes(8), "is a damaged gzip file: CRC"),
        (gzip.compress(THREE, mtime=0) + b"more", "is a damaged gzip file"),
        (
            gzip.compress(gzip.compress(THREE, mtime=0), mtime=0),
            "is not an IDX file: .* bytes 1f 8b",
        ),
        (gzip.compress(THREE[:-1], mtime=0), "only 2 came"),
        (gzip.compress(THREE, mtime=0) + gzip.compress(THREE, mtime=0), "more came"),
    ],
)
def test_a_bad_file_is_named_with_what_came_and_what_was_expected(
    path: Path, content: bytes, said: str
) -> None:
    refused(path, content, said)


@settings(max_examples=30)  # of four files each
@given(array=arrays_to_store, data=st.data())
def test_a_file_cut_anywhere_or_with_anything_behind_it_is_refused(
    path: Path, array: np.ndarray, data: st.DataObject
) -> None:
    whole = written(array)
    for content in (whole, gzip.compress(whole, mtime=0)):
        refused(path, content[: data.draw(st.integers(0, len(content) - 1))])
    behind = whole + data.draw(st.binary(min_size=1, max_size=9))
    refused(path, behind)
    refused(path, gzip.compress(behind, mtime=0))


@given(array=arrays_to_store, data=st.data())
def test_a_changed_byte_of_a_gzip_never_changes_the_numbers(
    path: Path, array: np.ndarray, data: st.DataObject
) -> None:
    content = bytearray(gzip.compress(written(array)))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        found = idx.read(path)  # the time and the system in a gzip's header say nothing to us
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert np.array_equal(found, array, equal_nan=array.dtype.kind == "f")


@given(content=st.binary(max_size=60), start=st.sampled_from([b"", b"\0\0\x08", b"\x1f\x8b\x08"]))
def test_any_bytes_are_an_array_or_an_error_that_names_the_file(
    path: Path, content: bytes, start: bytes
) -> None:
    path.write_bytes(start + content)
    try:
        found = idx.read(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        stored = found.astype(found.dtype.newbyteorder(">")).tobytes()
        assert (start + content).endswith(stored)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("ndim", [1, 3, 255])
def test_a_gigantic_claim_reserves_no_memory(path: Path, ndim: int, pack: type) -> None:
    tracemalloc.start()
    refused(path, pack(b"\0\0\x0e" + bytes([ndim]) + b"\xff" * (4 * ndim + 8)), "only 8 came")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23


def test_a_small_claim_unpacks_no_more_of_a_gzip_than_it_needs(path: Path) -> None:
    content = gzip.compress(THREE + bytes(2**26))
    tracemalloc.start()
    refused(path, content, "more came")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23


def test_a_file_that_is_not_there_is_said_so_by_python(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        idx.read(tmp_path / "nowhere")
