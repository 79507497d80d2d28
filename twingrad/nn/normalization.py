"""BatchNorm1d and LayerNorm: numbers brought to mean 0 and variance 1, then scaled by what is
learned. One does it over the batch, the other within each sample.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import ShapeError, Tensor, apply
from ..engine.arrays import as_array
from ..engine.layer_rules import standardize
from .layers import shape_of
from .module import Module
from .neuron import check_width


class BatchNorm1d(Module):
    """(x - mean)/√(var + eps) · weight + bias, over the batch: (batch, features), shape kept.

    While training, mean and var (divided by the batch's size) are the batch's, and `running_mean`
    and `running_var` (divided by one less) move towards them by a share of `momentum`; in
    evaluation those are used. Ioffe & Szegedy 2015, arXiv:1502.03167, Algorithms 1 and 2, with
    running means as in PyTorch.

    Raises `ShapeError` for an input of another width, and for a batch of one while training:
    a single sample has no spread.
    """

    least_batch = 2

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        check_width("num_features", num_features)
        self.eps = _above_zero("eps", eps)
        if not 0.0 <= momentum <= 1.0:
            raise ValueError(f"momentum is a share, from 0 to 1, not {momentum!r}")
        self.momentum = momentum
        self.weight = Tensor(np.ones(num_features), dtype=dtype) if affine else None
        self.bias = Tensor(np.zeros(num_features), dtype=dtype) if affine else None
        self.running_mean = Tensor(np.zeros(num_features), dtype=dtype)
        self.running_var = Tensor(np.ones(num_features), dtype=dtype)
        self.running_mean.constant = self.running_var.constant = True

    def forward(self, x: Any) -> Any:
        """The batch, normalised."""
        shape, (features,) = shape_of(x), self.running_mean.shape
        if len(shape) != 2 or shape[1] != features:
            raise ShapeError(f"{self!r}: expected (batch, {features}), got {shape}")
        if not isinstance(x, Tensor):
            x = as_array(x, self.running_mean.dtype)
        if not self.training:
            spread = np.sqrt(self.running_var.data + self.eps)
            return _scaled((x - self.running_mean.data) / spread, self)
        if len(x) < self.least_batch:
            raise ShapeError(
                f"{self!r}: expected (batch, {features}) with a batch of two or more while "
                f"training, got {shape}; a single sample has no spread. Take another batch size, "
                "or call model.eval() to use the running statistics"
            )
        self._follow(getattr(x, "data", x))
        return _scaled(apply(standardize, x, axis=0, eps=self.eps), self)

    def _follow(self, batch: npt.NDArray[Any]) -> None:
        for running, now in (
            (self.running_mean.data, batch.mean(axis=0)),
            (self.running_var.data, batch.var(axis=0, ddof=1)),
        ):
            running += self.momentum * (now - running)

    def __repr__(self) -> str:
        shown = [str(self.running_mean.shape[0])]
        shown += [f"eps={self.eps:g}"] * (self.eps != 1e-5)
        shown += [f"momentum={self.momentum:g}"] * (self.momentum != 0.1)
        shown += ["affine=False"] * (self.weight is None)
        return f"BatchNorm1d({', '.join(shown)}{_precision(self.running_mean)})"


class LayerNorm(Module):
    """(x - mean)/√(var + eps) · weight + bias, over the last axes of each sample; shape kept.

    `normalized_shape` is the length of the last axis, or the lengths of several. Training and
    evaluation do the same. Ba, Kiros & Hinton 2016, arXiv:1607.06450, equation 4, with eps as in
    PyTorch.
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        whole = isinstance(normalized_shape, int | np.integer)
        lengths: Any = (normalized_shape,) if whole else tuple(normalized_shape)  # type: ignore[arg-type]
        for length in lengths or (0,):
            check_width("normalized_shape", length)
        self.normalized_shape = tuple(int(length) for length in lengths)
        self.eps = _above_zero("eps", eps)
        self.weight = Tensor(np.ones(lengths), dtype=dtype) if elementwise_affine else None
        self.bias = Tensor(np.zeros(lengths), dtype=dtype) if elementwise_affine else None

    def forward(self, x: Any) -> Any:
        """Each sample, normalised."""
        shape, own = shape_of(x), self.normalized_shape
        if shape[-len(own) :] != own:
            lengths = ", ".join(map(str, own))
            raise ShapeError(f"{self!r}: expected (..., {lengths}), got {shape}")
        if not isinstance(x, Tensor):
            x = as_array(x, None if self.weight is None else self.weight.dtype)
        axes = tuple(range(-len(own), 0))
        return _scaled(apply(standardize, x, axis=axes, eps=self.eps), self)

    def __repr__(self) -> str:
        own = self.normalized_shape
        shown = [str(own[0] if len(own) == 1 else own)]
        shown += [f"eps={self.eps:g}"] * (self.eps != 1e-5)
        shown += ["elementwise_affine=False"] * (self.weight is None)
        return f"LayerNorm({', '.join(shown)}{_precision(self.weight)})"


def _scaled(x: Any, module: Any) -> Any:
    return x if module.weight is None else x * module.weight + module.bias


def _precision(tensor: Tensor | None) -> str:
    standard = tensor is None or tensor.dtype == np.float32
    return "" if standard else f", dtype={str(tensor.dtype)!r}"  # type: ignore[union-attr]


def _above_zero(name: str, number: float) -> float:
    if not 0.0 < number < float("inf"):
        raise ValueError(f"{name} is a number above 0, not {number!r}")
    return float(number)
