"""Reports are folded to fit a terminal; tests read them as the sentences that they are."""

from typing import Any


def words(report: Any) -> str:
    """A printed report on one line."""
    return " ".join(str(report).split())
