"""Conv2d, MaxPool2d, AvgPool2d: against loops over windows, worked numbers and identities."""

import gc
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twingrad as tg
from tests.oracles import bends_as_its_slopes_change
from tests.test_memory import left_behind
from twingrad import Tensor, nn
from twingrad.engine import window_rules, windows

Pair = tuple[int, int]
INF, NAN = np.inf, np.nan


@dataclass(frozen=True)
class Look:
    """Images, and the window through which a layer looks at them."""

    shape: tuple[int, ...]
    kernel: Pair
    stride: Pair
    padding: Pair
    seed: int

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    @property
    def images(self) -> np.ndarray:
        """Numbers no two of which are equal, so that no maximum is in doubt."""
        count = int(np.prod(self.shape))
        return self.rng.permutation(np.linspace(-2.0, 2.0, count)).reshape(self.shape)

    def windows(
        self, x: np.ndarray, fill: float = 0.0
    ) -> Iterator[tuple[tuple[int, int, int], np.ndarray]]:
        """Each window, (channels, *kernel), with its image, its row and its column."""
        n, channels, height, width = x.shape
        (down, across), (kh, kw) = self.padding, self.kernel
        framed = np.full((n, channels, height + 2 * down, width + 2 * across), fill)
        for i, j in np.ndindex(height, width):
            framed[:, :, down + i, across + j] = x[:, :, i, j]
        for r, top in enumerate(range(0, framed.shape[2] - kh + 1, self.stride[0])):
            for c, left in enumerate(range(0, framed.shape[3] - kw + 1, self.stride[1])):
                for image in range(n):
                    yield (image, r, c), framed[image, :, top : top + kh, left : left + kw]

    def results(self, x: np.ndarray, of_window: Callable[..., Any], fill: float = 0.0) -> Any:
        """What a function makes of every window, a number for each channel, as images."""
        made = {place: of_window(seen) for place, seen in self.windows(x, fill)}
        last = max(made)
        y = np.empty((last[0] + 1, len(made[last]), last[1] + 1, last[2] + 1))
        for (image, r, c), numbers in made.items():
            y[image, :, r, c] = numbers
        return y

    def convolved(self, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return self.results(x, lambda seen: [(seen * kernel).sum() for kernel in weight])

    def conv(self, out: int = 2, bias: bool = False) -> nn.Conv2d:
        layer = nn.Conv2d(
            self.shape[1],
            out,
            self.kernel,
            self.stride,
            self.padding,
            bias=bias,
            dtype=np.float64,
            rng=self.seed,
        )
        if bias:
            layer.bias.data = self.rng.normal(size=out)
        return layer


@st.composite
def looks(draw: st.DrawFn, pooling: bool = False) -> Look:
    """Windows of any size, stride and padding, on images that they fit."""
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    most = [k // 2 if pooling else 2 for k in kernel]
    padding = draw(st.tuples(*[st.integers(0, p) for p in most]))
    sizes = [draw(st.integers(max(1, k - 2 * p), 5)) for k, p in zip(kernel, padding, strict=True)]
    n, channels = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    return Look((n, channels, *sizes), kernel, stride, padding, draw(st.integers(0, 99)))


few = settings(max_examples=25)


# Convolution


@few
@given(looks(), st.integers(1, 3), st.booleans())
def test_conv_sums_each_window_times_each_kernel(look: Look, out: int, bias: bool) -> None:
    layer = look.conv(out, bias)
    expected = look.convolved(look.images, layer.weight.data)
    if bias:
        expected += layer.bias.data[:, None, None]
    y = layer(look.images)
    assert y.shape == expected.shape
    np.testing.assert_allclose(y.data, expected, rtol=0, atol=1e-13)


@few
@given(looks())
def test_conv_passes_back_what_makes_it_its_own_adjoint(look: Look) -> None:
    # ⟨conv(v; w), g⟩ is linear in v and in w, so that ⟨gradient, v⟩ is the same for every v.
    layer, x = look.conv(bias=True), Tensor(look.images)
    y = layer(x)
    upstream = look.rng.normal(size=y.shape)
    y.backward(upstream)
    other, kernels = look.rng.normal(size=x.shape), look.rng.normal(size=layer.weight.shape)
    along_x = (look.convolved(other, layer.weight.data) * upstream).sum()
    along_weight = (look.convolved(x.data, kernels) * upstream).sum()
    assert (x.grad * other).sum() == pytest.approx(along_x, abs=1e-11)
    assert (layer.weight.grad * kernels).sum() == pytest.approx(along_weight, abs=1e-11)
    assert layer.bias.grad == pytest.approx(upstream.sum(axis=(0, 2, 3)), abs=1e-11)


def one_image(rows: list[list[float]]) -> np.ndarray:
    return np.array([[rows]], dtype=float)


def conv_with(kernel: Any, **static: Any) -> nn.Conv2d:
    weight = np.array(kernel, dtype=float)
    layer = nn.Conv2d(
        weight.shape[1], len(weight), weight.shape[2:], bias=False, dtype=float, **static
    )
    layer.weight.data = weight
    return layer


def test_conv_at_the_border_by_hand() -> None:
    # The first window is [[0, 0], [0, 1]]: a kernel turned round would give 1·1 there, not 4·1.
    layer = conv_with([[[[1, 2], [3, 4]]]], padding=1)
    x = Tensor(one_image([[1, 2], [3, 4]]))
    y = layer(x)
    assert y.data.tolist() == [[[[4, 11, 6], [14, 30, 14], [6, 11, 4]]]]
    y.backward(one_image([[1, 0, 0], [0, 0, 0], [0, 0, 10]]))
    assert x.grad.tolist() == [[[[4, 0], [0, 10]]]]
    assert layer.weight.grad.tolist() == [[[[40, 0], [0, 1]]]]


def test_conv_of_two_channels_by_hand() -> None:
    layer = conv_with([[[[1, -1]], [[10, 0]]], [[[0, 0]], [[0, 1]]]])
    x = np.array([[[[1.0, 2.0, 4.0]], [[3.0, 5.0, 7.0]]]])
    assert layer(x).data.tolist() == [[[[29, 48]], [[5, 7]]]]


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (1, 3), (5, 3)])
def test_conv_with_a_kernel_of_a_single_one_is_the_image(size: Pair) -> None:
    kernels = np.zeros((3, 3, *size))
    centre = size[0] // 2, size[1] // 2
    for channel in range(3):
        kernels[channel, channel, *centre] = 1.0
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    assert np.array_equal(conv_with(kernels, padding=centre)(x).data, x)


