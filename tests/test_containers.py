"""Sequential, Residual, Flatten, and the place in a model that an error of shapes tells."""

import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import Tensor, nn

BATCH = np.random.default_rng(0).normal(size=(5, 4))


def linear(nin: int, nout: int, seed: int = 0) -> nn.Linear:
    return nn.Linear(nin, nout, dtype=np.float64, rng=seed)


# Sequential


def test_a_slice_of_a_sequential_is_a_sequential_of_the_same_layers() -> None:
    model = nn.Sequential(linear(4, 3), nn.Tanh(), linear(3, 3, 1), nn.Softmax())
    for part in (slice(2), slice(1, None), slice(-1), slice(None, None, 2), slice(3, 1)):
        found = model[part]
        assert type(found) is nn.Sequential
        assert len(found) == len(model.layers[part])
        assert all(a is b for a, b in zip(found, model.layers[part], strict=True))
    assert model[-1] is model.layers[3]
    assert model[2:](model[:2](BATCH)).data == pytest.approx(model(BATCH).data, rel=1e-15)
    model[:1][0].bias.data = [9.0, 9.0, 9.0]
    assert model[0].bias.data.tolist() == [9.0] * 3
    with pytest.raises(IndexError):
        model[4]


def test_a_sequential_of_nothing_gives_back_what_came() -> None:
    x = Tensor(BATCH)
    assert nn.Sequential()(x) is x
    assert nn.Sequential().parameters() == []
    assert repr(nn.Sequential()) == "Sequential()"


def test_the_list_of_layers_may_be_changed() -> None:
    model = nn.Sequential(linear(4, 3))
    model.layers.append(nn.Tanh())
    assert model(BATCH).data == pytest.approx(np.tanh(BATCH @ model[0].weight.data), rel=1e-13)


def test_a_sequential_takes_a_list_of_nothing_but_layers() -> None:
    for broken in ([nn.Tanh(), 3], [None], ["Tanh"], [[nn.Tanh()], nn.Tanh()]):
        with pytest.raises(TypeError, match=r"Sequential takes layers, but .* came, a"):
            nn.Sequential(*broken)


# Residual


def test_a_residual_adds_what_its_module_says_to_what_it_heard() -> None:
    layer = linear(4, 4)
    x = Tensor(BATCH)
    y = nn.Residual(layer)(x)
    np.testing.assert_allclose(y.data, BATCH + BATCH @ layer.weight.data, rtol=1e-13)
    y.sum().backward()
    expected = np.tile(1.0 + layer.weight.data.sum(axis=1), (5, 1))
    np.testing.assert_allclose(x.grad, expected, rtol=1e-13)
    assert [name for name, _ in nn.Residual(layer).named_parameters()] == [
        "module.weight",
        "module.bias",
    ]


def test_a_residual_whose_module_says_nothing_is_its_input_with_its_gradient() -> None:
    x = Tensor(BATCH)
    y = nn.Residual(nn.Linear(4, 4, init="zeros", dtype=float))(x)
    assert np.array_equal(y.data, BATCH)
    upstream = np.random.default_rng(1).normal(size=BATCH.shape)
    y.backward(upstream)
    assert np.array_equal(x.grad, upstream)


def test_a_residual_takes_any_function_that_keeps_the_shape() -> None:
    residual = nn.Residual(tg.tanh)
    np.testing.assert_allclose(residual(Tensor(BATCH)).data, BATCH + np.tanh(BATCH), rtol=1e-14)
    np.testing.assert_allclose(residual(BATCH), BATCH + np.tanh(BATCH), rtol=1e-14)
    assert repr(residual) == "Residual(tanh)"
    for broken in (3, "tanh", None, [nn.Tanh()]):
        with pytest.raises(TypeError, match=r"Residual takes a layer, but .* came"):
            nn.Residual(broken)


def test_derivatives_through_residuals_pass_the_check() -> None:
    def respond(x: Any, weight: Any) -> Any:
        inner = nn.Residual(lambda h: tg.tanh(h @ weight))
        return nn.Residual(nn.Sequential(inner, nn.LayerNorm(4, dtype=float)))(x)

    weight = np.random.default_rng(2).normal(size=(4, 4))
    report = tg.gradcheck(respond, BATCH, weight)
    assert report, report


