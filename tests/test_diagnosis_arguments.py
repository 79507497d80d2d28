"""What `diagnose` refuses: an error names the argument, what came, and what to give instead."""

import warnings
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import Tensor, Value, nn
from twingrad.nn.diagnosis.arguments import arrays_of, checked_loss, form

X, y = nn.data.moons(40, noise=0.1, rng=0)


def mlp() -> nn.MLP:
    return nn.MLP(2, [4, 1], rng=0)


def diagnosed(
    model: Any = None, X: Any = X, y: Any = y, loss: Any = nn.mse_loss, **known: Any
) -> Any:
    return nn.diagnose(mlp() if model is None else model, X, y, loss, **known)


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(64, 32, rng=0), nn.ReLU(), nn.Linear(32, 10, rng=1))


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (net().parameters(), "not a list of 4 Tensors; give the model itself"),
        (mlp().parameters(), "not a list of 17 Values; give the model itself"),
        ([nn.Linear(2, 1, rng=0)], r"not \[Linear\(2, 1\)\]; nn\.Sequential\(\*layers\)"),
        (nn.MLP, r"not the class MLP; build it, MLP\(\.\.\.\)"),
        (X, r"not an array of shape \(40, 2\); the order is diagnose\(model, X, y, loss\)"),
        (lambda x: x, r"not the function <lambda>; compute it in the forward\(\) of a class"),
        (0.5, "not 0.5$"),
    ],
)
def test_what_is_no_model_is_named_in_a_line_with_what_to_give(model: Any, told: str) -> None:
    with pytest.raises(TypeError, match=f"model is a built one.*{told}") as raised:
        diagnosed(model)
    assert len(str(raised.value)) < 200 and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        ("cross_entropy", "'cross_entropy'; give nn.cross_entropy itself"),
        ("CrossEntropyLoss", "; give nn.cross_entropy itself"),
        ("mse", "'mse'; give nn.mse_loss itself"),
        ("xyzzy", "not 'xyzzy'$"),
        (nn.History, r"not the class History; build it, History\(\)"),
        (None, "not None; give the one that the model is trained with"),
        (Tensor([2.0, 1.0]).mean(), r"not a Tensor of shape \(\); give the function itself"),
    ],
)
def test_what_is_no_loss_is_answered_with_the_one_that_is_meant(loss: Any, told: str) -> None:
    with pytest.raises(TypeError, match=f"loss is a function, such as nn.mse_loss, .*{told}"):
        diagnosed(loss=loss)


