"""BatchNorm1d and LayerNorm: against worked numbers, the statistics module, and what must hold."""

import copy
import pickle
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import twingrad as tg
from tests.oracles import bends_as_its_slopes_change
from twingrad import Tensor, nn

BATCH = np.array([[1.0, -2.0, 0.5], [0.0, 4.0, -1.5], [2.5, 1.0, 3.0], [-1.0, 0.5, 2.0]])
EPS = 1e-5
MATRICES = st.tuples(st.integers(2, 5), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-10, 10, width=16))
)
few = settings(max_examples=25)


def standardized(numbers: list[float], eps: float = EPS) -> list[float]:
    mean, variance = statistics.fmean(numbers), statistics.pvariance(numbers)
    return [(x - mean) / (variance + eps) ** 0.5 for x in numbers]


def batch_norm(features: int = 3, dtype: Any = np.float64, **static: Any) -> nn.BatchNorm1d:
    return nn.BatchNorm1d(features, dtype=dtype, **static)


def layer_norm(shape: Any, dtype: Any = np.float64, **static: Any) -> nn.LayerNorm:
    return nn.LayerNorm(shape, dtype=dtype, **static)


# BatchNorm1d, training


def test_batch_norm_of_two_numbers_by_hand() -> None:
    # Mean 2 and variance 4: (0 - 2)/√(4 + 12) and (4 - 2)/√(4 + 12), times 10, plus 1.
    layer = batch_norm(1, eps=12.0)
    layer.weight.data, layer.bias.data = [10.0], [1.0]
    x = Tensor([[0.0], [4.0]])
    y = layer(x)
    assert y.data.tolist() == [[-4.0], [6.0]]
    y.backward(np.array([[1.0], [3.0]]))
    assert layer.bias.grad.tolist() == [4.0]
    assert layer.weight.grad.tolist() == [1.0 * -0.5 + 3.0 * 0.5]
    # (G - mean G - y · mean G y)/√(var + eps), where y = ∓1/2 and G = 10 and 30: ∓7.5/4.
    assert x.grad.tolist() == [[-1.875], [1.875]]


def test_batch_norm_brings_each_column_to_mean_0_and_variance_1() -> None:
    y = batch_norm()(Tensor(BATCH))
    expected = np.array([standardized(column.tolist()) for column in BATCH.T]).T
    np.testing.assert_allclose(y.data, expected, rtol=1e-14)


@few
@given(MATRICES)
def test_a_training_batch_leaves_with_columns_of_mean_0_and_variance_below_1(x: Any) -> None:
    y = batch_norm(x.shape[1])(Tensor(x)).data
    variance = x.var(axis=0)
    np.testing.assert_allclose(y.mean(axis=0), 0.0, atol=1e-11)
    np.testing.assert_allclose(y.var(axis=0), variance / (variance + EPS), rtol=1e-9, atol=1e-20)


@few
@given(MATRICES, st.sampled_from([-64.0, 0.5, 8.0]))
def test_batch_norm_does_not_see_shifts_nor_the_order_of_samples(x: Any, shift: float) -> None:
    layer = batch_norm(x.shape[1])
    y = layer(Tensor(x)).data
    np.testing.assert_allclose(layer(Tensor(x + shift)).data, y, rtol=0, atol=1e-8)
    np.testing.assert_allclose(layer(Tensor(x[::-1].copy())).data, y[::-1], rtol=0, atol=1e-11)


@few
@given(MATRICES)
def test_a_gradient_through_batch_norm_has_no_part_that_shifts_the_batch(x: Any) -> None:
    batch = Tensor(x)
    y = batch_norm(x.shape[1])(batch)
    y.backward(np.random.default_rng(0).normal(size=x.shape))
    scale = np.abs(batch.grad).max() + 1.0
    np.testing.assert_allclose(batch.grad.sum(axis=0) / scale, 0.0, atol=1e-12)


