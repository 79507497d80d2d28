"""summary: a model as a table, against numbers counted by hand and against the memory in use."""

import gc
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.test_checkpoint import bits
from twingrad import Tensor, nn

# Counted by hand


def test_a_network_by_hand() -> None:
    model = nn.Sequential(
        nn.Linear(3, 5, rng=0),
        nn.BatchNorm1d(5),
        nn.Tanh(),
        nn.Dropout(0.5, rng=1),
        nn.Linear(5, 2, bias=False, rng=2),
    )
    table = nn.summary(model, (7, 3))
    assert [(row.path, row.layer) for row in table.rows] == [
        ("[0]", "Linear(3, 5)"),
        ("[1]", "BatchNorm1d(5)"),
        ("[2]", "Tanh()"),
        ("[3]", "Dropout(0.5)"),
        ("[4]", "Linear(5, 2, bias=False)"),
    ]
    assert [row.shape for row in table.rows] == [(7, 5)] * 4 + [(7, 2)]
    assert [row.parameters for row in table.rows] == [3 * 5 + 5, 5 + 5, 0, 0, 5 * 2]
    assert table.parameters == 20 + 10 + 10
    assert table.frozen == 5 + 5  # the running mean and variance
    full = 7 * 5 * 4  # bytes of a result of float32
    assert table.rows[0].kept == full
    # standardized, times weight, plus bias, and the spread of each column
    assert table.rows[1].kept == 3 * full + 5 * 4
    assert table.rows[2].kept == full
    assert table.rows[3].kept == full + 7 * 5  # and which were kept, a byte each
    assert table.rows[4].kept == 7 * 2 * 4
    assert table.kept == sum(row.kept for row in table.rows)
    assert table.input_shape == (7, 3)


def test_a_convolutional_network_by_hand() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=0),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 10, rng=1),
    )
    table = nn.summary(model, (8, 1, 8, 8))
    shapes = [(8, 4, 6, 6), (8, 4, 6, 6), (8, 4, 3, 3), (8, 36), (8, 10)]
    assert [row.shape for row in table.rows] == shapes
    assert [row.parameters for row in table.rows] == [4 * 9 + 4, 0, 0, 0, 36 * 10 + 10]
    assert table.rows[1].kept == 8 * 4 * 6 * 6 * 4
    assert table.rows[4].kept == 8 * 10 * 4


def test_double_precision_takes_twice_the_bytes() -> None:
    single, double = (
        nn.Sequential(nn.Linear(3, 5, dtype=dtype, rng=0), nn.Tanh()) for dtype in ("f4", "f8")
    )
    assert nn.summary(double, (7, 3)).kept == 2 * nn.summary(single, (7, 3)).kept == 2 * 2 * 140


def test_the_table_has_a_line_for_each_row_and_one_for_their_sum() -> None:
    model = nn.Sequential(nn.Linear(3, 1000, rng=0), nn.BatchNorm1d(1000), nn.Tanh())
    name, titles, rule, *lines, end, total, frozen = repr(nn.summary(model, (2, 3))).splitlines()
    assert name == "Sequential"
    assert titles.split() == ["layer", *"output shape parameters bytes for backward".split()]
    assert set(rule) == set(end) == {"─"}
    assert [line.split() for line in lines] == [
        ["[0]", "Linear(3,", "1000)", "(2,", "1000)", "4,000", "8,000"],
        ["[1]", "BatchNorm1d(1000)", "(2,", "1000)", "2,000", "28,000"],
        ["[2]", "Tanh()", "(2,", "1000)", "8,000"],
    ]
    assert total.split() == ["input", "(2,", "3)", "6,000", "44,000"]
    assert frozen == "and 2,000 numbers that are not learned"
    assert {len(line) for line in (titles, rule, *lines, end, total)} == {len(rule)}


# The memory in use

