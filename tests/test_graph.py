"""What a graph promises: gradients add up, in one order, at any depth, and only where wanted.

The numbers expected here are worked out by hand or counted, never computed by another sweep.
"""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import twingrad as tg
from twingrad import Tensor, Value

# backward() alone accumulates, and it adds


def test_gradient_of_a_reused_node_is_summed() -> None:
    a = Value(3.0)
    b = a + a
    c = b + b
    c.backward()
    assert (a.grad, b.grad, c.grad) == (4.0, 2.0, 1.0)


def test_gradient_of_a_reused_tensor_is_summed() -> None:
    a = Tensor([3.0, -1.0])
    b = a + a
    c = b + b
    c.backward(np.array([1.0, 10.0]))
    assert a.grad.tolist() == [4.0, 40.0]
    assert b.grad.tolist() == [2.0, 20.0]


def test_an_operand_used_twice_in_one_operation_gets_both_gradients() -> None:
    x = Value(3.0)
    y = x * x
    assert y.parents == (x, x)
    y.backward()
    assert x.grad == 6.0


def test_backward_twice_doubles_the_gradient_of_a_cube() -> None:
    x = Value(3.0)
    square = x * x
    cube = square * x
    cube.backward()
    assert (x.grad, square.grad, cube.grad) == (27.0, 3.0, 1.0)
    cube.backward()  # 54, and not the 72 of inner gradients that were counted again
    assert (x.grad, square.grad, cube.grad) == (54.0, 6.0, 2.0)


def test_a_leaf_reset_alone_gets_the_same_gradient_again() -> None:
    x = Value(3.0)
    cube = x * x * x
    cube.backward()
    x.grad = 0
    cube.backward()
    assert x.grad == 27.0


STEPS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 50), st.integers(0, 50)), max_size=25)


def random_graph(leaves: list, steps: list[tuple[int, int, int]]) -> list:
    """Every node of a graph that reuses earlier nodes at will; the last depends on them all."""
    nodes = list(leaves)
    for operation, i, j in steps:
        x, y = nodes[i % len(nodes)], nodes[j % len(nodes)]
        nodes.append((x + y, x - y, 0.5 * x * y, x.tanh(), -x, x.relu() / (y * y + 1.0))[operation])
    total = nodes[-1]
    for node in nodes[:-1]:
        total = total + node
    return [*nodes, total]


@given(STEPS)
def test_backward_twice_exactly_doubles_every_gradient(steps: list[tuple[int, int, int]]) -> None:
    nodes = random_graph([Value(0.7), Value(-1.3)], steps)
    nodes[-1].backward()
    once = [node.grad for node in nodes]
    nodes[-1].backward()
    assert [node.grad for node in nodes] == [2.0 * grad for grad in once]


@given(STEPS)
def test_backward_twice_exactly_doubles_every_gradient_of_tensors(
    steps: list[tuple[int, int, int]],
) -> None:
    nodes = random_graph([Tensor([[0.7], [0.2]]), Tensor([-1.3, 0.4, 2.0])], steps)
    seed = np.linspace(-1.0, 2.0, nodes[-1].size).reshape(nodes[-1].shape)
    nodes[-1].backward(seed)
    once = [node.grad.copy() for node in nodes]
    nodes[-1].backward(seed)
    for node, grad in zip(nodes, once, strict=True):
        np.testing.assert_array_equal(node.grad, 2.0 * grad)


def test_backward_adds_to_a_gradient_that_was_there() -> None:
    v, t = Value(2.0), Tensor([2.0])
    v.grad, t.grad = 100.0, [100.0]
    (v * v).backward()
    (t * t).sum().backward()
    assert (v.grad, t.grad.tolist()) == (104.0, [104.0])


