"""Why an operation is wrong: the suspects that only its rule can convict.

`suspects` needs two arrays of slopes. Here the rule itself is at hand: it can be run on other
numbers, its pullback on other gradients, and its operands can be told apart.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from .evidence import Evidence
from .operations import Operation, not_proportional
from .places import misplaced
from .readings import Claims, Reading, Settings
from .shapes import is_product
from .suspects import PASSED_ON, UNUSUAL, exchanged, same_as_another, suspect
from .uses import left_out

DRAWS = "the rule does not give the same result twice: draw outside of it, and pass in"
KEEPS = (
    "the pullback uses what the rule keeps outside of it, as self.x or a global, which the next "
    "call overwrites: keep it in a local variable"
)


def why_wrong(
    operation: Operation, reading: Reading | None, settings: Settings, rng: np.random.Generator
) -> list[str]:
    """Sentences on an operation that is wrong at a reading; none where nothing fits."""
    if reading is None:
        return [_of_the_gradient(operation)]
    k = reading.operand
    if operation.passed[k] is None:
        return [
            f"the pullback returns None for operand {k}, as if it were a constant, although the "
            "result changes with it"
        ]
    claims = operation.claims(settings)
    if operation.writes_to_operands():
        return [
            "the rule changes an operand in place (x += …, x[…] = …, out=x), so that the numbers "
            "before it are no longer what they were: work on a copy"
        ]
    if _draws_anew(claims):
        return [DRAWS]
    if operation.keeps_outside(rng):
        return [KEEPS]
    if claims.doubled is not None:
        if _right_in_float64(operation, reading, settings, rng):
            return [
                "in float64 the same rule is right at the same numbers: look for a step that is "
                "other, or too coarse, in float32"
            ]
        claims = claims.doubled
    here = _evidence(operation, claims, k, rng, reading.index)
    everywhere = here
    if len(here.indices) < 8:
        for _ in range(3):
            other = operation.elsewhere(rng)
            if other is not None:
                everywhere = everywhere.joined(_evidence(other, other.claims(settings), k, rng))
    others = _others(operation, claims, k, rng)
    told = (
        exchanged(here, others, k, "operand")
        or _one_part(operation, here, k, settings)
        or _not_turned(operation, here, k)
    )
    uses = left_out(operation, k)
    lost = np.ndim(here.claimed) > np.ndim(operation.node._data)
    if uses:  # what it was used for says more than what happens to have that length
        everywhere = replace(everywhere, lengths={})
    general = suspect(here, everywhere) or (
        _of_the_result(operation, here, k)
        or same_as_another(here, others, k, "operand")
        or misplaced(operation, k)
    )
    if general.startswith(PASSED_ON) or (lost and general.startswith("it is transposed")):
        general = misplaced(operation, k) or general
    sentences = [told] if told else [sentence for sentence in (general, uses) if sentence]
    return [*(sentences or [UNUSUAL]), *_which_operands(operation, claims, k, rng)]


def _of_the_gradient(operation: Operation) -> str:
    k = not_proportional(operation)
    half = operation.pulled(0.5 * operation.weights)
    if k is not None and np.array_equal(operation.fitted(k, half), operation.fitted(k)):
        return (
            f"the pullback does not multiply by the gradient that arrives (operand {k}): what it "
            "returns is the slope alone, right only where that gradient is 1"
        )
    return (
        f"what the pullback returns for operand {k} is not proportional to the gradient that "
        "arrives; every gradient is that times a slope"
    )


def _evidence(
    operation: Operation,
    claims: Claims,
    k: int,
    rng: np.random.Generator,
    also: tuple[int, ...] | None = None,
) -> Evidence:
    node = operation.node
    quantities = {"the gradient that arrives": operation.weights}
    for j in range(len(node.parents)):
        quantities["the operand itself" if j == k else f"operand {j}"] = operation.numbers(j)
    quantities["the result"] = node._data
    quantities["1 - the result"] = 1.0 - node._data
    claims = claims.doubled or claims
    readings = claims.sample(k, rng, also)
    return Evidence.of(claims, readings, k, quantities, _lengths(operation))


def _right_in_float64(
    operation: Operation, reading: Reading, settings: Settings, rng: np.random.Generator
) -> bool:
    numbers = [np.asarray(p._data, np.float64) for p in operation.node.parents]
    again = operation.on(numbers)
    if again is None or again.node._data.dtype != np.float64:
        return False
    finest = settings._replace(precision=float(np.finfo(np.float64).eps), rtol=1e-6)
    readings = again.claims(finest).sample(reading.operand, rng, reading.index)
    return all(r.error <= finest.rtol for r in readings)


def _of_the_result(operation: Operation, here: Evidence, k: int) -> str:
    """A slope that is a function of the result, as 1 - y² of y = tanh x, but taken of x."""
    node = operation.node
    if np.shape(node._data) != np.shape(operation.numbers(k)):
        return ""
    numbers = [node._data if j == k else p._data for j, p in enumerate(node.parents)]
    other = operation.on(numbers)
    if other is None or other.slopes[k] is None:
        return ""
    slopes = np.asarray(other.slopes[k])
    if not here.agrees(np.array([slopes[index] for index in here.indices]), here.measured):
        return ""
    return (
        "the slope is taken of the operand where it should be of the result: write it with the "
        "result, as 1 - y * y, and not with the operand, as 1 - x * x"
    )


def _others(
    operation: Operation, claims: Claims, k: int, rng: np.random.Generator
) -> dict[int, Evidence]:
    chosen = [j for j, s in enumerate(operation.slopes) if s is not None and j != k][:4]
    return {j: _evidence(operation, claims, j, rng) for j in chosen}


def _lengths(operation: Operation) -> dict[int, str]:
    """What has which length: most telling first."""
    named: dict[int, str] = {}
    for j, parent in enumerate(operation.node.parents):
        shape = np.shape(parent._data)
        for axis, length in enumerate(shape):
            named.setdefault(length, f"the length of axis {axis} of operand {j}")
        named.setdefault(int(np.prod(shape)), f"the number of elements of operand {j}")
    shape = np.shape(operation.node._data)
    for axis, length in enumerate(shape):
        named.setdefault(length, f"the length of axis {axis} of the result")
    return named


def _draws_anew(claims: Claims) -> bool:
    first = claims.f(claims.numbers)
    return any(claims.f(claims.numbers) != first for _ in range(4)) and not np.isnan(first)


def _one_part(operation: Operation, here: Evidence, k: int, settings: Settings) -> str:
    """Of the repetitions of a broadcast operand only one counts."""
    shape, whole = np.shape(operation.numbers(k)), np.shape(operation.node._data)
    padded = (1,) * (len(whole) - len(shape)) + shape
    if len(padded) != len(whole) or any(
        n not in (1, m) for n, m in zip(padded, whole, strict=True)
    ):
        return ""
    for axis, (n, m) in enumerate(zip(padded, whole, strict=True)):
        if n == m or m < 2:
            continue
        heard, ignored = [], None
        for part in range(m) if m <= 16 else (0, 1, m // 2, m - 1):
            grad = np.zeros_like(operation.weights)
            place = (slice(None),) * axis + (part,)
            grad[place] = operation.weights[place]
            heard.append(bool(np.any(operation.fitted(k, operation.pulled(grad)))))
            if not heard[-1]:
                ignored = grad
        if ignored is not None and any(heard) and _counts(operation, ignored, here, k, settings):
            return (
                f"a broadcast axis is not summed: operand {k} is repeated along axis {axis} of the "
                f"result, {m} times, but its gradient is that of {sum(heard)} alone; sum the "
                f"gradient over axis {axis}"
            )
    return ""


def _counts(operation: Operation, grad: Any, here: Evidence, k: int, settings: Settings) -> bool:
    """Whether the operand moves a part of the result: of joined arrays, each has its own."""
    claims = operation.claims(settings, grad)
    measured = (claims.at(k, index).measured for index in here.indices[:8])
    return any(abs(slope.slope) > 10.0 * slope.error for slope in measured)


def _not_turned(operation: Operation, here: Evidence, k: int) -> str:
    """In a product of matrices, a factor that should have been transposed."""
    node = operation.node
    if not is_product(node):
        return ""
    x, y = (p._data for p in node.parents)
    right = "grad @ y.T" if k == 0 else "x.T @ grad"
    for formula, product in _products(x, y, operation.weights, k):
        if product.shape == here.claimed.shape and np.allclose(product, here.claimed, rtol=1e-4):
            return (
                f"a factor is not transposed, or in the wrong place: this is {formula}, but for "
                f"x @ y the gradient of {'x' if k == 0 else 'y'} is {right}"
            )
    return ""


def _products(x: Any, y: Any, grad: Any, k: int) -> Iterator[tuple[str, Any]]:
    factors = {"y": y, "y.T": y.T} if k == 0 else {"x": x, "x.T": x.T}
    right = "grad @ y.T" if k == 0 else "x.T @ grad"
    for name, factor in factors.items():
        for seed_name, seed in (("grad", grad), ("grad.T", grad.T)):
            for first, second in (
                ((seed_name, seed), (name, factor)),
                ((name, factor), (seed_name, seed)),
            ):
                formula = f"{first[0]} @ {second[0]}"
                if formula != right and first[1].shape[1] == second[1].shape[0]:
                    yield formula, first[1] @ second[1]


def _which_operands(
    operation: Operation, claims: Claims, k: int, rng: np.random.Generator
) -> list[str]:
    """Which of the other operands are right, which is where to look for the difference."""
    others = [j for j, s in enumerate(operation.slopes) if s is not None and j != k]
    if not others or len(others) > 3:
        return []
    rtol = claims.settings.rtol
    wrong = [j for j in others if any(r.error > rtol for r in claims.sample(j, rng))]
    words = [f"operand {j} {'is wrong as well' if j in wrong else 'is right'}" for j in others]
    return [f"operand {k} is wrong, {', '.join(words)}"]