@few
@given(looks(), st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
def test_conv_is_linear_in_the_images_and_in_the_kernels(look: Look, a: float, b: float) -> None:
    layer, other = look.conv(), look.conv()
    other.weight.data = look.rng.normal(size=layer.weight.shape)
    x, z = look.images, look.rng.normal(size=look.shape)
    mixed = layer(a * x + b * z).data
    np.testing.assert_allclose(mixed, a * layer(x).data + b * layer(z).data, rtol=0, atol=1e-12)
    both = a * layer(x).data + b * other(x).data
    layer.weight.data = a * layer.weight.data + b * other.weight.data
    np.testing.assert_allclose(layer(x).data, both, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("down", "across"), [(1, 0), (0, 2), (2, 1)])
def test_what_moves_in_the_image_moves_in_the_response(down: int, across: int) -> None:
    x = np.zeros((1, 2, 9, 9))
    x[:, :, 2:5, 2:5] = np.random.default_rng(0).normal(size=(1, 2, 3, 3))
    layer = nn.Conv2d(2, 3, 3, padding=1, dtype=float, rng=0)
    moved = layer(np.roll(x, (down, across), (2, 3)))
    assert np.array_equal(moved.data, np.roll(layer(x).data, (down, across), (2, 3)))


def test_each_image_of_a_batch_is_seen_alone() -> None:
    layer = nn.Conv2d(2, 3, (3, 2), stride=2, padding=1, dtype=float, rng=0)
    x = np.random.default_rng(0).normal(size=(4, 2, 5, 6))
    one_by_one = np.concatenate([layer(image[None]).data for image in x])
    np.testing.assert_allclose(layer(x).data, one_by_one, rtol=0, atol=1e-14)


def test_conv_with_a_kernel_as_large_as_the_image_is_linear() -> None:
    conv = nn.Conv2d(2, 3, (4, 5), dtype=float, rng=0)
    linear = nn.Linear(40, 3, dtype=float)
    linear.weight.data = conv.weight.data.reshape(3, 40).T
    linear.bias.data = conv.bias.data = [1.0, -1.0, 0.5]
    x = np.random.default_rng(0).normal(size=(2, 2, 4, 5))
    rows = nn.Flatten()(conv(x)).data
    np.testing.assert_allclose(rows, linear(x.reshape(2, 40)).data, rtol=1e-13)


def test_conv_with_a_kernel_of_one_is_linear_at_every_place() -> None:
    conv = nn.Conv2d(3, 2, 1, bias=False, dtype=float, rng=0)
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    expected = np.einsum("oc,nchw->nohw", conv.weight.data[:, :, 0, 0], x)
    np.testing.assert_allclose(conv(x).data, expected, rtol=0, atol=1e-14)


def test_conv_begins_with_weights_of_he_for_all_that_a_kernel_sees() -> None:
    layer = nn.Conv2d(50, 40, (3, 2), rng=0)
    assert layer.weight.shape == (40, 50, 3, 2)
    assert layer.weight.dtype == layer.bias.dtype == np.float32
    assert (layer.bias.data == 0.0).all()
    assert layer.weight.data.std() == pytest.approx(np.sqrt(2 / 300), rel=0.02)
    assert np.array_equal(layer.weight.data, nn.Conv2d(50, 40, (3, 2), rng=0).weight.data)


def test_conv_takes_images_however_they_lie_in_memory() -> None:
    layer = nn.Conv2d(3, 2, 3, padding=1, dtype=float, rng=0)
    last = np.random.default_rng(0).normal(size=(2, 8, 10, 3))
    for x in (last.transpose(0, 3, 1, 2), last.transpose(0, 3, 2, 1)[:, :, ::2, ::-3]):
        expected = layer(np.ascontiguousarray(x)).data
        np.testing.assert_allclose(layer(x).data, expected, rtol=0, atol=1e-14)


def test_plain_images_and_frozen_kernels_get_no_gradient() -> None:
    layer = nn.Conv2d(1, 2, 2, dtype=float, rng=0)
    x = Tensor(np.ones((1, 1, 3, 3)))
    layer.weight.constant = True
    assert [name for name, _ in layer.named_parameters()] == ["bias"]
    layer(x).sum().backward()
    assert layer.weight.grad is None
    assert layer.bias.grad.tolist() == [4.0, 4.0]
    assert x.grad is not None
    layer.bias.constant = True
    assert layer(np.ones((1, 1, 3, 3))).constant


# Windows and their adjoint


@few
@given(looks(), st.sampled_from([0.0, -INF]))
def test_windows_are_what_a_loop_cuts_out(look: Look, fill: float) -> None:
    cut = windows.windows(look.images, look.kernel, look.stride, look.padding, fill)
    for (image, r, c), seen in look.windows(look.images, fill):
        assert np.array_equal(cut[:, :, :, image, r, c], seen)
    assert cut[0, 0, 0].size == sum(1 for _ in look.windows(look.images))


@few
@given(looks())
def test_windows_and_fold_are_each_others_adjoint(look: Look) -> None:
    x = look.images
    cut = windows.windows(x, look.kernel, look.stride, look.padding, 0.0)
    w = look.rng.normal(size=cut.shape)
    folded = windows.fold(w, x.shape, look.stride, look.padding)
    assert folded.shape == x.shape
    assert (cut * w).sum() == pytest.approx((x * folded).sum(), abs=1e-11)


@few
@given(looks())
def test_fold_counts_how_many_windows_see_each_place(look: Look) -> None:
    seen = np.zeros(look.shape)
    places = np.arange(seen.size, dtype=float).reshape(seen.shape)
    for _, window in look.windows(places, fill=NAN):
        for number in window[~np.isnan(window)].astype(int):
            seen.flat[number] += 1
    ones = np.ones_like(windows.windows(places, look.kernel, look.stride, look.padding, 0.0))
    assert np.array_equal(windows.fold(ones, look.shape, look.stride, look.padding), seen)


# Pooling


@few
@given(looks(pooling=True))
def test_max_pool_takes_the_greatest_and_gives_it_the_gradient(look: Look) -> None:
    x = Tensor(look.images)
    y = nn.MaxPool2d(look.kernel, look.stride, look.padding)(x)
    expected = look.results(x.data, lambda seen: seen.max(axis=(1, 2)), fill=-INF)
    assert np.array_equal(y.data, expected)
    upstream = look.rng.normal(size=y.shape)
    y.backward(upstream)
    gradient = np.zeros(x.shape)
    for index in np.ndindex(y.shape):
        image, channel = index[:2]
        gradient[image, channel][x.data[image, channel] == expected[index]] += upstream[index]
    np.testing.assert_allclose(x.grad, gradient, rtol=0, atol=1e-13)


@few
@given(looks(pooling=True))
def test_avg_pool_takes_the_mean_and_shares_the_gradient(look: Look) -> None:
    x = Tensor(look.images)
    y = nn.AvgPool2d(look.kernel, look.stride, look.padding)(x)

    def averaged(images: np.ndarray) -> np.ndarray:
        return look.results(images, lambda seen: seen.sum(axis=(1, 2)) / np.prod(look.kernel))

    np.testing.assert_allclose(y.data, averaged(x.data), rtol=0, atol=1e-14)
    upstream, other = look.rng.normal(size=y.shape), look.rng.normal(size=x.shape)
    y.backward(upstream)
    expected = (averaged(other) * upstream).sum()
    assert (x.grad * other).sum() == pytest.approx(expected, abs=1e-11)


def test_pooling_by_hand() -> None:
    x = one_image([[4, 8, 0], [12, 16, 0], [1, 1, 1]])
    assert nn.MaxPool2d(2)(x).tolist() == [[[[16]]]]
    assert nn.MaxPool2d(2, stride=1)(x).tolist() == [[[[16, 16], [16, 16]]]]
    assert nn.AvgPool2d(2)(x).tolist() == [[[[10]]]]
    assert nn.AvgPool2d(2, padding=1)(x).tolist() == [[[[1, 2], [3.25, 4.5]]]]
    assert nn.AvgPool2d((1, 3))(x).tolist() == [[[[4], [28 / 3], [1]]]]
    assert nn.MaxPool2d((3, 1))(x).tolist() == [[[[12, 16, 1]]]]


@pytest.mark.parametrize("pool", [nn.MaxPool2d, nn.AvgPool2d])
@pytest.mark.parametrize("size", [1, 2, 3, (2, 3)])
def test_pooling_keeps_a_constant_image_constant(pool: Any, size: Any) -> None:
    y = pool(size)(np.full((2, 3, 7, 8), 2.5))
    assert (y == 2.5).all()


def test_the_zeros_of_the_padding_count_in_a_mean_and_not_in_a_maximum() -> None:
    x = np.full((1, 1, 3, 3), -9.0)
    counted = nn.AvgPool2d(3, stride=1, padding=1)(x)
    assert counted.tolist() == [[[[-4, -6, -4], [-6, -9, -6], [-4, -6, -4]]]]
    assert (nn.MaxPool2d(3, stride=1, padding=1)(x) == -9.0).all()


@pytest.mark.parametrize("pool", [nn.MaxPool2d, nn.AvgPool2d])
def test_pooling_through_a_window_of_one_is_the_image_or_every_second_of_it(pool: Any) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    assert np.array_equal(pool(1)(x), x)
    assert np.array_equal(pool(1, stride=(2, 3))(x), x[:, :, ::2, ::3])


def test_pooling_through_a_window_as_large_as_the_image_is_a_reduction() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    assert np.array_equal(nn.MaxPool2d((4, 5))(x)[:, :, 0, 0], x.max(axis=(2, 3)))
    means = nn.AvgPool2d((4, 5))(x)[:, :, 0, 0]
    np.testing.assert_allclose(means, x.mean(axis=(2, 3)), rtol=0, atol=1e-15)


def test_avg_pool_is_a_conv_of_equal_weights() -> None:
    x = np.random.default_rng(0).normal(size=(2, 2, 5, 5))
    kernels = np.eye(2)[:, :, None, None] * np.full((3, 2), 1 / 6)
    static: dict[str, Any] = {"stride": (2, 1), "padding": (1, 1)}
    expected = conv_with(kernels, **static)(x).data
    np.testing.assert_allclose(nn.AvgPool2d((3, 2), **static)(x), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("lowest", "dtype"), [(-1e308, np.float64), (-3e38, np.float32), (-65504.0, np.float16)]
)
def test_padding_never_wins_against_the_most_negative_numbers(lowest: float, dtype: Any) -> None:
    x = Tensor(np.full((1, 1, 2, 2), lowest, dtype=dtype))
    y = nn.MaxPool2d(2, padding=1)(x)
    assert np.array_equal(y.data, x.data)
    y.sum().backward()
    assert x.grad.tolist() == [[[[1, 1], [1, 1]]]]


def test_padding_takes_no_gradient_from_an_image_of_minus_infinity() -> None:
    x = Tensor(np.full((1, 1, 2, 2), -INF))
    y = nn.MaxPool2d(2, padding=1)(x)
    assert (y.data == -INF).all()
    y.sum().backward()
    assert x.grad.tolist() == [[[[1, 1], [1, 1]]]]


def test_ties_in_a_maximum_share_the_gradient_evenly() -> None:
    x = Tensor(one_image([[1, 1, 0], [1, 1, 3]]))
    nn.MaxPool2d(2, stride=1)(x).backward(np.array([[[[8.0, 1.0]]]]))
    assert x.grad.tolist() == [[[[2, 2, 0], [2, 2, 1]]]]
    # Each window sees one zero of the image, and three of a frame that takes no part.
    zeros = Tensor(np.zeros((1, 1, 2, 2)))
    nn.MaxPool2d(2, padding=1)(zeros).sum().backward()
    assert zeros.grad.tolist() == [[[[1, 1], [1, 1]]]]


@pytest.mark.parametrize("pool", [nn.MaxPool2d, nn.AvgPool2d])
def test_what_no_window_sees_gets_a_gradient_of_zero(pool: Any) -> None:
    x = Tensor(np.random.default_rng(0).normal(size=(1, 1, 5, 5)))
    pool(2)(x).sum().backward()
    assert (x.grad[..., 4, :] == 0.0).all()
    assert (x.grad[..., 4] == 0.0).all()
    assert x.grad.sum() == pytest.approx(4.0)


# Numbers that are none


@pytest.mark.parametrize("spoilt", [NAN, INF])
def test_one_spoilt_pixel_spoils_what_sees_it_and_no_more(spoilt: float) -> None:
    x = np.zeros((1, 1, 5, 5))
    x[0, 0, 0, 4] = spoilt
    kernel = np.arange(1.0, 5.0).reshape(1, 1, 2, 2)
    for layer in (conv_with(kernel, stride=1), nn.MaxPool2d(2, 1), nn.AvgPool2d(2, 1)):
        images = Tensor(x)
        y = layer(images)
        assert np.isfinite(y.data).sum() == 15
        assert not np.isfinite(y.data[0, 0, 0, 3])
        y.sum().backward()
        assert np.isfinite(images.grad).all()


def test_nan_goes_through_a_maximum() -> None:
    y = nn.MaxPool2d(2)(one_image([[NAN, 1], [INF, -INF]]))
    assert np.isnan(y).all()
    assert nn.MaxPool2d(2)(one_image([[-INF, 1], [INF, 2]])).tolist() == [[[[INF]]]]


# Derivatives, first and second

STATIC: list[dict[str, Any]] = [
    {"kernel_size": 2, "stride": 2},
    {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0)},
    {"kernel_size": (2, 3), "stride": (3, 1), "padding": (1, 1)},
    {"kernel_size": 1, "stride": 2},
]
IMAGES = Look((2, 2, 5, 4), (1, 1), (1, 1), (0, 0), seed=0).images


