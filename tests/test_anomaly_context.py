"""detect_anomaly as a context: it holds where it stands and nowhere else, and ends when it ends.

That it is over is seen from the class of the nodes, whose methods are then those of before.
"""

import asyncio
import contextvars
import math
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import AnomalyError, Tensor, Value, nn
from twingrad.engine import sweep
from twingrad.engine.node import Node

PLAIN = {name: vars(Node)[name] for name in ("_apply", "_rerun", "_backward", "_collect")}


def is_over() -> bool:
    same = all(vars(Node)[name] is method for name, method in PLAIN.items())
    return same and sweep.watch is sweep.unwatched and tg.log(Value(0.0)).data == -math.inf


def watches() -> bool:
    try:
        tg.log(Value(0.0))
    except AnomalyError:
        return True
    return False


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt, AnomalyError])
def test_it_ends_with_any_exception(interruption: type[BaseException]) -> None:
    with pytest.raises(interruption), tg.detect_anomaly():
        raise interruption
    assert is_over()


def test_it_decorates_a_function_for_every_call() -> None:
    @tg.detect_anomaly()
    def f(x: float) -> Any:
        return tg.log(Value(x))

    for _ in range(2):
        with pytest.raises(AnomalyError):
            f(0.0)
        assert is_over()
        assert f(1.0).data == 0.0


def opened() -> Iterator[None]:
    with tg.detect_anomaly():
        yield


@pytest.mark.parametrize("by", ["another context", "another thread"])
def test_a_generator_that_somebody_else_closes_leaves_nothing_behind(by: str) -> None:
    generator = opened()
    next(generator)
    assert watches()
    if by == "another context":
        contextvars.copy_context().run(generator.close)  # type: ignore[attr-defined]
    else:
        thread = threading.Thread(target=generator.close)  # type: ignore[attr-defined]
        thread.start()
        thread.join()
    assert is_over()
    with tg.detect_anomaly():
        thread = threading.Thread(target=lambda: None)
    assert not watches()


def test_contexts_that_end_in_the_order_in_which_they_began() -> None:
    first, second = tg.detect_anomaly(), tg.detect_anomaly(infinity=False)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not watches()  # the second lets infinities pass
    with pytest.raises(AnomalyError):
        Value(math.nan) * 1.0
    second.__exit__(None, None, None)
    assert is_over()


def test_an_inner_context_ends_and_the_outer_one_holds_on() -> None:
    with tg.detect_anomaly():
        with tg.detect_anomaly(infinity=False):
            assert not watches()
        assert watches()
    assert is_over()


def test_another_task_is_not_watched() -> None:
    seen = {}

    async def watched() -> None:
        with tg.detect_anomaly():
            await asyncio.sleep(0.02)
            seen["watched"] = watches()

    async def other() -> None:
        await asyncio.sleep(0.01)
        seen["other"] = watches()

    async def both() -> None:
        await asyncio.gather(watched(), other())

    # In a thread, for a browser that was tested before has a loop running in this one.
    thread = threading.Thread(target=lambda: asyncio.run(both()))
    thread.start()
    thread.join()
    assert seen == {"watched": True, "other": False}
    assert is_over()


def test_threads_watch_each_for_itself() -> None:
    wrong: list[str] = []

    def work(watched: bool) -> None:
        for _ in range(100):
            if watched:
                with tg.detect_anomaly():
                    if not watches():
                        wrong.append("passed")
            elif watches():
                wrong.append("raised")

    threads = [threading.Thread(target=work, args=(i % 2 == 0,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert is_over()


def test_what_was_computed_within_serves_outside_as_any_other_graph() -> None:
    with tg.detect_anomaly():
        x = Value(2.0)
        y = tg.tanh(x * x)
    y.backward()
    assert x.grad == pytest.approx(4.0 / math.cosh(4.0) ** 2, rel=1e-12)
    assert tg.viz.explain(y, wrt=x)
    model = nn.Sequential(nn.Linear(4, 8, rng=0), nn.LayerNorm(8))
    plain = str(nn.summary(model, (2, 4)))
    with tg.detect_anomaly():
        assert str(nn.summary(model, (2, 4))) == plain


def test_a_chain_of_forty_thousand_nodes_is_watched_and_its_fault_found() -> None:
    with tg.detect_anomaly():
        x = Value(0.0, label="x")
        y = x
        for _ in range(20_000):
            y = y + 0.0
        y = tg.sqrt(y)
        for _ in range(20_000):
            y = y + 1.0
        with pytest.raises(AnomalyError, match="sqrt passed inf on"):
            y.backward()


def test_a_gradient_that_overflows_as_it_is_collected_is_silent_outside() -> None:
    x = Tensor([1e-300])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            (x * 1e308).sum().backward()
    assert np.isinf(x.grad).all()