def test_gradients_of_two_losses_add_up() -> None:
    x = Value(2.0)
    (x * x).backward()
    (5.0 * x).backward()
    assert x.grad == 9.0


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((), 12.0), ((1,), [12.0]), ((4,), [3.0] * 4), ((3, 1), [[4.0]] * 3), ((1, 1), [[12.0]])],
)
def test_the_gradient_is_summed_over_the_axes_that_broadcasting_added(
    shape: tuple[int, ...], expected: list
) -> None:
    x = Tensor(np.zeros(shape))
    (x + np.zeros((3, 4))).sum().backward()
    assert x.grad.shape == shape
    assert x.grad.tolist() == expected


def test_zero_grad_resets_inner_nodes_too() -> None:
    x, t = Value(2.0), Tensor([2.0])
    y, s = x * x, (t * t).sum()
    for root in (y, s):
        root.backward()
        tg.zero_grad(root)
    assert (x.grad, y.grad, t.grad, s.grad) == (0.0, 0.0, None, None)


# One order


PROGRAM = """
import random
from twingrad import Tensor, Value
rng = random.Random(0)
hub, nodes = Value(0.37), [Value(rng.uniform(-1, 1)) for _ in range(20)]
for _ in range(400):
    x, y = rng.choice(nodes), rng.choice(nodes)
    news = [x + hub * 1e3, x * y, x - 1e-3 * y, (x * hub).tanh(), hub / (1 + y * y)]
    nodes.append(rng.choice(news))
sum(nodes).backward()
tensor = Tensor([0.1, 0.2, 0.3])
parts = [(tensor * 10.0 ** k).sin().sum() for k in range(12)]
sum(parts).backward()
print([n.grad.hex() for n in [hub, *nodes]], [g.hex() for g in tensor.grad.tolist()])
"""


def test_the_same_program_gives_the_same_bits_in_every_process() -> None:
    here = Path(tg.__file__).parents[1]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONPATH": str(here), "PYTHONHASHSEED": str(seed)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(4)
    ]
    said = [process.communicate()[0] for process in running]
    assert all(process.returncode == 0 for process in running)
    assert "0x1." in said[0]
    assert len(set(said)) == 1


def test_parents_are_a_tuple_in_the_order_of_the_operands() -> None:
    x, y = Value(1.0), Value(2.0)
    assert (x - y).parents == (x, y)
    assert (y - x).parents == (y, x)
    assert [p.data for p in (7.0 / x).parents] == [7.0, 1.0]
    assert type((x - y).parents) is tuple
    assert x.parents == ()


# Any depth, any width


@pytest.fixture
def collector_paused() -> Iterator[None]:
    """Millions of young objects make Python's cyclic collector the slowest part of a test."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("collector_paused")
def test_a_chain_of_a_million_nodes_runs_forward_and_backward_and_is_freed() -> None:
    x = Value(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + x
    y.backward()
    assert (y.data, x.grad) == (1_000_001.0, 1_000_001.0)
    tg.zero_grad(y)
    assert (x.grad, y.grad) == (0.0, 0.0)
    del y  # by recursion this would end the process


def test_a_deep_chain_of_tensors_runs_forward_and_backward_and_is_freed() -> None:
    x = Tensor([1.0, 2.0])
    y = x
    for _ in range(50_000):
        y = y + x
    y.sum().backward()
    assert x.grad.tolist() == [50_001.0, 50_001.0]
    del y


def test_a_deep_chain_has_second_derivatives() -> None:
    def chain(x: Value) -> Value:
        y = x * x
        for _ in range(5_000):
            y = y + x
        return y

    assert tg.grad(tg.grad(chain))(3.0) == 2.0
    assert tg.hvp(chain, 3.0, 10.0) == 20.0


@pytest.mark.usefixtures("collector_paused")
def test_a_node_with_a_hundred_thousand_consumers_gets_all_their_gradients() -> None:
    x = Value(2.0)
    tg.sum([x * 3.0 for _ in range(100_000)]).backward()
    assert x.grad == 300_000.0


def test_a_ladder_of_diamonds_is_swept_once_and_not_once_for_each_path() -> None:
    x = Value(1.0)
    y = x
    for _ in range(1_000):  # 2 to the 1000 paths
        y = 0.5 * y + 0.5 * y
    y.backward()
    assert (y.data, x.grad) == (1.0, 1.0)
