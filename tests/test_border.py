"""Where NumPy meets a node: a node comes back, or an error that names twingrad's own way.

What must never come back is an array of objects, or of numbers that quietly forgot their past.
"""

import contextlib
import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import Node, Tensor, Value

ARRAY = np.array([[0.25, 0.5], [0.75, 1.0]])
OURS = r"tg\.|twingrad|float\(value\)|tensor\.numpy\(\)"
UFUNCS = {name: f for name, f in vars(np).items() if isinstance(f, np.ufunc)}
COMPARISONS = {np.less, np.less_equal, np.greater, np.greater_equal}
DIFFERENTIABLE = {
    *(np.add, np.subtract, np.multiply, np.divide, np.power, np.float_power, np.negative),
    *(np.absolute, np.fabs, np.exp, np.log, np.sqrt, np.sin, np.cos, np.tanh),
    *(np.maximum, np.minimum, np.matmul),
}


def is_plain_and_remembers_nothing(result: Any) -> bool:
    """Whether numbers came back as numbers, or nodes inside an array."""
    if isinstance(result, list | tuple):
        return any(map(is_plain_and_remembers_nothing, result))
    return isinstance(result, np.ndarray | np.inexact | float)


@pytest.fixture(params=["a Value", "a Tensor", "a Tensor without axes"])
def x(request: pytest.FixtureRequest) -> Value | Tensor:
    if request.param == "a Value":
        return Value(0.25)
    return Tensor(ARRAY if request.param == "a Tensor" else 0.25)


# Elementwise functions


@pytest.mark.parametrize("ufunc", UFUNCS.values(), ids=UFUNCS)
def test_every_ufunc_gives_a_node_or_an_error_that_names_ours(ufunc: np.ufunc, x: Any) -> None:
    many = [(x,)] if ufunc.nin == 1 else [(x, x), (x, 0.5), (0.5, x), (np.float64(0.5), x)]
    if ufunc.nin == 2 and isinstance(x, Tensor):
        many += [(x, ARRAY), (ARRAY, x)]
    for inputs in many:
        numbers = [i.data if isinstance(i, Node) else i for i in inputs]
        if ufunc in COMPARISONS:
            np.testing.assert_array_equal(ufunc(*inputs), ufunc(*numbers), strict=True)
        elif ufunc is np.matmul and not all(map(np.ndim, numbers)):
            with pytest.raises((TypeError, ValueError)):
                ufunc(*inputs)
        elif ufunc in DIFFERENTIABLE:
            result = ufunc(*inputs)
            assert type(result) is type(x)
            assert x in result.parents
            np.testing.assert_allclose(result.data, ufunc(*numbers), rtol=1e-15)
        else:
            with pytest.raises(TypeError, match=rf"np\.{ufunc.__name__}[ .](.|\n)*({OURS})"):
                ufunc(*inputs)


@pytest.mark.parametrize("method", ["reduce", "accumulate", "outer", "at", "reduceat"])
def test_every_method_of_a_ufunc_is_an_error_that_names_ours(method: str, x: Any) -> None:
    arguments = {"outer": (x, x), "at": (x, [0], 1.0), "reduceat": (x, [0])}.get(method, (x,))
    with pytest.raises(TypeError, match=rf"np\.add\.{method} has no derivative(.|\n)*tg\."):
        getattr(np.add, method)(*arguments)


def test_a_ufunc_cannot_put_a_node_into_an_array(x: Any) -> None:
    array = ARRAY.copy()
    with pytest.raises(TypeError, match=r"in place \(\+=, out=\)(.|\n)*write a = a \+ b instead"):
        np.add(array, x, out=array)
    for statement in ("array += x", "array -= x", "array *= x", "array /= x", "array **= x"):
        with pytest.raises(TypeError, match="an array cannot take the result"):
            exec(statement, {"array": array, "x": x})
    np.testing.assert_array_equal(array, ARRAY)


def test_keywords_of_a_ufunc_are_an_error(x: Any) -> None:
    with pytest.raises(TypeError, match=r"np\.add has no derivative"):
        np.add(x, 1.0, where=True)
    with pytest.raises(TypeError, match=r"np\.exp has no derivative"):
        np.exp(x, dtype=np.float32)


def test_a_function_made_by_frompyfunc_or_vectorize_is_an_error(x: Any) -> None:
    with pytest.raises(TypeError, match=OURS):
        np.frompyfunc(abs, 1, 1)(x)
    with pytest.raises(TypeError, match=OURS):
        np.vectorize(abs)(x)