def layers_of(static: dict[str, Any]) -> list[nn.Module]:
    conv = nn.Conv2d(2, 3, **static, dtype=np.float64, rng=0)
    conv.bias.data = [0.5, -0.25, 1.0]
    return [
        conv,
        nn.Conv2d(2, 1, **static, bias=False, dtype=np.float64, rng=1),
        nn.MaxPool2d(**static),
        nn.AvgPool2d(**static),
    ]


LAYERS = [layer for static in STATIC for layer in layers_of(static)]


def as_function(layer: nn.Module) -> tuple[Callable[..., Any], tuple[np.ndarray, ...]]:
    """A layer as a function of its input and of its parameters, and those parameters."""
    named = dict(layer.named_parameters())

    def respond(x: Any, *replaced: Any) -> Any:
        other = copy(layer)
        vars(other).update(zip(named, replaced, strict=True))
        return other(x)

    return respond, tuple(p.numpy() for p in named.values())


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_gradients_of_the_images_and_of_each_parameter_pass_the_check(layer: nn.Module) -> None:
    respond, parameters = as_function(layer)
    report = tg.gradcheck(respond, IMAGES, *parameters)
    assert report, report


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_second_derivatives_are_differences_of_the_first(layer: nn.Module) -> None:
    respond, parameters = as_function(layer)
    inputs = (IMAGES, *parameters)
    rng = np.random.default_rng(1)
    along = tuple(rng.normal(size=x.shape) for x in inputs)
    bends_as_its_slopes_change(respond, inputs, along)


