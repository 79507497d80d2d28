"""Explanations of gradients: that they are right, that they can be read, that they never choke.

The numbers are held against `.grad` and against sums over paths that are found by recursion here;
the words, against what was decided that a reader should see.
"""

import itertools
import math
import re
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twingrad as tg
from tests.strategies import Program, programs
from twingrad import Tensor, Value, nn
from twingrad.engine import StaleGraphError
from twingrad.engine.node import Node
from twingrad.viz import explain
from twingrad.viz.explaining.wording import counted


def edges(node: Node) -> Iterator[tuple[int, Node]]:
    """The operands of a node that get a gradient from it."""
    for position, operand in enumerate(node.parents):
        if not operand.constant:
            yield position, operand


def ways(root: Node, wrt: Node) -> Iterator[list[tuple[Node, int]]]:
    """Every path, by recursion."""
    if root is wrt:
        yield []
        return
    for position, operand in edges(root):
        for rest in ways(operand, wrt):
            yield [(root, position), *rest]


def ways_are_few(root: Node, wrt: Node, most: int = 300) -> bool:
    return len(list(itertools.islice(ways(root, wrt), most + 1))) <= most


def lecture() -> tuple[dict[str, Value], Value]:
    """The neuron of micrograd's lecture."""
    numbers = {"x1": 2.0, "x2": 0.0, "w1": -3.0, "w2": 1.0, "b": 6.8813735870195432}
    leaves = {name: Value(x, label=name) for name, x in numbers.items()}
    first, second = leaves["x1"] * leaves["w1"], leaves["x2"] * leaves["w2"]
    first.label, second.label = "x1w1", "x2w2"
    n = first + second + leaves["b"]
    n.label = "n"
    o = n.tanh()
    o.label = "o"
    return leaves, o


# The numbers


@settings(max_examples=25)
@given(programs())
def test_the_paths_of_a_random_graph_are_all_there_and_add_up_to_grad(program: Program) -> None:
    leaves = [Value(x) for x in program.leaves]
    root = program.on_nodes(*leaves)
    root.backward()
    for leaf in leaves:
        few = ways_are_few(root, leaf)
        told = explain(root, wrt=leaf, scope={}, most=300)
        np.testing.assert_allclose(told.total, leaf.grad, rtol=1e-12)
        if not few:
            assert told.count > 300
            continue
        expected = list(ways(root, leaf))
        assert told.count == len(expected)
        if not expected:
            assert told.total == 0.0
            continue
        assert told.agrees
        found = [[(f.node, f.position) for f in path.factors] for path in told.paths]
        assert found == expected
        for path in told.paths:
            product = math.prod(factor.slope for factor in path.factors)
            assert path.product == pytest.approx(product, rel=1e-9, abs=1e-300)
        scale = sum(abs(path.product) for path in told.paths)
        total = math.fsum(path.product for path in told.paths)
        assert total == pytest.approx(told.total, rel=1e-12, abs=1e-13 * scale)


@settings(max_examples=100)
@given(programs(on_arrays=True))
def test_the_paths_of_a_random_graph_of_arrays_add_up_to_grad(program: Program) -> None:
    leaves = [Tensor(x) for x in program.leaves]
    root = program.on_nodes(*leaves)
    root.backward()
    for leaf in leaves:
        told = explain(root, wrt=leaf, scope={}, most=100)
        if leaf.grad is None:
            assert not np.any(told.total)
            continue
        assert told.agrees
        np.testing.assert_allclose(told.total, leaf.grad, rtol=1e-12)
        if told.count <= 100:
            assert told.count == len(list(ways(root, leaf)))
            parts = [path.product for path in told.paths]
            # What cancels within a step, as in softmax, leaves rounding of what came into it.
            came = [np.max(np.abs(f.passed)) for path in told.paths for f in path.factors]
            scale = max(1.0, *came, 0.0) * len(parts)
            np.testing.assert_allclose(
                np.sum(parts, axis=0), told.total, rtol=1e-12, atol=1e-12 * scale
            )


