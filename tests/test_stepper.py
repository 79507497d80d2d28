"""What the stepper makes, as far as it can be read without a browser.

What the page does with it is tested in a browser, in tests/browser.
"""

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import GraphError, ShapeError, Tensor, Value, nn
from twingrad.engine import StaleGraphError
from twingrad.viz import StepperPage, stepper


def example() -> tuple[Value, Value, Value]:
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    loss: Value = (a * b + a) ** 2
    loss.label = "L"
    return a, b, loss


def data_of(page: StepperPage) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.html, re.S)
    assert found
    return json.loads(found[1])


def words(page: StepperPage) -> list[str]:
    """The sentence of each step; backward they stand in the table."""
    forward = [step["words"] for step in data_of(page)[0]["steps"] if "words" in step]
    return forward + [
        html.unescape(x) for x in re.findall(r'<td class="why"[^>]*>([^<]*)', page.html)
    ]


# --- What it says -------------------------------------------------------------------------------


def test_each_step_says_why_its_turn_has_come() -> None:
    _, _, loss = example()
    assert words(stepper(loss)) == [
        "2 is a constant: 2.0000.",
        "a is given: 2.0000.",
        "b is given: -3.0000.",
        "v1 is computed: v1 = a·b = -6.0000.",
        "v2 is computed: v2 = v1 + a = -4.0000.",
        "L is computed: L = v2² = 16.0000.",
        "L is where it starts: ∂L/∂L = 1. It passes its share on to v2.",
        "v2 has heard from its only consumer, L, so ∂L/∂v2 = -8.0000 is complete. "
        "It passes its share on to v1 and a.",
        "v1 has heard from its only consumer, v2, so ∂L/∂v1 = -8.0000 is complete. "
        "It passes its share on to a and b.",
        "b has heard from its only consumer, v1, so ∂L/∂b = -16.0000 is complete. "
        "It is a leaf, and keeps it.",
        "a has heard from both its consumers, v2 and v1, so ∂L/∂a = 16.0000 is complete. "
        "It is a leaf, and keeps it.",
    ]


def test_a_node_used_twice_by_one_consumer_is_said_to_be() -> None:
    a = Value(1.0, label="a")
    said = words(stepper(a + a))
    assert "passes its share on to a, twice." in said[2]
    assert "its only consumer, v1, which uses it twice" in said[3]


def test_a_zero_and_what_is_not_a_number_are_said_to_spread() -> None:
    x, y = Value(0.0, label="x"), Value(3.0, label="y")
    assert any("It is zero, and so is" in said for said in words(stepper((x * x) * (y * y))))
    nan = Value(float("nan"), label="n")
    assert any(
        "It is not a number, and nor is" in said for said in words(stepper((nan * nan).exp()))
    )


def test_nodes_go_by_the_names_of_the_callers_variables_or_of_the_scope_given() -> None:
    first, second = Value(2.0), Value(3.0)
    product = first * second
    assert "product = first·second" in stepper(product).html
    assert "x·y" in stepper(product, scope={"x": first, "y": second}).html


# --- What it starts from ------------------------------------------------------------------------


def test_no_gradient_is_read_or_written() -> None:
    a, b, loss = example()
    before = stepper(loss).html
    assert (a.grad, b.grad, loss.grad, a._grad) == (0.0, 0.0, 0.0, None)
    loss.backward()
    loss.backward()
    assert stepper(loss).html == before
    assert a.grad == 32.0


def test_a_result_of_other_numbers_than_are_there_now_is_refused() -> None:
    a, _, loss = example()
    a.data -= 0.1
    with pytest.raises(StaleGraphError, match="compute the loss again"):
        stepper(loss)


def test_gradients_that_overflow_are_stepped_through_without_a_warning() -> None:
    x = Tensor([1e308, 1.0], label="x")
    with np.errstate(all="ignore"):
        loss = (x * x).sum()
    assert "1.000e+308 1.0000" in stepper(loss).html and "inf" in stepper(loss).html


def test_what_has_several_numbers_needs_a_gradient_to_start_from() -> None:
    x = Tensor([1.0, 2.0], label="x")
    with pytest.raises(ShapeError, match=r"single number, but this Tensor has shape \(2,\)"):
        stepper(x * x)
    page = stepper(x * x, gradient=[1.0, -1.0])
    assert "is where it starts: with the gradient given." in words(page)[2]
    assert "2.0000 -4.0000" in page.html


def test_a_constant_has_no_way_back() -> None:
    with pytest.raises(GraphError, match="this Value is a constant"):
        stepper(Value(1.0).detach())


@pytest.mark.parametrize("thing", [1.0, None, [Value(1.0)], np.ones(2)])
def test_what_is_no_node_is_refused(thing: Any) -> None:
    with pytest.raises(TypeError, match="starts from a Value or a Tensor, but this is a"):
        stepper(thing)


