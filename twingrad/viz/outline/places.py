"""Places: which module each node of a graph belongs to, seen from the graph itself.

The engine writes down no modules, which would cost every step of every training; but parameters
are found in their modules, and from there it follows whose the operations around them are.
"""

from collections.abc import Sequence
from typing import Any

from twingrad.engine import list_rules
from twingrad.engine.node import Node
from twingrad.engine.sweep import topological_order
from twingrad.engine.value import Value
from twingrad.nn.containers import Residual, Sequential
from twingrad.nn.neuron import Neuron
from twingrad.nn.normalization import BatchNorm1d, LayerNorm

from .names import Names
from .scope import Owner

Place = tuple[str, ...]
"""The way down to a module, the outermost first: ("model", "model.layers[0]")."""

NOWHERE: Place = ()


def places_of(nodes: Sequence[Node], names: Names) -> list[Place]:
    """The place of each node, the innermost module being the last of its names.

    A parameter is where it was found. An operation on parameters is theirs; the activation of a
    Neuron is the Neuron's; what lies between operations of one module is that module's too, and
    in a Sequential that of the layer whose turn it is. A nameless number with one consumer
    stands beside that, unless it is an input, which comes from outside.
    """
    number = {node: i for i, node in enumerate(nodes)}
    things: dict[str, Any] = {}
    places: list[Place] = []
    after_weights: dict[int, int] = {}
    # Of a neuron taken apart: products with its weights, and their sums, before b comes in.
    products: set[int] = set()
    for i, node in enumerate(nodes):
        if not node.parents:
            places.append(_of_leaf(names, node, things))
            continue
        theirs = [places[number[p]] for p in node.parents if not p.parents]
        owned = [place for place in theirs if place]
        place = _common(owned) if owned else NOWHERE
        below = [number[p] for p in node.parents]
        in_one = len({places[j] for j in below}) == 1
        if node.op == "+" and in_one and products.issuperset(below):
            place, after_weights[i] = places[below[0]], 0
            products.add(i)
        elif not place:
            literal = all(
                p.constant and not names.is_known(p) for p in node.parents if not p.parents
            )
            computed = [j for j in below if nodes[j].parents]
            in_neuron = computed and isinstance(_thing(things, places[computed[0]]), Neuron)
            if not theirs or (literal and in_neuron):
                place, after_weights[i] = _of_activation(
                    computed, places, nodes, things, after_weights
                )
        elif isinstance(_thing(things, place), Neuron):
            is_product = node.op == "*" and len(owned) == 1
            if is_product or node._rule is list_rules.dot or not products.isdisjoint(below):
                after_weights[i] = 0
            if is_product:
                products.add(i)
        places.append(place)
    operands = [[number[p] for p in node.parents] for node in nodes]
    _fill_between(operands, places)
    _name_layers(nodes, operands, places, things)
    consumers = _consumers(operands)
    for i in range(len(nodes) - 1, -1, -1):
        after = list({places[j] for j in consumers[i]})
        if len(after) == 1 and _prepares(nodes[i].op, places[i], after[0], things):
            places[i] = after[0]
    for i, node in enumerate(nodes):
        if not node.parents and not names.is_known(node) and len(consumers[i]) == 1:
            consumer = nodes[consumers[i][0]]
            goes_on = any(parent.parents for parent in consumer.parents)
            if goes_on and consumer._rule is not list_rules.dot:
                places[i] = places[consumers[i][0]]
    return places


def _prepares(op: str, place: Place, after: Place, things: dict[str, Any]) -> bool:
    """Whether an operation is what a normalization does before its weights come in."""
    thing = _thing(things, after)
    return (
        isinstance(thing, BatchNorm1d | LayerNorm)
        and op in (("standardize",) if thing.training else ("standardize", "-", "/"))
        and place == after[: len(place)]
    )


def _thing(things: dict[str, Any], place: Place) -> Any:
    return things.get(place[-1]) if place else None


def _of_leaf(names: Names, node: Node, things: dict[str, Any]) -> Place:
    found = names.places.get(node)
    chain: tuple[Owner, ...] = () if found is None or found.owner is None else found.owner.chain
    things.update((owner.path, owner.thing) for owner in chain)
    return tuple(owner.path for owner in chain)


def _common(places: Sequence[Place]) -> Place:
    """The innermost place that all of them are in."""
    shared = places[0]
    for place in places[1:]:
        while place[: len(shared)] != shared:
            shared = shared[:-1]
    return shared


