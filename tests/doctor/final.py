"""The final set: tasks and runs that were used once, at the end, to say how far to trust the doctor.

`python -m tests.doctor.final` says what he makes of it, and `python -m tests.doctor.truth final`
whether each run is what it is called, without asking him.
"""

# ruff: noqa: E501 - an illness is a line of the table

import sys
from typing import Any

import numpy as np

from tests.doctor import ills, loops
from tests.doctor.bench import adam, report, sgd
from tests.doctor.final_tasks import TASKS
from tests.doctor.ills import both, net
from tests.doctor.loops import Loop
from tests.doctor.plans import cases, change
from twingrad import Tensor, nn

full = change(batch=None, validation=None)
noisy = both(ills.mislabelled(0.3, 1.3), change(validation=None))


def nesterov(lr: float, momentum: float = 0.9) -> Any:
    return lambda p: nn.SGD(p, lr=lr, momentum=momentum, nesterov=True)


def adamw(lr: float, decay: float = 1e-2) -> Any:
    return lambda p: nn.AdamW(p, lr=lr, weight_decay=decay)


def rms(lr: float) -> Any:
    return lambda p: nn.RMSprop(p, lr=lr)


def lion(lr: float) -> Any:
    return lambda p: nn.Lion(p, lr=lr)


class Skipping(nn.Module):
    """A model of two branches, one of which is taken out of the graph, or not used at all."""

    def __init__(self, plan: Any, wrong: str) -> None:
        width, rng = int(np.prod(plan.task.X.shape[1:])), np.random.default_rng(plan.seed)
        self.left = nn.Linear(width, 24, rng=rng)
        self.right = nn.Linear(width, 24, rng=rng)
        self.last = nn.Linear(24, plan.task.outputs, rng=rng)
        self.wrong = wrong

    def forward(self, x: Any) -> Any:
        """The mistake is in what becomes of the right branch."""
        left, right = self.left(x).relu(), self.right(x).tanh()
        if self.wrong == "cut":
            right = right.detach()
        return self.last(left if self.wrong == "unused" else left + right)


