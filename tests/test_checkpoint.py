"""Checkpoint files: what goes in comes out, damage is refused, and no file is ever half written.

That a run goes on from one bit for bit is in test_resume.
"""

import errno
import io
import json
import math
import os
import random
import re
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import twingrad as tg
from twingrad import Tensor, nn
from twingrad.engine import Node

ROOT = Path(__file__).parents[1]
X = np.random.default_rng(0).normal(size=(24, 3))
Y = X.sum(axis=1, keepdims=True)


def bits(thing: Any) -> Any:
    """Every number in a model, an optimizer or a generator, exactly, as plain data.

    It goes through the attributes itself and asks nothing of `state_dict`.
    """
    if isinstance(thing, float):
        return thing.hex()
    if isinstance(thing, np.ndarray | np.generic):
        return thing.dtype.str, thing.shape, thing.tobytes()
    if isinstance(thing, np.random.Generator):
        return bits(dict(thing.bit_generator.state))
    if isinstance(thing, Node):
        return type(thing).__name__, thing.constant, bits(thing.data), bits(thing._grad)
    if isinstance(thing, nn.Module):
        return type(thing).__name__, bits(vars(thing) | {"training": thing.training})
    if isinstance(thing, nn.Optimizer | nn.History):
        return type(thing).__name__, bits(vars(thing))
    if isinstance(thing, dict):
        return {str(name): bits(part) for name, part in thing.items()}
    if isinstance(thing, list | tuple):
        return [bits(part) for part in thing]
    return re.sub(" at 0x[0-9a-f]+", "", repr(thing))


def network(seed: int = 0, width: int = 40, **settings: Any) -> nn.Sequential:
    """Something of everything that a checkpoint holds: statistics and randomness too."""
    return nn.Sequential(
        nn.Linear(3, width, rng=seed, **settings),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Dropout(0.25, rng=seed + 1),
        nn.Linear(width, 1, rng=seed + 2, **settings),
    )


def trained(model: Any, y: Any = Y, **settings: Any) -> tuple[nn.Optimizer, nn.History]:
    adam = nn.Adam(model.parameters(), lr=0.01)
    settings = {"epochs": 2, "batch_size": 8, "rng": 0, "progress": False} | settings
    return adam, nn.fit(model, X, y, loss=nn.mse_loss, optimizer=adam, **settings)


class Holder(nn.Module):
    """Numbers that are learned, numbers that are frozen, and numbers kept beside them."""

    def __init__(self, learned: Any, frozen: Any = 0.0, kept: Any = None) -> None:
        self.learned, self.frozen, self.kept = Tensor(learned), Tensor(frozen), kept
        self.frozen.constant = True


# Round trips


def laid_out(array: np.ndarray, how: str) -> np.ndarray:
    """The same numbers, in another order in memory or with gaps."""
    if not array.ndim:
        return array
    if how == "Fortran":
        return np.asfortranarray(array).reshape(array.shape)
    if how == "reversed":
        return np.flip(np.flip(array).copy())
    gaps = np.zeros([2 * n for n in array.shape], array.dtype)
    every_second = gaps[tuple(slice(None, None, 2) for _ in array.shape)]
    every_second[...] = array
    return every_second


shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
floats = hnp.arrays(hnp.floating_dtypes(), shapes)
whole_numbers = st.sampled_from("bBhHiIlL").flatmap(
    lambda kind: hnp.arrays(
        np.dtype(kind),
        shapes,
        elements=st.integers(
            max(int(np.iinfo(kind).min), -(2**53)), min(int(np.iinfo(kind).max), 2**53)
        ),
    )
)


@given(
    floats,
    floats,
    floats | whole_numbers | hnp.arrays(np.dtype(bool), shapes),
    st.sampled_from(["Fortran", "reversed", "gaps"]),
)
@settings(max_examples=60)
def test_numbers_of_any_shape_precision_and_layout_come_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, learned: Any, frozen: Any, kept: Any, how: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "round_trip.npz"
    model = Holder(learned, frozen, laid_out(kept, how))
    other = Holder(np.zeros_like(learned), np.zeros_like(frozen), np.zeros_like(kept))
    before = bits(model)
    nn.save(path, model)
    assert bits(model) == before
    nn.load(path, into=other)
    assert bits(other) == before


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1])
def test_a_kept_count_beyond_the_floats_comes_back(tmp_path: Path, number: int) -> None:
    model, other = (Holder(0.0, kept=np.array([count])) for count in (number, 0))
    nn.save(tmp_path / "m.npz", model)
    nn.load(tmp_path / "m.npz", into=other)
    assert other.kept.tolist() == [number]


