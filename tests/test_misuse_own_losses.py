"""Losses written out by hand: the mistakes that the losses of `nn` refuse, found in the graph.

Warnings are errors here unless they are caught, so that every call that is not within `only` also
claims to be silent.
"""

import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import Tensor, Value, nn
from twingrad.nn import own_losses

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 2))
Y = RNG.normal(size=6)
BITS = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0])
SIGNS = 2.0 * BITS - 1.0


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    own_losses._seen.clear()


def told(program: Callable[[], Any]) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        program()
    return caught


def only(program: Callable[[], Any]) -> str:
    caught = told(program)
    assert [w.category for w in caught] == [tg.TargetsWarning]
    assert caught[0].filename == __file__
    return str(caught[0].message)


def model(*end: Any) -> Any:
    return nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1), *end)


# A column against a row

Loss = Callable[[Any, Any], Any]

PAIRED: dict[str, Loss] = {
    "mse": lambda out, y: ((out - y) ** 2).mean(),
    "mse turned": lambda out, y: ((y - out) ** 2).mean(),
    "mse by product": lambda out, y: ((out - y) * (out - y)).mean(),
    "mse by sum": lambda out, y: ((out - y) ** 2).sum() / len(y),
    "rmse": lambda out, y: ((out - y) ** 2).mean().sqrt(),
    "mae": lambda out, y: abs(out - y).mean(),
    "numpy's names": lambda out, y: np.mean(np.abs(out - y)),
    "a part of a loss": lambda out, y: ((out - y) ** 2).mean() + 1e-3 * (out * out).sum(),
    "target a Tensor": lambda out, y: ((out - Tensor(y)) ** 2).mean(),
    "tensor of targets turned": lambda out, y: ((Tensor(y) - out) ** 2).mean(),
    "hinge": lambda out, y: (1.0 - np.sign(y) * out).relu().mean(),
    "logistic": lambda out, y: (-np.sign(y) * out).softplus().mean(),
    "huber": lambda out, y: (lambda e: tg.where(e.data < 1.0, 0.5 * e * e, e - 0.5))(
        abs(out - y)
    ).mean(),
    "scaled outputs": lambda out, y: ((2.0 * out.tanh() - y) ** 2).mean(),
    "binary cross-entropy": lambda out, y: (
        -((y > 0) * out.sigmoid().log() + (1.0 - (y > 0)) * (1.0 - out.sigmoid()).log()).mean()
    ),
}


@pytest.mark.parametrize("loss", PAIRED.values(), ids=PAIRED)
def test_outputs_in_a_column_against_targets_in_a_row_are_told_and_the_remedy_is_silent(
    loss: Loss,
) -> None:
    text = only(lambda: loss(model()(X), Y).backward())
    assert "of outputs of shape (6, 1) and targets of shape (6,) has shape (6, 6)" in text
    assert "every output is compared with every target; use y.reshape(-1, 1)" in text
    loss(model()(X), Y.reshape(-1, 1)).backward()


@pytest.mark.parametrize("loss", PAIRED.values(), ids=PAIRED)
def test_outputs_in_a_row_against_targets_in_a_column_are_told_too(loss: Loss) -> None:
    text = only(lambda: loss(model()(X)[:, 0], Y[:, None]).backward())
    assert "outputs of shape (6,) and targets of shape (6, 1)" in text and "y.ravel()" in text
    loss(model()(X)[:, 0], Y).backward()


def test_a_loop_is_told_once_at_its_line_and_no_copy_of_it_is_left_out() -> None:
    def loop(steps: int) -> None:
        network = model()
        descent = nn.SGD(network.parameters(), lr=0.01)
        for _ in range(steps):
            descent.zero_grad()
            ((network(X) - Y) ** 2).mean().backward()
            descent.step()

    only(lambda: loop(5))
    loop(1)  # the same line of the same program again


def test_a_function_that_trains_by_any_loss_is_told_of_each() -> None:
    def descend(loss: Loss, y: Any) -> None:
        loss(model()(X), y).backward()

    square, absolute = PAIRED["mse"], PAIRED["mae"]
    descend(square, Y[:, None])
    only(lambda: descend(square, Y))
    only(lambda: descend(absolute, Y))


def table(u: Any, v: Any) -> Any:
    return ((u * v - RNG.normal(size=(6, 6))) ** 2).mean()


def leaf(*shape: int) -> Tensor:
    return Tensor(RNG.normal(size=shape))


MEANT: dict[str, Callable[[], Any]] = {
    "written as a table": lambda: ((model()(X) - Y[None, :]) ** 2).mean(),
    "differences of one leaf": lambda: ((leaf(6, 1) - leaf(6)) ** 2).mean(),
    "differences of one view": lambda: (lambda x: ((x[:, None] - x) ** 2).mean())(leaf(6)),
    "differences of outputs": lambda: (lambda x: abs(x - x[:, 0]).mean())(model()(X)),
    "a kernel": lambda: (-((model()(X) - Y) ** 2)).exp().mean(),
    "rank one": lambda: table(leaf(6, 1), Y),
    "rank one, computed": lambda: table(leaf(6, 1).tanh(), Y),
    "features": lambda: ((-((model()(X) - Y) ** 2)).exp() @ leaf(6, 1)).mean(),
    "weights of a table": lambda: (abs(model()(X) - Y) * np.eye(6)).sum(),
    "nearest": lambda: abs(model()(X) - Y).min(axis=1).mean(),
    "other lengths": lambda: abs(model()(X) - Y[:5]).mean(),
    "one sample": lambda: ((model()(X[:1]) - Y[:1]) ** 2).mean(),
    "a bias": lambda: ((leaf(6, 6) @ leaf(6, 6) + leaf(6)) ** 2).mean(),
}


