"""An engine of one's own, as one writes it first: nodes with data, grad and backward().

Its gradients are read off its leaves. Where nodes have `_prev` and `_backward` as in micrograd,
each of them is tried alone, which tells the operation that is wrong.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..node import Node
from ..structure import flatten, map_leaves, rebuild
from ..sweep import topological_order


def is_own(x: Any) -> bool:
    """Whether this is a node of another engine than twingrad's."""
    return not isinstance(x, Node) and all(hasattr(x, name) for name in ("data", "grad"))


class OwnEngine:
    """A function of such nodes as one of plain numbers, and the gradients that they claim."""

    def __init__(self, f: Callable[..., Any], inputs: Sequence[Any]) -> None:
        self.f, self.inputs = f, list(inputs)
        self.kinds = [type(x) if is_own(x) else None for x in flatten(self.inputs)]
        self.plain: list[Any] = map_leaves(_number, self.inputs)
        self.root: Any = None

    def __call__(self, *arguments: Any) -> Any:
        """The function: of twingrad's nodes as it stands, for its operations may have our names."""
        if any(isinstance(x, Node) for x in flatten(list(arguments))):
            return self.f(*arguments)
        return _data(self.f(*self._nodes(arguments)))

    def gradient(self, *arguments: Any) -> list[Any]:
        """What their backward() says."""
        nodes = self._nodes(arguments)
        root = self.f(*nodes)
        if not hasattr(root, "backward"):
            raise TypeError(
                f"f returned {root!r}, which has no backward(); return the node that "
                "backward() is to start from"
            )
        root.backward()
        self.root = self.root or root
        found: list[Any] = map_leaves(_grad, nodes)
        return found

    def _nodes(self, arguments: Sequence[Any]) -> list[Any]:
        made = [
            x if kind is None else kind(x)
            for kind, x in zip(self.kinds, flatten(list(arguments)), strict=True)
        ]
        nodes: list[Any] = rebuild(self.inputs, made)
        return nodes

    def wrong_steps(self, ours: Sequence[Any]) -> list[str]:
        """Sentences on each `_backward` that is wrong by itself, beside our run of the same f."""
        slopes = dict(_our_slopes(ours))
        told: dict[str, str] = {}
        for node in _order(self.root):
            parents = list(dict.fromkeys(getattr(node, "_prev", ())))
            name = repr(getattr(node, "_op", "") or "an operation")
            if not parents or name in told:
                continue
            claimed, kept = _tried(node, parents, 0.0), _tried(node, parents, 1.0)
            if all(np.array_equal(c, k) for c, k in zip(claimed, kept, strict=True)):
                told[name] = (
                    f"the _backward of {name} writes `=` where `+=` is meant: what has arrived "
                    "before, from another use of the same number, is lost"
                )
                continue
            right = slopes.get(_key(node, parents))
            for parent, c in zip(parents, claimed, strict=True):
                r = None if right is None else right.get(_rounded(parent.data))
                if r is not None and not np.allclose(c, r, rtol=1e-6, atol=1e-12):
                    told[name] = (
                        f"the _backward of {name} is wrong: where the gradient that arrives is 1 "
                        f"it passes {c:.6g} on to the operand {parent.data:.6g}, and the slope is "
                        f"{r:.6g}"
                    )
        return list(told.values())[:3]


def _tried(node: Any, parents: Sequence[Any], before: float) -> list[Any]:
    """What one `_backward` leaves in the gradients of its operands."""
    every = [node, *parents]
    kept = [x.grad for x in every]
    for x in parents:
        x.grad = before + 0.0 * x.data
    node.grad = 1.0 + 0.0 * node.data
    node._backward()
    found = [np.array(x.grad)[()] for x in parents]
    for x, grad in zip(every, kept, strict=True):
        x.grad = grad
    return found


def _our_slopes(ours: Sequence[Any]) -> Iterator[tuple[Any, dict[Any, Any]]]:
    """Of each operation on numbers what it passes on, to be found by the numbers alone."""
    for node in topological_order(*[y for y in ours if isinstance(y, Node)]):
        if node._pullback is None or any(np.ndim(x._data) for x in (node, *node.parents)):
            continue
        slopes: dict[Any, Any] = {}
        for parent, slope in zip(node.parents, node._pullback(1.0), strict=True):
            key = _rounded(parent._data)
            slopes[key] = slopes.get(key, 0.0) + (0.0 if slope is None else slope)
        yield (_rounded(node._data), frozenset(slopes)), slopes


def _key(node: Any, parents: Sequence[Any]) -> Any:
    if any(np.ndim(x.data) for x in (node, *parents)):
        return None
    return _rounded(node.data), frozenset(_rounded(x.data) for x in parents)


def _rounded(x: Any) -> Any:
    return float(f"{float(x):.12g}") + 0.0


def _order(root: Any) -> list[Any]:
    """Every node, each after its operands."""
    order: list[Any] = []
    seen: set[int] = set()
    waiting: list[tuple[Any, bool]] = [(root, False)]
    while waiting:
        node, done = waiting.pop()
        if done:
            order.append(node)
        elif id(node) not in seen and hasattr(node, "_backward"):
            seen.add(id(node))
            waiting.append((node, True))
            waiting += [(parent, False) for parent in getattr(node, "_prev", ())]
    return order


def _number(x: Any) -> Any:
    return np.array(x.data)[()] if is_own(x) else x


def _data(y: Any) -> Any:
    return y.data if is_own(y) else y


def _grad(x: Any) -> Any:
    return x.grad if is_own(x) else None
