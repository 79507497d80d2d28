"""Python's cyclic collector, kept from searching graphs: they hold no cycles.

It searches whenever many objects were made and few were freed, which is what building a graph
is; on a network of Values it would take longer than the network.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Within it the cyclic collector does not run; afterwards it is as it was."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
