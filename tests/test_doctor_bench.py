"""The doctor's bench: how many of the ill it recognises, and that it harms none of the healthy."""

from importlib import import_module

import pytest

from tests.doctor import bench

LEAST = {
    "tuning": 0.92,  # whose runs nobody proved to be as ill as they are called
    "tasks": 0.95,
    "validation": 0.95,
    "final": 0.95,
    "fresh": 0.92,
    "unseen": 0.93,
    "last": 0.95,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LEAST)
def test_of_the_ill_nearly_all_are_recognised_and_no_healthy_run_has_an_error(name: str) -> None:
    halves = {"tuning": bench.TUNING, "tasks": bench.UNSEEN}
    # Imported here, for to make a set takes seconds.
    cases = halves[name] if name in halves else import_module(f"tests.doctor.{name}").CASES
    told = bench.summary(bench.results(cases))
    assert told["ill"] + told["healthy"] >= 60
    assert told["recognised"] >= LEAST[name] * told["ill"]
    assert told["errors"] == 0


def test_the_halves_share_no_task_and_both_have_both_twins() -> None:
    tasks = [
        {case.name.rpartition("(")[2].partition(",")[0] for case in half}
        for half in (bench.TUNING, bench.UNSEEN)
    ]
    assert not tasks[0] & tasks[1]
    for half in (bench.TUNING, bench.UNSEEN):
        assert {"Values" in case.name for case in half} == {True, False}
