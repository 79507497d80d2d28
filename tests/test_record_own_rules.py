"""Rules of the user's in a recording: some take arrays, and some must be run one by one.

Which is which is tried out, on other numbers than those recorded.
"""

import functools
import math
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.recorded import replayed, replays_as_it_runs, values
from tests.scalar_operations import bent, cube, followed_by, greater, plain_zero, scaled, sine
from twingrad import GraphError, Value
from twingrad.engine.recording.steps import Loop


def weighed(results: list[Any]) -> Any:
    return tg.sum([result * (k + 1.0) for k, result in enumerate(results)])


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize(
    ("rule", "arity", "loops"),
    [
        (cube, 1, False),
        (functools.partial(scaled, by=3.0), 1, False),
        (sine, 1, True),
        (bent, 1, True),
        (greater, 2, True),
        (followed_by, 2, False),
    ],
)
def test_a_rule_that_takes_arrays_is_run_on_them_and_another_in_a_loop(
    rule: Any, arity: int, loops: bool, count: int
) -> None:
    rng = np.random.default_rng(0)
    leaves = values(rng.normal(size=arity * count))
    rows = [leaves[i * arity : (i + 1) * arity] for i in range(count)]
    recording = replays_as_it_runs(
        lambda: weighed([tg.apply(rule, *row) * 2.0 for row in rows]),
        leaves,
        rng.normal(size=len(leaves)),
    )
    found = any(isinstance(step, Loop) for step in recording.program.steps)
    assert found == (loops and count > 1)
    assert str(recording)


@pytest.mark.parametrize("count", [2, 5])
def test_a_rule_may_return_a_plain_zero_for_a_gradient(count: int) -> None:
    leaves = values(np.arange(2.0 * count))
    pairs = list(zip(leaves[:count], leaves[count:], strict=True))
    replays_as_it_runs(lambda: weighed([tg.apply(plain_zero, x, y) for x, y in pairs]), leaves)


def test_a_rule_that_mixes_the_numbers_of_an_array_is_found_out_on_equal_ones() -> None:
    def total(x: Any) -> Any:
        return np.sum(x), lambda grad: (grad * np.ones_like(x),)

    leaves = values(np.zeros(5))
    replays_as_it_runs(lambda: weighed([tg.apply(total, x) for x in leaves]), leaves, np.arange(5))


def test_a_rule_that_asks_about_all_the_numbers_of_an_array_is_found_out() -> None:
    def steps(x: Any) -> Any:
        if np.all(np.asarray(x) <= 0.0):
            return 0.0 * x, lambda grad: (0.0 * grad,)
        return 2.0 * x, lambda grad: (2.0 * grad,)

    leaves = values([-1.0, -2.0, -3.0])
    replays_as_it_runs(
        lambda: weighed([tg.apply(steps, x) for x in leaves]), leaves, [1.0, -2.0, 3.0]
    )


def test_a_rule_with_different_settings_keeps_them_apart() -> None:
    leaves = values(np.arange(6.0))
    recording = replays_as_it_runs(
        lambda: weighed([tg.apply(scaled, x, by=float(i % 2)) for i, x in enumerate(leaves)]),
        leaves,
        np.ones(6),
    )
    assert recording.replay() == 12.0


def test_a_rule_with_arrays_among_its_settings_is_done_one_by_one() -> None:
    def weighed_by(x: Any, *, weights: Any) -> Any:
        return x * weights.sum(), lambda grad: (grad * weights.sum(),)

    leaves = values([1.0, 2.0])

    def loss() -> Any:
        return weighed(
            [tg.apply(weighed_by, x, weights=np.ones(i + 1)) for i, x in enumerate(leaves)]
        )

    replays_as_it_runs(loss, leaves, [3.0, 4.0])


def test_a_selective_rule_is_told_who_needs_a_gradient() -> None:
    asked = []

    @tg.selective
    def product(x: Any, y: Any, *, needs: tuple[bool, bool]) -> Any:
        asked.append(needs)
        return x * y, lambda grad: tuple(
            grad * other if need else None for other, need in zip((y, x), needs, strict=True)
        )

    leaves = values([1.0, 2.0, 3.0])
    replays_as_it_runs(
        lambda: weighed([tg.apply(product, x, 2.0) for x in leaves]), leaves, [4.0, 5.0, 6.0]
    )
    assert set(asked) == {(True, False)}


def test_a_rule_without_a_gradient_leaves_its_operand_none() -> None:
    def flat(x: Any) -> Any:
        return x * 1.0, lambda grad: (None,)

    a, b = Value(2.0), Value(0.0)
    recording = tg.record(lambda: a + tg.apply(flat, b.log()))
    assert recording.replay() == -math.inf
    assert (a.grad, b.grad) == (1.0, 0.0)


def test_the_numbers_under_a_detached_rule_need_no_way_back() -> None:
    def one_way(x: Any) -> Any:
        def back(grad: Any) -> Any:
            raise ZeroDivisionError

        return x * 2.0, back

    a = Value(0.5)
    replays_as_it_runs(lambda: a * tg.apply(one_way, a).detach(), [a], [0.25])


def test_nor_do_they_within_a_chain() -> None:
    def one_way(x: Any) -> Any:
        def back(grad: Any) -> Any:
            raise ZeroDivisionError

        return x * 2.0, back

    a = Value(0.5)

    def loss() -> Any:
        x = a
        for _ in range(20):
            x = (x * 0.9).tanh()
        return x * tg.apply(one_way, a).detach()

    replays_as_it_runs(loss, [a], [0.25])


def test_what_no_gradient_reaches_within_a_chain_spoils_nothing() -> None:
    def flat(x: Any) -> Any:
        return x * 0.0, lambda grad: (None,)

    a = Value(1.0)

    def loss() -> Any:
        x = a
        for _ in range(10):
            x = (x * 0.9).tanh()
        y = tg.apply(flat, (a - 1.0).sqrt())
        for _ in range(10):
            x = (x * 0.9).tanh() + y
        return x

    replays_as_it_runs(loss, [a])


def test_an_error_on_the_way_back_leaves_nothing_behind() -> None:
    failing = [False]

    def stumbling(x: Any) -> Any:
        def back(grad: Any) -> Any:
            if failing[0]:
                raise KeyboardInterrupt
            return (grad,)

        return x * 1.0, back

    leaves = values(np.arange(6.0))

    def loss() -> Any:
        near = [x.tanh() for x in leaves]
        further = tg.apply(stumbling, tg.sum(near))
        return tg.sum([x.sin() * further.exp() for x in near])

    recording = tg.record(loss)
    expected = replayed(recording, leaves, ())
    failing[0] = True
    with pytest.raises(KeyboardInterrupt):
        recording.replay()
    failing[0] = False
    np.testing.assert_array_equal(replayed(recording, leaves, ()), expected)


def test_a_rule_that_returns_too_few_gradients_is_an_error() -> None:
    def lopsided(x: Any, y: Any) -> Any:
        return x + y, lambda grad: (grad,)

    leaves = values(np.arange(6.0))
    recording = tg.record(
        lambda: weighed([tg.apply(lopsided, leaves[i], leaves[i + 3]) for i in range(3)])
    )
    with pytest.raises(GraphError):
        recording.replay()
