"""Which layers a model has: the modules that hold its parameters, by the way to each.

What is measured layer by layer, a gradient or an output, is grouped here, in one way for all.
"""

import re
from typing import Any

from .module import Module
from .neuron import Neuron


def layers_of(model: Any) -> dict[str, list[Any]]:
    """The parameters that are learned, by the path of the layer that holds them directly.

    Paths are those of `named_modules`, "" for the model itself; a parameter that two layers share
    belongs to the first. A model that is no Module is one layer.

    >>> from twingrad import nn
    >>> {path: len(parameters) for path, parameters in layers_of(nn.MLP(2, [3, 1], rng=0)).items()}
    {'.layers[0]': 9, '.layers[1]': 4}
    """
    if not isinstance(model, Module):
        return {"": list(model.parameters())}
    found: dict[str, list[Any]] = {}
    seen: set[Any] = set()
    for path, module in model.named_modules():
        own = [parameter for parameter in own_parameters(module) if parameter not in seen]
        if own:
            seen.update(own)
            found.setdefault(layer_path(path, module), []).extend(own)
    return found


def own_parameters(module: Module) -> list[Any]:
    """The parameters of a module that no module inside it holds."""
    below = {p for part in module.modules() if part is not module for p in part.parameters()}
    return [parameter for parameter in module.parameters() if parameter not in below]


def layer_path(path: str, module: Module) -> str:
    """The path of the layer that a module is, or belongs to: a list of neurons is one layer."""
    if isinstance(module, Neuron) and path.endswith("]"):
        return path.rpartition("[")[0].removesuffix(".neurons")
    return path


def layer_name(path: str, module: Any) -> str:
    """How a layer is called in a picture: "[0] Linear(2, 3)", by its type where that is long."""
    shown = re.sub(r"(, )?\b\w+=.*\)$", ")", repr(module)).removesuffix("()")  # no settings
    if len(shown) > 30 or shown.count("(") > 1:
        shown = type(module).__name__
    return f"{path.lstrip('.')} {shown}".strip()
