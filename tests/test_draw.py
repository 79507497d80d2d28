"""What a drawing says, in every backend, and what `draw` says when it cannot draw.

The builtin SVG is read back with xml.etree; what Graphviz makes of the DOT is read from its own
SVG, and the two must say the same.
"""

import colorsys
import html
import os
import shutil
import stat
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import twingrad as tg
from twingrad import Tensor, Value, nn
from twingrad.engine.sweep import topological_order
from twingrad.viz import style
from twingrad.viz.drawing import graph
from twingrad.viz.drawing.graph import Drawing, draw, svg_in_notebook
from twingrad.viz.drawing.rendering import GraphvizError

SVG = "{http://www.w3.org/2000/svg}"
BACKENDS = [
    "builtin",
    pytest.param(
        "dot", marks=pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is absent")
    ),
]
NOT_COMPUTED = ["Gradients not computed yet:", "call backward(), then draw again."]


def expression() -> Value:
    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(10.0, label="c")
    result: Value = (a * b + c) ** 2
    result.label = "L"
    return result


def neuron() -> Value:
    """The lecture's neuron, whose gradients are 1.0, -1.5, 0.0, 0.5 and 0.5."""
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    output: Value = (x1 * w1 + x2 * w2 + b).tanh()
    output.label = "o"
    return output


def words(svg: str) -> list[str]:
    """The lines of text that a reader sees, in no particular order."""
    texts = ("".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text"))
    return sorted(line for text in texts if (line := spaced(text)).strip())


def spaced(text: str) -> str:
    """With plain spaces where the drawing has those that do not break."""
    return text.replace("\xa0", " ")


def numbers(drawing: Drawing, label: str) -> list[str]:
    """The lines of the box with this label, in the builtin SVG."""
    for group in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}g"):
        lines = [spaced(text.text or "") for text in group.findall(f"{SVG}text")]
        if label in lines:
            return lines
    raise LookupError(label)


@pytest.fixture
def no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the program dot and without pygraphviz."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


# --- What a drawing says --------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_drawing_shows_labels_operations_data_and_gradients(backend: str) -> None:
    loss = expression()
    loss.backward()
    # By hand: L = (2·(-3) + 10)² = 16, dL/da = 2·4·(-3) = -24, dL/db = 2·4·2 = 16, dL/dc = 8.
    data = ["2.0000", "-3.0000", "10.0000", "-6.0000", "4.0000", "2.0000", "16.0000"]
    grad = ["-24.0000", "16.0000", "8.0000", "8.0000", "8.0000", "1.0000"]
    seen = Counter(words(draw(loss, backend=backend).svg()))
    keys = ["data"] * 7 + ["grad"] * 6
    assert seen == Counter(["a", "b", "c", "L", "constant", "*", "+", "**", *keys, *data, *grad])


