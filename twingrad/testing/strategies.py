"""Hypothesis strategies for what operations take: numbers, shapes that broadcast, arrays, nodes.

Everything drawn is finite, of moderate size and never subnormal, so that what fails is the
program and not the arithmetic.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ..engine import Tensor, Value

Shape = tuple[int, ...]
Array = npt.NDArray[Any]


def floats(
    low: float = -2.0, high: float = 2.0, *, away_from: tuple[float, ...] = (), by: float = 0.1
) -> st.SearchStrategy[float]:
    """Numbers from low to high, none closer than `by` to those of `away_from`.

    Kinks are what to stay away from: `floats(away_from=(0.0,))` for a relu.

    >>> from hypothesis import find
    >>> from twingrad.testing import floats
    >>> find(floats(away_from=(0.0,)), lambda x: x > 0.0) >= 0.1
    True
    """
    if not low < high:
        raise ValueError(f"low must be below high, but low={low!r} and high={high!r} came")
    # Between the numbers to stay away from lie intervals, and filtering would waste draws.
    ends = [low, *(end for x in sorted(away_from) for end in (x - by, x + by)), high]
    pairs = [(max(a, low), min(b, high)) for a, b in zip(ends[::2], ends[1::2], strict=True)]
    intervals = [(a, b) for a, b in pairs if a <= b]
    if not intervals:
        raise ValueError(
            f"no number from {low!r} to {high!r} is {by!r} away from all of {away_from!r}"
        )
    return st.one_of([st.floats(a, b, allow_subnormal=False) for a, b in intervals])


def shapes(
    min_dims: int = 0, max_dims: int = 3, min_side: int = 1, max_side: int = 4
) -> st.SearchStrategy[Shape]:
    """Shapes of arrays: with min_side=0 also of empty ones.

    >>> from hypothesis import find
    >>> from twingrad.testing import shapes
    >>> find(shapes(), lambda shape: len(shape) == 2)
    (1, 1)
    """
    return hnp.array_shapes(
        min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side
    )


def broadcastable_shapes(
    count: int = 2, *, min_dims: int = 0, max_dims: int = 3, max_side: int = 4
) -> st.SearchStrategy[tuple[Shape, ...]]:
    """Several shapes that broadcast with each other.

    >>> from hypothesis import find
    >>> from twingrad.testing import broadcastable_shapes
    >>> find(broadcastable_shapes(2), lambda pair: len(pair[0]) == 2 and len(pair[1]) == 1)
    ((1, 1), (1,))
    """
    drawn = hnp.mutually_broadcastable_shapes(
        num_shapes=count, min_dims=min_dims, max_dims=max_dims, max_side=max_side
    )
    return drawn.map(lambda found: found.input_shapes)


def arrays(
    shape: Shape | st.SearchStrategy[Shape] | None = None,
    low: float = -2.0,
    high: float = 2.0,
    *,
    dtype: npt.DTypeLike = np.float64,
    away_from: tuple[float, ...] = (),
    by: float = 0.1,
) -> st.SearchStrategy[Array]:
    """Arrays of numbers from low to high, of one shape, of shapes drawn, or of any small one.

    >>> from hypothesis import find
    >>> from twingrad.testing import arrays
    >>> find(arrays((2, 3)), lambda x: bool(np.all(x == 0.0))).shape
    (2, 3)
    """
    kind = np.dtype(dtype)
    elements = floats(low, high, away_from=away_from, by=by)
    if kind == np.float32:  # NumPy rounds them, perhaps to what Hypothesis calls subnormal
        elements = elements.map(lambda x: float(np.float32(x)))
    return hnp.arrays(kind, shapes() if shape is None else shape, elements=elements)


@st.composite
def broadcasting_arrays(
    draw: st.DrawFn,
    count: int = 2,
    low: float = -2.0,
    high: float = 2.0,
    *,
    dtype: npt.DTypeLike = np.float64,
    away_from: tuple[float, ...] = (),
) -> tuple[Array, ...]:
    """Several arrays whose shapes broadcast with each other.

    >>> from hypothesis import given
    >>> from twingrad.testing import assert_gradients, broadcasting_arrays
    >>> @given(broadcasting_arrays(2))
    ... def test_product(pair):
    ...     assert_gradients(lambda x, y: x * y, *pair)
    """
    drawn = draw(broadcastable_shapes(count))
    return tuple(
        draw(arrays(shape, low, high, dtype=dtype, away_from=away_from)) for shape in drawn
    )


def values(
    low: float = -2.0, high: float = 2.0, *, away_from: tuple[float, ...] = ()
) -> st.SearchStrategy[Value]:
    """Leaves of the scalar engine.

    >>> from hypothesis import find
    >>> from twingrad.testing import values
    >>> find(values(), lambda v: v > 0.5)
    Value(data=1.0, grad=0.0)
    """
    return floats(low, high, away_from=away_from).map(Value)


def tensors(
    shape: Shape | st.SearchStrategy[Shape] | None = None,
    low: float = -2.0,
    high: float = 2.0,
    *,
    dtype: npt.DTypeLike = np.float64,
    away_from: tuple[float, ...] = (),
) -> st.SearchStrategy[Tensor]:
    """Leaves of the array engine: as `arrays`."""
    return arrays(shape, low, high, dtype=dtype, away_from=away_from).map(Tensor)
