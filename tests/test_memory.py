"""Memory: a graph is freed the moment its root is, and no two arrays of it are one.

The count of living objects comes from the interpreter, the sharing of memory from NumPy.
"""

import gc
import types
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import twingrad as tg
from twingrad import ShapeError, Tensor, Value

# Nothing outlives its root


@pytest.fixture
def collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


KINDS = {Value, Tensor, types.FunctionType, types.CellType, types.MethodType, tuple, dict, list}


def alive() -> Counter[type]:
    """How many objects there are of each kind that a graph is made of."""
    return Counter(t for t in map(type, gc.get_objects()) if t in KINDS)


def left_behind(program: Callable[[], Any]) -> Counter[type]:
    """What a program leaves alive with the cyclic collector off; caches have warmed up before."""
    program()
    program()
    before = alive()
    for _ in range(5):
        program()
    after = alive()
    return Counter({t: n // 5 for t, n in (after - before).items() if n >= 5})


def scalar_graph() -> Value:
    x, y = Value(0.5), Value(2.0)
    z = x * y + x / y - (-x) ** 2 + abs(y) ** x
    for name in ("exp", "log", "sqrt", "tanh", "sigmoid", "relu", "gelu", "softplus", "sin", "cos"):
        z = z + getattr(y, name)()
    z = z + tg.maximum(x, y) + tg.where(x > 0, x, y) + x.clip(0, 1) + x.leaky_relu()
    return z + tg.sum([x, y]) + tg.dot([x, y], [y, x], bias=z) + tg.logsumexp([x, y])


def tensor_graph() -> Tensor:
    x, w = Tensor(np.linspace(0.1, 1.0, 6).reshape(2, 3)), Tensor(np.ones((3, 2)))
    y = (x @ w).tanh() * 2.0 + x.T.sum(0, keepdims=True).reshape(2, 1) - x[:, [0, 0]]
    y = tg.concatenate([y, x.softmax(), tg.stack([x[0], x[1]])], axis=1).log_softmax(axis=0)
    parts = [y.max(axis=1), y.min(axis=1), y.mean(axis=1), y.std(axis=1), y.logsumexp(axis=1)]
    return sum(part.squeeze().expand_dims(0).broadcast_to((3, 2)).sum() for part in parts)


def forward_and_backward(graph: Callable[[], Any]) -> Callable[[], None]:
    return lambda: graph().backward()


def by_hand() -> None:
    y = Value(2.0).tanh()
    y.grad = 1.0
    y._backward()


def a_failed_rule() -> None:
    x = Tensor([1.0, 2.0])
    y = tg.apply(lambda x: (x * x, lambda grad: (grad, grad)), x).sum()
    with pytest.raises(tg.GraphError):
        y.backward()


def with_fixed_vectors(f: Callable[..., Any]) -> Callable[[], Any]:
    x, v = np.array([0.5, 2.0]), np.array([1.0, -1.0])
    return lambda: f(lambda x: (x.exp() * x).sum(), x, v)


PROGRAMS: dict[str, Callable[[], Any]] = {
    "a scalar graph": scalar_graph,
    "a scalar graph after backward": forward_and_backward(scalar_graph),
    "a tensor graph": tensor_graph,
    "a tensor graph after backward": forward_and_backward(tensor_graph),
    "a step by hand": by_hand,
    "grad": lambda: tg.grad(lambda x: x.tanh() * x)(0.5),
    "grad of grad": lambda: tg.grad(tg.grad(lambda x: x.tanh() * x))(0.5),
    "hessian": with_fixed_vectors(lambda f, x, v: tg.hessian(f)(x)),
    "hvp": with_fixed_vectors(lambda f, x, v: tg.hvp(f, x, v)),
    "jvp": with_fixed_vectors(lambda f, x, v: tg.jvp(f, x, v)),
    "vjp": with_fixed_vectors(lambda f, x, v: tg.vjp(f, x)[1](1.0)),
    "gradcheck": with_fixed_vectors(lambda f, x, v: tg.gradcheck(f, x)),
    "a rule that failed": a_failed_rule,
}


@pytest.mark.usefixtures("collector_off")
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_nothing_is_alive_after_the_root_with_the_collector_off(program: Callable) -> None:
    assert not left_behind(program)


@pytest.mark.usefixtures("collector_off")
def test_the_count_of_what_is_alive_would_find_a_cycle() -> None:
    def cyclic() -> None:
        kept = []
        x = Value(1.0)
        y = tg.apply(lambda x: (x, lambda grad: (grad * kept[0].data,)), x)
        kept.append(y)  # a pullback that mentions its own node

    assert left_behind(cyclic)[Value] == 2
    assert left_behind(cyclic)[types.FunctionType] >= 1


def test_under_no_grad_a_result_keeps_nothing_of_its_operands() -> None:
    with tg.no_grad():
        for y in (Value(2.0) * 3.0, Tensor([2.0]).exp()):
            assert y.parents == ()
            assert y._pullback is None


# Nothing aliases


def captured_gradient(x: np.ndarray) -> Any:
    """A careless rule, that hands out an array it keeps, and the operand itself."""
    slope = np.full(x.shape, 0.5)
    return x * 0.5, lambda grad: (slope,)


def operand_as_gradient(x: np.ndarray, y: np.ndarray) -> Any:
    return x + y, lambda grad: (x, grad)


def gradient_in_place(x: np.ndarray) -> Any:
    return x + 1.0, lambda grad: (grad[...],)


STEPS: list[Callable[[Tensor, Tensor], Tensor]] = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: -x,
    lambda x, y: x.reshape(3, 2).reshape(2, 3),
    lambda x, y: x.transpose().transpose(1, 0),
    lambda x, y: x.expand_dims(0).broadcast_to((4, 2, 3))[1],
    lambda x, y: x[::-1],
    lambda x, y: x[[0, 1]],
    lambda x, y: x[:, :],
    lambda x, y: tg.concatenate([x, y])[:2],
    lambda x, y: tg.stack([x, y])[0] + x.sum(axis=0),
    lambda x, y: x.squeeze() + y.mean(axis=1, keepdims=True),
    lambda x, y: tg.where(np.eye(2, 3) > 0, x, y),
    lambda x, y: tg.maximum(x, y) + x.max(axis=0),
    lambda x, y: x.clip(-1.0, 1.0) + x.relu(),
    lambda x, y: x.astype(np.float64),
    lambda x, y: tg.apply(captured_gradient, x),
    lambda x, y: tg.apply(operand_as_gradient, x, y),
    lambda x, y: tg.apply(gradient_in_place, x),
]
CHOICES = st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 50), st.integers(0, 50))


