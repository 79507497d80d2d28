"""The report in a real browser: its pictures are seen, it fits, and it may do nothing else.

That the page asks for nothing and complains of nothing is watched by the fixture that opens it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twingrad import nn, viz

Opened = Callable[..., Any]


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report with every kind of picture that belongs to images."""
    rng = np.random.default_rng(0)
    X, y = rng.random((60, 64)), rng.integers(3, size=60)
    model = nn.Sequential(nn.Linear(64, 8, rng=0), nn.ReLU(), nn.Linear(8, 3, rng=1))
    optimizer = nn.Adam(model.parameters(), lr=1e-2)
    monitor = nn.Monitor(model, optimizer)
    history = nn.fit(
        model, X, y, loss=nn.cross_entropy, optimizer=optimizer, epochs=3, progress=False, rng=0,
        validation=0.25, metrics="accuracy", callbacks=[monitor],
    )  # fmt: skip
    path: Path = viz.report(
        model, history, X, y, loss=nn.cross_entropy, optimizer=optimizer, monitor=monitor,
        names=["<b>", "größe", "日本"], title="A <i>run</i>", author="x" * 200, notes='"$1" & "$2"',
        path=tmp_path_factory.mktemp("report") / "report.html",
    )  # fmt: skip
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [320, 400, 820, 1280])
def test_nothing_is_wider_than_the_window(width: int, html: str, opened: Opened) -> None:
    with opened(html, viewport={"width": width, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        sizes = page.evaluate("[...document.images].map(i => [i.naturalWidth, i.clientWidth])")
        assert len(sizes) == 7
        for natural, shown in sizes:
            assert natural > 100
            assert shown > min(250, width - 80)


def luminance(color: str) -> float:
    """The relative luminance of "rgb(r, g, b)" (WCAG 2.2)."""
    channels = [int(part) / 255 for part in color.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("media", "scheme", "dark"),
    [("screen", "light", False), ("screen", "dark", True), ("print", "dark", False)],
)
def test_letters_stand_out_on_screen_and_paper_by_day_and_night(
    media: str, scheme: str, dark: bool, html: str, opened: Opened
) -> None:
    with opened(html) as page:
        page.emulate_media(media=media, color_scheme=scheme)
        ground = luminance(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert (ground < 0.1) == dark
        colors = page.evaluate(
            "[...document.querySelectorAll('h1, h2, p, dt, dd, th, td, figcaption, caption, a')]"
            ".map(e => getComputedStyle(e).color)"
        )
        for color in set(colors):
            bright, faint = sorted([luminance(color), ground], reverse=True)
            assert (bright + 0.05) / (faint + 0.05) >= 4.5
        card = page.evaluate("getComputedStyle(document.querySelector('.picture')).backgroundColor")
        assert card == "rgb(255, 255, 255)"  # for the pictures' ink is black


def test_what_a_user_wrote_is_read_as_it_was_written(html: str, opened: Opened) -> None:
    with opened(html) as page:
        assert page.title() == "A <i>run</i>"
        assert page.locator("h1").inner_text() == "A <i>run</i>"
        assert page.get_by_text('"$1" & "$2"', exact=True).count() == 1


def test_a_script_or_a_style_that_gets_into_the_page_is_ignored(html: str, browser: Any) -> None:
    worse = html.replace(
        "</main>", "<script>document.title = 'taken'</script><p style='color:red'>"
    )
    page = browser.new_page()  # not watched, for the browser complains of both
    try:
        page.set_content(worse)
        assert page.title() == "A <i>run</i>"
        last = "getComputedStyle([...document.querySelectorAll('p')].at(-1)).color"
        assert page.evaluate(last) != "rgb(255, 0, 0)"
    finally:
        page.close()


def test_links_lead_to_their_sections_and_wide_tables_take_the_keyboard(
    html: str, opened: Opened
) -> None:
    with opened(html, viewport={"width": 400, "height": 700}) as page:
        for link in page.locator("nav a").all():
            link.click()
            key = link.get_attribute("href").removeprefix("#")
            assert page.locator(f"#{key}").bounding_box()["y"] < 700
        table = page.get_by_role("region", name="While it trained")
        table.focus()
        assert page.evaluate("document.activeElement.getAttribute('role')") == "region"
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)  # scrolling is smooth, and the policy forbids to wait for it
        assert page.evaluate("document.activeElement.scrollLeft") > 0


def test_a_reader_of_the_screen_is_told_of_every_picture(html: str, opened: Opened) -> None:
    with opened(html) as page:
        assert page.get_by_role("img").count() == 7
        assert page.get_by_role("img", name="Confusion matrix").count() == 1
        assert page.get_by_role("heading", level=2).count() == 8
        assert page.get_by_role("navigation", name="Contents").count() == 1
        assert page.get_by_role("main").count() == 1
