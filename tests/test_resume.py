"""Resuming: 5 epochs, a file, another process and 5 more are the bits of 10 epochs.

The files themselves are in test_checkpoint.
"""

import os
import pickle
import re
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.test_checkpoint import ROOT, bits
from twingrad import nn

SEVERAL = ["everything at once", "RMSprop", "shared randomness", "Values, AdamW"]
Setup = tuple[Any, nn.Optimizer, dict[str, Any]]

X = np.random.default_rng(0).normal(size=(24, 3))
Y = X.sum(axis=1, keepdims=True) + X[:, :1] * X[:, 1:2]
IMAGES = np.random.default_rng(1).normal(size=(14, 1, 8, 8))
LABELS = np.arange(14) % 3


def network(seed: int, dropout: Any = None, **settings: Any) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(3, 8, rng=seed, **settings),
        nn.BatchNorm1d(8, **settings),
        nn.ReLU(),
        nn.Dropout(0.3, rng=seed + 1 if dropout is None else dropout),
        nn.Linear(8, 1, rng=seed + 2, **settings),
    )


def generator(kind: Any, seed: int) -> np.random.Generator:
    return np.random.Generator(kind(seed))


# Every job builds model, optimizer and settings from a seed. The process that goes on builds them
# from another one, so that whatever it does not put back shows.


def everything_at_once(seed: int) -> Setup:
    model = network(seed)
    return (
        model,
        nn.AdamW(model.parameters(), lr=0.02),
        {
            "schedule": nn.WarmupCosine(6, 28),
            "clip_norm": 0.5,
            "accumulate": 2,
            "validation": 0.25,
            "metrics": ["mse", "mae"],
            "batch_size": 4,
            "rng": seed,
        },
    )


def momentum_and_one_cycle(seed: int) -> Setup:
    model = network(seed, dtype=np.float64)
    sgd = nn.SGD(model.parameters(), lr=1.0, momentum=0.9, nesterov=True, weight_decay=1e-3)
    return model, sgd, {"schedule": nn.OneCycle(0.05, 50), "rng": generator(np.random.PCG64, seed)}


def rmsprop(seed: int) -> Setup:
    model = network(seed, generator(np.random.MT19937, seed + 1))
    rng = generator(np.random.MT19937, seed)
    return model, nn.RMSprop(model.parameters()), {"rng": rng, "validation": 0.25}


def lion(seed: int) -> Setup:
    model = network(seed, generator(np.random.Philox, seed + 1))
    slow = nn.Lion(model.parameters(), lr=1e-3, weight_decay=0.1)
    return model, slow, {"rng": generator(np.random.Philox, seed), "validation": (X[:5], Y[:5])}


def adam_by_a_function(seed: int) -> Setup:
    model = network(seed)
    adam = nn.Adam(model.parameters(), weight_decay=0.1)
    return model, adam, {"schedule": lambda step: 1 / (1 + step), "rng": seed}


def shared_randomness(seed: int) -> Setup:
    rng = np.random.default_rng(seed)
    model = network(seed, dropout=rng)
    return model, nn.Adam(model.parameters()), {"rng": rng, "validation": 0.25}


def some_parameters_only(seed: int) -> Setup:
    model = network(seed)
    model[0].bias.constant = True
    last = nn.SGD(model[4].parameters(), lr=0.1, momentum=0.9)
    return model, last, {"rng": generator(np.random.SFC64, seed)}


def in_order(seed: int) -> Setup:
    model = network(seed)
    return model, nn.Adam(model.parameters()), {"shuffle": False, "batch_size": None, "rng": seed}


def images(seed: int) -> Setup:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=seed),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5, rng=seed),
        nn.Linear(36, 3, rng=seed),
    )
    settings = {
        "X": IMAGES,
        "y": LABELS,
        "loss": nn.cross_entropy,
        "metrics": "accuracy",
        "schedule": nn.StepLR(4, 0.5),
        "rng": seed,
    }
    return model, nn.Adam(model.parameters(), lr=0.01), settings


