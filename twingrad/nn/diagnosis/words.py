"""How numbers and lists are said in a finding."""

from collections.abc import Iterable

import numpy as np


def short(number: float) -> str:
    """Three figures.

    >>> from twingrad.nn.diagnosis.words import short
    >>> short(0.123456), short(123456.0), short(3e-13)
    ('0.123', '1.23e+05', '3e-13')
    """
    return f"{float(number):.3g}"


def listed(things: Iterable[object], most: int = 4) -> str:
    """The first few of some things.

    >>> from twingrad.nn.diagnosis.words import listed
    >>> listed([1, 2, 3, 4, 5, 6])
    '1, 2, 3, 4 …'
    """
    found = [str(x) for x in (things.tolist() if isinstance(things, np.ndarray) else things)]
    return ", ".join(found[:most]) + (" …" if len(found) > most else "")


def share(number: float) -> str:
    """A share in per cent."""
    return f"{number:.0%}"