@pytest.mark.parametrize("shape", [(5, 1), (1, 4), (5, 3), (4,), (5, 4, 1), ()])
def test_a_residual_refuses_another_shape_even_if_it_would_broadcast(shape: Any) -> None:
    residual = nn.Residual(lambda x: Tensor(np.zeros(shape)))
    for x in (BATCH, Tensor(BATCH), BATCH.tolist()):
        with pytest.raises(tg.ShapeError) as caught:
            residual(x)
        assert str(caught.value) == (
            f"Residual: expected the module to keep the shape (5, 4), but it gave {shape}; only "
            "equal shapes are added, for broadcasting would repeat one of them"
        )


# Flatten


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 12), (3,), (1, 1, 1), (0, 2, 3), (2, 0, 3)])
def test_flatten_makes_each_sample_a_row_in_numpys_order(shape: tuple[int, ...]) -> None:
    numbers = np.arange(np.prod(shape), dtype=float).reshape(shape)
    x = Tensor(numbers)
    y = nn.Flatten()(x)
    assert y.shape == (shape[0], int(np.prod(shape[1:])))
    for row, sample in zip(y.data, numbers, strict=True):
        assert np.array_equal(row, sample.ravel())
    y.backward(y.data)
    assert np.array_equal(x.grad, numbers)


def test_flatten_takes_plain_arrays_and_what_lies_otherwise_in_memory() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4).transpose(0, 2, 1)
    rows = nn.Flatten()(images)
    assert rows.dtype == np.uint8
    assert rows[0, :4].tolist() == [0, 4, 8, 1]
    assert np.array_equal(nn.Flatten()(Tensor(images)).data, rows)


def test_a_single_number_has_no_batch_to_keep() -> None:
    for x in (3.0, np.array(3.0), Tensor(3.0)):
        with pytest.raises(tg.ShapeError, match=r"^Flatten\(\): expected \(batch, \.\.\.\), got a"):
            nn.Flatten()(x)


# Every layer

IMAGES = np.random.default_rng(0).normal(size=(3, 2, 4, 4))
ON_ROWS = [
    "Linear(4, 3)",
    "Flatten()",
    "Dropout(0.5)",
    "BatchNorm1d(4)",
    "BatchNorm1d(4, affine=False)",
    "LayerNorm(4)",
    "ReLU()",
    "LeakyReLU(alpha=0.1)",
    "Tanh()",
    "Sigmoid()",
    "GELU()",
    "GELU(approximate='tanh')",
    "Softplus()",
    "Softmax()",
    "Softmax(axis=0)",
    "Residual(Linear(4, 4))",
    "Sequential(Linear(4, 3), BatchNorm1d(3), ReLU())",
    "Residual(Sequential(LayerNorm(4), Linear(4, 4), Tanh()))",
]
ON_IMAGES = [
    "Conv2d(2, 3, 3, padding=1)",
    "MaxPool2d(2)",
    "AvgPool2d(2, stride=1)",
    "Sequential(Conv2d(2, 2, 1), Flatten(), LayerNorm(32))",
]
EVERY = [*[(name, BATCH[:3]) for name in ON_ROWS], *[(name, IMAGES) for name in ON_IMAGES]]


def test_every_layer_is_among_those_tried() -> None:
    tried = set(re.findall(r"\w+(?=\()", " ".join(name for name, _ in EVERY)))
    offered = [getattr(nn, name) for name in nn.__all__]
    layers = {x.__name__ for x in offered if isinstance(x, type) and issubclass(x, nn.Module)}
    assert layers - tried == {"Module", "Neuron", "Layer", "MLP"}


@pytest.mark.parametrize(("written", "x"), EVERY, ids=[name for name, _ in EVERY])
def test_a_repr_is_the_call_that_makes_the_layer(written: str, x: np.ndarray) -> None:
    assert repr(eval(written, vars(nn))) == written


@pytest.mark.parametrize(("written", "x"), EVERY, ids=[name for name, _ in EVERY])
def test_no_layer_widens_float32(written: str, x: np.ndarray) -> None:
    layer = eval(written, vars(nn))
    batch = Tensor(x, dtype=np.float32)
    y = layer(batch)
    (y * y).sum().backward()
    held = [leaf for _, leaf in layer.named_numbers()]
    arrays = [y, batch.grad, *held, *(p.grad for p in layer.parameters())]
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}


