"""Where floats are delicate: infinities, kinks, and sums that overflow on the way.

Python's own ideas of arithmetic are not IEEE 754; the numbers written out here are those that
NumPy and PyTorch give.
"""

import math
import operator as op
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.oracles import Elementwise, gradients, mp
from tests.table import ELEMENTWISE, TABLE
from twingrad import Tensor, Value
from twingrad.engine import array_rules, list_rules, rules

INF, NAN = math.inf, math.nan

every_row = pytest.mark.parametrize("row", TABLE, ids=str)
every_scalar_row = pytest.mark.parametrize("row", ELEMENTWISE, ids=str)


def on_both_twins(f: Callable[..., Any], *numbers: float) -> list[float]:
    """The result on Values and on Tensors, and on each beside plain numbers."""
    found = []
    for twin in (Value, Tensor):
        nodes = [twin(x) for x in numbers]
        mixed = [(*numbers[:k], node, *numbers[k + 1 :]) for k, node in enumerate(nodes)]
        found += [float(f(*operands)) for operands in (nodes, *mixed)]
    return found


# Python floats are not IEEE 754; both twins are


def clipped(x: Any) -> Any:
    return tg.clip(x, -1.0, 1.0)


def log_if_false(x: Any) -> Any:
    return tg.where(False, tg.log(x), 7.0)


def first_of(x: Any, y: Any) -> Any:
    return tg.where(True, x, y)


def second(x: Any) -> Any:
    return x[1]


def zero_to(y: Any) -> Any:
    return 0.0**y


def to(n: float) -> Callable[..., Any]:
    return named(f"to_{n}", lambda x: x**n)


def over_rows(name: str, **static: Any) -> Callable[..., Any]:
    return named(f"{name}_over_rows", lambda x: getattr(tg, name)(x, axis=1, **static))


def entropy(*targets: float) -> Callable[..., Any]:
    held = np.array(targets)
    return named("entropy", lambda x: tg.apply(array_rules.cross_entropy, x, targets=held))


def named(name: str, f: Callable[..., Any]) -> Callable[..., Any]:
    f.__name__ = name
    return f


bce = named("bce", lambda x, target: tg.apply(rules.binary_cross_entropy, x, target))
entropy_of = named("entropy_of", lambda *x: tg.apply(list_rules.cross_entropy_of, *x))
lse = named("logsumexp", lambda *x: tg.apply(list_rules.logsumexp_of, *x))
gelu_tanh = named("gelu_tanh", lambda x: tg.gelu(x, approximate="tanh"))


def cases(names: str, *rows: tuple[Any, ...]) -> Any:
    """Parameters whose ids read as calls: function, arguments; then what is expected."""
    ids = [f"{f.__name__}{numbers}" for f, numbers, *_ in rows]
    return pytest.mark.parametrize(names, rows, ids=ids)


@cases(
    "f, numbers, expected",
    (op.truediv, (1.0, 0.0), INF),
    (op.truediv, (1.0, -0.0), -INF),
    (op.truediv, (0.0, 0.0), NAN),
    (op.pow, (0.0, -1.0), INF),
    (op.pow, (-0.0, -1.0), -INF),
    (op.pow, (0.0, 0.0), 1.0),
    (op.pow, (1e200, 2.0), INF),
    (op.pow, (-1.0, 0.5), NAN),
    (op.pow, (NAN, 0.0), 1.0),
    (tg.exp, (1000.0,), INF),
    (tg.log, (0.0,), -INF),
    (tg.log, (-1.0,), NAN),
    (tg.sqrt, (-1.0,), NAN),
    (tg.sin, (INF,), NAN),
    (tg.cos, (-INF,), NAN),
    (tg.relu, (NAN,), NAN),
    (tg.maximum, (0.0, NAN), NAN),
    (tg.maximum, (NAN, 0.0), NAN),
    (tg.minimum, (0.0, NAN), NAN),
    (log_if_false, (-1.0,), 7.0),
)
def test_what_python_refuses_or_gets_wrong_both_twins_know(f, numbers, expected) -> None:
    found = on_both_twins(f, *numbers)
    np.testing.assert_array_equal(found, [expected] * len(found))