def test_the_neuron_of_the_lecture() -> None:
    output = neuron()
    output.backward()
    drawing = draw(output, backend="builtin")
    assert numbers(drawing, "w1") == ["w1", "data", "-3.0000", "grad", "1.0000"]
    assert numbers(drawing, "x1") == ["x1", "data", "2.0000", "grad", "-1.5000"]
    assert numbers(drawing, "w2") == ["w2", "data", "1.0000", "grad", "0.0000"]
    assert numbers(drawing, "o") == ["o", "data", "0.7071", "grad", "1.0000"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_before_backward_it_says_so_and_shows_no_zeros(backend: str) -> None:
    seen = words(draw(neuron(), backend=backend).svg())
    assert seen.count("–") == 10
    assert "0.0000" in seen  # the data of x2, and of x2*w2
    assert seen.count("0.0000") == 2
    assert set(NOT_COMPUTED) <= set(seen)


def test_after_backward_a_gradient_of_zero_is_shown_and_nothing_said() -> None:
    output = neuron()
    output.backward()
    seen = words(draw(output, backend="builtin").svg())
    assert "–" not in seen
    assert not set(NOT_COMPUTED) & set(seen)


def test_zero_grad_takes_the_gradients_out_of_the_next_drawing() -> None:
    output = neuron()
    output.backward()
    drawing = draw(output, backend="builtin")
    tg.zero_grad(output)
    assert numbers(drawing, "x1")[-1] == "-1.5000"
    assert numbers(draw(output, backend="builtin"), "x1")[-1] == "–"


def test_gradients_left_from_another_pass_are_told_apart() -> None:
    w = Value(2.0, label="w")
    (w * 3.0).backward()
    drawing = draw((w * 4.0), backend="builtin")
    assert numbers(drawing, "w")[-1] == "3.0000"
    assert "The root has no gradient: those shown" in words(drawing.svg())


def test_tensors_without_gradients_are_not_drawn_with_zeros() -> None:
    x = Tensor([1.0, 2.0], label="x")
    loss = (x * x).sum()
    drawing = draw(loss, backend="builtin")
    assert numbers(drawing, "x") == ["x", "(2,) float64", "data", "1.0000 2.0000", "grad", "–"]
    loss.backward()
    assert numbers(draw(loss, backend="builtin"), "x")[-1] == "2.0000 4.0000"


def test_a_large_tensor_is_told_by_its_statistics() -> None:
    x = Tensor(np.arange(32, dtype=np.float32).reshape(8, 4), label="x")
    lines = numbers(draw(x.sum(), backend="builtin"), "x")
    # By hand: the mean is 15.5, the variance (32² - 1) / 12 = 85.25.
    assert lines[:6] == [
        *("x", "(8, 4) float32", "data", "0.0000 … 31.0000", "mean 15.5000", "std 9.2331"),
    ]


def test_a_small_matrix_is_shown_row_by_row_in_columns() -> None:
    x = Tensor([[1.0, -20.0], [300.0, 4.0]], label="x")
    lines = numbers(draw(x.sum(), backend="builtin"), "x")
    assert lines[3:5] == ["  1.0000 -20.0000", "300.0000   4.0000"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_nan_and_infinity_are_shown_as_such(backend: str) -> None:
    nan, inf = Value(np.nan, label="u"), Value(-np.inf, label="v")
    result = nan + inf
    result.backward()
    seen = words(draw(result, backend=backend).svg())
    assert (seen.count("nan"), seen.count("-inf")) == (2, 1)
    array = np.ones(100)
    array[:3], array[3] = np.nan, np.inf
    seen = words(draw(Tensor(array).sum(), backend=backend).svg())
    assert {"3 nan", "1 inf", "all 1.0000"} <= set(seen)


def test_overflow_in_a_statistic_is_no_warning() -> None:
    seen = words(draw(Tensor([*[1e308] * 19, 1.5e308]).sum(), backend="builtin").svg())
    assert "mean inf" in seen
    assert "empty" in words(draw(Tensor(np.zeros((0, 3))).sum(), backend="builtin").svg())


def test_small_numbers_are_not_rounded_to_zero() -> None:
    drawing = draw(Value(1.25e-7, label="x") * -123456789.0, backend="builtin")
    assert numbers(drawing, "x")[2] == "1.250e-07"
    assert "-1.235e+08" in words(drawing.svg())


def test_gradients_that_are_graphs_are_drawn_by_their_numbers() -> None:
    x = Value(3.0, label="x")
    (x * x).backward(create_graph=True)
    y = x * x
    y.backward(create_graph=True)
    assert numbers(draw(y, backend="builtin"), "x")[-1] == "12.0000"
    t = Tensor([3.0], label="t")
    z = (t * t).sum()
    z.backward(create_graph=True)
    assert numbers(draw(z, backend="builtin"), "t")[-1] == "6.0000"


def test_a_constant_is_dashed_and_has_no_gradient() -> None:
    frozen = Value(5.0, label="frozen")
    frozen.constant = True
    result = Value(2.0, label="x") * frozen * Value(7.0, label="d").detach()
    result.backward()
    drawing = draw(result, backend="builtin")
    assert numbers(drawing, "frozen") == ["frozen", "constant", "data", "5.0000"]
    dashed = [
        group.findtext(f"{SVG}title", "")
        for group in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}g")
        if any("stroke-dasharray" in rect.attrib for rect in group.findall(f"{SVG}rect"))
    ]
    assert sorted(dashed) == ["constant, data 7.0", "frozen: constant, data 5.0"]
    assert drawing.source.count('STYLE="DASHED"') == 2


def test_leaves_results_root_and_constants_differ_by_more_than_colour() -> None:
    drawing = draw(expression(), backend="builtin")
    looks = {}
    for group in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}g"):
        border = [rect.attrib for rect in group.findall(f"{SVG}rect")][-1:]
        if border and border[0]["fill"] == "none":
            name = group.findtext(f"{SVG}title", "").split(",")[0]
            looks[name] = (border[0]["stroke-width"], border[0].get("stroke-dasharray"))
    assert len(set(looks.values())) == 4


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_operand_used_twice_has_two_edges(backend: str) -> None:
    a = Value(3.0, label="a")
    svg = ElementTree.fromstring(draw(a * a, backend=backend).svg())
    paths = [path.get("d", "") for path in svg.iter(f"{SVG}path") if path.get("fill") == "none"]
    assert len(paths) == len(set(paths)) == 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_node_is_a_graph(backend: str) -> None:
    assert words(draw(Value(2.0, label="a"), backend=backend).svg()) == sorted(
        ["a", "data", "2.0000", "grad", "–", *NOT_COMPUTED]
    )
    assert words(draw(Value(2.0), show=(), backend=backend).svg()) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_only_the_rows_asked_for_are_shown(backend: str) -> None:
    seen = words(draw(Value(2.0, label="a"), show=("data",), backend=backend).svg())
    assert seen == ["2.0000", "a", "data"]
    assert words(draw(Value(2.0), show="data", backend=backend).svg()) == ["2.0000", "data"]


