"""EarlyStopping and Checkpoint, on curves made by hand, and on a weight that counts the epochs."""

import errno
import math
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_checkpoint import bits
from twingrad import Tensor, Value, nn

NAN, INF = math.nan, math.inf
ONES = np.ones((4, 1))


class HandMade(nn.Callback):
    """Puts numbers made by hand in the place of those that were measured; first in the list."""

    def __init__(self, curve: Sequence[float], name: str = "val_loss") -> None:
        self.curve, self.name = list(curve), name

    def on_epoch(self, training: nn.Training) -> None:
        training.history[self.name][-1] = self.curve[training.epoch - 1]


class Own:
    """A model that is no Module."""

    def __init__(self) -> None:
        self.w = Tensor([[0.0]])

    def parameters(self) -> list[Any]:
        return [self.w]

    def __call__(self, x: Any) -> Any:
        return x @ self.w


def counter() -> nn.Sequential:
    """After n epochs of `count` its weight is n."""
    return nn.Sequential(nn.Linear(1, 1, bias=False, init="zeros"))


def count(model: Any, epochs: int, *callbacks: nn.Callback, **settings: Any) -> nn.History:
    sgd = nn.SGD(model.parameters(), lr=1.0)
    given = {"optimizer": sgd, "validation": (ONES, ONES), "progress": False, "rng": 0} | settings
    return nn.fit(model, ONES, ONES, loss=descend, epochs=epochs, callbacks=callbacks, **given)


def descend(outputs: Any, targets: Any) -> Any:
    return -outputs.mean()


def counted(model: Any) -> float:
    return model[0].weight.data.item()


def watch(
    curve: Sequence[float], patience: int, name: str = "val_loss", **settings: Any
) -> tuple[int, nn.EarlyStopping, float]:
    """How many epochs a run took whose curve was made by hand, and what its model is then."""
    model, stopping = counter(), nn.EarlyStopping(patience, monitor=name, **settings)
    more = {"metrics": score} if name.endswith("score") else {}
    history = count(model, len(curve), HandMade(curve, name), stopping, **more)
    return len(history), stopping, counted(model)


def score(outputs: Any, targets: Any) -> float:
    return 0.0


# When it ends


@pytest.mark.parametrize(
    ("curve", "patience", "epochs", "best_epoch"),
    [
        ([5, 4, 3, 2, 1], 1, 5, 5),
        ([3, 4, 2, 1], 1, 2, 1),
        ([3, 4, 2, 5, 5, 1], 2, 5, 3),
        ([3, 4, 4, 2, 5, 6, 7, 1], 3, 7, 4),
        ([3, 3, 3, 3], 2, 3, 1),  # as good is not better
        ([1, 2, 3, 4], 9, 4, 1),
        ([1, 2, 3, 4], 3, 4, 1),
        ([NAN, 2, NAN, NAN, 1], 2, 4, 2),
        ([NAN, NAN, NAN], 2, 2, 0),
        ([INF, INF, 5, -INF, 5, -INF], 2, 6, 4),
        ([0.0, -0.0, 0.0], 2, 3, 1),
    ],
)
def test_a_run_ends_when_so_many_epochs_were_not_the_best(
    curve: list[float], patience: int, epochs: int, best_epoch: int
) -> None:
    ran, stopping, weight = watch(curve, patience)
    assert (ran, stopping.best_epoch) == (epochs, best_epoch)
    assert weight == (best_epoch or epochs)
    assert stopping.best == curve[best_epoch - 1] if best_epoch else math.isnan(stopping.best)


