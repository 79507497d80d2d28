"""What an AnomalyError says: the right reason, names and places, in lines that a terminal shows.

Every program is one that a newcomer writes, with its reason in the words of a course.
"""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.reports import caught
from twingrad import AnomalyError, Tensor, Value, nn

TWINS = [Value, Tensor]


def why(error: AnomalyError) -> str:
    """The reason alone, for the line of the program, too, is in the message."""
    return " ".join(str(error).rpartition("\n  why ")[2].split())


def huge(sign: float = 1.0) -> Tensor:
    return Tensor(np.array([[1e30], [sign * 1e30]], np.float32))


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (lambda: Value(1.0) / 1e-310, "a division by 1e-310, next to 0, overflows"),
        (lambda: Tensor([1.0]) / Tensor([1e-310]), "next to 0, overflows"),
        (
            lambda: tg.where([False, True], Tensor([0.0, 3.0]).log(), 0.0),
            "choose before, log(where(x > 0, x, 1.0))",
        ),
        (
            lambda: tg.where([False, True], 1.0 / Tensor([0.0, 3.0]), 0.0),
            "choose before, x / where(y == 0, 1.0, y)",
        ),
        (lambda: Value(10.0) ** 400.0, "bases reach 10 and powers 400"),
        (lambda: Tensor([3.0]).var(ddof=1), "the var of 1 number with ddof=1 is 0/0"),
        (lambda: Tensor([[3.0], [2.0]]).std(axis=1, ddof=1), "the std of 1 number with ddof=1"),
        (lambda: Tensor(np.zeros(0)).mean(), "the mean of nothing is 0/0"),
        (lambda: huge().transpose() @ huge(-1.0), "it overflowed: the numbers reach 1e+30"),
        (lambda: tg.log(Value(1e-310)).backward(), "the slope of log x is 1/x, which overflows"),
        (lambda: (Value(1.0) / Value(1e-200)).backward(), "the slopes of x/y are 1/y and -x/y²"),
        (
            lambda: tg.where([False, True], Tensor([0.0, 1.0]).sqrt(), 0.0).sum().backward(),
            "where() helps below the root, not after it",
        ),
    ],
)
def test_the_reason_is_not_that_the_rule_is_wrong(program: Callable[[], Any], says: str) -> None:
    reason = why(caught(program))
    assert says in reason
    assert "gradcheck" not in reason


def test_of_a_rule_of_ones_own_the_rule_itself_is_doubted() -> None:
    def reciprocal(x: Any) -> Any:
        return 1.0 / x, lambda grad: (-grad / (x * x),)

    reason = why(caught(lambda: tg.apply(reciprocal, Tensor([0.0, 1.0]))))
    assert "its result divides by 0, overflows, or is wrong" in reason
    assert "gradcheck or check_op" in reason


@pytest.mark.parametrize("twin", TWINS)
def test_what_a_step_ruined_is_blamed_on_the_line_of_the_step(twin: Any) -> None:
    w = twin(1.0, label="w")
    sgd = nn.SGD([w], lr=1e300)

    def program() -> None:
        for _ in range(3):
            sgd.zero_grad()
            (w * 1e200).backward()
            sgd.step()

    line = program.__code__.co_firstlineno + 4
    assert f"'w' holds -inf since it was changed at {__file__}:{line}" in why(caught(program))


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_data_is_blamed_whether_it_was_wrapped_or_not(twin: Any, bad: float) -> None:
    w = twin(2.0)
    for x in (twin(bad), bad):
        assert "came in with the data, it was not computed" in why(caught(lambda x=x: w * x))


LONG: list[Callable[[], Any]] = [
    lambda: tg.log(Value(0.0, label="a probability that somebody gave a very long name indeed")),
    lambda: tg.sqrt(Value(0.0)).backward(),
    lambda: nn.MLP(2, [30, 30, 1], rng=0)([1.0, np.nan]),
    lambda: nn.Sequential(nn.Sequential(nn.Linear(2, 3, rng=0)), nn.ReLU())(
        np.full((9, 2), np.nan)
    ),
    lambda: tg.dot([Value(1e200) for _ in range(40)], [Value(1e200) for _ in range(40)]),
]


