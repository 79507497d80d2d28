"""twingrad: a scalar autograd engine and its NumPy twin, the calculus written once.

Everything of `twingrad.engine` is here directly; `twingrad.nn` and `twingrad.viz` beside it.
"""

from . import engine
from .engine import *

__version__ = "0.1.0"
__all__ = [*engine.__all__, "nn", "viz"]
