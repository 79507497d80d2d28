"""What a run tells people: metrics, the history of its curves, and the line of progress."""

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

import twingrad as tg
from twingrad import nn
from twingrad.nn.metrics import accuracy_cut_at, mae, mse

Array = np.ndarray
X, Y = nn.data.xor()


def train(loss: Any = nn.mse_loss, y: Any = Y[:, None], nouts: int = 1, **settings: Any) -> Any:
    """Three epochs of a model that does not move, so that its outputs are known."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 3, rng=rng), nn.Tanh(), nn.Linear(3, nouts, rng=rng))
    still = nn.SGD(model.parameters(), lr=0.0)
    named = {"epochs": 3, "progress": False, "rng": 0} | settings
    history = nn.fit(model, X, y, loss=loss, optimizer=still, **named)
    return history, nn.predict(model, X)


# Metrics


@pytest.mark.parametrize(
    ("outputs", "targets", "share"),
    [
        # several columns: the largest stands for its class
        ([[1, 2, 0], [3, 0, 0], [0, 0, 1], [0, 5, 0]], [1, 0, 2, 2], 0.75),
        ([[1, 2, 0], [3, 0, 0]], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], 0.5),
        # one: above 0.5, the middle of 0 and 1
        ([0.6, 0.4, 0.9, 0.1], [1, 0, 0, 0], 0.75),
        ([[0.6], [0.4]], [[1.0], [0.0]], 1.0),
        ([[0.6], [0.4]], [1, 0], 1.0),
    ],
)
def test_accuracy_is_the_share_of_right_labels(outputs: Any, targets: Any, share: float) -> None:
    assert accuracy_cut_at()(np.array(outputs), np.array(targets)) == share


def test_outputs_for_labels_of_minus_one_and_one_are_cut_at_zero() -> None:
    outputs, labels = np.array([0.1, -0.1, 0.4, -3.0]), np.array([1, -1, 1, 1])
    assert accuracy_cut_at(0.0, 0.0)(outputs, labels) == 0.75
    only_ones = accuracy_cut_at(0.0, 0.0)(np.array([0.3, 0.2]), np.array([1.0, 1.0]))
    assert only_ones == 1.0  # the cut does not depend on which labels a split happens to hold


def test_labels_in_a_column_are_labels_and_not_one_hot_rows() -> None:
    outputs = np.eye(3)[[2, 0, 1]]
    assert accuracy_cut_at()(outputs, np.array([[2], [0], [1]])) == 1.0


@pytest.mark.parametrize("outputs", [np.ones((3, 1)), np.ones((3, 2))])
def test_outputs_and_labels_of_different_counts_are_refused(outputs: np.ndarray) -> None:
    with pytest.raises(tg.ShapeError, match="3 outputs cannot be compared with 1 targets"):
        accuracy_cut_at()(outputs, np.array([1]))


def test_a_metric_that_gives_no_number_is_refused_before_anything_is_learned() -> None:
    with pytest.raises(TypeError, match="metric 'gap' must give one number"):

        def gap(outputs: Any, targets: Any) -> Any:
            return outputs - targets

        train(metrics=gap)


def test_logits_are_cut_at_zero() -> None:
    outputs, labels = np.array([0.3, -0.3, 0.3, -2.0]), np.array([1, 0, 0, 0])
    assert accuracy_cut_at(0.0)(outputs, labels) == 0.75
    history, logits = train(nn.binary_cross_entropy_with_logits, metrics="accuracy")
    right = np.mean((logits > 0.0) == (Y[:, None] == 1.0))
    assert history["accuracy"] == [right] * 3


def test_mean_errors_are_their_formulas() -> None:
    outputs, targets = np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, 1.0])
    assert mse(outputs, targets) == pytest.approx((0 + 4 + 9) / 3)
    assert mae(outputs, targets) == pytest.approx((0 + 2 + 3) / 3)


@pytest.mark.parametrize("metric", [mse, mae])
def test_an_error_of_a_column_against_a_row_is_no_quiet_number(metric: Any) -> None:
    column, row = np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 3.0])
    try:
        found = metric(column, row)
    except ValueError as error:
        assert "shape" in str(error)
    else:
        assert found == 0.0  # and not the mean over all nine pairs


def test_metrics_by_name_and_by_function_are_recorded_by_epoch() -> None:
    def largest_error(outputs: Array, targets: Array) -> float:
        assert type(outputs) is type(targets) is np.ndarray
        return float(np.abs(outputs - targets).max())

    history, outputs = train(metrics=["mse", largest_error, "mae"], batch_size=3)
    errors = np.abs(outputs - Y[:, None])
    assert list(history.metrics) == ["mse", "largest_error", "mae"]
    assert history["mse"] == pytest.approx([np.mean(errors**2)] * 3, rel=1e-5)
    assert history["largest_error"] == pytest.approx([errors.max()] * 3, rel=1e-5)
    assert history["mae"] == pytest.approx([errors.mean()] * 3, rel=1e-5)


@pytest.mark.parametrize("kind", ["Values", "Tensors"])
def test_metrics_of_both_twins_are_measured_on_validation_too(kind: str) -> None:
    model = nn.MLP(2, [3, 1], rng=0)
    network = model if kind == "Values" else model.to_tensor()
    y = Y if kind == "Values" else Y[:, None]
    history = nn.fit(
        network,
        X,
        y,
        loss=nn.mse_loss,
        optimizer=nn.SGD(network.parameters(), lr=0.0),
        epochs=1,
        validation=(X[:2], y[:2]),
        metrics=("mse", "accuracy"),
        progress=False,
    )
    assert history["val_mse"] == pytest.approx(history.val_loss, rel=1e-12)
    assert history["mse"] == pytest.approx(history.loss, rel=1e-12)
    assert set(history.metrics) == {"mse", "val_mse", "accuracy", "val_accuracy"}


def test_metrics_of_scikit_learn_serve_once_outputs_are_labels() -> None:
    def f1(outputs: Array, targets: Array) -> float:
        return f1_score(targets, outputs.argmax(axis=1))

    history, outputs = train(nn.cross_entropy, Y.astype(int), nouts=2, metrics=f1)
    assert history["f1"] == pytest.approx([f1_score(Y, outputs.argmax(axis=1))] * 3)


def test_an_unknown_metric_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"one of accuracy, mse, mae, or a function .* not 'f1'"):
        train(metrics="f1")
    with pytest.raises(ValueError, match="not 'f1'"):
        train(metrics=["mse", "f1"])


# The history


def test_a_history_holds_one_entry_an_epoch_in_every_curve() -> None:
    history, _ = train(metrics="mse", validation=0.25)
    assert len(history) == 3
    curves = history.curves()
    assert list(curves) == ["loss", "val_loss", "mse", "val_mse", "learning_rate", "seconds"]
    assert {len(curve) for curve in curves.values()} == {3}
    assert all(type(number) is float for curve in curves.values() for number in curve)
    assert all(seconds > 0.0 for seconds in history.seconds)


def test_the_rate_of_each_epoch_is_recorded() -> None:
    class Halve(nn.Callback):
        def on_epoch(self, training: nn.Training) -> None:
            training.optimizer.lr /= 2.0

    model = nn.MLP(2, [1], rng=0)
    sgd = nn.SGD(model.parameters(), lr=0.1)
    named = {"loss": nn.mse_loss, "epochs": 3, "progress": False, "callbacks": [Halve()]}
    assert nn.fit(model, X, Y, optimizer=sgd, **named)["learning_rate"] == [0.1, 0.05, 0.025]


def test_an_unknown_curve_is_refused_with_the_known_ones() -> None:
    history, _ = train(metrics="mse")
    with pytest.raises(KeyError, match="no curve 'val_loss'; this history has loss, mse"):
        history["val_loss"]


def test_a_history_prints_its_length_and_last_numbers() -> None:
    history = nn.History(loss=[1.0, 0.25], metrics={"accuracy": [0.5, 1.0]}, seconds=[1.0, 1.0])
    assert repr(history) == "<History of 2 epochs, loss 0.25, accuracy 1>"
    assert repr(nn.History()) == "<History of 0 epochs>"


# The line of progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_rewrites_itself() -> None:
    stream = Terminal()
    # One for the trial before training; then a shorter line must wipe out a longer one.
    numbers = iter([0.0, 123456.0, 1.0, 0.5])
    train(metrics=lambda o, t: next(numbers), callbacks=[nn.ProgressLine(stream)])
    said = stream.getvalue()
    assert said.count("\n") == 1
    assert said.endswith("\n")
    screen = ""
    for line in said.rstrip("\n").split("\r"):
        screen = line + screen[len(line) :]
    words = screen.split()
    assert words[:3] == ["epoch", "3/3", "loss"]
    assert words[4:6] == ["<lambda>", "0.5"]
    assert words[7:] == ["s"]


@pytest.fixture
def six_seconds_at_a_glance(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(np.arange(0.0, 1e6, 6.0).tolist())
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))


@pytest.mark.usefixtures("six_seconds_at_a_glance")
def test_elsewhere_plain_lines_come_now_and_then() -> None:
    stream = io.StringIO()
    train(epochs=30, callbacks=[nn.ProgressLine(stream)])
    lines = stream.getvalue().splitlines()
    assert "\r" not in stream.getvalue()
    assert [line.split()[1] for line in lines] == [f"{n}/30" for n in range(3, 31, 3)]


@pytest.mark.usefixtures("six_seconds_at_a_glance")
def test_a_line_says_how_much_time_is_left() -> None:
    stream = io.StringIO()
    train(epochs=10, callbacks=[nn.ProgressLine(stream)])
    left = [line.rpartition("  ")[2] for line in stream.getvalue().splitlines()]
    # The clock is looked at three times an epoch, so each epoch takes eighteen seconds.
    assert left == [f"{18 * (10 - epoch)} s left" for epoch in range(1, 10)] + ["180.0 s"]


def test_fewer_than_five_seconds_are_one_line() -> None:
    stream = io.StringIO()
    train(epochs=30, callbacks=[nn.ProgressLine(stream)])
    assert stream.getvalue().startswith("epoch 30/30  loss ")
    assert stream.getvalue().count("\n") == 1


def test_progress_goes_to_stderr_and_can_be_silenced(capsys: pytest.CaptureFixture[str]) -> None:
    train(progress=False)
    assert capsys.readouterr() == ("", "")
    train(progress=True, validation=0.25)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert all(word in err for word in ("epoch 3/3", "  loss ", "  val_loss "))


def test_a_loss_that_is_no_number_any_more_is_said_as_it_is() -> None:
    stream = io.StringIO()
    history, _ = train(
        lambda o, t: nn.mse_loss(o, t) * math.nan, callbacks=[nn.ProgressLine(stream)]
    )
    assert math.isnan(history.loss[-1])
    assert "loss nan" in stream.getvalue()


def test_progress_may_be_a_function_around_the_epochs_such_as_tqdm() -> None:
    seen: list[int] = []

    def bar(epochs: Any) -> Any:
        assert len(epochs) == 3
        for epoch in epochs:
            yield epoch
            seen.append(epoch)

    assert len(train(progress=bar)[0]) == 3
    assert seen == [1, 2, 3]


def test_a_function_of_metrics_may_be_any_callable() -> None:
    class Spread:
        def __call__(self, outputs: Array, targets: Array) -> float:
            return float(np.ptp(outputs))

    metric: Callable[[Array, Array], float] = Spread()
    history, outputs = train(metrics=metric)
    assert history["Spread"] == pytest.approx([np.ptp(outputs)] * 3, rel=1e-6)