def values(optimizer: Callable[..., nn.Optimizer], **settings: Any) -> Callable[[int], Setup]:
    def build(seed: int) -> Setup:
        model = nn.MLP(3, [3, 1], rng=seed)
        return model, optimizer(model.parameters(), lr=0.02), {"y": Y[:, 0], "rng": seed} | settings

    return build


JOBS: dict[str, Callable[[int], Setup]] = {
    "everything at once": everything_at_once,
    "momentum and one cycle": momentum_and_one_cycle,
    "RMSprop": rmsprop,
    "Lion": lion,
    "Adam by a function": adam_by_a_function,
    "shared randomness": shared_randomness,
    "some parameters only": some_parameters_only,
    "in order": in_order,
    "images": images,
    "Values, AdamW": values(nn.AdamW, validation=0.25, accumulate=2, clip_norm=1.0, batch_size=5),
    "Values, SGD": values(nn.SGD, schedule=nn.CosineAnnealing(40), validation=(X[:4], Y[:4, 0])),
    "Values, RMSprop": values(nn.RMSprop),
    "Values, Lion": values(nn.Lion),
}


def run(setup: Setup, epochs: int, **more: Any) -> nn.History:
    model, optimizer, settings = setup
    settings = {"X": X, "y": Y, "loss": nn.mse_loss, "batch_size": 8, **settings, **more}
    return nn.fit(model, optimizer=optimizer, epochs=epochs, progress=False, **settings)


def outcome(setup: Setup, history: nn.History) -> Any:
    """All that training leaves behind, but for the time that it took."""
    curves = {name: kept for name, kept in vars(history).items() if name != "seconds"}
    model, optimizer, settings = setup
    shuffler = settings["rng"] if isinstance(settings.get("rng"), np.random.Generator) else None
    return {
        "model": bits(model),
        "optimizer": bits(optimizer),
        "history": bits(curves),
        "seconds": len(history.seconds),
        "generator": bits(shuffler),
    }


def saved(setup: Setup, epochs: int, path: Path) -> None:
    history = run(setup, epochs)
    nn.save(path, setup[0], optimizer=setup[1], history=history)