def test_color_tints_the_largest_gradient_most_and_a_zero_not_at_all() -> None:
    output = neuron()
    output.backward()

    def tints(drawing: Drawing) -> dict[str, str]:
        found = {}
        for group in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}g"):
            for rect in group.findall(f"{SVG}rect"):
                if "y" in rect.attrib:
                    found[group.findtext(f"{SVG}title", "").split(":")[0]] = rect.attrib["fill"]
        return found

    tinted = tints(draw(output, backend="builtin"))
    darkness = {name: sum(bytes.fromhex(tint[1:])) for name, tint in tinted.items()}
    assert min(darkness, key=darkness.__getitem__) == "x1"
    assert "w2" not in tinted
    assert tints(draw(output, color=None, backend="builtin")) == {}
    assert "b" in tints(draw(output, color="data", backend="builtin"))


# --- Any label, in any backend --------------------------------------------------------------------

LABELS = [
    '<b>x</b> & "q" $ | {y}',
    "back\\slash \\n \\l \\\\N \\E\\G\\H\\L\\T",
    "ends in \\",
    "<>",
    "&lt; &amp; &#160;",
    "]]> --> <!--",
    "it's  two  spaces",
    "Größe θ → 漢字",
    "a;b,c=d->e",
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("label", LABELS)
def test_a_label_comes_out_as_it_went_in(label: str, backend: str) -> None:
    drawing = draw(Value(1.0, label=label), show=(), backend=backend)
    assert words(drawing.svg()) == [label]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_label_of_two_lines_has_two_lines(backend: str) -> None:
    drawing = draw(Value(1.0, label="first\nsecond"), show=(), backend=backend)
    assert words(drawing.svg()) == ["first", "second"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_xml_forbids_is_shown_by_a_sign(backend: str) -> None:
    drawing = draw(Value(1.0, label="\0bell\a\x1b\ud800\uffff"), show=(), backend=backend)
    assert words(drawing.svg()) == ["␀bell␇␛��"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_long_label_is_cut_and_whole_in_its_tooltip(backend: str) -> None:
    label = "layer " * 20
    svg = draw(Value(1.0, label=label), show=(), backend=backend).svg()
    assert all(len(word) <= 32 and word.endswith("…") for word in words(svg))
    assert f"{label.strip()}: Value, data 1.0" in html.unescape(svg)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_operation_of_ones_own_is_shown_by_its_name(backend: str) -> None:
    result = tg.apply(lambda x: (x, lambda grad: (grad,)), Value(1.0))
    assert "<lambda>" in words(draw(result, backend=backend).svg())


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is absent")
def test_graphviz_and_our_own_layout_say_the_same() -> None:
    x = Tensor(np.linspace(-1, 1, 12).reshape(3, 4), label="x <1>")
    w = Tensor(np.eye(4)[:, :2], label="w|{}")
    loss = ((x @ w).tanh() ** 2).mean()
    for _ in range(2):
        assert words(draw(loss, backend="dot").svg()) == words(draw(loss, backend="builtin").svg())
        loss.backward()


# --- The picture as a file ------------------------------------------------------------------------


def test_text_fits_its_box_in_a_real_font() -> None:
    matplotlib = pytest.importorskip("matplotlib.textpath")
    fonts = pytest.importorskip("matplotlib.font_manager")
    loss = expression()
    loss.backward()
    x = Tensor(np.full((4, 4), -123.25), label="Größe θ, the long name of it")
    svgs = [draw(root, backend="builtin").svg() for root in (loss, x.sum())]
    checked = 0
    for group in (g for svg in svgs for g in ElementTree.fromstring(svg).iter(f"{SVG}g")):
        widths = [float(rect.get("width", 0)) for rect in group.findall(f"{SVG}rect")]
        taken: dict[str, float] = {}
        for text in group.findall(f"{SVG}text"):
            font = fonts.FontProperties(
                family="DejaVu Sans Mono", weight=text.get("font-weight", "normal")
            )
            font.set_size(float(text.get("font-size", 10)))
            width, *_ = matplotlib.TextToPath().get_text_width_height_descent(
                (text.text or "").replace("$", r"\$"), font, False
            )
            # A key and its number share a line.
            taken[text.get("y", "")] = taken.get(text.get("y", ""), 0.0) + width
            checked += 1
        assert all(width < widths[0] for width in taken.values())
    assert checked > 30


def test_the_svg_is_accessible_and_needs_nothing_beside_it() -> None:
    svg = draw(expression(), backend="builtin").svg()
    root = ElementTree.fromstring(svg)
    says = "A computation graph of 7 values and 3 operations, ending in L = 16.0000."
    assert root.get("role") == "img"
    assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert (root[1].text or "").startswith(says)
    assert (root.get("aria-label") or "").startswith(says)
    for outside in ("<script", "href", "url(", "@import", " id=", "<style"):
        assert outside not in svg


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_svg_has_a_ground_of_its_own_and_points_for_its_unit(backend: str) -> None:
    root = ElementTree.fromstring(draw(expression(), backend=backend).svg())
    assert (root.get("width") or "").endswith("pt")
    grounds = [*root.iter(f"{SVG}rect"), *root.iter(f"{SVG}polygon")]
    assert grounds[0].get("fill") in ("#ffffff", "white")


def test_the_same_graph_gives_the_same_bytes() -> None:
    first, second = draw(neuron(), backend="builtin"), draw(neuron(), backend="builtin")
    assert first.svg() == second.svg()
    assert first.source == second.source


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_rankdir_sets_the_longer_side(rankdir: str, backend: str) -> None:
    svg = ElementTree.fromstring(draw(neuron(), rankdir=rankdir, backend=backend).svg())
    width, height = (
        float((svg.get(side) or "").removesuffix("pt")) for side in ("width", "height")
    )
    assert (width > height) == (rankdir == "LR")


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".dot", ".SVG"])
@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is absent")
def test_save_writes_what_the_suffix_says(suffix: str, tmp_path: Path) -> None:
    path = draw(expression()).save(tmp_path / f"graph{suffix}")
    starts = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF", ".dot": b"digraph"}
    assert path.read_bytes().startswith(starts[suffix.lower()])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_saved_file_can_be_read_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    path = draw(expression(), backend="builtin").save(tmp_path / "graph.svg")
    modes = {stat.S_IMODE(file.stat().st_mode) for file in (path, tmp_path / "other")}
    assert len(modes) == 1


def test_a_save_that_fails_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "graph.svg"
    path.write_text("old")

    def full(self: Path, target: Path) -> Path:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        draw(expression(), backend="builtin").save(path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_save_refuses_a_suffix_it_does_not_know(tmp_path: Path) -> None:
    drawing = draw(expression())
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.dot.*ends in '\.jpg'"):
        drawing.save(tmp_path / "graph.jpg")
    with pytest.raises(ValueError, match="ends in ''"):
        drawing.save("")


def test_save_names_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere.*create it first"):
        draw(expression()).save(tmp_path / "nowhere" / "graph.svg")


# --- Without Graphviz -----------------------------------------------------------------------------


@pytest.mark.usefixtures("no_graphviz")
def test_without_graphviz_the_svg_is_our_own(tmp_path: Path) -> None:
    drawing = draw(neuron())
    assert drawing.svg() == draw(neuron(), backend="builtin").svg()
    assert drawing.save(tmp_path / "graph.svg").read_text() == drawing.svg()
    assert drawing._repr_svg_() == drawing.svg()


@pytest.mark.usefixtures("no_graphviz")
@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_png_and_pdf_without_graphviz_name_both_installs(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(GraphvizError) as error:
        draw(neuron()).save(tmp_path / f"graph{suffix}")
    for name in (suffix[1:].upper(), "graphviz.org/download", "pip install pygraphviz", "[viz]"):
        assert name in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_graphviz")
@pytest.mark.parametrize("backend", ["dot", "pygraphviz"])
def test_a_backend_that_was_named_is_not_replaced(backend: str) -> None:
    with pytest.raises(GraphvizError, match=f"backend='{backend}' needs Graphviz"):
        draw(neuron(), backend=backend).svg()


def test_the_builtin_backend_writes_no_png(tmp_path: Path) -> None:
    with pytest.raises(GraphvizError, match="the builtin backend draws SVG only"):
        draw(neuron(), backend="builtin").save(tmp_path / "graph.png")


def test_without_the_graphviz_package_the_source_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", None)
    drawing = draw(neuron())
    with pytest.raises(ImportError, match=r'pip install "twingrad\[viz\]"'):
        _ = drawing.source
    assert drawing.svg() == draw(neuron(), backend="builtin").svg()


def a_pygraphviz(folder: Path, monkeypatch: pytest.MonkeyPatch, draw: str) -> None:
    """A package of that name, in whose stead a real one would be; no program dot."""
    (folder / "pygraphviz.py").write_text(
        "import os\nclass AGraph:\n    def __init__(self, string): self.string = string\n"
        f"    def draw(self, format, prog): {draw}\n"
    )
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("PATH", "")


def test_without_dot_pygraphviz_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_pygraphviz(tmp_path, monkeypatch, "return f'{prog} {format} {self.string}'.encode()")
    drawing = draw(Value(1.0, label="θ"))
    path = drawing.save(tmp_path / "graph.png")
    assert path.read_bytes().decode() == f"dot png {drawing.source}"


def test_a_pygraphviz_that_crashes_takes_nothing_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_pygraphviz(tmp_path, monkeypatch, "os.abort()")
    drawing = draw(neuron())
    assert drawing.svg() == draw(neuron(), backend="builtin").svg()
    with pytest.raises(GraphvizError, match="installed but could not draw this graph as PNG"):
        drawing.save(tmp_path / "graph.png")


def test_a_leaf_that_hundreds_of_operations_share_is_not_left_to_graphviz() -> None:
    x = y = Value(0.5, label="x")
    for _ in range(250):
        y = y * x
    drawn = draw(y, group=None).svg()
    assert drawn == draw(y, group=None, backend="builtin").svg()


# --- In a notebook, and out of bounds -------------------------------------------------------------


def test_a_notebook_is_given_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = draw(expression())
    assert (drawing._repr_svg_() or "").startswith("<svg")

    def broken(*arguments: object) -> bytes:
        raise RuntimeError("broken")

    monkeypatch.setattr(graph, "render", broken)
    assert draw(expression())._repr_svg_() is None
    assert svg_in_notebook(expression()) is None


def test_a_notebook_is_given_no_picture_too_large_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "MAX_BOXES_IN_NOTEBOOK", 6)
    drawing = draw(expression(), backend="builtin")
    assert drawing._repr_svg_() is None
    assert repr(drawing) == "<Drawing of 7 nodes; save it with .save('graph.svg')>"
    monkeypatch.setattr(graph, "MAX_NODES_UNASKED", 6)
    assert svg_in_notebook(expression()) is None


def test_a_chain_of_five_hundred_nodes_is_drawn() -> None:
    node = Value(0.5, label="x")
    for _ in range(499):
        node = node.tanh()
    node.backward()
    seen = words(draw(node, group=None, backend="builtin").svg())
    assert (seen.count("tanh"), seen.count("grad")) == (499, 500)


def test_more_nodes_than_max_nodes_are_counted_and_refused() -> None:
    node = Value(0.5)
    for _ in range(20_000):
        node = -node
    with pytest.raises(ValueError, match=r"20,001 nodes, more than max_nodes=500.*=20001\)"):
        draw(node, group=None)
    assert len(words(draw(expression(), max_nodes=7).svg())) > 7
    with pytest.raises(ValueError, match="7 nodes"):
        draw(expression(), max_nodes=6)


def test_what_is_told_not_to_fold_is_refused_before_it_is_outlined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graph, "outline", None)  # seconds, of a large graph
    with pytest.raises(ValueError, match="this graph has 7 nodes, more than max_nodes=6"):
        draw(expression(), group=None, max_nodes=6)


def test_the_caption_of_what_is_folded_speaks_of_what_is_in_the_picture() -> None:
    neuron = nn.Neuron(2, rng=0)
    loss = sum((neuron([x, 1.0]) for x in range(12)), Value(0.0))
    told = " ".join(words(draw(loss, max_nodes=20).svg())).replace("\xa0", " ")
    assert "×12 is 12 in the same place." in told
    chain = Value(0.5)
    for _ in range(120):
        chain = -chain
    told = " ".join(words(draw(chain).svg())).replace("\xa0", " ")
    assert "folded into" in told and "in the same place" not in told


@pytest.mark.parametrize("show", [None, 5, {"data": 1}])
def test_rows_that_do_not_exist_are_refused(show: Any) -> None:
    with pytest.raises(ValueError, match="show= takes one of 'data', 'grad', but got"):
        draw(Value(1.0), show=show)


def test_a_level_of_modules_may_be_a_number_of_numpy() -> None:
    assert repr(draw(Value(1.0), group=np.int64(1))) == repr(draw(Value(1.0), group=1))  # type: ignore[arg-type]


def test_a_scope_is_a_mapping() -> None:
    with pytest.raises(TypeError, match=r"scope is a dict of names.*such as vars\(\), not a list"):
        draw(Value(1.0), scope=["a"])  # type: ignore[arg-type]


@pytest.mark.parametrize("most", [0, -1, 7.5, "7", True])
def test_a_limit_that_is_no_number_of_boxes_is_refused(most: Any) -> None:
    with pytest.raises(ValueError, match="max_nodes is a whole number from 1 on, not"):
        draw(expression(), max_nodes=most)


def test_what_folds_too_little_is_refused_with_what_would_do() -> None:
    a, r = Value(2.0), Value(1.0)
    for _ in range(50):
        r = (r + a / r) / 2.0
    with pytest.raises(ValueError, match=r"202 nodes, which fold into (\d+) boxes") as error:
        draw(r)
    most = int(str(error.value).partition("max_nodes=")[2].partition("max_nodes=")[2].split(")")[0])
    assert draw(r, max_nodes=most, backend="builtin").svg()


@pytest.mark.parametrize("root", [2.0, [Value(1.0)], np.ones(2), None])
def test_what_is_no_node_is_refused(root: object) -> None:
    with pytest.raises(TypeError, match=f"a Value or a Tensor.*{type(root).__name__}.*draw\\(loss"):
        draw(root)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("option", "given", "known"),
    [
        ("rankdir", "RL", "'LR', 'TB'"),
        ("backend", "neato", "'auto', 'dot', 'pygraphviz', 'builtin'"),
        ("color", "red", "'data', 'grad', None"),
        ("show", ("data", "shape"), "'data', 'grad'"),
    ],
)
def test_an_option_that_does_not_exist_is_refused(option: str, given: str, known: str) -> None:
    with pytest.raises(ValueError, match=f"{option}= takes one of {known}"):
        draw(expression(), **{option: given})  # type: ignore[arg-type]


