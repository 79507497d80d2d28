"""Python's cyclic collector, kept from searching graphs: they hold no cycles.

It searches whenever many objects were made and few were freed, which is what building a graph
is; on a network of Values it would take longer than the network.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Within it the cyclic collector does not run; afterwards it is as it was.

    For a training loop of one's own over many Values, around each step; `fit` does it by itself.

    >>> import twingrad as tg
    >>> x = tg.Value(3.0)
    >>> with tg.collector_paused():
    ...     (x * x).backward()
    >>> x.grad
    6.0
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