# Precision, and what may come in

PLAIN = [
    nn.Conv2d(2, 3, 3, stride=2, padding=1, rng=0),
    nn.MaxPool2d(2),
    nn.MaxPool2d(3, stride=2, padding=1),
    nn.AvgPool2d(2),
    nn.AvgPool2d(3, stride=2, padding=1),
]


@pytest.mark.parametrize("layer", PLAIN, ids=repr)
def test_float32_stays_float32_forward_and_back(layer: nn.Module) -> None:
    x = Tensor(IMAGES, dtype=np.float32)
    y = layer(x)
    y.sum().backward()
    grads = [x.grad, *(p.grad for p in layer.parameters())]
    assert {a.dtype for a in (y, *grads)} == {np.dtype(np.float32)}
    wide = Tensor(IMAGES)
    layer(wide).sum().backward()
    assert wide.grad.dtype == np.float64
    assert {p.grad.dtype for p in layer.parameters()} <= {np.dtype(np.float32)}


@pytest.mark.parametrize("layer", PLAIN, ids=repr)
@pytest.mark.parametrize("given_as", ["uint8", "int64", "bool", "float16", "list"])
def test_images_of_whole_numbers_and_lists_are_images(layer: nn.Module, given_as: str) -> None:
    numbers = np.arange(80).reshape(2, 2, 5, 4) % (2 if given_as == "bool" else 97)
    x = numbers.tolist() if given_as == "list" else numbers.astype(given_as)
    expected = layer(Tensor(numbers, dtype=np.float32)).data
    np.testing.assert_allclose(np.asarray(layer(x).data), expected, rtol=1e-3)


