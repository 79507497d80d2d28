"""One training step of micrograd's moons demo: 100 points, MLP(2, [16, 16, 1]), full batch.

The demo that made scalar engines known, and the one that shows what they cost. Every side does
the same: hinge loss and L2, forward, backward and update, in float64 from the same weights.
"""

from functools import partial

from benchmarks import moons_arrays, moons_recorded, moons_scalars
from benchmarks.side import Side
from benchmarks.tables import titled
from benchmarks.turns import Found

RACES = {"step": {"rounds": 7, "steps": 3, "rtol": 1e-9}}


def sides(race: str) -> dict[str, Side]:
    """Everybody who takes the step: numbers, arrays, and numbers recorded as arrays."""
    scalars, arrays, recorded = moons_scalars, moons_arrays, moons_recorded
    return {
        "micrograd": Side(scalars.micrograd),
        "micrograd, garbage collected in between": Side(
            partial(scalars.swept, scalars.micrograd), alike=False
        ),
        "micrograd, collector paused": Side(partial(scalars.paused, scalars.micrograd)),
        "PyTorch, 0-d tensors by hand": Side(scalars.torch_by_hand),
        "twingrad, by hand": Side(scalars.twingrad_by_hand),
        "twingrad, by hand, collector paused": Side(
            partial(scalars.paused, scalars.twingrad_by_hand)
        ),
        "twingrad, nn.MLP": Side(scalars.twingrad),
        "recording, by hand": Side(partial(recorded.recording, by_hand=True), alike=False),
        "recording, nn.MLP": Side(partial(recorded.recording, by_hand=False), alike=False),
        "replay, by hand": Side(partial(recorded.replay, by_hand=True), alike=False),
        "replay, nn.MLP": Side(partial(recorded.replay, by_hand=False), alike=False),
        "replay and a plain loop, by hand": Side(partial(recorded.looped, by_hand=True)),
        "replay and a plain loop, nn.MLP": Side(partial(recorded.looped, by_hand=False)),
        "nn.fit(record=True)": Side(recorded.fitted, alike=False),
        "PyTorch": Side(arrays.torch_tensors),
        "NumPy, by hand": Side(arrays.numpy_plain),
        "NumPy, by hand, in place": Side(arrays.numpy_in_place),
    }


def table(races: dict[str, Found]) -> str:
    """Each side's step beside micrograd's and the yardstick's."""
    return titled("one step", races["step"], "micrograd", "NumPy, by hand, in place")
