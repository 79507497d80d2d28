"""The stepper's page in a real browser: every number at every step, and every way to use it.

The oracle is a backward pass made by hand, `node._backward()` by `node._backward()`, and slopes
from finite differences; of the page only what it shows is read.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import twingrad as tg
from tests.strategies import Program, programs
from twingrad import Tensor, Value, nn
from twingrad.engine.sweep import topological_order
from twingrad.viz import stepper

Opened = Callable[..., Any]

STATES = """(ends) => {
  const number = (cell) => (
    { text: cell.innerText ?? cell.textContent, exact: cell.dataset.value ?? null });
  const states = [];
  const look = () => {
    const boxes = [...document.querySelectorAll("#drawing .box")].map((box) => {
      const rows = {};
      for (const row of box.querySelectorAll(".row")) {
        const figures = [...row.querySelectorAll(".figure")].map((t) => t.textContent);
        rows[row.classList[1]] = {
          key: row.querySelector(".key").textContent, lines: figures.filter(Boolean),
          exact: row.dataset.value ?? null };
      }
      return { rows, now: box.classList.contains("now"), label: box.getAttribute("aria-label") };
    });
    const shares = [...document.querySelectorAll("#drawing .share")]
      .filter((text) => getComputedStyle(text).visibility === "visible").map(number);
    const table = [...document.querySelectorAll("#now tbody tr")].map((row) =>
      [...row.children].filter((cell) => cell.offsetParent !== null).map(number));
    states.push({ boxes, shares, table, words: document.getElementById("words").textContent,
                  count: document.getElementById("count").textContent });
  };
  if (ends) { document.getElementById("last").click(); look(); return states; }
  document.getElementById("first").click();
  look();
  const last = Number(document.getElementById("slider").max);
  for (let k = 0; k < last; k++) { document.getElementById("next").click(); look(); }
  return states;
}"""


def neuron() -> Value:
    """The lecture's neuron."""
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    output: Value = (x1 * w1 + x2 * w2 + b).tanh()
    output.label = "o"
    return output


def reused() -> Value:
    """Nodes used twice, by one consumer and by two."""
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    e = a * b
    d = e + a
    f = d * e
    loss: Value = (f + f + 10.0) ** 2 + a.relu() - b.relu()
    loss.label = "L"
    return loss


def network() -> Value:
    model = nn.MLP(2, [3, 2, 1], rng=0)
    return (model([1.0, -2.0]) - 1.0) ** 2


def not_finite() -> Value:
    x, y = Value(0.0, label="x"), Value(math.inf, label="y")
    return x.log() * y + (x * y) + x.sqrt()


def alone() -> Value:
    return Value(3.0, label="x")


SCALARS = [neuron, reused, network, not_finite, alone]


def tensors() -> Tensor:
    rng = np.random.default_rng(0)
    X = Tensor(rng.normal(size=(5, 3)), label="X")
    X.constant = True
    W, b = Tensor(rng.normal(size=(3, 4)), label="W"), Tensor(np.zeros(4), label="b")
    h = (X @ W + b).tanh()
    return (h * h).mean()


# --- The oracle ---------------------------------------------------------------------------------


def passes(root: Any) -> list[tuple[Any, dict[Any, Any], dict[Any, Any]]]:
    """A backward pass by hand: each node that goes, all gradients before it, and after."""
    order = topological_order(root)
    for node in order:
        node.grad = None
    root.grad = np.ones_like(root.data) if isinstance(root, Tensor) else 1.0
    turns = []
    for node in reversed(order):
        before = held(order)
        if before.get(node) is None:
            continue
        node._backward()
        turns.append((node, before, held(order)))
    for node in order:
        node.grad = None
    return turns


def held(order: Sequence[Any]) -> dict[Any, Any]:
    return {n: np.copy(n._grad) for n in order if n._grad is not None}


def slope_by_differences(node: Value, position: int) -> float:
    numbers = [parent.data for parent in node.parents]

    def at(x: float) -> float:
        return float(
            node._rule(*[x if k == position else n for k, n in enumerate(numbers)], **node._static)[
                0
            ]
        )

    x = numbers[position]
    step = 1e-6 * max(1.0, abs(x))
    return (at(x + step) - at(x - step)) / (2 * step)


