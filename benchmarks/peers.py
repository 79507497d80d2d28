"""The peers: which there are, which are installed, and how each gets here without the others.

`python -m benchmarks.peers` installs them one by one: one that cannot be had costs no other.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[1]


def requirements(project: Path = ROOT / "pyproject.toml") -> list[str]:
    """What the extra `bench` names, such as "torch==2.13.0"."""
    with project.open("rb") as file:
        extras: dict[str, list[str]] = tomllib.load(file)["project"]["optional-dependencies"]
    return extras["bench"]


def versions() -> dict[str, str | None]:
    """The version of each peer that is installed, and None for the others."""
    found: dict[str, str | None] = {}
    for requirement in requirements():
        name = re.split(r"[^\w-]", requirement)[0]
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def run(command: Sequence[str]) -> bool:
    """Whether a command ends well; what it says is shown only if it does not."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        print(done.stderr.strip()[-500:], file=sys.stderr)
    return not done.returncode


def install(wanted: Sequence[str], run: Callable[[Sequence[str]], bool] = run) -> list[str]:
    """Install each by itself into this environment; return those that could not be."""
    missing = []
    for requirement in wanted:
        print(f"  {requirement} ...", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", "constraints.txt"]
        if not run([*pip, requirement]):
            missing.append(requirement)
    return missing


if __name__ == "__main__":
    for peer in install(requirements()):
        print(f"{peer} could not be installed; the benchmarks go on without it", file=sys.stderr)
