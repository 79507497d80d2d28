"""What gradcheck checks: a function's values at any numbers, and the slopes claimed for it.

The slopes are those of `backward`, or gradients that somebody worked out by hand; then the
function may know nothing of nodes.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import GraphError
from ..finite_differences import longest_step
from ..node import Node
from ..rules import identity
from ..run import Run, starting_from, unconnected, zeros_like
from ..structure import aligned, flatten, map_leaves, rebuild
from ..sweep import gradients, no_grad, topological_order
from ..tensor import Tensor
from ..value import Value
from .own_engine import OwnEngine
from .shapes import about_shapes, advice_on
from .weights import reached, size_of, weighed, weights_of


@dataclass
class Subject:
    """A function at some numbers, what its results weigh, and the slopes claimed by each number.

    `values` gives its results at other numbers, `graph` a run on nodes there, `run` the one
    here, None where a plain function does not take nodes; `claim` claims slopes elsewhere.
    `refused` says why there is nothing to compare; `failed` how f broke off a step away.
    """

    values: Callable[[Sequence[Any]], list[Any]]
    graph: Callable[[Sequence[Any]], Run]
    numbers: list[Any]
    slopes: list[Any]
    weights: list[Any]
    size: float
    run: Run | None
    by_hand: bool = False
    refused: str = ""
    failed: str = ""
    claim: Callable[[Sequence[Any]], list[Any]] | None = None
    engine: OwnEngine | None = None

    def value(self, numbers: Sequence[Any]) -> float:
        """Its results there as one number."""
        return weighed(self.values(numbers), self.weights)

    def near(self, numbers: Sequence[Any]) -> float:
        """The same a step away, where f may be outside of its domain, as math.sqrt is below 0."""
        try:
            return self.value(numbers)
        except (ArithmeticError, ValueError) as error:
            self.failed = f"{type(error).__name__}: {error}"
            return float("nan")


def of_backward(f: Callable[..., Any], plain: list[Any]) -> Subject:
    """f, and the slopes that `backward` finds."""
    graph = _graph_of(f, plain)
    run = graph(flatten(plain))
    weights = weights_of(run.results)
    changed = [
        k
        for k, (x, given) in enumerate(zip(run.inputs, flatten(plain), strict=True))
        if not np.array_equal(x._data, unconnected(given)._data, equal_nan=True)
    ]
    refused = ""
    if changed:
        refused = (
            f"f changes input {changed[0]} in place, so that its gradient would be that at another "
            "point: compute a new number or array instead"
        )
    try:
        passed = gradients(starting_from(run.results, weights))
    except Exception as error:
        failed, advice = advice_on(run.results)
        if not isinstance(error, GraphError) and not failed:
            raise
        told = failed or str(error)
        raise GraphError(f"{told}: {advice}" if advice else told) from error
    slopes = [passed[x] if x in passed else zeros_like(x) for x in run.inputs]
    size = _size_on_the_way(graph, run, passed)

    def values(numbers: Sequence[Any]) -> list[Any]:
        with no_grad(), np.errstate(all="ignore"):
            return flatten(f(*map_leaves(unconnected, rebuild(plain, list(numbers)))))

    numbers = [x._data for x in run.inputs]
    return Subject(values, graph, numbers, slopes, weights, size, run, refused=refused)


def in_their_classes(f: Callable[..., Any], inputs: Sequence[Any]) -> Callable[..., Any]:
    """f on Values and Tensors, where it was given a user's own kinds of them."""
    kinds = [type(x) if isinstance(x, Node) else None for x in flatten(list(inputs))]
    if all(kind in (None, Value, Tensor) for kind in kinds):
        return f

    def of_twins(*arguments: Any) -> Any:
        leaves = [
            x if kind in (None, Value, Tensor) else kind._make(x._data)._apply(identity, (x,))
            for kind, x in zip(kinds, flatten(list(arguments)), strict=True)
        ]
        return f(*rebuild(list(inputs), leaves))

    return of_twins


