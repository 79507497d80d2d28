"""Runs that can be judged without the doctor: a plan, what a run of it leaves behind, a case.

An ill run has a control, the same plan with only the illness taken away; `truth` compares them.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tests.doctor.bench import Case
from tests.doctor.loops import Loop
from tests.doctor.runs import Array, Recipe, built
from tests.doctor.tasks import Task, loss_of
from twingrad import nn


@dataclass
class Plan(Recipe):
    """A recipe, and more ways to go on from it: a model or a loop of one's own, other weights."""

    model: Callable[[Recipe], Any] | None = None
    edit: Callable[[int, Array, np.random.Generator], Array] | None = None
    loop: Loop | None = None
    callbacks: Callable[[], list[Any]] = list
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Ran:
    """What a run leaves behind."""

    plan: Plan
    start: Any
    model: Any
    loss: Any
    optimizer: Any
    history: Any = None
    monitor: Any = None

    @property
    def losses(self) -> Array:
        """The training loss, by epoch where `fit` ran, else by step."""
        return self.steps if self.history is None else np.array(self.history.loss)

    @property
    def steps(self) -> Array:
        """The training loss, by step."""
        return np.zeros(0) if self.monitor is None else self.monitor.losses


@dataclass
class Known(Case):
    """A case whose truth is known: the plan of its run, and of its control, None for a healthy."""

    plan: Callable[[], Plan]
    control: Callable[[], Plan] | None = None


def model_of(plan: Plan) -> Any:
    """The model of a plan, as it is before training."""
    model = built(plan) if plan.model is None else plan.model(plan)
    if plan.edit is not None:
        rng = np.random.default_rng(plan.seed + 7)
        for index, (get, put) in enumerate(_weights(model)):
            put(plan.edit(index, get(), rng))
    return model


def _weights(model: Any) -> Iterator[tuple[Callable[[], Array], Callable[[Array], None]]]:
    """How to read and write the weights of each layer, inputs by units; kernels are (out, …)."""
    for part in model.modules():
        if isinstance(part, nn.Layer):
            yield (
                lambda part=part: np.array([[w.data for w in n.w] for n in part.neurons]).T,
                lambda new, part=part: _into(part, new),
            )
        elif isinstance(part, nn.Linear | nn.Conv2d):
            yield (
                lambda part=part: part.weight.numpy(),
                lambda new, part=part: setattr(
                    part.weight, "data", np.asarray(new, part.weight.dtype)
                ),
            )


def _into(layer: Any, new: Array) -> None:
    for neuron, column in zip(layer.neurons, np.asarray(new, float).T, strict=True):
        for weight, number in zip(neuron.w, column, strict=True):
            weight.data = float(number)


def trained(plan: Plan) -> Ran:
    """Train as planned, the doctor not asked."""
    task, model = plan.task, model_of(plan)
    loss = plan.loss or loss_of(task)
    usual = sgd_usual if plan.twin == "value" else adam_usual
    optimizer = (plan.optimizer or usual)(model.parameters())
    ran = Ran(plan, model_of(plan), model, loss, optimizer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not plan.trained:
            return ran
        if plan.loop is not None:
            ran.monitor = nn.Monitor(model) if plan.loop.by_hand else nn.Monitor(model, optimizer)
            plan.loop.run(model, optimizer, ran.monitor, task, loss, plan.batch, plan.seed)
            return ran
        ran.monitor = nn.Monitor(model, optimizer)
        options = {"record": True} if plan.twin == "value" else {}
        ran.history = nn.fit(
            model, task.X, task.y, loss=loss, optimizer=optimizer, epochs=plan.epochs,
            batch_size=plan.batch, validation=plan.validation, schedule=plan.schedule,
            clip_norm=plan.clip, rng=plan.seed, progress=False, **options | plan.options,
            callbacks=[ran.monitor] * plan.with_monitor + plan.callbacks(),
        )  # fmt: skip
    if not plan.with_monitor:
        ran.monitor = None
    return ran


def asked(ran: Ran) -> nn.Diagnosis:
    """What the doctor says of a run."""
    by_hand = ran.plan.loop is not None and ran.plan.loop.by_hand
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.diagnose(
            ran.model, ran.plan.task.X, ran.plan.task.y, ran.loss, history=ran.history,
            monitor=ran.monitor, optimizer=None if by_hand else ran.optimizer,
        )  # fmt: skip


def sgd_usual(parameters: Any) -> nn.Optimizer:
    return nn.SGD(parameters, lr=0.05, momentum=0.9)


def adam_usual(parameters: Any) -> nn.Optimizer:
    return nn.Adam(parameters, lr=1e-2)


Change = Callable[[Plan], Plan]
Made = dict[str, Callable[[int], Task]]
Line = tuple[str, str, str, Change, Change | None]


def change(**changes: Any) -> Change:
    """A change of a plan's own fields."""
    return lambda plan: replace(plan, **changes)


def usual(task: Task, twin: str, seed: int) -> Plan:
    """A plan that works on most tasks."""
    if twin == "value":
        task = task._replace(X=task.X.reshape(len(task.X), -1))
        width = 12 if task.X.shape[1] < 20 else 8
        return Plan(task, twin, seed, hidden=(width,), activation="tanh")
    return Plan(task, twin, seed, convolution=task.X.ndim > 2)


def cases(made: Made, lines: Iterable[Line], shift: int) -> list[Known]:
    """A case for each place of each line.

    A line is (kind, name, places, base, sick): the places such as "moons xor:V", where V is a
    model of Values; `base` is the change that the control has too, and `sick` the one that makes
    ill, None for health.
    """
    found: list[Known] = []
    for kind, name, places, base, sick in lines:
        for place in places.split():
            where, _, twin = place.partition(":")
            seed = shift + len(found) % 7
            twins = "Values" if twin else "Tensors"

            def control(
                where: str = where, twin: str = twin, seed: int = seed, base: Change = base
            ) -> Plan:
                return base(usual(made[where](seed), "value" if twin else "tensor", seed))

            def plan(control: Any = control, sick: Any = sick) -> Plan:
                return control() if sick is None else sick(control())

            found.append(
                Known(
                    f"{name} ({where}, {twins}, seed {seed})",
                    kind,
                    lambda plan=plan: asked(trained(plan())),
                    plan,
                    None if sick is None else control,
                )
            )
    return found
