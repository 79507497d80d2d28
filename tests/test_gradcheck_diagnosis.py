"""gradcheck's reasons: each planted mistake is told by its sentence, what is right by none.

Rules are spoilt in both twins; programs go wrong as people's do: a number taken out, dropout drawn
anew, a sweep that overwrites, gradients worked out by hand.
"""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twingrad as tg
from tests.oracles import Row
from tests.reports import words
from tests.table import TABLE
from tests.test_wrong_derivatives import every_operand
from tests.test_wrong_derivatives import spoilt as rule_spoilt
from twingrad import Value, nn
from twingrad.engine.checking import subject
from twingrad.engine.sweep import topological_order
from twingrad.testing import Program, arrays, assert_gradients, floats, programs

SENTENCES = {
    "sign": "the sign is flipped: backward",
    "missing": "is missing everywhere",
    "too many": "too many everywhere",
    "share": "of what it should be everywhere",
    "quantity": "a factor is missing: multiply by",
    "surplus": "a factor too many: it is multiplied by",
    "constant": "it is treated as a constant",
    "variable": "a constant is treated as a variable",
    "none": "the pullback returns None for operand",
    "offset": "a term is missing, or too many",
    "transposed": "it is transposed",
    "factor": "a factor is not transposed",
    "exchanged": "are exchanged",
    "broadcast": "a broadcast axis is not summed",
    "use": "alone: add up the parts of all uses",
    "overwritten": "`=` stands where `+=` is meant",
    "proportional": "does not multiply by the gradient that arrives",
    "draws": "does not give the same result twice",
    "forgot": "the result forgot its past",
    "unreached": "the graph of the result does not lead to input",
    "taken out": "takes numbers out of nodes",
    "branch": "it branches on its numbers",
    "jump": "f jumps by",
    "side": "it is wrong exactly where the operand is",
    "few": "is wrong: element",
}


def told(report: Any) -> set[str]:
    """Which of the sentences the report has."""
    reasons = "\n".join(report.why)
    return {name for name, sentence in SENTENCES.items() if sentence in reasons}


