"""Findings at the start: weights that are copies, zeros, too large or too small.

How large is right is asked of the model itself, run once more with weights by He and Xavier.
"""

from collections.abc import Iterator
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from ..module import Module
from ..neuron import Neuron
from ..parts import layer_path
from .case import Case, LayerOf
from .findings import Finding
from .look import Look, Row, look
from .words import listed, short

Array = npt.NDArray[Any]

LARGE = 8.0
"""A layer whose sums are so many times what He or Xavier would give begins too large."""
HUGE = 50.0
SMALL = 0.02
NO_SIGNAL = 1e-4
NARROW = 3.0**-0.5
"""The spread of Neuron's own weights, uniform in [-1, 1], which narrow layers of Values bear."""
DRAWS = 4
"""So many draws by He and Xavier tell what is usual; half as many of a model of Values."""
CONFIDENT = 4.0
"""A first loss so many times that of a constant answer is confident and wrong."""


def units_of(case: Case, layer: LayerOf, numbers: list[Any]) -> Array | None:
    """Numbers by parameter as one row for each unit of a layer: (units, fan_in), or None."""
    if case.is_scalar:
        place = {parameter: i for i, parameter in enumerate(case.parameters)}
        neurons = [
            module
            for path, module in (
                case.model.named_modules() if isinstance(case.model, Module) else []
            )
            if isinstance(module, Neuron) and _is_below(layer_path(path, module), layer.path)
        ]
        rows = [[numbers[place[w]] for w in neuron.w if w in place] for neuron in neurons]
        return np.array(rows, np.float64) if rows and len(set(map(len, rows))) == 1 else None
    for i in layer.members:
        parameter = case.parameters[i]
        if np.ndim(parameter._data) > 1:
            array = np.asarray(numbers[i], np.float64)
            return array.T if array.ndim == 2 else array.reshape(len(array), -1)
    return None


def _is_below(path: str, layer: str) -> bool:
    return path == layer or path.startswith(f"{layer}.neurons")


def copies(case: Case) -> Iterator[Finding]:
    """Hidden units with equal weights and equal gradients: nothing will ever tell them apart."""
    weights = case.first_weights or [np.array(p._data) for p in case.parameters]
    seen = case.first or case.now
    if any(gradient is None for gradient in seen.gradients) or not np.isfinite(seen.loss):
        return
    alike: dict[str, list[tuple[str, int, int, float]]] = {}
    for layer in case.matrices[:-1]:
        units, slopes = units_of(case, layer, weights), units_of(case, layer, seen.gradients)
        if units is None or slopes is None or len(units) < 2:
            continue
        kinds = min(_different(units), len(units))
        if kinds > len(units) // 2 or _different(np.hstack([units, slopes])) > len(units) // 2:
            continue
        kind = "symmetric_initialization" if units.any() else "zero_initialization"
        alike.setdefault(kind, []).append((layer.name, len(units), kinds, float(units[0, 0])))
    if case.is_scalar and not isinstance(case.model, Module):
        yield from _zeros(case, weights)
    for kind, found in alike.items():
        name, count, different, number = found[0]
        zero = kind == "zero_initialization"
        if zero:
            evidence = "all weights of " + listed(entry[0] for entry in found) + " began at 0"
        else:
            alike_are = "one and the same row" if different == 1 else f"{different} rows"
            evidence = (
                f"the {count} units of {name} have {alike_are} of weights, the first of them "
                f"{short(number)}, and their gradients are equal as well"
            )
        yield Finding(
            kind,
            listed(entry[0] for entry in found),
            evidence,
            "weights made by zeros, as only biases may be"
            if zero
            else "all weights of a layer made with one number",
            "draw the weights at random, each unit its own; zeros are for biases",
            "error",
            "w.data = random.uniform(-1.0, 1.0)  # for each weight"
            if case.is_scalar
            else 'nn.Linear(64, 32, init="he", rng=0)',
        )


def _zeros(case: Case, weights: list[Array]) -> Iterator[Finding]:
    """Values of classes of one's own, whose layers nobody knows, that all began at zero."""
    count = sum(not np.any(number) for number in weights)
    if count > 0.9 * len(weights) and len(weights) > 2:
        yield Finding(
            "zero_initialization",
            "the model",
            f"{count} of {len(weights)} parameters began at 0",
            "weights made by zeros, as only biases may be",
            "draw the weights at random, each unit its own; zeros are for biases",
            "error",
            "w.data = random.uniform(-1.0, 1.0)  # for each weight",
        )


def _different(rows: Array) -> int:
    """How many rows differ by more than rounding."""
    scale = float(np.abs(rows).max()) or 1.0
    return len(np.unique(np.round(rows / scale, 5), axis=0))


