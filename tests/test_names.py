"""What the nodes of a graph are called, by the variables of the program that built it."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import twingrad as tg
from twingrad import Value, nn
from twingrad.engine.node import Node
from twingrad.engine.sweep import topological_order
from twingrad.viz.outline import scope as scope_of
from twingrad.viz.outline.names import Names
from twingrad.viz.outline.scope import nodes_in, scope_of_caller

LABELS = st.sampled_from(["", "", "", "x", "y", "v1", "v2", "x#2", " ", "w0", "loss", "2"])


def named(root: Node, **scope: Any) -> Names:
    return Names(topological_order(root), scope)


@st.composite
def programs(draw: st.DrawFn) -> tuple[Node, dict[str, Any]]:
    """Any expression, any labels, and any of its nodes in variables, lists and models."""
    made = [Value(float(k), label=draw(LABELS)) for k in range(draw(st.integers(1, 4)))]
    for _ in range(draw(st.integers(1, 8))):
        x, y = (made[draw(st.integers(0, len(made) - 1))] for _ in range(2))
        made.append(draw(st.sampled_from([x * y, x + 2.0, x - y, x**2.0])))
        made[-1].label = draw(LABELS)
    root = tg.sum(made)
    any_of = st.sampled_from([*made, root])
    keys = st.sampled_from(["x", "y", "v1", "v3", "loss", "_", "_x", "In"])
    scope: dict[str, Any] = draw(st.dictionaries(keys, any_of, max_size=5))
    scope["points"] = draw(st.lists(any_of, max_size=3))
    scope["table"] = draw(st.dictionaries(st.text(max_size=3), any_of, max_size=3))
    return root, scope


@given(programs())
def test_two_nodes_never_share_a_name_but_for_constants(
    program: tuple[Node, dict[str, Any]],
) -> None:
    root, scope = program
    nodes = topological_order(root)
    names = Names(nodes, scope)
    spoken = [names[n] for n in nodes if names.is_known(n) or not n.constant or n.parents]
    assert len(set(spoken)) == len(spoken)
    assert all(names[node].strip() for node in nodes)


@given(programs())
def test_a_variable_or_a_label_is_what_a_node_is_called(
    program: tuple[Node, dict[str, Any]],
) -> None:
    root, scope = program
    nodes = topological_order(root)
    names = Names(nodes, scope)
    for name, thing in scope.items():
        if isinstance(thing, Node) and name[0] != "_" and name != "In" and thing.label.strip():
            assert names.given(thing) == thing.label.strip()
        elif isinstance(thing, Node) and name[0] != "_" and name != "In":
            # One of the variables that hold it.
            assert scope[names.given(thing)] is thing


# --- Where a number may be found ------------------------------------------------------------------


class Point:
    """A class of the user's own; slots have no attributes to look through."""

    def __init__(self) -> None:
        self.x, self.parts = Value(1.0), [Value(2.0), {"deep": (Value(3.0),)}]


def test_places_in_lists_dicts_tuples_and_classes() -> None:
    point, weights = Point(), {"a b": [Value(4.0)], 7: Value(5.0)}
    leaves = [point.x, point.parts[0], point.parts[1]["deep"][0], weights["a b"][0], weights[7]]  # type: ignore[index]
    names = named(tg.sum(leaves), point=point, weights=weights, __name__=__name__)
    assert [names[leaf] for leaf in leaves] == [
        "point.x",
        "point.parts[0]",
        "point.parts[1]['deep'][0]",
        "weights['a b'][0]",
        "weights[7]",
    ]


def test_a_name_is_python_that_leads_to_the_node() -> None:
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Residual(nn.Linear(3, 3, rng=1)))
    pair = {"a": nn.MLP(2, [2, 1], rng=0), "b": [nn.Layer(2, 2, rng=1)]}
    scope = {"model": model, "pair": pair}
    results = [model([[1.0, 2.0]]).sum(), pair["a"](pair["b"][0]([1.0, 2.0]))]  # type: ignore[index,operator]
    for root in results:
        names = named(root, **scope)
        parameters = [n for n in topological_order(root) if not n.parents and not n.constant]
        assert len(parameters) > 3
        for parameter in parameters:
            assert eval(names[parameter], {}, scope) is parameter


def test_a_variable_comes_before_a_place_in_a_list_but_not_before_one_in_a_model() -> None:
    neuron = nn.Neuron(2, rng=0)
    parameters = neuron.parameters()
    for p in parameters:
        p.data -= 0.1
    x = [Value(1.0), Value(2.0)]
    scope = {"parameters": parameters, "neuron": neuron, "p": p, "x": x, "first": x[0]}
    names = named(neuron(x), **scope)
    assert [names[n] for n in (neuron.b, neuron.w[0], x[0], x[1])] == [
        "neuron.b",
        "neuron.w[0]",
        "first",
        "x[1]",
    ]


def test_a_result_that_a_model_keeps_goes_by_its_variable() -> None:
    class Trainer(nn.Module):
        loss: Value

    trainer = Trainer()
    loss = trainer.loss = Value(1.0) * 2.0
    assert named(loss, trainer=trainer, loss=loss)[loss] == "loss"
    assert named(loss, trainer=trainer)[loss] == "trainer.loss"


