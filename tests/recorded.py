"""What a recording is held against: the same program, run as it is written.

Adding in another order moves the last bits, and where much cancels or a comparison is close that
shows. How much of a difference that may explain is tried out: on nodes whose every result is off
by some units in the last place.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import Recording, Value


class Shaken(Value):
    """A Value whose results are off by a little, each time by another."""

    __slots__ = ()

    rng = np.random.default_rng(0)

    def _apply(self, *arguments: Any, **named: Any) -> Any:
        node = super()._apply(*arguments, **named)
        node._data *= 1.0 + 1e-13 * self.rng.standard_normal()
        return node


def eager(
    f: Callable[..., Any], leaves: Sequence[Value], inputs: Sequence[Any], by_nodes: bool = False
) -> np.ndarray:
    """The loss and the gradients, one after the other, as `backward` leaves them in the leaves."""
    for leaf in leaves:
        leaf.grad = None
    with np.errstate(all="ignore"):
        loss = f(*inputs)
        loss.backward(create_graph=by_nodes)
    return np.array([loss.data, *[float(leaf.grad) for leaf in leaves]])


def replayed(recording: Recording, leaves: Sequence[Value], inputs: Sequence[Any]) -> np.ndarray:
    """The loss and the gradients as a replay sets them, whatever they were."""
    for leaf in leaves:
        leaf.grad = 0.0
    for leaf in recording.leaves:
        leaf.grad = 7.0
    loss = recording.replay(*inputs)
    return np.array([loss, *[leaf.grad for leaf in leaves]])


def near(found: np.ndarray, expected: np.ndarray, tolerance: float = 1e-9) -> bool:
    """Whether numbers are equal but for rounding; infinite, or none at all, in the same places."""
    finite = np.isfinite(expected)
    if not np.array_equal(found[~finite], expected[~finite], equal_nan=True):
        return False
    scale = np.abs(expected[finite]).max(initial=0.0)
    return np.allclose(found[finite], expected[finite], tolerance, 1e-14 * scale)


def may_be_rounding(
    found: np.ndarray,
    expected: np.ndarray,
    on: Callable[[Sequence[Value]], Callable[..., Any]],
    leaves: Sequence[Value],
    inputs: Sequence[Any],
) -> bool:
    """Whether shaken runs of the same program are as far from the expected as what was found."""
    moved = np.zeros(len(expected))
    with np.errstate(all="ignore"):
        for _ in range(5):
            copies = [Shaken(leaf.data) for leaf in leaves]
            for copy, leaf in zip(copies, leaves, strict=True):
                copy.constant = leaf.constant
            with contextlib.suppress(ArithmeticError, ValueError):
                # The gradients are nodes as well, and so off by a little themselves.
                other = eager(on(copies), copies, inputs, by_nodes=True)
                moved = np.fmax(moved, np.abs(other - expected))
        return not (np.abs(found - expected) > 100.0 * moved).any()


def wrong(reason: str) -> pytest.MarkDecorator:
    """Mark a test that shows a bug not mended yet."""
    return pytest.mark.xfail(strict=True, reason=reason)


def values(numbers: Any) -> list[Value]:
    return [Value(x) for x in np.ravel(numbers).tolist()]


def replays_as_it_runs(f: Callable[[], Any], leaves: list[Value], others: Any = None) -> Recording:
    """Assert that a function of no inputs agrees, with its numbers and, if given, with others."""
    recording = tg.record(f)
    assert near(replayed(recording, leaves, ()), eager(f, leaves, ()))
    if others is not None:
        for leaf, x in zip(leaves, np.ravel(others).tolist(), strict=True):
            leaf.data = x
        assert near(replayed(recording, leaves, ()), eager(f, leaves, ()))
    return recording
