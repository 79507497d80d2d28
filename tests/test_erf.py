"""erf and erfc of arrays against mpmath at 50 digits."""

import importlib
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
import pytest

from twingrad.engine.erf import erf, erfc

# `import twingrad.engine.erf as module` would find the engine's operation of that name.
module = importlib.import_module("twingrad.engine.erf")

Array = npt.NDArray[Any]
Function = Callable[[Array], Array]

TWO_ULP = 2.0
LAST = 27.226017  # a little further, erfc rounds to 0


@pytest.fixture(autouse=True)
def fifty_digits() -> Iterator[None]:
    with mpmath.workdps(50):
        yield


def ulps_off(function: Function, x: Array) -> float:
    """The largest distance from the truth, in units of the truth's own last place."""
    oracle = getattr(mpmath, function.__name__)
    worst = 0.0
    for argument, result in zip(x.tolist(), function(x).tolist(), strict=True):
        truth = oracle(mpmath.mpf(argument))
        last_place = float(np.spacing(x.dtype.type(abs(float(truth)))))
        worst = max(worst, float(abs(truth - result) / last_place))
    return worst


def uniform(low: float, high: float, count: int = 500) -> Array:
    return np.random.default_rng(0).uniform(low, high, count)


def both_signs(x: Array) -> Array:
    return np.concatenate([x, -x])


def at_the_seams(low: float, high: float, count: int = 60) -> Array:
    """Halfway between two nodes, where the table's entry changes, and the floats on either side."""
    first, last = int(low / module.SPACING), int(high / module.SPACING)
    seams = (np.unique(np.linspace(first, last, count).astype(int)) + 0.5) * module.SPACING
    return np.concatenate([np.nextafter(seams, 0.0), seams, np.nextafter(seams, np.inf)])


# --- Accuracy -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x",
    [
        both_signs(uniform(0.0, 0.001)),
        both_signs(uniform(0.0015, 0.006, 1500)),  # where the rest is as large as the entry
        both_signs(uniform(0.0, 1.0)),
        both_signs(uniform(1.0, 6.5)),
        at_the_seams(0.0, 0.05),
        at_the_seams(0.05, 6.5),
        np.arange(0.0, 6.5, module.SPACING * 7),
    ],
    ids=["first node", "second node", "to 1", "to 6.5", "first seams", "seams", "nodes"],
)
def test_erf_is_within_two_ulp(x: Array) -> None:
    assert ulps_off(erf, x) < TWO_ULP


@pytest.mark.parametrize(
    "x",
    [
        uniform(-6.5, 0.0),
        uniform(0.0, 1.0),
        uniform(1.0, 6.0),
        uniform(6.0, 26.5, 1500),
        uniform(26.5, LAST, 1000),
        at_the_seams(0.0, 6.0),
        at_the_seams(6.0, 27.2),
        np.arange(0.0, LAST, module.SPACING * 29),
    ],
    ids=["negative", "to 1", "to 6", "tail", "subnormal", "seams", "tail's seams", "nodes"],
)
def test_erfc_is_within_two_ulp_down_to_the_smallest_float(x: Array) -> None:
    assert ulps_off(erfc, x) < TWO_ULP


def test_erf_of_a_tiny_number_is_within_two_ulp_down_to_the_smallest_float() -> None:
    x = np.ldexp(uniform(0.5, 1.0, 1075), -np.arange(1075))
    assert x[-1] == 5e-324
    assert ulps_off(erf, x) < TWO_ULP


@pytest.mark.parametrize("function", [erf, erfc])
def test_float32_is_rounded_once_from_float64(function: Function) -> None:
    x = np.concatenate([uniform(-6.0, 10.05), both_signs(np.ldexp(0.7, -np.arange(149)))])
    assert ulps_off(function, x.astype(np.float32)) < 0.501


def test_the_tables_are_all_but_correctly_rounded() -> None:
    of_erf, of_erfc, of_slope = module._tables()
    for number in range(1, round(27 / module.SPACING), 13):
        node = mpmath.mpf(number) * module.SPACING
        slope = 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-node * node)
        truths = (mpmath.erf(node), mpmath.erfc(node), slope)
        for entry, truth in zip((of_erf, of_erfc, of_slope), truths, strict=True):
            assert abs(entry[number] - truth) < 0.51 * np.spacing(entry[number])


def test_both_agree_with_the_standard_library() -> None:
    x = np.concatenate([np.linspace(-7.0, 7.0, 2001), np.linspace(7.0, 26.0, 2001)])
    # C libraries are known to be off by several ulp themselves.
    np.testing.assert_allclose(erf(x), [math.erf(each) for each in x], rtol=3e-15)
    np.testing.assert_allclose(erfc(x), [math.erfc(each) for each in x], rtol=3e-15)