@pytest.mark.parametrize(
    "number",
    [
        *(2, 2.0, True, np.float64(2), np.float32(2), np.int8(2), np.uint64(2), np.bool_(1)),
        *(np.array(2.0), np.array(2), np.array(True)),
    ],
    ids=lambda number: f"{type(number).__name__} {number}",
)
def test_numpy_scalars_and_arrays_without_axes_are_numbers(number: Any, x: Any) -> None:
    as_number = float(number)
    for result, expected in [
        (number + x, as_number + x.data),
        (x + number, x.data + as_number),
        (number - x, as_number - x.data),
        (number * x, as_number * x.data),
        (number / x, as_number / x.data),
        (x / number, x.data / as_number),
        (number**x, as_number**x.data),
        (x**number, x.data**as_number),
        (tg.maximum(number, x), np.maximum(as_number, x.data)),
    ]:
        assert type(result) is type(x)
        np.testing.assert_allclose(result.data, expected, rtol=1e-15)
    assert type(Value(number).data) is float
    assert Value(number).data == Tensor(number).item() == as_number
    np.testing.assert_array_equal(x < number, x.data < as_number)
    np.testing.assert_array_equal(number < x, as_number < x.data)


@pytest.mark.parametrize("operation", ["+", "-", "*", "/", "**", "@"])
def test_an_array_on_the_left_gives_a_tensor_with_gradients(operation: str) -> None:
    x = Tensor(ARRAY)
    result = eval(f"array {operation} x", {"array": 2.0 * ARRAY, "x": x})
    assert type(result) is Tensor
    result.sum().backward()
    mirrored = Tensor(ARRAY)
    left = Tensor(2.0 * ARRAY)
    eval(f"left {operation} x", {"left": left, "x": mirrored}).sum().backward()
    np.testing.assert_array_equal(x.grad, mirrored.grad)
    np.testing.assert_array_equal(result.data, eval(f"(2 * a) {operation} a", {"a": ARRAY}))


@pytest.mark.parametrize("operation", ["+", "-", "*", "/", "**"])
@pytest.mark.parametrize("array", [np.ones(1), np.ones(3), np.ones((2, 2)), np.ones(0)])
def test_an_array_with_a_value_is_an_error_on_either_side(operation: str, array: Any) -> None:
    for expression in (f"array {operation} v", f"v {operation} array"):
        with pytest.raises(TypeError, match=r"one number, but an array of shape .*use tg\.Tensor"):
            eval(expression, {"array": array, "v": Value(2.0)})


# Conversions


CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "array": np.array,
    "asarray": np.asarray,
    "array of a list": lambda x: np.array([x, x]),
    "array of objects": lambda x: np.array([x, x], dtype=object),
    "array of floats": lambda x: np.array([x], dtype=float),
    "array of a nested list": lambda x: np.asarray([[1.0, x], [x, 2.0]]),
    "full": lambda x: np.full(3, x),
    "sum of a list": lambda x: np.sum([x, x]),
    "mean of a list": lambda x: np.mean([x, x]),
    "exp of a list": lambda x: np.exp([x, x]),
    "array times a list": lambda x: np.ones(2) * [x, x],
    "choice": lambda x: np.random.default_rng(0).choice(x),
    "atleast_1d": np.atleast_1d,
    "ravel": np.ravel,
    "meshgrid": lambda x: np.meshgrid(x, x),
}


@pytest.mark.parametrize("convert", CONVERSIONS.values(), ids=CONVERSIONS)
def test_an_array_of_nodes_is_an_error_that_shows_the_fix(convert: Callable, x: Any) -> None:
    with pytest.raises(TypeError, match=OURS):
        convert(x)


# Functions of arrays


ARRAY_FUNCTIONS = {
    f"{module.__name__}.{name}": f
    for module in (np, np.linalg, np.fft)
    for name, f in vars(module).items()
    if type(f) is type(np.sum) and not name.startswith("_")
}
FACTS = {"numpy.shape", "numpy.ndim", "numpy.size"}


def test_the_list_of_numpys_functions_is_long() -> None:
    assert len(ARRAY_FUNCTIONS) > 200
    assert {"numpy.sum", "numpy.einsum", "numpy.linalg.norm", "numpy.fft.fft"} <= {*ARRAY_FUNCTIONS}


