"""Models and their training: on Values to see through, on Tensors to go far."""

from typing import TYPE_CHECKING, Any

from . import data, init, schedule
from .activations import GELU, LeakyReLU, ReLU, Sigmoid, Softmax, Softplus, Tanh
from .callbacks import Callback, Checkpoint, EarlyStopping
from .checkpoint import CheckpointRecord, load, save
from .clip import clip_grad_norm, clip_grad_value
from .containers import Residual, Sequential
from .convolution import AvgPool2d, Conv2d, MaxPool2d
from .history import History
from .layers import Dropout, Flatten, Linear
from .loop import Training
from .losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    huber_loss,
    l1_loss,
    mse_loss,
    nll_loss,
)
from .lr_range import LearningRateCurve, lr_range_test
from .module import Module
from .monitor import Monitor
from .neuron import MLP, Layer, Neuron
from .normalization import BatchNorm1d, LayerNorm
from .optim import SGD, Adam, AdamW, Lion, Optimizer, RMSprop
from .predict import predict
from .progress import ProgressLine
from .schedule import (
    CosineAnnealing,
    CyclicLR,
    ExponentialLR,
    OneCycle,
    Schedule,
    StepLR,
    WarmupCosine,
)
from .storage import CheckpointError
from .stretches import elementwise
from .summary import summary
from .train import fit

__all__ = [
    "LearningRateCurve",
    "lr_range_test",
    "summary",
    "CheckpointError",
    "CheckpointRecord",
    "Checkpoint",
    "EarlyStopping",
    "load",
    "save",
    "Residual",
    "MaxPool2d",
    "LayerNorm",
    "Flatten",
    "Dropout",
    "Conv2d",
    "BatchNorm1d",
    "AvgPool2d",
    "CosineAnnealing",
    "CyclicLR",
    "ExponentialLR",
    "GELU",
    "MLP",
    "SGD",
    "Adam",
    "AdamW",
    "Callback",
    "Diagnosis",
    "Doctor",
    "Finding",
    "History",
    "Layer",
    "LeakyReLU",
    "Linear",
    "Lion",
    "Module",
    "Monitor",
    "Neuron",
    "OneCycle",
    "Optimizer",
    "ProgressLine",
    "RMSprop",
    "ReLU",
    "Schedule",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "StepLR",
    "Tanh",
    "Training",
    "WarmupCosine",
    "binary_cross_entropy_with_logits",
    "clip_grad_norm",
    "clip_grad_value",
    "cross_entropy",
    "data",
    "diagnose",
    "elementwise",
    "fit",
    "hinge_loss",
    "huber_loss",
    "init",
    "l1_loss",
    "mse_loss",
    "nll_loss",
    "predict",
    "schedule",
]

if TYPE_CHECKING:
    from .diagnosis import Diagnosis, Doctor, Finding, diagnose
else:

    def __getattr__(name: str) -> Any:
        """The doctor, who is loaded when he is first asked for: most programs are well."""
        if name in ("Diagnosis", "Doctor", "Finding", "diagnose"):
            from . import diagnosis

            return getattr(diagnosis, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
