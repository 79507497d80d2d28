"""The validation set: other tasks than thresholds were set on, and other ways to become ill.

`python -m tests.doctor.validation` says what the doctor makes of it, `… validation dead` of one
kind; `python -m tests.doctor.truth validation` whether each run is what it is called.
"""

# ruff: noqa: E501 - an illness is a line of the table

import sys

import numpy as np

from tests.doctor import ills, loops
from tests.doctor.bench import adam, constant, normal, report, sgd
from tests.doctor.ills import both, net
from tests.doctor.loops import Loop
from tests.doctor.plans import cases, change
from tests.doctor.runs import Uphill
from tests.doctor.validation_tasks import TASKS
from twingrad import Tensor, nn

full = change(batch=None, validation=None)
noisy = both(ills.mislabelled(0.35, 1.2), change(validation=None, activation="tanh"))


def jumping(step: int) -> float:
    return 60.0 if step % 50 == 45 else 1.0


def garbled(step: int, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mistake is a file in other units, of which a batch comes now and then."""
    return (X, y * 40.0) if step % 60 == 50 else (X, y)


ILL = [
    # kind, name, places, what the control has too, what is wrong
    ("vanishing_gradients", "9 sigmoid layers, SGD with momentum", "clusters teacher", change(hidden=(40,) * 9, optimizer=sgd(0.01, 0.9), epochs=6), change(activation="sigmoid")),
    ("vanishing_gradients", "8 sigmoid layers, weights halved", "chains", change(model=net(8, 24, nn.Tanh, "xavier"), epochs=6, optimizer=adam(1e-3)), both(change(model=net(8, 24, nn.Sigmoid, "xavier")), ills.times(0.5))),
    ("vanishing_gradients", "8 narrow sigmoid layers", "clover:V", change(hidden=(5,) * 8, activation="tanh", epochs=10), change(activation="sigmoid")),
    ("vanishing_gradients", "7 sigmoid layers, untrained", "largest:V", change(hidden=(8,) * 7, trained=False), both(change(activation="sigmoid"), ills.times(0.4))),
    ("exploding_gradients", "14 relu layers of four times He, untrained", "clients", change(model=net(14, 32), trained=False), ills.times(4.0)),
    ("exploding_gradients", "12 leaky layers of N(0, 0.8)", "clusters", change(model=net(12, 32, nn.LeakyReLU), epochs=3), ills.drawn(lambda g, s: g.normal(0.0, 0.8, s))),
    ("exploding_gradients", "8 relu layers of Values, times 8", "hand:V", change(hidden=(8,) * 8, activation="relu", trained=False, edit=None), ills.drawn(lambda g, s: g.normal(0.0, 2.5, s))),
    ("exploding_gradients", "10 relu layers, N(0, 1)", "springs", change(hidden=(32,) * 10, epochs=3), change(init=normal(1.0))),
    ("dead_relus", "weights below zero for counts", "topics", change(epochs=10), ills.at((0,), lambda w, g: -np.abs(w))),
    ("dead_relus", "biases of -6", "teacher clover:V", change(activation="relu", epochs=12), change(bias=-6.0)),
    ("dead_relus", "one wild rate in warm-up", "springs", change(hidden=(48, 48), optimizer=adam(3e-3), epochs=12), change(schedule=lambda step: 400.0 if step < 3 else 1.0)),
    ("saturated_units", "three columns in thousands", "hand:V strokes", change(activation="tanh", epochs=12), ills.several(lambda X: X * np.where(np.arange(X.shape[1]) < 3, 1000.0, 1.0))),
    ("saturated_units", "sigmoid with N(0, 8)", "clusters", change(activation="sigmoid", epochs=10), ills.drawn(lambda g, s: g.normal(0.0, 8.0, s), 0)),
    ("saturated_units", "tanh pushed to its ends by Adam at 1", "springs", change(model=net(2, 32, nn.Tanh, "xavier"), epochs=10), change(optimizer=adam(1.0))),
    ("symmetric_initialization", "sigmoid, all weights 0.3", "clusters clients:V", change(activation="sigmoid", epochs=20), ills.alike(0.3)),
    ("symmetric_initialization", "one seed for each unit", "teacher largest:V", change(hidden=(16, 16), epochs=20), ills.copied(0, 1, 2)),
    ("zero_initialization", "gelu, all weights 0", "chains", change(model=net(2, 24, nn.GELU)), ills.alike(0.0)),
    ("zero_initialization", "the two layers in the middle", "clusters clover:V", change(hidden=(16, 16, 16), activation="relu"), ills.alike(0.0, 1, 2)),
    ("zero_initialization", "all weights 0", "hand", change(hidden=(16, 16)), change(init=constant(0.0))),
    ("initialization_too_large", "rand * 2 - 1 for a hundred units", "chains", change(model=net(3, 100), epochs=8, optimizer=adam(1e-3)), ills.drawn(lambda g, s: g.uniform(-1.0, 1.0, s))),
    ("initialization_too_large", "rand, all above zero", "largest", change(hidden=(64, 64), epochs=8), ills.drawn(lambda g, s: g.uniform(0.0, 1.0, s))),
    ("initialization_too_large", "N(0, 4)", "clover:V", change(hidden=(16, 16), epochs=10), ills.drawn(lambda g, s: g.normal(0.0, 4.0, s))),
    ("initialization_too_large", "N(0, 3)", "topics", change(hidden=(32, 32), epochs=8), change(init=normal(3.0))),
    ("initialization_too_small", "4 tanh layers of N(0, 0.001), SGD", "hand teacher", change(model=net(4, 24, nn.Tanh, "xavier"), optimizer=sgd(0.05, 0.9), epochs=15), ills.drawn(lambda g, s: g.normal(0.0, 0.001, s))),
    ("initialization_too_small", "a twentieth of He, untrained", "clusters", change(model=net(6, 40), trained=False), ills.times(0.05)),
    ("initialization_too_small", "N(0, 0.00001)", "clients:V", change(hidden=(10, 10), optimizer=sgd(0.05), epochs=10), ills.drawn(lambda g, s: g.normal(0.0, 1e-5, s))),
    ("inputs_not_normalized", "incomes as they are", "clients clients:V", change(activation="tanh"), ills.several(lambda X: np.hstack([X[:, :1], 40000.0 + 15000.0 * X[:, 1:2], X[:, 2:]]))),
    ("inputs_not_normalized", "each column in a unit of its own", "clusters", change(optimizer=adam(3e-3)), ills.several(lambda X: X * 10.0 ** ((np.arange(X.shape[1]) * 5) % 7 - 3))),
    ("inputs_not_normalized", "in microvolts that are volts", "teacher", change(optimizer=sgd(0.05, 0.9)), ills.several(lambda X: X * 1e-4)),
    ("learning_rate_too_high", "momentum 0.9 at 1", "clusters", change(hidden=(32, 32), optimizer=sgd(0.03, 0.9)), change(optimizer=sgd(1.0, 0.9))),
    ("learning_rate_too_high", "RMSprop at 1", "springs", change(hidden=(32, 32), optimizer=lambda p: nn.RMSprop(p, lr=3e-3)), change(optimizer=lambda p: nn.RMSprop(p, lr=1.0))),
    ("learning_rate_too_high", "Lion at 0.1", "chains", change(hidden=(32, 32), optimizer=lambda p: nn.Lion(p, lr=3e-4)), change(optimizer=lambda p: nn.Lion(p, lr=0.1))),
    ("learning_rate_too_high", "SGD at 5", "hand:V", change(optimizer=sgd(0.05)), change(optimizer=sgd(5.0))),
    ("learning_rate_too_low", "RMSprop at 1e-6", "spots", change(optimizer=lambda p: nn.RMSprop(p, lr=3e-3), epochs=12), change(optimizer=lambda p: nn.RMSprop(p, lr=1e-6))),
    ("learning_rate_too_low", "a warm-up that outlasts the run", "clusters", change(epochs=25), change(schedule=nn.WarmupCosine(1_000_000, 2_000_000))),
    ("learning_rate_too_low", "Adam at 3e-6", "largest:V", change(optimizer=adam(1e-2)), change(optimizer=adam(3e-6))),
    ("learning_rate_too_low", "by hand at 1e-5", "strokes", both(full, change(activation="tanh", loop=Loop(120, moved=loops.down(0.1)))), change(loop=Loop(120, moved=loops.down(1e-5)))),
    ("divergence", "the sum where the mean was meant", "teacher", change(optimizer=sgd(0.05)), change(loss=lambda o, t: nn.mse_loss(o, t, reduction="sum"))),
    ("divergence", "targets in hundreds", "springs", change(optimizer=sgd(0.05, 0.9), hidden=(64, 64)), ills.targets(lambda y, g: 100.0 * y)),
    ("divergence", "a rate that grows by 3% a step", "hand", change(optimizer=sgd(0.05), hidden=(48,), epochs=40), change(schedule=lambda step: min(1.03**step, 1e6))),
    ("divergence", "by hand at 3", "ripple:V", both(full, change(activation="relu", hidden=(10,), loop=Loop(40, moved=loops.down(0.02)))), change(loop=Loop(40, moved=loops.down(3.0)))),
    ("plateau", "a cosine that ends after a tenth", "clusters hand", change(optimizer=adam(3e-3), epochs=40, hidden=(24,)), change(schedule=nn.CosineAnnealing(24))),
    ("plateau", "a rate halved in every epoch", "clover:V", change(optimizer=sgd(0.1, 0.9), epochs=40, batch=32), change(schedule=nn.StepLR(7, 0.5))),
    ("plateau", "1/(1 + step)²", "springs", change(optimizer=adam(1e-2), epochs=30), change(schedule=lambda step: 1.0 / (1.0 + step / 4.0) ** 2)),
    ("spikes", "a rate that jumps", "strokes teacher", change(optimizer=adam(3e-3), hidden=(32, 32), epochs=30), change(schedule=jumping)),
    ("spikes", "now and then a batch in other units", "hand", change(batch=20, validation=None, optimizer=adam(5e-3), loop=Loop(30)), change(loop=Loop(30, spoil=garbled))),
    ("spikes", "a rate that jumps, Values", "clients:V", change(optimizer=sgd(0.03, 0.5), epochs=30), change(schedule=jumping)),
    ("batch_too_small", "one sample, RMSprop", "teacher", both(noisy, change(optimizer=lambda p: nn.RMSprop(p, lr=2e-2), epochs=8, batch=32)), change(batch=1)),
    ("batch_too_small", "one sample, SGD", "ripple:V", both(noisy, change(optimizer=sgd(0.15), epochs=60, batch=20)), change(batch=1)),
    ("batch_too_small", "two samples, momentum", "hand", both(noisy, change(optimizer=sgd(0.03, 0.9), epochs=20, batch=44)), change(batch=2)),
    ("batch_too_small", "two samples, Adam 0.05, noisy", "clusters", both(noisy, change(optimizer=adam(0.05), epochs=15, batch=32)), change(batch=2)),
    ("clipping_always_binds", "clip_norm 0.001", "springs", change(optimizer=sgd(0.05, 0.9)), change(clip=1e-3)),
    ("clipping_always_binds", "clip_norm 0.01, nesterov", "spots", change(optimizer=lambda p: nn.SGD(p, lr=0.03, momentum=0.9, nesterov=True), epochs=12), change(clip=0.01)),
    ("clipping_always_binds", "clip_norm 0.02", "hand:V", change(optimizer=sgd(0.1)), change(clip=0.02)),
    ("clipping_always_binds", "in a loop of one's own", "clusters", change(optimizer=sgd(0.1), batch=48, loop=Loop(30)), change(loop=Loop(30, between=lambda model, step: nn.clip_grad_norm(model.parameters(), 0.005)))),
    ("oscillation", "momentum 0.99", "teacher clover:V", both(full, change(optimizer=sgd(0.05, 0.9), activation="tanh", epochs=100)), change(optimizer=sgd(0.15, 0.99))),
    ("oscillation", "momentum 0.997 and a small rate", "clients", both(full, change(optimizer=sgd(0.05, 0.9), activation="tanh", epochs=120)), change(optimizer=sgd(0.03, 0.997))),
    ("oscillation", "momentum 0.995", "hand", both(full, change(optimizer=sgd(0.1, 0.9), epochs=80, activation="tanh")), change(optimizer=sgd(0.1, 0.995))),
    ("underfitting", "one hidden unit for six classes", "clusters", change(hidden=(32,), epochs=50), change(hidden=(1,))),
    ("underfitting", "AdamW with a decay of 3", "springs", change(optimizer=lambda p: nn.AdamW(p, lr=1e-2), epochs=40), change(optimizer=lambda p: nn.AdamW(p, lr=1e-2, weight_decay=3.0))),
    ("underfitting", "three layers and no activation", "hand", change(model=net(3, 32), epochs=40, optimizer=adam(3e-3)), change(model=net(3, 32, None))),
    ("underfitting", "no hidden layer", "clover:V", change(epochs=60, batch=20), change(hidden=())),
    ("overfitting", "60 samples, 20 of them mislabelled, two wide layers", "clusters", both(ills.first(80), change(epochs=150, batch=16, optimizer=adam(3e-3), hidden=(96, 96))), ills.mislabelled(0.3)),
    ("overfitting", "fifty columns of chance", "clients", both(ills.as_two, ills.first(90), change(epochs=150, batch=16, optimizer=adam(3e-3), hidden=(64,))), both(ills.mislabelled(0.25), ills.beside(lambda X, g: g.normal(0.0, 1.0, (len(X), 50))))),
    ("overfitting", "50 noisy samples for 20 units", "ripple:V", both(ills.first(50), change(epochs=400, batch=10, optimizer=adam(1e-2), hidden=(20, 20))), ills.mislabelled(0.8, 0.8)),
    ("overfitting", "two layers of 128 for 100 samples with noise", "springs", both(ills.first(100), change(epochs=200, batch=20, optimizer=adam(3e-3), hidden=(128, 128), activation="tanh")), ills.mislabelled(0.9, 1.2)),
    ("class_imbalance", "1 in 25", "clients clover:V", change(epochs=20), ills.rarest(0.04)),
    ("class_imbalance", "six of one class in six", "clusters", change(epochs=20), ills.rarest(6)),
    ("class_imbalance", "each class half as often as the one before", "clusters:V", change(epochs=20), ills.rows(ills.long_tail)),
    ("constant_feature", "three sensors that are off", "teacher", change(epochs=15), ills.beside(lambda X, g: np.zeros((len(X), 3)))),
    ("constant_feature", "a year", "clients largest:V", change(epochs=15), ills.beside(lambda X, g: np.full(len(X), 2024.0))),
    ("constant_feature", "a category that nobody has, another that all have", "chains", change(epochs=15), ills.beside(lambda X, g: np.tile([0.0, 1.0], (len(X), 1)))),
    ("duplicate_features", "the same column twice more", "clusters", change(epochs=15), ills.beside(lambda X, g: X[:, [2, 2]])),
    ("duplicate_features", "its negative", "strokes hand:V", change(epochs=15), ills.beside(lambda X, g: -X[:, :1])),
    ("duplicate_features", "both columns of a yes or no", "clients", change(epochs=15), ills.beside(lambda X, g: X[:, 4].max() - X[:, 4])),
    ("shuffled_labels", "the targets are one row late", "clusters", change(epochs=20), ills.targets(lambda y, g: np.roll(y, 1))),
    ("shuffled_labels", "the targets sorted, the samples not", "teacher strokes:V", change(epochs=20), ills.targets(lambda y, g: np.sort(y))),
    ("shuffled_labels", "the halves joined the other way round", "hand", change(epochs=20), ills.targets(lambda y, g: np.concatenate([y[len(y) // 2 :], y[: len(y) // 2]]))),
    ("nan_in_data", "one infinite number", "topics", change(trained=False), ills.columns(lambda X, g: np.where(np.arange(X.size).reshape(X.shape) == 777, np.inf, X))),
    ("nan_in_data", "a logarithm of zero, trained in a loop of one's own", "hand", change(loop=Loop(5), batch=20), ills.several(lambda X: np.hstack([X, np.where(X[:, :1] > 0.0, X[:, :1], -np.inf)]))),
    ("nan_in_data", "a target of two is missing", "hand", change(trained=False), ills.targets(lambda y, g: np.where(np.arange(y.size).reshape(y.shape) == 41, np.nan, y))),
    ("nan_in_data", "gaps in a column", "clients:V", change(trained=False), ills.columns(lambda X, g: np.where((np.arange(X.shape[1]) == 2) & (g.random((len(X), 1)) < 0.1), np.nan, X))),
    ("parameters_never_change", "p = p - rate * grad", "clover:V", change(batch=None, loop=Loop(12, moved=loops.down(0.05))), change(loop=Loop(12, moved=loops.rebound(0.05)))),
    ("parameters_never_change", "by hand, the last layer only", "clusters", change(batch=80, loop=Loop(15, moved=loops.down(0.1))), change(loop=Loop(15, moved=loops.down_last(0.1)))),
    ("parameters_never_change", "backward() of a copy of the loss", "teacher", change(batch=100, loop=Loop(6)), change(loop=Loop(6, backward=lambda loss: Tensor(loss.numpy()).backward()))),
    ("parameters_never_change", "an optimizer of the last layer", "chains", change(hidden=(24, 24), optimizer=adam(1e-2), epochs=8), change(optimizer=lambda p: nn.Adam(p[-2:], lr=1e-2))),
    ("ascent", "the gradient turned round", "hand clients:V", change(batch=40, optimizer=sgd(0.01), loop=Loop(4)), change(loop=Loop(4, between=loops.flipped))),
    ("ascent", "(-loss).backward()", "clusters", change(batch=60, optimizer=adam(3e-3), loop=Loop(5)), change(loop=Loop(5, backward=lambda loss: (-loss).backward()))),
    ("ascent", "an optimizer of the wrong sign", "springs", change(optimizer=sgd(0.01), epochs=4), change(optimizer=lambda p: Uphill(p, lr=0.01))),
    ("gradients_accumulating", "zero_grad once an epoch", "clusters clover:V", change(batch=40, optimizer=sgd(0.05), loop=Loop(12)), change(loop=Loop(12, zero="epoch"))),
    ("gradients_accumulating", "zero_grad for the first layer only", "teacher", change(batch=100, optimizer=sgd(0.05), loop=Loop(10)), change(loop=Loop(10, zero="first"))),
    ("gradients_accumulating", "never reset, Adam", "strokes", change(batch=50, optimizer=adam(1e-2), loop=Loop(15)), change(loop=Loop(15, zero="never"))),
    ("output_unfit", "tanh for targets beyond 1", "hand ripple:V", change(epochs=40), change(output="tanh")),
    ("output_unfit", "sigmoid before the logits' loss", "strokes", both(ills.as_chances, change(epochs=20)), change(output="sigmoid")),
    ("output_unfit", "softmax before cross_entropy", "clusters", change(epochs=20), change(output="softmax")),
]  # fmt: skip


HEALTHY = [
    ("residual, layer norm", "clusters springs chains", change(model=net(4, 24, nn.GELU, "xavier", "layer", residual=True), optimizer=adam(2e-3), epochs=12)),
    ("two convolutions", "spots", change(model=ills.conv(), optimizer=adam(5e-3), epochs=16)),
    ("tanh convolutions, mean pooling, SGD", "spots", change(model=ills.conv((8, 8), nn.Tanh, nn.AvgPool2d, "xavier"), optimizer=sgd(0.05, 0.9), epochs=12)),
    ("batch norm and dropout, AdamW", "teacher strokes topics", change(batch=30, model=net(2, 32, norm="batch", drop=0.1), optimizer=lambda p: nn.AdamW(p, lr=3e-3), epochs=15)),
    ("one-cycle, RMSprop", "hand teacher", change(optimizer=lambda p: nn.RMSprop(p, lr=1e-3), schedule=nn.OneCycle(5e-3, 300), epochs=25, batch=24)),
    ("Lion, cosine", "largest chains", change(optimizer=lambda p: nn.Lion(p, lr=5e-3), schedule=nn.CosineAnnealing(240), epochs=25, hidden=(24,))),
    ("nesterov, gelu", "clover teacher", change(activation="gelu", optimizer=lambda p: nn.SGD(p, lr=0.05, momentum=0.9, nesterov=True), hidden=(32, 32), epochs=40)),
    ("full batch, Adam", "strokes largest", change(batch=None, optimizer=adam(1e-2), epochs=120, activation="tanh")),
    ("early stopping", "clusters clients", change(optimizer=adam(5e-3), epochs=100, callbacks=lambda: [nn.EarlyStopping(6)])),
    ("hinge loss", "clover strokes:V", change(loss=nn.hinge_loss, epochs=40)),
    ("logits of two", "clients clients:V", both(ills.as_chances, change(epochs=40, optimizer=adam(4e-3)))),
    ("huber, noisy", "ripple springs", change(loss=nn.huber_loss, epochs=80, hidden=(24,), batch=15, optimizer=adam(5e-3))),
    ("few samples", "ripple:V hand:V", both(ills.first(60), change(epochs=80, batch=15, validation=None))),
    ("a loop of one's own in batches", "clusters largest:V", change(batch=40, optimizer=adam(1e-2), loop=Loop(12))),
    ("a loop by hand", "teacher strokes:V", change(batch=50, activation="tanh", loop=Loop(20, moved=loops.down(0.1)))),
    ("a loop by hand, full batch", "clover:V", both(ills.first(120), change(batch=None, loop=Loop(80, moved=loops.down(0.2))))),
    ("a rate that decays by hand", "hand", change(batch=22, optimizer=sgd(0.1, 0.9), activation="tanh", loop=Loop(40, rate=lambda step: 0.1 * 0.995**step))),
    ("noise of a third, large batches", "teacher", both(ills.mislabelled(0.5, 0.8), change(batch=100, optimizer=adam(3e-3), activation="tanh", hidden=(16,)))),
    ("untrained", "springs clusters:V spots topics", change(trained=False)),
    ("clipping now and then, softplus", "hand", change(activation="softplus", clip=2.0, optimizer=adam(1e-2), batch=16, epochs=50)),
    ("Values, Adam", "hand:V clients:V", change(optimizer=adam(2e-2), batch=16, epochs=40)),
]  # fmt: skip


CASES = cases(TASKS, [*ILL, *(("", *line, None) for line in HEALTHY)], 20)


if __name__ == "__main__":
    report(CASES, "".join(sys.argv[1:2]))
