"""What a scalar node costs, in time and memory, in graphs of a thousand to a million nodes.

The graph is the longest there is of its size, `v = v * b + a` again and again. A cost that grows
with the graph would show here, and so would whatever recurses over it.
"""

import gc
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.side import Measured, Side
from benchmarks.tables import digits, markdown
from benchmarks.turns import Found, measured

SIZES = (1_000, 10_000, 100_000, 1_000_000)
ROUNDS = (5, 5, 3, 1)
RACES = {f"{size:,}": {"rounds": n} for size, n in zip(SIZES, ROUNDS, strict=True)}
LEAST = 20_000  # nodes that a turn builds, however small the graph


def chain(number: Callable[[float], Any], nodes: int) -> Any:
    """A graph of so many nodes, two of them leaves' products and sums by turns."""
    a, b = number(0.1), number(0.9)
    v = number(1.0)
    for _ in range(nodes // 2):
        v = v * b + a
    return v


def measures(number: Callable[[float], Any], nodes: int, memory: bool) -> Measured:
    """Nanoseconds a node, forward and backward; and, counted once, bytes a node before backward."""
    repeats = max(1, LEAST // nodes)
    found = {"bytes": held(number, nodes)} if memory and nodes < SIZES[-1] else {}

    def measure() -> dict[str, Any]:
        forward = backward = 0.0
        for _ in range(repeats):
            started = time.perf_counter()
            v = chain(number, nodes)
            built = time.perf_counter()
            v.backward()
            forward += built - started
            backward += time.perf_counter() - built
            del v
        nanoseconds = 1e9 / (nodes * repeats)
        return {**found, "forward": forward * nanoseconds, "backward": backward * nanoseconds}

    return Measured(measure, warm_up=nodes <= LEAST)


def held(number: Callable[[float], Any], nodes: int) -> float:
    """Bytes a node that Python has allocated when the graph stands and no gradient has come."""
    tracemalloc.start()
    v = chain(number, nodes)
    count = tracemalloc.get_traced_memory()[0] / nodes
    tracemalloc.stop()
    del v
    return count


def deep(measured_by: Measured) -> Measured:
    """The same for who recurses: without Python's limit, on a stack of a gigabyte."""

    def measure() -> dict[str, Any]:
        found: dict[str, Any] = {}
        sys.setrecursionlimit(10**8)
        threading.stack_size(2**30)
        thread = threading.Thread(target=lambda: found.update(measured_by.measure()))
        thread.start()
        thread.join()
        return found

    return Measured(measure, measured_by.warm_up)


def paused(measured_by: Measured) -> Measured:
    """The same while the cyclic collector rests, as it does within `nn.fit`."""

    def measure() -> dict[str, Any]:
        gc.disable()
        try:
            return measured_by.measure()
        finally:
            gc.enable()

    return Measured(measure, measured_by.warm_up)


def twingrad_nodes(nodes: int) -> Measured:
    """Values."""
    from twingrad import Value

    return measures(Value, nodes, memory=True)


def twingrad_paused(nodes: int) -> Measured:
    """Values, the collector paused."""
    from twingrad import Value

    return paused(measures(Value, nodes, memory=False))


def micrograd_nodes(nodes: int) -> Measured:
    """micrograd's Values; its backward() recurses to the depth of the graph."""
    from micrograd.engine import Value

    return deep(measures(Value, nodes, memory=True))


def torch_nodes(nodes: int) -> Measured:
    """PyTorch's tensors of no dimension, whose memory Python does not see."""
    import torch

    torch.set_num_threads(1)

    def number(x: float) -> Any:
        return torch.tensor(x, dtype=torch.float64, requires_grad=True)

    return measures(number, nodes, memory=False)


def sides(race: str) -> dict[str, Side]:
    """Those with a node for a number; the race is the size of the graph."""
    nodes = int(race.replace(",", ""))
    makes = {
        "micrograd": micrograd_nodes,
        "PyTorch": torch_nodes,
        "twingrad": twingrad_nodes,
        "twingrad, collector paused": twingrad_paused,
    }
    return {name: Side(partial(make, nodes)) for name, make in makes.items()}


def table(races: dict[str, Found]) -> str:
    """For each side, nanoseconds and bytes a node by the size of the graph."""
    rows: list[tuple[Any, ...]] = [("", "", *(f"{size} nodes" for size in races))]
    for side in next(iter(races.values())):
        for quantity, unit in (("forward", "ns"), ("backward", "ns"), ("bytes", "bytes")):
            cells = [measured(found, side, quantity) for found in races.values()]
            if any(cells):
                shown = ("" if c is None else f"{digits(c.median)} {unit}" for c in cells)
                rows.append((side, quantity.replace("bytes", "memory"), *shown))
    return markdown(*rows, left=2)