def test_nan_infinity_and_minus_zero_come_back(tmp_path: Path) -> None:
    numbers = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324])
    neuron = nn.Neuron(4, rng=0)
    for parameter, number in zip(neuron.parameters(), numbers, strict=True):
        parameter.data = float(number)
    for spoilt, other in (
        (Holder(numbers), Holder(np.ones(5))),
        *((Holder(number), Holder(1.0)) for number in numbers),
        (neuron, nn.Neuron(4, rng=1)),
    ):
        nn.save(tmp_path / "m.npz", spoilt)
        nn.load(tmp_path / "m.npz", into=other)
        assert bits(other) == bits(spoilt)


@pytest.mark.parametrize(
    "build",
    [
        lambda seed: nn.Neuron(3, rng=seed),
        lambda seed: nn.Layer(3, 2, activation="relu", rng=seed),
        lambda seed: nn.MLP(3, [4, 4, 1], rng=seed),
        network,
        lambda seed: network(seed, dtype=np.float64),
        lambda seed: nn.Sequential(
            nn.Conv2d(1, 2, 3, rng=seed), nn.MaxPool2d(2), nn.Flatten(), nn.LayerNorm(8)
        ),
        lambda seed: nn.Residual(nn.Linear(3, 3, rng=seed)),
    ],
)
def test_every_kind_of_model_is_saved_and_loaded(
    build: Callable[[int], nn.Module], tmp_path: Path
) -> None:
    model, other = build(0), build(5)
    assert bits(model) != bits(other)
    nn.save(tmp_path / "m.npz", model)
    record = nn.load(tmp_path / "m.npz", into=other)
    assert bits(other) == bits(model)
    assert record.optimizer is record.rng is record.history is None
    assert record.architecture == repr(model)


def test_frozen_parameters_are_loaded_and_stay_frozen(tmp_path: Path) -> None:
    for build in (network, lambda seed: nn.MLP(3, [2, 1], rng=seed)):
        model, other = build(0), build(5)
        for frozen in (model, other):
            frozen.parameters()[0].constant = True
        nn.save(tmp_path / "m.npz", model)
        nn.load(tmp_path / "m.npz", into=other)
        assert bits(other) == bits(model)


def test_a_model_keeps_its_own_precision(tmp_path: Path) -> None:
    double, single = nn.Linear(3, 40, dtype=np.float64, rng=0), nn.Linear(3, 40, rng=5)
    nn.save(tmp_path / "m.npz", double)
    nn.load(tmp_path / "m.npz", into=single)
    assert single.weight.dtype == np.float32
    assert np.array_equal(single.weight.data, double.weight.data.astype(np.float32))


def test_a_precision_that_makes_a_model_print_over_several_lines_makes_it_no_other(
    tmp_path: Path,
) -> None:
    nn.save(tmp_path / "m.npz", network(0, dtype=np.float64))
    nn.load(tmp_path / "m.npz", into=network(5))


def test_a_record_shares_no_memory_with_the_model_it_was_loaded_into(tmp_path: Path) -> None:
    model = network().train()
    nn.save(tmp_path / "m.npz", model)
    saved = bits(model)
    record = nn.load(tmp_path / "m.npz", into=model)
    trained(model)
    assert bits(model) != saved
    record.restore(model)
    model.zero_grad()
    assert bits(model) == saved


def test_loading_leaves_gradients_and_modes_alone(tmp_path: Path) -> None:
    model = network()
    nn.save(tmp_path / "m.npz", model)
    (model(X[:4]).sum()).backward()
    model[1].eval()
    gradients = [bits(parameter.grad) for parameter in model.parameters()]
    nn.load(tmp_path / "m.npz", into=model)
    assert [bits(parameter.grad) for parameter in model.parameters()] == gradients
    assert [module.training for module in model.modules()] == [True, True, False, *[True] * 3]


