"""That runs which test the doctor are what they are called, judged by plain numbers, not by him."""

from importlib import import_module

import pytest

from tests.doctor import bench, tasks

SETS = ("validation", "final", "fresh", "unseen", "last")  # each takes seconds to make

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", SETS)
def test_each_run_is_ill_in_the_way_that_it_is_called_or_healthy(name: str) -> None:
    chosen, truth = import_module(f"tests.doctor.{name}"), import_module("tests.doctor.truth")
    if name == "final" and import_module("tests.doctor.final_tasks").mnist() is None:
        pytest.skip("no MNIST: its stand-in runs, but not all runs of it are proved")
    told = [(case.kind or "healthy", case.name, truth.proof(case)) for case in chosen.CASES]
    assert not [one for one in told if not one[2][0]]


def test_the_sets_share_no_task_and_each_has_all_kinds_and_both_twins() -> None:
    known = {made.__name__ for made in (*tasks.TUNING, *tasks.UNSEEN)}
    kinds = {kind for kind, *_ in bench.ILL}
    for name in SETS:
        chosen = import_module(f"tests.doctor.{name}")
        assert not known & chosen.TASKS.keys()
        known |= chosen.TASKS.keys()
        assert {case.kind for case in chosen.CASES} == {*kinds, ""}
        assert {"Values" in case.name for case in chosen.CASES} == {True, False}
