"""The networks and losses of `nn`, and micrograd's own: one product a layer, every replay true."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.recorded import eager, near, replayed
from twingrad import Recording, Value, nn


def test_one_sample_through_one_neuron_and_then_two_replays_as_it_runs() -> None:
    model = nn.MLP(2, [1, 2], rng=0)
    leaves = model.parameters()

    def loss(x: Any) -> Any:
        return sum(model(x))

    recording = tg.record(loss, [1.0, 2.0])
    assert near(replayed(recording, leaves, ([3.0, 4.0],)), eager(loss, leaves, ([3.0, 4.0],)))


def moons(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X = rng.normal(size=(count, 2))
    return X, np.where(X[:, 0] * X[:, 1] > 0.0, 1.0, -1.0)


@pytest.mark.parametrize("activation", nn.neuron.ACTIVATIONS)
@pytest.mark.parametrize("batch", [1, 13])
def test_an_mlp_is_one_product_a_layer(activation: str, batch: int) -> None:
    model = nn.MLP(2, [5, 4, 1], activation=activation, rng=0)
    leaves = model.parameters()
    X, y = moons(batch, np.random.default_rng(0))

    def loss(X: Any, y: Any) -> Any:
        return nn.mse_loss([model(x) for x in X], y)

    recording = tg.record(loss, X, y)
    assert recording.matrix_products == (3 if batch > 1 else 2)
    assert recording.gathers == 0
    assert near(replayed(recording, leaves, (X, y)), eager(loss, leaves, (X, y)))


@pytest.mark.parametrize(
    "loss_of",
    [
        nn.mse_loss,
        nn.l1_loss,
        nn.huber_loss,
        lambda outputs, y: nn.hinge_loss(outputs, y),
        lambda outputs, y: nn.binary_cross_entropy_with_logits(outputs, (y + 1.0) / 2.0),
    ],
    ids=["mse", "l1", "huber", "hinge", "binary_cross_entropy"],
)
def test_the_losses_of_nn_replay_as_they_run(loss_of: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    model = nn.MLP(2, [4, 1], rng=0)
    leaves = model.parameters()
    X, y = moons(9, rng)

    def loss(X: Any) -> Any:
        return loss_of([model(x) for x in X], y)

    recording = tg.record(loss, X)
    assert recording.matrix_products == 2
    X = rng.normal(size=X.shape)
    assert near(replayed(recording, leaves, (X,)), eager(loss, leaves, (X,)))


def test_a_loss_checks_the_targets_of_every_replay() -> None:
    model = nn.Neuron(2, rng=0)
    X, y = moons(6, np.random.default_rng(0))

    def loss(X: Any, y: Any) -> Any:
        return nn.hinge_loss([model(x) for x in X], y)

    recording = tg.record(loss, X, y)
    assert near(replayed(recording, model.w, (X, -y)), eager(loss, model.w, (X, -y)))
    model.b.grad = 7.0
    with pytest.raises(ValueError, match=r"takes targets of -1 and 1, but got 0\.5"):
        recording.replay(X, np.full(6, 0.5))
    assert model.b.grad == 7.0


def test_the_cross_entropy_of_many_classes_replays_as_it_runs() -> None:
    rng = np.random.default_rng(0)
    model = nn.MLP(3, [6, 4], rng=0)
    leaves = model.parameters()
    X, labels = rng.normal(size=(8, 3)), rng.integers(0, 4, 8)

    def loss(X: Any) -> Any:
        return nn.cross_entropy([model(x) for x in X], labels)

    recording = tg.record(loss, X)
    assert recording.matrix_products == 2
    X = rng.normal(size=X.shape)
    assert near(replayed(recording, leaves, (X,)), eager(loss, leaves, (X,)))


def micrograds_loss(model: Any, X: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    """As in the notebook of micrograd, with every input a Value of its own."""

    def loss() -> Any:
        inputs = [list(map(Value, row)) for row in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        return data_loss + 1e-4 * sum(p * p for p in model.parameters())

    return loss


@pytest.mark.parametrize("built", [False, True], ids=["function", "graph"])
def test_micrograds_own_loss_is_three_matrix_products(built: bool) -> None:
    model = nn.MLP(2, [8, 8, 1], activation="relu", rng=0)
    leaves = model.parameters()
    loss = micrograds_loss(model, *moons(20, np.random.default_rng(0)))
    recording = tg.record(loss() if built else loss)
    assert (recording.matrix_products, recording.gathers) == (3, 0)
    assert set(recording.leaves) == set(leaves)
    for leaf in leaves:
        leaf.data *= 1.5
    assert near(replayed(recording, leaves, ()), eager(loss, leaves, ()))


def test_an_mlp_trains_by_replays_as_it_does_without() -> None:
    X, y = moons(16, np.random.default_rng(0))

    def trained(step: Callable[[Any, Callable[[], Any]], float]) -> list[float]:
        model = nn.MLP(2, [6, 1], rng=0)
        loss = micrograds_loss(model, X, y)
        losses = []
        for _ in range(20):
            losses.append(step(model, loss))
            for p in model.parameters():
                p.data -= 0.1 * p.grad
        return losses

    def as_written(model: Any, loss: Callable[[], Any]) -> float:
        model.zero_grad()
        result = loss()
        result.backward()
        return result.data

    recordings: list[Recording] = []

    def by_replay(_: Any, loss: Callable[[], Any]) -> float:
        if not recordings:
            recordings.append(tg.record(loss))
        return recordings[0].replay()

    np.testing.assert_allclose(trained(by_replay), trained(as_written), 1e-11)


def test_a_frozen_layer_gets_no_gradient_and_its_present_numbers_count() -> None:
    model = nn.MLP(2, [4, 3, 1], rng=0)
    frozen = model.layers[0].parameters()
    for p in frozen:
        p.constant = True
    leaves = model.parameters()
    X, y = moons(7, np.random.default_rng(0))

    def loss(X: Any) -> Any:
        return nn.mse_loss([model(x) for x in X], y)

    recording = tg.record(loss, X)
    assert recording.matrix_products == 3
    assert not set(recording.leaves) & set(frozen)
    for p in leaves:
        p.data *= 1.5
    assert near(replayed(recording, leaves, (X,)), eager(loss, leaves, (X,)))
    assert all(p.grad == 0.0 for p in frozen)


def test_shared_weights_collect_from_every_layer_that_uses_them() -> None:
    rng = np.random.default_rng(0)
    W = [[Value(x) for x in row] for row in rng.normal(size=(4, 4))]
    leaves = [w for row in W for w in row]
    X = rng.normal(size=(6, 4))

    def loss(X: Any) -> Any:
        for _ in range(3):
            X = [[tg.tanh(sum(w * v for w, v in zip(row, x, strict=True))) for row in W] for x in X]
        return sum(sum(x) for x in X)

    recording = tg.record(loss, X)
    assert (recording.matrix_products, recording.gathers) == (3, 0)
    assert near(replayed(recording, leaves, (X,)), eager(loss, leaves, (X,)))


def test_a_layer_with_a_constant_beside_its_bias_is_still_one_product() -> None:
    rng = np.random.default_rng(0)
    W = [[Value(x) for x in row] for row in rng.normal(size=(8, 6))]
    bias = [Value(0.0) for _ in W]
    X = rng.normal(size=(10, 6))

    def loss(X: Any) -> Any:
        neurons = list(zip(W, bias, strict=True))
        return sum(tg.tanh(tg.dot(w, list(x)) + b + 0.5) for x in X for w, b in neurons)

    assert tg.record(loss, X).matrix_products == 1
