"""summary: a model as a table, with what each layer gives, learns and holds for its backward pass.

The numbers are not computed from formulas: the model runs once, and its graph is measured.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import Node, ShapeError, Tensor
from .module import Module
from .parts import own_parameters
from .predict import dtype_of, first_numbers, mode
from .settings import whole
from .snapshot import Snapshot
from .watch import watched

Array = npt.NDArray[Any]


@dataclass
class Row:
    """A layer of the model: its path, what it prints as, and what was measured of it."""

    path: str
    layer: str
    depth: int
    shape: tuple[Any, ...] = ()
    parameters: int = 0
    kept: int = 0


@dataclass
class Summary:
    """A model as a table; `print` it. `rows` has an entry for each layer, as they were called.

    `parameters` counts the numbers that are learned, `frozen` those that are not; `kept` are the
    bytes that a training step holds for its backward pass, besides parameters and input.
    """

    model: str
    input_shape: tuple[int, ...]
    parameters: int
    frozen: int
    rows: list[Row] = field(default_factory=list)

    @property
    def kept(self) -> int:
        """The bytes that all layers hold for the backward pass."""
        return sum(row.kept for row in self.rows)

    def __repr__(self) -> str:
        titles = ("layer", "output shape", "parameters", "bytes for backward")
        cells = [
            (
                "  " * row.depth + f"{row.path} {row.layer}".strip(),
                str(row.shape),
                f"{row.parameters:,}" if row.parameters else "",
                f"{row.kept:,}" if row.kept else "",
            )
            for row in self.rows
        ]
        total = (f"input {self.input_shape}", "", f"{self.parameters:,}", f"{self.kept:,}")
        widths = [max(map(len, column)) for column in zip(titles, *cells, total, strict=True)]

        def line(row: tuple[str, ...]) -> str:
            left = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
            right = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
            return "  ".join(left + right).rstrip()

        rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
        frozen = [f"and {self.frozen:,} numbers that are not learned"] if self.frozen else []
        lines = [line(titles), rule, *map(line, cells), rule, line(total), *frozen]
        return "\n".join([self.model, *lines])


def summary(model: Module, input_shape: tuple[int, ...]) -> Summary:
    """Run a model once on zeros of a shape, as in training, and measure its layers.

    input_shape: what the model is called with, the batch included: (128, 784). The model, its
    running statistics and its randomness are left as they were.

    Raises `TypeError` for a model of Values (`mlp.to_tensor()` has the same layers),
    `ShapeError` where the shape does not fit the model.

    >>> from twingrad import nn
    >>> model = nn.Sequential(nn.Linear(784, 64, rng=0), nn.ReLU(), nn.Linear(64, 10, rng=1))
    >>> nn.summary(model, (128, 784))
    Sequential
    layer                output shape  parameters  bytes for backward
    ─────────────────────────────────────────────────────────────────
    [0] Linear(784, 64)  (128, 64)         50,240              32,768
    [1] ReLU()           (128, 64)                             32,768
    [2] Linear(64, 10)   (128, 10)            650               5,120
    ─────────────────────────────────────────────────────────────────
    input (128, 784)                       50,890              70,656
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary takes a Module, not {model!r}")
    numbers = first_numbers(model)
    if numbers is not None and not isinstance(numbers, Tensor):
        raise TypeError(
            "summary is for models of Tensors, whose layers have shapes, and this is one of "
            "Values; mlp.to_tensor() has the same layers"
        )
    lengths = _lengths(input_shape)
    x = np.zeros(lengths, np.float32 if numbers is None else dtype_of(numbers))
    learned = model.parameters()
    leaves = list({id(leaf): leaf for _, leaf in model.named_numbers()}.values())
    arrays = [leaf._data if isinstance(leaf, Node) else leaf for leaf in leaves]
    count = sum(np.size(p._data) for p in learned)
    found = Summary(
        type(model).__name__, x.shape, count, sum(array.size for array in arrays) - count
    )
    meter = _Meter([x, *arrays])
    counted: set[Any] = set()

    depths = _depths(model)

    def measuring(path: str, module: Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*inputs: Any) -> Any:
            row = Row(path, _name(module), depths[path])
            found.rows.append(row)
            own = own_parameters(module)
            row.parameters = sum(np.size(p._data) for p in own if p not in counted)
            counted.update(own)
            output = forward(*inputs)
            row.shape, row.kept = _shape(output), meter.new_bytes(output)
            return output

        return measured

    before = Snapshot.of(model)
    try:
        with watched(model, measuring), mode(model, training=True):
            output = model(x)
    except ShapeError as error:
        error.add_note(f"summary ran the model on zeros of {x.shape}, the first axis the batch")
        raise
    finally:
        before.restore(model)
    kept = meter.new_bytes(output)  # what the model does and learns outside of its layers
    own = sum(p.size for p in learned if p not in counted)
    if kept or own or not depths:
        found.rows.append(Row("", _name(model), 0, _shape(output), own, kept))
    return found


def _lengths(input_shape: Any) -> tuple[int, ...]:
    given = (input_shape,) if isinstance(input_shape, int | np.integer) else input_shape
    try:
        return tuple(whole("input_shape", n) for n in given)
    except (TypeError, ValueError):
        raise ValueError(
            "input_shape is the shape that the model is called with, whole numbers from 0 on such "
            f"as (32, 784), not {input_shape!r}"
        ) from None


def _shape(output: Any) -> tuple[Any, ...]:
    """The shape of an output, or those of several."""
    if isinstance(output, tuple | list | dict):
        return tuple(_shape(part) for part in _several(output))
    return np.shape(output._data if isinstance(output, Node) else output)


def _several(output: Any) -> list[Any]:
    """An output, or several, as a list."""
    if isinstance(output, dict):
        return list(output.values())
    return list(output) if isinstance(output, tuple | list) else [output]


def _depths(model: Module) -> dict[str, int]:
    """The path of every module below, with its depth."""
    inside = [path for path, module in model.named_modules() if module is not model]
    return {
        path: sum(path.startswith((f"{other}.", f"{other}[")) for other in inside)
        for path in inside
    }


def _name(module: Module) -> str:
    """A layer as it prints; a container by its name alone, for its parts have their own lines."""
    return repr(module) if len(list(module.modules())) == 1 else type(module).__name__


class _Meter:
    """Counts the memory that a graph holds, each array once."""

    def __init__(self, not_counted: list[Array]) -> None:
        self._arrays = {id(_owner(array)) for array in not_counted}
        self._nodes: set[Node] = set()
        self._alive: list[Any] = []  # so that no identity is used twice

    def new_bytes(self, output: Any) -> int:
        """The bytes held below a node that were not counted before."""
        total, waiting = 0, _several(output)
        while waiting:
            node = waiting.pop()
            if isinstance(node, Node) and node not in self._nodes:
                self._nodes.add(node)
                waiting += node.parents
                for array in _arrays(node._data, node._static, node._pullback):
                    owner = _owner(array)
                    if id(owner) not in self._arrays:
                        self._arrays.add(id(owner))
                        self._alive.append(owner)
                        total += owner.nbytes
        return total


def _arrays(*held: Any) -> Iterator[Array]:
    """The arrays in values, in what they contain, and in what a function closed over."""
    waiting, seen = list(held), set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:  # a function may close over itself
            continue
        seen.add(id(value))
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, list | tuple):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
        elif callable(value):
            waiting += [cell.cell_contents for cell in getattr(value, "__closure__", None) or ()]


def _owner(array: Array) -> Array:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