class Crash(nn.Callback):
    """The run ends in an error in the midst of an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_step(self, training: nn.Training) -> None:
        if (training.epoch, training.step) == (self.epoch, 2):
            raise RuntimeError("the power went off")


def go_on(folder: Path) -> dict[str, Any]:
    """What another process makes of the files in a folder."""
    found: dict[str, Any] = {}

    def attempt(name: str, resume: Callable[[], Any]) -> None:
        try:
            found[name] = resume()
        except Exception:
            found[name] = traceback.format_exc()

    def resumed(build: Callable[[int], Setup], path: Path, *lengths: int) -> Any:
        for epochs in lengths:
            setup = build(100)
            history = run(setup, epochs, resume=nn.load(path) if len(lengths) > 1 else str(path))
            nn.save(path, setup[0], optimizer=setup[1], history=history)
        return outcome(setup, history)

    for name, build in JOBS.items():
        attempt(name, lambda build=build, name=name: resumed(build, folder / f"{name}.npz", 5))
    for name in SEVERAL:
        file = folder / f"{name}, thrice.npz"
        attempt(file.stem, lambda name=name, file=file: resumed(JOBS[name], file, 3, 3))
        crashed = folder / f"{name}, crashed.npz"
        attempt(crashed.stem, lambda name=name, crashed=crashed: resumed(JOBS[name], crashed, 5))
    (folder / "found").write_bytes(pickle.dumps(found))
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of each job: in one go, and in another process after five epochs here."""
    folder = tmp_path_factory.mktemp("resumed")
    truths: dict[str, Any] = {}
    for name, build in JOBS.items():
        setup = build(0)
        truths[name] = outcome(setup, run(setup, 10))
        saved(build(0), 5, folder / f"{name}.npz")
    for name in SEVERAL:
        truths[f"{name}, thrice"] = truths[f"{name}, crashed"] = truths[name]
        saved(JOBS[name](0), 4, folder / f"{name}, thrice.npz")
        kept = nn.Checkpoint(folder / f"{name}, crashed.npz", monitor=None)
        with pytest.raises(RuntimeError, match="the power went off"):
            run(JOBS[name](0), 10, callbacks=[kept, Crash(6)])
    program = (
        "import sys, pathlib; from tests.test_resume import go_on; go_on(pathlib.Path(sys.argv[1]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    came = pickle.loads((folder / "found").read_bytes())
    return {name: (truths[name], came[name]) for name in came}


def compare(truth: Any, came: Any) -> None:
    assert not isinstance(came, str), came
    for part, numbers in truth.items():
        assert came[part] == numbers, f"the {part} differs"


@pytest.mark.parametrize("name", JOBS)
def test_a_run_that_goes_on_in_another_process_gives_the_bits_of_one_that_never_stopped(
    name: str, found: dict[str, Any]
) -> None:
    compare(*found[name])


@pytest.mark.parametrize("name", SEVERAL)
def test_two_resumes_in_a_row_give_the_same_bits(name: str, found: dict[str, Any]) -> None:
    compare(*found[f"{name}, thrice"])


@pytest.mark.parametrize("name", SEVERAL)
def test_a_run_that_crashed_goes_on_from_its_last_checkpoint(
    name: str, found: dict[str, Any]
) -> None:
    compare(*found[f"{name}, crashed"])


@pytest.mark.parametrize("name", JOBS)
def test_each_job_still_moves_after_its_first_half(name: str) -> None:
    whole, half = JOBS[name](0), JOBS[name](0)
    run(whole, 6)
    run(half, 5)
    assert bits(whole[0]) != bits(half[0])


@pytest.mark.parametrize(
    "forgotten", ["running_mean", "running_var", "dropout", "velocity", "steps", "taken", "rng"]
)
def test_whatever_is_not_put_back_is_noticed(forgotten: str, tmp_path: Path) -> None:
    def build(seed: int) -> Setup:
        model, _, settings = everything_at_once(seed)
        return model, nn.Adam(model.parameters(), lr=0.02), settings

    truth, half, other = build(0), build(0), build(100)
    run(truth, 6)
    saved(half, 5, tmp_path / "m.npz")
    record = nn.load(tmp_path / "m.npz")
    if forgotten == "dropout":
        record.generators = {name: bits_of_another() for name in record.generators}
    elif forgotten == "rng":
        record.rng = bits_of_another()
    elif forgotten.startswith("running"):
        record.model[f"layers.1.{forgotten}"] += 0.1
    elif forgotten == "velocity":
        record.optimizer["state"][0]["m"] *= 0.0
    elif forgotten == "steps":
        record.optimizer["steps"] = [1 for _ in record.optimizer["steps"]]
    else:
        record.optimizer["taken"] = 0
    run(other, 1, resume=record)
    assert bits(other[0]) != bits(truth[0])


def bits_of_another() -> dict[str, Any]:
    return dict(np.random.default_rng(12345).bit_generator.state)


@pytest.mark.parametrize("name", ["RMSprop", "Lion", "some parameters only"])
def test_the_generator_may_be_saved_in_place_of_the_history(name: str, tmp_path: Path) -> None:
    setup, other = JOBS[name](0), JOBS[name](100)
    for made in (setup, other):
        made[2].pop("validation", None)
    run(setup, 5)
    nn.save(tmp_path / "m.npz", setup[0], optimizer=setup[1], rng=setup[2]["rng"])
    truth = run(setup, 5)
    came = run(other, 5, resume=tmp_path / "m.npz")
    assert bits(other[0]) == bits(setup[0])
    assert (came.loss, came.learning_rate) == (truth.loss, truth.learning_rate)
    assert bits(other[2]["rng"]) == bits(setup[2]["rng"])


def test_a_run_that_ctrl_c_ended_after_an_epoch_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    class CtrlC(nn.Callback):
        def on_epoch(self, training: nn.Training) -> None:
            if training.epoch == 5:
                raise KeyboardInterrupt

    truth, half, other = (everything_at_once(seed) for seed in (0, 0, 100))
    whole = run(truth, 10)
    history = run(half, 10, callbacks=[CtrlC()])
    assert history.interrupted
    nn.save(tmp_path / "m.npz", half[0], optimizer=half[1], history=history)
    came = run(other, 5, resume=tmp_path / "m.npz")
    assert bits(other[0]) == bits(truth[0])
    assert came.loss == whole.loss
    assert came.val_loss == whole.val_loss


def test_a_resumed_run_that_ends_by_itself_was_not_interrupted(tmp_path: Path) -> None:
    setup = JOBS["Values, SGD"](0)
    history = run(setup, 1)
    history.interrupted = True
    nn.save(tmp_path / "m.npz", setup[0], optimizer=setup[1], history=history)
    assert run(setup, 1, resume=tmp_path / "m.npz").interrupted is False


def test_one_record_serves_twice_and_keeps_what_it_holds(tmp_path: Path) -> None:
    saved(everything_at_once(0), 5, tmp_path / "m.npz")
    record = nn.load(tmp_path / "m.npz")
    before = bits(vars(record))
    runs = []
    for seed in (100, 200):
        setup = everything_at_once(seed)
        runs.append(outcome(setup, run(setup, 2, resume=record)))
        assert bits(vars(record)) == before
    assert runs[0] == runs[1]


def test_epochs_and_steps_are_counted_on(tmp_path: Path) -> None:
    class Diary(nn.Callback):
        def __init__(self) -> None:
            self.heard: list[Any] = []

        def on_start(self, training: nn.Training) -> None:
            self.heard.append((len(training.history), training.epochs, training.optimizer.taken))

        def on_epoch(self, training: nn.Training) -> None:
            self.heard.append((training.epoch, training.optimizer.taken))

    saved(everything_at_once(0), 5, tmp_path / "m.npz")
    diary, setup = Diary(), everything_at_once(100)
    counted = []
    history = run(setup, 2, resume=tmp_path / "m.npz", callbacks=[diary])
    assert diary.heard == [(5, 7, 15), (6, 18), (7, 21)]
    assert {len(curve) for curve in history.curves().values()} == {7}
    model, optimizer, settings = setup

    def count(epochs: Any) -> Any:
        counted.extend(epochs)
        return epochs

    more = {"epochs": 2, "progress": count, "resume": tmp_path / "m.npz"}
    nn.fit(model, X, Y, loss=nn.mse_loss, optimizer=optimizer, **settings, **more)
    assert counted == [6, 7]


def test_the_rate_of_the_optimizer_is_the_saved_one_and_that_of_the_schedule_goes_on(
    tmp_path: Path,
) -> None:
    setup, other = JOBS["momentum and one cycle"](0), JOBS["momentum and one cycle"](100)
    setup[1].lr = 0.7
    saved(setup, 5, tmp_path / "m.npz")
    history = run(other, 5, resume=tmp_path / "m.npz")
    assert other[1].lr == 0.7
    last_steps = [3 * epoch - 1 for epoch in range(1, 11)]
    assert history.learning_rate == [nn.OneCycle(0.05, 50)(step) for step in last_steps]


@pytest.mark.parametrize("more", [{"metrics": "mse"}, {"validation": (X[:3], Y[:3])}])
def test_a_run_that_would_record_other_curves_is_refused(
    more: dict[str, Any], tmp_path: Path
) -> None:
    first = plain(0)
    history = run(first, 2)
    nn.save(tmp_path / "m.npz", first[0], optimizer=first[1], history=history)
    says = (
        r"m\.npz recorded loss, learning_rate, seconds, but this one would record loss, .*; give "
        "fit the metrics and validation that it had"
    )
    refused(plain(100), ValueError, says, resume=tmp_path / "m.npz", **more)
    history = run(first, 2, **more)
    nn.save(tmp_path / "m.npz", first[0], optimizer=first[1], history=history)
    refused(plain(100), ValueError, "would record loss, learning_rate", resume=tmp_path / "m.npz")


# What is refused, and leaves everything as it was


def file_of(setup: Setup, path: Path, *held: str) -> Path:
    history = run(setup, 2)
    parts = {"optimizer": setup[1], "history": history, "rng": setup[2]["rng"]}
    nn.save(path, setup[0], **{name: parts[name] for name in held})
    return path


def refused(setup: Setup, error: type[Exception], match: str, **settings: Any) -> None:
    """Assert an error that leaves model, optimizer and the model's generators to the bit."""
    run(setup, 1)
    before = bits(setup[:2])
    with pytest.raises(error, match=match):
        run(setup, 2, **settings)
    assert bits(setup[:2]) == before


def plain(seed: int, optimizer: Any = nn.Adam, model: Any = None, **settings: Any) -> Setup:
    """A job without validation, its generator in the open."""
    model = model or network(seed)
    return model, optimizer(model.parameters(), lr=0.01, **settings), {"rng": pcg(seed)}


def pcg(seed: int) -> np.random.Generator:
    return generator(np.random.PCG64, seed)


@pytest.mark.parametrize(
    ("held", "more", "lacks"),
    [
        ((), {}, "no optimizer (optimizer=) and no randomness to shuffle by (history= or rng=)"),
        (("history",), {}, "no optimizer (optimizer=)"),
        (("optimizer",), {}, "no randomness to shuffle by (history= or rng=)"),
        (
            ("optimizer", "rng"),
            {"validation": 0.25},
            "no history (history=), which knows the samples that were held out",
        ),
    ],
)
def test_a_checkpoint_that_lacks_what_the_run_needs_says_what_and_how_to_save_it(
    held: tuple[str, ...], more: dict[str, Any], lacks: str, tmp_path: Path
) -> None:
    path = file_of(plain(0), tmp_path / "m.npz", *held)
    expected = (
        f"{path} cannot be resumed, because it has {lacks}; save it by nn.save(path, model, "
        "optimizer=optimizer, history=history), or by nn.Checkpoint"
    )
    refused(plain(100), ValueError, f"^{re.escape(expected)}$", resume=path, **more)


def test_without_shuffling_no_randomness_is_needed(tmp_path: Path) -> None:
    path = file_of(plain(0), tmp_path / "m.npz", "optimizer")
    assert len(run(plain(100), 2, resume=path, shuffle=False)) == 2


@pytest.mark.parametrize(
    ("other", "error", "says"),
    [
        (
            lambda: plain(100, model=nn.Sequential(nn.Linear(3, 1, rng=0))),
            nn.CheckpointError,
            r"m\.npz is of another model: it holds .*\n  layers\.0\.weight: \(3, 8\) in the file",
        ),
        (
            lambda: plain(
                100, model=nn.Sequential(*network(9).layers[:2], nn.Tanh(), *network(9).layers[3:])
            ),
            nn.CheckpointError,
            r"m\.npz is of another model: it holds .*ReLU.* but the model is .*Tanh",
        ),
        (
            lambda: plain(100, nn.RMSprop),
            ValueError,
            r"the state is of an Adam, but this is an RMSprop; build the optimizer as it was",
        ),
        (
            lambda: plain(100, nn.AdamW),
            ValueError,
            r"the state is of an Adam, but this is an AdamW",
        ),
        (
            lambda: plain(100, betas=(0.8, 0.99)),
            ValueError,
            r"saved with betas=\[0\.9, 0\.999\], but this Adam has betas=\[0\.8, 0\.99\]",
        ),
    ],
)
def test_a_checkpoint_of_another_model_or_optimizer_is_refused(
    other: Callable[[], Setup], error: type[Exception], says: str, tmp_path: Path
) -> None:
    path = file_of(plain(0), tmp_path / "m.npz", "optimizer", "history")
    refused(other(), error, f"(?s){says}", resume=path)


def test_a_checkpoint_of_an_optimizer_of_fewer_parameters_is_refused(tmp_path: Path) -> None:
    setup = some_parameters_only(0)
    setup[2]["rng"] = pcg(0)
    path = file_of(setup, tmp_path / "m.npz", "optimizer", "history")
    refused(plain(100, nn.SGD, momentum=0.9), ValueError, "it holds 2 steps", resume=path)


@pytest.mark.parametrize(
    ("resume", "error", "says"),
    [
        (True, TypeError, r"resume is what nn\.load\(\) gave, or the path of a file, not True"),
        ({"model": {}}, TypeError, r"resume is what nn\.load\(\) gave"),
        (nn.History(), TypeError, r"not <History of 0 epochs>"),
        ("absent.npz", FileNotFoundError, r"absent\.npz"),
        (b"absent.npz", TypeError, r"the path of a file, not b'absent\.npz'"),
    ],
)
def test_what_is_no_checkpoint_is_refused(resume: Any, error: type[Exception], says: str) -> None:
    refused(plain(100), error, says, resume=resume)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = file_of(plain(0), tmp_path / "m.npz", "optimizer", "history")
    path.write_bytes(path.read_bytes()[:-50])
    refused(plain(100), nn.CheckpointError, "truncated or damaged", resume=path)


def test_another_kind_of_randomness_is_refused_and_told_how_to_be_made(tmp_path: Path) -> None:
    path = file_of(plain(0), tmp_path / "m.npz", "optimizer", "history")
    says = (
        r"of a PCG64, but this generator is a MT19937; use np\.random\.Generator\(np\.random\.PCG64"
    )
    model, optimizer, _ = plain(100)
    refused(
        (model, optimizer, {"rng": generator(np.random.MT19937, 1)}), ValueError, says, resume=path
    )


def test_another_kind_of_randomness_is_refused_where_the_generator_was_saved(
    tmp_path: Path,
) -> None:
    path = file_of(plain(0), tmp_path / "m.npz", "optimizer", "rng")
    model, optimizer, _ = plain(100)
    other = model, optimizer, {"rng": generator(np.random.MT19937, 1)}
    refused(other, ValueError, "but this generator is a MT19937", resume=path)


def test_another_kind_of_randomness_in_a_dropout_is_refused(tmp_path: Path) -> None:
    path = file_of(plain(0), tmp_path / "m.npz", "optimizer", "history")
    other = plain(100, model=network(100, generator(np.random.Philox, 0)))
    refused(other, ValueError, "of a PCG64, but this generator is a Philox", resume=path)


def test_a_callback_that_is_refused_leaves_the_model_that_was_to_go_on(tmp_path: Path) -> None:
    path = file_of(plain(0), tmp_path / "m.npz", "optimizer", "history")
    stopping = nn.EarlyStopping(3, monitor="val_los")
    refused(plain(100), ValueError, "watches 'val_los'", resume=path, callbacks=[stopping])


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"X": X[:, :2]}, tg.ShapeError, r"expected \(batch, 3\), got"),
        ({"y": Y[:3]}, tg.ShapeError, r"X has shape \(24, 3\) and y \(3, 1\)"),
        ({"batch_size": 100}, ValueError, "a batch of 100 is more than the 24 samples"),
        ({"batch_size": 23}, ValueError, "leave a last batch of 1"),
        ({"metrics": "acuracy"}, ValueError, "a metric is one of accuracy"),
        ({"loss": nn.cross_entropy}, ValueError, "each row of one-hot labels"),
        ({"schedule": lambda step: -1.0}, ValueError, "but at step 6 .* made -0.01 of the"),
        ({"clip_norm": 0.0}, ValueError, "clip_norm is a number above 0, or inf"),
        ({"callbacks": [nn.EarlyStopping]}, TypeError, "a callback is made from a class"),
    ],
)
def test_a_mistake_beside_the_checkpoint_leaves_everything(
    wrong: dict[str, Any], error: type[Exception], says: str, tmp_path: Path
) -> None:
    path = file_of(plain(0), tmp_path / "m.npz", "optimizer", "history")
    refused(plain(100), error, says, resume=path, **wrong)


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 100}, {"metrics": "acuracy"}, {"optimizer": nn.RMSprop}]
)
def test_a_refusal_leaves_the_generator_that_was_given(
    wrong: dict[str, Any], tmp_path: Path
) -> None:
    path = file_of(plain(0), tmp_path / "m.npz", "optimizer", "history")
    setup = plain(100, wrong.get("optimizer", nn.Adam))
    settings = {name: setting for name, setting in wrong.items() if name != "optimizer"}
    before = bits(setup[2]["rng"])
    with pytest.raises(ValueError, match=r"a batch of 100|a metric is|the state is of"):
        run(setup, 2, resume=path, **settings)
    assert bits(setup[2]["rng"]) == before


