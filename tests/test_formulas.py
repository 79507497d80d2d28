"""The formulas that are shown: evaluated, each must give what the engine computes.

They are strings of their own, so engine and formula check each other. How they are written, with
the names in them, is checked by reading.
"""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.oracles import Elementwise, OnArrays
from tests.table import ELEMENTWISE, ON_ARRAYS
from twingrad import Tensor, Value
from twingrad.engine import array_rules, layer_rules, rules, window_rules
from twingrad.engine.node import Node
from twingrad.viz.formulas.array_formulas import of_gradient
from twingrad.viz.formulas.formula_table import ELEMENTWISE as FORMULAS
from twingrad.viz.formulas.formula_table import LISTS
from twingrad.viz.formulas.formulas import (
    result,
    slope,
    slopes_of,
    source_of_result,
    source_of_slope,
)


def softmax(*logits: Any) -> Any:
    return np.exp(logits) / np.exp(logits).sum(axis=0)


WORDS: dict[str, Any] = {
    **{name: getattr(np, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tanh", "pi")},
    "abs": np.abs,
    "erf": np.vectorize(math.erf),
    "erfc": np.vectorize(math.erfc),
    "max": np.maximum,
    "min": np.minimum,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Phi": lambda x: 0.5 * (1 + np.vectorize(math.erf)(x / np.sqrt(2))),
    "phi": lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
    "softmax": softmax,
}


def evaluated(source: str, node: Node) -> Any:
    """What a formula gives when its names stand for the numbers."""
    operands = [parent.data for parent in node.parents]
    names = {f"x{i}": x for i, x in enumerate(operands)}
    names |= dict(zip("xy", operands, strict=False))
    return eval(source, {**WORDS, **names, **node._static, "out": node.data})


def named(node: Node) -> str:
    return node.label or (f"{node.data:g}" if node.constant else "out")


@pytest.mark.parametrize("row", ELEMENTWISE, ids=str)
def test_a_formula_of_numbers_is_what_the_engine_computes(row: Elementwise) -> None:
    for point in row.points(20):
        node = row.call(*map(Value, point))
        source = source_of_result(node)
        assert source is not None
        assert evaluated(source, node) == pytest.approx(node.data, rel=1e-12)
        for i, number in enumerate(slopes_of(node)):
            source = source_of_slope(node, i)
            if number is not None:
                assert source is not None
                assert evaluated(source, node) == pytest.approx(number, rel=1e-9, abs=1e-12)


def test_every_rule_of_numbers_has_a_formula() -> None:
    assert {row.rule for row in ELEMENTWISE} == {*FORMULAS, *LISTS}


@pytest.mark.parametrize("rule", [rule for rule in FORMULAS if len(FORMULAS[rule]) == 2])
@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf, 0.0, 1.0, -1.0])
def test_a_case_that_is_shown_is_the_one_the_engine_took(
    rule: Callable[..., Any], x: float
) -> None:
    static = {
        rules.leaky_relu: {"alpha": 0.25},
        rules.clip: {"low": -1.0, "high": 1.0},
        rules.huber: {"delta": 1.0},
    }.get(rule, {})
    node = tg.apply(rule, Value(x, label="n"), **static)
    shown = slope(node, 0, named)
    number = re.fullmatch(r"(−?[\d.]+) \(.*\)", shown.text)
    if number:
        assert float(number[1].replace("−", "-")) == slopes_of(node)[0]


# Of arrays


