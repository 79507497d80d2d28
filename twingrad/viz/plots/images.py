"""Pictures made of small images: the samples a classifier got wrong, and the weights of a layer.

A share of right labels hides which ones are wrong, and why; beside each other, as images, the
mistakes and what a layer looks for are seen at once.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import Node, ShapeError
from ...nn import Module
from ...nn.settings import whole
from .canvas import AS_CELLS, as_written, axes, signed, whole_numbers
from .confusion import class_indices
from .tiles import Shape, captioned, image_shape, tiles

Array = npt.NDArray[Any]


def plot_misclassified(
    X: Any,
    targets: Any,
    predictions: Any,
    *,
    count: int = 10,
    confidence: Any = None,
    shape: Shape = None,
    names: Sequence[str] | None = None,
    ax: Any = None,
) -> Any:
    """The first `count` samples that were taken for another class, as grey images, five a row.

    X: (samples, pixels), (samples, height, width) or (samples, 1, height, width); `shape` is the
    (height, width) of flat samples that are not square. Targets and predictions are class
    indices, (samples,). `confidence` holds probabilities, (samples,) or (samples, classes): with
    it the most confident mistakes come first, and each says how sure the model was. Returns the
    Axes.
    """
    truth, said = class_indices(targets, predictions)
    images = _as_images(X, shape)
    if len(images) != len(truth):
        raise ShapeError(f"X has {len(images)} samples, but {len(truth)} targets came")
    classes = max(truth.max(initial=-1), said.max(initial=-1)) + 1
    words = [as_written(name) for name in (range(classes) if names is None else names)]
    if len(words) < classes:
        raise ValueError(f"there are {classes} classes, but {len(words)} names came")
    sure = None if confidence is None else _checked_confidence(confidence, said)
    wrong = np.flatnonzero(truth != said)
    order = wrong if sure is None else wrong[np.argsort(-sure[wrong], kind="stable")]
    shown = order[: whole("count", count, 1)]
    if not np.isfinite(images[shown]).all():
        raise ValueError("X holds NaN or infinite pixels; replace them first")
    which = "The"
    if len(shown) < len(wrong):
        which = f"{len(shown):,} of the" if sure is None else f"The {len(shown):,} surest of the"
    title = f"{which} {len(wrong):,} misclassified, of {len(truth):,}"
    if not len(shown):
        ax = axes(ax, (6.4, 1.5))
        middle = {"xycoords": "axes fraction", "ha": "center", "va": "center"}
        ax.annotate("all are right", (0.5, 0.5), **middle)
        ax.set_axis_off()
        ax.set_title(f"None misclassified, of {len(truth):,}")
        return ax
    captions = [[f"true {words[truth[i]]}", f"said {words[said[i]]}"] for i in shown]
    if max(len(line) for lines in captions for line in lines) <= len("true 10"):
        captions = [[", ".join(lines)] for lines in captions]
    if sure is not None:
        for i, lines in zip(shown, captions, strict=True):
            lines.append(f"{sure[i]:.1%} sure")
    ax = captioned(images[shown], captions, ax)
    ax.set_title(title)
    return ax


def plot_weights(
    layer_or_array: Any,
    *,
    shape: Shape = None,
    count: int = 64,
    columns: int | None = None,
    ax: Any = None,
) -> Any:
    """The weights of a layer as small images, blue below zero and yellow above, on one scale.

    Takes a layer with a `weight`, a Tensor or an array. Of shape (in_features, out_features), as
    a Linear's, it gives one image for each of the first `count` units, over inputs of `shape`
    (height, width); where that is neither told nor a square of 16 or more, the whole is one heat
    map. Of shape (out, in, height, width), as a convolution's, it gives one image for each
    kernel: its input channels side by side, or if they are more than four the first of them.
    `columns` is how many units stand in a row. The strongest 0.5% of the weights may be off the
    scale, which its pointed ends say. Returns the Axes.
    """
    weight, name = _weight(layer_or_array)
    count = whole("count", count, 1)
    columns = None if columns is None else whole("columns", columns, 1)
    group = 1
    if weight.ndim == 4:
        kernels, channels, *own = weight.shape
        if shape is not None and np.atleast_1d(shape).tolist() != own:
            raise ShapeError(f"these kernels are of shape {tuple(own)}, not {shape!r}")
        group = channels if channels <= 4 else 1
        images = weight[:count, :group].reshape(-1, *own)
        said = _of(min(count, kernels), kernels, "kernel")
        if channels > 1:
            said += f", each over {'the first of ' * (group == 1)}its {channels} input channels"
    elif weight.ndim == 2:
        pixels, units = weight.shape
        # Four features, as irises have, are a square number and no picture.
        found = image_shape(shape, pixels) if shape is not None or pixels >= 16 else None
        if found is None:
            return _heat_map(weight, name, ax)
        images = weight[:, :count].T.reshape(-1, *found)
        said = _of(len(images), units, "unit") + f", each over its {found[0]}×{found[1]} inputs"
    else:
        raise ShapeError(
            "weights to draw are of shape (in_features, out_features) or (out, in, height, "
            f"width), not {weight.shape}"
        )
    shown = len(images) // group
    if columns is None:
        side = math.ceil(math.sqrt(shown / group))
        # The fullest of the grids that are about as wide as they are high.
        columns = min(range(side, 2 * side), key=lambda wide: -shown % wide)
    drawn = axes(ax)
    tiles(drawn, images, columns, group, **_centred(images))
    if ax is None:
        wide, tall = drawn.get_xlim()[1], drawn.get_ylim()[0]
        inches = min(1.5, 5.9 / wide, 8.0 / tall)
        drawn.figure.set_size_inches(max(4.5, inches * wide + 1.1), inches * tall + 0.65)
    return _finished(drawn, f"{name}:\n{said}", images)


def _heat_map(weight: Array, name: str, ax: Any) -> Any:
    ax = axes(ax, (6.4, 4.4))
    ax.imshow(weight, **AS_CELLS, aspect="auto", **_centred(weight))
    ax.grid(False)
    ax.set(xlabel="unit", ylabel="input")
    whole_numbers(ax.xaxis)
    whole_numbers(ax.yaxis)
    return _finished(ax, name, weight)


def _centred(numbers: Array) -> dict[str, Any]:
    """Colours for numbers of either sign: grey at zero, on a scale that few of them exceed."""
    sizes = np.abs(numbers)
    bound = float(np.quantile(sizes, 0.995, method="higher") or sizes.max()) or 1.0
    return {"cmap": signed(), "vmin": -bound, "vmax": bound}


def _finished(ax: Any, title: str, numbers: Array) -> Any:
    image = ax.get_images()[-1]
    extend = "both" if np.abs(numbers).max() > image.norm.vmax else "neither"
    size = {"fraction": 0.046, "pad": 0.03, "aspect": 30, "extendfrac": 0.02}
    ax.figure.colorbar(image, ax=ax, label="weight", extend=extend, **size)
    ax.set_title(title)
    return ax


def _of(shown: int, total: int, what: str) -> str:
    return f"{shown} of {total} {what}s" if shown < total else f"{total} {what}{'s' * (total > 1)}"


def _weight(given: Any) -> tuple[Array, str]:
    """The weights as an array, and how a title calls them."""
    weight = getattr(given, "weight", None) if isinstance(given, Module) else given
    numbers = np.asarray(weight.data if isinstance(weight, Node) else weight)
    if numbers.dtype.kind not in "iuf":
        raise TypeError(
            "plot_weights() takes a layer that has a weight, such as model[0] of a Sequential, or "
            f"an array of numbers, not {given!r}"
        )
    name = (
        f"Weights of {as_written(repr(given))}"
        if isinstance(given, Module)
        else f"Weights of shape {numbers.shape}"
    )
    if not numbers.size or not np.isfinite(numbers).all():
        raise ValueError(f"{name}: there are none, or NaN or infinite ones, which have no colour")
    return numbers, name


def _as_images(X: Any, shape: Shape) -> Array:
    samples = np.asarray(X)
    if samples.dtype.kind not in "biuf":
        raise TypeError(f"X must hold numbers, but its dtype is {samples.dtype}")
    if samples.ndim == 2:
        found = image_shape(shape, samples.shape[1])
        if found is None:
            raise ShapeError(
                f"{samples.shape[1]} pixels are no square image; tell shape=(height, width)"
            )
        return samples.reshape(-1, *found)
    own = samples.shape[-2:]
    if samples.ndim not in (3, 4) or (samples.ndim == 4 and samples.shape[1] != 1):
        raise ShapeError(
            "X is (samples, pixels), (samples, height, width) or (samples, 1, height, width), "
            f"not {samples.shape}; of colour images take X.mean(axis=1)"
        )
    if shape is not None and np.atleast_1d(shape).tolist() != list(own):
        raise ShapeError(f"the images in X are of shape {own}, not {shape!r}; leave shape out")
    return samples.reshape(-1, *own)


def _checked_confidence(confidence: Any, said: Array) -> Array:
    """The probability that was given to what was said."""
    sure = np.asarray(confidence)
    if sure.ndim == 2 and len(sure) == len(said) and sure.shape[1] > said.max(initial=0):
        sure = sure[np.arange(len(said)), said]
    if sure.shape != said.shape:
        raise ShapeError(
            f"confidence is (samples,) or (samples, classes), but for {len(said)} predictions up "
            f"to class {said.max(initial=0)} its shape is {sure.shape}"
        )
    # A softmax in float32 may exceed 1 by rounding.
    if not ((sure >= 0.0) & (sure <= 1.0 + 1e-5)).all():
        raise ValueError(
            f"confidence holds probabilities, from 0 to 1, but {sure.min():.4g} to "
            f"{sure.max():.4g} came; of logits take tg.softmax(logits, axis=1)"
        )
    return sure
