"""A graph is of the numbers it was computed from: backward() through an older one is an error.

Both twins, and each way in which numbers change. What is legal stays as it was: the oracle there
is the derivative on paper.
"""

import copy
import math
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import twingrad as tg
from twingrad import StaleGraphError, Tensor, Value, nn

TWINS = [lambda: Value(2.0, label="w"), lambda: Tensor([2.0, 3.0], label="w")]
IDS = ["Value", "Tensor"]


def of(w: Any) -> Any:
    """A loss of w whose gradient is 2w."""
    squared = w * w
    return squared.sum() if isinstance(w, Tensor) else squared


def assign(w: Any) -> None:
    w.data = w.data * 5.0


def subtract(w: Any) -> None:
    w.data -= 1.0


def step(w: Any) -> None:
    before = w.grad
    w.grad = np.ones(np.shape(w.data))
    nn.SGD([w], lr=0.1).step()
    w.grad = before


def step_of_ones_own(w: Any) -> None:
    class Halving(nn.Optimizer):
        def update(self, x: Any, grad: Any, state: Any, step: int) -> Any:
            return x / 2

    w.grad = np.ones(np.shape(w.data))
    Halving([w], lr=0.1).step()
    w.grad = None


def load(w: Any) -> None:
    class One(nn.Module):
        def __init__(self) -> None:
            self.w = w

    One().load_state_dict({"w": np.full(np.shape(w.data), 9.0)})


CHANGES = [assign, subtract, step, step_of_ones_own, load]


@pytest.mark.parametrize("make", TWINS, ids=IDS)
@pytest.mark.parametrize("change", CHANGES)
def test_backward_after_a_change_is_an_error_that_says_what_and_where(
    make: Callable[[], Any], change: Callable[[Any], None]
) -> None:
    w = make()
    loss = of(w)
    change(w)
    with pytest.raises(StaleGraphError) as raised:
        loss.backward()
    text = str(raised.value)
    assert "operand 0 of '*'" in text and "'w'" in text and "compute the loss again" in text
    assert __file__ in text  # the line that changed it
    assert not np.any(w.grad)
    again = of(w)
    again.backward()
    np.testing.assert_array_equal(w.grad, 2 * w.data)


@pytest.mark.parametrize("make", TWINS, ids=IDS)
@pytest.mark.parametrize("change", CHANGES)
def test_one_use_before_the_change_and_one_after_it_are_an_error_too(
    make: Callable[[], Any], change: Callable[[Any], None]
) -> None:
    w = make()
    early = w * 3.0
    change(w)
    with pytest.raises(StaleGraphError):
        of(early + w).backward()


WRITES: dict[str, Callable[[np.ndarray], Any]] = {
    "an item": lambda a: a.__setitem__((0, 0), 9.0),
    "the last item": lambda a: a.__setitem__((-1, -1), 9.0),
    "all": lambda a: a.__setitem__(..., 9.0),
    "out=": lambda a: np.add(a, 1.0, out=a),
    "in place": lambda a: a.__isub__(0.5),
    "sort": lambda a: a.ravel()[:].sort(),
    "a view": lambda a: a.T[1:].fill(0.0),
}


