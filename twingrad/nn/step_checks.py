"""What an optimizer can tell of a training loop by the gradients it is given, and says once.

A loop runs whatever its order is. That zero_grad was forgotten, that a layer is not part of the
loss, that the model still evaluates, shows when a step is taken.
"""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from ..engine import (
    EvalModeWarning,
    ForgottenZeroGradWarning,
    MisuseWarning,
    UnreachedParameterWarning,
)
from ..engine.anomalies.context import calling
from ..engine.caller import user_line
from ..engine.misuse import warn
from ..engine.spent import spent
from ..engine.sweep import is_remembering
from .module import Module

PATIENCE = 10
"""So many steps in a row may pass a parameter by, for another part of a model may have its turn."""

_evaluated: WeakKeyDictionary[Module, str] = WeakKeyDictionary()
"""The models that were called in evaluation mode for something to differentiate, and where."""


class StepChecks:
    """What one optimizer has noticed. `names` are the parameters' paths, where a model is known."""

    def __init__(self) -> None:
        self.names: dict[Any, str] = {}
        self._told: set[type[MisuseWarning]] = set()
        self._missed: dict[int, int] = {}
        self._empty = PATIENCE - 1
        """How many steps in a row no parameter at all had a gradient; of the first, one will do."""
        self._others: set[int] = set()

    def look(self, parameters: Sequence[Any], reached: list[int], missed: list[int]) -> None:
        """See what a step is about to take; `missed` are those that no gradient reached."""
        mixed_at = spent.take([parameters[i] for i in reached])
        if mixed_at:
            self._tell(
                f"this step takes gradients that earlier steps have taken already: backward() at "
                f"{mixed_at} added to them, because they were not reset; call "
                "optimizer.zero_grad() in every round, before backward() (several backward() "
                "before one step are fine)",
                ForgottenZeroGradWarning,
            )
        if missed:
            self._count(parameters, reached, missed)
        elif self._missed:
            self._missed.clear()
        if reached:
            self._empty = 0
        if _evaluated and EvalModeWarning not in self._told:
            self._find_evaluated([parameters[i] for i in reached])

    def _count(self, parameters: Sequence[Any], reached: list[int], missed: list[int]) -> None:
        if not reached:
            self._empty += 1
            if self._empty < PATIENCE:
                return
            self._tell(
                f"this step changes nothing, for none of the {len(parameters)} parameters has a "
                "gradient: call loss.backward() before it, and zero_grad() before that; if that "
                "is so, the loss is not computed from these parameters: build the optimizer from "
                "model.parameters() of this model, after its layers are as they will be",
                UnreachedParameterWarning,
            )
            return
        self._missed = {i: self._missed.get(i, 0) + 1 for i in missed}
        self.tell_of_unreached(parameters, PATIENCE)

    def tell_of_unreached(self, parameters: Sequence[Any], steps: int) -> None:
        """Warn of parameters that so many steps in a row have passed by, while others moved."""
        passed_by = [i for i, count in self._missed.items() if count >= min(steps, PATIENCE)]
        if not passed_by or not steps:
            return
        named = ", ".join(self._named(parameters[i], i) for i in passed_by[:3])
        more = f" and {len(passed_by) - 3} more" if len(passed_by) > 3 else ""
        self._tell(
            f"{len(passed_by)} of {len(parameters)} parameters had no gradient in the last "
            f"{min(steps, PATIENCE)} steps, {named}{more}, so they stay as they are: the loss is "
            "not computed from them. Is a layer left out of forward(), or was a parameter replaced "
            "(layer.weight = …) after the optimizer was built? Then use it, or build the optimizer "
            "after. If it is meant, freeze them, parameter.constant = True, or leave them out",
            UnreachedParameterWarning,
        )

    def _named(self, parameter: Any, i: int) -> str:
        name = self.names.get(parameter) or (repr(parameter.label) if parameter.label else "")
        shape = getattr(parameter, "shape", None)
        of = "" if shape is None else f" of shape {shape}"
        return (name or f"parameter {i}") + of

    def _find_evaluated(self, reached: list[Any]) -> None:
        for model, line in list(_evaluated.items()):
            if model.training:
                del _evaluated[model]
            elif id(model) not in self._others:
                if set(model.parameters()).isdisjoint(reached):
                    self._others.add(id(model))
                    continue
                self._tell(
                    f"this step trains a {type(model).__name__} that is in evaluation mode, as it "
                    f"was when called at {line}: Dropout drops nothing, BatchNorm uses statistics "
                    "that do not move; call model.train() before training, and again after each "
                    "model.eval() (nn.predict sees to both)",
                    EvalModeWarning,
                )

    def _tell(self, message: str, category: type[MisuseWarning]) -> None:
        if category not in self._told:
            self._told.add(category)
            warn(message, category)


def note_evaluation(layer: Module) -> None:
    """Remember that a layer that differs in training evaluates, if the model as a whole does."""
    model = (calling.get() or (layer,))[0]
    if is_remembering.get() and not model.training and model not in _evaluated:
        _evaluated[model] = user_line()
