"""MNIST: where it is looked for, what is fetched and what is refused, and the real digits.

The set is made here, of ten images, and the mirrors are a server on this machine that writes down
what it is asked for.
"""

import errno
import gzip
import hashlib
import io
import os
import re
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twingrad import nn
from twingrad.nn import mnist as module

ROOT = Path(__file__).parents[1]
NAMES = [f"{part}-{kind}" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
NAMES = [f"{name}-ubyte" for name in NAMES]

PIXELS = np.random.default_rng(0).integers(0, 256, (10, 28, 28), dtype=np.uint8)
PIXELS[0, 0, :3] = 0, 51, 255
LABELS = [5, 0, 4, 1, 9, 2, 7, 2, 1, 0]


def images(pixels: np.ndarray) -> bytes:
    return struct.pack(">BBBB3I", 0, 0, 8, 3, *pixels.shape) + pixels.tobytes()


def labels(numbers: list[int]) -> bytes:
    return struct.pack(">BBBBI", 0, 0, 8, 1, len(numbers)) + bytes(numbers)


SET = {
    NAMES[0]: images(PIXELS[:6]),
    NAMES[1]: labels(LABELS[:6]),
    NAMES[2]: images(PIXELS[6:]),
    NAMES[3]: labels(LABELS[6:]),
}


def put(folder: Path, **changed: bytes | None) -> Path:
    """The set in a folder; train_images=... puts something else for one file, None nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in SET.items():
        content = changed.get("_".join(name.split("-")[:2]), content)
        if content is not None:
            (folder / name).write_bytes(content)
    return folder


def left_in(folder: Path) -> list[str]:
    """All that is below a folder, hidden or not."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small set stands for MNIST; no folder or mirror of this machine's is in reach."""
    monkeypatch.setattr(
        module, "FILES", {name: hashlib.sha256(SET[name]).hexdigest() for name in module.FILES}
    )
    monkeypatch.setattr(module, "MIRRORS", [])
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("TWINGRAD_DATA", "LOCALAPPDATA", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    return tmp_path / "home"


# What it gives


def test_it_gives_two_pairs_of_rows_from_zero_to_one_and_labels(tmp_path: Path) -> None:
    (X_train, y_train), (X_test, y_test) = nn.data.mnist(put(tmp_path))
    assert X_train.dtype == X_test.dtype == np.float32
    assert y_train.dtype == y_test.dtype == np.int64
    assert X_train[0, :3].tolist() == [0.0, float(np.float32(0.2)), 1.0]
    assert np.array_equal(np.rint(X_train * 255), PIXELS[:6].reshape(6, 784))
    assert np.array_equal(np.rint(X_test * 255), PIXELS[6:].reshape(4, 784))
    assert [*y_train.tolist(), *y_test.tolist()] == LABELS
    assert np.array_equal(np.rint(X_train.reshape(-1, 1, 28, 28)[:, 0] * 255), PIXELS[:6])


def test_the_pairs_are_what_fit_takes(tmp_path: Path) -> None:
    train, test = nn.data.mnist(put(tmp_path))
    model = nn.Linear(784, 10, rng=0)
    sgd = nn.SGD(model.parameters(), lr=0.1)
    how: dict[str, Any] = {"optimizer": sgd, "epochs": 2, "progress": False}
    history = nn.fit(model, *train, validation=test, loss=nn.cross_entropy, **how)
    assert {len(curve) for curve in history.curves().values()} == {2}


def test_gzip_plain_and_dotted_names_may_be_mixed(tmp_path: Path) -> None:
    names = [
        "train-images-idx3-ubyte.gz",
        "train-labels.idx1-ubyte",
        "t10k-images.idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte",
    ]
    for name, content in zip(names, SET.values(), strict=True):
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    train, test = nn.data.mnist(tmp_path)
    assert [*train[1], *test[1]] == LABELS


def test_another_set_under_the_same_names_is_read_without_a_checksum(tmp_path: Path) -> None:
    train, _ = nn.data.mnist(put(tmp_path, train_labels=labels([9] * 6)))
    assert train[1].tolist() == [9] * 6


# Where it is looked for


def marked(folder: Path, label: int) -> Path:
    """The set in a folder, recognisable by its first label."""
    return put(folder, train_labels=labels([label] * 6))


def first_label(*args: Any) -> int:
    return int(nn.data.mnist(*args)[0][1][0])


def test_the_first_complete_folder_counts_and_half_a_set_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINGRAD_DATA", str(tmp_path / "data"))
    marked(tmp_path / "cache" / "twingrad" / "mnist", 3)
    assert first_label() == 3
    marked(tmp_path / "data" / "mnist", 2)
    assert first_label() == 2
    marked(tmp_path / "data", 1)
    assert first_label() == 1
    (tmp_path / "data" / NAMES[3]).unlink()
    assert first_label() == 2
    monkeypatch.chdir(tmp_path / "data" / "mnist")
    monkeypatch.setenv("TWINGRAD_DATA", "")
    assert first_label() == 3


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_looked_in_with_its_subfolder_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type
) -> None:
    monkeypatch.setenv("TWINGRAD_DATA", str(marked(tmp_path / "data", 1)))
    marked(tmp_path / "cache" / "twingrad" / "mnist", 2)
    with pytest.raises(FileNotFoundError):
        nn.data.mnist(kind(tmp_path / "mine"))
    marked(tmp_path / "mine" / "mnist", 3)
    assert first_label(kind(tmp_path / "mine")) == 3
    marked(tmp_path / "mine", 4)
    assert first_label(kind(tmp_path / "mine")) == 4


def test_a_tilde_is_the_home_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marked(home / "data", 6)
    assert first_label("~/data") == 6
    monkeypatch.setenv("TWINGRAD_DATA", "~/data")
    assert first_label() == 6


@pytest.mark.parametrize(
    ("platform", "variable", "below_home"),
    [
        ("linux", "XDG_CACHE_HOME", ".cache"),
        ("darwin", None, "Library/Caches"),
        ("win32", "LOCALAPPDATA", "AppData/Local"),
    ],
)
def test_the_cache_folder_is_where_each_system_keeps_it(
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    variable: str | None,
    below_home: str,
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delenv("XDG_CACHE_HOME")
    marked(home / below_home / "twingrad" / "mnist", 1)
    assert first_label() == 1
    if variable:
        monkeypatch.setenv(variable, "relative")
        assert first_label() == 1
        monkeypatch.setenv(variable, str(tmp_path / "other"))
        marked(tmp_path / "other" / "twingrad" / "mnist", 2)
        assert first_label() == 2


def test_what_is_nowhere_is_an_error_that_says_where_it_was_looked_for_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINGRAD_DATA", str(tmp_path))
    put(tmp_path, t10k_labels=None, train_images=None)
    (tmp_path / "mnist").mkdir()
    with pytest.raises(FileNotFoundError) as caught:
        nn.data.mnist()
    said = str(caught.value)
    assert f"\n  {tmp_path}: lacks t10k-labels-idx1-ubyte, train-images-idx3-ubyte\n" in said
    assert f"\n  {tmp_path / 'mnist'}: nothing of it\n" in said
    assert f"\n  {tmp_path / 'cache' / 'twingrad' / 'mnist'}: no such folder\n" in said
    assert all(name in said.rpartition("\n")[2] for name in NAMES)
    assert "Call nn.data.mnist(download=True)" in said
    assert "TWINGRAD_DATA" in said


def test_a_folder_of_a_file_s_name_is_not_the_file(tmp_path: Path) -> None:
    put(tmp_path, t10k_labels=None)
    (tmp_path / NAMES[3]).mkdir()
    with pytest.raises(FileNotFoundError, match="lacks t10k-labels-idx1-ubyte"):
        nn.data.mnist(tmp_path)


# What is refused when read


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"train_labels": labels(LABELS[:5])}, "train-labels.* 5 labels for 6 images, expected"),
        ({"t10k_images": images(PIXELS[:3])}, "t10k-labels.* 4 labels for 3 images"),
        ({"train_labels": labels([1, 2, 3, 10, 5, 6])}, "train-labels.* label 10, expected 0 to 9"),
        ({"t10k_images": images(PIXELS[:0]), "t10k_labels": labels([])}, "0 labels for 0 images"),
        (
            {"train_images": images(PIXELS[:, :14, :14])},
            r"train-images\S* holds uint8 of shape \(10, 14, 14\), expected .* \(n, 28, 28\)",
        ),
        ({"train_images": SET[NAMES[1]]}, r"shape \(6,\), expected uint8 of shape \(n, 28, 28\)"),
        ({"train_labels": SET[NAMES[0]]}, r"\(6, 28, 28\), expected uint8 of shape \(n\)"),
        ({"train_labels": b"\0\0\x08\0\5"}, r"holds uint8 of shape \(\), expected"),
        ({"train_labels": b"\0\0\x09\1\0\0\0\6" + bytes(6)}, "holds int8 of shape"),
        ({"t10k_images": SET[NAMES[2]][:-1]}, "t10k-images.* is damaged: .* only 3135 came"),
        ({"t10k_labels": b"<html>"}, "t10k-labels.* is not an IDX file"),
    ],
)
def test_a_set_that_does_not_hold_together_is_refused_by_name(
    tmp_path: Path, changed: dict[str, bytes], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        nn.data.mnist(put(tmp_path, **changed))


# What is fetched

Answer = Callable[[BaseHTTPRequestHandler], None]


def answering(content: bytes, status: int = 200, announced: int | None = None) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        if announced != -1:
            length = len(content) if announced is None else announced
            handler.send_header("Content-Length", str(length))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


class Mirrors:
    """A server on this machine: /good has the set, other folders what a test puts there."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.address = f"http://127.0.0.1:{port}"
        self.tries = 0
        self.released = threading.Event()
        for name, content in SET.items():
            self.answers[f"/good/{name}.gz"] = answering(gzip.compress(content))

    def holding(self, handler: BaseHTTPRequestHandler) -> None:
        """Announce much, send a little, and then nothing."""
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**6))
        handler.end_headers()
        handler.wfile.write(bytes(2**17))
        handler.wfile.flush()
        self.released.wait(20)

    def use(self, *folders: str) -> list[str]:
        return [f"{self.address}/{folder}/" for folder in folders]


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            mirrors = self.server.mirrors
            mirrors.asked.append(self.path)
            mirrors.answers.get(self.path, answering(b"nothing here", 404))(self)

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: Any) -> None:
            pass  # a client that hangs up is what some tests are about

    with Server(("127.0.0.1", 0), Handler) as started:
        threading.Thread(target=started.serve_forever, args=(0.01,), daemon=True).start()
        yield started
        started.shutdown()


@pytest.fixture
def mirrors(server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrors]:
    server.mirrors = Mirrors(server.server_port)
    monkeypatch.setattr(module, "MIRRORS", server.mirrors.use("good"))
    yield server.mirrors
    server.mirrors.released.set()


def test_nothing_is_asked_of_the_network_unless_told_to(mirrors: Mirrors, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        nn.data.mnist()
    with pytest.raises(FileNotFoundError):
        nn.data.mnist(tmp_path / "mine")
    put(tmp_path / "found")
    nn.data.mnist(tmp_path / "found")
    assert mirrors.asked == []


def test_what_is_found_is_not_fetched(mirrors: Mirrors, tmp_path: Path) -> None:
    nn.data.mnist(put(tmp_path / "mine"), download=True)
    put(tmp_path / "cache" / "twingrad" / "mnist")
    nn.data.mnist(download=True)
    assert mirrors.asked == []


def test_what_is_missing_is_fetched_once_into_the_cache_and_then_found(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINGRAD_DATA", str(tmp_path / "empty"))
    for download in (True, True, False):
        train, test = nn.data.mnist(download=download)
        assert [*train[1], *test[1]] == LABELS
    assert sorted(mirrors.asked) == sorted(f"/good/{name}.gz" for name in NAMES)
    cache = tmp_path / "cache" / "twingrad" / "mnist"
    assert left_in(cache) == sorted(f"{name}.gz" for name in NAMES)
    assert {name: gzip.decompress((cache / f"{name}.gz").read_bytes()) for name in NAMES} == SET


def test_a_path_gets_the_files_itself(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINGRAD_DATA", str(put(tmp_path / "data")))
    nn.data.mnist(tmp_path / "new" / "mine", download=True)
    assert left_in(tmp_path / "new" / "mine") == sorted(f"{name}.gz" for name in NAMES)
    assert not (tmp_path / "cache").exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_others_may_read_what_was_fetched(mirrors: Mirrors, tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        nn.data.mnist(tmp_path, download=True)
    finally:
        os.umask(umask)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.gz")} == {0o644}


def test_only_what_is_missing_is_fetched(mirrors: Mirrors, tmp_path: Path) -> None:
    put(tmp_path, t10k_images=None)
    nn.data.mnist(tmp_path, download=True)
    assert mirrors.asked == ["/good/t10k-images-idx3-ubyte.gz"]


def test_two_sets_are_not_mixed(mirrors: Mirrors, tmp_path: Path) -> None:
    put(tmp_path, train_labels=labels([1] * 6), t10k_images=None)
    before = left_in(tmp_path)
    with pytest.raises(ValueError, match=r"train-labels\S* is not MNIST's: .* move it away, or"):
        nn.data.mnist(tmp_path, download=True)
    assert (mirrors.asked, left_in(tmp_path)) == ([], before)


def test_any_gzip_of_the_right_content_will_do(mirrors: Mirrors, tmp_path: Path) -> None:
    stored = gzip.compress(SET[NAMES[0]], compresslevel=0, mtime=7)
    mirrors.answers[f"/good/{NAMES[0]}.gz"] = answering(stored)
    nn.data.mnist(tmp_path, download=True)
    assert (tmp_path / f"{NAMES[0]}.gz").read_bytes() == stored


def test_a_server_that_does_not_tell_the_length_will_do(
    mirrors: Mirrors, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirrors.answers[f"/good/{NAMES[0]}.gz"] = answering(gzip.compress(SET[NAMES[0]]), announced=-1)
    nn.data.mnist(tmp_path, download=True)
    assert f"{NAMES[0]}.gz  0.005 MB\n" in capsys.readouterr().err


GOOD = gzip.compress(SET[NAMES[0]])
OTHER = gzip.compress(images(PIXELS[:6] ^ 1))
BAD: dict[str, tuple[Answer, str]] = {
    "not there": (answering(b"no", 404), "HTTP Error 404: Not Found"),
    "not allowed": (answering(b"no", 403), "HTTP Error 403: Forbidden"),
    "broken": (answering(b"no", 500), "HTTP Error 500"),
    "another content": (
        answering(OTHER),
        f"what came has the SHA-256 {hashlib.sha256(gzip.decompress(OTHER)).hexdigest()}, "
        f"expected {hashlib.sha256(SET[NAMES[0]]).hexdigest()}",
    ),
    "a page to log in": (answering(b"<html>Please log in</html>"), "what came has the SHA-256"),
    "nothing": (answering(b""), "what came has the SHA-256 e3b0c442"),
    "cut": (
        answering(GOOD[:99], announced=len(GOOD)),
        f"the answer ended after 99 of {len(GOOD)} bytes",
    ),
    "cut in silence": (answering(GOOD[:99], announced=-1), "what came is a damaged gzip file"),
    "spoilt": (answering(GOOD[:99] + b"\0" * 9 + GOOD[108:]), "what came is a damaged gzip file"),
    "no HTTP": (lambda handler: handler.wfile.write(b"hello\r\n\r\n") and None, "hello"),
    "hung up": (lambda handler: handler.connection.close(), ""),
}


@pytest.mark.parametrize(("answer", "said"), BAD.values(), ids=BAD)
def test_when_a_mirror_fails_the_next_is_asked_and_otherwise_the_reason_told(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer, said: str
) -> None:
    name = f"{NAMES[0]}.gz"
    for other in NAMES[1:]:
        mirrors.answers[f"/bad/{other}.gz"] = mirrors.answers[f"/good/{other}.gz"]
    mirrors.answers[f"/bad/{name}"] = answer

    monkeypatch.setattr(module, "MIRRORS", mirrors.use("bad"))
    with pytest.raises(ConnectionError, match=rf"{name}:.*{re.escape(said)}"):
        nn.data.mnist(tmp_path / "failed", download=True)
    assert f"{NAMES[0]}" not in " ".join(left_in(tmp_path / "failed"))

    monkeypatch.setattr(module, "MIRRORS", mirrors.use("bad", "good"))
    nn.data.mnist(tmp_path / "mine", download=True)
    assert left_in(tmp_path / "mine") == sorted(f"{name}.gz" for name in NAMES)
    assert mirrors.asked[-2:] == [f"/bad/{name}", f"/good/{name}"]


def test_a_mirror_that_falls_silent_is_given_up(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MIRRORS", mirrors.use("bad"))
    mirrors.answers[f"/bad/{NAMES[3]}.gz"] = mirrors.holding
    with pytest.raises(ConnectionError, match="timed out"):
        nn.data.mnist(tmp_path / "mine", download=True)
    assert left_in(tmp_path) == []


def test_when_all_mirrors_fail_each_is_listed_with_its_reason_and_what_to_do(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = "http://127.0.0.1:1/"
    monkeypatch.setattr(module, "MIRRORS", [*mirrors.use("bad"), closed, "nonsense://x/"])
    with pytest.raises(ConnectionError) as caught:
        nn.data.mnist(tmp_path / "mine", download=True)
    first, *reasons, advice = str(caught.value).split("\n")
    assert first == "t10k-labels-idx1-ubyte.gz could not be downloaded:"
    name = "t10k-labels-idx1-ubyte.gz"
    assert reasons[0] == f"  {mirrors.use('bad')[0]}{name}: HTTP Error 404: Not Found"
    assert reasons[1].startswith(f"  {closed}{name}: ")
    assert "refused" in reasons[1]
    assert reasons[2].startswith(f"  nonsense://x/{name}: ")
    assert advice.endswith(f"put them, plain or with .gz, into {tmp_path / 'mine'}")
    assert all(name in advice for name in NAMES)
    assert left_in(tmp_path) == []


# What is interrupted


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize("kind", ["SIGINT", "SIGKILL"])
def test_a_download_that_is_stopped_leaves_nothing(
    mirrors: Mirrors, tmp_path: Path, kind: str
) -> None:
    mirrors.answers[f"/good/{NAMES[3]}.gz"] = mirrors.holding
    program = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what a shell runs with &
from twingrad.nn import mnist
mnist.MIRRORS = {module.MIRRORS}
sys.stderr.isatty = lambda: True
mnist.mnist({str(tmp_path / "mine")!r}, download=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        begun = process.stderr.read(len("\rt10k-labels"))
        process.send_signal(getattr(signal, kind))
        said = begun + process.stderr.read()
        process.wait(10)
    assert process.returncode
    assert left_in(tmp_path) == []
    if kind == "SIGINT":
        assert b" MB\nTraceback" in said
        assert said.rstrip().endswith(b"KeyboardInterrupt")


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))]
)
@pytest.mark.parametrize("step", ["write", "replace"])
def test_a_file_that_cannot_be_finished_never_gets_its_name(
    mirrors: Mirrors,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    step: str,
) -> None:
    def half(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise error

    def fail(*args: Any) -> None:
        raise error

    monkeypatch.setattr(
        *((Path, "write_bytes", half) if step == "write" else (os, "replace", fail))
    )
    with pytest.raises(type(error)) as caught:
        nn.data.mnist(tmp_path / "mine", download=True)
    assert left_in(tmp_path / "mine") == []
    if isinstance(error, OSError):
        assert caught.value.errno == errno.ENOSPC
        assert f"could not be written to {tmp_path / 'mine'} (No space left" in str(caught.value)
        assert "name another folder: nn.data.mnist(path, download=True)" in str(caught.value)


def test_where_no_folder_can_be_made_the_error_says_so_after_the_smallest_file(
    mirrors: Mirrors, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match=r"t10k-labels.* could not be written to .*file"):
        nn.data.mnist(tmp_path / "file" / "mine", download=True)
    assert mirrors.asked == ["/good/t10k-labels-idx1-ubyte.gz"]


def test_a_folder_that_is_read_only_is_named(mirrors: Mirrors, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write anywhere")
        with pytest.raises(PermissionError, match=r"written to .* make room or permission"):
            nn.data.mnist(tmp_path, download=True)
    finally:
        tmp_path.chmod(0o755)


# What is said meanwhile


def test_where_nobody_watches_there_is_one_line_for_each_file(
    mirrors: Mirrors, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nn.data.mnist(tmp_path, download=True)
    said = capsys.readouterr()
    assert said.out == ""
    sizes = {name: len(gzip.compress(SET[name])) / 1e6 for name in module.FILES}
    assert said.err.splitlines() == [
        f"{name}.gz  {size:.3f} of {size:.3f} MB" for name, size in sizes.items()
    ]


def test_on_a_terminal_the_line_of_a_file_rewrites_itself(
    mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    # Twelve times the size of a piece that is read at once, none of it compressible.
    noise = gzip.compress(np.random.default_rng(1).bytes(12 * 2**16))
    monkeypatch.setattr(sys, "stderr", Terminal())
    mirrors.answers["/good/noise.gz"] = answering(noise)
    assert module._get(f"{mirrors.address}/good/noise.gz") == noise
    said = sys.stderr.getvalue()
    assert said.endswith("\n")
    assert said.count("\n") == 1
    first, *lines = said.rstrip("\n").split("\r")
    assert (first, len(lines) >= 12) == ("", True)
    done = [re.fullmatch(r"noise\.gz  (0\.\d{3}) of 0\.787 MB", line) for line in lines]
    assert [float(found[1]) for found in done if found] == sorted(
        float(line.split()[1]) for line in lines
    )
    assert lines[-1] == "noise.gz  0.787 of 0.787 MB"


# What an import costs


def test_importing_twingrad_loads_nothing_of_the_network_or_of_gzip() -> None:
    program = """
import sys, numpy
before = set(sys.modules)
import twingrad
costly = {"gzip", "http", "http.client", "socket", "ssl", "urllib.request"}
print(sorted(costly & (set(sys.modules) - before)))
"""
    said = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[]"


# The real digits

# Taken here, before the tests take the environment away.
DATA = Path(os.environ.get("TWINGRAD_DATA") or ROOT / ".." / "shared" / "data")
FILES = dict(module.FILES)
# As in the folder's own account of its origin; the SHA-256 of the package come from elsewhere.
MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}

real = pytest.mark.skipif(
    not any((DATA / folder / f"{NAMES[0]}.gz").is_file() for folder in ("", "mnist")),
    reason="no MNIST in $TWINGRAD_DATA or ../shared/data",
)


@real
def test_the_real_digits_have_their_known_labels_and_counts() -> None:
    (X, y), (X_test, y_test) = nn.data.mnist(DATA)
    assert (X.shape, y.shape) == ((60000, 784), (60000,))
    assert (X_test.shape, y_test.shape) == ((10000, 784), (10000,))
    assert (X.dtype, X.min(), X.max()) == (np.float32, 0.0, 1.0)
    assert y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y).tolist() == counts
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(y_test).tolist() == counts
    # The mean and deviation that everyone normalizes MNIST by.
    assert X.mean() == pytest.approx(0.1307, abs=5e-5)
    assert X.std() == pytest.approx(0.3081, abs=5e-5)


@real
@pytest.mark.parametrize("name", NAMES)
def test_the_real_files_are_those_whose_checksums_are_known(name: str) -> None:
    folder = DATA if (DATA / f"{name}.gz").is_file() else DATA / "mnist"
    content = gzip.decompress((folder / f"{name}.gz").read_bytes())
    assert hashlib.md5(content).hexdigest() == MD5[name]
    assert hashlib.sha256(content).hexdigest() == FILES[name]
