"""Pictures of layers' outputs: their histograms, and the numbers said of them, counted by hand."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import StepPatch

import twingrad as tg
from tests.test_checkpoint import bits
from twingrad import Tensor, nn, viz
from twingrad.viz.plots.responses import responses

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(50, 2))


@pytest.fixture(autouse=True)
def nothing_stays_open() -> Iterator[None]:
    yield
    plt.close("all")


def said(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


def names(ax: Any) -> list[str]:
    return [tick.get_text() for tick in ax.get_yticklabels()]


def fixed(weight: Any, bias: Any) -> nn.Linear:
    layer = nn.Linear(*np.shape(weight), dtype="f8", rng=0)
    layer.weight.data, layer.bias.data = weight, bias
    return layer


# What the layers answer


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "gelu", "linear", "sin"])
def test_both_twins_answer_the_same(activation: str) -> None:
    mlp = nn.MLP(2, [4, 3, 1], activation=activation, rng=0)
    of_values, of_tensors = responses(mlp, POINTS), responses(mlp.to_tensor(), POINTS)
    assert [r.activation for r in of_values] == [r.activation for r in of_tensors]
    hidden = "" if activation == "linear" else activation
    assert [r.activation for r in of_values] == [hidden, hidden, ""]
    for one, other in zip(of_values, of_tensors, strict=True):
        np.testing.assert_allclose(one.outputs, other.outputs, rtol=1e-12, atol=1e-15)


def test_an_activation_is_found_as_a_layer_as_a_function_and_within_forward() -> None:
    linear, last = nn.Linear(2, 3, dtype="f8", rng=0), nn.Linear(3, 1, dtype="f8", rng=1)

    class Own(nn.Module):
        def __init__(self) -> None:
            self.first, self.last = linear, last

        def forward(self, x: Any) -> Any:
            return self.last(self.first(x).tanh())

    expected = np.tanh(POINTS @ linear.weight.data)
    for model in (
        nn.Sequential(linear, nn.Tanh(), last),
        nn.Sequential(linear, tg.tanh, last),
        Own(),
    ):
        first, second = responses(model, POINTS)
        assert (first.activation, second.activation) == ("tanh", "")
        assert first.name.endswith("Linear(2, 3) → tanh")
        np.testing.assert_allclose(first.outputs, expected)
        np.testing.assert_allclose(second.outputs, expected @ last.weight.data)


def test_layers_of_all_kinds_have_their_rows() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=0),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 10, rng=1),
        nn.Dropout(0.5, rng=2),
        nn.BatchNorm1d(10),
        nn.GELU("tanh"),
        nn.Residual(nn.Sequential(nn.Linear(10, 10, rng=3), nn.Tanh())),
    )
    found = responses(model, np.ones((5, 1, 8, 8)))
    assert [(r.name, r.outputs.shape) for r in found] == [
        ("[0] Conv2d(1, 4, 3) → relu", (5 * 36, 4)),
        ("[2] MaxPool2d(2)", (5 * 9, 4)),
        ("[4] Linear(36, 10)", (5, 10)),
        ("[6] BatchNorm1d(10) → gelu_tanh", (5, 10)),
        ("[8].module[0] Linear(10, 10) → tanh", (5, 10)),
        ("[8] Residual", (5, 10)),
    ]


def test_an_output_used_twice_keeps_its_own_row() -> None:
    class Swish(nn.Module):
        def __init__(self) -> None:
            self.linear = nn.Linear(2, 3, rng=0)

        def forward(self, x: Any) -> Any:
            x = self.linear(x)
            return x * tg.sigmoid(x)

    found = [r.name for r in responses(Swish(), POINTS)]
    assert found == ["linear Linear(2, 3)", "linear Linear(2, 3) → sigmoid", "Swish"]


@pytest.mark.parametrize("model", [nn.MLP(2, [3, 1], rng=0), nn.MLP(2, [3, 1], rng=0).to_tensor()])
def test_frozen_layers_are_seen_too(model: Any) -> None:
    before = [r.name for r in responses(model, POINTS)]
    for parameter in model.parameters():
        parameter.constant = True
    with tg.no_grad():
        assert [r.name for r in responses(model, POINTS)] == before


def test_neurons_of_ones_own_layers_are_one_row() -> None:
    class Layer(nn.Module):
        def __init__(self, nin: int, nout: int) -> None:
            self.neurons = [nn.Neuron(nin, rng=i) for i in range(nout)]

        def forward(self, x: Any) -> Any:
            return [neuron(x) for neuron in self.neurons]

    class Net(nn.Module):
        def __init__(self) -> None:
            self.layers = [Layer(2, 3), Layer(3, 1)]

        def forward(self, x: Any) -> Any:
            for layer in self.layers:
                x = layer(x)
            return x[0]

    found = responses(Net(), POINTS)
    assert [r.name for r in found] == ["layers[0] Layer → tanh", "layers[1] Layer → tanh"]
    assert [r.outputs.shape for r in found] == [(50, 3), (50, 1)]


@pytest.mark.parametrize("model", [nn.Neuron(2), nn.Layer(2, 3), nn.Linear(2, 3), nn.MLP(2, [1])])
def test_a_single_layer_is_one_row(model: Any) -> None:
    assert len(responses(model, POINTS)) == 1


def test_evaluation_mode_is_what_is_seen() -> None:
    norm = nn.BatchNorm1d(2, dtype="f8")
    norm.running_mean.data = [100.0, 200.0]
    (row,) = responses(nn.Sequential(norm, nn.Dropout(0.9, rng=0)), POINTS)
    np.testing.assert_allclose(row.outputs, (POINTS - [100.0, 200.0]) / np.sqrt(1.0 + 1e-5))


# What the picture says


def test_saturation_and_dead_units_are_counted() -> None:
    inputs = np.array([[-9.0, 0.5], [9.0, 1.5], [3.5, 2.5], [0.2, 3.5]])
    tanh = nn.Sequential(fixed(np.eye(2), [0.0, 0.0]), nn.Tanh())
    # Beyond atanh(√0.95) = 2.18 the slope is below 5 %: all but 0.2, 0.5 and 1.5.
    assert said(viz.plot_activations(tanh, inputs)) == ["62% saturated\nno unit dead"]
    sigmoid = nn.Sequential(fixed(np.eye(2), [0.0, 50.0]), nn.Sigmoid())
    # Twice as far out, beyond 4.36: -9 and 9 of the first unit, all of the second.
    assert said(viz.plot_activations(sigmoid, inputs)) == ["75% saturated\n1 of 2 units dead"]
    relu = nn.Sequential(fixed(np.eye(2), [0.0, -99.0]), nn.ReLU())
    assert said(viz.plot_activations(relu, inputs)) == ["62% zero\n1 of 2 units dead"]
    linear = nn.Sequential(fixed(np.eye(2), [0.0, 0.0]))
    mean, spread = inputs.mean(), inputs.std()
    expected = f"mean {mean:.2g}\nstandard deviation {spread:.2g}"
    assert said(viz.plot_activations(linear, inputs)) == [expected]


def test_a_channel_is_dead_that_is_never_active_anywhere() -> None:
    conv = nn.Conv2d(1, 3, 3, rng=0)
    conv.bias.data = [0.0, -99.0, 0.0]
    ax = viz.plot_activations(nn.Sequential(conv, nn.ReLU()), RNG.normal(size=(6, 1, 8, 8)))
    assert said(ax)[0].endswith("1 of 3 units dead")


def patches(ax: Any) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Heights, edges and base of what is drawn, row by row: first all, then what is not flat."""
    found = [patch for patch in ax.patches if isinstance(patch, StepPatch)]
    data = [patch.get_data() for patch in found]
    return [(np.asarray(d.values) - d.baseline, np.asarray(d.edges), d.baseline) for d in data]


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_the_histogram_is_numpys(scale: float) -> None:
    model = nn.Sequential(fixed(scale * np.eye(2), [0.0, 0.0]), fixed(np.eye(2), [0.5, 0.5]))
    ax = viz.plot_activations(model, POINTS)
    rows = patches(ax)
    assert len(rows) == 4
    for (heights, edges, base), outputs in zip(
        rows[::2], (scale * POINTS, scale * POINTS + 0.5), strict=True
    ):
        counts = np.histogram(outputs, edges)[0]
        assert counts.sum() == outputs.size  # no output is off the picture
        np.testing.assert_allclose(heights / heights.max(), np.sqrt(counts / counts.max()))
        assert 0.0 < heights.max() < 1.0  # it stays in its row
        assert base in (0, 1)
    assert rows[0][2] == 1  # the first layer is on top
    assert ax.get_xscale() == ("linear" if scale == 1.0 else "asinh")
    widths = np.diff(ax.xaxis.get_transform().transform(rows[0][1]))
    np.testing.assert_allclose(widths, widths[0])


