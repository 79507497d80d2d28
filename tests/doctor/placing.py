"""The lines of the sets (ways to become ill, healthy ways) on tasks that are of none of them."""

from collections import Counter
from collections.abc import Set

from tests.doctor import (
    final,
    final_tasks,
    fresh,
    fresh_tasks,
    tasks,
    validation,
    validation_tasks,
)
from tests.doctor.plans import Known, Line, Made, cases

SETS = (
    (validation, validation_tasks.TASKS),
    (final, final_tasks.TASKS),
    (fresh, fresh_tasks.TASKS),
)

COLUMNS = {
    "incomes as they are": 2,
    "the same column twice more": 3,
    "both columns of a yes or no": 5,
    "gaps in a column": 3,
    "kelvin and pascal": 2,
    "fahrenheit beside celsius": 4,
    "rounded to two digits": 2,
    "a sensor and its neighbour, of hardly any noise": 8,
    "a column filled with its mean": 4,
    "years such as 1985, Values": 3,
    "one row drawn for all units": 31,
    "a missing value's code, twice": 2,
}
"""How many columns a line needs, where it names some."""


def fits(old: tasks.Task, new: tasks.Task, scalar: bool, name: str) -> bool:
    """Whether what is done on one task can be done on another, in about as many steps."""
    alike = (
        old.kind == new.kind and old.X.ndim == new.X.ndim and old.y.ndim == new.y.ndim
        and 0.4 * len(old.X) <= len(new.X) <= 1.6 * len(old.X)
    )  # fmt: skip
    small = not scalar or new.X.size <= 2000
    return alike and small and new.X.shape[1] >= COLUMNS.get(name, 1)


def placed(
    given: Made, shift: int, not_ill: Set[tuple[str, str]], left_out: Set[str] = frozenset()
) -> list[Known]:
    """Each line of the other sets on one new task: the next in turn of those that fit it.

    `not_ill` has the lines that are not proved on a task, which are placed on the next that fits,
    `left_out` those that are placed on none.
    """
    new = {name: make(0) for name, make in given.items()}
    found: list[Known] = []
    turns: Counter[str] = Counter()
    index = 0
    for chosen, made in SETS:
        old = {name: make(0) for name, make in made.items()}
        healthy: list[Line] = [("", *line, None) for line in chosen.HEALTHY]
        for kind, name, places, base, sick in [*chosen.ILL, *healthy]:
            index += 1
            where, _, twin = places.split()[index % len(places.split())].partition(":")
            able = [n for n, task in new.items() if fits(old[where], task, bool(twin), name)]
            turns["".join(able)] += 1
            turn = turns["".join(able)] % max(len(able), 1)
            called = f"{kind or 'healthy'}: {name}"
            left = [n for n in able[turn:] + able[:turn] if (called, n) not in not_ill]
            if (
                left and called not in left_out
            ):  # seeds by the line, so that none changes when another is left out
                place = left[0] + (":V" if twin else "")
                found += cases(given, [(kind, name, place, base, sick)], shift + index % 7)
    return found
