"""One neuron's arithmetic worked out with pencil and paper, and both twins held to it.

The neuron is a leaky relu of slope 0.01 on w·x + b, from w = (0.3, 0.4) and b = 0.1; the cost is
½(a - y)², summed over the batch. For x = (1, -2) and y = 1.5, say, w·x + b = -0.4, so a = -0.004,
da/dz = 0.01, the error a - y is -1.504, and dJ/dw = -1.504 · 0.01 · (1, -2).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from twingrad import Value, nn


@dataclass(frozen=True)
class Worked:
    """A batch, and what pencil and paper say of it."""

    what: str
    X: list[list[float]]
    y: list[float]
    of_w: list[float]
    of_b: float
    new_w: list[float]
    new_b: float
    lr: float = 0.01

    @property
    def w(self) -> list[float]:
        return [0.3, 0.4][: len(self.X[0])]

    def __str__(self) -> str:
        return self.what


BY_HAND = [
    Worked(
        "on the leaking side",
        [[1.0, -2.0]],
        [1.5],
        [-0.01504, 0.03008],
        -0.01504,
        [0.3001504, 0.3996992],
        0.1001504,
    ),
    Worked("on the straight side", [[1.0, 2.0]], [1.5], [-0.3, -0.6], -0.3, [0.303, 0.406], 0.103),
    Worked("already right", [[1.0, 2.0]], [1.2], [0.0, 0.0], 0.0, [0.3, 0.4], 0.1),
    Worked("a longer step", [[1.0, 2.0]], [2.0], [-0.8, -1.6], -0.8, [0.38, 0.56], 0.18, lr=0.1),
    Worked(
        "two samples",
        [[1.0, 2.0], [0.5, 1.0]],
        [1.5, 0.8],
        [-0.375, -0.75],
        -0.45,
        [0.30375, 0.4075],
        0.1045,
    ),
    Worked("one input", [[1.0]], [0.5], [-0.1], -0.1, [0.301], 0.101),
    Worked(
        "large inputs",
        [[100.0, 200.0]],
        [500.0],
        [-38990.0, -77980.0],
        -389.9,
        [39.29, 78.38],
        0.4899,
        lr=0.001,
    ),
]

Numbers = tuple[list[float], float]


def step_on_values(row: Worked) -> tuple[Numbers, Numbers]:
    """The gradients and the parameters after one step of SGD, of a Neuron."""
    neuron = nn.Neuron(len(row.w), activation="leaky_relu")
    for weight, number in zip(neuron.w, row.w, strict=True):
        weight.data = number
    neuron.b.data = 0.1
    outputs = [neuron(x) for x in row.X]
    (0.5 * nn.mse_loss(outputs, row.y, reduction="sum")).backward()
    gradients = [w.grad for w in neuron.w], neuron.b.grad
    nn.SGD(neuron.parameters(), lr=row.lr).step()
    return gradients, ([w.data for w in neuron.w], neuron.b.data)


def step_on_a_tensor(row: Worked) -> tuple[Numbers, Numbers]:
    """The same of a Linear and a LeakyReLU."""
    linear = nn.Linear(len(row.w), 1, dtype=np.float64)
    linear.weight.data = np.array(row.w)[:, None]
    linear.bias.data = [0.1]
    outputs = nn.Sequential(linear, nn.LeakyReLU())(np.array(row.X))
    (0.5 * nn.mse_loss(outputs, np.array(row.y)[:, None], reduction="sum")).backward()
    gradients = linear.weight.grad[:, 0].tolist(), float(linear.bias.grad[0])
    nn.SGD(linear.parameters(), lr=row.lr).step()
    return gradients, (linear.weight.data[:, 0].tolist(), float(linear.bias.data[0]))


@pytest.mark.parametrize("step", [step_on_values, step_on_a_tensor])
@pytest.mark.parametrize("row", BY_HAND, ids=str)
def test_gradient_and_step_are_those_worked_out_by_hand(
    row: Worked, step: Callable[[Worked], tuple[Numbers, Numbers]]
) -> None:
    (of_w, of_b), (new_w, new_b) = step(row)
    assert of_w == pytest.approx(row.of_w, rel=1e-12, abs=1e-15)
    assert of_b == pytest.approx(row.of_b, rel=1e-12, abs=1e-15)
    assert new_w == pytest.approx(row.new_w, rel=1e-12, abs=1e-15)
    assert new_b == pytest.approx(row.new_b, rel=1e-12, abs=1e-15)


def test_a_sigmoid_neuron_whose_weighted_sum_is_zero_says_one_half() -> None:
    # 0.5 · 0.2 - 0.3 · 0.4 - 0.8 · 0.1 + 0.1 = 0.1 - 0.12 - 0.08 + 0.1 = 0
    x, w, b = [0.5, -0.3, 0.8], [0.2, 0.4, -0.1], 0.1
    neuron = nn.Neuron(3, activation="sigmoid")
    for weight, number in zip(neuron.w, w, strict=True):
        weight.data = number
    neuron.b.data = b
    assert neuron(x).data == pytest.approx(0.5, abs=1e-15)

    linear = nn.Linear(3, 1, dtype=np.float64)
    linear.weight.data, linear.bias.data = np.array(w)[:, None], [b]
    assert nn.Sequential(linear, nn.Sigmoid())(x).item() == pytest.approx(0.5, abs=1e-15)


def test_a_tanh_neuron_gives_the_gradients_of_the_lecture() -> None:
    # The bias makes tanh(z) = √½, so its slope is exactly 1 - ½.
    x1, x2 = Value(2.0), Value(0.0)
    neuron = nn.Neuron(2)
    neuron.w[0].data, neuron.w[1].data, neuron.b.data = -3.0, 1.0, 6.8813735870195432
    output = neuron([x1, x2])
    output.backward()
    assert output.data == pytest.approx(0.5**0.5, rel=1e-14)
    assert [x1.grad, x2.grad] == pytest.approx([-1.5, 0.5], rel=1e-13)
    assert [w.grad for w in neuron.w] == pytest.approx([1.0, 0.0], rel=1e-13)
    assert neuron.b.grad == pytest.approx(0.5, rel=1e-13)
