"""The twins: one network on Values and on Tensors gives one set of numbers, and learns alike."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twingrad as tg
from twingrad import Value, nn

ACTIVATIONS = ["linear", "tanh", "relu", "sigmoid", "leaky_relu", "gelu", "softplus", "sin"]
widths = st.lists(st.integers(1, 4), min_size=1, max_size=3)
names = st.sampled_from(ACTIVATIONS)
seeds = st.integers(0, 2**32)


def samples(n: int, features: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, features))


def scalar_gradients(mlp: nn.MLP) -> list[np.ndarray]:
    """Gradients of an MLP in the shapes of the twin's weights and biases."""
    found = []
    for layer in mlp.layers:
        found.append(np.array([[w.grad for w in n.w] for n in layer.neurons]).T)
        found.append(np.array([n.b.grad for n in layer.neurons]))
    return found


def total(outputs: Any) -> Any:
    """A single number in which every output counts differently."""
    if isinstance(outputs, tg.Tensor):
        return (outputs * np.arange(1.0, outputs.size + 1).reshape(outputs.shape)).sum()
    flat = [v for row in outputs for v in (row if isinstance(row, list) else [row])]
    return tg.dot(flat, np.arange(1.0, len(flat) + 1).tolist())


def assert_same_network(mlp: nn.MLP, twin: nn.Sequential, X: np.ndarray) -> None:
    """The same outputs and the same gradient of every parameter, to the last few bits."""
    outputs, batch = [mlp(x) for x in X.tolist()], twin(X)
    expected = np.array(nn.predict(mlp, X)).reshape(batch.shape)
    assert batch.data == pytest.approx(expected, rel=1e-12, abs=1e-13)
    mlp.zero_grad()
    twin.zero_grad()
    total(outputs).backward()
    total(batch).backward()
    pairs = zip(scalar_gradients(mlp), [p.grad for p in twin.parameters()], strict=True)
    for of_values, of_tensors in pairs:
        assert of_tensors == pytest.approx(of_values, rel=1e-11, abs=1e-12)


# There and back


@given(widths, st.integers(1, 3), names, names, seeds)
@settings(max_examples=50)
def test_a_network_and_its_twin_give_the_same_outputs_and_gradients(
    nouts: list[int], nin: int, activation: str, output: str, seed: int
) -> None:
    mlp = nn.MLP(nin, nouts, activation=activation, output=output, rng=seed)
    assert_same_network(mlp, mlp.to_tensor(), samples(3, nin, seed))


@given(widths, names, seeds)
@settings(max_examples=30)
def test_there_and_back_is_the_same_network_bit_for_bit(
    nouts: list[int], activation: str, seed: int
) -> None:
    mlp = nn.MLP(2, nouts, activation=activation, rng=seed)
    for parameter in mlp.parameters():
        parameter.data += 0.125  # the biases are 0 so far
    back = mlp.to_tensor().to_scalar()
    assert [p.data for p in back.parameters()] == [p.data for p in mlp.parameters()]
    X = samples(3, 2, seed)
    assert np.array_equal(nn.predict(back, X), nn.predict(mlp, X))


@pytest.mark.parametrize(
    "activation",
    [nn.Tanh(), nn.LeakyReLU(), nn.LeakyReLU(0.3), nn.GELU(), nn.GELU("tanh"), tg.cos, np.sin],
    ids=lambda layer: repr(layer).partition(" at 0x")[0],
)
def test_a_sequential_keeps_its_activations_on_values_and_back(activation: Any) -> None:
    model = nn.Sequential(
        nn.Linear(2, 3, dtype=float, rng=0), activation, nn.Linear(3, 2, dtype=float, rng=1)
    )
    mlp = model.to_scalar()
    assert isinstance(mlp, nn.MLP)
    X = samples(4, 2, 0)
    assert_same_network(mlp, model, X)
    assert_same_network(mlp, mlp.to_tensor(), X)


def test_float32_numbers_are_held_exactly_by_values() -> None:
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU())
    numbers = [w.data for n in model.to_scalar().layers[0].neurons for w in n.w]
    assert numbers == model[0].weight.data.T.ravel().tolist()


def test_layers_in_a_row_without_activation_are_linear() -> None:
    model = nn.Sequential(nn.Linear(2, 3, dtype=float, rng=0), nn.Linear(3, 1, dtype=float, rng=1))
    assert_same_network(model.to_scalar(), model, samples(4, 2, 0))