def test_all_that_a_run_needs_is_in_one_file(tmp_path: Path) -> None:
    model = network()
    generator = np.random.Generator(np.random.MT19937(3))
    adam, history = trained(model, rng=generator, validation=0.25, metrics="mse")
    nn.save(tmp_path / "m.npz", model, optimizer=adam, history=history)
    record = nn.load(str(tmp_path / "m.npz"))
    assert record.path == tmp_path / "m.npz"
    assert record.history is not None
    assert bits(record.history) == bits(history)
    assert bits(record.rng) == bits(dict(generator.bit_generator.state))
    other = nn.Adam(network(5).parameters())
    other.load_state_dict(record.optimizer or {})
    assert bits(other.state) == bits(adam.state)
    assert (other.lr, other.taken, other.steps) == (adam.lr, adam.taken, adam.steps)
    assert repr(record).startswith("<CheckpointRecord of Sequential(")
    assert repr(record).endswith(" after 2 epochs>")


def test_a_generator_that_is_given_comes_before_that_of_the_history(tmp_path: Path) -> None:
    model = network()
    _, history = trained(model)
    generator = np.random.default_rng(99)
    nn.save(tmp_path / "m.npz", model, rng=generator, history=history)
    assert bits(nn.load(tmp_path / "m.npz").rng) == bits(generator)


# The file


def test_numpy_reads_the_file_without_pickle_and_finds_readable_names(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 2, rng=0), nn.BatchNorm1d(2))
    sgd = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    nn.save(tmp_path / "m.npz", model, optimizer=sgd, rng=np.random.default_rng(0))
    with np.load(tmp_path / "m.npz", allow_pickle=False) as found:
        assert sorted(found) == [
            "model/layers.0.bias",
            "model/layers.0.weight",
            "model/layers.1.bias",
            "model/layers.1.running_mean",
            "model/layers.1.running_var",
            "model/layers.1.weight",
            *(f"optimizer/state/{i}/velocity" for i in range(4)),
            "twingrad",
        ]
        assert bits(found["model/layers.0.weight"]) == bits(model[0].weight.data)
        header = json.loads(found["twingrad"].tobytes())
    assert header["format"] == 1
    assert header["architecture"] == repr(model)
    assert header["optimizer"]["kind"] == "SGD"


def test_no_member_of_the_file_is_a_pickle(tmp_path: Path) -> None:
    model = nn.MLP(3, [2, 1], rng=0)
    adam, history = trained(model, Y[:, 0], rng=np.random.Generator(np.random.MT19937(0)))
    nn.save(tmp_path / "m.npz", model, optimizer=adam, history=history)
    with zipfile.ZipFile(tmp_path / "m.npz") as file:
        for name in file.namelist():
            content = file.read(name)
            assert content.startswith(b"\x93NUMPY")
            assert b"'|O'" not in content[:128]


def test_the_name_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.MLP(3, [1], rng=0)
    monkeypatch.chdir(tmp_path)
    for name in ("model", "räum lich 1.npz", ".hidden", "a.tar.npz", str(tmp_path / "m")):
        nn.save(name, model)
        assert Path(name).is_file()
        nn.load(name, into=nn.MLP(3, [1]))
    assert len(list(tmp_path.iterdir())) == 5


def test_saving_again_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    for model in (network(0), network(1), nn.MLP(3, [1], rng=0)):
        nn.save(path, model)
        assert bits(nn.load(path).model) == bits(nn.load(path).model)
        nn.load(path, into=model)
        assert [*tmp_path.iterdir()] == [path]


def test_others_may_read_the_file_where_the_umask_lets_them(tmp_path: Path) -> None:
    for mask, mode in ((0o022, 0o644), (0o077, 0o600)):
        before = os.umask(mask)
        try:
            nn.save(tmp_path / "m.npz", nn.MLP(3, [1], rng=0))
        finally:
            assert os.umask(before) == mask
        assert stat.S_IMODE((tmp_path / "m.npz").stat().st_mode) == mode
        (tmp_path / "m.npz").unlink()