SPECIAL = [0.0, -0.0, 0.5, 1.0, -1.0, -2.0, 3.0, 1000.0, 1e200, -1e200, 1e-320, INF, -INF, NAN]


@pytest.mark.parametrize(
    ("ours", "numpys"),
    [
        (op.add, np.add),
        (op.sub, np.subtract),
        (op.mul, np.multiply),
        (op.truediv, np.divide),
        (op.pow, np.power),
        (tg.maximum, np.maximum),
        (tg.minimum, np.minimum),
        (op.neg, np.negative),
        (abs, np.absolute),
        (tg.exp, np.exp),
        (tg.log, np.log),
        (tg.sqrt, np.sqrt),
        (tg.sin, np.sin),
        (tg.cos, np.cos),
        (tg.tanh, np.tanh),
    ],
    ids=lambda f: f.__name__,
)
def test_special_numbers_give_what_numpy_gives(ours: Any, numpys: np.ufunc) -> None:
    for numbers in product(SPECIAL, repeat=numpys.nin):
        if numpys is np.power and numbers == (-INF, 0.5):
            continue  # NumPy's inf becomes nan where the exponent is one number for all
        with np.errstate(all="ignore"):
            expected = numpys(*map(np.float64, numbers))
        found = on_both_twins(ours, *numbers)
        np.testing.assert_allclose(found, expected, rtol=4e-16, atol=0.0, err_msg=str(numbers))


@every_scalar_row
def test_the_twins_agree_on_special_numbers_and_on_their_gradients(row: Elementwise) -> None:
    if len(row.domains) < 3:
        points = np.array(list(product(SPECIAL, repeat=len(row.domains))))
    else:
        points = row.rng().choice(SPECIAL, (100, len(row.domains)))
    y = row.call(*(nodes := [Tensor(x) for x in points.T]))
    y.backward(np.ones(len(points)))
    for i, point in enumerate(points):
        alone = row.call(*(values := [Value(x) for x in point]))
        alone.backward()
        found = [alone.data, *[v.grad for v in values]]
        expected = [y.data[i], *[node.grad[i] for node in nodes]]
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=0.0, err_msg=str(point))


@cases(
    "f, numbers, expected",
    (tg.relu, (-1.0,), [0.0]),
    (abs, (0.0,), [0.0]),
    (tg.maximum, (1.0, 2.0), [0.0, INF]),
    (tg.minimum, (1.0, 2.0), [INF, 0.0]),
    (clipped, (1.5,), [0.0]),
    (first_of, (1.0, 2.0), [INF, 0.0]),
)
def test_what_is_not_chosen_gets_zero_even_of_an_infinite_gradient(f, numbers, expected) -> None:
    np.testing.assert_equal(gradients(f, *numbers, seed=INF), expected)
    np.testing.assert_equal(gradients(f, *map(np.array, numbers), seed=INF), expected)


@cases(
    "f, numbers, expected",
    (tg.max, [1.0, 2.0], [0.0, INF]),
    (tg.min, [1.0, 2.0], [INF, 0.0]),
    (tg.std, [2.0, 2.0], [0.0, 0.0]),
    (second, [1.0, 2.0], [0.0, INF]),
)
def test_what_an_array_does_not_choose_gets_zero_of_infinity(f, numbers, expected) -> None:
    np.testing.assert_array_equal(gradients(f, np.array(numbers), seed=INF), [expected])


# At kinks the gradient is PyTorch's


