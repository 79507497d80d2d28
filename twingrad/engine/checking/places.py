"""To which elements of an operand the gradient of each result goes, and to which it should.

Slopes that are right in size and sit in the wrong place are an index off by one, a sum over the
wrong axis, an order that is not turned round. What moves with what shows it, without any slope.
"""

from typing import Any

import numpy as np

from .operations import Operation
from .readings import at
from .shapes import fits, repeated, shown

MOST = 60
"""How many elements an operand and the result may have to be looked at."""


def misplaced(operation: Operation, k: int) -> str:
    """The sentence for gradients that go to other elements than those that count, or ""."""
    shape, whole = np.shape(operation.numbers(k)), np.shape(operation.node._data)
    count, results = int(np.prod(shape)), int(np.prod(whole))
    if not shape or not 0 < count <= MOST or not 0 < results <= MOST:
        return ""
    moves, heard = _moves(operation, k), _heard(operation, k)
    astray = heard & ~moves
    for j in np.flatnonzero(astray.any(axis=1) & moves.any(axis=1)):
        result, counts = np.unravel_index(j, whole), np.flatnonzero(moves[j])
        place = at(tuple(map(int, result))).removeprefix(", ")
        told = (
            f"the gradient of the result's {place} goes to {_listed(astray[j], shape)} of operand "
            f"{k}, but that result comes from {_listed(moves[j], shape)}"
        )
        if len(shape) == len(whole) == 1 and _shift(moves, heard):
            return f"{told}: all are off by {_shift(moves, heard)}"
        if len(counts) == 1 and fits(shape, whole) and repeated(shape, whole):
            axes = repeated(shape, whole)
            return (
                f"{told}: sum the gradient over axis {shown(axes)}, along which operand {k} is "
                "repeated, and over no other"
            )
        if len(shape) > len(whole):
            told += ": put back the axis that is lost, as keepdims=True or grad[:, None] does"
        return told if len(counts) < count else ""
    return ""


def _moves(operation: Operation, k: int) -> Any:
    """Which elements of the result change with which of the operand."""
    numbers = [p._data for p in operation.node.parents]
    rule, static = operation.node._rule, operation.node._static

    def result() -> Any:
        copies = [x if isinstance(x, float) else x.copy() for x in numbers]
        with np.errstate(all="ignore"):
            return np.array(rule(*copies, **static)[0]).ravel()  # type: ignore[misc]

    start, columns = numbers[k], []
    for index in np.ndindex(start.shape):
        sides = []
        for factor in (-1.0, 1.0):
            numbers[k] = start.copy()
            numbers[k][index] += factor * 1e-3 * max(1.0, abs(float(start[index])))
            sides.append(result())
        scale = 1e-9 * (np.abs(sides[0]) + np.abs(sides[1]))
        columns.append(np.abs(sides[1] - sides[0]) > scale)
    return np.array(columns).T


def _heard(operation: Operation, k: int) -> Any:
    """Which elements of the operand get something of the gradient of which result."""
    rows = []
    for index in np.ndindex(operation.weights.shape):
        grad = np.zeros_like(operation.weights)
        grad[index] = 1.0
        rows.append(np.asarray(operation.fitted(k, operation.pulled(grad))).ravel() != 0.0)
    return np.array(rows)


def _shift(moves: Any, heard: Any) -> int:
    """By how much all gradients of a vector are off, if by the same."""
    if not (np.all(moves.sum(axis=1) == 1) and np.all(heard.sum(axis=1) == 1)):
        return 0
    gaps = heard.argmax(axis=1) - moves.argmax(axis=1)
    return int(gaps[0]) if np.all(gaps == gaps[0]) else 0


def _listed(chosen: Any, shape: tuple[int, ...]) -> str:
    indices = [tuple(map(int, np.unravel_index(i, shape))) for i in np.flatnonzero(chosen)]
    names = [str(index if len(index) > 1 else index[0]) for index in indices]
    if len(names) == 1:
        return f"element {names[0]}"
    some = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    return f"{len(names)} elements ({some})"
