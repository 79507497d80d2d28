"""What a row of the table of operations is, and the oracles that know no rule.

They are plain mpmath and NumPy: slopes of numbers come from differences at 40 digits, slopes of
arrays from a complex step.
"""

import math
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from itertools import chain, cycle, islice
from typing import Any, TypeVar

import mpmath
import numpy as np

import twingrad as tg
from twingrad import Tensor, Value

mp = mpmath.mp.clone()
mp.dps = 40

Interval = tuple[float, float]
Domain = tuple[Interval, ...]
Arrays = tuple[np.ndarray, ...]

# Where the oracles are smooth: no interval touches a kink, a pole or another's interval.
REAL: Domain = ((-2.0, 2.0),)
POSITIVE: Domain = ((0.3, 2.5),)
NONZERO: Domain = ((-2.0, -0.3), (0.3, 2.0))
MIDDLE: Domain = ((-0.8, 0.8),)
OUTER: Domain = ((-2.0, -1.2), (1.2, 2.0))
ANYWHERE_BUT_ONE: Domain = (*MIDDLE, *OUTER)
PROBABILITY: Domain = ((0.1, 0.9),)

Answer = TypeVar("Answer", np.ndarray, Arrays)


def answered_once(oracle: Callable[..., Answer]) -> Callable[..., Answer]:
    """Spare a row the same question: forty digits take their time, and no answer ever changes.

    The answers may only be read.
    """
    known: dict[Any, Any] = {}

    @wraps(oracle)
    def answer(row: Any, *asked: Any) -> Answer:
        arrays = map(np.asarray, chain.from_iterable(map(listed, asked)))
        key = (row, *((x.shape, x.dtype, x.tobytes()) for x in arrays))
        if key not in known:
            known[key] = oracle(row, *asked)
            for x in listed(known[key]):
                if isinstance(x, np.ndarray):
                    x.flags.writeable = False
        return known[key]

    def listed(x: Any) -> Any:
        return x if isinstance(x, tuple) else (x,)

    return answer


@dataclass(frozen=True)
class Row(ABC):
    """An operation: its rule, how it is called on nodes, and what it should give."""

    rule: Callable[..., Any]
    call: Callable[..., Any]
    oracle: Callable[..., Any]
    note: str

    def __str__(self) -> str:
        return f"{self.rule.__name__} {self.note}".strip()

    def rng(self) -> np.random.Generator:
        """Randomness of the row's own: another row put before it changes nothing here."""
        return np.random.default_rng(zlib.crc32(str(self).encode()))

    def weights(self, inputs: Arrays) -> np.ndarray:
        """What weighs the numbers of the result, so that no two count the same."""
        return self.rng().uniform(0.5, 1.5, np.shape(self.value(inputs)))

    @abstractmethod
    def inputs(self) -> Arrays:
        """Numbers to try the operation on, away from its kinks."""

    @abstractmethod
    def value(self, inputs: Arrays) -> np.ndarray:
        """The oracle's result."""

    @abstractmethod
    def gradients(self, inputs: Arrays, weights: np.ndarray) -> Arrays:
        """The oracle's gradients of the weighted sum of the result, one for each operand."""

    @abstractmethod
    def curvature(self, inputs: Arrays, weights: np.ndarray, along: Arrays) -> Arrays:
        """The oracle's Hessian, times a vector, of the weighted sum of the result's *cube*.

        The cube, because what is linear has no second derivatives, nor has the square of a
        root, and a pullback that forgot its graph would pass for right.
        """


@dataclass(frozen=True)
class Elementwise(Row):
    """An operation of single numbers, and so of both twins. The oracle takes mpmath's numbers."""

    domains: tuple[Domain, ...]

    def points(self, count: int = 5) -> list[tuple[float, ...]]:
        """Points of the domain, in every one of its intervals sooner or later."""
        rng = self.rng()
        choices = [[d[i % len(d)] for i in range(count)] for d in self.domains]
        return [tuple(rng.uniform(*c) for c in chosen) for chosen in zip(*choices, strict=True)]

    def slope(self, point: tuple[float, ...], orders: tuple[int, ...]) -> float:
        """The oracle's derivative, of these orders in each of the operands."""
        return float(mp.diff(self.oracle, point, orders))

    def inputs(self, *shapes: tuple[int, ...]) -> Arrays:
        """Arrays of these shapes in turn, one for each operand; without any, of one axis."""
        count = max([5, *map(math.prod, shapes)])
        columns = np.array(self.points(count)).T
        wanted = islice(cycle(shapes or ((count,),)), len(columns))
        return tuple(
            column[: math.prod(shape)].reshape(shape)
            for column, shape in zip(columns, wanted, strict=True)
        )

    @answered_once
    def value(self, inputs: Arrays) -> np.ndarray:
        return _elementwise(self.oracle, inputs)

    @answered_once
    def gradients(self, inputs: Arrays, weights: np.ndarray) -> Arrays:
        slopes = [_elementwise(self._partial(i), inputs) for i in range(len(inputs))]
        return tuple(_summed_to(weights * s, x) for s, x in zip(slopes, inputs, strict=True))

    @answered_once
    def curvature(self, inputs: Arrays, weights: np.ndarray, along: Arrays) -> Arrays:
        def of(i: int) -> np.ndarray:
            slopes = [_elementwise(self._partial(i, j), inputs) for j in range(len(inputs))]
            bent = sum(s * v for s, v in zip(slopes, along, strict=True))
            return _summed_to(weights * bent, inputs[i])

        return tuple(of(i) for i in range(len(inputs)))

    def _partial(self, *operands: int) -> Callable[..., Any]:
        """The slope by one operand; or of the cube, by two."""
        f = self.oracle if len(operands) == 1 else (lambda *x: self.oracle(*x) ** 3)
        orders = tuple(operands.count(k) for k in range(len(self.domains)))
        return lambda *x: mp.diff(f, x, orders)