@settings(max_examples=100)
@given(programs())
def test_grouped_contributions_add_up_and_the_largest_path_is_the_largest(program: Program) -> None:
    leaves = [Value(x) for x in program.leaves]
    root = program.on_nodes(*leaves)
    root.backward()
    for leaf in leaves:
        told = explain(root, wrt=leaf, scope={}, most=1)
        if 1 < told.count <= 300:
            every = explain(root, wrt=leaf, scope={}, most=300)
            largest = max(abs(path.product) for path in every.paths)
            assert abs(told.paths[0].product) == pytest.approx(largest, rel=1e-9)
            assert told.total == every.total


@settings(max_examples=100)
@given(programs())
def test_the_lines_of_the_sweep_end_in_every_gradient(program: Program) -> None:
    leaves = [Value(x) for x in program.leaves]
    root = program.on_nodes(*leaves)
    root.backward()
    last: dict[Node, Any] = {}
    told = explain(root, scope={})
    waiting = {}
    for line in told.backward:
        assert line.node is root or last[line.node].to_come == 0, "went on before it was complete"
        assert line.arrived == line.node.grad
        last[line.operand] = line
        assert waiting.get(line.operand, line.to_come + 1) == line.to_come + 1
        waiting[line.operand] = line.to_come
    for node, line in last.items():
        assert line.so_far == node.grad
        assert line.waits_for is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("claim", "on_arrays"),
    [
        (test_the_paths_of_a_random_graph_of_arrays_add_up_to_grad, True),
        (test_grouped_contributions_add_up_and_the_largest_path_is_the_largest, False),
        (test_the_lines_of_the_sweep_end_in_every_gradient, False),
    ],
)
def test_all_this_is_so_of_hundreds_of_graphs(claim: Any, on_arrays: bool) -> None:
    held = given(programs(on_arrays=on_arrays))(claim.hypothesis.inner_test)
    settings(max_examples=250)(held)()


def test_nothing_is_changed_by_being_explained() -> None:
    leaves, o = lecture()
    o.backward()
    before = [(node.data, node.grad, node.label) for node in (o, *leaves.values())]
    str(explain(o, wrt=leaves["w1"]))
    str(explain(o))
    assert before == [(node.data, node.grad, node.label) for node in (o, *leaves.values())]


def test_sixty_doublings_are_counted_exactly_at_once() -> None:
    x = first = Value(1.5, label="x")
    for _ in range(60):
        x = x + x
    x.backward()
    start = time.perf_counter()
    told = explain(x, wrt=first)
    assert told.count == 2**60
    assert told.agrees and told.total == 2.0**60
    assert "along about 1.2e18 paths" in str(told)
    assert time.perf_counter() - start < 1.0


def test_a_chain_of_a_hundred_thousand_nodes_is_explained() -> None:
    x = first = Value(1.0, label="x")
    for _ in range(10_000):
        x = x.tanh()
    shorter = x
    for _ in range(90_000):
        x = x.tanh()
    x.label = "end"
    x.backward()
    told = explain(x, wrt=first)
    assert told.count == 1 and told.agrees
    text = str(told)
    assert "99,993 more" in text and len(text.splitlines()) < 40
    assert len(str(explain(shorter)).splitlines()) < 75


# The words


def test_the_lectures_neuron_reads_as_on_the_board() -> None:
    leaves, o = lecture()
    o.backward()
    told = str(explain(o, wrt=leaves["w1"], scope={}))
    assert told.splitlines()[:4] == [
        "o depends on w1 along one path: o ← n ← v1 ← x1w1 ← w1",
        "  ∂o/∂w1 = ∂o/∂n · ∂n/∂v1 · ∂v1/∂x1w1 · ∂x1w1/∂w1",
        "         = (1 − o²) × 1 × 1 × x1",
        "         = 0.5 × 1.0 × 1.0 × 2.0 = 1.0",
    ]
    assert re.search(r"n = v1 \+ b +∂n/∂v1 = 1 +1\.0\n", told)
    assert told.endswith("w1.grad = 1.0, which agrees.")


def test_an_operand_that_stands_twice_is_two_ways() -> None:
    a = Value(3.0, label="a")
    b = a + a
    c = b * b
    c.backward()
    told = explain(c, wrt=a)
    text = str(told)
    assert [path.product for path in told.paths] == [6.0] * 4
    assert "c ← b (1st) ← a (2nd)" in text
    assert "An operand that stands twice, as in c = b·b, is two ways to go." in text
    assert "∂c/∂a = 6.0 + 6.0 + 6.0 + 6.0 = 24.0" in text
    sweep = str(explain(c))
    assert "waits for c again" in sweep and "complete" in sweep
    assert "Here b stands more than once in c" in sweep


