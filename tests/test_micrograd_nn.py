"""Networks and training loops written for micrograd run on twingrad.nn, to the same numbers."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from twingrad import ShapeError, Value, nn

OURS = SimpleNamespace(Value=Value, Neuron=nn.Neuron, Layer=nn.Layer, MLP=nn.MLP)


def set_weights(model: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for p in model.parameters():
        p.data = rng.uniform(-1, 1)


def two_moons() -> tuple[np.ndarray, np.ndarray]:
    """Two half circles that reach into each other, labelled -1 and 1 by NumPy's integers."""
    angles = np.linspace(0, np.pi, 10)
    upper = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lower = np.stack([1 - np.cos(angles), 0.5 - np.sin(angles)], axis=1)
    noise = np.random.default_rng(1337).normal(0, 0.1, (20, 2))
    return np.concatenate([upper, lower]) + noise, np.repeat([-1, 1], 10)


def train_on_moons(lib: SimpleNamespace, model: Any, steps: int) -> list[tuple[float, float]]:
    X, y = two_moons()
    assert y.dtype == np.int64
    seen = []

    def loss() -> tuple[Any, float]:
        inputs = [list(map(lib.Value, xrow)) for xrow in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores)]  # noqa: B905
        data_loss = sum(losses) * (1.0 / len(losses))
        alpha = 1e-4
        reg_loss = alpha * sum(p * p for p in model.parameters())
        total_loss = data_loss + reg_loss
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores)]  # noqa: B905
        return total_loss, sum(accuracy) / len(accuracy)

    for k in range(steps):
        total_loss, acc = loss()
        model.zero_grad()
        total_loss.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        seen.append((total_loss.data, acc))
    return seen


def test_the_moons_demo_learns() -> None:
    model = nn.MLP(2, [8, 8, 1], activation="relu", rng=0)
    history = train_on_moons(OURS, model, 25)
    assert history[-1][0] < 0.5 * history[0][0]
    assert history[-1][1] >= 0.9


def test_the_moons_demo_takes_the_same_steps_as_micrograd(theirs: SimpleNamespace) -> None:
    mine, other = nn.MLP(2, [8, 8, 1], activation="relu"), theirs.MLP(2, [8, 8, 1])
    for model in (mine, other):
        set_weights(model, seed=1)
    ours = train_on_moons(OURS, mine, 10)
    # Rounding differs, for we sum a neuron in one node; ten steps may stretch it a little.
    np.testing.assert_allclose(ours, train_on_moons(theirs, other, 10), rtol=1e-10)
    np.testing.assert_allclose(
        [p.data for p in mine.parameters()], [p.data for p in other.parameters()], rtol=1e-9
    )


def test_a_network_has_the_gradients_of_micrograd(theirs: SimpleNamespace) -> None:
    mine, other = nn.MLP(3, [4, 4, 1], activation="relu"), theirs.MLP(3, [4, 4, 1])
    found = []
    for lib, model in ((OURS, mine), (theirs, other)):
        set_weights(model, seed=0)
        x = [lib.Value(number) for number in (2.0, 3.0, -1.0)]
        (model(x) ** 2).backward()
        found.append([node.grad for node in (*model.parameters(), *x)])
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_the_lectures_four_examples_are_learnt_step_by_step() -> None:
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]
    n = nn.MLP(3, [4, 4, 1], rng=1)
    assert len(n.parameters()) == 41
    losses = []
    for _ in range(60):
        ypred = [n(x) for x in xs]
        loss = sum((yout - ygt) ** 2 for ygt, yout in zip(ys, ypred, strict=True))
        for p in n.parameters():
            p.grad = 0.0
        loss.backward()
        for p in n.parameters():
            p.data += -0.02 * p.grad
        losses.append(loss.data)
    assert losses[-1] < 0.05 * losses[0]
    assert [out.data > 0 for out in map(n, xs)] == [True, False, False, True]


def test_a_neuron_is_tanh_of_its_weighted_sum() -> None:
    n = nn.Neuron(2)
    n.w[0].data, n.w[1].data, n.b.data = 0.5, -1.0, 0.25
    out = n([2.0, 3.0])
    assert out.data == pytest.approx(np.tanh(-1.75), rel=1e-15)
    out.backward()
    slope = 1 - np.tanh(-1.75) ** 2
    np.testing.assert_allclose(
        [p.grad for p in n.parameters()], [2.0 * slope, 3.0 * slope, slope], rtol=1e-13
    )


def test_without_nonlin_a_neuron_is_its_weighted_sum() -> None:
    n = nn.Neuron(2, nonlin=False)
    n.w[0].data, n.w[1].data, n.b.data = 0.5, -1.0, 0.25
    assert n([Value(2.0), 3]).data == -1.75


def test_models_have_the_attributes_of_the_lecture() -> None:
    model = nn.MLP(3, [4, 4, 1])
    assert [len(layer.neurons) for layer in model.layers] == [4, 4, 1]
    first = model.layers[0].neurons[0]
    assert len(first.w) == 3
    assert model.parameters()[:4] == [*first.w, first.b]
    assert [len(nn.Layer(2, k)([1.0, 2.0])) for k in (2, 3)] == [2, 3]
    assert isinstance(nn.Layer(2, 1)([1.0, 2.0]), Value)
    assert all(-1 <= w.data <= 1 for w in first.w)
    assert first.b.data == 0.0


def test_zero_grad_resets_every_parameter() -> None:
    model = nn.MLP(2, [3, 1])
    model([1.0, -1.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.grad for p in model.parameters())


def test_inputs_of_the_wrong_length_are_an_error_where_micrograd_cuts_them_off() -> None:
    for model in (nn.Neuron(2), nn.Layer(2, 3), nn.MLP(2, [3, 1])):
        for x in ([1.0], [1.0, 2.0, 3.0]):
            with pytest.raises(ShapeError, match=rf"2 numbers, but {len(x)} came"):
                model(x)
