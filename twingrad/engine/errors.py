"""The errors of twingrad, each a subclass of the built-in error that a caller would catch.

Every message says what came, what was expected and what to do; a message that cannot is not done.
"""


class ShapeError(ValueError):
    """Shapes or lengths that do not fit each other."""


class GraphError(RuntimeError):
    """A graph that cannot do what was asked of it: nothing was remembered, a rule misbehaved."""


class StaleGraphError(GraphError):
    """A backward pass through a graph whose data changed after it was computed."""


class AnomalyError(ArithmeticError):
    """A NaN or an infinity where a finite number was expected.

    From `detect_anomaly` it knows the `operation`, the `phase`, "forward" or "backward", and where
    the user's program asked for the operation: `filename` and `lineno`.
    """

    operation = phase = filename = ""
    lineno = 0
