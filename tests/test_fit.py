"""fit: what training does on both twins, batch by batch, and what it puts back at the end."""

import gc
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twingrad import Tensor, nn

X, Y = nn.data.xor()
both_twins = pytest.mark.parametrize("kind", ["Values", "Tensors"])


def network(kind: str = "Tensors", nouts: int = 1, seed: int = 2) -> Any:
    if kind == "Values":
        return nn.MLP(2, [4, nouts], rng=seed)
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Linear(2, 4, rng=rng), nn.Tanh(), nn.Linear(4, nouts, rng=rng))


def column(model: Any) -> np.ndarray:
    """XOR's answers in the shape of the model's outputs."""
    return Y if isinstance(model, nn.MLP) else Y[:, None]


def train(model: Any, X: Any = X, y: Any = None, **settings: Any) -> nn.History:
    """Three quiet epochs of SGD on squared errors, unless told otherwise."""
    settings = {"loss": nn.mse_loss, "epochs": 3, "progress": False, "rng": 0} | settings
    if "optimizer" not in settings:
        settings["optimizer"] = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return nn.fit(model, X, column(model) if y is None else y, **settings)


class Watcher(nn.Module):
    """w·x, noting what it is asked: `learned` in training, `looked_at` in evaluation."""

    def __init__(self) -> None:
        self.w = Tensor([[0.0]])
        self.learned: list[list[float]] = []
        self.looked_at: list[list[float]] = []

    def forward(self, x: Any) -> Any:
        asked = np.ravel(getattr(x, "data", x)).tolist()
        (self.learned if self.training else self.looked_at).append(asked)
        return x @ self.w


ROWS = np.arange(10.0)[:, None]


# Learning


@both_twins
def test_both_twins_learn_xor(kind: str) -> None:
    model = network(kind)
    sgd = nn.SGD(model.parameters(), lr=0.2, momentum=0.9)
    history = train(model, optimizer=sgd, epochs=300)
    assert history.loss[-1] < 0.01 < history.loss[0]
    assert ((nn.predict(model, X).ravel() > 0.5) == Y).all()


@both_twins
def test_one_seed_gives_one_set_of_bits_and_another_seed_another(kind: str) -> None:
    runs = [train(network(kind), batch_size=1, rng=rng) for rng in (0, 0, 1)]
    assert runs[0].loss == runs[1].loss
    assert runs[0].loss != runs[2].loss


def test_two_processes_give_one_set_of_bits() -> None:
    program = (
        "from twingrad import nn; X, y = nn.data.xor()\n"
        "for model, y in (m := nn.MLP(2, [4, 1], rng=1), y), (m.to_tensor(), y[:, None]):\n"
        "    adam = nn.Adam(model.parameters(), lr=0.1)\n"
        "    print(nn.fit(model, X, y, loss=nn.mse_loss, optimizer=adam, epochs=9,\n"
        "                 batch_size=3, validation=0.25, rng=2, progress=False).curves()['loss'])"
    )
    root = Path(__file__).parents[1]
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert runs[0].count("[") == 2


def test_mini_batches_cover_every_sample_once_an_epoch_in_a_new_order() -> None:
    model = Watcher()
    train(model, ROWS, ROWS, batch_size=4, epochs=2)
    assert [len(batch) for batch in model.learned] == [4, 4, 2] * 2
    first, second = ([*chain(*model.learned[i : i + 3])] for i in (0, 3))
    assert sorted(first) == sorted(second) == ROWS.ravel().tolist()
    assert first != second


def test_without_shuffling_samples_come_in_their_order() -> None:
    model = Watcher()
    train(model, ROWS, ROWS, batch_size=6, epochs=1, shuffle=False)
    assert [*chain(*model.learned)] == ROWS.ravel().tolist()


@pytest.mark.parametrize("batch_size", [None, 10])
def test_the_full_batch_is_one_step_an_epoch(batch_size: int | None) -> None:
    model = Watcher()
    train(model, ROWS, ROWS, batch_size=batch_size, epochs=2)
    assert [len(batch) for batch in model.learned] == [10, 10]


@both_twins
def test_the_loss_of_an_epoch_is_the_mean_over_its_samples(kind: str) -> None:
    model = network(kind)
    truth = np.mean((nn.predict(model, X) - column(model)) ** 2)
    still = nn.SGD(model.parameters(), lr=0.0)
    history = train(model, optimizer=still, batch_size=3)
    assert history.loss == pytest.approx([truth] * 3, rel=1e-6)


@both_twins
def test_gradients_from_before_do_not_count(kind: str) -> None:
    clean, spoilt = network(kind), network(kind)
    for parameter in spoilt.parameters():
        parameter.grad = parameter.data * 0.0 + 1e6
    assert train(spoilt).loss == train(clean).loss


def test_an_optimizer_of_some_parameters_trains_those_alone() -> None:
    model = network()
    before = model.state_dict()
    train(model, optimizer=nn.SGD(model[2].parameters(), lr=0.1))
    changed = {k for k, now in model.state_dict().items() if not np.array_equal(before[k], now)}
    assert changed == {"layers.2.weight", "layers.2.bias"}


def test_lists_integers_and_tensors_are_data_too() -> None:
    expected = train(network()).loss
    for data in (X.tolist(), X.astype(int), X.astype(np.float32), Tensor(X)):
        assert train(network(), data, Y[:, None].astype(int)).loss == expected


# Validation


