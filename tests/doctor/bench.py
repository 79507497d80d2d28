"""All runs of the bench, in two halves, and what comes of them: recall, precision, a table.

Thresholds were set on the first half. The second has other tasks, and was not looked at meanwhile.
"""

# ruff: noqa: E501 - an illness is a line of the table

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tests.doctor import tasks
from tests.doctor.runs import Cut, Recipe, Unused, Uphill, fitted, looped, of_model
from tests.doctor.tasks import Task
from twingrad import nn

Sick = Callable[[Recipe], nn.Diagnosis]


@dataclass
class Case:
    """A run: what it is called, the kind it is ill with, "" for a healthy one, and how it is run."""

    name: str
    kind: str
    run: Callable[[], nn.Diagnosis]


def sgd(lr: float, momentum: float = 0.0, decay: float = 0.0) -> Any:
    return lambda p: nn.SGD(p, lr=lr, momentum=momentum, weight_decay=decay)


def adam(lr: float) -> Any:
    return lambda p: nn.Adam(p, lr=lr)


def normal(spread: float) -> Any:
    return lambda shape, rng=None, dtype=np.float32: (
        np.random.default_rng(rng).normal(0.0, spread, shape).astype(dtype)
    )


def constant(number: float) -> Any:
    return lambda shape, rng=None, dtype=np.float32: np.full(shape, number, dtype)


def data(recipe: Recipe, X: Any = None, y: Any = None) -> Recipe:
    task = recipe.task
    new = Task(task.X if X is None else X, task.y if y is None else y, task.kind, task.outputs)
    return replace(recipe, task=new)


def _rng(recipe: Recipe) -> np.random.Generator:
    return np.random.default_rng(recipe.seed + 50)


# Illnesses: each takes a healthy recipe, and what it changes is what is wrong.


def unscaled(r: Recipe) -> nn.Diagnosis:
    rows = r.task.X
    return fitted(data(r, X=rows * np.where(np.arange(rows.shape[1]) % 2, 300.0, 1.0)))


def offset(r: Recipe) -> nn.Diagnosis:
    return fitted(data(r, X=r.task.X * 5.0 + 500.0))


def with_constant(r: Recipe) -> nn.Diagnosis:
    return fitted(data(r, X=np.hstack([r.task.X, np.full((len(r.task.X), 1), 3.0)])))


def with_duplicate(r: Recipe) -> nn.Diagnosis:
    most = int(r.task.X.std(axis=0).argmax())
    return fitted(data(r, X=np.hstack([r.task.X, 2.0 * r.task.X[:, most : most + 1] + 1.0])))


def imbalanced(r: Recipe) -> nn.Diagnosis:
    rare = r.task.y == r.task.y.max()
    kept = ~rare | (np.cumsum(rare) <= 4)
    return fitted(data(r, X=r.task.X[kept], y=r.task.y[kept]))


def shuffled(r: Recipe) -> nn.Diagnosis:
    return fitted(data(r, y=_rng(r).permutation(r.task.y)))


def with_nan(r: Recipe) -> nn.Diagnosis:
    X = r.task.X.copy()
    X.reshape(len(X), -1)[_rng(r).integers(len(X), size=3), 0] = np.nan
    return fitted(replace(data(r, X=X), trained=False))


def nan_target(r: Recipe) -> nn.Diagnosis:
    y = r.task.y.astype(float).copy()
    y[3] = np.inf
    return fitted(replace(data(r, y=y), trained=False))


def memorising(r: Recipe) -> nn.Diagnosis:
    rng = _rng(r)
    kept = rng.permutation(len(r.task.X))[:80]
    y = r.task.y[kept].copy()
    wrong = rng.permutation(80)[:24]
    y[wrong] = (
        rng.permutation(y[wrong])
        if r.task.kind != "numbers"
        else y[wrong] + rng.normal(0.0, 1.5, 24)
    )
    return fitted(
        replace(
            data(r, X=r.task.X[kept], y=y),
            hidden=(128, 128),
            epochs=200,
            batch=15,
            optimizer=adam(3e-3),
        )
    )


