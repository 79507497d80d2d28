"""The caller: which line of the user's program stands behind what happens in here.

Errors and warnings that name a line of the library help nobody.
"""

import sys
from types import FrameType

_PACKAGE = __name__.partition(".")[0]
_NOT_THE_USERS = f"{_PACKAGE}.", "numpy."


def user_frame() -> FrameType:
    """The innermost frame that is neither this package's nor NumPy's."""
    frame = sys._getframe(1)
    while frame.f_back is not None and is_ours(frame):
        frame = frame.f_back
    return frame


def user_line() -> str:
    """Where the user's program stands, as `file:line`."""
    frame = user_frame()
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def levels_to_the_user() -> int:
    """How many frames up that is from who asks: the `stacklevel` of a warning."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and is_ours(frame):
        level, frame = level + 1, frame.f_back
    return level


def is_ours(frame: FrameType) -> bool:
    """Whether a frame is of this package, or of NumPy."""
    name: str = frame.f_globals.get("__name__") or ""
    return name.startswith(_NOT_THE_USERS) or name == _PACKAGE
