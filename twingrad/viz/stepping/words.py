"""Words: what is said at each step, in sentences that a reader can check against the picture.

Why this node, and why now? Because it has heard from everything that was computed from it: so
each sentence names those.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from twingrad.engine.node import Node

from ..formulas import formulas
from ..formulas.escape import one_line
from ..outline.names import Names
from ..outline.outline import Item
from .reading import NOTHING, Reading, read
from .trace import Trace
from .view import View

LONGEST_NAME = 40
MOST_NAMES = 5
MOST_OPERATIONS = 3


class Words:
    """The names and formulas of what a view shows, and sentences about it.

    `within` is the path of the module that the view unfolds: names in it leave that out.
    """

    def __init__(self, view: View, names: Names, within: str = "") -> None:
        self._view, self._names, self._within = view, names, within
        self._slopes: dict[int, tuple[float | None, ...]] = {}
        self._boxes: list[str] = []
        known: Counter[str] = Counter()
        for box, item in enumerate(view.items):
            node = view.node(box)
            name = self.folded(item) if node is None else self.name(view.trace.nodes[node])
            known[name] += 1
            again = node is None and known[name] > 1
            self._boxes.append(f"{name} #{known[name]}" if again else name)

    # Names and formulas

    def name(self, node: Node) -> str:
        """A node's name on one line."""
        return self.shortened(self._names[node])

    def shortened(self, name: str) -> str:
        """A name without what the view stands in; the end of a long one tells it from its like."""
        name = one_line(name)
        if self._within and name.startswith(self._within) and name != self._within:
            name = name.removeprefix(self._within).lstrip(".")
        return name if len(name) <= LONGEST_NAME else "…" + name[1 - LONGEST_NAME :]

    def of(self, box: int) -> str:
        """A box's name: its node's, or what it is folded from."""
        return self._boxes[box]

    def operation(self, box: int) -> str:
        """The one operation in a box; "" where there are several, or none."""
        operations = self._operations(self._view.items[box])
        return operations[0] if len(operations) == 1 else ""

    def _operations(self, item: Item) -> list[str]:
        nodes = (self._trace.nodes[i] for i in item.nodes)
        return list(map(one_line, dict.fromkeys(node.op for node in nodes if node.parents)))

    def folded(self, item: Item) -> str:
        """What several nodes in one box are called: `model.layers[0]`, or `losses[…] ×100`."""
        times = f" ×{item.count:,}" if item.count > 1 else ""
        if item.name:
            return self.shortened(item.name) + times
        operations, last = self._operations(item), self._trace.nodes[max(item.nodes)]
        if item.kind == "chain" and self._names.is_known(last):
            return f"chain to {self.name(last)}"
        if not operations:
            constant = self._trace.nodes[item.nodes[0]].constant
            return ("constants" if constant else "leaves") + times
        more = " …" if len(operations) > MOST_OPERATIONS else ""
        chain = "chain of " if item.kind == "chain" else ""
        return chain + " ".join(operations[:MOST_OPERATIONS]) + more + times

    def result(self, node: int) -> str:
        """How a node was computed, such as `a · b`; "" for a leaf."""
        of = self._trace.nodes[node]
        return formulas.result(of, self.name).text if of.parents else ""

    def slope(self, consumer: int, position: int) -> str:
        """The formula of a local derivative, `∂d/∂a = b`; of a Tensor, of what is passed on."""
        node = self._trace.nodes[consumer]
        formula = formulas.slope(node, position, self.name).text
        if node.holds is not float:
            return formula
        return f"{derivative(self.name(node), self.name(node.parents[position]))} = {formula}"

    def slope_read(self, consumer: int, position: int) -> Reading:
        """The number of a local derivative; nothing of a Tensor, whose slopes are many."""
        node = self._trace.nodes[consumer]
        if node.holds is not float:
            return NOTHING
        if consumer not in self._slopes:
            self._slopes[consumer] = formulas.slopes_of(node)
        slope = self._slopes[consumer][position]
        return NOTHING if slope is None else read(slope)

    @property
    def _trace(self) -> Trace:
        return self._view.trace

    # Sentences

    def forward(self, box: int, value: Reading) -> str:
        """What a box's turn in the forward pass gives."""
        node, name = self._view.node(box), self._quoted(box)
        if node is None:
            nodes = [self._trace.nodes[i] for i in self._view.items[box].nodes]
            computed = "computed" if any(node.parents for node in nodes) else "given"
            return f"{name} is {computed}: {len(nodes):,} nodes."
        of = self._trace.nodes[node]
        single, shape = value.exact is not None, np.shape(of._data)
        if of.parents:
            equals = f" = {value.text}" if single else f", of shape {shape}"
            return f"{name} is computed: {self.of(box)} = {self.result(node)}{equals}."
        given = "a constant" if of.constant else "given"
        return f"{name} is {given}{f': {value.text}' if single else f', of shape {shape}'}."

    def backward(self, box: int, arrived: Reading) -> str:
        """Why a box may go now, what has arrived, and to what it passes that on."""
        view, name, root = self._view, self._quoted(box), len(self._view.items) - 1
        symbol = derivative(self.of(root), self.of(box))
        if box == root:
            starts = "with the gradient given"
            if arrived.exact == "1.0":
                starts = f"{derivative(self._top, self._top)} = 1"
            return f"{name} is where it starts: {starts}. {self._onwards(box, arrived)}"
        if view.node(box) is None:
            what = "the gradients that arrive here are complete"
        elif arrived.exact is None:
            shape = np.shape(self._trace.gradients[view.items[box].nodes[0]])
            what = f"{symbol}, of shape {shape}, is complete"
        else:
            what = f"{symbol} = {arrived.text} is complete"
        return f"{name} has heard from {self._heard(box)}, so {what}. {self._onwards(box, arrived)}"

    @property
    def _top(self) -> str:
        return self.name(self._trace.nodes[-1])

    def _quoted(self, box: int) -> str:
        """The name within a sentence, in quotation marks where it is itself more than a word."""
        name = self.of(box)
        return f"“{name}”" if set(name) & set(" ,;") else name

    def _heard(self, box: int) -> str:
        """ "both its consumers, e and f"."""
        view = self._view
        times = Counter(view.links[link].target for link in view.out_of[box] if view.shares[link])
        consumers = [
            self._quoted(consumer) + (f", which uses it {_times(count)}" if count > 1 else "")
            for consumer, count in times.items()
        ]
        if len(consumers) == 1:
            return f"its only consumer, {consumers[0]}"
        some = "both" if len(consumers) == 2 else f"all {len(consumers)} of"
        return f"{some} its consumers, {listed(consumers)}"

    def _onwards(self, box: int, arrived: Reading) -> str:
        view = self._view
        times = Counter(view.links[link].source for link in view.into[box] if view.shares[link])
        if not times:
            leaves = not any(self._trace.operands[i] for i in view.items[box].nodes)
            if view.node(box) is None:
                return "They are leaves, and keep them." if leaves else "It all stays inside."
            return "It is a leaf, and keeps it." if leaves else "It passes nothing on."
        operands = [
            self._quoted(operand) + (f", {_times(count)}" if count > 1 else "")
            for operand, count in times.items()
        ]
        if arrived.exact is not None and float(arrived.exact) == 0.0:
            return f"It is zero, and so is what it passes on to {listed(operands)}."
        if arrived.exact is not None and np.isnan(float(arrived.exact)):
            return f"It is not a number, and nor is what it passes on to {listed(operands)}."
        return f"It passes its share on to {listed(operands)}."


def derivative(of: str, by: str) -> str:
    """`∂L/∂a`, with brackets where a name is more than a name."""
    return f"∂{_bracketed(of)}/∂{_bracketed(by)}"


def _bracketed(name: str) -> str:
    return f"({name})" if not name or set(name) & set(" +-*/") else name


def listed(names: Sequence[str]) -> str:
    """ "a, b and c"; of many, the first few and how many more."""
    if len(names) > MOST_NAMES + 1:
        names = [*names[:MOST_NAMES], f"{len(names) - MOST_NAMES} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"