def test_plain_arrays_take_on_the_precision_of_a_conv() -> None:
    layer = nn.Conv2d(2, 3, 3, rng=0)
    assert layer(IMAGES).dtype == np.float32
    assert layer.to(np.float64) is layer
    assert layer(IMAGES.astype(np.float32)).dtype == np.float64
    assert repr(layer) == "Conv2d(2, 3, 3, dtype='float64')"


@pytest.mark.parametrize("layer", PLAIN, ids=repr)
def test_no_images_give_no_images_and_gradients_of_zero(layer: nn.Module) -> None:
    expected = layer(IMAGES).shape[1:]
    x = Tensor(IMAGES[:0])
    y = layer(x)
    assert y.shape == (0, *expected)
    layer.zero_grad()
    y.sum().backward()
    assert x.grad.shape == x.shape
    assert all((p.grad == 0.0).all() for p in layer.parameters())
    assert layer(IMAGES[:0]).shape == (0, *expected)


# What is refused

SIZES: list[Any] = [0, -1, 1.0, True, "3", None, (1, 2, 3), (1,), (), (2, 0), (2, 1.5), (2, True)]


@pytest.mark.parametrize("size", SIZES, ids=repr)
@pytest.mark.parametrize(
    "layer",
    [
        lambda **static: nn.Conv2d(1, 1, **static),
        nn.MaxPool2d,
        nn.AvgPool2d,
    ],
    ids=["Conv2d", "MaxPool2d", "AvgPool2d"],
)
def test_a_size_or_a_stride_is_a_whole_number_or_a_pair(layer: Any, size: Any) -> None:
    said = r"is a whole number from 1 on, or a pair of them \(vertical, horizontal\), not "
    with pytest.raises(ValueError, match="kernel_size " + said):
        layer(kernel_size=size)
    if size is not None:
        with pytest.raises(ValueError, match="stride " + said):
            layer(kernel_size=2, stride=size)
    if size != 0:
        with pytest.raises(ValueError, match="padding is a whole number from 0 on, or a pair"):
            layer(kernel_size=4, padding=(0, -1) if size == (2, 0) else size)


