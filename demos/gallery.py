"""The gallery: every picture that twingrad makes, by the programs that stand beside them.

docs/gallery.md is one program, from its first block to its last. This runs it, puts its pictures
into docs/images and what it printed into the page, and photographs the pages that it wrote.
"""

import shutil
from pathlib import Path

from demos.pages import DOCS, write
from twingrad.nn.optional import optional

PAGE = DOCS / "gallery.md"
BROWSERS = ("chromium", "google-chrome", "chromium-browser")

PHOTOGRAPHS = (
    # page, picture, width, height, how often the right arrow key was pressed
    ("stepper.html", "gallery_stepper.png", 1280, 800, 9),
    ("folded.html", "gallery_stepper_folded.png", 1280, 800, 14),
    ("report.html", "gallery_report.png", 1000, 1300, 0),
)


def photograph(folder: Path, images: Path) -> None:
    """Take pictures of the pages that were written, as a browser shows them."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    with optional("playwright.sync_api", extra="browser").sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for page, picture, width, height, steps in PHOTOGRAPHS:
            view = chromium.new_page(viewport={"width": width, "height": height})
            view.goto((folder / page).as_uri())
            for _ in range(steps):
                view.keyboard.press("ArrowRight")
            view.wait_for_timeout(400)
            view.screenshot(path=images / picture)
        chromium.close()


if __name__ == "__main__":
    write(PAGE.stem, photograph)