@given(
    st.lists(st.integers(-3, 3).map(float) | st.sampled_from([NAN, INF, -INF]), min_size=1),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    st.sampled_from(["min", "max"]),
)
@settings(max_examples=40)
def test_every_curve_ends_where_counting_by_hand_ends(
    curve: list[float], patience: int, min_delta: float, mode: Any
) -> None:
    best, best_epoch, epochs = NAN, 0, 0
    for number in curve:
        epochs += 1
        step = best - number if mode == "min" else number - best
        if not math.isnan(number) and (best_epoch == 0 or step > min_delta):
            best, best_epoch = number, epochs
        if epochs - best_epoch == patience:
            break
    ran, stopping, weight = watch(curve, patience, min_delta=min_delta, mode=mode)
    assert (ran, stopping.best_epoch) == (epochs, best_epoch)
    assert weight == (best_epoch or epochs)


def test_a_change_of_min_delta_or_less_is_none() -> None:
    assert watch([1.0, 0.75, 0.5, 0.25], 2, min_delta=0.25)[:1] == (4,)
    ran, stopping, _ = watch([1.0, 0.75, 0.75, 0.5], 2, min_delta=0.25)
    assert (ran, stopping.best, stopping.best_epoch) == (3, 1.0, 1)


def test_more_is_better_of_a_score_and_less_of_a_loss() -> None:
    assert watch([1, 2, 3, 2, 2], 2, "val_score")[1].best_epoch == 3
    assert watch([3, 2, 1, 2, 2], 2, "val_loss")[1].best_epoch == 3
    assert watch([3, 2, 1, 2, 2], 2, "val_score", mode="min")[1].best_epoch == 3
    assert watch([1, 2, 3, 2, 2], 2, "val_loss", mode="max")[1].best_epoch == 3


def test_the_loss_of_training_may_be_watched_without_validation() -> None:
    model, stopping = counter(), nn.EarlyStopping(1, monitor="loss")
    history = count(model, 5, HandMade([2, 1, 3], "loss"), stopping, validation=None)
    assert (len(history), counted(model)) == (3, 2.0)


def test_an_early_stopping_begins_anew_with_every_run() -> None:
    stopping = nn.EarlyStopping(2)
    for _ in range(2):
        model = counter()
        history = count(model, 9, HandMade([1, 2, 3]), stopping)
        assert (len(history), stopping.best_epoch, counted(model)) == (3, 1, 1.0)


def test_of_two_that_watch_the_first_to_lose_patience_ends_the_run() -> None:
    slow, fast = nn.EarlyStopping(5), nn.EarlyStopping(2, monitor="loss")
    model = counter()
    curves = HandMade([9, 8, 7, 6, 5, 4]), HandMade([1, 2, 3, 4, 5], "loss")
    assert len(count(model, 6, *curves, slow, fast)) == 3


# What is put back


def normalised() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(3, 4, rng=rng), nn.BatchNorm1d(4), nn.Dropout(0.5, rng=1), nn.Linear(4, 1, rng=2)
    )
    X = rng.normal(size=(12, 3))
    return model, X, X.sum(axis=1, keepdims=True)


def taken(model: Any) -> Any:
    """Parameters and running statistics to the bit."""
    return {name: bits(np.array(leaf.data)) for name, leaf in model.named_numbers()}


class Taken(nn.Callback):
    def __init__(self) -> None:
        self.after: list[Any] = []

    def on_epoch(self, training: nn.Training) -> None:
        self.after.append(taken(training.model))


def fit(model: Any, X: Any, y: Any, *callbacks: nn.Callback, **settings: Any) -> nn.History:
    adam = nn.Adam(model.parameters(), lr=0.1)
    given = {"optimizer": adam, "epochs": 6, "batch_size": 3, "rng": 0, "progress": False}
    given |= {"validation": 0.25, "loss": nn.mse_loss} | settings
    return nn.fit(model, X, y, callbacks=callbacks, **given)


def test_parameters_and_running_statistics_of_the_best_epoch_are_put_back() -> None:
    model, X, y = normalised()
    album = Taken()
    fit(model, X, y, HandMade([3, 2, 1, 4, 5, 6]), nn.EarlyStopping(9), album)
    assert len(album.after) == 6
    assert taken(model) == album.after[2] != album.after[5]


