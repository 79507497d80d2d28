"""Monitor: what it records, against the same numbers gathered by hand, in fit and in a loop."""

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import twingrad as tg
from twingrad import Tensor, Value, nn
from twingrad.nn.monitor import norm
from twingrad.nn.parts import layers_of

X, Y = nn.data.xor()


def scalar() -> nn.MLP:
    return nn.MLP(2, [3, 1], rng=0)


def array() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1), column)


def column(x: Any) -> Any:
    return x[:, 0]


def ones(shape: tuple[int, ...], rng: Any, dtype: Any) -> Any:
    return np.ones(shape, dtype)


TWINS = [scalar, array]


class ByHand(nn.Callback):
    """Weights and gradients by layer after each step, taken with nothing of the monitor's."""

    def __init__(self, groups: list[list[Any]]) -> None:
        self.groups = groups
        self.weights = [self.now("data")]
        self.gradients: list[list[np.ndarray]] = []

    def now(self, name: str) -> list[np.ndarray]:
        return [
            np.concatenate([np.ravel(getattr(p, name)).astype(float) for p in group])
            for group in self.groups
        ]

    def on_step(self, training: nn.Training) -> None:
        self.weights.append(self.now("data"))
        self.gradients.append(self.now("grad"))


def groups_of(model: Any) -> list[list[Any]]:
    if isinstance(model, nn.MLP):
        return [layer.parameters() for layer in model.layers]
    return [model[0].parameters(), model[2].parameters()]


@pytest.mark.parametrize("make", TWINS)
@pytest.mark.parametrize("options", [{}, {"record": True}, {"clip_norm": 0.1}, {"batch_size": 2}])
@pytest.mark.filterwarnings("ignore:record=True")  # of Tensors there is nothing to record
def test_what_fit_does_is_recorded_as_numpy_computes_it(make: Any, options: Any) -> None:
    model = make()
    sgd = nn.SGD(model.parameters(), lr=0.5, momentum=0.5)
    monitor, hand = nn.Monitor(model, sgd), ByHand(groups_of(model))
    history = nn.fit(
        model,
        X,
        Y,
        loss=nn.mse_loss,
        optimizer=sgd,
        epochs=6,
        callbacks=[monitor, hand],
        schedule=lambda step: 1.0 / (step + 1),
        progress=False,
        rng=0,
        **options,
    )
    steps = len(hand.gradients)
    assert len(monitor) == steps
    norms = [[np.linalg.norm(g) for g in row] for row in hand.gradients]
    np.testing.assert_allclose(monitor.gradient_norms, norms, rtol=1e-6)
    ratios = [
        [np.linalg.norm(b - a) / np.linalg.norm(a) for a, b in zip(then, now, strict=True)]
        for then, now in zip(hand.weights, hand.weights[1:], strict=False)
    ]
    np.testing.assert_allclose(monitor.update_ratios, ratios, rtol=1e-6)
    np.testing.assert_allclose(monitor.learning_rates, 0.5 / (np.arange(steps) + 1.0))
    per_epoch = monitor.losses.reshape(len(history), -1).mean(axis=1)
    np.testing.assert_allclose(per_epoch, history.loss, rtol=1e-6)
    path = np.array([np.concatenate(row) for row in hand.weights], np.float32)
    np.testing.assert_array_equal(monitor.path, path)
    assert monitor.path_steps.tolist() == list(range(steps + 1))
    assert monitor.reached.all()