def test_a_file_that_is_saved_again_keeps_its_mode_and_a_link_where_it_leads(
    tmp_path: Path,
) -> None:
    real, link = tmp_path / "real.npz", tmp_path / "best.npz"
    nn.save(real, network(0))
    real.chmod(0o600)
    link.symlink_to(real)
    nn.save(link, network(1))
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert bits(nn.load(real).model) == bits(network(1).state_dict())


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExistsError, match="it is no regular file"):
        nn.save(tmp_path / "pipe", network())
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_what_a_killed_save_left_is_removed_by_a_later_one(tmp_path: Path) -> None:
    left, fresh = tmp_path / ".checkpoint-a.partial", tmp_path / ".checkpoint-b.partial"
    left.write_bytes(b"PK")
    fresh.write_bytes(b"PK")
    os.utime(left, (0, 0))
    nn.save(tmp_path / "m.npz", network())
    assert not left.exists()
    assert fresh.exists()


def test_a_result_that_a_module_keeps_is_no_part_of_it(tmp_path: Path) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(3, 3, rng=0)

        def forward(self, x: Any) -> Any:
            self.hidden = self.layer(x).relu()
            return self.hidden

    model, fresh = Net(), Net()
    with tg.no_grad():
        model(X)
    assert model.state_dict().keys() == fresh.state_dict().keys()
    nn.save(tmp_path / "m.npz", model)
    nn.load(tmp_path / "m.npz", into=fresh)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("model", None), ("parts", [1]), ("generators", None), ("architecture", 3), ("rng", 5)],
)
def test_a_header_of_other_things_is_damage(name: str, wrong: Any, tmp_path: Path) -> None:
    nn.save(tmp_path / "m.npz", network())
    with np.load(tmp_path / "m.npz") as file:
        arrays = dict(file)
    header = json.loads(arrays.pop("twingrad").tobytes())
    content = json.dumps(header | {name: wrong}).encode()
    np.savez(tmp_path / "m.npz", twingrad=np.frombuffer(content, np.uint8), **arrays)
    with pytest.raises(nn.CheckpointError, match="damaged"):
        nn.load(tmp_path / "m.npz")


def test_a_model_may_print_as_it_likes(tmp_path: Path) -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            self.w = Tensor([1.0])

        def __repr__(self) -> str:
            return "float: or array:, it says"

    nn.save(tmp_path / "m.npz", Odd())
    assert nn.load(tmp_path / "m.npz", into=Odd()).architecture == repr(Odd())


def test_a_header_is_json_even_where_a_loss_is_not_finite(tmp_path: Path) -> None:
    losses = [1.0, math.inf, -math.inf, math.nan]
    nn.save(tmp_path / "m.npz", network(), history=nn.History(loss=losses))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    with np.load(tmp_path / "m.npz") as file:
        json.loads(file["twingrad"].tobytes(), parse_constant=refuse)
    history = nn.load(tmp_path / "m.npz").history
    assert history is not None
    assert str(history.loss) == str(losses)


