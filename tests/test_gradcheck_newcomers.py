"""gradcheck on what people write first: engines of their own, and rules with the usual slips.

Each program is wrong in one way that is known, and the sentence has to name that way; the right
ones beside them have to pass.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.reports import words
from twingrad import Tensor, Value

ROWS = np.array([[0.3, -0.5, 1.1], [0.7, 0.2, -0.9]])
SQUARE = np.array([[0.3, -0.5, 1.1], [0.7, 0.2, -0.9], [-0.4, 0.6, 0.8]])


def applied(rule: Callable[..., Any], *inputs: Any) -> Any:
    """gradcheck of a rule, in the middle of a program."""

    def program(*nodes: Any) -> Any:
        return tg.sin(tg.apply(rule, *nodes))

    return tg.gradcheck(program, *inputs)


# An engine of one's own


def engine(*, adds: bool = True, tanh: Callable[[float], float] | None = None) -> type:
    """The lecture's class; with `=` for `+=` in its sum, or with another slope of tanh."""

    class Mine:
        def __init__(self, data: Any, children: tuple[Any, ...] = (), op: str = "") -> None:
            self.data, self.grad, self._prev, self._op = data, 0.0, set(children), op
            self._backward = lambda: None

        def __add__(self, other: Any) -> Any:
            out = Mine(self.data + other.data, (self, other), "+")

            def _backward() -> None:
                if adds:
                    self.grad += out.grad
                    other.grad += out.grad
                else:
                    self.grad = out.grad
                    other.grad = out.grad

            out._backward = _backward
            return out

        def __mul__(self, other: Any) -> Any:
            out = Mine(self.data * other.data, (self, other), "*")

            def _backward() -> None:
                self.grad += other.data * out.grad
                other.grad += self.data * out.grad

            out._backward = _backward
            return out

        def tanh(self) -> Any:
            y = math.tanh(self.data)
            out = Mine(y, (self,), "tanh")

            def _backward() -> None:
                slope = 1.0 - y * y if tanh is None else tanh(self.data)
                self.grad += slope * out.grad

            out._backward = _backward
            return out

        def backward(self) -> None:
            order: list[Any] = []

            def visit(node: Any) -> None:
                if node not in order:
                    for child in node._prev:
                        visit(child)
                    order.append(node)

            visit(self)
            self.grad = 1.0
            for node in reversed(order):
                node._backward()

    return Mine


def neuron(x: Any, w: Any) -> Any:
    return (x * w + x).tanh() * x


def test_an_engine_of_ones_own_that_is_right_passes() -> None:
    mine = engine()
    assert tg.gradcheck(neuron, mine(0.7), mine(-0.4))
    assert tg.gradcheck(lambda pair: neuron(*pair), [mine(0.7), mine(-0.4)])


def test_the_step_that_overwrites_is_named_in_an_engine_of_ones_own() -> None:
    mine = engine(adds=False)
    report = tg.gradcheck(neuron, mine(0.7), mine(-0.4))
    assert not report
    assert "the _backward of '+' writes `=` where `+=` is meant" in words(report)
    assert "'*'" not in words(report) and "'tanh'" not in words(report)


def test_the_step_with_a_wrong_slope_is_named_in_an_engine_of_ones_own() -> None:
    mine = engine(tanh=lambda x: 1.0 - x * x)
    report = tg.gradcheck(lambda x: x.tanh(), mine(0.5))
    assert not report
    told = words(report)
    assert "the _backward of 'tanh' is wrong" in told
    assert (
        f"passes 0.75 on to the operand 0.5, and the slope is {1 - math.tanh(0.5) ** 2:.6g}" in told
    )


def test_an_engine_with_names_that_we_lack_is_checked_all_the_same() -> None:
    class Cubed:
        def __init__(self, data: float) -> None:
            self.data, self.grad = data, 0.0

        def cubed(self) -> Any:
            out = Cubed(self.data**3)
            out.backward = lambda: setattr(self, "grad", 6.0 * self.data**2)  # type: ignore[attr-defined]
            return out

    report = tg.gradcheck(lambda x: x.cubed(), Cubed(0.5))
    assert "a factor 2 too many everywhere" in words(report)


def test_a_node_of_ones_own_made_inside_is_told_to_come_as_an_input() -> None:
    mine = engine()
    with pytest.raises(TypeError, match=r"give gradcheck its nodes: gradcheck\(f, Mine\("):
        tg.gradcheck(lambda x: mine(x) + mine(x), 3.0)


