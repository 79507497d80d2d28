"""Names: what every node of a graph is called, so that words and pictures can speak of it.

The user's own words come first: a label, a variable, the way to a parameter. Only what has none
of these gets a name of ours.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from twingrad.engine.node import Node
from twingrad.nn.containers import Sequential

from .scope import Found, nodes_in


class Names:
    """A name for each node: `names[node]`.

    A node goes by its label; else by the variable that holds it, or the way there, such as
    `model.layers[0].neurons[3].w[1]`; a constant by its number; anything else by v1, v2 … in the
    order of the nodes. Two nodes never share a name, but for constants.

    >>> from twingrad import Value
    >>> from twingrad.viz.outline.names import Names
    >>> a, b = Value(2.0), Value(-3.0)
    >>> loss = (a * b + 10.0) ** 2
    >>> names = Names([a, b, loss], {"a": a, "b": b, "x": loss})
    >>> names[a], names[b], names[loss]
    ('a', 'b', 'x')
    """

    def __init__(self, nodes: Sequence[Node], scope: Mapping[str, Any]) -> None:
        present = set(nodes)
        self.places: dict[Node, Found] = {
            node: place for node, place in nodes_in(scope).items() if node in present
        }
        given = {node: self.given(node) for node in nodes}
        taken = Counter(name for name in given.values() if name)
        self._kinds: dict[str, str] = {}
        for place in self.places.values():
            for owner in () if place.owner is None else place.owner.chain:
                self._kinds[owner.path] = type(owner.thing).__name__
                if isinstance(owner.thing, Sequential):  # some of its layers have no parameters
                    for index, layer in enumerate(owner.thing):
                        name = getattr(layer, "__name__", type(layer).__name__)
                        self._kinds.setdefault(f"{owner.path}[{index}]", name)
        self._names: dict[Node, str] = {}
        self._known: set[Node] = set()
        used: Counter[str] = Counter()
        number = 0
        for node in nodes:
            name = given[node]
            if name:
                self._known.add(node)
                used[name] += 1
                if used[name] > 1:
                    while f"{name}#{used[name]}" in taken:  # somebody may be called so
                        used[name] += 1
                    name = f"{name}#{used[name]}"
                self._names[node] = name
            elif node.constant and not node.parents and node.holds is float:
                self._names[node] = f"{node._data:.4g}"
            else:
                number += 1
                while f"v{number}" in taken:
                    number += 1
                self._names[node] = f"v{number}"

    def __getitem__(self, node: Node) -> str:
        return self._names[node]

    def is_known(self, node: Node) -> bool:
        """Whether the name is the user's own, and not one made up here."""
        return node in self._known

    def short(self, node: Node) -> str:
        """The last part of a name, for where the way to it is shown already: `w[1]`."""
        place = self.places.get(node)
        if place is None or place.owner is None or self._names[node] != place.path:
            return self._names[node]
        return place.path.removeprefix(place.owner.path).lstrip(".")

    def kind(self, path: str) -> str:
        """The class of the module at a path; "" where that says it already, as `layers[0]` does."""
        kind = self._kinds.get(path, "")
        return "" if kind.lower() in path.rpartition(".")[2].lower() else kind

    def given(self, node: Node) -> str:
        """What the user calls a node, which may be the name of others too; "" for nothing."""
        label, place = node.label.strip(), self.places.get(node)
        if place is None or (label and not _says_less(label, place)):
            return label
        return place.path


def _says_less(label: str, place: Found) -> bool:
    """Whether a label is only the end of the path, as every neuron's "w0" is."""
    if place.owner is None:
        return False
    end = place.path.removeprefix(place.owner.path)
    return label == end.translate(str.maketrans("", "", ".[]'"))
