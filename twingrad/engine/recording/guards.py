"""Guards: what a function asked while it was recorded must have the same answers at a replay.

Otherwise the function would have gone another way, and the recording would be of another program.
"""

from collections.abc import Callable, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import numpy as np

from ..errors import GraphError
from ..node import Node
from ..tape import Guard
from .columns import Array, Ints

_SIGNS: dict[Any, str] = {lt: "<", le: "<=", gt: ">", ge: ">=", eq: "==", ne: "!="}


class Guards:
    """The guards of a recording, those of one question asked together."""

    def __init__(self, guards: Sequence[Guard], places_of: Callable[[list[Node]], Ints]) -> None:
        self.count = len(guards)
        self._asked = []
        kinds = sorted({guard.question.__name__ for guard in guards})
        for kind in kinds:
            alike = [guard for guard in guards if guard.question.__name__ == kind]
            left = places_of([guard.node for guard in alike])
            right = np.full(len(alike), -1)
            of_two = [isinstance(guard.other, Node) for guard in alike]
            right[of_two] = places_of([g.other for g in alike if isinstance(g.other, Node)])
            numbers = np.array(
                [0.0 if isinstance(g.other, Node | None) else float(g.other) for g in alike]
            )
            answers = np.array([float(guard.answer) for guard in alike])
            self._asked.append((alike[0].question, left, right, numbers, answers))

    def take_numbers(self, data: Array) -> None:
        """Take what `float` told from the cells after the first run.

        Eager, a sum was added up in another order; a replay's own number is the same each time.
        """
        for question, left, _, _, answers in self._asked:
            if question is float:
                close = np.isclose(data[left], answers, rtol=1e-6, atol=1e-300)
                answers[close] = data[left][close]

    def check(self, data: Array) -> None:
        """Raise `GraphError` where an answer is another than when recording."""
        for question, left, right, numbers, answers in self._asked:
            compared = np.where(right < 0, numbers, data[right])
            now = _answers(question, data[left], compared)
            same = (now == answers) | ((now != now) & (answers != answers))
            if not same.all():
                i = int(np.argmin(same))
                raise GraphError(_changed(question, data[left[i]], compared[i], answers[i], now[i]))


def _answers(question: Any, numbers: Array, compared: Array) -> Array:
    if question in _SIGNS:
        return np.asarray(question(numbers, compared), float)
    if question is bool:
        return np.asarray(numbers != 0.0, float)
    return np.trunc(numbers) if question is int else numbers


def _said(question: Any, number: float) -> str:
    if question is bool:
        return repr(bool(number))
    plain = float(number)
    return repr(plain if question is float or not np.isfinite(plain) else int(plain))


def _changed(question: Any, number: float, compared: float, before: float, now: float) -> str:
    if question in _SIGNS:
        asked = f"a comparison, {number:g} {_SIGNS[question]} {compared:g}, is {bool(now)}"
        was = f"it was {bool(before)}"
    else:
        asked = f"{question.__name__}() of a node is {_said(question, now)}"
        was = f"it was {_said(question, before)}"
    return (
        f"{asked} now, but {was} when this was recorded, and what the function did next may depend "
        "on it; record it again, or write the choice as an operation: where, maximum, relu"
    )
