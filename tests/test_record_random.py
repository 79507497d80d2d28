"""Recorded programs, thousands of them, against the same programs run as they are written.

A replay is not told what was recorded: it gets other numbers in the leaves and other inputs, and
where these change an answer that the program asked for, it must refuse. That the comparison can
fail is shown at the end, by breaking the compiler in ten ways.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.recorded import eager, may_be_rounding, near, replayed
from tests.scalar_programs import ScalarProgram
from twingrad import GraphError, Recording
from twingrad.engine import rules
from twingrad.engine.recording import cells, grids, guards, inputs, program, steps, sums
from twingrad.engine.recording.steps import Loop, Repeated

KINDS = {"smooth": {}, "exact": {"exact": True}, "wild": {"wild": True}}


class Trial:
    """A random program, recorded and held against itself; `counts` tells what was seen."""

    def __init__(self, seed: int, kind: str, counts: Counter[str]) -> None:
        self.name, self.counts = f"{kind} {seed}", counts
        self.program = ScalarProgram(seed, **KINDS[kind])
        self.rng = np.random.default_rng([seed, 1])
        self.leaves = self.program.leaves(self.rng)
        self.f = self.program.on(self.leaves)
        self.counts["programs"] += 1

    def run(self) -> None:
        """Record the function or, every third time, the graph that it builds."""
        inputs = self.program.inputs(self.rng)
        answers: list[Any] = []
        root = self.program.on(self.leaves, answers)(*inputs)
        if self.rng.integers(3):
            del root
            recording = tg.record(self.f, *inputs)
            self.agrees(recording, inputs)
            self.move()
            self.after_a_change(recording, self.program.inputs(self.rng), answers)
        else:
            recording = tg.record(root)
            self.agrees(recording, inputs, given=())
            self.move()
            if not self.program.forgets and self.answers(inputs) == answers:
                self.agrees(recording, inputs, given=())
                self.counts["built, then moved"] += 1
        self.count(recording)

    def move(self) -> None:
        """Give the leaves other numbers, or, now and then, the same."""
        if self.rng.integers(4):
            new = self.program.numbers(self.rng, len(self.leaves)).tolist()
            for leaf, x in zip(self.leaves, new, strict=True):
                leaf.data = x

    def answers(self, inputs: list[Any]) -> list[Any]:
        found: list[Any] = []
        self.program.on(self.leaves, found)(*inputs)
        return found

    def after_a_change(self, recording: Recording, inputs: list[Any], before: list[Any]) -> None:
        """The same as eager, or, where eager would go another way, an error and no gradient."""
        if self.answers(inputs) == before:
            self.counts["replayed with other numbers"] += 1
            self.agrees(recording, inputs)
            return
        self.counts["refused by a guard"] += 1
        for leaf in self.leaves:
            leaf.grad = 7.0
        try:
            recording.replay(*inputs)
        except GraphError as error:
            assert "when this was recorded" in str(error)
        else:
            raise AssertionError(f"{self.name} goes another way, and nothing was said")
        assert all(leaf.grad == 7.0 for leaf in self.leaves)

    def agrees(
        self, recording: Recording, inputs: list[Any], given: tuple[Any, ...] | None = None
    ) -> None:
        expected = eager(self.f, self.leaves, inputs)
        found = replayed(recording, self.leaves, inputs if given is None else given)
        if np.array_equal(found, expected, equal_nan=True):
            self.counts["to the last bit"] += 1
        elif self.program.exact and np.abs(expected).max() < 2.0**50:
            np.testing.assert_array_equal(found, expected, f"{self.name}\n{self.program}")
        elif not near(found, expected):
            self.counts["cancellation"] += 1
            if not may_be_rounding(found, expected, self.program.on, self.leaves, inputs):
                np.testing.assert_allclose(
                    found, expected, 1e-9, err_msg=f"{self.name}\n{self.program}"
                )

    def count(self, recording: Recording) -> None:
        kinds = {type(step) for step in recording.program.steps}
        loops = [step for step in recording.program.steps if isinstance(step, Loop)]
        self.counts["nodes"] += recording.nodes
        self.counts["with guards"] += bool(recording._guards.count)
        self.counts["with gathers"] += bool(recording.gathers)
        self.counts["with loops"] += bool(loops)
        self.counts["with chains"] += any(len(loop.calls) >= 16 for loop in loops)
        self.counts["with matrix products"] += bool(recording.matrix_products)
        self.counts["with repeated steps"] += Repeated in kinds
        self.counts["with inputs"] += bool(self.program.shapes)


class Trials:
    """Many programs of a kind: what was seen of them, and those that disagree."""

    def __init__(self, kind: str, seeds: range) -> None:
        self.counts: Counter[str] = Counter()
        self.failed: list[str] = []
        for seed in seeds:
            try:
                Trial(seed, kind, self.counts).run()
            except Exception as error:
                # Where plain floats raise, as math.sin(inf) does, nothing is there to agree with.
                if isinstance(error, AssertionError) or not raises_as_written(seed, kind):
                    self.failed.append(f"{kind} {seed}: {type(error).__name__} {error}")

    def agree(self) -> None:
        assert not self.failed, f"{len(self.failed)} fail, such as {self.failed[0]}"
        # What an order of adding can explain is rare, or something else is wrong.
        assert self.counts["cancellation"] <= self.counts["programs"] / 100


def raises_as_written(seed: int, kind: str) -> bool:
    """Whether the program itself, on the numbers of the trial, is what raises."""
    trial = Trial(seed, kind, Counter())
    try:
        trial.answers(trial.program.inputs(trial.rng))
        trial.rng.integers(3)
        trial.move()
        trial.answers(trial.program.inputs(trial.rng))
    except (ArithmeticError, ValueError):
        return True
    return False


@pytest.fixture(scope="module")
def trials() -> dict[str, Trials]:
    """A thousand programs."""
    counts = {"smooth": 400, "exact": 350, "wild": 250}
    return {kind: Trials(kind, range(count)) for kind, count in counts.items()}


def test_every_program_replays_as_it_runs(trials: dict[str, Trials]) -> None:
    trials["smooth"].agree()


def test_whole_numbers_come_to_the_same_bits_in_every_program(trials: dict[str, Trials]) -> None:
    trials["exact"].agree()
    assert trials["exact"].counts["cancellation"] == 0


def test_infinities_and_nan_come_out_where_they_do_as_it_runs(trials: dict[str, Trials]) -> None:
    trials["wild"].agree()


def test_the_programs_take_every_way_through_the_compiler(trials: dict[str, Trials]) -> None:
    counts = sum((trials[kind].counts for kind in KINDS), Counter())
    assert counts["programs"] == 1000
    assert counts["nodes"] > 100_000
    ways = ["gathers", "loops", "chains", "matrix products", "repeated steps", "guards", "inputs"]
    assert all(counts[f"with {way}"] >= 50 for way in ways)
    assert counts["replayed with other numbers"] >= 500
    assert counts["refused by a guard"] >= 25
    assert counts["built, then moved"] >= 50


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_more_programs_replay_as_they_run(kind: str) -> None:
    Trials(kind, range(1_000, 11_000)).agree()


# The comparison can fail


def wrong_slope_of_tanh(monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(step: Any) -> None:
        right(step)
        if step.rule is rules.tanh:
            pullback = step.pullback
            step.pullback = lambda grad: (1.001 * pullback(grad)[0],)

    right = steps.Step.forward
    monkeypatch.setattr(steps.Step, "forward", forward)


def gradient_of_a_number_picked_twice_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def add(gather: Any, grad: Any) -> None:
        gather.cells.grad[gather.places] += grad

    monkeypatch.setattr(cells.Gather, "add", add)


def last_gradient_of_a_result_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    def add(whole: Any, grad: Any) -> None:
        whole.block.grad = None
        right(whole, grad)

    right = cells.Whole.add
    monkeypatch.setattr(cells.Whole, "add", add)


def last_gradient_seen_through_a_view_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    def add(view: Any, grad: Any) -> None:
        view.grad[...] = 0.0
        right(view, grad)

    right = cells.View.add
    monkeypatch.setattr(cells.View, "add", add)


def gradient_of_a_repeated_number_is_their_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "single", lambda grad: float(np.mean(grad)))


def repeated_gradients_are_not_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = cells.summed_to
    monkeypatch.setattr(cells, "summed_to", lambda grad, shape: 0.5 * right(grad, shape))


def loops_pass_nothing_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps.Loop, "backward", lambda loop: None)


def literals_are_left_out_of_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    def fold(of_sums: Any, graph: Any) -> None:
        right(of_sums, graph)
        of_sums.offset *= 0.0

    right = sums.Sums._fold_literals
    monkeypatch.setattr(sums.Sums, "_fold_literals", fold)


def neurons_change_places(monkeypatch: pytest.MonkeyPatch) -> None:
    def mixed(*factors: Any) -> Any:
        return [found._replace(second=found.second[:, ::-1]) for found in grids.grids(*factors)]

    monkeypatch.setattr(program, "grids", mixed)


def guards_let_everything_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards.Guards, "check", lambda *_: None)


def inputs_stay_what_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs.Inputs, "write", lambda *_: None)


MUTANTS = [
    wrong_slope_of_tanh,
    gradient_of_a_number_picked_twice_comes_once,
    last_gradient_of_a_result_wins,
    last_gradient_seen_through_a_view_wins,
    gradient_of_a_repeated_number_is_their_mean,
    repeated_gradients_are_not_summed,
    loops_pass_nothing_on,
    literals_are_left_out_of_sums,
    neurons_change_places,
    guards_let_everything_pass,
    inputs_stay_what_they_were,
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_broken_compiler_is_found(
    mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)
    assert any(is_wrong(seed, kind) for seed in range(60) for kind in KINDS)


def is_wrong(seed: int, kind: str) -> bool:
    try:
        Trial(seed, kind, Counter()).run()
    except AssertionError:
        return True
    return False
