"""Pictures of training: on whose axes, what they say, and that what they show is so.

They are read back from the axes: the data of a line, the path of a contour, the text of a cell.
"""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
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


def tried(losses: list[float], suggestion: float | None = 1e-2, **changed: Any) -> Any:
    """What a test of learning rates gives: a rate ten times the last one for each loss."""
    rates = [10.0 ** (i - 4) for i in range(len(losses))]
    smoothed = [loss + 0.25 for loss in losses]
    given = {"rates": rates, "losses": losses, "smoothed": smoothed, "suggestion": suggestion}
    return SimpleNamespace(**given | changed)


PLOTS: dict[str, Callable[..., Any]] = {
    "history": lambda **k: viz.plot_history(HISTORY, **k),
    "accuracy": lambda **k: viz.plot_history(HISTORY, "accuracy", **k),
    "rate": lambda **k: viz.plot_history(HISTORY, "learning_rate", **k),
    "rates tried": lambda **k: viz.plot_lr_range(tried([2.0, 2.0, 1.0, 3.0]), **k),
    "boundary": lambda **k: viz.plot_decision_boundary(
        side_of_a_line("Tensors"), POINTS, SIDES, resolution=9, **k
    ),
    "sectors": lambda **k: viz.plot_decision_boundary(
        three_sectors(), POINTS, [0, 0, 1, 1], resolution=9, **k
    ),
    "confusion": lambda **k: viz.plot_confusion_matrix([0, 1, 1], [0, 1, 0], **k),
}
every_plot = pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)


def contours(ax: Any, level: float) -> np.ndarray:
    """The points of the lines of a level: 0 is the boundary, 0.5 the dashed line beside it."""
    lines = [c for c in ax.collections if isinstance(c, QuadContourSet) and not c.filled]
    paths = [path for line in lines if line.levels[0] == level for path in line.get_paths()]
    return np.concatenate([path.vertices for path in paths])


def shade_at(ax: Any, x: float, y: float) -> tuple[float, ...]:
    """The colour of the filled contour that a point lies in."""
    for c in ax.collections:
        if isinstance(c, QuadContourSet) and c.filled:
            for path, color in zip(c.get_paths(), c.get_facecolor(), strict=True):
                if path.contains_point((x, y)):
                    return tuple(color)
    raise LookupError((x, y))


def legend(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


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
    assert ax.figure.axes[-1].get_xlabel() if ax.figure.axes[1:] else ax.get_xlabel()
    assert ax.get_ylabel()
    ax.figure.canvas.draw()


# Curves


def test_the_curves_are_those_of_the_history_by_epoch() -> None:
    ax = viz.plot_history(HISTORY)
    training, validation, best = ax.get_lines()
    assert training.get_xydata().tolist() == [[1, 4.0], [2, 2.0], [3, 1.0], [4, 0.5]]
    assert validation.get_ydata().tolist() == HISTORY.val_loss
    assert best.get_xydata().tolist() == [[3, 1.5]]
    assert (ax.get_title(), ax.get_ylabel()) == ("Mean loss by epoch", "mean loss")
    assert legend(ax) == ["training", "validation", "best: 1.5, epoch 3"]


@pytest.mark.parametrize(("curve", "epoch"), [("loss", 3), ("accuracy", 2), ("mse", 3)])
def test_the_best_epoch_is_the_least_error_or_the_greatest_accuracy(curve: str, epoch: int) -> None:
    *_, best = viz.plot_history(HISTORY, curve).get_lines()
    assert best.get_xdata() == [epoch]


def test_losses_are_on_a_logarithmic_axis_where_they_can_be() -> None:
    assert viz.plot_history(HISTORY).get_yscale() == "log"
    assert viz.plot_history(HISTORY, "accuracy").get_yscale() == "linear"
    assert viz.plot_history(nn.History(loss=[1.0, 0.0])).get_yscale() == "linear"


@pytest.mark.parametrize(
    ("curve", "title", "label"),
    [
        ("accuracy", "Accuracy by epoch", "accuracy"),
        ("val_loss", "Validation mean loss by epoch", "validation mean loss"),
        ("mse", "Mean squared error by epoch", "mean squared error"),
        ("learning_rate", "Learning rate by epoch", "learning rate"),
        ("seconds", "Time by epoch", "time (s)"),
    ],
)
def test_a_curve_is_named_in_words_and_units(curve: str, title: str, label: str) -> None:
    ax = viz.plot_history(HISTORY, curve)
    assert (ax.get_title(), ax.get_ylabel()) == (title, label)


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 7, 1000])
def test_epochs_are_counted_in_whole_numbers(epochs: int) -> None:
    ax = viz.plot_history(nn.History(loss=[1.0] * epochs))
    ax.figure.canvas.draw()
    ticks = ax.get_xticks()
    assert ticks.tolist() == np.round(ticks).tolist()
    low, high = ax.get_xlim()
    assert ((low <= ticks) & (ticks <= high)).any()


