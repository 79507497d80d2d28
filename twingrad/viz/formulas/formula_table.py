"""The formula of every rule's result and of its slopes, as one would write them on a board.

They are not what the engine computes with, but what is shown beside its numbers; written as
Python expressions, so that a test can evaluate them and hold the two against each other.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from twingrad.engine import list_rules, rules
from twingrad.engine.node import Node

Rule = Callable[..., Any]

# In an expression x and y are the first two operands, x0, x1 … all of them, `out` is the result,
# `grad` its gradient, and any other name is a setting of the operation. `a if x > 0 else b if
# x <= 0 else c` lists cases; the last one is for NaN, and is not shown of arrays.

ELEMENTWISE: dict[Rule, tuple[str, ...]] = {
    rules.identity: ("x", "1"),
    rules.add: ("x + y", "1", "1"),
    rules.sub: ("x - y", "1", "-1"),
    rules.mul: ("x * y", "y", "x"),
    rules.divide: ("x / y", "1 / y", "-(out / y)"),
    rules.power: ("x ** y", "y * x ** (y - 1)", "out * log(x)"),
    rules.neg: ("-x", "-1"),
    rules.absolute: ("abs(x)", "1 if x > 0 else -1 if x < 0 else 0 if x == 0 else 1"),
    rules.exp: ("exp(x)", "out"),
    rules.log: ("log(x)", "1 / x"),
    rules.sqrt: ("sqrt(x)", "1 / (2 * out)"),
    rules.sin: ("sin(x)", "cos(x)"),
    rules.cos: ("cos(x)", "-sin(x)"),
    rules.erf: ("erf(x)", "2 / sqrt(pi) * exp(-(x ** 2))"),
    rules.erfc: ("erfc(x)", "-(2 / sqrt(pi) * exp(-(x ** 2)))"),
    rules.tanh: ("tanh(x)", "1 - out ** 2"),
    rules.sigmoid: ("sigmoid(x)", "out * (1 - out)"),
    rules.softplus: ("log(1 + exp(x))", "sigmoid(x)"),
    rules.relu: ("max(0, x)", "1 if x > 0 else 0 if x <= 0 else 1"),
    rules.leaky_relu: (
        "x if x > 0 else alpha * x if x <= 0 else x",
        "1 if x > 0 else alpha if x <= 0 else alpha",
    ),
    rules.gelu: ("x * Phi(x)", "Phi(x) + x * phi(x)"),
    rules.gelu_tanh: (
        "x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3)))",
        "(1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3))) / 2"
        " + x / 2 * (1 - tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3)) ** 2)"
        " * sqrt(2 / pi) * (1 + 0.134145 * x ** 2)",
    ),
    rules.maximum: (
        "max(x, y)",
        "1 if x > y else 0 if x < y else 0.5 if x == y else 1",
        "0 if x > y else 1 if x < y else 0.5 if x == y else 1",
    ),
    rules.minimum: (
        "min(x, y)",
        "0 if x > y else 1 if x < y else 0.5 if x == y else 1",
        "1 if x > y else 0 if x < y else 0.5 if x == y else 1",
    ),
    rules.clip: (
        "min(max(x, low), high)",
        "1 if low <= x <= high else 0 if x < low else 0 if x > high else 1",
    ),
    rules.where: (
        "x if condition else y if not condition else x",
        "1 if condition else 0 if not condition else 0",
        "0 if condition else 1 if not condition else 0",
    ),
    rules.weigh: ("y * x", "y", "x"),
    rules.huber: (
        "x ** 2 / 2 if -delta < x < delta else delta * (abs(x) - delta / 2)"
        " if x <= -delta or x >= delta else x",
        "x if -delta < x < delta else -delta if x <= -delta else delta if x >= delta else x",
    ),
    rules.binary_cross_entropy: ("log(1 + exp(x)) - y * x", "sigmoid(x) - y", "-x"),
    list_rules.exp_difference: ("exp(x - y)", "out", "-out"),
}
"""Of a single number: the result, then the slope by each operand. Of arrays, element by element."""


MOST_TERMS = 4


def listed(terms: list[str], between: str = " + ") -> str:
    """The terms in a row, the middle of a long row by its count."""
    if len(terms) > MOST_TERMS + 1:
        terms = [*terms[:2], f"more({len(terms) - 3})", terms[-1]]
    return between.join(terms)


def _names(first: int, last: int) -> list[str]:
    return [f"x{i}" for i in range(first, last)]


def _total(node: Node) -> str:
    return listed(_names(0, len(node.parents)))


def _dot(node: Node) -> str:
    n, bias = len(node.parents) // 2, node.parents[-1]
    terms = listed([f"x{i} * x{n + i}" for i in range(n)])
    return terms if _is(bias, 0.0) and not bias.label else f"{terms} + x{2 * n}"


def _dot_slope(node: Node, position: int) -> str:
    n = len(node.parents) // 2
    return "1" if position == 2 * n else f"x{(position + n) % (2 * n)}"


def _logsumexp(node: Node) -> str:
    terms = listed([f"exp({x})" for x in _names(0, len(node.parents))])
    return f"log({terms})"


def _logits(node: Node) -> str:
    return listed(_names(0, len(node.parents) // 2), ", ")


def _cross_entropy(node: Node) -> str:
    n = len(node.parents) // 2
    counted = [i for i in range(n) if not _is(node.parents[n + i], 0.0)]
    terms = []
    for i in counted:
        weight = "" if _is(node.parents[n + i], 1.0) else f"x{n + i} * "
        terms.append(f"{weight}log(softmax({_logits(node)})[{i}])")
    sum_of_terms = listed(terms) or "0"
    return f"-({sum_of_terms})"


def _cross_entropy_slope(node: Node, position: int) -> str:
    n = len(node.parents) // 2
    if position >= n:
        return f"-log(softmax({_logits(node)})[{position - n}])"
    targets = node.parents[n:]
    one_hot = all(_is(t, 0.0) or _is(t, 1.0) for t in targets)
    whole = one_hot and sum(t._data for t in targets) == 1.0
    share = "" if whole else f"({listed(_names(n, 2 * n))}) * "
    return f"{share}softmax({_logits(node)})[{position}] - x{n + position}"


def _is(node: Node, number: float) -> bool:
    literal = node.constant and not node.parents and np.ndim(node._data) == 0
    return bool(literal and node._data == number)


LISTS: dict[Rule, tuple[Callable[[Node], str], Callable[[Node, int], str]]] = {
    list_rules.total: (_total, lambda node, position: "1"),
    list_rules.dot: (_dot, _dot_slope),
    list_rules.logsumexp_of: (_logsumexp, lambda node, position: f"exp(x{position} - out)"),
    list_rules.cross_entropy_of: (_cross_entropy, _cross_entropy_slope),
}
"""Of a list: the result, and the slope by the operand at a position."""
