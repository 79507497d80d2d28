"""What each use of a number contributes to its gradient, and which contributions went missing.

A number that is used twice has a gradient of two terms. Whoever writes `grad = …` where
`grad += …` was meant, or forgets half of the product rule, is left with some of them.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ..errors import GraphError
from ..node import Node
from ..run import starting_from
from ..sweep import enable_grad, topological_order
from .operations import Operation

MOST_USES = 5
"""Of how many uses every selection is tried; of more, single ones, and all but one."""


def contributions(
    results: Sequence[Any], weights: Sequence[Any], keep: str = "all"
) -> tuple[dict[Node, list[tuple[Node, Any]]], dict[Node, Any]]:
    """What every consumer passes to each node, and what that comes to.

    A sweep of its own, so that it can be held against the engine's. With keep "last" or "first"
    it makes the mistake that is looked for: of several contributions one counts.
    """
    total = starting_from(results, weights)
    parts: dict[Node, list[tuple[Node, Any]]] = {}
    with np.errstate(all="ignore"):
        for node in reversed(topological_order(*total)):
            grad = total.get(node)
            if grad is None or node._pullback is None:
                continue
            for parent, passed in zip(node.parents, node._pullback(grad), strict=True):
                if passed is None or parent.constant:
                    continue
                passed = parent._received(passed, grad, node)
                parts.setdefault(parent, []).append((node, passed))
                if keep == "last" or parent not in total:
                    total[parent] = passed
                elif keep == "all":
                    total[parent] = total[parent] + passed
    return parts, total


def overwritten(
    results: Sequence[Any], weights: Sequence[Any], inputs: Sequence[Node], claimed: Sequence[Any]
) -> str:
    """The sentence for gradients that overwrite each other instead of adding up, or ""."""
    parts, right = contributions(results, weights)
    for k, (x, slope) in enumerate(zip(inputs, claimed, strict=True)):
        if slope is None or _alike(slope, right.get(x, 0.0)):
            continue
        kept = _kept(parts.get(x, []), slope)
        if kept:
            return (
                f"input {k} is {_used(parts[x], kept)}: `=` stands where `+=` is meant, so that "
                "one use overwrites the other"
            )
    for keep in ("last", "first"):
        _, total = contributions(results, weights, keep)
        mistaken = [total.get(x, 0.0) for x in inputs]
        pairs = [(s, m) for s, m in zip(claimed, mistaken, strict=True) if s is not None]
        truth = [right.get(x, 0.0) for x in inputs]
        if not all(map(_alike, mistaken, truth)) and all(_alike(s, m) for s, m in pairs):
            reused = next(node for node, uses in parts.items() if len(uses) > 1)
            name = reused.label or reused.op or "a leaf"
            return (
                f"a reused result ({name!r}, used {len(parts[reused])} times) passes on the "
                f"gradient of its {keep} use alone: `=` stands where `+=` is meant"
            )
    return ""


def left_out(operation: Operation, k: int) -> str:
    """The sentence for a rule that counts some uses of an operand within it, not all, or ""."""
    node = operation.node
    try:
        with enable_grad(), np.errstate(all="ignore"):
            leaves = [p._make(p._data) for p in node.parents]
            result = node._rule(*leaves, **node._static)[0]  # type: ignore[misc]
            if not isinstance(result, Node) or np.shape(result._data) != np.shape(node._data):
                return ""
            parts, _ = contributions([result], [operation.weights])
    except (TypeError, ValueError, ArithmeticError, GraphError, AttributeError):
        return ""
    uses = parts.get(leaves[k], [])
    kept = _kept(uses, operation.slopes[k])
    if not kept:
        return ""
    return f"within the rule operand {k} is {_used(uses, kept)}: add up the parts of all uses"


def _kept(uses: list[tuple[Node, Any]], slope: Any) -> list[Node]:
    """The consumers whose contributions alone make up a slope, if those are not all."""
    count = len(uses)
    sizes = range(1, count) if count <= MOST_USES else (1, count - 1)
    for size in sizes:
        for chosen in combinations(uses, size) if count <= 50 else ():
            if _alike(sum(part for _, part in chosen), slope):
                return [node for node, _ in chosen]
    return []


def _alike(x: Any, y: Any) -> bool:
    x, y = np.asarray(x), np.asarray(y)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return False
    coarse = max(np.finfo(z.dtype).eps if z.dtype.kind == "f" else 0.0 for z in (x, y))
    scale = max(np.max(np.abs(x), initial=0.0), np.max(np.abs(y), initial=0.0))
    return bool(np.all(np.abs(x - y) <= 1e4 * coarse * scale))


def _used(uses: list[tuple[Node, Any]], kept: list[Node]) -> str:
    users = _listed([node for node, _ in uses])
    part = f"its gradient has the part of {_listed(kept)} alone"
    return f"used {len(uses)} times, by {users}, but {part}"


def _listed(nodes: Sequence[Node]) -> str:
    counted = Counter(node.op for node in nodes)
    names = [
        f"{op!r}" + (f" ({count} times)" if count > 1 else "") for op, count in counted.items()
    ]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" and {names[-1]}"