@pytest.mark.parametrize("pool", [nn.MaxPool2d, nn.AvgPool2d])
def test_padding_is_at_most_half_the_window_of_a_pool(pool: Any) -> None:
    assert pool(4, padding=2)(np.ones((1, 1, 4, 4))).shape == (1, 1, 2, 2)
    for kernel, padding in [(2, 2), (3, 2), ((2, 4), 2), ((4, 2), (2, 2)), (1, 1)]:
        with pytest.raises(ValueError, match="padding is at most half of kernel_size"):
            pool(kernel, padding=padding)


@pytest.mark.parametrize("channels", [0, -3, 1.5, True, "1", None])
def test_channels_that_count_nothing_are_refused(channels: Any) -> None:
    with pytest.raises(ValueError, match=r"in_channels is a whole number from 1 on, not"):
        nn.Conv2d(channels, 1, 3)
    with pytest.raises(ValueError, match=r"out_channels is a whole number from 1 on, not"):
        nn.Conv2d(1, channels, 3)


def test_weights_are_floats_of_the_shape_that_was_asked_for() -> None:
    with pytest.raises(TypeError, match="a Tensor holds floats"):
        nn.Conv2d(1, 1, 2, dtype=int)
    with pytest.raises(tg.ShapeError, match=r"init gave weights of shape \(2, 2\), not \(1, 1"):
        nn.Conv2d(1, 1, 2, init=lambda shape, rng, dtype: np.ones((2, 2)))