@pytest.mark.parametrize(
    "x", [[[3.0, -1.0], [3.0, -1.0]], [[0.0, 0.0], [0.0, 0.0]], [[0.1, 0.1]] * 3, [[7.0, 7.0]] * 5]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_samples_become_the_bias_with_finite_gradients(x: Any, dtype: Any) -> None:
    layer = batch_norm(2, dtype=dtype)
    layer.bias.data = [0.5, -0.5]
    batch = Tensor(x, dtype=dtype)
    y = layer(batch)
    np.testing.assert_allclose(y.data, [[0.5, -0.5]] * len(x), atol=1e-4)
    (y * y).sum().backward()
    assert np.isfinite(batch.grad).all()
    np.testing.assert_allclose(layer.weight.grad, 0.0, atol=1e-3)
    np.testing.assert_allclose(layer.bias.grad, [len(x), -len(x)], rtol=1e-3)


# BatchNorm1d, running statistics


def test_running_statistics_by_hand() -> None:
    layer = batch_norm(1)
    assert (layer.running_mean.data, layer.running_var.data) == (0.0, 1.0)
    layer(Tensor([[1.0], [3.0]]))  # mean 2, variance 2 for one less than two
    assert layer.running_mean.data.tolist() == pytest.approx([0.2])
    assert layer.running_var.data.tolist() == pytest.approx([0.9 + 0.2])
    layer.eval()
    layer.eps = 0.15 - 0.1
    assert layer(Tensor([[1.2]])).data == pytest.approx(1.0 / (1.1 + 0.05) ** 0.5)


@pytest.mark.parametrize("momentum", [0.0, 0.1, 0.5, 1, np.float32(0.25)])
def test_running_statistics_move_by_a_share_towards_each_batch(momentum: float) -> None:
    layer = batch_norm(momentum=momentum)
    mean, variance = [0.0] * 3, [1.0] * 3
    for k in range(3):
        batch = BATCH * (k + 1.0) + k
        layer(Tensor(batch))
        for j, column in enumerate(batch.T.tolist()):
            mean[j] += float(momentum) * (statistics.fmean(column) - mean[j])
            variance[j] += float(momentum) * (statistics.variance(column) - variance[j])
    assert layer.running_mean.data.tolist() == pytest.approx(mean)
    assert layer.running_var.data.tolist() == pytest.approx(variance)


def test_evaluation_uses_the_running_statistics_and_leaves_them_alone() -> None:
    layer = batch_norm()
    layer(Tensor(BATCH))
    layer.weight.data, layer.bias.data = [1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]
    layer.eval()
    before = layer.state_dict()
    mean, var = before["running_mean"], before["running_var"]
    expected = (BATCH - mean) / np.sqrt(var + EPS) * [1.0, 2.0, 3.0] + [-1.0, 0.0, 1.0]
    for x in (Tensor(BATCH), BATCH, BATCH.tolist()):
        np.testing.assert_allclose(layer(x).data, expected, rtol=1e-14)
    one_by_one = np.concatenate([layer(sample[None]).data for sample in BATCH])
    np.testing.assert_allclose(one_by_one, expected, rtol=1e-14)
    assert all(np.array_equal(before[name], now) for name, now in layer.state_dict().items())


def test_training_gathers_statistics_even_where_nothing_is_remembered() -> None:
    layer = batch_norm()
    with tg.no_grad():
        layer(Tensor(BATCH))
    assert layer.running_mean.data == pytest.approx(0.1 * BATCH.mean(axis=0))


def test_training_output_does_not_depend_on_the_running_statistics() -> None:
    layer = batch_norm()
    first = layer(Tensor(BATCH)).data
    assert np.array_equal(layer(Tensor(BATCH)).data, first)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("given_as", [np.asarray, lambda x: x.tolist(), lambda x: x.astype(int)])
def test_a_plain_batch_trains_as_a_tensor_does(given_as: Callable[..., Any], affine: bool) -> None:
    layer, other = batch_norm(affine=affine), batch_norm(affine=affine)
    numbers = BATCH * 2.0  # whole
    y = layer(given_as(numbers))
    np.testing.assert_allclose(np.asarray(y.data), other(Tensor(numbers)).data, rtol=1e-14)
    assert np.array_equal(layer.running_mean.data, other.running_mean.data)
    assert np.array_equal(layer.running_var.data, other.running_var.data)


def test_statistics_are_saved_and_loaded_with_the_parameters() -> None:
    model = nn.Sequential(nn.Linear(3, 2, rng=0), nn.BatchNorm1d(2))
    model(Tensor(BATCH))
    state = model.state_dict()
    assert list(state) == [
        "layers.0.weight",
        "layers.0.bias",
        "layers.1.weight",
        "layers.1.bias",
        "layers.1.running_mean",
        "layers.1.running_var",
    ]
    other = nn.Sequential(nn.Linear(3, 2, rng=1), nn.BatchNorm1d(2)).eval()
    other.load_state_dict(state)
    model.eval()
    assert np.array_equal(other(BATCH).data, model(BATCH).data)
    assert not np.shares_memory(state["layers.1.running_mean"], model[1].running_mean.data)
    del state["layers.1.running_var"]
    with pytest.raises(KeyError, match=r"missing \['layers.1.running_var'\]"):
        other.load_state_dict(state)


@pytest.mark.filterwarnings("ignore::twingrad.EvalModeWarning")
def test_statistics_are_no_parameters_and_are_not_trained() -> None:
    layer = batch_norm()
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    assert batch_norm(affine=False).parameters() == []
    descent = nn.SGD(layer.parameters(), lr=0.1, weight_decay=0.5)
    for mode in (True, False):
        layer.train(mode)
        descent.zero_grad()
        (layer(Tensor(BATCH)) ** 2).sum().backward()
        before = layer.running_mean.numpy(), layer.running_var.numpy()
        descent.step()
        assert layer.running_mean.grad is layer.running_var.grad is None
        assert np.array_equal(layer.running_mean.data, before[0])
        assert np.array_equal(layer.running_var.data, before[1])


def test_a_frozen_scale_gets_no_gradient_and_statistics_still_move() -> None:
    layer = batch_norm()
    layer.weight.constant = layer.bias.constant = True
    x = Tensor(BATCH)
    (layer(x) ** 3).sum().backward()
    assert layer.weight.grad is layer.bias.grad is None
    assert np.abs(x.grad).max() > 0.0
    assert np.abs(layer.running_mean.data).max() > 0.0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_has_statistics_of_its_own(copied: Callable[[Any], Any]) -> None:
    layer = batch_norm()
    layer(Tensor(BATCH))
    other = copied(layer)
    assert len(other.parameters()) == 2
    other(Tensor(BATCH + 1.0))
    assert layer.running_mean.data == pytest.approx(0.1 * BATCH.mean(axis=0))
    assert not np.array_equal(other.running_mean.data, layer.running_mean.data)


def test_batch_norm_in_fit_ends_with_statistics_of_the_data() -> None:
    X = np.random.default_rng(0).normal(3.0, 2.0, size=(32, 3))
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2, rng=0))
    nn.fit(
        model,
        X,
        (X.sum(axis=1) > 9.0).astype(int),
        loss=nn.cross_entropy,
        optimizer=nn.SGD(model.parameters(), lr=0.1),
        epochs=60,
        batch_size=32,
        progress=False,
    )
    assert model[0].running_mean.data == pytest.approx(X.mean(axis=0), rel=1e-2)
    assert model[0].running_var.data == pytest.approx(X.var(axis=0, ddof=1), rel=1e-2)


