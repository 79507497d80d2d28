"""Pages that are programs: the blocks of a document are run, and it says what they printed.

A page is one program from its first block to its last; pictures that it writes into `images` are
put into docs/images. No page can promise what its code no longer does.
"""

import contextlib
import io
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
BLOCK = re.compile(r"```python\n(.*?)```\n(?:(\n```text\n).*?```\n)?", re.DOTALL)


def run(page: str, folder: Path, name: str = "page") -> str:
    """Run the programs of a page in a folder; returns the page with what they print now."""
    names: dict[str, object] = {"__name__": name}

    def ran(found: re.Match[str]) -> str:
        said = io.StringIO()
        with contextlib.chdir(folder), contextlib.redirect_stdout(said):
            exec(compile(found[1], f"{name}.md", "exec"), names)
        print(".", end="", flush=True)
        if not found[2]:
            return found[0]
        return f"```python\n{found[1]}```\n{found[2]}{said.getvalue().rstrip()}\n```\n"

    return BLOCK.sub(ran, page)


def write(name: str, afterwards: Callable[[Path, Path], None] | None = None) -> None:
    """Run docs/{name}.md, and write it and its pictures again.

    `afterwards` is called with the folder in which it ran and the one of its pictures.
    """
    document = DOCS / f"{name}.md"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        images = folder / "images"
        images.mkdir()
        page = run(document.read_text(), folder, name)
        if afterwards is not None:
            afterwards(folder, images)
        for picture in sorted(images.iterdir()):
            shutil.copy(picture, DOCS / "images")
            print(f"\n  wrote docs/images/{picture.name}", end="")
        document.write_text(page)
        print(f"\n  wrote docs/{name}.md")
