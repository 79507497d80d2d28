"""The operations and sweeps that stand in the place of the plain ones within `detect_anomaly`.

Each result is looked at as it is made, each gradient when it is complete; each pullback knows the
line that its operation stands on.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import numpy as np

from .. import array_rules, rules
from ..node import NO_STATIC, Node
from .context import Place, here, is_anomalous, looked_for

_differentiating: ContextVar[Place | None] = ContextVar("_differentiating", default=None)


# Forward


def _watched_apply(
    self: Node, rule: Any, operands: tuple[Any, ...], static: dict[str, Any] = NO_STATIC
) -> Node:
    """An operation whose result is looked at, and whose pullback knows where it stands."""
    node = PLAIN["_apply"](self, rule, operands, static)
    wanted = looked_for()
    if wanted is None:
        return node  # type: ignore[no-any-return]
    place = _differentiating.get()
    differentiating = place is not None
    if place is None:
        place = here()
    if node._pullback is not None:
        node._pullback = Placed(node._pullback, place)
    # What a gradient is computed from is looked at when the gradient is complete.
    if not differentiating and is_anomalous(node._data, wanted):
        if wanted == "infinity" and _is_meant(rule, operands, node._data):
            if node.constant and node._made_by is None:
                node._made_by = rule  # the next one is to see that it was computed
            return node  # type: ignore[no-any-return]
        from .report import of_result  # only now, for few programs need the words

        raise of_result(rule, static, operands, node._data, place)
    return node  # type: ignore[no-any-return]


class Placed:
    """A pullback that knows where its operation stands, and that it was looked at."""

    __slots__ = ("place", "pullback")

    def __init__(self, pullback: Callable[..., Any], place: Place) -> None:
        self.pullback, self.place = pullback, place

    def __call__(self, grad: Any) -> Any:
        """The gradients of the operands."""
        return self.pullback(grad)

    @property
    def __closure__(self) -> Any:
        """What the pullback holds, as it would tell it itself."""
        return getattr(self.pullback, "__closure__", None)


_HANDED_ON = {
    array_rules.astype, array_rules.broadcast_to, array_rules.concatenate,
    array_rules.expand_dims, array_rules.getitem, array_rules.reshape, array_rules.squeeze,
    array_rules.stack, array_rules.transpose, rules.add, rules.identity, rules.maximum,
    rules.minimum, rules.where,
}  # fmt: skip


def _is_meant(rule: Any, operands: tuple[Any, ...], result: Any) -> bool:
    """Whether all infinities of a result are those of a mask, or handed on from one."""
    result = np.asarray(result)
    if np.isnan(result).any():
        return False
    return all(
        any(_brings(rule, x, infinity) for x in operands)
        for infinity in (np.inf, -np.inf)
        if (result == infinity).any()
    )


def _brings(rule: Any, x: Any, infinity: float) -> bool:
    numbers = np.asarray(x._data if isinstance(x, Node) else x)
    at = numbers == infinity
    if not at.any():
        return False
    if isinstance(x, Node):
        if x._rule is not None:  # it was looked at itself, and let pass
            return type(x._pullback) is Placed or x.constant
        if x._stamp:  # a number that moved is no mask, but one that a step has ruined
            return False
    if rule not in _HANDED_ON:
        return False
    if rule is rules.add and infinity > 0.0 and numbers.size == 1:  # a target, rather
        return False
    return bool((at | (numbers == 0.0)).all())


# Backward


def watched_sweep(
    found: dict[Node, Any], order: list[Node], create_graph: bool
) -> AbstractContextManager[None]:
    """What stands around a sweep, to look at its gradients when all of them are complete."""
    wanted = looked_for()
    if wanted is None:
        return nullcontext()
    for root, seed in found.items():
        _look_at_root(root, seed, wanted)
    return _looking_after(found, order, wanted, here() if create_graph else None)


@contextmanager
def _looking_after(
    found: dict[Node, Any], order: list[Node], wanted: str, place: Place | None
) -> Iterator[None]:
    with _standing_at(place) if place else nullcontext():
        yield
    for node in reversed(order):
        if node in found and is_anomalous(_numbers(found[node]), wanted):
            from .report import of_gradient

            raise of_gradient(node, {x: _numbers(g) for x, g in found.items()}, order, wanted)


def _look_at_root(root: Node, seed: Any, wanted: str) -> None:
    from_loss = np.size(root._data) == 1 and is_anomalous(root._data, wanted)
    if from_loss or is_anomalous(_numbers(seed), wanted):
        from .report import of_root

        raise of_root(root, _numbers(seed))


@contextmanager
def _standing_at(place: Place) -> Iterator[None]:
    token = _differentiating.set(place)
    try:
        yield
    finally:
        _differentiating.reset(token)


def _watched_rerun(self: Node) -> Callable[..., Any]:
    """The rule run on nodes, which stand where the operation does that they differentiate."""
    placed = self._pullback
    if looked_for() is None or not isinstance(placed, Placed):
        return PLAIN["_rerun"](self)  # type: ignore[no-any-return]
    place = placed.place._replace(gradient_of=placed.place.gradient_of or self._rule)
    with _standing_at(place):
        pullback = PLAIN["_rerun"](self)

    def pull_back(grad: Any) -> Any:
        with _standing_at(place):
            return pullback(grad)

    return pull_back


def _watched_backward(self: Node) -> None:
    """A step by hand, as in the lecture: what it passes on is looked at first."""
    wanted = looked_for()
    if wanted is not None and self._pullback is not None and self._grad is not None:
        with np.errstate(all="ignore"):
            _look_at_shares(self, wanted)
    PLAIN["_backward"](self)


def _look_at_shares(node: Node, wanted: str) -> None:
    arrived = _numbers(node._grad)
    passed = node._pullback(arrived)  # type: ignore[misc]
    for i, (parent, gradient) in enumerate(zip(node.parents, passed, strict=True)):
        if gradient is not None and not parent.constant and is_anomalous(gradient, wanted):
            from .report import of_share

            raise of_share(node, arrived, gradient, i)


def _watched_collect(self: Node, grad: Any) -> None:
    """What is added to a gradient that was there already may still overflow."""
    wanted, held = looked_for(), self._grad
    PLAIN["_collect"](self, grad)
    if wanted is not None and held is not None and is_anomalous(_numbers(self._grad), wanted):
        from .report import of_collected

        raise of_collected(self, _numbers(held), _numbers(grad))


def _numbers(x: Any) -> Any:
    return x._data if isinstance(x, Node) else x


WATCHED: dict[str, Callable[..., Any]] = {
    "_apply": _watched_apply,
    "_rerun": _watched_rerun,
    "_backward": _watched_backward,
    "_collect": _watched_collect,
}
PLAIN: dict[str, Callable[..., Any]] = {name: getattr(Node, name) for name in WATCHED}
