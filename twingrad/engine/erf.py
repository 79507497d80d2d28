"""erf and erfc of whole arrays, because NumPy has neither and `math` takes one number at a time.

SciPy has both, and twingrad would need it for nothing else.

The table's entry nearest to |x|, exact to the last bit, is the bulk of the result, and a short
series adds the rest, so that only the rest feels rounding: P. T. P. Tang, "Table-lookup algorithms
for elementary functions and their error analysis", IEEE Symposium on Computer Arithmetic, 1991.
No number here is fitted or copied. Both table and series come from the average of exp(-t²) between
middle - d and middle + d, which is exp(-middle²) times the sum over i and j from 0 of

    tilt²ⁱ (-bend)ʲ / ((2i)! j! (2i + 2j + 1)),   where tilt = 2 d middle and bend = d²,

as exp(-(middle + s)²) = exp(-middle²) exp(-2 middle s) exp(-s²).
"""

from collections.abc import Callable, Iterator
from decimal import Context, Decimal, localcontext
from functools import cache
from itertools import accumulate, islice
from math import factorial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

SPACING = 1 / 256
LAST_NODE = 28.0  # erf is 1 from 6 on, and erfc is 0 from 27.3 on

# Between 2⁵² and 2⁵³ floats are the whole numbers, so between SHIFT and 2 SHIFT they are multiples
# of SPACING: adding SHIFT rounds to the nearest node, and leaves its number in the last bits.
SHIFT = 2.0**52 * SPACING
BITS_OF_SHIFT = np.float64(SHIFT).view(np.int64)

# What a block of this size needs stays in the cache, and is little enough that the allocator keeps
# it for the next block; in smaller blocks the calls would cost more than the arithmetic.
BLOCK = 4096


def erf(x: Array) -> Array:
    """The error function, 2/√π ∫₀ˣ exp(-t²) dt, within 2 ulp; float32 stays float32."""
    return _in_blocks(_erf, x)


def erfc(x: Array) -> Array:
    """1 - erf x, within 2 ulp down to the smallest float; float32 stays float32."""
    return _in_blocks(_erfc, x)


def _in_blocks(function: Callable[[Array], Array], x: Array) -> Array:
    x = np.asarray(x)
    result = np.empty(x.shape, x.dtype if x.dtype.kind == "f" else np.float64)
    source, target = x.reshape(-1), result.reshape(-1)
    with np.errstate(under="ignore"):  # a term too small to count is no news
        for start in range(0, x.size, BLOCK):
            block = slice(start, start + BLOCK)
            target[block] = function(source[block].astype(np.float64, copy=False))
    return result


def _erf(x: Array) -> Array:
    erf_at_node, _, slope_at_node = _tables()
    node, rest = _nearest_node(x, slope_at_node)
    rest += erf_at_node.take(node, mode="clip")
    return np.copysign(rest, x)


def _erfc(x: Array) -> Array:
    _, erfc_at_node, slope_at_node = _tables()
    node, rest = _nearest_node(x, slope_at_node)
    of_magnitude = erfc_at_node.take(node, mode="clip") - rest
    result: Array = np.abs(of_magnitude - 2.0 * (x < 0.0))  # erfc(-x) = 2 - erfc(x)
    return result


def _nearest_node(x: Array, slope_at_node: Array) -> tuple[Array, Array]:
    """The number of the node nearest to |x|, and the integral from that node to |x|.

    A nan comes out as any number at all, which `take` in its mode "clip" accepts, and as nan.
    """
    magnitude = np.minimum(np.abs(x), LAST_NODE)
    shifted = magnitude + SHIFT
    node = shifted - SHIFT
    width = magnitude - node
    tilt = 0.5 * (magnitude + node) * width
    bend = 0.25 * width * width
    # exp(-t²) at the middle over what it is at the node, as middle² - node² = tilt - bend; then its
    # average over what it is at the middle, less 1. Terms left out are below 2·10⁻¹⁷ of the result.
    fall = np.exp(bend - tilt)
    square = tilt * tilt
    excess = ((square * (1 / 5040) + 1 / 120) * square + 1 / 6) * square
    excess -= ((square * (1 / 168) + 1 / 10) * square + (1 / 3 - 1 / 10 * bend)) * bend
    number = shifted.view(np.int64) - BITS_OF_SHIFT
    rest = width * slope_at_node.take(number, mode="clip")
    # Not rest * fall * (1 + excess): adding what is small keeps the roundings small.
    rest += rest * ((fall - 1.0) + fall * excess)
    return number, rest


@cache
def _tables() -> tuple[Array, Array, Array]:
    """erf, erfc and the slope of erf at every node, to 0.501 ulp; this takes 0.04 s, once."""
    count = round(LAST_NODE / SPACING) + 1
    middle = (np.arange(count) + 0.5) * SPACING
    square, bend = (middle * SPACING) ** 2, (SPACING / 2) ** 2
    terms = [
        square**i * (-bend) ** j / (factorial(2 * i) * factorial(j) * (2 * i + 2 * j + 1))
        for i in range(7)
        for j in range(4)
        if i + j > 0
    ]
    excess = np.sum(terms, axis=0).tolist()
    with localcontext(Context(prec=32)):
        gaussians = list(islice(_gaussians(Decimal(SPACING) / 2), 2 * count))
        at_nodes, at_middles = gaussians[0::2], gaussians[1::2]
        averages = [g + g * Decimal(e) for g, e in zip(at_middles, excess, strict=True)]
        # Summed from the far end, where they are smallest. The sum of all is ½√π / SPACING.
        tails = list(accumulate(reversed(averages)))[::-1]
        erfc_at_node = [tail / tails[0] for tail in tails]
        erf_at_node = [1 - value for value in erfc_at_node]
        slope_at_node = [g / (tails[0] * Decimal(SPACING)) for g in at_nodes]
    return _floats(erf_at_node), _floats(erfc_at_node), _floats(slope_at_node)


def _floats(decimals: list[Decimal]) -> Array:
    return np.array([float(each) for each in decimals])


def _gaussians(step: Decimal) -> Iterator[Decimal]:
    """exp(-x²) for x = 0, step, 2 step …; the ratio of neighbours shrinks by a constant factor."""
    value, ratio = Decimal(1), (-step * step).exp()
    shrink = ratio * ratio
    while True:
        yield value
        value *= ratio
        ratio *= shrink
