"""What was measured, where, as a file: whole or not at all, and each workload with its machine.

A workload that is measured again replaces what was there of it, and leaves the others.
"""

import json
import os
import platform
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.peers import versions
from benchmarks.turns import Found

RESULTS = Path(__file__).with_name("results.json")

Results = dict[str, dict[str, Any]]
"""By workload: "machine", what it was measured on, and "races", what came of each."""


def machine() -> dict[str, Any]:
    """The processor and the versions that a time depends on."""
    import numpy as np

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "peers": versions(),
    }


def _processor() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        return re.findall(r"model name\s*:\s*(.+)", described)[0]
    except (OSError, IndexError):
        return platform.processor() or "unknown"


def load(path: Path = RESULTS) -> Results:
    """What was saved; nothing where nothing was."""
    if not path.exists():
        return {}
    results: Results = json.loads(path.read_text(encoding="utf-8"))
    return results


def save(results: Results, path: Path = RESULTS) -> None:
    """Write them; should that fail on the way, what was there stays."""
    text = json.dumps(results, indent=1, ensure_ascii=False)
    text = re.sub(r"\[\s+([^][{}]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    with TemporaryDirectory(prefix=".results-", dir=path.parent) as scratch:
        written = Path(scratch, path.name)
        written.write_text(text + "\n", encoding="utf-8")
        os.replace(written, path)


def race_of(results: Results, workload: str, race: str) -> Found:
    """What one race came to; nothing where it was not held."""
    found: Found = results.get(workload, {}).get("races", {}).get(race, {})
    return found