def _of_activation(
    operands: Sequence[int],
    places: Sequence[Place],
    nodes: Sequence[Node],
    things: dict[str, Any],
    after_weights: dict[int, int],
) -> tuple[Place, int]:
    """The place of an operation all of whose operands were computed in one module of Values."""
    place = places[operands[0]]
    if (
        not place
        or any(places[i] != place for i in operands)
        or nodes[operands[0]].holds is not float
    ):
        return NOWHERE, 0
    thing = things[place[-1]]
    if not isinstance(thing, Neuron):
        return place, 0
    steps = [after_weights[i] + 1 for i in operands if i in after_weights]
    if len(steps) < len(operands) or max(steps) > _operations_of(thing):
        return NOWHERE, 0
    return place, max(steps)


def _operations_of(neuron: Neuron) -> int:
    """How many operations the activation of a neuron takes one after the other, by trying."""
    if not neuron.nonlin:
        return 0
    if isinstance(neuron.activation, str):
        return 1
    tried = neuron._activate(Value(0.5))
    steps: dict[Node, int] = {}
    for node in topological_order(tried):
        steps[node] = max([steps[p] + 1 for p in node.parents], default=0)
    return steps[tried]


def _consumers(operands: Sequence[Sequence[int]]) -> list[list[int]]:
    consumers: list[list[int]] = [[] for _ in operands]
    for i, below in enumerate(operands):
        for j in dict.fromkeys(below):
            consumers[j].append(i)
    return consumers


def _fill_between(operands: Sequence[Sequence[int]], places: list[Place]) -> None:
    """Give what lies between operations of one module, and is nobody's, to the innermost such."""
    modules = sorted(
        {
            p[:n]
            for p, o in zip(places, operands, strict=True)
            if o
            for n in range(1, len(p) + 1)
            if n < len(p) or n == 1
        },
        key=len,
    )
    bit = {place: 1 << i for i, place in enumerate(modules)}
    own = [
        sum(bit.get(place[:depth], 0) for depth in range(1, len(place) + 1)) if operands[i] else 0
        for i, place in enumerate(places)
    ]
    below, above = list(own), list(own)
    for i, operands_of_it in enumerate(operands):
        for j in operands_of_it:
            below[i] |= below[j]
    for i in range(len(operands) - 1, -1, -1):
        for j in operands[i]:
            above[j] |= above[i]
    for i, place in enumerate(places):
        around = below[i] & above[i]
        if operands[i] and not place and around:
            places[i] = modules[around.bit_length() - 1]


def _name_layers(
    nodes: Sequence[Node],
    operands: Sequence[Sequence[int]],
    places: list[Place],
    things: dict[str, Any],
) -> None:
    """Give operations of a Sequential to those of its layers that have no parameters."""
    position: dict[int, tuple[Place, int]] = {}
    for i, below in enumerate(operands):
        place = places[i] = _of_residual(nodes[i].op, places[i], below, places, things) or places[i]
        if below and len(place) > 1 and _layers(things, place[:-1]):
            inside = place[-1].removeprefix(place[-2] + "[").partition("]")[0]
            position[i] = place[:-1], int(inside)
            continue
        came = {position[j] for j in below if j in position}
        if len(came) != 1:
            continue
        container, last = came.pop()
        if place != container[: len(place)]:
            continue
        layers = _layers(things, container)
        for index in range(last + 1, len(layers)):
            if _is_made_by(nodes[i].op, layers[index]):
                places[i] = (*container, f"{container[-1]}[{index}]")
                position[i] = container, index
                break


def _of_residual(
    op: str, own: Place, below: Sequence[int], places: Sequence[Place], things: dict[str, Any]
) -> Place | None:
    """The place of a Residual, for the sum that joins what went around it to what went through."""
    if op == "+":
        for place in (places[j] for j in below):
            for depth in range(len(place) - 1, 0, -1):
                if isinstance(things.get(place[depth - 1]), Residual):
                    return None if own[:depth] == place[:depth] != own else place[:depth]
    return None


def _layers(things: dict[str, Any], place: Place) -> list[Any]:
    """The layers of a Sequential, or none of anything else."""
    thing = things.get(place[-1])
    return thing.layers if isinstance(thing, Sequential) else []


_MADE_BY = {
    "Flatten": "reshape",
    "GELU": "gelu_tanh",
    "BatchNorm1d": "standardize",
    "LayerNorm": "standardize",
}


def _is_made_by(op: str, layer: Any) -> bool:
    name = getattr(layer, "__name__", type(layer).__name__)
    return op.replace("_", "") == name.lower() or op == _MADE_BY.get(name)
