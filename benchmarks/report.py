"""docs/performance.md: the tables between its markers, written from what was measured.

A marker is `<!-- moons -->`, and its table ends at the next `<!-- end -->`; the words are the
page's own.
"""

import re
from pathlib import Path
from typing import Any

from benchmarks import (
    convolution,
    epochs,
    goals,
    imports,
    mnist,
    moons,
    nodes,
    overhead,
    parts,
)
from benchmarks.results import Results

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"

WORKLOADS: dict[str, Any] = {
    "moons": moons,
    "nodes": nodes,
    "mnist": mnist,
    "epochs": epochs,
    "convolution": convolution,
    "overhead": overhead,
    "parts": parts,
    "imports": imports,
}
"""Modules with their RACES, the `sides` of each, and a `table` of what came of them."""


def tables(results: Results) -> dict[str, str]:
    """By marker: the goals, the machines, and a table for each workload that was measured."""
    found = {"goals": goals.table(results), "machine": machines(results)}
    for name, workload in WORKLOADS.items():
        if name in results:
            found[name] = workload.table(results[name]["races"])
    return found


def machines(results: Results) -> str:
    """What the numbers were measured on, once where all are from one machine."""
    groups: dict[str, list[str]] = {}
    for name, workload in results.items():
        groups.setdefault(described(workload["machine"]), []).append(name)
    if len(groups) < 2:
        return "".join(groups)
    return "\n".join(f"- {', '.join(names)}: {machine}" for machine, names in groups.items())


def described(machine: dict[str, Any]) -> str:
    """A machine in one sentence."""
    count = {1: "one core", 2: "two cores"}.get(machine["cores"], f"{machine['cores']} cores")
    there = [f"{name} {version}" for name, version in machine["peers"].items() if version]
    absent = [name for name, version in machine["peers"].items() if not version]
    said = (
        f"{machine['processor']}, {count}, {machine['system']}; Python {machine['python']}, "
        f"NumPy {machine['numpy']}; {', '.join(there) or 'no peers'}"
    )
    return f"{said}; absent: {', '.join(absent)}." if absent else f"{said}."


def placed(text: str, name: str, table: str) -> str:
    """The page with a table where its marker stands; ValueError where there is no such marker."""
    place = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
    new, count = re.subn(place, lambda m: f"{m[1]}\n{table}\n\n{m[2]}", text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"the page has {count} places for {name!r}, expected one")
    return new


def write(results: Results, page: Path = PAGE) -> None:
    """Put every table in its place, and draw the pictures beside the page."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables(results).items():
        text = placed(text, name, table)
    page.write_text(text, encoding="utf-8")
    try:
        from benchmarks.pictures import draw

        draw(results, page.parent / "images")
    except ImportError as error:
        print(f"no pictures were drawn: {error}")
