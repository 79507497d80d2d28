"""Findings in the data: what they say is true, and the lines they give mend it where they stand."""

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from twingrad import nn
from twingrad.nn.diagnosis import KINDS, Finding
from twingrad.nn.diagnosis.case import Case
from twingrad.nn.diagnosis.columns import columns_of, constant_columns
from twingrad.nn.diagnosis.neighbours import reach
from twingrad.nn.diagnosis.targets import can_look_for_shuffling

MOONS, SIDES = nn.data.moons(120, noise=0.1, rng=0)
DIGITS, LABELS = nn.data.digits()
RARE = (LABELS != 9) | (np.arange(len(LABELS)) % 15 == 0)
CE, MSE, BCE = nn.cross_entropy, nn.mse_loss, nn.binary_cross_entropy_with_logits

pytestmark = pytest.mark.filterwarnings("ignore::twingrad.engine.MisuseWarning")


def net(*widths: int) -> nn.Sequential:
    layers: list[Any] = []
    for i, (into, out) in enumerate(pairwise(widths)):
        layers += [nn.Linear(into, out, init="he", rng=i), nn.ReLU()]
    return nn.Sequential(layers[:-1])


def found(kind: str, model: Any, X: Any, y: Any, loss: Any, **known: Any) -> Finding | None:
    diagnosis = nn.diagnose(model, X, y, loss, **known)
    return next((finding for finding in diagnosis if finding.kind == kind), None)


def told(kind: str, *given: Any, **known: Any) -> Finding:
    finding = found(kind, *given, **known)
    assert finding is not None
    return finding


# The lines that mend it


def with_gaps(array: Any, *places: Any) -> Any:
    array = np.array(array, float)
    for place in places:
        array[place] = np.nan
    return array


def beside(X: Any, *columns: Any) -> Any:
    return np.column_stack([X, *columns])


X0 = MOONS[:, 0]
ILL: dict[str, tuple[Any, Any, Any]] = {
    "nan_in_data": (with_gaps(DIGITS, (3, 20), (70, 20)), LABELS, CE),
    "nan_in_data, a column of y": (MOONS, with_gaps(SIDES[:, None], (5, 0)), MSE),
    "nan_in_data, two columns of y": (MOONS, with_gaps(MOONS, (5, 1)), MSE),
    "nan_in_data, lists": (with_gaps(MOONS, (5, 1)).tolist(), SIDES[:, None].tolist(), MSE),
    "nan_in_data, images": (with_gaps(DIGITS.reshape(-1, 8, 8), (3, 2, 2)), LABELS, CE),
    "nan_in_data, most samples": (with_gaps(MOONS, (slice(2, None), 1)), SIDES[:, None], MSE),
    "inputs_not_normalized": (300.0 * DIGITS - 50.0, LABELS, CE),
    "inputs_not_normalized, lists": ((500 * MOONS).tolist(), SIDES[:, None].tolist(), MSE),
    "inputs_not_normalized, pixels": ((255 * DIGITS).astype(np.uint8), LABELS, CE),
    "inputs_not_normalized, tiny": (1e-9 * MOONS, SIDES[:, None], MSE),
    "constant_feature": (beside(MOONS, np.full(120, 5.0)), SIDES[:, None], MSE),
    "constant_feature, 0.1": (beside(MOONS, np.full(120, 0.1)), SIDES[:, None], MSE),
    "constant_feature, lists": (beside(MOONS, np.ones(120)).tolist(), SIDES[:, None].tolist(), MSE),
    "duplicate_features": (beside(MOONS, 1.8 * X0 + 32.0), SIDES[:, None], MSE),
    "duplicate_features, 14": (beside(*[X0] * 14, MOONS[:, 1]), SIDES[:, None], MSE),
    "duplicate_features, 60": (beside(*[X0] * 60, MOONS[:, 1]), SIDES[:, None], MSE),
    "class_imbalance": (DIGITS[RARE], LABELS[RARE], CE),
    "class_imbalance, one-hot": (DIGITS[RARE], np.eye(10)[LABELS[RARE]], CE),
    "class_imbalance, a column": (DIGITS[RARE], 1.0 * (LABELS[RARE] == 9)[:, None], BCE),
    "class_imbalance, lists": (DIGITS[RARE].tolist(), LABELS[RARE].tolist(), CE),
}  # fmt: skip


class Flat(nn.Module):
    """A net for samples of any shape."""

    def __init__(self, *widths: int) -> None:
        self.body = net(*widths)

    def forward(self, x: Any) -> Any:
        return self.body(x.reshape(len(x), -1))


