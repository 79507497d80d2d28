"""A browser for the tests of pages, and a watch that no page asks for anything.

Under CI they fail where there is no browser; elsewhere they are skipped.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
Opened = Callable[..., AbstractContextManager[Any]]


def absent(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"the tests in a browser must run under CI, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        absent("playwright is not installed")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        except Error as error:
            absent(f"no browser starts: {error}")
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def opened(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """`with opened(html) as page`: in a fresh context, offline, watched until it is closed."""
    folder = tmp_path_factory.mktemp("pages")

    @contextmanager
    def open_page(html: str, **options: Any) -> Iterator[Any]:
        file: Path = folder / "page.html"
        file.write_text(html, encoding="utf-8")
        options = {"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 800}} | options
        context = browser.new_context(offline=True, **options)
        page = context.new_page()
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(file.as_uri())
        try:
            yield page
            assert asked == [file.as_uri()], "the page asks for something besides itself"
            assert said == [], "the page complains"
        finally:
            context.close()

    return open_page
