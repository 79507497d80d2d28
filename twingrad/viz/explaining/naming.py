"""Naming: the words for the nodes of a graph, as short as they can be and still be told apart.

A weight deep in a model has a long name, and a line of formulas has room for few of those; so
`mlp.layers[0].neurons[3].w[1]` becomes `mlp[0][3].w[1]`, and that is said.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from twingrad.engine.node import Node

from ..formulas.escape import one_line
from ..formulas.formulas import Formula, result, slope
from ..formulas.notation import PRODUCT, Written, of_name
from ..outline.names import Names
from .blocks import Words, say
from .paths import Factor, Share, Ways
from .wording import equal

LONG = 16
"""Characters of a name above which it is shortened, if it is a way through a model."""


def shortened(name: str) -> str:
    """A long way to a parameter without the words that its numbers imply.

    >>> from twingrad.viz.explaining.naming import shortened
    >>> shortened("mlp.layers[0].neurons[3].w[1]"), shortened("model[0].weight")
    ('mlp[0][3].w[1]', 'model[0].weight')
    """
    if len(name) < LONG or not re.fullmatch(r"[\w.\[\]]+", name):
        return name
    way, dot, last = name.rpartition(".")
    return re.sub(r"\.\w+(?=\[)", "", way) + dot + last


def short_names(nodes: Sequence[Node], names: Names) -> dict[Node, str]:
    """A name for each node on one line, shortened where that takes no other's name."""
    whole = {node: one_line(names[node]) for node in nodes}
    short = {node: shortened(name) for node, name in whole.items()}
    taken = Counter(short.values())
    return {node: name if taken[name] == 1 else whole[node] for node, name in short.items()}


def legend(names: Names, short: Mapping[Node, str]) -> str:
    """What a shortened name stands for, by one example; nothing if none is shortened."""
    for node, name in short.items():
        whole = one_line(names[node])
        if whole != name:
            return f" {name} is short for {whole}."
    return ""


class Naming:
    """The words for the nodes of an explanation."""

    def __init__(self, ways: Ways, names: Names) -> None:
        self._ways, self._names = ways, names
        self._short = short_names([*ways.order, ways.wrt], names)

    def name(self, node: Node) -> str:
        """What a node is called, on one line."""
        return self._short[node]

    def called(self, node: Node) -> Written:
        """What a node is called, to be set."""
        return of_name(self.name(node))

    def introduced(self) -> Words:
        """The node in question by its whole name, and how it is called from here on."""
        whole, short = one_line(self._names[self._ways.wrt]), self.called(self._ways.wrt)
        if whole == short.text:
            return say("{}", short)
        return say("{} (here {})", of_name(whole), short)

    def derivative(self, of: Node, by: Node) -> Written:
        """∂of/∂by."""
        above, below = self.called(of), self.called(by)
        text = f"∂{above.at_least(PRODUCT).text}/∂{below.at_least(PRODUCT).text}"
        return Written(text, rf"\frac{{\partial {above.latex}}}{{\partial {below.latex}}}")

    @property
    def whole(self) -> Written:
        """The gradient in question."""
        return self.derivative(self._ways.root, self._ways.wrt)

    def made(self, node: Node) -> Written:
        """How a node was computed: d = a·b."""
        return equal(self.called(node), result(node, self.name))

    def slope(self, factor: Factor | Share) -> Formula:
        """The formula of a factor."""
        node = factor.node if isinstance(factor, Factor) else factor.consumer
        return slope(node, factor.position, self.name)
