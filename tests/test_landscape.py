"""The loss landscape: its directions, its numbers and its path, against NumPy by hand."""

from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.contour import QuadContourSet

import twingrad as tg
from tests.test_checkpoint import bits
from twingrad import Value, nn, viz
from twingrad.viz.plots import landscape
from twingrad.viz.plots.directions import (
    filters_of,
    principal_directions,
    random_direction,
    weights_of,
)

X, Y = nn.data.moons(20, noise=0.1, rng=0)


@pytest.fixture(autouse=True)
def nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*args: Any, **named: Any) -> None:
        raise RuntimeError("a plot called show()")

    monkeypatch.setattr(plt, "show", refuse)
    yield
    plt.close("all")


@pytest.fixture
def maps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The grids that are drawn: across, up, losses."""
    seen: list[tuple[Any, ...]] = []
    draw = landscape._contours

    def listening(ax: Any, *grid: Any) -> None:
        seen.append(grid)
        draw(ax, *grid)

    monkeypatch.setattr(landscape, "_contours", listening)
    return seen


class Two(nn.Module):
    """Two numbers, of which the second is not in the output."""

    def __init__(self) -> None:
        self.w = [Value(3.0), Value(4.0)]

    def forward(self, x: Any) -> Any:
        return self.w[0] * 1.0


def first_squared(outputs: Any, y: Any) -> Any:
    return outputs[0] * outputs[0]


# Directions


def test_a_filter_is_what_leads_into_a_unit() -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 2, rng=0), nn.Flatten(), nn.Linear(3, 4, rng=1))
    conv, linear = model[0], model[2]
    filters = filters_of(model, model.parameters())
    weights = weights_of(model.parameters())
    found = [weights[places] for places in filters]
    expected = [*conv.weight.data.reshape(3, -1), *linear.weight.data.T]
    assert len(found) == len(expected) == 3 + 4
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_filters_of_values_are_those_of_the_twin() -> None:
    mlp = nn.MLP(2, [3, 1], rng=0)
    sizes = []
    for model in (mlp, mlp.to_tensor()):
        parameters = model.parameters()
        weights = weights_of(parameters)
        sizes.append(sorted(np.linalg.norm(weights[p]) for p in filters_of(model, parameters)))
    np.testing.assert_allclose(*sizes)


@given(st.integers(0, 10_000))
def test_a_random_direction_has_the_norms_of_the_filters_and_leaves_biases(seed: int) -> None:
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4), nn.Linear(4, 2, rng=1))
    model[0].bias.data = np.ones(4)
    parameters = model.parameters()
    weights, filters = weights_of(parameters), filters_of(model, parameters)
    direction = random_direction(weights, filters, np.random.default_rng(seed))
    first, rest = np.split(direction, [12])
    np.testing.assert_allclose(
        np.linalg.norm(first.reshape(3, 4), axis=0),
        np.linalg.norm(model[0].weight.data, axis=0),
        rtol=1e-6,
    )
    assert not rest[: 4 + 8].any()  # the bias, and the numbers of the normalisation
    np.testing.assert_allclose(
        np.linalg.norm(rest[12:20].reshape(4, 2), axis=0),
        np.linalg.norm(model[2].weight.data, axis=0),
        rtol=1e-6,
    )
    assert not rest[20:].any()


@given(st.integers(3, 8), st.integers(2, 12), st.integers(0, 1000))
def test_principal_directions_are_those_of_the_covariance(n: int, p: int, seed: int) -> None:
    path = np.random.default_rng(seed).normal(size=(n, p)).cumsum(axis=0)
    directions, explained = principal_directions(path)
    variances = np.linalg.eigvalsh(np.cov(path.T))[::-1]
    np.testing.assert_allclose(explained, variances[:2] / variances.sum(), atol=1e-9)
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-6)
    projected = (path - path.mean(axis=0)) @ directions.T
    np.testing.assert_allclose(np.sum(projected**2, axis=0), variances[:2] * (n - 1), atol=1e-6)
    start = (path[0] - path[-1]) @ directions.T
    assert (start <= 1e-9).all()  # the path runs to the right, and up


def test_a_straight_path_has_one_direction() -> None:
    path = np.outer(np.arange(5.0), [3.0, 4.0, 0.0])
    directions, explained = principal_directions(path)
    np.testing.assert_allclose(directions[0], [0.6, 0.8, 0.0])
    np.testing.assert_allclose(explained, [1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-12)


def test_a_model_of_one_number_has_a_map_without_a_second_direction() -> None:
    model = Two()
    model.w = [Value(3.0)]
    path = np.array([[1.0], [2.0], [4.0]])
    ax = viz.plot_loss_landscape(model, first_squared, X, Y, path=path, resolution=3)
    assert "(100% of variance)" in ax.get_xlabel() and "(0% of variance)" in ax.get_ylabel()


# The numbers on the map


def trained(twin: str) -> tuple[Any, nn.Monitor]:
    mlp = nn.MLP(2, [4, 1], rng=0)
    model: Any = mlp if twin == "Values" else nn.Sequential(*mlp.to_tensor().layers, column)
    sgd = nn.SGD(model.parameters(), lr=0.1)
    monitor = nn.Monitor(model, sgd)
    nn.fit(model, X, Y, loss=nn.mse_loss, optimizer=sgd, epochs=20, callbacks=[monitor],
           record=twin == "Values", progress=False, rng=0)  # fmt: skip
    return model, monitor


def column(x: Any) -> Any:
    return x[:, 0]


def by_hand(weights: np.ndarray) -> float:
    """The loss of the network of `trained`, of weights in its twin's order."""
    neurons, (last,) = weights[:12].reshape(4, 3), [weights[12:]]
    hidden = np.tanh(X @ neurons[:, :2].T + neurons[:, 2])
    return float(np.mean((hidden @ last[:4] + last[4] - Y) ** 2))