def test_drawing_changes_nothing() -> None:
    output = neuron()
    output.backward()
    before = repr((output, output.parents))
    draw(output, backend="builtin").svg()
    assert repr((output, output.parents)) == before


def test_a_gradient_of_zero_that_came_is_shown_and_one_that_never_came_is_not() -> None:
    x = Value(-5.0)
    loss = x.relu() + 1.0
    loss.backward()
    assert x.grad == 0.0
    assert draw(loss, backend="builtin").svg().count("–") == 0

    y = Value(3.0)
    (y**2.0).backward(create_graph=True)
    untouched = [node for node in topological_order(y.grad) if node._grad is None]
    shown = draw(y.grad, backend="builtin").svg().count("–")
    assert shown == sum(not node.constant for node in untouched) > 0


# --- Frames and folds -----------------------------------------------------------------------------


def network(width: int = 3, examples: int = 1) -> tuple[Value, dict[str, Any]]:
    model = nn.MLP(2, [width, width, 1], rng=0)
    loss = tg.sum([(model([0.1 * k, 1.0]) - 1.0) ** 2.0 for k in range(examples)])
    loss.backward()
    return loss, {"model": model, "loss": loss}


def titles(svg: str) -> list[str]:
    """The first sentence of every tooltip."""
    return [
        (title.text or "").split(", ")[0]
        for title in ElementTree.fromstring(svg).iter(f"{SVG}title")
    ]


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is absent")
@pytest.mark.parametrize(
    "options",
    [
        *({"group": group} for group in ("auto", 0, 1, 2, None)),
        {"max_nodes": 12},
        {"expand": True},
        {"rankdir": "TB"},
        {"show": ()},
    ],
)
def test_graphviz_says_the_same_of_frames_and_folds(options: dict[str, Any]) -> None:
    loss, scope = network(3, 4)
    options = {"max_nodes": 500, **options}
    ours = draw(loss, backend="builtin", scope=scope, **options)
    theirs = draw(loss, backend="dot", scope=scope, **options)
    assert words(ours.svg()) == words(theirs.svg())


