"""Look: one pass of a model over samples, forward and back, with what each layer gave and got.

The model is given copies of its numbers to run on, so that whatever running changes is thrown
away with them: not a bit of its own is touched.
"""

import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import Node, Tensor, Value
from ...engine.sweep import enable_grad, gradients, topological_order
from ..module import Module
from ..parts import layer_path
from ..predict import first_numbers, mode, plain, respond
from ..randomness import put_back, state_of
from ..snapshot import without_a_trace
from ..watch import watched

Array = npt.NDArray[Any]

ACTIVATIONS = ("tanh", "sigmoid", "relu", "leaky_relu", "gelu", "gelu_tanh", "softplus", "sin")
_SLOTS = {Value: ("_data", "_stamp", "_grad"), Tensor: ("_data", "_stamp", "_seen")}
_PASSED_ON = ("reshape", "squeeze", "transpose", "expand_dims", "getitem", "[]", "identity")


@dataclass
class Row:
    """A layer's outputs, (samples, units), what the loss's gradient by them is, and how they came.

    `path` is the way to the layer; `activation` the name of the one they come from, or "".
    """

    path: str
    outputs: Array
    slopes: Array
    activation: str = ""


@dataclass
class Look:
    """What a model says of samples: loss, outputs, rows by layer, and gradients by parameter.

    `last` is the operation that the outputs came from, `operations` are all that the loss is made
    of, and `after` those of them that the loss adds to the model's, with the shapes of what they
    gave. A parameter that the loss does not reach has the gradient None.
    """

    loss: float
    outputs: Array
    gradients: list[Array | None]
    sizes: list[int]
    rows: list[Row] = field(default_factory=list)
    last: str = ""
    operations: frozenset[str] = frozenset()
    after: frozenset[tuple[str, tuple[int, ...]]] = frozenset()

    @property
    def vector(self) -> Array:
        """All gradients as one vector of float64, zeros where none came."""
        parts = [
            np.zeros(size) if gradient is None else np.ravel(gradient)
            for gradient, size in zip(self.gradients, self.sizes, strict=True)
        ]
        return np.concatenate(parts, dtype=np.float64)