def size(case: Case) -> Iterator[Finding]:
    """Sums of each layer before training against those of the same model by He and Xavier."""
    seen, weights = case.first, case.first_weights
    if seen is None or weights is None or not case.matrices:
        return
    # A few units of a few inputs may lie far from others by chance, so several are drawn.
    drawn = [
        look(case.model, *case.sample, case.loss, _drawn(case, weights, seen, seed))
        for seed in range(DRAWS // 2 if case.is_scalar else DRAWS)
    ]
    pairs = [
        (mine, sqrt(sum(_spread(row) ** 2 for row in theirs) / len(theirs)))
        for mine, *theirs in zip(seen.rows, *(other.rows for other in drawn), strict=False)
        if not mine.activation and all(mine.path == row.path for row in theirs)
    ]
    pairs = [pair for pair in pairs if pair[1] > 0.0]
    reference = max(other.loss for other in drawn)
    if not pairs or not np.isfinite(reference):
        return
    ratios = np.array([_spread(mine) / usual for mine, usual in pairs])
    usual = max(case.trivial, reference) if np.isfinite(case.trivial) else reference
    confident = seen.loss / usual if usual > 0.0 else 0.0
    steps = ratios / np.concatenate([[1.0], np.minimum(ratios[:-1], 1.0)])
    at = int(np.nanargmax(ratios)) if np.isfinite(ratios).any() else 0
    hidden = ratios[:-1]
    low = int(np.argmin(hidden)) if len(hidden) else 0
    large = not np.isfinite(ratios).all() or ratios[at] > LARGE
    sane = steps.max(initial=0.0) > 4.0
    if large or (confident > CONFIDENT and sane) or not np.isfinite(seen.loss):
        name = case.name_of(pairs[at][0].path)
        yield Finding(
            "initialization_too_large",
            name or "the model",
            f"{case.at_first} the sums of {name or 'the outputs'} spread by "
            f"{short(_spread(pairs[at][0]))}, {short(ratios[at])} times what He or Xavier would "
            f"give ({short(pairs[at][1])}); {_first_loss(case)} is {short(seen.loss)}, that of "
            f"a constant answer {short(case.trivial)}{_logarithm(case)}",
            "weights drawn with a spread that does not shrink with the number of inputs"
            + ", or thrown there by training" * (case.fresh and not case.is_new),
            "draw them with variance 2/inputs before relu, and 1/inputs before tanh and sigmoid",
            "error" if not np.isfinite(seen.loss) or ratios[at] > HUGE else "warning",
            _cure(case, seen),
        )
    elif len(hidden) and hidden[low] < SMALL and not _zero(case, weights):
        name = case.name_of(pairs[low][0].path)
        yield Finding(
            "initialization_too_small",
            name,
            f"{case.at_first} the sums of {name} spread by {short(_spread(pairs[low][0]))} over "
            f"the samples, {short(hidden[low])} times what He or Xavier would give "
            f"({short(pairs[low][1])})",
            "weights multiplied by a small number, whatever the number of inputs",
            "draw them with variance 2/inputs before relu, and 1/inputs before tanh and sigmoid",
            "error" if hidden[low] < NO_SIGNAL else "warning",
            _cure(case, seen),
        )


def _zero(case: Case, weights: list[Array]) -> bool:
    """Whether a hidden layer began with zeros alone, which is another finding."""
    rows = [units_of(case, layer, weights) for layer in case.matrices[:-1]]
    return any(units is not None and not units.any() for units in rows)


def _first_loss(case: Case) -> str:
    return "the first loss" if case.at_first == "before training" else "the loss"


def _cure(case: Case, seen: Look) -> str:
    relu = any(row.activation in ("relu", "leaky_relu", "gelu") for row in seen.rows)
    if case.is_scalar:
        spread = "2.0 / len(neuron.w)" if relu else "1.0 / len(neuron.w)"
        return f"for w in neuron.w:\n    w.data = random.gauss(0.0, ({spread}) ** 0.5)"
    return f'nn.Linear(64, 32, init="{"he" if relu else "xavier"}")'


def _logarithm(case: Case) -> str:
    if case.classes is None or case.now.outputs.ndim < 2:
        return ""
    classes = case.now.outputs.shape[1]
    return f" (ln {classes} = {short(np.log(classes))})" if classes > 1 else ""


def _spread(row: Row) -> float:
    """The root mean square over units of how much a unit varies over the samples."""
    with np.errstate(all="ignore"):
        return sqrt(float(np.mean(np.var(row.outputs.astype(np.float64), axis=0))))


def _drawn(case: Case, weights: list[Array], seen: Look, seed: int) -> list[Array]:
    """Weights by He before relu, with half that variance before others; no matrix, no change.

    That is LeCun's, and Xavier's where a layer is as wide as the one before.
    """
    rng = np.random.default_rng(seed)
    after = {row.path: row.activation for row in seen.rows if row.activation}
    drawn = list(weights)
    for layer in case.matrices:
        rectified = after.get(layer.path) in ("relu", "leaky_relu", "gelu", "gelu_tanh", "softplus")
        own = [i for i in layer.members if np.ndim(case.parameters[i]._data) > 1]
        if case.is_scalar:
            units = units_of(case, layer, list(range(len(case.parameters))))
            if units is None:
                continue
            for i in units.astype(int).ravel():
                spread = max(_deviation(units.shape[1], rectified), NARROW)
                drawn[i] = np.array(rng.normal(0.0, spread))
        for i in own:
            shape = case.parameters[i].shape
            into = shape[0] if len(shape) == 2 else int(np.prod(shape[1:]))
            spread = _deviation(into, rectified)
            drawn[i] = rng.normal(0.0, spread, shape).astype(weights[i].dtype)
    return drawn


def _deviation(into: int, rectified: bool) -> float:
    return sqrt((2.0 if rectified else 1.0) / into)