@pytest.mark.parametrize("make", TWINS)
def test_a_loop_of_ones_own_records_what_fit_does(make: Any) -> None:
    first = make()
    second = copy.deepcopy(first)
    sgd, own = (nn.SGD(model.parameters(), lr=0.5) for model in (first, second))
    monitor, watched = nn.Monitor(first, sgd), nn.Monitor(second, own)
    nn.fit(first, X, Y, loss=nn.mse_loss, optimizer=sgd, epochs=5, shuffle=False,
           callbacks=[monitor], progress=False)  # fmt: skip
    inputs = X.astype(np.float32) if make is array else X
    for _ in range(5):
        rows = second(inputs) if make is array else [second(row) for row in X.tolist()]
        loss = nn.mse_loss(rows, Y.astype(inputs.dtype))
        own.zero_grad()
        loss.backward()
        own.step()
        watched.observe(loss)
    for name in ("losses", "learning_rates", "gradient_norms", "update_ratios", "path"):
        np.testing.assert_array_equal(getattr(monitor, name), getattr(watched, name))


@pytest.mark.parametrize("make", TWINS)
@pytest.mark.filterwarnings("ignore:record=True")
def test_training_is_the_same_bits_with_a_monitor_and_without(make: Any) -> None:
    ends = []
    for watched in (False, True):
        model = make()
        adam = nn.Adam(model.parameters(), lr=0.1)
        callbacks = [nn.Monitor(model, adam)] if watched else []
        nn.fit(model, X, Y, loss=nn.mse_loss, optimizer=adam, epochs=5, record=True,
               callbacks=callbacks, progress=False, rng=0)  # fmt: skip
        numbers = [np.array(x) for entry in adam.state for x in entry.values()]
        ends.append([*model.state_dict().values(), *numbers])
    for without, with_one in zip(*ends, strict=True):
        if make is array:
            assert without.tobytes() == with_one.tobytes()
        else:  # watched, Values are stepped one by one; the square root is then Python's
            np.testing.assert_allclose(without, with_one, rtol=1e-12)


# Layers


def test_layers_are_the_modules_that_hold_parameters() -> None:
    model = nn.Sequential(
        nn.Linear(2, 3, rng=0),
        nn.Tanh(),
        nn.Residual(nn.Sequential(nn.Linear(3, 3, rng=0), nn.ReLU())),
        nn.BatchNorm1d(3),
    )
    paths = dict(model.named_modules())
    layers = layers_of(model)
    assert list(layers) == ["[0]", "[2].module[0]", "[3]"]
    for path, parameters in layers.items():
        assert parameters == paths[path].parameters()


def test_neurons_belong_to_their_layer() -> None:
    class Free(nn.Module):
        def __init__(self) -> None:
            self.hidden = [nn.Neuron(2, rng=i) for i in range(3)]
            self.out = nn.Neuron(3, rng=3)

    mlp, free = scalar(), Free()
    assert layers_of(mlp) == {
        f".layers[{i}]": layer.parameters() for i, layer in enumerate(mlp.layers)
    }
    hidden = [p for neuron in free.hidden for p in neuron.parameters()]
    assert layers_of(free) == {".hidden": hidden, ".out": free.out.parameters()}
    assert list(layers_of(nn.Layer(2, 3))) == list(layers_of(nn.Neuron(2))) == [""]


def test_models_of_any_shape_have_layers() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            self.scale = Tensor([2.0])
            self.parts = {"a": nn.Linear(1, 1, rng=0)}
            self.shift = Tensor([1.0])

    class Foreign:
        def __init__(self) -> None:
            self.w = Value(1.0)

        def parameters(self) -> list[Value]:
            return [self.w]

    own, foreign = Own(), Foreign()
    assert layers_of(own) == {
        "": [own.scale, own.shift],
        ".parts['a']": own.parts["a"].parameters(),
    }
    assert layers_of(foreign) == {"": [foreign.w]}
    tied = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Linear(2, 2, rng=1))
    tied[1].weight = tied[0].weight
    assert layers_of(tied) == {
        "[0]": [tied[0].weight, tied[0].bias],
        "[1]": [tied[1].bias],
    }


