"""detect_anomaly and infinities that are there on purpose: masks pass, all other infinities raise.

Which is which is known beforehand: each program is one that a course would call right or wrong.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import AnomalyError, Tensor, Value, nn

CAUSAL = np.tri(3, dtype=bool)
ADDED = np.where(CAUSAL, 0.0, -np.inf)


def why(error: AnomalyError) -> str:
    """The reason alone, for the line of the program, too, is in the message."""
    return " ".join(str(error).rpartition("\n  why ")[2].split())


def scores() -> Tensor:
    return Tensor(np.arange(9.0).reshape(3, 3) / 4.0)


def masked() -> Any:
    return tg.where(False, Value(1.0), -math.inf)


def masked_softmax_of_values() -> Any:
    zs = [tg.where(keep, Value(z), -math.inf) for z, keep in ((1.0, True), (2.0, False))]
    return tg.softmax(zs)[0] * 3.0


def greatest_of_values() -> Any:
    best: Any = Value(-math.inf)
    for x in (Value(1.0), Value(2.0)):
        best = tg.maximum(best, x)
    return best


RIGHT: list[Callable[[], Any]] = [
    lambda: tg.where(CAUSAL, scores(), -np.inf).softmax()[2, 0],
    lambda: (scores() + ADDED).softmax()[2, 0],
    lambda: (scores() + Tensor(ADDED)[:3, :3]).softmax()[2, 0],
    lambda: ((scores() @ scores() + ADDED) / 2.0).reshape((9,)).logsumexp(),
    lambda: (tg.where(CAUSAL, scores(), -np.inf).transpose() * 0.5).log_softmax(axis=0)[0, 0],
    lambda: nn.cross_entropy(scores() + ADDED, np.array([0, 1, 2])),
    lambda: (scores() + np.diag([np.inf] * 3)).min(axis=1).sum(),
    lambda: tg.where(np.eye(3, dtype=bool), -np.inf, scores()).max(axis=1).sum(),
    masked_softmax_of_values,
    greatest_of_values,
]


@pytest.mark.parametrize("program", RIGHT)
@pytest.mark.parametrize("remember", [True, False])
def test_a_right_program_with_a_mask_does_not_raise(
    program: Callable[[], Any], remember: bool
) -> None:
    plain = program().data
    with tg.detect_anomaly():
        if remember:
            result = program()
            result.backward()
        else:
            with tg.no_grad():
                result = program()
    assert np.array_equal(result.data, plain)
    assert np.isfinite(result.data).all()


@pytest.mark.parametrize(
    ("program", "operation", "says"),
    [
        (lambda: (Tensor([0.0, 1.0]).log() + 1.0).softmax(), "log", "log of 0"),
        (lambda: masked() - masked(), "-", "∞ - ∞"),
        (lambda: scores() + Tensor(1.0 - CAUSAL) * -np.inf, "*", "where(mask, -inf, x)"),
        (lambda: (scores() + ADDED) * -1.0, "*", "was let pass"),
        (lambda: (scores() + ADDED) * CAUSAL, "*", "mask as late as possible"),
        (lambda: Tensor(np.log(np.array([1.0, 0.0, 2.0]) + 0.0)) * 2.0, "*", "in with the data"),
        (lambda: Tensor([1.0, -np.inf]) + 1.0, "+", "came in with the data"),
        (lambda: Tensor([1.0, -np.inf])[1], "[]", "came in with the data"),
        (lambda: tg.where(np.zeros(3, bool), scores(), -np.inf).softmax(), "softmax", "is masked"),
        (lambda: tg.softmax([tg.where(False, Value(0.0), -math.inf)] * 2), "softmax", "is masked"),
        (
            lambda: nn.cross_entropy(scores() + ADDED, np.array([2, 2, 2])),
            "cross_entropy",
            "is the right answer masked?",
        ),
        (lambda: Value(1.0) + math.inf, "+", "came in with the data"),
        (lambda: Value(1.0) - math.inf, "-", "came in with the data"),
        (lambda: tg.dot([Value(1.0)], [math.inf]), "dot", "came in with the data"),
    ],
)
def test_an_infinity_that_no_mask_brought_raises(
    program: Callable[[], Any], operation: str, says: str
) -> None:
    with np.errstate(all="ignore"), pytest.raises(AnomalyError) as found, tg.detect_anomaly():
        program()
    assert found.value.operation == operation
    assert says in why(found.value)


@pytest.mark.parametrize("twin", [Value, Tensor])
def test_a_parameter_that_a_step_ruined_is_no_mask(twin: Any) -> None:
    bias = twin(0.0, label="bias")
    bias.data = -math.inf
    with pytest.raises(AnomalyError, match="'bias' holds -inf since it was changed at"):
        with tg.detect_anomaly():
            tg.maximum(1.0, bias + 1.0)


def test_where_infinities_are_let_pass_the_nan_that_they_make_is_not_blamed_on_the_past() -> None:
    with pytest.raises(AnomalyError) as found, tg.detect_anomaly(infinity=False):
        tg.log(Value(0.0)) - tg.log(Value(0.0))
    assert why(found.value).startswith("∞ - ∞: an infinity that was let pass")


def test_a_mask_that_gets_into_the_loss_is_told_where_backward_starts() -> None:
    with pytest.raises(AnomalyError) as found, tg.detect_anomaly():
        (scores() + ADDED).sum().backward()
    assert str(found.value).startswith("backward() starts from -inf, which sum gave")
    assert found.value.filename == __file__


def test_a_mask_that_spoils_the_gradient_of_a_temperature_is_told() -> None:
    temperature = Tensor(2.0, label="T")
    with pytest.raises(AnomalyError) as found, tg.detect_anomaly():
        ((scores() + ADDED) / temperature).softmax()[2, 0].backward()
    assert str(found.value).startswith("backward, / passed nan on to 'T'")
    assert "mask as late as possible" in why(found.value)
