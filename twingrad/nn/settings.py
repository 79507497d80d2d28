"""What a setting may be: each check names the setting, says what is valid and what came.

They give the number back, a plain float or int, so that no NumPy scalar of another precision
gets into the arithmetic.
"""

from typing import Any

import numpy as np

INF = float("inf")


def is_number(x: Any) -> bool:
    """Whether it is one real number; True and False are none."""
    return isinstance(x, int | float | np.integer | np.floating) and not isinstance(x, bool)


def at_least_zero(name: str, x: Any) -> float:
    """A finite number from 0 on, such as a learning rate."""
    if not is_number(x) or not 0.0 <= x < INF:
        raise ValueError(f"{name} is a number from 0 on, not {x!r}")
    return float(x)


def above_zero(name: str, x: Any) -> float:
    """A finite number above 0."""
    if not is_number(x) or not 0.0 < x < INF:
        raise ValueError(f"{name} is a finite number above 0, not {x!r}")
    return float(x)


def above_zero_or_infinite(name: str, x: Any) -> float:
    """A number above 0, such as a limit; infinity, which limits nothing, is one."""
    if not is_number(x) or not 0.0 < x:
        raise ValueError(f"{name} is a number above 0, or inf, not {x!r}")
    return float(x)


def at_least_one(name: str, x: Any) -> float:
    """A finite number from 1 on, such as a divisor."""
    if not is_number(x) or not 1.0 <= x < INF:
        raise ValueError(f"{name} is a finite number from 1 on, not {x!r}")
    return float(x)


def below_one(name: str, x: Any) -> float:
    """A number from 0 up to but not including 1, such as a momentum."""
    if not is_number(x) or not 0.0 <= x < 1.0:
        raise ValueError(f"{name} is a number from 0 up to but not including 1, not {x!r}")
    return float(x)


def share(name: str, x: Any) -> float:
    """A number from 0 to 1."""
    if not is_number(x) or not 0.0 <= x <= 1.0:
        raise ValueError(f"{name} is a number from 0 to 1, not {x!r}")
    return float(x)


def whole(name: str, x: Any, least: int = 0) -> int:
    """A whole number, such as a count."""
    if not isinstance(x, int | np.integer) or isinstance(x, bool) or x < least:
        raise ValueError(f"{name} is a whole number from {least} on, not {x!r}")
    return int(x)
