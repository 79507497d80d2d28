"""Random numbers, which a replay would repeat: whoever draws some while recording is found out."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .reach import reachable


@contextmanager
def drawn_from(roots: Sequence[Any]) -> Iterator[list[str]]:
    """The list, afterwards, names the sources of random numbers that were used within.

    Sources are Python's and NumPy's own and the generators that functions and objects can reach.
    They are then put back as they were; unused ones are not touched.
    """
    found = reachable(roots, random.Random | np.random.Generator)[0]
    before = [_state(source) for source in found]
    python, numpy = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002
    drawn: list[str] = []
    try:
        yield drawn
    finally:
        if random.getstate() != python:
            random.setstate(python)
            drawn.append("random")
        if not _same(np.random.get_state(legacy=False), numpy):  # noqa: NPY002
            np.random.set_state(numpy)  # noqa: NPY002
            drawn.append("np.random")
        for source, state in zip(found, before, strict=True):
            if not _same(_state(source), state):
                _put_back(source, state)
                drawn.append(f"a {type(source).__name__}")


def _state(source: Any) -> Any:
    if isinstance(source, np.random.Generator):
        return dict(source.bit_generator.state)
    return source.getstate()


def _put_back(source: Any, state: Any) -> None:
    if isinstance(source, np.random.Generator):
        source.bit_generator.state = state
    else:
        source.setstate(state)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return all(_same(a[key], b[key]) for key in a)
    return bool(np.array_equal(a, b)) if isinstance(a, np.ndarray) else bool(a == b)
