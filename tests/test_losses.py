"""Losses on both twins: against closed forms, mpmath and PyTorch, and far out where floats end."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twingrad as tg
from twingrad import Tensor, Value, nn

mp = mpmath.mp.clone()
mp.dps = 60

Loss = Callable[..., Any]
Answer = tuple[float, np.ndarray]
BCE = nn.binary_cross_entropy_with_logits
ELEMENTWISE: list[Loss] = [nn.mse_loss, nn.hinge_loss, BCE]


def on_values(loss: Loss, outputs: Any, targets: Any, **named: Any) -> Answer:
    """The loss and its gradient with respect to the outputs, of Values in lists."""

    def nodes(tree: Any) -> Any:
        return [nodes(x) for x in tree] if isinstance(tree, list) else Value(tree)

    def gradients(tree: Any) -> Any:
        return [gradients(x) for x in tree] if isinstance(tree, list) else tree.grad

    values = nodes(np.asarray(outputs, dtype=float).tolist())
    result = loss(values, targets, **named)
    result.backward()
    return result.data, np.array(gradients(values))


def on_a_tensor(loss: Loss, outputs: Any, targets: Any, **named: Any) -> Answer:
    tensor = Tensor(np.asarray(outputs, dtype=float))
    result = loss(tensor, targets, **named)
    assert result.shape == ()
    result.backward()
    return result.item(), tensor.grad


both_twins = pytest.mark.parametrize("on_twin", [on_values, on_a_tensor])

# Against others

OUTPUTS = [[0.5, -1.25, 2.0], [-0.75, 3.0, 0.125]]
# The losses and gradients that PyTorch 2.13 gives for OUTPUTS in float64, reduction="sum".
OF_PYTORCH = {
    "mse": (
        nn.mse_loss,
        [[0.0, -1.0, 2.5], [-1.0, 2.0, 0.5]],
        1.765625,
        [1.0, -0.5, -1.0, 0.5, 2.0, -0.75],
    ),
    "hinge": (
        nn.hinge_loss,
        [[1, 1, -1], [-1, 1, -1]],
        7.125,
        [-1.0, -1.0, 1.0, 1.0, 0.0, 1.0],
    ),
    "binary cross-entropy": (
        BCE,
        [[0.0, 1.0, 0.25], [1.0, 1.0, 0.0]],
        6.045991469574263,
        [
            0.6224593312018546,
            -0.7772998611746912,
            0.6307970779778823,
            -0.679178699175393,
            -0.047425873177566635,
            0.5312093733737563,
        ],
    ),
    "cross-entropy of indices": (
        nn.cross_entropy,
        [2, 0],
        4.059521805104851,
        [
            0.1768201821074443,
            0.030726740326436432,
            -0.20754692243388073,
            -0.9782229762628718,
            0.9259826120437399,
            0.05224036421913176,
        ],
    ),
    "cross-entropy of distributions": (
        nn.cross_entropy,
        [[0.25, 0.25, 0.5], [0.0, 1.0, 0.0]],
        1.4970218051048514,
        [
            -0.0731798178925557,
            -0.21927325967356356,
            0.29245307756611927,
            0.021777023737128153,
            -0.07401738795626012,
            0.05224036421913176,
        ],
    ),
}


@both_twins
@pytest.mark.parametrize("name", OF_PYTORCH)
def test_losses_and_gradients_are_those_of_pytorch(name: str, on_twin: Any) -> None:
    loss, targets, total, of_outputs = OF_PYTORCH[name]
    summed, of_sum = on_twin(loss, OUTPUTS, np.array(targets), reduction="sum")
    assert summed == pytest.approx(total, rel=1e-13)
    assert of_sum.ravel() == pytest.approx(np.array(of_outputs), rel=1e-13, abs=1e-15)
    # The mean is over all elements; of a cross-entropy, over the rows.
    count = 2 if loss is nn.cross_entropy else 6
    for named in ({}, {"reduction": "mean"}):
        mean, of_mean = on_twin(loss, OUTPUTS, np.array(targets), **named)
        assert mean == pytest.approx(total / count, rel=1e-13)
        assert of_mean == pytest.approx(of_sum / count, rel=1e-13, abs=1e-15)


@both_twins
def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_number_of_classes(
    on_twin: Any,
) -> None:
    found, of_logits = on_twin(nn.cross_entropy, [[3.0] * 5], [2])
    assert found == pytest.approx(float(mp.log(5)), rel=1e-15)
    assert of_logits[0] == pytest.approx([0.2, 0.2, -0.8, 0.2, 0.2], rel=1e-14)


@both_twins
def test_cross_entropy_takes_one_sample_too(on_twin: Any) -> None:
    one = on_twin(nn.cross_entropy, [1.0, 2.0, 0.5], 1)
    batch = on_twin(nn.cross_entropy, [[1.0, 2.0, 0.5]], [1])
    assert one[0] == pytest.approx(batch[0], rel=1e-14)
    assert one[1] == pytest.approx(batch[1][0], rel=1e-14)


def test_gradient_reaches_targets_that_are_tensors() -> None:
    target = Tensor([1.0, 5.0])
    nn.mse_loss(Tensor([2.0, 3.0]), target, reduction="sum").backward()
    assert target.grad.tolist() == [-2.0, 4.0]


# Where floats end


@both_twins
@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("logit", [0.0, 1e-8, 5.0, 40.0, 800.0, 1e4])
def test_binary_cross_entropy_keeps_its_digits_at_any_logit(
    logit: float, target: float, on_twin: Any
) -> None:
    for z in (logit, -logit):
        chance = 1 / (1 + mp.exp(-mp.mpf(z)))
        truth = -mp.mpf(target) * mp.log(chance) - (1 - mp.mpf(target)) * (mp.log(chance) - z)
        found, slope = on_twin(BCE, [z], [target])
        assert found == pytest.approx(float(truth), rel=1e-14, abs=0.0)
        assert slope[0] == pytest.approx(float(chance - mp.mpf(target)), rel=1e-14, abs=1e-15)


@both_twins
@pytest.mark.parametrize(
    "logits",
    [[1e4, -1e4, 0.0], [1e4, 9995.0, -1e4], [-1e4, -9990.0, -9999.5], [800.0, 801.0, 0.0]],
)
def test_cross_entropy_keeps_its_digits_at_any_logit(logits: list[float], on_twin: Any) -> None:
    weights = [mp.exp(mp.mpf(z)) for z in logits]
    for label in range(3):
        truth = float(-mp.log(weights[label] / sum(weights)))
        slopes = [float(w / sum(weights)) - (i == label) for i, w in enumerate(weights)]
        found, of_logits = on_twin(nn.cross_entropy, [logits], [label])
        # Near certainty the loss is the logarithm of a number next to 1, known to an ulp of 1.
        assert found == pytest.approx(truth, rel=1e-12, abs=1e-15)
        assert of_logits[0] == pytest.approx(slopes, rel=1e-11, abs=1e-15)


@both_twins
def test_cross_entropy_of_a_class_ruled_out_is_finite_for_the_others(on_twin: Any) -> None:
    found, of_logits = on_twin(nn.cross_entropy, [[0.0, 0.0, -np.inf]], [0])
    assert found == pytest.approx(float(mp.log(2)), rel=1e-15)
    assert of_logits[0].tolist() == [-0.5, 0.5, 0.0]


@both_twins
def test_squares_and_hinges_far_out_are_what_arithmetic_says(on_twin: Any) -> None:
    assert on_twin(nn.mse_loss, [1e4], [-1e4])[0] == 4e8
    assert on_twin(nn.hinge_loss, [1e4], [-1])[0] == 10001.0
    assert on_twin(nn.hinge_loss, [1e4], [1]) == (0.0, [0.0])


numbers = st.lists(st.floats(-50.0, 50.0), min_size=1, max_size=8)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@given(numbers, st.integers(0, 2**32))
@settings(max_examples=30)
def test_the_twins_have_one_loss(reduction: str, outputs: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = len(outputs)
    chances = rng.uniform(size=n)
    cases = [
        (nn.mse_loss, outputs, rng.normal(size=n)),
        (nn.hinge_loss, outputs, rng.choice([-1.0, 1.0], n)),
        (BCE, outputs, chances),
        (nn.cross_entropy, [outputs, outputs[::-1]], rng.integers(0, n, 2)),
        (nn.cross_entropy, [outputs], [chances / chances.sum()]),
    ]
    for loss, given_outputs, targets in cases:
        left, of_left = on_values(loss, given_outputs, targets, reduction=reduction)
        right, of_right = on_a_tensor(loss, given_outputs, targets, reduction=reduction)
        assert left == pytest.approx(right, rel=1e-12, abs=1e-13)
        assert of_left == pytest.approx(of_right, rel=1e-11, abs=1e-13)


# What is refused


@pytest.mark.parametrize("loss", ELEMENTWISE)
def test_a_column_against_a_row_is_refused_with_the_fix(loss: Loss) -> None:
    column, row = Tensor(np.ones((4, 1))), np.ones(4)
    said = r"outputs of shape \(4, 1\) and targets of shape \(4,\); they must be equal.*broadcast"
    fix = r".*use outputs\.squeeze\(1\), or targets\.reshape\(\(4, 1\)\)$"
    with pytest.raises(tg.ShapeError, match=loss.__name__ + " got " + said + fix):
        loss(column, row)
    assert loss(column.squeeze(1), row).item() == loss(column, row.reshape(4, 1)).item()
    with pytest.raises(tg.ShapeError, match=r"use targets\.reshape\(\(4,\)\)$"):
        loss([Value(1.0)] * 4, column.data)
    with pytest.raises(tg.ShapeError, match=r"shape \(4,\) and targets of shape \(3,\)"):
        loss([Value(1.0)] * 4, row[:3])


@pytest.mark.parametrize("loss", [*ELEMENTWISE, nn.cross_entropy])
def test_no_outputs_give_no_loss(loss: Loss) -> None:
    labels = np.zeros(0, dtype=int) if loss is nn.cross_entropy else np.zeros(0)
    outputs = Tensor(np.zeros((0, 3) if loss is nn.cross_entropy else 0))
    with pytest.raises(tg.ShapeError, match="at least one output, but none came"):
        loss(outputs, labels)
    with pytest.raises(tg.ShapeError, match="at least one output, but none came"):
        loss([], labels)


@pytest.mark.parametrize("loss", [*ELEMENTWISE, nn.cross_entropy])
def test_an_unknown_reduction_is_refused(loss: Loss) -> None:
    targets = [0] if loss is nn.cross_entropy else [1.0]
    outputs = Tensor([[1.0]]) if loss is nn.cross_entropy else Tensor([1.0])
    with pytest.raises(ValueError, match='reduction is "mean" or "sum", not \'none\''):
        loss(outputs, targets, reduction="none")


@pytest.mark.parametrize("targets", [["a"], [None], [1j]])
@pytest.mark.parametrize("loss", [*ELEMENTWISE, nn.cross_entropy])
def test_targets_that_are_no_numbers_are_refused(loss: Loss, targets: Any) -> None:
    with pytest.raises(TypeError, match="targets are numbers, but an array of dtype"):
        loss(Tensor([1.0]), targets)


def test_rows_of_unequal_length_are_refused() -> None:
    with pytest.raises(tg.ShapeError, match="outputs need rows of equal length"):
        nn.mse_loss([[Value(1.0)], [Value(1.0), Value(2.0)]], [[1.0], [2.0]])
    with pytest.raises(tg.ShapeError, match="targets need rows of equal length"):
        nn.mse_loss([[Value(1.0)], [Value(2.0)]], [[1.0], [2.0, 3.0]])


def test_labels_of_another_loss_are_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match=r"got -1, 1; targets of -1 and 1 become \(targets \+ 1"):
        BCE(Tensor([1.0, 2.0]), [-1, 1])
    with pytest.raises(ValueError, match=r"got 0, 1; labels of 0 and 1 become 2 \* labels - 1"):
        nn.hinge_loss(Tensor([1.0, 2.0]), [0, 1])


LOGITS = np.zeros((2, 3))


@pytest.mark.parametrize(
    ("labels", "error", "said"),
    [
        ([0, 3], ValueError, "label 3 is out of range: 3 logits are classes 0 to 2"),
        ([-1, 0], ValueError, "label -1 is out of range"),
        ([0.0, 1.0], TypeError, r"indices are integers, but float64 came; use \.astype\(int\)"),
        ([[1, 0, 0], [0, 1, 0]], TypeError, r"use labels\.astype\(float\), or labels\.argmax"),
        ([[0.5, 0.0, 0.0], [0.0, 1.0, 0.0]], ValueError, "at least 0 and sum to 1"),
        ([[2.0, -1.0, 0.0], [0.0, 1.0, 0.0]], ValueError, "at least 0 and sum to 1"),
        ([0, 1, 2], tg.ShapeError, r"so labels have shape \(2,\) .* or \(2, 3\) .*but \(3,\) came"),
        ([[0], [1]], tg.ShapeError, r"but \(2, 1\) came"),
    ],
)
def test_labels_that_name_no_class_are_refused(labels: Any, error: Any, said: str) -> None:
    for logits in (Tensor(LOGITS), [[Value(0.0)] * 3] * 2):
        with pytest.raises(error, match=said):
            nn.cross_entropy(logits, labels)