# --- The file -----------------------------------------------------------------------------------


def test_the_policy_allows_the_pages_own_script_and_style_and_nothing_else() -> None:
    page = stepper(example()[2]).html
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    style, script = (
        re.search(rf"<{tag}>(.*?)</{tag}>", page, re.S)[1]  # type: ignore[index]
        for tag in ("style", "script")
    )

    def hashed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert policy[1].split("; ") == [
        "default-src 'none'",
        f"script-src {hashed(script)}",
        f"style-src {hashed(style)}",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert not re.search(r"\bstyle=|\bon\w+=|https?://(?!www\.w3\.org/2000/svg)", page)


def test_no_label_ends_the_script_or_the_line_of_its_data() -> None:
    x = Value(1.0, label="</script><!--\u2028")
    page = stepper(x * 2.0)
    data = re.search(r'id="data">(.*?)</script>', page.html, re.S)
    assert data and not set("<>\u2028\u2029") & set(data[1])
    assert page.html.count("</script>") == 2


def test_a_path_is_written_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "steps.html"
    page = stepper(example()[2], path)
    assert path.read_text(encoding="utf-8") == page.html
    assert str(path) in capsys.readouterr().out
    assert stepper(example()[2]).save(str(path)) == path
    assert [file.name for file in tmp_path.iterdir()] == ["steps.html"]


def test_a_page_has_a_pages_suffix_and_a_folder_to_lie_in(tmp_path: Path) -> None:
    page = stepper(example()[2])
    with pytest.raises(ValueError, match=r"saved as \.html, but .* ends in '\.svg'"):
        page.save(tmp_path / "steps.svg")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        page.save(tmp_path / "absent" / "steps.html")
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_shows_it_in_a_frame_of_its_own() -> None:
    page = stepper(example()[2])
    shown = page._repr_html_()
    inside = re.search(r'srcdoc="([^"]*)"', shown)
    assert inside and html.unescape(inside[1]) == page.html
    assert 'sandbox="allow-scripts"' in shown
    assert repr(page) == "<StepperPage of 6 nodes; save it with .save('steps.html')>"


def test_the_same_graph_gives_the_same_page() -> None:
    assert stepper(example()[2]).html == stepper(example()[2]).html


def test_a_rule_of_the_users_own_is_stepped_through() -> None:
    def cube(x: Any) -> Any:
        return x * x * x, lambda grad: (grad * 3.0 * x * x,)

    x = Value(2.0, label="x")
    page = stepper(tg.apply(cube, x))
    assert "cube(x)" in page.html
    assert 'data-value="12.0"' in page.html


# --- Large graphs ---------------------------------------------------------------------------------


def network_loss(samples: int) -> tuple[Value, Any]:
    model = nn.MLP(2, [16, 16, 1], rng=0)
    rng = np.random.default_rng(0)
    scores = [model(list(x)) for x in rng.normal(size=(samples, 2))]
    loss: Value = tg.sum([(score - 1.0) ** 2 for score in scores])
    return loss, model


def test_a_loss_over_many_samples_opens_folded_on_a_page_below_five_megabytes() -> None:
    loss, model = network_loss(40)
    page = stepper(loss, scope={"model": model, "loss": loss})
    views = data_of(page)
    assert len(page.html) < 5_000_000
    assert len(views[0]["steps"]) < 80
    ways = [view["path"][-1][0] for view in views]
    for layer in range(2):
        for neuron in range(16):
            assert any(way.endswith(f"layers[{layer}].neurons[{neuron}]") for way in ways)


def test_every_view_but_the_first_can_be_reached_and_left() -> None:
    loss, model = network_loss(10)
    views = data_of(stepper(loss, scope={"model": model, "loss": loss}))
    reached, waiting = {0}, [0]
    while waiting:
        for to in views[waiting.pop()]["unfolds"].values():
            if to not in reached:
                reached.add(to)
                waiting.append(to)
    assert reached == set(range(len(views)))
    assert all(view["path"][-1][1] == number for number, view in enumerate(views))


def test_a_long_graph_in_which_nothing_repeats_is_cut_into_parts() -> None:
    h, w = Value(0.5), Value(0.5, label="w")
    for k in range(120):
        h = (w * h + (0.1 * k)).tanh()
    views = data_of(stepper(h))
    assert len(views[0]["steps"]) < 100
    assert len(views) > 5


def test_a_chain_of_thousands_of_nodes_is_stepped_through() -> None:
    x = Value(0.5, label="x")
    y = x
    for _ in range(3000):
        y = y * 1.0001
    assert "6,001 nodes" in stepper(y).html
