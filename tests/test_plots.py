"""Pictures of training: on whose axes, what they say, and that what they show is so.

They are read back from the axes: the data of a line, the path of a contour, the text of a cell.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.contour import QuadContourSet

import twingrad as tg
from twingrad import nn, viz

POINTS = np.array([[-2.0, 1.0], [-1.0, -1.0], [1.0, 2.0], [2.0, -2.0]])
SIDES = np.array([-1.0, -1.0, 1.0, 1.0])


@pytest.fixture(autouse=True)
def nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*args: Any, **named: Any) -> None:
        raise RuntimeError("a plot called show()")

    monkeypatch.setattr(plt, "show", refuse)
    monkeypatch.setattr(plt.Figure, "show", refuse)
    yield
    plt.close("all")


def side_of_a_line(kind: str, x: float = 0.0) -> Any:
    """A model that says how far right of a vertical line a point is."""
    model = nn.MLP(2, [1])
    neuron = model.layers[0].neurons[0]
    neuron.w[0].data, neuron.w[1].data, neuron.b.data = 1.0, 0.0, -x
    return model if kind == "Values" else model.to_tensor()


def three_sectors() -> nn.Sequential:
    """A model of three classes: left, right and above."""
    linear = nn.Linear(2, 3)
    linear.weight.data = [[-1.0, 1.0, 0.0], [0.0, 0.0, 1.5]]
    return nn.Sequential(linear)


HISTORY = nn.History(
    loss=[4.0, 2.0, 1.0, 0.5],
    val_loss=[4.5, 2.5, 1.5, 1.75],
    metrics={
        "accuracy": [0.5, 0.6, 0.8, 0.9],
        "val_accuracy": [0.4, 0.7, 0.6, 0.6],
        "mse": [2.0, 1.0, 0.5, 0.25],
        "val_mse": [2.0, 1.0, 0.5, 0.75],
    },
    learning_rate=[0.1] * 4,
    seconds=[1.0] * 4,
)

PLOTS: dict[str, Callable[..., Any]] = {
    "history": lambda **k: viz.plot_history(HISTORY, **k),
    "accuracy": lambda **k: viz.plot_history(HISTORY, "accuracy", **k),
    "boundary": lambda **k: viz.plot_decision_boundary(
        side_of_a_line("Tensors"), POINTS, SIDES, resolution=9, **k
    ),
    "sectors": lambda **k: viz.plot_decision_boundary(
        three_sectors(), POINTS, [0, 0, 1, 1], resolution=9, **k
    ),
    "confusion": lambda **k: viz.plot_confusion_matrix([0, 1, 1], [0, 1, 0], **k),
}
every_plot = pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)


def boundary(ax: Any) -> np.ndarray:
    """The points of the line between the classes, the only contour that is not filled."""
    (line,) = (c for c in ax.collections if isinstance(c, QuadContourSet) and not c.filled)
    return np.concatenate([path.vertices for path in line.get_paths()])


def rings(ax: Any) -> list[list[float]]:
    """Where the samples are that a ring marks as wrong."""
    found = [
        c for c in ax.collections if isinstance(c, PathCollection) and c.get_linewidth() == 1.5
    ]
    return [point for c in found for point in c.get_offsets().tolist()]


# Whose axes


@every_plot
def test_a_plot_draws_on_the_axes_it_is_given_and_returns_them(plot: Any) -> None:
    figure, (left, right) = plt.subplots(1, 2)
    assert plot(ax=right) is right
    assert right.has_data()
    assert not left.has_data()
    assert plt.get_fignums() == [figure.number]


@every_plot
def test_a_plot_without_axes_makes_a_figure_of_its_own(plot: Any) -> None:
    mine, _ = plt.subplots()
    first, second = plot(), plot()
    assert len({first.figure, second.figure, mine}) == 3
    assert first.has_data()


@every_plot
def test_a_plot_says_what_is_seen(plot: Any) -> None:
    ax = plot()
    assert ax.get_title()
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    ax.figure.canvas.draw()


# Curves


def test_the_curves_are_those_of_the_history_by_epoch() -> None:
    ax = viz.plot_history(HISTORY)
    training, validation, best = ax.get_lines()
    assert training.get_xydata().tolist() == [[1, 4.0], [2, 2.0], [3, 1.0], [4, 0.5]]
    assert validation.get_ydata().tolist() == HISTORY.val_loss
    assert best.get_xydata().tolist() == [[3, 1.5]]
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("Loss by epoch", "epoch", "loss")
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["training", "validation", "best: 1.5, epoch 3"]


@pytest.mark.parametrize(("curve", "epoch"), [("loss", 3), ("accuracy", 2), ("mse", 3)])
def test_the_best_epoch_is_the_least_error_or_the_greatest_accuracy(curve: str, epoch: int) -> None:
    *_, best = viz.plot_history(HISTORY, curve).get_lines()
    assert best.get_xdata() == [epoch]


def test_losses_are_on_a_logarithmic_axis_where_they_can_be() -> None:
    assert viz.plot_history(HISTORY).get_yscale() == "log"
    assert viz.plot_history(HISTORY, "accuracy").get_yscale() == "linear"
    assert viz.plot_history(nn.History(loss=[1.0, 0.0])).get_yscale() == "linear"


def test_a_curve_without_validation_stands_alone() -> None:
    assert len(viz.plot_history(nn.History(loss=[1.0, 0.5])).get_lines()) == 1
    assert len(viz.plot_history(HISTORY, "learning_rate").get_lines()) == 1


@pytest.mark.parametrize("end", [np.nan, np.inf])
def test_a_run_that_diverged_is_drawn_as_far_as_it_goes(end: float) -> None:
    for val_loss in ([1.0, end], [end, end]):
        ax = viz.plot_history(nn.History(loss=[2.0, end], val_loss=val_loss))
        ax.figure.canvas.draw()
        assert ax.get_lines()[0].get_ydata()[0] == 2.0


def test_an_unknown_curve_is_refused() -> None:
    with pytest.raises(KeyError, match="no curve 'f1'; this history has loss"):
        viz.plot_history(HISTORY, "f1")


# Boundaries


@pytest.mark.parametrize("kind", ["Values", "Tensors"])
@pytest.mark.parametrize(("labels", "cut"), [(SIDES, 0.0), ((SIDES + 1) / 2, 0.5)])
def test_the_boundary_runs_midway_between_the_labels(
    kind: str, labels: np.ndarray, cut: float
) -> None:
    ax = viz.plot_decision_boundary(side_of_a_line(kind), POINTS, labels, resolution=11)
    line = boundary(ax)
    assert line[:, 0] == pytest.approx(np.full(len(line), cut), abs=1e-9)
    assert line[:, 1].min() == pytest.approx(-2.5)  # half a unit around the data
    assert line[:, 1].max() == pytest.approx(2.5)
    assert ax.get_title() == "Decision boundary, 4 of 4 right"
    assert rings(ax) == []


@pytest.mark.parametrize("kind", ["Values", "Tensors"])
def test_samples_on_the_wrong_side_are_ringed_and_counted(kind: str) -> None:
    ax = viz.plot_decision_boundary(side_of_a_line(kind, 1.5), POINTS, SIDES, resolution=9)
    assert ax.get_title() == "Decision boundary, 3 of 4 right"
    assert rings(ax) == [[1.0, 2.0]]


def test_samples_stand_where_they_are_and_are_named_by_label() -> None:
    ax = PLOTS["boundary"]()
    samples = [c.get_offsets().tolist() for c in ax.collections if c.get_label() in ("-1", "1")]
    assert samples == [POINTS[:2].tolist(), POINTS[2:].tolist()]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["-1", "1"]


def test_more_than_two_classes_are_told_by_the_largest_output() -> None:
    labels = [0, 1, 2, 1]
    ax = viz.plot_decision_boundary(three_sectors(), POINTS, labels, resolution=9)
    assert ax.get_title() == "Decision boundary, 3 of 4 right"
    assert rings(ax) == [[-1.0, -1.0]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0", "1", "2"]


@pytest.mark.parametrize("far", [-100.0, 100.0])
def test_a_model_that_says_the_same_everywhere_is_drawn_too(far: float) -> None:
    ax = viz.plot_decision_boundary(side_of_a_line("Tensors", far), POINTS, SIDES, resolution=9)
    ax.figure.canvas.draw()
    assert ax.get_title() == "Decision boundary, 2 of 4 right"


def test_looking_at_a_model_changes_nothing() -> None:
    model = side_of_a_line("Tensors")
    model(POINTS).sum().backward()
    before = [parameter.grad.tolist() for parameter in model.parameters()]
    viz.plot_decision_boundary(model, POINTS, SIDES, resolution=5)
    assert [parameter.grad.tolist() for parameter in model.parameters()] == before
    assert model.training


@pytest.mark.parametrize("X", [POINTS[:, :1], np.ones((4, 3)), POINTS[:, 0]])
def test_a_boundary_needs_two_features(X: np.ndarray) -> None:
    with pytest.raises(tg.ShapeError, match=r"X of shape \(samples, 2\), not .*choose two"):
        viz.plot_decision_boundary(side_of_a_line("Tensors"), X, SIDES)


def test_a_boundary_needs_a_label_for_each_sample() -> None:
    with pytest.raises(tg.ShapeError, match="X has 4 samples and y has 3"):
        viz.plot_decision_boundary(side_of_a_line("Tensors"), POINTS, SIDES[:3])
    assert plt.get_fignums() == []


# Confusion


def cells(ax: Any) -> dict[tuple[int, int], int]:
    """The counts in the cells, by row and column."""
    return {
        (int(t.get_position()[1]), int(t.get_position()[0])): int(t.get_text()) for t in ax.texts
    }


def test_rows_of_a_confusion_matrix_are_true_and_columns_predicted() -> None:
    ax = viz.plot_confusion_matrix([0, 0, 1, 2, 2, 2], [0, 2, 1, 2, 2, 1])
    assert cells(ax) == {(0, 0): 1, (0, 2): 1, (1, 1): 1, (2, 2): 2, (2, 1): 1}
    shares = np.asarray(ax.get_images()[0].get_array())
    assert shares[2] == pytest.approx(np.array([0.0, 1 / 3, 2 / 3]))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    assert ax.get_title() == "Confusion matrix, 66.7% of 6 right"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "1", "2"]


def test_classes_may_have_names() -> None:
    ax = viz.plot_confusion_matrix([0, 1], [1, 1], names=["cat", "dog"])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["cat", "dog"]


@pytest.mark.parametrize("labels", [np.array([-1, 1, 1]), np.array([True, False, False])])
def test_labels_that_are_no_indices_are_counted_right_or_refused(labels: np.ndarray) -> None:
    said = labels[[1, 1, 2]]  # one of the three is wrong
    try:
        title = viz.plot_confusion_matrix(labels, said).get_title()
    except (TypeError, ValueError) as error:
        assert "indices" in str(error)
    else:
        assert title == "Confusion matrix, 66.7% of 3 right"


def test_outputs_instead_of_labels_are_refused_with_the_fix() -> None:
    with pytest.raises(TypeError, match=r"class indices, integers, not float64.*argmax\(axis=1\)"):
        viz.plot_confusion_matrix([0, 1], [0.2, 0.7])
    with pytest.raises(tg.ShapeError, match="2 true labels came with 3 predictions"):
        viz.plot_confusion_matrix([0, 1], [0, 1, 1])


# Without matplotlib


@every_plot
def test_without_matplotlib_a_plot_names_what_to_install(
    plot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r'matplotlib.*missing.*pip install "twingrad\[viz\]"'):
        plot()