def falling(*rates: float) -> nn.History:
    return nn.History(loss=[1.0] * len(rates), learning_rate=list(rates))


@pytest.mark.parametrize(
    ("rates", "scale"),
    [
        ([0.1, 0.1], "linear"),
        ([0.1, 0.05, 1e-9], "linear"),  # as a cosine ends
        ([0.1, 0.01, 0.001], "log"),
        ([0.1, 0.01, 0.0], "linear"),
    ],
)
def test_a_learning_rate_is_on_a_logarithmic_axis_where_it_falls_by_powers_of_ten(
    rates: list[float], scale: str
) -> None:
    ax = viz.plot_history(falling(*rates), "learning_rate")
    assert ax.get_yscale() == scale
    assert scale == "log" or ax.get_ylim()[0] == 0.0


@pytest.mark.parametrize("curve", ["loss", "accuracy"])
@pytest.mark.parametrize("given", [None, "subplot", "free"])
def test_the_learning_rate_stands_below_a_curve_over_the_same_epochs(
    curve: str, given: str | None
) -> None:
    figure = plt.figure()
    ax = {"subplot": figure.add_subplot, "free": lambda: figure.add_axes((0.1, 0.1, 0.8, 0.8))}
    ax = viz.plot_history(HISTORY, curve, ax=ax[given]() if given else None)
    first, panel = ax.figure.axes
    assert ax is first
    ax.figure.canvas.draw()
    assert panel.get_lines()[0].get_xydata().tolist() == [[i, 0.1] for i in (1, 2, 3, 4)]
    assert panel.get_xlim() == ax.get_xlim()
    assert panel.get_position().y1 < ax.get_position().y0
    assert [panel.get_position().x0, panel.get_position().x1] == pytest.approx(
        [ax.get_position().x0, ax.get_position().x1]
    )
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("epoch", "learning\nrate")


def test_the_panel_is_left_out_where_it_says_nothing_or_is_not_wanted() -> None:
    alone = [
        viz.plot_history(HISTORY, learning_rate=False),
        viz.plot_history(HISTORY, "learning_rate"),
        viz.plot_history(HISTORY, "seconds"),
        viz.plot_history(nn.History(loss=[1.0])),
    ]
    for ax in alone:
        assert ax.figure.axes == [ax]
        assert ax.get_xlabel() == "epoch"


@pytest.mark.parametrize(
    "losses", [[2.3, 0.05], [0.7, 0.69], [1e2, 1e-6], [1.0], [3e4, 40.0]], ids=str
)
def test_a_logarithmic_axis_has_a_few_plain_numbers(losses: list[float]) -> None:
    ax = viz.plot_history(nn.History(loss=losses))
    ax.figure.canvas.draw()
    low, high = ax.get_ylim()
    shown = [t.get_text() for t in ax.get_yticklabels() if low <= t.get_position()[1] <= high]
    assert 2 <= len(shown) <= 12
    numbers = [float(word.replace("−", "-")) for word in shown]
    assert numbers == sorted(set(numbers))


def test_a_loss_of_zero_in_validation_keeps_the_axis_linear_and_itself_in_sight() -> None:
    ax = viz.plot_history(nn.History(loss=[1.0, 0.5], val_loss=[1.0, 0.0]))
    assert ax.get_yscale() == "linear"


