"""twingrad: a scalar autograd engine and its NumPy twin, the calculus written once.

Everything of `twingrad.engine` is here directly; `twingrad.nn` and `twingrad.viz` beside it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import engine, nn
from .engine import *  # noqa: F403 - the engine is the package's own vocabulary

__version__ = "0.1.0"
__all__ = [*engine.__all__, "nn", "viz"]

if TYPE_CHECKING:
    from . import viz

    def __getattr__(name: str) -> Any: ...

else:

    def __getattr__(name: str) -> Any:
        """`viz`, which is loaded when it is first asked for: most programs draw nothing."""
        if name == "viz":
            return import_module(".viz", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _drawn(node: engine.Node) -> str | None:
    from .viz import svg_in_notebook

    return svg_in_notebook(node)


# The engine does not know who draws: a notebook asks the node, and the node asks this.
engine.Node.svg_in_notebooks = _drawn
