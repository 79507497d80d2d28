"""Reports are folded to fit a terminal; tests read them as the sentences that they are."""

from collections.abc import Callable
from typing import Any

import pytest

import twingrad as tg


def caught(program: Callable[[], Any], **options: Any) -> tg.AnomalyError:
    """The anomaly that a program has under detect_anomaly."""
    with pytest.raises(tg.AnomalyError) as found, tg.detect_anomaly(**options):
        program()
    return found.value


def words(report: Any) -> str:
    """A printed report on one line."""
    return " ".join(str(report).split())
