"""The chain rule on L = (a·b + c)², by twingrad and by hand, and the graph that it walked."""

from pathlib import Path

from demos.common import arguments
from twingrad import Value, viz


def run(seed: int, out: Path) -> None:
    """Compute, differentiate, compare with the derivation by hand, draw."""
    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(10.0, label="c")
    d = a * b
    d.label = "d"
    e = d + c
    e.label = "e"
    loss = e**2
    loss.label = "L"
    loss.backward()
    print(f"L = (a·b + c)² = ({a.data:g} · {b.data:g} + {c.data:g})² = {loss.data:g}")

    # By hand, from the outside in: L = e², e = d + c, d = a·b.
    of_e = 2.0 * e.data
    by_hand = {"e": of_e, "d": of_e * 1.0, "c": of_e * 1.0, "a": of_e * b.data, "b": of_e * a.data}
    chain = {"e": "2e", "d": "2e · 1", "c": "2e · 1", "a": "2e · 1 · b", "b": "2e · 1 · a"}
    for node in (e, d, c, a, b):
        name = node.label
        print(f"  dL/d{name} = {chain[name]:10} = {by_hand[name]:6g}   twingrad: {node.grad:6g}")

    out.mkdir(parents=True, exist_ok=True)
    path = out / "expression.svg"
    viz.draw(loss).save(path)
    print(f"  wrote {path}")
    viz.stepper(loss).save(out / "expression_steps.html")
    print(f"  wrote {out / 'expression_steps.html'}, the same step by step; open it in a browser")


if __name__ == "__main__":
    options = arguments(__doc__)
    run(options.seed, options.out)
