"""The array program: what becomes of chains, grids and repeats, and that it is always the same."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.recorded import eager, near, replayed
from tests.scalar_programs import ScalarProgram
from twingrad import Recording, Value
from twingrad.engine import array_rules, layer_rules, rules
from twingrad.engine.recording import record_with_results
from twingrad.engine.recording.steps import Loop, Repeated, row_products


def values(numbers: Any) -> list[Value]:
    return [Value(x) for x in np.ravel(numbers).tolist()]


def rules_of(recording: Recording) -> list[Any]:
    return [getattr(step, "rule", None) for step in recording.program.steps]


# Chains


@pytest.mark.parametrize("side_by_side", [1, 3, 4])
def test_a_chain_of_twenty_thousand_operations_is_recorded_and_replayed(side_by_side: int) -> None:
    w = Value(0.5)

    def chain() -> Any:
        xs = [w * (k + 1.0) for k in range(side_by_side)]
        for _ in range(20_000 // side_by_side // 2):
            xs = [(x * 0.99).sin() for x in xs]
        return tg.sum(xs)

    recording = tg.record(chain)
    w.data = 0.75
    assert recording.nodes > 20_000
    assert near(replayed(recording, [w], ()), eager(chain, [w], ()))
    loops = [step for step in recording.program.steps if isinstance(step, Loop)]
    assert bool(loops) == (side_by_side <= 3)


def test_a_built_chain_of_twenty_thousand_operations_is_recorded() -> None:
    w = Value(0.5)
    x = w
    for _ in range(20_000):
        x = x + w
    assert (tg.record(x).replay(), w.grad) == (10_000.5, 20_001.0)


@pytest.mark.parametrize(("levels", "loops"), [(15, False), (16, True)])
def test_sixteen_narrow_levels_are_done_one_number_after_the_other(
    levels: int, loops: bool
) -> None:
    w = Value(0.5)

    def chain() -> Any:
        x = w
        for _ in range(levels):
            x = x.tanh()
        return x

    recording = tg.record(chain)
    assert any(isinstance(step, Loop) for step in recording.program.steps) == loops
    assert near(replayed(recording, [w], ()), eager(chain, [w], ()))


# What is grouped


def test_equal_operations_are_one_step() -> None:
    xs, ys = values(np.arange(5.0)), values(np.arange(5.0) + 1.0)
    recording = tg.record(lambda: tg.sum([(x / y).tanh() for x, y in zip(xs, ys, strict=True)]))
    assert rules_of(recording) == [rules.divide, rules.tanh, array_rules.sum]
    assert recording.gathers == 0


def test_an_operation_on_every_pair_is_one_step_by_broadcasting() -> None:
    xs, Y = values(np.arange(3.0)), np.arange(4.0)
    recording = tg.record(lambda Y: tg.sum([(x - y) ** 2 for x in xs for y in Y]), Y)
    assert sorted(recording.program.steps[0].block.shape) == [3, 4]
    assert (recording.steps, recording.gathers) == (3, 0)


def test_so_is_one_on_every_pair_of_leaves() -> None:
    xs, ys = values(np.arange(3.0)), values(np.arange(4.0))
    assert tg.record(lambda: tg.sum([(x - y) ** 2 for x in xs for y in ys])).gathers == 0


def test_what_is_written_again_and_again_is_done_once() -> None:
    x, y = Value(0.5), Value(2.0)
    recording = tg.record(lambda: sum((x / y).exp() for _ in range(10)))
    assert sum(isinstance(step, Repeated) for step in recording.program.steps) >= 1
    assert near(replayed(recording, [x, y], ()), eager(lambda: 10.0 * (x / y).exp(), [x, y], ()))


def test_numbers_in_no_order_are_gathered() -> None:
    xs = values(np.arange(8.0))
    order = [3, 1, 4, 1, 5, 0, 2, 6]

    def loss() -> Any:
        return tg.sum([xs[i].tanh() * (k + 1.0) for k, i in enumerate(order)])

    recording = tg.record(loss)
    assert recording.gathers > 0
    assert near(replayed(recording, xs, ()), eager(loss, xs, ()))


def test_sums_of_many_products_that_form_no_matrix_are_rows() -> None:
    rng = np.random.default_rng(0)
    xs = values(rng.normal(size=40))
    picks = rng.permuted(np.tile(np.arange(40), (12, 1)), axis=1)[:, :6].tolist()

    def loss() -> Any:
        rows = [([xs[i] for i in at], [xs[-i] for i in at]) for at in picks]
        return tg.sum([tg.dot(*row).tanh() for row in rows])

    recording = tg.record(loss)
    assert row_products in rules_of(recording)
    assert recording.matrix_products == 0
    assert near(replayed(recording, xs, ()), eager(loss, xs, ()))


def test_a_layer_is_a_linear_step_or_without_biases_a_product() -> None:
    rng = np.random.default_rng(0)
    W, bs, X = rng.normal(size=(4, 3)), values(np.ones(4)), rng.normal(size=(5, 3))
    rows = [values(row) for row in W]

    def layer(X: Any, biased: bool) -> Any:
        pairs = list(zip(rows, bs if biased else [0.0] * 4, strict=True))
        return tg.sum([tg.dot(w, list(x), b).tanh() for x in X for w, b in pairs])

    assert rules_of(tg.record(lambda X: layer(X, True), X))[0] is layer_rules.linear
    assert rules_of(tg.record(lambda X: layer(X, False), X))[0] is array_rules.matmul


def test_the_other_results_that_are_asked_for_come_with_the_loss() -> None:
    ws, outputs = values([1.0, 2.0, 3.0]), []

    def loss(x: Any) -> Any:
        outputs[:] = [(w * x).tanh() for w in ws]
        return tg.sum(outputs)

    recording = record_with_results(loss, [0.5], lambda: outputs)
    recording.replay(0.25)
    np.testing.assert_allclose(recording.others, np.tanh([0.25, 0.5, 0.75]))
    recording.replay(0.5)
    np.testing.assert_allclose(recording.others, np.tanh([0.5, 1.0, 1.5]))


# The same every time

SEEDS = range(0, 120, 3)


def bits(seed: int) -> list[Any]:
    """What a program replays to, and the steps that it became."""
    program, rng = ScalarProgram(seed, exact=False), np.random.default_rng(seed)
    leaves, inputs = program.leaves(rng), program.inputs(rng)
    try:
        recording = tg.record(program.on(leaves), *inputs)
        numbers = [replayed(recording, leaves, inputs).tobytes().hex() for _ in range(2)]
    except Exception as error:
        return [type(error).__name__]
    assert numbers[0] == numbers[1]
    steps = [
        getattr(getattr(step, "rule", None), "__name__", "loop") for step in recording.program.steps
    ]
    return [*numbers, steps, recording.matrix_products, recording.gathers]


def test_two_recordings_and_two_replays_give_the_same_bits() -> None:
    for seed in SEEDS:
        assert bits(seed) == bits(seed)


def test_another_process_with_other_hashes_gives_the_same_bits() -> None:
    here = [bits(seed) for seed in SEEDS]
    code = f"from tests.test_record_program import bits; print([bits(s) for s in {list(SEEDS)}])"
    for hashes in ("1", "2"):
        there = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONHASHSEED": hashes},
        )
        assert there.stdout.strip() == repr(here)


def test_the_shapes_of_results_do_not_depend_on_where_memory_lies() -> None:
    rng = np.random.default_rng(0)
    A, B = ([values(row) for row in rng.normal(size=shape)] for shape in ((3, 7), (2, 6)))

    def loss(X: Any, Y: Any) -> Any:
        a = [tg.dot(w, list(x)) for x in X for w in A]
        b = [tg.dot(w, list(y)) for y in Y for w in B]
        return tg.sum([(p * q).tanh() for p, q in zip(a, b, strict=True)])

    X, Y = rng.normal(size=(2, 7)), rng.normal(size=(3, 6))
    recordings = [tg.record(loss, X, Y) for _ in range(60)]
    shapes = {tuple(step.block.shape for step in r.program.steps) for r in recordings}
    assert len(shapes) == 1
