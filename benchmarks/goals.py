"""What the project wants of its speed, beside what was measured: reached, or not.

A goal is held against the median of the rounds. Where the quartiles lie on both sides of it,
another run may say the opposite, and the table shows as much.
"""

from dataclasses import dataclass

from benchmarks.results import Results, race_of
from benchmarks.tables import digits, markdown, times
from benchmarks.turns import Spread, measured, ratio


@dataclass(frozen=True)
class Goal:
    """A number of one side, or its ratio `to` another's, that is to be at least or at most a bound.

    `race` is the workload and the race in it.
    """

    text: str
    bound: float
    at_least: bool
    race: tuple[str, str]
    of: str
    to: str | None = None
    quantity: str = "seconds"

    @property
    def wanted(self) -> str:
        """The bound in signs: ≥ 50."""
        return f"{'≥' if self.at_least else '≤'} {digits(self.bound)}"

    def measured(self, results: Results) -> Spread | None:
        """What came of it; None where a side was absent."""
        found = race_of(results, *self.race)
        if self.to is None:
            return measured(found, self.of, self.quantity)
        return ratio(found, self.of, self.to, self.quantity)

    def verdict(self, results: Results) -> str:
        """Reached, not reached, or not measured."""
        found = self.measured(results)
        if found is None:
            return "not measured"
        reached = found.median >= self.bound if self.at_least else found.median <= self.bound
        return "reached" if reached else "**not reached**"


def faster(bound: float, side: str, than: str, race: tuple[str, str]) -> Goal:
    """A side is to be so many times as fast as another."""
    return Goal(f"{side}: times as fast as {than}", bound, True, race, than, side)


def within(bound: float, side: str, of: str, race: tuple[str, str]) -> Goal:
    """A side is to take at most so many times as long as another."""
    return Goal(f"{side}: times {of}", bound, False, race, side, of)


MOONS, MNIST, NODES, IMPORT = (
    ("moons", "step"),
    ("mnist", "step"),
    ("nodes", "100,000"),
    ("imports", "import"),
)
HAND = "NumPy, by hand"


def of_recording(form: str) -> list[Goal]:
    """What is wanted of the moons step recorded in one of its two forms."""
    alone = f"replay, {form}"
    return [
        faster(5000, alone, "micrograd", MOONS),
        faster(1, alone, "PyTorch", MOONS),
        within(2, alone, HAND, MOONS),
        within(2, alone, f"{HAND}, in place", MOONS),
        faster(3000, f"replay and a plain loop, {form}", "micrograd", MOONS),
    ]


GOALS = {
    "the moons step": [
        faster(50, "twingrad, nn.MLP", "micrograd", MOONS),
        faster(3, "twingrad, by hand", "micrograd", MOONS),
        faster(5, "twingrad, by hand", "PyTorch, 0-d tensors by hand", MOONS),
        *of_recording("nn.MLP"),
        *of_recording("by hand"),
        within(1.2, "nn.fit(record=True)", "replay, nn.MLP", MOONS),
        within(2, "recording, by hand", "twingrad, by hand", MOONS),
    ],
    "a scalar node": [
        Goal("memory: times micrograd's", 0.6, False, NODES, "twingrad", "micrograd", "bytes")
    ],
    "the MNIST step": [
        within(1.03, "twingrad", HAND, MNIST),
        faster(1.3, "twingrad", "PyTorch", MNIST),
        faster(1, "twingrad", "PyTorch, fused Adam", MNIST),
        within(1.1, "twingrad", "JAX, jit", MNIST),
    ],
    "import": [Goal("seconds after NumPy", 0.1, False, IMPORT, "twingrad")],
}


def table(results: Results) -> str:
    """Each goal, what was measured, and whether that is enough."""
    rows = [("", "goal", "wanted", "measured", "")]
    for subject, goals in GOALS.items():
        for i, goal in enumerate(goals):
            found = times(goal.measured(results))
            shown = "" if i else subject
            rows.append((shown, goal.text, goal.wanted, found, goal.verdict(results)))
    return markdown(*rows, left=2)