def test_what_is_saturated_is_orange_and_the_rest_blue() -> None:
    model = nn.Sequential(fixed(np.eye(2), [0.0, 0.0]), nn.ReLU())
    everything, active = patches(viz.plot_activations(model, POINTS))
    at_zero = np.searchsorted(everything[1], 0.0, side="right") - 1
    zeros = np.count_nonzero(POINTS <= 0.0)
    counts = np.histogram(np.maximum(POINTS, 0.0), everything[1])[0]
    share = 1.0 - zeros / counts[at_zero]
    np.testing.assert_allclose(active[0][at_zero], share * everything[0][at_zero])
    others = np.arange(len(active[0])) != at_zero
    np.testing.assert_allclose(active[0][others], everything[0][others])


@pytest.mark.parametrize("twin", ["Values", "Tensors"])
def test_it_is_a_picture_with_labels(twin: str) -> None:
    mlp = nn.MLP(2, [4, 1], rng=0)
    ax = viz.plot_activations(mlp if twin == "Values" else mlp.to_tensor(), POINTS)
    ax.figure.canvas.draw()
    assert ax.get_title() == "Outputs of each layer over 50 samples"
    assert ax.get_xlabel() == "output"
    assert len(said(ax)) == len(names(ax)) == 2
    assert names(ax)[0].endswith("\n→ tanh")
    (text,) = ax.get_legend().get_texts()
    assert text.get_text() == "saturated: slope below 5% of its largest"


