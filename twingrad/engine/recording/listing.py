"""The array program in words: what `print(recording)` shows, in NumPy's notation.

Matrices of leaves are called W1, W2 …, biases b1 …, other leaves p1 …; results of products z1 …,
of anything else h1 …, arrays of literals C1 ….
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import array_rules, layer_rules, list_rules, rules
from ..symbols import operation_name
from .cells import Block, Fixed, Gather, Operand, Single, Whole
from .program import Program
from .steps import Loop, Repeated, Step, row_products

_INFIX = {rules.add, rules.sub, rules.mul, rules.divide, rules.power, array_rules.matmul}
_NUMPY: dict[Any, str] = {
    rules.absolute: "np.abs({0})",
    rules.identity: "{0}",
    rules.neg: "-{0}",
    rules.relu: "np.maximum({0}, 0)",
    rules.sigmoid: "1 / (1 + np.exp(-{0}))",
    rules.softplus: "np.log1p(np.exp({0}))",
    rules.maximum: "np.maximum({0}, {1})",
    rules.minimum: "np.minimum({0}, {1})",
    layer_rules.linear: "{0} @ {1} + {2}",
    row_products: "({0} * {1}).sum(axis=1) + {2}",
}
for _rule in (rules.exp, rules.log, rules.sqrt, rules.sin, rules.cos, rules.tanh):
    _NUMPY[_rule] = f"np.{_rule.__name__}({{0}})"


MOST_LINES = 200
"""So many operations are printed; of more, the first and the last."""


def counted(number: int, what: str) -> str:
    """A number of things: "no gathers", "1 gather", "2 gathers"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}" if number else f"no {what}s"


class Region(NamedTuple):
    """Cells that have a name and a shape: an input, the result of an operation."""

    name: str
    start: int
    shape: tuple[int, ...]


