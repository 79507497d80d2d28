"""Naming: what is on the way from a result to one of its nodes, in names and derivatives.

A weight deep in a model has a long name; it is said once in full, and then by its end.
"""

from twingrad.engine.node import Node

from .blocks import Words, say
from .escape import one_line
from .formulas import Formula, result, slope
from .names import Names
from .notation import PRODUCT, Written, of_name
from .paths import Factor, Share, Ways
from .wording import equal

LONG = 16
"""Characters of a name above which it is said once, and then only its last part."""


class Naming:
    """The words for the nodes of an explanation."""

    def __init__(self, ways: Ways, names: Names) -> None:
        self._ways, self._names = ways, names
        whole, short = names[ways.wrt], names.short(ways.wrt)
        taken = any(names[node] == short for node in ways.order)
        self._alias = whole if taken or len(whole) < LONG else short

    def name(self, node: Node) -> str:
        """What a node is called, on one line; the one in question briefly."""
        return one_line(self._alias if node is self._ways.wrt else self._names[node])

    def called(self, node: Node) -> Written:
        """What a node is called, to be set."""
        return of_name(self.name(node))

    def introduced(self) -> Words:
        """The node in question by its whole name, and how it is called from here on."""
        whole, alias = self._names[self._ways.wrt], self.called(self._ways.wrt)
        if whole == self._alias:
            return say("{}", alias)
        return say("{} (here {})", of_name(one_line(whole)), alias)

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