# Damage


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A checkpoint of a run, with arrays that are larger than what a zip reader takes at once."""
    path = tmp_path_factory.mktemp("whole") / "m.npz"
    model = network(width=400)
    adam, history = trained(model, rng=np.random.Generator(np.random.Philox(0)))
    nn.save(path, model, optimizer=adam, history=history)
    return path.read_bytes()


def holdings(path: Path) -> Any:
    return bits({name: part for name, part in vars(nn.load(path)).items() if name != "path"})


def refusal(path: Path) -> str | None:
    """Why a file is refused; None if it is not. It must not touch the model."""
    model = network(5, width=400)
    before = bits(model)
    try:
        nn.load(path, into=model)
    except nn.CheckpointError as error:
        assert bits(model) == before
        assert str(path) in str(error)
        return str(error)
    return None


def test_a_file_cut_at_any_length_is_refused(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "m.npz"
    spread = random.Random(0).sample(range(len(whole)), 20)
    for length in (1, 3, 4, 30, *spread, len(whole) - 22, len(whole) - 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        found = refusal(path)
        assert found, f"cut at {length} of {len(whole)}"
        assert re.search("truncated or damaged|is no .npz file", found)


def test_a_file_with_something_in_front_or_missing_amid_is_refused(
    tmp_path: Path, whole: bytes
) -> None:
    half = len(whole) // 2
    for damaged in (b"\n" + whole, whole[:half] + whole[half + 1 :], whole[half:] + whole[:half]):
        (tmp_path / "m.npz").write_bytes(damaged)
        assert refusal(tmp_path / "m.npz")


def regions(whole: bytes) -> dict[str, list[int]]:
    """Where each byte of the file belongs: the zip's own, NumPy's headers, the numbers."""
    names = ("headers of members", "headers of large arrays", "headers of small arrays", "numbers")
    found: dict[str, list[int]] = {name: [] for name in names}
    with zipfile.ZipFile(io.BytesIO(whole)) as file:
        for member in file.infolist():
            start = member.header_offset
            name, extra = struct.unpack("<HH", whole[start + 26 : start + 30])
            array = start + 30 + name + extra
            numbers = array + 10 + struct.unpack("<H", whole[array + 8 : array + 10])[0]
            large = member.file_size > 4096
            found["headers of members"] += range(start, array)
            found[f"headers of {'large' if large else 'small'} arrays"] += range(array, numbers)
            found["numbers"] += range(numbers, array + member.file_size)
    seen = {i for places in found.values() for i in places}
    found["directory"] = [i for i in range(len(whole)) if i not in seen]
    return found


@pytest.mark.parametrize(
    "region",
    [
        "numbers",
        "headers of members",
        "headers of small arrays",
        "headers of large arrays",
        "directory",
    ],
)
def test_a_file_with_one_wrong_byte_is_refused_or_read_as_if_it_were_right(
    region: str, tmp_path: Path, whole: bytes
) -> None:
    path, draw = tmp_path / "m.npz", random.Random(0)
    path.write_bytes(whole)
    truth, where = holdings(path), regions(whole)[region]
    for i in draw.sample(where, min(150, len(where))):
        damaged = bytearray(whole)
        damaged[i] ^= draw.choice([1, 2, 6, 16, 64, 66, 255])
        path.write_bytes(damaged)
        try:
            found = holdings(path)
        except nn.CheckpointError as error:
            assert str(path) in str(error)
        else:
            assert found == truth, f"byte {i} is wrong, and so is what was read"


@pytest.mark.parametrize("wrong", [b"'<f2'", b"'>f2'", b"'|i1'"])
def test_a_wrong_precision_in_the_file_does_not_put_garbage_into_a_model(
    wrong: bytes, tmp_path: Path, whole: bytes
) -> None:
    (tmp_path / "m.npz").write_bytes(whole.replace(b"'<f4'", wrong, 1))
    assert refusal(tmp_path / "m.npz")


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_what_is_no_checkpoint_is_called_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content, says in (
        (b"", "is empty; a checkpoint is a file that nn.save() wrote"),
        (b"PK", "is no .npz file"),
        (b"weights = 1, 2, 3\n" * 100, "is no .npz file"),
        (b"\x80\x04\x95", "is no .npz file"),
    ):
        path.write_bytes(content)
        assert says in (refusal(path) or "")
    np.save(path.with_suffix(".npy"), X)
    assert "is no .npz file" in (refusal(path.with_suffix(".npy")) or "")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("twingrad.txt", "not an array")
    assert refusal(path)
    with zipfile.ZipFile(path, "w"):
        pass
    assert refusal(path)


def test_the_npz_file_of_another_program_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "theirs.npz"
    np.savez(path, weights=X, bias=Y)
    assert refusal(path) == (
        f"{path} was written by another program: it is an .npz file of weights, bias without the "
        "header of a checkpoint; read it with numpy.load"
    )
    np.savez(path, allow_pickle=True, thing=np.array([{}, None], dtype=object))
    assert "another program" in (refusal(path) or "")
    np.savez(path, twingrad=np.array([{}], dtype=object))
    assert "damaged" in (refusal(path) or "")


def rewritten(path: Path, **changes: Any) -> None:
    """Change entries of the header of a file; None takes one out."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file}
    header = json.loads(arrays["twingrad"].tobytes()) | changes
    header = {name: entry for name, entry in header.items() if entry is not None}
    arrays["twingrad"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, **arrays)