def test_group_is_how_many_levels_are_open() -> None:
    loss, scope = network()

    def frames(**options: Any) -> list[str]:
        drawing = draw(loss, backend="builtin", scope=scope, max_nodes=500, **options)
        return [word for word in words(drawing.svg()) if word.startswith("model")]

    layers = [f"model.layers[{k}]" for k in range(3)]
    assert frames(group=0) == ["model"]
    assert frames(group=1) == ["model: MLP"]
    assert {*frames(group=2)} == {"model: MLP", *layers}
    assert len(frames(group=3)) == 1 + 3 + 7 == len(frames())
    every = frames(group=None)
    assert len(every) == len(scope["model"].parameters())  # named, each by its whole path


@pytest.mark.parametrize("group", [0, 1, 2, 3, None, "auto"])
def test_however_it_is_grouped_the_root_and_its_number_are_there(group: Any) -> None:
    loss, scope = network()
    seen = words(draw(loss, group=group, scope=scope, max_nodes=500, backend="builtin").svg())
    assert "loss" in seen
    assert f"{loss.data:.4f}" in seen


def test_a_module_says_of_which_class_it_is_unless_its_name_does() -> None:
    model = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Tanh(), tg.relu, nn.Linear(2, 1, rng=1))
    scope = {"model": model, "loss": (loss := model([[1.0, 2.0]]).sum())}
    folded = words(draw(loss, group=1, scope=scope, show=(), backend="builtin").svg())
    assert {"model: Sequential", "Linear", "Tanh", "relu"} <= set(folded)
    opened = words(draw(loss, scope=scope, show=(), backend="builtin").svg())
    assert {"model[0]: Linear", "model[1]: Tanh", "model[2]: relu"} <= set(opened)
    loss, scope = network()
    seen = words(draw(loss, scope=scope, show=(), backend="builtin").svg())
    assert {"model: MLP", "model.layers[0]", "model.layers[0].neurons[0]"} <= set(seen)


