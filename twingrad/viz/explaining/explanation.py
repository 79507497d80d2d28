"""Explanations: how a gradient came about, path by path, with the formulas and the numbers.

The chain rule for the user's own program, in the user's own names: what a teacher would write on
the board when asked "but why is it -24?".
"""

from collections.abc import Mapping
from typing import Any, overload

import numpy as np

from twingrad.engine.node import Node
from twingrad.engine.sweep import topological_order

from ..outline.names import Names
from ..outline.scope import scope_of_caller
from .agreement import agreement, plain
from .blocks import Block, Words, say
from .page import Page
from .paths import Path, Ways
from .sweep_tables import SweepExplanation
from .telling import Teller
from .telling_arrays import ArrayTeller
from .wording import counted

MOST_PATHS = 6
MOST_ROWS = 30


class Explanation(Page):
    """How the gradient of `root` by `wrt` came about; printed, `.markdown()` or `.latex()`.

    `total` is that gradient, computed anew, and None for a constant. `paths` are the ways it came,
    each with its `factors` and their `product`, if they are few, else the one that contributes
    most; `count` says how many there are. `agrees` is whether `grad`, what `.grad` held, is the
    total: True, False, or None where it held nothing.
    """

    def __init__(self, ways: Ways, names: Names, most: int) -> None:
        self.root, self.wrt = ways.root, ways.wrt
        self.grad = plain(self.wrt._grad)
        self.count, self.total = ways.count, ways.total
        self.paths: list[Path] = []
        self.agrees: bool | None = None
        teller = (Teller if self.root.holds is float else ArrayTeller)(ways, names)
        self.blocks: list[Block] = []
        missing = _nothing_to_tell(ways, teller)
        if missing:
            self.total = None if self.wrt.constant or self.root.constant else _zero(self.wrt)
            self.blocks = [missing]
            return
        few = self.count <= most
        self.paths = list(ways.walk()) if few else [ways.strongest()]
        self.blocks += teller.beginning()
        self.blocks += teller.all_paths(self.paths) if few else teller.by_consumer(most)
        if not few:
            self.blocks += teller.strongest(self.paths[0])
        self.blocks += teller.remarks()
        self.agrees, check = agreement(ways, teller.called)
        self.blocks.append(check)

    def __repr__(self) -> str:
        paths = f"{counted(self.count)} {'path' if self.count == 1 else 'paths'}"
        return f"<Explanation along {paths}; print it, or use .markdown() or .latex()>"


@overload
def explain(
    root: Node,
    wrt: Node,
    *,
    scope: Mapping[str, Any] | None = ...,
    most: int = ...,
    rows: int = ...,
) -> Explanation: ...


@overload
def explain(
    root: Node, wrt: None = ..., *, scope: Mapping[str, Any] | None = ..., rows: int = ...
) -> SweepExplanation: ...


def explain(
    root: Node,
    wrt: Node | None = None,
    *,
    scope: Mapping[str, Any] | None = None,
    most: int = MOST_PATHS,
    rows: int = MOST_ROWS,
) -> Explanation | SweepExplanation:
    """How the gradient of a result by one of its nodes came about; or how all were computed.

    With `wrt`, a parameter, an input or any node between, every path from `root` down to it is
    told with its local derivatives, then their sum, then whether `.grad` agrees. Beyond `most`
    paths they are grouped by the nodes computed from `wrt`, and one path is told in full. Without
    `wrt`, two tables tell the forward computation and the backward sweep in their order, in
    `rows` rows each at most. Nodes go by their labels, or by the names they have in `scope`,
    which is that of the caller.

    No `.grad` is changed, and all numbers are the engine's. A root that is an array is explained
    as its sum. Raises `TypeError` for what is no node, `ValueError` for a `most` or `rows` below
    1, and `StaleGraphError`, as `backward()` does, where numbers were changed since.

    >>> a, b = tg.Value(2.0, label="a"), tg.Value(-3.0, label="b")
    >>> loss = (a * b + 10.0) ** 2
    >>> loss.backward()
    >>> explanation = tg.viz.explain(loss, wrt=a)
    >>> explanation.total, explanation.count, explanation.agrees
    (-24.0, 1, True)
    >>> [factor.slope for factor in explanation.paths[0].factors]
    [8.0, 1.0, -3.0]
    """
    _check_node("root", root, "the result, such as explain(loss)")
    for name, number in (("most", most), ("rows", rows)):
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
            raise ValueError(f"{name}= is a whole number from 1 on, but {number!r} came")
    variables = scope_of_caller() if scope is None else scope
    if wrt is None:
        return SweepExplanation(root, variables, int(rows))
    _check_node("wrt", wrt, "one parameter or input at a time, such as explain(loss, wrt=w)")
    order = topological_order(root)
    names = Names(order if wrt in set(order) else [*order, wrt], variables)
    return Explanation(Ways(root, wrt), names, int(most))


def _check_node(name: str, given: Any, wanted: str) -> None:
    if not isinstance(given, Node):
        came = f"a {type(given).__name__}"
        if isinstance(given, list | tuple):
            came += f" of {len(given)}"
        raise TypeError(f"{name} is a Value or a Tensor, but {came} came; give {wanted}")


def _zero(node: Node) -> Any:
    return 0.0 if node.holds is float else np.zeros_like(node._data)


def _nothing_to_tell(ways: Ways, teller: Teller) -> Words | None:
    """Why there is no path to tell, if there is none."""
    root, wrt = teller.called(ways.root), teller.called(ways.wrt)
    if ways.root.constant:
        return say(
            "{} is a constant: it was made under no_grad(), by detach() or of plain numbers alone, "
            "and remembers nothing that could be explained.",
            root,
        )
    if ways.root is not ways.wrt and ways.wrt.constant and ways.reached:
        return say(
            "{} is a constant: it counts in {}, but no gradient is passed to it. Set .constant = "
            "False before computing, if it should get one.",
            wrt, root,
        )  # fmt: skip
    if ways.count:
        return None
    hint = say(
        " If it should, look whether {} is still the object that {} was computed from: assigning "
        "to a name makes another one.",
        wrt, root,
    )  # fmt: skip
    return say(
        "{} does not depend on {}: no path leads from one to the other, so the gradient is 0.{}",
        root, wrt, "" if ways.reached else hint,
    )  # fmt: skip
