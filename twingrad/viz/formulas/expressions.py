"""Expressions: what a formula becomes once its constants are known, before it is written.

With 2 for y, the slope y·xʸ⁻¹ is 2·x, and of two cases only one applies: a reader should not
have to work that out.
"""

import ast
from collections.abc import Mapping
from typing import Any

_OPERANDS = {"x": "x0", "y": "x1"}


def parse(source: str) -> ast.expr:
    """An expression as a tree, its first two operands by their positions, x0 and x1."""
    tree = ast.parse(source, mode="eval").body
    for part in ast.walk(tree):
        if isinstance(part, ast.Name):
            part.id = _OPERANDS.get(part.id, part.id)
    return tree


def filled(tree: ast.expr, numbers: Mapping[str, float]) -> ast.expr:
    """The tree with a number in the place of each name that has one."""
    filler: ast.expr = _Filler(numbers).visit(tree)
    return filler


def tidied(tree: ast.expr) -> ast.expr:
    """The tree without what goes without saying: times 1, plus 0, to the 1.

    >>> import ast
    >>> from twingrad.viz.formulas.expressions import parse, tidied
    >>> ast.unparse(tidied(parse("2 * x ** (2 - 1)"))), ast.unparse(tidied(parse("z * (1 / y)")))
    ('2 * x0', 'z / x1')
    """
    tidier: ast.expr = _Tidier().visit(tree)
    return tidier


def case_taken(tree: ast.expr, numbers: Mapping[str, Any]) -> tuple[ast.expr, ast.expr | None]:
    """Of `a if x > 0 else b …` the case that applies and its test, None for the last of all."""
    test = None
    while isinstance(tree, ast.IfExp):
        test = tree.test
        asked = compile(ast.fix_missing_locations(ast.Expression(test)), "a formula", "eval")
        if eval(asked, {"__builtins__": {}}, dict(numbers)):
            return tree.body, test
        tree = tree.orelse
    return tree, None


class _Filler(ast.NodeTransformer):
    def __init__(self, numbers: Mapping[str, float]) -> None:
        self._numbers = numbers

    def visit_Name(self, tree: ast.Name) -> ast.expr:
        return _constant(self._numbers[tree.id]) if tree.id in self._numbers else tree

    def visit_Attribute(self, tree: ast.Attribute) -> ast.expr:
        if tree.attr == "shape":
            return tree  # of the operand, whatever its number
        return self.generic_visit(tree)  # type: ignore[return-value]


class _Tidier(ast.NodeTransformer):
    def visit_BinOp(self, tree: ast.BinOp) -> ast.expr:
        left, right = self.visit(tree.left), self.visit(tree.right)
        if isinstance(tree.op, ast.Mult):
            return _product(left, right)
        if isinstance(tree.op, ast.Pow):
            return _power(left, right)
        if isinstance(tree.op, ast.Sub) and _number(right) is not None:
            if _number(left) is not None:
                return _constant(_number(left) - _number(right))  # type: ignore[operator]
            if _number(right) == 0.0:
                return left  # type: ignore[no-any-return]
        return ast.BinOp(left, tree.op, right)

    def visit_UnaryOp(self, tree: ast.UnaryOp) -> ast.expr:
        operand = self.visit(tree.operand)
        number = _number(operand)
        if isinstance(tree.op, ast.USub) and number is not None:
            return _constant(-number)
        return ast.UnaryOp(tree.op, operand)


def _product(left: ast.expr, right: ast.expr) -> ast.expr:
    if isinstance(right, ast.IfExp):  # each case for itself
        body, orelse = _product(left, right.body), right.orelse
        return ast.IfExp(right.test, body, _product(left, orelse))
    if isinstance(right, ast.UnaryOp) and isinstance(right.op, ast.USub):
        return ast.UnaryOp(ast.USub(), _product(left, right.operand))
    if isinstance(right, ast.BinOp) and isinstance(right.op, ast.Div) and _number(right.left) == 1:
        return ast.BinOp(left, ast.Div(), right.right)
    numbers = (_number(left), _number(right))
    if 0.0 in numbers:
        return _constant(0.0)
    if numbers[0] in (1.0, -1.0):
        left, right = right, left
        numbers = numbers[::-1]
    if numbers[1] == 1.0:
        return left
    if numbers[1] == -1.0:
        return ast.UnaryOp(ast.USub(), left)
    return ast.BinOp(left, ast.Mult(), right)


def _power(base: ast.expr, exponent: ast.expr) -> ast.expr:
    if _number(exponent) == 1.0:
        return base
    return _constant(1.0) if _number(exponent) == 0.0 else ast.BinOp(base, ast.Pow(), exponent)


def _number(tree: ast.expr) -> float | None:
    """The number that a tree is, if it is one."""
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int | float):
        return float(tree.value)
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        number = _number(tree.operand)
        return None if number is None else -number
    return None


def _constant(number: float) -> ast.expr:
    return ast.Constant(number)