def test_a_backward_by_hand_on_a_value_is_refused_and_the_way_to_do_it_shown() -> None:
    out = Value(3.0)
    with pytest.raises(AttributeError, match=r"tg\.apply\(square, x\)"):
        out._backward = lambda: None  # type: ignore[assignment]
    x = Value(3.0)
    y = x * x
    y.grad = 1.0
    y._backward()
    assert x.grad == 6.0


@pytest.mark.parametrize(("kind", "data"), [(Value, 0.7), (Tensor, ROWS)])
def test_methods_of_a_subclass_are_found_and_checked(kind: type, data: Any) -> None:
    def half_square(x: Any) -> Any:
        return x * x, lambda grad: (grad * x,)

    class Mine(kind):  # type: ignore[misc]
        def squared(self) -> Any:
            return tg.apply(half_square, self)

    report = tg.gradcheck(lambda x: x.squared() * 2.0, Mine(data))
    assert "a factor 2 is missing everywhere" in words(report)


# Slips in rules


def slope_left_out(x: Any) -> Any:
    return tg.exp(tg.sin(x)), lambda grad: (grad,)


def slope_of_the_operand(x: Any) -> Any:
    return tg.tanh(x), lambda grad: (grad * (1.0 - x * x),)


def one_minus_left_out(x: Any) -> Any:
    y = tg.sigmoid(x)
    return y, lambda grad: (grad * y,)


@pytest.mark.parametrize(
    "x", [0.6, ROWS, ROWS.astype(np.float32)], ids=["Value", "Tensor", "float32"]
)
@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (slope_left_out, "passed on as it came: multiply it by the slope of this operation"),
        (slope_of_the_operand, "taken of the operand where it should be of the result"),
        (one_minus_left_out, "a factor is missing: multiply by 1 - the result"),
    ],
)
def test_a_slip_in_a_slope_is_told(rule: Callable[..., Any], sentence: str, x: Any) -> None:
    report = applied(rule, x)
    assert not report
    assert sentence in words(report)


def test_a_slope_left_out_is_told_where_some_elements_have_the_slope_one() -> None:
    def sine(x: Any) -> Any:
        return tg.sin(x), lambda grad: (grad,)

    report = applied(sine, np.array([0.0, 1e-200, 0.7, 0.0]))
    assert "passed on as it came: multiply it by the slope" in words(report)


def test_an_order_that_is_not_turned_back_is_told() -> None:
    def flipped(x: Any) -> Any:
        return x[::-1], lambda grad: (grad,)

    report = applied(flipped, np.linspace(0.2, 1.0, 4))
    assert (
        "element 0 goes to element 0 of operand 0, but that result comes from element 3"
        in words(report)
    )


def test_one_gradient_for_both_operands_is_told() -> None:
    def product(x: Any, y: Any) -> Any:
        return x * y, lambda grad: (grad * y, grad * y)

    for x, y in ((0.6, 1.7), (ROWS, ROWS + 2.0)):
        report = applied(product, x, y)
        assert "operand 1 is given the gradient of operand 0" in words(report)


@pytest.mark.parametrize("factor", [-1.0, 0.5, 3.0])
def test_float32_hides_no_factor(factor: float) -> None:
    def cosine(x: Any) -> Any:
        return tg.cos(x), lambda grad: (-factor * grad * tg.sin(x),)

    names = {-1.0: "the sign is flipped", 0.5: "a factor 2 is missing", 3.0: "a factor 3 too many"}
    assert names[factor] in words(applied(cosine, ROWS.astype(np.float32)))


def test_what_is_wrong_in_float32_alone_is_told() -> None:
    def square(x: Any) -> Any:
        two = 1.9 if getattr(x, "dtype", None) == np.float32 else 2.0
        return x * x, lambda grad: (two * grad * x,)

    assert applied(square, ROWS)
    assert "in float64 the same rule is right" in words(applied(square, ROWS.astype(np.float32)))


def test_elements_that_are_off_by_the_same_are_told() -> None:
    hot = np.zeros_like(ROWS)
    hot[0, 0] = hot[1, 2] = 0.25

    def forgets_the_labels(x: Any) -> Any:
        return x * (x - hot), lambda grad: (grad * 2.0 * x,)

    report = tg.gradcheck(lambda x: tg.apply(forgets_the_labels, x).sum(), ROWS)
    assert "only 2 of 6 elements are wrong" in words(report)
    assert "each off by 0.25: a term is missing there" in words(report)


# Gradients in the wrong place


