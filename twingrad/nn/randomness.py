"""The state of a source of randomness, taken and put back.

NumPy's generators keep it as a dict, of numbers or arrays as the kind may be.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np

from .module import Module


def state_of(rng: np.random.Generator) -> dict[str, Any]:
    """A generator's state, as NumPy reads it out anew for everyone who asks."""
    return dict(rng.bit_generator.state)


def check_kind(rng: np.random.Generator, state: dict[str, Any]) -> None:
    """Raise `ValueError` if a state is of another kind of generator."""
    kind = type(rng.bit_generator).__name__
    if state.get("bit_generator") != kind:
        raise ValueError(
            f"the saved randomness is of a {state.get('bit_generator')}, but this generator is a "
            f"{kind}; use np.random.Generator(np.random.{state.get('bit_generator')}(seed))"
        )


def put_back(rng: np.random.Generator, state: dict[str, Any]) -> None:
    """Bring a generator into a state of its kind."""
    check_kind(rng, state)
    rng.bit_generator.state = deepcopy(state)


@contextmanager
def put_back_afterwards(model: Any) -> Iterator[list[str]]:
    """Put the randomness of a model, of NumPy and of Python back; the list names what was drawn
    from.
    """
    drawn: list[str] = []
    generators = dict(model.named_generators()) if isinstance(model, Module) else {}
    states = {name: state_of(generator) for name, generator in generators.items()}
    python, numpy = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002
    try:
        yield drawn
    finally:
        if random.getstate() != python:
            drawn.append("random")
        if not _same(np.random.get_state(legacy=False), numpy):  # noqa: NPY002
            drawn.append("np.random")
        drawn += [
            name for name, rng in generators.items() if not _same(state_of(rng), states[name])
        ]
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        for name, generator in generators.items():
            put_back(generator, states[name])


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return all(_same(a[key], b[key]) for key in a)
    return bool(np.array_equal(a, b))
