"""Report: a training run as one page, the page that a student hands in and a teacher opens.

It needs nothing beside it, neither a network nor a script, and says in words what is seen.
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from ...nn import Monitor
from ..files import write_at_once
from . import facts, pictures, scores
from .html import Html, joined, paragraphs, tag, text
from .run import Run, taken_in

Section = tuple[str, str, Html]


def report(
    model: Any,
    history: Any,
    X: Any,
    y: Any,
    *,
    path: str | Path = "report.html",
    loss: Callable[[Any, Any], Any] | None = None,
    optimizer: Any = None,
    validation: tuple[Any, Any] | float | None = None,
    monitor: Any = None,
    seed: Any = None,
    title: str = "Training report",
    author: str = "",
    notes: str = "",
    names: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    shape: tuple[int, int] | None = None,
) -> Path:
    """Write a page on a run of `fit`, and return its path.

    `model`, X and y are what `fit` got, `history` is what it returned. `loss`, `optimizer` and
    `validation` are also as fit got them; a share that it held out is drawn again, in the same
    way. `monitor` is an `nn.Monitor` that watched. `seed` is told as it is. `title`, `author` and
    `notes`, whose paragraphs blank lines part, may hold any letters.

    Labels from 0 on and one-hot rows, and 0 and 1 or -1 and 1 for a single output, make it a
    report of classes, which may have `names`, in rising order; else it is one of numbers.
    `features` names the numbers of a sample; of two, a plane is drawn. Images are shown as
    images: where X has more than two axes, by `shape`, the (height, width) of a row, and for rows
    of a square of 64 pixels or more, none negative.

    The page is one HTML file without a script, which fetches nothing. It is written whole or not
    at all; the model is left as it was. Raises `ValueError` for an empty history and for another
    suffix than .html, `FileNotFoundError` when the folder is missing, `ShapeError` where outputs
    and y cannot be compared.

    >>> from twingrad import nn, viz
    >>> X, y = nn.data.xor()
    >>> model = nn.MLP(2, [4, 1], rng=2)
    >>> sgd = nn.SGD(model.parameters(), lr=0.5, momentum=0.9)
    >>> history = nn.fit(model, X, y, loss=nn.mse_loss, optimizer=sgd, epochs=50, progress=False)
    >>> viz.report(model, history, X, y, loss=nn.mse_loss, optimizer=sgd, path="xor.html").name
    'xor.html'
    """
    path = _checked(Path(path))
    if monitor is not None and not isinstance(monitor, Monitor):
        raise TypeError(f"monitor is an nn.Monitor, not {monitor!r}")
    run = taken_in(model, history, X, y, validation, loss, names, features, shape)
    from ... import __version__

    written = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    opening = [tag("p", *([f"by {author}, "] if author else []), written)]
    sections: list[Section] = [
        ("result", "What came of it", joined(
            [scores.cards(run), *(tag("p", words) for words in scores.verdict(run))])),
    ]  # fmt: skip
    if notes.strip():
        sections.append(("notes", "Notes", paragraphs(notes)))
    sections += [
        ("trained", "What was trained on what", _facts(facts.trained(run, optimizer))),
        ("curves", "How it learned", joined(
            [_figures(pictures.curves(run)), scores.scores(run)])),
        ("answers", "What it says", _answers(run)),
        ("mistakes", "Where it is wrong", _mistakes(run)),
        ("inside", "Inside the model", joined(
            [_figures(pictures.inside(run, monitor)), facts.layers(run)])),
        ("again", "To run it again", _facts(facts.circumstances(run, seed, __version__, written))),
    ]  # fmt: skip
    write_at_once(path, _page(title, opening, sections).encode())
    return path


def _checked(path: Path) -> Path:
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"a report is saved as .html, but {str(path)!r} is not")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"there is no folder {str(path.parent)!r} to save {path.name!r} in; create it first"
        )
    return path


def _facts(inside: Html) -> Html:
    return tag("div", inside, class_="facts")


def _figures(figures: list[Html]) -> Html:
    return tag("div", *figures, class_="figures")


def _answers(run: Run) -> Html:
    if not run.finite:
        return tag("p", "NaN or infinite numbers, so there is nothing to draw: training diverged.")
    return _figures(pictures.answers(run))


def _mistakes(run: Run) -> Html:
    if not run.finite:
        return tag("p", "Everywhere: a model that diverged says nothing of any sample.")
    if run.image is not None and run.task != "numbers":
        return _figures(pictures.mistakes(run))
    return scores.worst(run)


def _page(title: str, opening: list[Html], sections: list[Section]) -> str:
    css = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    links = (tag("li", tag("a", name, href=f"#{key}")) for key, name, _ in sections)
    parts = (
        tag("section", tag("h2", name, id=key), inside, aria_labelledby=key)
        for key, name, inside in sections
    )
    body = [
        tag("header", tag("h1", title), *opening),
        tag("nav", tag("ol", *links), aria_label="Contents"),
        tag("main", *parts),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{text(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{css}</style>\n</head>\n"
        f"<body>\n{joined(body)}\n</body>\n</html>\n"
    )
