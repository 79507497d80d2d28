"""The engine: the graph and its calculus. It needs NumPy, and nothing else of twingrad.

To read it, take `functions` (the vocabulary), `rules` (every derivative), `sweep` (the chain
rule), `node`, `value` and `tensor`, in that order; `transforms` and `check` stand on them.
"""

from typing import TYPE_CHECKING, Any

from .anomaly import detect_anomaly
from .check import GradcheckReport, gradcheck
from .checking.own_rule import OperationReport, check_op
from .collector import collector_paused
from .errors import AnomalyError, GraphError, ShapeError, StaleGraphError
from .misuse import (
    DataScaleWarning,
    EvalModeWarning,
    ForgottenZeroGradWarning,
    LogitsWarning,
    MisuseWarning,
    PrecisionWarning,
    ReplacedParameterWarning,
    TargetsWarning,
    UnreachedParameterWarning,
)
from .node import Node
from .operations import (
    FUNCTIONS_OF_METHODS,
    apply,
    concatenate,
    dot,
    logsumexp,
    softmax,
    stack,
    sum,
    where,
    zero_grad,
)
from .recording import Recording, record
from .rules import selective
from .sweep import no_grad
from .tensor import Tensor
from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .value import Value

# Every operation that a node has as a method is a function too: tg.tanh(x), tg.maximum(x, y) …
globals().update(FUNCTIONS_OF_METHODS)

__all__ = [
    "AnomalyError",
    "DataScaleWarning",
    "EvalModeWarning",
    "ForgottenZeroGradWarning",
    "GradcheckReport",
    "GraphError",
    "LogitsWarning",
    "MisuseWarning",
    "Node",
    "OperationReport",
    "PrecisionWarning",
    "Recording",
    "ReplacedParameterWarning",
    "ShapeError",
    "StaleGraphError",
    "TargetsWarning",
    "Tensor",
    "UnreachedParameterWarning",
    "Value",
    "apply",
    "check_op",
    "collector_paused",
    "concatenate",
    "detect_anomaly",
    "dot",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "logsumexp",
    "no_grad",
    "record",
    "selective",
    "softmax",
    "stack",
    "sum",
    "value_and_grad",
    "vjp",
    "where",
    "zero_grad",
    *FUNCTIONS_OF_METHODS,
]

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
