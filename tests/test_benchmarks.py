"""The benchmarks compare like with like, and report what they found; nothing here is timed."""

import gc
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

import benchmarks.__main__ as program
from benchmarks import goals, moons, moons_data, nodes, peers, report, results, turns, worker
from benchmarks.side import Measured
from benchmarks.tables import digits, duration
from twingrad import Value

HAND = "NumPy, by hand"


def loss_after(module: str, race: str, side: str, steps: int) -> float:
    """The loss at the start of a side's last step; skips where the peer is absent."""
    try:
        step = import_module(f"benchmarks.{module}").sides(race)[side].make()
    except ImportError as error:
        pytest.skip(str(error))
    return worker.reached(step, steps)["loss"]


ALIKE = [
    pytest.param(module, race, side, steps, oracle, rtol, id=f"{module}-{side}")
    for module, race, steps, oracle, rtol in (
        ("moons", "step", 3, HAND, 1e-12),
        ("mnist", "step", 5, HAND, 1e-4),
        ("overhead", "16", 20, HAND, 1e-3),
        ("convolution", "step", 5, "PyTorch", 1e-4),
    )
    for side, made in import_module(f"benchmarks.{module}").sides(race).items()
    if made.alike and side != oracle and "paused" not in side
]


@pytest.fixture(autouse=True)
def ten_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """The moons step in a tenth of its time."""
    monkeypatch.setattr(moons_data, "POINTS", 10)


@pytest.mark.parametrize(("module", "race", "side", "steps", "oracle", "rtol"), ALIKE)
def test_sides_that_take_the_same_steps_reach_the_same_loss(
    module: str, race: str, side: str, steps: int, oracle: str, rtol: float
) -> None:
    loss = loss_after(module, race, side, steps)
    assert loss == pytest.approx(loss_after(module, race, oracle, steps), rel=rtol)
    assert loss != pytest.approx(loss_after(module, race, oracle, 1), rel=10.0 * rtol)


@pytest.mark.parametrize("side", ["replay, by hand", "replay, nn.MLP"])
def test_a_replay_is_of_the_same_loss_and_learns_nothing(side: str) -> None:
    first = pytest.approx(loss_after("moons", "step", HAND, 1), rel=1e-12)
    assert loss_after("moons", "step", side, 3) == first


def test_scikit_learn_starts_from_the_weights_of_the_others() -> None:
    loss = loss_after("mnist", "step", "scikit-learn, partial_fit", 1)
    assert loss == pytest.approx(loss_after("mnist", "step", HAND, 1), rel=1e-6)


def test_a_chain_has_the_nodes_and_the_slope_that_it_should() -> None:
    v = nodes.chain(Value, 20)
    leaf, count = v, 0
    while leaf.parents:
        leaf, count = leaf.parents[0], count + 1
    assert count == 20
    v.backward()
    assert leaf.grad == pytest.approx(0.9**10, rel=1e-12)  # ten times · b


# Taking turns

FAKE = """
    import os
    from pathlib import Path
    from benchmarks.side import Measured, Side

    def keeps_a_diary(name, crashes_at=99):
        turns = iter(range(100))
        def measure():
            with Path({diary!r}).open("a") as diary:
                print(name, file=diary)
            if next(turns) == crashes_at:
                os._exit(3)
            print("what a peer prints is not an answer")
            return {{"seconds": 1.0, "process": os.getpid()}}
        return Measured(measure, warm_up=False)

    def missing():
        import a_peer_that_nobody_has

    def sides(race):
        if race == "unlike":
            return {{"one": Side(lambda: lambda: 1.0), "two": Side(lambda: lambda: 2.0)}}
        return {{
            "a": Side(lambda: keeps_a_diary("a")),
            "absent": Side(missing),
            "b": Side(lambda: keeps_a_diary("b")),
            "crashes": Side(lambda: keeps_a_diary("crashes", crashes_at=1)),
        }}
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workload `fake_workload` of invented sides; returns where its sides write their turns."""
    diary = tmp_path / "diary"
    (tmp_path / "fake_workload.py").write_text(dedent(FAKE).format(diary=str(diary)))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return diary


def test_sides_take_turns_and_outlive_those_that_are_absent_or_crash(fake: Path) -> None:
    found = turns.race("fake_workload", "any", rounds=4)
    written = fake.read_text().split()
    # a round is one turn of each, and begins with another side each time
    assert written == ["a", "b", "crashes", "b", "crashes", "a", "b", "a", "a", "b"]
    assert found["absent"] == {"absent": "No module named 'a_peer_that_nobody_has'"}
    assert found["crashes"] == {"absent": "its process ended (3)"}
    assert found["a"]["seconds"] == [1.0] * 4
    processes = {*found["a"]["process"], *found["b"]["process"]}
    assert len(processes) == 2
    assert os.getpid() not in processes


def test_a_race_of_sides_that_do_different_things_is_not_held(fake: Path) -> None:
    with pytest.raises(ValueError, match=r"not do the same work.*'one': 1.0, 'two': 2.0"):
        turns.race("fake_workload", "unlike", steps=1)