@cases(
    "f, numbers, expected",
    (tg.relu, (0.0,), [0.0]),
    (tg.relu, (-0.0,), [0.0]),
    (tg.relu, (NAN,), [1.0]),
    (abs, (0.0,), [0.0]),
    (tg.leaky_relu, (0.0,), [0.01]),
    (tg.maximum, (2.0, 2.0), [0.5, 0.5]),
    (tg.maximum, (INF, INF), [0.5, 0.5]),
    (tg.minimum, (2.0, 2.0), [0.5, 0.5]),
    (clipped, (-1.0,), [1.0]),
    (clipped, (1.0,), [1.0]),
    (op.pow, (0.0, 0.0), [0.0, 0.0]),
    (op.pow, (0.0, 1.0), [1.0, 0.0]),
    (op.pow, (0.0, 2.0), [0.0, 0.0]),
    (op.pow, (0.0, 0.5), [INF, 0.0]),
    (op.pow, (0.0, -1.0), [-INF, -INF]),
    (op.pow, (-2.0, 2.0), [-4.0, NAN]),
    (op.pow, (INF, 0.0), [0.0, INF]),
    (op.pow, (1.0, INF), [INF, 0.0]),
    (to(0), (0.0,), [0.0]),
    (to(1), (0.0,), [1.0]),
    (to(2), (0.0,), [0.0]),
    (zero_to, (0.0,), [0.0]),
    (zero_to, (2.0,), [0.0]),
    (tg.sqrt, (0.0,), [INF]),
    (tg.log, (0.0,), [INF]),
    (op.truediv, (1.0, 0.0), [INF, -INF]),
    (op.truediv, (0.0, 0.0), [INF, NAN]),
    (bce, (0.0, 0.3), [0.2, 0.0]),
)
def test_the_gradient_at_a_kink_is_pytorchs(f, numbers, expected) -> None:
    np.testing.assert_array_equal(gradients(f, *numbers), expected)
    np.testing.assert_array_equal(gradients(f, *map(np.array, numbers)), expected)


THIRD = 1.0 / 3.0


@cases(
    "f, rows, expected",
    (over_rows("max"), [[1, 3, 3], [2, 2, 2]], [[0, 0.5, 0.5], [THIRD] * 3]),
    (over_rows("min"), [[1, 1, 3], [2, 2, 2]], [[0.5, 0.5, 0], [THIRD] * 3]),
    (tg.max, [[1, 3, 3], [2, 2, 3]], [[0, THIRD, THIRD], [0, 0, THIRD]]),
    (over_rows("std"), [[2, 2, 2]], [[0, 0, 0]]),
    (over_rows("std", ddof=1), [[2, 2, 2]], [[0, 0, 0]]),
    (over_rows("var"), [[2, 2, 2]], [[0, 0, 0]]),
    (over_rows("logsumexp"), [[1, -INF], [1, INF]], [[1, 0], [0, NAN]]),
)
def test_the_gradient_of_a_reduction_at_a_kink_is_pytorchs(f, rows, expected) -> None:
    np.testing.assert_array_equal(gradients(f, np.array(rows, dtype=float)), [expected])


@pytest.mark.parametrize("number", [float, np.array], ids=["Value", "Tensor"])
@cases(
    "f, x, twice, thrice",
    (to(0), 0.0, 0.0, 0.0),
    (to(1), 0.0, 0.0, 0.0),
    (to(2), 0.0, 2.0, 0.0),
    (to(3), 0.0, 0.0, 6.0),
    (tg.relu, 0.0, 0.0, 0.0),
    (abs, 0.0, 0.0, 0.0),
    (tg.leaky_relu, 0.0, 0.0, 0.0),
    (clipped, 1.0, 0.0, 0.0),
)
def test_second_and_third_derivatives_at_a_kink(f, x, twice, thrice, number) -> None:
    second_derivative = tg.grad(tg.grad(f))
    assert second_derivative(number(x)) == twice
    assert tg.grad(second_derivative)(number(x)) == thrice


# Stable by construction

LOG_2 = math.log(2)


