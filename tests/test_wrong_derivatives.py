"""Every rule with its derivative spoilt: gradcheck must notice, and so must the table's oracles.

A judge that has never said no proves nothing. Each rule of the table is replaced by one whose
pullback is a little or grossly wrong for one operand; both judges have to notice, and gradcheck
has to name the operation, the operand and the element.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from sys import modules
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.oracles import Elementwise, Row, agree, agree_in_curvature
from tests.table import ELEMENTWISE, TABLE
from twingrad.engine.rules import SELECTIVE


def slopes_of(row: Row) -> tuple[np.ndarray, ...]:
    inputs = row.inputs()
    return row.gradients(inputs, row.weights(inputs))


def one_of_each_rule(rows: list[Any]) -> list[Any]:
    """The first row of each rule that has a slope by every operand, for a zero cannot be spoilt."""
    telling = [row for row in rows if all(slope.any() for slope in slopes_of(row))]
    return list({row.rule: row for row in reversed(telling)}.values())[::-1]


def every_operand(rows: list[Any]) -> Any:
    pairs = [(row, k) for row in one_of_each_rule(rows) for k in range(len(row.inputs()))]
    ids = [f"{row} operand {k}" for row, k in pairs]
    return pytest.mark.parametrize(("row", "operand"), pairs, ids=ids)


def too_large(gradient: Any) -> Any:
    return 1.001 * gradient


def of_the_wrong_sign(gradient: Any) -> Any:
    return -gradient


def zero(gradient: Any) -> Any:
    return 0.0 * gradient


def without_a_term(gradient: Any) -> Any:
    return gradient - 0.01


def wrong_at(place: tuple[int, ...]) -> Callable[[Any], Any]:
    """A mistake in one element of an operand, in every repetition of it."""

    def wrong_in_one_element(gradient: Any) -> Any:
        wrong = np.array(gradient)
        wrong[(..., *place)] *= 1.001
        return wrong

    return wrong_in_one_element


def without_its_past(gradient: Any) -> Any:
    """The right number, which has forgotten what it was computed from."""
    return gradient.detach() if isinstance(gradient, tg.Node) else gradient


@contextmanager
def spoilt(rule: Callable[..., Any], operand: int, spoil: Callable[[Any], Any]) -> Iterator[None]:
    """Put a wrong rule in the place of the right one, under the same name."""

    @wraps(rule)
    def wrong(*operands: Any, **static: Any) -> Any:
        def wrong_pullback(grad: Any) -> tuple[Any, ...]:
            gradients = list(pullback(grad))
            gradients[operand] = spoil(gradients[operand])
            return tuple(gradients)

        result, pullback = rule(*operands, **static)
        return result, wrong_pullback

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(modules[rule.__module__], rule.__name__, wrong)
        if rule in SELECTIVE:
            tg.selective(wrong)
        try:
            yield
        finally:
            SELECTIVE.discard(wrong)


@cache
def both_judges_pass(row: Row) -> bool:
    """Of the rule as it is; once, for every mistake asks for it."""
    agree(row, row.inputs())
    return bool(tg.gradcheck(row.call, *row.inputs()))


@cache
def passes(row: Elementwise, point: tuple[float, ...]) -> bool:
    return bool(tg.gradcheck(row.call, *point))


every_mistake = pytest.mark.parametrize(
    "spoil",
    [too_large, of_the_wrong_sign, zero, without_a_term],
    ids=lambda spoil: spoil.__name__,
)


def test_every_rule_is_spoilt() -> None:
    assert {row.rule for row in one_of_each_rule(TABLE)} == {row.rule for row in TABLE}


@every_mistake
@every_operand(TABLE)
def test_a_wrong_derivative_of_arrays_is_caught(row: Row, operand: int, spoil: Any) -> None:
    inputs = row.inputs()
    assert both_judges_pass(row)
    with spoilt(row.rule, operand, spoil):
        report = tg.gradcheck(row.call, *inputs)
        with pytest.raises(AssertionError):
            agree(row, inputs)
        op = row.call(*map(tg.Tensor, inputs)).op
    assert not report
    assert f"input {operand}" in str(report)
    assert f"the operation that is wrong: {op}, operand {operand}" in str(report)


@every_mistake
@every_operand(ELEMENTWISE)
def test_a_wrong_derivative_of_numbers_is_caught(
    row: Elementwise, operand: int, spoil: Any
) -> None:
    point = max(
        row.points(), key=lambda p: abs(row.slope(p, tuple(np.eye(len(p), dtype=int)[operand])))
    )
    assert passes(row, point)
    with spoilt(row.rule, operand, spoil):
        report = tg.gradcheck(row.call, *point)
        op = row.call(*map(tg.Value, point)).op
    assert not report
    assert f"the operation that is wrong: {op}, operand {operand}" in str(report)


@every_operand(TABLE)
def test_the_element_that_is_wrong_is_named(row: Row, operand: int) -> None:
    inputs, slopes = row.inputs(), np.abs(slopes_of(row)[operand])
    place = tuple(int(i) for i in np.unravel_index(np.argmax(slopes), slopes.shape))
    with spoilt(row.rule, operand, wrong_at(place)):
        report = str(tg.gradcheck(row.call, *inputs))
        with pytest.raises(AssertionError):
            agree(row, inputs)
    element = f"element {place if len(place) > 1 else place[0]}"
    assert f"input {operand}, {element}" in report
    assert f"operand {operand}, {element}" in report


@every_operand(TABLE)
def test_a_pullback_that_forgets_its_graph_is_caught(row: Row, operand: int) -> None:
    inputs = row.inputs()
    agree_in_curvature(row, inputs)
    with spoilt(row.rule, operand, without_its_past):
        agree(row, inputs)
        with pytest.raises(AssertionError):
            agree_in_curvature(row, inputs)
