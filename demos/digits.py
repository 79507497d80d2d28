"""Handwritten digits: the same design on Tensors, and what a held-out fifth says of it."""

from pathlib import Path

import numpy as np

from demos.common import arguments, save
from twingrad import nn, viz


def train(
    seed: int, progress: bool = True
) -> tuple[nn.Sequential, nn.History, tuple[np.ndarray, ...]]:
    """64 pixels, 64 relu units, 10 classes; Adam on mini-batches of 32; a fifth held out."""
    X, y = nn.data.digits()
    X_train, X_test, y_train, y_test = nn.data.train_test_split(X, y, 0.2, stratify=True, rng=seed)
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(64, 64, rng=rng), nn.ReLU(), nn.Linear(64, 10, rng=rng))
    history = nn.fit(
        model,
        X_train,
        y_train,
        loss=nn.cross_entropy,
        optimizer=nn.Adam(model.parameters(), lr=3e-3),
        epochs=30,
        batch_size=32,
        validation=(X_test, y_test),
        metrics="accuracy",
        rng=rng,
        progress=progress,
    )
    return model, history, (X_test, y_test)


def run(seed: int, out: Path) -> None:
    """Train once and draw; train four times more for a mean that one lucky split cannot give."""
    model, history, (X_test, y_test) = train(seed)
    save(viz.plot_history(history), out / "digits_loss.png")
    save(viz.plot_history(history, "accuracy"), out / "digits_accuracy.png")
    labels = nn.predict(model, X_test).argmax(axis=1)
    save(viz.plot_confusion_matrix(y_test, labels), out / "digits_confusion.png")

    scores = [history["val_accuracy"][-1]]
    scores += [train(s, progress=False)[1]["val_accuracy"][-1] for s in range(seed + 1, seed + 5)]
    each = ", ".join(f"{score:.1%}" for score in scores)
    print(f"  test accuracy {np.mean(scores):.1%}, the mean of 5 seeds ({each})")


if __name__ == "__main__":
    options = arguments(__doc__)
    run(options.seed, options.out)