@pytest.mark.parametrize("loss", MEANT.values(), ids=MEANT)
def test_tables_that_are_meant_are_silent(loss: Callable[[], Any]) -> None:
    loss().backward()


# Targets of -1 and 1 with a sigmoid


def values(end: Any = Value.sigmoid) -> list[Value]:
    neuron = nn.Neuron(2, activation="linear", rng=0)
    return [end(neuron(x)) for x in X.tolist()]


def squares(outputs: list[Value], targets: Any) -> Any:
    return sum((out - t) ** 2 for out, t in zip(outputs, targets, strict=True))


UNREACHABLE: dict[str, Callable[[Any], Any]] = {
    "Tensor": lambda y: ((model(nn.Sigmoid())(X) - y[:, None]) ** 2).mean(),
    "Tensor turned": lambda y: abs(y[:, None] - model(nn.Sigmoid())(X)).mean(),
    "Tensor of targets": lambda y: ((model(nn.Sigmoid())(X)[:, 0] - Tensor(y)) ** 2).mean(),
    "Values": lambda y: squares(values(), y.tolist()),
    "Values turned": lambda y: sum(abs(t - out) for out, t in zip(values(), y, strict=True)),
    "MLP": lambda y: squares(
        [nn.MLP(2, [3, 1], output="sigmoid", rng=0)(x) for x in X.tolist()], y
    ),
}


@pytest.mark.parametrize("loss", UNREACHABLE.values(), ids=UNREACHABLE)
def test_signs_as_targets_of_a_sigmoid_are_told_in_losses_by_hand(
    loss: Callable[[Any], Any],
) -> None:
    text = only(lambda: loss(SIGNS).backward())
    assert "targets become (targets + 1) / 2, or end the model with tanh" in text
    loss(BITS).backward()


def test_signs_that_no_sigmoid_has_to_reach_are_silent() -> None:
    squares(values(Value.tanh), SIGNS.tolist()).backward()
    squares([2.0 * out - 1.0 for out in values()], SIGNS.tolist()).backward()
    sum(t * out for out, t in zip(values(), SIGNS, strict=True)).backward()
    sum((1.0 - out) * (out - 1.0) for out in values()).backward()
    ((model(nn.Tanh())(X) - SIGNS[:, None]) ** 2).mean().backward()
    (model(nn.Sigmoid())(X) * SIGNS[:, None]).mean().backward()


# Where it is said


@pytest.mark.parametrize("twin", [Value, Tensor])
def test_fit_tells_of_losses_by_hand_in_both_twins(twin: Any) -> None:
    tensors = model(nn.Sigmoid())
    network = nn.MLP(2, [3, 1], output="sigmoid", rng=0) if twin is Value else tensors
    y = SIGNS if twin is Value else SIGNS[:, None]

    def loss(outputs: Any, targets: Any) -> Any:
        return squares(outputs, targets) if twin is Value else ((outputs - targets) ** 2).mean()

    def run(y: Any) -> None:
        descent = nn.SGD(network.parameters(), lr=0.01)
        nn.fit(network, X, y, loss=loss, optimizer=descent, epochs=3, progress=False)

    for _ in range(2):  # each fit, for it has a loss of its own
        assert "targets of -1 and 1" in only(lambda: run(y))
    run((y + 1) / 2)


def test_each_line_is_looked_at_even_when_many_were() -> None:
    for i in range(2 * own_losses.LINES):
        code = compile(f"(a * {i}).backward()", "<cell>", "exec")
        for _ in range(2):
            exec(code, {"a": Value(1.0)})
    assert len(own_losses._seen) <= own_losses.LINES
    cell = "((model(X) - Y) ** 2).mean().backward()"
    for name in ("<cell 1>", "<cell 2>"):
        caught = told(lambda name=name: exec(compile(cell, name, "exec"), {
            "model": model(), "X": X, "Y": Y, "__name__": "__main__"
        }))  # fmt: skip
        assert [(w.filename, w.lineno) for w in caught] == [(name, 1)]


REPL = """\
import numpy as np
from twingrad import nn
X = np.ones((4, 2)); y = np.ones(4)
model = nn.Linear(2, 1, rng=0)
((model(X) - y) ** 2).mean().backward()
sgd = nn.SGD(model.parameters(), lr=0.1)
sgd.step()
((model(X) - y.reshape(-1, 1)) ** 2).mean().backward()
sgd.step()
"""


def test_at_the_prompt_each_mistake_is_told_once() -> None:
    ran = subprocess.run(
        [sys.executable, "-i", "-q"], input=REPL, capture_output=True, text=True, check=True
    )
    said = [line for line in ran.stderr.splitlines() if "Warning: " in line]
    assert [line.split(": ")[1] for line in said] == ["TargetsWarning", "ForgottenZeroGradWarning"]
    assert all("<stdin>:1: " in line or "<python-input-" in line for line in said)
