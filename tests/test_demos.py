"""The demos keep what they claim, for more than one seed, and write only where they are told."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from demos import digits, gallery, moons, pages, xor
from twingrad import nn

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("seed", range(5))
def test_xor_is_learned_whatever_the_seed(seed: int) -> None:
    model, history = xor.train(seed)
    said = [float(model([a, b])) for a, b in ([0, 0], [0, 1], [1, 0], [1, 1])]
    assert [number > 0.5 for number in said] == [False, True, True, False]
    assert np.mean((np.array(said) - [0, 1, 1, 0]) ** 2) < 0.01
    assert history.loss[-1] < 0.01


def test_a_demo_gives_the_same_bits_for_the_same_seed() -> None:
    assert xor.train(1)[1].loss == xor.train(1)[1].loss
    assert xor.train(1)[1].loss != xor.train(2)[1].loss


def share_of_digits_read(seed: int) -> float:
    """How many of the held-out digits the demo's network reads."""
    run = digits.train(seed, progress=False)
    model, (X_test, y_test) = run.model, run.held_out
    right = np.mean(nn.predict(model, X_test).argmax(axis=1) == y_test)
    assert run.history["val_accuracy"][-1] == right
    assert len(y_test) == 360
    assert np.bincount(y_test).min() >= 34  # every digit has its share
    return float(right)


def test_digits_held_out_are_read_nineteen_times_in_twenty() -> None:
    assert share_of_digits_read(seed=0) > 0.95


@pytest.mark.slow
def test_digits_held_out_are_read_97_times_in_a_hundred_over_five_seeds() -> None:
    assert np.mean([share_of_digits_read(seed) for seed in range(5)]) >= 0.97


@pytest.mark.slow
def test_moons_are_learned_steadily() -> None:
    run = moons.train(1)
    model, history, (X, y) = run.model, run.history, run.data
    errors = nn.predict(model, X) - y
    assert np.mean(errors**2) < 0.01
    assert len(history) >= 100
    assert (np.sign(nn.predict(model, X)) == y).all()
    window = np.lib.stride_tricks.sliding_window_view(history.loss, 25)
    assert (np.diff(window.mean(axis=1)) < 0.0).all()


PICTURES = {
    "expressions": {"expression.svg", "expression_steps.html"},
    "xor": {"xor_boundary.png"},
    "moons": {"moons_loss.png", "moons_boundary.png", "moons_report.html"},
    "digits": {
        "digits_loss.png",
        "digits_accuracy.png",
        "digits_confusion.png",
        "digits_report.html",
    },
}
TOUR = set.union(*PICTURES.values())
PICTURES["mnist"] = {
    "loss_curve.png",
    "accuracy_curve.png",
    "confusion_matrix.png",
    "misclassified.png",
    "first_layer.png",
}