class Listing:
    """Names for all that an array program works on, and its lines."""

    def __init__(
        self, program: Program, inputs: Sequence[tuple[str, tuple[int, ...]]], root: Operand
    ) -> None:
        self.program = program
        self._inputs: list[Region] = []
        start = 0
        for name, shape in inputs:
            self._inputs.append(Region(name, start, shape))
            start += int(np.prod(shape))
        self._counts: dict[str, int] = {}
        self._named: dict[Any, str] = {}
        self._labels = [leaf.label for leaf in program.held]
        self._taken = {"loss", *self._labels, *[name for name, _ in inputs]}
        self.matrices: list[str] = []
        self.lines: list[tuple[str, str]] = []
        last = root.block if isinstance(root, Whole) else None
        for step in program.steps:
            self._name_result(step.block, "z" if step.is_product else "h", step.block is last)
            if isinstance(step, Loop):
                text = f"… {len(step.calls):,} operations, one after the other"
            else:
                text = self._expression(step)
                if isinstance(step, Repeated):  # written several times, and done once
                    text = f"np.broadcast_to({text}, {step.block.shape})"
                text = f"{step.block.name} = {text}"
            self.lines.append((text, str(step.block.shape) if step.block.shape else "a number"))

    def text(self, title: str, leaves: int, guards: str) -> str:
        """All of it: what was recorded, what it works on, and the lines of the program."""
        width = min(max((len(text) for text, _ in self.lines), default=0), 60)
        head = [
            title,
            f"inputs  {', '.join(f'{name} {shape}' for name, _, shape in self._inputs) or 'none'}",
            f"leaves  {leaves:,}" + (f", as {', '.join(self.matrices)}" if self.matrices else ""),
            f"guards  {guards}",
        ]
        lines = [f"{text:{width}}  # {shape}" for text, shape in self.lines]
        if len(lines) > MOST_LINES:
            half = MOST_LINES // 2
            lines[half:-half] = [f"… {len(lines) - MOST_LINES:,} operations more …"]
        return "\n".join([*head, "", *lines])

    def _name_result(self, block: Block, letter: str, last: bool) -> None:
        block.name = "loss" if last else self._new(letter)

    def _new(self, letter: str) -> str:
        while True:
            self._counts[letter] = self._counts.get(letter, 0) + 1
            name = f"{letter}{self._counts[letter]}"
            if name not in self._taken:
                return name

    def _expression(self, step: Step) -> str:
        products = (array_rules.matmul, layer_rules.linear)
        letters = "pWb" if step.rule in products else "p" * len(step.operands)
        names = [self._name(x, letter) for x, letter in zip(step.operands, letters, strict=False)]
        if step.rule is rules.power and names[0].startswith("-"):
            names[0] = f"({names[0]})"
        if step.rule in _INFIX:
            return f" {operation_name(step.rule)} ".join(names)
        if step.rule in _NUMPY:
            return _NUMPY[step.rule].format(*names)
        if step.rule is array_rules.sum:
            return f"{names[0]}.sum({'axis=1' if step.block.shape else ''})"
        if step.rule is list_rules.dot:
            return _sum_of_products(names)
        if step.rule is list_rules.total:
            return " + ".join(names)
        static = [f"{k}={v!r}" for k, v in step.static.items() if k != "needs"]
        return f"{operation_name(step.rule)}({', '.join([*names, *static])})"

    def _name(self, operand: Operand, letter: str) -> str:
        if isinstance(operand, Fixed):
            if not operand.shape:
                short = f"{operand.data:.6g}"
                return short if float(short) == operand.data else repr(operand.data)
            key: Any = operand.data.tobytes(), operand.shape
            return self._once(key, "C", operand.shape)
        if isinstance(operand, Whole):
            return operand.name
        places = self.program.places
        if isinstance(operand, Gather):
            used = sorted(
                {self._region(place).name for place in operand.places.ravel()[:999].tolist()}
            )
            joined = used[0] if len(used) == 1 else f"np.concatenate([{', '.join(used)}])"
            return f"{joined}[{self._new('i')}]"
        start = operand.place if isinstance(operand, Single) else operand.start
        if places.inputs.stop <= start < places.frozen.stop:
            if isinstance(operand, Single):
                label: str = self.program.held[start - places.leaves.start].label
                free = label != "loss" and self._labels.count(label) == 1
                return (label if free else "") or self._once(start, "p", ())
            return self._once((start, operand.shape, operand.steps), letter, operand.shape)
        region = self._region(start)
        if isinstance(operand, Single):
            return region.name + _index(region, start, (), ())
        return region.name + _index(region, start, operand.shape, operand.steps)

    def _once(self, key: Any, letter: str, shape: tuple[int, ...]) -> str:
        if key not in self._named:
            self._named[key] = self._new(letter)
            if letter in "Wbp":
                self.matrices.append(f"{self._named[key]} {shape}" if shape else self._named[key])
        return self._named[key]

    def _region(self, place: int) -> Region:
        """What holds a cell."""
        places = self.program.places
        for region in self._inputs:
            if region.start <= place < region.start + int(np.prod(region.shape)):
                return region
        block = places.block_at(place)
        if block is not None:
            return Region(block.name, block.start, block.shape)
        kind = "leaves" if place < places.frozen.stop else "literals"
        return Region(kind, place, (1,))


def _index(region: Region, start: int, shape: tuple[int, ...], steps: tuple[int, ...]) -> str:
    """How a part of an array is written: "[:, 0]", "[:, None]", or nothing for the whole."""
    if not region.shape:
        return ""
    cells = region.start + np.arange(int(np.prod(region.shape))).reshape(region.shape)
    part = start + sum(
        (step * np.arange(n)).reshape([n if axis == i else 1 for i in range(len(shape))])
        for axis, (n, step) in enumerate(zip(shape, steps, strict=True))
    )
    at = [int(i[0]) for i in np.nonzero(cells == start)]
    ways: dict[str, Any] = {"": cells, ".T": cells.T}
    if cells.ndim == 1:
        ways |= {"[:, None]": cells[:, None], "[None, :]": cells[None, :], f"[{at[0]}]": start}
    elif cells.ndim == 2:
        row, column = at
        ways |= {f"[:, {column}]": cells[:, column], f"[:, {column}, None]": cells[:, [column]]}
        ways |= {f"[{row}]": cells[row], f"[{row}, :, None]": cells[row][:, None]}
        ways |= {f"[{row}, {column}]": start}
    return next((way for way, taken in ways.items() if np.array_equal(taken, part)), "[…]")


def _sum_of_products(names: Sequence[str]) -> str:
    half = len(names) // 2
    pairs = zip(names[:half], names[half : 2 * half], strict=True)
    terms = [y if x == "1" else x if y == "1" else f"{x} * {y}" for x, y in pairs]
    return " + ".join(terms if names[-1] == "0" else [*terms, names[-1]])
