"""Constants: no gradient reaches them, none is computed for them, and they change no dtype.

Matrix products are counted by an array that counts them; what a rule is told, by a rule that
writes it down.
"""

import numpy as np
import pytest

import twingrad as tg
from twingrad import Tensor, Value


class CountsProducts(np.ndarray):
    """An array that counts the matrix products it takes part in."""

    products = 0

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        CountsProducts.products += ufunc is np.matmul
        plain = [x.view(np.ndarray) if isinstance(x, CountsProducts) else x for x in inputs]
        result = getattr(ufunc, method)(*plain, **kwargs)
        return result.view(CountsProducts) if isinstance(result, np.ndarray) else result


@pytest.mark.parametrize(
    ("constants", "products"), [((), 3), (("x",), 2), (("w",), 2), (("x", "w"), 1)]
)
def test_the_gradient_of_a_constant_factor_is_not_computed(
    constants: tuple[str, ...], products: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CountsProducts, "products", 0)
    factors = {"x": Tensor(np.ones((2, 3))), "w": Tensor(np.ones((3, 4)))}
    for name, factor in factors.items():
        factor._data = factor._data.view(CountsProducts)
        factor.constant = name in constants
    y = factors["x"] @ factors["w"]
    if not y.constant:
        y.backward(np.ones((2, 4)))
    assert CountsProducts.products == products
    assert {name for name, factor in factors.items() if factor.grad is None} == set(constants)


def test_a_selective_rule_is_told_which_operands_need_a_gradient() -> None:
    told = []

    @tg.selective
    def spy(x, y, *, needs):
        told.append(needs)
        return x * y, lambda g: (g * y if needs[0] else None, g * x if needs[1] else None)

    x, frozen = Tensor([2.0]), Tensor([3.0])
    frozen.constant = True
    for operands in [(x, x), (x, 3.0), (np.ones(1), x), (x, frozen), (x.detach(), x)]:
        tg.apply(spy, *operands)
    assert told == [(True, True), (True, False), (False, True), (True, False), (False, True)]
    assert tg.apply(spy, 2.0, 3.0) == 6.0
    assert told[-1] == (False, False)


def test_constants_get_no_gradient() -> None:
    x = Value(2.0)
    y = x * 3.0
    y.backward()
    constant = y.parents[1]
    assert constant.constant
    assert (constant.grad, x.grad) == (0.0, 3.0)


def test_no_gradient_flows_through_detach() -> None:
    for x in (Value(3.0), Tensor(3.0)):
        (x * x.detach()).backward()
        assert (x.detach().data, float(x.grad)) == (3.0, 3.0)


def test_a_frozen_parameter_gets_no_gradient_and_others_do() -> None:
    w, b = Tensor([2.0, 3.0]), Tensor(1.0)
    w.constant = True
    (w.sum() * b).backward()
    assert w.grad is None
    assert float(b.grad) == 5.0


def test_a_result_of_constants_alone_is_a_constant() -> None:
    y = Value(2.0).detach() * 3.0
    assert y.constant
    assert y.parents == ()


@pytest.mark.parametrize("constant", [2.0, 2, np.float64(2.0), np.array(2.0), np.array([1.0, 2.0])])
def test_constants_take_on_the_dtype_of_the_node(constant: object) -> None:
    x = Tensor([1.0, 2.0], dtype=np.float32)
    for y in (x + constant, constant - x, constant * x, x / constant, x**constant, constant**x):
        assert y.dtype == np.float32
        x.grad = None
        y.sum().backward()
        assert x.grad.dtype == np.float32
