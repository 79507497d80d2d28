"""Optimizer: what all optimizers share, whatever their rule of update.

It finds the parameters that a gradient reached, keeps a state for each, counts, saves and
restores. The rules themselves are in `optim`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ..engine import Node, Value
from ..engine.changes import moved
from .module import Module
from .settings import at_least_zero, whole
from .step_checks import StepChecks, optimizers
from .stretches import Stretches, is_elementwise, plain, update_array

_KEYS = ("kind", "settings", "lr", "taken", "steps", "state")


class Optimizer:
    """Turns gradients into updates: the parameters, the learning rate, a state for each parameter.

    A subclass names its `settings` and its `state_names`, and defines `update`. `taken` counts
    the calls of `step`; `steps` those in which each parameter had a gradient.

    A parameter that no gradient reached, or that is frozen (`constant`), is left alone: no
    momentum moves it, no weight decay shrinks it, and its state stays as it was.
    """

    settings: ClassVar[tuple[str, ...]] = ()
    state_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, parameters: Iterable[Any], lr: float) -> None:
        self.parameters = listed_parameters("an optimizer", parameters)
        self.lr = lr
        self.taken = 0
        self._stretches = Stretches()
        self.checks = StepChecks()
        optimizers.add(self)
        self.steps = [0 for _ in self.parameters]
        self.state: list[dict[str, Any]] = [
            {name: _zero(parameter) for name in self.state_names} for parameter in self.parameters
        ]

    @property
    def lr(self) -> float:
        """The learning rate; assign to it to change it."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr = at_least_zero("lr", lr)

    @property
    def elementwise(self) -> bool:
        """Whether the update, being marked so, treats every number by itself."""
        return is_elementwise(self.update)

    @np.errstate(all="ignore")  # as in the engine: NumPy warns where IEEE has an answer
    def step(self) -> None:
        """Update every parameter that has a gradient."""
        reached: list[int] = []
        missed: list[int] = []
        for i, parameter in enumerate(self.parameters):
            if not parameter.constant:
                (missed if parameter._grad is None else reached).append(i)  # `.grad` hides the None
        self.checks.look(self.parameters, reached, missed)
        for i in reached:
            self.steps[i] += 1
        try:
            self._update(reached)
        finally:
            moved([self.parameters[i] for i in reached])
        self.taken += 1

    def _update(self, reached: list[int]) -> None:
        update, elementwise = self.update, self.elementwise
        if elementwise:
            reached = self._stretches.update(self, reached)
        for i in reached:
            parameter, state, step = self.parameters[i], self.state[i], self.steps[i]
            x, grad = parameter._data, plain(parameter._grad)
            if elementwise and type(x) is not float:
                update_array(update, x, grad, state, step)
                continue
            new = update(x, grad, state, step)
            if type(new) is float:
                parameter._data = new
            else:
                parameter.data = new

    def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
        """The new value of a parameter x, a float or an array; `step` counts from 1.

        What is written `x -= …` moves a float and an array alike, and the array in its own
        memory; so may the arrays of the state be changed, but never the gradient. An update that
        treats every number by itself is faster if it is marked: `@nn.elementwise`.
        """
        raise TypeError(f"{type(self).__name__} has no update()")

    def zero_grad(self) -> None:
        """Reset the gradient of every parameter."""
        for parameter in self.parameters:
            parameter.grad = None

    # Saving

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on but the parameters, as plain lists, dicts and arrays.

        `kind` and `settings` say what it is the state of; `lr`, `taken`, `steps` and a copy of
        the `state` of each parameter are what `load_state_dict` takes over.
        """
        return {
            "kind": type(self).__name__,
            "settings": self._settings(),
            "lr": self.lr,
            "taken": self.taken,
            "steps": list(self.steps),
            "state": [{k: np.array(v) for k, v in entry.items()} for entry in self.state],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave, if it fits this optimizer: all of it or nothing.

        The settings are compared and not taken over, for they are chosen where the optimizer is
        built; the learning rate, which changes on the way, is.

        Raises `ValueError` for a state that lacks something, that another kind of optimizer
        gave, or one of other settings or of other parameters, and `TypeError` for no numbers.
        """
        self._refuse_another(state)
        lr, taken = at_least_zero("lr", state["lr"]), whole("taken", state["taken"])
        counts, entries = list(state["steps"]), list(state["state"])
        if not len(counts) == len(entries) == len(self.parameters):
            raise ValueError(
                f"the state does not fit: it holds {len(counts)} steps and {len(entries)} states, "
                f"but this {type(self).__name__} needs {len(self.parameters)}, one a parameter"
            )
        steps = [whole(f"steps[{i}]", count) for i, count in enumerate(counts)]
        found = [self._restored(i, entry) for i, entry in enumerate(entries)]
        self.lr, self.taken, self.steps, self.state = lr, taken, steps, found

    def _refuse_another(self, state: Mapping[str, Any]) -> None:
        """Raise what is wrong with a state before its numbers are looked at."""
        kind, own = type(self).__name__, self._settings()
        if not isinstance(state, Mapping):
            raise TypeError(f"a state is a dict, as state_dict() gives it, not {state!r}")
        missing = [key for key in _KEYS if key not in state]
        if missing:
            raise ValueError(
                f"the state lacks {missing}; load what state_dict() of {_with_article(kind)} gave"
            )
        if state["kind"] != kind:
            raise ValueError(
                f"the state is of {_with_article(str(state['kind']))}, but this is "
                f"{_with_article(kind)}; build the optimizer as it was when the state was saved"
            )
        saved = dict(state["settings"])
        if saved.keys() != own.keys():
            raise ValueError(
                f"the state has the settings {sorted(saved)}, but this {kind} has "
                f"{sorted(own)}; load what state_dict() gave"
            )
        for name, setting in own.items():
            if not np.array_equal(saved[name], setting):
                raise ValueError(
                    f"the state was saved with {name}={saved[name]!r}, but this {kind} has "
                    f"{name}={setting!r}; build it with {name}={saved[name]!r} to continue that "
                    f"run, or change state['settings'][{name!r}] to continue otherwise"
                )

    def _restored(self, i: int, entry: Mapping[str, Any]) -> dict[str, Any]:
        """The state of a parameter in its own precision, from what was saved."""
        arrays = {name: np.asarray(numbers) for name, numbers in entry.items()}
        needed = {name: np.shape(numbers) for name, numbers in self.state[i].items()}
        came = {name: array.shape for name, array in arrays.items()}
        if came != needed:
            raise ValueError(
                f"the state does not fit: state[{i}] holds {came}, but parameter {i} needs "
                f"{needed}; build the optimizer from the parameters it had"
            )
        for name, array in arrays.items():
            if array.dtype.kind not in "biuf":
                raise TypeError(
                    f"state[{i}][{name!r}] holds real numbers, but an array of dtype "
                    f"{array.dtype} came"
                )
        parameter = self.parameters[i]
        if isinstance(parameter, Value):
            return {name: float(arrays[name]) for name in needed}
        return {name: np.array(arrays[name], dtype=parameter.dtype) for name in needed}

    def _settings(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in self.settings}
        return {name: list(x) if isinstance(x, tuple) else x for name, x in own.items()}

    def __repr__(self) -> str:
        count = len(self.parameters)
        settings = "".join(f", {name}={getattr(self, name)!r}" for name in self.settings)
        of = f"{count} parameter{'s' * (count != 1)}"
        return f"{type(self).__name__}({of}, lr={self.lr!r}{settings})"