def noisy(r: Recipe) -> Recipe:
    """A third of the targets drawn anew."""
    rng = _rng(r)
    y = r.task.y.copy()
    wrong = rng.permutation(len(y))[: len(y) // 3]
    y[wrong] = rng.permutation(y[wrong])
    return data(r, y=y)


def product(r: Recipe) -> Recipe:
    """Targets by the sign of a product, which no line can tell."""
    X = r.task.X - np.median(r.task.X, axis=0)
    signs = np.where(X[:, 0] * X[:, 1] > 0.0, 1.0, -1.0)
    return replace(r, task=Task(r.task.X, signs, "two", 1))


def outlier(r: Recipe) -> nn.Diagnosis:
    X = r.task.X.copy()
    X[_rng(r).integers(len(X), size=2)] *= 40.0
    return fitted(replace(data(r, X=X), batch=8, validation=None, epochs=20))


def unchanged(**changes: Any) -> Sick:
    return lambda r: fitted(replace(r, **changes))


def loop(wrong: str, **changes: Any) -> Sick:
    return lambda r: looped(replace(r, **changes), wrong)


def cut(r: Recipe) -> nn.Diagnosis:
    return of_model(r.task, Cut(int(np.prod(r.task.X.shape[1:])), r.task.outputs, r.seed))


def unused(r: Recipe) -> nn.Diagnosis:
    return of_model(r.task, Unused(int(np.prod(r.task.X.shape[1:])), r.task.outputs, r.seed))


early = nn.StepLR(10, 0.1)
FLAT = {"classes", "two", "numbers"}

# kind, name, run, on which kinds of tasks, by which twins
ILL: list[tuple[str, str, Sick, set[str], str]] = [
    ("vanishing_gradients", "12 sigmoid layers", unchanged(hidden=(24,) * 12, activation="sigmoid"), FLAT, "tensor"),
    ("vanishing_gradients", "7 sigmoid layers, untrained", unchanged(hidden=(8,) * 7, activation="sigmoid", trained=False, init=normal(0.4)), FLAT, "both"),
    ("exploding_gradients", "10 relu layers, N(0, 1)", unchanged(hidden=(32,) * 10, init=normal(1.0), epochs=3), FLAT, "tensor"),
    ("exploding_gradients", "8 linear-ish layers, untrained", unchanged(hidden=(24,) * 8, init=normal(0.9), trained=False), FLAT, "tensor"),
    ("dead_relus", "biases of -8", unchanged(bias=-8.0, activation="relu", epochs=5), FLAT, "both"),
    ("dead_relus", "one step far too long", unchanged(hidden=(32, 32), optimizer=adam(1.0), epochs=4), {"classes"}, "tensor"),
    ("saturated_units", "tanh of inputs times 200", lambda r: fitted(data(replace(r, activation="tanh", epochs=5), X=r.task.X * 200.0)), FLAT, "both"),
    ("saturated_units", "tanh with N(0, 15)", unchanged(activation="tanh", init=normal(15.0), epochs=5), FLAT, "both"),
    ("symmetric_initialization", "all weights 0.5", unchanged(hidden=(16, 16), init=constant(0.5)), FLAT, "both"),
    ("symmetric_initialization", "all weights 0.1, tanh, untrained", unchanged(activation="tanh", init=constant(0.1), trained=False), FLAT, "both"),
    ("zero_initialization", "all weights 0", unchanged(hidden=(16, 16), init=constant(0.0)), FLAT, "both"),
    ("zero_initialization", "all weights 0, untrained, tanh", unchanged(activation="tanh", init=constant(0.0), trained=False), FLAT, "both"),
    ("initialization_too_large", "N(0, 3)", unchanged(hidden=(32, 32), init=normal(3.0), epochs=8), FLAT, "both"),
    ("initialization_too_large", "N(0, 2), untrained", unchanged(hidden=(64, 64), init=normal(2.0), trained=False), FLAT, "tensor"),
    ("initialization_too_small", "6 layers of N(0, 0.01)", unchanged(hidden=(32,) * 5, init=normal(0.01), epochs=5), FLAT, "tensor"),
    ("initialization_too_small", "N(0, 0.0001), untrained", unchanged(init=normal(1e-4), trained=False), FLAT, "both"),
    ("learning_rate_too_high", "Adam, 3", unchanged(optimizer=adam(3.0), hidden=(32, 32)), FLAT, "tensor"),
    ("learning_rate_too_high", "SGD, 20", unchanged(optimizer=sgd(20.0), activation="tanh"), {"two", "numbers"}, "both"),
    ("learning_rate_too_low", "Adam, 1e-6", unchanged(optimizer=adam(1e-6)), FLAT, "tensor"),
    ("learning_rate_too_low", "SGD, 1e-5", unchanged(optimizer=sgd(1e-5)), FLAT, "both"),
    ("divergence", "SGD on squares, 2", unchanged(optimizer=sgd(2.0), hidden=(64, 64)), {"numbers", "two"}, "both"),
    ("divergence", "momentum 0.99 on squares", unchanged(optimizer=sgd(1.0, 0.99), hidden=(64,)), {"numbers", "two"}, "tensor"),
    ("plateau", "the rate decays a hundred times too early", unchanged(optimizer=adam(1e-3), schedule=early, batch=32, epochs=40), FLAT, "tensor"),
    ("plateau", "SGD with a rate that decays too early", unchanged(optimizer=sgd(0.02), schedule=nn.ExponentialLR(0.9), batch=64, epochs=40), FLAT, "both"),
    ("spikes", "two wild samples", outlier, {"two", "numbers"}, "tensor"),
    ("spikes", "a rate that jumps", unchanged(schedule=lambda step: 200.0 if step % 70 == 60 else 1.0, optimizer=adam(5e-3)), FLAT, "tensor"),
    ("overfitting", "80 samples, a third wrong", memorising, FLAT, "tensor"),
    ("underfitting", "no hidden layer for a product", lambda r: fitted(replace(product(r), hidden=(), epochs=60)), {"two", "numbers"}, "both"),
    ("underfitting", "weight decay 1", unchanged(optimizer=sgd(0.05, 0.9, 0.5), epochs=40), FLAT, "tensor"),
    ("gradients_accumulating", "zero_grad forgotten", loop("forgotten", batch=None), FLAT, "both"),
    ("gradients_accumulating", "zero_grad forgotten, by hand", loop("forgotten hand", batch=None), FLAT, "both"),
    ("gradients_accumulating", "zero_grad forgotten, batches", loop("forgotten", batch=32), FLAT, "both"),
    ("ascent", "plus for minus, by hand", loop("hand ascent", batch=None), FLAT, "both"),
    ("ascent", "an optimizer of the wrong sign", unchanged(optimizer=lambda p: Uphill(p, lr=0.05), epochs=5), FLAT, "both"),
    ("ascent", "the negative loss", loop("negative", batch=None, optimizer=sgd(0.05)), FLAT, "both"),
    ("parameters_never_change", "half of them held", loop("held", batch=None), FLAT, "both"),
    ("parameters_never_change", "zero_grad too late", loop("early", batch=None), FLAT, "both"),
    ("parameters_never_change", "no backward", loop("backward", batch=None), FLAT, "both"),
    ("parameters_never_change", "numbers taken out", cut, {"classes"}, "tensor"),
    ("parameters_never_change", "a layer unused", unused, {"classes"}, "tensor"),
    ("inputs_not_normalized", "half of them times 300", unscaled, FLAT, "both"),
    ("inputs_not_normalized", "around 500", offset, FLAT, "both"),
    ("constant_feature", "a column of 3", with_constant, FLAT, "both"),
    ("duplicate_features", "a column in other units", with_duplicate, FLAT, "both"),
    ("class_imbalance", "four of the last class", imbalanced, {"two", "classes"}, "both"),
    ("shuffled_labels", "shuffled", shuffled, FLAT, "tensor"),
    ("shuffled_labels", "shuffled, untrained", lambda r: fitted(replace(data(r, y=_rng(r).permutation(r.task.y)), trained=False)), FLAT, "both"),
    ("nan_in_data", "three NaN in X", with_nan, FLAT, "both"),
    ("nan_in_data", "an infinite target", nan_target, {"numbers", "two"}, "both"),
    ("output_unfit", "softmax before cross_entropy", unchanged(output="softmax"), {"classes"}, "tensor"),
    ("output_unfit", "relu at the end", unchanged(output="relu", epochs=10), FLAT, "both"),
    ("output_unfit", "sigmoid for targets of -1 or more", unchanged(output="sigmoid", epochs=10), {"two", "numbers"}, "both"),
    ("output_unfit", "targets in thousands", lambda r: fitted(data(r, y=1000.0 * r.task.y + 5000.0)), {"numbers"}, "both"),
    ("batch_too_small", "one sample, SGD, noisy", lambda r: fitted(replace(noisy(r), batch=1, optimizer=sgd(0.03), epochs=12, validation=None, activation="tanh")), FLAT, "tensor"),
    ("batch_too_small", "two samples, Adam 0.02, noisy", lambda r: fitted(replace(noisy(r), batch=2, optimizer=adam(0.02), epochs=12, validation=None, activation="tanh")), FLAT, "tensor"),
    ("clipping_always_binds", "clip_norm 0.001", unchanged(clip=1e-3), FLAT, "both"),
    ("oscillation", "momentum 0.995", unchanged(batch=None, optimizer=sgd(0.1, 0.995), epochs=60, activation="tanh"), {"two", "numbers"}, "both"),
]  # fmt: skip


HEALTHY: list[tuple[str, Sick, set[str], str]] = [
    ("Adam, relu", unchanged(epochs=30), FLAT, "tensor"),
    ("SGD with momentum, two tanh layers", unchanged(optimizer=sgd(0.05, 0.9), activation="tanh", hidden=(24, 24), epochs=40), FLAT, "tensor"),
    ("Adam, cosine, three gelu layers", unchanged(hidden=(32, 32, 32), activation="gelu", optimizer=adam(5e-3), schedule=nn.CosineAnnealing(400), epochs=25), FLAT, "tensor"),
    ("batch norm, dropout", unchanged(normalize=True, dropout=0.1, batch=30, hidden=(32, 32), optimizer=adam(3e-3)), FLAT, "tensor"),
    ("untrained", unchanged(trained=False), FLAT, "both"),
    ("a network of Values", unchanged(epochs=40), FLAT, "value"),
    ("a loop of one's own, full batch", lambda r: looped(r, steps=120), FLAT, "both"),
    ("a loop of one's own, by hand", lambda r: looped(replace(r, more={"rate": 0.05}, activation="tanh"), "hand", steps=150), {"two", "numbers"}, "both"),
    ("no monitor", unchanged(with_monitor=False, epochs=25), FLAT, "tensor"),
    ("small batches, clipping now and then", unchanged(batch=8, clip=5.0, optimizer=adam(2e-3), epochs=25), FLAT, "tensor"),
]  # fmt: skip


def healthy(task: Task, twin: str, seed: int) -> Recipe:
    """The recipe of a task that works."""
    if twin == "value":
        task = task._replace(X=task.X.reshape(len(task.X), -1))
        narrow = int(np.prod(task.X.shape[1:])) < 20
        return Recipe(
            task, twin, seed, hidden=(12,) if narrow else (8,), activation="tanh", epochs=30
        )
    return Recipe(task, twin, seed, convolution=task.X.ndim > 2)


def half(made: list[Callable[[int], Task]], shift: int) -> list[Case]:
    """Each illness on two tasks that it can strike, and each healthy way on as many as there are."""
    found: list[Case] = []
    turn = shift
    plans = [(kind, *rest, 2) for kind, *rest in ILL]
    plans += [("", *rest, 3) for rest in HEALTHY]
    for kind, name, sick, kinds, twins, times in plans:  # type: ignore[misc]
        for time_ in range(times):
            for step in range(len(made)):
                make = made[(turn + step) % len(made)]
                seed = turn % 5 + 10 * shift
                task = make(seed)
                columns = name.startswith(("a column", "half of them times", "around"))
                if task.kind in kinds and not (columns and task.X.ndim > 2):
                    turn += step + 1
                    break
            scalar = twins == "value" or (twins == "both" and time_ % 2 and task.X[0].size < 20)
            recipe = healthy(task, "value" if scalar else "tensor", seed)
            where = f"{make.__name__}, {'Values' if scalar else 'Tensors'}, seed {seed}"
            found.append(Case(f"{name} ({where})", kind, lambda s=sick, r=recipe: s(r)))
    return found


TUNING = half(tasks.TUNING, 0)
UNSEEN = half(tasks.UNSEEN, 1)


@dataclass
class Result:
    """A case and what was said of it."""

    case: Case
    said: nn.Diagnosis

    @property
    def right(self) -> bool:
        """Whether an ill run shows its kind, and a healthy one no error."""
        return self.case.kind in self.said.kinds if self.case.kind else not self.said.errors


def results(cases: list[Case]) -> list[Result]:
    """What the doctor says of each."""
    return [Result(case, case.run()) for case in cases]


def summary(found: list[Result]) -> dict[str, int]:
    """How many ill ones were recognised, and how many healthy ones were troubled."""
    ill, well = ([r for r in found if bool(r.case.kind) is sick] for sick in (True, False))
    return {
        "ill": len(ill),
        "recognised": sum(r.right for r in ill),
        "healthy": len(well),
        "errors": sum(bool(r.said.errors) for r in well),
        "warned": sum(bool(r.said) for r in well),
    }


def table(found: list[Result]) -> str:
    """What came of a half: by kind, then what was missed, and what was said of healthy runs."""
    kinds = dict.fromkeys(result.case.kind for result in found if result.case.kind)
    lines = [f"{'kind':26} runs  recognised"]
    for kind in kinds:
        own = [result for result in found if result.case.kind == kind]
        lines.append(f"{kind:26} {len(own):4}  {sum(result.right for result in own):10}")
    told = summary(found)
    lines += [
        f"{'all ill runs':26} {told['ill']:4}  {told['recognised']:10}  "
        f"({told['recognised'] / told['ill']:.1%})",
        f"{'healthy runs':26} {told['healthy']:4}  with an error: {told['errors']}, with a warning "
        f"or a note: {told['warned']}",
    ]
    missed = [result for result in found if result.case.kind and not result.right]
    lines += ["", "missed:"] * bool(missed)
    for result in missed:
        lines.append(f"  {result.case.kind}: {result.case.name}")
        lines.append(f"    instead: {', '.join(result.said.kinds) or 'nothing'}")
    troubled = [result for result in found if not result.case.kind and result.said]
    lines += ["", "said of healthy runs:"] * bool(troubled)
    lines += [f"  {', '.join(r.said.kinds)}: {r.case.name}" for r in troubled]
    return "\n".join(lines)


def report(chosen: list[Any], only: str = "") -> None:
    """Print what comes of the runs, or of those of one kind."""
    started = time.perf_counter()
    print(table(results([case for case in chosen if only in (case.kind or "healthy")])))
    print(f"\n{time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    report(TUNING if sys.argv[1:2] == ["tuning"] else UNSEEN, "".join(sys.argv[2:3]))