def test_all_sides_have_one_thread_and_their_own_choice_of_kernels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "XLA_FLAGS"):
        monkeypatch.setenv(name, "7")
    given = turns.surroundings()
    assert "7" not in {given.get(name) for name in given if "_" in name}
    threads = {name for name in given if name.endswith("_NUM_THREADS")}
    assert threads == {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"}
    assert {given[name] for name in threads} == {"1"}


def test_the_collector_works_while_a_step_is_timed() -> None:
    seen = []
    worker.timed(lambda: seen.append(gc.isenabled()), 3)
    assert seen == [True] * 3


def test_what_measures_itself_is_asked_once_a_turn() -> None:
    asked = []
    measured = Measured(lambda: asked.append(1) or {"bytes": 5})
    assert worker.warmed_up(measured, turn=1.0) == {"repeats": 1}
    assert worker.taken(measured, 1) == {"bytes": 5}
    assert len(asked) == 2


def test_a_ratio_is_taken_within_a_round() -> None:
    found = {"slow": {"seconds": [2.0, 40.0, 6.0]}, "fast": {"seconds": [1.0, 10.0, 3.0]}}
    assert turns.ratio(found, "slow", "fast") == (2.0, 2.0, 3.0)
    assert turns.ratio(found, "slow", "absent") is None


def test_a_side_that_keeps_more_than_one_core_busy_is_named() -> None:
    found = {"a": {"cores": [1.0, 1.01]}, "b": {"cores": [1.5, 1.6]}, "c": {"absent": "gone"}}
    assert turns.busiest(found) == {"b": 1.55}


# The peers


def test_a_peer_that_cannot_be_installed_costs_no_other() -> None:
    asked = []

    def run(command: Any) -> bool:
        asked.append(command[-1])
        return command[-1] != "second"

    assert peers.install(["first", "second", "third"], run) == ["second"]
    assert asked == ["first", "second", "third"]


def test_versions_name_every_peer_installed_or_not() -> None:
    found = peers.versions()
    assert set(found) >= {"micrograd", "torch", "jax", "autograd", "mygrad", "scikit-learn"}
    assert found["scikit-learn"] is not None  # it is in the extra `dev`


# What is written


def test_results_are_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.json"
    first: results.Results = {"moons": {"races": {"step": {"a side": {"seconds": [1.5, 2.0]}}}}}
    results.save(first, path)
    assert results.load(path) == first
    assert '"seconds": [1.5, 2.0]' in path.read_text()

    def full(self: Path, text: str, **_: Any) -> None:
        with self.open("w") as file:
            file.write(text[: len(text) // 2])
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="disk is full"):
        results.save({"moons": {}}, path)
    assert results.load(path) == first
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]


def measured(**seconds: float) -> results.Results:
    """Results of the moons step with these sides."""
    sides = {name: {"seconds": [number] * 3} for name, number in seconds.items()}
    return {"moons": {"races": {"step": sides}}}


@pytest.mark.parametrize(
    ("goal", "fast", "verdict"),
    [
        (goals.faster(50, "fast", "slow", goals.MOONS), 0.02, "reached"),
        (goals.faster(50, "fast", "slow", goals.MOONS), 0.021, "**not reached**"),
        (goals.within(1.2, "slow", "fast", goals.MOONS), 1.0, "reached"),
        (goals.within(1.2, "slow", "fast", goals.MOONS), 0.8, "**not reached**"),
        (goals.faster(50, "nobody", "slow", goals.MOONS), 0.02, "not measured"),
        (goals.Goal("seconds", 1.5, False, goals.MOONS, "fast"), 1.4, "reached"),
        (goals.Goal("seconds", 1.5, False, goals.MOONS, "fast"), 1.6, "**not reached**"),
    ],
)
def test_a_goal_says_whether_it_was_reached(goal: goals.Goal, fast: float, verdict: str) -> None:
    assert goal.verdict(measured(slow=1.0, fast=fast)) == verdict


def test_the_table_of_goals_says_what_was_not_reached_or_not_measured() -> None:
    found = measured(micrograd=1.0) | {}
    found["moons"]["races"]["step"]["twingrad, nn.MLP"] = {"seconds": [0.1, 0.1, 0.1]}
    lines = goals.table(found).splitlines()
    [line] = [line for line in lines if "twingrad, nn.MLP: times as fast as micrograd" in line]
    assert line.endswith("| ≥ 50.0 | 10.0 | **not reached** |")
    assert lines[-1].endswith("| ≤ 0.100 | not measured | not measured |")


def test_goals_are_about_sides_that_there_are() -> None:
    for goal in (goal for group in goals.GOALS.values() for goal in group):
        workload, race = goal.race
        known = report.WORKLOADS[workload].sides(race)
        assert race in report.WORKLOADS[workload].RACES
        assert {goal.of, goal.to or goal.of} <= set(known)


def test_a_table_stands_where_its_marker_is_and_nowhere_else() -> None:
    page = "a\n<!-- one -->\nold\n<!-- end -->\nb\n<!-- two -->\n\n<!-- end -->\nc\n"
    new = report.placed(report.placed(page, "one", "first"), "two", "second")
    assert new == (
        "a\n<!-- one -->\n\nfirst\n\n<!-- end -->\nb\n<!-- two -->\n\nsecond\n\n<!-- end -->\nc\n"
    )
    assert report.placed(new, "one", "first") == new
    with pytest.raises(ValueError, match="0 places for 'three'"):
        report.placed(page, "three", "table")


def test_the_page_says_what_was_saved() -> None:
    saved, page = results.load(), report.PAGE.read_text(encoding="utf-8")
    tables = report.tables(saved)
    assert set(saved) == set(report.WORKLOADS)
    for name, table in tables.items():
        assert report.placed(page, name, table) == page


@pytest.fixture
def place(fake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Files to save to and to write in, for a single workload of invented sides."""
    text = "".join(f"<!-- {name} -->\n\n<!-- end -->\n" for name in ("goals", "machine", "fake"))
    (tmp_path / "page.md").write_text(text)
    workload = import_module("fake_workload")
    monkeypatch.setitem(sys.modules, "fake_workload", workload)
    workload.table = lambda races: f"{sorted(races)} {sorted(races['any'])}"  # type: ignore[attr-defined]
    workload.RACES = {"any": {"rounds": 2}}  # type: ignore[attr-defined]
    for module in (report, program):
        monkeypatch.setattr(module, "WORKLOADS", {"fake": workload})
    monkeypatch.setattr("benchmarks.pictures.draw", lambda results, folder: None)
    return {"path": tmp_path / "results.json", "page": tmp_path / "page.md"}


def test_what_was_measured_is_saved_and_stands_on_the_page(place: dict[str, Path]) -> None:
    assert program.main(["fake"], **place) == 0
    saved = results.load(place["path"])
    assert saved["fake"]["races"]["any"]["a"]["seconds"] == [1.0, 1.0]
    assert saved["fake"]["machine"]["numpy"] == np.__version__
    page = place["page"].read_text()
    assert "['any'] ['a', 'absent', 'b', 'crashes']" in page
    place["page"].write_text(page.replace("crashes", "something else"))
    assert program.main(["--report"], **place) == 0
    assert place["page"].read_text() == page


def test_where_the_sides_do_not_agree_nothing_is_saved(
    place: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    report.WORKLOADS["fake"].RACES = {"unlike": {"steps": 1}}
    assert program.main([], **place) == 1
    assert "fake: the sides do not do the same work" in capsys.readouterr().err
    assert not place["path"].exists()


def test_an_unknown_workload_is_named_beside_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        program.main(["moon"])
    assert "there is no workload 'moon'; there are moons, nodes" in capsys.readouterr().err


def test_machines_are_told_apart() -> None:
    machine = {"processor": "P", "cores": 2, "system": "S", "python": "3", "numpy": "2"}
    here = {"machine": {**machine, "peers": {"torch": "2", "jax": None}}}
    there = {"machine": {**machine, "cores": 1, "peers": {}}}
    assert report.machines({"moons": here, "nodes": here}) == (
        "P, two cores, S; Python 3, NumPy 2; torch 2; absent: jax."
    )
    assert report.machines({"moons": here, "nodes": there}).splitlines() == [
        "- moons: P, two cores, S; Python 3, NumPy 2; torch 2; absent: jax.",
        "- nodes: P, one core, S; Python 3, NumPy 2; no peers.",
    ]


def test_an_absent_side_is_absent_from_its_table_and_no_error() -> None:
    sides: dict[str, Any] = {name: {"absent": "gone"} for name in moons.sides("step")}
    sides[HAND] = {"seconds": [1e-5]}
    lines = moons.table({"step": sides}).splitlines()
    assert f"| {HAND} | 10.0 µs | not measured | not measured |" in lines
    assert "| micrograd | absent | absent | absent |" in lines


@pytest.mark.parametrize("name", report.WORKLOADS)
def test_a_table_can_be_made_of_nothing_but_absences(name: str) -> None:
    workload = report.WORKLOADS[name]
    races = {
        race: {side: {"absent": "gone"} for side in workload.sides(race)} for race in workload.RACES
    }
    assert workload.table(json.loads(json.dumps(races))).startswith("| ")


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0.0, "0"), (0.01234, "0.0123"), (1.0, "1.00"), (9.996, "10.0"), (99.96, "100"),
     (1234.5, "1,230"), (5e6, "5,000,000")],
)  # fmt: skip
def test_three_digits_count(number: float, shown: str) -> None:
    assert digits(number) == shown


def test_a_duration_has_the_unit_that_fits() -> None:
    assert [duration(x) for x in (2.5, 0.0123, 4.56e-5, 7.891e-9, None)] == [
        "2.50 s", "12.3 ms", "45.6 µs", "7.89 ns", "absent",
    ]  # fmt: skip