def test_the_map_is_the_loss_computed_by_hand(maps: list[Any]) -> None:
    model, _ = trained("Values")
    origin = weights_of(model.parameters())
    viz.plot_loss_landscape(model, nn.mse_loss, X, Y, rng=5, resolution=7, extent=0.5)
    ((across, up, losses),) = maps
    np.testing.assert_allclose(across, np.linspace(-0.5, 0.5, 7))
    np.testing.assert_allclose(up, across)
    rng = np.random.default_rng(5)
    filters = filters_of(model, model.parameters())
    first, second = (random_direction(origin, filters, rng) for _ in range(2))
    for i in range(7):
        for j in range(7):
            expected = by_hand(origin + across[j] * first + up[i] * second)
            assert losses[i, j] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("given", ["monitor", "array"])
def test_the_twins_have_one_landscape_along_a_path(given: str, maps: list[Any]) -> None:
    for twin in ("Values", "Tensors"):
        model, monitor = trained(twin)
        path = monitor if given == "monitor" else monitor.path
        viz.plot_loss_landscape(model, nn.mse_loss, X, Y, path=path, resolution=5)
    for one, other in zip(*maps, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3)  # float32, in another order


def test_a_path_is_drawn_as_it_was_taken(maps: list[Any]) -> None:
    model, monitor = trained("Values")
    ax = viz.plot_loss_landscape(model, nn.mse_loss, X, Y, path=monitor, resolution=41)
    trail, start, end = ax.get_lines()
    points = np.array(trail.get_data()).T
    assert len(points) == 21
    np.testing.assert_allclose(points[-1], 0.0, atol=1e-12)
    np.testing.assert_array_equal(np.ravel(start.get_data()), points[0])
    np.testing.assert_array_equal(np.ravel(end.get_data()), points[-1])
    # Distances in the plane are at most those in space, and nearly those where it explains all.
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    in_space = np.linalg.norm(np.diff(monitor.path, axis=0), axis=1)
    assert (steps <= in_space * (1.0 + 1e-5)).all()
    assert steps.sum() > 0.8 * in_space.sum()
    across, up, losses = maps[0]
    assert across[0] < points[:, 0].min() and points[:, 0].max() < across[-1]
    assert up[0] < points[:, 1].min() and points[:, 1].max() < up[-1]
    # Where the path ends, the map has the loss of the model as it is now.
    near = losses[np.abs(up).argmin(), np.abs(across).argmin()]
    assert near == pytest.approx(by_hand(weights_of(model.parameters())), rel=0.05)
    assert "% of variance" in ax.get_xlabel() and "% of variance" in ax.get_ylabel()
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts[0] == "start" and texts[1].startswith("end: loss ")


