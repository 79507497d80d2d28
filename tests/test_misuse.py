"""Silence is a bug: each mistake is an error that says what came, what was expected, what to do.

The messages are matched, because a message that says less would be another bug.
"""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import GraphError, ShapeError, Tensor, Value

Mistake = tuple[Callable[[], Any], type[Exception], str]


def raises(mistake: Mistake) -> None:
    program, error, message = mistake
    with pytest.raises(error, match=message):
        program()


def v() -> Value:
    return Value(2.0)


def t(*shape: int) -> Tensor:
    return Tensor(np.ones(shape))


# What a node can hold

DATA: dict[str, Mistake] = {
    "text": (lambda: Value("2"), TypeError, r"one real number, but '2', a str, came; convert"),
    "None": (lambda: Value(None), TypeError, r"but None, a NoneType, came; convert it with float"),
    "complex": (lambda: Value(1j), TypeError, r"one real number, but 1j, a complex, came"),
    "list": (lambda: Value([1.0]), TypeError, r"but a list of 1 came; use tg\.Tensor\(list\), or"),
    "array": (lambda: Value(np.ones(1)), TypeError, r"array of shape \(1,\) came; use tg\.Tensor"),
    "array of text": (lambda: Value(np.array("a")), TypeError, "one real number, but array"),
    "node": (lambda: Value(v()), TypeError, r"but a Value came, .* already; use it as it is, or"),
    "twin": (lambda: Value(t()), TypeError, r"plain number, but a Tensor came.*tensor\.item\(\)"),
    "data": (lambda: setattr(v(), "data", "a"), TypeError, r"real number, but 'a', a str, came"),
    "tensor of a node": (
        lambda: Tensor(t()),
        TypeError,
        r"numbers, but a Tensor came, which",
    ),
    "tensor of its twin": (lambda: Tensor(v()), TypeError, r"plain numbers, but a Value came"),
    "tensor of nodes": (lambda: Tensor([v(), v()]), TypeError, r"tg\.|float\(value\)"),
    "tensor of text": (lambda: Tensor(["a"]), TypeError, r"real numbers, but text .* convert to"),
    "tensor of complex": (lambda: Tensor([1j]), TypeError, r"numbers, but complex numbers came"),
    "tensor of None": (
        lambda: Tensor([None, 1.0]),
        TypeError,
        r"but an array of dtype object came",
    ),
    "tensor of nothing": (lambda: Tensor(None), TypeError, r"but an array of dtype object came"),
    "tensor of dates": (
        lambda: Tensor(np.array(["2000-01-01"], "M8")),
        TypeError,
        "dtype datetime",
    ),
    "ragged": (lambda: Tensor([[1], [2, 3]]), ShapeError, r"equal length, but .* ragged; pad them"),
    "integer dtype": (
        lambda: Tensor([1], dtype=int),
        TypeError,
        r"dtype=.* use float32 or",
    ),
    "integer astype": (lambda: t(2).astype("i4"), TypeError, r"dtype='i4' came; use float32 or"),
}

# What meets in an operation

