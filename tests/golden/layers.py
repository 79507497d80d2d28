"""The layers of PyTorch, and a small network of them, for make_golden."""

import zlib
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody gives it

from tests.golden.operations import drawn, second_derivatives

Settings = dict[str, Any]

# What PyTorch calls otherwise.
THEIR_NAME = {"axis": "dim"}

CONVOLUTIONS: list[tuple[list[Any], Settings, tuple[int, ...]]] = [
    ([2, 3, 3], {"padding": 1}, (2, 2, 4, 3)),
    ([1, 2, [3, 2]], {"stride": [2, 1], "padding": [0, 1]}, (2, 1, 5, 4)),
    ([2, 2, 2], {"stride": 2, "bias": False}, (1, 2, 4, 4)),
    ([3, 2, 1], {}, (1, 3, 2, 3)),
    ([2, 2, [3, 4]], {}, (2, 2, 3, 4)),  # as large as the image
    ([1, 1, 2], {"stride": 3}, (1, 1, 6, 7)),  # rows and columns 2 and 5 stay unseen
    ([1, 2, [1, 3]], {"stride": [1, 2], "padding": [1, 2]}, (1, 1, 3, 4)),
]
POOLS: list[tuple[list[Any], Settings, tuple[int, ...]]] = [
    ([2], {}, (1, 2, 5, 4)),
    ([3], {"stride": 2, "padding": 1}, (1, 1, 5, 4)),
    ([[2, 3]], {"stride": [1, 2], "padding": [1, 0]}, (2, 1, 3, 5)),
    ([1], {"stride": 2}, (1, 1, 4, 3)),
]


def build_layers() -> list[dict[str, Any]]:
    """Each layer's output and every gradient; twice, where batches leave something behind."""
    found = [layer("Conv2d", *case) for case in CONVOLUTIONS]
    found[1] |= curvature(found[1])
    for arguments, settings, shape in POOLS:
        # Different numbers, so that no maximum is in doubt.
        x = np.random.default_rng(len(found)).permutation(np.prod(shape)).reshape(shape) - 10.0
        found.append(layer("MaxPool2d", arguments, settings, shape, x))
        found.append(layer("AvgPool2d", arguments, settings, shape))
    for arguments, settings, shape in [
        ([4], {}, (3, 4)),
        ([[3, 2]], {"eps": 0.1}, (2, 3, 2)),
        ([2], {"elementwise_affine": False}, (2, 2, 2)),
    ]:
        found.append(layer("LayerNorm", arguments, settings, shape))
        found[-1] |= curvature(found[-1])
    found += [layer("GELU", [], {"approximate": how}, (2, 3)) for how in ("none", "tanh")]
    found += [layer("Softmax", [], {"axis": axis}, (2, 3, 2)) for axis in (-1, 1)]
    found.append(batch_norm([3], {}, (4, 3)))
    found.append(batch_norm([2], {"eps": 0.1, "momentum": 0.3}, (2, 2)))
    found.append(batch_norm([2], {"affine": False}, (3, 2)))
    return found


def layer(
    name: str,
    arguments: list[Any],
    settings: Settings,
    shape: tuple[int, ...],
    x: np.ndarray | None = None,
) -> dict[str, Any]:
    """A layer on one batch: the output, and the gradients of the batch and of its parameters."""
    rng = np.random.default_rng(zlib.crc32(f"{name} {arguments} {settings}".encode()))
    made = make(name, arguments, settings)
    parameters = [drawn(rng, tuple(p.shape)) for p in made.parameters()]
    case = {"layer": name, "arguments": arguments, "settings": settings}
    case |= {"x": drawn(rng, shape) if x is None else x, "parameters": parameters}
    return case | pulled(made, case, rng)


def make(name: str, arguments: list[Any], settings: Settings) -> torch.nn.Module:
    named = {THEIR_NAME.get(key, key): value for key, value in settings.items()}
    return getattr(torch.nn, name)(*arguments, **named)


def pulled(made: torch.nn.Module, case: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """What the layer gives for the case's x, and what it passes back."""
    operands = [torch.tensor(p, requires_grad=True) for p in (case["x"], *case["parameters"])]
    value = called(made, operands)
    upstream = drawn(rng, tuple(value.shape))
    gradients = torch.autograd.grad(value, operands, torch.tensor(upstream))
    return {"value": value, "upstream": upstream, "gradients": list(gradients)}


def called(made: torch.nn.Module, operands: list[Any]) -> Any:
    """The layer's output with its parameters replaced."""
    names = [name for name, _ in made.named_parameters()]
    return torch.func.functional_call(
        made, dict(zip(names, operands[1:], strict=True)), operands[0]
    )


def curvature(case: dict[str, Any]) -> dict[str, Any]:
    """The second derivatives of the weighed output along a direction, in x and the parameters."""
    made = make(case["layer"], case["arguments"], case["settings"])
    rng = np.random.default_rng(zlib.crc32(case["layer"].encode()))
    operands = [torch.tensor(p, requires_grad=True) for p in (case["x"], *case["parameters"])]
    along = [drawn(rng, tuple(x.shape)) for x in operands]
    weighed = (called(made, operands) * torch.tensor(case["upstream"])).sum()
    gradients = torch.autograd.grad(weighed, operands, create_graph=True)
    slope = sum((g * torch.tensor(v)).sum() for g, v in zip(gradients, along, strict=True))
    return {"along": along, "second": second_derivatives(slope, operands)}


def batch_norm(arguments: list[Any], settings: Settings, shape: tuple[int, ...]) -> dict[str, Any]:
    """Two batches to gather statistics from, a third with gradients, and then an evaluation."""
    rng = np.random.default_rng(zlib.crc32(f"BatchNorm1d {arguments} {settings}".encode()))
    made = make("BatchNorm1d", arguments, settings)
    before = [drawn(rng, shape) for _ in range(2)]
    for batch in before:
        made(torch.tensor(batch))
    parameters = [drawn(rng, tuple(p.shape)) for p in made.parameters()]
    case: dict[str, Any] = {"layer": "BatchNorm1d", "arguments": arguments, "settings": settings}
    case |= {"before": before, "x": drawn(rng, shape), "parameters": parameters}
    case |= pulled(made, case, rng)
    case |= {"running": [made.running_mean.clone(), made.running_var.clone()]}
    case["evaluated"] = pulled(made.eval(), case, rng)
    made = make("BatchNorm1d", arguments, settings)
    return case | curvature(case)


def build_networks() -> list[dict[str, Any]]:
    """The gradient of the loss of a small convolutional network by each of its parameters."""
    rng = np.random.default_rng(3)
    x, targets = drawn(rng, (3, 1, 6, 5)), np.array([1, 0, 2])
    shapes = [(2, 1, 3, 3), (2,), (3, 8), (3,)]
    parameters = [0.5 * drawn(rng, shape) for shape in shapes]
    kernels, shift, weight, bias = leaves = [
        torch.tensor(p, requires_grad=True) for p in parameters
    ]
    seen = F.relu(F.conv2d(torch.tensor(x), kernels, shift, padding=(1, 0)))
    pooled = F.max_pool2d(seen, (3, 2), stride=(3, 1))
    logits = pooled.flatten(1) @ weight.T + bias
    loss = F.cross_entropy(logits, torch.tensor(targets))
    gradients = list(torch.autograd.grad(loss, leaves))
    case = {"x": x, "targets": targets, "parameters": parameters}
    return [case | {"logits": logits, "loss": loss, "gradients": gradients}]
