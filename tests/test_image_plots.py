"""Pictures made of small images: which images, in which order, in which colours, with which words.

They are read back from the axes: the pixels of each image, and where on the page it stands.
"""

from collections.abc import Iterator
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

import twingrad as tg
from twingrad import nn, viz


@pytest.fixture(autouse=True)
def nothing_is_shown_or_changed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*args: Any, **named: Any) -> None:
        raise RuntimeError("a plot called show()")

    monkeypatch.setattr(plt, "show", refuse)
    monkeypatch.setattr(plt.Figure, "show", refuse)
    settings = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == settings
    plt.close("all")


# Twelve images of 2×3 pixels, no two of which share a pixel; eight are wrong.
IMAGES = np.arange(72.0).reshape(12, 2, 3)
TRUTH = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2])
SAID = np.array([0, 2, 1, 1, 1, 0, 0, 0, 0, 2, 1, 0])
WRONG = [1, 2, 3, 5, 7, 8, 9, 11]
SURE = np.array([1.0, 0.5, 0.9, 0.6, 1.0, 0.9, 1.0, 0.7, 0.4, 0.8, 1.0, 0.55])
SUREST = [2, 5, 9, 7, 3, 11, 1, 8]


class Kernels(nn.Module):
    """A layer with weights of four axes, as a convolution has."""

    def __init__(self, *shape: int) -> None:
        self.weight = tg.Tensor(np.arange(np.prod(shape)).reshape(shape) - 5.0)

    def __repr__(self) -> str:
        return "Kernels()"


PLOTS = {
    "misclassified": lambda **k: viz.plot_misclassified(IMAGES, TRUTH, SAID, **k),
    "none misclassified": lambda **k: viz.plot_misclassified(IMAGES, TRUTH, TRUTH, **k),
    "units": lambda **k: viz.plot_weights(nn.Linear(16, 5, rng=0), **k),
    "heat map": lambda **k: viz.plot_weights(nn.Linear(3, 5, rng=0), **k),
    "kernels": lambda **k: viz.plot_weights(Kernels(4, 3, 2, 2), **k),
}
every_plot = pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)


def pixels(ax: Any) -> list[list[list[float]]]:
    return [np.asarray(image.get_array()).tolist() for image in ax.get_images()]


def corners(ax: Any) -> np.ndarray:
    """Left and top of each image, on a page whose top is 0."""
    return np.array([image.get_extent() for image in ax.get_images()])[:, [0, 3]]


def captions(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


def units(weight: np.ndarray, *shape: int) -> list[list[list[float]]]:
    return [weight[:, unit].reshape(shape).tolist() for unit in range(weight.shape[1])]


# Whose axes


@every_plot
def test_a_plot_draws_on_the_axes_it_is_given_and_returns_them(plot: Any) -> None:
    figure, (left, right) = plt.subplots(1, 2)
    assert plot(ax=right) is right
    assert right.get_title()
    assert not left.has_data()
    assert plt.get_fignums() == [figure.number]
    figure.canvas.draw()


@every_plot
def test_a_plot_without_axes_makes_a_figure_of_its_own(plot: Any) -> None:
    mine, _ = plt.subplots()
    first, second = plot(), plot()
    assert len({first.figure, second.figure, mine}) == 3


@every_plot
def test_no_words_overlap_or_leave_the_page(plot: Any) -> None:
    ax = plot()
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in [*ax.texts, ax.title]]
    page = ax.figure.bbox
    assert all(page.x0 <= b.x0 and b.x1 <= page.x1 and b.y1 <= page.y1 for b in boxes)
    for i, box in enumerate(boxes):
        assert box.count_overlaps(boxes[:i]) == 0


@every_plot
@pytest.mark.usefixtures("no_matplotlib")
def test_without_matplotlib_a_plot_names_what_to_install(plot: Any) -> None:
    with pytest.raises(ImportError, match=r'matplotlib.*missing.*pip install "twingrad\[viz\]"'):
        plot()


# Misclassified


