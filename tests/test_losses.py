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
ELEMENTWISE: list[Loss] = [nn.mse_loss, nn.l1_loss, nn.huber_loss, nn.hinge_loss, BCE]
BY_CLASS: list[Loss] = [nn.cross_entropy, nn.nll_loss]


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


@pytest.mark.parametrize(
    ("loss", "expected"),
    [(nn.mse_loss, [-2.0, 4.0]), (nn.l1_loss, [-1.0, 1.0]), (nn.huber_loss, [-1.0, 1.0])],
)
def test_gradient_reaches_targets_that_are_tensors(loss: Loss, expected: list[float]) -> None:
    target = Tensor([1.0, 5.0])
    loss(Tensor([2.0, 3.0]), target, reduction="sum").backward()
    assert target.grad.tolist() == expected


@both_twins
def test_the_absolute_error_has_no_slope_where_there_is_no_error(on_twin: Any) -> None:
    found, slopes = on_twin(nn.l1_loss, [2.0, 0.5, -3.0], [2.0, 1.0, -4.0], reduction="sum")
    assert found == 1.5
    assert slopes.tolist() == [0.0, -1.0, 1.0]


@both_twins
@pytest.mark.parametrize("delta", [0.3, 1.0, 25.0])
def test_huber_is_a_parabola_that_goes_on_as_its_tangents(delta: float, on_twin: Any) -> None:
    errors = np.array([0.0, 0.1, 0.29, 0.31, 0.9, 1.1, 24.0, 26.0, 1e4])
    errors = np.concatenate([errors, -errors])

    def truth(error: float) -> Any:
        at = mp.mpf(max(-delta, min(delta, error)))  # where the tangent touches
        return at * at / 2 + at * (mp.mpf(error) - at)

    found, slopes = on_twin(nn.huber_loss, errors, np.zeros(18), delta=delta, reduction="sum")
    assert found == pytest.approx(float(sum(map(truth, errors))), rel=1e-14)
    expected = [float(mp.diff(truth, error)) for error in errors]
    assert slopes == pytest.approx(expected, rel=1e-14, abs=1e-14)
    one, _ = on_twin(nn.huber_loss, [errors[3]], [0.0], delta=delta)
    assert one == pytest.approx(float(truth(errors[3])), rel=1e-14)


def test_second_derivatives_of_huber_are_one_inside_and_none_outside() -> None:
    errors = [0.5, -0.7, 3.0, -3.0, 1e300, -np.inf, 0.75, -0.75]

    def huber(outputs: Any) -> Any:
        return nn.huber_loss(outputs, np.zeros(8), reduction="sum", delta=0.75)

    expected = np.diag([1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])  # on the border as PyTorch
    assert np.array_equal(tg.hessian(huber)(np.array(errors)), expected)
    assert np.array_equal(tg.hessian(huber)(errors), expected)


@both_twins
def test_nll_takes_distributions_and_one_sample_too(on_twin: Any) -> None:
    logs = np.log([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]])
    targets = [[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]]
    found, slopes = on_twin(nn.nll_loss, logs, targets, reduction="sum")
    # (1 + 2)/2 bits and (log₂ 4/3 + 9)/4 bits.
    bits = mp.mpf(3) / 2 + (mp.log(mp.mpf(4) / 3, 2) + 9) / 4
    assert found == pytest.approx(float(bits * mp.log(2)), rel=1e-14)
    assert slopes.tolist() == (-np.array(targets)).tolist()
    one, slope = on_twin(nn.nll_loss, logs[0], 1)
    assert one == pytest.approx(float(mp.log(4)), rel=1e-15)
    assert slope.tolist() == [0.0, -1.0, 0.0]


rows = st.lists(st.lists(st.floats(-50.0, 50.0), min_size=3, max_size=3), min_size=1, max_size=4)