@pytest.mark.parametrize(("written", "x"), EVERY, ids=[name for name, _ in EVERY])
def test_every_layer_moves_to_float64(written: str, x: np.ndarray) -> None:
    layer = eval(written, vars(nn)).to(np.float64)
    batch = Tensor(x)
    y = layer(batch)
    (y * y).sum().backward()
    arrays = [y, batch.grad, *(p.grad for p in layer.parameters())]
    assert {a.dtype for a in arrays} == {np.dtype(np.float64)}


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize(("written", "x"), EVERY, ids=[name for name, _ in EVERY])
def test_a_batch_of_one_or_none_goes_through_in_evaluation(
    written: str, x: np.ndarray, count: int
) -> None:
    layer = eval(written, vars(nn)).eval()
    batch = Tensor(x[:count], dtype=np.float32)
    y = layer(batch)
    assert y.shape == (count, *layer(Tensor(x, dtype=np.float32)).shape[1:])
    if written != "Softmax(axis=0)":
        whole = layer(Tensor(x, dtype=np.float32)).data[:count]
        np.testing.assert_allclose(y.data, whole, rtol=1e-5, atol=1e-6)
    y.sum().backward()
    assert batch.grad.shape == batch.shape


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize(("written", "x"), EVERY, ids=[name for name, _ in EVERY])
def test_a_batch_of_one_or_none_trains_all_but_batch_norm(
    written: str, x: np.ndarray, count: int
) -> None:
    layer = eval(written, vars(nn))
    if "BatchNorm" in written:
        with pytest.raises(tg.ShapeError, match="a single sample has no spread"):
            layer(Tensor(x[:count]))
    else:
        layer(Tensor(x[:count])).sum().backward()
        assert all(np.isfinite(p.grad).all() for p in layer.parameters())


@pytest.mark.parametrize(("written", "x"), EVERY, ids=[name for name, _ in EVERY])
def test_every_layer_takes_a_plain_array_as_it_takes_a_tensor(written: str, x: np.ndarray) -> None:
    layer, other = (eval(written, {**vars(nn), "Dropout": unsettled}) for _ in range(2))
    other.load_state_dict(layer.state_dict())
    narrow = x.astype(np.float32)
    plain = np.asarray(layer(narrow).data)
    assert plain.dtype == np.float32
    np.testing.assert_allclose(plain, other(Tensor(narrow)).data, rtol=1e-6)


def unsettled(p: float) -> nn.Dropout:
    return nn.Dropout(p, rng=0)


# Reprs


def test_a_long_sequential_is_written_a_layer_a_line_with_inner_ones_indented() -> None:
    block = nn.Sequential(
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.ReLU(),
        nn.Conv2d(32, 16, (3, 1), padding=(1, 0), bias=False),
        nn.MaxPool2d(2),
    )
    model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.Residual(block), nn.Flatten(), nn.Linear(64, 10))
    assert repr(model) == (
        "Sequential(\n"
        "    Conv2d(1, 16, 3),\n"
        "    Residual(Sequential(\n"
        "        Conv2d(16, 32, 3, padding=1, bias=False),\n"
        "        ReLU(),\n"
        "        Conv2d(32, 16, (3, 1), padding=(1, 0), bias=False),\n"
        "        MaxPool2d(2),\n"
        "    )),\n"
        "    Flatten(),\n"
        "    Linear(64, 10),\n"
        ")"
    )
    assert repr(eval(repr(model), vars(nn))) == repr(model)


def test_a_sequential_is_written_on_one_line_up_to_a_hundred_signs() -> None:
    def f(x: Any) -> Any:
        return x

    for letters, lines in ((88, 1), (89, 3)):
        f.__name__ = "f" * letters  # besides "Sequential()", 12 signs
        assert len(repr(nn.Sequential(f)).splitlines()) == lines


def test_functions_stand_in_a_repr_by_name() -> None:
    assert repr(nn.Sequential(tg.sin, nn.ReLU(), abs)) == "Sequential(sin, ReLU(), abs)"


# Where in the model


class Net(nn.Module):
    """Parts in an attribute, a list, a dict; `way` is the one that is called."""

    def __init__(self, way: Callable[["Net"], Any]) -> None:
        self.way = way
        self.encoder = nn.Sequential(nn.Linear(4, 4, rng=0), nn.Tanh(), nn.Linear(5, 4, rng=0))
        self.blocks = [nn.Linear(7, 7, rng=0), (nn.Tanh(), nn.Sequential(nn.Linear(8, 8, rng=0)))]
        self.heads = {"digit": nn.Linear(9, 3, rng=0), 1: nn.Linear(6, 6, rng=0)}
        self.nested = {"a": [{"b": nn.Residual(nn.Linear(3, 3, rng=0))}]}

    def forward(self, x: Any) -> Any:
        return self.way(self)(x)


