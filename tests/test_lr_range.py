"""lr_range_test: rates that grow by equal factors, a curve, and nothing left behind."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twingrad as tg
from tests.test_checkpoint import bits
from twingrad import Tensor, nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X @ np.array([[1.0], [-2.0], [0.5]])
OPTIMIZERS = [nn.SGD, nn.Adam, nn.AdamW, nn.RMSprop, nn.Lion]


def network(dropout: Any = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(3, 8, rng=0),
        nn.BatchNorm1d(8),
        nn.Tanh(),
        nn.Dropout(0.25, rng=dropout),
        nn.Linear(8, 1, rng=2),
    )


def mlp() -> nn.MLP:
    return nn.MLP(3, [2, 1], rng=0)


def swept(model: Any, optimizer: Any = None, **told: Any) -> nn.LearningRateCurve:
    y = Y[:, 0] if isinstance(model, nn.MLP) else Y
    told = {"X": X, "y": y, "loss": nn.mse_loss, "steps": 30, "batch_size": 10, "rng": 0} | told
    optimizer = optimizer or nn.SGD(model.parameters(), lr=0.1, momentum=0.5)
    return nn.lr_range_test(model, optimizer=optimizer, **told)


def without_gradients(*things: Any) -> Any:
    for thing in things:
        if isinstance(thing, nn.Module):
            thing.zero_grad()
    return bits(list(things))


# Nothing left behind


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("build", [network, mlp])
def test_training_goes_on_as_if_there_had_been_no_range_test(build: Any, optimizer: Any) -> None:
    def run(with_test: bool) -> Any:
        model = build()
        made = optimizer(model.parameters(), lr=0.01)
        y = Y[:, 0] if build is mlp else Y
        generator = np.random.default_rng(5)
        told = {"loss": nn.mse_loss, "optimizer": made, "batch_size": 10, "rng": generator}
        nn.fit(model, X, y, epochs=2, progress=False, **told)
        if with_test:
            before = without_gradients(model, made)
            swept(model, made, steps=12)
            assert without_gradients(model, made) == before
        nn.fit(model, X, y, epochs=2, progress=False, **told)
        return bits([model, made])

    assert run(with_test=True) == run(with_test=False)


class Midway:
    """A loss that fails after so many batches of training."""

    def __init__(self, model: Any, batches: int, error: Any) -> None:
        self.model, self.left, self.error = model, batches, error

    def __call__(self, outputs: Any, targets: Any) -> Any:
        self.left -= self.model.training
        if self.left < 0:
            raise self.error
        return nn.mse_loss(outputs, targets)


@pytest.mark.parametrize("build", [network, mlp])
@pytest.mark.parametrize("batches", [0, 1, 7])
def test_an_error_midway_leaves_everything_as_it_was(build: Any, batches: int) -> None:
    model = build()
    adam = nn.Adam(model.parameters(), lr=0.03)
    before = without_gradients(model, adam)
    model.training = True
    with pytest.raises(ZeroDivisionError):
        swept(model, adam, loss=Midway(model, batches, ZeroDivisionError))
    assert bits([model, adam]) == before


@pytest.mark.parametrize("build", [network, mlp])
@pytest.mark.parametrize("batches", [0, 1, 7])
def test_ctrl_c_gives_the_curve_so_far_and_leaves_everything_as_it_was(
    build: Any, batches: int
) -> None:
    model = build()
    adam = nn.Adam(model.parameters(), lr=0.03)
    before = without_gradients(model, adam)
    curve = swept(model, adam, loss=Midway(model, batches, KeyboardInterrupt))
    assert bits([model, adam]) == before
    assert len(curve.rates) == len(curve.losses) == len(curve.smoothed) == batches
    assert curve.suggestion is None


def test_a_run_that_blows_up_leaves_everything_as_it_was() -> None:
    model = network()
    sgd = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    before = without_gradients(model, sgd)
    curve = swept(model, sgd, start=1e5, end=1e30, steps=100)
    assert len(curve.rates) < 100
    assert bits([model, sgd]) == before


def test_gradients_are_reset_and_modes_kept() -> None:
    model = network()
    model[3].eval()
    model(X).sum().backward()
    modes = [module.training for module in model.modules()]
    swept(model, nn.SGD([model[0].weight], lr=0.1))
    assert [module.training for module in model.modules()] == modes
    assert [parameter.grad for parameter in model.parameters()] == [None] * 6


def test_a_generator_shared_with_a_dropout_is_put_back() -> None:
    generator = np.random.default_rng(3)
    model = network(generator)
    before = bits(generator)
    swept(model, rng=generator)
    assert bits(generator) == before


def test_parameters_frozen_or_unknown_to_the_optimizer_stay() -> None:
    model = network()
    model[0].weight.constant = True
    before = without_gradients(model)
    swept(model, nn.SGD([model[0].weight, model[0].bias], lr=0.1))
    assert bits([model]) == before


def test_the_model_of_another_class_is_left_as_it_was() -> None:
    class Own:
        def __init__(self) -> None:
            self.w = Tensor([[1.0], [1.0], [1.0]])

        def parameters(self) -> list[Any]:
            return [self.w]

        def __call__(self, x: Any) -> Any:
            return x @ self.w

    model = Own()
    curve = swept(model, nn.SGD(model.parameters(), lr=0.1))
    assert len(curve.rates) > 1
    assert model.w.data.tolist() == [[1.0], [1.0], [1.0]]


def test_the_data_are_left_as_they_were() -> None:
    inputs, targets = X.copy(), Y.copy()
    swept(network(), X=inputs, y=targets)
    assert (inputs == X).all()
    assert (targets == Y).all()


# The rates


class Rates(nn.SGD):
    """An SGD that notes its rates and stays where it is."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, lr=123.0)
        self.went: list[float] = []

    def step(self) -> None:
        self.went.append(self.lr)
        self.taken += 1


