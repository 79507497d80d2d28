"""The operations of an array program: each runs a rule of the engine, on arrays, forth and back.

No derivative is written here. What is put together, rows of products and their sums, is put
together of rules.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import array_rules, rules
from ..errors import GraphError
from .cells import Block, Cells, Operand, single, summed_to


class Step:
    """One operation on arrays: the rule, its operands, and the block that takes the result."""

    def __init__(
        self,
        rule: Callable[..., Any],
        static: dict[str, Any],
        operands: Sequence[Operand],
        block: Block,
        constant: bool,
    ) -> None:
        self.rule, self.static, self.block, self.constant = rule, static, block, constant
        self.operands = tuple(operands)
        self.wanted = tuple((i, x) for i, x in enumerate(self.operands) if x.wanted)
        self.pullback: Any = None
        self.is_product = False
        self._to_number = not block.shape and any(x.shape for x in self.operands)

    def forward(self) -> None:
        """Compute the result."""
        numbers = [operand.get() for operand in self.operands]
        data, self.pullback = self.rule(*numbers, **self.static)
        self.block.put(data)

    def backward(self) -> None:
        """Pass the gradient of the result on to the operands."""
        grad = self.block.gathered_grad()
        if grad is not None:
            self._pass_on(grad)

    def _pass_on(self, grad: Any) -> None:
        if self._to_number:  # what rules for arrays call a number
            grad = np.float64(grad)
        passed = self.pullback(grad)
        for i, operand in self.wanted:
            if passed[i] is not None:
                operand.add(passed[i])


class Repeated(Step):
    """An operation that was written many times on the same operands: done once, its result held
    by many."""

    def forward(self) -> None:
        """Compute the result once, and repeat it."""
        numbers = [operand.get() for operand in self.operands]
        data, self.pullback = self.rule(*numbers, **self.static)
        self._once = np.shape(data)
        self.block.put(np.broadcast_to(data, self.block.shape))

    def backward(self) -> None:
        """Pass on the sum of all gradients."""
        grad = self.block.gathered_grad()
        if grad is not None:
            self._pass_on(summed_to(grad, self._once) if self._once else single(grad))


def row_products(x: Any, y: Any, bias: Any) -> Any:
    """The products of equal rows of x and y, summed along each, and a bias."""
    products, back_through_products = rules.mul(x, y)
    sums, back_through_sums = array_rules.sum(products, axis=-1)

    def pullback(grad: Any) -> Any:
        return *back_through_products(*back_through_sums(grad)), grad

    return sums + bias, pullback


class Call(NamedTuple):
    """One operation of a loop: the place of its result, its rule, the places of its operands."""

    output: int
    rule: Callable[..., Any]
    static: dict[str, Any]
    operands: list[int]
    wanted: list[bool]


class Loop:
    """Operations one after the other, on plain numbers: a chain, where there is nothing to group,
    or a rule that does not take arrays.
    """

    is_product = False

    def __init__(self, cells: Cells, calls: Sequence[Call], block: Block) -> None:
        self.cells, self.calls, self.block = cells, calls, block
        outputs = [call.output for call in calls]
        known = set(outputs)
        outside = sorted({i for call in calls for i in call.operands if i not in known})
        self.outside = np.array(outside, np.intp)
        at = {place: i for i, place in enumerate([*outside, *outputs])}
        used = {i for call in calls for i in call.operands}
        self.within = [call.output in used for call in calls]
        self.places = [[at[i] for i in call.operands] for call in calls]
        self.pullbacks: list[Any] = []
        self.constant = all(not any(call.wanted) for call in calls)
        self.operands: tuple[Operand, ...] = ()

    def forward(self) -> None:
        """Compute one number after the other."""
        numbers: list[float] = self.cells.data[self.outside].tolist()
        self.pullbacks = []
        for call, places in zip(self.calls, self.places, strict=True):
            number, pullback = call.rule(*[numbers[i] for i in places], **call.static)
            numbers.append(float(number))
            self.pullbacks.append(pullback)
        self.block.put(np.array(numbers[len(self.outside) :]))

    def backward(self) -> None:
        """Pass the gradients on, in the opposite order."""
        count = len(self.outside)
        came: list[Any] = [None] * count + self.block.gathered_grad().tolist()
        for i in range(len(self.calls) - 1, -1, -1):
            call, grad = self.calls[i], came[count + i]
            if grad == 0.0 and self.within[i]:
                continue  # nothing came: what is used in the loop need not be elsewhere
            passed = self.pullbacks[i](grad)
            if type(passed) is not tuple or len(passed) != len(call.wanted):
                raise GraphError(
                    f"the pullback of {call.rule.__name__!r} returned {passed!r} for "
                    f"{len(call.wanted)} operands; it must return a tuple of one gradient for each"
                )
            for j, wanted, part in zip(self.places[i], call.wanted, passed, strict=True):
                if wanted and part is not None:
                    came[j] = part if came[j] is None else came[j] + part
        np.add.at(self.cells.grad, self.outside, [0.0 if x is None else x for x in came[:count]])