def same(shown: dict[str, Any], number: float) -> None:
    """The exact number, and a rounded one that a reader would call the same."""
    assert shown["exact"] == repr(float(number))
    text = shown.get("text", " ".join(shown.get("lines", ()))).split("(")[0].strip()
    near = pytest.approx(float(number), rel=1e-3, abs=6e-5, nan_ok=True)
    assert float(text) == near


def says(lines: Sequence[str], array: Any) -> None:
    """The lines show the array in full, or its range, mean and standard deviation."""
    numbers = [float(x) for x in re.findall(r"[-+]?\d+\.\d+(?:e[-+]\d+)?", " ".join(lines))]
    small = array.ndim <= 2 and all(length <= 4 for length in array.shape)
    expected = array.ravel() if small else [array.min(), array.max(), array.mean(), array.std()]
    if lines[0].startswith("all"):
        expected = np.unique(array)
    np.testing.assert_allclose(numbers, expected, rtol=1e-3, atol=6e-5)


def check_boxes(state: Any, order: Sequence[Any], values: int, gradients: dict[Any, Any]) -> None:
    """Every box shows its value once it is computed, and the gradient gathered so far."""
    for k, (node, box) in enumerate(zip(order, state["boxes"], strict=True)):
        rows = box["rows"]
        assert ("grad" in rows) == (not node.constant)
        for row, number in (
            ("data", node.data if k < values else None),
            ("grad", gradients.get(node)),
        ):
            if number is None:
                assert row not in rows or (rows[row]["lines"], rows[row]["exact"]) == ([], None)
            elif np.size(number) == 1:
                same(rows[row], float(np.ravel(number)[0]))
            else:
                says(rows[row]["lines"], number)


def check(states: list[Any], root: Any) -> None:
    order = topological_order(root)
    turns = passes(root)
    assert len(states) == 1 + len(order) + len(turns)
    for k, state in enumerate(states[: len(order) + 1]):
        check_boxes(state, order, k, {})
        assert [number for number, box in enumerate(state["boxes"]) if box["now"]] == [k - 1] * (
            k > 0
        )
        assert not state["shares"] and not state["table"]
    for state, (node, before, after) in zip(states[len(order) + 1 :], turns, strict=True):
        # Before anything has come back, the gradient of the root is shown in its own turn.
        check_boxes(state, order, len(order), after)
        assert state["boxes"][order.index(node)]["now"]
        if isinstance(root, Value):
            check_shares(state, node, before, after)


def check_shares(state: Any, node: Value, before: Any, after: Any) -> None:
    """The gradient that arrived, each slope, product and running sum in the table."""
    if all(parent.constant for parent in node.parents):
        assert state["table"] == []
        return
    (arrived, *first), *others = state["table"]
    same(arrived, before[node])
    sums = {parent: float(before.get(parent, 0.0)) for parent in node.parents}
    products = []
    for position, cells in enumerate([first, *others]):
        parent = node.parents[position]
        if parent.constant:
            assert "constant" in cells[1]["text"]
            continue
        slope, product, total = (float(cell["exact"]) for cell in cells[2:])
        for cell in cells[2:]:
            same(cell, float(cell["exact"]))
        expected = slope_by_differences(node, position)
        if math.isfinite(expected) and math.isfinite(slope) and abs(expected) < 1e6:
            assert slope == pytest.approx(expected, rel=1e-4, abs=1e-6)
        if math.isfinite(slope) and math.isfinite(before[node]):
            assert product == pytest.approx(slope * before[node], rel=1e-12, abs=1e-300)
        sums[parent] += product
        assert total == pytest.approx(sums[parent], rel=1e-15, nan_ok=True)
        products.append(repr(product))
    for parent in node.parents:
        if not parent.constant:
            assert repr(float(after[parent])) == repr(sums[parent])
    if len(node.parents) <= 12:
        assert sorted(share["exact"] for share in state["shares"]) == sorted(products)


# --- Every number at every step -----------------------------------------------------------------


@pytest.mark.parametrize("graph", SCALARS, ids=lambda graph: graph.__name__)
def test_every_number_at_every_step_is_the_engines(
    opened: Opened, graph: Callable[[], Value]
) -> None:
    root = graph()
    with opened(stepper(root).html) as page:
        check(page.evaluate(STATES), root)