def test_without_restore_best_the_model_stays_at_its_last_epoch() -> None:
    assert watch([1, 2, 3, 4], 2, restore_best=False)[2] == 3.0
    assert watch([3, 2, 1, 4], 2, restore_best=False)[2] == 4.0


@pytest.mark.parametrize("kind", ["Values", "a class of one's own"])
def test_the_best_epoch_of_any_kind_of_model_is_put_back(kind: str) -> None:
    class Mean(nn.Module):
        def __init__(self) -> None:
            self.w = Value(0.0)

        def forward(self, x: Any) -> Any:
            return self.w * x[0]

    model: Any = Mean() if kind == "Values" else Own()
    loss = (lambda outputs, _: -sum(outputs) / len(outputs)) if kind == "Values" else descend
    sgd = nn.SGD(model.parameters(), lr=1.0)
    nn.fit(
        model,
        ONES,
        ONES,
        loss=loss,
        optimizer=sgd,
        epochs=9,
        validation=(ONES, ONES),
        callbacks=[HandMade([2, 1, 3, 3, 3]), nn.EarlyStopping(2)],
        progress=False,
    )
    assert float(np.ravel(model.w.data)[0]) == 2.0


class Ends(nn.Callback):
    """Ends the run in the midst of its fifth epoch."""

    def __init__(self, how: Any) -> None:
        self.how = how

    def on_step(self, training: nn.Training) -> None:
        if training.epoch == 5:
            if self.how == "stop":
                training.stop = True
            else:
                raise self.how


@pytest.mark.parametrize("how", ["stop", KeyboardInterrupt, ZeroDivisionError])
def test_the_best_epoch_is_put_back_however_the_run_ends(how: Any) -> None:
    model = counter()
    watching = HandMade([3, 1, 2, 2]), nn.EarlyStopping(9), Ends(how)
    try:
        history = count(model, 9, *watching)
    except ZeroDivisionError:
        assert how is ZeroDivisionError
    else:
        assert (len(history), history.interrupted) == (4, how is KeyboardInterrupt)
    assert counted(model) == 2.0


def test_a_run_that_ends_before_its_first_epoch_leaves_the_model_as_it_is() -> None:
    class Now(nn.Callback):
        def on_step(self, training: nn.Training) -> None:
            training.stop = True

    model = counter()
    assert len(count(model, 3, Now(), nn.EarlyStopping(2))) == 0
    assert counted(model) == 1.0


def test_stop_at_the_start_takes_no_step() -> None:
    class Never(nn.Callback):
        def on_start(self, training: nn.Training) -> None:
            training.stop = True

    model = counter()
    count(model, 3, Never())
    assert counted(model) == 0.0


# What is refused before training


@pytest.mark.parametrize("make", [nn.EarlyStopping, nn.Checkpoint])
@pytest.mark.parametrize(
    ("monitor", "more", "says"),
    [
        ("val_los", {}, "watches 'val_los', but this run records loss, val_loss, learning_rate"),
        ("val_loss", {"validation": None}, r"seconds; give fit validation=$"),
        ("val_accuracy", {}, r"records loss, val_loss, learning_rate, seconds; give fit metrics=$"),
        ("accuracy", {}, "watches 'accuracy', but this run records loss, val_loss"),
        ("learning_rate", {}, r"more or less of 'learning_rate' is better cannot be told .* mode="),
    ],
)
def test_a_curve_that_will_not_be_there_is_refused_before_training(
    make: Any, monitor: str, more: dict[str, Any], says: str, tmp_path: Path
) -> None:
    first = tmp_path / "m.npz" if make is nn.Checkpoint else 3
    model = counter()
    before = bits(model)
    with pytest.raises(ValueError, match=says):
        count(model, 3, make(first, monitor=monitor), **more)
    assert bits(model) == before
    assert not [*tmp_path.iterdir()]