def spoilt(spoil: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """The rule of sin x · e^y, spoilt in the gradient of x."""

    def rule(x: Any, y: Any) -> Any:
        result = tg.sin(x) * tg.exp(y)

        def pullback(grad: Any) -> Any:
            return spoil(grad * tg.cos(x) * tg.exp(y), x), grad * result

        return result, pullback

    return rule


ROWS = np.array([[0.3, -0.5, 1.1], [0.7, 0.2, -0.9]])

ELEMENTWISE: dict[str, tuple[Callable[[Any, Any], Any], str, str]] = {
    "minus": (lambda g, x: -g, "sign", "the sign is flipped"),
    "half": (lambda g, x: 0.5 * g, "missing", "a factor 2 is missing everywhere"),
    "a fifth, minus": (lambda g, x: -0.2 * g, "missing", "a factor 5 is missing everywhere, and"),
    "three times": (lambda g, x: 3.0 * g, "too many", "a factor 3 too many everywhere"),
    "two thirds": (lambda g, x: g / 1.5, "share", "it is 2/3 of what it should be everywhere"),
    "a little": (lambda g, x: 1.001 * g, "share", "it is 1.001 of what"),
    "zero": (lambda g, x: 0.0 * g, "constant", "its gradient is missing, or 0 everywhere"),
    "none": (lambda g, x: None, "none", "the pullback returns None for operand 0"),
    "without x": (lambda g, x: g / x, "quantity", "multiply by the operand itself"),
    "times x": (lambda g, x: g * x, "surplus", "it is multiplied by the operand itself"),
}


@pytest.mark.parametrize(("spoil", "name", "sentence"), ELEMENTWISE.values(), ids=ELEMENTWISE)
@pytest.mark.parametrize(("x", "y"), [(0.6, -0.4), (ROWS, -0.4 * ROWS)], ids=["Value", "Tensor"])
def test_a_mistake_in_a_slope_is_told(
    spoil: Callable[[Any, Any], Any], name: str, sentence: str, x: Any, y: Any
) -> None:
    rule = spoilt(spoil)
    report = tg.gradcheck(lambda x, y: tg.exp(tg.apply(rule, x, y)) * 0.7, x, y)
    assert not report
    assert told(report) == {name}
    assert sentence in words(report)
    assert "the operation that is wrong: rule, operand 0" in words(report)
    assert "operand 1 is right" in words(report) or name == "none"


def test_a_mistake_in_the_second_operand_alone_says_so() -> None:
    def rule(x: Any, y: Any) -> Any:
        return x / y, lambda grad: (grad / y, grad * x / (y * y))

    for x, y in ((0.5, 2.0), (ROWS, 2.0 + ROWS)):
        report = tg.gradcheck(lambda x, y: tg.apply(rule, x, y), x, y)
        assert told(report) == {"sign"}
        assert "operand 1 is wrong, operand 0 is right" in words(report)


def test_an_offset_and_a_wrong_side_and_single_elements_are_told() -> None:
    report = tg.gradcheck(lambda x: tg.apply(spoilt(lambda g, x: g - 0.25), x, x), ROWS)
    assert told(report) == {"offset"}

    def relu(x: Any) -> Any:
        return tg.relu(x), lambda grad: (grad,)

    report = tg.gradcheck(lambda x: tg.apply(relu, x), ROWS)
    assert told(report) == {"side"}
    assert "exactly where the operand is negative, 2 of 6 elements" in words(report)

    def one_wrong(g: Any, x: Any) -> Any:
        return g * np.array([[1.0, 1.0, 1.1], [1.0, 1.0, 1.0]])

    report = tg.gradcheck(lambda x: tg.apply(spoilt(one_wrong), x, x), ROWS)
    assert told(report) == {"few"}
    assert "only 1 of 6 elements is wrong: element (0, 2)" in words(report)


def test_a_factor_that_is_the_size_of_the_batch_is_named_after_it() -> None:
    def mse(x: Any) -> Any:
        return (x * x).mean(), lambda grad: (2.0 * grad * x,)

    def mean(x: Any) -> Any:
        return x.mean(axis=0), lambda grad: (grad + 0.0 * x,)

    batch = np.linspace(-1.0, 2.0, 21).reshape(7, 3)
    report = tg.gradcheck(lambda x: tg.apply(mean, x).sum(), batch)
    assert told(report) == {"too many"}
    assert "7 is the length of axis 0 of operand 0, so perhaps a sum was taken for a mean" in words(
        report
    )
    report = tg.gradcheck(lambda x: tg.apply(mse, x), batch)
    assert "a factor 21 too many everywhere: 21 is the number of elements" in words(report)


@pytest.mark.parametrize("row", [0, 2, -1])
def test_one_row_for_a_broadcast_operand_is_told(row: int) -> None:
    def bias(x: Any, b: Any) -> Any:
        return x + b, lambda grad: (grad, grad[row])

    report = tg.gradcheck(
        lambda x, b: tg.apply(bias, x, b).tanh().sum(), np.ones((4, 3)) * 0.3, np.ones(3)
    )
    assert told(report) == {"broadcast"}
    assert "operand 1 is repeated along axis 0 of the result, 4 times" in words(report)


def test_a_gradient_that_keeps_the_broadcast_axes_is_told() -> None:
    def distance(x: Any, y: Any) -> Any:
        return ((x - y) ** 2).sum(), lambda grad: (2.0 * grad * (x - y), -2.0 * grad * (x - y))

    with pytest.raises(tg.GraphError, match=r"broadcast axis is not summed: .* over axis 0"):
        tg.gradcheck(lambda y: tg.apply(distance, ROWS, y), np.ones(3))


def test_what_is_transposed_or_exchanged_is_told() -> None:
    square = np.array([[0.3, -0.5], [0.7, 0.2]])

    def swapped(x: Any) -> Any:
        return x**2, lambda grad: ((2.0 * grad * x).T,)

    def product(x: Any, y: Any) -> Any:
        return x @ y, lambda grad: (grad @ y, x.T @ grad)

    def other_way(x: Any, y: Any) -> Any:
        return x / y, lambda grad: (-grad * x / (y * y), grad / y)

    assert told(tg.gradcheck(lambda x: tg.apply(swapped, x), square)) == {"transposed"}
    report = tg.gradcheck(lambda x, y: tg.apply(product, x, y), square, square + 1.0)
    assert told(report) == {"factor"}
    assert "this is grad @ y, but for x @ y the gradient of x is grad @ y.T" in words(report)
    for x, y in ((0.5, 2.0), (ROWS, 2.0 + ROWS)):
        report = tg.gradcheck(lambda x, y: tg.apply(other_way, x, y), x, y)
        assert told(report) == {"exchanged"}


def test_a_constant_that_gets_a_gradient_is_told() -> None:
    def scaled(x: Any, y: Any) -> Any:
        return 2.0 * x, lambda grad: (2.0 * grad, grad)

    for x in (0.5, ROWS):
        report = tg.gradcheck(lambda x, y: tg.apply(scaled, x, y), x, x)
        assert told(report) == {"variable"}
        assert "operand 1 is wrong, operand 0 is right" in words(report)


def test_a_pullback_that_ignores_what_arrives_is_told() -> None:
    def square(x: Any) -> Any:
        return x * x, lambda grad: (2.0 * x,)

    report = tg.gradcheck(lambda x: tg.exp(tg.apply(square, x)), 0.7)
    assert told(report) == {"proportional"}
    report = tg.gradcheck(lambda x: tg.exp(tg.apply(square, x)), ROWS)
    assert told(report) == {"quantity"}
    assert "multiply by the gradient that arrives" in words(report)


def test_a_slope_that_is_not_a_number_is_told() -> None:
    report = tg.gradcheck(lambda x: tg.where(x > 0.0, tg.sqrt(x), 0.0 * x), 0.0)
    assert not report

    def safe(x: Any) -> Any:
        return x * x, lambda grad: (grad * (0.0 / x if x else math.nan),)

    report = tg.gradcheck(lambda x: tg.apply(safe, x), 0.0)
    assert "backward is nan where the slope is finite" in words(report)
    report = tg.gradcheck(tg.log, 0.0)
    assert "the function is not finite here: 'log' of 0 is not" in words(report)


# Uses that were left out, and sums that were not


@pytest.mark.parametrize("x", [0.6, ROWS], ids=["Value", "Tensor"])
def test_half_of_a_product_rule_is_told(x: Any) -> None:
    def rule(x: Any) -> Any:
        return tg.sin(x) * tg.exp(x), lambda grad: (grad * tg.cos(x) * tg.exp(x),)

    report = tg.gradcheck(lambda x: tg.apply(rule, x), x)
    assert told(report) == {"use"}
    assert (
        "operand 0 is used 2 times, by 'sin' and 'exp', but its gradient has the part of 'sin'"
        in words(report)
    )


def overwriting(seeds: dict[Any, Any], **_: Any) -> dict[Any, Any]:
    """A sweep with `=` where `+=` is meant."""
    found = dict(seeds)
    for node in reversed(topological_order(*seeds)):
        if node in found and node._pullback is not None:
            for parent, gradient in zip(node.parents, node._pullback(found[node]), strict=True):
                if not parent.constant:
                    found[parent] = parent._received(gradient, found[node], node)
    return found


@pytest.mark.parametrize("x", [0.6, ROWS], ids=["Value", "Tensor"])
def test_a_sweep_that_overwrites_is_told(x: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "gradients", overwriting)
    assert tg.gradcheck(lambda x: tg.exp(tg.sin(x)), x)
    report = tg.gradcheck(lambda x: tg.sin(x) * tg.exp(x), x)
    assert told(report) == {"overwritten"}
    assert "every operation is right by itself" in words(report)
    assert "input 0 is used 2 times" in words(report)

    def deep(x: Any) -> Any:
        y = tg.tanh(x)
        return tg.sin(y) * tg.exp(y)

    report = tg.gradcheck(deep, x)
    assert told(report) == {"overwritten"}
    assert "a reused result ('tanh', used 2 times)" in words(report)


class Number:
    """A scalar engine as people write it first, with its classic mistake if `adds` is off."""

    adds = True

    def __init__(self, data: float, back: Any = None, parents: tuple["Number", ...] = ()) -> None:
        self.data, self.grad, self.back, self.parents = data, 0.0, back, parents

    def _give(self, gradient: float) -> None:
        self.grad = self.grad + gradient if Number.adds else gradient

    def __mul__(self, other: "Number") -> "Number":
        def back(grad: float) -> None:
            self._give(grad * other.data)
            other._give(grad * self.data)

        return Number(self.data * other.data, back, (self, other))

    def sin(self) -> "Number":
        return Number(
            math.sin(self.data), lambda grad: self._give(grad * math.cos(self.data)), (self,)
        )

    def backward(self) -> None:
        order: list[Number] = []

        def visit(node: Number) -> None:
            if node not in order:
                for parent in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            if node.back is not None:
                node.back(node.grad)


def by_their_engine(x: float, y: float) -> tuple[float, float]:
    a, b = Number(x), Number(y)
    (a.sin() * (a * b)).backward()
    return a.grad, b.grad


def test_gradients_of_another_engine_are_checked_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def f(x: Any, y: Any) -> Any:
        return tg.sin(x) * (x * y)

    assert tg.gradcheck(f, 0.6, -1.5, gradient=by_their_engine)
    monkeypatch.setattr(Number, "adds", False)
    report = tg.gradcheck(f, 0.6, -1.5, gradient=by_their_engine)
    assert "overwritten" in told(report)
    assert "input 0 is used 2 times, by" in words(report)


# Gradients by hand

HAND: dict[str, tuple[Callable[[Any], Any], str]] = {
    "sign": (lambda x: -2.0 * x * np.exp(x * x), "sign"),
    "factor": (lambda x: x * np.exp(x * x), "missing"),
    "inner": (lambda x: np.exp(x * x), "quantity"),
    "zero": (lambda x: 0.0 * x, "constant"),
    "none": (lambda x: None, "constant"),
    "transposed": (lambda x: (2.0 * x * np.exp(x * x)).T, "transposed"),
}


@pytest.mark.parametrize(("gradient", "name"), HAND.values(), ids=HAND)
def test_a_gradient_by_hand_is_checked_against_plain_numpy(
    gradient: Callable[[Any], Any], name: str
) -> None:
    x = np.array([[0.3, -0.5], [0.7, 0.2]])

    def f(x: Any) -> Any:
        return float(np.sum(np.exp(np.asarray(x) ** 2)))

    assert tg.gradcheck(f, x, gradient=lambda x: 2.0 * x * np.exp(x * x))
    assert tg.gradcheck(f, x, gradient=2.0 * x * np.exp(x * x))
    report = tg.gradcheck(f, x, gradient=gradient)
    assert not report
    assert name in told(report)


def test_a_forgotten_inner_derivative_is_told() -> None:
    report = tg.gradcheck(lambda x: np.exp(x * x).sum(), ROWS, gradient=lambda x: np.exp(x * x))
    assert "a factor is missing: multiply by 2 times the input itself" in words(report)


def test_a_gradient_by_hand_of_the_wrong_shape_is_told() -> None:
    x, b = np.ones((4, 3)), np.arange(3.0)
    report = tg.gradcheck(
        lambda x, b: ((x + b) ** 2).sum(), x, b, gradient=lambda x, b: (2 * (x + b), 2 * (x + b))
    )
    assert not report
    assert "the gradient of input 1 has shape (4, 3), but the input has (3,)" in words(report)
    assert "a broadcast axis is not summed: sum the gradient over axis 0" in words(report)
    report = tg.gradcheck(lambda x: (x**2).sum(), x, gradient=lambda x: 2 * x.T)
    assert "it is transposed" in words(report)
    report = tg.gradcheck(lambda x: (x @ b).sum(), x, gradient=lambda x: np.ones((7, 7)))
    assert "has shape (7, 7), but the input has (4, 3)" in words(report)


def test_a_gradient_by_hand_may_be_of_lists_and_several_inputs() -> None:
    assert tg.gradcheck(lambda p, y: p[0] * p[1] + y, [2.0, 3.0], 1.0, gradient=([3.0, 2.0], 1.0))
    report = tg.gradcheck(lambda p, y: p[0] * p[1] + y, [2.0, 3.0], 1.0, gradient=([2.0, 3.0], 1.0))
    assert "exchanged" in told(report)


# What functions do behind one's back


def test_a_number_that_left_the_graph_is_found() -> None:
    report = tg.gradcheck(lambda x: x * float(x), 3.0)
    assert told(report) == {"taken out"}
    assert "3, a constant to '*' (operand 1), changes with the inputs" in words(report)
    report = tg.gradcheck(lambda x: (x * x.data).sum(), ROWS)
    assert told(report) == {"taken out"}
    assert "an array of shape (2, 3), a constant to '*' (operand 1)" in words(report)
    report = tg.gradcheck(lambda x: x + tg.leaky_relu(-x * x, alpha=float(x)), 0.5)
    assert told(report) == {"taken out"}
    assert "alpha=0.5 of 'leaky_relu' changes with the inputs" in words(report)


@pytest.mark.parametrize("f", [lambda x: math.sin(float(x)), lambda x: tg.sin(x.detach())])
def test_a_result_that_forgot_its_past_is_told_without_a_warning(f: Callable[..., Any]) -> None:
    report = tg.gradcheck(f, 0.5)
    assert told(report) == {"forgot"}


def test_an_input_that_the_graph_lost_is_named() -> None:
    report = tg.gradcheck(lambda x, y: x * y.detach(), 3.0, 2.0)
    assert told(report) == {"unreached"}
    assert "does not lead to input 1" in words(report)


def test_dropout_drawn_anew_is_told() -> None:
    dropout = nn.Dropout(0.5, rng=0)
    report = tg.gradcheck(lambda x: dropout(x).sum(), np.ones((5, 5)))
    assert told(report) == {"draws"}
    assert report.max_relative_error == np.inf
    dropout.eval()
    assert tg.gradcheck(lambda x: dropout(x).sum(), np.ones((5, 5)))


def test_a_jump_and_a_branch_are_told() -> None:
    report = tg.gradcheck(lambda x: tg.where(x > 0.0, x + 2.0, x), 0.0)
    assert told(report) == {"jump"}
    assert "f jumps by 2 at input 0" in words(report)


def test_corners_that_do_not_add_up_are_named() -> None:
    report = tg.gradcheck(lambda x: tg.relu(x) - tg.relu(-x), 0.0)
    assert not report
    assert "relu, operand 0 stands at a kink" in words(report)


# Steps


@pytest.mark.parametrize(("eps", "size"), [(1e-13, "small"), (1e-11, "small"), (0.5, "large")])
def test_an_unfit_step_is_named_and_another_used(eps: float, size: str) -> None:
    report = tg.gradcheck(lambda x: tg.sin(3.0 * x), 1.5, eps=eps)
    assert report
    assert f"eps={eps:g} is too {size} here: a step of" in words(report)
    assert not tg.gradcheck(lambda x: tg.apply(spoilt(lambda g, x: 1.01 * g), x, x), 1.5, eps=eps)


def test_a_step_for_float64_is_too_small_for_float32() -> None:
    x = np.linspace(0.1, 1.0, 4, dtype=np.float32)
    report = tg.gradcheck(lambda x: tg.sin(x).sum(), x, eps=1e-6)
    assert report
    assert "eps=1e-06 is too small here" in words(report)
    assert not tg.gradcheck(lambda x: tg.sin(x).sum(), x, eps=1e-2).notes


def test_a_fit_step_is_not_remarked_on() -> None:
    for f in (tg.sin, tg.cos, lambda x: x**3 - x):
        report = tg.gradcheck(f, 0.7, eps=1e-5, rtol=1e-6)
        assert report and not report.notes


def test_a_floor_that_hides_the_slopes_is_told() -> None:
    report = tg.gradcheck(lambda x: 1e15 + x * x, 1.0)
    assert report
    assert "rounding hides slopes below" in words(report)
    report = tg.gradcheck(lambda x: x * x, 1.0)
    assert not report.notes
    assert 0.0 < report.noise_floor < 1e-9
    assert re.search(r"noise floor \S+, tolerance 1e-07\)", words(report))


@pytest.mark.parametrize("eps", [0.0, -1e-5, math.nan])
def test_a_step_that_is_none_is_an_error(eps: float) -> None:
    with pytest.raises(ValueError, match="eps is a step above 0"):
        tg.gradcheck(tg.sin, 1.0, eps=eps)


def test_slopes_that_are_all_zero_are_remarked_on() -> None:
    weight = Value(2.0)
    report = tg.gradcheck(lambda x: weight * 3.0, 1.0)
    assert report
    assert "every slope is 0 here, so a wrong factor would not show" in words(report)


def test_a_point_where_f_is_not_finite_is_told() -> None:
    report = tg.gradcheck(lambda x: x, math.inf)
    assert not report
    assert "the function is not finite here" in words(report)


# Large arrays

RNG = np.random.default_rng(0)
WEIGHT = RNG.normal(size=(784, 128)) * 0.05
BATCH = RNG.normal(size=(32, 784))
READ_OUT = RNG.normal(size=(128, 10))


def loss_with(spoil: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def linear(x: Any, weight: Any) -> Any:
        return x @ weight, lambda grad: (grad @ weight.T, spoil(x.T @ grad))

    def loss(weight: Any) -> Any:
        hidden = tg.apply(linear, tg.Tensor(BATCH).detach(), weight)
        return (hidden.relu() @ READ_OUT).log_softmax()[:, 0].mean()

    return loss


def counted(f: Callable[[Any], Any]) -> tuple[Callable[[Any], Any], list[int]]:
    calls: list[int] = []

    def counting(weight: Any) -> Any:
        calls.append(1)
        return f(weight)

    return counting, calls


def test_a_large_weight_is_checked_with_few_evaluations() -> None:
    # A second, where the loss takes ten milliseconds; a clock would measure who else is busy.
    f, calls = counted(loss_with(lambda g: g))
    report = tg.gradcheck(f, WEIGHT)
    assert report, report
    assert report.checked == WEIGHT.size
    assert "looked at along random directions" in words(report)
    assert len(calls) < 100
    f, calls = counted(loss_with(lambda g: -g))
    assert not tg.gradcheck(f, WEIGHT)
    assert len(calls) < 400


@pytest.mark.parametrize("place", [(700, 3), (0, 0), (783, 127)])
def test_the_one_wrong_element_of_a_large_weight_is_found(place: tuple[int, int]) -> None:
    def spoil(gradient: Any) -> Any:
        gradient = gradient.copy()
        gradient[place] += 0.1
        return gradient

    report = tg.gradcheck(loss_with(spoil), WEIGHT)
    assert not report
    assert f"input 0, element {place}: backward says" in words(report)
    assert f"operand 1, element {place}" in words(report)
    assert told(report) == {"few"}


def test_a_mistake_in_all_of_a_large_weight_is_told() -> None:
    report = tg.gradcheck(loss_with(lambda g: g / 32.0), WEIGHT)
    assert told(report) == {"missing"}
    assert "32 is the length of axis 0 of operand 0" in words(report)
    assert told(tg.gradcheck(loss_with(lambda g: -g), WEIGHT)) == {"sign"}
    assert told(tg.gradcheck(loss_with(lambda g: 0.0 * g), WEIGHT)) == {"constant"}


def test_the_directions_are_those_of_the_seed() -> None:
    f = loss_with(lambda g: g)
    errors = [tg.gradcheck(f, WEIGHT, rng=seed).max_relative_error for seed in (1, 1, 2)]
    assert errors[0] == errors[1] != errors[2]


# What is right


@settings(max_examples=40)
@given(programs())
def test_right_programs_of_numbers_pass_without_a_word(program: Program) -> None:
    report = tg.gradcheck(program, *program.leaves)
    assert report, report
    assert not report.why and not report.kinks


@settings(max_examples=40)
@given(programs(on_arrays=True))
def test_right_programs_of_arrays_pass(program: Program) -> None:
    assert_gradients(program, *program.leaves)


@settings(max_examples=40)
@given(programs(), st.floats(-9.0, 9.0), st.floats(-3.0, 3.0))
def test_right_programs_pass_however_they_are_scaled(
    program: Program, exponent: float, of_input: float
) -> None:
    scale, stretch = 10.0**exponent, 10.0**of_input

    def scaled(*leaves: Any) -> Any:
        return scale * program(*[x * (1.0 / stretch) for x in leaves])

    assert_gradients(scaled, *[x * stretch for x in program.leaves])


@settings(max_examples=40)
@given(programs(kinks=True))
def test_programs_with_kinks_pass_or_name_them(program: Program) -> None:
    report = tg.gradcheck(program, *program.leaves)
    assert report or report.kinks or "stands at a kink" in words(report), report


@settings(max_examples=40)
@given(arrays(), st.sampled_from([-1.0, 0.5, 2.0, 1.01]))
def test_scaled_slopes_are_told_wherever_they_are_looked_at(x: np.ndarray, factor: float) -> None:
    def rule(x: Any) -> Any:
        return tg.sin(x), lambda grad: (factor * grad * tg.cos(x),)

    report = tg.gradcheck(lambda x: tg.apply(rule, x), x)
    assert not report
    expected = {-1.0: "sign", 0.5: "missing", 2.0: "too many", 1.01: "share"}[factor]
    assert told(report) == {expected}


@settings(max_examples=40)
@given(floats(-1.0, 1.0))
def test_stationary_points_pass(x: float) -> None:
    assert_gradients(lambda z: (z - x) ** 2 + (z - x) ** 4, x)
    assert_gradients(lambda z: tg.cos(z - x) * 1e-6, x)


# Every rule of the table


@every_operand(TABLE)
def test_a_spoilt_rule_of_the_table_is_told(row: Row, operand: int) -> None:
    mistakes: dict[str, Callable[[Any], Any]] = {
        "sign": lambda gradient: -gradient,
        "missing": lambda gradient: 0.5 * gradient,
        "constant": lambda gradient: 0.0 * gradient,
    }
    for name, spoil in mistakes.items():
        with rule_spoilt(row.rule, operand, spoil):
            report = tg.gradcheck(row.call, *row.inputs())
        assert told(report) - {"use"} == {name}, report


def test_a_sum_that_vanishes_at_zero_passes_in_either_precision() -> None:
    for dtype in (np.float32, np.float64):
        zeros = np.zeros(3, dtype=dtype)
        assert_gradients(lambda x: (x - x.mean()).sum(), zeros)
        assert_gradients(lambda x: (x - x.mean()).sum(), zeros, gradient=lambda x: 0.0 * x)
