"""A graph folds: into what, and what no way of folding may break.

Random programs use modules in every way that the author could think of: in a row, in turn,
recurrently, shared, one inside another, and their parameters without the module.
"""

import re
from collections.abc import Iterable
from graphlib import TopologicalSorter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twingrad as tg
from twingrad import Tensor, Value, nn
from twingrad.engine.node import Node
from twingrad.engine.sweep import topological_order
from twingrad.viz.outline.cuts import Shown, cut
from twingrad.viz.outline.names import Names
from twingrad.viz.outline.outline import Item, outline

Edges = list[tuple[int, int]]


class Gate(nn.Module):
    """A module of Values that holds a module, and a parameter that it uses twice."""

    def __init__(self) -> None:
        self.inner = nn.Neuron(2, rng=1)
        self.scale = Value(0.5)

    def forward(self, x: list[Value]) -> Any:
        return self.inner(x) * self.scale + self.scale


def tree_of(root: Node, scope: dict[str, Any], modules: bool = True) -> tuple[Item, Edges]:
    nodes = topological_order(root)
    number = {node: i for i, node in enumerate(nodes)}
    edges = [(number[p], i) for i, node in enumerate(nodes) for p in node.parents]
    return outline(nodes, Names(nodes, scope), modules), edges


def is_acyclic(items: Iterable[Item], edges: Edges) -> bool:
    """Asked of the standard library."""
    box = {i: number for number, item in enumerate(items) for i in item.nodes}
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for i, j in edges:
        if box[i] != box[j]:
            sorter.add(box[j], box[i])
    try:
        sorter.prepare()
    except ValueError:
        return False
    return True


def names(items: Iterable[Item]) -> list[str]:
    return [item.name for item in items]


# --- Every graph, however it is folded ------------------------------------------------------------


@st.composite
def programs(draw: st.DrawFn) -> tuple[Node, dict[str, Any]]:
    """A graph, and the variables of the program that built it."""
    scope: dict[str, Any] = {
        "a": nn.MLP(2, [2, 2], rng=0),
        "b": nn.MLP(2, [3, 1], rng=1),
        "gate": Gate(),
        "cells": [nn.Neuron(2, rng=k) for k in range(4)],
        "pair": {"one": nn.Layer(2, 2, rng=2), "two": nn.Layer(2, 2, rng=3)},
        "x": [Value(0.1), Value(0.2), Value(0.3)],
    }
    callables = [
        *(scope["a"], scope["b"], scope["gate"]),
        *scope["cells"],
        *scope["pair"].values(),
        *(scope["a"].layers[0], scope["b"].layers[1].neurons[0]),
    ]
    parameters = [*scope["a"].parameters(), scope["gate"].scale, *scope["cells"][0].w]
    made: list[Any] = [*scope["x"]]
    some = st.integers(0, 1000)

    def any_made() -> Any:
        # Mostly what was made last, so that graphs are deep.
        back = min(draw(some) % 4 if draw(st.booleans()) else draw(some), len(made) - 1)
        return made[-1 - back]

    for _ in range(draw(st.integers(1, 14))):
        match draw(
            st.sampled_from(
                ["module", "module", "binary", "unary", "decay", "sum", "again", "ring"]
            )
        ):
            case "module":
                module = callables[draw(some) % len(callables)]
                width = 3 if module is scope["b"].layers[1].neurons[0] else 2
                out = module([any_made() for _ in range(width)])
                made += out if isinstance(out, list) else [out]
            case "binary":
                made.append(any_made() * any_made() + draw(st.sampled_from([0.5, any_made()])))
            case "unary":
                made.append(draw(st.sampled_from([tg.tanh, tg.relu, tg.exp]))(any_made()))
            case "decay":
                made.append(tg.sum([p * p for p in parameters[: draw(st.integers(1, 20))]]))
            case "sum":
                made.append(sum([any_made() for _ in range(draw(st.integers(2, 6)))], 0.0))
            case "ring":  # each cell hears its neighbour, so that none comes before another
                states = [any_made() for _ in scope["cells"]]
                for _ in range(draw(st.integers(1, 2))):
                    heard = [*states[1:], states[0]]
                    each = zip(scope["cells"], states, heard, strict=True)
                    states = [cell([h, other]) for cell, h, other in each]
                made += states
            case "again":
                turn = [scope["cells"][k] for k in (0, 1, 2)]
                h = any_made()
                for cell in turn * draw(st.integers(1, 2)):
                    h = cell([h, any_made()])
                made.append(h)
    last = made[-4:]
    return tg.sum(last) if len(last) > 1 else last[0], scope


