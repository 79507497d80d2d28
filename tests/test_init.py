"""How weights begin: the variance, bounds, precision and seeds that each initialiser promises."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from twingrad.nn import init

WIDE, KERNEL = (300, 100), (40, 30, 5, 5)  # (fan_in, fan_out), and (out, in, height, width)
FANS = {WIDE: (300, 100), KERNEL: (30 * 25, 40 * 25)}

# What the papers say of the variance, as a function of fan_in and fan_out.
UNIFORM: dict[Callable[..., Any], Callable[[int, int], float]] = {
    init.xavier_uniform: lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    init.he_uniform: lambda fan_in, fan_out: 2 / fan_in,
    init.lecun_uniform: lambda fan_in, fan_out: 1 / fan_in,
}
NORMAL: dict[Callable[..., Any], Callable[[int, int], float]] = {
    init.xavier_normal: lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    init.he_normal: lambda fan_in, fan_out: 2 / fan_in,
    init.lecun_normal: lambda fan_in, fan_out: 1 / fan_in,
}
OF_VARIANCE = {**UNIFORM, **NORMAL}
DRAWN = [*OF_VARIANCE, init.orthogonal, init.uniform]
ALL = [*DRAWN, init.zeros]


@pytest.mark.parametrize("shape", [WIDE, KERNEL])
@pytest.mark.parametrize("initialiser", OF_VARIANCE)
def test_weights_have_mean_zero_and_the_variance_of_the_paper(
    initialiser: Any, shape: tuple[int, ...]
) -> None:
    weights = initialiser(shape, rng=0)
    variance = OF_VARIANCE[initialiser](*FANS[shape])
    # Of n = 30,000 draws the mean deviates by σ/√n, and the variance by at most √(2/n) of itself
    # (a normal's fourth moment; a uniform's is smaller). Five of those: once in a million.
    assert weights.shape == shape
    assert weights.size == 30_000
    assert abs(weights.mean()) < 5 * math.sqrt(variance / 30_000)
    assert weights.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / 30_000))


@pytest.mark.parametrize("initialiser", UNIFORM)
def test_a_uniform_fills_its_interval_and_no_more(initialiser: Any) -> None:
    weights = initialiser(WIDE, rng=0, dtype=np.float64)
    limit = math.sqrt(3 * UNIFORM[initialiser](*FANS[WIDE]))
    # The extreme of 30,000 draws comes within 1/1,000 of either end, but for once in e³⁰ times.
    assert limit * 0.998 < weights.max() <= limit
    assert -limit <= weights.min() < -limit * 0.998


def test_xavier_uniform_is_bounded_as_glorot_and_bengio_wrote_it() -> None:
    limit = math.sqrt(6) / math.sqrt(300 + 100)
    assert np.abs(init.xavier_uniform(WIDE, rng=0, dtype=np.float64)).max() == pytest.approx(
        limit, rel=1e-3
    )


@pytest.mark.parametrize("initialiser", NORMAL)
def test_a_normal_has_a_normals_tails(initialiser: Any) -> None:
    weights = initialiser(WIDE, rng=0) / math.sqrt(NORMAL[initialiser](*FANS[WIDE]))
    # 4.55 % lie beyond two standard deviations; five deviations of that count are 0.6 %.
    assert np.mean(np.abs(weights) > 2.0) == pytest.approx(0.0455, abs=0.006)


@pytest.mark.parametrize("initialiser", [*OF_VARIANCE, init.orthogonal])
def test_gain_stretches_the_same_draw(initialiser: Any) -> None:
    one = initialiser((20, 10), gain=1.0, rng=3, dtype=np.float64)
    assert initialiser((20, 10), gain=2.5, rng=3, dtype=np.float64) == pytest.approx(
        2.5 * one, rel=1e-13
    )


@pytest.mark.parametrize("initialiser", [init.he_uniform, init.he_normal])
def test_the_gain_of_he_is_the_root_of_two_unless_told_otherwise(initialiser: Any) -> None:
    told = initialiser((20, 10), gain=math.sqrt(2.0), rng=3)
    assert np.array_equal(initialiser((20, 10), rng=3), told)


@pytest.mark.parametrize("shape", [(8, 5), (5, 8), (6, 6), (10, 3, 2, 1)])
def test_rows_or_columns_of_an_orthogonal_matrix_are_orthonormal(shape: tuple[int, ...]) -> None:
    weights = init.orthogonal(shape, rng=0, dtype=np.float64)
    assert weights.shape == shape
    matrix = weights.reshape(shape[0], -1)
    if matrix.shape[0] < matrix.shape[1]:
        matrix = matrix.T
    assert matrix.T @ matrix == pytest.approx(np.eye(matrix.shape[1]), abs=1e-14)


def test_orthogonal_matrices_are_drawn_without_a_preferred_direction() -> None:
    # QR alone leaves the signs of the diagonal one-sided; drawn fairly, half of either sign.
    first = [init.orthogonal((3, 3), rng=seed)[0, 0] for seed in range(400)]
    assert abs(np.mean(np.sign(first))) < 5 / math.sqrt(400)
    # An entry of a fair draw has variance 1/3.
    assert np.var(first) == pytest.approx(1 / 3, rel=5 * math.sqrt(2 / 400))


def test_uniform_keeps_to_the_interval_given() -> None:
    weights = init.uniform((1000,), low=2.0, high=3.0, rng=0)
    assert weights.min() >= 2.0
    assert weights.max() <= 3.0
    assert weights.max() - weights.min() > 0.98
    assert np.abs(init.uniform((1000,), rng=0)).max() <= 1.0


def test_zeros_are_zeros() -> None:
    assert init.zeros((3, 2)).tolist() == [[0.0, 0.0]] * 3


@pytest.mark.parametrize("initialiser", ALL)
def test_precision_is_float32_unless_told_otherwise(initialiser: Any) -> None:
    assert initialiser((4, 3), rng=0).dtype == np.float32
    for dtype in (np.float64, np.float32, "float64"):
        assert initialiser((4, 3), rng=0, dtype=dtype).dtype == np.dtype(dtype)


@pytest.mark.parametrize("initialiser", DRAWN)
def test_one_seed_draws_one_set_of_bits(initialiser: Any) -> None:
    first = initialiser((4, 3), rng=1)
    assert np.array_equal(first, initialiser((4, 3), rng=1))
    assert not np.array_equal(first, initialiser((4, 3), rng=2))
    generator = np.random.default_rng(1)
    assert np.array_equal(first, initialiser((4, 3), rng=generator))
    assert not np.array_equal(first, initialiser((4, 3), rng=generator))


def test_names_stand_for_their_functions() -> None:
    assert init.by_name("he") is init.he_uniform
    assert init.by_name("xavier") is init.xavier_uniform
    assert init.by_name("lecun") is init.lecun_uniform
    for initialiser in ALL:
        assert init.by_name(initialiser.__name__) is initialiser
    assert init.by_name(np.ones) is np.ones


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"init is one of he, xavier, .*, not 'kaiming'"):
        init.by_name("kaiming")


@pytest.mark.parametrize("initialiser", [*OF_VARIANCE, init.orthogonal])
def test_a_shape_without_two_sides_is_refused(initialiser: Any) -> None:
    with pytest.raises(ValueError, match=r"need.* a shape of two or more, not \(5,\)"):
        initialiser((5,), rng=0)
