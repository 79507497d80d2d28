"""PyTorch's numbers for layers, committed in tests/golden/torch.json, are ours."""

from typing import Any

import numpy as np
import pytest

import twingrad as tg
from tests.test_golden import ATOL, GOLDEN, RTOL, Case
from twingrad import Tensor, nn

LAYERS = GOLDEN["layers"]
NORMALISING_BATCHES = [case for case in LAYERS if "before" in case]
CURVED = [case for case in LAYERS if "second" in case]
HOLDING_PARAMETERS = ("Conv2d", "BatchNorm1d", "LayerNorm")


def made(case: Case) -> Any:
    """The layer of a case, with the case's numbers for parameters."""
    settings = dict(case["settings"])
    if case["layer"] in HOLDING_PARAMETERS:
        settings["dtype"] = np.float64
    layer = getattr(nn, case["layer"])(*case["arguments"], **settings)
    for parameter, numbers in zip(layer.parameters(), case["parameters"], strict=True):
        parameter.data = numbers
    return layer


def described(case: Case) -> str:
    return f"{case['layer']} {case['arguments']} {case['settings']} {case['x'].shape}"


def agrees(layer: Any, x: np.ndarray, expected: Case) -> None:
    """Assert the output, and the gradients of the input and of every parameter."""
    batch = Tensor(x)
    layer.zero_grad()
    value = layer(batch)
    assert value.shape == expected["value"].shape
    np.testing.assert_allclose(value.data, expected["value"], rtol=RTOL, atol=ATOL)
    value.backward(expected["upstream"])
    leaves = [batch, *layer.parameters()]
    for leaf, gradient in zip(leaves, expected["gradients"], strict=True):
        np.testing.assert_allclose(leaf.grad, gradient, rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("case", LAYERS, ids=map(described, LAYERS))
def test_a_layer_has_pytorchs_output_and_gradients(case: Case) -> None:
    agrees(made(case), case["x"], case)


@pytest.mark.parametrize("case", NORMALISING_BATCHES, ids=map(described, NORMALISING_BATCHES))
def test_batch_norm_gathers_pytorchs_running_statistics_and_evaluates_by_them(case: Case) -> None:
    layer = made(case)
    for batch in (*case["before"], case["x"]):
        layer(Tensor(batch))
    for found, expected in zip(
        (layer.running_mean, layer.running_var), case["running"], strict=True
    ):
        np.testing.assert_allclose(found.data, expected, rtol=RTOL, atol=ATOL)
    agrees(layer.eval(), case["x"], case["evaluated"])


@pytest.mark.parametrize("case", CURVED, ids=map(described, CURVED))
def test_a_layer_has_pytorchs_second_derivatives(case: Case) -> None:
    layer = made(case)
    names = [name for name, _ in layer.named_parameters()]

    def weighed(x: Any, *parameters: Any) -> Any:
        vars(layer).update(zip(names, parameters, strict=True))
        return (layer(x) * case["upstream"]).sum()

    inputs = (case["x"], *case["parameters"])
    found = tg.hvp(weighed, inputs, tuple(case["along"]))
    for second, expected in zip(found, case["second"], strict=True):
        np.testing.assert_allclose(second, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("case", GOLDEN["networks"])
def test_a_small_network_has_pytorchs_loss_and_gradients(case: Case) -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=(1, 0), dtype=np.float64),
        nn.ReLU(),
        nn.MaxPool2d((3, 2), stride=(3, 1)),
        nn.Flatten(),
        nn.Linear(8, 3, dtype=np.float64),
    )
    for parameter, numbers in zip(model.parameters(), case["parameters"], strict=True):
        parameter.data = as_ours(numbers)
    logits = model(case["x"])
    np.testing.assert_allclose(logits.data, case["logits"], rtol=RTOL, atol=ATOL)
    loss = nn.cross_entropy(logits, case["targets"].astype(int))
    loss.backward()
    np.testing.assert_allclose(loss.item(), case["loss"], rtol=RTOL)
    for parameter, expected in zip(model.parameters(), case["gradients"], strict=True):
        np.testing.assert_allclose(parameter.grad, as_ours(expected), rtol=RTOL, atol=ATOL)


def as_ours(numbers: np.ndarray) -> np.ndarray:
    """PyTorch keeps the matrix of a Linear transposed."""
    return numbers.T if numbers.ndim == 2 else numbers


def test_every_layer_that_looks_or_normalises_is_among_the_cases() -> None:
    tried = {case["layer"] for case in LAYERS}
    assert tried >= {*HOLDING_PARAMETERS, "MaxPool2d", "AvgPool2d", "GELU", "Softmax"}
    assert {len(case["parameters"]) for case in LAYERS if case["layer"] == "Conv2d"} == {1, 2}