@settings(max_examples=150)
@given(programs(), st.booleans(), st.data())
def test_whatever_is_opened_every_node_is_shown_once_and_nothing_turns_in_a_circle(
    program: tuple[Node, dict[str, Any]], modules: bool, data: st.DataObject
) -> None:
    root, edges = tree_of(*program, modules)
    everything = sorted(root.nodes)
    shown = [Shown(root)]
    while True:
        items = [one.item for one in shown]
        assert sorted(i for item in items for i in item.nodes) == everything
        assert is_acyclic(items, edges)
        folded = [k for k, item in enumerate(items) if item.parts]
        if not folded:
            break
        chosen = {folded[0], *data.draw(st.sets(st.sampled_from(folded)))}
        shown = [
            part for k, one in enumerate(shown) for part in (one.opened() if k in chosen else [one])
        ]
    assert all(len(item.nodes) == 1 and item.kind == "node" for item in items)


@given(programs(), st.integers(1, 60), st.one_of(st.none(), st.integers(0, 3)), st.booleans())
@settings(max_examples=60)
def test_a_cut_keeps_to_its_budget_shows_all_and_opens_what_is_alike_together(
    program: tuple[Node, dict[str, Any]], most: int, depth: int | None, crowded: bool
) -> None:
    root, edges = tree_of(*program)
    shown = cut(root, most, depth, edges if crowded else ())
    items = [one.item for one in shown]
    assert sorted(i for item in items for i in item.nodes) == sorted(root.nodes)
    assert is_acyclic(items, edges)
    assert [item.first for item in items] == sorted(item.first for item in items)
    # What stands outermost cannot be folded any more.
    assert len(shown) <= max(most, len(root.parts))
    if depth is not None:
        assert all(len(one.within) <= depth for one in shown)
    alike: dict[tuple[int, str], set[bool]] = {}
    for one in shown:
        for level, module in enumerate(one.within):
            alike.setdefault((level, general(module.name)), set()).add(True)
        if one.item.kind == "module" and one.item.parts:
            alike.setdefault((len(one.within), general(one.item.name)), set()).add(False)
    assert all(len(opened) == 1 for opened in alike.values())


def general(name: str) -> str:
    return re.sub(r"\d+", "#", name)


@given(programs(), st.booleans())
@settings(max_examples=60)
def test_what_is_folded_as_the_same_was_computed_in_the_same_way(
    program: tuple[Node, dict[str, Any]], modules: bool
) -> None:
    """The same operations on the same operations, down to the leaves."""
    root, _ = tree_of(*program, modules)
    nodes = topological_order(program[0])
    known: dict[Any, int] = {}
    form: dict[Node, int] = {}
    for node in nodes:
        own = (node.op, *[form[p] for p in node.parents]) if node.parents else node.constant
        form[node] = known.setdefault(own, len(known))
    for item in root.walk():
        if item.kind == "repeat":
            assert len(item.parts) == item.count >= 3
            members = [sorted(form[nodes[i]] for i in part.nodes) for part in item.parts]
            assert all(member == members[0] for member in members)
            assert len({part.kind for part in item.parts}) == 1


# --- By example -----------------------------------------------------------------------------------


def moons(count: int, width: int) -> tuple[Node, dict[str, Any]]:
    """micrograd's loss: a hinge for each of so many points, and a penalty on the weights."""
    model = nn.MLP(2, [width, width, 1], rng=0)
    scores = [model([0.1 * k, -0.2 * k]) for k in range(count)]
    losses = [(1.0 - (-1.0) ** k * score).relu() for k, score in enumerate(scores)]
    total = sum(losses, 0.0) / count + 1e-4 * sum((p * p for p in model.parameters()), 0.0)
    return total, {"model": model}


def test_a_hundred_losses_are_one_box_each_step_of_them() -> None:
    root, _ = tree_of(*moons(100, 4))
    counts = [item.count for item in root.parts if item.kind == "repeat"]
    assert set(counts) == {100, 200}
    assert sum(item.kind == "chain" for item in root.parts) == 2
    assert len(root.parts) <= 12