# LayerNorm


def test_layer_norm_of_two_numbers_by_hand() -> None:
    layer = layer_norm(2, eps=12.0)
    layer.weight.data, layer.bias.data = [10.0, 100.0], [1.0, 2.0]
    x = Tensor([[0.0, 4.0]])
    y = layer(x)
    assert y.data.tolist() == [[-4.0, 52.0]]
    y.backward(np.array([[1.0, 0.3]]))
    assert x.grad.tolist() == [[-1.875, 1.875]]
    assert layer.weight.grad.tolist() == [-0.5, 0.15]


@few
@given(MATRICES)
def test_layer_norm_brings_each_sample_to_mean_0_and_variance_1(x: Any) -> None:
    y = layer_norm(x.shape[1])(Tensor(x)).data
    expected = [standardized(row.tolist()) for row in x]
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(y.mean(axis=1), 0.0, atol=1e-11)


@few
@given(
    st.integers(2, 6),
    st.integers(0, 99),
    st.floats(-50.0, 50.0),
    st.sampled_from([0.125, 3.0, 1000.0]),
)
def test_layer_norm_does_not_see_shift_nor_scale(
    width: int, seed: int, shift: float, scale: float
) -> None:
    x = np.random.default_rng(seed).normal(size=(4, width)) + np.linspace(0.0, 9.0, width)
    layer = layer_norm(width, eps=1e-15)
    y = layer(Tensor(x)).data
    np.testing.assert_allclose(layer(Tensor(x * scale + shift)).data, y, rtol=0, atol=1e-9)