def test_a_schedule_that_was_over_when_the_file_was_saved_is_told_of(tmp_path: Path) -> None:
    path = file_of(plain(0), tmp_path / "m.npz", "optimizer", "history")
    with pytest.warns(UserWarning, match="the optimizer has taken 6 steps already"):
        run(plain(100), 1, resume=path, schedule=nn.CosineAnnealing(6))
    run(plain(100), 1, resume=path, schedule=nn.CosineAnnealing(7))


class Cut(nn.Callback):
    """Ends the run in the midst of its third epoch."""

    def __init__(self, by: Any) -> None:
        self.by = by

    def on_step(self, training: nn.Training) -> None:
        if (training.epoch, training.step) == (3, 2):
            if self.by != "stop":
                raise self.by
            training.stop = True


def cut_run(path: Path, by: Any) -> nn.History:
    setup = plain(0)
    history = run(setup, 4, callbacks=[Cut(by)])
    nn.save(path, setup[0], optimizer=setup[1], history=history)
    return history


def test_an_epoch_that_ctrl_c_cut_is_trained_in_whole_and_that_is_said(tmp_path: Path) -> None:
    assert len(cut_run(tmp_path / "m.npz", KeyboardInterrupt)) == 2
    says = r"the run in .*m\.npz ended amid epoch 3: what it had learned of that epoch stays"
    setup = plain(100)
    with pytest.warns(UserWarning, match=says) as caught:
        history = run(setup, 1, resume=tmp_path / "m.npz")
    assert len(caught) == 1
    assert (len(history), history.interrupted, setup[1].taken) == (3, False, 2 * 3 + 2 + 3)
    nn.save(tmp_path / "m.npz", setup[0], optimizer=setup[1], history=history)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(plain(200), 1, resume=tmp_path / "m.npz")


