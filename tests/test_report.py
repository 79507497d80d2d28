"""The report of a run: that what it says is so, that it stands alone, and whatever comes in.

The page is read back with Python's HTML parser; its numbers are held against ones computed here.
"""

import base64
import contextlib
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import twingrad as tg
from twingrad import nn, viz
from twingrad.viz.reporting import facts, scores
from twingrad.viz.reporting.html import Html, paragraphs, tag, text
from twingrad.viz.reporting.run import Run, taken_in

VOID = ("meta", "img", "br", "link", "input")
NASTY = '</style><script>alert("1")</script> & $x$ | \x00 \ud800 größe 日本'
POINTS = np.array([[-2.0, 1.0], [-1.0, -1.0], [1.0, 2.0], [2.0, -2.0], [0.5, 0.5], [-0.5, 0.1]])
SIDES = np.sign(POINTS[:, 0])


class Page(HTMLParser):
    """A page's elements and its text; an element that is not closed in its turn is an error."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.inside: list[str] = []
        self.style = ""
        self.feed(self.html)
        self.close()
        assert self.inside == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.inside:
            self.style += data
        elif data.strip():
            self.words.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def said(self) -> str:
        return "\n".join(self.words)

    def after(self, words: str) -> str:
        """The piece of text that follows another, such as the number after its name."""
        return self.words[self.words.index(words) + 1]

    @property
    def pictures(self) -> list[str]:
        """The alternative texts of the pictures."""
        return [image["alt"] for image in self.all("img")]

    @property
    def drawings(self) -> list[Any]:
        found = []
        for image in self.all("img"):
            kind, _, content = image["src"].partition(",")
            assert kind == "data:image/svg+xml;base64"
            found.append(ElementTree.fromstring(base64.b64decode(content)))
        return found


def trained(
    model: Any,
    X: Any,
    y: Any,
    loss: Any = nn.mse_loss,
    epochs: int = 3,
    lr: float = 0.05,
    **given: Any,
) -> tuple[nn.History, nn.Optimizer]:
    optimizer = nn.SGD(model.parameters(), lr=lr)
    history = nn.fit(
        model, X, y, loss=loss, optimizer=optimizer, epochs=epochs, progress=False, rng=0, **given
    )
    return history, optimizer


def moons_run(kind: str = "Values", **given: Any) -> tuple[Any, nn.History, nn.Optimizer, Any]:
    model: Any = nn.MLP(2, [3, 1], rng=0)
    y = SIDES
    if kind == "Tensors":
        model, y = model.to_tensor(), SIDES[:, None]
    return model, *trained(model, POINTS, y, **given), y


def reported(tmp_path: Path, model: Any, history: Any, X: Any, y: Any, **given: Any) -> Page:
    return Page(viz.report(model, history, X, y, path=tmp_path / "report.html", **given))


def taken(
    model: Any, history: Any, X: Any, y: Any, validation: Any = None, loss: Any = None
) -> Run:
    return taken_in(model, history, X, y, validation, loss, None, None, None)


@pytest.fixture(scope="module", params=["Values", "Tensors"])
def plain(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Page]:
    """A model and its report, with nothing but what is asked for."""
    model, history, _, y = moons_run(request.param)
    return model, reported(tmp_path_factory.mktemp("plain"), model, history, POINTS, y)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Page]:
    """A run on images, and its report."""
    model, history, optimizer, X, y = run = digits_run()
    given = {"loss": nn.cross_entropy, "optimizer": optimizer, "seed": 1337}
    return run, reported(tmp_path_factory.mktemp("digits"), model, history, X, y, **given)


def digits_run() -> tuple[Any, nn.History, nn.Optimizer, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X, y = rng.random((60, 64)), rng.integers(4, size=60)
    model = nn.Sequential(nn.Linear(64, 8, rng=0), nn.ReLU(), nn.Linear(8, 4, rng=1))
    history, optimizer = trained(
        model, X, y, nn.cross_entropy, validation=0.25, metrics="accuracy", batch_size=15
    )
    return model, history, optimizer, X, y


# A page that stands alone


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A page with everything on it."""
    model, optimizer = nn.MLP(2, [4, 3, 1], rng=0), None
    optimizer = nn.Adam(model.parameters(), lr=0.02)
    monitor = nn.Monitor(model, optimizer)
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = np.sign(X[:, 0])
    history = nn.fit(
        model, X, y, loss=nn.mse_loss, optimizer=optimizer, epochs=4, progress=False, rng=0,
        validation=0.25, metrics=["accuracy", "mae"], callbacks=[monitor], record=True,
    )  # fmt: skip
    return reported(
        tmp_path_factory.mktemp("whole"), model, history, X, y, loss=nn.mse_loss,
        optimizer=optimizer, monitor=monitor, seed=NASTY, title=NASTY, author=NASTY,
        notes=f"{NASTY}\n\n{NASTY}", names=[NASTY, "b"], features=["<i>", NASTY],
    )  # fmt: skip