def test_a_layer_whose_numbers_do_not_lie_side_by_side_is_measured() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            self.scale = Tensor([2.0])
            self.inner = nn.Linear(1, 1, bias=False, init=ones, dtype="f8")
            self.shift = Tensor([1.0])

        def forward(self, x: Any) -> Any:
            return self.inner(x) * self.scale + self.shift

    model = Own()
    sgd = nn.SGD(model.parameters(), lr=0.1)
    monitor = nn.Monitor(model, sgd)
    loss = model(np.array([[3.0]])).sum()
    loss.backward()
    sgd.step()
    monitor.observe(loss)
    assert monitor.layers == ["", ".inner"]
    # d/d(scale, shift) = (3·1, 1), and d/d(weight) = 3·2
    np.testing.assert_allclose(monitor.gradient_norms, [[np.sqrt(10.0), 6.0]])
    np.testing.assert_allclose(
        monitor.update_ratios, [[0.1 * np.sqrt(10.0) / np.sqrt(5.0), 0.1 * 6.0 / 1.0]]
    )


# What has no gradient


def one_step(model: Any, loss: Any, lr: float = 0.1) -> nn.Monitor:
    sgd = nn.SGD(model.parameters(), lr=lr)
    monitor = nn.Monitor(model, sgd)
    loss.backward()
    sgd.step()
    monitor.observe(loss)
    return monitor


@pytest.mark.parametrize("make", TWINS)
def test_a_frozen_layer_is_left_out(make: Any) -> None:
    model = make()
    for parameter in groups_of(model)[0]:
        parameter.constant = True
    sgd = nn.SGD(model.parameters(), lr=0.5)
    monitor = nn.Monitor(model, sgd)
    nn.fit(model, X, Y, loss=nn.mse_loss, optimizer=sgd, epochs=2, callbacks=[monitor],
           progress=False)  # fmt: skip
    assert monitor.layers == [".layers[1]" if make is scalar else "[2]"]
    assert monitor.path.shape == (3, 4)


@pytest.mark.parametrize("make", TWINS)
def test_a_layer_that_no_gradient_reached_has_none_and_does_not_move(make: Any) -> None:
    model = make()
    last = groups_of(model)[1][0]
    monitor = one_step(model, (last * last).sum() if make is array else last * last)
    assert np.isnan(monitor.gradient_norms[0, 0]) and monitor.gradient_norms[0, 1] > 0.0
    assert monitor.reached.tolist() == [[False, True]]
    assert monitor.update_ratios[0, 0] == 0.0


def test_a_layer_frozen_on_the_way_has_no_gradient_from_then_on() -> None:
    model = array()
    first = model[0].parameters()
    sgd = nn.SGD(model.parameters(), lr=0.5)
    monitor = nn.Monitor(model, sgd)
    nn.fit(model, X, Y, loss=nn.mse_loss, optimizer=sgd, epochs=2, callbacks=[monitor],
           progress=False)  # fmt: skip
    for parameter in first:
        parameter.constant = True
    nn.fit(model, X, Y, loss=nn.mse_loss, optimizer=sgd, epochs=2, callbacks=[monitor],
           progress=False)  # fmt: skip
    for parameter in first:
        parameter.grad = np.ones(parameter.shape)  # left from before it was frozen, say
    sgd.step()
    monitor.observe(0.0)
    assert monitor.reached.tolist() == [[True, True]] * 2 + [[False, True]] * 3
    assert np.isnan(monitor.gradient_norms[2:, 0]).all()


def test_a_gradient_that_is_nan_did_come() -> None:
    model = array()
    x = np.array([[np.nan, 1.0]], np.float32)
    monitor = one_step(model, model(x).sum())
    assert np.isnan(monitor.gradient_norms).any() and monitor.reached.all()


def test_a_layer_of_zeros_has_no_ratio() -> None:
    model = nn.Sequential(nn.Linear(2, 1, init="zeros"))
    monitor = one_step(model, model(np.ones((1, 2), np.float32)).sum())
    assert np.isnan(monitor.update_ratios).all()
    np.testing.assert_allclose(monitor.gradient_norms, [[np.sqrt(3.0)]])