def of_hand(f: Callable[..., Any], plain: list[Any], gradient: Any) -> Subject:
    """f, and gradients that were given, or that a function of the inputs gives."""
    numbers = [unconnected(x)._data for x in flatten(plain)]

    def arguments(numbers: Sequence[Any]) -> list[Any]:
        copies = [x if isinstance(x, float) else np.array(x) for x in numbers]
        arguments: list[Any] = rebuild(plain, copies)
        return arguments

    def values(numbers: Sequence[Any]) -> list[Any]:
        with no_grad(), np.errstate(all="ignore"):
            return [getattr(y, "_data", y) for y in flatten(f(*arguments(numbers)))]

    def claim(numbers: Sequence[Any]) -> list[Any]:
        with np.errstate(all="ignore"):
            given = gradient(*arguments(numbers)) if callable(gradient) else gradient
        alone = len(plain) == 1 and not (isinstance(given, tuple | list) and len(given) == 1)
        given = [given] if alone else list(given) if isinstance(given, tuple) else given
        slopes = [getattr(x, "_data", x) for x in aligned(given, plain, "gradient")]
        return [np.zeros_like(x) if s is None else s for s, x in zip(slopes, numbers, strict=True)]

    slopes, refused = claim(numbers), ""
    for k, (x, slope) in enumerate(zip(numbers, slopes, strict=True)):
        if np.shape(slope) != np.shape(x) and not refused:
            advice = about_shapes(np.shape(slope), np.shape(x))
            refused = (
                f"the gradient of input {k} has shape {np.shape(slope)}, but the input has "
                f"{np.shape(x)}" + (f": {advice}" if advice else "")
            )
    results = values(numbers)
    weights = weights_of(results)
    size = abs(weighed(results, weights))
    if not refused:
        size += size_of([(reached(x), slope) for x, slope in zip(numbers, slopes, strict=True)])
    graph = _graph_of(f, plain)
    try:
        run = graph(numbers)
        passed = gradients(starting_from(run.results, weights))
        size = max(size, _size_on_the_way(graph, run, passed))
    except Exception:  # what is plain NumPy need not run on nodes, and may fail as it likes
        run = None
    elsewhere = claim if callable(gradient) else None
    return Subject(
        values, graph, numbers, slopes, weights, size, run, True, refused, claim=elsewhere
    )


def of_own_engine(f: Callable[..., Any], inputs: list[Any]) -> Subject:
    """f of nodes of another engine, and the slopes that its own backward() finds."""
    engine = OwnEngine(f, inputs)
    subject = of_hand(engine, engine.plain, lambda *arguments: tuple(engine.gradient(*arguments)))
    subject.engine = engine
    return subject


def _size_on_the_way(
    graph: Callable[[Sequence[Any]], Run], run: Run, passed: dict[Node, Any]
) -> float:
    """What the numbers on the way weigh in the result, here and a step away.

    Here all of them may be 0, and round well. The graph a step away is laid beside the graph
    here; where the two differ nothing more can be said.
    """
    size = size_of([(x._data, slope) for x, slope in passed.items()])
    rng = np.random.default_rng(0)
    moved = []
    for x in run.inputs:
        here = np.asarray(x._data)
        reach = longest_step(float(np.finfo(here.dtype).eps)) * np.maximum(1.0, np.abs(here))
        there = here + reach * rng.uniform(0.5, 1.0, here.shape)
        moved.append(float(there) if isinstance(x._data, float) else there.astype(here.dtype))
    try:
        with np.errstate(all="ignore"):
            other = graph(moved)
    except Exception:  # outside of its domain a function of the user's may fail as it likes
        return size
    orders = [
        topological_order(*[y for y in each.results if isinstance(y, Node)])
        for each in (run, other)
    ]
    if [node._rule for node in orders[0]] != [node._rule for node in orders[1]]:
        return size
    with np.errstate(all="ignore"):
        return size + size_of(
            [
                (np.subtract(there._data, here._data), passed[here])
                for here, there in zip(*orders, strict=True)
                if here in passed
            ]
        )


def _graph_of(f: Callable[..., Any], plain: list[Any]) -> Callable[[Sequence[Any]], Run]:
    def graph(numbers: Sequence[Any]) -> Run:
        with warnings.catch_warnings():
            # The report says it, and what to do.
            warnings.filterwarnings("ignore", message=".*returned a plain number")
            return Run(f, rebuild(plain, list(numbers)), tuple(range(len(plain))))

    return graph
