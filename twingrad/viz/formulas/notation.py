"""Notation: an expression in Python's syntax as one writes it, in a terminal's text and in LaTeX.

Formulas are written once, as expressions that can be evaluated; how they look on a page, with
the user's own names in them, is settled here for all of them.
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .escape import tex_name

LOWEST, SUM, NEGATIVE, PRODUCT, POWER, ATOM = range(6)

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<"),
    ast.LtE: ("≤", r"\leq"),
    ast.Gt: (">", ">"),
    ast.GtE: ("≥", r"\geq"),
    ast.Eq: ("=", "="),
}
_GREEK = {
    "sigmoid": ("σ", r"\sigma"),
    "Phi": ("Φ", r"\Phi"),
    "phi": ("φ", r"\varphi"),
    "pi": ("π", r"\pi"),
}
_FUNCTIONS_OF_TEX = ("exp", "log", "sin", "cos", "tanh", "max", "min")
_WORDS = {
    "spread": "{0} spread over {1}",
    "summed": "{0} summed to {1}",
    "reshaped": "{0} reshaped to {1}",
    "astype": "{0} as {1}",
    "placed": "zeros with {0} added at [{1}]",
    "part": "the part of {0} that is {1}",
    "shared": "{0} where {1} (ties share it), else 0",
    "shared_in_windows": "{0} where {1} is the greatest of its window, else 0",
    "spread_in_windows": "{0} spread over its window",
    "applied": "{0} @ {1}",
}
"""What has no sign of its own, and is said."""


@dataclass(frozen=True)
class Written:
    """A piece of a formula in text and in LaTeX, and how tightly it holds together."""

    text: str
    latex: str
    strength: int = ATOM

    def at_least(self, strength: int) -> "Written":
        """Itself, in parentheses if what stands around it binds tighter."""
        if self.strength >= strength:
            return self
        return Written(f"({self.text})", rf"\left({self.latex}\right)")


def of_name(name: str) -> Written:
    """A name as it is, held together by parentheses if it is more than one word or sign.

    >>> from twingrad.viz.formulas.notation import of_name
    >>> of_name("w0").latex, of_name("model.w[1]").latex
    ('w_{0}', '\\\\mathrm{model.w[1]}')
    """
    single = re.fullmatch(r"[\w.\[\]'′#]+", name) is not None
    return Written(name, tex_name(name), ATOM if single else LOWEST)


def of_number(number: float) -> Written:
    """A number in six digits.

    >>> from twingrad.viz.formulas.notation import of_number
    >>> of_number(2.0).text, of_number(-1e-9).text, of_number(-1e-9).latex
    ('2', '−1e-09', '-1 \\\\cdot 10^{-9}')
    """
    text = f"{number:.6g}"
    mantissa, _, exponent = text.partition("e")
    latex = text.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    if exponent:
        latex = rf"{mantissa} \cdot 10^{{{int(exponent)}}}"
    strength = NEGATIVE if text.startswith("-") else PRODUCT if exponent else ATOM
    return Written(text.replace("-", "−", 1) if text[0] == "-" else text, latex, strength)


def write(tree: ast.expr, names: Mapping[str, Written]) -> Written:
    """An expression, with what is to be written for each of its names."""
    return _Writer(names).write(tree)


class _Writer:
    """Writes expressions, a kind of them in each method."""

    def __init__(self, names: Mapping[str, Written]) -> None:
        self._names = names

    def write(self, tree: ast.expr) -> Written:
        method = getattr(self, f"_{type(tree).__name__.lower()}")
        written: Written = method(tree)
        return written

    def _name(self, tree: ast.Name) -> Written:
        if tree.id in self._names:
            return self._names[tree.id]
        if tree.id in _GREEK:
            return Written(*_GREEK[tree.id])
        return Written(tree.id, tex_name(tree.id))

    def _constant(self, tree: ast.Constant) -> Written:
        number: Any = tree.value
        return of_number(float(number))

    def _attribute(self, tree: ast.Attribute) -> Written:
        if tree.attr == "shape" and isinstance(tree.value, ast.Name):
            return self._names[f"{tree.value.id}.shape"]
        base = self.write(tree.value).at_least(ATOM)
        return Written(f"{base.text}ᵀ", f"{{{base.latex}}}^{{T}}", POWER)

    def _subscript(self, tree: ast.Subscript) -> Written:
        base, index = self.write(tree.value).at_least(ATOM), self.write(tree.slice)
        return Written(f"{base.text}[{index.text}]", f"{base.latex}[{index.latex}]")

    def _unaryop(self, tree: ast.UnaryOp) -> Written:
        operand = self.write(tree.operand).at_least(PRODUCT)
        if isinstance(tree.op, ast.Not):
            return Written(f"not {operand.text}", rf"\mathrm{{not}}\ {operand.latex}", LOWEST)
        return Written(f"−{operand.text}", f"-{operand.latex}", NEGATIVE)

    def _binop(self, tree: ast.BinOp) -> Written:
        left, right = self.write(tree.left), self.write(tree.right)
        if isinstance(tree.op, ast.Pow):
            return _power(left, right)
        if isinstance(tree.op, ast.Add):
            left, right = left.at_least(SUM), right.at_least(NEGATIVE)
            if right.strength == NEGATIVE:  # a − 3, and not a + (−3)
                return Written(f"{left.text} − {right.text[1:]}", left.latex + right.latex, SUM)
            return Written(f"{left.text} + {right.text}", f"{left.latex} + {right.latex}", SUM)
        if isinstance(tree.op, ast.Sub):
            left, right = left.at_least(SUM), right.at_least(PRODUCT)
            return Written(f"{left.text} − {right.text}", f"{left.latex} - {right.latex}", SUM)
        first = left.at_least(NEGATIVE)
        strength = min(first.strength, PRODUCT)
        if isinstance(tree.op, ast.Div):
            text = f"{first.text}/{right.at_least(POWER).text}"
            return Written(text, rf"\frac{{{left.latex}}}{{{right.latex}}}", strength)
        times, dot = (" @ ", r"\, ") if isinstance(tree.op, ast.MatMult) else ("·", r" \cdot ")
        right = right.at_least(PRODUCT)
        return Written(first.text + times + right.text, first.latex + dot + right.latex, strength)

    def _compare(self, tree: ast.Compare) -> Written:
        left = self.write(tree.left)
        text, latex = left.text, left.latex
        for op, comparator in zip(tree.ops, tree.comparators, strict=True):
            sign, right = _COMPARISONS[type(op)], self.write(comparator)
            text += f" {sign[0]} {right.text}"
            latex += f" {sign[1]} {right.latex}"
        return Written(text, latex, LOWEST)

    def _boolop(self, tree: ast.BoolOp) -> Written:
        parts = [self.write(part) for part in tree.values]
        text = " or ".join(part.text for part in parts)
        return Written(text, r"\ \mathrm{or}\ ".join(part.latex for part in parts), LOWEST)

    def _ifexp(self, tree: ast.IfExp) -> Written:
        """The cases one after the other, but for the last, which is for NaN."""
        text, latex = [], []
        case: ast.expr = tree
        while isinstance(case, ast.IfExp):
            value, test = self.write(case.body), self.write(case.test)
            text.append(f"{value.text} where {test.text}")
            latex.append(rf"{value.latex}\ \mathrm{{where}}\ {test.latex}")
            case = case.orelse
        return Written(", ".join(text), r",\ ".join(latex), LOWEST)

    def _call(self, tree: ast.Call) -> Written:
        name = tree.func.id if isinstance(tree.func, ast.Name) else ""
        operands = [self.write(operand) for operand in tree.args]
        if name in _WORDS:
            return _said(_WORDS[name], operands)
        if name == "more":
            text = f"… {operands[0].text} more …"
            return Written(text, tex_name(text))
        if name == "sqrt":
            text = f"√{operands[0].at_least(ATOM).text}"
            return Written(text, rf"\sqrt{{{operands[0].latex}}}", POWER)
        if name == "abs":
            return Written(f"|{operands[0].text}|", rf"\left\vert {operands[0].latex} \right\vert ")
        text = ", ".join(operand.text for operand in operands)
        latex = r",\ ".join(operand.latex for operand in operands)
        for keyword in tree.keywords:
            text += f", {keyword.arg}={ast.unparse(keyword.value)}"
            latex += rf",\ \mathrm{{{keyword.arg}}}={ast.unparse(keyword.value)}"
        if name in _GREEK:
            sign, command = _GREEK[name]
        else:
            sign = name
            command = f"\\{name}" if name in _FUNCTIONS_OF_TEX else tex_name(name)
        return Written(f"{sign}({text})", rf"{command}\left({latex}\right)")


def _power(base: Written, exponent: Written) -> Written:
    base = base.at_least(ATOM)
    latex = f"{{{base.latex}}}^{{{exponent.latex}}}"
    whole = exponent.text.replace("−", "-")
    if re.fullmatch(r"-?\d+", whole):
        return Written(base.text + whole.translate(_SUPERSCRIPTS), latex, POWER)
    return Written(f"{base.text}^{exponent.at_least(ATOM).text}", latex, POWER)


def _said(template: str, operands: list[Written]) -> Written:
    operands = [operands[0].at_least(SUM), *operands[1:]]
    text = template.format(*[operand.text for operand in operands])
    parts = []
    for part in re.split(r"(\{\d\})", template):
        if part.startswith("{"):
            parts.append(operands[int(part[1])].latex)
        elif part:
            parts.append(tex_name(part))
    return Written(text, " ".join(parts), LOWEST)
