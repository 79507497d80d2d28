"""twingrad: a scalar autograd engine and its NumPy twin, the calculus written once.

Everything of `twingrad.engine` is here directly; `twingrad.nn` and `twingrad.viz` beside it.
"""

from typing import TYPE_CHECKING, Any

from . import engine, nn, viz
from .engine import *  # noqa: F403 - the engine is the package's own vocabulary

__version__ = "0.1.0"
__all__ = [*engine.__all__, "nn", "viz"]

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