def test_a_layer_without_bias_has_none_to_train_as_values() -> None:
    model = nn.Sequential(nn.Linear(2, 3, bias=False, rng=0), nn.Tanh())
    assert len(model.to_scalar().parameters()) == 6
    assert len(model.to_scalar().to_tensor().parameters()) == 1


def test_the_twin_has_numbers_of_its_own() -> None:
    mlp = nn.MLP(2, [2, 1], rng=0)
    before = [p.data for p in mlp.parameters()]
    model = mlp.to_tensor()
    again = model.to_scalar()
    for parameter in model.parameters():
        parameter.data = parameter.data + 1.0
    assert before == [p.data for p in mlp.parameters()] == [p.data for p in again.parameters()]


def test_a_repr_of_a_network_from_tensors_does_not_claim_other_activations() -> None:
    layers = [nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)]
    assert "activation='tanh'" not in repr(nn.Sequential(layers).to_scalar())


@pytest.mark.parametrize(
    ("layers", "position", "name"),
    [
        ([nn.Linear(2, 2), nn.Softmax()], 1, r"Softmax\(\)"),
        ([nn.Tanh(), nn.Linear(2, 2)], 0, r"Tanh\(\)"),
        ([nn.Linear(2, 2), nn.Tanh(), nn.ReLU()], 2, r"ReLU\(\)"),
        ([nn.Linear(2, 2), nn.Sequential(nn.Tanh())], 1, r"Sequential\(Tanh\(\)\)"),
    ],
)
def test_what_has_no_twin_is_named_with_its_position(
    layers: list[Any], position: int, name: str
) -> None:
    said = rf"Sequential\[{position}\] {name} has no twin on Values; to_scalar\(\) takes Linear"
    with pytest.raises(TypeError, match=said):
        nn.Sequential(layers).to_scalar()


def test_a_sequential_without_layers_has_no_twin() -> None:
    with pytest.raises(ValueError, match="at least one Linear layer"):
        nn.Sequential().to_scalar()


# A batch is its samples


@given(st.integers(1, 6), seeds)
@settings(max_examples=30)
def test_gradient_of_a_mean_loss_is_the_mean_of_the_samples_gradients(n: int, seed: int) -> None:
    mlp = nn.MLP(2, [3, 1], rng=seed)
    model = mlp.to_tensor()
    X, y = samples(n, 2, seed), samples(n, 1, seed + 1)

    mlp.zero_grad()
    nn.mse_loss([mlp(x) for x in X.tolist()], y[:, 0]).backward()
    of_batch = scalar_gradients(mlp)
    of_samples = [np.zeros_like(g) for g in of_batch]
    for x, target in zip(X.tolist(), y, strict=True):
        mlp.zero_grad()
        nn.mse_loss([mlp(x)], target).backward()
        for gathered, g in zip(of_samples, scalar_gradients(mlp), strict=True):
            gathered += g / n
    for batch, mean in zip(of_batch, of_samples, strict=True):
        assert batch == pytest.approx(mean, rel=1e-11, abs=1e-13)

    nn.mse_loss(model(X), y).backward()
    for parameter, expected in zip(model.parameters(), of_batch, strict=True):
        assert parameter.grad == pytest.approx(expected, rel=1e-11, abs=1e-13)
    for i in range(n):
        model.zero_grad()
        nn.mse_loss(model(X[i]), y[i]).backward()
        for gathered, parameter in zip(of_samples, model.parameters(), strict=True):
            gathered -= parameter.grad / n
    assert all(np.abs(left_over).max() < 1e-12 for left_over in of_samples)


@pytest.mark.parametrize("optimizer", [nn.SGD, nn.Adam])
@pytest.mark.parametrize("activation", ["tanh", "softplus"])
def test_twins_learn_alike(activation: str, optimizer: Any) -> None:
    mlp = nn.MLP(2, [4, 1], activation=activation, rng=3)
    model = mlp.to_tensor()
    X, y = nn.data.xor()
    curves = []
    for network, targets in ((mlp, y), (model, y[:, None])):
        history = nn.fit(
            network,
            X,
            targets,
            loss=nn.mse_loss,
            optimizer=optimizer(network.parameters(), lr=0.05),
            epochs=20,
            batch_size=3,
            rng=5,
            progress=False,
        )
        curves.append(history.loss)
    assert curves[0] == pytest.approx(curves[1], rel=1e-9)
    assert curves[0][-1] < curves[0][0]


def test_the_twins_do_not_mix() -> None:
    with pytest.raises(TypeError, match="do not mix"):
        Value(1.0) * nn.Linear(1, 1).weight
