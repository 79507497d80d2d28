"""Anomaly detection: the first NaN or infinity raises where it arises, and says why.

Found at the end of a step, a NaN has a thousand possible origins. Within `detect_anomaly` each
result is looked at as it is made and each gradient as it is passed on; outside it nothing is.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

from .caller import user_frame
from .errors import AnomalyError
from .node import NO_STATIC, Node

if TYPE_CHECKING:
    from .anomaly_words import Found


calling: ContextVar[tuple[Any, ...]] = ContextVar("calling", default=())
"""The modules that are being called, the outermost first; `nn` keeps it."""

_looked_for: ContextVar[str | None] = ContextVar("_looked_for", default=None)
_unwatched_apply = Node._apply
_contexts = 0


@contextmanager
def detect_anomaly(infinity: bool = True) -> Iterator[None]:
    """Within it the first NaN or infinity, forward or backward, raises `AnomalyError`.

    The error names the operation, its operands' numbers, the line of the user's program that it
    stands on and the module it is in, and says in words how such a number comes about. A NaN
    that was there before is blamed on the leaf that brought it. With `infinity=False` infinities
    are let pass, as where a mask holds -inf on purpose. It sees gradients of what was computed
    within it only; outside it costs nothing, within it a step takes up to three times as long.

    >>> import twingrad as tg
    >>> p = tg.Value(0.0, label="p")
    >>> with tg.detect_anomaly():
    ...     loss = -tg.log(p)
    Traceback (most recent call last):
    twingrad.engine.errors.AnomalyError: forward, log gave -inf ...
    """
    global _contexts
    token = _looked_for.set("infinity" if infinity else "nan")
    _contexts += 1
    # A method put in the other's place: so that without a context there is nothing to pass by.
    Node._apply = _watched_apply  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        _looked_for.reset(token)
        _contexts -= 1
        if not _contexts:
            Node._apply = _unwatched_apply  # type: ignore[method-assign]


def _watched_apply(
    self: Node, rule: Any, operands: tuple[Any, ...], static: dict[str, Any] = NO_STATIC
) -> Node:
    """An operation whose result is looked at, and whose pullback will look at what it passes on."""
    node = _unwatched_apply(self, rule, operands, static)
    looked_for = _looked_for.get()
    if looked_for is None:
        return node
    if node._pullback is not None:
        node._pullback = _Watched(node._pullback, rule, node.parents, static, looked_for)
    if is_anomalous(node._data, looked_for):
        numbers = [x._data if isinstance(x, Node) else x for x in operands]
        labels = [x.label if isinstance(x, Node) else "" for x in operands]
        computed = [isinstance(x, Node) and bool(x.parents) for x in operands]
        code, line = _users_line()
        from .anomaly_words import Found  # only now, for few programs need the words

        raise _error(
            Found("forward", rule, static, numbers, labels, computed, node._data),
            code, line, calling.get(),
        )  # fmt: skip
    return node


class _Watched:
    """A pullback that looks at the gradients it passes on; it knows its operands, not its node."""

    __slots__ = (
        "_code",
        "_line",
        "_looked_for",
        "_modules",
        "_operands",
        "_pullback",
        "_rule",
        "_static",
    )

    def __init__(
        self,
        pullback: Callable[..., Any],
        rule: Any,
        operands: Sequence[Node],
        static: dict[str, Any],
        looked_for: str,
    ) -> None:
        self._pullback, self._rule, self._static = pullback, rule, static
        self._operands, self._looked_for = operands, looked_for
        self._code, self._line = _users_line()
        self._modules = calling.get()

    def __call__(self, grad: Any) -> Any:
        """The gradients of the operands, each looked at."""
        passed = self._pullback(grad)
        for position, (gradient, operand) in enumerate(zip(passed, self._operands, strict=False)):
            if gradient is None or operand.constant:
                continue
            numbers = gradient._data if isinstance(gradient, Node) else gradient
            if is_anomalous(numbers, self._looked_for):
                raise self._error(grad, numbers, position)
        return passed

    def _error(self, grad: Any, numbers: Any, position: int) -> AnomalyError:
        from .anomaly_words import Found

        arrived = grad._data if isinstance(grad, Node) else grad
        found = Found(
            "backward",
            self._rule,
            self._static,
            [operand._data for operand in self._operands],
            [operand.label for operand in self._operands],
            [bool(operand.parents) for operand in self._operands],
            numbers,
            position,
            arrived,
        )
        return _error(found, self._code, self._line, self._modules)


def is_anomalous(numbers: Any, looked_for: str) -> bool:
    """Whether there is a nan in it, or an infinity where those are looked for too."""
    if type(numbers) is float:
        return numbers != numbers if looked_for == "nan" else not numbers - numbers == 0.0
    with np.errstate(all="ignore"):
        # One sum over all is the fastest look; only a sum that is not finite is looked into.
        if np.isfinite(np.add.reduce(numbers, axis=None)):
            return False
        return bool(
            np.isnan(numbers).any() if looked_for == "nan" else not np.isfinite(numbers).all()
        )


def _users_line() -> tuple[CodeType, int]:
    frame = user_frame()
    return frame.f_code, frame.f_lineno


def _error(found: "Found", code: CodeType, line: int, modules: tuple[Any, ...]) -> AnomalyError:
    from .anomaly_words import report

    error = AnomalyError(report(found, code.co_filename, line, _path(modules)))
    error.operation, error.phase = found.name, found.phase
    error.filename, error.lineno = code.co_filename, line
    return error


def _path(modules: tuple[Any, ...]) -> str:
    """The way from the outermost module to the innermost, as one would write it."""
    if not modules:
        return ""
    outer, inner = modules[0], modules[-1]
    way = next((path for path, module in outer.named_modules() if module is inner), "")
    name = f"{type(outer).__name__}{way}"
    return name if inner is outer else f"{name} {inner!r}"
