"""One training step of an MNIST network: 784-128-64-10, relu, batch of 128, float32, Adam.

Every side starts from the same weights and does the same work, forward, cross-entropy, backward
and Adam; `epochs` says what becomes of that step in a whole training.
"""

from functools import partial

from benchmarks import mnist_peers as peers
from benchmarks.mnist_numpy import numpy_step, products_alone
from benchmarks.side import Side
from benchmarks.tables import titled
from benchmarks.turns import Found

RACES = {"step": {"rounds": 15, "turn": 0.05, "steps": 20}}


def sides(race: str) -> dict[str, Side]:
    """Everybody who takes the step."""
    return {
        "scikit-learn, partial_fit": Side(peers.sklearn_step, alike=False),
        "autograd": Side(peers.autograd_step),
        "MyGrad": Side(peers.mygrad_step),
        "PyTorch": Side(partial(peers.torch_step, fused=False)),
        "PyTorch, fused Adam": Side(partial(peers.torch_step, fused=True)),
        "JAX, jit": Side(peers.jax_step),
        "twingrad": Side(peers.twingrad_step),
        "NumPy, by hand": Side(numpy_step),
        "NumPy, matrix products alone": Side(products_alone, alike=False),
    }


def table(races: dict[str, Found]) -> str:
    """Each side's step beside PyTorch's and the yardstick's."""
    return titled("one step", races["step"], "PyTorch", "NumPy, by hand")
