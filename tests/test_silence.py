"""Programs whose answer used to be wrong without a word; each is right now, or an error."""

import array
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import twingrad as tg
from twingrad import Tensor, Value, nn, viz

MATRIX = [[1.0, 2.0], [3.0, 4.0]]


# Transforms


def test_tangents_meet_inputs_by_key_and_not_by_order() -> None:
    def f(p: Any) -> Any:
        return p["a"] * 10 + p["b"]

    assert tg.jvp(f, {"a": 1.0, "b": 2.0}, {"b": 1.0, "a": 0.0}) == (12.0, 1.0)
    with pytest.raises(tg.ShapeError, match=r"a dict with the keys \['a', 'b'\]"):
        tg.jvp(f, {"a": 1.0, "b": 2.0}, {"zz": 1.0, "yy": 0.0})


def test_a_vector_meets_results_by_key() -> None:
    x = np.array([1.0, 2.0])
    _, pull = tg.vjp(lambda t: {"a": t, "b": t * t}, x)
    assert pull({"b": np.ones(2), "a": np.zeros(2)}).tolist() == [2.0, 4.0]


def test_a_gradient_taken_under_no_grad_is_a_constant_of_the_outer_one() -> None:
    def f(x: Any) -> Any:
        with tg.no_grad():
            slope = tg.grad(lambda y: y * y * y)(x)
        return x * slope

    def g(x: Any) -> Any:
        with tg.no_grad():
            slope = tg.grad(lambda y: y * y * x)(2.0)
        return x * slope

    assert tg.grad(f)(2.0) == 12.0
    assert tg.grad(g)(3.0) == 12.0


def test_an_argument_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="names an argument twice"):
        tg.grad(lambda x, y: x * y, argnum=(0, -2))(1.0, 2.0)


def test_a_warning_of_a_forgotten_past_points_at_the_line_that_asked() -> None:
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            tg.grad(lambda x: float(x))(1.0)
        assert [warning.filename for warning in caught] == [__file__]


def test_the_jacobian_of_an_empty_result_is_empty() -> None:
    assert tg.jacobian(lambda t: t[:0])(np.ones(2)).shape == (0, 2)


def test_the_jacobian_of_a_plain_array_is_zeros_of_the_right_shape() -> None:
    with pytest.warns(UserWarning, match="returned a plain number"):
        assert tg.jacobian(lambda t: np.ones(3))(np.ones(2)).tolist() == [[0.0, 0.0]] * 3


# Operations


def test_dot_of_matrices_is_refused() -> None:
    for left in (np.array(MATRIX), Tensor(MATRIX)):
        with pytest.raises(TypeError, match="for Tensors and matrices use @"):
            tg.dot(left, np.array([1.0, 10.0]))


def test_a_place_taken_twice_counts_twice_whatever_the_sequence() -> None:
    index = array.array("i", [0, 0, 1])
    assert tg.grad(lambda t: t[index].sum())(np.ones(2)).tolist() == [2.0, 1.0]


@pytest.mark.parametrize("x", [Value(-1.0), Tensor([-1.0, 2.0])])
def test_a_setting_that_is_a_node_is_refused(x: Any) -> None:
    setting = type(x)(0.25)
    with pytest.raises(TypeError, match="alpha is a plain number, which is not differentiated"):
        x.leaky_relu(setting)
    with pytest.raises(TypeError, match="low is a plain number"):
        x.clip(setting)
    with pytest.raises(ValueError, match="low <= high"):
        x.clip(5.0, 1.0)


def test_a_dtype_in_the_place_of_keepdims_is_refused() -> None:
    with pytest.raises(TypeError, match="keepdims is True or False"):
        np.sum(Tensor(MATRIX), 0, np.float32)


def test_masks_are_not_dropped() -> None:
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    with pytest.raises(TypeError, match="a Tensor has no mask"):
        Tensor(masked)
    with pytest.raises(TypeError, match="a Tensor has no mask"):
        Tensor([1.0, 2.0]) * masked


def test_float16_averages_without_overflow() -> None:
    many = Tensor(np.full(4000, 100.0, np.float16))
    assert many.mean().item() == 100.0
    assert many.var().item() == 0.0


def test_axes_out_of_range_are_refused() -> None:
    with pytest.raises(tg.ShapeError, match="transpose needs each of 3 axes once"):
        Tensor(np.ones((2, 3, 4))).transpose(0, 1, 5)


def test_membership_compares_numbers() -> None:
    assert 10.0 in Tensor([1.0, 10.0])
    assert 2.0 not in Tensor([1.0, 10.0])


def test_one_array_given_twice_by_a_rule_on_values_is_not_added_into() -> None:
    def rule(x: Any, y: Any) -> Any:
        def pullback(grad: Any) -> Any:
            shared = np.asarray(grad, dtype=float)
            return shared, shared

        return x + y, pullback

    a, b = Value(1.0), Value(2.0)
    (tg.apply(rule, a, b) + 10 * a).backward()
    assert (a.grad, b.grad) == (11.0, 1.0)


def test_the_gradient_of_a_tensor_without_axes_stays_an_array() -> None:
    x = Tensor(2.0)
    loss = x * x
    loss.backward()
    loss.backward()
    assert isinstance(x.grad, np.ndarray)
    assert x.grad == 8.0


# Models


@pytest.mark.filterwarnings("ignore::twingrad.UnreachedParameterWarning")
@pytest.mark.parametrize("twin", [Value, Tensor])
def test_a_parameter_that_no_gradient_reached_is_left_alone_by_both_twins(twin: Any) -> None:
    p = twin(1.0)
    for optimizer in (
        nn.SGD([p], lr=0.1, momentum=0.9, weight_decay=0.5),
        nn.Adam([p], weight_decay=0.5),
    ):
        optimizer.step()
        assert float(p) == 1.0


