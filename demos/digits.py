"""Handwritten digits: the same design on Tensors, and what a held-out fifth says of it."""

from pathlib import Path

import numpy as np

from demos.common import Trained, arguments, save
from twingrad import nn, viz


def train(seed: int, progress: bool = True) -> Trained:
    """64 pixels, 64 relu units, 10 classes; Adam on mini-batches of 32; a fifth held out."""
    X, y = nn.data.digits()
    X_train, X_test, y_train, y_test = nn.data.train_test_split(X, y, 0.2, stratify=True, rng=seed)
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(64, 64, rng=rng), nn.ReLU(), nn.Linear(64, 10, rng=rng))
    optimizer = nn.Adam(model.parameters(), lr=3e-3)
    monitor = nn.Monitor(model, optimizer)
    history = nn.fit(
        model,
        X_train,
        y_train,
        loss=nn.cross_entropy,
        optimizer=optimizer,
        epochs=30,
        batch_size=32,
        validation=(X_test, y_test),
        metrics="accuracy",
        callbacks=[monitor],
        rng=rng,
        progress=progress,
    )
    return Trained(model, optimizer, monitor, history, (X_train, y_train), (X_test, y_test))


def run(seed: int, out: Path) -> None:
    """Train once and draw; train four times more for a mean that one lucky split cannot give."""
    model, optimizer, monitor, history, (X, y), (X_test, y_test) = train(seed)
    save(viz.plot_history(history), out / "digits_loss.png")
    save(viz.plot_history(history, "accuracy"), out / "digits_accuracy.png")
    labels = nn.predict(model, X_test).argmax(axis=1)
    save(viz.plot_confusion_matrix(y_test, labels), out / "digits_confusion.png")
    page = viz.report(
        model,
        history,
        X,
        y,
        loss=nn.cross_entropy,
        optimizer=optimizer,
        validation=(X_test, y_test),
        monitor=monitor,
        seed=seed,
        title="Handwritten digits",
        path=out / "digits_report.html",
    )
    print(f"  wrote {page}, the report of this run; open it in a browser")

    scores = [history["val_accuracy"][-1]]
    scores += [
        train(s, progress=False).history["val_accuracy"][-1] for s in range(seed + 1, seed + 5)
    ]
    each = ", ".join(f"{score:.1%}" for score in scores)
    print(f"  test accuracy {np.mean(scores):.1%}, the mean of 5 seeds ({each})")


if __name__ == "__main__":
    options = arguments(__doc__)
    run(options.seed, options.out)