@given(rows, st.integers(0, 2**32))
@settings(max_examples=30)
def test_nll_of_the_log_softmax_is_the_cross_entropy(logits: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.uniform(size=(len(logits), 3))
    for labels in (rng.integers(0, 3, len(logits)), weights / weights.sum(-1, keepdims=True)):

        def in_two_steps(outputs: Any, labels: Any, **named: Any) -> Any:
            return nn.nll_loss(tg.log_softmax(outputs), labels, **named)

        found, slopes = on_a_tensor(in_two_steps, logits, labels)
        truth, of_logits = on_a_tensor(nn.cross_entropy, logits, labels)
        assert found == pytest.approx(truth, rel=1e-12, abs=1e-14)
        assert slopes == pytest.approx(of_logits, rel=1e-11, abs=1e-14)


@pytest.mark.parametrize("loss", [*ELEMENTWISE, *BY_CLASS])
def test_a_loss_of_single_precision_stays_there(loss: Loss) -> None:
    outputs = Tensor(np.full((2, 3), -0.25), dtype=np.float32)
    for labels in ([0, 2], np.eye(3)[:2]) if loss in BY_CLASS else (np.ones((2, 3)),):
        value = loss(outputs, labels)
        value.backward()
        assert (value.dtype, outputs.grad.dtype) == (np.float32, np.float32)


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
def test_a_class_of_no_probability_counts_nothing_where_no_target_is_on_it(on_twin: Any) -> None:
    logs = [[-np.inf, np.log(0.5), np.log(0.5)]]
    for labels in ([1], [[0.0, 1.0, 0.0]]):
        found, slopes = on_twin(nn.nll_loss, logs, labels)
        assert found == pytest.approx(float(mp.log(2)), rel=1e-15)
        assert slopes[0].tolist() == [0.0, -1.0, 0.0]
    assert on_twin(nn.nll_loss, logs, [0])[0] == np.inf


@both_twins
@pytest.mark.parametrize("error", [1e300, np.inf])
def test_errors_however_large_have_a_finite_slope(error: float, on_twin: Any) -> None:
    for sign in (1.0, -1.0):
        outputs = [sign * error, 0.5]
        found, slopes = on_twin(nn.huber_loss, outputs, [0.0, 0.0], reduction="sum", delta=2.0)
        assert found == 2.0 * error
        assert slopes.tolist() == [2.0 * sign, 0.5]
        found, slopes = on_twin(nn.l1_loss, outputs, [0.0, 0.0], reduction="sum")
        assert found == error
        assert slopes.tolist() == [sign, 1.0]


@both_twins
@pytest.mark.parametrize("loss", [nn.l1_loss, nn.huber_loss])
def test_an_error_that_is_no_number_stays_visible(loss: Loss, on_twin: Any) -> None:
    found, slopes = on_twin(loss, [np.nan, 3.0], [0.0, 0.0], reduction="sum")
    assert np.isnan(found)
    assert slopes[1] == 1.0
    if loss is nn.huber_loss:
        assert np.isnan(slopes[0])


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
        (nn.l1_loss, outputs, rng.normal(size=n)),
        (nn.huber_loss, outputs, rng.normal(size=n)),
        (nn.nll_loss, [[-abs(x) for x in outputs]], rng.integers(0, n, 1)),
        (nn.nll_loss, [[-abs(x) for x in outputs]], [chances / chances.sum()]),
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


@pytest.mark.parametrize("loss", [*ELEMENTWISE, *BY_CLASS])
def test_no_outputs_give_no_loss(loss: Loss) -> None:
    labels = np.zeros(0, dtype=int) if loss in BY_CLASS else np.zeros(0)
    outputs = Tensor(np.zeros((0, 3) if loss in BY_CLASS else 0))
    with pytest.raises(tg.ShapeError, match="at least one output, but none came"):
        loss(outputs, labels)
    with pytest.raises(tg.ShapeError, match="at least one output, but none came"):
        loss([], labels)


@pytest.mark.parametrize("loss", [*ELEMENTWISE, *BY_CLASS])
def test_an_unknown_reduction_is_refused(loss: Loss) -> None:
    targets = [0] if loss in BY_CLASS else [1.0]
    outputs = Tensor([[-1.0]]) if loss in BY_CLASS else Tensor([1.0])
    with pytest.raises(ValueError, match='reduction is "mean" or "sum", not \'none\''):
        loss(outputs, targets, reduction="none")


@pytest.mark.parametrize("targets", [["a"], [None], [1j]])
@pytest.mark.parametrize("loss", [*ELEMENTWISE, *BY_CLASS])
def test_targets_that_are_no_numbers_are_refused(loss: Loss, targets: Any) -> None:
    with pytest.raises(TypeError, match="targets are numbers, but an array of dtype"):
        loss(Tensor([-1.0]), targets)


@pytest.mark.parametrize("delta", [0.0, -1.0, np.inf, np.nan, "1", None, True, 1j])
def test_a_delta_that_is_no_number_above_zero_is_refused(delta: Any) -> None:
    with pytest.raises(ValueError, match="delta is a finite number above 0, not"):
        nn.huber_loss(Tensor([1.0]), [0.0], delta=delta)


@pytest.mark.parametrize("came", [[[0.25, 0.75]], [[-1.0, 2.0]], [[0.0, 0.002]]])
def test_what_cannot_be_the_logarithm_of_a_probability_is_refused(came: Any) -> None:
    said = "which are at most 0, but .* came; take log_softmax.*, or use cross_entropy"
    for outputs in (Tensor(came), [[Value(x) for x in row] for row in came]):
        with pytest.raises(ValueError, match=said):
            nn.nll_loss(outputs, [0])


def test_the_logarithm_of_certainty_may_be_rounded() -> None:
    assert nn.nll_loss(Tensor([[1e-7, -16.0]], dtype=np.float32), [0]).item() < 0.0


@pytest.mark.parametrize("loss", [nn.hinge_loss, BCE, *BY_CLASS])
def test_labels_may_be_a_tensor_that_wants_no_gradient(loss: Loss) -> None:
    outputs, labels = Tensor([[-1.0, -2.0]]), Tensor([[0.0, 1.0]] if loss in BY_CLASS else [[1, 1]])
    with pytest.raises(TypeError, match=r"get no gradient.*plain numbers, or targets\.detach"):
        loss(outputs, labels)
    assert loss(outputs, labels.detach()).item() == loss(outputs, labels.data).item()


@pytest.mark.parametrize("loss", [nn.mse_loss, nn.l1_loss, nn.huber_loss])
def test_a_list_of_tensors_is_no_list_of_outputs(loss: Loss) -> None:
    with pytest.raises(TypeError, match=f"{loss.__name__} takes one Tensor of outputs, or Values"):
        loss([Tensor(1.0), Tensor(2.0)], [1.0, 2.0])


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
    for outputs in (Tensor(LOGITS), [[Value(0.0)] * 3] * 2):
        with pytest.raises(error, match=said):
            nn.cross_entropy(outputs, labels)
        with pytest.raises(error, match=said.replace("logits", "log-probabilities")):
            nn.nll_loss(outputs, labels)


@pytest.mark.parametrize("loss", BY_CLASS)
def test_outputs_of_too_many_axes_are_refused_by_name(loss: Loss) -> None:
    with pytest.raises(
        tg.ShapeError, match=rf"^{loss.__name__} takes log.* \(batch, classes\), not"
    ):
        loss(Tensor(np.zeros((2, 3, 4))), [0, 1])
    with pytest.raises(tg.ShapeError, match=rf"^{loss.__name__} got log"):
        loss(Tensor(LOGITS), [0, 1, 2])


# However wide rows are, and however they lie in memory


def in_order(numbers: np.ndarray, order: str) -> Tensor:
    tensor = Tensor(numbers)
    tensor._data = np.asarray(numbers, order=order)  # type: ignore[call-overload]
    return tensor


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("classes", [1, 2, 10, 16, 17, 40])
def test_rows_of_any_width_and_order_have_the_softmax_of_the_formula(
    classes: int, order: str
) -> None:
    logits = np.random.default_rng(classes).normal(scale=5.0, size=(7, classes))
    exact = np.exp(logits.astype(np.longdouble))
    totals = exact.sum(axis=1, keepdims=True)
    expected = {
        "softmax": exact / totals,
        "log_softmax": np.log(exact / totals),
        "logsumexp": np.log(totals[:, 0]),
    }
    for name, answer in expected.items():
        for axis in (1, -1):
            found = getattr(in_order(logits, order), name)(axis=axis)
            np.testing.assert_allclose(found.data, answer.astype(float), rtol=1e-13, atol=1e-14)
        across = getattr(in_order(logits.T, order), name)(axis=0)
        np.testing.assert_allclose(across.data, answer.T.astype(float), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("classes", [2, 16, 17, 40])
def test_cross_entropy_of_rows_of_any_width_and_order_is_the_formula(
    classes: int, order: str
) -> None:
    rng = np.random.default_rng(classes)
    logits, labels = rng.normal(scale=5.0, size=(9, classes)), rng.integers(0, classes, 9)
    exact = np.exp(logits.astype(np.longdouble))
    chances = exact / exact.sum(axis=1, keepdims=True)
    one_hot = np.eye(classes)[labels]
    for targets in (labels, labels.astype(np.uint8), one_hot, np.asfortranarray(one_hot)):
        tensor = in_order(logits, order)
        loss = nn.cross_entropy(tensor, targets)
        loss.backward()
        answer = -np.log(chances[np.arange(9), labels]).mean()
        np.testing.assert_allclose(loss.item(), float(answer), rtol=1e-13)
        slopes = ((chances - one_hot) / 9).astype(float)
        np.testing.assert_allclose(tensor.grad, slopes, rtol=1e-12, atol=1e-15)