def test_fit_leaves_no_old_gradient_in_the_parameters_its_optimizer_does_not_know() -> None:
    X, y = np.ones((4, 2)), np.ones((4, 1))
    grads = []
    for epochs in (1, 3):
        model = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Linear(2, 1, rng=1))
        still = nn.SGD(model[1].parameters(), lr=0.0)
        nn.fit(model, X, y, loss=nn.mse_loss, optimizer=still, epochs=epochs, progress=False)
        grads.append(model[0].weight.grad)
    assert np.array_equal(*grads)


def test_a_row_of_numbers_is_not_one_sample() -> None:
    model = nn.Sequential(nn.Linear(2, 2, rng=0))
    adam = nn.Adam(model.parameters())
    with pytest.raises(tg.ShapeError, match=r"X needs a row for each sample.*reshape\(-1, 1\)"):
        nn.fit(model, [1.0, 2.0], [1.0, 2.0], loss=nn.mse_loss, optimizer=adam, epochs=1)


def test_a_layer_of_mixed_activations_has_no_twin() -> None:
    model = nn.MLP(2, [2, 1], rng=0)
    model.layers[0].neurons[1] = nn.Neuron(2, "relu", rng=5)
    with pytest.raises(TypeError, match=r"layers\[0\] mixes activations"):
        model.to_tensor()


def test_frozen_parameters_stay_frozen_in_the_twin() -> None:
    model = nn.MLP(2, [2, 1], rng=0)
    for parameter in model.layers[0].parameters():
        parameter.constant = True
    tensors = model.to_tensor()
    assert len(tensors.parameters()) == 2
    assert len(tensors.to_scalar().parameters()) == 3


def test_soft_targets_that_want_a_gradient_are_refused_where_they_get_none() -> None:
    targets = Tensor([[0.5, 0.5]])
    with pytest.raises(TypeError, match=r"targets\.detach\(\)"):
        nn.cross_entropy(Tensor([[1.0, 2.0]]), targets)


def test_a_network_of_values_can_be_pickled() -> None:
    model = nn.MLP(2, [3, 1], rng=0)
    again = pickle.loads(pickle.dumps(model))
    assert float(again([1.0, 2.0])) == float(model([1.0, 2.0]))


def test_parts_may_point_back_to_the_whole_and_sets_are_refused() -> None:
    model = nn.Sequential(nn.Linear(2, 1, rng=0))
    model[0].whole = model
    assert len(model.parameters()) == 2
    assert len(list(model.modules())) == 2
    model.extra = {Tensor(1.0)}
    with pytest.raises(TypeError, match="keep them in a list"):
        model.parameters()


def test_a_boundary_of_logits_is_cut_where_it_is_told() -> None:
    model = nn.MLP(2, [1], rng=0)
    neuron = model.layers[0].neurons[0]
    neuron.w[0].data, neuron.w[1].data = 0.4, 0.0
    ax = viz.plot_decision_boundary(model, [[-1.0, 0.0], [1.0, 0.0]], [0, 1], cut=0.0)
    assert ax.get_title() == "Decision boundary, 2 of 2 right"


def test_micrograds_second_argument_of_a_neuron_is_nonlin() -> None:
    neuron = nn.Neuron(3, False)
    assert not neuron.nonlin
    assert len(neuron([1.0, 2.0, 3.0]).parents) == 7


# Pictures


def network(nouts: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, nouts, rng=0))


def colour_of(ax: Any, label: str) -> Any:
    points = (c for c in ax.collections if c.get_label() == f"label {label}")
    return next(points).get_facecolor()[0]


def test_points_have_the_colour_of_their_class_even_if_a_class_is_absent() -> None:
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = nn.predict(network(3), X).argmax(axis=1)
    whole = viz.plot_decision_boundary(network(3), X, y)
    part = viz.plot_decision_boundary(network(3), X[y > 0], y[y > 0])
    for label in ("1", "2"):
        assert np.array_equal(colour_of(whole, label), colour_of(part, label))


@pytest.mark.parametrize(
    ("nouts", "labels", "said"),
    [
        (3, [1, 2, 3], "tells labels 0 to 2 apart, but y holds"),
        (1, [0, 1, 2], "one output tells two labels apart"),
        (1, [7, 7, 7], "one output tells two labels apart"),
        (1, [0, 1, np.nan], "y holds NaN"),
    ],
)
def test_labels_that_a_boundary_cannot_tell_apart_are_refused(
    nouts: int, labels: list[float], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        viz.plot_decision_boundary(network(nouts), np.eye(3)[:, :2], labels)


def test_one_label_alone_is_still_cut_between_the_two() -> None:
    model = network(1)
    X = np.random.default_rng(0).normal(size=(40, 2))
    right = np.count_nonzero(nn.predict(model, X) > 0.5)
    ax = viz.plot_decision_boundary(model, X, np.ones(40))
    assert ax.get_title() == f"Decision boundary, {right} of 40 right"


def test_a_model_that_broke_has_no_boundary() -> None:
    model = network(1)
    model[0].bias.data = [np.nan]
    with pytest.raises(ValueError, match="outputs are NaN or infinite"):
        viz.plot_decision_boundary(model, np.eye(2), [0, 1])


def test_a_list_is_summed_alike_by_both_twins_and_every_python() -> None:
    numbers = [0.5, -1e200, 1e200]
    ones = [1.0, 1.0, 1.0]
    of_tensors = tg.sum([Tensor(x) for x in numbers]).item()
    assert tg.sum([Value(x) for x in numbers]).data == of_tensors == 0.0
    assert tg.dot([Value(x) for x in numbers], ones).data == 0.0
