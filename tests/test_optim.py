"""SGD and Adam: their first steps against arithmetic on paper, and what they leave alone."""

from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest

from twingrad import Tensor, Value, nn

mp = mpmath.mp.clone()
mp.dps = 40

Make = Callable[[Sequence[Any]], nn.Optimizer]

both_twins = pytest.mark.parametrize("twin", [Value, Tensor])


def path(make: Make, twin: Any, gradients: Sequence[float]) -> list[float]:
    """Where a parameter goes from 1 when it is given these gradients."""
    x = twin(1.0)
    optimizer = make([x])
    where = []
    for gradient in gradients:
        x.grad = gradient
        optimizer.step()
        where.append(float(x))
    return where


# Gradients 2, -1 and 0.5 from x = 1 at a rate of 0.1; momentum 0.5 and decay 0.1 where there are.
ON_PAPER: dict[str, tuple[dict[str, Any], list[float]]] = {
    # 1 - 0.1 · 2, + 0.1 · 1, - 0.1 · 0.5
    "plain": ({}, [0.8, 0.9, 0.85]),
    # v = 2; 0.5 · 2 - 1 = 0; 0.5 · 0 + 0.5 = 0.5
    "momentum": ({"momentum": 0.5}, [0.8, 0.8, 0.75]),
    # the same v, along g + 0.5 v: 2 + 1 = 3; -1 + 0 = -1; 0.5 + 0.25 = 0.75
    "nesterov": ({"momentum": 0.5, "nesterov": True}, [0.7, 0.8, 0.725]),
    # g = 2 + 0.1 = 2.1; -1 + 0.079 = -0.921; 0.5 + 0.08821 = 0.58821
    "decay": ({"weight_decay": 0.1}, [0.79, 0.8821, 0.823279]),
    # v = 2.1; 1.05 - 0.921 = 0.129; 0.0645 + 0.57771 = 0.64221
    "momentum and decay": ({"momentum": 0.5, "weight_decay": 0.1}, [0.79, 0.7771, 0.712879]),
    # g = 2.1, -0.9315, 0.5772225; v = 2.1, 0.1185, 0.6364725; along 3.15, -0.87225, 0.89545875
    "nesterov and decay": (
        {"momentum": 0.5, "nesterov": True, "weight_decay": 0.1},
        [0.685, 0.772225, 0.682679125],
    ),
}


@both_twins
@pytest.mark.parametrize("name", ON_PAPER)
def test_three_steps_of_sgd_are_those_on_paper(name: str, twin: Any) -> None:
    settings, expected = ON_PAPER[name]
    found = path(lambda p: nn.SGD(p, lr=0.1, **settings), twin, [2.0, -1.0, 0.5])
    assert found == pytest.approx(expected, rel=1e-14)


@both_twins
@pytest.mark.parametrize("gradient", [3.0, -0.25, 1e-6])
def test_adam_goes_straight_ahead_along_a_constant_gradient(gradient: float, twin: Any) -> None:
    # Both bias-corrected means are then exact: g and g², and each step is lr · g/(|g| + eps).
    found = path(lambda p: nn.Adam(p, lr=0.1), twin, [gradient] * 3)
    step = 0.1 * gradient / (abs(gradient) + 1e-8)
    assert found == pytest.approx([1 - step, 1 - 2 * step, 1 - 3 * step], rel=1e-12)


@both_twins
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adam_steps_along_weighted_means_of_the_gradients(decay: float, twin: Any) -> None:
    # Corrected, m̂ is the mean of g with weights β^(t-i), and v̂ that of g²: no recursion needed.
    def mean(numbers: list[Any], beta: float) -> Any:
        weights = [mp.mpf(beta) ** (len(numbers) - i) for i in range(1, len(numbers) + 1)]
        return sum(w * g for w, g in zip(weights, numbers, strict=True)) / sum(weights)

    x, expected, seen = mp.mpf(1), [], []
    for gradient in (2.0, -1.0, 0.5):
        seen.append(gradient + mp.mpf(decay) * x)
        spread = mp.sqrt(mean([g * g for g in seen], 0.75))
        x -= mp.mpf(0.1) * mean(seen, 0.5) / (spread + mp.mpf(1e-3))
        expected.append(float(x))

    found = path(
        lambda p: nn.Adam(p, lr=0.1, betas=(0.5, 0.75), eps=1e-3, weight_decay=decay),
        twin,
        [2.0, -1.0, 0.5],
    )
    assert found == pytest.approx(expected, rel=1e-13)


