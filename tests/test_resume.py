"""Resuming: 5 epochs, a file, another process and 5 more are the bits of 10 epochs.

The files themselves are in test_checkpoint.
"""

import os
import pickle
import re
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.test_checkpoint import ROOT, bits
from twingrad import nn

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
    for name in ("everything at once", "RMSprop", "shared randomness", "Values, AdamW"):
        file = folder / f"{name}, thrice.npz"
        attempt(file.stem, lambda name=name, file=file: resumed(JOBS[name], file, 3, 3))
        crashed = folder / f"{name}, crashed.npz"
        attempt(
            crashed.stem, lambda name=name, crashed=crashed: resumed(JOBS[name], crashed, 5)
        )
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
    for name in ("everything at once", "RMSprop", "shared randomness", "Values, AdamW"):
        truths[f"{name}, thrice"] = truths[f"{name}, crashed"] = truths[name]
        saved(JOBS[name](0), 4, folder / f"{name}, thrice.npz")
        kept = nn.Checkpoint(folder / f"{name}, crashed.npz", monitor=None)
        with pytest.raises(RuntimeError, match="the power went off"):
            run(JOBS[name](0), 10, callbacks=[kept, Crash(6)])
    program = "import sys, pathlib; from tests.test_resume import go_on; go_on(pathlib.Path(sys.argv[1]))"
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


@pytest.mark.parametrize("name", [job for job in JOBS])
def test_the_jobs_do_learn_and_their_second_half_matters(name: str) -> None:
    setup, half = JOBS[name](0), JOBS[name](0)
    whole = outcome(setup, run(setup, 7))
    assert outcome(half, run(half, 5))["model"] != whole["model"]


@pytest.mark.parametrize(
    "name", ["everything at once", "RMSprop", "shared randomness", "Values, AdamW"]
)
def test_two_resumes_in_a_row_give_the_same_bits(name: str, found: dict[str, Any]) -> None:
    compare(*found[f"{name}, thrice"])


@pytest.mark.parametrize(
    "name", ["everything at once", "RMSprop", "shared randomness", "Values, AdamW"]
)
def test_a_run_that_crashed_goes_on_from_the_last_checkpoint(
    name: str, found: dict[str, Any]
) -> None:
    compare(*found[f"{name}, crashed"])
