"""The tape: what is noticed while a function of Values is recorded.

Numbers that leave the graph, in `v > 0` or `float(v)`, decide what the function does next. The
tape keeps each such question and its answer, so that a replay can see whether it still holds.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Guard(NamedTuple):
    """A question that was asked of a node while recording, and the answer it got."""

    question: Callable[..., Any]
    node: Any
    other: Any
    answer: Any


class Tape:
    """The questions asked so far, and the checks that inputs must pass at every replay."""

    running: ContextVar["Tape | None"] = ContextVar("running", default=None)

    def __init__(self) -> None:
        self.guards: list[Guard] = []
        self.checks: list[tuple[list[Any], Callable[[npt.NDArray[Any]], Any]]] = []


def ask(question: Callable[..., Any], node: Any, other: Any, *numbers: Any) -> Any:
    """The answer to a question about a node's number, kept on the tape if one is running."""
    answer = question(*numbers)
    tape = Tape.running.get()
    if tape is not None:
        if isinstance(answer, np.ndarray):  # of a comparison with every number of an array
            pairs = zip(np.ravel(numbers[1]).tolist(), np.ravel(answer).tolist(), strict=True)
            tape.guards += [Guard(question, node, *pair) for pair in pairs]
        else:
            tape.guards.append(Guard(question, node, other, answer))
    return answer


def recorded_numbers(
    nodes: npt.NDArray[Any], check: Callable[[npt.NDArray[Any]], Any]
) -> npt.NDArray[Any]:
    """The present numbers of an array of recorded nodes, after a check that replays repeat.

    `check` is given the numbers, in the shape of the array, and raises if they will not do.
    """
    listed = nodes.ravel().tolist()
    numbers = np.array([node._data for node in listed]).reshape(nodes.shape)
    check(numbers)
    tape = Tape.running.get()
    if tape is not None:
        tape.checks.append((listed, lambda flat: check(flat.reshape(nodes.shape))))
    return numbers