OPERANDS: dict[str, Mistake] = {
    "value with text": (lambda: v() + "a", TypeError, r"one real number, but 'a', a str, came"),
    "text with value": (lambda: "a" + v(), TypeError, r"one real number, but 'a', a str, came"),
    "value with None": (lambda: v() * None, TypeError, r"but None, a NoneType, came"),
    "value with a list": (lambda: v() * [1, 2], TypeError, r"a list of 2 came; .*list of Values"),
    "value with complex": (lambda: v() ** 1j, TypeError, r"one real number, but 1j"),
    "value with tensor": (
        lambda: v() + t(2),
        TypeError,
        r"do not mix; .*float\(value\) or",
    ),
    "tensor with value": (lambda: t(2) * v(), TypeError, r"do not mix; take the number, float"),
    "tensor with text": (lambda: t(2) + "a", TypeError, r"real numbers, but text \(.*a.*\) came"),
    "tensor with complex": (lambda: t(2) * 1j, TypeError, r"but complex numbers came; convert"),
    "value times matrix": (lambda: v() @ v(), TypeError, r"unsupported operand type.* 'Value' and"),
    "matmul": (lambda: t(2, 3) @ t(2, 3), ShapeError, r"shapes \(2, 3\) @ \(2, 3\): .* transpose"),
    "matmul of vector": (
        lambda: t(2, 3) @ t(2),
        ShapeError,
        r"\(2, 3\) @ \(2,\): .* only axis",
    ),
    "axis": (lambda: t(2, 3).sum(axis=2), ShapeError, r"axis 2 does not fit .* shape \(2, 3\)"),
    "axis twice": (lambda: t(2, 3).mean(axis=(0, -2)), ShapeError, r"\(0, -2\) names .* twice"),
    "float axis": (lambda: t(2, 3).max(axis=0.5), ShapeError, r"axis 0\.5 does not fit a Tensor"),
    "reshape": (lambda: t(2, 3).reshape(4), ShapeError, r"reshape \(2, 3\) \(6 numbers\) into \(4"),
    "transpose": (lambda: t(2, 3).transpose(0, 0), ShapeError, r"2 axes once, but \(0, 0\) came"),
    "squeeze": (lambda: t(2, 3).squeeze(0), ShapeError, r"axis 0 of shape \(2, 3\) has length 2"),
    "broadcast": (
        lambda: t(2).broadcast_to((3,)),
        ShapeError,
        r"broadcast \(2,\) to \(3,\)",
    ),
    "shrink": (
        lambda: t(2, 3).broadcast_to((3,)),
        ShapeError,
        r"broadcast \(2, 3\) to .*\(3,\)",
    ),
    "concatenate": (
        lambda: tg.concatenate([t(2), t(1, 1)]),
        ShapeError,
        r"cannot concatenate shapes \[\(2,\), \(1, 1\)\] along axis 0",
    ),
    "stack": (lambda: tg.stack([t(2), t(3)]), ShapeError, r"stack shapes \[\(2,\), \(3,\)\] along"),
    "values joined": (lambda: tg.stack([v(), v()]), TypeError, r"joins Tensors; .*list, \[a, b\]"),
    "dot of two lengths": (lambda: tg.dot([v()], [1, 2]), ShapeError, r"one length, but 1 and 2"),
    "sum of one value": (lambda: tg.sum(v()), TypeError, r"a list of Values, but a single Value"),
    "softmax of one value": (lambda: tg.softmax(v()), TypeError, r"list of Values, but a single"),
    "mean of one value": (lambda: tg.mean(v()), TypeError, r"for Tensors and arrays, but a Value"),
    "where of a node": (lambda: tg.where(v(), 1, 2), TypeError, r"such as x > 0, but a Value came"),
    "gelu": (lambda: v().gelu("erf"), ValueError, r'is "none" or "tanh", not \'erf\''),
    "function of text": (lambda: tg.exp("a"), TypeError, r"real number, but 'a', a str, came"),
}

# What has no items, no truth, no length

ITEMS: dict[str, Mistake] = {
    "assignment": (
        lambda: t(2).__setitem__(0, 1.0),
        TypeError,
        r"items cannot be assigned: .*use tg\.where.*tensor\.data\[index\] = value",
    ),
    "index of a value": (lambda: v()[0], TypeError, "'Value' object is not subscriptable"),
    "index by a tensor": (lambda: t(2)[t(2)], TypeError, r"no positions; .*numpy\(\)\.astype\(int"),
    "index out of range": (lambda: t(2)[5], IndexError, r"index 5 is out of bounds .* size 2"),
    "truth of many": (lambda: bool(t(2)), ShapeError, r"shape \(2,\) is neither .*\.all\(\)"),
    "float of many": (lambda: float(t(2)), ShapeError, r"shape \(2,\); index it first, or use"),
    "item of many": (lambda: t(2).item(), ShapeError, r"only number, but .* shape \(2,\)"),
    "length of one": (lambda: len(t()), TypeError, r"shape \(\) has no length; use \.item\(\)"),
}

# Where backward can start

