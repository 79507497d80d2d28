"""Formulas: how a node was computed, and its slope by each operand, in the user's own names.

The formula says why a slope is what it is; the number beside it always comes from the engine,
which runs the node's own way back with a gradient of 1.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from twingrad.engine.node import Node

from . import array_formulas
from .escape import one_line, tex_name
from .expressions import case_taken, filled, parse, tidied
from .formula_table import ELEMENTWISE, LISTS
from .notation import Written, of_name, of_number, write

Name = Callable[[Node], str]


@dataclass(frozen=True)
class Formula:
    """A formula on one line, as text for a terminal and as LaTeX, without dollar signs.

    `bare` and `bare_latex` leave out what it rests on: "1" where `text` is "1 (n > 0)". What is to
    stand among other factors may need parentheses; `strength`, of `notation`, tells.
    """

    text: str
    latex: str
    bare: str
    bare_latex: str
    strength: int


def result(node: Node, name: Name) -> Formula:
    """How a node was computed from its operands; of a leaf, its name.

    >>> from twingrad import Value
    >>> from twingrad.viz.formulas.formulas import result
    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> result(a * b, lambda node: node.label).text
    'a·b'
    """
    if not node.parents:
        return _formula(of_name(one_line(name(node))))
    source = source_of_result(node)
    if source is None:
        names = [_called(parent, name) for parent in node.parents]
        text, latex = (", ".join(getattr(n, form) for n in names) for form in ("text", "latex"))
        return _formula(Written(f"{node.op}({text})", rf"{tex_name(node.op)}\left({latex}\right)"))
    return _written(node, source, name, tidy=False)


def slope(node: Node, position: int, name: Name) -> Formula:
    """The derivative of a node by its operand at a position.

    Of a Tensor, what the operand is passed: a formula in which `grad` is the gradient of the node.

    >>> from twingrad import Value
    >>> from twingrad.viz.formulas.formulas import slope
    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> slope(a * b, 0, lambda node: node.label).text
    'b'
    >>> slope(a.relu(), 0, lambda node: node.label).text
    '1 (a > 0)'
    """
    source = source_of_slope(node, position)
    if source is not None:
        return _written(node, source, name, tidy=True)
    operator, operand = of_name(node.op), _called(node.parents[position], name)
    latex = rf"\frac{{\partial {operator.latex}}}{{\partial {operand.latex}}}"
    if node.holds is float:
        return _formula(Written(f"∂{node.op}/∂{operand.text}", latex))
    text = f"grad · ∂{node.op}/∂{operand.text}"
    return _formula(Written(text, rf"\mathrm{{grad}} \cdot {latex}"))


def slopes_of(node: Node) -> tuple[float | None, ...]:
    """The slopes of a Value by its operands, as the engine has them; None for a constant.

    >>> from twingrad import Value
    >>> from twingrad.viz.formulas.formulas import slopes_of
    >>> slopes_of(Value(2.0) * Value(-3.0)), slopes_of(Value(2.0) ** 2)
    ((-3.0, 2.0), (4.0, None))
    """
    if node._pullback is None:
        return ()
    with np.errstate(all="ignore"):
        passed = node._pullback(1.0)
    return tuple(
        None if gradient is None or parent.constant else float(gradient)
        for parent, gradient in zip(node.parents, passed, strict=True)
    )


def source_of_result(node: Node) -> str | None:
    """The result as an expression in x, y, x0, x1 … and the settings, if the rule is ours."""
    rule: Any = node._rule
    if rule in LISTS:
        return LISTS[rule][0](node)
    if node.holds is float:
        return ELEMENTWISE[rule][0] if rule in ELEMENTWISE else None
    return array_formulas.of_result(node)


def source_of_slope(node: Node, position: int) -> str | None:
    """The slope as an expression, or of a Tensor the gradient passed, if the rule is ours."""
    rule: Any = node._rule
    if node.holds is not float:
        return array_formulas.of_gradient(node, position)
    if rule in LISTS:
        return LISTS[rule][1](node, position)
    return ELEMENTWISE[rule][position + 1] if rule in ELEMENTWISE else None


def _written(node: Node, source: str, name: Name, *, tidy: bool) -> Formula:
    parents = node.parents
    tree = parse(source)
    shown = {int(i) for i in re.findall(r"\bx(\d+)", ast.unparse(tree))}
    literals = {f"x{i}": float(parents[i]._data) for i in shown if _is_literal(parents[i], name)}
    tree = filled(tree, literals | _settings(node))
    if tidy:
        tree = tidied(tree)
    names = _words(node) | {"out": _called(node, name), "out.shape": _shape(node)}
    for i in shown:
        names |= {f"x{i}": _called(parents[i], name), f"x{i}.shape": _shape(parents[i])}
    if node.holds is not float or not isinstance(tree, ast.IfExp):
        return _formula(write(tree, names))
    tree, test = case_taken(tree, {f"x{i}": parents[i]._data for i in shown} | node._static)
    why = Written("nan", r"\mathrm{nan}") if test is None else write(test, names)
    return _formula(write(tree, names), f" ({why.text})", rf"\ \left({why.latex}\right)")


def _formula(written: Written, case: str = "", case_latex: str = "") -> Formula:
    text, latex = written.text, written.latex
    return Formula(text + case, latex + case_latex, text, latex, written.strength)


def _called(node: Node, name: Name) -> Written:
    called = name(node)
    return of_number(float(node._data)) if _is_number(node, called) else of_name(one_line(called))


def _is_literal(node: Node, name: Name) -> bool:
    """Whether a node is a number that the user wrote there, as the 2 in `x ** 2`."""
    return _is_number(node, name(node))


def _is_number(node: Node, called: str) -> bool:
    if not node.constant or node.parents or node.label or np.ndim(node._data):
        return False
    if node.holds is not float:
        return True
    try:
        float(called)
    except ValueError:
        return False
    return True


def _shape(node: Node) -> Written:
    shape = str(np.shape(node._data))
    return Written(shape, shape)


def _settings(node: Node) -> dict[str, float]:
    """The settings of an operation that are single numbers, and how many a reduction joins."""
    settings = {key: x for key, x in node._static.items() if type(x) in (int, float)}
    if node.holds is not float and node._data.size:
        settings["n"] = node.parents[0]._data.size // node._data.size - settings.get("ddof", 0)
    return settings


def _words(node: Node) -> dict[str, Written]:
    """The settings that are no numbers, as far as a line has room for them."""
    words = {key: of_name(key) for key in ("condition", "kept", "targets")}
    static = node._static
    if "index" in static:
        text = one_line(_index(static["index"]))
        words["index"] = Written(text, tex_name(text))
    if "dtype" in static:
        words["dtype"] = of_name(str(static["dtype"]))
        words["dtype_of_x"] = of_name(str(node.parents[0]._data.dtype))
    return words


def _index(index: Any) -> str:
    """An index as it was typed, `1:3, 0`, a large array in it by its shape."""
    if isinstance(index, tuple):
        return ", ".join(map(_index, index)) or "()"
    if isinstance(index, slice):
        ends = ["" if end is None else str(end) for end in (index.start, index.stop)]
        return ":".join(ends) + ("" if index.step is None else f":{index.step}")
    if index is Ellipsis:
        return "..."
    if index is None:
        return "None"
    array = np.asarray(index)
    if array.dtype == bool and array.ndim:
        return "mask"
    return str(array.tolist()) if array.size <= 6 else f"indices of shape {array.shape}"