@settings(max_examples=4)
@given(program=programs(max_steps=4))
def test_every_number_of_a_random_graph_is_the_engines(opened: Opened, program: Program) -> None:
    root = program.on_nodes(*[Value(x) for x in program.leaves])
    with opened(stepper(root).html) as page:
        check(page.evaluate(STATES), root)


def test_arrays_are_shown_by_their_numbers_or_by_what_they_have_in_common(opened: Opened) -> None:
    root = tensors()
    with opened(stepper(root).html) as page:
        check(page.evaluate(STATES), root)


@settings(max_examples=2)
@given(program=programs(on_arrays=True, max_steps=3))
def test_every_array_of_a_random_graph_is_the_engines(opened: Opened, program: Program) -> None:
    root = program.on_nodes(*[Tensor(x) for x in program.leaves])
    with opened(stepper(root).html) as page:
        check(page.evaluate(STATES), root)


# --- Ways through the steps ---------------------------------------------------------------------


def count(page: Any) -> str:
    return page.locator("#count").text_content()


def test_keys_step_through_the_page(opened: Opened) -> None:
    with opened(stepper(neuron()).html) as page:
        assert count(page) == "forward 0/10"
        for key, expected in [
            ("ArrowRight", "forward 1/10"),
            ("ArrowRight", "forward 2/10"),
            ("ArrowLeft", "forward 1/10"),
            ("End", "backward 10/10"),
            ("ArrowRight", "backward 10/10"),
            ("Home", "forward 0/10"),
            ("ArrowLeft", "forward 0/10"),
        ]:
            page.keyboard.press(key)
            assert count(page) == expected


def test_buttons_and_slider_step_through_the_page(opened: Opened) -> None:
    with opened(stepper(neuron()).html) as page:
        page.get_by_role("button", name="One step on").click()
        assert count(page) == "forward 1/10"
        page.get_by_role("button", name="Last step").click()
        page.get_by_role("button", name="One step back").click()
        assert count(page) == "backward 9/10"
        page.get_by_role("button", name="First step").click()
        assert count(page) == "forward 0/10"
        slider = page.get_by_role("slider", name="Step")
        slider.fill("13")
        assert count(page) == "backward 3/10"
        slider.press("ArrowRight")
        assert count(page) == "backward 4/10"
        assert slider.get_attribute("aria-valuetext") == "backward, step 4 of 10"


def test_space_plays_to_the_end_and_pauses(opened: Opened) -> None:
    with opened(stepper(neuron()).html) as page:
        page.clock.install()
        page.keyboard.press("Space")
        assert count(page) == "forward 1/10"
        page.clock.run_for(3000)
        assert count(page) == "forward 3/10"
        page.keyboard.press("Space")
        page.clock.run_for(3000)
        assert count(page) == "forward 3/10"
        page.get_by_role("button", name="Play").click()
        page.clock.run_for(60_000)
        assert count(page) == "backward 10/10"
        assert page.locator("#play").text_content() == "Play"


def test_a_pointer_or_the_focus_on_a_node_or_an_edge_shows_its_formula(opened: Opened) -> None:
    with opened(stepper(neuron()).html) as page:
        note = page.locator("#note")
        page.locator(".box").last.hover()
        assert note.text_content() == "o = tanh(v4)"
        page.mouse.move(5, 5)
        page.locator("#drawing .edge").last.focus()
        assert note.text_content().startswith("∂o/∂")
        assert "0.5000" in note.text_content()


# --- For everybody ------------------------------------------------------------------------------


def test_without_a_script_stands_the_end_and_every_step(opened: Opened) -> None:
    root = neuron()
    with opened(stepper(root).html, java_script_enabled=False) as page:
        assert not page.locator("#controls").is_visible()
        figures = page.locator("#drawing .figure").all_text_contents()
        for node, before, _ in passes(root):
            assert f"{node.data:.4f}" in figures
            assert f"{float(before[node]):.4f}" in figures
        assert page.locator("table.forward tbody").count() == 10
        assert page.locator("table.backward tbody").count() == 10
        assert page.locator("table.backward").is_visible()


def test_on_paper_stands_the_end_without_controls(opened: Opened) -> None:
    with opened(stepper(neuron()).html) as page:
        page.emulate_media(media="print")
        assert not page.locator("#controls").is_visible()
        assert page.locator("table.backward").is_visible()
        assert all(page.locator("#drawing .figure").all_text_contents())
        page.emulate_media(media="screen")
        page.get_by_text("forward 0/10").wait_for()


