"""How numbers, counts and lists are said in a finding."""

from collections.abc import Iterable

import numpy as np


def short(number: float) -> str:
    """Three figures.

    >>> from twingrad.nn.diagnosis.words import short
    >>> short(0.123456), short(123456.0), short(3e-13), short(-0.0)
    ('0.123', '1.23e+05', '3e-13', '0')
    """
    return f"{float(number) + 0.0:.3g}"  # the sum of -0.0 and 0.0 is 0.0


def share(number: float, of: str = "") -> str:
    """A share in per cent; from 1,000 % on, so many times, and below 1 % with a figure that counts.

    `of` is what it is a share of, which the words are joined with as they need it.

    >>> from twingrad.nn.diagnosis.words import share
    >>> share(0.36), share(0.004), share(8970.08), share(1e9)
    ('36%', '0.4%', '8,970 times', '1e+09 times')
    >>> f"a layer changed by {share(0.36, 'its size')}, then by {share(12.0, 'its size')}"
    'a layer changed by 36% of its size, then by 12 times its size'
    """
    if abs(number) >= 10.0:
        said = f"{number:,.0f}" if abs(number) < 1e6 else f"{number:.3g}"
        return f"{said} times" + f" {of}" * bool(of)
    said = f"{100.0 * number:.1g}%" if 0.0 < abs(number) < 0.01 else f"{number:.0%}"
    return said + f" of {of}" * bool(of)


def counted(count: int, thing: str, things: str = "") -> str:
    """So many of a thing; `things` is its plural where an s will not do.

    >>> from twingrad.nn.diagnosis.words import counted
    >>> counted(1, "step"), counted(1140, "step"), counted(2, "batch", "batches")
    ('1 step', '1,140 steps', '2 batches')
    """
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def listed(things: Iterable[object], most: int = 4) -> str:
    """The first few of some things, and how many more there are.

    >>> from twingrad.nn.diagnosis.words import listed
    >>> listed([1, 2, 3]), listed(range(64))
    ('1, 2, 3', '0, 1, 2, 3 and 60 more')
    """
    found = [str(x) for x in (things.tolist() if isinstance(things, np.ndarray) else things)]
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def columns(indices: Iterable[int]) -> str:
    """Columns of X as an index takes them.

    >>> from twingrad.nn.diagnosis.words import columns
    >>> columns([2]), columns([0, 1]), columns(range(9))
    ('X[:, 2]', 'X[:, [0, 1]]', 'X[:, [0, 1, 2, 3, …]], 9 columns')
    """
    found = [int(i) for i in indices]
    if len(found) == 1:
        return f"X[:, {found[0]}]"
    if len(found) <= 4:
        return f"X[:, {found}]"
    return f"X[:, [{', '.join(map(str, found[:4]))}, …]], {len(found):,} columns"
