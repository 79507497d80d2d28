"""Whether the runs of a set are what they are said to be, judged without the doctor.

`python -m tests.doctor.truth validation` trains each run and its control, and prints which are not
ill in the way that they should be, or not healthy, and by which numbers; `… validation dead` those
of one kind. The other sets that it knows are final, fresh, unseen and last.
"""

import sys
import time
import warnings
from importlib import import_module

import numpy as np

from tests.doctor import measures as of
from tests.doctor.plans import Known, Ran, trained
from tests.doctor.proofs import PROOFS, Proof, constant, curve, doubled
from twingrad import nn


def healthy(ran: Ran) -> Proof:
    """Whether a run learns what others would learn, and none of the numbers above is of an ill."""
    plan, task = ran.plan, ran.plan.task
    X = task.X.reshape(len(task.X), -1)
    size, offset = np.sqrt((X**2).mean(axis=0)), np.abs(X.mean(axis=0)) / (X.std(axis=0) + 1e-9)
    counts = np.unique(task.y, return_counts=True)[1] if task.kind != "numbers" else np.ones(1)
    ends = [f(plan, m) for m in (ran.start, ran.model) for f in (of.dead, of.saturated)]
    by_layer, into, out = of.gradients(ran, ran.start)
    signs = {
        f"inputs of size {size.max():.2g}, offset {offset.max():.2g}": max(*size, *offset) > 5.0,
        "columns": constant(ran, ran)[1][0] + doubled(ran, ran)[1][0] != "00",
        "imbalance": counts.max() > 4.0 * counts.min(),
        f"units {ends}": max(ends) > 0.4,
        f"gradients {by_layer}": not 1e-3 < by_layer[0] / by_layer[-1] < 1e3 or into > 50.0 * out,
    }
    said = ""
    if plan.trained:
        got, wanted = of.score(task, of.outputs(ran)), of.reference(task)
        said = f"score {got:.2f}, others {wanted:.2f}"
        signs[said] = got < max(0.9 * wanted, 0.1)
        signs["swings"] = plan.batch is None and of.swings(curve(ran)) > 0.03
        signs["jumps"] = of.jumps(ran.steps) > 0
    if ran.history is not None and ran.history.val_loss:
        val = np.array(ran.history.val_loss)
        stopped = any(isinstance(c, nn.EarlyStopping) for c in plan.callbacks())
        rise = float(np.mean(val[-3:]) / val.min())
        signs[f"validation {rise:.2f} times its least"] = rise > 1.2 and not stopped
    if plan.clip is not None and ran.monitor is not None:
        norms = np.sqrt((np.nan_to_num(ran.monitor.gradient_norms) ** 2).sum(axis=1))
        signs["clipped"] = float(np.mean(norms > 0.999 * plan.clip)) > 0.5
    wrong = [sign for sign, shows in signs.items() if shows]
    return not wrong, "; ".join(wrong) or said


def proof(case: Known) -> Proof:
    """Whether a case is what it is called."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if case.control is None:
            return healthy(trained(case.plan()))
        return PROOFS[case.kind](trained(case.plan()), trained(case.control()))


if __name__ == "__main__":
    chosen = import_module(f"tests.doctor.{sys.argv[1]}").CASES
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    tried = failed = 0
    for case in chosen:
        if only in (case.kind or "healthy"):
            started = time.perf_counter()
            try:
                ok, said = proof(case)
            except Exception as error:  # a run that breaks off proves nothing
                ok, said = False, repr(error)[:200]
            tried, failed = tried + 1, failed + (not ok)
            took = f"[{time.perf_counter() - started:.1f} s]"
            print(f"{'' if ok else 'NOT '}{case.kind or 'healthy'}: {case.name}: {said} {took}")
    print(f"{tried} tried, {failed} not as they should be")
