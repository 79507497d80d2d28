"""The doctor's bench: how many of the ill it recognises, and that it harms none of the healthy."""

from typing import Any

import pytest

from tests.doctor import bench, final, fresh, last, unseen, validation

SETS: dict[str, tuple[list[Any], float]] = {
    "tuning": (bench.TUNING, 0.92),  # whose runs nobody proved to be as ill as they are called
    "tasks": (bench.UNSEEN, 0.95),
    "validation": (validation.CASES, 0.95),
    "final": (final.CASES, 0.95),
    "fresh": (fresh.CASES, 0.92),
    "unseen": (unseen.CASES, 0.93),
    "last": (last.CASES, 0.95),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_of_the_ill_nearly_all_are_recognised_and_no_healthy_run_has_an_error(name: str) -> None:
    cases, least = SETS[name]
    told = bench.summary(bench.results(cases))
    assert told["ill"] + told["healthy"] >= 60
    assert told["recognised"] >= least * told["ill"]
    assert told["errors"] == 0


def test_the_halves_share_no_task_and_both_have_both_twins() -> None:
    tasks = [
        {case.name.rpartition("(")[2].partition(",")[0] for case in half}
        for half in (bench.TUNING, bench.UNSEEN)
    ]
    assert not tasks[0] & tasks[1]
    for half in (bench.TUNING, bench.UNSEEN):
        assert {"Values" in case.name for case in half} == {True, False}
