"""A snapshot of a model: what training changes in it, taken and put back.

That is the parameters, the running statistics and the randomness of its layers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from .module import Module
from .randomness import put_back, state_of


class Snapshot:
    """A model's numbers and the states of its generators, by path; nothing of it is shared."""

    def __init__(
        self, numbers: dict[str, npt.NDArray[Any]], generators: dict[str, dict[str, Any]]
    ) -> None:
        self.numbers, self.generators = numbers, generators

    @classmethod
    def of(cls, model: Any) -> Self:
        """What a model is now. Of one that is no Module, its parameters, in their order."""
        if not isinstance(model, Module):
            parameters = enumerate(model.parameters())
            return cls({str(i): np.array(parameter.data) for i, parameter in parameters}, {})
        generators = {name: state_of(rng) for name, rng in model.named_generators()}
        return cls(model.state_dict(), generators)

    def restore(self, model: Any) -> None:
        """Make the model what it was; what it has got since then stays."""
        if not isinstance(model, Module):
            for i, parameter in enumerate(model.parameters()):
                parameter.data = self.numbers[str(i)]
            return
        now = model.state_dict()
        kept = {
            name: numbers
            for name, numbers in self.numbers.items()
            if name in now and now[name].shape == numbers.shape
        }
        model.load_state_dict(now | kept)
        for name, rng in model.named_generators():
            if name in self.generators:
                put_back(rng, self.generators[name])


@contextmanager
def without_a_trace(model: Any) -> Iterator[list[str]]:
    """The list, afterwards, names the attributes that were assigned within; they are put back."""
    modules = model.named_modules() if isinstance(model, Module) else [("", model)]
    before = [(path, vars(module), dict(vars(module))) for path, module in modules]
    assigned: list[str] = []
    try:
        yield assigned
    finally:
        for path, now, then in before:
            changed = [name for name, x in now.items() if then.get(name, now) is not x]
            assigned += [f"{path}.{name}".lstrip(".") for name in changed]
            if changed:
                now.clear()
                now.update(then)
