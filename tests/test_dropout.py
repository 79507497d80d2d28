"""Dropout: what is kept, how often, what flows back, and where the randomness comes from."""

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twingrad as tg
from twingrad import Tensor, nn

MANY = 40_000
"""Enough numbers that chance stays within a percent, and for the fast way to select them."""
SHARES = [0.1, 0.25, 0.5, 0.9]


def kept_by(layer: nn.Dropout, shape: Any = MANY) -> np.ndarray:
    return layer(Tensor(np.ones(shape))).data != 0.0


# What is kept


@settings(max_examples=25)
@given(st.floats(0.0, 0.95), st.integers(0, 99))
def test_each_number_is_dropped_or_scaled(p: float, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(7, 5))
    y = nn.Dropout(p, rng=seed)(Tensor(x)).data
    kept = y != 0.0
    np.testing.assert_allclose(y[kept], x[kept] / (1.0 - p), rtol=1e-15)


@pytest.mark.parametrize("p", SHARES)
def test_the_share_that_is_kept_is_that_of_a_binomial(p: float) -> None:
    kept = kept_by(nn.Dropout(p, rng=0)).mean()
    assert abs(kept - (1.0 - p)) < 4.0 * np.sqrt(p * (1.0 - p) / MANY)


@pytest.mark.parametrize("p", SHARES)
def test_the_mean_stays(p: float) -> None:
    mean = nn.Dropout(p, rng=1)(Tensor(np.full(MANY, 3.0))).data.mean()
    assert abs(mean - 3.0) < 4.0 * 3.0 * np.sqrt(p / (1.0 - p) / MANY)


def test_each_number_is_dropped_by_itself() -> None:
    kept = kept_by(nn.Dropout(0.5, rng=0), (200, 200)).astype(float)
    for neighbours in ((kept[1:], kept[:-1]), (kept[:, 1:], kept[:, :-1])):
        correlation = np.corrcoef(*(a.ravel() for a in neighbours))[0, 1]
        assert abs(correlation) < 4.0 / np.sqrt(MANY)
    assert len({row.tobytes() for row in kept}) == 200


def test_nothing_is_dropped_in_evaluation_or_with_a_share_of_zero() -> None:
    x = Tensor(np.random.default_rng(0).normal(size=(3, 4)))
    for layer in (nn.Dropout(0.0, rng=0), nn.Dropout(0.9, rng=0).eval()):
        before = layer.rng.bit_generator.state
        assert np.array_equal(layer(x).data, x.data)
        assert layer.rng.bit_generator.state == before


def test_eval_and_train_of_a_model_reach_its_dropout() -> None:
    model = nn.Sequential(nn.Residual(nn.Sequential(nn.Dropout(0.9, rng=0))))
    x = np.ones((2, 50))
    assert (model.eval()(x) == 2.0).all()
    assert (model.train()(x) == 1.0).any()


def test_dropout_does_not_ask_whether_somebody_remembers() -> None:
    with tg.no_grad():
        assert (nn.Dropout(0.5, rng=0)(Tensor(np.ones(100))).data == 0.0).any()


# What flows back


@pytest.mark.parametrize("count", [60, MANY])
def test_the_gradient_is_zero_exactly_where_numbers_were_dropped(count: int) -> None:
    x, upstream = np.random.default_rng(0).normal(size=(2, count))
    batch = Tensor(x)
    y = nn.Dropout(0.25, rng=0)(batch)
    y.backward(upstream)
    kept = y.data != 0.0
    assert (batch.grad[~kept] == 0.0).all()
    np.testing.assert_allclose(batch.grad[kept], upstream[kept] / 0.75, rtol=1e-15)


@pytest.mark.parametrize("count", [60, MANY])
@pytest.mark.parametrize("spoilt", [np.nan, np.inf, -np.inf, 1.7e308])
def test_what_was_dropped_is_gone_whatever_it_was(count: int, spoilt: float) -> None:
    kept = kept_by(nn.Dropout(0.5, rng=0), count)
    x = Tensor(np.where(kept, 1.0, spoilt))
    y = nn.Dropout(0.5, rng=0)(x)
    assert np.array_equal(y.data, np.where(kept, 2.0, 0.0))
    y.backward(np.where(kept, 3.0, spoilt))
    assert np.array_equal(x.grad, np.where(kept, 6.0, 0.0))


@pytest.mark.parametrize("spoilt", [np.nan, np.inf])
def test_what_was_kept_stays_what_it_was(spoilt: float) -> None:
    kept = kept_by(nn.Dropout(0.5, rng=0), 60)
    y = nn.Dropout(0.5, rng=0)(Tensor(np.full(60, spoilt)))
    assert np.array_equal(y.data, np.where(kept, spoilt, 0.0), equal_nan=True)


def test_derivatives_through_one_mask_pass_the_check() -> None:
    def respond(x: Any) -> Any:
        return nn.Dropout(0.4, rng=3)(x)

    x = np.random.default_rng(0).normal(size=(3, 5))
    report = tg.gradcheck(respond, x)
    assert report, report
    v = np.random.default_rng(1).normal(size=(3, 5))
    kept = respond(Tensor(x)).data != 0.0
    found = tg.hvp(lambda x: (respond(x) ** 3).sum(), x, v)
    np.testing.assert_allclose(found, np.where(kept, 6.0 * x * v / 0.6**3, 0.0), rtol=1e-13)


