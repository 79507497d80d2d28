"""What every demo does besides its lesson: read its arguments, save its pictures."""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

from twingrad import nn
from twingrad.nn.optional import optional

OUTPUTS = Path("outputs")


class Trained(NamedTuple):
    """A model and how it came about; `data` and `held_out` are samples and their targets."""

    model: Any
    optimizer: nn.Optimizer
    monitor: nn.Monitor
    history: nn.History
    data: tuple[Any, Any]
    held_out: tuple[Any, Any] | None = None


def arguments(
    lesson: str | None,
    seed: int = 0,
    out: Path = OUTPUTS,
    more: argparse.ArgumentParser | None = None,
) -> argparse.Namespace:
    """The options that all demos share, --seed and --out for the pictures' folder, and `more`."""
    parser = argparse.ArgumentParser(description=lesson, parents=[more] if more else [])
    parser.add_argument(
        "--seed", type=_natural, default=seed, help="of all randomness (%(default)s)"
    )
    parser.add_argument("--out", type=Path, default=out, help="pictures' folder (%(default)s)")
    options = parser.parse_args()
    if options.out.exists() and not options.out.is_dir():
        parser.error(f"--out is a folder, but {options.out} is a file")
    try:  # before the lesson, and not after it
        optional("matplotlib.pyplot")
    except ImportError as error:
        parser.error(str(error))
    return options


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"a seed is a whole number from 0 on, not {text}")
    return number


def positive(text: str) -> int:
    """A number of things, of which there is at least one."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, not {text}")
    return number


def save(axes: Any, path: Path) -> None:
    """Write the figure that the axes are on, and say where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    axes.figure.savefig(path, dpi=150)
    print(f"  wrote {path}")