def test_layer_norm_over_two_axes_is_that_over_both_in_one() -> None:
    x = np.random.default_rng(0).normal(size=(4, 3, 2))
    both, flat = layer_norm((3, 2)), layer_norm(6)
    both.weight.data = np.arange(6.0).reshape(3, 2)
    flat.weight.data = np.arange(6.0)
    y = both(Tensor(x))
    assert y.shape == (4, 3, 2)
    np.testing.assert_allclose(
        y.data.reshape(4, 6), flat(Tensor(x.reshape(4, 6))).data, rtol=0, atol=1e-15
    )


def test_layer_norm_sees_each_sample_alone_in_training_and_in_evaluation() -> None:
    layer = layer_norm(3)
    y = layer(Tensor(BATCH)).data
    for row, sample in zip(y, BATCH, strict=True):
        assert layer(Tensor(sample)).data == pytest.approx(row, rel=1e-14)
    assert np.array_equal(layer.eval()(Tensor(BATCH)).data, y)
    deep = np.stack([BATCH, 2.0 * BATCH])
    np.testing.assert_allclose(layer(Tensor(deep)).data[0], y, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sample_of_equal_numbers_becomes_the_bias_with_finite_gradients(dtype: Any) -> None:
    layer = layer_norm(3, dtype=dtype)
    layer.bias.data = [1.0, 2.0, 3.0]
    x = Tensor([[0.1, 0.1, 0.1], [7.0, 7.0, 7.0], [0.0, 0.0, 0.0]], dtype=dtype)
    y = layer(x)
    np.testing.assert_allclose(y.data, [[1.0, 2.0, 3.0]] * 3, atol=1e-4)
    (y**2).sum().backward()
    assert np.isfinite(x.grad).all()


def test_one_feature_by_itself_has_no_spread() -> None:
    layer = layer_norm(1)
    x = Tensor([[3.0], [-5.0]])
    y = layer(x)
    y.sum().backward()
    assert y.data.tolist() == x.grad.tolist() == [[0.0], [0.0]]


# Derivatives, first and second

LAYERS: list[tuple[nn.Module, tuple[int, ...]]] = [
    (batch_norm(), (4, 3)),
    (batch_norm(2, eps=0.3), (2, 2)),
    (batch_norm(affine=False), (4, 3)),
    (batch_norm().eval(), (4, 3)),
    (layer_norm(3), (4, 3)),
    (layer_norm((2, 3), eps=0.3), (2, 2, 3)),
    (layer_norm(4, elementwise_affine=False), (2, 3, 4)),
    (layer_norm(4), (4,)),
]
for _layer, _ in LAYERS:
    for _parameter in _layer.parameters():
        _parameter.data = np.random.default_rng(1).normal(size=_parameter.shape)
IDS = [f"{layer} {shape} {layer.training}" for layer, shape in LAYERS]


def as_function(layer: nn.Module) -> tuple[Callable[..., Any], tuple[np.ndarray, ...]]:
    """A layer as a function of its input and of its parameters, and those parameters."""
    named = dict(layer.named_parameters())

    def respond(x: Any, *replaced: Any) -> Any:
        other = copy.copy(layer)
        vars(other).update(zip(named, replaced, strict=True))
        return other(x)

    return respond, tuple(p.numpy() for p in named.values())


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=IDS)
def test_gradients_of_the_batch_and_of_each_parameter_pass_the_check(
    layer: nn.Module, shape: tuple[int, ...]
) -> None:
    respond, parameters = as_function(layer)
    report = tg.gradcheck(respond, np.random.default_rng(0).normal(size=shape), *parameters)
    assert report, report


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=IDS)
def test_second_derivatives_are_differences_of_the_first(
    layer: nn.Module, shape: tuple[int, ...]
) -> None:
    respond, parameters = as_function(layer)
    rng = np.random.default_rng(0)
    inputs = (rng.normal(size=shape), *parameters)
    along = tuple(rng.normal(size=x.shape) for x in inputs)
    bends_as_its_slopes_change(respond, inputs, along)


