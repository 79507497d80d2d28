"""check_op: one line says whether a rule of one's own is right, and what is wrong with it.

Every rule of the engine has to pass, and every requirement is broken once, alone.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.oracles import Elementwise, Row
from tests.reports import words
from tests.table import TABLE

# Rules that are right


def node_of(row: Row) -> tg.Node:
    """A row's operation as a node, which knows its rule and what that takes by keyword."""
    inputs = row.points()[0] if isinstance(row, Elementwise) else row.inputs()
    leaves = [tg.Value(x) if isinstance(row, Elementwise) else tg.Tensor(x) for x in inputs]
    return row.call(*leaves)


# A constant exponent is an operand like any other, and a negative base has no slope by it.
WITHOUT_CONSTANTS = [
    row for row in TABLE if not any(parent.constant for parent in node_of(row).parents)
]


def test_nearly_all_of_the_table_is_looked_at() -> None:
    assert {row.rule for row in WITHOUT_CONSTANTS} == {row.rule for row in TABLE}


@pytest.mark.parametrize("row", WITHOUT_CONSTANTS, ids=str)
def test_every_rule_of_the_engine_passes_where_the_table_looks(row: Row) -> None:
    node = node_of(row)
    static = {name: x for name, x in node._static.items() if name != "needs"}
    report = tg.check_op(node._rule, *[p.data for p in node.parents], **static)
    assert report, report


def cube(x: Any) -> Any:
    return x * x * x, lambda grad: (grad * (3.0 * x * x),)


def product(x: Any, y: Any) -> Any:
    return x * y, lambda grad: (grad * y, grad * x)


def logarithm(x: Any) -> Any:
    return tg.log(x), lambda grad: (grad / x,)


def scaled(x: Any, *, factor: float) -> Any:
    return factor * x, lambda grad: (factor * grad,)


def layer(x: Any, weight: Any, bias: Any) -> Any:
    return x @ weight + bias, lambda grad: (grad @ weight.T, x.T @ grad, grad)


def squared_distance(x: Any, y: Any) -> Any:
    def pullback(grad: Any) -> Any:
        return 2.0 * grad * (x - y), -2.0 * grad * (x - y)

    return (x - y) ** 2, pullback


RIGHT = [(cube, {}), (product, {}), (logarithm, {}), (scaled, {"factor": 3.0}), (layer, {})]


@pytest.mark.parametrize(("rule", "static"), [*RIGHT, (squared_distance, {})])
def test_a_right_rule_passes_without_operands(rule: Callable, static: dict) -> None:
    report = tg.check_op(rule, **static)
    assert report, report
    assert str(report).startswith(f"check_op: {rule.__name__} is right")
    assert repr(report) == str(report)


def test_the_report_says_what_was_tried() -> None:
    tried = "\n".join(tg.check_op(product).tried)
    assert "first derivatives on Values; Tensors () with (); (3,) with (3,)" in tried
    assert "(2, 1) with (1, 3)" in tried.splitlines()[0]
    assert "second derivatives on Values" in tried
    assert "float32" in tried and "both twins alike" in tried


def test_what_a_rule_refuses_is_told_and_not_held_against_it() -> None:
    report = tg.check_op(layer)
    assert "refuses Values: TypeError" in words(report)
    assert "for matrices alone: it is wrong on Tensors (3,) with (3,) with (3,)" in words(report)
    assert "(4, 3) with (3, 2) with (2,)" in words(report.tried)


def test_operands_may_be_given_as_numbers_arrays_or_nodes() -> None:
    assert "Values" in tg.check_op(cube, 0.5).tried[0]
    for x in (np.ones((2, 5)), tg.Tensor(np.ones((2, 5)))):
        assert "(2, 5)" in tg.check_op(cube, x).tried[0]
    start = np.array([1.0, 2.0])
    tg.check_op(cube, start)
    assert start.tolist() == [1.0, 2.0]


def test_the_same_seed_looks_at_the_same_numbers() -> None:
    assert str(tg.check_op(wrong_sign)) == str(tg.check_op(wrong_sign))
    assert str(tg.check_op(wrong_sign)) != str(tg.check_op(wrong_sign, rng=1))


# Rules that are wrong, each in one way


def wrong_sign(x: Any) -> Any:
    return x * x, lambda grad: (-2.0 * grad * x,)


def wrong_factor(x: Any) -> Any:
    return x**4, lambda grad: (grad * x**3,)


def wrong_second_operand(x: Any, y: Any) -> Any:
    return x * y, lambda grad: (grad * y, grad * y)


def one_row_of_bias(x: Any, weight: Any, bias: Any) -> Any:
    return x @ weight + bias, lambda grad: (grad @ weight.T, x.T @ grad, grad[0])


