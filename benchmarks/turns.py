"""Sides of a comparison taking turns, so that a busy moment of the machine strikes them all.

pytest-benchmark and pyperf finish one side before they begin the next, and a ratio of two such
times is also one of two moments. So a turn is timed by `timeit`, and what stands here is the
turns: in each round every side has one, in a process of its own (`worker`), all of them with one
thread, and a ratio is taken within a round.
"""

import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
LIBRARIES = ("OPENBLAS", "OMP", "MKL", "XLA")

Found = dict[str, dict[str, Any]]
"""What a race came to: for each side its numbers round by round, or why it was absent."""


class Player:
    """A side and its process. `absent` says why it cannot take part, once it cannot."""

    def __init__(self, module: str, race: str, name: str) -> None:
        self.name = name
        self.absent: str | None = None
        self.repeats = 1
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", module, race, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=surroundings(),
        )

    def answer(self) -> dict[str, Any]:
        """What the process says next; nothing where it ended instead."""
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            self.absent = f"its process ended ({self.process.wait()})"
            return {}
        found: dict[str, Any] = json.loads(line)
        self.absent = found.get("absent")
        return found

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Have it do something, and wait for what it found."""
        if self.absent is None and self.process.stdin:
            try:
                print(json.dumps({"do": do, **request}), file=self.process.stdin, flush=True)
            except BrokenPipeError:
                pass
            return self.answer()
        return {}

    def end(self) -> None:
        """Leave no process behind."""
        self.process.communicate()


def race(
    module: str,
    name: str,
    rounds: int = 7,
    turn: float = 0.1,
    steps: int = 0,
    rtol: float = 1e-3,
) -> Found:
    """Have the sides of one race take turns: `module.sides(name)` says which.

    Each turn lasts about `turn` seconds, or as long as one step takes. Before that the sides that
    are alike take `steps` steps, and must then have the same loss but for `rtol`; else
    `ValueError`.
    """
    sides = import_module(module).sides(name)
    players = [Player(module, name, side) for side in sides]
    found: Found = {player.name: {} for player in players}
    try:
        for player in players:
            player.answer()
        if steps:
            alike = [player for player in players if sides[player.name].alike]
            _agree({player.name: player.ask("reach", count=steps) for player in alike}, rtol)
        for player in players:
            player.repeats = player.ask("warm up", turn=turn).get("repeats", 1)
        for i in range(rounds):
            start = i % len(players)
            for player in players[start:] + players[:start]:  # nobody is always the first
                for key, number in player.ask("take", repeats=player.repeats).items():
                    found[player.name].setdefault(key, []).append(_short(number))
    finally:
        for player in players:
            player.end()
    for player in players:
        if player.absent is not None:
            found[player.name] = {"absent": player.absent}
    return found


def busiest(found: Found) -> dict[str, float]:
    """The sides that kept more than one core busy, which is not the same race, and how many."""
    cores = {name: measured(found, name, "cores") for name in found}
    return {name: kept.median for name, kept in cores.items() if kept and kept.median > 1.1}


def _agree(answers: dict[str, dict[str, Any]], rtol: float) -> None:
    losses = {name: answer["loss"] for name, answer in answers.items() if "loss" in answer}
    if losses:
        first = next(iter(losses.values()))
        if not all(math.isclose(loss, first, rel_tol=rtol) for loss in losses.values()):
            raise ValueError(f"the sides do not do the same work; their losses are {losses}")


def _short(number: Any) -> Any:
    return float(f"{number:.4g}") if isinstance(number, float) else number


def surroundings() -> dict[str, str]:
    """The environment of a side: one thread for each library, and nothing else said about them.

    A variable that pins one library to the kernels of an older processor would pin only its side.
    """
    kept = {
        name: setting
        for name, setting in os.environ.items()
        if not name.startswith(tuple(f"{library}_" for library in LIBRARIES))
    }
    path = os.pathsep.join([str(ROOT), *filter(None, [kept.get("PYTHONPATH")])])
    one = {f"{library}_NUM_THREADS": "1" for library in LIBRARIES[:3]}
    return {**kept, **one, "JAX_PLATFORMS": "cpu", "PYTHONPATH": path}


# What the numbers say


class Spread(NamedTuple):
    """A median over the rounds, and the quartiles around it."""

    median: float
    low: float
    high: float


def spread(numbers: Sequence[float]) -> Spread:
    """The median and the quartiles."""
    low, median, high = (
        statistics.quantiles(numbers, n=4, method="inclusive")
        if len(numbers) > 1
        else [numbers[0]] * 3
    )
    return Spread(median, low, high)


def measured(found: Found, side: str, quantity: str = "seconds") -> Spread | None:
    """What a side needed; None where it was absent."""
    numbers = found.get(side, {}).get(quantity)
    return spread(numbers) if numbers else None


def ratio(found: Found, of: str, to: str, quantity: str = "seconds") -> Spread | None:
    """One side's numbers over another's, round by round; None where one was absent."""
    over, under = (found.get(side, {}).get(quantity) for side in (of, to))
    if not over or not under:
        return None
    return spread([a / b for a, b in zip(over, under, strict=True)])
