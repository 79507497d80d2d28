"""What random programs of Values are made of: operations of single numbers, and users' own rules.

The table's rows are smooth where they are tried; here stand also those with kinks, ties and exact
results, rules that no array can enter, and the many ways in which people write a weighted sum.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import twingrad as tg
from tests.oracles import Domain, Elementwise
from tests.table import ELEMENTWISE
from twingrad import Value
from twingrad.engine import list_rules, rules

Row = list[Any]


class Operation(NamedTuple):
    """An operation on so many numbers, plain ones or Values."""

    name: str
    call: Callable[..., Any]
    arity: int = 1


# Rules as users write them


def cube(x: Any) -> Any:
    """Serves arrays as well as floats."""
    return x * x * x, lambda grad: (grad * (3.0 * x * x),)


def sine(x: Any) -> Any:
    """Python's own sine refuses arrays."""
    return math.sin(x), lambda grad: (grad * math.cos(x),)


def bent(x: Any) -> Any:
    """An array has no single truth, so `if` refuses it too."""
    if x > 0:
        return 2.0 * x, lambda grad: (2.0 * grad,)
    return -x, lambda grad: (-grad,)


def greater(x: Any, y: Any) -> Any:
    """So does Python's `max`, unless one number comes."""
    return max(x, y), lambda grad: (grad, 0.0) if x >= y else (0.0, grad)


def followed_by(x: Any, y: Any) -> Any:
    """Has no gradient for its second operand."""
    return x + 0.0 * y, lambda grad: (grad, None)


def plain_zero(x: Any, y: Any) -> Any:
    """Or a plain number, whatever came."""
    return 2.0 * x, lambda grad: (2.0 * grad, 0.0)


def scaled(x: Any, *, by: float) -> Any:
    """Has something static to it."""
    return by * x, lambda grad: (by * grad,)


EXACT = [
    Operation("add", lambda x, y: x + y, 2),
    Operation("sub", lambda x, y: x - y, 2),
    Operation("mul", lambda x, y: x * y, 2),
    Operation("neg", lambda x: -x),
    Operation("abs", abs),
    Operation("relu", tg.relu),
    Operation("leaky_relu", lambda x: tg.leaky_relu(x, alpha=0.5)),
    Operation("clip", lambda x: tg.clip(x, -2.0, 2.0)),
    Operation("clip high", lambda x: tg.clip(x, high=1.0)),
    Operation("maximum", tg.maximum, 2),
    Operation("minimum", tg.minimum, 2),
    Operation("maximum with 1", lambda x: tg.maximum(x, 1.0)),
    Operation("square", lambda x: x**2),
    Operation("halved", lambda x: x / 2.0),
    Operation("doubled", lambda x: 2 * x),
    Operation("less 1", lambda x: x - 1),
    Operation("3 less it", lambda x: 3 - x),
    Operation("where", lambda x, y: tg.where(True, x, y), 2),
    Operation("where not", lambda x, y: tg.where(False, x, y), 2),
    Operation("huber", lambda x: tg.apply(rules.huber, x, delta=2.0)),
    Operation("cube", lambda x: tg.apply(cube, x)),
    Operation("bent", lambda x: tg.apply(bent, x)),
    Operation("greater", lambda x, y: tg.apply(greater, x, y), 2),
    Operation("followed_by", lambda x, y: tg.apply(followed_by, x, y), 2),
    Operation("plain_zero", lambda x, y: tg.apply(plain_zero, x, y), 2),
    Operation("scaled", lambda x: tg.apply(scaled, x, by=2.0)),
    Operation("scaled back", lambda x: tg.apply(scaled, x, by=-1.0)),
    Operation("detach", lambda x: x.detach() if isinstance(x, Value) else x),
]
"""Of small whole numbers they give numbers without rounding."""

SMOOTH = [
    Operation("sine", lambda x: tg.apply(sine, x)),
    Operation("np.tanh", np.tanh),
    Operation("logsumexp", lambda x, y, z: tg.logsumexp([x, y, z]), 3),
    Operation("logsumexp with 0", lambda x, y: tg.logsumexp([0.0, x, y]), 2),
    Operation("exp difference", lambda x, y: tg.apply(list_rules.exp_difference, tg.sin(x), y), 2),
    Operation(
        "cross entropy",
        lambda x, y: tg.apply(list_rules.cross_entropy_of, x, y, tg.sin(x), 0.25, 0.0, 0.75),
        2,
    ),
]


def drawn_operation(rng: np.random.Generator, exact: bool, wild: bool) -> Operation:
    """Any operation; those of the table brought to where they are smooth, unless it goes wild."""
    if exact:
        return EXACT[rng.integers(len(EXACT))]
    if rng.random() < 0.35:
        both = EXACT + SMOOTH
        return both[rng.integers(len(both))]
    row: Elementwise = ELEMENTWISE[rng.integers(len(ELEMENTWISE))]
    brought = [bring(rng, domain) for domain in row.domains]
    if wild and rng.random() < 0.5:
        return Operation(str(row), row.call, len(brought))
    on_numbers = row.call

    def call(*xs: Any) -> Any:
        return on_numbers(*[to_domain(x) for to_domain, x in zip(brought, xs, strict=True)])

    return Operation(str(row), call, len(brought))


def bring(rng: np.random.Generator, domain: Domain) -> Callable[[Any], Any]:
    """Bring numbers, by a sine, to the middle of an interval."""
    low, high = domain[rng.integers(len(domain))]
    centre, radius = (low + high) / 2, min(0.4, (high - low) / 2)
    return lambda x: centre + radius * tg.sin(x)


# Ways to write a weighted sum


def python_sum(xs: Row, ws: Row, bias: Any) -> Any:
    return sum(w * x for w, x in zip(ws, xs, strict=True)) + bias


def started_by_the_bias(xs: Row, ws: Row, bias: Any) -> Any:
    return sum((x * w for w, x in zip(ws, xs, strict=True)), bias)


def by_hand(xs: Row, ws: Row, bias: Any) -> Any:
    total = ws[0] * xs[0]
    for w, x in zip(ws[1:], xs[1:], strict=True):
        total = total + w * x
    return total + bias


def backwards(xs: Row, ws: Row, bias: Any) -> Any:
    total = bias
    for w, x in zip(reversed(ws), reversed(xs), strict=True):
        total = x * w + total
    return total


def one_node(xs: Row, ws: Row, bias: Any) -> Any:
    return tg.dot(xs, ws, bias)


def list_of_products(xs: Row, ws: Row, bias: Any) -> Any:
    return tg.sum([*(x * w for x, w in zip(xs, ws, strict=True)), bias])


WAYS = [python_sum, started_by_the_bias, by_hand, backwards, one_node, list_of_products]