def test_a_node_used_twice_waits_until_it_has_heard_from_both() -> None:
    a = Value(2.0)
    d = a * 3.0
    e, f = d + 1.0, d * 2.0
    g = e * f
    told = str(explain(g))
    assert "Here d is used by e and f" in told
    waits = [line for line in told.splitlines() if line.rstrip().endswith("waits for f")]
    assert len(waits) == 1 and " d " in waits[0]


def test_variables_give_the_names_and_labels_come_first() -> None:
    width, height = Value(2.0), Value(5.0, label="h")
    area = width * height
    assert "∂area/∂width = h" in str(explain(area, wrt=width))


def test_a_weight_of_a_trained_network_is_explained_in_a_screenful() -> None:
    X, y = nn.data.moons(100, rng=0)
    model = nn.MLP(2, [16, 16, 1], rng=0)
    loss = nn.mse_loss([model(x) for x in X.tolist()], y.astype(float).tolist())
    loss.backward()
    start = time.perf_counter()
    told = explain(loss, wrt=model.layers[0].neurons[3].w[1])
    text = str(told)
    assert time.perf_counter() - start < 2.0
    lines = text.splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 100
    assert told.agrees and told.count == 100 * 2 * 16
    named = "model.layers[0].neurons[3].w[1] (here model[0][3].w[1])"
    assert lines[0].startswith(f"loss depends on {named} along")
    assert "94 more" in text and "The path that contributes most: loss ←" in text


def test_tensors_are_told_by_what_is_passed_on() -> None:
    x, W = Tensor([[1.0, 2.0], [3.0, 4.0]], label="x"), Tensor([[1.0], [-1.0]], label="W")
    z = x @ W
    loss = (z**2).mean()
    loss.backward()
    told = explain(loss, wrt=W)
    text = str(told)
    assert "xᵀ @ grad" in text and "grad·2·z" in text and "grad/2 spread over (2, 1)" in text
    assert told.agrees
    np.testing.assert_array_equal(told.paths[0].product, W.grad)
    assert told.paths[0].factors[-1].slope is None
    assert "(2, 1)" in str(explain(loss))


def test_a_root_that_is_an_array_is_explained_as_its_sum() -> None:
    x = Tensor([1.0, 2.0], label="x")
    y = x * x
    y.sum().backward()
    told = explain(y, wrt=x)
    assert "y has shape (2,); explained is the gradient of its sum" in str(told)
    assert told.agrees and told.count == 2


def test_a_user_s_own_rule_has_its_number() -> None:
    def cube(x: Any) -> Any:
        return x * x * x, lambda grad: (grad * (3.0 * x * x),)

    a = Value(2.0, label="a")
    c = tg.apply(cube, a)
    assert "∂c/∂a = ∂cube/∂a" in str(explain(c, wrt=a))
    assert explain(c, wrt=a).total == 12.0


# What .grad holds


def test_a_gradient_of_two_passes_is_recognised() -> None:
    leaves, o = lecture()
    o.backward()
    o.backward()
    told = explain(o, wrt=leaves["w1"])
    assert told.agrees is False and told.total == pytest.approx(1.0)
    assert "backward() came by 2 times" in str(told)


def test_no_gradient_yet_is_neither_right_nor_wrong() -> None:
    leaves, o = lecture()
    told = explain(o, wrt=leaves["w1"])
    assert told.agrees is None and told.grad is None
    assert "w1.grad is empty" in str(told)


def test_a_gradient_that_was_reset_by_hand_is_recognised() -> None:
    leaves, o = lecture()
    o.backward()
    leaves["w1"].grad = 0.0
    assert "it was set back to zero" in str(explain(o, wrt=leaves["w1"]))


def test_a_gradient_from_another_root_is_recognised() -> None:
    a = Value(2.0, label="a")
    (a * 7.0).backward()
    told = explain((a**2).exp(), wrt=a)
    assert told.agrees is False and "v2 itself has no gradient" in str(told)