def test_a_page_holds_all_that_it_shows_and_asks_for_nothing(whole: Page) -> None:
    for name, attributes in whole.elements:
        assert name not in ("script", "link", "iframe", "object", "embed", "base", "form")
        assert not {key for key in attributes if key.startswith("on") or key == "style"}
        for key in ("src", "href"):
            assert attributes.get(key, "#").startswith(("#", "data:image/svg+xml;base64,"))
    assert "url(" not in whole.style
    assert "@import" not in whole.style


def test_the_policy_forbids_everything_but_this_style_and_pictures_in_the_page(whole: Page) -> None:
    (policy,) = [m["content"] for m in whole.all("meta") if "http-equiv" in m]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    hashed = base64.b64encode(hashlib.sha256(whole.style.encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{hashed}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert whole.html.index("Content-Security-Policy") < whole.html.index("<style>")


def test_pictures_are_whole_drawings_that_refer_to_nothing_outside(whole: Page) -> None:
    assert len(whole.drawings) == 7
    for drawing in whole.drawings:
        for element in drawing.iter():
            assert not element.tag.endswith("script")
            for key, value in element.attrib.items():
                if key.endswith(("href", "src")):
                    assert value.startswith(("#", "data:image/png;base64,"))


def test_a_page_can_be_read_by_everyone(whole: Page) -> None:
    assert whole.all("html") == [{"lang": "en"}]
    assert {"charset": "utf-8"} in whole.all("meta")
    assert any(meta.get("name") == "viewport" for meta in whole.all("meta"))
    assert len(whole.all("h1")) == len(whole.all("main")) == 1
    keys = [heading["id"] for heading in whole.all("h2")]
    assert [section["aria-labelledby"] for section in whole.all("section")] == keys
    assert [link["href"] for link in whole.all("a")] == [f"#{key}" for key in keys]
    ids = [attributes["id"] for _, attributes in whole.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(len(image["alt"]) > 8 for image in whole.all("img"))
    assert len(whole.all("figcaption")) == len(whole.all("figure")) == len(whole.all("img"))
    assert all(cell["scope"] in ("row", "col") for cell in whole.all("th"))
    assert len(whole.all("caption")) == len(whole.all("table"))
    assert "prefers-color-scheme: dark" in whole.style
    assert "@media print" in whole.style


def test_what_a_user_writes_stays_text(whole: Page) -> None:
    shown = NASTY.replace("\x00", "\N{REPLACEMENT CHARACTER}").replace("\ud800", "\ufffd")
    assert whole.words[0] == shown  # <title>
    assert whole.words.count(shown) >= 4
    assert f"by {shown}, " in whole.said
    drawn = "".join("".join(drawing.itertext()) for drawing in whole.drawings)
    assert "größe 日本" in drawn
    assert "$x$" in drawn
    assert "alert" not in whole.style


@given(st.text())
def test_text_can_become_neither_a_tag_nor_an_attribute(words: str) -> None:
    made = tag("p", words, title=words, class_=None)
    root = ElementTree.fromstring(made)
    assert list(root) == []
    assert set(root.attrib) == {"title"}
    assert (root.text or "") == re.sub(
        r"\r\n?", "\n", str(ElementTree.fromstring(tag("p", words)).text or "")
    )
    assert text(text(words)) == text(words)
    assert isinstance(paragraphs(words), Html)
    ElementTree.fromstring(tag("div", paragraphs(words)))


# What it says is so


@pytest.mark.parametrize("kind", ["Values", "Tensors"])
def test_a_report_counts_what_is_right_itself(kind: str, tmp_path: Path) -> None:
    model, history, optimizer, y = moons_run(kind)
    page = reported(tmp_path, model, history, POINTS, y, loss=nn.mse_loss, optimizer=optimizer)
    outputs = nn.predict(model, POINTS).ravel()
    right = int(np.sum(np.sign(outputs) == SIDES))
    assert page.after("right") == f"{right} of 6"
    assert float(page.after("share right").rstrip("%")) == pytest.approx(100 * right / 6, abs=0.05)
    measured = page.words[page.words.index("Measured now, of the model as it is") :]
    loss = float(measured[measured.index("loss") + 1])
    assert loss == pytest.approx(np.mean((outputs - SIDES) ** 2), rel=1e-3)
    assert f"{kind[:-1]}" in page.after("Parameters")
    assert page.after("Optimizer") == repr(optimizer)
    assert page.after("Model") == repr(model)
    assert page.after("Loss") == "mse_loss"
    assert page.after("Learning rate") == "0.05 throughout"


def test_the_share_that_fit_held_out_is_drawn_again_and_measured_the_same(digits: Any) -> None:
    (_, history, *_), page = digits
    measured = page.words[page.words.index("Measured now, of the model as it is") :]
    at = measured.index("loss")
    assert float(measured[at + 2]) == pytest.approx(history.val_loss[-1], rel=1e-3)
    right = round(15 * history["val_accuracy"][-1])
    assert measured[measured.index("right") + 2] == f"{right} of 15"
    assert page.after("Training data") == "45 samples of 64 numbers"
    assert page.after("Held-out data") == "15 samples of 64 numbers"


def test_the_share_may_be_told_too(digits: Any) -> None:
    (model, history, _, X, y), _ = digits
    unasked, asked = (taken(model, history, X, y, share) for share in (None, 0.25))
    for first, second in zip(unasked.parts, asked.parts, strict=True):
        assert np.array_equal(first.X, second.X)
        assert np.array_equal(first.y, second.y)


def test_samples_held_out_by_oneself_are_measured_too(tmp_path: Path) -> None:
    model, history, _, y = moons_run()
    page = reported(tmp_path, model, history, POINTS, y, validation=(POINTS[:2] + 9.0, SIDES[:2]))
    said = nn.predict(model, POINTS[:2] + 9.0)
    assert f"{int(np.sum(np.sign(said) == SIDES[:2]))} of 2" in page.words
    assert len([alt for alt in page.pictures if "held-out" in alt]) == 1


def test_the_curves_are_told_in_numbers(tmp_path: Path) -> None:
    history = nn.History(
        loss=[4.0, 2.0, 1.0, 0.5],
        val_loss=[4.5, 1.5, 2.5, 3.0],
        metrics={"accuracy": [0.5, 0.9, 0.6, 0.7]},
        learning_rate=[0.1, 0.2, 0.05, 0.01],
        seconds=[30.0, 40.0, 30.0, 40.0],
    )
    page = reported(tmp_path, nn.MLP(2, [1], rng=0), history, POINTS, SIDES)
    words = page.words
    for name, row in {
        "loss": ["4", "0.5", "0.5", "4"],
        "validation loss": ["4.5", "3", "1.5", "2"],
        "accuracy": ["0.5", "0.7", "0.9", "2"],
    }.items():
        at = words.index(name)
        assert words[at + 1 : at + 5] == row
    assert page.after("Learning rate") == "from 0.1 to 0.01, at most 0.2"
    assert page.after("Time") == "2 min 20 s, 35 s an epoch"
    assert "fell from 4 to 0.5 in 4 epochs" in page.said
    assert "best in epoch 2, at 1.5, and is 3 at the end" in page.said
    assert page.after("Loss") == page.after("Optimizer") == page.after("Seed") == "not told"


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ([1.0, 0.5], "fell from 1 to 0.5"),
        ([1.0, 0.99], "hardly moved from 1 to 0.99"),
        ([1.0, 3.0], "rose from 1 to 3"),
        ([1.0, np.nan], "Training diverged: the loss is nan"),
        ([1.0, np.inf], "Training diverged: the loss is inf"),
    ],
)
def test_what_came_of_a_run_is_said_in_words(losses: Any, said: str) -> None:
    run = taken(nn.MLP(2, [1], rng=0), nn.History(loss=losses, interrupted=True), POINTS, SIDES)
    sentences = " ".join(scores.verdict(run))
    assert said in sentences
    assert "interrupted" in sentences
    assert "overfitting" not in sentences


def test_only_a_training_loss_that_still_falls_makes_it_overfitting() -> None:
    sentences = [
        " ".join(scores.verdict(taken(nn.MLP(2, [1], rng=0), history, POINTS, SIDES)))
        for history in (
            nn.History(loss=[3.0, 2.0, 1.0], val_loss=[3.0, 1.0, 2.0]),
            nn.History(loss=[3.0, 2.0, 4.0], val_loss=[3.0, 1.0, 2.0]),
            nn.History(loss=[3.0, 2.0, 1.0], val_loss=[3.0, 1.0, 1.05]),
        )
    ]
    assert ["overfitting" in said for said in sentences] == [True, False, False]
    assert ["best in epoch 2" in said for said in sentences] == [True, True, False]


def test_a_digest_is_over_names_types_shapes_and_bytes(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm1d(3), nn.Linear(3, 1, rng=1))
    hashed = hashlib.sha256()
    for name, array in model.state_dict().items():
        hashed.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    assert facts.digest(model) == hashed.hexdigest()
    history, _ = trained(model, POINTS, SIDES[:, None])
    page = reported(tmp_path, model, history, POINTS, SIDES[:, None])
    assert page.after("Digest of the model") == facts.digest(model) != hashed.hexdigest()


@pytest.mark.parametrize("kind", ["Values", "Tensors"])
def test_two_models_have_one_digest_if_they_hold_the_same_numbers(kind: str) -> None:
    first, second = (moons_run(kind)[0] for _ in range(2))
    assert facts.digest(first) == facts.digest(second)
    parameter = second.parameters()[1]
    parameter.data = np.nextafter(parameter.data, 9.0)
    assert facts.digest(first) != facts.digest(second)


def test_seed_and_versions_are_told(digits: Any) -> None:
    _, page = digits
    assert page.after("Seed") == "1337"
    assert page.after("twingrad") == tg.__version__
    assert page.after("NumPy") == np.__version__
    assert page.after("Python").startswith("CPython 3.")


# What is shown of which run


def test_two_features_are_a_plane(plain: Any) -> None:
    _, page = plain
    assert [alt for alt in page.pictures if alt.startswith("Decision boundary")]
    assert not [alt for alt in page.pictures if "Confusion" in alt]


def test_images_are_shown_as_images_with_what_the_first_layer_looks_for(digits: Any) -> None:
    _, page = digits
    said = " ".join(page.pictures)
    for part in ("Confusion matrix", "misclassified, of 15", "Weights of Linear(64, 8)"):
        assert part in said
    assert "sure" in "".join("".join(drawing.itertext()) for drawing in page.drawings)
    assert len(page.html) < 1.5e6


@pytest.mark.parametrize("change", [lambda X: X - 0.5, lambda X: X[:, :36], lambda X: X[:, :63]])
def test_negative_numbers_and_few_and_no_square_ones_are_no_image(
    change: Callable[..., Any],
) -> None:
    X = change(np.random.default_rng(0).random((30, 64)))
    model = nn.Sequential(nn.Linear(X.shape[1], 3, rng=0))
    assert taken(model, nn.History(loss=[1.0]), X, np.arange(30) % 3).image is None


def test_what_is_no_image_is_told_as_numbers(tmp_path: Path) -> None:
    X, y = np.random.default_rng(0).normal(size=(30, 9)), np.arange(30) % 3
    model = nn.Sequential(nn.Linear(9, 3, rng=0))
    page = reported(tmp_path, model, nn.History(loss=[1.0]), X, y)
    assert "misclassified" not in " ".join(page.pictures)
    wrong = int(np.sum(nn.predict(model, X).argmax(axis=1) != y))
    assert f"{wrong} misclassified training samples" in page.said
    assert page.words.count("…") == 11


def test_images_that_are_not_square_are_told_by_their_shape(tmp_path: Path) -> None:
    X, y = np.random.default_rng(0).random((12, 6)), np.arange(12) % 2
    model = nn.Sequential(nn.Linear(6, 2, rng=0))
    history, _ = trained(model, X, y, nn.cross_entropy)
    page = reported(tmp_path, model, history, X, y, shape=(2, 3))
    assert "its 2×3 inputs" in " ".join(page.pictures)


def test_numbers_are_drawn_against_what_they_should_be_with_the_worst_in_a_table(
    tmp_path: Path,
) -> None:
    X = np.linspace(-1.0, 1.0, 30)[:, None]
    y = 2.0 * X + 1.0
    model = nn.Sequential(nn.Linear(1, 1, rng=0))
    history, _ = trained(model, X, y)
    page = reported(tmp_path, model, history, X, y)
    assert {"What the model has found", "Predicted against true (training)"} <= {*page.pictures}
    errors = np.abs(nn.predict(model, X) - y).ravel()
    at = page.words.index("off by") + 1
    worst = [int(page.words[i]) for i in range(at, at + 50, 5)]
    assert worst == np.argsort(-errors)[:10].tolist()
    off = [float(page.words[i + 4]) for i in range(at, at + 50, 5)]
    assert off == pytest.approx(np.sort(errors)[:-11:-1], rel=1e-3)
    root = page.words[page.words.index("root mean squared error") + 1]
    assert float(root) == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-3)


