"""The warnings of twingrad: what is legal, and hardly ever meant.

Each mistake has a class of its own, so that one can be silenced, or made an error, without the
others: `warnings.filterwarnings("ignore", category=tg.UnreachedParameterWarning)`.
"""

import sys
import warnings
from types import FrameType

_NOT_THE_USERS = __name__.partition(".")[0] + ".", "numpy."


class MisuseWarning(UserWarning):
    """What all of these are."""


class ForgottenZeroGradWarning(MisuseWarning):
    """A step took a gradient that backward() had added to one that was used up already."""


class UnreachedParameterWarning(MisuseWarning):
    """An optimizer holds parameters that get no gradient."""


class ReplacedParameterWarning(MisuseWarning):
    """A model has a new parameter in the place of one that the optimizer still holds."""


class EvalModeWarning(MisuseWarning):
    """A model learned while its layers were in evaluation mode."""


class DataScaleWarning(MisuseWarning):
    """Data on another scale than a network can learn from, or than the model has learned from."""


class PrecisionWarning(MisuseWarning):
    """Numbers that differ in the data, and no longer do in the model's precision."""


class LogitsWarning(MisuseWarning):
    """Probabilities were given to a loss that takes logits."""


class TargetsWarning(MisuseWarning):
    """Targets that the outputs cannot reach, or that were paired with them by broadcasting."""


def user_frame() -> FrameType:
    """The innermost frame that is neither this package's nor NumPy's."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame):
        frame = frame.f_back
    return frame


def user_line() -> str:
    """Where the user's program stands, as `file:line`."""
    frame = user_frame()
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def warn(message: str, category: type[MisuseWarning]) -> None:
    """Warn at the user's own line."""
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and _is_ours(frame):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_ours(frame: FrameType) -> bool:
    name: str = frame.f_globals.get("__name__") or ""
    return name.startswith(_NOT_THE_USERS)
