"""What several test files share."""

import sys
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


@pytest.fixture
def no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where matplotlib is not installed."""
    for module in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, module, None)
