"""The rules of update: against arithmetic on paper, formulas without recursion, and PyTorch.

What all optimizers share, whatever their rule, is in test_optimizer.
"""

from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@both_twins
@pytest.mark.parametrize("gradient", [3.0, -0.25, 1e-6])
def test_adamw_shrinks_by_lr_times_decay_and_then_goes_as_adam(gradient: float, twin: Any) -> None:
    found = path(lambda p: nn.AdamW(p, lr=0.1, weight_decay=0.5), twin, [gradient] * 3)
    x, expected = 1.0, []
    for _ in range(3):
        x = 0.95 * x - 0.1 * gradient / (abs(gradient) + 1e-8)
        expected.append(x)
    assert found == pytest.approx(expected, rel=1e-12)


GRADIENTS = [2.0, -1.0, 0.5, -0.125, 0.0]


@both_twins
@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.9])
def test_rmsprop_divides_by_the_root_of_a_weighted_sum_of_squares(alpha: float, twin: Any) -> None:
    # v = (1 - α) Σ α^(t-i) g², without recursion.
    x, expected = mp.mpf(1), []
    for t, gradient in enumerate(GRADIENTS):
        v = sum(
            (1 - mp.mpf(alpha)) * mp.mpf(alpha) ** (t - i) * GRADIENTS[i] ** 2 for i in range(t + 1)
        )
        x -= mp.mpf(0.1) * gradient / (mp.sqrt(v) + mp.mpf(1e-3))
        expected.append(float(x))
    found = path(lambda p: nn.RMSprop(p, lr=0.1, alpha=alpha, eps=1e-3), twin, GRADIENTS)
    assert found == pytest.approx(expected, rel=1e-13)


@both_twins
@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("betas", [(0.9, 0.99), (0.5, 0.75), (0.0, 0.9)])
def test_lion_steps_by_the_sign_of_a_weighted_sum(
    betas: tuple[float, float], decay: float, twin: Any
) -> None:
    # c = (1 - β₁) g + β₁ (1 - β₂) Σ β₂^(t-1-i) g over the earlier ones, without recursion.
    beta1, beta2 = map(mp.mpf, betas)
    x, expected = mp.mpf(1), []
    for t, gradient in enumerate(GRADIENTS):
        before = sum(beta2 ** (t - 1 - i) * GRADIENTS[i] for i in range(t))
        c = (1 - beta1) * gradient + beta1 * (1 - beta2) * before
        x -= mp.mpf(0.1) * (mp.sign(c) + mp.mpf(decay) * x)
        expected.append(float(x))
    make = lambda p: nn.Lion(p, lr=0.1, betas=betas, weight_decay=decay)  # noqa: E731
    assert path(make, twin, GRADIENTS) == pytest.approx(expected, rel=1e-13)


def lion_of_the_paper(
    w: np.ndarray, gradients: list[np.ndarray], eta: float, b1: float, b2: float, wd: float
) -> np.ndarray:
    """The program in figure 1 of arXiv:2302.06675: interpolate, sign, decay, then the mean."""
    m = np.zeros_like(w)
    for g in gradients:
        update = np.where(g * (1 - b1) + m * b1 > 0, 1.0, -1.0)
        w = w - eta * (update + wd * w)
        m = g * (1 - b2) + m * b2
    return w


def test_lion_is_the_program_of_its_paper() -> None:
    rng = np.random.default_rng(0)
    w, gradients = rng.normal(size=(4, 3)), [rng.normal(size=(4, 3)) for _ in range(30)]
    x = Tensor(w)
    lion = nn.Lion([x], lr=0.02, betas=(0.8, 0.95), weight_decay=0.4)
    for gradient in gradients:
        x.grad = gradient
        lion.step()
    expected = lion_of_the_paper(w, gradients, 0.02, 0.8, 0.95, 0.4)
    np.testing.assert_allclose(x.data, expected, rtol=1e-13)


def test_lion_stays_where_there_is_no_gradient_and_shows_where_there_is_no_number() -> None:
    for x, shown in ((Tensor([1.0, 2.0, 3.0]), None), *[(Value(n), n) for n in (1.0, 2.0, 3.0)]):
        gradient: Any = [0.0, np.nan, -np.inf]
        x.grad = gradient if shown is None else gradient[int(shown) - 1]
        nn.Lion([x], lr=0.5).step()
        expected = [1.0, np.nan, 3.5] if shown is None else [1.0, np.nan, 3.5][int(shown) - 1]
        np.testing.assert_array_equal(x.data, expected)


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
    (lambda p: nn.AdamW(p, lr=0.1), [1.2704771866294393, -1.6954737020258834]),
    (
        lambda p: nn.AdamW(p, lr=0.1, betas=(0.8, 0.9), eps=1e-4, weight_decay=0.5),
        [1.1262418629942343, -1.4319430562159148],
    ),
    (lambda p: nn.RMSprop(p, lr=0.01, alpha=0.9), [1.0699929842403206, -1.9268806269243535]),
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


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (nn.Adam, {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}),
        (nn.AdamW, {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}),
        (nn.RMSprop, {"lr": 1e-2, "alpha": 0.99, "eps": 1e-8}),
        (nn.Lion, {"lr": 1e-4, "betas": (0.9, 0.99), "weight_decay": 0.0}),
    ],
)
def test_the_defaults_are_those_of_the_papers_and_of_pytorch(kind: Any, settings: Any) -> None:
    optimizer = kind([Value(0.0)])
    assert {name: getattr(optimizer, name) for name in settings} == settings