@dataclass(frozen=True)
class OnArrays(Row):
    """An operation of arrays alone. The oracle is NumPy that complex numbers pass through."""

    shapes: tuple[tuple[int, ...], ...]

    def inputs(self) -> Arrays:
        """Numbers no two of which are near each other, so that no maximum is in doubt."""
        sizes = [math.prod(shape) for shape in self.shapes]
        spread = self.rng().permutation(np.linspace(-1.5, 1.5, sum(sizes) + 1)[1:])
        parts = np.split(spread, np.cumsum(sizes)[:-1])
        return tuple(p.reshape(shape) for p, shape in zip(parts, self.shapes, strict=True))

    @answered_once
    def value(self, inputs: Arrays) -> np.ndarray:
        return np.array(self.oracle(*inputs))

    @answered_once
    def gradients(self, inputs: Arrays, weights: np.ndarray) -> Arrays:
        return complex_step(lambda *x: np.sum(weights * self.oracle(*x)), inputs)

    @answered_once
    def curvature(self, inputs: Arrays, weights: np.ndarray, along: Arrays) -> Arrays:
        h = 0.004

        def gradients_at(t: int) -> Arrays:
            moved = tuple(np.asarray(x + t * h * v) for x, v in zip(inputs, along, strict=True))
            return complex_step(lambda *x: np.sum(weights * self.oracle(*x) ** 3), moved)

        # Central differences of the sixth order.
        factors = {-3: -1, -2: 9, -1: -45, 1: 45, 2: -9, 3: 1}
        moved = {t: gradients_at(t) for t in factors}
        return tuple(
            sum(factors[t] * moved[t][i] for t in factors) / (60 * h) for i in range(len(inputs))
        )


def close(found: Any, expected: Any, ulps: float = 16.0) -> None:
    """Assert that numbers are equal but for some units in the last place of the largest."""
    assert np.shape(found) == np.shape(expected)
    size = np.max(np.abs(expected), initial=1.0, where=np.isfinite(expected))
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=ulps * size * np.spacing(1.0))


def agree(row: Row, inputs: Arrays) -> None:
    """Assert that a row's operation has its oracle's value and gradients, on Tensors."""
    weights = row.weights(inputs)
    nodes = [tg.Tensor(x) for x in inputs]
    y = row.call(*nodes)
    y.backward(weights)
    close(y.data, row.value(inputs))
    for node, expected in zip(nodes, row.gradients(inputs, weights), strict=True):
        close(node.grad, expected)


def agree_in_curvature(row: Row, inputs: Arrays) -> None:
    """Assert that the second derivatives are the oracle's, along one direction."""
    weights = row.weights(inputs)
    along = tuple(row.rng().normal(size=x.shape) for x in inputs)
    found = tg.hvp(lambda *x: tg.sum(row.call(*x) ** 3 * weights), inputs, along)
    for bent, expected in zip(found, row.curvature(inputs, weights, along), strict=True):
        close(bent, expected, ulps=16.0 if isinstance(row, Elementwise) else 2e4)


def complex_step(f: Callable[..., Any], inputs: Arrays) -> Arrays:
    """The gradients of f to the last bits: Im f(x + ih)/h loses no digits to a difference."""
    h = 1e-30
    gradients = tuple(np.zeros(x.shape) for x in inputs)
    for k, x in enumerate(inputs):
        for index in np.ndindex(x.shape):
            moved = [y.astype(complex) for y in inputs]
            moved[k][index] += 1j * h
            gradients[k][index] = np.imag(f(*moved)) / h
    return gradients


def _elementwise(f: Callable[..., Any], inputs: Arrays) -> np.ndarray:
    arrays = np.broadcast_arrays(*[x.astype(float) for x in inputs])
    return np.array(
        [float(f(*map(mp.mpf, x))) for x in zip(*(a.flat for a in arrays), strict=True)]
    ).reshape(arrays[0].shape)


def _summed_to(slopes: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Slopes of a broadcast result, added up for each element of x that was repeated."""
    places = np.broadcast_to(np.arange(x.size).reshape(x.shape), slopes.shape)
    return np.bincount(places.ravel(), weights=slopes.ravel(), minlength=x.size).reshape(x.shape)


def gradients(f: Callable[..., Any], *numbers: Any, seed: Any = None) -> list[Any]:
    """What `backward` leaves in the leaves: Values of floats, Tensors of arrays."""
    leaves = [Tensor(x) if isinstance(x, np.ndarray) else Value(x) for x in numbers]
    y = f(*leaves)
    y.backward(np.ones(y.shape) if seed is None and isinstance(y, Tensor) else seed)
    return [leaf.grad for leaf in leaves]


def bends_as_its_slopes_change(respond: Callable[..., Any], inputs: Arrays, along: Arrays) -> None:
    """Assert that second derivatives, of the sum of the cube, are differences of the first."""

    def cubed(*operands: Any) -> Any:
        return (respond(*operands) ** 3).sum()

    def slopes(h: float) -> tuple[np.ndarray, ...]:
        moved = [x + h * v for x, v in zip(inputs, along, strict=True)]
        return tg.grad(cubed, tuple(range(len(inputs))))(*moved)

    h = 1e-5
    bent = tg.hvp(cubed, inputs, along)
    for found, after, before in zip(bent, slopes(h), slopes(-h), strict=True):
        expected = (after - before) / (2 * h)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())
