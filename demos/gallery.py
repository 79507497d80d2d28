"""The gallery: every picture that twingrad makes, by the programs that stand beside them.

docs/gallery.md is one program, from its first block to its last. This runs it, puts its pictures
into docs/images and what it printed into the page, and photographs the pages that it wrote.
"""

import contextlib
import io
import re
import shutil
import tempfile
from pathlib import Path

from twingrad.nn.optional import optional

PAGE = Path(__file__).parent.parent / "docs" / "gallery.md"
BLOCK = re.compile(r"```python\n(.*?)```\n(?:(\n```text\n).*?```\n)?", re.DOTALL)
BROWSERS = ("chromium", "google-chrome", "chromium-browser")

PHOTOGRAPHS = (
    # page, picture, width, height, how often the right arrow key was pressed
    ("stepper.html", "gallery_stepper.png", 1280, 800, 9),
    ("folded.html", "gallery_stepper_folded.png", 1280, 800, 14),
    ("report.html", "gallery_report.png", 1000, 1300, 0),
)


def run(page: str, folder: Path) -> str:
    """Run the programs of a page in a folder; returns the page with what they print now."""
    names: dict[str, object] = {"__name__": "gallery"}

    def ran(found: re.Match[str]) -> str:
        said = io.StringIO()
        with contextlib.chdir(folder), contextlib.redirect_stdout(said):
            exec(compile(found[1], PAGE.name, "exec"), names)
        print(".", end="", flush=True)
        if not found[2]:
            return found[0]
        return f"```python\n{found[1]}```\n{found[2]}{said.getvalue().rstrip()}\n```\n"

    return BLOCK.sub(ran, page)


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


def main() -> None:
    """Run the page, and write it and its pictures again."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = folder / "images"
        images.mkdir()
        page = run(PAGE.read_text(), folder)
        photograph(folder, images)
        for picture in sorted(images.iterdir()):
            shutil.copy(picture, PAGE.parent / "images")
            print(f"\n  wrote docs/images/{picture.name}", end="")
        PAGE.write_text(page)
        print("\n  wrote docs/gallery.md")


if __name__ == "__main__":
    main()