def words_of(node: Tensor, grad: np.ndarray) -> dict[str, Any]:
    """The words of the array formulas, in NumPy; reductions keep their axes."""
    x, out, static = node.parents[0].data, node.data, dict(node._static)
    axis = static.get("axis")
    reduces = {
        array_rules.sum, array_rules.mean, array_rules.max, array_rules.min, array_rules.var,
        array_rules.std, array_rules.logsumexp,
    }  # fmt: skip
    if node._rule in reduces and not static["keepdims"]:
        kept = x.sum(axis=axis, keepdims=True).shape
        grad, out = grad.reshape(kept), out.reshape(kept)
    if node._rule is array_rules.cross_entropy:
        grad, axis = grad[..., None], -1

    def along(function: Any) -> Any:
        return lambda a, axis=axis: function(a, axis=axis, keepdims=True)

    def summed(a: Any, shape: tuple[int, ...]) -> Any:
        a = a.sum(axis=tuple(range(a.ndim - len(shape))))
        return a.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)

    def placed(a: Any, index: Any) -> Any:
        zeros = np.zeros(static.get("shape", x.shape))
        np.add.at(zeros, index, a)
        return zeros

    def part(a: Any, operand: Any) -> Any:
        return next(
            found
            for found, parent in zip(parts_of(a), node.parents, strict=True)
            if parent.data is operand
        )

    def parts_of(a: Any) -> Any:
        if node._rule is array_rules.stack:
            return np.moveaxis(a, static["axis"], 0)
        ends = np.cumsum([p.data.shape[static["axis"]] for p in node.parents])[:-1]
        return np.split(a, ends, axis=static["axis"])

    ddof = static.get("ddof", 0)
    return {
        **WORDS,
        **static,
        "grad": grad,
        "out": out,
        "n": x.size // max(out.size, 1) - ddof,
        "mean": along(np.mean),
        "sum": along(np.sum),
        "var": lambda a, axis=axis: np.var(a, axis=axis, keepdims=True, ddof=ddof),
        "std": lambda a, axis=axis: np.std(a, axis=axis, keepdims=True, ddof=ddof),
        "softmax": lambda a, *more: (
            softmax(*np.broadcast_arrays(a, *more))
            if more
            else np.exp(a) / np.exp(a).sum(axis=axis, keepdims=True)
        ),
        "spread": np.broadcast_to,
        "summed": summed,
        "shared": lambda a, where: a * where / where.sum(axis=axis, keepdims=True),
        "reshaped": np.reshape,
        "astype": lambda a, dtype: a.astype(dtype),
        "dtype_of_x": x.dtype,
        "max": along(np.max),
        "min": along(np.min),
        "placed": placed,
        "part": part,
        "applied": lambda a, b: (a @ b[..., None])[..., 0],
        "outer": lambda a, b: a[..., :, None] * b[..., None, :],
        "transposed": lambda a: a.transpose(np.argsort(static["axes"])),
        "concatenate": lambda *a: np.concatenate(a, axis=static["axis"]),
        "stack": lambda *a: np.stack(a, axis=static["axis"]),
    }


def in_numpy(source: str, node: Tensor, grad: np.ndarray) -> Any:
    """A formula with `grad` in it, evaluated; ᵀ is of the last two axes."""
    names = {f"x{i}": parent.data for i, parent in enumerate(node.parents)}
    names |= dict(zip("xy", names.values(), strict=False))
    source = re.sub(r"(\w+)\.T\b", r"swapped(\1)", source)
    source = re.sub(r"^(.*?) if (kept|condition) else (.*?) if .*$", r"where(\2, \1, \3)", source)
    swapped = {"swapped": lambda a: np.swapaxes(a, -1, -2), "where": np.where}
    words = words_of(node, grad)
    return eval(source, {**words, **swapped, **names})


SAID_ONLY = {
    window_rules.windows,
    window_rules.fold,
    window_rules.conv2d,
    window_rules.max_pool2d,
    window_rules.avg_pool2d,
    window_rules.convolve,
    window_rules.transposed_convolve,
    window_rules.correlate,
}
"""What looks through windows is given a name, and what goes back one more; no formula."""

WITH_FORMULA = [row for row in ON_ARRAYS if row.rule not in SAID_ONLY | {rules.where}]


