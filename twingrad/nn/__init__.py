"""Models and their training: on Values to see through, on Tensors to go far."""

from . import data, init
from .history import History
from .layers import GELU, LeakyReLU, Linear, ReLU, Sequential, Sigmoid, Softmax, Softplus, Tanh
from .losses import binary_cross_entropy_with_logits, cross_entropy, hinge_loss, mse_loss
from .module import Module
from .neuron import MLP, Layer, Neuron
from .optim import SGD, Adam, Optimizer
from .predict import predict
from .progress import Callback, ProgressLine
from .train import Training, fit

__all__ = [
    "GELU",
    "MLP",
    "SGD",
    "Adam",
    "Callback",
    "History",
    "Layer",
    "LeakyReLU",
    "Linear",
    "Module",
    "Neuron",
    "Optimizer",
    "ProgressLine",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "Training",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "data",
    "fit",
    "hinge_loss",
    "init",
    "mse_loss",
    "predict",
]
