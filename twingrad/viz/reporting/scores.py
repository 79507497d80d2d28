"""What came of a run, in sentences, numbers and tables.

They are those of the history, and those that the model gives now; where the two disagree, a
reader sees it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..plots.curves import less_is_better
from .html import Html, table, tag
from .run import Part, Run

Array = npt.NDArray[Any]

_WORST = 10
_FEATURES = 6


def number(x: float | None) -> str:
    """A number for people: four digits, a minus sign, and a dash for none."""
    return "–" if x is None else f"{x:.4g}".replace("-", "\N{MINUS SIGN}")


def percent(part: int, whole: int) -> str:
    """A share in percents, which says 100% only of all and 0% only of none."""
    share = 100.0 * part / max(whole, 1)
    if 0 < part < whole:
        share = min(max(share, 0.1), 99.9)
    return f"{share:.1f}%".replace(".0%", "%")


def verdict(run: Run) -> list[str]:
    """What came of the run, in sentences."""
    losses, held = np.array(run.history.loss), np.array(run.history.val_loss)
    said = []
    if run.history.interrupted:
        said.append("Training was interrupted before its last epoch.")
    if not np.isfinite(losses[-1]):
        said.append(
            f"Training diverged: the loss is {losses[-1]} at the end. A lower learning rate, or "
            "clip_norm=, may help."
        )
    elif len(losses) > 1:
        before, after = number(losses[0]), number(losses[-1])
        fell = losses[-1] < 0.95 * losses[0]
        verb = "fell" if fell else "hardly moved" if losses[-1] < 1.05 * losses[0] else "rose"
        said.append(f"The training loss {verb} from {before} to {after} in {_epochs(run)}.")
    part = run.judged
    if run.task != "numbers":
        whose = "samples that it never learned from" if len(run.parts) > 1 else "training samples"
        shares = f"{part.right:,} of {len(part.X):,} ({percent(part.right, len(part.X))})"
        said.append(f"Of the {whose}, it gets {shares} right.")
    if len(held) == len(losses) and np.isfinite(held).any():
        best = int(np.nanargmin(held))
        if best + 1 < len(held) and not held[-1] <= 1.1 * held[best]:
            words = (
                f"The validation loss was best in epoch {best + 1}, at {number(held[best])}, and "
                f"is {number(held[-1])} at the end"
            )
            if losses[-1] < losses[best]:
                words += (
                    ": since then the model has learned its training data rather than the task "
                    "(overfitting). nn.EarlyStopping keeps the best epoch"
                )
            said.append(words + ".")
    return said


def _epochs(run: Run) -> str:
    count = len(run.history)
    return f"{count:,} epoch{'s' * (count > 1)}"


def cards(run: Run) -> Html:
    """The four or five numbers that are asked for first."""
    part, history = run.judged, run.history
    shown = []
    if run.task != "numbers":
        shown.append((f"of the {part.name} samples right", percent(part.right, len(part.X))))
    else:
        root = float(np.sqrt(np.mean(part.errors**2 / part.outputs.shape[1])))
        shown.append((f"root mean squared error, {part.name}", number(root)))
    if history.val_loss:
        shown.append(("validation loss at the end", number(history.val_loss[-1])))
    shown.append(("training loss at the end", number(history.loss[-1])))
    shown.append(("parameters", f"{parameters_of(run.model):,}"))
    took = f" in {duration(sum(history.seconds))}" if history.seconds else ""
    shown.append((f"epoch{'s' * (len(history) > 1)}{took}", f"{len(history):,}"))
    inside = (tag("div", tag("dt", name), tag("dd", figure)) for name, figure in shown)
    return tag("dl", *inside, class_="cards")


def duration(seconds: float) -> str:
    """A time for people."""
    if seconds < 0.1:
        return "less than 0.1 s"
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def parameters_of(model: Any) -> int:
    """How many numbers a model learns."""
    return sum(int(np.size(parameter.data)) for parameter in model.parameters())


def scores(run: Run) -> Html:
    """The curves of the history in numbers, and what the model gives now."""
    rows = []
    for name, curve in run.history.curves().items():
        if name not in ("learning_rate", "seconds"):
            numbers = np.asarray(curve)
            best = "–", "–"
            if np.isfinite(numbers).any():
                down = less_is_better(name)
                at = int(np.nanargmin(numbers) if down else np.nanargmax(numbers))
                best = number(numbers[at]), str(at + 1)
            said = name.replace("val_", "validation ").replace("_", " ")
            rows.append((said, number(numbers[0]), number(numbers[-1]), *best))
    told = table(
        "While it trained: training numbers are means over an epoch in which the model changed",
        ("", "first epoch", "last epoch", "best", "in epoch"), rows, 1,
    )  # fmt: skip
    return tag("div", told, _now(run), class_="tables")


def _now(run: Run) -> Html:
    measured: list[tuple[str, list[str]]] = []
    if run.loss is not None:
        measured.append(("loss", [number(part.loss) for part in run.parts]))
    if run.task != "numbers":
        measured.append(("right", [f"{p.right:,} of {len(p.X):,}" for p in run.parts]))
        measured.append(("share right", [percent(p.right, len(p.X)) for p in run.parts]))
    else:
        off = [np.abs(p.outputs - p.y.reshape(len(p.y), -1)) for p in run.parts]
        measured.append(
            ("root mean squared error", [number(float(np.sqrt((e**2).mean()))) for e in off])
        )
        measured.append(("mean absolute error", [number(float(e.mean())) for e in off]))
        measured.append(("largest error", [number(float(e.max())) for e in off]))
    columns = ("", *(f"{part.name} samples" for part in run.parts))
    rows = [(name, *cells) for name, cells in measured]
    return table("Measured now, of the model as it is", columns, rows, 1)


def worst(run: Run) -> Html:
    """The samples that the model is furthest from getting right, as a table."""
    part = run.judged
    X = part.X.reshape(len(part.X), -1)
    shown = X.shape[1] if X.shape[1] <= _FEATURES + 1 else _FEATURES
    more = ["…"] if shown < X.shape[1] else []
    if run.task == "numbers":
        found = np.argsort(-part.errors, kind="stable")[:_WORST]
        names = ["true", "predicted", "off by"]
        told = [
            (_listed(part.y[i]), _listed(part.outputs[i]), number(part.errors[i])) for i in found
        ]
        caption = f"The {len(found)} {part.name} samples that it is furthest off at"
    else:
        wrong = np.flatnonzero(part.truth != part.said)
        if not len(wrong):
            words = f"None: all {len(part.X):,} {part.name} samples are right."
            return tag("p", words)
        by = _missing(run, part)[wrong]
        found = wrong[np.argsort(-by, kind="stable")][:_WORST]
        names = [
            "true",
            "said",
            "output" if part.outputs.shape[1] == 1 else "outputs, true and said",
        ]
        told = [
            (run.labels[part.truth[i]], run.labels[part.said[i]], _outputs(part, i)) for i in found
        ]
        which = "" if len(found) == len(wrong) else f"The {len(found)} worst of the "
        caption = f"{which}{len(wrong):,} misclassified {part.name} samples"
    columns = ["sample", *run.features[:shown], *more, *names]
    rows = [
        (str(i), *(number(x) for x in X[i, :shown]), *more, *cells)
        for i, cells in zip(found.tolist(), told, strict=True)
    ]
    return table(f"{caption}; samples are counted from 0", columns, rows, 1)


def _missing(run: Run, part: Part) -> Array:
    """How far each sample's output is beyond the boundary."""
    rows = np.arange(len(part.X))
    if run.task == "two labels":
        return np.abs(part.outputs.ravel() - run.cut)
    return np.asarray(part.outputs[rows, part.said] - part.outputs[rows, part.truth])


def _outputs(part: Part, i: int) -> str:
    outputs = part.outputs[i]
    shown = outputs if len(outputs) == 1 else outputs[[part.truth[i], part.said[i]]]
    return _listed(shown)


def _listed(numbers: Any) -> str:
    flat = np.ravel(numbers)
    return ", ".join(number(x) for x in flat[:4]) + " …" * (len(flat) > 4)