def test_the_images_are_those_of_the_wrong_samples_in_order() -> None:
    ax = viz.plot_misclassified(IMAGES, TRUTH, SAID)
    assert pixels(ax) == IMAGES[WRONG].tolist()
    assert captions(ax) == [f"true {TRUTH[i]}, said {SAID[i]}" for i in WRONG]
    assert ax.get_title() == "The 8 misclassified, of 12"


def test_only_so_many_are_shown_as_were_asked_for_but_all_are_counted() -> None:
    many = np.tile(IMAGES, (1000, 1, 1)), np.tile(TRUTH, 1000), np.tile(SAID, 1000)
    ax = viz.plot_misclassified(*many)
    assert pixels(ax) == many[0][[*WRONG, 13, 14]].tolist()
    assert ax.get_title() == "10 of the 8,000 misclassified, of 12,000"


def test_images_stand_in_rows_of_five_without_touching() -> None:
    ax = viz.plot_misclassified(IMAGES, TRUTH, SAID)
    rows = [corners(ax)[:5], corners(ax)[5:]]
    for row in rows:
        assert len(set(row[:, 1])) == 1
        assert (np.diff(row[:, 0]) > 1.0).all()  # an image is one unit wide, and 2/3 high
    assert rows[1][0, 1] > rows[0][0, 1] + 2 / 3
    assert rows[0][:3, 0].tolist() == rows[1][:, 0].tolist()


def test_every_caption_stands_above_its_own_image() -> None:
    ax = viz.plot_misclassified(IMAGES, TRUTH, SAID, confidence=SURE, names=["cat", "dog", "emu"])
    for text, (left, top) in zip(ax.texts, corners(ax), strict=True):
        x, bottom = text.get_position()
        assert x == pytest.approx(left + 0.5)
        assert top - 0.1 < bottom < top
        assert (text.get_ha(), text.get_va()) == ("center", "bottom")


@pytest.mark.parametrize("given", [(12, 2, 3), (12, 1, 2, 3), (12, 6)])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int64])
def test_samples_may_be_images_of_a_channel_or_flat(given: tuple[int, ...], dtype: Any) -> None:
    shape = (2, 3) if len(given) == 2 else None
    X = IMAGES.astype(dtype).reshape(given)
    assert pixels(viz.plot_misclassified(X, TRUTH, SAID, shape=shape)) == IMAGES[WRONG].tolist()


def test_flat_samples_of_a_square_number_of_pixels_are_square() -> None:
    X = np.arange(12.0 * 784).reshape(12, 784)
    first, *_ = pixels(viz.plot_misclassified(X, TRUTH, SAID))
    assert first == X[1].reshape(28, 28).tolist()