def test_a_part_of_a_model_goes_by_the_model_even_if_it_has_a_variable() -> None:
    model = nn.MLP(2, [2, 1], rng=0)
    layer = model.layers[0]
    for scope in ({"layer": layer, "model": model}, {"model": model, "layer": layer}):
        names = named(model([1.0, 2.0]), **scope)
        assert names[layer.neurons[0].w[1]] == "model.layers[0].neurons[0].w[1]"
        assert names.short(layer.neurons[0].w[1]) == "w[1]"


def test_models_that_hold_each_other_are_both_found() -> None:
    a, b = Point(), Point()
    a.other, b.other = b, a  # type: ignore[attr-defined]
    names = named(a.x * b.x, a=a, b=b, __name__=__name__)
    assert {names[a.x], names[b.x]} <= {"a.x", "b.x", "a.other.x", "b.other.x"}


def test_the_same_node_under_two_names_goes_by_the_first() -> None:
    w = Value(1.0)
    names = named(w * 2.0, first=w, second=w)
    assert names[w] == "first"


def test_a_label_says_what_its_user_wants_unless_the_place_says_the_same() -> None:
    neuron = nn.Neuron(2, rng=0)
    neuron.b.label = "threshold"
    names = named(neuron([1.0, 2.0]), n=neuron)
    assert [names[p] for p in neuron.parameters()] == ["n.w[0]", "n.w[1]", "threshold"]


def test_equal_labels_are_numbered_and_constants_go_by_their_numbers() -> None:
    a, b = Value(1.0, label="x"), Value(2.0, label="x")
    result = a * b + 10.0
    names = named(result)
    assert {names[a], names[b]} == {"x", "x#2"}
    assert sorted(names[n] for n in topological_order(result)) == ["10", "v1", "v2", "x", "x#2"]


def test_a_number_after_a_label_is_one_that_nobody_has() -> None:
    labels = ["x", "x", "x#2", "x", "x#2"]
    values = [Value(float(k), label=label) for k, label in enumerate(labels)]
    names = named(tg.sum(values))
    assert len({names[value] for value in values}) == len(labels)


class Guarded(type):
    """Answers no question about its attributes."""

    def __getattr__(cls, name: str) -> Any:
        raise RuntimeError(name)


class Shy(metaclass=Guarded):
    def __init__(self) -> None:
        self._w = Value(1.0)

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_classes_that_answer_with_errors_do_no_harm() -> None:
    shy = Shy()
    assert named(shy._w * 2.0, shy=shy, __name__=__name__)[shy._w] == "shy._w"


def test_a_name_made_up_here_is_not_one_of_the_user_s() -> None:
    v1 = Value(3.0)
    result = (v1 * 2.0) + 1.0
    names = named(result, v1=v1)
    assert names[v1] == "v1"
    assert sorted(names[n] for n in topological_order(result) if n.parents) == ["v2", "v3"]


@pytest.mark.parametrize("name", ["_", "_hidden", "__", "In", "Out"])
def test_what_a_notebook_keeps_for_itself_names_nothing(name: str) -> None:
    x = Value(1.0)
    assert not named(x * 2.0, **{name: x}).is_known(x)
    assert not named(x * 2.0, **{name: [x]}).is_known(x)


def test_plain_data_is_not_searched() -> None:
    class Trap(list):  # type: ignore[type-arg]
        def __iter__(self) -> Any:
            raise AssertionError

    assert nodes_in({"data": Trap([1.0, 2.0]), "text": "abc", "x": (v := Value(1.0))}) == {
        v: scope_of.Found("x", None)
    }


def test_a_program_with_a_great_deal_in_lists_is_drawn_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scope_of, "MOST_PARTS", 50)
    loss = Value(1.0)
    data = [[None, None]] * 1000
    found = nodes_in({"data": data, "loss": loss, "last": [Value(2.0)]})
    assert found[loss].path == "loss"


# --- The caller's variables -----------------------------------------------------------------------

shadowed = outer = Value(7.0)


def test_locals_hide_globals() -> None:
    shadowed = Value(1.0)
    names = Names(topological_order(shadowed * outer), scope_of_caller())
    assert names[shadowed] == "shadowed"
    assert names[outer] == "outer"


def test_inside_a_method_numbers_go_by_self() -> None:
    class Model:
        def __init__(self) -> None:
            self.w = Value(2.0)

        def look(self) -> list[str]:
            y = self.w * 3.0
            names = Names(topological_order(y), scope_of_caller())
            return [names[self.w], names[y]]

    assert Model().look() == ["self.w", "y"]


def test_inside_a_comprehension_and_a_lambda() -> None:
    w = Value(2.0)
    look = lambda: Names([w], scope_of_caller())[w]  # noqa: E731
    assert [look(), *[Names([w], scope_of_caller())[w] for _ in range(1)]] == ["w", "w"]


def test_in_a_notebook_the_cells_variables_count(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = {"__name__": "__main__", "weight": Value(1.0), "_": None, "Out": {}}
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(**cell))  # type: ignore[arg-type]
    formatter: dict[str, Any] = {"__name__": "IPython.core.formatters", "ask": scope_of_caller}
    exec("def show(obj):\n    return ask()", formatter)
    assert formatter["show"](None)["weight"] is cell["weight"]