@pytest.mark.parametrize("name", ARRAY_FUNCTIONS)
def test_no_function_of_numpy_forgets_where_a_node_came_from(name: str, x: Any) -> None:
    f = ARRAY_FUNCTIONS[name]
    for arguments in [(x,), (x, x), ([x, x],)]:
        with contextlib.suppress(TypeError, ValueError, AttributeError, np.exceptions.AxisError):
            assert name in FACTS or not is_plain_and_remembers_nothing(f(*arguments))


@pytest.mark.parametrize("name", ARRAY_FUNCTIONS)
def test_a_function_of_one_array_gives_a_node_or_an_error_that_names_ours(name: str) -> None:
    f, x = ARRAY_FUNCTIONS[name], Tensor(ARRAY)
    try:
        required = [p for p in inspect.signature(f).parameters.values() if p.default is p.empty]
    except ValueError:  # written in C, without a signature
        return
    if name in FACTS or len(required) != 1 or required[0].kind is inspect.Parameter.VAR_POSITIONAL:
        return
    try:
        assert isinstance(f(x), Node)
    except TypeError as error:
        assert re.search(rf"np\.(\w+\.)?{f.__name__}\b.*has no derivative", str(error))


HAVE_A_NODE: dict[str, Callable[[Any], Any]] = {
    "sum": lambda x: np.sum(x, axis=0),
    "sum, keepdims": lambda x: np.sum(x, axis=1, keepdims=True),
    "mean": lambda x: np.mean(x, axis=(0, 1)),
    "max": lambda x: np.max(x, axis=1),
    "min": lambda x: np.min(x, axis=-1),
    "var": lambda x: np.var(x, ddof=1),
    "std": lambda x: np.std(x, axis=0),
    "reshape": lambda x: np.reshape(x, (4, 1)),
    "transpose": lambda x: np.transpose(x, (1, 0)),
    "squeeze": lambda x: np.squeeze(np.expand_dims(x, 0)),
    "broadcast_to": lambda x: np.broadcast_to(x, (3, 2, 2)),
    "clip": lambda x: np.clip(x, 0.3, 0.8),
    "dot": lambda x: np.dot(x, x),
    "dot with an array": lambda x: np.dot(ARRAY, x),
    "matmul": lambda x: np.matmul(ARRAY, x),
    "where": lambda x: np.where(ARRAY > 0.5, x, 0.0),
    "concatenate": lambda x: np.concatenate([x, ARRAY], axis=1),
    "stack": lambda x: np.stack([ARRAY, x], axis=-1),
}


@pytest.mark.parametrize("f", HAVE_A_NODE.values(), ids=HAVE_A_NODE)
def test_a_function_we_have_gives_numpys_numbers_and_a_gradient(f: Callable) -> None:
    x = Tensor(ARRAY)
    result = f(x)
    np.testing.assert_allclose(result.data, f(ARRAY), rtol=1e-15, strict=True)
    assert tg.gradcheck(lambda x: (f(x) * f(x)).sum(), ARRAY * [[1.0, 1.1], [1.3, 0.9]])


def test_facts_about_a_node_are_plain() -> None:
    x = Tensor(np.ones((2, 3)))
    assert (np.shape(x), np.ndim(x), np.size(x), np.size(x, 1), len(x)) == ((2, 3), 2, 6, 3, 2)
    assert (np.shape(Value(1.0)), np.ndim(Value(1.0)), np.size(Value(1.0))) == ((), 0, 1)


@pytest.mark.parametrize("shapes", [((2, 3, 4), (2, 4, 6)), ((3, 2, 2), (3, 2, 2))])
def test_dot_means_what_numpys_dot_means_or_is_an_error(shapes: tuple) -> None:
    left, right = (np.ones(shape) for shape in shapes)
    with contextlib.suppress(TypeError, ValueError):
        assert np.dot(left, Tensor(right)).shape == np.dot(left, right).shape


@pytest.mark.parametrize("function", [np.matmul, lambda a, b: a @ b])
def test_shapes_that_do_not_multiply_are_named_whichever_way_one_asks(function: Callable) -> None:
    with pytest.raises(tg.ShapeError, match=r"cannot multiply shapes \(2, 3\) @ \(2, 3\)"):
        function(np.ones((2, 3)), Tensor(np.ones((2, 3))))
