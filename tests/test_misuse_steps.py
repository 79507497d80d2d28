"""Loops as a newcomer writes them: what they forget is said once, with the line and the remedy.

Each mistake in both twins; then the remedy that the warning names, which must silence it; then
the legal programs beside it, which must be silent. Warnings are errors here unless they are caught.
"""

import inspect
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import twingrad as tg
from twingrad import Tensor, Value, nn

X, Y = nn.data.xor()


def scalar() -> Any:
    return nn.MLP(2, [3, 1], rng=0)


def arrays() -> Any:
    return nn.MLP(2, [3, 1], rng=0).to_tensor()


def loss_of(model: Any) -> Any:
    if isinstance(model, nn.MLP):
        return nn.mse_loss([model(x) for x in X.tolist()], Y)
    return nn.mse_loss(model(X), Y[:, None])


twins = pytest.mark.parametrize("make", [scalar, arrays], ids=["Value", "Tensor"])


def told(program: Callable[[], Any]) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        program()
    return caught


def only(program: Callable[[], Any], category: type[Warning]) -> warnings.WarningMessage:
    caught = told(program)
    assert [w.category for w in caught] == [category]
    assert issubclass(category, tg.MisuseWarning) and issubclass(category, UserWarning)
    assert caught[0].filename == __file__
    return caught[0]


def line_with(function: Callable[..., Any], code: str) -> int:
    lines, start = inspect.getsourcelines(function)
    return start + next(i for i, line in enumerate(lines) if code in line)


# zero_grad forgotten


def train(model: Any, reset: bool, steps: int = 5, optimizer: Any = None) -> None:
    descent = optimizer or nn.SGD(model.parameters(), lr=0.01)
    for _ in range(steps):
        loss = loss_of(model)
        if reset:
            descent.zero_grad()
        loss.backward()
        descent.step()


@twins
def test_a_forgotten_zero_grad_is_told_once_with_its_line(make: Any) -> None:
    found = only(lambda: train(make(), reset=False), tg.ForgottenZeroGradWarning)
    assert found.lineno == line_with(train, "descent.step()")
    text = str(found.message)
    assert f"{__file__}:{line_with(train, 'loss.backward()')}" in text
    assert "call optimizer.zero_grad() in every round, before backward()" in text


@twins
def test_each_optimizer_tells_for_itself(make: Any) -> None:
    assert len(told(lambda: [train(make(), reset=False) for _ in range(3)])) == 3


@twins
def test_every_way_to_reset_is_silent(make: Any) -> None:
    train(make(), reset=True)
    model = make()
    descent = nn.Adam(model.parameters())
    nothing: Any = 0.0 if isinstance(model, nn.MLP) else None

    def each_by_hand() -> None:
        for p in model.parameters():
            p.grad = nothing

    last: list[Any] = []
    for reset in (model.zero_grad, descent.zero_grad, each_by_hand, lambda: tg.zero_grad(last[-1])):
        for _ in range(3):
            loss = loss_of(model)
            last.append(loss)
            reset()
            loss.backward()
            descent.step()


def test_gradients_set_to_zero_in_their_own_arrays_are_reset() -> None:
    model = arrays()
    descent = nn.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        for p in model.parameters():
            if p.grad is not None:
                p.grad[...] = 0.0
        loss_of(model).backward()
        descent.step()


@twins
def test_gradients_kept_on_purpose_in_part_are_silent(make: Any) -> None:
    model = make()
    descent = nn.SGD(model.parameters(), lr=0.01)
    for i in range(4):
        for p in model.parameters() if i else ():
            p.grad *= 0.9
        loss_of(model).backward()
        descent.step()


