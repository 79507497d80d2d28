"""Packages that only some data and pictures need: loaded when first used, named when missing."""

from importlib import import_module
from typing import Any


def optional(module: str, package: str | None = None, extra: str = "viz") -> Any:
    """A module, such as "matplotlib.pyplot", of a package that an extra of twingrad installs."""
    try:
        return import_module(module)
    except ImportError as error:
        name = package or module.partition(".")[0]
        raise ImportError(
            f'this needs {name}, which is missing; install it with pip install "twingrad[{extra}]"'
        ) from error
