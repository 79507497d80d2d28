"""Units of the compiler: patterns of places, grids of sums, and the terms of every sum."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scalar_programs import ScalarProgram
from twingrad.engine.recording import grids as grids_module
from twingrad.engine.recording.cells import pattern
from twingrad.engine.recording.columns import Columns
from twingrad.engine.recording.grids import grids
from twingrad.engine.recording.sums import PLAIN, Sums
from twingrad.engine.sweep import topological_order


def along(start: int, steps: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
    """The places that steps along each axis lead to."""
    places = np.full(shape, start)
    for axis, step in enumerate(steps):
        places += step * np.indices(shape)[axis]
    return places


def is_a_pattern(places: np.ndarray) -> bool:
    """Found by trying: steps lead to all of them, and to none twice but where a step is 0."""
    for steps in np.ndindex(*[10 if n > 1 else 1 for n in places.shape]):
        moving = [n for n, step in zip(places.shape, steps, strict=True) if step]
        if np.array_equal(places, along(places.flat[0], steps, places.shape)):
            return len(np.unique(places)) == np.prod(moving, dtype=int)
    return False


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 6)), max_size=3),
    st.integers(0, 5),
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 3)), max_size=1),
)
def test_a_pattern_is_found_where_steps_lead_to_the_places_and_only_there(
    axes: list[tuple[int, int]], start: int, moved: list[tuple[int, int]]
) -> None:
    places = along(start, [step for _, step in axes], tuple(n for n, _ in axes))
    for at, by in moved:
        places.flat[at % places.size] += by
    found = pattern(places)
    if found is not None:
        np.testing.assert_array_equal(along(*found, places.shape), places)
    if all(step >= 0 for step in (found or (0, ()))[1]):
        assert (found is not None) == is_a_pattern(places)


@given(st.integers(0, 2**32 - 1))
def test_grids_are_the_matrices_that_are_there(seed: int) -> None:
    """Some layers, and sums that belong to none, in any order: the layers are found, whole."""
    rng = np.random.default_rng(seed)
    width = int(rng.integers(1, 5))
    first, second, sizes = [], [], []
    for k in range(rng.integers(1, 4)):
        rows, columns = rng.integers(1, 5, 2)
        left = 1000 * k + rng.permutation(500)[: rows * width].reshape(rows, width)
        right = 1000 * k + 500 + rng.permutation(500)[: columns * width].reshape(columns, width)
        if rows * columns > 1:  # one sum by itself is no matrix
            sizes.append((int(rows), int(columns)))
        first += [row for row in left for _ in range(columns)]
        second += [column for _ in range(rows) for column in right]
    order = rng.permutation(len(first))
    a, b = np.array(first)[order], np.array(second)[order]
    found = grids(a, b)
    assert sorted(grid.members.shape for grid in found) == sorted(sizes)
    for grid in found:
        for i, j in np.ndindex(grid.members.shape):
            np.testing.assert_array_equal(grid.first[i], a[grid.members[i, j]])
            np.testing.assert_array_equal(grid.second[:, j], b[grid.members[i, j]])


def test_what_is_no_whole_grid_is_none() -> None:
    rows = np.array([[0, 1], [2, 3]])
    whole = [(i, j) for i in range(2) for j in range(2)]
    for pairs in (whole[:3], [*whole, (0, 0)]):
        a, b = (rows[[pair[k] for pair in pairs]] for k in range(2))
        assert grids(a, b + 10) == []


def test_equal_rows_are_rows_of_a_grid_all_the_same() -> None:
    first = np.array([[0, 1], [0, 1], [0, 1], [0, 1]])
    second = np.array([[10, 11], [12, 13], [10, 11], [12, 13]])
    (grid,) = grids(first, second)
    assert grid.members.tolist() == [[0, 1], [2, 3]]


def test_rows_are_told_apart_where_their_numbers_mix_to_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grids_module, "_random_factors", lambda count: np.ones(count, np.uint64))
    a = np.array([[1, 2], [1, 2], [2, 1], [2, 1]])
    b = np.array([[10, 13], [11, 12], [10, 13], [11, 12]])
    assert [grid.members.tolist() for grid in grids(a, b)] == [[[0, 1], [2, 3]]]


def test_a_long_chain_of_sums_that_share_one_row_with_the_next_is_no_grid() -> None:
    pairs = np.array([(i // 2, (i + 1) // 2) for i in range(200)])
    assert grids(pairs[:, :1], pairs[:, 1:] + 1000) == []


@pytest.mark.parametrize("seed", range(40))
def test_the_terms_of_every_sum_add_up_to_it(seed: int) -> None:
    """Of whole numbers, to the bit: products, what is added to them, and the literals."""
    program = ScalarProgram(seed, exact=True)
    rng = np.random.default_rng(seed)
    leaves = program.leaves(rng)
    root = program.on(leaves)(*program.inputs(rng))
    order = topological_order(root)
    graph = Columns(order, [])
    found = Sums(graph, np.array([graph.at[root]]))

    def total(of_sum: Any, first: Any, second: Any, more: Any) -> Any:
        factors = np.where(second == PLAIN, 1.0, graph.data[second])
        return more + np.bincount(of_sum, graph.data[first] * factors, len(order))

    sums = found.is_sum & ~found.inner
    assert sums.any()
    added = total(found.of_sum, found.first, found.second, found.offset)
    np.testing.assert_array_equal(added[sums], graph.data[: len(order)][sums])
    bias = found.make_products_of_plain_terms(graph)
    added = total(found.of_sum, found.first, found.second, graph.data[bias])
    products = np.bincount(found.of_sum[found.second != PLAIN], minlength=len(order)) > 0
    np.testing.assert_array_equal(added[sums & products], graph.data[: len(order)][sums & products])
    assert not (products[found.of_sum] & (found.second == PLAIN)).any()