@given(st.lists(CHOICES, min_size=1, max_size=10), st.booleans())
def test_no_two_gradients_share_memory_nor_with_data_nor_with_the_seed(
    steps: list[tuple[int, int, int]], twice: bool
) -> None:
    given = np.arange(6.0).reshape(2, 3) / 6.0
    leaves = [Tensor(given), Tensor(given)]
    nodes = list(leaves)
    for step, i, j in steps:
        nodes.append(STEPS[step](nodes[i % len(nodes)], nodes[j % len(nodes)]))
    seed = np.ones((2, 3))
    for _ in range(1 + twice):
        nodes[-1].backward(seed)
    below = everything_below(nodes[-1])
    grads = [node.grad for node in below if node.grad is not None]
    for one, other in combinations(grads, 2):
        assert not np.shares_memory(one, other)
    for grad in grads:
        assert not np.shares_memory(grad, seed)
        assert not np.shares_memory(grad, given)
        for node in below:
            assert not np.shares_memory(grad, node.data)
    np.testing.assert_array_equal(seed, np.ones((2, 3)))


def everything_below(root: Tensor) -> list[Tensor]:
    found = [root]
    for node in found:
        found.extend(parent for parent in node.parents if parent not in found)
    return found


def test_gradients_may_be_changed_in_place_one_at_a_time() -> None:
    a, b = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    c = a + b
    c.backward(np.ones(2))
    a.grad *= 100.0
    assert b.grad.tolist() == c.grad.tolist() == [1.0, 1.0]


def test_a_captured_slope_stays_as_it_was() -> None:
    slope = np.array([1.0, 2.0])
    x = Tensor([5.0, 5.0])
    y = tg.apply(lambda x: (x * slope, lambda grad: (slope,)), x)
    for _ in range(3):
        (y + y).backward(np.ones(2))
    assert slope.tolist() == [1.0, 2.0]
    assert x.grad.tolist() == [3.0, 6.0]


def test_a_tensor_copies_the_array_it_is_made_of() -> None:
    for array in (np.arange(3.0), np.arange(6.0)[::2], np.ones(3, dtype=np.float32)):
        before = array.copy()
        x = Tensor(array)
        array[0] = 99.0
        assert x.data.tolist() == before.tolist()
        assert not np.shares_memory(x.numpy(), x.data)
        assert not np.shares_memory(x.detach().data, x.data)


def test_assigning_data_copies_into_the_storage_of_the_parameter() -> None:
    p = Tensor([1.0, 2.0], dtype=np.float32)
    storage, array = p.data, np.array([3.0, 4.0])
    p.data = array
    assert p.data is storage
    assert storage.tolist() == [3.0, 4.0]
    assert p.dtype == np.float32
    array[0] = 99.0
    assert p.data.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("wrong", [np.ones(3), np.ones((1, 2)), 1.0, [[1.0], [2.0]]])
def test_assigning_data_of_another_shape_is_an_error(wrong: Any) -> None:
    p = Tensor([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"has shape \(2,\), but data of shape .* came; assign an"):
        p.data = wrong
    assert p.data.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("p", [Value(2.0), Tensor(2.0), Tensor([2.0]), Tensor([2.0], dtype="f4")])
def test_a_step_of_descent_in_place_works_for_both_twins(p: Value | Tensor) -> None:
    for _ in range(2):
        p.grad = None
        (p * p).backward()
        p.data -= 0.25 * p.grad
    assert float(p) == 0.5
    p.data += 1
    assert float(p) == 1.5


def test_a_gradient_that_is_set_is_copied_and_must_fit() -> None:
    for dtype in (np.float64, np.float32):
        x, given = Tensor([1.0, 2.0], dtype=dtype), np.array([3.0, 4.0])
        x.grad = given
        given[0] = 99.0
        assert x.grad.tolist() == [3.0, 4.0]
        assert x.grad.dtype == dtype
    x.grad /= 2.0
    assert x.grad.tolist() == [1.5, 2.0]
    with pytest.raises(ShapeError, match=r"shape \(2,\), but a gradient of shape \(3,\) came"):
        x.grad = np.ones(3)
    x.grad = None
    assert x.grad is None
    v = Value(1.0)
    v.grad = 0
    assert type(v.grad) is float
    with pytest.raises(TypeError, match="a Value holds one number"):
        v.grad = [1.0]


def test_an_index_that_changes_later_does_not_change_the_gradient() -> None:
    x, index, mask = Tensor([1.0, 2.0, 3.0]), np.array([0, 0]), np.array([True, False, False])
    y = x[index].sum() + tg.where(mask, x, 0.0).sum()
    index[:], mask[:] = 2, True
    y.backward()
    assert x.grad.tolist() == [3.0, 0.0, 0.0]