def test_erf_is_odd_and_never_exceeds_one() -> None:
    x = np.linspace(0.0, 8.0, 100_001)
    assert np.array_equal(erf(-x), -erf(x))
    assert erf(x).max() == 1.0


# --- The oracle notices ---------------------------------------------------------------------------


def test_a_subtraction_that_cancels_is_rejected() -> None:
    def naive_erfc(x: Array) -> Array:
        return 1.0 - erf(x)

    naive_erfc.__name__ = "erfc"
    assert ulps_off(naive_erfc, uniform(0.0, 0.4)) < TWO_ULP  # where nothing cancels
    assert ulps_off(naive_erfc, uniform(1.0, 2.0)) > TWO_ULP


@pytest.mark.parametrize("function", [erf, erfc])
@pytest.mark.parametrize("scale", [1 + 2**-51, 1 - 2**-51])
def test_a_table_two_ulp_off_is_rejected(
    function: Function, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_erf, of_erfc, of_slope = module._tables()
    monkeypatch.setattr(module, "_tables", lambda: (scale * of_erf, scale * of_erfc, of_slope))
    assert ulps_off(function, uniform(0.1, 1.0)) > TWO_ULP


@pytest.mark.parametrize(("function", "high"), [(erf, 0.002), (erfc, 26.0)])
def test_a_slope_a_little_off_is_rejected(
    function: Function, high: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_erf, of_erfc, of_slope = module._tables()
    monkeypatch.setattr(module, "_tables", lambda: (of_erf, of_erfc, of_slope * (1 + 1e-14)))
    assert ulps_off(function, uniform(high / 2, high)) > TWO_ULP


# --- Special values, shapes, manners --------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinities_and_nan_give_the_limits_and_nan(dtype: Any) -> None:
    x = np.array(
        [np.inf, -np.inf, np.nan, -np.nan, np.finfo(dtype).max, np.finfo(dtype).min], dtype
    )
    np.testing.assert_array_equal(erf(x), np.array([1, -1, np.nan, np.nan, 1, -1], dtype))
    np.testing.assert_array_equal(erfc(x), np.array([0, 2, np.nan, np.nan, 0, 2], dtype))


def test_zero_keeps_its_sign() -> None:
    zeros = np.array([0.0, -0.0])
    assert np.array_equal(erf(zeros), zeros)
    assert np.signbit(erf(zeros)).tolist() == [False, True]
    assert erfc(zeros).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("function", [erf, erfc])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_argument_raises_a_warning(function: Function, dtype: Any) -> None:
    limits = np.finfo(dtype)
    edges = np.array(
        [0, limits.smallest_subnormal, limits.tiny, 1, 6, 14, 27, 28, limits.max], dtype
    )
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        function(both_signs(np.append(edges, dtype(np.inf))))
        function(np.full(3, np.nan, dtype))


@pytest.mark.parametrize("function", [erf, erfc])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4)])
def test_shape_and_dtype_are_kept(function: Function, dtype: Any, shape: tuple[int, ...]) -> None:
    result = function(np.ones(shape, dtype))
    assert isinstance(result, np.ndarray)
    assert (result.shape, result.dtype) == (shape, dtype)


@pytest.mark.parametrize("function", [erf, erfc])
def test_a_numpy_scalar_is_an_array_without_axes(function: Function) -> None:
    scalar: Any
    for scalar in (np.float32(0.5), np.float64(0.5)):
        result = function(scalar)
        assert (result.shape, result.dtype) == ((), scalar.dtype)
        assert result == function(np.array([scalar]))[0]


@pytest.mark.parametrize("function", [erf, erfc])
def test_whole_numbers_become_float64(function: Function) -> None:
    whole = np.arange(-3, 4)
    assert function(whole).dtype == np.float64
    assert np.array_equal(function(whole), function(whole.astype(np.float64)))


@pytest.mark.parametrize("function", [erf, erfc])
def test_a_result_depends_neither_on_the_block_nor_on_the_memory_layout(function: Function) -> None:
    x = uniform(-7.0, 28.0, 3 * module.BLOCK + 5)
    result = function(x)
    assert np.array_equal(result[-9:], function(x[-9:]))
    assert np.array_equal(result[::-3], function(x[::-3]))
    square = x[:400].reshape(20, 20)
    assert np.array_equal(function(square.T), function(square).T)
    assert np.array_equal(function(np.asfortranarray(square)), function(square))


@pytest.mark.parametrize("function", [erf, erfc])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_argument_is_left_as_it_was(function: Function, dtype: Any) -> None:
    x = uniform(-7.0, 28.0).astype(dtype)
    before = x.copy()
    x.flags.writeable = False
    result = function(x)
    assert np.array_equal(x, before)
    assert not np.shares_memory(result, x)
