"""How each illness is proved, by numbers of the ill run beside those of its control."""

from collections.abc import Callable

import numpy as np

from tests.doctor import measures as of
from tests.doctor.plans import Ran
from tests.doctor.runs import Array

Proof = tuple[bool, str]
"""Whether it is so, and by which numbers."""


def curve(ran: Ran) -> Array:
    """The training loss, by epoch, or by step where the loop was one's own."""
    return ran.losses


def worse(ill: Ran, well: Ran, factor: float) -> Proof:
    """Whether the loss over all samples is so many times the control's, or none at all."""
    a, b = of.loss(ill), of.loss(well)
    return not a <= factor * b and b < of.loss(well, well.start), f"loss {a:.3g} for {b:.3g}"


def both(*proofs: Proof) -> Proof:
    return all(ok for ok, _ in proofs), "; ".join(said for _, said in proofs)


def vanishing(ill: Ran, well: Ran) -> Proof:
    ratio = [(g := of.gradients(ran, ran.start)[0])[0] / g[-1] for ran in (ill, well)]
    return ratio[0] < 1e-4 < ratio[1], f"gradient first/last {ratio[0]:.2g} for {ratio[1]:.2g}"


def exploding(ill: Ran, well: Ran) -> Proof:
    def grows(ran: Ran) -> tuple[float, float]:
        sizes, into, out = of.gradients(ran, ran.start)
        return into / out, sum(sizes)

    (a, b), (c, d) = grows(ill), grows(well)
    ok = a > 100.0 * c and a > 100.0 and b > 1e3 * d
    return ok, f"gradient inputs/outputs {a:.2g} for {c:.2g}, of weights {b:.2g} for {d:.2g}"


def dead(ill: Ran, well: Ran) -> Proof:
    a, b = (max(of.dead(r.plan, m) for m in (r.start, r.model)) for r in (ill, well))
    return a > 0.5 > b, f"dead {a:.0%} for {b:.0%}"


def saturated(ill: Ran, well: Ran) -> Proof:
    a, b = (max(of.saturated(r.plan, m) for m in (r.start, r.model)) for r in (ill, well))
    return a > 0.5 > b, f"at the ends {a:.0%} for {b:.0%}"


def _hidden(model: object) -> list[Array]:
    """The weights of each layer but the last, a row for each unit."""
    found = [p.numpy() for p in of.twin(model).parameters() if p.ndim > 1]
    return [w.T if w.ndim == 2 else w.reshape(len(w), -1) for w in found][:-1]


def symmetric(ill: Ran, well: Ran) -> Proof:
    def copies(model: object) -> bool:
        return any(len(w) > 1 and np.abs(w - w[0]).max() < 1e-5 for w in _hidden(model))

    return copies(ill.start) and copies(ill.model) and not copies(well.start), "copies"


def zero(ill: Ran, well: Ran) -> Proof:
    zeros, stuck = any(not w.any() for w in _hidden(ill.start)), of.gradients(ill, ill.start)[0]
    ok = zeros and min(stuck) == 0.0 and not any(not w.any() for w in _hidden(well.start))
    return both((ok, f"gradients {min(stuck)}"), *_later(ill, well, 1.1))


def _later(ill: Ran, well: Ran, factor: float) -> list[Proof]:
    return [worse(ill, well, factor)] if ill.plan.trained else []


def too_large(ill: Ran, well: Ran) -> Proof:
    a, b = (of.spreads(ran.plan, ran.start) for ran in (ill, well))
    ratio = max(x / y for x, y in zip(a, b, strict=True))
    first = of.loss(ill, ill.start), of.loss(well, well.start)
    ends = of.saturated(ill.plan, ill.start)
    ok = ratio > 4.0 and (first[0] > 3.0 * first[1] or ends > 0.4)
    return ok, f"sums {ratio:.2g} times, loss {first[0]:.3g} for {first[1]:.3g}, ends {ends:.0%}"


def too_small(ill: Ran, well: Ran) -> Proof:
    ratio = of.spreads(ill.plan, ill.start)[-1] / of.spreads(well.plan, well.start)[-1]
    return both((ratio < 0.02, f"sums {ratio:.2g} times"), *_later(ill, well, 1.2))


def unnormalized(ill: Ran, well: Ran) -> Proof:
    X = ill.plan.task.X.reshape(len(ill.plan.task.X), -1)
    X = X[:, X.std(axis=0) > 0]
    size, offset = np.sqrt((X**2).mean(axis=0)), np.abs(X.mean(axis=0)) / X.std(axis=0)
    far = size.max() > 20.0 or size.max() < 0.05 or offset.max() > 10.0
    return both((bool(far), f"sizes {size.min():.2g} to {size.max():.2g}"), worse(ill, well, 1.25))


def diverged(ill: Ran, well: Ran) -> Proof:
    first, last = curve(ill)[0], of.loss(ill)
    ok = not last < 3.0 * first and not last < 3.0 * of.loss(ill, ill.start)
    return both((ok, f"{first:.3g} to {last:.3g}"), (of.loss(well) < curve(well)[0], "control"))


def swinging(ill: Ran, well: Ran) -> Proof:
    full = ill.plan.batch is None
    a, b = of.swings(curve(ill)), of.swings(curve(well))
    return full and a > 0.1 and b < 0.03, f"swings {a:.2g} for {b:.2g}"


def too_low(ill: Ran, well: Ran) -> Proof:
    first, last, good = of.loss(ill, ill.start), of.loss(ill), of.loss(well)
    share = (first - last) / (first - good)
    return share < 0.2 and good < 0.8 * first, f"{share:.2g} of the way"