@pytest.mark.parametrize("shape", [(2, 2), (100, 100)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_what_is_written_into_the_array_is_noticed(write: Any, dtype: Any, shape: Any) -> None:
    w = Tensor(np.random.default_rng(0).normal(size=shape), dtype=dtype)
    early = (w * w).sum()
    write(w.data)
    with pytest.raises(StaleGraphError, match=r"by writing into the array of its \.data"):
        early.backward()
    now = (w * w).sum()
    now.backward()
    np.testing.assert_array_equal(w.grad, 2 * w.numpy())
    write(w.data)
    w.data[0, 1] = 77.0
    with pytest.raises(StaleGraphError):
        now.backward()


def test_an_array_got_hold_of_before_is_watched_as_well() -> None:
    w = Tensor(np.ones(3))
    numbers = w.data
    for _ in range(3):
        w.grad = None
        loss = (w * w).sum()
        loss.backward()
        numbers -= 0.1 * w.grad
        with pytest.raises(StaleGraphError):
            loss.backward()
    np.testing.assert_allclose(w.numpy(), 0.8**3)


@pytest.mark.parametrize("shape", [(3,), (100, 100)])
def test_an_array_is_watched_for_as_long_as_somebody_has_it(shape: Any) -> None:
    """Then looking at it is over, and its cost: `print(w.data)` is not paid for ever after."""
    w = Tensor(np.ones(shape))

    def step() -> None:
        w.grad = None
        (w * w).sum().backward()

    part = memoryview(w.data[1:])
    step()
    assert w._seen is not None
    np.asarray(part)[0] = 7.0  # after a step, too
    loss = (w * w).sum()
    np.asarray(part)[0] = 8.0
    with pytest.raises(StaleGraphError):
        loss.backward()
    w.data[0] = 9.0  # and the last thing that was written
    loss = (w * w).sum()
    w.data[0] = 10.0
    del part
    with pytest.raises(StaleGraphError):
        loss.backward()
    del loss
    step()
    assert w._seen is None
    np.testing.assert_array_equal(w.grad, 2 * w.numpy())


@given(st.integers(0, 9999), st.floats(-1e3, 1e3, width=32))
def test_no_single_number_of_a_long_array_changes_unseen(i: int, number: float) -> None:
    w = Tensor(np.zeros(10_000), dtype=np.float32)
    loss = (w * w).sum()
    w.data[i] = number
    if number or math.copysign(1.0, number) < 0.0:  # 1/-0.0 is not 1/0.0
        with pytest.raises(StaleGraphError):
            loss.backward()
    else:
        loss.backward()


# What else holds numbers


def test_changed_results_are_an_error() -> None:
    for x in (Value(2.0), Tensor([2.0, 3.0])):
        h = x.tanh()
        h.data = h.data * 2.0
        with pytest.raises(StaleGraphError, match=r"made by 'tanh', whose own data was changed at"):
            of(h).backward()
    h = Tensor([2.0, 3.0]).tanh()
    h.data[0] = 7.0
    with pytest.raises(StaleGraphError, match="own data was changed by writing"):
        of(h).backward()


@pytest.mark.parametrize("make", TWINS, ids=IDS)
def test_a_constant_that_changed_is_an_error_too(make: Callable[[], Any]) -> None:
    w, frozen = make(), make()
    frozen.constant = True
    loss = of(w * frozen)
    assign(frozen)
    with pytest.raises(StaleGraphError):
        loss.backward()


@pytest.mark.parametrize("make", TWINS, ids=IDS)
def test_a_step_by_hand_and_gradients_of_gradients_are_watched(make: Callable[[], Any]) -> None:
    w = make()
    loss = of(w)
    loss.backward(create_graph=True)
    slope = of(w.grad)
    squared = w * w
    squared.grad = np.ones(np.shape(w.data))
    assign(w)
    for late in (
        slope.backward,
        squared._backward,
        lambda: loss.backward(create_graph=True),
    ):
        with pytest.raises(StaleGraphError):
            late()


def test_a_model_brought_to_another_precision_is_another() -> None:
    model = nn.Linear(2, 2, rng=0)
    loss = model(np.ones((1, 2))).sum()
    model.to(np.float64)
    with pytest.raises(StaleGraphError):
        loss.backward()


def test_values_trained_by_recordings_are_others_afterwards() -> None:
    X, y = nn.data.xor()
    model = nn.MLP(2, [3, 1], rng=0)
    loss = model(X[1].tolist())
    sgd = nn.SGD(model.parameters(), lr=0.1)
    nn.fit(model, X, y, loss=nn.mse_loss, optimizer=sgd, epochs=2, record=True, progress=False)
    with pytest.raises(StaleGraphError):
        loss.backward()


@pytest.mark.parametrize("twin", [Value, Tensor])
def test_a_state_carried_over_a_step_is_an_error_whose_remedy_is_silent(twin: Any) -> None:
    w, u = twin(0.5), twin(0.3)
    descent = nn.SGD([w, u], lr=0.1)

    def unroll(carried: Callable[[Any], Any]) -> None:
        h = twin(0.0)
        for x in (1.0, 2.0, 3.0):
            h = (w * x + u * carried(h)).tanh()
            descent.zero_grad()
            ((h - 1.0) ** 2).backward()
            descent.step()

    with pytest.raises(StaleGraphError, match=r"as of an RNN, goes on by \.detach\(\)"):
        unroll(lambda h: h)
    unroll(lambda h: h.detach())


# What is legal


@pytest.mark.parametrize("make", TWINS, ids=IDS)
def test_twice_through_an_unchanged_graph_is_twice_the_gradient(make: Callable[[], Any]) -> None:
    w = make()
    loss = of(w)
    loss.backward()
    loss.backward()
    np.testing.assert_array_equal(w.grad, 4 * w.data)


@pytest.mark.parametrize("make", TWINS, ids=IDS)
def test_the_same_numbers_assigned_again_change_nothing(make: Callable[[], Any]) -> None:
    w = make()
    loss = of(w)
    w.data = copy.copy(w.data)
    load_same = {"w": np.array(w.data)}
    holder = nn.Module()
    holder.w = w
    holder.load_state_dict(load_same)
    loss.backward()
    np.testing.assert_array_equal(w.grad, 2 * w.data)


@pytest.mark.parametrize("make", TWINS, ids=IDS)
def test_what_others_changed_is_no_business_of_this_graph(make: Callable[[], Any]) -> None:
    w, other = make(), make()
    loss = of(w)
    for change in CHANGES:
        change(other)
    assert np.all(np.isfinite(w.data))  # reading is no change
    loss.backward()
    np.testing.assert_array_equal(w.grad, 2 * w.data)


@pytest.mark.parametrize("make", TWINS, ids=IDS)
def test_the_changed_leaf_may_be_elsewhere_in_no_way_of_the_gradient(
    make: Callable[[], Any],
) -> None:
    w, other = make(), make()
    with tg.no_grad():
        early = of(other)
    loss = of(w) * early
    assign(other)
    loss.backward()
    np.testing.assert_array_equal(w.grad, 2 * w.data * early.data)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
@pytest.mark.parametrize("make", TWINS, ids=IDS)
def test_copies_start_anew(make: Callable[[], Any], copied: Callable[[Any], Any]) -> None:
    w = make()
    assign(w)
    state = w.__reduce_ex__(4)[2][1]
    assert state["_stamp"] == 0  # a process that loads it may have no changes so far
    twin = copied(w)
    loss = of(twin)
    loss.backward()
    np.testing.assert_array_equal(twin.grad, 2 * twin.data)
    assign(twin)
    with pytest.raises(StaleGraphError):
        loss.backward()


def test_a_pullback_is_that_of_the_array_it_was_asked_at_and_of_nodes_in_time() -> None:
    start = np.array([3.0, 4.0])
    pull = tg.vjp(of, start)[1]
    start[...] = 9.0
    np.testing.assert_array_equal(pull(1.0), [6.0, 8.0])
    for make in TWINS:
        w = make()
        pull = tg.vjp(of, w)[1]
        assign(w)
        with pytest.raises(StaleGraphError):
            pull(1.0)
    pull = tg.vjp(lambda x: (x * w).sum(), np.ones(2))[1]
    assign(w)
    with pytest.raises(StaleGraphError):
        pull(1.0)


def test_running_statistics_are_not_meant() -> None:
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm1d(3))
    X = np.random.default_rng(0).normal(size=(8, 2))
    losses = [(model(X) ** 2).sum() for _ in range(2)]  # each call moves them
    for loss in losses:
        loss.backward()


def test_a_loop_that_writes_into_the_arrays_is_in_time() -> None:
    for shape in ((3,), (100, 100)):
        w = Tensor(np.ones(shape))
        for _ in range(4):
            w.grad = None
            of(w).backward()
            w.data[...] -= 0.1 * w.grad
        np.testing.assert_allclose(w.numpy(), 0.8**4)


def test_two_networks_that_take_turns_are_each_in_time() -> None:
    """As generator and critic do: the critic moves between two graphs that run through it."""
    make = [nn.Linear(2, 2, rng=0), nn.Linear(2, 1, rng=1)]
    maker, critic = nn.Sequential(make[0]), nn.Sequential(make[1])
    of_maker, of_critic = nn.Adam(maker.parameters()), nn.Adam(critic.parameters())
    noise = np.ones((4, 2), np.float32)
    for _ in range(12):
        made = maker(noise)
        of_critic.zero_grad()
        (critic(made.detach()) ** 2).mean().backward()
        of_critic.step()
        of_maker.zero_grad()
        (1.0 - critic(made)).mean().backward()  # adds to the critic's gradients, which are reset
        of_maker.step()


def test_threads_do_not_disturb_each_other() -> None:
    failed: list[Exception] = []

    def work() -> None:
        w = Value(2.0)
        try:
            for _ in range(2000):
                w.grad = None
                of(w).backward()
                w.data = w.data - 1e-4 * w.grad
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


SHAPES = st.lists(st.sampled_from(["forward", "assign", "backward"]), max_size=12)


@given(SHAPES)
def test_backward_is_the_gradient_or_an_error_in_any_order_and_alike(program: list[str]) -> None:
    """Against a plain account of which forward came after the last change."""
    for make in TWINS:
        w = make()
        loss: Any = None
        fresh = False
        for act in program:
            if act == "forward":
                loss, fresh = of(w), True
            elif act == "assign":
                w.data, fresh = w.data + 1.0, False
            elif loss is not None:
                w.grad = None
                if fresh:
                    loss.backward()
                    np.testing.assert_array_equal(w.grad, 2 * w.data)
                else:
                    with pytest.raises(StaleGraphError):
                        loss.backward()