@pytest.mark.parametrize("build", [network, mlp])
@pytest.mark.parametrize(
    ("start", "end", "steps", "size"),
    [(1e-6, 10.0, 100, 64), (1e-3, 1e3, 7, 40), (1.0, 2.0, 2, 1), (1e-100, 1e100, 13, 3)],
)
def test_rates_grow_from_start_to_end_by_equal_factors(
    build: Any, start: float, end: float, steps: int, size: int
) -> None:
    if build is network and size in (1, 3):
        size += 1  # BatchNorm1d trains on no batch of one
    model = build()
    still = Rates(model.parameters())
    curve = swept(model, still, start=start, end=end, steps=steps, batch_size=size)
    assert curve.rates == still.went
    assert len(curve.rates) == steps
    assert curve.rates[0] == start
    assert curve.rates[-1] == pytest.approx(end, rel=1e-12)
    factors = np.diff(np.log(curve.rates))
    assert factors == pytest.approx(math.log(end / start) / (steps - 1), rel=1e-9)
    assert still.lr == 123.0


def test_rates_begin_at_start_for_an_optimizer_that_has_taken_steps() -> None:
    model = network()
    still = Rates(model.parameters())
    still.taken = 1000
    curve = swept(model, still, start=0.5, end=8.0, steps=5)
    assert curve.rates == pytest.approx([0.5, 1.0, 2.0, 4.0, 8.0], rel=1e-12)
    assert still.taken == 1000


# The losses


@pytest.mark.parametrize("build", [network, mlp])
def test_losses_are_those_of_the_batches_and_smoothed_by_their_weighted_mean(build: Any) -> None:
    curve = swept(build(), start=1e-4, end=1.0, steps=25)
    for n, smoothed in enumerate(curve.smoothed, 1):
        shares = [0.9 ** (n - i) for i in range(1, n + 1)]
        truth = sum(w * loss for w, loss in zip(shares, curve.losses, strict=False)) / sum(shares)
        assert smoothed == pytest.approx(truth, rel=1e-12)