@pytest.mark.parametrize("wrt", [True, False])
def test_what_was_computed_from_other_numbers_is_refused(wrt: bool) -> None:
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    c = a * b
    c.backward()
    b.data = 5.0
    with pytest.raises(StaleGraphError, match="the Value 'b', was changed"):
        explain(c, wrt=a if wrt else None)


def test_how_often_backward_came_by_is_not_said_of_another_result() -> None:
    a = Value(2.0, label="a")
    (a * 3.0).backward()
    assert "backward() of something else" in str(explain(a, wrt=a))
    told = str(explain(a * 1.0, wrt=a))
    assert "itself has no gradient" in told and "3 times" not in told


def test_a_number_that_was_given_as_infinite_is_named_without_operands() -> None:
    x, y = Value(2.0, label="x"), Value(np.inf, label="y")
    told = " ".join(str(explain(x * y, wrt=x)).split())
    assert "the first that is not is y, which was given." in told


def test_gradients_that_overflow_are_told_without_a_warning() -> None:
    x = Tensor([1e308, 1.0], label="x")
    with np.errstate(all="raise"):
        told = str(explain((x + x).sum(), wrt=x)) + str(explain((x * x).sum() + (x * 1e308).sum()))
    assert "inf" in told


def test_gradients_that_are_graphs_are_compared_by_their_numbers() -> None:
    a = Value(2.0, label="a")
    (c := a**3).backward(create_graph=True)
    assert explain(c, wrt=a).agrees and explain(c, wrt=a).grad == 12.0


# Nothing to tell


def test_what_is_not_reached_is_said() -> None:
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    c = a * 2.0
    told = explain(c, wrt=b)
    assert (told.total, told.count, told.paths) == (0.0, 0, [])
    assert "c does not depend on b" in str(told)
    nothing = explain(Tensor([1.0]) * 2.0, wrt=Tensor([[1.0, 2.0]]))
    np.testing.assert_array_equal(nothing.total, [[0.0, 0.0]])


def test_a_constant_is_said_to_be_one() -> None:
    a, k = Value(2.0, label="a"), Value(3.0, label="k")
    k.constant = True
    told = explain(a * k, wrt=k)
    assert told.total is None and "k is a constant" in str(told)
    frozen = (a * k).detach()
    assert "is a constant" in str(explain(frozen, wrt=a))
    assert "is a constant" in str(explain(frozen))


def test_a_node_explains_itself() -> None:
    a = Value(2.0, label="a")
    told = explain(a, wrt=a)
    assert (told.total, told.count, told.paths[0].factors) == (1.0, 1, ())
    assert "a by itself has the gradient 1" in str(told)
    assert "nobody to pass it to" in str(explain(a))
    for page in (told, explain(a)):
        assert page.markdown() and page.latex()


def test_where_a_result_turned_nan_is_said() -> None:
    a = Value(-1.0, label="a")
    b = a.log() * 2.0
    told = str(explain(b, wrt=a)).replace("\n", " ")
    assert (
        "b = nan, which is not finite; the first that is not is v1 = log(a) with a = -1.0" in told
    )
    assert explain(b, wrt=a).total == -2.0


