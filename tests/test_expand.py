"""Fused operations taken apart: what was there stays, and what comes between is right.

The gradients of inserted nodes are held against differences: nudge the number of that node, and
run the rest of the graph again by its rules.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twingrad as tg
from twingrad import Tensor, Value, nn
from twingrad.engine.node import Node
from twingrad.engine.sweep import topological_order
from twingrad.viz.drawing.expand import PARTS, expanded

NUMBERS = st.floats(-2.0, 2.0)


def no_name(node: Node) -> str:
    return ""


def number(node: Node) -> Any:
    return np.asarray(node._data, dtype=float)


def slope(root: Node, by: Node, step: float = 1e-6) -> Any:
    """The gradient of a single number by one node of its graph, by central differences."""

    def again(change: Any) -> float:
        data = {}
        for node in topological_order(root):
            if node is by:
                data[node] = node._data + change
            elif node.parents:
                assert node._rule is not None
                data[node] = node._rule(*[data[p] for p in node.parents], **node._static)[0]
            else:
                data[node] = node._data
        return float(np.asarray(data[root]))

    shape = number(by).shape
    found = np.zeros(shape)
    for index in np.ndindex(*shape):
        change = np.zeros(shape)
        change[index] = step
        change = change if shape else float(change)
        found[index] = (again(change) - again(-change)) / (2.0 * step)
    return found


def neuron_of(numbers: list[float]) -> Value:
    half = len(numbers) // 2
    neuron = nn.Neuron(half, rng=0)
    for weight, x in zip(neuron.w, numbers[half:], strict=False):
        weight.data = x
    neuron.b.data = 0.25
    result: Value = neuron([Value(x) for x in numbers[:half]])
    return result


PROGRAMS: dict[str, Any] = {
    "neuron": lambda x: neuron_of(x),
    "sum": lambda x: tg.sum([Value(u) for u in x]) ** 2.0,
    "dot": lambda x: tg.dot([Value(u) for u in x], [Value(u + 0.5) for u in x]).tanh(),
    "dot with itself": lambda x: tg.dot(v := [Value(u) for u in x], v),
    "logsumexp": lambda x: tg.logsumexp([Value(u) for u in x]) * 0.5,
    "softmax": lambda x: tg.sum(
        [p * (k + 1.0) for k, p in enumerate(tg.softmax([Value(u) for u in x]))]
    ),
    "cross entropy": lambda x: nn.cross_entropy([[Value(u) for u in x]], [1]),
    "mlp": lambda x: (nn.MLP(len(x), [3, 2, 1], rng=1)([Value(u) for u in x]) - 1.0) ** 2.0,
    "linear": lambda x: (
        nn.Linear(len(x), 3, rng=0, dtype=np.float64)(Tensor([x, x[::-1]])).tanh() ** 2.0
    ).sum(),
}


@pytest.mark.parametrize("name", PROGRAMS)
@settings(max_examples=20)
@given(numbers=st.lists(NUMBERS, min_size=4, max_size=8).filter(lambda x: len(x) % 2 == 0))
def test_every_number_and_gradient_of_the_graph_is_kept(name: str, numbers: list[float]) -> None:
    root = PROGRAMS[name](numbers)
    root.backward()
    before = topological_order(root)
    kept = [(node, node._data, node._grad, node.label, node.parents) for node in before]
    apart = expanded(root, lambda node: f"n{before.index(node)}")
    # The graph itself is as it was.
    for node, data, grad, label, parents in kept:
        assert node._data is data and node._grad is grad
        assert (node.label, node.parents) == (label, parents)
    again = {node.label: node for node in topological_order(apart) if node.parents}
    for index, node in enumerate(before):
        if node.parents and f"n{index}" in again:
            twin = again[f"n{index}"]
            assert np.array_equal(number(twin), number(node))
            assert np.array_equal(number_of(twin._grad), number_of(node._grad))
    leaves = {node for node in before if not node.parents}
    theirs = {node for node in topological_order(apart) if not node.parents}
    assert {node for node in theirs if not node.constant} == {n for n in leaves if not n.constant}
    assert not any(node._rule in PARTS and len(node.parents) > 1 for node in again.values())


def number_of(grad: Any) -> Any:
    return np.nan if grad is None else np.asarray(grad, dtype=float)


@pytest.mark.parametrize("name", PROGRAMS)
@settings(max_examples=20)
@given(numbers=st.lists(NUMBERS, min_size=4, max_size=6).filter(lambda x: len(x) % 2 == 0))
def test_every_node_that_comes_between_has_its_gradient(name: str, numbers: list[float]) -> None:
    root = PROGRAMS[name](numbers)
    root.backward()
    apart = expanded(root, no_name)
    for node in topological_order(apart):
        if node.parents and not node.constant:
            assert node._grad is not None
            assert np.allclose(number(node) * 0 + node._grad, slope(apart, node), atol=2e-5), node


@pytest.mark.parametrize("name", PROGRAMS)
@settings(max_examples=20)
@given(numbers=st.lists(NUMBERS, min_size=4, max_size=6).filter(lambda x: len(x) % 2 == 0))
def test_backward_through_it_gives_the_leaves_the_same(name: str, numbers: list[float]) -> None:
    root = PROGRAMS[name](numbers)
    root.backward()
    leaves = [n for n in topological_order(root) if not n.parents and not n.constant]
    expected = [number_of(leaf._grad) for leaf in leaves]
    apart = expanded(root, no_name)
    tg.zero_grad(apart)
    apart.backward()
    for leaf, gradient in zip(leaves, expected, strict=True):
        assert np.allclose(number_of(leaf._grad), gradient, rtol=1e-9, atol=1e-12)


def test_before_backward_there_are_no_gradients() -> None:
    apart = expanded(PROGRAMS["mlp"]([0.1, 0.2]), no_name)
    assert all(node._grad is None for node in topological_order(apart))


def test_gradients_that_are_graphs_are_numbers_in_between() -> None:
    root = neuron_of([0.1, 0.2, 0.3, 0.4])
    root.backward(create_graph=True)
    apart = expanded(root, no_name)
    for node in topological_order(apart):
        if node.parents:
            grad = node._grad._data if isinstance(node._grad, Node) else node._grad
            assert grad == pytest.approx(float(slope(apart, node)), abs=1e-6)


def test_what_is_not_fused_is_the_same_graph() -> None:
    loss = (Value(2.0) * Value(-3.0) + 10.0) ** 2.0
    assert expanded(loss, no_name) is loss


def test_a_constant_bias_of_zero_is_no_operand() -> None:
    apart = expanded(tg.dot([Value(1.0), Value(2.0)], [3.0, 4.0]), no_name)
    assert [node.op for node in topological_order(apart) if node.parents] == ["*", "*", "+"]


def test_a_long_sum_does_not_recurse() -> None:
    apart = expanded(tg.sum([Value(1.0) for _ in range(5000)]), no_name)
    assert sum(bool(node.parents) for node in topological_order(apart)) == 4999


def test_frozen_parameters_stay_frozen() -> None:
    neuron = nn.Neuron(2, rng=0)
    neuron.b.constant = True
    neuron.b.data = 0.5
    root = neuron([Value(1.0), Value(2.0)])
    root.backward()
    apart = expanded(root, no_name)
    assert neuron.b in topological_order(apart)
    assert neuron.b._grad is None


def test_under_no_grad_it_is_taken_apart_all_the_same() -> None:
    root = neuron_of([0.1, 0.2, 0.3, 0.4])
    with tg.no_grad():
        apart = expanded(root, no_name)
    assert [n.op for n in topological_order(apart) if n.parents].count("*") == 2
