"""Wording: numbers, counts and equations as they stand in the sentences of an explanation."""

import math
import re
from typing import Any

import numpy as np

from ..figures import lines_of
from ..formulas.escape import tex_name
from ..formulas.formulas import Formula
from ..formulas.notation import Written


def numeral(x: Any) -> Written:
    """A number in six digits at most, as one would write it beside others.

    >>> from twingrad.viz.explaining.wording import numeral
    >>> [numeral(x).text for x in (-24.0, 1 / 3, 1e-12, float("nan"))]
    ['-24.0', '0.333333', '1e-12', 'nan']
    """
    text = f"{float(x):.6g}"
    if text.lstrip("-").isdigit():
        text += ".0"
    mantissa, _, exponent = text.partition("e")
    latex = text.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    return Written(text, rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else latex)


def figures(data: Any) -> Written:
    """A number as it is; an array in full if it is small, else its range, mean and spread."""
    if np.ndim(data) == 0:
        return numeral(data)
    lines = lines_of(data)
    return Written("\n".join(lines), r";\ ".join(map(tex_name, lines)))


def in_a_row(data: Any) -> Written:
    """The same on one line."""
    shown = figures(data)
    return Written(shown.text.replace("\n", "; "), shown.latex)


def counted(count: int) -> str:
    """A number of paths, however long.

    >>> from twingrad.viz.explaining.wording import counted
    >>> counted(12345), counted(2**60), counted(2**100000)
    ('12,345', 'about 1.2e18', 'about 1e30103')
    """
    if count < 10**12:
        return f"{count:,}"
    exponent = math.floor(math.log10(count))
    if exponent > 300:
        return f"about 1e{round(math.log10(count))}"
    return f"about {count / 10**exponent:.1f}e{exponent}"


def ordinal(place: int) -> str:
    """1st, 2nd, 3rd, 4th …

    >>> from twingrad.viz.explaining.wording import ordinal
    >>> ordinal(1), ordinal(22), ordinal(13)
    ('1st', '22nd', '13th')
    """
    if place % 100 in (11, 12, 13):
        return f"{place}th"
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th') }"


def equal(left: Written, right: Formula | Written) -> Written:
    """left = right."""
    return Written(f"{left.text} = {right.text}", f"{left.latex} = {right.latex}")


def held(term: Written) -> Written:
    """A term that may follow a sign."""
    if not term.text.startswith("-"):
        return term
    return Written(f"({term.text})", rf"\left({term.latex}\right)")


def bare(formula: Formula) -> Written:
    """A formula without the case it rests on, to stand among others."""
    return Written(formula.bare, formula.bare_latex, formula.strength)


def is_number(text: str) -> bool:
    """Whether a formula is but a number."""
    return re.fullmatch(r"\(?−?[\d.]+\)?", text) is not None


def with_number(formula: Formula, number: float) -> Written:
    """A formula and what it gives here; of one that is but this number, the number alone."""
    here = numeral(number)
    if is_number(formula.bare) and formula.bare == formula.text:
        return here
    return equal(Written(formula.text, formula.latex), here)
