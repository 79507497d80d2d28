"""What check_op has found so far: problems, each told once, and what was tried.

Many trials show the same mistake, and one sentence on it is enough.
"""

from .trials import Trial


class Findings:
    """What has been found so far."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.first: list[str] = []
        self.second: list[str] = []
        self.tried: list[str] = []
        self.wrong: list[str] = []
        self.error = 0.0
        self.draws = False

    def add(self, what: str, trial: Trial, reason: str) -> None:
        """Each mistake once: what is wrong on numbers is wrong on arrays too."""
        self.wrong.append(trial.name)
        if not any(problem.startswith(what) for problem in self.problems):
            self.problems.append(f"{what}, {trial.name}: {reason}")

    def summary(self) -> list[str]:
        """What was tried, in words."""
        lines = [
            f"{order} derivatives on {_listed(names)}"
            for order, names in (("first", self.first), ("second", self.second))
            if names
        ]
        return [*lines, *dict.fromkeys(self.tried)]


def _listed(names: list[str]) -> str:
    """The names of trials, with "Tensors" said once."""
    numbers = [name for name in names if name == "Values"]
    shapes = [name.removeprefix("Tensors ") for name in names if name != "Values"]
    return "; ".join([*numbers, *[f"Tensors {'; '.join(shapes)}"] * bool(shapes)])
