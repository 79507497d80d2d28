"""What an optimizer can tell of a training loop by the gradients it is given, and says once.

A loop runs whatever its order is. That zero_grad was forgotten, that a layer is not part of the
loss, that the model still evaluates, shows when a step is taken.
"""

import re
from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

import numpy as np

from ..engine import (
    EvalModeWarning,
    ForgottenZeroGradWarning,
    MisuseWarning,
    ReplacedParameterWarning,
    UnreachedParameterWarning,
)
from ..engine.misuse import warn
from ..engine.spent import spent
from .calls import called, evaluated_at
from .module import Module

PATIENCE = 10
"""So many steps in a row may pass a parameter by, for another part of a model may have its turn."""


optimizers: WeakSet[Any] = WeakSet()
"""All that there are: what one of them does not hold, another may train."""


class StepChecks:
    """What one optimizer has noticed. `names` are the parameters' paths, where a model is known."""

    def __init__(self) -> None:
        self.names: dict[Any, str] = {}
        self._told: set[type[MisuseWarning]] = set()
        self._missed: dict[int, int] = {}
        self._empty = PATIENCE - 1
        """How many steps in a row no parameter at all had a gradient; of the first, one will do."""
        self._others: set[int] = set()
        self._replaced: set[Any] = set()
        self._missed_last: list[int] = []

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
            if reached and missed != self._missed_last:
                self._find_replaced(parameters, missed)
            self._count(parameters, reached, missed)
        elif self._missed:
            self._missed.clear()
        if reached:
            self._empty = 0
        if evaluated_at and EvalModeWarning not in self._told:
            self._find_evaluated([parameters[i] for i in reached])

    def _count(self, parameters: Sequence[Any], reached: list[int], missed: list[int]) -> None:
        if not reached:
            self._empty += 1
            if self._empty < PATIENCE:
                return
            self._tell(
                f"this step changes nothing, for none of its parameters, {len(parameters)} in all, "
                "has a gradient: call loss.backward() before it, and zero_grad() before that; if "
                "that is so, the loss is not computed from these parameters: build the optimizer "
                "from model.parameters() of this model, after its layers are as they will be",
                UnreachedParameterWarning,
            )
            return
        self._missed = {i: self._missed.get(i, 0) + 1 for i in missed}
        self.tell_of_unreached(parameters, PATIENCE)

    def tell_of_unreached(self, parameters: Sequence[Any], steps: int) -> None:
        """Warn of parameters that so many steps in a row have passed by, while others moved."""
        passed_by = [
            i
            for i, count in self._missed.items()
            if count >= min(steps, PATIENCE) and parameters[i] not in self._replaced
        ]
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
        for key, line in list(evaluated_at.items()):
            model = called.get(key)
            if model is None or model.training:
                del evaluated_at[key]
            elif key not in self._others:
                layers = [type(m).__name__ for m in model.modules() if _asks_for_the_mode(m)]
                if not layers or set(model.parameters()).isdisjoint(reached):
                    self._others.add(key)
                    continue
                self._tell(
                    f"this step trains a {type(model).__name__} that is in evaluation mode, as it "
                    f"was when called at {line}, so its {' and '.join(dict.fromkeys(layers))} does "
                    "not do what it does in training (Dropout drops nothing, BatchNorm uses "
                    "statistics that do not move); call model.train() before training, and again "
                    "after each model.eval() (nn.predict sees to both)",
                    EvalModeWarning,
                )

    def _find_replaced(self, parameters: Sequence[Any], missed: list[int]) -> None:
        """Look in the models of the loop for what stands in the place of what was missed."""
        self._missed_last = missed
        for model in list(called.values()):
            paths = {p: name for name, p in model.named_parameters()}
            if not paths.keys().isdisjoint(parameters):
                self.names.update(paths)
                gone = {parameters[i] for i in missed if parameters[i] not in paths}
                new = replacements(parameters, list(paths), gone)
                self.tell_of_replaced([p for p in new if p._grad is not None], gone)

    def tell_of_replaced(self, new: Sequence[Any], gone: set[Any]) -> None:
        """Warn of parameters that have the places of those that the optimizer holds."""
        if new:
            elsewhere = {p for o in optimizers if o.checks is not self for p in o.parameters}
            new = [p for p in new if p not in elsewhere]
        if not new:
            return
        self._replaced |= gone
        name, shape = self.names.get(new[0], ""), getattr(new[0], "shape", None)
        place = re.sub(r"\.(\d+)", r"[\1]", f"model.{name}") if name else "parameter"
        self._tell(
            f"{name or 'a parameter'} of the model, a {type(new[0]).__name__}"
            f"{'' if shape is None else f' of shape {shape}'}, is not known to the optimizer, "
            "which holds another in its place that is no part of the model: it was replaced after "
            "the optimizer was built, and will not be trained. Build the optimizer after that, or "
            f"assign the numbers, not the parameter: {place}.data = …",
            ReplacedParameterWarning,
        )

    def _tell(self, message: str, category: type[MisuseWarning]) -> None:
        if category not in self._told:
            self._told.add(category)
            warn(message, category)


def replacements(held: Sequence[Any], own: Sequence[Any], gone: set[Any]) -> list[Any]:
    """Those of a model's own parameters that took the places of what an optimizer still holds.

    An optimizer may have a part of a model's, and others beside them; but where one is gone from
    the model, and there is another of the same shape, it was replaced, and so it was by one of
    another shape where all others are the same, in the same order.
    """
    held = [p for p in held if not p.constant]
    known, shapes = set(held), {np.shape(p._data) for p in gone}
    new = [p for p in own if p not in known]
    in_order = len(held) == len(own) > len(new) and all(
        a is b or (a in gone and b not in known) for a, b in zip(held, own, strict=True)
    )
    return [p for p in new if in_order or np.shape(p._data) in shapes]


def _asks_for_the_mode(module: Module) -> bool:
    """Whether a module's forward reads `training`, to do something else."""
    code = getattr(type(module).forward, "__code__", None)
    return code is not None and "training" in code.co_names