def test_a_curve_without_validation_stands_alone() -> None:
    assert len(viz.plot_history(nn.History(loss=[1.0, 0.5])).get_lines()) == 1
    assert len(viz.plot_history(HISTORY, "learning_rate").get_lines()) == 1


@pytest.mark.parametrize("end", [np.nan, np.inf])
def test_a_run_that_diverged_is_drawn_as_far_as_it_goes(end: float) -> None:
    for val_loss in ([1.0, end], [end, end]):
        ax = viz.plot_history(nn.History(loss=[2.0, end], val_loss=val_loss))
        ax.figure.canvas.draw()
        assert ax.get_lines()[0].get_ydata()[0] == 2.0


def test_points_that_stand_alone_between_lost_ones_are_seen_and_the_lost_are_counted() -> None:
    ax = viz.plot_history(nn.History(loss=[1.0, np.nan, np.inf, 0.5, 0.4]))
    line = ax.get_lines()[0]
    assert (line.get_marker(), line.get_markevery()) == ("o", [0])
    assert "nan or infinite: training in 2 of 5 epochs, first in 2" in ax.get_xlabel()
    assert "nan" not in viz.plot_history(nn.History(loss=[1.0, 0.5])).get_xlabel()


def test_a_run_that_diverged_at_once_still_has_its_epochs() -> None:
    ax = viz.plot_history(nn.History(loss=[np.nan] * 3))
    assert ax.get_xlim() == (0.5, 3.5)
    assert "training in 3 of 3 epochs" in ax.get_xlabel()


def test_an_unknown_curve_is_refused() -> None:
    with pytest.raises(KeyError, match="no curve 'f1'; this history has loss"):
        viz.plot_history(HISTORY, "f1")


# Learning rates tried


def test_the_loss_is_drawn_over_the_rates_as_measured_and_smoothed() -> None:
    measured, smoothed, *_ = viz.plot_lr_range(tried([2.0, 1.0, 3.0])).get_lines()
    assert measured.get_xydata().tolist() == [[1e-4, 2.0], [1e-3, 1.0], [1e-2, 3.0]]
    assert smoothed.get_xydata().tolist() == [[1e-4, 2.25], [1e-3, 1.25], [1e-2, 3.25]]
    assert measured.get_alpha() < smoothed.get_alpha() == 1.0
    assert measured.axes.get_xscale() == "log"
    assert (measured.axes.get_xlabel(), measured.axes.get_ylabel()) == ("learning rate", "loss")


def test_the_suggested_rate_is_marked_on_the_curve_and_told() -> None:
    between = 10.0**-3.5  # halfway from the first rate to the second, as the axis has it
    ax = viz.plot_lr_range(tried([3.0, 1.0, 2.0], between))
    _, _, line, dot = ax.get_lines()
    assert line.get_xdata() == [between, between]
    assert dot.get_xydata()[0] == pytest.approx([between, (3.25 + 1.25) / 2])
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["as measured", "smoothed", "suggestion: 0.000316"]


def test_that_no_rate_is_suggested_is_said() -> None:
    ax = viz.plot_lr_range(tried([1.0, 2.0], suggestion=None))
    assert ax.get_title() == "Loss as the learning rate rises, no rate suggested"
    assert len(ax.get_lines()) == 2


def test_a_blow_up_at_the_end_does_not_flatten_the_rest() -> None:
    ax = viz.plot_lr_range(tried([2.0, 2.0, 1.5, 1.0, 5.0, 1e9]))
    low, high = ax.get_ylim()
    assert low < 1.0
    assert 2.25 < high < 3.0


@pytest.mark.parametrize("losses", [[1.0, 2.0, 50.0, 1e6], [1.0], [1.0, 1.0]])
def test_a_loss_that_never_falls_is_drawn_too(losses: list[float]) -> None:
    ax = viz.plot_lr_range(tried(losses))
    low, high = ax.get_ylim()
    assert low < 1.0
    assert np.median(losses) < high < 1e3
    ax = viz.plot_lr_range(tried(losses, smoothed=losses))
    assert ax.get_ylim()[0] < 1.0 < ax.get_ylim()[1] < 1e3


