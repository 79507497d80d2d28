"""The formula of what only arrays do, and of the gradient that each operand is passed.

An array has no single slope: what goes back is the gradient of the result, put through a linear
map. So these speak of `grad`, where `formula_table` speaks of slopes.
"""

import numpy as np

from twingrad.engine import array_rules, layer_rules, window_rules
from twingrad.engine.node import Node

from .formula_table import ELEMENTWISE, LISTS, Rule, listed

SIMPLE: dict[Rule, tuple[str, ...]] = {
    array_rules.sum: ("sum(x)", "spread(grad, x.shape)"),
    array_rules.mean: ("mean(x)", "spread(grad / n, x.shape)"),
    array_rules.max: ("max(x)", "shared(grad, x == out)"),
    array_rules.min: ("min(x)", "shared(grad, x == out)"),
    array_rules.var: ("var(x)", "grad * 2 * (x - mean(x)) / n"),
    array_rules.std: ("std(x)", "grad * (x - mean(x)) / (n * out)"),
    array_rules.logsumexp: ("log(sum(exp(x)))", "grad * exp(x - out)"),
    array_rules.softmax: ("softmax(x)", "out * (grad - sum(grad * out))"),
    array_rules.log_softmax: ("log(softmax(x))", "grad - softmax(x) * sum(grad)"),
    array_rules.cross_entropy: (
        "-sum(targets * log(softmax(x)))",
        "grad * (softmax(x) - targets)",
    ),
    array_rules.reshape: ("reshaped(x, out.shape)", "reshaped(grad, x.shape)"),
    array_rules.squeeze: ("reshaped(x, out.shape)", "reshaped(grad, x.shape)"),
    array_rules.expand_dims: ("reshaped(x, out.shape)", "reshaped(grad, x.shape)"),
    array_rules.broadcast_to: ("spread(x, out.shape)", "summed(grad, x.shape)"),
    array_rules.astype: ("astype(x, dtype)", "astype(grad, dtype_of_x)"),
    array_rules.getitem: ("x[index]", "placed(grad, index)"),
    array_rules.scatter: ("placed(x, index)", "grad[index]"),
    layer_rules.standardize: (
        "(x - mean(x)) / sqrt(var(x) + eps)",
        "(grad - mean(grad) - out * mean(grad * out)) / sqrt(var(x) + eps)",
    ),
    layer_rules.dropout: (
        "scale * x if kept else 0 if not kept else 0",
        "scale * grad if kept else 0 if not kept else 0",
    ),
    window_rules.windows: ("windows(x)", "folded(grad)"),
    window_rules.fold: ("folded(x)", "windows(grad)"),
    window_rules.max_pool2d: ("max_pool2d(x)", "shared_in_windows(grad, x, out)"),
    window_rules.avg_pool2d: ("avg_pool2d(x)", "spread_in_windows(grad)"),
}
"""The result, then the gradient passed to each operand."""

_REDUCTIONS = (
    array_rules.sum,
    array_rules.mean,
    array_rules.max,
    array_rules.min,
    array_rules.var,
    array_rules.std,
)


def of_result(node: Node) -> str | None:
    """The result of an array operation, or None for a rule that is not known here."""
    rule, count = node._rule, len(node.parents)
    if rule in ELEMENTWISE:
        return ELEMENTWISE[rule][0]
    if rule in _REDUCTIONS and node._static.get("axis") is not None:
        return f"{SIMPLE[rule][0][:-1]}, axis={node._static['axis']!r})"
    if rule in SIMPLE:
        return SIMPLE[rule][0]
    if rule is array_rules.transpose:
        return _transposed("x", node)
    if rule in (array_rules.concatenate, array_rules.stack):
        return f"{node.op}({listed([f'x{i}' for i in range(count)], ', ')})"
    product = {
        array_rules.matmul: "x @ y",
        layer_rules.linear: "x @ y + x2",
        window_rules.conv2d: "conv2d(x, y)" + " + x2" * (count == 3),
    }
    return product.get(rule) if rule else None


def of_gradient(node: Node, position: int) -> str | None:
    """What is passed to the operand at a position, or None for a rule that is not known here."""
    rule = node._rule
    shapes = [parent._data.shape for parent in node.parents]
    passed: str | None = None
    if rule in ELEMENTWISE:
        passed = f"grad * ({ELEMENTWISE[rule][position + 1]})"
    elif rule in LISTS:
        passed = f"grad * ({LISTS[rule][1](node, position)})"
    elif rule in SIMPLE:
        return SIMPLE[rule][position + 1]
    elif rule is array_rules.transpose:
        return _transposed("grad", node)
    elif rule in (array_rules.concatenate, array_rules.stack):
        return f"part(grad, x{position})"
    elif rule is array_rules.matmul or (rule is layer_rules.linear and position < 2):
        return _of_product(shapes[0], shapes[1], position)
    elif rule is layer_rules.linear:
        passed = "grad"
    elif rule is window_rules.conv2d:
        return ("conv2d_transposed(grad, y)", "correlated(x, grad)", "summed(grad, x2.shape)")[
            position
        ]
    if passed is not None and shapes[position] != node._data.shape:
        return f"summed({passed}, x{position}.shape)"
    return passed


def _transposed(what: str, node: Node) -> str:
    return f"{what}.T" if node._data.ndim == 2 else f"transposed({what})"


def _of_product(left: tuple[int, ...], right: tuple[int, ...], position: int) -> str:
    """The gradient of one factor of `x @ y`; a vector is a matrix of one row or column."""
    if len(left) == len(right) == 1:
        return ("grad * y", "grad * x")[position]
    if len(right) == 1:
        passed = ("outer(grad, y)", "x.T @ grad")[position]
        return passed if position == 0 or len(left) == 2 else "summed(applied(x.T, grad), y.shape)"
    if len(left) == 1:
        passed = ("y @ grad", "outer(x, grad)")[position]
        return passed if position == 1 or len(right) == 2 else "summed(applied(y, grad), x.shape)"
    passed = ("grad @ y.T", "x.T @ grad")[position]
    alike = (left, right)[position][:-2] == np.broadcast_shapes(left[:-2], right[:-2])
    return passed if alike else f"summed({passed}, {'xy'[position]}.shape)"