def test_a_layer_used_twice_draws_twice_and_both_masks_pass_the_gradient() -> None:
    layer, x = nn.Dropout(0.5, rng=0), Tensor(np.ones(200))
    first, second = layer(x), layer(x)
    assert not np.array_equal(first.data, second.data)
    (first + second).sum().backward()
    assert np.array_equal(x.grad, first.data + second.data)


# Randomness


def test_one_seed_draws_one_series_of_masks_and_each_mask_is_new() -> None:
    layer, same, other = (nn.Dropout(0.5, rng=seed) for seed in (7, 7, 8))
    masks = [kept_by(layer, 100) for _ in range(3)]
    for mask in masks:
        assert np.array_equal(kept_by(same, 100), mask)
        assert not np.array_equal(kept_by(other, 100), mask)
    assert len({mask.tobytes() for mask in masks}) == 3


def test_without_a_seed_two_layers_differ() -> None:
    assert not np.array_equal(kept_by(nn.Dropout(0.5), 100), kept_by(nn.Dropout(0.5), 100))


def test_a_mask_does_not_depend_on_the_precision() -> None:
    x = np.ones((10, 10))
    wide, narrow = (nn.Dropout(0.5, rng=0)(Tensor(x, dtype=d)) for d in (np.float64, np.float32))
    assert np.array_equal(wide.data, narrow.data)


def test_two_layers_may_share_a_generator_and_draw_from_it_in_turn() -> None:
    rng = np.random.default_rng(5)
    model = nn.Sequential(nn.Dropout(0.5, rng=rng), nn.Dropout(0.5, rng=rng))
    assert [name for name, _ in model.named_generators()] == ["layers.0.rng", "layers.1.rng"]
    assert all(found is rng for _, found in model.named_generators())
    alone = nn.Dropout(0.5, rng=5)
    masks = [kept_by(alone, 100), kept_by(alone, 100)]
    assert np.array_equal(model(Tensor(np.ones(100))).data != 0.0, masks[0] & masks[1])


def test_generators_are_named_wherever_they_are() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.rng = np.random.default_rng(0)
            self.parts = {"drop": [nn.Dropout(rng=1)], "linear": nn.Linear(2, 2, rng=2)}

    named = dict(Net().named_generators())
    assert list(named) == ["rng", "parts.drop.0.rng"]
    assert all(isinstance(rng, np.random.Generator) for rng in named.values())
    assert list(nn.Linear(2, 2, rng=0).named_generators()) == []


def test_a_generator_put_back_draws_the_same_masks_again() -> None:
    layer = nn.Dropout(0.5, rng=0)
    state = copy.deepcopy(layer.rng.bit_generator.state)
    first = kept_by(layer, 100)
    layer.rng.bit_generator.state = state
    assert np.array_equal(kept_by(layer, 100), first)


def test_a_copy_draws_for_itself() -> None:
    layer = nn.Dropout(0.5, rng=0)
    copied = copy.deepcopy(layer)
    assert np.array_equal(kept_by(copied, 100), kept_by(layer, 100))


def test_randomness_is_no_parameter_and_not_in_the_state() -> None:
    assert nn.Dropout(0.5, rng=0).parameters() == []
    assert nn.Dropout(0.5, rng=0).state_dict() == {}


# Precision, and what may come in


@pytest.mark.parametrize("count", [60, MANY])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dropout_keeps_the_precision(count: int, dtype: Any) -> None:
    for p in (0.25, np.float64(0.25), np.float32(0.25)):
        x = Tensor(np.ones(count), dtype=dtype)
        y = nn.Dropout(p, rng=0)(x)
        y.sum().backward()
        assert y.dtype == x.grad.dtype == nn.Dropout(p, rng=0)(np.ones(count, dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool])
def test_whole_numbers_are_dropped_and_scaled_as_floats(dtype: Any) -> None:
    y = nn.Dropout(0.6, rng=0)(np.ones((5, 8), dtype=dtype))
    assert set(y.ravel().tolist()) == {0.0, 1.0 / (1.0 - 0.6)}


@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3), (1, 2, 3, 4)])
def test_dropout_takes_any_shape(shape: tuple[int, ...]) -> None:
    x = Tensor(np.ones(shape))
    y = nn.Dropout(0.5, rng=0)(x)
    y.sum().backward()
    assert y.shape == x.grad.shape == nn.Dropout(0.5, rng=0)(np.ones(shape)).shape == shape


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5, np.nan, np.inf, 1, True, "0.5", None, [0.5]])
def test_the_share_that_is_dropped_is_from_0_to_below_1(p: Any) -> None:
    with pytest.raises(ValueError, match="p is a number from 0 up to but not including 1, not"):
        nn.Dropout(p)


@pytest.mark.parametrize("written", ["Dropout(0.5)", "Dropout(0.0)", "Dropout(0.125)"])
def test_a_repr_is_the_call_that_makes_the_layer(written: str) -> None:
    assert repr(eval(written, vars(nn))) == written
    assert repr(nn.Dropout()) == "Dropout(0.5)"