@pytest.mark.parametrize("end", [np.nan, np.inf])
def test_losses_that_are_no_numbers_are_left_out(end: float) -> None:
    ax = viz.plot_lr_range(tried([2.0, 1.0, end]))
    assert [line.get_xdata().tolist() for line in ax.get_lines()[:2]] == [[1e-4, 1e-3]] * 2
    assert np.isfinite(ax.get_ylim()).all()


def test_what_is_no_curve_of_rates_is_refused() -> None:
    with pytest.raises(TypeError, match=r"what nn\.lr_range_test returned, but .* has no rates"):
        viz.plot_lr_range(HISTORY)
    with pytest.raises(tg.ShapeError, match="2 rates came with 3 and 3"):
        viz.plot_lr_range(tried([3.0, 2.0, 1.0], rates=[0.1, 0.2]))
    for rates in ([0.0, 0.1], [0.2, 0.1]):
        with pytest.raises(ValueError, match="positive and rise"):
            viz.plot_lr_range(tried([2.0, 1.0], rates=rates))
    for losses in ([], [np.nan, np.inf]):
        with pytest.raises(ValueError, match="no finite loss to draw; start from a lower rate"):
            viz.plot_lr_range(tried(losses))
    assert plt.get_fignums() == []


# Boundaries


@pytest.mark.parametrize("kind", ["Values", "Tensors"])
@pytest.mark.parametrize(("labels", "cut"), [(SIDES, 0.0), ((SIDES + 1) / 2, 0.5)])
def test_the_boundary_runs_midway_between_the_labels(
    kind: str, labels: np.ndarray, cut: float
) -> None:
    ax = viz.plot_decision_boundary(side_of_a_line(kind), POINTS, labels, resolution=11)
    line = contours(ax, 0.0)
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
    samples = [c.get_offsets().tolist() for c in ax.collections if "label" in c.get_label()]
    assert samples == [POINTS[:2].tolist(), POINTS[2:].tolist()]
    assert legend(ax) == ["label -1", "label 1", "misclassified", "output -0.5 or 0.5"]


def test_features_and_labels_may_have_names_of_any_letters() -> None:
    ax = PLOTS["boundary"](features=("$x$ < 3", "größe"), names=["a|b", '"$5" to "$9"'])
    ax.figure.canvas.draw()
    assert (ax.get_xlabel(), ax.get_ylabel()) == (r"\$x\$ < 3", "größe")
    assert legend(ax)[:2] == ["a|b", r'"\$5" to "\$9"']
    with pytest.raises(ValueError, match="there are 2 classes, but 3 names came"):
        PLOTS["boundary"](names=["a", "b", "c"])
    with pytest.raises(ValueError, match="features names the two axes"):
        PLOTS["boundary"](features="xy")


@pytest.mark.parametrize(("labels", "cut", "reach"), [(SIDES, 0.0, 1.0), (SIDES > 0, 0.5, 0.5)])
def test_dashed_lines_run_halfway_to_the_labels(
    labels: np.ndarray, cut: float, reach: float
) -> None:
    ax = viz.plot_decision_boundary(side_of_a_line("Tensors"), POINTS, labels, resolution=51)
    found = sorted(set(contours(ax, 0.5)[:, 0].round(6)))
    assert found == pytest.approx([cut - reach / 2.0, cut + reach / 2.0])
    assert legend(ax)[-1] == f"output {cut - reach / 2:g} or {cut + reach / 2:g}"


def test_for_logits_dashed_lines_run_where_one_label_is_three_times_as_likely() -> None:
    ax = viz.plot_decision_boundary(
        side_of_a_line("Tensors"), POINTS, (SIDES + 1) / 2, cut=0.0, resolution=201
    )
    found = contours(ax, 0.5)[:, 0]
    assert np.abs(found) == pytest.approx(np.full(len(found), np.log(3.0)), abs=1e-3)
    assert legend(ax)[-1] == "3 times as likely as the next"