def test_an_epoch_that_a_callback_cut_is_trained_in_whole_and_that_is_said(tmp_path: Path) -> None:
    assert len(cut_run(tmp_path / "m.npz", "stop")) == 2
    with pytest.warns(UserWarning, match="amid epoch 3"):
        run(plain(100), 1, resume=tmp_path / "m.npz")


def test_a_share_of_other_data_is_refused_for_it_would_validate_on_what_was_learned(
    tmp_path: Path,
) -> None:
    saved(everything_at_once(0), 2, tmp_path / "m.npz")
    for more in ({"X": X[:-2], "y": Y[:-2]}, {"validation": 0.4}):
        with pytest.raises(ValueError, match="some would be both; give fit the data and the share"):
            run(everything_at_once(100), 1, resume=tmp_path / "m.npz", **more)


def test_a_module_that_keeps_its_last_result_can_be_stopped_and_resumed(tmp_path: Path) -> None:
    class Net(nn.Module):
        def __init__(self, seed: int) -> None:
            self.inner = network(seed)

        def forward(self, x: Any) -> Any:
            self.said = self.inner(x)
            self.numbers = self.said.data.copy()
            return self.said * 1.0

    class CtrlC(nn.Callback):
        def on_step(self, training: nn.Training) -> None:
            if training.epoch == 2:
                raise KeyboardInterrupt

    setup = plain(0, model=Net(0))
    stopping = nn.EarlyStopping(3)
    history = run(setup, 3, callbacks=[stopping, CtrlC()], validation=(X[:3], Y[:3]))
    assert history.interrupted
    assert stopping.best_epoch == 1
