"""What every demo does besides its lesson: read its arguments, save its pictures."""

import argparse
from pathlib import Path
from typing import Any

OUTPUTS = Path("outputs")


def arguments(lesson: str | None, seed: int = 0) -> argparse.Namespace:
    """The options that all demos share: --seed, and --out for the pictures' folder."""
    parser = argparse.ArgumentParser(description=lesson)
    parser.add_argument("--seed", type=int, default=seed, help="of all randomness (%(default)s)")
    parser.add_argument("--out", type=Path, default=OUTPUTS, help="pictures' folder (%(default)s)")
    return parser.parse_args()


def save(axes: Any, path: Path) -> None:
    """Write the figure that the axes are on, and say where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    axes.figure.savefig(path, dpi=150)
    print(f"  wrote {path}")
