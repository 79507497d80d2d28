"""Spent gradients: those that a step has taken, and that the next backward() should not add to.

Who forgets zero_grad sums the gradients of all steps so far. Adding up before a step is fine, and
so is adding to a spent gradient that is thrown away before the next step: only a step that takes
such a mixture is a mistake.
"""

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from .caller import user_line
from .misuse import ForgottenZeroGradWarning, warn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .node import Node

KEPT = 2**13
"""So many spent numbers are remembered at least; one of a model's is enough to notice."""


class Spent:
    """The gradients that were spent, by identity, and the mixtures made of them since."""

    __slots__ = ("_before", "_mixed", "mixtures", "now")

    def __init__(self) -> None:
        self.now: dict[int, Any] = {}
        self._before: dict[int, Any] = {}
        self._mixed: dict[int, tuple[Any, str]] = {}
        self.mixtures = 0
        """How many steps took one: what who watches a loop asks, before a step and after."""

    def take(self, leaves: "Iterable[Node]") -> str | None:
        """Spend the gradients of leaves; the line of the backward() that had mixed one, if any."""
        if len(self.now) >= KEPT:
            self.now, self._before = {}, self.now
        now, line = self.now, None
        for leaf in leaves:
            grad = leaf._grad
            if self._mixed and id(grad) in self._mixed:
                held, at = self._mixed[id(grad)]
                if _is(held, grad):
                    line = at
                    self._mixed.clear()  # one is enough to say
                    self.mixtures += 1
            if type(grad) is float:
                if grad:
                    now[id(grad)] = grad
            elif type(grad) is np.ndarray:
                now[id(grad)] = ref(grad)  # which must not live on for this
        return line

    def forget(self, grad: Any) -> None:
        """Take a gradient for a new one: it was assigned, so somebody has thought of it."""
        self.now.pop(id(grad), None)
        self._before.pop(id(grad), None)

    def notice(self, held: Any, total: Any) -> None:
        """Remember a sum if one of its terms was spent."""
        known = self.now.get(id(held)) or self._before.get(id(held))
        if known is None and self._mixed:
            known = self._mixed.get(id(held), (None,))[0]
        if known is None or not _is(known, held) or not np.any(held):
            return
        if len(self._mixed) >= KEPT:
            self._mixed.clear()
        self._mixed[id(total)] = _held(total), user_line()


spent = Spent()


def spend_by_hand(leaf: "Node") -> None:
    """Spend a leaf's gradient because its data was changed; warn where that had been mixed."""
    if leaf.parents:
        return
    line = spent.take((leaf,))
    if line:
        warn(
            f"the data of a {type(leaf).__name__} was changed while its gradient is a mixture: "
            f"backward() at {line} added to a gradient that was there when the data last changed, "
            "which is that of older numbers; reset before each backward(): model.zero_grad(), or "
            "p.grad = None for every parameter p",
            ForgottenZeroGradWarning,
        )


def _held(grad: Any) -> Any:
    return ref(grad) if type(grad) is np.ndarray else grad


def _is(held: Any, grad: Any) -> bool:
    return (held() if type(held) is ref else held) is grad
