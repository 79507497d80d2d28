"""That runs which test the doctor are what they are called, judged by plain numbers, not by him."""

import pytest

from tests.doctor import bench, final, final_tasks, fresh, last, tasks, truth, unseen, validation


@pytest.mark.slow
@pytest.mark.parametrize(
    "cases",
    [validation.CASES, final.CASES, fresh.CASES, unseen.CASES, last.CASES],
    ids=["validation", "final", "fresh", "unseen", "last"],
)
def test_each_run_is_ill_in_the_way_that_it_is_called_or_healthy(cases: list[truth.Known]) -> None:
    if cases is final.CASES and final_tasks.mnist() is None:
        pytest.skip("no MNIST: its stand-in runs, but not all runs of it are proved")
    told = [(case.kind or "healthy", case.name, truth.proof(case)) for case in cases]
    assert not [one for one in told if not one[2][0]]


def test_the_sets_share_no_task_and_each_has_all_kinds_and_both_twins() -> None:
    known = {made.__name__ for made in (*tasks.TUNING, *tasks.UNSEEN)}
    for chosen in (validation, final, fresh, unseen, last):
        assert not known & chosen.TASKS.keys()
        known |= chosen.TASKS.keys()
    kinds = {kind for kind, *_ in bench.ILL}
    for cases in (validation.CASES, final.CASES, fresh.CASES, unseen.CASES, last.CASES):
        assert {case.kind for case in cases} == {*kinds, ""}
        assert {"Values" in case.name for case in cases} == {True, False}
