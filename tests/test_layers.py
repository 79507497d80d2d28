"""Linear, the activations and Sequential: against plain NumPy, finite differences, and float32."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import twingrad as tg
from twingrad import Tensor, nn
from twingrad.engine.sweep import topological_order

RNG = np.random.default_rng(0)
BATCH = RNG.normal(size=(5, 3))

# Linear


def test_linear_is_x_times_weight_plus_bias() -> None:
    layer = nn.Linear(3, 2, dtype=np.float64, rng=0)
    layer.bias.data = [0.5, -1.0]
    weight = layer.weight.data
    expected = [
        [sum(x[i] * weight[i, j] for i in range(3)) + (0.5, -1.0)[j] for j in range(2)]
        for x in BATCH
    ]
    assert layer(BATCH).data == pytest.approx(np.array(expected), rel=1e-14)


def test_linear_without_bias_has_none() -> None:
    layer = nn.Linear(3, 2, bias=False, dtype=np.float64, rng=0)
    assert layer.bias is None
    assert layer.parameters() == [layer.weight]
    assert layer(BATCH).data == pytest.approx(BATCH @ layer.weight.data, rel=1e-14)


@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32))
def test_one_sample_gives_its_row_of_the_batch(n: int, nin: int, nout: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(nin, nout, dtype=float, rng=rng), nn.Tanh())
    X = rng.normal(size=(n, nin))
    batch = model(X)
    assert batch.shape == (n, nout)
    for x, row in zip(X, batch.data, strict=True):
        assert model(x).data == pytest.approx(row, rel=1e-13, abs=1e-14)


def test_linear_works_on_the_last_axis_of_any_batch() -> None:
    layer = nn.Linear(3, 2, dtype=np.float64, rng=0)
    layer.bias.data = [0.5, -1.0]
    x = RNG.normal(size=(4, 5, 3))
    expected = np.stack([[layer(sample).data for sample in samples] for samples in x])
    assert layer(x).data == pytest.approx(expected, rel=1e-13)


def test_linear_begins_with_weights_of_he_and_without_bias() -> None:
    layer = nn.Linear(600, 100, rng=0)
    assert layer.weight.shape == (600, 100)
    assert (layer.bias.data == 0.0).all()
    # Uniform of variance 2/600; 60,000 draws tell the standard deviation to 0.2 %.
    assert layer.weight.data.std() == pytest.approx(math.sqrt(2 / 600), rel=0.01)
    assert np.abs(layer.weight.data).max() <= math.sqrt(6 / 600) * (1 + 1e-6)


def test_linear_takes_an_initialiser_by_name_or_as_a_function() -> None:
    assert (nn.Linear(3, 2, init="zeros").weight.data == 0.0).all()
    same = nn.init.xavier_normal((3, 2), rng=5)
    assert (nn.Linear(3, 2, init="xavier_normal", rng=5).weight.data == same).all()
    ones = nn.Linear(3, 2, init=lambda shape, rng, dtype: np.ones(shape))
    assert (ones.weight.data == 1.0).all()
    assert ones.weight.dtype == np.float32


def test_an_initialiser_that_gives_another_shape_is_refused() -> None:
    with pytest.raises(tg.ShapeError, match=r"init gave weights of shape \(2, 3\), not \(3, 2\)"):
        nn.Linear(3, 2, init=lambda shape, rng, dtype: np.ones(shape[::-1]))


def test_one_seed_draws_one_set_of_bits() -> None:
    weights = [nn.Linear(3, 2, rng=rng).weight.data for rng in (1, 1, 2)]
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


@pytest.mark.parametrize("shape", [(5, 2), (5,), (2,), (4, 3, 2), ()])
def test_an_input_of_another_width_is_refused(shape: tuple[int, ...]) -> None:
    said = rf"Linear\(3, 4\): expected \(batch, 3\), got \({', '.join(map(str, shape))},?\)"
    for x in (np.zeros(shape), Tensor(np.zeros(shape))):
        with pytest.raises(tg.ShapeError, match=said):
            nn.Linear(3, 4)(x)


@pytest.mark.parametrize("width", [0, -3, 1.5, None])
def test_a_width_that_counts_nothing_is_refused(width: Any) -> None:
    with pytest.raises(ValueError, match="in_features is a whole number from 1 on"):
        nn.Linear(width, 2)
    with pytest.raises(ValueError, match="out_features is a whole number from 1 on"):
        nn.Linear(2, width)


def test_plain_inputs_get_no_gradient_and_tensors_do() -> None:
    layer = nn.Linear(3, 2, dtype=np.float64, rng=0)
    constants = [n for n in topological_order(layer(BATCH)) if n.constant]
    assert [c.grad for c in constants] == [None]
    x = Tensor(BATCH)
    layer(x).sum().backward()
    assert x.grad == pytest.approx(np.tile(layer.weight.data.sum(axis=1), (5, 1)), rel=1e-13)
    assert layer.bias.grad.tolist() == [5.0, 5.0]


# Activations


def on_each(f: Callable[[float], float]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.array([f(number) for number in x.ravel()]).reshape(x.shape)


def gelu_by_tanh(x: float) -> float:
    return 0.5 * x * (1.0 + math.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))


PLAIN: dict[str, tuple[nn.Module, Callable[[np.ndarray], np.ndarray]]] = {
    "ReLU()": (nn.ReLU(), on_each(lambda x: max(x, 0.0))),
    "LeakyReLU(alpha=0.01)": (nn.LeakyReLU(), on_each(lambda x: x if x > 0 else 0.01 * x)),
    "LeakyReLU(alpha=0.2)": (nn.LeakyReLU(0.2), on_each(lambda x: x if x > 0 else 0.2 * x)),
    "Tanh()": (nn.Tanh(), on_each(math.tanh)),
    "Sigmoid()": (nn.Sigmoid(), on_each(lambda x: 1.0 / (1.0 + math.exp(-x)))),
    "GELU()": (nn.GELU(), on_each(lambda x: 0.5 * x * (1.0 + math.erf(x / math.sqrt(2.0))))),
    "GELU(approximate='tanh')": (nn.GELU("tanh"), on_each(gelu_by_tanh)),
    "Softplus()": (nn.Softplus(), on_each(lambda x: math.log(1.0 + math.exp(x)))),
    "Softmax()": (nn.Softmax(), lambda x: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)),
    "Softmax(axis=0)": (nn.Softmax(axis=0), lambda x: np.exp(x) / np.exp(x).sum(axis=0)),
}


@pytest.mark.parametrize("name", PLAIN)
def test_an_activation_is_its_formula_and_prints_as_its_call(name: str) -> None:
    module, formula = PLAIN[name]
    assert module(Tensor(BATCH)).data == pytest.approx(formula(BATCH), rel=1e-13)
    assert repr(module) == name == repr(eval(name, vars(nn)))
    assert module.parameters() == []


@pytest.mark.parametrize("name", PLAIN)
def test_gradients_through_each_layer_pass_the_check(name: str) -> None:
    def respond(weight: Any, bias: Any, x: Any) -> Any:
        layer = nn.Linear(3, 4, dtype=np.float64)
        layer.weight, layer.bias = weight, bias
        return nn.Sequential(layer, PLAIN[name][0])(x)

    report = tg.gradcheck(respond, RNG.normal(size=(3, 4)), RNG.normal(size=4), BATCH)
    assert report, report


# Sequential


def test_sequential_feeds_each_layer_with_the_one_before() -> None:
    layers = [nn.Linear(3, 4, dtype=float, rng=0), tg.sin, nn.Linear(4, 2, dtype=float, rng=1)]
    first, second = layers[0].weight.data, layers[2].weight.data
    for model in (nn.Sequential(*layers), nn.Sequential(layers), nn.Sequential(tuple(layers))):
        assert model(BATCH).data == pytest.approx(np.sin(BATCH @ first) @ second, rel=1e-13)
        assert len(model) == 3
        assert [*model] == layers
        assert model[-1] is layers[2]
        assert len(model.parameters()) == 4


def test_sequential_names_parameters_by_position() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 1, bias=False)))
    assert [name for name, _ in model.named_parameters()] == [
        "layers.0.weight",
        "layers.0.bias",
        "layers.1.layers.0.weight",
    ]


def test_what_cannot_be_called_is_no_layer() -> None:
    with pytest.raises(TypeError, match="takes layers, but 'tanh' came, a str"):
        nn.Sequential(nn.Linear(2, 1), "tanh")


def test_a_repr_is_the_call_that_makes_the_model() -> None:
    made = "Sequential(Linear(2, 8, bias=False), ReLU(), tanh, Sequential(Linear(8, 1)))"
    assert repr(eval(made, {**vars(nn), "tanh": tg.tanh})) == made


# float32 stays float32

ACTIVATIONS = [module for module, _ in PLAIN.values()]
SIGNS = np.array([[1, -1], [-1, 1], [1, 1], [-1, -1]])
LOSSES: list[tuple[Callable[..., Any], Any]] = [
    (nn.mse_loss, SIGNS * 0.3),
    (nn.hinge_loss, SIGNS),
    (nn.binary_cross_entropy_with_logits, (SIGNS + 1) / 2),
    (nn.cross_entropy, np.array([0, 1, 1, 0])),
    (nn.cross_entropy, np.array([[0.5, 0.5], [0.0, 1.0], [0.1, 0.9], [1.0, 0.0]])),
]
OPTIMIZERS: list[Callable[[Any], nn.Optimizer]] = [
    lambda p: nn.SGD(p, lr=np.float64(0.1)),
    lambda p: nn.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    lambda p: nn.Adam(p, lr=0.1, weight_decay=0.1),
]


@pytest.mark.filterwarnings("ignore::twingrad.LogitsWarning")
@pytest.mark.filterwarnings("ignore::twingrad.TargetsWarning")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("loss", "targets"), LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_nothing_widens_float32(
    activation: nn.Module, loss: Any, targets: np.ndarray, optimizer: Any
) -> None:
    model = nn.Sequential(nn.Linear(3, 4, rng=0), activation, nn.Linear(4, 2, rng=1))
    descent = optimizer(model.parameters())
    for reduction in ("mean", "sum"):
        error = loss(model(BATCH[:4]), targets, reduction=reduction)
        descent.zero_grad()
        error.backward()
        graph = topological_order(error)
        assert {node.dtype for node in graph} == {np.dtype(np.float32)}
        assert {n.grad.dtype for n in graph if n.grad is not None} == {np.dtype(np.float32)}
        descent.step()
    kept = [array for state in descent.state for array in state.values()]
    assert {np.asarray(a).dtype for a in kept} == {np.dtype(np.float32)}
    history = nn.fit(
        model, BATCH[:4], targets, loss=loss, optimizer=descent, epochs=1, progress=False
    )
    assert math.isfinite(history.loss[-1])
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float32)}
    assert nn.predict(model, BATCH).dtype == np.float32
