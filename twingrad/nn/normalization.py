"""BatchNorm1d and LayerNorm: numbers brought to mean 0 and variance 1, then scaled by what is
learned. One does it over the batch, the other within each sample.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import ShapeError, Tensor, apply
from ..engine.layer_rules import standardize
from .layers import as_input, precision_of
from .module import Module
from .settings import above_zero, share, whole


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
        whole("num_features", num_features, 1)
        self.eps = above_zero("eps", eps)
        self.momentum = share("momentum", momentum)
        self.weight = Tensor(np.ones(num_features), dtype=dtype) if affine else None
        self.bias = Tensor(np.zeros(num_features), dtype=dtype) if affine else None
        self.running_mean = Tensor(np.zeros(num_features), dtype=dtype)
        self.running_var = Tensor(np.ones(num_features), dtype=dtype)
        self.running_mean.constant = self.running_var.constant = True

    def forward(self, x: Any) -> Any:
        """The batch, normalised."""
        x = as_input(x, self.running_mean.dtype)
        shape, (features,) = x.shape, self.running_mean.shape
        if len(shape) != 2 or shape[1] != features:
            raise ShapeError(f"{self!r}: expected (batch, {features}), got {shape}")
        if not self.training:
            with np.errstate(all="ignore"):  # as in the engine, IEEE has an answer
                spread = np.sqrt(self.running_var._data + self.eps)
                return _scaled((x - self.running_mean._data) / spread, self)
        if len(x) < self.least_batch:
            raise ShapeError(
                f"{self!r}: expected (batch, {features}) with a batch of two or more while "
                f"training, got {shape}; a single sample has no spread. Take another batch size, "
                "or call model.eval() to use the running statistics"
            )
        with np.errstate(all="ignore"):
            self._move_running(x._data if isinstance(x, Tensor) else x)
        return _scaled(apply(standardize, x, axis=0, eps=self.eps), self)

    def _move_running(self, batch: npt.NDArray[Any]) -> None:
        for running, now in (
            (self.running_mean._data, batch.mean(axis=0)),
            (self.running_var._data, batch.var(axis=0, ddof=1)),
        ):
            running += self.momentum * (now - running)

    def __repr__(self) -> str:
        shown = [str(self.running_mean.shape[0])]
        shown += [f"eps={self.eps}"] * (self.eps != 1e-5)
        shown += [f"momentum={self.momentum}"] * (self.momentum != 0.1)
        shown += ["affine=False"] * (self.weight is None)
        return f"BatchNorm1d({', '.join(shown)}{precision_of(self.running_mean)})"


class LayerNorm(Module):
    """(x - mean)/√(var + eps) · weight + bias, over the last axes of each sample; shape kept.

    `normalized_shape` is the length of the last axis, or the lengths of several. Training and
    evaluation do the same. Ba, Kiros & Hinton 2016, arXiv:1607.06450, equation 4, with eps as in
    PyTorch.

    Raises `ShapeError` for an input with other last axes.
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        several = isinstance(normalized_shape, tuple | list) and len(normalized_shape)
        given: Any = normalized_shape if several else (normalized_shape,)
        lengths = self.normalized_shape = tuple(whole("normalized_shape", n, 1) for n in given)
        self.eps = above_zero("eps", eps)
        self.weight = Tensor(np.ones(lengths), dtype=dtype) if elementwise_affine else None
        self.bias = Tensor(np.zeros(lengths), dtype=dtype) if elementwise_affine else None

    def forward(self, x: Any) -> Any:
        """Each sample, normalised."""
        x = as_input(x, None if self.weight is None else self.weight.dtype)
        shape, own = x.shape, self.normalized_shape
        if shape[-len(own) :] != own:
            lengths = ", ".join(map(str, own))
            raise ShapeError(f"{self!r}: expected (..., {lengths}), got {shape}")
        axes = tuple(range(-len(own), 0))
        return _scaled(apply(standardize, x, axis=axes, eps=self.eps), self)

    def __repr__(self) -> str:
        own = self.normalized_shape
        shown = [str(own[0] if len(own) == 1 else own)]
        shown += [f"eps={self.eps}"] * (self.eps != 1e-5)
        shown += ["elementwise_affine=False"] * (self.weight is None)
        return f"LayerNorm({', '.join(shown)}{precision_of(self.weight)})"


def _scaled(x: Any, module: Any) -> Any:
    return x if module.weight is None else x * module.weight + module.bias
