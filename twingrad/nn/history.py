"""History: what a training run looked like, epoch by epoch."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class History:
    """One entry an epoch in every list; `val_loss` and `val_…` metrics only with validation.

    `loss` is the mean of the batches' losses while training, weighed by their sizes; `seconds`
    is the time the epoch took; `learning_rate` is that of its last step.
    `interrupted` says that Ctrl-C ended the run. `rng` holds the state of the generator that
    shuffles, at the "start" of the run and "now", for a checkpoint to continue from.
    """

    loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    interrupted: bool = False
    rng: dict[str, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.loss)

    def __getitem__(self, name: str) -> list[float]:
        """A curve by its name: "loss", "val_loss", "accuracy", "val_accuracy" …"""
        curves = self.curves()
        if name not in curves:
            raise KeyError(f"no curve {name!r}; this history has {', '.join(curves)}")
        return curves[name]

    def curves(self) -> dict[str, list[float]]:
        """Every curve that was recorded, by name."""
        curves = {"loss": self.loss, "val_loss": self.val_loss, **self.metrics}
        curves |= {"learning_rate": self.learning_rate, "seconds": self.seconds}
        return {name: curve for name, curve in curves.items() if curve}

    def __repr__(self) -> str:
        last = "".join(
            f", {name} {curve[-1]:.4g}"
            for name, curve in self.curves().items()
            if name not in ("learning_rate", "seconds")
        )
        return f"<History of {len(self)} epochs{last}>"
