"""Selecting by a mask: NumPy's own answer, to the last bit, whatever the numbers are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twingrad.engine import select

ODD = [0.0, -0.0, 1.5, -2.5, np.inf, -np.inf, np.nan, 5e-324, 1.1754944e-38, 1e30]


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
@given(st.data())
def test_where_gives_the_bits_of_numpys(dtype: str, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    shape = data.draw(st.sampled_from([(3, 5), (64, 64), (8, 1, 512), (5000,)]))
    layout = data.draw(st.sampled_from([lambda x: x, lambda x: x.T, lambda x: x[..., ::2]]))
    with np.errstate(over="ignore"):
        x = layout(rng.choice(ODD, size=shape).astype(dtype))
    zero = data.draw(st.sampled_from([0.0, -0.0]))
    for mask in (rng.random(x.shape) < 0.5, rng.random((7, *x.shape)) < 0.5, np.True_):
        for left, right in ((zero, x), (x, zero), (x, x)):
            expected, found = np.where(mask, left, right), select.where(mask, left, right)
            assert found.dtype == expected.dtype
            assert found.shape == expected.shape
            assert found.tobytes() == expected.tobytes()


def test_what_is_selected_is_memory_of_its_own() -> None:
    x, everything = np.ones((64, 64)), np.ones((64, 64), dtype=bool)
    assert not np.shares_memory(select.where(everything, x, 0.0), x)