def test_neurons_of_a_layer_are_one_box_with_their_layer_around() -> None:
    root, edges = tree_of(*moons(1, 16))
    shown = cut(root, 100, None, edges)
    boxes = {one.item.name: (one.item.count, [m.name for m in one.within]) for one in shown}
    assert boxes["model.layers[0].neurons[…]"] == (16, ["model", "model.layers[0]"])
    assert boxes["model.layers[1].neurons[…]"] == (16, ["model", "model.layers[1]"])
    # Not opened, for the others are not.
    assert boxes["model.layers[2].neurons[0]"] == (1, ["model", "model.layers[2]"])


@pytest.mark.parametrize(
    ("depth", "names_shown"), [(0, ["m"]), (1, ["m.layers[0]", "m.layers[1]"])]
)
def test_depth_is_how_many_levels_are_open(depth: int, names_shown: list[str]) -> None:
    model = nn.MLP(2, [3, 2], rng=0)
    root, _ = tree_of(tg.sum(model([1.0, 2.0])), {"m": model})
    shown = [one.item for one in cut(root, 1000, depth)]
    assert sorted(item.name for item in shown if item.kind == "module") == names_shown


def test_a_module_used_in_a_loop_is_one_box() -> None:
    cell = nn.Layer(3, 2, rng=0)
    state: Any = [Value(0.0), Value(0.0)]
    for step in range(5):
        state = cell([0.1 * step, *state])
    root, edges = tree_of(tg.sum(state), {"cell": cell})
    assert "cell" in names(root.parts)
    assert is_acyclic(root.parts, edges)


def test_modules_in_turn_are_opened_and_the_others_stay() -> None:
    a, b, head = nn.Neuron(1, rng=0), nn.Neuron(1, rng=1), nn.MLP(1, [4, 1], rng=2)
    x: Any = Value(1.0)
    for _ in range(3):
        x = b([a([x])])
    root, edges = tree_of(head([x]), {"a": a, "b": b, "head": head})
    assert [item.name for item in root.parts if item.kind == "module"] == ["head"]
    assert is_acyclic(root.parts, edges)


def test_neighbours_that_hear_each_other_fold_step_by_step() -> None:
    cells = [nn.Neuron(2, rng=k) for k in range(8)]
    states: Any = [Value(0.1 * k) for k in range(8)]
    for _ in range(3):
        heard = [*states[1:], states[0]]
        each = zip(cells, states, heard, strict=True)
        states = [cell([h, other]) for cell, h, other in each]
    root, edges = tree_of(tg.sum(states), {"cells": cells})
    assert len(cut(root, 20, None, edges)) <= 20


def test_a_long_line_of_operations_is_a_chain() -> None:
    x = y = Value(0.5)
    for _ in range(50):
        y = (y + 1.0).tanh()
    root, _ = tree_of(y, {"x": x}, modules=False)
    kinds = sorted((item.kind, len(item.nodes)) for item in root.parts)
    assert kinds == [("chain", 150), ("node", 1)]


def test_a_loop_too_long_to_read_stays_in_its_module() -> None:
    cell = nn.Layer(5, 4, rng=0)
    state: Any = [Value(0.0) for _ in range(4)]
    for step in range(30):
        state = cell([0.1 * step, *state])
    root, edges = tree_of(tg.sum(state), {"cell": cell})
    assert "cell" in [one.item.name for one in cut(root, 100, None, edges)]


def test_what_has_names_apart_is_not_called_the_same() -> None:
    first, second, third = Value(1.0), Value(2.0), Value(3.0)
    root, _ = tree_of(
        tg.sum([tg.exp(x) for x in (first, second, third)]),
        {"first": first, "second": second, "third": third},
    )
    assert all(item.kind == "node" or not item.name for item in root.parts)


def test_tensors_of_other_shapes_are_not_the_same() -> None:
    parts = [Tensor(range(n)) for n in (2, 3, 4)]
    root, _ = tree_of(tg.sum([tg.exp(x).sum() for x in parts]), {"parts": parts})
    assert all(item.kind == "node" for item in root.parts)


def test_a_deep_graph_does_not_recurse() -> None:
    x = Value(0.5)
    for k in range(20_000):
        x = x * (1.0 + k % 7) if k % 2 else x.tanh()
    root, _ = tree_of(x, {})
    assert len(cut(root, 100)) <= 100
