"""What makes a plan ill: changes of its data, its weights, its model or its loop."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tests.doctor.plans import Change, Plan
from tests.doctor.runs import Array, column
from tests.doctor.tasks import Task
from twingrad import nn

Edit = Callable[[int, Array, np.random.Generator], Array]


def both(*changes: Change) -> Change:
    """One change after the other."""

    def changed(plan: Plan) -> Plan:
        for change in changes:
            plan = change(plan)
        return plan

    return changed


# Data


def columns(f: Callable[[Array, np.random.Generator], Array]) -> Change:
    """Other inputs, by a function of those there were, whatever their shape."""

    def changed(plan: Plan) -> Plan:
        X = f(plan.task.X.copy(), np.random.default_rng(plan.seed + 50))
        return replace(plan, task=plan.task._replace(X=X))

    return changed


def targets(f: Callable[[Array, np.random.Generator], Array]) -> Change:
    """Other targets, by a function of those there were."""

    def changed(plan: Plan) -> Plan:
        y = f(plan.task.y.copy(), np.random.default_rng(plan.seed + 51))
        return replace(plan, task=plan.task._replace(y=y))

    return changed


def rows(chosen: Callable[[Array, np.random.Generator], Array]) -> Change:
    """Some of the samples, by a function of their targets that gives indices or a mask."""

    def changed(plan: Plan) -> Plan:
        kept = chosen(plan.task.y, np.random.default_rng(plan.seed + 52))
        return replace(plan, task=plan.task._replace(X=plan.task.X[kept], y=plan.task.y[kept]))

    return changed


def beside(f: Callable[[Array, np.random.Generator], Array]) -> Change:
    """More columns, by a function of those there are."""
    return columns(lambda X, rng: np.hstack([X, f(X, rng).reshape(len(X), -1)]))


def several(f: Callable[[Array], Array]) -> Change:
    """Inputs as a function of them gives them, the random generator not needed."""
    return columns(lambda X, rng: f(X))


def first(count: int) -> Change:
    """So many samples only."""
    return rows(lambda y, rng: rng.permutation(len(y))[:count])


def mislabelled(share: float, spread: float = 1.5) -> Change:
    """A share of the targets drawn anew, or numbers with noise of so many deviations."""

    def changed(y: Array, rng: np.random.Generator) -> Array:
        wrong = rng.permutation(len(y))[: int(share * len(y))]
        numbers = len(np.unique(y)) > 20
        if numbers:
            y[wrong] = y[wrong] + rng.normal(0.0, spread, y[wrong].shape)
        else:
            y[wrong] = rng.permutation(y[wrong])
        return y

    return targets(changed)


def as_chances(plan: Plan) -> Plan:
    """Targets of 0 and 1 with logits, where those of -1 and 1 are with squares."""
    y = (plan.task.y + 1.0) / 2.0
    return replace(plan, task=plan.task._replace(y=y), loss=nn.binary_cross_entropy_with_logits)


def as_two(plan: Plan) -> Plan:
    """Classes 0 and 1 with cross-entropy, where targets of -1 and 1 are with squares."""
    y = (plan.task.y > 0).astype(int)
    return replace(plan, task=Task(plan.task.X, y, "classes", 2))


def rarest(kept: int | float, label: int = -1) -> Change:
    """So many, or such a share, of one class."""

    def chosen(y: Array, rng: np.random.Generator) -> Array:
        rare = y == np.unique(y)[label]
        count = kept if isinstance(kept, int) else int(kept * (~rare).sum())
        return ~rare | (np.cumsum(rare) <= count)

    return rows(chosen)


def long_tail(y: Array, rng: np.random.Generator) -> Array:
    """Each class with half of the samples of the one before."""
    kept = np.zeros(len(y), bool)
    for k, label in enumerate(np.unique(y)):
        own = np.flatnonzero(y == label)
        kept[own[: max(3, len(own) >> k)]] = True
    return kept


# Weights


def at(places: tuple[int, ...], f: Callable[[Array, np.random.Generator], Array]) -> Change:
    """Other weights in some layers, all for ()."""

    def edit(index: int, w: Array, rng: np.random.Generator) -> Array:
        return f(w, rng) if not places or index in places else w

    return lambda plan: replace(plan, edit=edit)


def times(factor: float, *places: int) -> Change:
    """The weights times a number."""
    return at(places, lambda w, rng: factor * w)


def alike(number: float, *places: int) -> Change:
    """All weights one number."""
    return at(places, lambda w, rng: np.full_like(w, number))


def copied(*places: int) -> Change:
    """All units with the weights of the first, as by one seed for each."""

    def copy(w: Array, rng: np.random.Generator) -> Array:
        if w.ndim > 2:
            return np.repeat(w[:1], len(w), axis=0)
        return np.repeat(w[:, :1], w.shape[1], axis=1)

    return at(places, copy)


def drawn(f: Callable[[np.random.Generator, tuple[int, ...]], Array], *places: int) -> Change:
    """The weights drawn by a function of the generator and their shape."""
    return at(places, lambda w, rng: f(rng, w.shape))


# Models of Tensors


def net(
    depth: int, width: int, act: Any = nn.ReLU, init: str = "he", norm: str = "",
    residual: bool = False, drop: float = 0.0, end: Any = None, bias: bool = True,
) -> Callable[[Any], Any]:  # fmt: skip
    """A network: into its width, then blocks of Linear, normalisation, activation, dropout."""

    def made(plan: Any) -> Any:
        rng = np.random.default_rng(plan.seed)
        into = int(np.prod(plan.task.X.shape[1:]))
        layers: list[Any] = [nn.Flatten()] if plan.task.X.ndim > 2 else []
        for k in range(depth):
            block: list[Any] = [nn.Linear(width if k else into, width, bias, init, rng=rng)]
            block += [nn.BatchNorm1d(width)] if norm == "batch" else []
            block += [nn.LayerNorm(width)] if norm == "layer" else []
            block += [act()] if act is not None else []
            block += [nn.Dropout(drop, rng=rng)] if drop else []
            layers += [nn.Residual(nn.Sequential(*block))] if residual and k else block
        layers.append(
            nn.Linear(width if depth else into, plan.task.outputs, bias, "xavier", rng=rng)
        )
        layers += [end()] if end is not None else []
        if plan.task.kind != "classes" and plan.task.outputs == 1:
            layers.append(column)
        return nn.Sequential(*layers)

    return made


def conv(
    channels: tuple[int, ...] = (6, 12), act: Any = nn.ReLU, pool: Any = nn.MaxPool2d,
    init: Any = "he",
) -> Callable[[Any], Any]:  # fmt: skip
    """Convolutions and pooling, then a Linear layer, for images in one channel."""

    def made(plan: Any) -> Any:
        rng = np.random.default_rng(plan.seed)
        into, (height, width) = 1, plan.task.X.shape[2:]
        layers: list[Any] = []
        for k, out in enumerate(channels):
            layers += [nn.Conv2d(into, out, 3, padding=1, init=init, rng=rng), act()]
            if k < 2:
                layers.append(pool(2))
                height, width = height // 2, width // 2
            into = out
        layers += [nn.Flatten(), nn.Linear(into * height * width, plan.task.outputs, rng=rng)]
        return nn.Sequential(*layers)

    return made
