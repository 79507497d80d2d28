"""Hold the races, save what came of them, and write it into docs/performance.md.

`make bench` holds all of them, `make bench ARGS="moons nodes"` some, and `ARGS=--report` none:
it writes the page again from what was saved.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import turns
from benchmarks.report import PAGE, WORKLOADS, write
from benchmarks.results import RESULTS, Results, load, machine, save
from benchmarks.turns import Found


def hold(workload: Any, rounds: int | None = None) -> dict[str, Found]:
    """All races of a workload, with their own number of rounds or with fewer."""
    found = {}
    for name, options in workload.RACES.items():
        fewer = {} if rounds is None else {"rounds": min(rounds, options["rounds"])}
        found[name] = turns.race(workload.__name__, name, **{**options, **fewer})
    return found


def main(arguments: Sequence[str] | None = None, path: Path = RESULTS, page: Path = PAGE) -> int:
    """Measure what is asked for; return 1 where the sides of a race did not do the same."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("workloads", nargs="*", help=f"some of {', '.join(WORKLOADS)}")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    parser.add_argument("--rounds", type=int, help="at most so many; nothing is saved")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.workloads if name not in WORKLOADS]
    if unknown:
        parser.error(f"there is no workload {unknown[0]!r}; there are {', '.join(WORKLOADS)}")
    results: Results = load(path)
    failed = 0
    for name in [] if options.report else options.workloads or WORKLOADS:
        started = time.perf_counter()
        try:
            races = hold(WORKLOADS[name], options.rounds)
        except ValueError as error:
            print(f"\n{name}: {error}", file=sys.stderr)
            failed = 1
            continue
        print(f"\n{name}, {time.perf_counter() - started:.0f} s\n{WORKLOADS[name].table(races)}")
        for race, found in races.items():
            for side, cores in turns.busiest(found).items():
                print(f"{name}, {race}: {side} kept {cores:.1f} cores busy", file=sys.stderr)
        sys.stdout.flush()
        if options.rounds is None:
            results[name] = {"machine": machine(), "races": races}
            save({name: results[name] for name in WORKLOADS if name in results}, path)
    if options.rounds is None:
        write(results, page)
    return failed


if __name__ == "__main__":
    sys.exit(main())
