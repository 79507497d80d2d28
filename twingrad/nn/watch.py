"""Looking at a model while it runs, and leaving no trace of it.

Each call of a layer passes through a function of the watcher's, which is taken out again, and
what running changed is put back.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .module import Module
from .predict import mode
from .snapshot import Snapshot, without_a_trace

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


@contextmanager
def unchanged(model: Any) -> Iterator[None]:
    """Within it a model is evaluated; afterwards its numbers and attributes are as they were."""
    before = Snapshot.of(model)
    try:
        with without_a_trace(model), mode(model, training=False):
            yield
    finally:
        before.restore(model)