# Where three steps of PyTorch 2.13 lead down x⁴/4 + 1.5 y² + x y from (1, -2), in float64.
OF_PYTORCH: list[tuple[Make, list[float]]] = [
    (
        lambda p: nn.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        [0.9287366769619404, 0.19272371021936022],
    ),
    (lambda p: nn.Adam(p, lr=0.1), [1.2734596584618258, -1.7011486443607535]),
    (
        lambda p: nn.Adam(p, lr=0.1, betas=(0.8, 0.9), eps=1e-4, weight_decay=0.01),
        [1.2701004307258126, -1.701252586067814],
    ),
]


@pytest.mark.parametrize(("make", "expected"), OF_PYTORCH)
@pytest.mark.parametrize("twin", ["Values", "Tensor"])
def test_three_steps_down_a_valley_are_those_of_pytorch(
    make: Make, expected: list[float], twin: str
) -> None:
    start = [1.0, -2.0]
    parameters: list[Any] = [Value(n) for n in start] if twin == "Values" else [Tensor(start)]
    optimizer = make(parameters)
    for _ in range(3):
        optimizer.zero_grad()
        x, y = parameters if twin == "Values" else (parameters[0][0], parameters[0][1])
        (x**4 / 4 + 1.5 * y**2 + x * y).backward()
        optimizer.step()
    reached = np.concatenate([np.atleast_1d(p.data) for p in parameters])
    assert reached == pytest.approx(np.array(expected), rel=1e-13)


def test_the_settings_of_adam_are_those_of_the_paper() -> None:
    adam = nn.Adam([Value(0.0)])
    assert (adam.lr, adam.betas, adam.eps, adam.weight_decay) == (1e-3, (0.9, 0.999), 1e-8, 0.0)


# What an optimizer moves, and what it leaves alone

MAKERS: dict[str, Make] = {
    "sgd": lambda p: nn.SGD(p, lr=0.1),
    "momentum": lambda p: nn.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    "nesterov": lambda p: nn.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: nn.Adam(p, lr=0.1, weight_decay=0.1),
}
each_optimizer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@each_optimizer
def test_a_parameter_without_a_gradient_is_left_alone(make: Make) -> None:
    reached, unreached = Tensor([1.0, 2.0]), Tensor([3.0])
    optimizer = make([reached, unreached])
    for _ in range(2):
        reached.grad = [1.0, -1.0]
        optimizer.step()
    assert unreached.data.tolist() == [3.0]
    assert reached.data[0] < 1.0
    # Its first step, when it comes, is a first step.
    unreached.grad = [1.0]
    optimizer.step()
    fresh = Tensor([3.0])
    fresh.grad = [1.0]
    make([fresh]).step()
    assert np.array_equal(unreached.data, fresh.data)


@each_optimizer
@both_twins
def test_a_parameter_frozen_on_the_way_stays_where_it_is(twin: Any, make: Make) -> None:
    x = twin(1.0)
    optimizer = make([x])
    x.grad = 1.0
    optimizer.step()
    x.constant = True
    optimizer.zero_grad()
    before = float(x)
    optimizer.step()
    assert float(x) == before


@each_optimizer
def test_a_step_writes_into_the_parameter_and_leaves_its_gradient(make: Make) -> None:
    x = Tensor([1.0, 2.0])
    storage = x.data
    x.grad = [0.5, 0.25]
    make([x]).step()
    assert x.data is storage
    assert x.grad.tolist() == [0.5, 0.25]


def test_zero_grad_resets_values_to_zero_and_tensors_to_none() -> None:
    v, t = Value(1.0), Tensor([1.0])
    v.grad, t.grad = 3.0, [3.0]
    nn.SGD([v, t], lr=0.1).zero_grad()
    assert (v.grad, t.grad) == (0.0, None)


@both_twins
def test_the_rate_may_be_assigned_and_counts_from_the_next_step(twin: Any) -> None:
    x = twin(1.0)
    optimizer = nn.SGD(iter([x]), lr=0.1)
    x.grad = 1.0
    optimizer.step()
    optimizer.lr = 0.25
    optimizer.step()
    assert float(x) == pytest.approx(1.0 - 0.1 - 0.25)


