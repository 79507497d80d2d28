"""What gradcheck found, as something to ask and as sentences to read."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .readings import Reading

MOST_KINKS = 3
WIDTH = 99


@dataclass(frozen=True)
class Disagreement:
    """One element at which backward() and finite differences differ most."""

    where: str
    relative_error: float
    backward: float
    finite_differences: float

    def __str__(self) -> str:
        return (
            f"{self.where}: backward says {self.backward + 0.0:.10g}, finite differences "
            f"{self.finite_differences:.10g} (relative error {self.relative_error:.2g})"
        )

    @classmethod
    def of(cls, reading: Reading, name: str) -> "Disagreement":
        """A reading of an operand of that name."""
        where = f"{name} {reading.operand}{reading.where}"
        return cls(where, reading.error, reading.backward, reading.measured.slope)


@dataclass(frozen=True)
class Kink:
    """A place where the slopes from left and right differ, with the one that backward took."""

    where: str
    left: float
    right: float
    backward: float

    def __str__(self) -> str:
        between = sorted((self.left, self.right))
        lies = (
            "which lies between them"
            if between[0] - 1e-6 <= self.backward <= between[1] + 1e-6
            else "which does not lie between them"
        )
        return (
            f"{self.where}: a kink, the slope is {self.left + 0.0:.4g} on the left and "
            f"{self.right + 0.0:.4g} "
            f"on the right; backward takes {self.backward:.4g}, {lies}"
        )


@dataclass(frozen=True)
class GradcheckReport:
    """What `gradcheck` found: true when right, and printed, a sentence a line.

    `why` names the mistakes that explain what is wrong; `kinks` the places without a slope, which
    count as right where backward took a slope between the two; `noise_floor` is the largest error
    to be expected of any of the finite differences; `notes` say what the check could not see.
    """

    max_relative_error: float
    rtol: float
    checked: int
    worst: Disagreement | None
    operation: Disagreement | None
    why: Sequence[str] = ()
    kinks: Sequence[Kink] = ()
    noise_floor: float = 0.0
    notes: Sequence[str] = ()

    def __bool__(self) -> bool:
        return self.max_relative_error <= self.rtol

    def __str__(self) -> str:
        error = f"largest relative error {self.max_relative_error:.2g}"
        floor = f"noise floor {self.noise_floor:.1g}"
        if self:
            where = "the 1 input" if self.checked == 1 else f"all {self.checked} inputs"
            lines = [f"gradcheck: right at {where} ({error}, {floor}, tolerance {self.rtol:g})"]
        else:
            lines = [f"gradcheck: WRONG ({error}, tolerance {self.rtol:g})"]
            lines += [f"  {self.worst}"] if self.worst is not None else []
            if self.operation is not None:
                lines.append(f"  the operation that is wrong: {self.operation}")
            lines += [f"  why: {reason}" for reason in self.why]
        lines += [f"  {kink}" for kink in self.kinks[:MOST_KINKS]]
        if len(self.kinks) > MOST_KINKS:
            lines.append(f"  and {len(self.kinks) - MOST_KINKS} more kinks")
        lines += [f"  note: {note}" for note in self.notes]
        return page(lines)

    __repr__ = __str__


def page(lines: Iterable[str]) -> str:
    """Lines that fit a terminal, each continued further to the right than it starts."""
    folded = []
    for line in lines:
        further = " " * (len(line) - len(line.lstrip()) + 4)
        folded += textwrap.wrap(
            line,
            WIDTH,
            subsequent_indent=further,
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
        )
    return "\n".join(folded)
