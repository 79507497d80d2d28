"""How long `import` takes, in fresh processes: the wait before the first line of any program.

NumPy is loaded before the clock runs, for all of them stand on it, but for micrograd.
"""

import os
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from typing import Any

from benchmarks.side import Measured, Side
from benchmarks.tables import duration, markdown
from benchmarks.turns import Found, measured

RACES = {"import": {"rounds": 7}}
MODULES = {
    "numpy": "numpy",
    "twingrad": "twingrad",
    "micrograd": "micrograd.nn",
    "autograd": "autograd",
    "mygrad": "mygrad",
    "sklearn": "sklearn.neural_network",
    "jax": "jax",
    "torch": "torch",
}
PROGRAM = """
import time
{before}
started = time.perf_counter()
import {module}
print(time.perf_counter() - started)
"""


def fresh(package: str) -> Measured:
    """A Python that imports the package; its first run, which may compile, does not count."""
    if find_spec(package) is None:
        raise ImportError(f"No module named {package!r}")
    before = "" if package == "numpy" else "import numpy"
    command = [sys.executable, "-c", PROGRAM.format(before=before, module=MODULES[package])]
    keeping = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def measure() -> dict[str, Any]:
        done = subprocess.run(command, env=keeping, capture_output=True, text=True, check=True)
        return {"seconds": float(done.stdout)}

    return Measured(measure)


def sides(race: str) -> dict[str, Side]:
    """NumPy itself, and what is imported after it."""
    return {package: Side(partial(fresh, package)) for package in MODULES}


def table(races: dict[str, Found]) -> str:
    """Seconds for each package."""
    found = races["import"]
    rows = [("import", "median", "quartiles")]
    for package in found:
        took, name = measured(found, package), MODULES[package]
        what = name if name == "numpy" else f"{name}, after numpy"
        quartiles = f"{duration(took.low)} – {duration(took.high)}" if took else "absent"
        rows.append((what, duration(took and took.median), quartiles))
    return markdown(*rows)