def test_gradients_that_remember_are_measured_by_their_numbers() -> None:
    x, y = Value(3.0), Value(4.0)

    class Two(nn.Module):
        def __init__(self) -> None:
            self.x, self.y = x, y

    model = Two()
    sgd = nn.SGD(model.parameters(), lr=0.1)
    monitor = nn.Monitor(model, sgd)
    loss = (x * x + y * y) / 2.0
    loss.backward(create_graph=True)
    sgd.step()
    monitor.observe(loss)
    assert monitor.gradient_norms == 5.0


# The norm, and the path


@given(
    st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=5),
    st.integers(-300, 300),
)
def test_the_norm_neither_overflows_nor_vanishes(numbers: list[float], exponent: int) -> None:
    from mpmath import mp, mpf

    scaled = np.array(numbers) * 10.0**exponent
    with mp.workdps(50):
        exact = float(mp.sqrt(sum(mpf(float(x)) ** 2 for x in scaled)))
    assert norm(scaled) == pytest.approx(exact, rel=1e-12, abs=0.0)


def test_a_vanishing_gradient_is_not_taken_for_zero() -> None:
    tiny = nn.Sequential(nn.Linear(1, 1, bias=False, init=ones))
    monitor = one_step(tiny, tiny(np.full((1, 1), 1e-30, np.float32)).sum())
    np.testing.assert_allclose(monitor.gradient_norms, [[1e-30]], rtol=1e-6)


@given(st.integers(1, 9), st.integers(0, 40))
def test_the_path_is_bounded_and_has_its_ends(snapshots: int, steps: int) -> None:
    class One(nn.Module):
        def __init__(self) -> None:
            self.x = Value(0.0)

    model = One()
    sgd = nn.SGD(model.parameters(), lr=1.0)
    monitor = nn.Monitor(model, sgd, snapshots=snapshots)
    for _ in range(steps):
        model.x.grad = -1.0
        sgd.step()
        monitor.observe(0.0)
    at = monitor.path_steps
    np.testing.assert_array_equal(monitor.path[:, 0], at)  # each step goes up by one
    assert at[0] == 0 and at[-1] == steps
    assert len(at) <= snapshots + 1
    gaps = np.diff(at)[:-1]
    assert (gaps == gaps[:1]).all()


def test_what_is_recorded_is_a_copy() -> None:
    model = scalar()
    monitor = one_step(model, model([1.0, 2.0]))
    monitor.path[:] = monitor.gradient_norms[:] = 0.0
    assert monitor.path.any() and monitor.gradient_norms.all()


def test_weights_set_between_the_monitor_and_fit_are_where_the_path_begins() -> None:
    model = scalar()
    sgd = nn.SGD(model.parameters(), lr=0.5)
    monitor = nn.Monitor(model, sgd)
    for parameter in model.parameters():
        parameter.data = 0.25
    nn.fit(model, X, Y, loss=nn.mse_loss, optimizer=sgd, epochs=1, callbacks=[monitor],
           progress=False)  # fmt: skip
    assert (monitor.path[0] == 0.25).all()
    assert monitor.update_ratios.max() < 1.0


# What is refused, and what it says


def test_another_model_or_optimizer_is_refused_before_training() -> None:
    model, other = scalar(), scalar()
    sgd = nn.SGD(model.parameters(), lr=0.5)
    for watched, name in (
        (nn.Monitor(other, nn.SGD(other.parameters(), lr=0.5)), "another model"),
        (nn.Monitor(model, nn.SGD(model.parameters(), lr=0.5)), "another optimizer"),
    ):
        before = [p.data for p in model.parameters()]
        with pytest.raises(ValueError, match=name):
            nn.fit(model, X, Y, loss=nn.mse_loss, optimizer=sgd, epochs=1, callbacks=[watched],
                   progress=False)  # fmt: skip
        assert [p.data for p in model.parameters()] == before
    with pytest.raises(ValueError, match="none of this model's parameters"):
        nn.Monitor(other, sgd)
    with pytest.raises(TypeError, match=r"nn\.Adam"):
        nn.Monitor(model, model.parameters())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="snapshots"):
        nn.Monitor(model, sgd, snapshots=0)