def test_an_index_off_by_one_is_told() -> None:
    def middle(x: Any) -> Any:
        zeros = np.zeros(1), np.zeros(2)
        return x[2:5], lambda grad: (np.concatenate([zeros[0], grad, zeros[1]]),)

    report = applied(middle, np.linspace(0.1, 1.1, 6))
    assert "the gradient of the result's element 0 goes to element 1 of operand 0" in words(report)
    assert "that result comes from element 2: all are off by -1" in words(report)


@pytest.mark.parametrize("axis", [None, 1])
def test_a_sum_over_the_wrong_axes_is_told(axis: int | None) -> None:
    def bias(x: Any, b: Any) -> Any:
        return x + b, lambda grad: (grad, grad.sum(axis=axis))

    report = applied(bias, SQUARE, SQUARE[0])
    assert "sum the gradient over axis 0, along which operand 1 is repeated" in words(report)


def test_a_running_sum_that_is_not_turned_round_is_told() -> None:
    def running(x: Any) -> Any:
        return np.cumsum(x), lambda grad: (np.cumsum(grad),)

    def turned(x: Any) -> Any:
        return np.cumsum(x), lambda grad: (np.cumsum(grad[::-1])[::-1],)

    x = np.linspace(0.1, 0.9, 5)
    assert applied(turned, x)
    assert "element 0 goes to 4 elements (1, 2, 3 …) of operand 0" in words(applied(running, x))


# Pullbacks that break off


def test_a_product_whose_shapes_do_not_fit_is_told_with_both_gradients() -> None:
    def product(x: Any, y: Any) -> Any:
        return x @ y, lambda grad: (grad @ y, x.T @ grad)

    with pytest.raises(tg.GraphError, match=r"the pullback of 'product' fails") as caught:
        applied(product, ROWS, np.ones((3, 4)))
    assert "for x @ y the gradients are grad @ y.T and x.T @ grad" in str(caught.value)
    assert "this is grad @ y, but for x @ y the gradient of x is grad @ y.T" in words(
        tg.check_op(product, SQUARE, SQUARE)
    )


def test_what_a_pullback_returns_instead_of_a_tuple_is_told() -> None:
    def no_return(x: Any) -> Any:
        def pullback(grad: Any) -> Any:
            grad * x

        return x * x, pullback

    def a_list(x: Any, y: Any) -> Any:
        return x * y, lambda grad: [grad * y, grad * x]

    def one_for_two(x: Any, y: Any) -> Any:
        return x * y, lambda grad: (grad * y,)

    with pytest.raises(tg.GraphError, match=r"does it end with return\?"):
        applied(no_return, 0.5)
    with pytest.raises(tg.GraphError, match=r"round brackets"):
        applied(a_list, 0.5, 2.0)
    with pytest.raises(tg.GraphError, match=r"None for those without$"):
        applied(one_for_two, 0.5, 2.0)


def test_a_gradient_of_the_wrong_shape_is_told_by_its_shape() -> None:
    def turned(x: Any) -> Any:
        return x.T, lambda grad: (grad,)

    def wrong_axis(x: Any, b: Any) -> Any:
        return x + b, lambda grad: (grad, grad.sum(axis=1))

    with pytest.raises(tg.GraphError, match=r": it is transposed"):
        applied(turned, ROWS)
    with pytest.raises(tg.GraphError, match=r"summed over axis 1, but the operand is"):
        applied(wrong_axis, ROWS, np.ones(3))


# What functions do


def test_a_function_that_writes_into_its_input_is_told() -> None:
    def program(x: Any) -> Any:
        x.data[0, 0] = 5.0
        return (x * x).sum()

    report = tg.gradcheck(program, ROWS)
    assert not report
    assert "f changes input 0 in place" in words(report)


def test_a_rule_that_writes_into_its_operand_is_told() -> None:
    def shifted(x: Any) -> Any:
        x += 1.0
        return x * x, lambda grad: (2.0 * grad * x,)

    def program(x: Any) -> Any:
        y = 2.0 * x
        return (y * y).sum() + tg.apply(shifted, y).sum()

    report = tg.gradcheck(program, ROWS)
    assert "the rule changes an operand in place" in words(report)


def test_one_array_that_is_returned_again_and_again_is_told() -> None:
    kept = np.zeros_like(ROWS)

    def square(x: Any) -> Any:
        kept[...] = x * x
        return kept, lambda grad: (2.0 * grad * x,)

    def program(x: Any) -> Any:
        return (tg.apply(square, x) * tg.apply(square, 2.0 * x)).sum()

    assert "the result of 'square' was changed after it was computed" in words(
        tg.gradcheck(program, ROWS)
    )