@cases(
    "f, numbers, value, slopes",
    (tg.sigmoid, (1e4,), 1.0, [0.0]),
    (tg.sigmoid, (-1e4,), 0.0, [0.0]),
    (tg.sigmoid, (INF,), 1.0, [0.0]),
    (tg.sigmoid, (-INF,), 0.0, [0.0]),
    (tg.softplus, (1e4,), 1e4, [1.0]),
    (tg.softplus, (-1e4,), 0.0, [0.0]),
    (tg.softplus, (INF,), INF, [1.0]),
    (tg.softplus, (-INF,), 0.0, [0.0]),
    (tg.tanh, (INF,), 1.0, [0.0]),
    (tg.erf, (-INF,), -1.0, [0.0]),
    (tg.gelu, (1e4,), 1e4, [1.0]),
    (tg.gelu, (-1e4,), 0.0, [0.0]),
    (gelu_tanh, (-1e4,), 0.0, [0.0]),
    (bce, (1e4, 0.0), 1e4, [1.0, -1e4]),
    (bce, (1e4, 1.0), 0.0, [0.0, -1e4]),
    (bce, (-1e4, 1.0), 1e4, [-1.0, 1e4]),
    (bce, (INF, 0.0), INF, [1.0, -INF]),
    (bce, (-INF, 1.0), INF, [-1.0, INF]),
    (bce, (INF, 1.0), 0.0, [0.0, -INF]),
    (bce, (-INF, 0.0), 0.0, [0.0, INF]),
    (entropy_of, (1e4, -1e4, 0.0, 1.0), 2e4, [1.0, -1.0, 0.0, 2e4]),
    (entropy_of, (1.0, -INF, 1.0, 0.0), 0.0, [0.0, 0.0, 0.0, INF]),
    (lse, (1e4, 1e4), 1e4 + LOG_2, [0.5, 0.5]),
    (lse, (-1e4, -1e4), -1e4 + LOG_2, [0.5, 0.5]),
    (lse, (1e4, -1e4), 1e4, [1.0, 0.0]),
    (lse, (-INF, 3.0), 3.0, [0.0, 1.0]),
    (lse, (INF, 3.0), INF, [NAN, 0.0]),
    (lse, (-INF, -INF), -INF, [NAN, NAN]),
)
def test_a_function_of_numbers_is_stable_however_large_they_are(f, numbers, value, slopes) -> None:
    for kind in (float, np.array):
        found, gradient = tg.value_and_grad(f, tuple(range(len(numbers))))(*map(kind, numbers))
        np.testing.assert_allclose(found, value, rtol=1e-15)
        np.testing.assert_allclose(gradient, slopes, rtol=2e-12, atol=0.0)


@cases(
    "f, logits, value, jacobian",
    (tg.softmax, [1e4, -1e4], [1, 0], [[0, 0], [0, 0]]),
    (tg.softmax, [1e4, 1e4], [0.5, 0.5], [[0.25, -0.25], [-0.25, 0.25]]),
    (tg.softmax, [1.0, -INF], [1, 0], [[0, 0], [0, 0]]),
    (tg.log_softmax, [1e4, -1e4], [0, -2e4], [[0, 0], [-1, 1]]),
    (tg.log_softmax, [1.0, -INF], [0, -INF], [[0, 0], [-1, 1]]),
    (tg.logsumexp, [1e4, -1e4], 1e4, [1, 0]),
    (tg.logsumexp, [-1e4, -1e4], LOG_2 - 1e4, [0.5, 0.5]),
    (tg.logsumexp, [-INF, 3.0], 3, [0, 1]),
    (tg.logsumexp, [-INF, -INF], -INF, [NAN, NAN]),
    (entropy(0, 1), [1e4, -1e4], 2e4, [1, -1]),
    (entropy(1, 0), [1e4, -1e4], 0, [0, 0]),
    (entropy(1, 0), [1.0, -INF], 0, [0, 0]),
    (entropy(0, 1), [1.0, -INF], INF, [1, -1]),
)
def test_a_function_of_logits_is_stable_however_large_they_are(f, logits, value, jacobian) -> None:
    np.testing.assert_allclose(f(Tensor(logits)).data, value, rtol=1e-15)
    np.testing.assert_allclose(tg.jacobian(f)(np.array(logits)), jacobian, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("x", [1e-8, 1e-3, 3.0, 10.0, 26.0])
def test_the_tails_keep_their_digits(x: float) -> None:
    exact = {
        tg.erf: mp.erf(-x),
        tg.softplus: mp.log1p(mp.exp(-mp.mpf(x))),
        tg.sigmoid: 1 / (1 + mp.exp(mp.mpf(x))),
        tg.gelu: -x * mp.ncdf(-mp.mpf(x)),
    }
    for f, expected in exact.items():
        np.testing.assert_allclose(on_both_twins(f, -x), float(expected), rtol=2e-13)
    np.testing.assert_allclose(on_both_twins(tg.erfc, x), float(mp.erfc(x)), rtol=2e-13)
