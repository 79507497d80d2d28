"""One side of a comparison in a process of its own: `python -m benchmarks.worker MODULE RACE SIDE`.

It answers each line of JSON on its input with one on its output; `turns` asks. What a peer does to
a process, to its collector, allocator, threads or recursion, it does to its own side alone.
"""

import json
import os
import sys
import time
from importlib import import_module
from timeit import Timer
from typing import Any

from benchmarks.side import Measured, Step

TRIES = 4


def reached(step: Step, count: int) -> dict[str, Any]:
    """The loss at the start of the last of `count` steps."""
    for _ in range(count - 1):
        step()
    whole = getattr(step, "loss", step)
    return {"loss": whole()}


def warmed_up(step: Step | Measured, turn: float) -> dict[str, Any]:
    """How many steps fill a turn of so many seconds, found by taking some."""
    if isinstance(step, Measured):
        if step.warm_up:
            step.measure()
        return {"repeats": 1}
    repeats, seconds = 1, timed(step, 1)
    while seconds < turn / 4.0:
        repeats *= 2
        seconds = timed(step, repeats)
    return {"repeats": max(1, round(repeats * turn / seconds))}


def taken(step: Step | Measured, repeats: int) -> dict[str, Any]:
    """A turn: seconds a step, and the cores that it kept busy.

    A turn in which another program had the core for long does not count, unless that goes on.
    """
    if isinstance(step, Measured):
        return step.measure()
    for _ in range(repeats // 10):  # the sides before had the caches
        step()
    for _ in range(TRIES):
        busy = time.process_time()
        seconds = timed(step, repeats)
        cores = (time.process_time() - busy) / seconds
        if cores > 0.97:
            break
    return {"seconds": seconds / repeats, "cores": cores}


def timed(step: Step, repeats: int) -> float:
    """Seconds for so many steps, the cyclic collector at work, which timeit alone would pause."""
    return Timer(step, setup="gc.enable()", globals={"gc": import_module("gc")}).timeit(repeats)


ACTIONS = {"reach": reached, "warm up": warmed_up, "take": taken}


def main() -> None:
    """Build the side, say so, and do what is asked until nobody asks any more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a peer prints is no answer
    module, race, name = sys.argv[1:]

    def answer(found: dict[str, Any]) -> None:
        print(json.dumps(found), file=answers, flush=True)

    try:
        step = import_module(module).sides(race)[name].make()
    except ImportError as error:
        answer({"absent": str(error)})
        return
    answer({})
    for line in sys.stdin:
        request = json.loads(line)
        answer(ACTIONS[request.pop("do")](step, **request))


if __name__ == "__main__":
    main()