WRONG: list[tuple[nn.Module, tuple[int, ...], str]] = [
    (
        nn.Conv2d(3, 8, 3),
        (32, 28, 28, 3),
        "Conv2d(3, 8, 3): expected (batch, 3, height, width), got (32, 28, 28, 3); the channels "
        "come before height and width: x.transpose(0, 3, 1, 2)",
    ),
    (
        nn.Conv2d(1, 8, 3),
        (32, 28, 27),
        "Conv2d(1, 8, 3): expected (batch, 1, height, width), got (32, 28, 27); put in the axis "
        "of channels: x.reshape(-1, 1, 28, 27)",
    ),
    (
        nn.Conv2d(1, 8, 3),
        (32, 784),
        "Conv2d(1, 8, 3): expected (batch, 1, height, width), got (32, 784); rows become images "
        "by x.reshape(-1, 1, 28, 28)",
    ),
    (
        nn.Conv2d(3, 8, 3),
        (32, 3072),
        "Conv2d(3, 8, 3): expected (batch, 3, height, width), got (32, 3072); rows become images "
        "by x.reshape(-1, 3, 32, 32)",
    ),
    (
        nn.MaxPool2d(2),
        (32, 64),
        "MaxPool2d(2): expected (batch, channels, height, width), got (32, 64); rows become "
        "images by x.reshape(-1, 1, 8, 8)",
    ),
    (
        nn.AvgPool2d(2),
        (32, 8, 8),
        "AvgPool2d(2): expected (batch, channels, height, width), got (32, 8, 8); put in the "
        "axis of channels: x.reshape(-1, 1, 8, 8)",
    ),
    (
        nn.Conv2d(1, 8, 3),
        (784,),
        "Conv2d(1, 8, 3): expected (batch, 1, height, width), got (784,)",
    ),
    (nn.Conv2d(1, 8, 3), (), "Conv2d(1, 8, 3): expected (batch, 1, height, width), got ()"),
    (
        nn.Conv2d(1, 8, 3),
        (32, 783),
        "Conv2d(1, 8, 3): expected (batch, 1, height, width), got (32, 783)",
    ),
    (
        nn.Conv2d(4, 8, 3),
        (32, 2, 8, 8),
        "Conv2d(4, 8, 3): expected (batch, 4, height, width), got (32, 2, 8, 8)",
    ),
    (
        nn.Conv2d(1, 8, 5, padding=(0, 1)),
        (32, 1, 4, 4),
        "Conv2d(1, 8, 5, padding=(0, 1)): expected images of at least (5, 5), got (32, 1, 4, 4), "
        "which with its padding is (4, 6); use a smaller kernel, or more padding",
    ),
    (
        nn.MaxPool2d((1, 3)),
        (32, 1, 4, 2),
        "MaxPool2d((1, 3)): expected images of at least (1, 3), got (32, 1, 4, 2), which with its "
        "padding is (4, 2); use a smaller kernel, or more padding",
    ),
    (
        nn.AvgPool2d(2),
        (32, 1, 0, 0),
        "AvgPool2d(2): expected images of at least (2, 2), got (32, 1, 0, 0), which with its "
        "padding is (0, 0); use a smaller kernel, or more padding",
    ),
]


@pytest.mark.parametrize(("layer", "shape", "said"), WRONG)
def test_images_of_another_shape_are_told_what_to_become(
    layer: nn.Module, shape: tuple[int, ...], said: str
) -> None:
    for x in (np.zeros(shape), Tensor(np.zeros(shape)), np.zeros(shape, dtype=np.uint8)):
        with pytest.raises(tg.ShapeError) as caught:
            layer(x)
        assert str(caught.value) == said


