"""Pictures of gradients by layer: what is drawn is what was recorded, read back from the axes."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import twingrad as tg
from twingrad import Tensor, nn, viz


@pytest.fixture(autouse=True)
def nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*args: Any, **named: Any) -> None:
        raise RuntimeError("a plot called show()")

    monkeypatch.setattr(plt, "show", refuse)
    yield
    plt.close("all")


class Deep(nn.Module):
    """Layers of one number each, whose gradients a test sets by hand."""

    def __init__(self, count: int) -> None:
        self.layers = [nn.Linear(1, 1, bias=False, rng=i) for i in range(count)]


def monitored(gradients: Any) -> nn.Monitor:
    """A monitor that has seen these gradients, (steps, layers); None is none."""
    rows = list(gradients)
    model = Deep(len(rows[0]))
    sgd = nn.SGD(model.parameters(), lr=0.0)
    monitor = nn.Monitor(model, sgd)
    for row in rows:
        for parameter, gradient in zip(model.parameters(), row, strict=True):
            parameter.grad = None if gradient is None else np.full((1, 1), gradient)
        sgd.step()
        monitor.observe(0.0)
    return monitor


def lines(ax: Any) -> list[np.ndarray]:
    return [np.asarray(line.get_ydata(), float) for line in ax.get_lines()]


def test_a_line_for_each_layer_shows_its_norms() -> None:
    gradients = [[1.0, 10.0], [2.0, -20.0], [4.0, 40.0]]
    ax = viz.plot_gradient_flow(monitored(gradients))
    first, last = ax.get_lines()
    assert list(first.get_xdata()) == [1, 2, 3]
    np.testing.assert_allclose(first.get_ydata(), [1.0, 2.0, 4.0])
    np.testing.assert_allclose(last.get_ydata(), [10.0, 20.0, 40.0])
    assert ax.get_yscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "norm of the gradient")
    assert ax.get_title() == "Norm of the gradient by layer\nfirst layer ÷ last layer: 0.1"
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    assert named == ["layers[0] Linear(1, 1)", "layers[1] Linear(1, 1)"]


def test_the_title_compares_medians_of_the_last_tenth() -> None:
    steps = [[1.0, 1.0]] * 45 + [[1.0, 4.0]] * 3 + [[1.0, 1e9]] * 2
    title = viz.plot_gradient_flow(monitored(steps)).get_title()
    assert title.endswith("0.25, median of the last 5 steps")


def test_colours_run_from_dark_to_light() -> None:
    ax = viz.plot_gradient_flow(monitored([[1.0] * 12, [1.0] * 12]))
    weights = np.array([0.2126, 0.7152, 0.0722])
    light = [weights @ plt.matplotlib.colors.to_rgb(line.get_color()) for line in ax.get_lines()]
    assert len(light) == 12 and (np.diff(light) > 0.0).all()
    assert light[-1] < 0.85  # seen on white


def test_a_legend_of_many_layers_names_the_ends_and_some_between() -> None:
    ax = viz.plot_gradient_flow(monitored([[1.0] * 30]))
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(named) == 8
    assert named[0] == "layers[0] Linear(1, 1)" and named[-1] == "layers[29] Linear(1, 1)"
    assert ax.get_legend().get_title().get_text() == "30 layers"


def test_a_long_line_is_smoothed_over_the_faint_norms_themselves() -> None:
    gradients = np.tile([[1.0], [100.0]], (150, 1))
    ax = viz.plot_gradient_flow(monitored(gradients))
    raw, smooth = ax.get_lines()
    np.testing.assert_allclose(raw.get_ydata(), gradients[:, 0])
    assert raw.get_alpha() < 0.5
    # The geometric mean of four of one and three of the other.
    low, high = 100.0 ** (3.0 / 7.0), 100.0 ** (4.0 / 7.0)
    middle = np.asarray(smooth.get_ydata())[10:-10]
    assert np.allclose(np.minimum(abs(middle - low), abs(middle - high)), 0.0)


def test_what_has_no_place_on_a_logarithmic_axis_is_left_out_and_named() -> None:
    steps = [[1.0, 0.0, 1.0], [1.0, 1.0, None], [np.nan, 1.0, None], [1.0, 0.0, None]]
    ax = viz.plot_gradient_flow(monitored(steps))
    drawn = np.array(lines(ax)).T
    seen = [[True, False, True], [True, True, False], [False, True, False], [True, False, False]]
    np.testing.assert_array_equal(np.isfinite(drawn), seen)
    assert ax.get_xlabel().splitlines()[1:] == [
        "not drawn, zero at 2 of 4 steps: layers[1] Linear(1, 1)",
        "not drawn, no gradient at 3 of 4 steps: layers[2] Linear(1, 1)",
        "not drawn, nan or infinite at 1 of 4 steps: layers[0] Linear(1, 1)",
    ]
    ax.figure.canvas.draw()


def test_of_many_layers_left_out_two_are_named() -> None:
    ax = viz.plot_gradient_flow(monitored([[0.0] * 5 + [1.0]]))
    assert ax.get_xlabel().endswith("layers[0] Linear(1, 1), layers[1] Linear(1, 1) and 3 more")


def test_gradients_that_are_all_zero_are_a_picture_that_says_so() -> None:
    ax = viz.plot_gradient_flow(monitored([[0.0, 0.0]] * 3))
    ax.figure.canvas.draw()
    assert "not drawn, zero at 3 of 3 steps" in ax.get_xlabel()
    assert ax.get_title() == "Norm of the gradient by layer"


@pytest.mark.parametrize("twin", ["Values", "Tensors"])
def test_a_model_after_backward_shows_a_point_for_each_layer(twin: str) -> None:
    mlp = nn.MLP(2, [3, 1], rng=0)
    if twin == "Values":
        model: Any = mlp
        groups = [layer.parameters() for layer in mlp.layers]
        (model([1.0, -2.0]) ** 2).backward()
    else:
        model = mlp.to_tensor()
        groups = [model[0].parameters(), model[2].parameters()]
        (model(np.array([[1.0, -2.0]])) ** 2).sum().backward()
    ax = viz.plot_gradient_flow(model)
    expected = [np.linalg.norm(np.concatenate([np.ravel(p.grad) for p in g])) for g in groups]
    np.testing.assert_allclose(ax.collections[0].get_offsets()[:, 0], expected)
    assert ax.get_xscale() == "log"
    ratio = expected[0] / expected[1]
    assert ax.get_title().endswith(f"first layer ÷ last layer: {ratio:.2g}")
    rows = [tick.get_text() for tick in ax.get_yticklabels()]
    assert rows[0] == ("layers[0] Layer(2, 3)" if twin == "Values" else "[0] Linear(2, 3)")
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first layer is on top


def test_a_model_with_zeros_and_layers_without_gradient() -> None:
    model = Deep(3)
    model.layers[0].weight.grad = np.zeros((1, 1))
    model.layers[2].weight.grad = np.ones((1, 1))
    ax = viz.plot_gradient_flow(model)
    ax.figure.canvas.draw()
    assert ax.get_xlabel().splitlines()[1:] == [
        "not drawn, zero: layers[0] Linear(1, 1)",
        "not drawn, no gradient: layers[1] Linear(1, 1)",
    ]
    np.testing.assert_array_equal(np.isfinite(ax.collections[0].get_offsets()[:, 0].filled(np.nan)),
                                  [False, False, True])  # fmt: skip


def test_a_hundred_layers_have_names_that_do_not_overlap() -> None:
    model = Deep(100)
    for i, parameter in enumerate(model.parameters()):
        parameter.grad = np.full((1, 1), 10.0 ** (i / 10))
    ax = viz.plot_gradient_flow(model)
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.get_yticklabels()]
    assert all(a.y0 >= b.y1 for a, b in pairwise(boxes))


def test_names_with_dollars_are_no_formulas() -> None:
    model = nn.Sequential(nn.Linear(1, 1, rng=0))
    model.parts = {"$x$": nn.Linear(1, 1, rng=1)}
    model.parts["$x$"].weight.grad = model[0].weight.grad = np.ones((1, 1))
    ax = viz.plot_gradient_flow(model)
    ax.figure.canvas.draw()
    assert any(r"\$x\$" in tick.get_text() for tick in ax.get_yticklabels())


def test_it_draws_on_the_axes_it_is_given() -> None:
    _, axes = plt.subplots(2)
    monitor = monitored([[1.0, 2.0]])
    assert viz.plot_gradient_flow(monitor, ax=axes[0]) is axes[0]
    assert viz.plot_gradient_flow(monitor.model, ax=axes[1]) is axes[1]


def test_what_it_refuses() -> None:
    model = Deep(2)
    with pytest.raises(ValueError, match=r"call backward\(\) on the loss first"):
        viz.plot_gradient_flow(model)
    with pytest.raises(ValueError, match="has seen no step yet"):
        viz.plot_gradient_flow(nn.Monitor(model, nn.SGD(model.parameters(), lr=0.1)))
    for wrong in (nn.MLP, [1.0, 2.0], nn.History()):
        with pytest.raises(TypeError, match=r"takes an nn\.Monitor, or a model"):
            viz.plot_gradient_flow(wrong)


@pytest.mark.usefixtures("no_matplotlib")
def test_without_matplotlib_the_extra_is_named() -> None:
    with pytest.raises(ImportError, match=r"twingrad\[viz\]"):
        viz.plot_gradient_flow(monitored([[1.0, 1.0]]))


def test_a_vanishing_gradient_is_seen_to_vanish() -> None:
    """In a deep sigmoid network each layer multiplies by a slope of a quarter at most."""
    layers: list[Any] = []
    for i in range(20):
        layers += [nn.Linear(8, 8, init="xavier", rng=i), nn.Sigmoid()]
    model = nn.Sequential(layers)
    tg.sum(model(Tensor(np.ones((4, 8), np.float32)))).backward()
    ax = viz.plot_gradient_flow(model)
    drawn = ax.collections[0].get_offsets()[:, 0]
    assert drawn[0] / drawn[-1] < 1e-8