NETWORKS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    name: (nn.Sequential(*layers), shape)
    for name, layers, shape in [
        ("linear", [nn.Linear(50, 100, rng=0)], (400, 50)),
        ("no bias", [nn.Linear(50, 100, bias=False, rng=0), nn.ReLU()], (400, 50)),
        ("dropout first", [nn.Dropout(0.5, rng=0), nn.Linear(50, 99, rng=0)], (400, 50)),
        ("batch norm first", [nn.BatchNorm1d(50), nn.Linear(50, 99, rng=0)], (400, 50)),
        ("batch norm", [nn.Linear(50, 100, rng=0), nn.BatchNorm1d(100)], (400, 50)),
        ("layer norm", [nn.Linear(50, 100, rng=0), nn.LayerNorm(100)], (400, 50)),
        ("dropout", [nn.Linear(50, 100, rng=0), nn.Dropout(0.25, rng=0)], (400, 50)),
        ("gelu", [nn.Linear(50, 100, rng=0), nn.GELU(), nn.Softplus()], (400, 50)),
        ("softmax", [nn.Linear(50, 100, rng=0), nn.LeakyReLU(), nn.Softmax()], (400, 50)),
        ("residual", [nn.Linear(50, 100, rng=0), nn.Residual(nn.Sigmoid())], (400, 50)),
        ("functions", [nn.Linear(50, 100, rng=0), lambda x: (x**2).sum(axis=1)], (400, 50)),
        (
            "convolution",
            [nn.Conv2d(1, 8, 3, rng=0), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(392, 9, rng=0)],
            (20, 1, 16, 16),
        ),
        ("average", [nn.Conv2d(1, 8, 3, padding=1, rng=0), nn.AvgPool2d(2)], (20, 1, 16, 16)),
    ]
}


def held(model: nn.Module, shape: tuple[int, ...]) -> int:
    """The bytes that Python sees in use after a forward pass and not before."""
    x = np.zeros(shape, np.float32)
    model.train()(x)  # whatever is made once is made
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        output = model(x)
        after = tracemalloc.get_traced_memory()[0]
        del output
    finally:
        tracemalloc.stop()
    return after - before


@pytest.mark.parametrize("name", NETWORKS)
def test_the_bytes_for_backward_are_those_that_a_forward_pass_leaves_in_use(name: str) -> None:
    model, shape = NETWORKS[name]
    objects = 8_000  # the nodes themselves, and not the arrays they hold
    assert 0 <= held(model, shape) - nn.summary(model, shape).kept < objects


# Rows


def test_a_shared_layer_is_counted_once_and_shown_at_each_call() -> None:
    shared = nn.Linear(3, 3, rng=0)
    table = nn.summary(nn.Sequential(shared, nn.Tanh(), shared), (5, 3))
    assert [row.parameters for row in table.rows] == [12, 0, 0]
    assert [row.path for row in table.rows] == ["[0]", "[1]", "[0]"]
    assert [row.kept for row in table.rows] == [60, 60, 60]
    assert table.parameters == 12


def test_what_is_shared_is_not_frozen() -> None:
    shared = nn.Linear(3, 3, rng=0)
    assert nn.summary(nn.Sequential(shared, shared), (5, 3)).frozen == 0


def test_frozen_parameters_are_not_counted_as_learned() -> None:
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Linear(4, 2, rng=1))
    model[0].weight.constant = True
    table = nn.summary(model, (5, 3))
    assert (table.parameters, table.frozen) == (4 + 8 + 2, 12)
    assert [row.parameters for row in table.rows] == [4, 10]
    assert repr(table).endswith("\nand 12 numbers that are not learned")


def test_a_container_has_a_row_of_its_own_above_its_parts() -> None:
    model = nn.Sequential(
        nn.Linear(3, 4, rng=0), nn.Residual(nn.Sequential(nn.Linear(4, 4, rng=1), nn.Tanh()))
    )
    table = nn.summary(model, (5, 3))
    assert [(row.path, row.layer, row.depth, row.parameters, row.kept) for row in table.rows] == [
        ("[0]", "Linear(3, 4)", 0, 16, 80),
        ("[1]", "Residual", 0, 0, 80),
        ("[1].module", "Sequential", 1, 0, 0),
        ("[1].module[0]", "Linear(4, 4)", 2, 20, 80),
        ("[1].module[1]", "Tanh()", 2, 0, 80),
    ]
    lines = repr(table).splitlines()
    assert lines[4].startswith("[1] Residual ")
    assert lines[5].startswith("  [1].module Sequential ")
    assert lines[6].startswith("    [1].module[0] Linear(4, 4) ")


