"""The losses and optimizers of PyTorch, for make_golden."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody gives it

from tests.golden.operations import drawn

LOSSES: dict[str, Callable[..., Any]] = {
    "mse_loss": F.mse_loss,
    "l1_loss": F.l1_loss,
    "huber_loss": F.huber_loss,
    "cross_entropy": F.cross_entropy,
    "nll_loss": F.nll_loss,
    "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
    # torch's hinge_embedding_loss is another
    "hinge_loss": lambda o, t, reduction: getattr(torch.relu(1 - o * t), reduction)(),
}

OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "SGD": torch.optim.SGD,
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
    "RMSprop": torch.optim.RMSprop,
}

SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.2}),
    ("SGD", {"lr": 0.05, "momentum": 0.8, "weight_decay": 0.2}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.05, "betas": [0.8, 0.99], "eps": 1e-4}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.2}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.2}),
    ("RMSprop", {"lr": 0.05}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.9, "eps": 1e-4}),
]


def build_losses() -> list[dict[str, Any]]:
    """Each loss and the gradient of its outputs, also where logits are huge."""
    rng = np.random.default_rng(0)
    outputs, other = drawn(rng, (3, 4)), drawn(rng, (3, 4))
    huge = np.array([[800.0, -800.0, 0.0], [-800.0, 800.0, 1.0]])
    labels, signs = np.array([1, 0, 3]), np.where(other > 0, 1.0, -1.0)
    soft = np.array([[0.1, 0.2, 0.3, 0.4], [1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]])
    log_rows = torch.log_softmax(torch.tensor(outputs), -1).numpy()
    tried = [
        ("mse_loss", outputs, other),
        ("l1_loss", outputs, other),
        ("huber_loss", outputs, other),
        ("hinge_loss", outputs, signs),
        ("cross_entropy", outputs, labels),
        ("cross_entropy", outputs, soft),
        ("cross_entropy", huge, np.array([0, 0])),
        ("nll_loss", log_rows, labels),
        ("binary_cross_entropy_with_logits", outputs, (signs + 1) / 2),
        ("binary_cross_entropy_with_logits", outputs, soft),
        ("binary_cross_entropy_with_logits", huge, np.array([[1.0, 0.0, 0.5], [1.0, 0.0, 0.5]])),
    ]
    return [loss(name, *case, how) for name, *case in tried for how in ("mean", "sum")]


def loss(name: str, outputs: np.ndarray, targets: np.ndarray, reduction: str) -> dict[str, Any]:
    x = torch.tensor(outputs, requires_grad=True)
    value = LOSSES[name](x, torch.tensor(targets), reduction=reduction)
    (gradient,) = torch.autograd.grad(value, x)
    case: dict[str, Any] = {"loss": name, "reduction": reduction, "outputs": outputs}
    return case | {"targets": targets, "value": value, "gradient": gradient}


def build_trajectories() -> list[dict[str, Any]]:
    """Ten steps of each optimizer on a small network, of all that its parameters are after each."""
    rng = np.random.default_rng(1)
    x, target, w, b = (drawn(rng, shape) for shape in [(4, 3), (4, 2), (3, 2), (2,)])
    found = []
    for name, settings in SETTINGS:
        parameters = [torch.tensor(p, requires_grad=True) for p in (w, b)]
        optimizer = OPTIMIZERS[name](parameters, **settings)
        steps = []
        for _ in range(10):
            optimizer.zero_grad()
            output = torch.tanh(torch.tensor(x) @ parameters[0] + parameters[1])
            error = output - torch.tensor(target)
            (error * error).mean().backward()
            optimizer.step()
            steps.append(torch.cat([p.detach().ravel() for p in parameters]))
        case: dict[str, Any] = {"optimizer": name, "settings": settings, "x": x, "target": target}
        found.append(case | {"parameters": [w, b], "steps": torch.stack(steps)})
    return found