def test_a_file_of_a_newer_format_asks_for_an_upgrade(tmp_path: Path, whole: bytes) -> None:
    path = written(tmp_path / "m.npz", whole)
    rewritten(path, format=2, model=None, surprise={"all": "new"})
    assert refusal(path) == (
        f"{path} was written by a newer twingrad: its format is 2, and this version reads up to 1; "
        "upgrade twingrad"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"format": None},
        {"format": "one"},
        {"model": None},
        {"optimizer": "array:optimizer/absent"},
        {"history": {"loss": [1.0], "colour": "blue"}},
    ],
)
def test_a_header_that_lacks_something_is_damaged(
    changes: dict[str, Any], tmp_path: Path, whole: bytes
) -> None:
    path = written(tmp_path / "m.npz", whole)
    rewritten(path, **changes)
    assert f"{path} is damaged" in (refusal(path) or "")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"1", b"\xff\xff", b"null"])
def test_a_header_that_is_no_json_object_is_damaged(content: bytes, tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", twingrad=np.frombuffer(content, np.uint8))
    assert "its header cannot be read" in (refusal(tmp_path / "m.npz") or "")


# Another model


def refused(path: Path, model: nn.Module) -> str:
    before = bits(model)
    with pytest.raises(nn.CheckpointError) as caught:
        nn.load(path, into=model)
    assert bits(model) == before
    return str(caught.value)


def test_a_checkpoint_of_another_architecture_is_refused_with_a_list(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    saved = nn.Sequential(nn.Linear(3, 4, rng=0), nn.ReLU(), nn.Linear(4, 1, rng=1))
    nn.save(path, saved)
    wide = nn.Sequential(nn.Linear(3, 5, rng=0), nn.ReLU(), nn.Linear(5, 1, rng=1))
    assert refused(path, wide) == (
        f"{path} is of another model: it holds {saved!r}, but the model is {wide!r}; build the "
        "model as it was when it was saved\n"
        "  layers.0.weight: (3, 4) in the file, (3, 5) here\n"
        "  layers.0.bias: (4,) in the file, (5,) here\n"
        "  layers.2.weight: (4, 1) in the file, (5, 1) here"
    )
    short = nn.Sequential(nn.Linear(3, 4, rng=0), nn.ReLU())
    assert "  layers.2.weight: (4, 1) in the file, absent here" in refused(path, short)
    long = nn.Sequential(*saved.layers, nn.Linear(1, 1, rng=0))
    assert "  layers.3.bias: absent in the file, (1,) here" in refused(path, long)
    without = nn.Sequential(nn.Linear(3, 4, bias=False, rng=0), nn.ReLU(), saved[2])
    assert "  layers.0.bias: (4,) in the file, absent here" in refused(path, without)


def test_a_long_list_of_differences_is_cut(tmp_path: Path) -> None:
    nn.save(tmp_path / "m.npz", nn.MLP(3, [4, 1], rng=0))
    message = refused(tmp_path / "m.npz", nn.MLP(3, [8, 1], rng=0))
    assert len(message.splitlines()) == 12
    assert message.endswith("\n  and 10 more")


@pytest.mark.parametrize(
    ("saved", "other"),
    [
        (lambda: nn.Sequential(nn.Linear(3, 3), nn.Tanh()), lambda: nn.Sequential(nn.Linear(3, 3))),
        (
            lambda: nn.Sequential(nn.Linear(3, 3), nn.Tanh()),
            lambda: nn.Sequential(nn.Linear(3, 3), nn.ReLU()),
        ),
        (lambda: nn.MLP(3, [2, 1]), lambda: nn.MLP(3, [2, 1], activation="relu")),
        (lambda: nn.Linear(3, 3), lambda: nn.Sequential(nn.Linear(3, 3))),
        (lambda: nn.Linear(3, 3), lambda: nn.Residual(nn.Linear(3, 3))),
        (lambda: nn.Dropout(0.5), lambda: nn.Dropout(0.4)),
        (lambda: nn.MLP(3, [2, 1]), lambda: nn.MLP(3, [2, 1]).to_tensor()),
        (lambda: nn.BatchNorm1d(3), lambda: nn.BatchNorm1d(3, momentum=0.5)),
        (lambda: nn.BatchNorm1d(3), lambda: nn.LayerNorm(3)),
        (lambda: nn.Conv2d(1, 1, 3), lambda: nn.Conv2d(1, 1, 3, stride=2)),
    ],
)
def test_equal_shapes_do_not_make_two_models_one(saved: Any, other: Any, tmp_path: Path) -> None:
    nn.save(tmp_path / "m.npz", saved())
    assert "is of another model" in refused(tmp_path / "m.npz", other())


def test_a_module_of_ones_own_with_another_activation_is_another_model(tmp_path: Path) -> None:
    class Net(nn.Module):
        def __init__(self, activation: nn.Module) -> None:
            self.linear, self.activation = nn.Linear(3, 3, rng=0), activation

    nn.save(tmp_path / "m.npz", Net(nn.Tanh()))
    assert "is of another model" in refused(tmp_path / "m.npz", Net(nn.ReLU()))


def test_a_model_that_shares_what_the_saved_one_did_not_is_another_model(tmp_path: Path) -> None:
    nn.save(tmp_path / "m.npz", nn.Sequential(nn.Linear(3, 3, rng=0), nn.Linear(3, 3, rng=1)))
    shared = nn.Linear(3, 3, rng=5)
    refused(tmp_path / "m.npz", nn.Sequential(shared, shared))


def test_a_model_that_shares_a_layer_is_saved_and_loaded(tmp_path: Path) -> None:
    shared, other = nn.Linear(3, 3, rng=0), nn.Linear(3, 3, rng=5)
    nn.save(tmp_path / "m.npz", nn.Sequential(shared, nn.Tanh(), shared))
    nn.load(tmp_path / "m.npz", into=nn.Sequential(other, nn.Tanh(), other))
    assert bits(other) == bits(shared)


def test_a_model_whose_randomness_is_of_another_kind_is_left_as_it_was(tmp_path: Path) -> None:
    nn.save(tmp_path / "m.npz", network(0))
    other = network(5)
    other[3].rng = np.random.Generator(np.random.Philox(0))
    before = bits(other)
    with pytest.raises(ValueError, match=r"of a PCG64, but this generator is a Philox; use"):
        nn.load(tmp_path / "m.npz", into=other)
    assert bits(other) == before


def test_of_several_generators_all_are_put_back_or_none(tmp_path: Path) -> None:
    nn.save(tmp_path / "m.npz", nn.Sequential(nn.Dropout(0.5, rng=0), nn.Dropout(0.5, rng=1)))
    other = np.random.Generator(np.random.Philox(0))
    model = nn.Sequential(nn.Dropout(0.5, rng=5), nn.Dropout(0.5, rng=other))
    before = bits(model)
    with pytest.raises(ValueError, match="but this generator is a Philox"):
        nn.load(tmp_path / "m.npz", into=model)
    assert bits(model) == before


def test_models_that_print_alike_are_told_apart_by_their_shapes(tmp_path: Path) -> None:
    nn.save(tmp_path / "m.npz", Holder(np.ones((2, 3))))
    message = refused(tmp_path / "m.npz", Holder(np.ones((3, 2))))
    assert message.endswith("\n  learned: (2, 3) in the file, (3, 2) here")


# Places


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.npz"):
        nn.load(tmp_path / "absent.npz")
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        nn.load(tmp_path)


def nothing_happened(folder: Path, before: dict[str, bytes]) -> bool:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    ("place", "error", "says"),
    [
        ("absent/m.npz", FileNotFoundError, "No such file or directory"),
        ("file/m.npz", NotADirectoryError, "Not a directory"),
        ("folder", IsADirectoryError, "Is a directory"),
    ],
)
def test_a_place_where_no_file_can_be_is_refused(
    place: str, error: type[OSError], says: str, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(error, match=rf"cannot save to .*{place} \({says}\); .*choose another"):
        nn.save(tmp_path / place, nn.MLP(3, [1], rng=0))
    assert nothing_happened(tmp_path, {"file": b"mine"})


def failing(code: int) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize(
    ("breaks", "code"),
    [
        ("tempfile.mkstemp", errno.EACCES),
        ("tempfile.mkstemp", errno.EROFS),
        ("os.fsync", errno.ENOSPC),
        ("os.fsync", errno.EIO),
        ("numpy.lib.format.write_array", errno.ENOSPC),
        ("pathlib.Path.replace", errno.EPERM),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_where_saving_fails_the_file_before_stays_and_nothing_else(
    breaks: str, code: int, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, model = tmp_path / "m.npz", network()
    if there:
        nn.save(path, model)
    before = {path.name: path.read_bytes()} if there else {}
    found = "what was there is as it was" if there else "nothing was written"
    monkeypatch.setattr(breaks, failing(code))
    with pytest.raises(OSError, match="cannot save to") as caught:
        nn.save(path, model)
    assert caught.value.errno == code
    assert isinstance(caught.value, type(OSError(code, "")))
    said = f"cannot save to {path} ({os.strerror(code)}); {found}: choose another place"
    assert said in str(caught.value)
    assert nothing_happened(tmp_path, before)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond a size: the kernel itself refuses to write more."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_the_system_stops_halfway_leaves_the_one_before(
    tmp_path: Path, whole: bytes
) -> None:
    path, model = tmp_path / "m.npz", network(width=400)
    nn.save(path, model)
    before = path.read_bytes()
    for size in (0, 1, 100, 5000, len(before) // 2, len(before) - 100, len(before) - 1):
        with pytest.raises(OSError, match=r"cannot save to .*m\.npz \(File too large\)"):
            with room_for(size):
                nn.save(path, model)
        assert nothing_happened(tmp_path, {"m.npz": before})
    with room_for(len(before)):
        nn.save(path, model)


def test_ctrl_c_while_saving_leaves_the_file_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.npz"
    nn.save(path, network())
    before = path.read_bytes()

    def interrupted(file: Any, *_: Any, **__: Any) -> None:
        file.write(b"and then")
        raise KeyboardInterrupt

    monkeypatch.setattr(np.lib.format, "write_array", interrupted)
    with pytest.raises(KeyboardInterrupt):
        nn.save(path, network())
    assert nothing_happened(tmp_path, {"m.npz": before})


KILLED_AGAIN_AND_AGAIN = """
import os, random, signal, sys, time
import numpy as np
from twingrad import Tensor, nn

class Numbers(nn.Module):
    def __init__(self):
        self.weights = Tensor(np.zeros((200, 200)))

path, draw, model, found = sys.argv[1], random.Random(0), Numbers(), []
nn.save(path, model)
for _ in range(25):
    child = os.fork()
    if not child:
        while True:  # each state is of one number throughout
            model.weights.data = model.weights.data + 1.0
            nn.save(path, model)
    time.sleep(draw.uniform(0.002, 0.05))
    os.kill(child, signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    nn.load(path, into=model)
    assert (model.weights.data == model.weights.data[0, 0]).all()
    found.append(float(model.weights.data[0, 0]))
assert found == sorted(found), found
print(len(found), found[-1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")
def test_whenever_a_process_is_killed_a_whole_file_is_there(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    ran = subprocess.run(
        [sys.executable, "-c", KILLED_AGAIN_AND_AGAIN, str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    kills, saved = ran.stdout.split()
    assert int(kills) == 25
    assert float(saved) > 10.0, "too few saves to say anything"
    assert [other.name for other in tmp_path.iterdir() if other.suffix != ".partial"] == ["m.npz"]


# What is refused


def test_what_is_no_module_is_not_saved_nor_loaded_into(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    nn.save(path, nn.MLP(3, [1], rng=0))
    for model in ({}, [tg.Value(1.0)], nn.MLP, None):
        with pytest.raises(TypeError, match=r"a checkpoint is of an nn\.Module, whose parameters"):
            nn.save(tmp_path / "other.npz", model)
        if model is not None:
            with pytest.raises(TypeError, match=r"derive the model from nn\.Module"):
                nn.load(path, into=model)
    assert [*tmp_path.iterdir()] == [path]


def test_a_seed_is_not_the_generator_that_it_made(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="rng is the numpy Generator that fit was given, not 0"):
        nn.save(tmp_path / "m.npz", nn.MLP(3, [1], rng=0), rng=0)


@pytest.mark.parametrize(
    "wrong", [{"optimizer": "adam"}, {"optimizer": nn.Adam}, {"history": [1.0]}, {"history": {}}]
)
def test_what_is_no_optimizer_or_history_is_refused_by_name(
    wrong: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(TypeError, match=f"{next(iter(wrong))} is "):
        nn.save(tmp_path / "m.npz", nn.MLP(3, [1], rng=0), **wrong)


def test_a_nan_by_itself_keeps_its_sign(tmp_path: Path) -> None:
    nn.save(tmp_path / "m.npz", Holder(-np.float64(np.nan)))
    other = Holder(0.0)
    nn.load(tmp_path / "m.npz", into=other)
    assert np.signbit(other.learned.data)
