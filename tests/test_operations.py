"""Every operation against the oracle in its row of the table.

Values, first and second derivatives, both twins, precision, constants and broadcasting.
"""

import importlib
import inspect
import math
import pkgutil
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.oracles import Elementwise, Row, agree, agree_in_curvature, close, gradients
from tests.table import ELEMENTWISE, TABLE
from twingrad import Tensor, Value, engine
from twingrad.engine import array_rules

INF, NAN = math.inf, math.nan

every_row = pytest.mark.parametrize("row", TABLE, ids=str)
every_scalar_row = pytest.mark.parametrize("row", ELEMENTWISE, ids=str)


def rows_of_several(rows: list[Any]) -> Any:
    return pytest.mark.parametrize("row", [r for r in rows if len(r.inputs()) > 1], ids=str)


def test_every_rule_has_a_row() -> None:
    modules = [
        importlib.import_module(f"{engine.__name__}.{module.name}")
        for module in pkgutil.iter_modules(engine.__path__)
        if module.name.endswith("rules")
    ]
    written = {
        rule
        for module in modules
        for name, rule in inspect.getmembers(module, inspect.isfunction)
        if rule.__module__ == module.__name__ and not name.startswith("_") and name != "selective"
    }
    missing = {rule.__name__ for rule in written - {row.rule for row in TABLE}}
    assert len(written) > 40
    assert not missing, f"rules without a row in tests/table.py: {sorted(missing)}"


# Every row against its oracle


@every_row
def test_a_tensor_has_the_oracles_value_and_gradients(row: Row) -> None:
    agree(row, row.inputs())


@every_row
def test_a_tensor_has_the_oracles_second_derivatives(row: Row) -> None:
    agree_in_curvature(row, row.inputs())


@every_scalar_row
def test_a_value_has_the_oracles_value_and_derivatives(row: Elementwise) -> None:
    operands = range(len(row.domains))
    unit = np.eye(len(operands), dtype=int)
    for point in row.points():
        value, found = tg.value_and_grad(row.call, tuple(operands))(*point)
        close(value, row.slope(point, tuple(0 * unit[0])))
        close(found, [row.slope(point, tuple(unit[i])) for i in operands])
        close(gradients(row.call, *point), found, ulps=0.0)
        hessian = tg.hessian(row.call, tuple(operands))(*point)
        close(
            hessian,
            [[row.slope(point, tuple(unit[i] + unit[j])) for j in operands] for i in operands],
        )


@every_scalar_row
@pytest.mark.parametrize("twin", [Value, Tensor])
def test_backward_gives_gradients_that_can_be_differentiated_again(
    row: Elementwise, twin: Any
) -> None:
    inputs = row.inputs(())
    nodes = [twin(x) for x in inputs]
    (row.call(*nodes) ** 3).backward(create_graph=True)
    slope = nodes[0].grad
    for node in nodes:
        tg.zero_grad(node)
    slope.backward()
    first = tuple(np.array(float(k == 0)) for k in range(len(nodes)))
    second_derivatives = row.curvature(inputs, np.array(1.0), first)
    close([node.grad for node in nodes], second_derivatives)


@every_scalar_row
def test_the_twins_agree_to_a_few_units_in_the_last_place(row: Elementwise) -> None:
    points = row.points(8)
    nodes = [Tensor(x) for x in zip(*points, strict=True)]
    y = row.call(*nodes)
    y.backward(np.ones(8))
    for i, point in enumerate(points):
        close(y.data[i], row.call(*map(Value, point)).data, ulps=4.0)
        close([x.grad[i] for x in nodes], gradients(row.call, *point), ulps=4.0)


@every_row
def test_gradcheck_passes_at_random_and_at_stationary_points(row: Row) -> None:
    inputs = row.inputs()
    value = row.value(inputs)
    at_a_top = lambda *xs: tg.sum(tg.cos(row.call(*xs) - value))  # noqa: E731
    for f in (row.call, at_a_top):
        report = tg.gradcheck(f, *inputs)
        assert report.max_relative_error < 1e-7, report
    if isinstance(row, Elementwise):
        assert tg.gradcheck(row.call, *row.points()[0]).max_relative_error < 1e-7