@twins
@given(rounds=st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_any_number_of_backwards_before_each_step_is_silent(make: Any, rounds: list[int]) -> None:
    model = make()
    descent = nn.SGD(model.parameters(), lr=0.01)
    for backwards in rounds:
        descent.zero_grad()
        for _ in range(backwards):
            loss_of(model).backward()
        descent.step()


@twins
def test_two_optimizers_of_one_model_are_reset_by_one(make: Any) -> None:
    model = make()
    one, other = nn.SGD(model.parameters(), lr=0.01), nn.SGD(model.parameters(), lr=0.02)
    for _ in range(3):
        one.zero_grad()
        loss_of(model).backward()
        one.step()
        other.step()
    forgetful = told(lambda: [train(model, reset=False, optimizer=o) for o in (one, other)])
    assert {w.category for w in forgetful} == {tg.ForgottenZeroGradWarning}
    assert len(forgetful) == 2


@twins
def test_the_second_half_of_a_model_that_is_never_reset_is_told(make: Any) -> None:
    model = make()
    p = model.parameters()
    one, other = nn.SGD(p[:2], lr=0.01), nn.SGD(p[2:], lr=0.01)

    def loop() -> None:
        for _ in range(3):
            one.zero_grad()
            loss_of(model).backward()
            one.step()
            other.step()

    only(loop, tg.ForgottenZeroGradWarning)


def descend_by_hand(model: Any, reset: bool) -> None:
    for _ in range(4):
        loss = loss_of(model)
        if reset:
            model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data = p.data - 0.01 * p.grad


@twins
def test_a_loop_by_hand_that_forgets_is_told_too(make: Any) -> None:
    descend_by_hand(make(), reset=True)
    caught = told(lambda: descend_by_hand(make(), reset=False))
    assert {w.category for w in caught} == {tg.ForgottenZeroGradWarning}
    assert len(caught) <= 3  # once a step at most, and by Python's default filter once
    assert {w.lineno for w in caught} == {line_with(descend_by_hand, "p.data = p.data")}
    assert "model.zero_grad(), or p.grad = None" in str(caught[0].message)
    assert f":{line_with(descend_by_hand, 'loss.backward()')}" in str(caught[0].message)


def write_by_hand(model: Any, reset: bool) -> None:
    for _ in range(4):
        loss = loss_of(model)
        if reset:
            model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data[...] -= 0.01 * p.grad


def test_a_loop_that_writes_into_the_arrays_and_forgets_is_told_when_they_are_used() -> None:
    write_by_hand(arrays(), reset=True)
    caught = told(lambda: write_by_hand(arrays(), reset=False))
    assert {w.category for w in caught} == {tg.ForgottenZeroGradWarning}
    assert {w.lineno for w in caught} == {line_with(loss_of, "model(X), Y")}
    assert f":{line_with(write_by_hand, 'loss.backward()')}" in str(caught[0].message)


@pytest.mark.parametrize("twin", [Value, Tensor])
def test_a_nudge_by_hand_between_two_forward_passes_is_silent(twin: Any) -> None:
    """The lecture's: backward, nudge along the gradient, look at the new result."""
    a, b = twin(2.0), twin(-3.0)
    (a * b).backward()
    a.data += 0.01 * a.grad
    b.data += 0.01 * b.grad
    assert float(a * b) > -6.0


@twins
def test_fit_is_silent_and_so_is_a_loop_after_it_that_resets(make: Any) -> None:
    model = make()
    descent = nn.Adam(model.parameters())
    y = Y if isinstance(model, nn.MLP) else Y[:, None]
    told = {"loss": nn.mse_loss, "optimizer": descent, "epochs": 2, "progress": False}
    nn.fit(model, X, y, batch_size=2, accumulate=2, **told)
    if isinstance(model, nn.MLP):
        nn.fit(model, X, y, record=True, **told)
    train(model, reset=True, optimizer=descent)


# No gradient comes


@twins
def test_a_step_before_any_backward_is_told_at_once(make: Any) -> None:
    model = make()

    def loop() -> None:
        descent = nn.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            loss_of(model)
            descent.step()

    text = str(only(loop, tg.UnreachedParameterWarning).message)
    assert "changes nothing" in text and "call loss.backward() before it" in text


@twins
def test_gradients_reset_between_backward_and_step_are_told(make: Any) -> None:
    model = make()

    def loop() -> None:
        descent = nn.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            loss_of(model).backward()
            descent.zero_grad()
            descent.step()

    assert "and zero_grad() before that" in str(only(loop, tg.UnreachedParameterWarning).message)


@twins
def test_the_optimizer_of_another_model_is_told(make: Any) -> None:
    model, other = make(), make()

    def loop() -> None:
        descent = nn.SGD(other.parameters(), lr=0.1)
        for _ in range(3):
            model.zero_grad()
            loss_of(model).backward()
            descent.step()

    text = str(only(loop, tg.UnreachedParameterWarning).message)
    assert "build the optimizer from model.parameters()" in text


class LeftOut(nn.Module):
    """A layer that forward forgets."""

    def __init__(self, twin: Any) -> None:
        self.used, self.spare = twin(0.5), twin(3.0)

    def forward(self, x: Any) -> Any:
        return x * self.used


def learn(model: Any, optimizer: Any, steps: int = 12) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        (model(2.0) ** 2).backward()
        optimizer.step()


either = pytest.mark.parametrize("twin", [Value, Tensor])


@either
def test_a_layer_left_out_of_forward_is_told_by_its_place(twin: Any) -> None:
    model = LeftOut(twin)
    found = only(
        lambda: learn(model, nn.SGD(model.parameters(), lr=0.01)), tg.UnreachedParameterWarning
    )
    assert found.lineno == line_with(learn, "optimizer.step()")
    text = str(found.message)
    assert re.match(r"1 of 2 parameters had no gradient in the last 10 steps, spare", text)
    assert "parameter.constant = True" in text


@either
def test_parameters_without_a_model_are_named_by_label_or_number(twin: Any) -> None:
    used = twin(0.5)
    for label, name in (("", "parameter 1"), ("slope", "'slope'")):
        descent = nn.SGD([used, twin(3.0, label=label)], lr=0.01)
        found = only(lambda d=descent: learn(lambda x: x * used, d), tg.UnreachedParameterWarning)
        assert f"in the last 10 steps, {name}" in str(found.message)


@either
def test_what_is_frozen_or_left_out_or_silenced_is_silent(twin: Any) -> None:
    model = LeftOut(twin)
    learn(model, nn.SGD([model.used], lr=0.01))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=tg.UnreachedParameterWarning)
        learn(model, nn.SGD(model.parameters(), lr=0.01))
    descent = nn.SGD(model.parameters(), lr=0.01)
    model.spare.constant = True
    learn(model, descent)


