"""What several test files share."""

from types import SimpleNamespace

import pytest


@pytest.fixture
def theirs() -> SimpleNamespace:
    """micrograd's names, where it is installed."""
    engine = pytest.importorskip("micrograd.engine")
    their_nn = pytest.importorskip("micrograd.nn")
    return SimpleNamespace(
        Value=engine.Value, Neuron=their_nn.Neuron, Layer=their_nn.Layer, MLP=their_nn.MLP
    )