@pytest.mark.parametrize("ends", [[], [nn.Softmax()]], ids=["logits", "probabilities"])
def test_of_several_classes_dashed_lines_run_where_one_is_three_times_as_likely(
    ends: list[Any],
) -> None:
    model = nn.Sequential(*three_sectors(), *ends)
    ax = viz.plot_decision_boundary(model, POINTS, [0, 0, 1, 1], resolution=101)
    lines = contours(ax, 0.5)
    logits = np.sort(lines @ np.array([[-1.0, 1.0, 0.0], [0.0, 0.0, 1.5]]), axis=1)
    between = np.full(len(lines), np.log(3.0))
    assert logits[:, 2] - logits[:, 1] == pytest.approx(between, abs=0.05)


@pytest.mark.parametrize("kind", ["one output", "three outputs"])
def test_the_shade_is_paler_the_nearer_the_boundary_is(kind: str) -> None:
    model = side_of_a_line("Tensors") if kind == "one output" else three_sectors()
    ax = viz.plot_decision_boundary(model, POINTS, [0, 0, 1, 1], cut=0.0, resolution=51)
    shades = [shade_at(ax, x, -1.0) for x in (-2.0, -1.0, -0.1, 0.1, 1.0, 2.0)]
    strength = [max(color[:3]) - min(color[:3]) for color in shades]
    assert strength[0] > strength[1] > strength[2]
    assert strength[3] < strength[4] < strength[5]
    assert np.argmax(shades[0][:3]) == 2  # blue
    assert np.argmax(shades[-1][:3]) == 0  # orange


def test_values_and_tensors_are_shaded_alike() -> None:
    X = np.random.default_rng(0).normal(size=(6, 2))
    mlp = nn.MLP(2, [3, 1], rng=0)
    wrapped = nn.MLP(2, [3, 1], activation=tg.tanh, rng=0)  # which is asked number by number
    lines = [
        contours(viz.plot_decision_boundary(model, X, np.sign(X[:, 0]), resolution=12), 0.0)
        for model in (mlp, mlp.to_tensor(), wrapped)
    ]
    assert lines[1] == pytest.approx(lines[0])
    assert lines[2] == pytest.approx(lines[0])


def test_more_than_two_classes_are_told_by_the_largest_output() -> None:
    labels = [0, 1, 2, 1]
    ax = viz.plot_decision_boundary(three_sectors(), POINTS, labels, resolution=9)
    assert ax.get_title() == "Decision boundary, 3 of 4 right"
    assert rings(ax) == [[-1.0, -1.0]]
    assert legend(ax)[:3] == ["label 0", "label 1", "label 2"]


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


def cells(ax: Any) -> dict[tuple[int, int], str]:
    """What the cells say, by row and column."""
    return {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in ax.texts}


def recall(ax: Any) -> list[str]:
    (right,) = ax.child_axes
    return [tick.get_text() for tick in right.get_yticklabels()]


def test_rows_of_a_confusion_matrix_are_true_and_columns_predicted() -> None:
    ax = viz.plot_confusion_matrix([0, 0, 1, 2, 2, 2], [0, 2, 1, 2, 2, 1])
    assert cells(ax) == {
        (0, 0): "1\n50%",
        (0, 2): "1\n50%",
        (1, 1): "1\n100%",
        (2, 2): "2\n67%",
        (2, 1): "1\n33%",
    }
    assert recall(ax) == ["50.0%", "100.0%", "66.7%"]
    shares = np.asarray(ax.get_images()[0].get_array())
    assert shares[2] == pytest.approx(np.array([0.0, 1 / 3, 2 / 3]))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    assert ax.get_title() == "Confusion matrix, 66.7% of 6 right"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "1", "2"]


def test_classes_may_have_names() -> None:
    ax = viz.plot_confusion_matrix([0, 1], [1, 1], names=["cat", "$dog$"])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["cat", r"\$dog\$"]
    with pytest.raises(ValueError, match="there are 2 classes, but 1 names came"):
        viz.plot_confusion_matrix([0, 1], [1, 1], names=["cat"])


