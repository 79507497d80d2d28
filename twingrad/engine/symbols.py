"""How an operation is shown, in drawings and in errors: "+" for `add`, "tanh" for `tanh`."""

from collections.abc import Callable
from typing import Any

from . import array_rules, list_rules, rules

_SYMBOLS: dict[Any, str] = {
    rules.add: "+",
    rules.sub: "-",
    rules.mul: "*",
    rules.divide: "/",
    rules.power: "**",
    rules.absolute: "abs",
    list_rules.total: "sum",
    list_rules.logsumexp_of: "logsumexp",
    list_rules.exp_difference: "softmax",
    list_rules.cross_entropy_of: "cross_entropy",
    array_rules.matmul: "@",
    array_rules.getitem: "[]",
}


def operation_name(rule: Callable[..., Any]) -> str:
    """How a rule is shown: "+" or "tanh", for a rule of the user's its own name."""
    name: str = getattr(rule, "__name__", "apply")
    return _SYMBOLS.get(rule, name)