def test_the_direction_of_a_curve_may_be_told() -> None:
    stopping = nn.EarlyStopping(1, monitor="learning_rate", mode="max")
    assert len(count(counter(), 5, HandMade([1, 2, 1], "learning_rate"), stopping)) == 3


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"patience": 0}, "patience is a whole number from 1 on, not 0"),
        ({"patience": 2.0}, r"patience is a whole number from 1 on, not 2\.0"),
        ({"patience": True}, "patience is a whole number from 1 on, not True"),
        ({"min_delta": -0.1}, "min_delta is a number from 0 on, not -0.1"),
        ({"min_delta": NAN}, "min_delta is a number from 0 on, not nan"),
        ({"mode": "minimum"}, 'mode is "auto", "min" or "max", not \'minimum\''),
        ({"mode": None}, 'mode is "auto", "min" or "max", not None'),
    ],
)
def test_settings_are_checked_where_they_are_given(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        nn.EarlyStopping(**({"patience": 2} | wrong))


@pytest.mark.parametrize("monitor", [None, 5])
def test_a_monitor_that_is_no_name_is_refused_by_name(monitor: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"monitor|watches"):
        count(counter(), 3, nn.EarlyStopping(2, monitor=monitor))


def test_callbacks_are_a_list_of_built_callbacks() -> None:
    model = counter()
    sgd = nn.SGD(model.parameters(), lr=1.0)
    known = {"loss": descend, "optimizer": sgd, "epochs": 1}
    for wrong in (nn.EarlyStopping(2), None, 3):
        with pytest.raises(TypeError, match=r"callbacks is a list, such as \[callback\], not"):
            nn.fit(model, ONES, ONES, callbacks=wrong, **known)
    for wrong in ([nn.EarlyStopping], [print], "early", [None]):
        with pytest.raises(TypeError, match=r"a callback is made from a class derived from nn\.C"):
            nn.fit(model, ONES, ONES, callbacks=wrong, **known)
    assert counted(model) == 0.0


# Checkpoint


def in_file(path: Path) -> float:
    """The epoch of the model in a file, which must be that of its history."""
    record = nn.load(path, into=(model := counter()))
    assert record.history is not None
    assert len(record.history) == counted(model)
    return counted(model)


class Look(nn.Callback):
    """The epoch that is in a file after each epoch; 0 for no file."""

    def __init__(self, path: Path) -> None:
        self.path, self.seen = path, []

    def on_epoch(self, training: nn.Training) -> None:
        self.seen.append(in_file(self.path) if self.path.exists() else 0)


@pytest.mark.parametrize(
    ("curve", "held"),
    [
        ([3, 2, 4, 2, 1, 5], [1, 2, 2, 2, 5, 5]),
        ([NAN, NAN, 2, NAN, 1, INF], [0, 0, 3, 3, 5, 5]),
        ([INF, 1, -INF, -INF, 0, 0], [1, 2, 3, 3, 3, 3]),
    ],
)
def test_a_checkpoint_holds_the_best_epoch_so_far(
    curve: list[float], held: list[int], tmp_path: Path
) -> None:
    path = tmp_path / "best.npz"
    look, kept = Look(path), nn.Checkpoint(path)
    count(counter(), 6, HandMade(curve), kept, look)
    assert look.seen == held
    assert (kept.best_epoch, kept.best) == (held[-1], curve[held[-1] - 1])


def test_a_checkpoint_of_a_score_holds_the_highest(tmp_path: Path) -> None:
    path = tmp_path / "best.npz"
    curve = HandMade([1, 3, 2], "val_score")
    count(counter(), 3, curve, nn.Checkpoint(path, monitor="val_score"), metrics=score)
    assert in_file(path) == 2


def test_without_a_monitor_every_epoch_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "last.npz"
    look = Look(path)
    count(counter(), 4, HandMade([1, 2, NAN, 3]), nn.Checkpoint(path, monitor=None), look)
    assert look.seen == [1, 2, 3, 4]


def test_the_best_file_is_the_model_that_early_stopping_puts_back(tmp_path: Path) -> None:
    model, X, y = normalised()
    fit(model, X, y, nn.EarlyStopping(2), nn.Checkpoint(tmp_path / "m.npz"), epochs=30)
    other, *_ = normalised()
    nn.load(tmp_path / "m.npz", into=other)
    assert taken(other) == taken(model)


def test_a_checkpoint_holds_the_generator_that_shuffles(tmp_path: Path) -> None:
    model, X, y = normalised()
    generator = np.random.default_rng(5)
    fit(model, X, y, nn.Checkpoint(tmp_path / "m.npz", monitor=None), rng=generator)
    assert bits(nn.load(tmp_path / "m.npz").rng) == bits(generator)


def test_what_callbacks_draw_from_the_generator_of_the_run_is_drawn_before_the_save(
    tmp_path: Path,
) -> None:
    class Draws(nn.Callback):
        def on_epoch(self, training: nn.Training) -> None:
            training.rng.random()

    truth, X, y = normalised()
    fit(truth, X, y, Draws(), epochs=4)
    half, *_ = normalised()
    fit(half, X, y, Draws(), nn.Checkpoint(tmp_path / "m.npz", monitor=None), epochs=2)
    fit(half, X, y, Draws(), epochs=2, resume=tmp_path / "m.npz")
    assert taken(half) == taken(truth)


def test_a_place_that_cannot_be_written_to_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place, error in (("absent", FileNotFoundError), ("file", NotADirectoryError)):
        model = counter()
        with pytest.raises(error, match=r"cannot save to .*choose another place"):
            count(model, 3, nn.Checkpoint(tmp_path / place / "m.npz"))
        assert counted(model) == 0.0
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_finding_out_whether_a_place_can_be_written_to_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "m.npz").write_text("mine")
    count(counter(), 2, HandMade([NAN, NAN]), nn.Checkpoint(tmp_path / "m.npz"))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_as_the_file_is_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        count(counter(), 2, nn.Checkpoint(tmp_path))