def mean_for_bias(x: Any, weight: Any, bias: Any) -> Any:
    return x @ weight + bias, lambda grad: (grad @ weight.T, x.T @ grad, grad.mean(axis=0))


def unsummed(x: Any, y: Any) -> Any:
    return ((x - y) ** 2).sum(), lambda grad: (2.0 * grad * (x - y), -2.0 * grad * (x - y))


def not_transposed(x: Any, y: Any) -> Any:
    return x @ y, lambda grad: (grad @ y, x @ grad)


def constant_operand(x: Any, y: Any) -> Any:
    return x * y, lambda grad: (grad * y, None)


def exchanged(x: Any, y: Any) -> Any:
    return x * y, lambda grad: (grad * x, grad * y)


def half_of_the_product_rule(x: Any) -> Any:
    return x * tg.sin(x), lambda grad: (grad * tg.sin(x),)


def ignores_the_gradient(x: Any) -> Any:
    return x * x, lambda grad: (2.0 * x,)


def no_tuple(x: Any) -> Any:
    return x * x, lambda grad: 2.0 * grad * x


def too_few(x: Any, y: Any) -> Any:
    return x * y, lambda grad: (grad * y,)


def changes_its_operand(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        x *= 2.0
        return x, lambda grad: (2.0 * grad,)
    return 2.0 * x, lambda grad: (2.0 * grad,)


def changes_the_gradient(x: Any) -> Any:
    def pullback(grad: Any) -> Any:
        grad *= 2.0
        return (grad,)

    return 2.0 * x, pullback


def counts_its_calls(x: Any) -> Any:
    calls = []

    def pullback(grad: Any) -> Any:
        calls.append(1)
        return (grad * float(len(calls)),)

    return 1.0 * x, pullback


def float64_constant(x: Any) -> Any:
    two = np.float64(2.0)
    return two * x, lambda grad: (2.0 * grad,)


def forgets_its_graph(x: Any) -> Any:
    slope = 2.0 * np.asarray(getattr(x, "data", x) if isinstance(x, tg.Node) else x)
    return x * x, lambda grad: (grad * (float(slope) if np.ndim(slope) == 0 else slope),)


@tg.selective
def wrong_when_alone(x: Any, y: Any, *, needs: tuple[bool, bool]) -> Any:
    def pullback(grad: Any) -> Any:
        return grad * y if all(needs) else None, grad * x

    return x * y, pullback


def other_on_arrays(x: Any) -> Any:
    if np.ndim(x) or isinstance(x, tg.Tensor):
        return 3.0 * x, lambda grad: (3.0 * grad,)
    return 2.0 * x, lambda grad: (2.0 * grad,)


WRONG: list[tuple[Callable[..., Any], str]] = [
    (wrong_sign, "the sign is flipped"),
    (wrong_factor, "a factor 4 is missing everywhere"),
    (wrong_second_operand, "operand 1 is wrong, operand 0 is right"),
    (one_row_of_bias, "a broadcast axis is not summed: operand 2 is repeated along axis 0"),
    (mean_for_bias, "4 is the length of axis 0 of operand 0, so perhaps a mean was taken"),
    (unsummed, "a broadcast axis is not summed: sum the gradient over axis 0"),
    (not_transposed, "a factor is not transposed, or in the wrong place: this is grad @ y"),
    (constant_operand, "the pullback returns None for operand 1, as if it were a constant"),
    (exchanged, "the gradients of operands 0 and 1 are exchanged"),
    (half_of_the_product_rule, "its gradient has the part of '*' alone"),
    (ignores_the_gradient, "the pullback does not multiply by the gradient that arrives"),
    (no_tuple, "for one operand that is (gradient,), with a comma"),
    (too_few, "a tuple of 1 for 2 operands"),
    (changes_its_operand, "an operand is changed in place"),
    (changes_the_gradient, "the arriving gradient is changed in place"),
    (counts_its_calls, "the second call gives operand 0 another gradient than the first"),
    (float64_constant, "float32 does not stay float32"),
    (forgets_its_graph, "the pullback forgets its graph"),
    (wrong_when_alone, "with needs=(True, False) the gradient of operand 0 is another, or missing"),
    (other_on_arrays, "the twins differ"),
]


@cache
def words_on_what_is_right() -> list[str]:
    return [str(tg.check_op(rule, **static)) for rule, static in RIGHT]


@pytest.mark.parametrize(("rule", "sentence"), WRONG, ids=lambda x: getattr(x, "__name__", ""))
def test_each_mistake_is_told_by_its_sentence_and_by_no_other_ones(
    rule: Callable[..., Any], sentence: str
) -> None:
    report = tg.check_op(rule)
    assert not report
    assert f"check_op: {rule.__name__} is WRONG" in words(report)
    assert sentence in "\n".join(report.problems), report
    assert not any(sentence in words for words in words_on_what_is_right())


# What cannot be checked


def test_a_missing_keyword_is_named() -> None:
    with pytest.raises(TypeError, match=r"'scaled' needs factor=; give it as check_op"):
        tg.check_op(scaled)


def test_a_rule_that_is_told_its_needs_must_be_marked() -> None:
    def unmarked(x: Any, *, needs: tuple[bool]) -> Any:
        return x * 1.0, lambda grad: (grad,)

    with pytest.raises(TypeError, match=r"put @tg.selective above it"):
        tg.check_op(unmarked)


def test_a_rule_that_takes_no_operands_or_none_of_those_tried_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"takes no operands"):
        tg.check_op(lambda: (1.0, lambda grad: ()))

    def of_images(x: Any) -> Any:
        if np.ndim(x) != 4:
            raise ValueError("needs images")
        return x * 1.0, lambda grad: (grad,)

    with pytest.raises(ValueError, match=r"took none of the operands that were tried"):
        tg.check_op(of_images)
    assert tg.check_op(of_images, np.ones((1, 2, 2, 2)))