def test_ten_layers_and_more_stand_at_one_depth() -> None:
    model = nn.Sequential(*[nn.Tanh() for _ in range(12)])
    table = nn.summary(model, (5, 3))
    assert [row.depth for row in table.rows] == [0] * 12
    assert [row.path for row in table.rows] == [f"[{i}]" for i in range(12)]


class Two(nn.Module):
    """Two layers, the name of one the beginning of the other's."""

    def __init__(self) -> None:
        self.fc = nn.Linear(3, 3, rng=0)
        self.fc2 = nn.Linear(3, 2, rng=1)

    def forward(self, x: Any) -> Any:
        return self.fc2(self.fc(x))


def test_a_name_that_begins_with_anothers_is_not_inside_it() -> None:
    assert [row.depth for row in nn.summary(Two(), (5, 3)).rows] == [0, 0]


class Scale(nn.Module):
    def __init__(self, width: int) -> None:
        self.factor = Tensor(np.ones(width, np.float32))

    def forward(self, x: Any) -> Any:
        return x * self.factor


def test_a_layer_of_ones_own_counts_its_parameter() -> None:
    table = nn.summary(nn.Sequential(nn.Linear(3, 4, rng=0), Scale(4)), (5, 3))
    assert [(row.path, row.layer, row.parameters, row.kept) for row in table.rows] == [
        ("[0]", "Linear(3, 4)", 16, 80),
        ("[1]", "Scale()", 4, 80),
    ]


def test_what_a_model_does_and_learns_outside_of_its_layers_is_its_own_row() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            self.inner, self.shift = nn.Linear(3, 4, rng=0), Tensor(np.ones(4, np.float32))

        def forward(self, x: Any) -> Any:
            return self.inner(x) + self.shift

    table = nn.summary(Own(), (5, 3))
    assert [(row.path, row.layer, row.parameters, row.kept) for row in table.rows] == [
        (".inner", "Linear(3, 4)", 16, 80),
        ("", "Own", 4, 80),
    ]
    assert table.parameters == 20


def test_a_single_layer_is_a_table_of_one_row() -> None:
    table = nn.summary(nn.Linear(3, 4, rng=0), (5, 3))
    assert [(row.layer, row.shape, row.parameters, row.kept) for row in table.rows] == [
        ("Linear(3, 4)", (5, 4), 16, 80)
    ]
    assert nn.summary(nn.Tanh(), (5, 3)).parameters == 0


def test_a_layer_that_is_not_called_has_no_row_but_counts() -> None:
    class Idle(nn.Module):
        def __init__(self) -> None:
            self.used, self.idle = nn.Linear(3, 4, rng=0), nn.Linear(4, 4, rng=1)

        def forward(self, x: Any) -> Any:
            return self.used(x)

    table = nn.summary(Idle(), (5, 3))
    assert table.parameters == 16 + 20
    assert [row.path for row in table.rows if row.path] == [".used"]
    assert sum(row.parameters for row in table.rows) == 36


def test_parameters_in_a_list_belong_to_the_layer_that_holds_the_list() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            self.factors = [Tensor(np.ones(3, np.float32)), Tensor(np.ones(3, np.float32))]

        def forward(self, x: Any) -> Any:
            return x * self.factors[0] * self.factors[1]

    table = nn.summary(nn.Sequential(Pair(), nn.Tanh()), (5, 3))
    assert [row.parameters for row in table.rows] == [6, 0]


def test_a_result_that_a_layer_remembers_is_no_parameter() -> None:
    class Remembers(Scale):
        def forward(self, x: Any) -> Any:
            self.last = x * self.factor
            return self.last

    model = nn.Sequential(Remembers(3))
    model(np.ones((5, 3), np.float32))
    assert [row.parameters for row in nn.summary(model, (5, 3)).rows] == [3]


def test_a_model_that_is_given_plain_arrays_only_has_shapes_too() -> None:
    table = nn.summary(nn.Sequential(nn.Flatten(), nn.ReLU()), (5, 1, 2, 3))
    assert [row.shape for row in table.rows] == [(5, 6)] * 2


def test_a_layer_that_keeps_a_plain_array_is_measured() -> None:
    class Centred(nn.Module):
        def __init__(self) -> None:
            self.mean = np.ones(3, np.float32)

        def forward(self, x: Any) -> Any:
            return x - self.mean

    table = nn.summary(nn.Sequential(nn.Linear(3, 3, rng=0), Centred()), (5, 3))
    assert (table.parameters, table.frozen) == (12, 3)