def test_what_is_not_finite_is_left_out_and_said() -> None:
    model = nn.Sequential(fixed([[1.0, 1.0], [0.0, 0.0]], [0.0, np.inf]))
    ax = viz.plot_activations(model, POINTS)
    ax.figure.canvas.draw()
    assert said(ax)[0].startswith("50.0% nan or infinite\nmean ")
    nan = nn.Sequential(fixed(np.full((2, 2), np.nan), [0.0, 0.0]))
    ax = viz.plot_activations(nan, POINTS)
    ax.figure.canvas.draw()
    assert said(ax) == ["100.0% nan or infinite"]


def test_outputs_that_are_all_the_same_are_drawn() -> None:
    for bias in (0.0, 1e30):
        model = nn.Sequential(fixed(np.zeros((2, 2)), [bias, bias]))
        ax = viz.plot_activations(model, POINTS[:1])
        ax.figure.canvas.draw()
        assert patches(ax)[0][0].max() > 0.0


@pytest.mark.parametrize("bias", [6.0, 1e3, 1e133, -1e150])
def test_ticks_of_far_outputs_do_not_overlap(bias: float) -> None:
    model = nn.Sequential(fixed(np.zeros((2, 2)), [bias, 0.0]))
    ax = viz.plot_activations(model, POINTS)
    ax.figure.canvas.draw()
    low, high = ax.get_xlim()
    places = zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
    boxes = [text.get_window_extent() for x, text in places if low <= x <= high]
    assert len(boxes) >= 2
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))