# What holds for all of them

MAKERS: dict[str, Make] = {
    "sgd": lambda p: nn.SGD(p, lr=0.1),
    "momentum": lambda p: nn.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    "nesterov": lambda p: nn.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: nn.Adam(p, lr=0.1, weight_decay=0.1),
    "adamw": lambda p: nn.AdamW(p, lr=0.1, weight_decay=0.1),
    "rmsprop": lambda p: nn.RMSprop(p, lr=0.1),
    "lion": lambda p: nn.Lion(p, lr=0.1, weight_decay=0.1),
}
each_optimizer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@each_optimizer
@given(st.lists(st.floats(-1e200, 1e200), min_size=1, max_size=6))
@settings(max_examples=30)
def test_the_twins_take_the_same_steps(make: Make, gradients: list[float]) -> None:
    found, expected = (path(make, twin, gradients) for twin in (Value, Tensor))
    assert found == pytest.approx(expected, rel=1e-15, nan_ok=True)


@each_optimizer
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=6))
@settings(max_examples=20)
def test_each_element_goes_its_own_way(make: Make, gradients: list[float]) -> None:
    together = Tensor([[1.0, 1.0], [1.0, 1.0]])
    optimizer = make([together])
    factors = np.array([[1.0, -2.0], [0.0, 0.5]])
    for gradient in gradients:
        together.grad = gradient * factors
        optimizer.step()
    apart = [path(make, Tensor, [f * g for g in gradients])[-1] for f in factors.ravel()]
    assert together.data.ravel().tolist() == apart


@each_optimizer
def test_single_precision_stays_there(make: Make) -> None:
    x = Tensor([1.0, -2.0], dtype=np.float32)
    exact = Tensor([1.0, -2.0])
    narrow, wide = make([x]), make([exact])
    narrow.lr = wide.lr = np.float64(0.05)  # a NumPy scalar would widen what it meets
    for _ in range(5):
        x.grad = exact.grad = [0.5, -0.25]
        narrow.step()
        wide.step()
    kept = [array.dtype for array in narrow.state[0].values()]
    assert {x.dtype, x.grad.dtype, *kept} == {np.dtype(np.float32)}
    np.testing.assert_allclose(x.data, exact.data, rtol=1e-5)


@each_optimizer
@both_twins
def test_gradients_beyond_floats_make_no_noise(twin: Any, make: Make) -> None:
    for gradient in (1e200, np.inf, np.nan):  # 1e200² is infinite, and NumPy would warn
        path(make, twin, [gradient, 0.0, 1.0])


@both_twins
@pytest.mark.parametrize("kind", [nn.Adam, nn.AdamW, nn.RMSprop])
def test_without_eps_a_gradient_of_zero_is_zero_by_zero_as_in_pytorch(kind: Any, twin: Any) -> None:
    assert np.isnan(path(lambda p: kind(p, lr=0.1, eps=0.0), twin, [0.0])[0])


@given(st.lists(st.integers(-8, 8), min_size=1, max_size=6), st.integers(-20, 20))
@settings(max_examples=30)
def test_how_large_gradients_are_is_nothing_to_those_that_divide_by_it(
    gradients: list[int], exponent: int
) -> None:
    makers: list[Make] = [
        lambda p: nn.Adam(p, lr=0.1, eps=0.0),
        lambda p: nn.AdamW(p, lr=0.1, eps=0.0),
        lambda p: nn.RMSprop(p, lr=0.1, eps=0.0),
        lambda p: nn.Lion(p, lr=0.1),
    ]
    scaled = [gradient * 2.0**exponent for gradient in gradients]
    for make in makers:
        one, other = path(make, Value, gradients), path(make, Value, scaled)
        np.testing.assert_array_equal(one, other)


# What is refused


KINDS: list[Any] = [nn.SGD, nn.Adam, nn.AdamW, nn.RMSprop, nn.Lion]


@pytest.mark.parametrize("lr", [-0.1, float("nan"), float("inf"), "0.1", None, True, 1j])
def test_a_rate_below_zero_or_none_at_all_is_refused(lr: Any) -> None:
    for make in KINDS:
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
        (nn.AdamW, {"weight_decay": -0.1}, "weight_decay is a number from 0 on, not -0.1"),
        (nn.RMSprop, {"alpha": 1.0}, "alpha is a number .* not including 1, not 1.0"),
        (nn.RMSprop, {"eps": float("nan")}, "eps is a number from 0 on, not nan"),
        (nn.Lion, {"betas": (0.9, 1.0)}, r"betas\[1\] is .* not including 1, not 1.0"),
        (nn.Lion, {"betas": 0.9}, "betas are two numbers"),
        (nn.Lion, {"weight_decay": True}, "weight_decay is a number from 0 on, not True"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(kind: Any, settings: Any, said: str) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        kind([Value(1.0)], lr=0.1, **settings)