def fresh(X: Any, loss: Any, y: Any) -> nn.Module:
    outputs = 10 if loss is CE else np.shape(y)[1]
    return Flat(int(np.prod(np.shape(X)[1:])), 16, outputs)


@pytest.mark.parametrize("name", ILL)
def test_the_lines_of_a_remedy_run_as_they_are_and_the_illness_is_gone(name: str) -> None:
    X, y, loss = ILL[name]
    kind = name.partition(",")[0]
    model = fresh(X, loss, y)
    finding = told(kind, model, X, y, loss)
    names = {"np": np, "nn": nn, "X": X, "y": y, "model": model}
    exec(finding.code, names)
    X, y = names["X"], names["y"]
    assert found(kind, fresh(X, loss, y), X, y, loss) is None
    assert len(X) == len(y) > 100  # and the data still stands


def test_classes_are_drawn_evenly_without_more_samples_than_there_were() -> None:
    X, y, loss = ILL["class_imbalance"]
    names = {"np": np, "X": X, "y": y}
    exec(told("class_imbalance", fresh(X, loss, y), X, y, loss).code, names)
    counts = np.bincount(names["y"])
    assert counts.tolist() == [len(X) // 10] * 10
    rows = {row.tobytes(): label for row, label in zip(X, y, strict=True)}
    assert all(rows[x.tobytes()] == c for x, c in zip(names["X"], names["y"], strict=True))
    assert (np.diff(names["y"]) != 0).mean() > 0.8  # mixed, for loops that take them in order


@pytest.mark.parametrize("kind", ["shuffled_labels", "constant_target"])
def test_what_cannot_be_mended_afterwards_is_mended_where_the_data_is_loaded(kind: str) -> None:
    by_class = np.argsort(LABELS, kind="stable")
    X, y = DIGITS[by_class], LABELS[by_class]
    if kind == "shuffled_labels":
        ill = DIGITS, np.random.default_rng(1).permutation(LABELS)
        X, y = DIGITS, LABELS
    else:
        ill = X[:150], y[:150]
    code = told(kind, net(64, 16, 10), *ill, CE).code
    names = {"np": np, "X": X, "y": y}
    exec(code, names)
    assert found(kind, net(64, 16, 10), names["X"][:150], names["y"][:150], CE) is None
    assert code.startswith("# after X and y are loaded")


# What they say is true


def test_one_class_or_one_number_is_nothing_to_learn_and_no_other_illness_of_y() -> None:
    three = LABELS == 3
    ones = np.ones((120, 1))
    for X, y, loss, model, evidence in (
        (DIGITS[three], LABELS[three], CE, net(64, 16, 10), "all 183 samples are of one class, 3"),
        (DIGITS[three], np.eye(10)[LABELS[three]], CE, net(64, 10), "183 samples are of one class"),
        (MOONS, 3.7 * ones, MSE, net(2, 8, 1), "all 120 targets are 3.7"),
        (MOONS, 0.1 * ones[:, 0], MSE, nn.MLP(2, [4, 1], rng=0), "all 120 targets are 0.1"),
        (MOONS, np.tile([1.5, 2.0], (120, 1)), MSE, net(2, 2), "each of the 2 columns of y has"),
    ):
        diagnosis = nn.diagnose(model, X, y, loss)
        assert diagnosis[0].kind == "constant_target" and diagnosis[0].severity == "error"
        assert evidence in diagnosis[0].evidence
        assert not {"shuffled_labels", "class_imbalance"} & set(diagnosis.kinds)
    assert found("constant_target", net(2, 8, 1), MOONS, SIDES[:, None], MSE) is None
    assert found("constant_target", net(2, 8, 1), MOONS[:1], ones[:1], MSE) is None


def test_where_no_feature_varies_it_is_an_error_and_labels_are_not_suspected() -> None:
    for X in (0.0 * -MOONS, np.full((120, 2), 0.1), np.zeros((120, 2, 2))):
        diagnosis = nn.diagnose(Flat(X[0].size, 8, 1), X, SIDES[:, None], MSE)
        finding = next(f for f in diagnosis if f.kind == "constant_feature")
        assert finding.severity == "error" and finding.where == "X"
        assert re.match("none of [24] features varies: all 120 .* with 0[.1]* in", finding.evidence)
        assert "shuffled_labels" not in diagnosis.kinds


def test_a_constant_column_is_named_as_an_index_takes_it() -> None:
    ones = np.full((120, 2), -0.0)
    finding = told("constant_feature", net(4, 8, 1), beside(MOONS, ones), SIDES[:, None], MSE)
    assert finding.where == "X[:, [2, 3]]" and finding.severity == "note"
    assert "2 of 4 features have one value in all 120 samples, such as 0 in" in finding.evidence
    X = beside(MOONS, ones[:, 0] + 5.0)
    finding = told("constant_feature", net(3, 8, 1), X, SIDES[:, None], MSE)
    assert finding.where == "X[:, 2]" and finding.severity == "warning"


def test_pixels_that_never_vary_or_repeat_are_no_columns_to_leave_out() -> None:
    images = np.stack([DIGITS.reshape(-1, 8, 8)] * 2, axis=1)
    images[:, :, 0] = 1.0
    kinds = nn.diagnose(Flat(128, 16, 10), images, LABELS, CE).kinds
    assert not {"constant_feature", "duplicate_features"} & set(kinds)


def test_the_accuracy_beside_class_imbalance_says_over_how_many_samples_and_is_right() -> None:
    X, y = DIGITS[RARE], LABELS[RARE]
    model = net(64, 16, 10)
    history = nn.fit(model, X, y, loss=CE, optimizer=nn.SGD(model.parameters(), lr=0.1), epochs=4,
                     batch_size=40, rng=0, progress=False)  # fmt: skip
    for count in (len(X), 400):
        case = Case(model, X[:count].astype(np.float32), y[:count], CE)
        right = np.mean(nn.predict(model, case.sample[0]).argmax(axis=1) == case.sample[1])
        evidence = told(
            "class_imbalance", model, X[:count], y[:count], CE, history=history
        ).evidence
        counts = np.bincount(y[:count])
        assert f"class 9 has {counts[9]} and class {counts.argmax()} {counts.max()} of" in evidence
        over = " over 512 of them" if count > 512 else ""
        assert evidence.endswith(f"; the model's accuracy{over} is {right:.1%}")


def test_a_class_that_no_sample_has_does_not_shift_the_names_of_the_others() -> None:
    kept = (LABELS != 0) & RARE
    evidence = told(
        "class_imbalance", net(64, 10), DIGITS[kept], np.eye(10)[LABELS[kept]], CE
    ).evidence
    assert evidence.startswith("class 9 has 16 and class 3 183 of 1,455 samples")


def test_nan_is_counted_and_placed_wherever_it_is() -> None:
    X = np.zeros((30_000, 8))
    X[:, 1] = np.arange(30_000) % 7
    X[29_999, 6] = -np.inf
    finding = told("nan_in_data", net(8, 4, 1), X, X[:, :1], MSE)
    assert finding.where == "X[29999, 6]"
    assert finding.evidence == (
        "X holds 1 NaN or infinite among 240,000 numbers, in 1 of 30,000 samples, in 1 of 8 "
        "columns (6); the first is X[29999, 6] = -inf"
    )
    finding = told("nan_in_data", net(8, 4, 1), X[:9], with_gaps(np.ones(9), 4)[:, None], MSE)
    assert finding.where == "y[4, 0]" and "y[good]" in finding.code
    finding = told("nan_in_data", net(8, 4, 1), X[:9], np.full((9, 1), np.nan), MSE)
    assert (
        finding.code == "" and "no sample has a target" in finding.remedy
    )  # nothing would be left


# Targets that neighbours cannot see


def parity(seed: int, samples: int = 300) -> tuple[Any, Any]:
    X = np.random.default_rng(seed).normal(size=(samples, 10))
    return X, np.sign(X[:, :3].prod(axis=1))[:, None]


def test_a_rule_too_intricate_for_neighbours_is_no_error_and_said_to_be_possible() -> None:
    suspected = [found("shuffled_labels", net(10, 32, 1), *parity(s), MSE) for s in range(10)]
    said = [finding for finding in suspected if finding is not None]
    assert len(said) > 3  # or nothing is claimed here
    for finding in said:
        assert finding.severity == "warning"
        assert "the rule is too intricate for neighbours and a line" in finding.cause


def validated(val_loss: list[float]) -> Finding | None:
    y = np.random.default_rng(1).permutation(LABELS)
    history = nn.History(loss=[2.0] * len(val_loss), val_loss=val_loss)
    return found("shuffled_labels", net(64, 16, 10), DIGITS, y, CE, history=history)


def test_only_a_validation_loss_that_never_beat_a_constant_proves_it() -> None:
    proved = validated([2.4, 2.35, 2.32, 2.4, 2.5, 2.6])
    assert proved is not None and proved.severity == "error"
    assert "the lowest validation loss is 2.32, that of a constant answer 2.29" in proved.evidence
    assert "too intricate" not in proved.cause
    early = validated([2.4, 2.35])
    assert early is not None and early.severity == "warning"
    lost = validated([np.nan] * 6)  # a run that diverged proves nothing about the labels
    assert lost is not None and lost.severity == "warning" and "nan" not in lost.evidence
    assert validated([2.4, 1.5, 1.2, 1.0, 0.9]) is None


def test_a_loss_whose_constant_answer_is_unknown_proves_nothing() -> None:
    def own(outputs: Any, targets: Any) -> Any:
        if len({tuple(row) for row in outputs.data.tolist()}) == 1:
            raise ValueError("constant outputs are refused")
        return MSE(outputs, targets)

    rng = np.random.default_rng(0)
    history = nn.History(loss=[1.0] * 6, val_loss=[1.0] * 6)
    X, y = rng.normal(size=(300, 6)), rng.normal(size=(300, 1))
    finding = told("shuffled_labels", net(6, 32, 1), X, y, own, history=history)
    assert finding.severity == "warning" and "nan" not in finding.evidence


@pytest.mark.parametrize(
    ("samples", "y", "can"),
    [
        (120, SIDES[:, None], True),
        (59, SIDES[:59, None], False),
        (120, np.ones((120, 1)), False),
        (120, 1.0 * (np.arange(120) < 5)[:, None], False),
    ],
)
def test_shuffling_is_looked_for_only_where_it_could_be_seen(
    samples: int, y: Any, can: bool
) -> None:
    assert can_look_for_shuffling(Case(net(2, 8, 1), MOONS[:samples], y, MSE)) is can
    if samples == 120:
        assert not can_look_for_shuffling(Case(net(2, 8, 1), 0.0 * MOONS, y, MSE))


# Size


def test_columns_are_those_of_numpy_in_one_pass_even_far_from_zero() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(70_000, 4)) * [1.0, 1e-3, 5.0, 0.0] + [1e6, 3.0, 0.0, 0.1]
    columns = columns_of(rows)
    np.testing.assert_allclose(columns.mean, rows.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(columns.spread[:3], rows.std(axis=0)[:3], rtol=1e-9)
    assert columns.spread[3] == 0.0  # where NumPy's own has a rounding error
    np.testing.assert_array_equal(columns.low, rows.min(axis=0))
    np.testing.assert_array_equal(columns.high, rows.max(axis=0))
    assert constant_columns(rows).tolist() == [3]
    late = rows.copy()
    late[-1, 3] = 0.2
    assert constant_columns(late).tolist() == []


def test_much_data_is_looked_at_without_a_copy_of_it() -> None:
    import tracemalloc

    rng = np.random.default_rng(0)
    X = rng.random((30_000, 256), dtype=np.float32)
    y = X[:, :10].argmax(axis=1)
    model = net(256, 16, 10)
    tracemalloc.start()
    try:
        nn.diagnose(model, X, y, CE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.2 * X.nbytes


def test_wide_samples_are_compared_in_a_part_of_their_columns() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 9_000)).astype(np.float32)
    X[:, ::2] += 3.0 * SIDES[:100, None]
    assert (reach(X, SIDES[:100, None]).relation or 0.0) > 10.0
    assert found("duplicate_features", net(9_000, 4, 1), X, SIDES[:100, None], MSE) is None