def test_where_a_gradient_turned_infinite_or_nan_is_said() -> None:
    x = Value(0.0, label="x")
    y = x.log()
    z = y * 0.0
    z.label, y.label = "z", "y"
    z.backward()
    assert math.isnan(x.grad)
    told = explain(z, wrt=x)
    assert told.agrees
    assert "This gradient is not finite" in str(told) and "y = log(x) with x = 0.0" in str(told)
    t = Tensor([0.0, 1.0], label="t")
    s = t.log().sum()
    s.backward()
    assert explain(s, wrt=t).agrees and "This gradient is not finite" in str(explain(s, wrt=t))
    assert "inf" in str(explain(s))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda a: explain(3.0), TypeError, "root is a Value or a Tensor, but a float came"),
        (lambda a: explain(a, wrt=[a, a]), TypeError, "a list of 2 came; give one parameter"),
        (lambda a: explain(a, wrt="a"), TypeError, "wrt is a Value or a Tensor, but a str came"),
        (lambda a: explain(a, wrt=a, most=0), ValueError, "most= is a whole number from 1"),
        (lambda a: explain(a, rows=2.5), ValueError, "rows= is a whole number from 1"),
    ],
)
def test_wrong_arguments_are_refused(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call(Value(1.0))


# The three notations

HOSTILE = [
    "a<b", 'say "hi"', "$5", "a|b", "under_score", "100 %", "back\\slash", "größe", "损失",
    "two\nlines", "x" * 100, "'a", "`q`", "{curly}", "#1", "~^", "x1*w1 + x2*w2", "-3", "[", "α",
]  # fmt: skip


def pages() -> dict[str, Any]:
    """A page of each kind, and one for each label that could break it."""
    leaves = [Value(2.0, label=label) for label in HOSTILE]
    one = Value(3.0, label='$|_%<"\\&^')
    root = tg.sum([one * leaf.relu() for leaf in leaves]) / one
    root.label = "L"
    arrays = [Tensor([[1.0, 2.0]], label=label) for label in HOSTILE[:5]]
    joined = (tg.concatenate(arrays) @ Tensor([[1.0], [2.0]])).tanh().sum()
    many = {repr(leaf.label): explain(root, wrt=leaf, scope={}) for leaf in leaves}
    return many | {
        "grouped": explain(root, wrt=one, scope={}),
        "by paths": explain(root, wrt=one, scope={}, most=100),
        "swept": explain(root, scope={}, rows=100),
        "of arrays": explain(joined, wrt=arrays[3], scope={}),
        "of arrays swept": explain(joined, scope={}),
    }


PAGES = pages()
every_page = pytest.mark.parametrize("page", PAGES.values(), ids=list(PAGES))


@every_page
def test_every_formula_is_parsed_by_mathtext(page: Any) -> None:
    parser = pytest.importorskip("matplotlib.mathtext").MathTextParser("path")
    assert page.formulas()
    for formula in set(page.formulas()):
        parser.parse(f"${formula.replace(chr(92) + '&', '+')}$")  # which mathtext does not know


def braces(text: str) -> int:
    """How many braces are open at the end; never fewer than none."""
    depth = 0
    for sign in re.sub(r"\\[{}]", "", text):
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    return depth


@every_page
def test_latex_is_balanced_and_holds_no_bare_sign(page: Any) -> None:
    text = page.latex()
    assert text.isascii() or any(ord(sign) > 127 for sign in "".join(HOSTILE))
    assert braces(text) == 0
    opened: list[str] = []
    for kind, name in re.findall(r"\\(begin|end){(\w+\*?)}", text):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert not opened
    assert text.count(r"\left(") == text.count(r"\right)")
    outside = re.sub(r"\\.", "", text)
    assert outside.count("$") % 2 == 0
    assert not re.search(r"[%#]", outside)
    for tabular in re.findall(r"\\begin{tabular}{([lr]+)}\n(.*?)\n\\end{tabular}", text, re.S):
        columns, body = tabular
        for row in re.split(r" \\\\(?: \\hline)?\n", body):
            assert len(re.findall(r"(?<!\\)&", row)) == len(columns) - 1, row


@every_page
def test_a_table_in_markdown_has_as_many_cells_in_every_row(page: Any) -> None:
    text = page.markdown()
    assert text == page._repr_markdown_()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.M):
        cells = {len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}
        assert len(cells) == 1, block
    assert rows or "depends on" in text
    assert text.count("$$") % 2 == 0


@every_page
def test_a_terminal_gets_no_line_that_is_too_long(page: Any) -> None:
    assert max(map(len, str(page).splitlines())) <= 100
    assert "\t" not in str(page)


def test_many_rows_are_cut_in_the_middle_and_can_be_had() -> None:
    x = Value(1.0, label="x")
    for _ in range(50):
        x = x.tanh()
    told = str(explain(x)).replace("\n", " ")
    assert "Shown are 30 of 51 rows; explain(..., rows=51) shows all." in told
    assert "more" not in str(explain(x, rows=51))


@given(st.integers(1, 10**30))
def test_numbers_of_paths_are_written_within_a_percent(count: int) -> None:
    written = counted(count).replace(",", "").removeprefix("about ")
    assert float(written) == pytest.approx(count, rel=0.05)