def test_a_result_keeps_its_name_where_the_sum_to_it_is_folded() -> None:
    total = sum([Value(float(k)) ** 2.0 for k in range(200)], 0.0) / 200.0
    drawing = draw(total, backend="builtin")
    assert "201 operations" in numbers(drawing, "total")


def test_a_batch_stays_folded_where_levels_are_asked_for() -> None:
    loss, scope = network(3, 300)
    for group in (0, 1, 2, 3):
        drawing = draw(loss, group=group, scope=scope, backend="builtin")
        assert len(titles(drawing.svg())) < 130


@pytest.mark.parametrize("group", [-1, 1.0, True, "all", "0", [1]])
def test_a_group_that_is_no_level_is_refused(group: Any) -> None:
    with pytest.raises(ValueError, match="how many levels of modules to open"):
        draw(expression(), group=group)


@pytest.mark.parametrize(("width", "examples"), [(1, 1), (3, 1), (6, 4), (16, 12), (16, 60)])
@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_graphs_of_any_size_are_drawn_at_once_and_fit_a_page(
    width: int, examples: int, rankdir: str
) -> None:
    loss, scope = network(width, examples)
    began = time.perf_counter()
    svg = draw(loss, scope=scope, rankdir=rankdir, backend="builtin").svg()
    taken = time.perf_counter() - began
    # A second on an idle machine; others may be at work on this one.
    assert taken < 3.0
    root = ElementTree.fromstring(svg)
    sides = [float((root.get(side) or "").removesuffix("pt")) for side in ("width", "height")]
    assert max(sides) < 5000
    boxes = sum(bool(title) for title in titles(svg))
    assert boxes < 300


