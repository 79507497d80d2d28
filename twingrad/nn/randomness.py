"""The state of a source of randomness, taken and put back.

NumPy's generators keep it as a dict, of numbers or arrays as the kind may be.
"""

from copy import deepcopy
from typing import Any

import numpy as np


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