@either
@given(order=st.lists(st.booleans(), min_size=1, max_size=30))
def test_heads_that_take_turns_are_silent_while_each_has_one(twin: Any, order: Any) -> None:
    heads = [twin(1.0), twin(2.0)]
    descent = nn.SGD(heads, lr=0.01)
    longest = max(len(run) for run in re.findall(r"1+|0+", "".join("01"[o] for o in order)))

    def loop() -> None:
        for turn in order:
            descent.zero_grad()
            (heads[turn] ** 2).backward()
            descent.step()

    assert len(told(loop)) == (1 if longest >= 10 else 0)


@either
def test_a_step_with_all_gradients_starts_the_count_again(twin: Any) -> None:
    heads = [twin(1.0), twin(2.0)]
    descent = nn.SGD(heads, lr=0.01)
    for turn in [*9 * [False], True, *9 * [False]]:
        descent.zero_grad()
        (heads[0] ** 2 + heads[1] ** 2 if turn else heads[0] ** 2).backward()
        descent.step()


def test_fit_names_what_is_left_out_by_its_path_even_in_a_short_run() -> None:
    class Spare(nn.Module):
        def __init__(self) -> None:
            self.used, self.spare = nn.Linear(2, 1, rng=0), nn.Linear(4, 5, rng=1)

        def forward(self, x: Any) -> Any:
            return self.used(x)

    def run() -> None:
        model = Spare()
        descent = nn.SGD(model.parameters(), lr=0.1)
        nn.fit(model, X, Y[:, None], loss=nn.mse_loss, optimizer=descent, epochs=3, progress=False)

    text = str(only(run, tg.UnreachedParameterWarning).message)
    assert text.startswith(
        "2 of 4 parameters had no gradient in the last 3 steps, spare.weight of shape (4, 5), "
        "spare.bias of shape (5,), so they stay as they are"
    )


# A parameter replaced