def test_only_all_is_called_100_percent_and_only_none_0_percent() -> None:
    truth, said = np.repeat([0, 1], 1000), np.repeat([0, 1], 1000)
    said[[0, 1000]] = 1, 0
    assert set(cells(viz.plot_confusion_matrix(truth, said)).values()) == {
        "999\n>99%",
        "1\n<1%",
    }


def test_a_class_of_which_there_is_no_true_sample_has_no_recall() -> None:
    assert recall(viz.plot_confusion_matrix([0, 0], [0, 1])) == ["50.0%", "none true"]


@pytest.mark.parametrize("classes", [2, 10, 40])
@pytest.mark.parametrize("given", [True, False], ids=["axes given", "its own axes"])
def test_what_a_cell_says_stays_within_it(classes: int, given: bool) -> None:
    labels = np.repeat(np.arange(classes), 1000)
    ax = plt.subplots(layout="constrained")[1] if given else None
    ax = viz.plot_confusion_matrix(labels, labels, ax=ax)
    ax.figure.canvas.draw()
    cell = ax.get_window_extent().width / classes
    for text in ax.texts:
        box = text.get_window_extent()
        assert box.width < cell
        assert box.height < cell


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
    with pytest.raises(tg.ShapeError, match=r"one class index for each sample.*argmax\(axis=1\)"):
        viz.plot_confusion_matrix(np.eye(2, dtype=int), [0, 1])


def test_more_classes_than_can_be_read_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="a matrix of 100,001 classes cannot be read"):
        viz.plot_confusion_matrix([0, 100_000], [0, 1])


# In another style


def test_pixels_stand_as_they_are_in_any_style() -> None:
    style = {"image.origin": "lower", "image.interpolation": "bilinear", "axes.grid": True}
    with plt.rc_context(style):
        drawn = (
            viz.plot_confusion_matrix([0, 1], [0, 0]),
            viz.plot_weights(np.arange(12.0).reshape(4, 3)),
            viz.plot_weights(np.arange(64.0).reshape(16, 4)),
        )
        for ax in drawn:
            for image in ax.get_images():
                assert (image.origin, image.get_interpolation()) == ("upper", "nearest")
            ax.figure.canvas.draw()
            assert not (ax.axison and any(line.get_visible() for line in ax.get_xgridlines()))


def test_words_are_read_on_a_dark_ground_and_on_a_light_one() -> None:
    model, (X, y) = nn.MLP(2, [2, 1], rng=0), nn.data.xor()
    with plt.style.context("dark_background"):
        beside = viz.plot_activations(model, X).texts
        assert {text.get_color() for text in beside} == {"white"}
        box = viz.plot_decision_boundary(model, X, y).get_legend()
        assert box.get_frame().get_facecolor()[:3] == (1.0, 1.0, 1.0)
        assert {to_hex(text.get_color()) for text in box.get_texts()} == {"#333333"}


# What is no axes, and what is no setting


@every_plot
def test_what_is_no_axes_is_refused(plot: Any) -> None:
    for thing in (plt, plt.figure(), [1], 3):
        with pytest.raises(TypeError, match="ax is one matplotlib Axes"):
            plot(ax=thing)


def test_a_history_of_no_epoch_is_refused() -> None:
    with pytest.raises(ValueError, match="this history holds no epoch yet"):
        viz.plot_history(nn.History())


@pytest.mark.parametrize("option", [{"cut": np.nan}, {"cut": "a"}, {"margin": -1}, {"margin": "a"}])
def test_a_cut_and_a_margin_are_finite_numbers(option: dict[str, Any]) -> None:
    X, y = nn.data.xor()
    with pytest.raises(ValueError, match=f"{next(iter(option))} is a .*number"):
        viz.plot_decision_boundary(nn.MLP(2, [1], rng=0), X, y, **option)


# Without matplotlib


@every_plot
@pytest.mark.usefixtures("no_matplotlib")
def test_without_matplotlib_a_plot_names_what_to_install(plot: Any) -> None:
    with pytest.raises(ImportError, match=r'matplotlib.*missing.*pip install "twingrad\[viz\]"'):
        plot()