def test_the_worst_of_the_misclassified_come_first(tmp_path: Path) -> None:
    X, y = np.arange(-6.0, 6.0).reshape(-1, 1) @ np.ones((1, 3)), np.arange(12) % 2
    model = nn.Sequential(nn.Linear(3, 2, init="zeros", rng=0))
    model[0].weight.data = [[-1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
    page = reported(tmp_path, model, nn.History(loss=[1.0]), X, y, features=["a", "b", "c"])
    at = page.words.index("outputs, true and said") + 1
    assert page.words[at : at + 7] == ["1", "−5", "−5", "−5", "1", "0", "−5, 5"]
    assert "5 misclassified training samples" in page.said


@pytest.mark.parametrize(
    ("outputs", "loss", "targets", "cut"),
    [
        (1, nn.mse_loss, lambda s: s, 0.0),
        (1, nn.mse_loss, lambda s: (s + 1) / 2, 0.5),
        (1, nn.binary_cross_entropy_with_logits, lambda s: (s + 1) / 2, 0.0),
    ],
)
def test_a_single_output_is_cut_as_the_loss_and_the_labels_say(
    outputs: int, loss: Any, targets: Callable[..., Any], cut: float
) -> None:
    y = targets(SIDES)[:, None]
    model = nn.Sequential(nn.Linear(2, outputs, rng=0))
    run = taken(model, nn.History(loss=[1.0]), POINTS, y, loss=loss)
    assert (run.task, run.cut) == ("two labels", cut)
    assert run.seen.right == int(np.sum((nn.predict(model, POINTS) > cut) == (y == 1.0)))


def test_one_hot_rows_are_classes() -> None:
    X, labels = np.random.default_rng(0).normal(size=(20, 5)), np.arange(20) % 3
    model = nn.Sequential(nn.Linear(5, 3, rng=0), nn.Softmax())
    run = taken(model, nn.History(loss=[1.0]), X, np.eye(3)[labels])
    assert run.task == "classes"
    assert run.seen.truth.tolist() == labels.tolist()
    assert run.seen.right == int(np.sum(nn.predict(model, X).argmax(axis=1) == labels))


def test_a_monitor_shows_the_gradients(whole: Page, plain: Any) -> None:
    assert any("gradient" in alt for alt in whole.pictures)
    assert not any("gradient" in alt for alt in plain[1].pictures)


def test_the_layers_are_a_table_that_adds_up(plain: Any) -> None:
    _, page = plain
    at = next(i for i, words in enumerate(page.words) if words.startswith("Its layers"))
    rows = page.words[at:]
    assert rows[rows.index("in all") + 1] == "13"
    assert {"9", "4"} <= set(rows[: rows.index("in all")])


def linear(outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, outputs, rng=0))


def odd_models() -> dict[str, tuple[Any, Any, Any, Any]]:
    rng = np.random.default_rng(0)

    class Plain:
        def __init__(self) -> None:
            self.w = tg.Tensor(np.ones((2, 1)))

        def parameters(self) -> list[Any]:
            return [self.w]

        def __call__(self, x: Any) -> Any:
            return tg.Tensor(x) @ self.w

    conv = nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=0), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3, rng=0)
    )
    colour = nn.Sequential(nn.Conv2d(3, 2, 3, rng=0), nn.Flatten(), nn.Linear(72, 3, rng=0))
    return {
        "one sample": (nn.MLP(2, [1], rng=0), POINTS[:1], SIDES[:1], nn.mse_loss),
        "two Values": (nn.MLP(2, [2], rng=0), POINTS, np.arange(6) % 2, nn.cross_entropy),
        "images of Values": (
            nn.MLP(64, [2], rng=0), rng.random((6, 64)), np.arange(6) % 2, nn.cross_entropy,
        ),
        "no Module": (Plain(), POINTS, SIDES[:, None], nn.mse_loss),
        "convolution": (conv, rng.random((9, 1, 8, 8)), np.arange(9) % 3, nn.cross_entropy),
        "colour": (colour, rng.random((9, 3, 8, 8)), np.arange(9) % 3, nn.cross_entropy),
        "two numbers": (linear(2), POINTS, POINTS[::-1].copy(), nn.mse_loss),
        "dropout": (
            nn.Sequential(nn.Dropout(0.5, rng=0), *linear(1)), POINTS, SIDES[:, None], nn.mse_loss,
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", odd_models())
def test_any_model_is_reported(name: str, tmp_path: Path) -> None:
    model, X, y, loss = odd_models()[name]
    history, optimizer = trained(model, X, y, loss, epochs=1)
    page = reported(tmp_path, model, history, X, y, loss=loss, optimizer=optimizer)
    assert len(page.all("h2")) == 7
    assert page.pictures


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_run_that_diverged_is_reported_as_one(outputs: int, tmp_path: Path) -> None:
    y = SIDES[:, None] if outputs == 1 else (SIDES > 0).astype(int)
    loss = nn.mse_loss if outputs == 1 else nn.cross_entropy
    model = nn.Sequential(nn.Linear(2, outputs, rng=0))
    optimizer = nn.SGD(model.parameters(), lr=1e300)
    monitor = nn.Monitor(model, optimizer)
    with np.errstate(all="ignore"):
        history = nn.fit(
            model, POINTS, y, loss=loss, optimizer=optimizer, epochs=4, callbacks=[monitor],
            progress=False,
        )  # fmt: skip
        page = reported(
            tmp_path, model, history, POINTS, y, loss=loss, optimizer=optimizer, monitor=monitor
        )
    assert "Training diverged: the loss is nan" in page.said
    assert "0 of 6" in page.words
    assert page.pictures[0] == "Mean loss by epoch"


# What it leaves alone, and what it refuses


@pytest.mark.parametrize("kind", ["Values", "Tensors"])
def test_a_report_changes_nothing(kind: str, tmp_path: Path) -> None:
    model, history, optimizer, y = moons_run(kind)
    mine, _ = plt.subplots()
    matplotlib.rcParams["lines.linewidth"] = 5.0
    was = (
        dict(matplotlib.rcParams),
        facts.digest(model),
        json.dumps(history.rng["now"], default=str),
    )
    gradients = [np.array(parameter.grad) for parameter in model.parameters()]
    try:
        reported(tmp_path, model, history, POINTS, y, loss=nn.mse_loss, optimizer=optimizer)
        assert was == (
            dict(matplotlib.rcParams), facts.digest(model),
            json.dumps(history.rng["now"], default=str),
        )  # fmt: skip
        assert plt.get_fignums() == [mine.number]
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            assert np.array_equal(parameter.grad, gradient)
        assert model.training
        assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    finally:
        matplotlib.rcdefaults()
        plt.close("all")


def test_two_reports_of_one_run_differ_only_in_the_time_whatever_the_settings_of_matplotlib(
    tmp_path: Path,
) -> None:
    model, history, _, y = moons_run()
    with matplotlib.style.context("dark_background"):
        first = reported(tmp_path, model, history, POINTS, y).html
    second = reported(tmp_path, model, history, POINTS, y).html
    written = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
    assert re.sub(written, "", first) == re.sub(written, "", second)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"path": "a.pdf"}, ValueError, r"saved as \.html, but '.*a\.pdf' is not"),
        ({"path": "missing/a.html"}, FileNotFoundError, "no folder .*create it first"),
        ({"history": [1.0]}, TypeError, r"what nn\.fit returned, a History, not"),
        ({"history": nn.History()}, ValueError, "no epoch yet; train the model first"),
        ({"loss": "mse"}, TypeError, "loss is the function"),
        ({"monitor": 1}, TypeError, r"monitor is an nn\.Monitor, not 1"),
        ({"X": POINTS[:3]}, tg.ShapeError, "X and y need one entry for each sample"),
        ({"X": POINTS * np.nan}, ValueError, "NaN"),
        (
            {"y": np.arange(12.0).reshape(6, 2)},
            tg.ShapeError,
            r"gives 1 output a sample, .*\(6, 2\)",
        ),
        ({"names": ["a"]}, ValueError, "there are 2 classes, but 1 names came"),
        ({"features": ["a"]}, ValueError, "features names the 2 numbers of a sample"),
        ({"validation": 0.5}, ValueError, r"give the pair, validation=\(X_held, y_held\)"),
        ({"validation": (POINTS, SIDES, 1)}, ValueError, r"validation is a pair \(X, y\)"),
        ({"model": object()}, TypeError, r"a model has parameters\(\)"),
    ],
)
def test_what_cannot_be_reported_says_why_and_leaves_no_file(
    given: dict[str, Any], error: type[Exception], said: str, tmp_path: Path
) -> None:
    model = nn.MLP(2, [1], rng=0)
    asked = {"model": model, "history": nn.History(loss=[1.0]), "X": POINTS, "y": SIDES}
    asked |= {"path": "report.html"} | given
    with contextlib.chdir(tmp_path), pytest.raises(error, match=said):
        viz.report(**asked)
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_finished_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("the old one")
    model, history, _, y = moons_run()

    def fail(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        viz.report(model, history, POINTS, y, path=path)
    assert path.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("no_matplotlib")
def test_without_matplotlib_a_report_names_what_to_install(tmp_path: Path) -> None:
    model, history, _, y = moons_run()
    with pytest.raises(ImportError, match=r'matplotlib.*missing.*pip install "twingrad\[viz\]"'):
        reported(tmp_path, model, history, POINTS, y)
    assert list(tmp_path.iterdir()) == []
