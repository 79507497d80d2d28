"""The classic case keeps what it tells: twenty sigmoid layers fail, and three ways cure them."""

import re
from math import log
from pathlib import Path

import pytest

from demos import pages, vanishing
from demos.vanishing import BOUND, DEPTH, WAYS, train

pytestmark = pytest.mark.slow
WIDTH = 64


def test_twenty_sigmoid_layers_do_not_learn_and_the_doctor_says_why() -> None:
    ill = train("sigmoid, Xavier", WIDTH)
    assert ill.accuracy < 0.15
    assert all(abs(loss - log(10)) < 0.1 for loss in ill.history.loss)
    assert ill.first / ill.last < 100 * BOUND
    assert BOUND == pytest.approx(9.1e-13, rel=0.01)
    finding = next(f for f in ill.diagnosis if f.kind == "vanishing_gradients")
    assert finding.severity == "error"
    assert ill.diagnosis[0] is finding
    assert f"0.25^{DEPTH} = 9.09e-13" in finding.evidence


@pytest.mark.parametrize("way", list(WAYS)[1:])
def test_the_same_depth_learns_when_it_is_cured(way: str) -> None:
    cured = train(way, WIDTH)
    assert cured.accuracy > 0.5
    assert 0.1 < cured.first / cured.last < 10.0
    assert not cured.diagnosis.errors


def test_the_demo_prints_its_table_and_draws_its_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vanishing.run(0, tmp_path, width=32, epochs=2)
    said = capsys.readouterr().out
    for way in WAYS:
        assert re.search(rf"^{re.escape(way)} .*%$", said, re.MULTILINE)
    assert "ERROR: vanishing_gradients" in said
    assert (tmp_path / "vanishing.png").stat().st_size > 10_000


def test_the_page_of_the_doctor_prints_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    page = (pages.DOCS / "diagnosis.md").read_text()
    again = pages.run(page, tmp_path, "diagnosis")

    def heads(text: str) -> list[str]:
        """What is said, without numbers, which another machine's last bits may change."""
        return re.findall(r"^(?:\d\. )?(?:ERROR|WARNING|NOTE): \w+|nothing found$", text, re.M)

    assert heads(again) == heads(page)
    shown = set(re.findall(r"\]\(images/([^)]*)\)", page))
    assert shown == {path.name for path in (tmp_path / "images").iterdir()}
