"""Rules in a recording: kinks and ties, poles, constants among operands, and rules of the user's.

A recording runs the rules that eager runs, but on arrays. What cannot take arrays must be noticed,
and done number by number.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.recorded import eager, near, replayed, replays_as_it_runs, values
from tests.table import ELEMENTWISE
from twingrad import Value


def weighed(results: list[Any]) -> Any:
    return tg.sum([result * (k + 1.0) for k, result in enumerate(results)])


# The rules of the table


@pytest.mark.parametrize("row", ELEMENTWISE, ids=str)
@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_every_rule_of_the_table_replays_as_it_runs(row: Any, count: int) -> None:
    columns = list(zip(*row.points(count), strict=True))
    leaves = [values(column) for column in columns]
    flat = [x for column in leaves for x in column]
    moved = [x + 1e-3 for x in np.ravel(columns)]
    replays_as_it_runs(
        lambda: weighed([row.call(*xs) for xs in zip(*leaves, strict=True)]), flat, moved
    )


@pytest.mark.parametrize("row", [row for row in ELEMENTWISE if len(row.domains) > 1], ids=str)
@pytest.mark.parametrize("shared", [0, 1, 2])
@pytest.mark.parametrize("plain", [False, True], ids=["a Value", "a number"])
def test_an_operand_may_be_the_same_for_all(row: Any, shared: int, plain: bool) -> None:
    shared = min(shared, len(row.domains) - 1)
    points = row.points(6)
    columns = [values(column) for column in zip(*points, strict=True)]
    columns[shared] = [points[0][shared] if plain else Value(points[0][shared])] * 6
    leaves = list(dict.fromkeys(x for c in columns for x in c if isinstance(x, Value)))
    replays_as_it_runs(
        lambda: weighed([row.call(*xs) for xs in zip(*columns, strict=True)]), leaves
    )


AT_KINKS: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x.relu() + y,
    lambda x, y: abs(x) + y,
    lambda x, y: x.clip(-1.0, 1.0) * y,
    lambda x, y: tg.maximum(x, y),
    lambda x, y: tg.minimum(x, y),
    lambda x, y: tg.maximum(x, 0.0) + y,
    lambda x, y: tg.maximum(x, x) + y,
    lambda x, y: x.leaky_relu(0.5) + y,
    lambda x, y: tg.where(False, x, y),
    lambda x, y: (x * 0.0) ** 0 + y,
    lambda x, y: (x - x) ** 2 + y,
]


@pytest.mark.parametrize("f", AT_KINKS)
def test_ties_and_kinks_come_out_as_they_do_eager(f: Callable[[Any, Any], Any]) -> None:
    xs, ys = values([-1.0, 0.0, 0.0, 1.0, 2.0, 1.0]), values([0.0, 0.0, -1.0, 1.0, 3.0, -1.0])
    recording = tg.record(lambda: weighed([f(x, y) for x, y in zip(xs, ys, strict=True)]))
    leaves = [*xs, *ys]
    for numbers in ([0.0] * 12, [1.0] * 12, [-0.0] * 12, [-1.0, 0.0] * 6, [0.0, -1.0, 1.0] * 4):
        for leaf, x in zip(leaves, numbers, strict=True):
            leaf.data = x
        expected = eager(
            lambda: weighed([f(x, y) for x, y in zip(xs, ys, strict=True)]), leaves, ()
        )
        np.testing.assert_array_equal(replayed(recording, leaves, ()), expected)


ODD = [0.0, -0.0, 1.0, -1.0, 0.5, 1e-320, 1e200, -1e200, math.inf, -math.inf, math.nan]
AT_POLES: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x / y,
    lambda x, y: x**y,
    lambda x, y: x * y,
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: tg.maximum(x, y),
    lambda x, y: tg.minimum(x, y),
    lambda x, y: x.exp() + y.log(),
    lambda x, y: x.sqrt() * y.sigmoid(),
    lambda x, y: x.softplus() - y.tanh(),
    lambda x, y: x.gelu() + y.relu(),
    lambda x, y: x.sin() * y.cos(),
    lambda x, y: x**2 + y**-1,
    lambda x, y: x.erf() + y.erfc(),
    lambda x, y: 2.0**x + (-2.0) ** y,
    lambda x, y: tg.logsumexp([x, y]),
]


@pytest.mark.parametrize("f", AT_POLES)
def test_poles_infinities_and_nan_come_out_as_they_do_eager(f: Callable[[Any, Any], Any]) -> None:
    """Each pair by itself, for a sum of them all would be nan; recorded as one group."""
    xs, ys = values(ODD), values(ODD[::-1])
    chosen = Value(0.0)

    def loss() -> Any:
        results = [f(x, y) for x, y in zip(xs, ys, strict=True)]
        return tg.sum([tg.where(k == 3, x, 0.0 * chosen) for k, x in enumerate(results)])

    leaves = [*xs, *ys]
    recording = tg.record(loss)
    for shift in range(len(ODD)):
        for leaf, x in zip(xs, ODD[shift:] + ODD[:shift], strict=True):
            leaf.data = x
        assert near(replayed(recording, leaves, ()), eager(loss, leaves, ()))


def test_settings_that_are_equal_but_not_the_same_stay_apart() -> None:
    a, b = Value(-1.0), Value(-1.0)
    loss = lambda: 1.0 / tg.clip(a, 0.0, 1.0) + 2.0 / tg.clip(b, -0.0, 1.0)  # noqa: E731
    recording = tg.record(loss)
    np.testing.assert_equal(recording.replay(), loss().data)


def test_the_sum_of_a_negative_zero_is_a_negative_zero() -> None:
    a = Value(-0.0)
    assert tg.record(lambda: 1.0 / tg.sum([a])).replay() == -math.inf


# Shapes in which operands fall together


def sums_of_five(pairs: list[tuple[Any, Any]]) -> Any:
    """Sums of five products each, of one pair or of five."""
    return weighed([tg.tanh(sum(x * y for x, y in pair)) for pair in pairs])


@pytest.mark.parametrize("rows", [2, 10])
@pytest.mark.parametrize("left", ["one", "own"])
@pytest.mark.parametrize("right", ["one", "own"])
def test_five_times_the_same_product_is_five_times_as_much(
    rows: int, left: str, right: str
) -> None:
    leaves = values(np.linspace(0.1, 0.3, 2 * rows))
    xs, ys = leaves[:rows], leaves[rows:]
    xs = xs if left == "own" else xs[:1] * rows
    ys = ys if right == "own" else ys[:1] * rows
    pairs = [[pair] * 5 for pair in zip(xs, ys, strict=True)]
    replays_as_it_runs(lambda: sums_of_five(pairs), leaves, np.linspace(0.2, -0.3, 2 * rows))


@pytest.mark.parametrize("count", [2, 3, 7])
def test_a_few_dot_products_that_share_nothing_replay_as_they_run(count: int) -> None:
    leaves = values(np.linspace(-1.0, 1.0, 10 * count))
    rows = [leaves[5 * i : 5 * (i + 1)] for i in range(2 * count)]

    def loss() -> Any:
        responses = [tg.dot(rows[i], rows[count + i]) for i in range(count)]
        return sum(r.tanh() if i % 2 else r.sin() for i, r in enumerate(responses))

    replays_as_it_runs(loss, leaves, np.linspace(1.0, 2.0, 10 * count))