@twins
def test_a_parameter_replaced_after_the_optimizer_took_it_is_told_by_fit(make: Any) -> None:
    def run(then: Callable[[Any], None] = lambda model: None) -> None:
        model = make()
        descent = nn.SGD(model.parameters(), lr=0.1)
        then(model)
        y = Y if isinstance(model, nn.MLP) else Y[:, None]
        nn.fit(model, X, y, loss=nn.mse_loss, optimizer=descent, epochs=11, progress=False)

    def replace(model: Any) -> None:
        if isinstance(model, nn.MLP):
            model.layers[0].neurons[1].b = Value(0.5)
        else:
            model[0].weight = Tensor(np.ones((2, 3)))

    def assign(model: Any) -> None:
        if isinstance(model, nn.MLP):
            model.layers[0].neurons[1].b.data = 0.5
        else:
            model[0].weight.data = np.ones((2, 3))

    caught = told(lambda: run(replace))
    assert [w.category for w in caught] == [tg.ReplacedParameterWarning]  # and said once
    path = "layers.0.neurons.1.b" if make is scalar else "layers.0.weight"
    text = str(caught[0].message)
    place = "layers[0].neurons[1].b" if make is scalar else "layers[0].weight"
    assert text.startswith(f"{path} of the model, a ") and f"model.{place}.data = …" in text
    run(assign)


def replace_one(model: Any) -> str:
    if isinstance(model, nn.MLP):
        model.layers[0].neurons[1].b = Value(0.5)
        return "layers.0.neurons.1.b of the model, a Value, is not known"
    model[0].bias = Tensor(np.zeros(3))
    return "layers.0.bias of the model, a Tensor of shape (3,), is not known"


def replace_layer(model: Any) -> str:
    if isinstance(model, nn.MLP):
        model.layers[1] = nn.Layer(3, 1, rng=5)
        return "layers.1.neurons.0.w.0 of the model"
    model.layers[2] = nn.Linear(3, 1, rng=5)
    return "layers.2.weight of the model"


@twins
@pytest.mark.parametrize("replace", [replace_one, replace_layer])
@pytest.mark.parametrize("at", [0, 3])
def test_one_replaced_in_a_loop_of_ones_own_is_told_by_the_next_step(
    make: Any, replace: Any, at: int
) -> None:
    model, said = make(), []

    def loop() -> None:
        descent = nn.SGD(model.parameters(), lr=0.01)
        for i in range(at + 12):
            if i == at:
                said.append(replace(model))
            descent.zero_grad()
            loss_of(model).backward()
            if i == at + 1:
                assert not descent.checks._told.isdisjoint({tg.ReplacedParameterWarning})
            descent.step()

    text = str(only(loop, tg.ReplacedParameterWarning).message)
    assert text.startswith(said[0]) and "Build the optimizer after that" in text


def test_a_head_of_another_width_is_told_in_fit_and_in_a_loop() -> None:
    def replaced() -> tuple[Any, Any]:
        model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 10, rng=1))
        descent = nn.SGD(model.parameters(), lr=0.01)
        model.layers[2] = nn.Linear(3, 1, rng=5)
        return model, descent

    def loop() -> None:
        model, descent = replaced()
        train(model, reset=True, optimizer=descent)

    def fitted() -> None:
        model, descent = replaced()
        told = {"loss": nn.mse_loss, "epochs": 11, "progress": False}
        nn.fit(model, X, Y[:, None], optimizer=descent, **told)

    for program in (loop, fitted):
        text = str(only(program, tg.ReplacedParameterWarning).message)
        assert text.startswith("layers.2.weight of the model, a Tensor of shape (3, 1)")


@twins
def test_what_is_replaced_before_its_optimizer_is_built_is_silent(make: Any) -> None:
    model = make()
    train(model, reset=True, steps=2)
    for replace in (replace_one, replace_layer):
        replace(model)
        train(model, reset=True, steps=12)


def test_parts_of_a_model_that_other_optimizers_train_are_not_taken_for_replacements() -> None:
    """Here a parameter that no loss reaches stands beside others of its shape."""
    model, aside = arrays(), Tensor(np.zeros(3))
    one = nn.SGD([*model[2].parameters(), aside], lr=0.01)
    other = nn.SGD(model[0].parameters(), lr=0.01)

    def loop() -> None:
        for i in range(12):
            model.zero_grad()
            aside.grad = None
            loss = loss_of(model)
            (loss + aside.sum() if i % 3 == 0 else loss).backward()
            one.step()
            other.step()

    loop()


def test_a_part_of_a_model_and_parts_of_two_models_may_be_trained() -> None:
    model, other = arrays(), nn.Linear(7, 7, rng=0)
    told = {"loss": nn.mse_loss, "epochs": 2, "progress": False}
    nn.fit(model, X, Y[:, None], optimizer=nn.SGD(model[2].parameters(), lr=0.1), **told)
    both = nn.SGD([*model.parameters(), *other.parameters()], lr=0.1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=tg.UnreachedParameterWarning)
        nn.fit(model, X, Y[:, None], optimizer=both, **told)