def test_a_share_for_validation_is_held_out_of_training() -> None:
    held_out = []
    for rng in (0, 0, 1):
        model = Watcher()
        history = train(model, ROWS, ROWS, validation=0.3, batch_size=4, epochs=2, rng=rng)
        assert [len(batch) for batch in model.learned] == [4, 3] * 2
        held_out.append(sorted(model.looked_at[-1]))
        assert sorted([*chain(*model.learned[:2]), *held_out[-1]]) == ROWS.ravel().tolist()
        assert sorted(chain(*model.learned[:2])) == sorted(chain(*model.learned[2:]))
        assert len(history.val_loss) == 2
    assert held_out[0] == held_out[1] != held_out[2]


@both_twins
def test_validation_on_a_pair_is_the_loss_after_each_epoch(kind: str) -> None:
    model = network(kind)
    held_out = np.array([[0.5, 0.5], [2.0, -1.0]]), column(model)[:2]
    history = train(model, validation=held_out, epochs=1)
    truth = np.mean((nn.predict(model, held_out[0]) - held_out[1]) ** 2)
    assert history.val_loss == pytest.approx([truth], rel=1e-6)
    assert history["val_loss"] is history.val_loss


# Callbacks, Ctrl-C, and what is put back


class Diary(nn.Callback):
    def __init__(self, stop_at: int = 0, error: type[BaseException] | None = None) -> None:
        self.stop_at, self.error, self.heard = stop_at, error, []

    def on_start(self, training: nn.Training) -> None:
        self.heard.append("start")

    def on_epoch(self, training: nn.Training) -> None:
        self.heard.append(training.epoch)
        assert len(training.history) == training.epoch <= training.epochs
        if training.epoch == self.stop_at:
            if self.error:
                raise self.error
            training.stop = True

    def on_end(self, training: nn.Training) -> None:
        self.heard.append("end")


@both_twins
def test_callbacks_hear_of_the_start_of_every_epoch_and_of_the_end(kind: str) -> None:
    diaries = [Diary(), Diary()]
    history = train(network(kind), callbacks=diaries)
    assert [diary.heard for diary in diaries] == [["start", 1, 2, 3, "end"]] * 2
    assert history.interrupted is False


def test_a_callback_may_stop_the_run() -> None:
    diary = Diary(stop_at=2)
    history = train(network(), callbacks=[diary], epochs=100)
    assert diary.heard == ["start", 1, 2, "end"]
    assert (len(history), history.interrupted) == (2, False)


@both_twins
def test_ctrl_c_gives_the_history_so_far(kind: str) -> None:
    diary = Diary(stop_at=2, error=KeyboardInterrupt)
    history = train(network(kind), callbacks=[diary], epochs=100)
    assert (history.interrupted, len(history), len(history.learning_rate)) == (True, 2, 2)
    assert diary.heard == ["start", 1, 2, "end"]


def test_ctrl_c_amid_an_epoch_leaves_whole_epochs_in_the_history() -> None:
    model = network()
    batches = []

    def loss(outputs: Any, targets: Any) -> Any:
        batches.append(model.training)
        if sum(batches) == 4:
            raise KeyboardInterrupt
        return nn.mse_loss(outputs, targets)

    history = train(model, loss=loss, batch_size=2, metrics="mse")
    assert history.interrupted
    assert {len(curve) for curve in history.curves().values()} == {1}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("collecting", [True, False])
@pytest.mark.parametrize("error", [None, KeyboardInterrupt, ZeroDivisionError])
def test_mode_and_garbage_collector_are_as_before(
    error: Any, collecting: bool, training: bool
) -> None:
    model = network().train(training)
    seen = []

    def loss(outputs: Any, targets: Any) -> Any:
        seen.append((model.training, [module.training for module in model.modules()]))
        assert not (model.training and gc.isenabled())
        if error and model.training:
            raise error
        return nn.mse_loss(outputs, targets)

    (gc.enable if collecting else gc.disable)()
    try:
        train(model, loss=loss)
    except ZeroDivisionError:
        assert error is ZeroDivisionError
    finally:
        after = gc.isenabled()
        gc.enable()
    assert after is collecting
    assert [module.training for module in model.modules()] == [training] * 4
    assert all(modes == [training_then] * 4 for training_then, modes in seen)


@pytest.mark.parametrize("look", [train, lambda model: nn.predict(model, X)])
def test_each_part_of_a_model_gets_its_own_mode_back(look: Any) -> None:
    model = network()
    model[1].eval()
    look(model)
    assert [module.training for module in model.modules()] == [True, True, False, True]


# Predicting


@both_twins
def test_predict_gives_plain_numbers_in_evaluation_mode(kind: str) -> None:
    model = network(kind)
    outputs = nn.predict(model, X)
    assert type(outputs) is np.ndarray
    assert outputs == pytest.approx(np.array([model(x).data for x in X]), rel=1e-6, abs=1e-7)
    assert model.training
    nn.predict(watcher := Watcher(), ROWS)
    assert watcher.learned == []


@both_twins
def test_a_model_all_frozen_still_predicts(kind: str) -> None:
    model = network(kind)
    expected = nn.predict(model, X)
    for parameter in model.parameters():
        parameter.constant = True
    assert np.array_equal(nn.predict(model, X), expected)


def test_a_model_without_parameters_predicts() -> None:
    assert nn.predict(nn.Sequential(nn.ReLU()), [[-1.0, 2.0]]).tolist() == [[0.0, 2.0]]