def test_values_that_cannot_be_replayed_are_computed_one_by_one(maps: list[Any]) -> None:
    def branching(outputs: Any, y: Any) -> Any:
        loss = nn.mse_loss(outputs, y)
        return loss if loss.data < 0.7 else loss * 2.0

    model, _ = trained("Values")
    for loss in (nn.mse_loss, branching):
        viz.plot_loss_landscape(model, loss, X, Y, rng=0, resolution=3)
    plain, branched = (losses for _, _, losses in maps)
    assert (plain < 0.7).any() and (plain > 0.7).any()
    np.testing.assert_allclose(branched, np.where(plain < 0.7, plain, 2.0 * plain), rtol=1e-9)


def test_a_seed_gives_one_map_and_another_another(maps: list[Any]) -> None:
    model, _ = trained("Values")
    for seed in (1, 1, 2):
        viz.plot_loss_landscape(model, nn.mse_loss, X, Y, rng=seed, resolution=3)
    first, again, other = (losses for _, _, losses in maps)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_frozen_parameters_stay(maps: list[Any]) -> None:
    model = Two()
    viz.plot_loss_landscape(model, first_squared, X, Y, rng=0, resolution=3)
    model.w[0].constant = True
    viz.plot_loss_landscape(model, first_squared, X, Y, rng=0, resolution=3)
    assert np.ptp(maps[0][2]) > 1.0
    np.testing.assert_array_equal(maps[1][2], 9.0)


# What is drawn


def test_contours_are_logarithmic_where_the_loss_spans_much() -> None:
    for span, scale in ((1e-3, "log"), (0.5, "linear")):
        figure, ax = plt.subplots()
        losses = np.geomspace(span, 1.0, 25).reshape(5, 5)
        landscape._contours(ax, np.arange(5.0), np.arange(5.0), losses)
        filled = next(c for c in ax.collections if isinstance(c, QuadContourSet))
        steps = np.diff(np.log(filled.levels) if scale == "log" else filled.levels)
        np.testing.assert_allclose(steps, steps[0])
        assert filled.levels[0] <= losses.min() and filled.levels[-1] >= losses.max()
        bar = figure.axes[-1]
        assert bar.get_ylabel() == "loss"
        figure.canvas.draw()
        labels = [text.get_text() for text in bar.get_yticklabels()]
        assert len([text for text in labels if text]) >= 3


@pytest.mark.parametrize(
    "losses",
    [np.zeros((3, 3)), np.full((3, 3), 5.0), -np.arange(9.0).reshape(3, 3), np.eye(3) * 1e-300],
)
def test_flat_and_negative_losses_are_drawn(losses: Any) -> None:
    figure, ax = plt.subplots()
    landscape._contours(ax, np.arange(3.0), np.arange(3.0), losses)
    figure.canvas.draw()


def test_what_is_not_finite_is_grey() -> None:
    losses = np.ones((5, 5)) + np.arange(5.0)
    losses[0, :2], losses[4, 4] = np.nan, np.inf
    figure, ax = plt.subplots()
    landscape._contours(ax, np.arange(5.0), np.arange(5.0), losses)
    figure.canvas.draw()
    assert ax.get_facecolor()[:3] == pytest.approx((0.75, 0.75, 0.75), abs=0.01)


def test_a_loss_that_is_finite_nowhere_is_refused_and_leaves_no_figure() -> None:
    model, _ = trained("Values")
    before = plt.get_fignums()
    with pytest.raises(ValueError, match="nan or infinite everywhere"):
        viz.plot_loss_landscape(model, lambda o, y: nn.mse_loss(o, y) * np.nan, X, Y, resolution=3)
    assert plt.get_fignums() == before


@pytest.mark.parametrize("twin", ["Values", "Tensors"])
def test_it_is_a_picture_with_labels(twin: str) -> None:
    model, _ = trained(twin)
    _, given = plt.subplots()
    ax = viz.plot_loss_landscape(model, nn.mse_loss, X, Y, rng=0, resolution=5, ax=given)
    assert ax is given
    ax.figure.canvas.draw()
    centre = by_hand(weights_of(trained("Values")[0].parameters()))
    assert ax.get_title() == f"Loss around the model, whose own is {centre:.3g} (star)"
    assert "random direction" in ax.get_xlabel()


# The model is left alone


