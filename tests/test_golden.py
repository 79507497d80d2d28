"""PyTorch's numbers, committed as tests/golden/torch.json, are ours: forward, backward, training.

PyTorch itself is asked again only where it is installed, whether the file is still what it says.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import Tensor, Value, nn

Case = dict[str, Any]


def decoded(x: Any) -> Any:
    if isinstance(x, dict) and set(x) == {"shape", "numbers"}:
        return np.array([float(n) for n in x["numbers"]]).reshape(x["shape"])
    if isinstance(x, dict):
        return {key: decoded(value) for key, value in x.items()}
    return [decoded(branch) for branch in x] if isinstance(x, list) else x


COMMITTED = json.loads((Path(__file__).parent / "golden" / "torch.json").read_text())
GOLDEN: dict[str, list[Case]] = decoded(COMMITTED)

RTOL, ATOL = 1e-12, 1e-13


def axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def over_axis(name: str) -> Callable[..., Any]:
    return lambda x, axis, **static: getattr(tg, name)(x, axis=axes(axis), **static)


def attention(x: Any, query: Any, key: Any, value: Any) -> Any:
    scores = (x @ query) @ (x @ key).transpose(0, 2, 1) / math.sqrt(key.shape[-1])
    return tg.softmax(scores) @ (x @ value)


def layer_norm(x: Any, scale: Any, shift: Any) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / tg.sqrt(x.var(axis=-1, keepdims=True) + 1e-5) * scale + shift


def where(x: Any, y: Any, condition: list) -> Any:
    return tg.where(np.array(condition), x, y)


MASK = np.array([[True, False], [False, True], [True, True]])
OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "neg": lambda x: -x,
    "abs": abs,
    **{
        name: getattr(tg, name)
        for name in ("exp", "log", "sqrt", "sin", "cos", "erf", "erfc", "tanh", "sigmoid", "relu")
    },
    **{name: getattr(tg, name) for name in ("softplus", "leaky_relu", "gelu", "clip", "matmul")},
    **{name: getattr(tg, name) for name in ("maximum", "minimum")},
    **{name: over_axis(name) for name in ("sum", "mean", "max", "min", "var", "std", "logsumexp")},
    **{name: over_axis(name) for name in ("softmax", "log_softmax")},
    "where": where,
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": lambda x, axes: x.transpose(axes),
    "squeeze": lambda x, axis: x.squeeze(axis),
    "expand_dims": lambda x, axis: x.expand_dims(axis),
    "broadcast_to": lambda x, shape: x.broadcast_to(tuple(shape)),
    "getitem slice": lambda x: x[1:, ::2],
    "getitem backwards": lambda x: x[::-1, None, -1],
    "getitem repeated": lambda x: x[[0, 2, 0, 0]],
    "getitem pairs": lambda x: x[[0, 1, 1, 0], [1, 0, 0, 1]],
    "getitem mask": lambda x: x[MASK],
    "concatenate": lambda x, y, axis: tg.concatenate([x, y, x], axis),
    "stack": lambda x, y, axis: tg.stack([x, y], axis),
    "network": lambda x, v, b, w: tg.tanh(x @ v + b) @ w,
    "layer norm": layer_norm,
    "attention": attention,
    "distances": lambda x, y: ((x.expand_dims(1) - y.expand_dims(0)) ** 2).sum(axis=-1).sqrt(),
    "gaussian": lambda x, mean, scale: (
        -0.5 * ((x - mean) / scale.exp()) ** 2 - scale - 0.5 * math.log(2 * math.pi)
    ),
    "rosenbrock": lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum(),
}

CASES = GOLDEN["operations"]


def described(case: Case) -> str:
    shapes = " ".join(str(x.shape).replace(" ", "") for x in case["inputs"])
    edges = "" if "second" in case else " at the edges"
    return f"{case['operation']} {shapes} {case['static'] or ''}{edges}"


@pytest.mark.parametrize("case", CASES, ids=map(described, CASES))
def test_an_operation_has_pytorchs_value_and_gradients(case: Case) -> None:
    xs = [Tensor(x) for x in case["inputs"]]
    y = OPERATIONS[case["operation"]](*xs, **case["static"])
    np.testing.assert_allclose(y.data, case["value"], rtol=RTOL, atol=ATOL)
    assert y.shape == case["value"].shape
    y.backward(case["upstream"])
    for x, expected in zip(xs, case["gradients"], strict=True):
        np.testing.assert_allclose(x.grad, expected, rtol=RTOL, atol=ATOL)


SMOOTH = [case for case in CASES if "second" in case]


@pytest.mark.parametrize("case", SMOOTH, ids=map(described, SMOOTH))
def test_an_operation_has_pytorchs_second_derivatives(case: Case) -> None:
    def weighed(*xs: Any) -> Any:
        return (OPERATIONS[case["operation"]](*xs, **case["static"]) * case["upstream"]).sum()

    found = tg.hvp(weighed, tuple(case["inputs"]), tuple(case["along"]))
    for second, expected in zip(found, case["second"], strict=True):
        np.testing.assert_allclose(second, expected, rtol=1e-11, atol=1e-11)


NOT_OF_NUMBERS = {"where", "softmax", "log_softmax"}
OF_NUMBERS = [
    case
    for case in CASES
    if case["operation"] not in NOT_OF_NUMBERS
    and all(x.shape == case["value"].shape for x in case["inputs"])
]


@pytest.mark.parametrize("case", OF_NUMBERS, ids=map(described, OF_NUMBERS))
def test_an_operation_on_values_has_pytorchs_numbers(case: Case) -> None:
    for index in np.ndindex(case["value"].shape):
        xs = [Value(x[index]) for x in case["inputs"]]
        y = OPERATIONS[case["operation"]](*xs, **case["static"])
        y.backward(case["upstream"][index])
        expected = [case["value"][index], *(g[index] for g in case["gradients"])]
        np.testing.assert_allclose([y.data, *(x.grad for x in xs)], expected, RTOL, ATOL)


def test_every_operation_has_a_case_and_every_case_an_operation() -> None:
    tried = {case["operation"] for case in CASES}
    assert tried == set(OPERATIONS)
    functions = {name for name in tg.__all__ if name in tg.engine.FUNCTIONS_OF_METHODS}
    assert functions - {case.split()[0] for case in tried} == {"astype"}


# Losses

LOSSES = GOLDEN["losses"]


def loss_of(case: Case, outputs: Any) -> Any:
    loss, settings = getattr(nn, case["loss"]), case.get("settings", {})
    return loss(outputs, targets_of(case), reduction=case["reduction"], **settings)


def targets_of(case: Case) -> np.ndarray:
    indices = case["targets"].ndim < case["outputs"].ndim
    return case["targets"].astype(int) if indices else case["targets"]


def described_loss(case: Case) -> str:
    return f"{case['loss']} {case['reduction']} {case['targets'].shape} {case['outputs'].max():.3}"


@pytest.mark.parametrize("case", LOSSES, ids=map(described_loss, LOSSES))
def test_a_loss_has_pytorchs_value_and_gradient(case: Case) -> None:
    outputs = Tensor(case["outputs"])
    value = loss_of(case, outputs)
    value.backward()
    np.testing.assert_allclose(value.item(), case["value"], rtol=RTOL, atol=ATOL)
    np.testing.assert_allclose(outputs.grad, case["gradient"], rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("case", LOSSES, ids=map(described_loss, LOSSES))
def test_a_loss_of_values_has_pytorchs_value_and_gradient(case: Case) -> None:
    outputs = [[Value(x) for x in row] for row in case["outputs"]]
    value = loss_of(case, outputs)
    value.backward()
    np.testing.assert_allclose(value.data, case["value"], rtol=RTOL, atol=ATOL)
    gradient = [[x.grad for x in row] for row in outputs]
    np.testing.assert_allclose(gradient, case["gradient"], rtol=RTOL, atol=ATOL)


# Optimizers

TRAJECTORIES = GOLDEN["trajectories"]


def optimizer_of(case: Case, parameters: list[Any]) -> Any:
    return getattr(nn, case["optimizer"])(parameters, **case["settings"])


def described_training(case: Case) -> str:
    return f"{case['optimizer']} {case['settings']}"


@pytest.mark.parametrize("case", TRAJECTORIES, ids=map(described_training, TRAJECTORIES))
def test_ten_steps_of_an_optimizer_are_pytorchs(case: Case) -> None:
    w, b = (Tensor(p) for p in case["parameters"])
    optimizer = optimizer_of(case, [w, b])
    for expected in case["steps"]:
        optimizer.zero_grad()
        error = (case["x"] @ w + b).tanh() - case["target"]
        (error * error).mean().backward()
        optimizer.step()
        found = np.concatenate([w.data.ravel(), b.data])
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("case", TRAJECTORIES, ids=map(described_training, TRAJECTORIES))
def test_ten_steps_of_an_optimizer_of_values_are_pytorchs(case: Case) -> None:
    w, b = ([Value(number) for number in p.ravel()] for p in case["parameters"])
    columns = [w[0::2], w[1::2]]
    optimizer = optimizer_of(case, [*w, *b])
    for expected in case["steps"]:
        optimizer.zero_grad()
        errors = [
            tg.dot(row, column, bias=bias).tanh() - target
            for row, targets in zip(case["x"], case["target"], strict=True)
            for column, bias, target in zip(columns, b, targets, strict=True)
        ]
        (tg.dot(errors, errors) / len(errors)).backward()
        optimizer.step()
        np.testing.assert_allclose([p.data for p in (*w, *b)], expected, rtol=1e-11, atol=1e-13)


def test_every_loss_and_every_optimizer_that_pytorch_has_is_among_the_cases() -> None:
    losses = {name for name in nn.__all__ if name.endswith("_loss") or "cross_entropy" in name}
    assert {case["loss"] for case in LOSSES} == losses
    optimizers = {case["optimizer"] for case in TRAJECTORIES}
    assert optimizers == {kind.__name__ for kind in subclasses(nn.Optimizer)} - {"Lion"}
    schedules = {kind.__name__ for kind in subclasses(nn.Schedule)}
    assert {case["schedule"] for case in SCHEDULES} == schedules


def subclasses(kind: type) -> set[type]:
    """What nn offers of a kind."""
    offered = [getattr(nn, name) for name in nn.__all__]
    return {x for x in offered if isinstance(x, type) and issubclass(x, kind)} - {kind}


# Schedules

SCHEDULES = GOLDEN["schedules"]


def described_schedule(case: Case) -> str:
    return f"{case['schedule']} {case['settings']}"


@pytest.mark.parametrize("case", SCHEDULES, ids=map(described_schedule, SCHEDULES))
def test_a_schedule_has_pytorchs_rate_at_every_step(case: Case) -> None:
    schedule = getattr(nn, case["schedule"])(**case["settings"])
    steps = range(len(case["rates"]))
    found = [nn.schedule.learning_rate(schedule, case["base"], step) for step in steps]
    # PyTorch multiplies the rate before by a ratio, and so gathers rounding errors.
    np.testing.assert_allclose(found, case["rates"], rtol=1e-12, atol=1e-16)


# Clipping

CLIPPED = GOLDEN["clipping"]


def described_clipping(case: Case) -> str:
    return f"{case['settings']} of {case.get('norm', '')} {case['clipped'][0].ravel()[:2]}"


def clip(case: Case, parameters: list[Any]) -> None:
    settings = {name: float(number) for name, number in case["settings"].items()}
    if case["by"] == "value":
        nn.clip_grad_value(parameters, **settings)
    else:
        norm = nn.clip_grad_norm(parameters, **settings, error_if_nonfinite=False)
        np.testing.assert_allclose(norm, case["norm"], rtol=RTOL)


@pytest.mark.parametrize("case", CLIPPED, ids=map(described_clipping, CLIPPED))
def test_clipped_gradients_are_pytorchs(case: Case) -> None:
    parameters = [Tensor(np.zeros_like(g)) for g in case["gradients"]]
    for parameter, gradient in zip(parameters, case["gradients"], strict=True):
        parameter.grad = gradient
    clip(case, parameters)
    for parameter, expected in zip(parameters, case["clipped"], strict=True):
        np.testing.assert_allclose(parameter.grad, expected, rtol=RTOL)


@pytest.mark.parametrize("case", CLIPPED, ids=map(described_clipping, CLIPPED))
def test_clipped_gradients_of_values_are_pytorchs(case: Case) -> None:
    numbers = np.concatenate([g.ravel() for g in case["gradients"]])
    parameters = [Value(0.0) for _ in numbers]
    for parameter, number in zip(parameters, numbers, strict=True):
        parameter.grad = number
    clip(case, parameters)
    expected = np.concatenate([g.ravel() for g in case["clipped"]])
    np.testing.assert_allclose([p.grad for p in parameters], expected, rtol=RTOL)


# The file


def test_the_file_is_small() -> None:
    assert (Path(__file__).parent / "golden" / "torch.json").stat().st_size < 300_000


def test_pytorch_still_says_what_the_file_says() -> None:
    pytest.importorskip("torch")
    from tests.golden.make_golden import build

    assert_same(json.loads(json.dumps(build())), COMMITTED)


def assert_same(live: Any, committed: Any) -> None:
    """The same structure and, but for the last bits of another processor, the same numbers."""
    assert type(live) is type(committed) or {type(live), type(committed)} <= {int, float}
    if isinstance(live, dict):
        assert list(live) == list(committed)
        for key in live:
            assert_same(live[key], committed[key])
    elif isinstance(live, list):
        assert len(live) == len(committed)
        for one, other in zip(live, committed, strict=True):
            assert_same(one, other)
    elif isinstance(live, float | int):
        assert live == pytest.approx(committed, rel=1e-11, abs=1e-13)
    else:
        assert live == committed