# Precision, and what may come in

FLOAT32 = [nn.BatchNorm1d(3), nn.BatchNorm1d(3, affine=False), nn.BatchNorm1d(3).eval()]
FLOAT32 += [nn.LayerNorm(3), nn.LayerNorm((4, 3)), nn.LayerNorm(3, elementwise_affine=False)]


@pytest.mark.parametrize("layer", FLOAT32, ids=lambda layer: f"{layer} {layer.training}")
def test_float32_stays_float32_in_outputs_gradients_and_statistics(layer: nn.Module) -> None:
    x = Tensor(BATCH, dtype=np.float32)
    y = layer(x)
    (y**2).sum().backward()
    held = [leaf for _, leaf in layer.named_numbers()]
    gradients = [x.grad, *(p.grad for p in layer.parameters())]
    assert {a.dtype for a in (y, *held, *gradients)} == {np.dtype(np.float32)}
    layer(Tensor(BATCH)).sum().backward()  # float64 comes once
    assert {leaf.dtype for leaf in held} <= {np.dtype(np.float32)}
    assert {p.grad.dtype for p in layer.parameters()} <= {np.dtype(np.float32)}


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(3).eval(), nn.LayerNorm(3)], ids=repr)
@pytest.mark.parametrize("given_as", ["float64", "uint8", "int64", "bool", "list"])
def test_plain_batches_take_on_the_precision_of_the_layer(layer: Any, given_as: str) -> None:
    numbers = np.array([[1, 0, 1], [0, 0, 1]])
    x = numbers.tolist() if given_as == "list" else numbers.astype(given_as)
    y = layer(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.data, layer(Tensor(numbers, dtype=np.float32)).data, rtol=1e-6)


def test_to_takes_the_statistics_along() -> None:
    layer = nn.BatchNorm1d(3)
    layer(Tensor(BATCH, dtype=np.float32))
    mean = layer.running_mean.numpy()
    assert layer.to(np.float64) is layer
    assert {leaf.dtype for _, leaf in layer.named_numbers()} == {np.dtype(np.float64)}
    assert np.array_equal(layer.running_mean.data, mean)
    assert len(layer.parameters()) == 2
    layer(Tensor(BATCH))
    assert layer.running_mean.dtype == np.float64
    assert layer.eval()(BATCH.astype(np.float32)).dtype == np.float64


def test_an_empty_batch_is_normalised_to_an_empty_one() -> None:
    for layer in (batch_norm().eval(), layer_norm(3), layer_norm(3, elementwise_affine=False)):
        x = Tensor(np.zeros((0, 3)))
        y = layer(x)
        y.sum().backward()
        assert y.shape == x.grad.shape == (0, 3)
        assert all((p.grad == 0.0).all() for p in layer.parameters())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("spoilt", [np.nan, np.inf, -np.inf, "huge"])
def test_numbers_out_of_bounds_spoil_their_own_without_a_word(spoilt: Any, dtype: Any) -> None:
    x = BATCH.astype(dtype)
    x[1, 1] = np.finfo(dtype).max if spoilt == "huge" else spoilt
    for layer in (batch_norm(dtype=dtype), layer_norm(3, dtype=dtype)):
        y = layer(Tensor(x, dtype=dtype))
        y.sum().backward()
        rest = np.index_exp[:, [0, 2]] if isinstance(layer, nn.BatchNorm1d) else np.index_exp[2:]
        clean = layer(Tensor(BATCH, dtype=dtype)).data
        np.testing.assert_allclose(y.data[rest], clean[rest], rtol=1e-6)


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(2).eval(), nn.LayerNorm(2)], ids=repr)
def test_plain_numbers_beyond_float32_are_infinite_without_a_word(layer: nn.Module) -> None:
    y = layer(np.array([[1e300, 1.0], [2.0, 3.0]]))
    assert not np.isfinite(y.data[0, 0])
    assert np.isfinite(y.data[1]).all()


def test_spoilt_statistics_spoil_evaluation_without_a_word() -> None:
    layer = batch_norm().eval()
    layer.running_mean.data, layer.running_var.data = [np.inf, 0.0, 0.0], [1.0, -1.0, 1.0]
    for x in (np.full((1, 3), np.inf), Tensor(np.full((1, 3), np.inf))):
        y = layer(x)
        assert np.isnan(y.data[0, :2]).all()
        assert y.data[0, 2] == np.inf