PLACES: dict[str, Callable[[Net], Any]] = {
    "Net.encoder[2] Linear(5, 4): expected (batch, 5), got (2, 4)": lambda net: net.encoder,
    "Net.blocks[0] Linear(7, 7): expected (batch, 7), got (2, 4)": lambda net: net.blocks[0],
    "Net.blocks[1][1][0] Linear(8, 8): expected": lambda net: net.blocks[1][1],
    "Net.heads['digit'] Linear(9, 3): expected": lambda net: net.heads["digit"],
    "Net.heads[1] Linear(6, 6): expected": lambda net: net.heads[1],
    "Net.nested['a'][0]['b'].module Linear(3, 3): expected": lambda net: net.nested["a"][0]["b"],
}


@pytest.mark.parametrize(("said", "way"), PLACES.items(), ids=PLACES)
def test_an_error_of_shapes_names_its_place_as_one_would_write_it(said: str, way: Any) -> None:
    net = Net(way)
    x = np.zeros((2, 4))
    for _ in range(2):
        with pytest.raises(tg.ShapeError) as caught:
            net(x)
        assert str(caught.value).startswith(said)
    with pytest.raises(tg.ShapeError) as caught:
        nn.Sequential(nn.Tanh(), nn.Residual(net))(x)
    assert str(caught.value).startswith("Sequential[1].module" + said.removeprefix("Net"))


class Scale(nn.Module):
    """A module of one's own, whose operations check their shapes themselves."""

    def __init__(self, width: int) -> None:
        self.weight = Tensor(np.zeros((width, width)))

    def forward(self, x: Any) -> Any:
        return x @ self.weight


def test_a_network_tells_which_of_its_layers_was_given_another_width() -> None:
    model = nn.Sequential(nn.Linear(784, 64, rng=0), nn.ReLU(), nn.Linear(128, 64, rng=0))
    with pytest.raises(tg.ShapeError) as caught:
        model(np.zeros((32, 784)))
    assert str(caught.value) == (
        "Sequential[2] Linear(128, 64): expected (batch, 128), got (32, 64); Linear(64, 64) would "
        "take that"
    )


CONV = nn.Conv2d(1, 2, 3, rng=0)
SHARED = nn.Linear(4, 4, rng=0)
LOCATED: list[tuple[Any, tuple[int, ...], str]] = [
    (nn.Sequential(CONV), (2, 9, 9, 1), "Sequential[0] Conv2d(1, 2, 3): expected (batch, 1,"),
    (nn.Sequential(CONV, nn.MaxPool2d(8)), (2, 1, 9, 9), "Sequential[1] MaxPool2d(8): expected im"),
    (
        nn.Sequential(CONV, nn.Linear(98, 3, rng=0)),
        (2, 1, 9, 9),
        "Sequential[1] Linear(98, 3): expected (batch, 98), got (2, 2, 7, 7); put Flatten() before",
    ),
    (
        nn.Sequential([nn.Linear(3, 2, rng=0)]),
        (3, 5),
        "Sequential[0] Linear(3, 2): expected (batch,",
    ),
    (nn.Sequential(nn.BatchNorm1d(3)), (1, 3), "Sequential[0] BatchNorm1d(3): expected (batch, 3)"),
    (nn.Sequential(nn.LayerNorm(3)), (2, 4), "Sequential[0] LayerNorm(3): expected (..., 3), got"),
    (nn.Sequential(nn.Tanh(), nn.Flatten()), (), "Sequential[1] Flatten(): expected (batch, ...)"),
    (
        nn.Sequential(nn.Residual(nn.Linear(4, 1, rng=0))),
        (2, 4),
        "Sequential[0] Residual: expected the module to keep the shape (2, 4), but it gave (2, 1)",
    ),
    (
        nn.Sequential(nn.Tanh(), nn.Residual(nn.Sequential(nn.Tanh(), nn.Linear(4, 1, rng=0)))),
        (2, 3),
        "Sequential[1].module[1] Linear(4, 1): expected (batch, 4), got (2, 3)",
    ),
    (
        nn.Sequential(nn.Linear(4, 4, rng=0), Scale(5)),
        (2, 4),
        "Sequential[1] Scale(): cannot multiply shapes (2, 4) @ (5, 5): the last axis",
    ),
    (
        nn.Sequential(nn.Linear(4, 4, rng=0), nn.Softmax(axis=3)),
        (2, 4),
        "Sequential[1] Softmax(axis=3): axis 3 does not fit a Tensor of shape (2, 4)",
    ),
    (
        nn.Sequential(nn.Linear(4, 4, rng=0), lambda x: nn.Linear(3, 3, rng=0)(x)),
        (2, 4),
        "Sequential[1] Linear(3, 3): expected (batch, 3), got (2, 4)",
    ),
    (
        nn.Sequential(nn.Linear(4, 4, rng=0), lambda x: x.reshape(3, 7), nn.Linear(4, 4, rng=0)),
        (2, 4),
        "Sequential[1] cannot reshape (2, 4) (8 numbers) into (3, 7)",
    ),
    (
        nn.Sequential(SHARED, nn.ReLU(), nn.Linear(4, 3, rng=0), SHARED),
        (2, 4),
        "Sequential[3] Linear(4, 4): expected (batch, 4), got (2, 3)",
    ),
]


