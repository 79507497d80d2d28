"""Again: a model's loss and gradients on one sample, with one set of weights after another.

A finding may rest on dozens of them. A model of Values is recorded once for that, and replayed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import Value, record
from ...engine.recording.recording import Recording
from ..predict import first_numbers, respond
from .look import Look, look, untouched

Array = npt.NDArray[Any]


class Again:
    """Looks at a model with other weights, one array for each of `model.parameters()`."""

    def __init__(self, model: Any, X: Array, y: Array, loss: Callable[[Any, Any], Any]) -> None:
        self.model, self.X, self.y, self.loss = model, X, y, loss
        self._recording: Recording | None = None
        self._is_recorded = False

    def __call__(self, weights: list[Array]) -> Look:
        """What the model says with these weights, without rows."""
        recording = self._recorded()
        if recording is not None:
            try:
                return self._replayed(recording, weights)
            except Exception:
                self._recording = None  # a comparison went another way; the long way serves as well
        return look(self.model, self.X, self.y, self.loss, weights, deep=False)

    def _recorded(self) -> Recording | None:
        if not self._is_recorded:
            self._is_recorded = True
            # Not self in its closure: a recording sees after all that its function reaches.
            model, X, y, loss = self.model, self.X, self.y, self.loss
            if isinstance(first_numbers(model), Value):
                try:
                    with untouched(model):
                        self._recording = record(lambda: loss(respond(model, X), y))
                except Exception:
                    self._recording = None  # a model that draws, or reads its gradients
        return self._recording

    @np.errstate(all="ignore")
    def _replayed(self, recording: Recording, weights: list[Array]) -> Look:
        parameters = list(self.model.parameters())
        with untouched(self.model, weights):
            for parameter in parameters:
                parameter._grad = None
            loss = recording.replay()
            gradients = [parameter._grad for parameter in parameters]
        return Look(loss, np.zeros(0), gradients, [1] * len(parameters))