def test_on_the_full_batch_the_losses_are_those_of_gradient_descent_by_hand() -> None:
    model = nn.Sequential(nn.Linear(3, 1, bias=False, dtype=np.float64, rng=0))
    sgd = nn.SGD(model.parameters(), lr=1.0)
    w = model[0].weight.data.copy()
    curve = swept(model, sgd, start=1e-3, end=1e-1, steps=9, batch_size=None)
    for i, loss in enumerate(curve.losses):
        error = X @ w - Y
        assert loss == pytest.approx((error**2).mean(), rel=1e-10)
        w -= 1e-3 * 100 ** (i / 8) * 2 / len(X) * X.T @ error
    assert len(curve.losses) == 9


def test_it_ends_where_the_smoothed_loss_is_four_times_its_least() -> None:
    model = nn.Sequential(nn.Linear(3, 1, rng=0))
    curve = swept(model, nn.SGD(model.parameters(), lr=1.0), start=1e-3, end=1e3, steps=200)
    assert len(curve.rates) < 200
    smoothed = np.array(curve.smoothed)
    least = np.minimum.accumulate(smoothed)
    assert smoothed[-1] > 4 * least[-1]
    assert (smoothed[:-1] <= 4 * least[:-1]).all()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_it_ends_where_the_loss_is_no_number_any_more(bad: float) -> None:
    model = network()
    batches = []

    def loss(outputs: Any, targets: Any) -> Any:
        batches.append(model.training)
        return nn.mse_loss(outputs, targets) + (bad if sum(batches) > 5 else 0.0)

    curve = swept(model, loss=loss, start=1e-9, end=1e-8)
    assert len(curve.rates) == 5
    assert np.isfinite([curve.losses, curve.smoothed]).all()


def test_a_loss_below_zero_is_no_blow_up() -> None:
    def loss(outputs: Any, targets: Any) -> Any:
        return nn.mse_loss(outputs, targets) - 1000.0

    assert len(swept(network(), loss=loss, start=1e-6, end=1e-3).rates) == 30


# The suggestion


def of(smoothed: Any, start: float = 1e-5, end: float = 10.0) -> nn.LearningRateCurve:
    rates = np.geomspace(start, end, len(smoothed)).tolist()
    return nn.LearningRateCurve(rates, list(smoothed), list(smoothed))


@given(st.integers(20, 60), st.floats(2.0, 8.0))
@settings(max_examples=30)
def test_the_suggestion_is_where_the_loss_fell_most_steeply(where: int, width: float) -> None:
    steps = np.arange(100)
    fall = 2.0 - np.tanh((steps - where) / width)
    curve = of(fall + np.exp((steps - 90.0) / 2.0))
    assert curve.suggestion == pytest.approx(curve.rates[where], rel=1e-12)


@pytest.mark.parametrize(
    "smoothed",
    [
        [],
        [1.0],
        [3.0, 2.0, 1.0],
        [1.0] * 50,
        np.arange(50.0),
        [*np.arange(5.0, 0.0, -0.5), *np.arange(1.0, 20.0)],  # it fell while of too few to trust
    ],
)
def test_there_is_no_suggestion_where_the_loss_never_fell(smoothed: Any) -> None:
    curve = of(smoothed)
    assert curve.suggestion is None
    assert "suggestion none" in repr(curve) or not len(smoothed)


@pytest.mark.parametrize("constant", [0.1, 0.7, 2.3])
def test_there_is_no_suggestion_for_a_loss_that_is_always_the_same(constant: float) -> None:
    curve = swept(network(), loss=lambda o, t: (o * 0.0).mean() + constant, steps=100)
    assert len(set(curve.losses)) == 1
    assert curve.suggestion is None


def test_a_suggested_rate_learns() -> None:
    model = nn.Sequential(nn.Linear(3, 16, rng=0), nn.Tanh(), nn.Linear(16, 1, rng=1))
    curve = swept(model, nn.Adam(model.parameters()), steps=100)
    assert curve.suggestion in curve.rates
    adam = nn.Adam(model.parameters(), lr=curve.suggestion)
    history = nn.fit(
        model,
        X,
        Y,
        loss=nn.mse_loss,
        optimizer=adam,
        epochs=30,
        batch_size=10,
        rng=0,
        progress=False,
    )
    assert history.loss[-1] < 0.1 * history.loss[0]