def test_a_model_that_cannot_be_saved_is_refused_before_training(tmp_path: Path) -> None:
    model = Own()
    with pytest.raises(TypeError, match=r"a checkpoint is of an nn\.Module"):
        count(model, 2, nn.Checkpoint(tmp_path / "m.npz", monitor=None))
    assert model.w.data.item() == 0.0


class FullDisk(nn.Callback):
    """The disk has no room in some epochs; before the checkpoint in the list."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, epochs: set[int]) -> None:
        self.monkeypatch, self.epochs, self.fsync = monkeypatch, epochs, os.fsync

    def on_epoch(self, training: nn.Training) -> None:
        full = training.epoch in self.epochs
        self.monkeypatch.setattr(os, "fsync", self.no_room if full else self.fsync)

    def no_room(self, handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_save_that_fails_is_a_warning_and_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, model = tmp_path / "m.npz", counter()
    look, full = Look(path), FullDisk(monkeypatch, {2, 3})
    kept = nn.Checkpoint(path, monitor=None)
    with pytest.warns(UserWarning, match="was not saved") as caught:
        history = count(model, 5, full, kept, look)
    says = f"cannot save to {path} (No space left on device); what was there is as it was"
    assert [epoch for epoch in (2, 3) if f"epoch {epoch} was not" in str(caught[epoch - 2].message)]
    assert all(says in str(warning.message) for warning in caught)
    assert look.seen == [1, 1, 1, 4, 5]
    assert (len(history), counted(model), len(caught)) == (5, 5.0, 2)
    assert [*tmp_path.iterdir()] == [path]


def test_a_warning_names_the_line_that_called_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = counter()
    sgd = nn.SGD(model.parameters(), lr=1.0)
    watching = [FullDisk(monkeypatch, {1}), nn.Checkpoint(tmp_path / "m.npz", monitor=None)]
    known = {"loss": descend, "optimizer": sgd, "epochs": 1, "progress": False}
    with pytest.warns(UserWarning, match="was not saved") as caught:
        nn.fit(model, ONES, ONES, callbacks=watching, **known)
    assert caught[0].filename == __file__


# A resumed run


def begun(folder: Path, curve: Sequence[float], epochs: int) -> Path:
    """A run that ended after some epochs: its last epoch in one file, its best in another."""
    last, best = (
        nn.Checkpoint(folder / "last.npz", monitor=None),
        nn.Checkpoint(folder / "best.npz"),
    )
    count(counter(), epochs, HandMade(curve), last, best)
    return folder / "last.npz"


@pytest.mark.parametrize(
    ("curve", "patience", "ran", "best"),
    [
        ([5, 4, 3, 2, 9, 9, 9], 2, 6, 4),
        ([5, 1, 9, 9, 9, 9, 9], 3, 5, 2),  # the best is the one in the file
        ([5, 4, 3, 2, 1, 0, -1], 1, 7, 7),
    ],
)
def test_early_stopping_goes_on_watching_where_it_stopped(
    curve: list[float], patience: int, ran: int, best: int, tmp_path: Path
) -> None:
    path = begun(tmp_path, curve, 2)
    whole, model = counter(), counter()
    watching = HandMade(curve), nn.EarlyStopping(patience)
    assert len(count(whole, 7, *watching)) == ran
    assert len(count(model, 5, *watching, resume=path)) == ran
    assert counted(model) == counted(whole) == best


def test_a_best_epoch_that_came_before_the_resume_cannot_be_put_back_and_that_is_said(
    tmp_path: Path,
) -> None:
    path = begun(tmp_path, [1, 2], 2)
    model, watching = counter(), (HandMade([1, 2, 3, 4, 5]), nn.EarlyStopping(3))
    says = r"cannot restore the best epoch, 1, which came before this run was resumed; nn\.Checkp"
    with pytest.warns(UserWarning, match=says) as caught:
        history = count(model, 9, *watching, resume=path)
    assert caught[0].filename == __file__  # where fit was called
    assert (len(history), counted(model), watching[1].best_epoch) == (4, 4.0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        count(counter(), 9, watching[0], nn.EarlyStopping(3, restore_best=False), resume=path)


def test_a_checkpoint_keeps_the_best_epoch_across_a_resume(tmp_path: Path) -> None:
    curve = [3, 1, 2, 5, 0.5, 4]
    last, best = begun(tmp_path, curve, 3), tmp_path / "best.npz"
    assert (in_file(last), in_file(best)) == (3, 2)
    look = Look(best)
    count(counter(), 3, HandMade(curve), nn.Checkpoint(best), look, resume=last)
    assert look.seen == [2, 5, 5]


def test_a_run_goes_on_from_its_best_epoch_too(tmp_path: Path) -> None:
    begun(tmp_path, [3, 1, 2], 3)
    model, look = counter(), Look(tmp_path / "best.npz")
    curve = HandMade([3, 1, 2, 0])
    history = count(model, 2, curve, nn.Checkpoint(look.path), look, resume=look.path)
    assert (len(history), counted(model), history.val_loss) == (4, 4.0, [3, 1, 2, 0])
    assert look.seen == [2, 4]


def test_curves_of_the_history_are_what_was_watched() -> None:
    stopping = nn.EarlyStopping(1)
    history = count(counter(), 9, HandMade([2, 1, 3]), stopping)
    assert history["val_loss"] == [2, 1, 3]
    assert history.val_loss[stopping.best_epoch - 1] == stopping.best
    assert isinstance(history, nn.History)
    with pytest.raises(KeyError, match="no curve 'val_los'"):
        history["val_los"]
