"""A boundary that moves: which frames are kept, that they are of the model, and the file.

The GIF is read back with Pillow: how many frames, how long each, and what has changed in them.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import twingrad as tg
from twingrad import nn, viz

X = np.array([[-2.0, 1.0], [-1.0, -1.0], [1.0, 2.0], [2.0, -2.0]])
Y = np.array([-1.0, -1.0, 1.0, 1.0])


def model_of(kind: str) -> Any:
    mlp = nn.MLP(2, [3, 1], rng=0)
    return mlp if kind == "Values" else mlp.to_tensor()


def trained(frames: Any, epochs: int, model: Any = None, lr: float = 0.1, **options: Any) -> Any:
    """What a model has become in a run that these frames have watched."""
    model = model_of("Values") if model is None else model
    y = Y if isinstance(model, nn.MLP) else Y[:, None]
    nn.fit(
        model,
        X,
        y,
        loss=nn.mse_loss,
        optimizer=nn.SGD(model.parameters(), lr=lr),
        epochs=epochs,
        progress=False,
        **{"callbacks": [frames], **options},
    )
    return model


def titles(frames: Any) -> list[str]:
    return [frame.title for frame in frames]


def few(**options: Any) -> viz.BoundaryFrames:
    return viz.BoundaryFrames(X, Y, resolution=5, **options)


@pytest.fixture
def three() -> viz.BoundaryFrames:
    frames = few()
    for seed in range(3):
        frames.add(nn.MLP(2, [3, 1], rng=seed), f"seed {seed}")
    return frames


# Frames


@pytest.mark.parametrize(
    ("kind", "record"), [("Values", False), ("Values", True), ("Tensors", False)]
)
def test_fit_keeps_the_start_every_so_many_epochs_and_the_end(kind: str, record: bool) -> None:
    frames = few(every=3)
    model = trained(frames, 7, model_of(kind), record=record)
    assert titles(frames) == ["before training", "epoch 3", "epoch 6", "the end, after epoch 7"]
    first, *_, last = frames
    before, after = model_of(kind), model
    assert first.at_points.ravel() == pytest.approx(nn.predict(before, X).ravel())
    assert last.at_points.ravel() == pytest.approx(nn.predict(after, X).ravel())


def test_a_frame_holds_what_the_model_says_on_the_grid() -> None:
    frames, model = few(), model_of("Tensors")
    frames.add(model, "now")
    (frame,) = frames
    grid = [[x, y] for y in frames.plane.up for x in frames.plane.across]
    assert frame.everywhere.ravel() == pytest.approx(nn.predict(model, grid).ravel(), rel=1e-6)
    assert min(frames.plane.across) == -2.5
    assert max(frames.plane.up) == 2.5


def test_an_end_that_was_kept_as_an_epoch_is_not_kept_twice() -> None:
    frames = few(every=2)
    trained(frames, 4)
    assert titles(frames) == ["before training", "epoch 2", "epoch 4"]


def test_the_last_frame_is_of_the_model_as_a_later_callback_left_it() -> None:
    frames = few()
    stop = nn.EarlyStopping(2, monitor="loss", mode="max")  # the worst, to be sure of a change
    model = trained(frames, 9, callbacks=[stop, frames])
    assert titles(frames)[-1] == "the end, after epoch 3"
    assert list(frames)[-1].at_points.ravel() == pytest.approx(nn.predict(model, X))
    assert list(frames)[-1].at_points.ravel() == pytest.approx(list(frames)[1].at_points.ravel())


def test_a_resumed_run_begins_where_it_stands(tmp_path: Path) -> None:
    save, frames = nn.Checkpoint(tmp_path / "run.npz", monitor=None), few()
    trained(few(), 3, callbacks=[save])
    trained(frames, 2, resume=tmp_path / "run.npz")
    assert titles(frames) == ["epoch 3", "epoch 4", "epoch 5"]


@given(count=st.integers(1, 300), most=st.integers(2, 40))
@settings(max_examples=50)
def test_however_long_the_run_the_frames_are_few_even_and_have_both_ends(
    count: int, most: int
) -> None:
    frames = viz.BoundaryFrames(X, Y, resolution=2, most=most)
    model = model_of("Tensors")
    for step in range(count):
        frames.add(model, str(step))
        assert titles(frames)[-1] == str(step)
        assert len(frames) <= most
    kept = [int(title) for title in titles(frames)]
    assert len(frames) == len(kept)
    assert (kept[0], kept[-1]) == (0, count - 1)
    gaps = np.diff(kept)
    assert len(set(gaps[:-1])) <= 1  # only the last may be nearer
    assert len(kept) >= min(count, most // 2)


@pytest.mark.parametrize("every", [1, 3])
def test_a_long_run_of_fit_is_thinned_too(every: int) -> None:
    frames = few(every=every, most=6)
    trained(frames, 50)
    kept = [int(title.rpartition("epoch ")[2]) for title in titles(frames)[1:]]
    assert 3 <= len(frames) <= 6
    assert kept[-1] == 50
    assert len(set(np.diff([0, *kept[:-1]]))) == 1


def test_frames_do_not_keep_the_model_or_what_it_remembers() -> None:
    frames, model = few(), model_of("Tensors")
    frames.add(model, "now")
    before = [part.copy() for part in next(iter(frames))[1:]]
    for parameter in model.parameters():
        parameter.data = parameter.data + 1.0
    for was, stands in zip(before, next(iter(frames))[1:], strict=True):
        assert np.array_equal(was, stands)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_what_cannot_be_drawn_is_refused_before_the_model_has_learned_anything() -> None:
    model = nn.Sequential(nn.Linear(2, 3, rng=0))
    before = model[0].weight.data.copy()
    with pytest.raises(ValueError, match="3 outputs tells labels 0 to 2 apart, but y holds"):
        nn.fit(
            model, X, [0, 0, 1, 1], loss=nn.cross_entropy, epochs=1, callbacks=[few()],
            optimizer=nn.SGD(model.parameters(), lr=0.1), progress=False,
        )  # fmt: skip
    assert np.array_equal(model[0].weight.data, before)
    with pytest.raises(tg.ShapeError, match="choose two features"):
        viz.BoundaryFrames(np.ones((4, 3)), Y)
    with pytest.raises(ValueError, match="every is a whole number from 1 on, not 0"):
        few(every=0)
    with pytest.raises(ValueError, match="most is a whole number from 2 on, not 1"):
        few(most=1)


# The file


def read(path: Path) -> tuple[list[np.ndarray], list[int], dict[str, Any]]:
    """The frames of a GIF, the milliseconds that each is shown, and what else it says."""
    with Image.open(path) as file:
        pictures, durations = [], []
        for i in range(file.n_frames):
            file.seek(i)
            pictures.append(np.asarray(file.convert("RGB")).astype(int))
            durations.append(file.info["duration"])
        return pictures, durations, dict(file.info) | {"format": file.format}


def test_a_gif_shows_each_frame_holds_the_last_and_begins_again(
    three: viz.BoundaryFrames, tmp_path: Path
) -> None:
    path = viz.animate_decision_boundary(three, tmp_path / "moves.gif", fps=5, hold=1.5)
    assert path == tmp_path / "moves.gif"
    pictures, durations, said = read(path)
    assert durations == [200, 200, 1700]
    assert (said["format"], said["loop"]) == ("GIF", 0)
    assert [picture.shape for picture in pictures] == [(460, 560, 3)] * 3
    assert all(abs(a - b).max() > 50 for a, b in pairwise(pictures))
    assert abs(pictures[0][-40:] - pictures[2][-40:]).max() < 3  # the axis below stands still


def test_a_frame_says_its_epoch_and_how_many_are_right(
    three: viz.BoundaryFrames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    from matplotlib.axes import Axes

    set_title = Axes.set_title
    monkeypatch.setattr(
        Axes, "set_title", lambda ax, title: (said.append(title), set_title(ax, title))[1]
    )
    viz.animate_decision_boundary(three, tmp_path / "moves.gif")
    right = [
        int(np.sum(np.sign(nn.predict(nn.MLP(2, [3, 1], rng=seed), X)) == Y)) for seed in range(3)
    ]
    assert said == [f"seed {seed}: {right[seed]} of 4 right" for seed in range(3)]


def test_a_diverged_run_is_animated_with_what_it_said(tmp_path: Path) -> None:
    frames = few()
    with np.errstate(all="ignore"):
        trained(frames, 6, nn.Sequential(nn.Linear(2, 1, rng=0)), lr=1e300)
    assert not np.isfinite(list(frames)[-1].at_points).any()
    path = viz.animate_decision_boundary(frames, tmp_path / "diverged.gif")
    assert len(read(path)[0]) >= 2


def test_the_moons_make_a_small_file_and_no_figure_is_left_open(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(100, 2))
    frames = viz.BoundaryFrames(points, np.sign(points[:, 0]), every=10)
    for seed in range(8):
        frames.add(nn.MLP(2, [16, 16, 1], rng=seed), f"epoch {seed}")
    open_before = plt.get_fignums()
    path = viz.animate_decision_boundary(frames, str(tmp_path / "moons.GIF"))
    assert path.stat().st_size / 8 < 2e6 / 60
    assert plt.get_fignums() == open_before


def test_a_file_that_cannot_be_finished_leaves_the_old_one(
    three: viz.BoundaryFrames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "moves.gif"
    path.write_bytes(b"the old one")

    def fail(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        viz.animate_decision_boundary(three, path)
    assert path.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("frames", "name", "options", "error", "said"),
    [
        ("none", "a.gif", {}, ValueError, "no frames yet; give them to fit"),
        ("three", "a.mp4", {}, ValueError, r"saved as \.gif, but '.*a\.mp4' is not"),
        ("three", "missing/a.gif", {}, FileNotFoundError, "no folder .*create it first"),
        ("three", "a.gif", {"fps": 0}, ValueError, "fps is a finite number above 0, not 0"),
        ("three", "a.gif", {"hold": -1}, ValueError, "hold is a number from 0 on, not -1"),
        ("list", "a.gif", {}, TypeError, r"frames that a viz\.BoundaryFrames kept, not list"),
    ],
)
def test_what_makes_no_file_says_what_to_do(
    frames: str,
    name: str,
    options: Any,
    error: type[Exception],
    said: str,
    three: viz.BoundaryFrames,
    tmp_path: Path,
) -> None:
    given = {"none": few(), "three": three, "list": [1]}[frames]
    with pytest.raises(error, match=said):
        viz.animate_decision_boundary(given, tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_matplotlib")
def test_frames_are_kept_without_matplotlib_and_only_the_file_needs_it(
    three: viz.BoundaryFrames, tmp_path: Path
) -> None:
    with pytest.raises(ImportError, match=r'matplotlib.*missing.*pip install "twingrad\[viz\]"'):
        viz.animate_decision_boundary(three, tmp_path / "moves.gif")
    assert list(tmp_path.iterdir()) == []