@pytest.mark.parametrize("function", [lambda x: x * x, tg.tanh, np.sin])
def test_a_function_that_is_no_rule_is_an_error(function: Any) -> None:
    with pytest.raises(tg.GraphError, match=r"a rule returns two things"):
        tg.check_op(function)


def test_a_rule_without_second_derivatives_passes_and_is_told_so() -> None:
    def first_only(x: Any) -> Any:
        if isinstance(x, tg.Node):
            raise TypeError("not on nodes")
        return x * x, lambda grad: (2.0 * grad * x,)

    report = tg.check_op(first_only)
    assert report, report
    assert "no second derivatives on Values: TypeError: not on nodes" in report.tried


# Rules as they are written for arrays, and rules that remember


def test_the_layer_of_the_textbook_passes() -> None:
    def linear(x: Any, weight: Any, bias: Any) -> Any:
        return x @ weight + bias, lambda grad: (grad @ weight.T, x.T @ grad, grad.sum(axis=0))

    report = tg.check_op(linear)
    assert report, report


def test_a_rule_that_keeps_its_operand_in_itself_is_told() -> None:
    class Cube:
        def __call__(self, x: Any) -> Any:
            self.x = x
            return x * x * x, lambda grad: (3.0 * grad * self.x * self.x,)

    cube = Cube()
    report = tg.check_op(cube)
    assert not report
    assert str(report).startswith("check_op: Cube is WRONG")
    assert "keeps outside of it, as self.x or a global" in words(report)
    report = tg.gradcheck(lambda x: tg.apply(cube, x) * tg.apply(cube, 2.0 * x), 0.7)
    assert "keeps outside of it, as self.x or a global" in words(report)


def test_of_a_rule_that_draws_nothing_else_is_said() -> None:
    rng = np.random.default_rng(0)

    def dropout(x: Any) -> Any:
        mask = 1.0 * (rng.random(np.shape(x)) < 0.5)
        return x * mask, lambda grad: (grad * mask,)

    report = tg.check_op(dropout)
    assert len(report.problems) == 1
    assert "does not give the same result twice" in words(report)


def test_a_rule_that_makes_float32_of_float64_is_told() -> None:
    def coarse(x: Any) -> Any:
        return x.astype(np.float32) * 2.0, lambda grad: (2.0 * grad,)

    assert "float64 does not stay float64" in words(tg.check_op(coarse, np.ones(3) / 3.0))
    # In a program it is no mistake, but makes slopes as coarse.
    assert tg.gradcheck(lambda x: (x.astype(np.float32) ** 2).sum(), np.ones(3) / 3.0)


def test_a_sum_that_loses_its_axis_on_the_way_back_is_told() -> None:
    def sums(x: Any) -> Any:
        return x.sum(axis=1), lambda grad: (grad + 0.0 * x,)

    report = tg.check_op(sums, np.linspace(-1.0, 1.0, 9).reshape(3, 3))
    assert "put back the axis that is lost, as keepdims=True" in words(report)


def test_a_gradient_that_is_summed_where_nothing_is_repeated_is_told_by_its_place() -> None:
    def bias(x: Any, b: Any) -> Any:
        return x + b, lambda grad: (grad, grad.sum(axis=0))

    assert tg.check_op(bias, np.ones((4, 3)), np.ones(3))
    report = tg.check_op(bias)
    assert "of operand 1, but that result comes from element 0" in words(report)
    assert "right on Tensors (2, 3) with (3,)" in words(report)
    assert "give such operands, to have them alone checked" in words(report)
