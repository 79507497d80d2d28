"""A decision boundary as it bends: frames kept while a model trains, and the GIF made of them.

What is kept of a model is what it says on a grid, which is all that a picture needs, and not a
copy of the model.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...nn import Callback, Training
from ...nn.optional import optional
from ...nn.settings import above_zero, at_least_zero, whole
from ..files import write_at_once
from .boundary import LEGEND, Plane

Array = npt.NDArray[Any]

_COLORS = 96  # of a GIF: shades, marks, and the greys at the edges of letters


class Frame(NamedTuple):
    """What a model said at one moment, on the grid and of the samples."""

    title: str
    everywhere: Array
    at_points: Array


class BoundaryFrames(Callback):
    """Keeps what a model of two features says around X, every few epochs of `fit`.

    The first frame is of the model before it learns, the last of it as training left it. In a
    loop of one's own, `frames.add(model, "epoch 5")` keeps one. Beyond `most` frames every second
    one is dropped, and half as many are kept from then on, so that a run may be of any length.
    X, y and the other options are as in `plot_decision_boundary`; a diverged model leaves blank
    what it says nothing about.

    >>> from twingrad import nn, viz
    >>> X, y = nn.data.xor()
    >>> frames = viz.BoundaryFrames(X, y, every=10)
    >>> model = nn.MLP(2, [4, 1], rng=2)
    >>> sgd = nn.SGD(model.parameters(), lr=0.5, momentum=0.9)
    >>> history = nn.fit(model, X, y, loss=nn.mse_loss, optimizer=sgd, epochs=35, progress=False,
    ...                  callbacks=[frames])
    >>> [frame.title for frame in frames]
    ['before training', 'epoch 10', 'epoch 20', 'epoch 30', 'the end, after epoch 35']
    >>> viz.animate_decision_boundary(frames, "xor.gif").name
    'xor.gif'
    """

    def __init__(
        self,
        X: Any,
        y: Any,
        *,
        every: int = 1,
        most: int = 60,
        cut: float | None = None,
        resolution: int = 100,
        margin: float = 0.5,
        features: Sequence[str] | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        self.plane = Plane(X, y, cut, resolution, margin, features, names)
        self.every, self.most = whole("every", every, 1), whole("most", most, 2)
        self._frames: list[Frame] = []
        self._passing: Frame | None = None  # the last that came, where it is not its turn to stay
        self._came, self._stride = 0, 1  # one frame in so many stays

    def add(self, model: Any, title: str) -> None:
        """Keep what a model says now, under a title such as "epoch 5"."""
        self._take(Frame(str(title), *self._asked(model)))

    def _asked(self, model: Any) -> tuple[Array, Array]:
        everywhere, at_points = self.plane.outputs(model)
        self.plane.check(at_points)
        with np.errstate(over="ignore"):
            return everywhere.astype(np.float32), at_points

    def _take(self, frame: Frame) -> None:
        stays = self._came % self._stride == 0
        self._came += 1
        self._passing = None if stays else frame
        if stays:
            self._frames.append(frame)
        if len(self) > self.most:
            self._frames = self._frames[::2]
            self._stride *= 2
            self._passing = frame if self._frames[-1] is not frame else None

    def on_start(self, training: Training) -> None:
        """Keep the model as it is before the first step."""
        epoch = len(training.history)
        self.add(training.model, f"epoch {epoch}" if epoch else "before training")

    def on_epoch(self, training: Training) -> None:
        """Keep an epoch where it is its turn."""
        if training.epoch % self.every == 0:
            if self._came % self._stride:
                self._came += 1  # what will not stay need not be computed: the end comes in on_end
            else:
                self.add(training.model, f"epoch {training.epoch}")

    def on_end(self, training: Training) -> None:
        """Keep what training ended with, where that was not the last frame already."""
        asked = self._asked(training.model)
        if not np.array_equal(asked[1], list(self)[-1].at_points, equal_nan=True):
            self._take(Frame(f"the end, after epoch {len(training.history)}", *asked))

    def __len__(self) -> int:
        return len(self._frames) + (self._passing is not None)

    def __iter__(self) -> Iterator[Frame]:
        yield from self._frames
        if self._passing is not None:
            yield self._passing

    def __repr__(self) -> str:
        return f"<BoundaryFrames: {len(self)} of {len(self.plane.labels):,} samples>"


def animate_decision_boundary(
    frames: BoundaryFrames,
    path: str | Path,
    *,
    fps: float = 8.0,
    hold: float = 2.0,
    size: tuple[float, float] = (5.6, 4.6),
) -> Path:
    """Write a GIF of the decision boundary as training moved it; returns its path.

    `frames` are kept by a `BoundaryFrames`, `fps` of them are shown in a second, and the last one
    for `hold` seconds more; it then begins again. `size` is in inches, of 100 pixels. The file is
    written whole or not at all.

    Raises `ValueError` for no frames and for another suffix than .gif, `FileNotFoundError` when
    the folder is missing.
    """
    path = Path(path)
    if not isinstance(frames, BoundaryFrames):
        raise TypeError(
            f"animate_decision_boundary() takes the frames that a viz.BoundaryFrames kept, not "
            f"{type(frames).__name__}; give it to fit as callbacks=[frames]"
        )
    if not len(frames):
        raise ValueError(
            "there are no frames yet; give them to fit as callbacks=[frames], or call "
            "frames.add(model, title) in a loop of your own"
        )
    if path.suffix.lower() != ".gif":
        raise ValueError(f"an animation is saved as .gif, but {str(path)!r} is not")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"there is no folder {str(path.parent)!r} to save {path.name!r} in; create it first"
        )
    each = 1000.0 / above_zero("fps", fps)
    durations = [round(each)] * len(frames)
    durations[-1] += round(1000.0 * at_least_zero("hold", hold))
    images = _images(frames, size)
    content = BytesIO()
    # Pillow shows for the sum of their times what is the same twice.
    images[0].save(
        content, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0
    )
    write_at_once(path, content.getvalue())
    return path


def _images(frames: BoundaryFrames, size: tuple[float, float]) -> list[Any]:
    """Each frame as an image, all in the colours of the last, so that nothing flickers."""
    pillow = optional("PIL.Image")
    figure = optional("matplotlib.figure").Figure(figsize=size, dpi=100, layout="constrained")
    canvas = optional("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    painted = []
    for frame in frames:
        figure.clear()
        ax = figure.subplots()
        right = frames.plane.draw(ax, frame.everywhere, frame.at_points)
        ax.legend(loc="upper right", **LEGEND)  # in one place, whatever lies below it
        ax.set_title(f"{frame.title}: {right:,} of {len(frames.plane.labels):,} right")
        canvas.draw()
        painted.append(pillow.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy()))
    palette = painted[-1].quantize(_COLORS, dither=pillow.Dither.NONE)
    return [image.quantize(palette=palette, dither=pillow.Dither.NONE) for image in painted]