# Training in evaluation mode


def with_dropout() -> Any:
    return nn.Sequential(
        nn.Linear(2, 8, rng=0), nn.ReLU(), nn.Dropout(0.5, rng=1), nn.Linear(8, 1, rng=2)
    )


def with_batch_norm() -> Any:
    return nn.Sequential(nn.Linear(2, 8, rng=0), nn.BatchNorm1d(8), nn.Linear(8, 1, rng=2))


moded = pytest.mark.parametrize("make", [with_dropout, with_batch_norm])


@moded
def test_a_model_left_in_evaluation_is_told_when_it_trains(make: Any) -> None:
    model = make().eval()
    found = only(lambda: train(model, reset=True), tg.EvalModeWarning)
    assert found.lineno == line_with(train, "descent.step()")
    text = str(found.message)
    assert f"called at {__file__}:{line_with(loss_of, 'model(X), Y')}" in text
    assert "call model.train() before training" in text


@moded
def test_evaluation_between_epochs_is_silent_if_training_is_told_again(make: Any) -> None:
    model = make()
    descent = nn.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        model.train()
        train(model, reset=True, optimizer=descent)
        model.eval()
        loss_of(model)  # without no_grad, as many do
        nn.predict(model, X)


@moded
def test_gradients_of_inputs_and_models_that_only_judge_are_silent_in_evaluation(make: Any) -> None:
    judge = make().eval()
    x = Tensor(X)
    judge(x).sum().backward()
    assert x.grad is not None
    student = nn.Linear(2, 2, rng=0, dtype=np.float64)
    descent = nn.SGD(student.parameters(), lr=0.01)
    for _ in range(3):
        descent.zero_grad()
        (judge(student(X)) ** 2).sum().backward()
        descent.step()


@moded
def test_what_is_called_under_no_grad_is_not_what_learns(make: Any) -> None:
    model = make().eval()
    with tg.no_grad():
        model(X)
    descent = nn.SGD(model.parameters(), lr=0.01)
    for p in model.parameters():
        (p * p).sum().backward()
    descent.step()


def test_a_layer_kept_in_evaluation_on_purpose_is_silent() -> None:
    model = with_batch_norm()
    model[1].eval()
    train(model, reset=True)


@moded
def test_a_model_without_such_layers_may_evaluate_and_fit_sees_to_the_mode(make: Any) -> None:
    train(arrays().eval(), reset=True)
    model = make().eval()
    descent = nn.SGD(model.parameters(), lr=0.01)
    nn.fit(model, X, Y[:, None], loss=nn.mse_loss, optimizer=descent, epochs=2, progress=False)
    assert not model.training


class Noisy(nn.Module):
    """A layer that the package does not know."""

    def forward(self, x: Any) -> Any:
        return x + 0.1 if self.training else x


def test_layers_of_ones_own_that_ask_for_the_mode_are_told_by_name() -> None:
    model = nn.Sequential(nn.Linear(2, 3, rng=0), Noisy(), nn.Linear(3, 1, rng=1))
    train(model, reset=True)
    text = str(only(lambda: train(model.eval(), reset=True), tg.EvalModeWarning).message)
    assert "so its Noisy does not do what it does in training" in text
    train(model.train(), reset=True)


def test_the_line_told_is_that_of_the_training_and_not_of_the_validation() -> None:
    model = with_dropout()
    descent = nn.SGD(model.parameters(), lr=0.01)

    def validated() -> None:
        for _ in range(2):
            train(model, reset=True, optimizer=descent, steps=2)
            model.eval()
            nn.mse_loss(model(X), Y[:, None])  # without no_grad

    text = str(only(validated, tg.EvalModeWarning).message)
    assert f"called at {__file__}:{line_with(loss_of, 'model(X), Y')}" in text


def test_a_model_that_has_no_hash_is_noticed_as_others_are() -> None:
    class Unhashable(nn.Sequential):
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            return False

    model = Unhashable(*with_dropout().layers)
    train(model, reset=True)
    only(lambda: train(model.eval(), reset=True), tg.EvalModeWarning)