def something_of_everything() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(2, 4, rng=0),
        nn.BatchNorm1d(4),
        nn.Dropout(0.5, rng=1),
        nn.ReLU(),
        nn.Linear(4, 1, rng=2),
        column,
    )


@pytest.mark.parametrize("error", [None, ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize("make", [something_of_everything, lambda: nn.MLP(2, [3, 1], rng=0)])
def test_the_model_is_left_bit_for_bit_as_it_was(make: Any, error: Any) -> None:
    model = make()
    if isinstance(model, nn.MLP):
        nn.mse_loss([model(row) for row in X.tolist()], Y).backward()
    else:
        nn.mse_loss(model(X.astype(np.float32)), Y).backward()
        model[1].eval()
    modes = [module.training for module in model.modules()]
    before = bits(model), [bits(p.grad) for p in model.parameters()]
    calls = 0

    def loss(outputs: Any, y: Any) -> Any:
        nonlocal calls
        calls += 1
        if error and calls > (1 if isinstance(model, nn.MLP) else 4):
            raise error("in the midst")
        return nn.mse_loss(outputs, y)

    if error is None:
        viz.plot_loss_landscape(model, loss, X, Y, rng=0, resolution=3)
    else:
        with pytest.raises(error, match="in the midst"):
            viz.plot_loss_landscape(model, loss, X, Y, rng=0, resolution=3)
    assert (bits(model), [bits(p.grad) for p in model.parameters()]) == before
    assert [module.training for module in model.modules()] == modes


def test_a_model_that_is_no_module_is_drawn_and_left_as_it_was() -> None:
    class Line:
        def __init__(self) -> None:
            self.w, self.b = Value(2.0), Value(1.0)

        def parameters(self) -> list[Value]:
            return [self.w, self.b]

        def __call__(self, x: Any) -> Any:
            return self.w * x[0] + self.b

    line = Line()
    viz.plot_loss_landscape(line, nn.mse_loss, X, Y, rng=0, resolution=3)
    assert (line.w.data, line.b.data, line.w.grad) == (2.0, 1.0, 0.0)


# What is refused


def test_what_it_refuses() -> None:
    model, monitor = trained("Values")
    other, _ = trained("Tensors")

    def plot(**changed: Any) -> Any:
        given = {"model": model, "loss": nn.mse_loss, "X": X, "y": Y, "resolution": 3} | changed
        return viz.plot_loss_landscape(**given)

    for error, match, changed in (
        (ValueError, "another model", {"model": other, "path": monitor}),
        (TypeError, "nn.Monitor or an array", {"path": "here"}),
        (tg.ShapeError, r"\(snapshots, 17\)", {"path": np.ones((5, 3))}),
        (tg.ShapeError, "three snapshots or more", {"path": np.ones((2, 17))}),
        (ValueError, "all snapshots of the path are the same", {"path": np.ones((5, 17))}),
        (ValueError, r"from snapshot 1 on; .*path\[:1\]", {"path": nan_path()}),
        (TypeError, "a built one", {"model": nn.MLP}),
        (ValueError, "no parameters", {"model": nn.Sequential(nn.Tanh())}),
        (ValueError, "resolution", {"resolution": 2}),
        (ValueError, "extent", {"extent": 0.0}),
        (tg.ShapeError, "X and y need one entry", {"y": Y[:3]}),
        (ValueError, "NaN", {"X": np.full_like(X, np.nan)}),
        (TypeError, "loss is a function", {"loss": X}),
        (TypeError, "the loss must be a Value or a Tensor", {"loss": lambda outputs, y: 1.0}),
    ):
        with pytest.raises(error, match=match):
            plot(**changed)
    flat = nn.Sequential(nn.Linear(2, 1, init="zeros"))
    with pytest.raises(ValueError, match="give random directions no length"):
        plot(model=flat)
    with pytest.raises(ValueError, match="give random directions no length"):
        plot(model=nn.BatchNorm1d(2))


def nan_path() -> np.ndarray:
    path = np.ones((4, 17)).cumsum(axis=0)
    path[1:, 3] = np.nan
    return path


@pytest.mark.usefixtures("no_matplotlib")
def test_without_matplotlib_the_extra_is_named() -> None:
    with pytest.raises(ImportError, match=r"twingrad\[viz\]"):
        viz.plot_loss_landscape(nn.MLP(2, [1], rng=0), nn.mse_loss, X, Y, resolution=3)