@contextmanager
def untouched(model: Any, weights: list[Array] | None = None) -> Iterator[None]:
    """Within it a model runs on copies of its numbers, or on other `weights` for its parameters."""
    nodes, arrays, generators = _state(model)
    own = [(node, slot, getattr(node, slot)) for node in nodes for slot in _SLOTS[type(node)]]
    contents = [array.copy() for array in arrays]
    states = [state_of(generator) for generator in generators]
    luck = random.getstate(), np.random.get_state()  # noqa: NPY002 - users' models may draw there
    try:
        for node in nodes:
            node._stamp = 0  # on other numbers, it has no past to be out of date with
            if isinstance(node, Tensor):
                node._data, node._seen = node._data.copy(), None
        if weights is not None:
            for parameter, numbers in zip(model.parameters(), weights, strict=True):
                parameter._data = float(numbers) if isinstance(parameter, Value) else numbers.copy()
        with (
            without_a_trace(model),
            mode(model, training=True),
            enable_grad(),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")  # what they would say is found in other ways here
            yield
    finally:
        for node, slot, then in own:
            setattr(node, slot, then)
        for array, content in zip(arrays, contents, strict=True):
            if array.tobytes() != content.tobytes():
                array[...] = content
        for generator, state in zip(generators, states, strict=True):
            put_back(generator, state)
        random.setstate(luck[0])
        np.random.set_state(luck[1])  # noqa: NPY002


def _state(model: Any) -> tuple[list[Any], list[Array], list[np.random.Generator]]:
    """Whatever running or stepping could change: nodes, arrays beside them, and generators."""
    if not isinstance(model, Module):
        return list(model.parameters()), [], []
    leaves = [leaf for _, leaf in model.named_numbers()]
    nodes = dict.fromkeys(leaf for leaf in leaves if isinstance(leaf, Node))
    arrays = [leaf for leaf in leaves if not isinstance(leaf, Node) and leaf.flags.writeable]
    return list(nodes), arrays, [generator for _, generator in model.named_generators()]


@np.errstate(all="ignore")
def look(
    model: Any,
    X: Array,
    y: Any,
    loss: Callable[[Any, Any], Any],
    weights: list[Array] | None = None,
    *,
    deep: bool = True,
) -> Look:
    """Run a model and its loss, forward and back, in training mode; it is left as it was.

    `weights` are other numbers to run on, one array for each of `model.parameters()`. With
    `deep=False` no rows are kept.
    """
    parameters = list(model.parameters())
    calls: list[tuple[str, Any]] = []

    def watch(path: str, module: Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        def watching(*inputs: Any) -> Any:
            before = len(calls)
            output = forward(*inputs)
            innermost = len(calls) == before
            if isinstance(output, Tensor) or innermost:
                calls.append((layer_path(path, module), output))
            return output

        return watching

    with untouched(model, weights):
        if deep and isinstance(model, Module):
            with watched(model, watch):
                outputs = respond(model, X)
        else:
            outputs = respond(model, X)
        total = loss(outputs, y)
        found: dict[Node, Any] = {}
        operations: frozenset[str] = frozenset()
        after: frozenset[tuple[str, tuple[int, ...]]] = frozenset()
        if isinstance(total, Node) and not total.constant:
            order = topological_order(total)
            operations = frozenset(node.op for node in order)
            if deep:
                own = set(topological_order(*_nodes(outputs)))
                added = (node for node in order if node.parents and node not in own)
                after = frozenset((node.op, np.shape(node._data)) for node in added)
            found = gradients({total: total._seed(None)})
        numbers = total.data if isinstance(total, Node) else total
        rows = _rows(calls, outputs, found, X, model) if deep else []
    return Look(
        float(np.mean(numbers)),
        plain(outputs).copy(),
        [found.get(p) for p in parameters],
        [np.size(p._data) for p in parameters],
        rows,
        _last(outputs),
        operations,
        after,
    )


def _rows(
    calls: list[tuple[str, Any]], outputs: Any, found: dict[Node, Any], X: Array, model: Any
) -> list[Row]:
    if isinstance(first_numbers(model), Value):
        return _rows_of_values(calls, outputs, found, len(X))
    return _rows_of_tensors(calls, outputs, found)


def _rows_of_tensors(
    calls: list[tuple[str, Any]], outputs: Any, found: dict[Node, Any]
) -> list[Row]:
    """A row for each layer and for each activation, in the order of the graph."""
    owners: dict[Node, str] = {}
    for path, output in calls:
        if isinstance(output, Node):
            owners.setdefault(output, path)
    if isinstance(outputs, Node):
        owners.setdefault(outputs, "")
    rows: dict[Node, Row] = {}
    for node in topological_order(*owners):
        activation = node.op if node.op in ACTIVATIONS else ""
        if not node.parents or node.op == "reshape" or not (activation or node in owners):
            continue
        path = owners.get(node, "")
        if activation and node.parents[0] in rows:
            path = rows[node.parents[0]].path  # an activation belongs to the layer before it
        slopes = found.get(node)
        slopes = np.zeros_like(node._data) if slopes is None else slopes
        rows[node] = Row(path, by_unit(node._data), by_unit(slopes), activation)
    return list(rows.values())


def by_unit(numbers: Array) -> Array:
    """(samples, units); of images, a channel is the unit, and each place a sample."""
    if numbers.ndim < 2:
        return numbers.reshape(-1, 1)
    if numbers.ndim == 4:
        numbers = np.moveaxis(numbers, 1, -1)
    return numbers.reshape(-1, numbers.shape[-1])


def _rows_of_values(
    calls: list[tuple[str, Any]], outputs: Any, found: dict[Node, Any], samples: int
) -> list[Row]:
    """Calls came sample by sample; neurons called one by one make up a layer together."""
    layers: dict[str, list[Value]] = {}
    for path, output in calls or [("", outputs)]:
        layers.setdefault(path, []).extend(_nodes(output))
    rows = []
    for path, values in layers.items():
        if not values or len(values) % samples:
            continue
        shape = (samples, len(values) // samples)
        data = np.array([value._data for value in values]).reshape(shape)
        slopes = np.array([found.get(value, 0.0) for value in values]).reshape(shape)
        kinds = {value.op for value in values}
        only = kinds.pop() if len(kinds) == 1 else ""
        if only in ACTIVATIONS and all(value.parents for value in values):
            before = [value.parents[0] for value in values]
            sums = np.array([value._data for value in before]).reshape(shape)
            ways = np.array([found.get(value, 0.0) for value in before]).reshape(shape)
            rows.append(Row(path, sums, ways))
        rows.append(Row(path, data, slopes, only if only in ACTIVATIONS else ""))
    return rows


def _nodes(outputs: Any) -> list[Any]:
    parts = outputs if isinstance(outputs, list | tuple) else [outputs]
    flat = [x for part in parts for x in (part if isinstance(part, list | tuple) else [part])]
    return [x for x in flat if isinstance(x, Node)]


def _last(outputs: Any) -> str:
    """The operation that made the outputs, past those that only rearrange them."""
    node = outputs
    while isinstance(node, list | tuple) and node:
        node = node[0]
    while isinstance(node, Node) and node.op in _PASSED_ON and node.parents:
        node = node.parents[0]
    return node.op if isinstance(node, Node) else ""