def spiky(ill: Ran, well: Ran) -> Proof:
    a, b = of.jumps(ill.steps), of.jumps(well.steps)
    return a >= 2 and b == 0, f"jumps {a} for {b}"


def few(ill: Ran, well: Ran) -> Proof:
    late = [float(np.mean(curve(r)[-max(3, len(curve(r)) // 4) :])) for r in (ill, well)]
    return late[0] > 1.15 * late[1], f"late loss {late[0]:.3g} for {late[1]:.3g}"


def clipped(ill: Ran, well: Ran) -> Proof:
    norms = np.sqrt((np.nan_to_num(ill.monitor.gradient_norms) ** 2).sum(axis=1))
    same = float(np.mean(norms > 0.99 * norms.max()))
    return both((same > 0.9, f"cut {same:.0%}"), worse(ill, well, 1.2))


def flat(ill: Ran, well: Ran) -> Proof:
    rows = curve(ill)
    tail = np.array_split(rows[int(0.6 * len(rows)) :], 2)
    still = float(tail[1].mean() / tail[0].mean())
    return both((still > 0.97, f"still {still:.3f}"), worse(ill, well, 1.3))


def overfit(ill: Ran, well: Ran) -> Proof:
    val = np.array(ill.history.val_loss)
    at = int(val.argmin())
    rise, fall = np.mean(val[-3:]) / val[at], ill.losses[-1] / ill.losses[at]
    ok = rise > 1.2 and fall < 0.8
    return bool(ok), f"validation {rise:.2f} times its least, training {fall:.2f} times since"


def rare(ill: Ran, well: Ran) -> Proof:
    counts = [np.unique(ran.plan.task.y, return_counts=True)[1] for ran in (ill, well)]
    a, b = (float(n.max() / n.min()) for n in counts)
    return a >= 10.0 and b < 3.0, f"1 to {a:.0f} for 1 to {b:.1f}"


def constant(ill: Ran, well: Ran) -> Proof:
    def same(ran: Ran) -> int:
        X = ran.plan.task.X.reshape(len(ran.plan.task.X), -1)
        return int((np.ptp(X, axis=0) == 0).sum())

    return same(ill) > 0 == same(well), f"{same(ill)} for {same(well)} constant"


def doubled(ill: Ran, well: Ran) -> Proof:
    def pairs(ran: Ran) -> int:
        X = ran.plan.task.X.reshape(len(ran.plan.task.X), -1)
        alike = np.abs(np.atleast_2d(np.corrcoef(X[:, X.std(axis=0) > 0].T))) > 0.9999
        return int(np.triu(alike, 1).sum())

    return pairs(ill) > 0 == pairs(well), f"{pairs(ill)} pairs for {pairs(well)}"


def shuffled(ill: Ran, well: Ran) -> Proof:
    a, b = of.reference(ill.plan.task), of.reference(well.plan.task)
    return a < 0.1 and b > 0.25, f"others can be foretold by {a:.2f} for {b:.2f}"


def holes(ill: Ran, well: Ran) -> Proof:
    fine = [all(np.isfinite(x).all() for x in (r.plan.task.X, r.plan.task.y)) for r in (ill, well)]
    return fine == [False, True], "not finite"


def unmoved(ill: Ran, well: Ran) -> Proof:
    def still(ran: Ran) -> int:
        pairs = zip(ran.start.parameters(), ran.model.parameters(), strict=True)
        return sum(np.array_equal(a.data, b.data) for a, b in pairs)

    return still(ill) > 0 == still(well), f"{still(ill)} for {still(well)} parameters as they were"


def risen(ill: Ran, well: Ran) -> Proof:
    a = of.loss(ill, ill.start), of.loss(ill)
    b = of.loss(well, well.start), of.loss(well)
    return not a[1] <= a[0] and b[1] < b[0], f"{a[0]:.3g} to {a[1]:.3g}, control to {b[1]:.3g}"


def summed(ill: Ran, well: Ran) -> Proof:
    resets = ill.plan.loop is not None and ill.plan.loop.zero in ("never", "epoch", "first")
    a, b = float(np.mean(ill.steps[-20:])), float(np.mean(well.steps[-20:]))
    return resets and a != b, f"late loss {a:.3g} for {b:.3g}"


def unfit(ill: Ran, well: Ran) -> Proof:
    return worse(ill, well, 1.25) if ill.plan.trained else (True, "by its making")


PROOFS: dict[str, Callable[[Ran, Ran], Proof]] = {
    "vanishing_gradients": vanishing,
    "exploding_gradients": exploding,
    "dead_relus": dead,
    "saturated_units": saturated,
    "symmetric_initialization": symmetric,
    "zero_initialization": zero,
    "initialization_too_large": too_large,
    "initialization_too_small": too_small,
    "inputs_not_normalized": unnormalized,
    "learning_rate_too_high": lambda ill, well: worse(ill, well, 1.5),
    "learning_rate_too_low": too_low,
    "divergence": diverged,
    "oscillation": swinging,
    "spikes": spiky,
    "batch_too_small": few,
    "clipping_always_binds": clipped,
    "plateau": flat,
    "underfitting": flat,
    "overfitting": overfit,
    "class_imbalance": rare,
    "constant_feature": constant,
    "duplicate_features": doubled,
    "shuffled_labels": shuffled,
    "nan_in_data": holes,
    "parameters_never_change": unmoved,
    "ascent": risen,
    "gradients_accumulating": summed,
    "output_unfit": unfit,
}
