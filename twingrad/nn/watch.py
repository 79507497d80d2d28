"""Watching a model's layers while it runs: each call of a layer passes through a function of ours.

Nothing is registered in the modules for that; what is put into them is taken out again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .module import Module

Forward = Callable[..., Any]


@contextmanager
def watched(model: Module, watch: Callable[[str, Module, Forward], Forward]) -> Iterator[None]:
    """Within it, each module below calls what `watch(path, module, forward)` gave for its forward.

    The model itself is not watched.
    """
    inside = [(path, module) for path, module in model.named_modules() if module is not model]
    assigned = [
        (module, vars(module)["forward"]) for _, module in inside if "forward" in vars(module)
    ]
    try:
        for path, module in inside:
            module.__dict__["forward"] = watch(path, module, module.forward)
        yield
    finally:
        for _, module in inside:
            module.__dict__.pop("forward", None)
        for module, forward in assigned:
            module.__dict__["forward"] = forward
