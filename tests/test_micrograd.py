"""A lecture's code runs: programs written for micrograd, with nothing changed but the imports.

Each program is a function of the classes it would import. It runs on ours against numbers known
from micrograd's own pages or worked out in NumPy, and, where micrograd is installed, on both.
"""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from twingrad import Value, nn

OURS = SimpleNamespace(Value=Value, Neuron=nn.Neuron, Layer=nn.Layer, MLP=nn.MLP)
Numbers = list[float]


# Programs


def every_operator(lib: SimpleNamespace) -> Numbers:
    a = lib.Value(-4.0)
    b = lib.Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    return [g.data, a.grad, b.grad]


def reuse_and_relu(lib: SimpleNamespace) -> Numbers:
    x = lib.Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    return [y.data, x.grad]


def mixed_numbers(lib: SimpleNamespace) -> Numbers:
    a, b = lib.Value(3), lib.Value(-2)  # integers, as people type them
    out = (1 - a) * (b - 5) / 3 + 2 * (-b) ** 3 - (a / b) + 7 / a + sum([a, b, a * b])
    out.backward()
    return [out.data, a.grad, b.grad]


def minimise(lib: SimpleNamespace) -> Numbers:
    x, y = lib.Value(0.5), lib.Value(-1.5)
    for _ in range(50):
        loss = (1 - x) ** 2 + 3 * (y - x**2) ** 2
        x.grad, y.grad = 0, 0
        loss.backward()
        for p in (x, y):
            p.data += -0.05 * p.grad
    return [x.data, y.data, loss.data]


def linear_regression(lib: SimpleNamespace) -> Numbers:
    xs, ys = np.arange(5).tolist(), (3 * np.arange(5) - 1).tolist()
    w, b = lib.Value(0.0), lib.Value(0.0)
    for _ in range(20):
        loss = sum((w * float(x) + b - float(y)) ** 2 for x, y in zip(xs, ys, strict=True)) / len(
            xs
        )
        for p in (w, b):
            p.grad = 0.0
        loss.backward()
        for p in (w, b):
            p.data -= 0.05 * p.grad
    return [w.data, b.data]


PROGRAMS: dict[str, Callable[[SimpleNamespace], Numbers]] = {
    f.__name__: f
    for f in (every_operator, reuse_and_relu, mixed_numbers, minimise, linear_regression)
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_gives_what_micrograd_gives(program: Callable, theirs: SimpleNamespace) -> None:
    np.testing.assert_allclose(program(OURS), program(theirs), rtol=1e-12)


def test_the_readme_example_gives_the_numbers_of_its_page() -> None:
    assert [round(number, 4) for number in every_operator(OURS)] == [24.7041, 138.8338, 645.5773]


def test_reuse_and_relu_give_the_numbers_worked_out_by_hand() -> None:
    # z = 3x + 2 = -10 makes relu(z) 0, so y = z² + zx + zx² and y' = 6z + (3x + z) + (3x² + 2zx)
    assert reuse_and_relu(OURS) == [-20.0, 46.0]


def test_regression_by_hand_finds_the_line() -> None:
    xs, ys = np.arange(5.0), 3.0 * np.arange(5) - 1
    w = b = 0.0
    for _ in range(20):
        error = w * xs + b - ys
        w, b = w - 0.05 * 2 * (error * xs).mean(), b - 0.05 * 2 * error.mean()
    np.testing.assert_allclose(linear_regression(OURS), [w, b], rtol=1e-12)


# Backward by hand, node by node


def test_each_step_by_hand_passes_the_gradient_on() -> None:
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    x1w1 = x1 * w1
    x1w1.label = "x1*w1"
    x2w2 = x2 * w2
    x1w1x2w2 = x1w1 + x2w2
    n = x1w1x2w2 + b
    n.label = "n"
    o = n.tanh()
    o.grad = 1.0
    o._backward()
    assert n.grad == pytest.approx(0.5, abs=1e-12)
    n._backward()
    b._backward()
    x1w1x2w2._backward()
    x1w1._backward()
    x2w2._backward()
    by_hand = [p.grad for p in (x1, w1, x2, w2, b)]
    np.testing.assert_allclose(by_hand, [-1.5, 1.0, 0.5, 0.0, 0.5], rtol=1e-12, atol=1e-12)

    for p in (x1, w1, x2, w2, b):
        p.grad = 0.0
    o.backward()
    assert [p.grad for p in (x1, w1, x2, w2, b)] == by_hand


def test_tanh_spelled_out_gives_the_gradient_of_tanh() -> None:
    one, other = Value(0.8814), Value(0.8814)
    e = (2 * one).exp()
    ((e - 1) / (e + 1)).backward()
    other.tanh().backward()
    assert one.grad == pytest.approx(other.grad, rel=1e-12)
    assert other.grad == pytest.approx(1 / math.cosh(0.8814) ** 2, rel=1e-12)


def test_sorting_by_hand_and_stepping_through_is_backward() -> None:
    def steps(lib: SimpleNamespace) -> Numbers:
        a, b = lib.Value(-2.0), lib.Value(3.0)
        d = a * b
        e = a + b
        f = d * e
        order, visited = [], set()

        def visit(v: Any) -> None:
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    visit(child)
                order.append(v)

        visit(f)
        f.grad = 1.0
        for node in reversed(order):
            node._backward()
        return [a.grad, b.grad, d.grad, e.grad]

    assert steps(OURS) == [-3.0, -8.0, 1.0, -6.0]


# Drawing


def trace(root: Any) -> tuple[set, set]:
    nodes, edges = set(), set()

    def build(v: Any) -> None:
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(root)
    return nodes, edges


def test_the_drawing_of_the_lecture_runs_over_the_graph() -> None:
    graphviz = pytest.importorskip("graphviz")
    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(10.0, label="c")
    e = a * b
    e.label = "e"
    d = e + c
    d.label = "d"
    d.backward()

    dot = graphviz.Digraph(format="svg", graph_attr={"rankdir": "LR"})
    nodes, edges = trace(d)
    for n in nodes:
        uid = str(id(n))
        text = "{ %s | data %.4f | grad %.4f }" % (n.label, n.data, n.grad)  # noqa: UP031
        dot.node(uid, text, shape="record")
        if n._op:
            dot.node(uid + n._op, label=n._op)
            dot.edge(uid + n._op, uid)
    for n1, n2 in edges:
        dot.edge(str(id(n1)), str(id(n2)) + n2._op)

    assert len(nodes) == 5
    assert len(edges) == 4
    assert {n._op for n in nodes} == {"", "*", "+"}
    for shown in ("{ b | data -3.0000 | grad 2.0000 }", "{ e | data -6.0000 | grad 1.0000 }"):
        assert shown in dot.source


def test_prev_and_op_tell_the_past_in_the_lectures_words() -> None:
    a, b = Value(2.0), Value(3.0)
    assert a._op == ""
    assert set(a._prev) == set()
    for node, op in [(a + b, "+"), (a * b, "*"), (a.tanh(), "tanh"), (a.exp(), "exp")]:
        assert node._op == op
        assert set(node._prev) <= {a, b}


def test_a_value_prints_its_data_and_its_gradient() -> None:
    assert repr(Value(2.0)) == "Value(data=2.0, grad=0.0)"
    assert f"{Value(2.0):.2f} {Value(3):5.1f}" == "2.00   3.0"
