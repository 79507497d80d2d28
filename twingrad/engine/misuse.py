"""The warnings of twingrad: what is legal, and hardly ever meant.

Each mistake has a class of its own, so that one can be silenced, or made an error, without the
others: `warnings.filterwarnings("ignore", category=tg.UnreachedParameterWarning)`.
"""

import warnings

from .caller import levels_to_the_user


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


def warn(message: str, category: type[MisuseWarning]) -> None:
    """Warn at the user's own line."""
    warnings.warn(message, category, stacklevel=levels_to_the_user())
