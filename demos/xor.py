"""XOR: four points that no line can divide, learned by a network of Values one can look into."""

from pathlib import Path

from demos.common import arguments, save
from twingrad import nn, viz


def train(seed: int) -> tuple[nn.MLP, nn.History]:
    """A network of four hidden neurons, trained on all four points at once."""
    X, y = nn.data.xor()
    model = nn.MLP(2, [4, 1], rng=seed)
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    history = nn.fit(
        model, X, y, loss=nn.mse_loss, optimizer=optimizer, epochs=300, metrics="accuracy", rng=seed
    )
    return model, history


def run(seed: int, out: Path) -> None:
    """Train once to look at, and four times more to see that it was not luck."""
    X, y = nn.data.xor()
    model, history = train(seed)
    for (first, second), target in zip(X, y, strict=True):
        said = round(float(model([first, second])), 4) + 0.0  # no "-0.0000"
        print(f"  {first:g} xor {second:g} = {target:g}   the network says {said:7.4f}")
    save(viz.plot_decision_boundary(model, X, y), out / "xor_boundary.png")

    results = {seed: history} | {s: train(s)[1] for s in range(seed + 1, seed + 5)}
    for s, result in results.items():
        right = round(4 * result["accuracy"][-1])
        print(f"  seed {s}: {right} of 4 right, mean squared error {result.loss[-1]:.1e}")


if __name__ == "__main__":
    options = arguments(__doc__)
    run(options.seed, options.out)