@every_row
def test_float32_stays_float32(row: Row) -> None:
    inputs = tuple(x.astype(np.float32) for x in row.inputs())
    weights = row.weights(inputs)
    nodes = [Tensor(x) for x in inputs]
    y = row.call(*nodes)
    y.backward(weights)
    assert y.dtype == (np.float64 if row.rule is array_rules.astype else np.float32)
    np.testing.assert_allclose(y.data, row.value(inputs), rtol=1e-5, atol=1e-5)
    for node, expected in zip(nodes, row.gradients(inputs, weights), strict=True):
        assert node.grad.dtype == np.float32
        np.testing.assert_allclose(node.grad, expected, rtol=1e-5, atol=2e-5)
    bent = tg.hvp(lambda *x: tg.sum(row.call(*x) ** 2), inputs, inputs)
    assert {h.dtype for h in bent} == {np.dtype(np.float32)}


@rows_of_several(TABLE)
def test_an_operand_may_be_a_plain_array(row: Row) -> None:
    inputs = row.inputs()
    weights = row.weights(inputs)
    nodes = [Tensor(x) for x in inputs]
    y = row.call(*nodes)
    y.backward(weights)
    for k, node in enumerate(nodes):
        alone = Tensor(inputs[k])
        again = row.call(*inputs[:k], alone, *inputs[k + 1 :])
        again.backward(weights)
        np.testing.assert_array_equal(again.data, y.data)
        np.testing.assert_array_equal(alone.grad, node.grad)


@rows_of_several(ELEMENTWISE)
@pytest.mark.parametrize("plain", [float, np.float64, np.array], ids=["float", "scalar", "0-d"])
@pytest.mark.parametrize("twin", [Value, Tensor])
def test_an_operand_may_be_a_plain_number(row: Elementwise, plain: Any, twin: Any) -> None:
    point = row.points()[0]
    nodes = list(map(twin, point))
    y = row.call(*nodes)
    y.backward()
    for k, node in enumerate(nodes):
        operands = [twin(x) if i == k else plain(x) for i, x in enumerate(point)]
        again = row.call(*operands)
        again.backward()
        assert type(again) is twin
        assert float(again) == float(y)
        assert operands[k].grad == node.grad


@rows_of_several(ELEMENTWISE)
@pytest.mark.parametrize(
    "shapes",
    [((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 3)), ((3,), (2, 1, 3)), ((0, 2), (2,)), ((1,), ())],
    ids=str,
)
def test_a_gradient_is_summed_back_over_broadcast_axes(row: Elementwise, shapes: Any) -> None:
    agree(row, row.inputs(*shapes))
    agree_in_curvature(row, row.inputs(*shapes))


@every_scalar_row
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1)], ids=str)
def test_an_elementwise_operation_takes_arrays_without_axes_or_numbers(
    row: Elementwise, shape: Any
) -> None:
    agree(row, row.inputs(shape))


@pytest.mark.parametrize("axis", [0, (0, 1), None], ids=str)
def test_the_sum_of_no_numbers_is_zero_and_has_an_empty_gradient(axis: Any) -> None:
    x = Tensor(np.zeros((0, 3)))
    y = x.sum(axis)
    y.backward(np.ones(y.shape))
    assert not y.data.any()
    assert x.grad.shape == (0, 3)


@pytest.mark.parametrize("name", ["mean", "var", "std"])
def test_the_mean_of_no_numbers_is_nan_in_silence(name: str) -> None:
    y = getattr(Tensor(np.zeros((0, 3))), name)(axis=0)
    np.testing.assert_array_equal(y.data, [NAN] * 3)


@pytest.mark.parametrize("shapes", [((0, 3), (3, 2)), ((2, 0), (0, 3)), ((2, 0, 3), (3,))], ids=str)
def test_a_product_with_an_empty_matrix_has_gradients(shapes: Any) -> None:
    x, y = (Tensor(np.ones(shape)) for shape in shapes)
    z = x @ y
    z.backward(np.ones(z.shape))
    assert not z.data.any()
    assert (x.grad.shape, y.grad.shape) == shapes
    assert not x.grad.any()
    assert not y.grad.any()


def test_a_list_of_values_gives_what_a_tensor_gives() -> None:
    numbers, weights = [0.3, -1.2, 2.0], np.array([0.5, -0.25, 1.5])
    dotted = lambda x: tg.dot(x, weights) if isinstance(x, list) else x @ weights  # noqa: E731
    first = lambda x: tg.softmax(x)[0]  # noqa: E731
    for f in (tg.sum, tg.logsumexp, first, dotted):
        listed, found = tg.value_and_grad(f)(numbers)
        held, expected = tg.value_and_grad(f)(np.array(numbers))
        close([listed, *found], [held, *expected], ulps=4.0)