def lost(step: int, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mistake is a batch whose inputs were not scaled, once in a while."""
    return (X * 8.0, y) if step % 70 == 60 else (X, y)


def pulsing(step: int) -> float:
    return 800.0 if step % 80 == 70 else 1.0


def in_cents(step: int, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mistake is a batch whose targets are in another unit."""
    return (X, 12.0 * y) if step % 45 == 40 else (X, y)


ILL = [
    # kind, name, places, what the control has too, what is wrong
    ("vanishing_gradients", "15 sigmoid layers, Adam", "roll loans", change(model=net(15, 20), epochs=4, optimizer=adam(1e-3)), change(model=net(15, 20, nn.Sigmoid, "xavier"))),
    ("vanishing_gradients", "sigmoid convolutions and layers", "handwriting", change(model=ills.conv((6, 8, 8, 8, 8, 8, 8)), epochs=3, optimizer=adam(1e-3)), change(model=ills.conv((6, 8, 8, 8, 8, 8, 8), nn.Sigmoid, init="xavier"))),
    ("vanishing_gradients", "9 sigmoid layers of Values", "octants:V", change(hidden=(6,) * 9, activation="relu", epochs=8), change(activation="sigmoid")),
    ("exploding_gradients", "16 gelu layers of N(0, 0.6), untrained", "roll", change(model=net(16, 40, nn.GELU), trained=False), ills.drawn(lambda g, s: g.normal(0.0, 0.6, s))),
    ("exploding_gradients", "10 linear layers, weights times 4", "tides", change(model=net(10, 24, None, "xavier"), epochs=2, optimizer=sgd(1e-5)), ills.times(4.0)),
    ("exploding_gradients", "a residual stack of large weights", "picture", change(model=net(12, 32, nn.LeakyReLU, "xavier", residual=True), trained=False), ills.times(3.5)),
    ("exploding_gradients", "9 relu layers of Values, N(0, 2)", "circuit:V", change(hidden=(9,) * 9, activation="relu", trained=False), ills.drawn(lambda g, s: g.normal(0.0, 2.0, s))),
    ("dead_relus", "rand - 1 for pixels", "handwriting", change(convolution=False, hidden=(40, 20), epochs=8), ills.drawn(lambda g, s: g.uniform(-1.0, 0.0, s), 0)),
    ("dead_relus", "RMSprop at 0.5", "roll", change(hidden=(40, 40), optimizer=rms(1e-3), epochs=8), change(optimizer=rms(0.5))),
    ("dead_relus", "biases of -10", "octants dial:V", change(activation="relu", epochs=10), change(bias=-10.0)),
    ("saturated_units", "around 40", "picture", change(activation="tanh", epochs=10), ills.columns(lambda X, g: X + 40.0)),
    ("saturated_units", "sigmoid, inputs times 100", "roll circuit:V", change(activation="sigmoid", epochs=10), ills.columns(lambda X, g: 100.0 * X)),
    ("saturated_units", "biases of 7 in tanh", "patients", change(activation="tanh", epochs=10), change(bias=7.0)),
    ("symmetric_initialization", "1/inputs for all, Adam", "handwriting", change(convolution=False, hidden=(20, 20), epochs=12), ills.at((), lambda w, g: np.full_like(w, 1.0 / len(w)))),
    ("symmetric_initialization", "all weights 0.2, Values", "octants:V", change(hidden=(12,), epochs=30), ills.alike(0.2)),
    ("symmetric_initialization", "kernels and weights of 0.1", "weaves", change(epochs=8), ills.alike(0.1)),
    ("symmetric_initialization", "ones, untrained", "roll:V", change(activation="tanh", trained=False), ills.alike(1.0)),
    ("zero_initialization", "all weights 0, leaky", "basket", change(activation="leaky_relu", hidden=(24, 24)), ills.alike(0.0)),
    ("zero_initialization", "kernels and all after them", "weaves", change(epochs=8), ills.alike(0.0)),
    ("zero_initialization", "all weights 0, Values", "patients:V roll:V", both(ills.first(300), change(hidden=(8, 8), epochs=20)), ills.alike(0.0)),
    ("initialization_too_large", "randn for 128 units", "handwriting", change(convolution=False, hidden=(128, 64), epochs=6), ills.drawn(lambda g, s: g.normal(size=s))),
    ("initialization_too_large", "He times 12", "dial loans", change(hidden=(48, 48), epochs=6), ills.times(12.0)),
    ("initialization_too_large", "10 * rand - 5, Values", "octants:V", change(hidden=(12, 12), epochs=10), ills.drawn(lambda g, s: g.uniform(-5.0, 5.0, s))),
    ("initialization_too_small", "randn * 0.001", "handwriting", change(convolution=False, hidden=(48, 48, 48), optimizer=sgd(0.1, 0.9), epochs=8), ills.drawn(lambda g, s: 0.001 * g.normal(size=s))),
    ("initialization_too_small", "a thirtieth of Xavier, tanh, untrained", "promoter", change(model=net(5, 32, nn.Tanh, "xavier"), trained=False), ills.times(0.03)),
    ("initialization_too_small", "N(0, 0.001), Values", "roll:V picture:V", change(hidden=(10, 10), optimizer=sgd(0.03), epochs=8), ills.drawn(lambda g, s: 0.001 * g.normal(size=s))),
    ("inputs_not_normalized", "bytes", "handwriting", change(convolution=False, hidden=(32,), activation="tanh", epochs=10), ills.columns(lambda X, g: np.round(255.0 * X))),
    ("inputs_not_normalized", "kelvin and pascal", "roll picture:V", change(activation="tanh", epochs=25), ills.columns(lambda X, g: np.hstack([293.0 + 8.0 * X[:, :1], 101325.0 + 800.0 * X[:, 1:2], X[:, 2:]]))),
    ("inputs_not_normalized", "a column in euros among shares", "loans", change(epochs=12), ills.columns(lambda X, g: X * np.where(np.arange(9) == 0, 20000.0, 0.2))),
    ("learning_rate_too_high", "AdamW at 1", "handwriting", change(convolution=False, hidden=(48,), optimizer=adamw(3e-3), epochs=12), change(optimizer=adamw(1.0))),
    ("learning_rate_too_high", "nesterov at 2", "dial", change(hidden=(32, 32), optimizer=nesterov(0.02)), change(optimizer=nesterov(2.0))),
    ("learning_rate_too_high", "by hand at 4", "octants", change(batch=50, activation="tanh", loop=Loop(40, moved=loops.down(0.1))), change(loop=Loop(40, moved=loops.down(4.0)))),
    ("learning_rate_too_high", "Adam at 1.5, Values", "roll:V", change(optimizer=adam(1e-2), epochs=25), change(optimizer=adam(1.5))),
    ("learning_rate_too_low", "AdamW at 1e-6", "basket", change(optimizer=adamw(3e-3), epochs=25), change(optimizer=adamw(1e-6))),
    ("learning_rate_too_low", "Lion at 1e-6", "dial", change(optimizer=lion(1e-3), epochs=20), change(optimizer=lion(1e-6))),
    ("learning_rate_too_low", "one cycle with a peak of 3e-5, momentum", "weaves", change(optimizer=sgd(0.05, 0.9), epochs=15), change(schedule=nn.OneCycle(3e-5, 100))),
    ("learning_rate_too_low", "in a loop of one's own at 1e-4", "picture:V", change(batch=64, optimizer=sgd(0.1), loop=Loop(8)), change(optimizer=sgd(1e-4))),
    ("divergence", "momentum 0.95 at 0.6 on squares", "picture", change(hidden=(64,), optimizer=sgd(0.02, 0.9)), change(optimizer=sgd(0.6, 0.95))),
    ("divergence", "a sum over the batch, by hand", "basket", change(batch=90, loop=Loop(10, moved=loops.down(0.02))), change(loss=lambda o, t: nn.mse_loss(o, t, reduction="sum"))),
    ("divergence", "by hand at 2, Values", "circuit:V", both(full, change(activation="relu", loop=Loop(30, moved=loops.down(0.02)))), change(loop=Loop(30, moved=loops.down(2.0)))),
    ("divergence", "targets as prices in cents", "tides", change(optimizer=sgd(0.05, 0.9), hidden=(48, 48)), ills.targets(lambda y, g: 500.0 * y + 3000.0)),
    ("plateau", "a rate of a tenth after each epoch", "handwriting", change(convolution=False, optimizer=adam(1e-3), epochs=25, hidden=(32,)), change(schedule=nn.StepLR(12, 0.3))),
    ("plateau", "a cycle that is over after 40 steps", "dial", change(optimizer=adam(5e-3), epochs=25), change(schedule=nn.OneCycle(5e-3, 40))),
    ("plateau", "a rate cut by hand", "roll", change(batch=60, optimizer=sgd(0.1, 0.9), loop=Loop(40)), change(loop=Loop(40, rate=lambda step: 0.1 * 0.93**step))),
    ("plateau", "exp(-step), Values", "octants:V", change(optimizer=adam(1e-2), epochs=40), change(schedule=nn.ExponentialLR(0.94))),
    ("spikes", "a rate that pulses", "roll", change(optimizer=adam(2e-3), hidden=(40,), epochs=30), change(schedule=pulsing)),
    ("spikes", "a rate that leaps at each 50th step, RMSprop", "tides", change(optimizer=rms(2e-3), epochs=40), change(schedule=lambda step: 120.0 if step % 50 == 49 else 1.0)),
    ("spikes", "a batch that was not scaled", "tides", change(batch=30, optimizer=adam(3e-3), loop=Loop(40)), change(loop=Loop(40, spoil=lost))),
    ("spikes", "a batch with targets in another unit, Values", "picture:V", both(ills.first(160), change(batch=20, optimizer=sgd(0.04), loop=Loop(25))), change(loop=Loop(25, spoil=in_cents))),
    ("batch_too_small", "one sample, nesterov", "basket", both(noisy, change(optimizer=nesterov(0.01), batch=36, epochs=15)), change(batch=1)),
    ("batch_too_small", "one sample, RMSprop at 0.03", "tides", both(noisy, change(optimizer=rms(0.03), batch=31, epochs=12, activation="tanh")), change(batch=1)),
    ("batch_too_small", "one sample, SGD", "circuit:V", both(noisy, change(optimizer=sgd(0.1), batch=14, epochs=80)), change(batch=1)),
    ("batch_too_small", "one sample, a loop of one's own, Adam 0.02", "patients", both(noisy, change(batch=32, optimizer=adam(0.03), hidden=(8,), activation="tanh", epochs=25)), change(batch=1)),
    ("clipping_always_binds", "clip_norm 0.003", "basket", change(optimizer=sgd(0.05)), change(clip=3e-3)),
    ("clipping_always_binds", "by hand to 0.01", "dial", change(batch=60, loop=Loop(20, moved=loops.down(0.3))), change(loop=Loop(20, between=loops.shortened(0.01), moved=loops.down(0.3)))),
    ("clipping_always_binds", "clip_norm 0.01, momentum", "handwriting", change(optimizer=sgd(0.05, 0.9), epochs=10), change(clip=0.01)),
    ("clipping_always_binds", "clip_norm 0.001, Values", "roll:V", change(optimizer=sgd(0.1, 0.5)), change(clip=1e-3)),
    ("oscillation", "momentum 0.998", "picture", both(full, change(optimizer=sgd(0.05, 0.9), activation="tanh", epochs=150)), change(optimizer=sgd(0.02, 0.998))),
    ("oscillation", "momentum 0.99, a loop of one's own", "circuit", both(full, change(optimizer=sgd(0.05, 0.8), activation="tanh", loop=Loop(150))), change(optimizer=sgd(0.12, 0.99))),
    ("oscillation", "momentum 0.995, Values", "octants:V", both(full, change(optimizer=sgd(0.05, 0.9), epochs=120)), change(optimizer=sgd(0.05, 0.995))),
    ("oscillation", "momentum 0.995", "loans", both(full, change(optimizer=sgd(0.1, 0.9), activation="tanh", epochs=100)), change(optimizer=sgd(0.1, 0.995))),
    ("underfitting", "one hidden unit for twelve hours", "dial", change(epochs=60, hidden=(32,)), change(hidden=(1,))),
    ("underfitting", "no activation", "octants", change(model=net(2, 24), epochs=30), change(model=net(2, 24, None))),
    ("underfitting", "a weight decay of 0.3", "picture", change(optimizer=sgd(0.05, 0.9), epochs=30), change(optimizer=sgd(0.05, 0.9, 0.3))),
    ("underfitting", "no hidden layer, Values", "octants:V", change(epochs=60), change(hidden=())),
    ("overfitting", "120 samples of digits, a quarter mislabelled", "handwriting", both(ills.first(120), change(convolution=False, hidden=(128,), optimizer=adam(3e-3), epochs=120, batch=20)), ills.mislabelled(0.25)),
    ("overfitting", "100 letters' samples", "promoter", both(ills.first(100), change(hidden=(64, 64), optimizer=adamw(3e-3), epochs=120, batch=25)), ills.mislabelled(0.2)),
    ("overfitting", "twenty dimensions by heart", "patients:V", both(ills.as_two, change(hidden=(12,), optimizer=adam(1e-2), epochs=200, batch=20)), ills.mislabelled(0.3)),
    ("overfitting", "noise on a photograph", "picture", both(ills.first(110), change(hidden=(96, 96), activation="tanh", optimizer=adam(4e-3), epochs=350, batch=20)), ills.mislabelled(0.9, 1.0)),
    ("class_imbalance", "1 in 21", "loans patients:V", change(epochs=15), ills.rarest(0.05)),
    ("class_imbalance", "five of one hour", "dial", change(epochs=15), ills.rarest(5, 4)),
    ("class_imbalance", "each stretch half as often as the one before", "roll", change(epochs=20), ills.rows(ills.long_tail)),
    ("constant_feature", "a sensor that always says -40", "tides", change(epochs=12), ills.beside(lambda X, g: np.full(len(X), -40.0))),
    ("constant_feature", "a good that nobody buys", "basket roll:V", change(epochs=12), ills.beside(lambda X, g: np.zeros(len(X)))),
    ("constant_feature", "ones for a bias", "patients", change(epochs=12), ills.beside(lambda X, g: np.ones(len(X)))),
    ("duplicate_features", "fahrenheit beside celsius", "loans circuit:V", change(epochs=12), ills.beside(lambda X, g: 1.8 * X[:, 3] + 0.3)),
    ("duplicate_features", "the last one of 16 twice", "tides", change(epochs=12), ills.beside(lambda X, g: X[:, -1])),
    ("duplicate_features", "all columns joined twice", "roll", change(epochs=12), ills.beside(lambda X, g: X)),
    ("shuffled_labels", "shuffled", "basket octants:V", change(epochs=20), ills.targets(lambda y, g: g.permutation(y))),
    ("shuffled_labels", "the samples sorted, the labels not", "roll", change(epochs=20), ills.columns(lambda X, g: X[np.argsort(X[:, 0])])),
    ("shuffled_labels", "labels read backwards", "handwriting", change(convolution=False, epochs=15), ills.targets(lambda y, g: y[::-1].copy())),
    ("nan_in_data", "a pixel of one image", "weaves", change(trained=False), ills.columns(lambda X, g: np.where(np.arange(X.size).reshape(X.shape) == 9001, np.nan, X))),
    ("nan_in_data", "a column divided by its spread, which is zero", "loans", change(trained=False), ills.beside(lambda X, g: np.full(len(X), np.nan))),
    ("nan_in_data", "a target of -inf", "circuit:V", change(trained=False), ills.targets(lambda y, g: np.where(np.arange(len(y)) == 17, -np.inf, y))),
    ("nan_in_data", "gaps, trained in a loop of one's own", "tides", change(batch=50, loop=Loop(4)), ills.columns(lambda X, g: np.where(g.random(X.shape) < 0.01, np.nan, X))),
    ("parameters_never_change", "a branch detached", "roll", change(model=lambda plan: Skipping(plan, ""), epochs=8), change(model=lambda plan: Skipping(plan, "cut"))),
    ("parameters_never_change", "a branch that forward leaves out", "dial", change(model=lambda plan: Skipping(plan, ""), epochs=8), change(model=lambda plan: Skipping(plan, "unused"))),
    ("parameters_never_change", "zero_grad before step", "octants:V", both(ills.first(120), change(batch=40, loop=Loop(8))), change(loop=Loop(8, zero="late"))),
    ("parameters_never_change", "detach() of the loss, Adam", "picture", change(batch=64, loop=Loop(6)), change(loop=Loop(6, backward=lambda loss: Tensor(float(loss)).backward()))),
    ("ascent", "plus for minus, by hand", "roll picture:V", change(batch=100, loop=Loop(3, moved=loops.down(0.02))), change(loop=Loop(3, moved=loops.up(0.02)))),
    ("ascent", "a gradient with the wrong sign, momentum", "tides", change(batch=31, optimizer=sgd(0.005, 0.9), loop=Loop(3)), change(loop=Loop(3, between=loops.flipped))),
    ("ascent", "(-loss).backward(), RMSprop", "dial", change(batch=90, optimizer=rms(1e-3), loop=Loop(4)), change(loop=Loop(4, backward=lambda loss: (-loss).backward()))),
    ("gradients_accumulating", "never reset, full batch, momentum", "roll", both(full, change(optimizer=sgd(0.05, 0.5), loop=Loop(60))), change(loop=Loop(60, zero="never"))),
    ("gradients_accumulating", "never reset, by hand", "octants:V", both(ills.first(150), change(batch=50, loop=Loop(12, moved=loops.down(0.05)))), change(loop=Loop(12, zero="never", moved=loops.down(0.05)))),
    ("gradients_accumulating", "once an epoch, RMSprop", "handwriting", change(convolution=False, batch=50, optimizer=rms(3e-3), loop=Loop(6)), change(loop=Loop(6, zero="epoch"))),
    ("gradients_accumulating", "never reset, in order, SGD", "tides", change(batch=31, optimizer=sgd(0.02), loop=Loop(8, shuffle=False)), change(loop=Loop(8, zero="never", shuffle=False))),
    ("output_unfit", "relu for a picture's deviations", "picture", change(epochs=20), change(output="relu")),
    ("output_unfit", "softmax before cross_entropy", "roll", change(epochs=20), change(output="softmax")),
    ("output_unfit", "sigmoid for targets of any size, Values", "circuit:V", change(epochs=40), change(output="sigmoid")),
    ("output_unfit", "softplus for targets below zero", "basket", change(epochs=20), change(model=net(1, 32, end=nn.Softplus))),
]  # fmt: skip


HEALTHY = [
    ("residual tanh blocks, cosine", "picture octants tides", change(model=net(5, 24, nn.Tanh, "xavier", residual=True), optimizer=adam(3e-3), schedule=nn.CosineAnnealing(600), epochs=30)),
    ("layer norm, gelu, AdamW", "dial picture", change(model=net(3, 32, nn.GELU, "xavier", "layer"), optimizer=adamw(2e-3), epochs=12)),
    ("one convolution, stopped early", "weaves", change(model=ills.conv((8,)), optimizer=adam(2e-3), epochs=40, callbacks=lambda: [nn.EarlyStopping(3)])),
    ("convolutions", "handwriting", change(model=ills.conv((8, 12)), optimizer=adam(4e-3), epochs=8)),
    ("leaky convolutions, mean pooling, nesterov", "handwriting", change(model=ills.conv((6, 8), nn.LeakyReLU, nn.AvgPool2d), optimizer=nesterov(0.05), epochs=14)),
    ("dropout of a fifth", "promoter patients", change(dropout=0.2, optimizer=adam(5e-3), epochs=12, batch=16, hidden=(24,))),
    ("batch norm, RMSprop", "roll loans", change(model=net(2, 24, norm="batch"), optimizer=rms(2e-3), epochs=10, batch=25)),
    ("warm-up and cosine", "picture tides", change(hidden=(40, 40), optimizer=adam(8e-3), schedule=nn.WarmupCosine(40, 500), epochs=28)),
    ("a triangular rate", "dial", change(optimizer=sgd(0.1, 0.9), schedule=nn.CyclicLR(0.005, 0.06, 60), epochs=25)),
    ("gradients of four batches in a step", "roll", change(batch=8, options={"accumulate": 4}, epochs=15)),
    ("early stopping", "patients promoter", change(optimizer=adam(3e-3), epochs=80, callbacks=lambda: [nn.EarlyStopping(8)])),
    ("L1 loss", "basket tides", change(loss=nn.l1_loss, optimizer=adam(5e-3), epochs=25)),
    ("huber loss, small batches", "circuit", change(loss=nn.huber_loss, batch=6, optimizer=adam(4e-3), epochs=60, hidden=(16,), validation=None)),
    ("hinge loss", "octants:V loans", change(loss=nn.hinge_loss, optimizer=adam(5e-3), batch=40, epochs=15)),
    ("logits of two", "loans", both(ills.as_chances, change(optimizer=adamw(4e-3), epochs=15, batch=50))),
    ("full batch, momentum", "octants circuit:V", both(full, change(optimizer=sgd(0.15, 0.9), activation="tanh", hidden=(16,), epochs=250))),
    ("noisy targets", "picture", both(ills.mislabelled(0.6, 0.5), change(optimizer=adam(4e-3), epochs=80, hidden=(40, 40), batch=64))),
    ("a loop of one's own", "roll handwriting", change(batch=40, loop=Loop(20))),
    ("a loop of one's own, in order, Lion", "dial", change(batch=30, optimizer=lion(3e-3), loop=Loop(15))),
    ("a loop by hand", "tides", change(batch=31, activation="tanh", loop=Loop(30, moved=loops.down(0.1)))),
    ("a loop by hand, Values", "octants:V", both(ills.first(200), change(batch=20, loop=Loop(25, moved=loops.down(0.15))))),
    ("a loop of one's own, Values, Adam", "circuit:V", change(batch=14, optimizer=adam(1e-2), loop=Loop(40))),
    ("Values, relu", "circuit:V roll:V", change(activation="relu", optimizer=adam(1e-2), hidden=(12,), epochs=60, validation=None)),
    ("Values, two layers, cosine", "octants:V tides:V", change(hidden=(10, 10), optimizer=adam(1.5e-2), schedule=nn.CosineAnnealing(900), epochs=35)),
    ("untrained", "handwriting loans patients:V weaves", change(trained=False)),
]  # fmt: skip


CASES = cases(TASKS, [*ILL, *(("", *line, None) for line in HEALTHY)], 40)


if __name__ == "__main__":
    report(CASES, "".join(sys.argv[1:2]))