@pytest.mark.parametrize("row", WITH_FORMULA, ids=str)
def test_what_a_formula_says_arrays_are_passed_is_what_the_engine_passes(row: OnArrays) -> None:
    node = row.call(*map(Tensor, row.inputs()))
    grad = row.weights(row.inputs())
    assert node._pullback is not None
    for i, passed in enumerate(node._pullback(grad)):
        source = of_gradient(node, i)
        assert source is not None
        expected = node.parents[i]._received(passed, grad, node)
        np.testing.assert_allclose(in_numpy(source, node, grad), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("row", WITH_FORMULA, ids=str)
def test_the_result_of_arrays_is_what_its_formula_says(row: OnArrays) -> None:
    node = row.call(*map(Tensor, row.inputs()))
    source = source_of_result(node)
    assert source is not None
    if node._rule is not array_rules.transpose:  # that formula is of the way back
        found = in_numpy(source, node, np.ones_like(node.data))
        np.testing.assert_allclose(np.reshape(found, node.shape), node.data, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("row", ELEMENTWISE, ids=str)
def test_of_arrays_that_broadcast_each_is_passed_what_its_formula_says(row: Elementwise) -> None:
    node = row.call(*map(Tensor, row.inputs((2, 3), (3,), (2, 1), ())))
    grad = np.linspace(0.5, 1.5, node.size).reshape(node.shape)
    assert result(node, label).text
    assert node._pullback is not None
    for i, passed in enumerate(node._pullback(grad)):
        source = of_gradient(node, i)
        assert source is not None
        assert slope(node, i, label).text
        if passed is not None and " if " not in source:
            expected = node.parents[i]._received(passed, grad, node)
            found = in_numpy(source, node, grad)
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_every_rule_of_arrays_is_written_or_said() -> None:
    for row in ON_ARRAYS:
        node = row.call(*map(Tensor, row.inputs()))
        for i in range(len(node.parents)):
            shown = (result(node, label), slope(node, i, label))
            assert all("x0" not in formula.text for formula in shown), shown


def label(node: Node) -> str:
    return node.label or "t"


# How they are written


def a_b() -> tuple[Value, Value]:
    return Value(2.0, label="a"), Value(-3.0, label="b")


def test_a_literal_is_worked_into_the_formula() -> None:
    a, _ = a_b()
    assert result(a**2, named).text == "a²"
    assert slope(a**2, 0, named).text == "2·a"
    assert slope(a**3, 0, named).text == "3·a²"
    assert slope(a**-1, 0, named).text == "−a⁻²"
    assert slope(a**0.5, 0, named).text == "0.5·a^(−0.5)"
    assert slope(a**1, 0, named).text == "1"
    assert result(a - (-3.0), named).text == "a − (−3)"
    assert result(a + (-3.0), named).text == "a − 3"
    assert result(a * -3.0, named).text == "a·(−3)"


def test_a_name_of_several_words_is_held_together() -> None:
    both = Value(1.0, label="x1*w1 + x2*w2")
    a, _ = a_b()
    assert result(both + a, named).text == "(x1*w1 + x2*w2) + a"
    assert result(both * a, named).text == "(x1*w1 + x2*w2)·a"
    assert slope(both.tanh() * a, 1, lambda node: "s + t").text == "s + t"
    assert result(both.tanh(), named).text == "tanh(x1*w1 + x2*w2)"


def test_of_several_cases_the_one_that_applies_is_shown() -> None:
    a, b = a_b()
    assert slope(a.relu(), 0, named).text == "1 (a > 0)"
    assert slope(b.relu(), 0, named).text == "0 (b ≤ 0)"
    assert slope(b.leaky_relu(0.1), 0, named).text == "0.1 (b ≤ 0)"
    assert slope(b.leaky_relu(0.1), 0, named).bare == "0.1"
    assert slope(tg.maximum(a, b), 1, named).text == "0 (a > b)"
    assert slope(Value(math.nan, label="n").relu(), 0, named).text == "1 (nan)"
    assert slope(b.clip(-1.0, 1.0), 0, named).text == "0 (b < −1)"


def test_a_long_dot_is_shortened_in_the_middle() -> None:
    ws = [Value(float(i), label=f"w{i}") for i in range(16)]
    node = tg.dot([Value(1.0, label=f"x{i}") for i in range(16)], ws, Value(0.5, label="b"))
    assert result(node, named).text == "x0·w0 + x1·w1 + … 13 more … + x15·w15 + b"
    assert slope(node, 3, named).text == "w3"
    assert slope(node, 19, named).text == "x3"
    assert slope(node, 32, named).text == "1"
    short = tg.dot([2.0, -1.0], [Value(1.0, label="u"), Value(2.0, label="v")])
    assert result(short, named).text == "2·u − 1·v"


def test_a_rule_of_the_users_has_its_name_and_no_formula() -> None:
    def cube(x: Any) -> Any:
        return x * x * x, lambda grad: (grad * (3.0 * x * x),)

    a, _ = a_b()
    node = tg.apply(cube, a)
    assert result(node, named).text == "cube(a)"
    assert slope(node, 0, named).text == "∂cube/∂a"
    assert slopes_of(node) == (12.0,)
    assert slope(tg.apply(cube, Tensor([2.0], label="t")), 0, label).text == "grad · ∂cube/∂t"


def test_a_constant_gets_no_slope() -> None:
    a, _ = a_b()
    assert slopes_of(a * 3.0) == (3.0, None)
    assert slopes_of(a**2) == (4.0, None)
    assert slopes_of(a) == ()


def test_formulas_of_layers_read_as_array_notation() -> None:
    x, w, b = Tensor(np.ones((4, 3)), label="x"), Tensor(np.ones((3, 2)), label="W"), Tensor([1, 2])
    node = tg.apply(layer_rules.linear, x, w, b)
    assert result(node, label).text == "x @ W + t"
    assert [slope(node, i, label).text for i in range(3)] == [
        "grad @ Wᵀ", "xᵀ @ grad", "grad summed to (2,)",
    ]  # fmt: skip
    assert slope(x.mean(), 0, label).text == "grad/12 spread over (4, 3)"
    assert slope(x.relu(), 0, label).text == "grad where x > 0, 0 where x ≤ 0"


def test_shown_formulas_change_nothing() -> None:
    a, b = a_b()
    node = (a * b).tanh()
    node.backward()
    before = repr((a, b, node))
    slopes_of(node)
    slope(node, 0, named)
    assert repr((a, b, node)) == before