@pytest.mark.filterwarnings("ignore::twingrad.ForgottenZeroGradWarning")
def test_observing_too_early_too_late_or_twice_is_refused() -> None:
    model = scalar()
    sgd = nn.SGD(model.parameters(), lr=0.5)
    monitor = nn.Monitor(model, sgd)
    loss = model([1.0, 2.0])
    loss.backward()
    with pytest.raises(RuntimeError, match=r"after optimizer\.step\(\)"):
        monitor.observe(loss)
    sgd.step()
    with pytest.raises(tg.ShapeError, match="single number"):
        monitor.observe([1.0, 2.0])
    monitor.observe(loss)
    with pytest.raises(RuntimeError, match="once per step"):
        monitor.observe(loss)
    model([1.0, 2.0]).backward()
    sgd.step()
    sgd.zero_grad()
    with pytest.raises(RuntimeError, match=r"before zero_grad\(\)"):
        monitor.observe(loss)
    assert len(monitor) == 1


@pytest.mark.filterwarnings("ignore::twingrad.UnreachedParameterWarning")
def test_a_step_that_found_no_gradient_is_recorded_and_moves_nothing() -> None:
    model = scalar()
    sgd = nn.SGD(model.parameters(), lr=0.5)
    monitor = nn.Monitor(model, sgd)
    loss = model([1.0, 2.0])
    loss.backward()
    sgd.zero_grad()
    sgd.step()
    monitor.observe(loss)
    assert not monitor.reached.any()
    assert monitor.unchanged == list(range(13))


def by_hand(model: Any, steps: int, reset: bool, sign: float = -1.0) -> nn.Monitor:
    monitor = nn.Monitor(model)
    for _ in range(steps):
        outputs = model(X) if isinstance(model, nn.Sequential) else [model(x) for x in X.tolist()]
        loss = nn.mse_loss(outputs, Y)
        if reset:
            model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data = p.data + sign * 0.01 * p.grad
        monitor.observe(loss)
    return monitor


@pytest.mark.filterwarnings("ignore::twingrad.ForgottenZeroGradWarning")
@pytest.mark.parametrize("make", TWINS)
@pytest.mark.parametrize("reset", [True, False])
def test_gradients_that_pile_up_are_told_from_those_that_are_reset(make: Any, reset: bool) -> None:
    assert by_hand(make(), 6, reset).accumulating is not reset


@pytest.mark.parametrize("make", TWINS)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_step_is_seen_to_go_down_or_up(make: Any, sign: float) -> None:
    monitor = by_hand(make(), 3, reset=True, sign=sign)
    np.testing.assert_allclose(monitor.descents, -sign, atol=1e-5)
    np.testing.assert_allclose(monitor.learning_rates, -0.01 * sign, rtol=1e-4)
    assert not monitor.unchanged


def test_it_tells_what_it_has_seen() -> None:
    model = scalar()
    sgd = nn.SGD(model.parameters(), lr=0.5)
    monitor = nn.Monitor(model, sgd)
    assert repr(monitor) == "<Monitor of 2 layers, 0 steps>"
    assert monitor.gradient_norms.shape == monitor.reached.shape == (0, 2)
    assert monitor.losses.shape == (0,) and monitor.path.shape == (1, 13)
    loss = model([0.0, 0.0]) + 2.0
    loss.backward()
    sgd.step()
    monitor.observe(loss)
    assert repr(monitor) == "<Monitor of 2 layers, 1 step, loss 2 to 2>"
