"""Packages that only pictures need: loaded when first used, and named clearly when missing."""

from importlib import import_module
from typing import Any


def optional(module: str) -> Any:
    """A module of the `viz` extra, such as "matplotlib.pyplot"."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f'this needs {package}, which is missing; install it with pip install "twingrad[viz]"'
        ) from error