def test_black_and_white_are_the_same_for_all_images() -> None:
    ax = viz.plot_misclassified(IMAGES, TRUTH, SAID)
    scales = {image.get_clim() for image in ax.get_images()}
    assert scales == {(IMAGES[WRONG].min(), IMAGES[WRONG].max())}
    assert ax.get_images()[0].get_cmap()(1.0) == (1.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize("by_class", [False, True])
def test_the_most_confident_mistakes_come_first_with_their_confidence(by_class: bool) -> None:
    confidence = SURE
    if by_class:
        confidence = np.repeat((1.0 - SURE[:, None]) / 2.0, 3, axis=1)
        confidence[range(12), SAID] = SURE
    ax = viz.plot_misclassified(IMAGES, TRUTH, SAID, count=3, confidence=confidence)
    assert pixels(ax) == IMAGES[SUREST[:3]].tolist()
    assert captions(ax) == [
        "true 2, said 1\n90.0% sure",
        "true 2, said 0\n90.0% sure",
        "true 0, said 2\n80.0% sure",
    ]
    assert ax.get_title() == "The 3 surest of the 8 misclassified, of 12"


def test_dollars_in_a_name_begin_no_formula() -> None:
    ax = viz.plot_misclassified(IMAGES, TRUTH, SAID, names=["a", "$5", "$\\no$ <"], count=6)
    assert captions(ax)[0] == "true \\$5\nsaid \\$\\no\\$ <"
    ax.figure.canvas.draw()  # matplotlib fails of a formula that it does not know


def test_classes_may_have_names_of_any_length() -> None:
    names = ["cat", "hippopotamus amphibius", "emu"]
    ax = viz.plot_misclassified(IMAGES, TRUTH, SAID, names=names, count=6)
    assert captions(ax)[0] == "true hippopotamus amphibius\nsaid emu"
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert all(box.count_overlaps(boxes) == 1 for box in boxes)  # itself


def test_that_nothing_is_wrong_is_said() -> None:
    ax = viz.plot_misclassified(IMAGES, TRUTH, TRUTH)
    assert ax.get_title() == "None misclassified, of 12"
    assert captions(ax) == ["all are right"]
    assert pixels(ax) == []


def test_samples_that_are_no_images_are_refused_with_the_fix() -> None:
    draw = viz.plot_misclassified
    with pytest.raises(tg.ShapeError, match=r"6 pixels are no square.*shape=\(height, width\)"):
        draw(IMAGES.reshape(12, 6), TRUTH, SAID)
    for shape in ((2, 4), (-2, -3), (6,), 6):
        with pytest.raises(tg.ShapeError, match=r"a \(height, width\) of 6 pixels in all, not"):
            draw(IMAGES.reshape(12, 6), TRUTH, SAID, shape=shape)
    for shape in ((3, 2), 6):
        with pytest.raises(tg.ShapeError, match=r"X are of shape \(2, 3\), not .*leave shape out"):
            draw(IMAGES, TRUTH, SAID, shape=shape)
    with pytest.raises(tg.ShapeError, match=r"not \(12, 3, 2, 3\).*X\.mean\(axis=1\)"):
        draw(np.ones((12, 3, 2, 3)), TRUTH, SAID)
    with pytest.raises(tg.ShapeError, match=r"not \(12,\)"):
        draw(TRUTH, TRUTH, SAID)
    with pytest.raises(TypeError, match="X must hold numbers, but its dtype is <U"):
        draw(IMAGES.astype(str), TRUTH, SAID)
    with pytest.raises(ValueError, match="NaN or infinite pixels; replace them"):
        draw(np.where(IMAGES == 6.0, np.nan, IMAGES), TRUTH, SAID)
    assert plt.get_fignums() == []


def test_labels_that_do_not_fit_are_refused_with_the_fix() -> None:
    draw = viz.plot_misclassified
    with pytest.raises(tg.ShapeError, match="X has 12 samples, but 11 targets came"):
        draw(IMAGES, TRUTH[1:], SAID[1:])
    with pytest.raises(tg.ShapeError, match="12 true labels came with 11 predictions"):
        draw(IMAGES, TRUTH, SAID[1:])
    with pytest.raises(TypeError, match=r"predictions must be class indices.*argmax\(axis=1\)"):
        draw(IMAGES, TRUTH, np.ones((12, 3)))
    with pytest.raises(TypeError, match=r"targets must be class indices.*labels\.astype\(int\)"):
        draw(IMAGES, TRUTH.astype(float), SAID)
    with pytest.raises(tg.ShapeError, match=r"targets must be one class index for each sample"):
        draw(IMAGES, np.eye(3, dtype=int)[TRUTH], SAID)
    with pytest.raises(ValueError, match="there are 3 classes, but 2 names came"):
        draw(IMAGES, TRUTH, SAID, names=["cat", "dog"])
    for count in (0, 2.5):
        with pytest.raises(ValueError, match="count is a whole number from 1 on"):
            draw(IMAGES, TRUTH, SAID, count=count)
    assert plt.get_fignums() == []


def test_confidence_that_is_no_probability_is_refused_with_the_fix() -> None:
    for confidence in (SURE - 0.5, SURE * 3.0, np.full(12, np.nan)):
        with pytest.raises(ValueError, match=r"probabilities, from 0 to 1, but .*tg\.softmax"):
            viz.plot_misclassified(IMAGES, TRUTH, SAID, confidence=confidence)
    for confidence in (SURE[1:], np.ones((12, 2)), np.ones((11, 3)), 0.5):
        with pytest.raises(tg.ShapeError, match=r"\(samples,\) or \(samples, classes\)"):
            viz.plot_misclassified(IMAGES, TRUTH, SAID, confidence=confidence)


# Weights


def test_each_unit_of_a_layer_is_an_image_of_its_inputs() -> None:
    layer = nn.Linear(25, 6, rng=0)
    ax = viz.plot_weights(layer)
    assert pixels(ax) == units(layer.weight.numpy(), 5, 5)
    assert ax.get_title() == "Weights of Linear(25, 6):\n6 units, each over its 5×5 inputs"


def test_a_layer_its_tensor_and_its_array_are_drawn_alike() -> None:
    layer = nn.Linear(16, 3, rng=0)
    given = [layer, layer.weight, layer.weight.numpy(), layer.weight.numpy().tolist()]
    layered, *others = [pixels(viz.plot_weights(weights)) for weights in given]
    assert all(other == layered for other in others)
    title = viz.plot_weights(layer.weight).get_title()
    assert title == "Weights of shape (16, 3):\n3 units, each over its 4×4 inputs"


def test_only_the_first_units_are_shown_and_the_title_says_so() -> None:
    layer = nn.Linear(784, 128, rng=0)
    ax = viz.plot_weights(layer, count=3)
    assert pixels(ax) == units(layer.weight.numpy()[:, :3], 28, 28)
    title = "Weights of Linear(784, 128): 3 of 128 units, each over its 28×28 inputs"
    assert ax.get_title().split() == title.split()


def test_inputs_that_are_not_square_have_the_shape_that_is_told() -> None:
    layer = nn.Linear(12, 2, rng=0)
    assert pixels(viz.plot_weights(layer, shape=(3, 4))) == units(layer.weight.numpy(), 3, 4)


@pytest.mark.parametrize("inputs", [1, 2, 4, 20, 128])
def test_inputs_that_are_no_image_make_one_heat_map(inputs: int) -> None:
    layer = nn.Linear(inputs, 3, rng=0)
    ax = viz.plot_weights(layer)
    assert pixels(ax) == [layer.weight.numpy().tolist()]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("unit", "input")
    assert ax.axison
    ax.figure.canvas.draw()
    assert set(ax.get_xticks()) >= {0.0, 1.0, 2.0}
    assert all(tick == round(tick) for tick in ax.get_yticks())


@pytest.mark.parametrize(("shown", "wide"), [(1, 1), (2, 2), (4, 2), (7, 4), (10, 5), (64, 8)])
def test_tiles_fill_a_grid_about_as_wide_as_high(shown: int, wide: int) -> None:
    places = corners(viz.plot_weights(np.ones((16, shown))))
    assert len(set(places[:, 0])) == wide
    assert len(set(places[:, 1])) == -(-shown // wide)


def test_the_number_of_columns_may_be_told() -> None:
    places = corners(viz.plot_weights(np.ones((16, 6)), columns=4))
    assert places[:4, 1].tolist() == [0.0] * 4
    assert places[4:, 0].tolist() == places[:2, 0].tolist()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_few_channels_of_a_kernel_stand_side_by_side(channels: int) -> None:
    layer = Kernels(6, channels, 2, 3)
    ax = viz.plot_weights(layer, count=4, columns=2)
    assert pixels(ax) == layer.weight.numpy()[:4].reshape(-1, 2, 3).tolist()
    rows = corners(ax).reshape(2, 2 * channels, 2)
    assert len(set(rows[0, :, 1])) == len(set(rows[1, :, 1])) == 1
    steps = np.diff(rows[0, :, 0])
    assert steps.argmax() == channels - 1  # the widest gap is the one between two kernels
    assert (steps > 1.0).all()
    many = f", each over its {channels} input channels" if channels > 1 else ""
    assert ax.get_title() == f"Weights of Kernels():\n4 of 6 kernels{many}"


def test_a_convolution_is_drawn_by_its_kernels() -> None:
    layer = nn.Conv2d(1, 8, 5, rng=0)
    ax = viz.plot_weights(layer)
    assert pixels(ax) == layer.weight.numpy()[:, 0].tolist()
    assert ax.get_title() == "Weights of Conv2d(1, 8, 5):\n8 kernels"


def test_of_many_channels_only_the_first_is_shown_and_the_title_says_so() -> None:
    layer = Kernels(3, 5, 2, 2)
    ax = viz.plot_weights(layer)
    assert pixels(ax) == layer.weight.numpy()[:, 0].tolist()
    said = "3 kernels, each over the first of its 5 input channels"
    assert ax.get_title() == f"Weights of Kernels():\n{said}"


@pytest.mark.parametrize("weights", [np.ones((16, 2)), -np.eye(16), np.zeros((3, 3)), [[1, -9]]])
def test_zero_is_the_middle_of_one_scale(weights: Any) -> None:
    ax = viz.plot_weights(weights)
    ((low, high),) = {image.get_clim() for image in ax.get_images()}
    assert -low == high == (np.abs(weights).max() or 1.0)
    assert ax.get_images()[-1].colorbar.extend == "neither"
    (bar,) = [other for other in ax.figure.axes if other is not ax]
    assert bar.get_ylabel() == "weight"


def test_few_extreme_weights_do_not_fade_the_rest_and_the_bar_shows_that_they_are_beyond() -> None:
    weights = np.linspace(-1.0, 1.0, 16 * 64).reshape(16, 64)
    weights[3, 5] = 1000.0
    image = viz.plot_weights(weights).get_images()[-1]
    assert 0.98 < image.norm.vmax <= 1.0
    assert image.colorbar.extend == "both"


def test_colours_grow_lighter_from_least_to_most_so_that_grey_print_tells_the_sign() -> None:
    colors = viz.plot_weights(np.ones((16, 1))).get_images()[0].get_cmap()(np.linspace(0, 1, 101))
    linear = np.where(
        colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4
    )  # IEC 61966-2-1
    luminance = linear[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0.0).all()
    red, green, blue, _ = colors[50]
    assert max(red, green, blue) - min(red, green, blue) < 0.03  # zero has no hue
    assert colors[25, 2] > colors[25, 0] + 0.3  # blue
    assert colors[75, 0] > colors[75, 2] + 0.3  # yellow


def test_looking_at_weights_does_not_change_them() -> None:
    layer = nn.Linear(16, 4, rng=0)
    before = layer.weight.numpy().copy()
    viz.plot_weights(layer)
    assert (layer.weight.numpy() == before).all()
    assert layer.weight.grad is None


def test_what_has_no_weights_to_draw_is_refused_with_the_fix() -> None:
    for given in (nn.Sequential(nn.Linear(2, 2)), nn.ReLU(), None, "weights"):
        with pytest.raises(TypeError, match=r"a layer that has a weight, such as model\[0\]"):
            viz.plot_weights(given)
    for shape in ((16,), (2, 3, 4), ()):
        with pytest.raises(tg.ShapeError, match=r"\(in_features, out_features\) or \(out, in, h"):
            viz.plot_weights(np.ones(shape))
    for weights in (np.full((2, 2), np.nan), np.full((2, 2), np.inf), np.ones((2, 0))):
        with pytest.raises(ValueError, match=r"shape \(2, .*\): there are none, or NaN"):
            viz.plot_weights(weights)
    with pytest.raises(tg.ShapeError, match="12 pixels in all, not"):
        viz.plot_weights(np.ones((12, 2)), shape=(3, 5))
    with pytest.raises(tg.ShapeError, match=r"kernels are of shape \(3, 3\), not \(9, 1\)"):
        viz.plot_weights(np.ones((2, 1, 3, 3)), shape=(9, 1))
    for named in ({"count": 0}, {"columns": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(named))} is a whole number from 1 on"):
            viz.plot_weights(np.ones((16, 2)), **named)
    assert plt.get_fignums() == []