@pytest.mark.parametrize(("model", "shape", "said"), LOCATED, ids=[said for *_, said in LOCATED])
def test_every_layer_of_a_model_is_told_apart(model: Any, shape: Any, said: str) -> None:
    for _ in range(2):  # the second failure says what the first said
        with pytest.raises(tg.ShapeError) as caught:
            model(np.zeros(shape))
        assert str(caught.value).startswith(said)
        assert str(caught.value).count("expected") <= 1
        assert str(caught.value).count("Sequential") <= 1


def test_a_container_whose_forward_is_called_has_its_place_too() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.body = nn.Sequential(nn.Linear(4, 5, rng=0), nn.Linear(6, 3, rng=0))

        def forward(self, x: Any) -> Any:
            return self.body.forward(x)

    with pytest.raises(tg.ShapeError, match=r"^Net\.body\[1\] Linear\(6, 3\): expected"):
        Net()(np.zeros((2, 4)))


def test_a_layer_by_itself_needs_no_place() -> None:
    with pytest.raises(tg.ShapeError, match=r"^Linear\(3, 2\): expected"):
        nn.Linear(3, 2)(np.zeros((2, 4)))
    with pytest.raises(tg.ShapeError, match=r"^cannot multiply shapes"):
        Scale(5)(np.zeros((2, 4)))


def test_an_error_of_ones_own_is_told_its_place_and_stays_what_it_is() -> None:
    class TooWideError(tg.ShapeError):
        pass

    class Picky(nn.Module):
        def forward(self, x: Any) -> Any:
            try:
                raise ValueError("the cause")
            except ValueError as error:
                raise TooWideError("rows are too wide") from error

    class Broken(nn.Module):
        def forward(self, x: Any) -> Any:
            raise TypeError("nothing about shapes")

    with pytest.raises(TooWideError) as caught:
        nn.Sequential(nn.Sequential(nn.Tanh(), Picky()))(BATCH)
    assert str(caught.value) == "Sequential[0][1] Picky(): rows are too wide"
    assert str(caught.value.__cause__) == "the cause"
    assert caught.value.__context__ is caught.value.__cause__
    with pytest.raises(TypeError, match=r"^nothing about shapes$"):
        nn.Sequential(Broken())(BATCH)


def test_a_part_that_points_back_to_the_whole_is_found() -> None:
    model = nn.Sequential(nn.Tanh(), nn.Linear(3, 3, rng=0))
    model[0].whole = model
    model[1].whole = model
    with pytest.raises(tg.ShapeError, match=r"^Sequential\[1\] Linear\(3, 3\): expected"):
        model(np.zeros((2, 4)))


def test_a_model_works_after_an_error_and_an_error_can_be_pickled() -> None:
    model = nn.Sequential(nn.Linear(4, 3, rng=0), nn.Tanh())
    before = model(BATCH).data
    with pytest.raises(tg.ShapeError) as caught:
        model(BATCH[:, :2])
    assert np.array_equal(model(BATCH).data, before)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_the_place_is_told_through_transforms_and_through_predict() -> None:
    model = nn.Sequential(nn.Linear(4, 3, dtype=float, rng=0), nn.Linear(2, 1, rng=0))
    said = r"Sequential\[1\] Linear\(2, 1\): expected \(batch, 2\), got \(5, 3\)"
    with pytest.raises(tg.ShapeError, match=said):
        tg.grad(lambda x: model(x).sum())(BATCH)
    with pytest.raises(tg.ShapeError, match=said):
        nn.predict(model, BATCH)


def test_a_model_that_cannot_be_listed_does_not_hide_the_error_of_shapes() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            self.parts = {tg.Value(1.0)}  # a set, whose parameters have no names
            self.inner = linear(4, 3)

        def forward(self, x: Any) -> Any:
            return self.inner(x)

    with pytest.raises(tg.ShapeError, match=re.escape("expected (batch, 4), got")):
        Odd()(BATCH[:, :3])
