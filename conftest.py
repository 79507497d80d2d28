"""Every example in a document or a docstring is a test, and no test needs a screen or luck.

Examples in docstrings start with `tg`, `np` and the names of their own module at hand. A Markdown
document is one program from its first `python` block to its last, with or without `>>>`, and
imports what it uses; `<!-- skip: next -->` above a block leaves that block out.
"""

import contextlib
import gc
import os
from collections.abc import Iterator
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from typing import Any

import hypothesis
import pytest
from sybil import Sybil
from sybil.integration.pytest import SybilItem
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser
from sybil.parsers.rest import SkipParser as DocstringSkipParser

# Here and not in a fixture: matplotlib reads it once, when it is first imported.
os.environ["MPLBACKEND"] = "Agg"

hypothesis.settings.register_profile(
    "twingrad",
    # A busy machine is slow, not wrong.
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    # A change is judged by its own merits, not by the examples drawn that day. Elsewhere every
    # run looks at new ones.
    derandomize=bool(os.environ.get("CI")),
    print_blob=True,
)
hypothesis.settings.load_profile("twingrad")


@pytest.fixture(scope="module")
def scratch_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take the examples of one document to a folder where they may write pages and pictures."""
    with contextlib.chdir(tmp_path_factory.mktemp("examples")):
        yield


def import_the_usual_names(namespace: dict[str, Any]) -> None:
    """Spare each docstring the two lines that every user of the package starts with."""
    exec("import numpy as np; import twingrad as tg", namespace)


# Programs of many seconds, which a demo runs, and tests/test_demos.py with it.
PAGES_OF_PICTURES = ("docs/gallery.md", "docs/diagnosis.md")

OPTIONS = ELLIPSIS | NORMALIZE_WHITESPACE

docstrings = Sybil(
    parsers=[DocTestParser(optionflags=OPTIONS), DocstringSkipParser()],
    path="twingrad",
    pattern="*.py",
    setup=import_the_usual_names,
    fixtures=["scratch_folder"],
)

documents = Sybil(
    parsers=[PythonCodeBlockParser(doctest_optionflags=OPTIONS), SkipParser()],
    pattern="*.md",
    excludes=PAGES_OF_PICTURES,
    fixtures=["scratch_folder"],
)

pytest_collect_file = (docstrings + documents).pytest()


def pytest_collection_finish() -> None:
    """Spare the garbage collector eleven thousand tests and what they import: they stay anyway."""
    gc.collect()
    gc.freeze()


shorten_traceback = SybilItem._traceback_filter


def shorten_traceback_if_it_can_be(item: SybilItem, error: pytest.ExceptionInfo) -> Any:
    """Report an error from outside an example's code, such as a file never closed, like any other.

    Sybil 10 looks for the example's own frame, finds none and takes the whole run down with it.
    """
    try:
        return shorten_traceback(item, error)
    except IndexError:
        return error.traceback[-1:]


SybilItem._traceback_filter = shorten_traceback_if_it_can_be
