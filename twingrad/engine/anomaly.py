"""Anomaly detection: the first NaN or infinity raises where it arises, and says why.

Found at the end of a step, a NaN has a thousand possible origins. Within `detect_anomaly` each
result is looked at as it is made and each gradient when it is complete; outside it nothing is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from . import sweep
from .anomalies.context import Context, entered, innermost
from .anomalies.watch import PLAIN, WATCHED, watched_sweep
from .node import Node

_lock = RLock()  # the collector may close a generator, which is in a context, at any time
_contexts = 0


@contextmanager
def detect_anomaly(infinity: bool = True) -> Iterator[None]:
    """Within it the first NaN or infinity, forward or backward, raises `AnomalyError`.

    The error names the operation, its operands' numbers, the line of the user's program that it
    stands on and the module it is in, and says in words how such a number comes about. A NaN
    that was there before is blamed on the leaf that brought it.

    An infinity that is written down on purpose is let pass, and what hands it on with it: that
    of a mask, which is a number or an array of nothing but 0 and one infinity, in `where`, in
    `maximum` and `minimum`, or added to scores. `infinity=False` lets all infinities pass.

    It holds for this thread, and knows the lines of what was computed within it only. Outside it
    costs nothing, within it a step takes up to three times as long.

    >>> import twingrad as tg
    >>> p = tg.Value(0.0, label="p")
    >>> with tg.detect_anomaly():
    ...     loss = -tg.log(p)
    Traceback (most recent call last):
    twingrad.engine.errors.AnomalyError: forward, log gave -inf ...
    """
    context = Context("infinity" if infinity else "nan", innermost())
    entered.set(context)
    _count(1)
    try:
        yield
    finally:
        # A generator may be closed by another thread or task than the one that it ran in, which
        # therefore has to see by itself that this is over.
        context.is_open = False
        entered.set(innermost())
        _count(-1)


def _count(step: int) -> None:
    global _contexts
    with _lock:
        _contexts += step
        # Methods put in the others' place: so that without a context there is nothing to pass by.
        for name, method in (WATCHED if _contexts else PLAIN).items():
            setattr(Node, name, method)
        sweep.watch = watched_sweep if _contexts else sweep.unwatched