@pytest.mark.parametrize("program", LONG)
def test_no_line_of_the_message_is_longer_than_a_hundred_columns(
    program: Callable[[], Any],
) -> None:
    lines = str(caught(program)).split("\n")
    assert max(len(line) for line in lines if __file__ not in line) <= 100
    assert len(lines) <= 16


def test_a_module_that_cannot_be_listed_does_not_hide_the_anomaly() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.weights = {Value(0.0)}  # a set, whose parameters have no names

        def forward(self, x: float) -> Any:
            return tg.log(next(iter(self.weights)) * x)

    error = caught(lambda: Net()(1.0))
    assert (error.operation, error.filename) == ("log", __file__)


def test_gradients_that_explode_are_told_as_such() -> None:
    x = Value(0.0)

    def program() -> None:
        h: Any = x
        for _ in range(200):
            h = h * 100.0
        h.backward()

    assert "gradients explode where each operation" in why(caught(program))


def test_of_a_large_module_the_path_is_told_and_not_its_whole_repr() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            layers = [nn.Linear(4, 4, rng=i) for i in range(9)]
            self.blocks = {"first": nn.Sequential(*layers, lambda x: (x * 0.0).log())}

        def forward(self, x: Any) -> Any:
            return self.blocks["first"](x)

    error = caught(lambda: Net()(np.ones((3, 4))))
    assert "Net.blocks['first'] Sequential\n" in str(error)
    assert error.filename == __file__


PROMPT = """
import twingrad as tg
from twingrad import Value
a = Value(0.0)
def norm(x, y):
    s = x * x + y * y
    return tg.sqrt(s)

context = tg.detect_anomaly(); context.__enter__()
length = norm(a, a)
length.backward()
root = (a * a).sqrt()
root.backward()
1.0 / a
"""


def test_at_a_prompt_which_keeps_no_source_the_names_on_the_line_tell_which_it_was() -> None:
    done = subprocess.run(
        [sys.executable, "-i", "-q"], input=PROMPT, capture_output=True, text=True, timeout=60
    )
    said = [line.strip() for line in done.stderr.split("\n") if line.startswith("  at ")]
    for line, (where, names) in zip(
        said, [(":3, in norm", "s"), (":1", "a, sqrt, root"), (":1", "a")], strict=True
    ):
        assert where in line
        assert names in line or "sqrt(s)" in line or "(a * a).sqrt()" in line or "/ a" in line
    assert "twingrad/" not in "".join(said)


@pytest.mark.parametrize("name", ["<cell 3>", "<string>"])
def test_in_a_cell_that_was_executed_the_line_is_that_of_the_cell(name: str) -> None:
    cell = "x = tg.Tensor([0.0])\ny = tg.sqrt(x)\nloss = y.sum()\nloss.backward()\n"
    error = caught(lambda: exec(compile(cell, name, "exec"), {"tg": tg}))
    assert (error.filename, error.lineno) == (name, 2)
    assert "the line with tg, sqrt, x, y" in str(error)


@pytest.mark.parametrize(
    "program",
    [
        lambda: [tg.log(x) for x in (Value(1.0), Value(0.0))],
        lambda: list(map(tg.log, [Value(0.0)])),
        lambda: np.log(Tensor([0.0])),
        lambda: np.array([1.0]) / Tensor([0.0]),
        lambda: sum([Value(1e308), Value(1e308)]),
        lambda: next(tg.log(x) for x in [Value(0.0)]),
        lambda: tg.grad(lambda x: tg.log(x))(0.0),
        lambda: nn.mse_loss(Tensor([1e200]), Tensor([-1e200])),
    ],
)
def test_the_line_is_never_one_of_a_library(program: Callable[[], Any]) -> None:
    error = caught(program)
    assert (error.filename, error.lineno) == (__file__, program.__code__.co_firstlineno)


def test_a_sum_over_several_lines_is_blamed_on_the_line_of_its_operation() -> None:
    p = Value(0.0)

    def program() -> Any:
        return (
            p * 2.0
            + tg.log(p)
            + 1.0
        )  # fmt: skip

    assert caught(program).lineno == program.__code__.co_firstlineno + 3
