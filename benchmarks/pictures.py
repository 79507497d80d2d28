"""The pictures of docs/performance.md: bars for the steps, lines for what grows with a size."""

from pathlib import Path
from typing import Any

from benchmarks.overhead import share
from benchmarks.results import Results, race_of
from benchmarks.tables import duration
from benchmarks.turns import Found, measured
from demos.common import save
from twingrad.nn.optional import optional
from twingrad.viz.plots.canvas import BLUE, CLASSES, INK, ORANGE

COLORS = (INK, ORANGE, BLUE, CLASSES[5])


def draw(results: Results, folder: Path) -> None:
    """Every picture whose workload was measured."""
    for workload, title in (
        ("moons", "One training step of the moons demo"),
        ("mnist", "One training step of 784-128-64-10, batch of 128"),
    ):
        found = race_of(results, workload, "step")
        if found:
            save(bars(found, title), folder / f"performance_{workload}.png")
    if "nodes" in results:
        save(by_size(results["nodes"]["races"]), folder / "performance_nodes.png")
    if "overhead" in results:
        save(by_width(results["overhead"]["races"]), folder / "performance_overhead.png")


def _axes(height: float = 4.0, **labels: Any) -> Any:
    _, ax = optional("matplotlib.pyplot").subplots(figsize=(7.2, height), layout="constrained")
    ax.set(**labels)
    ax.grid(alpha=0.3)
    ax.set_axisbelow(True)
    return ax


def bars(found: Found, title: str) -> Any:
    """A bar a side, as long as its median, on a scale where each line is ten times the last."""
    spreads = {side: measured(found, side) for side in found}
    took = {side: spread.median for side, spread in spreads.items() if spread is not None}
    took = dict(sorted(took.items(), key=lambda pair: pair[1]))
    ax = _axes(0.9 + 0.3 * len(took), title=title, xlabel="seconds", xscale="log")
    ours = [BLUE if _is_ours(side) else ORANGE if "NumPy" in side else INK for side in took]
    ax.barh(list(took), list(took.values()), color=ours)
    for i, seconds in enumerate(took.values()):
        ax.text(seconds * 1.1, i, duration(seconds), va="center", fontsize=8)
    ax.set_xlim(min(took.values()) / 3.0, max(took.values()) * 5.0)
    return ax


def _is_ours(side: str) -> bool:
    return side.startswith(("twingrad", "replay", "record", "nn."))


def by_size(races: dict[str, Found]) -> Any:
    """Nanoseconds a node, forward and backward together, by the number of nodes."""
    ax = _axes(
        title="A scalar node, forward and backward",
        xlabel="nodes in the graph",
        ylabel="nanoseconds a node",
        xscale="log",
    )
    for side, color in zip(next(iter(races.values())), COLORS, strict=True):
        sizes, costs = [], []
        for size, found in races.items():
            both = [measured(found, side, part) for part in ("forward", "backward")]
            if all(both):
                sizes.append(int(size.replace(",", "")))
                costs.append(sum(spread.median for spread in both if spread))
        ax.plot(sizes, costs, marker="o", color=color, label=side)
    ax.set_ylim(0.0)
    ax.legend(frameon=False)
    return ax


def by_width(races: dict[str, Found]) -> Any:
    """The share of a step beyond hand-written NumPy, and beyond the matrix products."""
    ax = _axes(
        title="The share of twingrad's step that is not in …",
        xlabel="width of the network",
        ylabel="% of twingrad's step",
        xscale="log",
    )
    for without, color in (("matrix products alone", ORANGE), ("NumPy, by hand", BLUE)):
        shares = {int(width): share(found, without) for width, found in races.items()}
        there = {width: 100.0 * s.median for width, s in shares.items() if s is not None}
        ax.plot(list(there), list(there.values()), marker="o", color=color, label=without)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.set_ylim(min(0.0, ax.get_ylim()[0]), 100.0)
    ax.legend(frameon=False)
    return ax
