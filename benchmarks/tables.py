"""Numbers as a reader wants them: times in fitting units, and tables in Markdown."""

from collections.abc import Sequence
from typing import Any

from benchmarks.turns import Found, Spread, measured, ratio


def markdown(*rows: Sequence[Any], left: int = 1) -> str:
    """Rows in Markdown, the first the titles; after `left` columns of words come numbers."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    sides = "|---" * left + "|---:" * (len(rows[0]) - left) + "|"
    return "\n".join([lines[0], sides, *lines[1:]])


def duration(seconds: float | None) -> str:
    """Three digits and a unit: 1.23 ms."""
    if seconds is None:
        return "absent"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{digits(seconds / size)} {unit}"
    return f"{digits(seconds / 1e-9)} ns"


def digits(number: float) -> str:
    """Three digits that count, and no exponent: 0.0123, 1.23, 12.3, 123, 12,300."""
    if number == 0.0:
        return "0"
    shown = float(f"{number:.3g}")
    decimals = max(0, 2 - int(f"{shown:e}".partition("e")[2]))
    return f"{shown:,.{decimals}f}"


def times(factor: Spread | None) -> str:
    """A ratio and its quartiles: 1.23 (1.20-1.31)."""
    if factor is None:
        return "not measured"
    low, high = digits(factor.low), digits(factor.high)
    return digits(factor.median) + (f" ({low}–{high})" if low != high else "")


def titled(title: str, found: Found, slow: str, hand: str | None = None) -> str:
    """Each side's time, how many times as fast as `slow` it is, and how many times `hand` it is."""
    rows: list[Sequence[Any]] = [(title, "median", f"times as fast as {slow}")]
    if hand:
        rows[0] = (*rows[0], f"times {hand}")
    for side in found:
        took = measured(found, side)
        factors = [ratio(found, slow, side), *([ratio(found, side, hand)] if hand else [])]
        shown = [times(factor) if took else "absent" for factor in factors]
        rows.append((side, duration(took and took.median), *shown))
    return markdown(*rows)