# Saving


@each_optimizer
@both_twins
def test_a_state_restored_takes_the_same_next_steps_bit_for_bit(twin: Any, make: Make) -> None:
    x, y = twin(1.0), twin(1.0)
    first, second = make([x]), make([y])
    first.lr = 0.03
    for gradient in (2.0, -1.0):
        x.grad = gradient
        first.step()
    state = first.state_dict()
    saved = repr(state)
    y.data = float(x)
    second.load_state_dict(state)
    for gradient in (0.5, 0.7, -3.0):
        x.grad = y.grad = gradient
        first.step()
        second.step()
        assert float(x) == float(y)
    assert repr(state) == saved  # a copy, which no step has reached


GOOD = {"lr": 0.5, "steps": [7], "state": [{"velocity": np.ones(2)}]}


@pytest.mark.parametrize(
    "state",
    [
        nn.Adam([Tensor([1.0, 2.0])]).state_dict(),
        nn.SGD([Tensor([1.0])], lr=0.1).state_dict(),
        {**GOOD, "steps": []},
        {**GOOD, "steps": ["seven"]},
        {**GOOD, "lr": -1.0},
        {**GOOD, "state": [{"velocity": np.array(["a", "b"])}]},
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(state: Any) -> None:
    x = Tensor([1.0, 2.0])
    optimizer = nn.SGD([x], lr=0.1, momentum=0.9)
    x.grad = [1.0, 1.0]
    optimizer.step()
    with pytest.raises((ValueError, TypeError), match=r"fit|lr is|invalid literal|convert"):
        optimizer.load_state_dict(state)
    assert optimizer.lr == 0.1
    assert optimizer.steps == [1]
    assert optimizer.state[0]["velocity"].tolist() == [1.0, 1.0]


# What is refused


@pytest.mark.parametrize("lr", [-0.1, float("nan"), float("inf"), "0.1", None])
def test_a_rate_below_zero_or_none_at_all_is_refused(lr: Any) -> None:
    for make in (nn.SGD, nn.Adam):
        with pytest.raises(ValueError, match=f"lr is a number from 0 on, not {lr!r}"):
            make([Value(1.0)], lr=lr)
    optimizer = nn.SGD([Value(1.0)], lr=0.1)
    with pytest.raises(ValueError, match="lr is a number from 0 on"):
        optimizer.lr = lr
    assert optimizer.lr == 0.1


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        (nn.SGD, {"momentum": 1.0}, "momentum is a number from 0 up to but not including 1"),
        (nn.SGD, {"nesterov": True}, "needs momentum above 0"),
        (nn.SGD, {"weight_decay": -0.1}, "weight_decay is a number from 0 on, not -0.1"),
        (nn.Adam, {"betas": (1.0, 0.9)}, r"betas\[0\] is .* not including 1, not 1.0"),
        (nn.Adam, {"betas": (0.9, -0.1)}, r"betas\[1\] is .* not -0.1"),
        (nn.Adam, {"betas": (0.9,)}, "betas"),
        (nn.Adam, {"betas": 0.9}, "betas"),
        (nn.Adam, {"betas": (0.9, 0.99, 0.999)}, "betas"),
        (nn.Adam, {"eps": -1e-8}, "eps is a number from 0 on"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(kind: Any, settings: Any, said: str) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        kind([Value(1.0)], lr=0.1, **settings)


X = Value(1.0)


@pytest.mark.parametrize(
    ("parameters", "error", "said"),
    [
        ([], ValueError, "at least one parameter, but the list is empty"),
        (nn.Neuron(2), TypeError, r"model\.parameters\(\), not the model"),
        (X, TypeError, r"write \[parameter\]"),
        ([X, X], ValueError, "came twice; it would be updated twice"),
        ([X, X * 2.0], TypeError, "parameter 1 is .* not results of operations"),
        ([1.0], TypeError, "parameter 0 is 1.0; only Values and Tensors"),
    ],
)
def test_what_cannot_be_optimized_is_refused(parameters: Any, error: Any, said: str) -> None:
    for make in (nn.SGD, nn.Adam):
        with pytest.raises(error, match=said):
            make(parameters, lr=0.1)