def listed_parameters(who: str, parameters: Iterable[Any]) -> list[Any]:
    """Parameters as a list, each a node without a past, none of them twice.

    `who` takes them, and is named where they are refused.
    """
    if isinstance(parameters, Module):
        raise TypeError(f"{who} takes parameters: model.parameters(), not the model")
    if isinstance(parameters, Node):
        raise TypeError(f"{who} takes a list of parameters: write [parameter]")
    found = list(parameters)
    if not found:
        raise ValueError(f"{who} needs at least one parameter, but the list is empty")
    for i, parameter in enumerate(found):
        if not isinstance(parameter, Node) or parameter.parents:
            raise TypeError(
                f"parameter {i} is {parameter!r}; {who} takes only Values and Tensors that you "
                "made yourself, and not results of operations"
            )
    if len(set(found)) != len(found):
        raise ValueError(f"a parameter came twice; {who} would change it twice in a step")
    return found


def _zero(parameter: Any) -> Any:
    return 0.0 if isinstance(parameter, Value) else np.zeros_like(parameter._data)


def _with_article(kind: str) -> str:
    """ "an Adam", "a Lion", and, letter by letter, "an SGD"."""
    vowels = "AEFHILMNORSX" if kind[:2].isupper() else "AEIOU"
    return f"{'an' if kind.startswith(tuple(vowels)) else 'a'} {kind}"