BACKWARD: dict[str, Mistake] = {
    "many numbers": (
        lambda: t(32, 10).exp().backward(),
        ShapeError,
        r"starts from a single number, but this Tensor has shape \(32, 10\); call \.sum\(\) or",
    ),
    "seed's shape": (
        lambda: t(2, 3).exp().backward(np.ones((3, 2))),
        ShapeError,
        r"has shape \(3, 2\), but this Tensor has shape \(2, 3\); they must be equal",
    ),
    "a number for many": (
        lambda: t(2).backward(1.0),
        ShapeError,
        r"shape \(\), but this Tensor",
    ),
    "seed of text": (lambda: t(2).backward("a"), TypeError, r"real numbers, but text"),
    "seed is a node": (lambda: t(2).backward(t(2)), TypeError, r"plain numbers, but a Tensor came"),
    "value's seed": (lambda: v().backward([1.0]), TypeError, r"one number, but a list of 1 came"),
    "detached": (
        lambda: v().detach().backward(),
        GraphError,
        r"this Value is a constant: made under no_grad\(\), .*compute it again, outside no_grad",
    ),
    "constants": (lambda: (v().detach() * 2.0).backward(), GraphError, "this Value is a constant"),
    "frozen": (lambda: frozen(t(2)).sum().backward(), GraphError, "this Tensor is a constant"),
}


@pytest.mark.parametrize("mistake", DATA.values(), ids=DATA)
def test_data_that_is_not_real_numbers_is_an_error(mistake: Mistake) -> None:
    raises(mistake)


@pytest.mark.parametrize("mistake", OPERANDS.values(), ids=OPERANDS)
def test_operands_that_do_not_fit_are_an_error(mistake: Mistake) -> None:
    raises(mistake)


@pytest.mark.parametrize("mistake", ITEMS.values(), ids=ITEMS)
def test_items_that_are_not_there_are_an_error(mistake: Mistake) -> None:
    raises(mistake)


@pytest.mark.parametrize("mistake", BACKWARD.values(), ids=BACKWARD)
def test_a_start_from_which_backward_cannot_go_is_an_error(mistake: Mistake) -> None:
    raises(mistake)


def frozen(x: Tensor) -> Tensor:
    x.constant = True
    return x


@pytest.mark.parametrize("make", [v, lambda: t(2), t])
def test_backward_of_a_result_under_no_grad_is_an_error(make: Callable[[], Any]) -> None:
    x = make()
    with tg.no_grad():
        y = (x * 2.0).exp()
    with pytest.raises(GraphError, match=r"needs a result that remembers.*made under no_grad\(\)"):
        y.backward()
    z = (x * y).sum() if isinstance(x, Tensor) else x * y
    z.backward()
    np.testing.assert_array_equal(x.grad, y.data)


@pytest.mark.parametrize("operation", ["+", "-", "*", "/", "**"])
def test_shapes_that_do_not_broadcast_are_an_error_that_names_both(operation: str) -> None:
    for expression in (f"x {operation} y", f"x {operation} y.data", f"y.data {operation} x"):
        with pytest.raises(ShapeError, match=r"\([23],\) and \([32],\)"):
            eval(expression, {"x": t(2), "y": t(3)})


def test_a_graph_used_after_its_data_changed_is_an_error() -> None:
    for changed in (Value(2.0), Tensor(2.0)):
        y = changed * changed
        changed.data = 5.0
        with pytest.raises(tg.StaleGraphError, match=r"out of date.*compute the loss again"):
            y.backward()
        assert not changed.grad


def test_a_place_taken_twice_by_a_tuple_of_positions_gets_both_gradients() -> None:
    x = Tensor([1.0, 2.0])
    x[((0, 0),)].sum().backward()
    assert x.grad.tolist() == [2.0, 0.0]


def test_dot_of_empty_lists_is_the_bias() -> None:
    assert tg.dot([], [], bias=3.0) == 3.0
    assert tg.dot([], []) == 0.0


def test_equality_is_identity_so_that_nodes_can_be_keys() -> None:
    for x, y in ((v(), v()), (t(2), t(2))):
        assert x == x
        assert x != y
        assert len({x, y, x}) == 2


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_leaf_can_be_copied_and_what_was_computed_cannot(copied: Callable[[Any], Any]) -> None:
    for x in (Value(2.0, label="x"), Tensor([2.0, 3.0], label="x")):
        twin = copied(x)
        assert (repr(twin), twin.label) == (repr(x), "x")
        twin.sum().backward() if isinstance(twin, Tensor) else twin.backward()
        assert np.all(twin.grad == 1.0)
        assert not np.any(x.grad)
        with pytest.raises(
            TypeError, match=r"was computed cannot be copied or pickled.*detach\(\)"
        ):
            copied(x * 2.0)
