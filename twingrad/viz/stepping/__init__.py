"""Stepper: a page that goes through a backward pass of the user's own graph, click by click.

For the two questions that every engine is asked most: why in this order, and where does this
gradient come from?
"""

import os
from collections.abc import Mapping
from typing import Any

from twingrad.engine.node import Node

from ..formulas.escape import one_line
from ..outline.names import Names
from ..outline.outline import outline
from ..outline.scope import scope_of_caller
from .page import StepperPage, page
from .sheets import sheets_of
from .trace import Trace, take_trace

__all__ = ["StepperPage", "stepper"]


def stepper(
    root: Node,
    path: str | os.PathLike[str] | None = None,
    *,
    gradient: Any = None,
    scope: Mapping[str, Any] | None = None,
) -> StepperPage:
    """A page to click through: the values forward, then the gradients backward.

    One HTML file that needs no network, no script to be read, and no backward pass before:
    `.grad` is neither read nor written. With a `path` it is written there, and says so; a
    notebook shows it as it is. `gradient` is what the backward pass starts from, 1 for a single
    number. `scope` holds the variables after which nodes are named, those of the caller unless
    given. Graphs of more than 150 nodes fold, and unfold by clicks.

    Raises `TypeError` for what is no node; `GraphError`, `ShapeError` and, where numbers were
    changed since, `StaleGraphError` as `backward()` does.

    >>> import twingrad as tg
    >>> a, b = tg.Value(2.0, label="a"), tg.Value(-3.0, label="b")
    >>> loss = (a * b + 10.0) ** 2
    >>> tg.viz.stepper(loss)
    <StepperPage of 7 nodes; save it with .save('steps.html')>
    """
    if not isinstance(root, Node):
        raise TypeError(
            f"stepper() starts from a Value or a Tensor, but this is a {type(root).__name__}; "
            "give it the result whose gradients you want to follow, such as stepper(loss)"
        )
    trace = take_trace(root, gradient)
    names = Names(trace.nodes, scope_of_caller() if scope is None else scope)
    sheets = sheets_of(trace, outline(trace.nodes, names), names)
    title = f"Backpropagation of {one_line(names[root])}, step by step"
    made = page(title, _summary(trace, len(sheets)), sheets, len(trace.nodes))
    if path is not None:
        print(f"The steps are in {made.save(path).resolve()}; open it in a browser.")
    return made


def _summary(trace: Trace, sheets: int) -> str:
    leaves = sum(not node.parents and not node.constant for node in trace.nodes)
    nodes = "1 node" if len(trace.nodes) == 1 else f"{len(trace.nodes):,} nodes"
    get = f"{leaves:,} leaf gets" if leaves == 1 else f"{leaves:,} leaves get"
    unfold = " Boxes with a shadow unfold." if sheets > 1 else ""
    return (
        f"{nodes}; {get} a gradient. Step forward to see the values appear, then on to see the "
        f"gradient flow back.{unfold}"
    )