def test_a_layer_of_several_outputs_is_measured_or_refused_by_name() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            self.linear = nn.Linear(3, 3, rng=0)

        def forward(self, x: Any) -> Any:
            return self.linear(x), x

    model = nn.Sequential(Both(), lambda pair: pair[0] * 2.0)
    try:
        table = nn.summary(model, (5, 3))
    except TypeError as error:
        assert "Both" in str(error)
    else:
        assert table.parameters == 12


# Nothing left behind


def something_of_everything() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(3, 4, rng=0),
        nn.BatchNorm1d(4),
        nn.Dropout(0.5, rng=1),
        nn.Residual(nn.Sequential(nn.Linear(4, 4, rng=2), nn.Dropout(0.25, rng=3))),
        Scale(4),
    )


def modules(model: nn.Module) -> Iterator[dict[str, Any]]:
    return (vars(module) for module in model.modules())


def test_a_model_is_left_as_it_was() -> None:
    model = something_of_everything()
    model(np.ones((5, 3), np.float32)).sum().backward()
    model[1].eval()
    before = bits(model), [list(attributes) for attributes in modules(model)]
    first = nn.summary(model, (5, 3))
    names = [[name for name in attributes if name != "training"] for attributes in modules(model)]
    assert bits(model) == before[0]
    assert names == [[name for name in kept if name != "training"] for kept in before[1]]
    assert not any("forward" in attributes for attributes in modules(model))
    assert repr(nn.summary(model, (5, 3))) == repr(first)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, tg.ShapeError])
def test_a_model_that_raises_is_left_as_it_was(error: type[BaseException]) -> None:
    class Broken(nn.Module):
        def forward(self, x: Any) -> Any:
            raise error("in the midst")

    model = nn.Sequential(*something_of_everything().layers, Broken(), nn.Tanh())
    before = bits(model)
    with pytest.raises(error, match="in the midst"):
        nn.summary(model, (5, 3))
    assert bits(model) == before
    assert not any("forward" in attributes for attributes in modules(model))


def test_a_forward_that_was_assigned_to_a_layer_stays() -> None:
    model = nn.Sequential(nn.Linear(3, 4, rng=0))
    whole = model[0].forward
    model[0].forward = lambda x: whole(x) * 2.0
    nn.summary(model, (5, 3))
    assert "forward" in vars(model[0])


def test_gradients_stay() -> None:
    model = something_of_everything()
    model(np.ones((5, 3), np.float32)).sum().backward()
    before = [bits(parameter.grad) for parameter in model.parameters()]
    nn.summary(model, (5, 3))
    assert [bits(parameter.grad) for parameter in model.parameters()] == before


# What is refused


def test_a_model_of_values_is_refused_and_shown_the_way() -> None:
    for model in (nn.MLP(3, [2, 1]), nn.Neuron(3), nn.Layer(3, 2)):
        with pytest.raises(
            TypeError, match=r"one of Values; mlp\.to_tensor\(\) has the same layers"
        ):
            nn.summary(model, (5, 3))
    table = nn.summary(nn.MLP(3, [2, 1], rng=0).to_tensor(), (5, 3))
    assert table.parameters == 3 * 2 + 2 + 2 + 1


@pytest.mark.parametrize("wrong", [lambda x: x, nn.Sequential, None, (5, 3), [nn.Tanh()]])
def test_what_is_no_module_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="summary takes a Module, not "):
        nn.summary(wrong, (5, 3))


def test_a_shape_that_does_not_fit_names_the_place_and_the_shape() -> None:
    with pytest.raises(
        tg.ShapeError, match=r"Sequential\[0\] Linear\(3, 4\): .* got \(5, 2\)"
    ) as it:
        nn.summary(something_of_everything(), (5, 2))
    assert it.value.__notes__ == [
        "summary ran the model on zeros of (5, 2), the first axis the batch"
    ]
    with pytest.raises(tg.ShapeError, match="a batch of two or more"):
        nn.summary(something_of_everything(), (1, 3))


@pytest.mark.parametrize("shape", [(-1, 3), (None, 3), "5, 3", (5, 3.0), np.ones((5, 3)), None])
def test_what_is_no_shape_is_refused_by_name(shape: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="input_shape"):
        nn.summary(something_of_everything(), shape)