def test_the_whole_drawing_is_seen_on_request_and_a_part_of_it_larger(opened: Opened) -> None:
    with opened(stepper(network()).html) as page:
        pane, svg = page.locator("#drawing"), page.locator("#drawing svg")
        page.get_by_role("button", name="Fit to the page").click()
        whole = svg.bounding_box()
        assert whole["width"] <= pane.bounding_box()["width"]
        assert whole["height"] <= pane.bounding_box()["height"]
        page.get_by_role("button", name="Larger").click()
        assert svg.bounding_box()["width"] == pytest.approx(1.25 * whole["width"], rel=0.01)
        page.get_by_role("button", name="Smaller").click()
        assert svg.bounding_box()["width"] == pytest.approx(whole["width"], rel=0.01)


def test_colours_follow_the_light(opened: Opened) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        with opened(stepper(neuron()).html, color_scheme=scheme) as page:
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(23, 24, 28)"]


@pytest.mark.parametrize(("width", "script"), [(400, True), (400, False), (320, True)])
def test_a_narrow_page_scrolls_only_in_its_panes(opened: Opened, width: int, script: bool) -> None:
    options = {"viewport": {"width": width, "height": 700}, "java_script_enabled": script}
    for root in (network(), tensors()):
        with opened(stepper(root).html, **options) as page:
            if script:
                page.keyboard.press("End")
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_that_can_be_reached_has_a_name_and_every_step_is_announced(
    opened: Opened,
) -> None:
    with opened(stepper(reused()).html) as page:
        nameless = page.evaluate(
            """() => [...document.querySelectorAll("button, input, a, [tabindex]")]
              .filter((one) => one.offsetParent !== null || one.ownerSVGElement)
              .filter((one) => !(one.getAttribute("aria-label") || one.textContent).trim())
              .map((one) => one.outerHTML)"""
        )
        assert nameless == []
        assert page.locator("#words").get_attribute("aria-live") == "polite"
        words = [state["words"] for state in page.evaluate(STATES)]
        assert all(words) and len(set(words)) == len(words)
        assert page.evaluate("document.documentElement.lang") == "en"
        assert page.title() == "Backpropagation of L, step by step"
        heads = page.locator("#all th").evaluate_all("all => all.map(one => one.scope)")
        assert set(heads) == {"col", "row", "rowgroup"}


def test_the_focus_goes_through_the_nodes_in_their_order(opened: Opened) -> None:
    with opened(stepper(neuron()).html) as page:
        visited = []
        page.locator(".skip").focus()
        for _ in range(30):
            page.keyboard.press("Tab")
            box = page.evaluate("document.activeElement.dataset?.box")
            visited += [int(box)] if box is not None else []
        assert visited == list(range(10))


# --- Labels -------------------------------------------------------------------------------------

ODD = [
    "</script><script>alert(1)</script>", '"<img src=x onerror=alert(1)>', "$x$", "a|b", "R&D",
    "größe", "重み", "two\nlines", "", " ", "\u2028", "a\x07b", "'", "{braces}", "x" * 200,
]  # fmt: skip


def test_any_label_is_shown_and_none_is_run(opened: Opened) -> None:
    leaves = [Value(float(k), label=label) for k, label in enumerate(ODD)]
    root = tg.sum(leaves)
    with opened(stepper(root).html) as page:
        shown = page.evaluate(STATES)
        check(shown, root)
        assert page.locator("img").count() == 0
        for label in ("$x$", "a|b", "R&D", "größe", "重み", "'", "{braces}"):
            assert any(label in box["label"] for box in shown[0]["boxes"])


# --- Large graphs ---------------------------------------------------------------------------------


class Samples:
    """An MLP on nine samples, each of its numbers kept at hand: 250 nodes."""

    def __init__(self) -> None:
        model = nn.MLP(2, [4, 4, 1], rng=0)
        rng = np.random.default_rng(0)
        self.hidden: list[list[Value]] = []
        outputs = []
        for x in rng.normal(size=(9, 2)):
            first = [neuron(list(x)) for neuron in model.layers[0].neurons]
            second = [neuron(first) for neuron in model.layers[1].neurons]
            self.hidden.append(second)
            outputs += [neuron(second) for neuron in model.layers[2].neurons]
        self.loss = tg.sum([(output - 1.0) ** 2 for output in outputs])
        self.scope = {"model": model, "loss": self.loss}
        self.model = model
        self.html = stepper(self.loss, scope=self.scope).html