def test_it_draws_on_the_axes_it_is_given() -> None:
    _, given = plt.subplots()
    assert viz.plot_activations(nn.MLP(2, [1], rng=0), POINTS, ax=given) is given


# The model is left alone


class Leaves(nn.Module):
    """A layer that counts, remembers and draws, whatever the mode."""

    def __init__(self) -> None:
        self.calls = np.zeros(1)
        self.last = None
        self.rng = np.random.default_rng(0)

    def forward(self, x: Any) -> Any:
        self.calls += 1.0
        self.last = x + self.rng.normal()
        return self.last


def full_model() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(2, 4, rng=0), nn.BatchNorm1d(4), nn.Dropout(0.5, rng=1), Leaves(), nn.ReLU()
    )


@pytest.mark.parametrize("broken", [False, True])
def test_the_model_is_left_as_it_was(broken: bool) -> None:
    model = full_model()
    model(np.ones((5, 2), np.float32)).sum().backward()
    model[3].last = None
    model[1].eval()
    model[0].forward = model[0].forward
    if broken:
        model.layers.append(nn.Linear(9, 9, rng=0))
    before = bits(model), [dict(vars(module)) for module in model.modules()]
    gradients = [p.grad.copy() for p in model.parameters() if p.grad is not None]
    if broken:
        with pytest.raises(tg.ShapeError, match=r"expected \(batch, 9\)"):
            viz.plot_activations(model, POINTS)
    else:
        viz.plot_activations(model, POINTS)
    assert bits(model) == before[0]
    for module, then in zip(model.modules(), before[1], strict=True):
        assert vars(module).keys() == then.keys()
        assert all(vars(module)[name] is x or name == "calls" for name, x in then.items())
    for parameter, gradient in zip(model.parameters(), gradients, strict=False):
        np.testing.assert_array_equal(parameter.grad, gradient)


def test_values_keep_their_gradients() -> None:
    model = nn.MLP(2, [3, 1], rng=0)
    model([1.0, 2.0]).backward()
    before = [p.grad for p in model.parameters()]
    viz.plot_activations(model, POINTS)
    assert [p.grad for p in model.parameters()] == before


# What is refused


def test_what_it_refuses() -> None:
    model = nn.MLP(2, [1], rng=0)
    for wrong in (nn.MLP, lambda x: x, [1.0]):
        with pytest.raises(TypeError, match=r"nn\.Module"):
            viz.plot_activations(wrong, POINTS)
    with pytest.raises(ValueError, match="NaN or infinite"):
        viz.plot_activations(model, [[np.nan, 1.0]])
    for shape in ((2,), (0, 2)):
        with pytest.raises(tg.ShapeError, match="a row for each sample"):
            viz.plot_activations(model, np.zeros(shape))
    with pytest.raises(TypeError, match="must hold numbers"):
        viz.plot_activations(model, [["a", "b"]])
    for other in (model, model.to_tensor()):
        with pytest.raises(tg.ShapeError, match="2"):
            viz.plot_activations(other, np.zeros((5, 3)))


def test_samples_may_come_as_a_tensor_or_a_list() -> None:
    model = nn.MLP(2, [1], rng=0)
    for given in (Tensor(POINTS), POINTS.tolist()):
        assert viz.plot_activations(model, given).get_title().endswith("50 samples")


@pytest.mark.usefixtures("no_matplotlib")
def test_without_matplotlib_the_extra_is_named() -> None:
    with pytest.raises(ImportError, match=r"twingrad\[viz\]"):
        viz.plot_activations(nn.MLP(2, [1]), POINTS)
