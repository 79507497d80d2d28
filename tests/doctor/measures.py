"""Numbers of a model and its data, by plain code that knows nothing of the doctor."""

import warnings
from typing import Any

import numpy as np

from tests.doctor.plans import Plan, Ran
from tests.doctor.runs import Array, column
from tests.doctor.tasks import Task
from twingrad import Tensor, nn

BENT = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid"}


def twin(model: Any) -> Any:
    """The model on Tensors, its outputs of the same shape."""
    if not isinstance(model, nn.MLP):
        return model
    single = len(model.layers[-1].neurons) == 1
    return nn.Sequential(*model.to_tensor(), *([column] if single else []))


def outputs(ran: Ran, model: Any = None) -> Array:
    """What a model says of all samples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(nn.predict(ran.model if model is None else model, ran.plan.task.X))


def loss(ran: Ran, model: Any = None) -> float:
    """The loss of a model over all samples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(ran.loss(Tensor(outputs(ran, model)), _targets(ran.plan.task)))


def _targets(task: Task) -> Array:
    return task.y if task.kind == "classes" else task.y.astype(float)


def score(task: Task, said: Array) -> float:
    """From 0, a constant answer, to 1, all right: R², or accuracy above that of the majority."""
    if task.kind == "numbers":
        rest = float(((said.reshape(task.y.shape) - task.y) ** 2).mean())
        return 1.0 - rest / float(task.y.var(axis=0).mean())
    right = said.argmax(axis=1) == task.y if task.kind == "classes" else (said > 0) == (task.y > 0)
    most = np.unique(task.y, return_counts=True)[1].max() / len(task.y)
    return float((right.mean() - most) / (1.0 - most))


def reference(task: Task) -> float:
    """The score of the better of 7 nearest neighbours and a linear fit, on samples kept back."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.model_selection import cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    X = task.X.reshape(len(task.X), -1)
    X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)
    if task.kind == "numbers":
        models: list[Any] = [KNeighborsRegressor(7), Ridge()]
        return max(score(task, cross_val_predict(m, X, task.y, cv=5)) for m in models)
    found = []
    for m in (KNeighborsClassifier(7), LogisticRegression(max_iter=300)):
        said = cross_val_predict(m, X, task.y, cv=5)
        hot = (said[:, None] == np.arange(task.outputs)).astype(float)
        found.append(score(task, hot if task.kind == "classes" else said))
    return max(found)


def gradients(ran: Ran, model: Any) -> tuple[list[float], float, float]:
    """The gradient's norm by each layer's weights, by the inputs, and by the outputs."""
    model, task = twin(model), ran.plan.task
    dtype = model.parameters()[0].dtype
    X, targets = Tensor(task.X[:300].astype(dtype)), _targets(task)[:300]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = model(X)
        model.zero_grad()
        ran.loss(out, targets).backward()
    found = [p.grad for p in model.parameters() if p.ndim > 1]
    sizes = [0.0 if g is None else _norm(g) for g in found]
    model.zero_grad()
    return sizes, 0.0 if X.grad is None else _norm(X.grad), _norm(out.grad)


def _norm(x: Any) -> float:
    return float(np.linalg.norm(np.asarray(x, np.float64)))


def layers(plan: Plan, model: Any) -> list[tuple[str, Array, Array]]:
    """What goes into each activation, and what comes out of it: (name, into, out)."""
    found: list[tuple[str, Array, Array]] = []
    model = twin(model)

    def walk(part: Any, x: Any) -> Any:
        if isinstance(part, nn.Sequential):
            for layer in part:
                x = walk(layer, x)
            return x
        if isinstance(part, nn.Residual):
            return x + walk(part.module, x)
        y = part(x)
        if not getattr(part, "parameters", list)() and isinstance(part, nn.Module):
            if type(part) in BENT:
                found.append((BENT[type(part)], np.asarray(x.numpy()), np.asarray(y.numpy())))
        elif isinstance(part, nn.Linear | nn.Conv2d):
            found.append(("sums", np.asarray(y.numpy()), np.asarray(y.numpy())))
        return y

    model.eval()
    if isinstance(model, nn.Sequential):
        with np.errstate(all="ignore"):
            walk(model, Tensor(plan.task.X[:500].astype(model.parameters()[0].dtype)))
    model.train()
    return found


def dead(plan: Plan, model: Any) -> float:
    """The largest share of relus of a layer that are never active."""
    shares = [
        (out.max(axis=tuple(i for i in range(out.ndim) if i != 1)) <= 0.0).mean()
        for name, _, out in layers(plan, model)
        if name == "relu"
    ]
    return float(max(shares, default=0.0))


def saturated(plan: Plan, model: Any) -> float:
    """The largest share of outputs of a layer at an end of its activation."""
    shares = [
        (np.abs(out) > 0.99).mean() if name == "tanh" else (np.abs(2.0 * out - 1.0) > 0.98).mean()
        for name, _, out in layers(plan, model)
        if name in ("tanh", "sigmoid")
    ]
    return float(max(shares, default=0.0))


def spreads(plan: Plan, model: Any) -> list[float]:
    """How the sums of each layer spread over the samples."""
    found = layers(plan, model)
    return [float(into.std(axis=0).mean()) for name, into, _ in found if name == "sums"]


def swings(curve: Array) -> float:
    """How far a curve goes up and down from turn to turn, in the second half, of its level."""
    late = curve[len(curve) // 2 :]
    turns = np.flatnonzero(np.diff(np.sign(np.diff(late)))) + 1
    if len(turns) < 4 or not np.isfinite(late).all():
        return 0.0
    return float(np.median(np.abs(np.diff(late[turns]))) / np.median(late))


def jumps(curve: Array) -> int:
    """Steps whose loss is many times that of those before, and which are made up for."""
    found, last = 0, -100
    for i in range(20, len(curve) - 15):
        before, most = np.median(curve[i - 20 : i]), curve[i - 20 : i].max()
        apart = i - last > 20 and curve[i] > max(5.0 * before, 2.0 * most, 0.1 * curve[0])
        if apart and np.median(curve[i + 1 : i + 41]) < 2.0 * max(before, 0.01):
            found, last = found + 1, i
    return found