def test_a_curve_prints_its_ends_and_its_suggestion() -> None:
    assert repr(nn.LearningRateCurve()) == "<LearningRateCurve of 0 steps>"
    shown = repr(of(2.0 - np.tanh((np.arange(61) - 30) / 5), 1e-6, 1.0))
    assert shown == "<LearningRateCurve of 61 steps, 1e-06 to 1, suggestion 0.001>"


@pytest.mark.parametrize("build", [network, mlp])
def test_one_seed_gives_one_curve_and_another_seed_another(build: Any) -> None:
    curves = [swept(build(), rng=rng) for rng in (0, 0, 1)]
    assert curves[0] == curves[1] != curves[2]


def test_data_come_in_every_form_that_fit_takes() -> None:
    expected = swept(network())
    for inputs, targets in ((X.tolist(), Y.tolist()), (Tensor(X), Tensor(Y))):
        assert swept(network(), X=inputs, y=targets) == expected
    everything = swept(network(), batch_size=None)
    assert swept(network(), batch_size=10_000) == everything


# What is refused


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"start": 0.0}, ValueError, r"start is a finite number above 0, not 0\.0"),
        ({"start": -1.0}, ValueError, r"start is a finite number above 0, not -1\.0"),
        ({"start": "1e-6"}, ValueError, "start is a finite number above 0, not '1e-6'"),
        ({"end": math.inf}, ValueError, "end is a finite number above 0, not inf"),
        ({"end": 1e-6}, ValueError, "end is a rate above start, 1e-06, not 1e-06"),
        ({"start": 1.0, "end": 0.1}, ValueError, r"end is a rate above start, 1, not 0\.1"),
        ({"steps": 1}, ValueError, "steps is a whole number from 2 on, not 1"),
        ({"steps": 10.0}, ValueError, r"steps is a whole number from 2 on, not 10\.0"),
        ({"batch_size": 0}, ValueError, "batch_size is a whole number from 1 on, not 0"),
        ({"batch_size": 13}, ValueError, "in batches of 13 leave a last batch of 1"),
        ({"loss": "mse"}, TypeError, r"loss is a function, such as nn\.mse_loss, not 'mse'"),
        ({"y": Y[:5]}, tg.ShapeError, r"X has shape \(40, 3\) and y \(5, 1\)"),
        ({"X": X[:, :2]}, tg.ShapeError, r"expected \(batch, 3\), got \(40, 2\)|got \(10, 2\)"),
        ({"X": X * np.nan}, ValueError, "X holds 120 NaN or infinite numbers"),
        ({"loss": lambda o, t: o - t}, tg.ShapeError, "the loss must be a single number"),
    ],
)
def test_a_mistake_is_refused_and_leaves_everything_as_it_was(
    wrong: dict[str, Any], error: type[Exception], says: str
) -> None:
    model = network()
    adam = nn.Adam(model.parameters(), lr=0.03)
    before = without_gradients(model, adam)
    with pytest.raises(error, match=says):
        swept(model, adam, **wrong)
    assert bits([model, adam]) == before


def test_an_optimizer_of_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match="the optimizer holds none of this model's parameters"):
        swept(network(), nn.Adam(network().parameters()))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"optimizer": "adam"}, r"optimizer is a built one, such as nn\.Adam"),
        ({"optimizer": nn.Adam}, r"optimizer is a built one, such as nn\.Adam"),
        ({"X": 5}, "X and y need one entry for each sample"),
        ({"X": X[:0], "y": Y[:0]}, "X and y hold no samples"),
        ({"X": X[:0], "y": Y[:0], "batch_size": None}, "X and y hold no samples"),
    ],
)
def test_a_mistake_is_called_by_its_name_as_in_fit(wrong: dict[str, Any], says: str) -> None:
    model = network()
    told = {"X": X, "y": Y, "optimizer": nn.Adam(model.parameters()), "loss": nn.mse_loss} | wrong
    with pytest.raises((TypeError, ValueError), match=says):
        nn.lr_range_test(model, **told)