# The page


def test_no_line_is_wider_than_a_page_whatever_it_names() -> None:
    where = ", ".join(f"layers.0.neurons.{i}.w.0" for i in range(9))
    finding = Finding("dead_relus", where, "word " * 60, "word " * 60, "x" * 300, "error", "a = 1")
    diagnosis = nn.Diagnosis([finding] * 12)
    lines = str(diagnosis).splitlines()
    assert max(map(len, lines)) <= 100
    assert where in " ".join(str(finding).split())
    for X, y, loss in ILL.values():
        for line in str(nn.diagnose(fresh(X, loss, y), X, y, loss)).splitlines():
            assert len(line) <= 100


def test_a_why_is_two_sentences_whose_source_can_be_looked_up() -> None:
    for kind, (title, why) in KINDS.items():
        body = re.sub(r'"[^"]*"', "", why).rpartition(" (")[0]
        assert len(re.findall(r"[.!?] (?=[A-Z])", body)) == 1, kind
        assert title.count(".") == 1 and title.endswith(".")
        assert re.search(r"\d{4}", why.rpartition(" (")[2]), kind
        if "LeCun" in why or "Goodfellow" in why:
            assert '"Efficient BackProp"' in why or '"Deep Learning"' in why
    assert list(KINDS)[:2] == ["nan_in_data", "constant_target"]