@pytest.mark.parametrize(("kind", "x"), [(Value, 0.4), (Tensor, ROWS)])
def test_a_leaf_made_of_a_number_taken_out_is_told(kind: type, x: Any) -> None:
    report = tg.gradcheck(lambda node: kind(node.data) * node, x)
    assert "f makes a new leaf" in words(report)
    assert "tg.sin(v) and not math.sin(v.data)" in words(report)


def test_a_function_that_fails_a_step_away_is_told_in_its_own_words() -> None:
    def bounded(x: Any) -> Any:
        if float(x) > 1.0:
            raise ValueError("too big")
        return x * x

    assert tg.gradcheck(bounded, 0.5)
    report = tg.gradcheck(bounded, 1.0)
    assert "f fails a step away from here (ValueError: too big)" in words(report)
    with pytest.raises(ValueError, match="too big"):
        tg.gradcheck(bounded, 2.0)


def test_a_pole_is_no_mistake_in_backward() -> None:
    report = tg.gradcheck(lambda x: 1.0 / x, 0.0)
    assert "the function is not finite here: '/' of 1 and 0 is not" in words(report)


def test_a_result_in_place_of_a_function_is_told() -> None:
    with pytest.raises(TypeError, match=r"gradcheck takes a function and where to look"):
        tg.gradcheck(Value(2.0) * 3.0, 2.0)  # type: ignore[arg-type]


# What is right, where it is hard to see


@pytest.mark.parametrize("x", [1e-9, 1e-12, 1e-15, 1e-100])
@pytest.mark.parametrize(
    "f",
    [tg.log, tg.sqrt, lambda x: 1.0 / x, lambda x: x * tg.log(x)],
    ids=["log", "sqrt", "/", "x log x"],
)
def test_right_slopes_close_to_the_edge_of_a_domain_pass(f: Callable[[Any], Any], x: float) -> None:
    assert tg.gradcheck(f, x)


def test_wrong_slopes_close_to_the_edge_of_a_domain_fail() -> None:
    def logarithm(x: Any) -> Any:
        return tg.log(x), lambda grad: (1.01 * grad / x,)

    def shifted(x: Any) -> Any:
        return 1.0 + x, lambda grad: (0.0 * grad,)

    for x in (1e-3, 1e-9, 1e-12):
        assert not tg.gradcheck(lambda x: tg.apply(logarithm, x), x)
        assert not tg.gradcheck(lambda x: tg.apply(shifted, x), x)


@pytest.mark.parametrize("f", [tg.relu, abs, tg.leaky_relu])
def test_float32_beside_a_kink_and_large_numbers_passes(f: Callable[[Any], Any]) -> None:
    x = np.array([1e-4, -1e-5, 3e-3, 0.7, -5.0, 50.0], dtype=np.float32)
    report = tg.gradcheck(f, x)
    assert report, report


@pytest.mark.parametrize("place", [(10,), (slice(None), 5), (30, 7)], ids=["row", "column", "one"])
def test_a_part_of_a_large_float32_array_without_gradient_is_found(place: Any) -> None:
    weight = np.random.default_rng(0).normal(size=(100, 64)).astype(np.float32)
    batch = np.random.default_rng(1).normal(size=(8, 100)).astype(np.float32)

    def linear(x: Any, w: Any, *, spoilt: bool) -> Any:
        def pullback(grad: Any) -> Any:
            of_weight = x.T @ grad
            if spoilt:
                of_weight[place] = 0.0
            return None, of_weight

        return x @ w, pullback

    def loss(w: Any, spoilt: bool) -> Any:
        return (tg.apply(linear, Tensor(batch).detach(), w, spoilt=spoilt).tanh() ** 2).mean()

    assert tg.gradcheck(lambda w: loss(w, False), weight)
    report = tg.gradcheck(lambda w: loss(w, True), weight)
    assert not report
    assert report.worst is not None
    assert report.worst.backward == 0.0 and "element (" in report.worst.where


# Reports


def test_a_report_fits_a_terminal_of_a_hundred_columns() -> None:
    reports = [
        applied(slope_left_out, ROWS),
        tg.check_op(slope_left_out),
        tg.gradcheck(lambda x: x * float(x), 3.0),
        tg.gradcheck(lambda x: x.sum(), np.ones(500)),
    ]
    for report in reports:
        assert max(map(len, str(report).splitlines())) <= 100
