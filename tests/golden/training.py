"""The losses, optimizers, schedules and clipped gradients of PyTorch, for make_golden."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody gives it

from tests.golden.operations import INF, NAN, drawn

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
    found = [loss(name, *case, how) for name, *case in tried for how in ("mean", "sum")]
    # Where two slopes meet, and far out.
    errors = np.array([[0.0, -0.0, 0.5, -0.5], [0.4, -0.6, 1e300, -1e300]])
    found.append(loss("l1_loss", errors, np.zeros((2, 4)), "sum"))
    found.append(loss("huber_loss", errors, np.zeros((2, 4)), "sum", delta=0.5))
    ruled_out = np.array([[-INF, 0.0, -INF], [np.log(0.5), -INF, np.log(0.5)]])
    found.append(loss("nll_loss", ruled_out, np.array([1, 2]), "mean"))
    return found


def loss(
    name: str, outputs: np.ndarray, targets: np.ndarray, reduction: str, **settings: Any
) -> dict[str, Any]:
    x = torch.tensor(outputs, requires_grad=True)
    value = LOSSES[name](x, torch.tensor(targets), reduction=reduction, **settings)
    (gradient,) = torch.autograd.grad(value, x)
    case: dict[str, Any] = {"loss": name, "reduction": reduction, "outputs": outputs}
    case |= {"targets": targets, "value": value, "gradient": gradient}
    return case | ({"settings": settings} if settings else {})


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


BASE = 0.1
"""The rate that the optimizer of a schedule begins with, where the schedule does not say."""

SCHEDULES: list[tuple[str, dict[str, Any], int]] = [
    ("StepLR", {"step_size": 7, "gamma": 0.3}, 30),
    ("ExponentialLR", {"gamma": 0.9}, 30),
    ("CosineAnnealing", {"total": 20}, 20),
    ("CosineAnnealing", {"total": 20, "floor": 0.1}, 20),
    ("WarmupCosine", {"warmup": 5, "total": 25, "floor": 0.1}, 25),
    ("OneCycle", {"peak": 0.5, "total": 40}, 39),
    ("OneCycle", {"peak": 0.5, "total": 7}, 6),
    (
        "OneCycle",
        {"peak": 2.0, "total": 33, "warm_share": 0.5, "start_divisor": 10.0, "end_divisor": 100.0},
        32,
    ),
    ("CyclicLR", {"base": 0.01, "peak": 0.5, "half_period": 6}, 40),
]


def scheduler(name: str, settings: dict[str, Any], optimizer: Any) -> Any:
    """PyTorch's scheduler for a schedule of ours."""
    theirs = torch.optim.lr_scheduler
    if name in ("StepLR", "ExponentialLR"):
        return getattr(theirs, name)(optimizer, **settings)
    floor = BASE * settings.get("floor", 0.0)
    if name == "CosineAnnealing":
        return theirs.CosineAnnealingLR(optimizer, settings["total"], eta_min=floor)
    if name == "WarmupCosine":
        warmup, total = settings["warmup"], settings["total"]
        rise = theirs.LinearLR(optimizer, 1 / warmup, total_iters=warmup - 1)
        fall = theirs.CosineAnnealingLR(optimizer, total - warmup, eta_min=floor)
        return theirs.SequentialLR(optimizer, [rise, fall], [warmup])
    if name == "OneCycle":
        return theirs.OneCycleLR(
            optimizer,
            settings["peak"],
            total_steps=settings["total"],
            pct_start=settings.get("warm_share", 0.3),
            div_factor=settings.get("start_divisor", 25.0),
            final_div_factor=settings.get("end_divisor", 1e4),
            cycle_momentum=False,
        )
    return theirs.CyclicLR(
        optimizer,
        settings["base"],
        settings["peak"],
        step_size_up=settings["half_period"],
        cycle_momentum=False,
    )


def build_schedules() -> list[dict[str, Any]]:
    """The learning rate of each schedule at every step from 0 to its last."""
    found = []
    for name, settings, last in SCHEDULES:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=BASE)
        schedule = scheduler(name, settings, optimizer)
        rates = []
        for _ in range(last + 1):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if len(rates) <= last:
                schedule.step()
        case: dict[str, Any] = {"schedule": name, "settings": settings, "base": BASE}
        found.append(case | {"rates": np.array(rates)})
    return found


def build_clipping() -> list[dict[str, Any]]:
    """Gradients before and after they were clipped, and the norm that was found."""
    rng = np.random.default_rng(2)
    ordinary = [np.asarray(drawn(rng, shape)) for shape in [(3, 2), (4,), ()]]
    small = [np.asarray(0.01 * g) for g in ordinary]
    infinite = [np.array([1.0, INF, -2.0]), np.array([3.0])]
    spoilt = [np.array([1.0, NAN, -2.0]), np.array([INF])]
    tried: list[tuple[list[np.ndarray], str, dict[str, float]]] = [
        *[(ordinary, "norm", {"max_norm": 0.5, "norm_type": p}) for p in (2.0, 1.0, 3.5, INF)],
        (small, "norm", {"max_norm": 0.5, "norm_type": 2.0}),
        ([np.zeros(3)], "norm", {"max_norm": 0.5, "norm_type": 2.0}),
        (ordinary, "norm", {"max_norm": INF, "norm_type": 2.0}),
        *[(g, "norm", {"max_norm": 0.5, "norm_type": 2.0}) for g in (infinite, spoilt)],
        *[(g, "value", {"clip_value": 0.7}) for g in (ordinary, small, infinite, spoilt)],
    ]
    return [clipped(*case) for case in tried]


def clipped(gradients: list[np.ndarray], by: str, settings: dict[str, float]) -> dict[str, Any]:
    parameters = [torch.zeros(g.shape, requires_grad=True) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = torch.tensor(gradient)
    case: dict[str, Any] = {"by": by, "gradients": gradients}
    case["settings"] = {name: x if x < INF else "inf" for name, x in settings.items()}
    if by == "norm":
        case["norm"] = torch.nn.utils.clip_grad_norm_(parameters, **settings)
    else:
        torch.nn.utils.clip_grad_value_(parameters, **settings)
    return case | {"clipped": [parameter.grad for parameter in parameters]}
