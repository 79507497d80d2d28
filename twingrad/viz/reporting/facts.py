"""What was trained on what, by which means, and what one needs to run it again.

A result that nobody can repeat is an anecdote; this is what makes it more.
"""

import hashlib
import platform
from typing import Any

import numpy as np

from ...engine import Value
from ...nn import Module, summary
from ...nn.parts import layers_of
from ...nn.predict import first_numbers
from .html import Html, joined, pairs, table, tag
from .run import Run
from .scores import duration, number, parameters_of

_DIGEST = (
    "SHA-256 over each parameter's and running statistic's name, type, shape and bytes, in order. "
    "Two models with one digest hold the same numbers, bit by bit."
)


def trained(run: Run, optimizer: Any) -> Html:
    """What was trained on what, and how."""
    seen, rates = run.seen, run.history.learning_rate
    twin = "Value" if isinstance(first_numbers(run.model), Value) else "Tensor"
    features = " × ".join(str(n) for n in seen.X.shape[1:])
    rows: list[tuple[str, Any]] = [
        ("Model", tag("code", repr(run.model))),
        ("Parameters", f"{parameters_of(run.model):,} numbers, each part of a {twin}"),
        *(
            (f"{part.name.capitalize()} data", f"{len(part.X):,} samples of {features} numbers")
            for part in run.parts
        ),
    ]
    if run.task == "numbers":
        rows.append(
            ("Target", f"{seen.outputs.shape[1]} number{'s' * (seen.outputs.shape[1] > 1)}")
        )
    else:
        shares = np.bincount(seen.truth, minlength=len(run.labels))
        named = zip(run.labels[:20], shares, strict=False)
        listed = ", ".join(f"{name} ({count:,})" for name, count in named)
        more = " …" if len(run.labels) > 20 else ""
        rows.append(("Classes", f"{len(run.labels)}, with their training samples: {listed}{more}"))
    if run.task == "two labels":
        upper = run.labels[1]
        rows.append(("Decision", f"{upper} where the output is above {run.cut:g}"))
    rows.append(("Loss", "not told" if run.loss is None else tag("code", _called(run.loss))))
    rows.append(("Optimizer", "not told" if optimizer is None else tag("code", repr(optimizer))))
    if rates:
        same = min(rates) == max(rates)
        course = f"from {number(rates[0])} to {number(rates[-1])}, at most {number(max(rates))}"
        rows.append(("Learning rate", f"{number(rates[0])} throughout" if same else course))
    rows.append(("Epochs", f"{len(run.history):,}"))
    if run.history.seconds:
        each = sum(run.history.seconds) / len(run.history.seconds)
        rows.append(("Time", f"{duration(sum(run.history.seconds))}, {each:.2g} s an epoch"))
    return pairs(rows)


def _called(function: Any) -> str:
    return str(getattr(function, "__name__", None) or repr(function))


def layers(run: Run) -> Html:
    """The model's layers with what they learn; of Tensors also what they give."""
    model = run.model
    if isinstance(model, Module) and not isinstance(first_numbers(model), Value):
        batch = 2  # the least that every layer can train on
        measured = summary(model, (batch, *run.seen.X.shape[1:]))
        rows = [
            (
                "\N{NO-BREAK SPACE}" * 3 * row.depth
                + f"{row.path.lstrip('.')} {row.layer}".strip(),
                " × ".join(
                    ["n" if n == batch and not j else str(n) for j, n in enumerate(row.shape)]
                ),
                f"{row.parameters:,}" if row.parameters else "–",
            )
            for row in measured.rows
        ]
        rows.append(("in all", "", f"{measured.parameters:,}"))
        columns = ("layer", "output shape, for n samples", "parameters")
        return table("Its layers, in the order in which they run", columns, rows, 2)
    modules = dict(model.named_modules()) if isinstance(model, Module) else {}
    found = [
        (
            f"{path.lstrip('.')} {modules.get(path, model)!r}".strip(),
            f"{sum(np.size(p.data) for p in own):,}",
        )
        for path, own in layers_of(model).items()
    ]
    found.append(("in all", f"{parameters_of(model):,}"))
    return table("Its layers", ("layer", "parameters"), found, 1)


def circumstances(run: Run, seed: Any, version: str, written: str) -> Html:
    """What one needs to run it again, and to see whether two submissions are one."""
    return pairs(
        [
            ("Seed", "not told" if seed is None else tag("code", repr(seed))),
            ("twingrad", version),
            ("NumPy", np.__version__),
            ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
            ("Platform", platform.platform()),
            ("Report written", written),
            ("Digest of the model", joined([tag("code", digest(run.model)), tag("p", _DIGEST)])),
        ]
    )  # fmt: skip


def digest(model: Any) -> str:
    """SHA-256 over all numbers of a model with their names, types and shapes, in hex.

    >>> from twingrad import nn
    >>> from twingrad.viz.reporting.facts import digest
    >>> digest(nn.MLP(2, [3, 1], rng=0)) == digest(nn.MLP(2, [3, 1], rng=0))
    True
    """
    if isinstance(model, Module):
        numbers = model.state_dict()
    else:
        numbers = {str(i): np.array(p.data) for i, p in enumerate(model.parameters())}
    hashed = hashlib.sha256()
    for name, array in numbers.items():
        ordered = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        hashed.update(f"{name} {ordered.dtype.str} {array.shape}\n".encode())
        hashed.update(ordered.tobytes())
    return hashed.hexdigest()
