"""What each layer of a model answers to data, seen while the model runs.

A layer and the activation after it are one row here, as they are in texts: whether the activation
is a layer too, a function, or part of the layer.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import Node, ShapeError, Tensor, Value
from ...engine.sweep import enable_grad, topological_order
from ...nn.module import Module
from ...nn.parts import layer_name, layer_path
from ...nn.predict import dtype_of, first_numbers
from ...nn.watch import unchanged, watched

Array = npt.NDArray[Any]

ACTIVATIONS = ("tanh", "sigmoid", "relu", "leaky_relu", "gelu", "gelu_tanh", "softplus", "sin")


@dataclass
class Response:
    """A layer's outputs, (samples, units), and the name of the activation they come from, or ""."""

    name: str
    outputs: Array
    activation: str


def responses(model: Any, X: Any) -> list[Response]:
    """The response of each layer to samples, in evaluation mode; the model is left as it was.

    Of outputs (samples, channels, height, width) a channel is the unit.
    """
    if not isinstance(model, Module):
        raise TypeError(f"the layers of a model are seen in an nn.Module, not in {model!r}")
    numbers = first_numbers(model)
    samples = _checked(X, np.dtype(float) if numbers is None else dtype_of(numbers))
    of = _of_values if isinstance(numbers, Value) else _of_tensors
    with unchanged(model), enable_grad():
        found = of(model, samples)
    if not found:
        raise ValueError(f"{model!r} gave no output that remembers how it was computed")
    return found


def _checked(X: Any, dtype: Any) -> Array:
    samples = np.asarray(X.data if isinstance(X, Tensor) else X)
    if samples.dtype.kind not in "biuf":
        raise TypeError(f"X must hold numbers, but its dtype is {samples.dtype}")
    if samples.ndim < 2 or not samples.size:
        raise ShapeError(f"X needs a row for each sample, but has shape {samples.shape}")
    if not np.isfinite(samples).all():
        raise ValueError("X holds NaN or infinite numbers; remove them first")
    return samples.astype(dtype)


def _of_tensors(model: Module, X: Array) -> list[Response]:
    """Read from the graph, in its order."""
    owners: dict[Node, tuple[str, Module]] = {}

    def watch(path: str, module: Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        def watching(*inputs: Any) -> Any:
            output = forward(*inputs)
            if isinstance(output, Node):
                owners.setdefault(output, (path, module))  # what a container passes on is not its
            return output

        return watching

    x = Tensor(X)  # no constant, so that frozen layers are remembered too
    with watched(model, watch):
        output = model(x)
    if isinstance(output, Node):
        owners.setdefault(output, ("", model))
    owners.pop(x, None)
    order = topological_order(*owners)
    uses = Counter(parent for node in order for parent in node.parents)
    rows: dict[Node, Response] = {}
    for node in order:
        name = layer_name(*owners[node]) if node in owners else ""
        source = rows.get(node.parents[0]) if node.parents else None
        if node.op in ACTIVATIONS and source is not None and not source.activation:
            name = f"{source.name} → {node.op}"
            if uses[node.parents[0]] == 1:
                del rows[node.parents[0]]
        elif node not in owners or node.op == "reshape":
            continue
        activation = node.op if node.op in ACTIVATIONS else ""
        rows[node] = Response(name, _by_unit(node.data), activation)
    return list(rows.values())


def _by_unit(outputs: Array) -> Array:
    if outputs.ndim < 2:
        return outputs.reshape(-1, 1)
    if outputs.ndim == 4:
        outputs = np.moveaxis(outputs, 1, -1)
    return outputs.reshape(-1, outputs.shape[-1])


def _of_values(model: Module, X: Array) -> list[Response]:
    """Sample by sample; neurons that are called one by one make up a layer together."""
    units: dict[str, list[Any]] = {}
    calls = 0

    def watch(path: str, module: Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        def watching(*inputs: Any) -> Any:
            nonlocal calls
            before = calls
            output = forward(*inputs)
            if calls == before:  # nothing inside it was called
                units.setdefault(layer_path(path, module), []).extend(_values(output))
            calls += 1
            return output

        return watching

    numbers: dict[str, list[list[float]]] = {}
    operations: dict[str, set[str]] = {}
    with watched(model, watch):
        for row in X.tolist():
            units.clear()
            output = model([Value(number) for number in row])
            for path, values in (units or {"": _values(output)}).items():
                numbers.setdefault(path, []).append([value.data for value in values])
                operations.setdefault(path, set()).update(value.op for value in values)
    modules = dict(model.named_modules())
    found = []
    for path, rows in numbers.items():
        only = operations[path].pop() if len(operations[path]) == 1 else ""
        activation = only if only in ACTIVATIONS else ""
        name = layer_name(path, modules[path]) if path in modules else path.lstrip(".")
        if rows[0] and len({len(row) for row in rows}) == 1:
            after = f" → {activation}" if activation else ""
            found.append(Response(name + after, np.array(rows), activation))
    return found


def _values(output: Any) -> list[Any]:
    outputs = output if isinstance(output, list | tuple) else [output]
    return [value for value in outputs if isinstance(value, Value)]