@pytest.mark.parametrize(
    ("layer", "shape", "fix"),
    [
        (nn.Conv2d(3, 8, 3), (2, 8, 9, 3), lambda x: x.transpose(0, 3, 1, 2)),
        (nn.Conv2d(1, 8, 3), (2, 8, 9), lambda x: x.reshape(-1, 1, 8, 9)),
        (nn.Conv2d(3, 8, 3), (2, 243), lambda x: x.reshape(-1, 3, 9, 9)),
    ],
)
def test_the_fix_that_an_error_proposes_works(layer: Any, shape: Any, fix: Any) -> None:
    assert layer(fix(Tensor(np.zeros(shape)))).shape[:2] == (2, 8)


# Reprs


@pytest.mark.parametrize(
    "written",
    [
        "Conv2d(1, 8, 3)",
        "Conv2d(3, 8, (3, 2), stride=2, padding=(0, 1), bias=False, dtype='float64')",
        "MaxPool2d(2)",
        "MaxPool2d((2, 3), stride=(1, 2), padding=(1, 0))",
        "AvgPool2d(3, stride=2, padding=1)",
    ],
)
def test_a_repr_is_the_call_that_makes_the_layer(written: str) -> None:
    assert repr(eval(written, vars(nn))) == written


def test_a_repr_leaves_out_what_goes_without_saying() -> None:
    assert repr(nn.Conv2d(1, 8, (3, 3), [1, 1], np.int64(0))) == "Conv2d(1, 8, 3)"
    assert repr(nn.MaxPool2d((2, 3), stride=(2, 3))) == "MaxPool2d((2, 3))"


# A whole network


def conv_net(dtype: Any = np.float32) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, dtype=dtype, rng=0),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 2, dtype=dtype, rng=1),
        nn.AvgPool2d(2, stride=1),
        nn.Flatten(),
        nn.BatchNorm1d(16, dtype=dtype),
        nn.Dropout(0.1, rng=2),
        nn.Residual(nn.LayerNorm(16, dtype=dtype)),
        nn.Linear(16, 2, dtype=dtype, rng=3),
    )


def bars(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of one bar, upright or lying, somewhere, with some noise."""
    rng = np.random.default_rng(0)
    images, labels = 0.2 * rng.normal(size=(count, 1, 8, 8)), rng.integers(0, 2, count)
    for image, upright, place in zip(images, labels, rng.integers(0, 8, count), strict=True):
        image[0][(slice(None), place) if upright else place] += 1.0
    return images, labels


def test_a_conv_net_learns_to_tell_upright_bars_from_lying_ones() -> None:
    X, y = bars(64)
    model = conv_net()
    nn.fit(
        model,
        X,
        y,
        loss=nn.cross_entropy,
        optimizer=nn.Adam(model.parameters(), lr=0.01),
        epochs=15,
        batch_size=16,
        progress=False,
        rng=0,
    )
    assert (nn.predict(model, X).argmax(axis=1) == y).mean() > 0.95
    assert {leaf.dtype for _, leaf in model.named_numbers()} == {np.dtype(np.float32)}


def test_nothing_of_a_conv_net_is_alive_after_its_loss_with_the_collector_off() -> None:
    X, y = bars(4)
    model = conv_net()

    def step() -> None:
        loss = nn.cross_entropy(model(Tensor(X)), y)
        loss.backward()
        model.zero_grad()
        del loss

    def failure() -> None:
        with pytest.raises(tg.ShapeError):
            model(X[:, :, :5])

    gc.collect()
    gc.disable()
    try:
        assert not left_behind(step)
        assert not left_behind(failure)
    finally:
        gc.enable()


@pytest.mark.parametrize("at_once", [1, 60, 200])
def test_convolution_in_portions_is_convolution(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    x, w = Tensor(rng.normal(size=(5, 2, 6, 5))), Tensor(rng.normal(size=(3, 2, 3, 2)))
    grad = rng.normal(size=(5, 3, 3, 5))

    def gradients() -> list[np.ndarray]:
        y = tg.apply(window_rules.conv2d, x, w, stride=(2, 1), padding=(1, 1))
        x.grad = w.grad = None
        y[..., :5].backward(grad)
        return [y.data, x.grad, w.grad]

    whole = gradients()
    monkeypatch.setattr(windows, "AT_ONCE", at_once)
    for found, expected in zip(gradients(), whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
