"""The doctor's bench: how many of the ill it recognises, and that it harms none of the healthy."""

import pytest

from tests.doctor import bench


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cases", "least"),
    [(bench.TUNING, 0.92), (bench.UNSEEN, 0.95)],  # the tasks of the first are harder
    ids=["tuning", "unseen"],
)
def test_of_the_ill_19_in_20_are_recognised_and_no_healthy_run_has_an_error(
    cases: list[bench.Case], least: float
) -> None:
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