@pytest.fixture(scope="module")
def samples() -> Samples:
    return Samples()


def titles(page: Any) -> list[str]:
    return page.locator("#path button").all_text_contents()


def unfold(page: Any, name: str, key: str = "") -> None:
    box = page.locator("#drawing .box[role=button]", has_text=re.compile(f"^{re.escape(name)}: "))
    if key:
        box.focus()
        page.keyboard.press(key)
    else:
        box.dispatch_event("click")


def test_a_large_graph_opens_folded_and_unfolds_by_click_and_by_keyboard(
    opened: Opened, samples: Samples
) -> None:
    with opened(samples.html) as page:
        assert page.locator("#drawing .box").count() <= 40
        assert not page.locator("#path").is_visible()
        unfold(page, "model.layers[1].neurons[2]")
        assert titles(page)[-1] == "model.layers[1].neurons[2]"
        assert count(page).startswith("forward 0/")
        inner = page.locator("#drawing .box[role=button] title").all_text_contents()
        unfold(page, next(t for t in inner if t.startswith("tanh ×9")).split(":")[0], "Enter")
        deep = titles(page)
        page.keyboard.press("Escape")
        assert titles(page) == deep[:-1]
        page.locator("#path button").first.click()
        assert not page.locator("#path").is_visible()
        unfold(page, "model.layers[0].neurons[0]", " ")
        assert titles(page)[-1] == "model.layers[0].neurons[0]"
        page.keyboard.press("End")
        assert count(page).startswith("backward")


def test_a_folded_box_says_how_many_numbers_it_stands_for_and_their_range_and_mean(
    opened: Opened, samples: Samples
) -> None:
    samples.loss.backward()
    with opened(samples.html) as page:
        states = page.evaluate(STATES)
        for k in range(4):
            name = f"model.layers[1].neurons[{k}]: "
            box = next(b for b in states[-1]["boxes"] if b["label"].startswith(name))
            results = [second[k] for second in samples.hidden]
            for row, found in (
                ("data", np.array([node.data for node in results])),
                ("grad", np.array([node.grad for node in results])),
            ):
                count_of, *lines = box["rows"][row]["lines"]
                assert count_of.replace("\xa0", " ") == "9 numbers"
                numbers = re.findall(r"[-+]?\d+\.\d+(?:e[-+]\d+)?", " ".join(lines))
                np.testing.assert_allclose(
                    [float(x) for x in numbers],
                    [found.min(), found.max(), found.mean()],
                    rtol=1e-3,
                    atol=6e-5,
                )
                assert box["rows"][row]["exact"] is None
    for node in topological_order(samples.loss):
        node.grad = None


def test_every_single_number_in_every_view_is_the_engines(opened: Opened, samples: Samples) -> None:
    samples.loss.backward()
    parameters = {
        f"model.layers[{i}].neurons[{j}].{name}": parameter
        for i, layer in enumerate(samples.model.layers)
        for j, neuron in enumerate(layer.neurons)
        for name, parameter in [("b", neuron.b), *((f"w[{k}]", w) for k, w in enumerate(neuron.w))]
    }
    seen = set()
    with opened(samples.html) as page:
        assert page.evaluate("views.length") > 20
        for view in range(page.evaluate("views.length")):
            page.evaluate("view => open(view)", view)
            within = titles(page)[1:]
            for box in page.evaluate(STATES, True)[0]["boxes"]:
                name = box["label"].split(",")[0]
                paths = [name, *(f"{path}.{name}" for path in within)]
                for path in parameters.keys() & set(paths):
                    same(box["rows"]["data"], parameters[path].data)
                    same(box["rows"]["grad"], parameters[path].grad)
                    seen.add(path)
    assert seen == set(parameters)
    for node in topological_order(samples.loss):
        node.grad = None


def test_in_a_notebook_it_steps_inside_its_frame(opened: Opened) -> None:
    shown = stepper(neuron())._repr_html_()
    with opened(f"<!DOCTYPE html><html lang=en><title>Notebook</title>{shown}") as page:
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="One step on").click()
        assert frame.locator("#count").text_content() == "forward 1/10"
