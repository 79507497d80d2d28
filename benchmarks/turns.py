"""Sides of a comparison taking turns in one process, so that a busy moment strikes them all."""

import gc
import statistics
import time
from collections.abc import Callable

Step = Callable[[], object]


def compare(sides: dict[str, Callable[[], Step]], rounds: int, repeats: int = 1) -> None:
    """Print each side's median time for a step, and how many times as fast as the slowest it is.

    A side is a function that makes the step; where that raises ImportError, it is absent. A round
    times `repeats` steps of each side together.
    """
    steps: dict[str, Step] = {}
    for name, make in sides.items():
        try:
            steps[name] = make()
        except ImportError as error:
            print(f"{name}: absent ({error})")
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds + 1):
        for name, step in steps.items():
            gc.collect()  # so that nobody sweeps up after the one before
            started = time.perf_counter()
            for _ in range(repeats):
                step()
            if turn:  # the first warms up
                seconds[name].append((time.perf_counter() - started) / repeats)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    slowest = max(medians.values())
    width = max(map(len, medians))
    print(f"{'one step':{width}} {'median':>12} {'times as fast':>14}")
    for name, median in medians.items():
        print(f"{name:{width}} {median * 1e3:9.3f} ms {slowest / median:13.2f}×")