def run(program: list[str], folder: Path, **environment: str) -> str:
    """What a program prints when it is started in a folder, warnings being errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def written(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "name",
    [
        "expressions",
        "xor",
        pytest.param("moons", marks=pytest.mark.slow),
        pytest.param("digits", marks=pytest.mark.slow),
    ],
)
def test_a_demo_writes_its_pictures_into_the_folder_it_is_given(name: str, tmp_path: Path) -> None:
    said = run(["-m", f"demos.{name}", "--seed", "1", "--out", "deep/pictures"], tmp_path)
    pictures = tmp_path / "deep" / "pictures"
    assert written(tmp_path) == {f"deep/pictures/{picture}" for picture in PICTURES[name]}
    for picture in pictures.iterdir():
        start = picture.read_bytes()[:200]
        assert start.startswith((b"\x89PNG", b"<!DOCTYPE html>")) or b"<svg" in start
        assert f"wrote {Path('deep') / 'pictures' / picture.name}" in said


@pytest.mark.slow
def test_the_tour_is_every_demo_in_turn(tmp_path: Path) -> None:
    said = run(["-m", "demos", "--seed", "1", "--out", "tour"], tmp_path)
    assert written(tmp_path / "tour") == TOUR
    assert "The tour took " in said


def test_gradients_of_the_expression_are_those_derived_by_hand(tmp_path: Path) -> None:
    said = run(["-m", "demos.expressions", "--out", "."], tmp_path)
    assert "= 16" in said  # L = (2 · -3 + 10)²
    rows = [line for line in said.splitlines() if line.lstrip().startswith("dL/d")]
    found = {row.split()[0]: float(row.rpartition("twingrad:")[2]) for row in rows}
    # e = 4, so dL/de = 8, which c and d share, times b = -3 for a and a = 2 for b
    assert found == {"dL/de": 8.0, "dL/dd": 8.0, "dL/dc": 8.0, "dL/da": -24.0, "dL/db": 16.0}


@pytest.mark.parametrize("name", PICTURES)
def test_a_demo_explains_its_options(name: str, tmp_path: Path) -> None:
    said = run(["-m", f"demos.{name}", "--help"], tmp_path)
    assert "--seed" in said
    assert "--out" in said
    assert written(tmp_path) == set()


# MNIST


@pytest.mark.parametrize("model", ["mlp", pytest.param("conv", marks=pytest.mark.slow)])
def test_without_mnist_its_demo_says_how_to_get_it_and_reads_digits(
    model: str, tmp_path: Path
) -> None:
    nowhere = {"TWINGRAD_DATA": str(tmp_path / "none"), "XDG_CACHE_HOME": str(tmp_path / "none")}
    arguments = ["--model", model, "--seeds", "1", "--epochs", "3", "--out", "pictures"]
    said = run(["-m", "demos.mnist", *arguments], tmp_path, **nowhere)
    assert "nn.data.mnist(download=True)" in said
    assert "digits: 1,437 samples to learn from, 360 to test on" in said
    assert re.fullmatch(r"test accuracy \d\d\.\d %", said.splitlines()[-1])
    assert written(tmp_path / "pictures") == PICTURES["mnist"] | {"best_model.npz"}
    record = nn.load(tmp_path / "pictures" / "best_model.npz")
    assert record.history is not None
    assert len(record.history) == np.argmax(record.history["val_accuracy"]) + 1


@pytest.mark.slow
@pytest.mark.parametrize(("model", "least"), [("mlp", 98.0), ("conv", 99.0)])
def test_mnist_is_read_as_well_as_it_should_be(model: str, least: float, tmp_path: Path) -> None:
    try:
        nn.data.mnist()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    said = run(["-m", "demos.mnist", "--model", model, "--out", "pictures"], tmp_path)
    assert "MNIST: 60,000 samples to learn from, 10,000 to test on" in said
    found = re.fullmatch(r"test accuracy (\d\d\.\d) %", said.splitlines()[-1])
    assert found is not None
    assert float(found[1]) >= least
    assert written(tmp_path / "pictures") == PICTURES["mnist"] | {"best_model.npz"}


@pytest.mark.slow
def test_the_gallery_makes_every_picture_it_shows_and_prints_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    page = gallery.PAGE.read_text()
    assert pages.run(page, tmp_path) == page
    told = re.sub(r"<[^>]*>", " ", (tmp_path / "report.html").read_text())
    assert re.search(r"Of the samples that it never learned from, it gets \d+ of 360", told)
    assert re.search(r"Training data\s+1,437 samples", told)
    made = {f"images/{path.name}" for path in (tmp_path / "images").iterdir()}
    made |= {f"images/{picture}" for _, picture, *_ in gallery.PHOTOGRAPHS}
    assert set(re.findall(r"\]\((images/[^)]*)\)", page)) == made
    for picture in made:
        assert (gallery.PAGE.parent / picture).stat().st_size > 1000
    assert {name for name, *_ in gallery.PHOTOGRAPHS} <= {path.name for path in tmp_path.iterdir()}
