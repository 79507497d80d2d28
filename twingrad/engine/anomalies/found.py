"""What is known of an anomaly: the operation, its operands' numbers, and what came of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..symbols import operation_name

Origin = Literal["leaf", "within", "before"]


@dataclass(frozen=True, eq=False)
class Operand:
    """What to call an operand, its numbers, and where they come from.

    It was computed within `detect_anomaly`, or before, or not at all; a leaf may have `changed`.
    """

    name: str
    numbers: Any
    origin: Origin = "leaf"
    changed: str = ""


@dataclass(frozen=True)
class Found:
    """An anomaly: the operation, its operands' numbers, and what came of them.

    `result` is what the operation gave, or the gradient that it passed to the operand at
    `position`; `arrived` is then the gradient that had arrived. `part_of` is the operation whose
    gradient this one computes, where that is a graph itself.
    """

    phase: str
    rule: Any
    static: Mapping[str, Any]
    operands: Sequence[Operand]
    result: Any
    position: int = 0
    arrived: Any = None
    part_of: str = ""

    @property
    def name(self) -> str:
        """The operation as it is shown: "log"."""
        return "" if self.rule is None else operation_name(self.rule)

    @property
    def numbers(self) -> list[Any]:
        """The operands as arrays."""
        return [np.asarray(operand.numbers) for operand in self.operands]

    def operand(self, position: int) -> str:
        """What to call an operand in a sentence."""
        name = self.operands[position].name
        return "its operand" if name == "operand" else name


def kind_of(x: Any) -> str:
    """nan, inf or -inf, whichever of them is in it, nan first."""
    array = np.asarray(x)
    if np.isnan(array).any():
        return "nan"
    return "inf" if (array == np.inf).any() else "-inf"


def largest(numbers: Sequence[Any]) -> float:
    """The largest magnitude in any of them."""
    with np.errstate(all="ignore"):
        return float(max(np.nanmax(np.abs(x), initial=0.0) for x in numbers))