@pytest.mark.parametrize(
    ("loss", "error", "told"),
    [
        (lambda o, t: None, TypeError, "but None came: it may lack a `return`"),
        (
            lambda o, t: [(a - b) ** 2 for a, b in zip(o, t, strict=True)],
            TypeError,
            r"but a list of 40 Values came: return their mean, sum\(losses\) / len\(losses\)",
        ),
        (lambda o, t: {"loss": 1.0}, TypeError, r"but \{'loss': 1\.0\} came$"),
        (lambda o: o, TypeError, r"loss is called as loss\(outputs, targets\), but too many"),
    ],
)
def test_a_loss_that_gives_anything_but_a_number_is_told_so(
    loss: Any, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        diagnosed(loss=loss)


def test_a_loss_of_each_sample_is_to_be_averaged() -> None:
    model = nn.Sequential(nn.Linear(2, 1, rng=0))
    with pytest.raises(
        tg.ShapeError, match=r"loss .* a Tensor of shape \(40, 1\) came: .*\.mean\("
    ):
        nn.diagnose(model, X, y[:, None], lambda o, t: (o - t) ** 2)


def test_a_loss_of_one_number_in_any_shape_is_let_through() -> None:
    for number in (Value(2.0), Tensor(2.0), Tensor([[2.0]]), 2, 2.0, np.float32(2.0), np.ones(1)):
        assert checked_loss(lambda o, t, number=number: number)(None, None) is number


def test_history_monitor_and_optimizer_are_asked_for_by_what_makes_them() -> None:
    with pytest.raises(TypeError, match=r"a list of 9 floats; give what nn\.fit returned"):
        diagnosed(history=[0.5] * 9)
    with pytest.raises(TypeError, match="the class Monitor; make one"):
        diagnosed(monitor=nn.Monitor)
    with pytest.raises(TypeError, match=r"not 0\.1; give the one that trains the model"):
        diagnosed(optimizer=0.1)


def test_the_monitor_of_another_model_is_refused_and_an_idle_one_told_of() -> None:
    model, other = mlp(), mlp()
    with pytest.raises(ValueError, match=r"monitor watches another model .*MLP\(2, \[4, 1\]"):
        diagnosed(model, monitor=nn.Monitor(other))
    with pytest.warns(UserWarning, match=r"monitor has seen no step.*observe\(loss\)") as told:
        diagnosed(model, monitor=nn.Monitor(model))
    assert told[0].filename == __file__
    monitor = nn.Monitor(model)
    loss = nn.mse_loss([model(x) for x in X.tolist()], y)
    loss.backward()
    for p in model.parameters():
        p.data -= 0.1 * p.grad
    monitor.observe(loss)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        diagnosed(model, monitor=monitor)


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        (
            {"X": X[:0], "y": y[:0]},
            tg.ShapeError,
            r"hold nothing to look at: .*\(0, 2\) and y \(0,",
        ),
        ({"X": [], "y": []}, tg.ShapeError, "hold nothing to look at"),
        ({"X": X[:5]}, tg.ShapeError, "one entry for each sample"),
        ({"X": X[:, 0]}, tg.ShapeError, r"a column, X\.reshape\(-1, 1\)"),
        ({"X": [[1, 2], [3]], "y": [1, 2]}, tg.ShapeError, "X needs rows of equal length"),
        ({"y": y.astype(str)}, TypeError, r"y must hold numbers.*np\.unique\(y, return_inverse"),
        (
            {"y": y.astype(object)},
            TypeError,
            "y must hold numbers, but its dtype is object; np.uni",
        ),
        ({"X": X.astype(object)}, TypeError, r"dtype is object; np\.asarray\(X, float\)"),
        ({"X": mlp()}, TypeError, r"X must hold numbers, one entry for each sample, not MLP\(2"),
        ({"y": None}, TypeError, "y must hold numbers, one entry for each sample, not None"),
        ({"X": X.astype("M8[s]")}, TypeError, r"dtype is datetime64\[s\]$"),
        ({"y": [Value(1.0)] * 40}, TypeError, "y must hold numbers: an array cannot hold a Value"),
        ({"X": np.ma.masked_less(X, 0.0)}, TypeError, r"X is masked.*\.filled\(0\.0\)"),
    ],
)
def test_data_that_cannot_be_looked_at_is_refused_by_its_name(
    given: Any, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        diagnosed(**given)


def test_numbers_too_large_for_the_model_are_told_as_such_and_not_as_infinite() -> None:
    model = nn.Sequential(nn.Linear(2, 1, rng=0))
    with pytest.raises(ValueError, match=r"up to 1e\+300, too large for the model's float32"):
        diagnosed(model, X=np.full((40, 2), 1e300), y=y[:, None])


def test_data_in_the_precision_of_the_model_is_not_copied() -> None:
    single = X.astype(np.float32)
    inputs, targets = arrays_of(single, np.arange(40), np.float32)
    assert np.shares_memory(inputs, single)
    assert inputs.dtype == np.float32 and targets.dtype.kind == "i"
    assert arrays_of(X, y, np.float32)[1].dtype == np.float32


def test_what_came_is_said_in_a_few_words_however_large_it_is() -> None:
    for thing in (net().parameters(), X, nn.MLP(1, [1] * 30, rng=0), dict.fromkeys("abc", X)):
        assert len(form(thing)) < 70 and "\n" not in form(thing)
    assert form(nn.MLP(1, [1] * 30, rng=0)) == "an MLP"
    assert form((1, 2.0, "a", None)) == "a tuple of 4 things"