@pytest.mark.parametrize(
    "key", ["<b>&", 'a"b', "cost in $", "a|b", "Größe 漢字", "{x}", "\\N", " "]
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_any_key_of_a_dict_names_its_number(key: str, backend: str) -> None:
    weights = {key: Value(2.0)}
    drawing = draw(weights[key] * 1.0, scope={"weights": weights}, show=(), backend=backend)
    assert f"weights[{key!r}]" in words(drawing.svg())


@pytest.mark.parametrize("key", ["<b>&", 'a"b', "cost in $", "a|b", "Größe 漢字", "{x}", "\\N"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_any_key_of_a_dict_names_a_frame(key: str, backend: str) -> None:
    models = {key: nn.Neuron(2, rng=0)}
    drawing = draw(models[key]([1.0, 2.0]), scope={"models": models}, backend=backend)
    assert f"models[{key!r}]: Neuron" in words(drawing.svg())


# --- Tints ----------------------------------------------------------------------------------------


def tints(drawing: Drawing) -> dict[str, tuple[float, ...]]:
    """The ground of the tinted row of each box, as red, green and blue from 0 to 1."""
    found = {}
    for group in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}g"):
        for rect in group.findall(f"{SVG}rect"):
            if (
                "y" in rect.attrib
                and rect.get("height") != rect.get("width")
                and "x" not in rect.attrib
            ):
                name = group.findtext(f"{SVG}title", "").split(":")[0]
                found[name] = tuple(c / 255 for c in bytes.fromhex(rect.attrib["fill"][1:]))
    return found


def seen_as(numbers: dict[str, Any]) -> dict[str, tuple[float, ...]]:
    """The tints of numbers in one drawing."""
    nodes = [Tensor(np.atleast_1d(x), label=name) for name, x in numbers.items()]
    root = tg.sum([tg.sum(node) * 0.0 for node in nodes])
    shown = tints(draw(root, color="data", group=None, backend="builtin", scope={}))
    return {name: shown[name] for name in numbers if name in shown}


def saturation(tint: tuple[float, ...]) -> float:
    return max(tint) - min(tint)


def hue(tint: tuple[float, ...]) -> float:
    return colorsys.rgb_to_hsv(*tint)[0] * 360.0


SIZES = st.floats(1e-12, 1e12)


@given(st.lists(SIZES, min_size=1, max_size=6), st.lists(st.booleans(), min_size=6, max_size=6))
def test_the_sign_decides_the_hue(sizes: list[float], signs: list[bool]) -> None:
    numbers = {
        f"x{k}": x if up else -x for k, (x, up) in enumerate(zip(sizes, signs, strict=False))
    }
    for name, tint in seen_as(numbers).items():
        if saturation(tint) > 0.05:  # below, eight bits a channel hold no hue
            assert (hue(tint) < 60.0) == (numbers[name] > 0)
            assert (hue(tint) > 180.0) == (numbers[name] < 0)


@given(st.lists(SIZES, min_size=2, max_size=6, unique=True), st.sampled_from([1.0, -1.0]))
def test_the_larger_the_deeper(sizes: list[float], sign: float) -> None:
    shown = seen_as({f"x{k}": sign * x for k, x in enumerate(sorted(sizes))})
    depths = [saturation(shown.get(f"x{k}", (1.0, 1.0, 1.0))) for k in range(len(sizes))]
    # Eight bits a channel: by one step, rounding may go against the order.
    assert all(b >= a - 2.0 / 255.0 for a, b in pairwise(depths))
    assert depths[-1] > 0.2


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=1, max_size=5),
    st.floats(-1.0, 1.0),
)
def test_numbers_that_are_none_and_mixed_signs_are_tinted_without_an_error(
    numbers: list[float], other: float
) -> None:
    shown = seen_as({"a": np.array(numbers), "b": other})
    for tint in shown.values():
        assert all(0.0 <= channel <= 1.0 for channel in tint)
    if not any(np.isfinite(numbers)):
        assert "a" not in shown


def test_mixed_signs_are_grey() -> None:
    shown = seen_as({"mixed": np.array([3.0, -3.0]), "up": 3.0})
    assert saturation(shown["mixed"]) < 0.02 < saturation(shown["up"])
    assert max(shown["mixed"]) < 0.9


def luminance(color: tuple[float, ...]) -> float:
    """Of WCAG 2.2, relative luminance."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@given(st.floats(0.0, 1.0), st.floats(-1.0, 1.0))
def test_text_can_be_read_on_every_tint(strength: float, lean: float) -> None:
    """WCAG 2.2, success criterion 1.4.3: a contrast of 4.5 : 1."""

    def channels(color: str) -> tuple[float, ...]:
        return tuple(c / 255 for c in bytes.fromhex(color[1:]))

    ground = luminance(channels(style.tint(strength, lean)))
    for ink in (style.INK, style.FAINT_INK):
        assert (ground + 0.05) / (luminance(channels(ink)) + 0.05) >= 4.5
