"""The two moons: micrograd's task, a scalar network bending a line around a hundred points."""

from pathlib import Path

import numpy as np

from demos.common import Trained, arguments, save
from twingrad import nn, viz


def train(seed: int, epochs: int = 400) -> Trained:
    """Two hidden layers of sixteen tanh neurons, full batch, SGD with momentum."""
    X, y = nn.data.moons(100, noise=0.1, rng=seed)
    model = nn.MLP(2, [16, 16, 1], activation="tanh", rng=seed)
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    monitor = nn.Monitor(model, optimizer)
    history = nn.fit(
        model,
        X,
        y,
        loss=nn.mse_loss,
        optimizer=optimizer,
        epochs=epochs,
        metrics="accuracy",
        callbacks=[StopBelow(0.008), monitor],
        rng=seed,
    )
    return Trained(model, optimizer, monitor, history, (X, y))


class StopBelow(nn.Callback):
    """End the run once the loss is small enough, but not before a hundred epochs."""

    def __init__(self, loss: float) -> None:
        self.loss = loss

    def on_epoch(self, training: nn.Training) -> None:
        """Look at the last loss."""
        training.stop = training.epoch >= 100 and training.history.loss[-1] < self.loss


def run(seed: int, out: Path) -> None:
    """Train, draw the loss and the boundary, and write the report."""
    model, optimizer, monitor, history, (X, y), _ = train(seed)
    first = next((i + 1 for i, loss in enumerate(history.loss) if loss < 0.01), None)
    print(f"  {len(model.parameters())} parameters, {len(history)} epochs")
    reached = f"below 0.01 after {first} epochs" if first else "not yet below 0.01"
    print(f"  mean squared error {history.loss[-1]:.4f}, {reached}")
    window = 25
    mean = np.convolve(history.loss, np.ones(window) / window, "valid")
    rises = np.count_nonzero(np.diff(mean) > 0.0)
    said = "fell at every epoch" if not rises else f"rose at {rises} epochs of {len(mean) - 1}"
    print(f"  its running mean over {window} epochs {said}")
    print(f"  accuracy {history['accuracy'][-1]:.0%} on its training data")
    save(viz.plot_history(history), out / "moons_loss.png")
    save(viz.plot_decision_boundary(model, X, y), out / "moons_boundary.png")
    page = viz.report(
        model,
        history,
        X,
        y,
        loss=nn.mse_loss,
        optimizer=optimizer,
        monitor=monitor,
        seed=seed,
        title="Two moons",
        path=out / "moons_report.html",
    )
    print(f"  wrote {page}, the report of this run; open it in a browser")


if __name__ == "__main__":
    options = arguments(__doc__)
    run(options.seed, options.out)