# What is refused


@pytest.mark.parametrize("shape", [(4, 2), (4,), (2, 3, 3), (4, 3, 1), ()])
def test_batch_norm_takes_rows_of_its_width(shape: tuple[int, ...]) -> None:
    for layer in (batch_norm(dtype=np.float32), batch_norm(dtype=np.float32).eval()):
        for x in (np.zeros(shape), Tensor(np.zeros(shape))):
            with pytest.raises(tg.ShapeError) as caught:
                layer(x)
            assert str(caught.value) == f"BatchNorm1d(3): expected (batch, 3), got {shape}"


@pytest.mark.parametrize("count", [0, 1])
def test_a_batch_of_one_has_no_spread_to_train_on(count: int) -> None:
    layer = nn.BatchNorm1d(3)
    before = layer.state_dict()
    with pytest.raises(tg.ShapeError) as caught:
        layer(Tensor(BATCH[:count]))
    assert str(caught.value) == (
        f"BatchNorm1d(3): expected (batch, 3) with a batch of two or more while training, got "
        f"({count}, 3); a single sample has no spread. Take another batch size, or call "
        "model.eval() to use the running statistics"
    )
    assert all(np.array_equal(before[name], now) for name, now in layer.state_dict().items())
    assert layer.eval()(Tensor(BATCH[:count])).shape == (count, 3)


@pytest.mark.parametrize("shape", [(4, 2), (3,), (3, 2), (2, 3, 2, 1), ()])
def test_layer_norm_takes_samples_that_end_in_its_shape(shape: tuple[int, ...]) -> None:
    said = f"LayerNorm((2, 3)): expected (..., 2, 3), got {shape}"
    for x in (np.zeros(shape), Tensor(np.zeros(shape))):
        with pytest.raises(tg.ShapeError) as caught:
            nn.LayerNorm((2, 3))(x)
        assert str(caught.value) == said


@pytest.mark.parametrize("width", [0, -2, True, None, 1.5, "3"])
def test_a_width_that_counts_nothing_is_refused(width: Any) -> None:
    with pytest.raises(ValueError, match=r"num_features is a whole number from 1 on, not"):
        nn.BatchNorm1d(width)
    with pytest.raises(ValueError, match=r"normalized_shape is a whole number from 1 on, not"):
        nn.LayerNorm(width)
    with pytest.raises(ValueError, match=r"normalized_shape is a whole number from 1 on, not"):
        nn.LayerNorm((2, width))


def test_a_layer_norm_over_no_axes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"normalized_shape is a whole number from 1 on, not"):
        nn.LayerNorm(())


@pytest.mark.parametrize("eps", [0.0, -1e-5, np.inf, np.nan])
@pytest.mark.parametrize("layer", [nn.BatchNorm1d, nn.LayerNorm])
def test_eps_is_above_zero(layer: Any, eps: float) -> None:
    with pytest.raises(ValueError, match="eps is a finite number above 0, not"):
        layer(3, eps=eps)


@pytest.mark.parametrize("momentum", [-0.1, 1.1, np.nan, np.inf])
def test_momentum_is_a_share(momentum: float) -> None:
    with pytest.raises(ValueError, match="momentum is a number from 0 to 1, not"):
        nn.BatchNorm1d(3, momentum=momentum)


@pytest.mark.parametrize("dtype", [int, bool, complex])
@pytest.mark.parametrize("layer", [nn.BatchNorm1d, nn.LayerNorm])
def test_parameters_are_floats(layer: Any, dtype: type) -> None:
    with pytest.raises(TypeError, match="a Tensor holds floats"):
        layer(3, dtype=dtype)


@pytest.mark.parametrize(
    "written",
    [
        "BatchNorm1d(3)",
        "BatchNorm1d(3, eps=0.001, momentum=0.5, affine=False, dtype='float64')",
        "LayerNorm(3)",
        "LayerNorm((2, 3), eps=0.001, dtype='float64')",
        "LayerNorm(3, elementwise_affine=False)",
    ],
)
def test_a_repr_is_the_call_that_makes_the_layer(written: str) -> None:
    assert repr(eval(written, vars(nn))) == written
