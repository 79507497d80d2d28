"""The state of a source of randomness, taken and put back.

NumPy's generators keep it as a dict, of numbers or arrays as the kind may be.
"""

from copy import deepcopy
from typing import Any

import numpy as np


def state_of(rng: np.random.Generator) -> dict[str, Any]:
    """A copy of a generator's state."""
    return deepcopy(dict(rng.bit_generator.state))


def put_back(rng: np.random.Generator, state: dict[str, Any]) -> None:
    """Bring a generator into a state; `ValueError` if the state is of another kind."""
    kind = type(rng.bit_generator).__name__
    if state.get("bit_generator") != kind:
        raise ValueError(
            f"the saved randomness is of a {state.get('bit_generator')}, but this generator is a "
            f"{kind}; use np.random.Generator(np.random.{state.get('bit_generator')}(seed))"
        )
    rng.bit_generator.state = deepcopy(state)
