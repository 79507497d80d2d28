"""Words: what is said at each step, in sentences that a reader can check against the picture.

Why this node, and why now? Because it has heard from everything that was computed from it: so
each sentence names those.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from .. import formulas
from ..escape import one_line
from ..names import Names
from .reading import NOTHING, Reading, read
from .trace import Trace
from .view import View

LONGEST_NAME = 40
MOST_NAMES = 5


class Words:
    """The names and formulas of a trace's nodes, and sentences about them."""

    def __init__(self, trace: Trace, names: Names) -> None:
        self._trace, self._names = trace, names
        self._slopes: dict[int, tuple[float | None, ...]] = {}

    # Names and formulas

    def name(self, node: int) -> str:
        """A node's name on one line."""
        return shortened(one_line(self._names[self._trace.nodes[node]]))

    def of(self, view: View, box: int) -> str:
        """A box's name: its node's, or what it is folded from."""
        node = view.node(box)
        return folded_name(view.items[box]) if node is None else self.name(node)

    def _quoted(self, view: View, box: int) -> str:
        """The name within a sentence, in quotation marks where it is itself more than a word."""
        name = self.of(view, box)
        return f"“{name}”" if set(name) & set(" ,;") and view.node(box) is not None else name

    def result(self, node: int) -> str:
        """How a node was computed, such as `a · b`; "" for a leaf."""
        of = self._trace.nodes[node]
        return formulas.result(of, self._names.__getitem__).text if of.parents else ""

    def slope(self, consumer: int, position: int) -> str:
        """The formula of a local derivative, `∂d/∂a = b`; of a Tensor, of what is passed on."""
        node = self._trace.nodes[consumer]
        formula = formulas.slope(node, position, self._names.__getitem__).text
        if node.holds is not float:
            return formula
        operand = self.name(self._trace.operands[consumer][position])
        return f"{derivative(self.name(consumer), operand)} = {formula}"

    def slope_read(self, consumer: int, position: int) -> Reading:
        """The number of a local derivative; nothing of a Tensor, whose slopes are many."""
        node = self._trace.nodes[consumer]
        if node.holds is not float:
            return NOTHING
        if consumer not in self._slopes:
            self._slopes[consumer] = formulas.slopes_of(node)
        slope = self._slopes[consumer][position]
        return NOTHING if slope is None else read(slope)

    # Sentences

    def forward(self, view: View, box: int, value: Reading) -> str:
        """What a box's turn in the forward pass gives."""
        node, name, quoted = view.node(box), self.of(view, box), self._quoted(view, box)
        if node is None:
            return f"{name} is computed: {value.text}."
        of = self._trace.nodes[node]
        single = value.exact is not None
        if of.parents:
            equals = f" = {value.text}" if single else f", of shape {of._data.shape}"
            return f"{quoted} is computed: {name} = {self.result(node)}{equals}."
        given = "a constant" if of.constant else "given"
        return f"{quoted} is {given}" + (
            f": {value.text}." if single else f", of shape {of._data.shape}."
        )

    def backward(self, view: View, box: int, arrived: Reading) -> str:
        """Why a box may go now, what has arrived, and to what it passes that on."""
        name, quoted = self.of(view, box), self._quoted(view, box)
        root = len(view.items) - 1
        top = self.of(view, root)
        symbol = derivative(top, name)
        if box == root and view.node(box) is not None:
            starts = f"{symbol} = 1" if arrived.exact == "1.0" else "with the gradient given"
            sentences = [f"{quoted} is where it starts: {starts}."]
        elif box == root:
            sentences = [f"{quoted} is where it starts."]
        else:
            heard = self._heard(view, box)
            what = f"{symbol} = {arrived.text} is complete"
            if view.node(box) is None:
                what = "the gradients that arrive here are complete"
            elif arrived.exact is None:
                shape = np.shape(self._trace.gradients[view.items[box].nodes[0]])
                what = f"{symbol}, of shape {shape}, is complete"
            sentences = [f"{quoted} has heard from {heard}, so {what}."]
        sentences.append(self._onwards(view, box, arrived))
        return " ".join(filter(None, sentences))

    def _heard(self, view: View, box: int) -> str:
        """ "both its consumers, e and f"."""
        links = [link for link in view.out_of[box] if view.shares(link)]
        times = Counter(view.links[link].target for link in links)
        consumers = [
            self._quoted(view, consumer) + (f", which uses it {_times(count)}" if count > 1 else "")
            for consumer, count in times.items()
        ]
        if len(consumers) == 1:
            return f"its only consumer, {consumers[0]}"
        some = "both" if len(consumers) == 2 else f"all {len(consumers)} of"
        return f"{some} its consumers, {listed(consumers)}"

    def _onwards(self, view: View, box: int, arrived: Reading) -> str:
        links = [link for link in view.into[box] if view.shares(link)]
        if not links:
            node = view.node(box)
            leaf = node is not None and not self._trace.nodes[node].parents
            return "It is a leaf, and keeps it." if leaf else "It passes nothing on."
        times = Counter(view.links[link].source for link in links)
        to = listed(
            [
                self._quoted(view, operand) + (f", {_times(count)}" if count > 1 else "")
                for operand, count in times.items()
            ]
        )
        if arrived.exact is not None and float(arrived.exact) == 0.0:
            return f"It is zero, and so is what it passes on to {to}."
        if arrived.exact is not None and np.isnan(float(arrived.exact)):
            return f"It is not a number, and nor is what it passes on to {to}."
        return f"It passes its share on to {to}."


def derivative(of: str, by: str) -> str:
    """`∂L/∂a`, with brackets where a name is more than a name."""
    return f"∂{_bracketed(of)}/∂{_bracketed(by)}"


def _bracketed(name: str) -> str:
    return name if name and not set(name) & set(" +-*/") else f"({name})"


def folded_name(item: object) -> str:
    """What a box of several nodes is called: `model.layers[0]`, or `(+) × 100`."""
    name = shortened(one_line(getattr(item, "name", ""))) or "the graph"
    count = getattr(item, "count", 1)
    return f"{name} ×{count}" if count > 1 else name


def shortened(name: str) -> str:
    """A name for a sentence: the end of a long one, which tells it from its like."""
    return name if len(name) <= LONGEST_NAME else "…" + name[1 - LONGEST_NAME :]


def listed(names: Sequence[str]) -> str:
    """ "a, b and c"; of many, the first few and how many more."""
    if len(names) > MOST_NAMES + 1:
        names = [*names[:MOST_NAMES], f"{len(names) - MOST_NAMES} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"
