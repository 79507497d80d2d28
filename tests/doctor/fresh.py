"""The fresh set: tasks of no other set, and mostly other ways to become ill than in those.

`python -m tests.doctor.fresh` says what the doctor makes of it, and `python -m tests.doctor.truth
fresh` whether each run is what it is called, without asking him.
"""

# ruff: noqa: E501 - an illness is a line of the table

import sys

import numpy as np

from tests.doctor import ills, loops
from tests.doctor.bench import adam, report, sgd
from tests.doctor.final import adamw, lion, nesterov, rms
from tests.doctor.fresh_tasks import TASKS
from tests.doctor.ills import both, net
from tests.doctor.loops import Loop
from tests.doctor.plans import cases, change
from tests.doctor.slips import (
    Gated,
    at_first,
    column_as,
    cut_each,
    forgetful,
    hardly_any,
    knocked,
    negated,
    only,
    relabelled,
    scaled,
)  # fmt: skip
from twingrad import nn

full = change(batch=None, validation=None)
doubtful = both(ills.mislabelled(0.3, 1.2), change(validation=None))


ILL = [
    # kind, name, places, what the control has too, what is wrong
    ("vanishing_gradients", "10 softplus layers of a third of Xavier", "colours", change(model=net(10, 24, nn.Softplus, "xavier"), epochs=3, optimizer=adam(1e-3)), ills.times(0.3)),
    ("vanishing_gradients", "5 sigmoid layers with biases of -4", "wages", change(hidden=(24,) * 6, activation="sigmoid", epochs=3), change(bias=-4.0)),
    ("vanishing_gradients", "12 relu layers of a sixth of He and biases of 2, untrained", "bikes", change(hidden=(24,) * 12, trained=False), both(ills.times(0.17), change(bias=2.0))),
    ("vanishing_gradients", "10 tanh layers with biases of 2, Values", "saddle:V", change(hidden=(6,) * 10, epochs=4, optimizer=adam(1e-2)), change(bias=2.0)),
    ("exploding_gradients", "7 convolutions of N(0, 0.6)", "flags", change(model=ills.conv((8,) * 7), epochs=1, optimizer=adam(1e-3)), ills.drawn(lambda g, s: g.normal(0.0, 0.7, s))),
    ("exploding_gradients", "7 relu layers, uniform to 2", "melody", change(hidden=(40,) * 7, epochs=2, optimizer=adam(1e-4)), ills.drawn(lambda g, s: g.uniform(-2.0, 2.0, s))),
    ("exploding_gradients", "12 softplus layers, times 5, untrained", "wages", change(model=net(12, 24, nn.Softplus, "xavier"), trained=False), ills.times(5.0)),
    ("exploding_gradients", "6 linear layers of Values, N(0, 3)", "petals:V", change(hidden=(8,) * 6, activation="linear", trained=False), ills.drawn(lambda g, s: g.normal(0.0, 3.0, s))),
    ("dead_relus", "a second layer below zero", "colours saddle:V", change(hidden=(16, 12), activation="relu", epochs=8), ills.at((1,), lambda w, g: -np.abs(w))),
    ("dead_relus", "a first batch in another unit", "wages", change(batch=40, hidden=(32, 32), optimizer=sgd(0.02), loop=Loop(8)), change(loop=Loop(8, spoil=at_first))),
    ("dead_relus", "Lion at 0.3", "tones", change(hidden=(40, 40), optimizer=lion(1e-3), epochs=6), change(optimizer=lion(0.3))),
    ("saturated_units", "one-hot letters by uniform(-4, 4)", "melody", change(activation="tanh", epochs=6), ills.drawn(lambda g, s: g.uniform(-4.0, 4.0, s), 0)),
    ("saturated_units", "sigmoid kernels of N(0, 10)", "flags", change(model=ills.conv((8,), nn.Sigmoid, init="xavier"), epochs=4), ills.drawn(lambda g, s: g.normal(0.0, 10.0, s), 0)),
    ("saturated_units", "two steps at a rate of 500 times, then as planned", "reactor", change(activation="tanh", epochs=12, optimizer=sgd(0.05)), change(schedule=lambda step: 500.0 if step < 2 else 1.0)),
    ("saturated_units", "the second layer of N(0, 6), Values", "saddle:V", change(hidden=(10, 10), epochs=6), ills.drawn(lambda g, s: g.normal(0.0, 6.0, s), 1)),
    ("symmetric_initialization", "all that go into and out of the middle layer 0.2", "phase", change(model=net(3, 16, nn.Tanh, "xavier"), epochs=10), ills.alike(0.2, 1, 2)),
    ("symmetric_initialization", "-0.25 in gelu layers, Lion", "colours", change(hidden=(20, 20), activation="gelu", optimizer=lion(2e-3), epochs=8), ills.alike(-0.25)),
    ("symmetric_initialization", "one row drawn for all units", "melody", change(hidden=(24,), epochs=8, optimizer=adamw(5e-3)), both(ills.at((), lambda w, g: np.repeat(g.normal(0.0, 0.3, (len(w), 1)), w.shape[1], 1) if len(w) > 30 else np.full_like(w, 0.3)))),
    ("symmetric_initialization", "0.15 everywhere, by hand, Values", "lissajous:V", change(batch=30, hidden=(10,), loop=Loop(15, moved=loops.down(0.05))), ills.alike(0.15)),
    ("zero_initialization", "the first layer only", "colours", change(hidden=(24,), epochs=10), ills.alike(0.0, 0)),
    ("zero_initialization", "all weights 0, by hand", "reactor", change(hidden=(20, 20), activation="tanh", batch=40, loop=Loop(15, moved=loops.down(0.1))), ills.alike(0.0)),
    ("zero_initialization", "two of three layers, untrained", "wages", change(hidden=(16, 16), trained=False), ills.alike(0.0, 0, 1)),
    ("zero_initialization", "the last two layers, Values", "saddle:V", change(hidden=(8, 8), optimizer=adam(2e-2), epochs=15), ills.alike(0.0, 1, 2)),
    ("initialization_too_large", "randn for a second layer of 200 inputs", "tones", change(hidden=(200, 50), epochs=4, optimizer=adam(1e-3)), ills.drawn(lambda g, s: g.normal(size=s), 1)),
    ("initialization_too_large", "a last layer times 40", "melody", change(hidden=(40,), epochs=8, optimizer=adam(1e-3)), ills.times(40.0, 1)),
    ("initialization_too_large", "times the root of inputs where divided was meant", "wages", change(hidden=(32, 32), epochs=6, optimizer=adam(1e-3)), ills.drawn(lambda g, s: g.normal(size=s) * np.sqrt(s[0]))),
    ("initialization_too_large", "Laplace of 3, Values", "alloy:V", change(hidden=(12, 12), epochs=8), ills.drawn(lambda g, s: g.laplace(0.0, 3.0, s))),
    ("initialization_too_small", "divided by inputs, not their root", "tones", change(model=net(5, 48), optimizer=sgd(0.05, 0.9), epochs=8), ills.drawn(lambda g, s: g.normal(size=s) / s[0])),
    ("initialization_too_small", "two layers of four times 0.0001", "colours", change(hidden=(32, 32, 32), optimizer=sgd(0.1), epochs=10), ills.times(1e-4, 1, 2)),
    ("initialization_too_small", "uniform to 0.002, gelu, nesterov", "reactor", change(model=net(3, 32, nn.GELU), optimizer=nesterov(0.02), epochs=8), ills.drawn(lambda g, s: g.uniform(-0.002, 0.002, s))),
    ("initialization_too_small", "a hundredth, untrained, Values", "alloy:V", change(hidden=(8, 8, 8), trained=False), ills.times(0.01)),
    ("inputs_not_normalized", "a column of seconds since 1970", "wages", change(epochs=8), column_as(0, lambda x, g: 1.7e9 + 3e7 * x)),
    ("inputs_not_normalized", "percents, not shares, momentum", "colours", change(optimizer=sgd(0.03, 0.9), epochs=12), ills.several(lambda X: 50.0 + 29.0 * X)),
    ("inputs_not_normalized", "16 bits a pixel", "flags", change(optimizer=adam(3e-3), epochs=8), ills.several(lambda X: np.round(12000.0 * (X + 1.5)))),
    ("inputs_not_normalized", "years such as 1985, Values", "alloy:V", change(epochs=20), column_as(2, lambda x, g: 1985.0 + 20.0 * x)),
    ("learning_rate_too_high", "Adam at 0.3 for kernels", "flags", change(optimizer=adam(3e-3), epochs=8), change(optimizer=adam(0.3))),
    ("learning_rate_too_high", "momentum 0.95 at 0.5, tanh", "sheet", change(activation="tanh", optimizer=sgd(0.02, 0.95), epochs=25), change(optimizer=sgd(0.5, 0.95))),
    ("learning_rate_too_high", "a cycle up to 0.4, AdamW", "reactor", change(optimizer=adamw(1e-2), hidden=(40, 40), epochs=25), change(schedule=nn.CyclicLR(0.1, 0.4, 50), optimizer=adamw(0.1))),
    ("learning_rate_too_high", "by hand at 0.7, Values", "saddle:V", change(batch=25, loop=Loop(25, moved=loops.down(0.1))), change(loop=Loop(25, moved=loops.down(0.7)))),
    ("learning_rate_too_low", "divided by the samples once more", "colours", change(batch=50, optimizer=sgd(0.2), loop=Loop(12)), change(loop=Loop(12, between=scaled(1.0 / 525)))),
    ("learning_rate_too_low", "nesterov at 6e-5", "tones", change(optimizer=nesterov(0.02), epochs=10), change(optimizer=nesterov(6e-5))),
    ("learning_rate_too_low", "a cosine from 3e-5", "wages", change(optimizer=adam(5e-3), epochs=12, activation="gelu"), change(optimizer=adam(3e-5), schedule=nn.CosineAnnealing(312))),
    ("learning_rate_too_low", "RMSprop at 2e-5, Values", "petals:V", change(optimizer=rms(1e-2), batch=15, epochs=25), change(optimizer=rms(2e-5))),
    ("divergence", "the sum's gradient where the mean's was meant", "bikes", change(batch=52, optimizer=sgd(0.02), loop=Loop(10)), change(loop=Loop(10, between=scaled(52.0)))),
    ("divergence", "inputs in tenths", "wages", change(optimizer=sgd(0.03), epochs=8), ills.several(lambda X: 10.0 * X)),
    ("divergence", "nesterov at 0.15, three layers", "phase", change(hidden=(48, 48, 48), optimizer=nesterov(0.005), epochs=15), change(optimizer=nesterov(0.15))),
    ("divergence", "SGD at 0.6, relu, Values", "alloy:V", change(activation="relu", optimizer=sgd(0.03, 0.5), epochs=15), change(optimizer=sgd(0.6, 0.5))),
    ("plateau", "warm-up and cosine, over after two epochs", "colours", change(optimizer=adam(4e-3), epochs=25), change(schedule=nn.WarmupCosine(8, 30))),
    ("plateau", "a rate of 1/step², RMSprop", "reactor", change(optimizer=rms(3e-3), epochs=40), change(schedule=lambda step: 1.0 / (1.0 + step / 25.0) ** 2)),
    ("plateau", "a rate that ends at once, by the loop", "tones", change(batch=64, optimizer=adam(3e-3), loop=Loop(20)), change(loop=Loop(20, rate=lambda step: 3e-3 * 0.9**step))),
    ("plateau", "a fifth every ten steps, Values", "saddle:V", change(optimizer=sgd(0.05, 0.9), batch=20, epochs=40), change(schedule=nn.StepLR(10, 0.2))),
    ("oscillation", "Adam at 0.1 that remembers next to nothing", "colours", both(full, change(optimizer=adam(1e-2), activation="tanh", epochs=120)), change(optimizer=forgetful(0.1))),
    ("oscillation", "no momentum, a rate at the edge", "reactor", both(full, change(optimizer=sgd(0.1), activation="tanh", epochs=120)), change(optimizer=sgd(1.1))),
    ("oscillation", "Lion at 0.05", "alloy", both(full, change(optimizer=adam(1e-2), activation="tanh", epochs=120)), change(optimizer=lion(0.05))),
    ("oscillation", "nesterov 0.999, Values", "lissajous:V", both(full, change(optimizer=sgd(0.05, 0.9), epochs=100)), change(optimizer=nesterov(0.08, 0.999))),
    ("spikes", "parameters that something else writes into", "tones", change(batch=64, optimizer=adam(1e-2), hidden=(40,), activation="tanh", loop=Loop(60)), change(loop=Loop(60, between=knocked(0.35, 70)))),
    ("spikes", "a file of classes from 1", "sheet", change(batch=35, optimizer=adam(1e-2), hidden=(48,), activation="tanh", loop=Loop(40)), change(loop=Loop(40, spoil=relabelled))),
    ("spikes", "a rate of 4 at each 60th step, by the loop, Values", "lissajous:V", change(batch=30, optimizer=sgd(0.1), loop=Loop(60)), change(loop=Loop(60, rate=lambda step: 4.0 if step % 60 == 55 else 0.1))),
    ("spikes", "targets of the other sign, in tenths", "reactor", change(batch=26, optimizer=adam(2e-3), hidden=(40,), loop=Loop(30)), change(loop=Loop(30, spoil=negated))),
    ("batch_too_small", "one sample, Lion", "hastie", both(doubtful, change(optimizer=lion(3e-3), epochs=6)), change(batch=1)),
    ("batch_too_small", "three samples, momentum 0.95", "bikes", both(doubtful, change(optimizer=sgd(0.01, 0.95), activation="tanh", epochs=15, batch=40)), change(batch=3)),
    ("batch_too_small", "one sample, AdamW, by the loop", "petals", both(doubtful, change(optimizer=adamw(0.03), batch=30, loop=Loop(50))), change(batch=1)),
    ("batch_too_small", "two samples, RMSprop, Values", "alloy:V", both(doubtful, change(optimizer=rms(0.03), batch=28, epochs=25)), change(batch=2)),
    ("clipping_always_binds", "each parameter to a length of its own", "tones", change(batch=64, optimizer=sgd(0.1, 0.5), loop=Loop(15)), change(loop=Loop(15, between=cut_each(0.005)))),
    ("clipping_always_binds", "clip_norm 0.05, SGD", "colours", change(optimizer=sgd(0.2), epochs=15), change(clip=0.05)),
    ("clipping_always_binds", "clip_norm 0.0005, momentum, warm-up", "wages", change(optimizer=sgd(0.02, 0.9), schedule=nn.WarmupCosine(30, 400), epochs=10), change(clip=5e-4)),
    ("clipping_always_binds", "by hand to 0.02, Values", "lissajous:V", change(batch=30, loop=Loop(25, moved=loops.down(0.1))), change(loop=Loop(25, between=loops.shortened(0.02), moved=loops.down(0.1)))),
    ("underfitting", "a layer of one between two of 32", "sheet", change(hidden=(32, 16, 32), optimizer=adam(3e-2), activation="tanh", epochs=80), change(hidden=(32, 1, 32))),
    ("underfitting", "no activation, two outputs", "lissajous", change(model=net(2, 24, nn.Tanh, "xavier"), epochs=60), change(model=net(2, 24, None, "xavier"))),
    ("underfitting", "AdamW with a decay of 5", "reactor", change(optimizer=adamw(1e-2), epochs=40), change(optimizer=adamw(1e-2, 5.0))),
    ("underfitting", "one unit, Values", "saddle:V", change(hidden=(12,), optimizer=adam(2e-2), epochs=60), change(hidden=(1,))),
    ("overfitting", "70 of 900 samples", "hastie", both(ills.as_two, change(epochs=80, batch=20, hidden=(64, 64), optimizer=adam(3e-3))), ills.first(70)),
    ("overfitting", "90 melodies, three layers of 96", "melody", both(ills.first(90), change(epochs=60, batch=15, hidden=(96, 96, 96), optimizer=adamw(2e-3))), ills.mislabelled(0.25)),
    ("overfitting", "60 flowers beside forty columns of chance, batch norm", "petals", change(epochs=120, batch=15, normalize=True, hidden=(64,), optimizer=adam(5e-3)), both(ills.mislabelled(0.25), ills.beside(lambda X, g: g.normal(size=(len(X), 40))))),
    ("overfitting", "60 noisy alloys, 24 units, Values", "alloy:V", both(ills.first(60), change(epochs=250, batch=15, hidden=(24,), optimizer=adam(2e-2))), ills.mislabelled(0.9, 0.8)),
    ("class_imbalance", "3 in 100", "hastie", change(epochs=10), ills.rarest(0.03)),
    ("class_imbalance", "every second class hardly ever", "tones sheet", change(epochs=12), ills.rows(hardly_any)),
    ("class_imbalance", "two flowers of a kind, Values", "petals:V", change(epochs=20, batch=10), ills.rarest(2, 1)),
    ("constant_feature", "a column filled with its mean", "bikes", change(epochs=12), column_as(3, lambda x, g: np.zeros_like(x))),
    ("constant_feature", "a version number", "tones", change(epochs=8), ills.beside(lambda X, g: np.full((len(X), 1), 3.11))),
    ("constant_feature", "a missing value's code, twice", "hastie", change(epochs=8), ills.beside(lambda X, g: np.tile([-9.0, -9.99], (len(X), 1)))),
    ("constant_feature", "half, Values", "lissajous:V", change(epochs=20), ills.beside(lambda X, g: np.full(len(X), 0.5))),
    ("duplicate_features", "rounded to two digits", "reactor", change(epochs=15), ills.beside(lambda X, g: np.round(X[:, 1], 2))),
    ("duplicate_features", "a sensor and its neighbour, of hardly any noise", "tones", change(epochs=8), ills.beside(lambda X, g: X[:, 7] + g.normal(0.0, 0.002, len(X)))),
    ("duplicate_features", "inches, feet and metres", "wages", change(epochs=8), ills.beside(lambda X, g: X[:, [0]] * [0.083, 0.0254])),
    ("duplicate_features", "the only one, turned round, Values", "lissajous:V", change(epochs=20), ills.beside(lambda X, g: 1.0 - X)),
    ("shuffled_labels", "joined by a key that is not one", "colours", change(epochs=12), ills.columns(lambda X, g: X[g.integers(0, len(X), len(X))])),
    ("shuffled_labels", "targets ten rows early", "wages", change(epochs=10), ills.targets(lambda y, g: np.roll(y, -10, axis=0))),
    ("shuffled_labels", "every column sorted by itself", "reactor", change(epochs=20), ills.columns(lambda X, g: np.sort(X, axis=0))),
    ("shuffled_labels", "shuffled, Values", "alloy:V", change(epochs=20, batch=20), ills.targets(lambda y, g: g.permutation(y))),
    ("nan_in_data", "all of one image", "flags", change(trained=False), ills.columns(lambda X, g: np.where(np.arange(len(X))[:, None, None, None] == 77, np.nan, X))),
    ("nan_in_data", "the root of a number below zero, in a loop of one's own", "colours", change(batch=70, loop=Loop(2)), column_as(1, lambda x, g: np.sqrt(np.where(x > -1.6, x + 1.6, np.nan)))),
    ("nan_in_data", "one of three targets is not there", "reactor", change(trained=False), ills.targets(lambda y, g: np.where((np.arange(3) == 2) & (g.random((len(y), 1)) < 0.05), np.nan, y))),
    ("nan_in_data", "divided by zero, by hand, Values", "alloy:V", change(batch=35, loop=Loop(2, moved=loops.down(0.02))), column_as(0, lambda x, g: np.where(x > x.min(), x, np.inf))),
    ("parameters_never_change", "a gate of numbers", "sheet", change(model=Gated, epochs=6), change(model=lambda plan: Gated(plan, "numbers"))),
    ("parameters_never_change", "a gate that is open or shut", "hastie", change(model=lambda plan: nn.Sequential(Gated(plan), ills.column), epochs=6), change(model=lambda plan: nn.Sequential(Gated(plan, "steps"), ills.column))),
    ("parameters_never_change", "biases left out, by hand", "tones", change(batch=64, hidden=(24, 24), loop=Loop(8, moved=loops.down(0.1))), change(loop=Loop(8, moved=only(lambda p: p.ndim > 1, 0.1)))),
    ("parameters_never_change", "all but biases left out, Values", "saddle:V", change(batch=40, loop=Loop(8, moved=loops.down(0.05))), change(loop=Loop(8, moved=only(lambda p: p.label == "b", 0.05)))),
    ("ascent", "1 / loss, to make it large", "phase", change(batch=48, optimizer=sgd(5e-3), loop=Loop(4)), change(loop=Loop(4, backward=lambda loss: (1.0 / loss).backward()))),
    ("ascent", "gradients times -1 and momentum 0.95", "sheet", change(batch=60, optimizer=nesterov(5e-3, 0.95), loop=Loop(4)), change(loop=Loop(4, between=scaled(-1.0)))),
    ("ascent", "minus the loss's logarithm, Adam", "reactor", change(batch=52, optimizer=adam(3e-3), loop=Loop(5)), change(loop=Loop(5, backward=lambda loss: (-loss.log()).backward()))),
    ("ascent", "minus a minus, by hand, Values", "lissajous:V", change(batch=50, loop=Loop(4, moved=loops.down(0.03))), change(loop=Loop(4, moved=loops.down(-0.03)))),
    ("gradients_accumulating", "never reset, Lion", "tones", change(batch=80, optimizer=lion(2e-3), loop=Loop(8)), change(loop=Loop(8, zero="never"))),
    ("gradients_accumulating", "only the first layer's reset, nesterov", "colours", change(batch=70, hidden=(24, 24), optimizer=nesterov(0.01), loop=Loop(10)), change(loop=Loop(10, zero="first"))),
    ("gradients_accumulating", "once an epoch, by hand", "wages", change(batch=110, loop=Loop(8, moved=loops.down(0.12))), change(loop=Loop(8, zero="epoch", moved=loops.down(0.12)))),
    ("gradients_accumulating", "never reset, AdamW, in order, Values", "alloy:V", change(batch=35, optimizer=adamw(1e-2), loop=Loop(10, shuffle=False)), change(loop=Loop(10, zero="never", shuffle=False))),
    ("output_unfit", "tanh before cross_entropy", "colours", change(epochs=25), change(output="tanh")),
    ("output_unfit", "relu for three deviations, two layers", "reactor", change(model=net(2, 24), epochs=20), change(model=net(2, 24, end=nn.ReLU))),
    ("output_unfit", "a softmax for three numbers", "reactor", change(epochs=20), change(output="softmax")),
    ("output_unfit", "sigmoid for -1 and 1, untrained, Values", "saddle:V", change(trained=False), change(output="sigmoid")),
]  # fmt: skip


HEALTHY = [
    ("four residual gelu blocks, AdamW", "reactor colours hastie", change(model=net(5, 28, nn.GELU, "xavier", residual=True), optimizer=adamw(2e-3), epochs=14)),
    ("seven residual tanh blocks, layer norm", "sheet", change(model=net(7, 20, nn.Tanh, "xavier", "layer", residual=True), optimizer=adam(2e-3), epochs=20)),
    ("layer norm, relu, momentum", "tones wages", change(model=net(2, 32, nn.ReLU, "he", "layer"), optimizer=sgd(0.03, 0.9), epochs=10)),
    ("batch norm, leaky, Lion", "bikes", change(model=net(2, 24, nn.LeakyReLU, "he", "batch"), optimizer=lion(1e-3), epochs=12, batch=26)),
    ("two convolutions, RMSprop", "flags", change(model=ills.conv((8, 10)), optimizer=rms(2e-3), epochs=10)),
    ("gelu convolutions, mean pooling, cosine", "flags", change(model=ills.conv((8, 8), nn.GELU, nn.AvgPool2d), optimizer=adam(5e-3), schedule=nn.CosineAnnealing(90), epochs=12)),
    ("dropout of a third", "melody sheet", change(dropout=0.33, optimizer=adam(4e-3), epochs=10, hidden=(64,))),
    ("one cycle, nesterov", "colours bikes", change(optimizer=nesterov(0.03), schedule=nn.OneCycle(0.08, 400), activation="tanh", epochs=24)),
    ("steps of a half, SGD", "wages", change(optimizer=sgd(0.1), schedule=nn.StepLR(150, 0.5), epochs=15)),
    ("early stopping, two layers", "melody petals", change(optimizer=adam(4e-3), batch=16, hidden=(24, 24), epochs=60, callbacks=lambda: [nn.EarlyStopping(6)])),
    ("huber, three outputs", "reactor", change(loss=nn.huber_loss, optimizer=adam(6e-3), epochs=40)),
    ("L1, softplus", "phase", change(loss=nn.l1_loss, activation="softplus", optimizer=adam(1e-2), epochs=50)),
    ("logits of two, sigmoid units", "saddle", both(ills.as_chances, change(activation="sigmoid", optimizer=adam(3e-2), epochs=50))),
    ("hinge loss, batches of 20", "saddle hastie", change(loss=nn.hinge_loss, optimizer=adam(5e-3), batch=20, epochs=15)),
    ("full batch, Adam", "alloy lissajous", both(full, change(optimizer=adam(1e-2), activation="tanh", epochs=200))),
    ("gradients of two batches in a step, clipping now and then", "bikes", change(batch=16, clip=3.0, options={"accumulate": 2}, optimizer=adam(3e-3), epochs=20)),
    ("half of the targets noisy", "wages", both(ills.mislabelled(0.5, 0.8), change(optimizer=adam(3e-3), epochs=12, batch=50))),
    ("a loop of one's own, cosine by the loop", "sheet tones", change(batch=42, optimizer=adam(8e-3), activation="tanh", loop=Loop(25, rate=lambda step: 4e-3 * (1.0 + np.cos(min(step, 260) * np.pi / 270))))),
    ("a loop of one's own, clipping by hand now and then", "colours", change(batch=35, optimizer=sgd(0.1, 0.9), loop=Loop(15, between=loops.shortened(2.0)))),
    ("a loop by hand, three outputs", "reactor", change(batch=26, activation="tanh", loop=Loop(40, moved=loops.down(0.1)))),
    ("a loop by hand, Values", "lissajous:V", change(batch=15, loop=Loop(60, moved=loops.down(0.1)))),
    ("a loop of one's own, Values, nesterov", "saddle:V", change(batch=20, optimizer=nesterov(0.02), loop=Loop(30))),
    ("Values, leaky, AdamW", "alloy:V petals:V", change(activation="leaky_relu", optimizer=adamw(8e-3), batch=20, epochs=45)),
    ("Values, two layers, RMSprop", "phase:V saddle:V", change(hidden=(8, 8), optimizer=rms(5e-3), epochs=30)),
    ("untrained", "flags wages saddle:V melody alloy:V", change(trained=False)),
    ("a deep one, untrained", "colours", change(model=net(8, 32), trained=False)),
]  # fmt: skip


CASES = cases(TASKS, [*ILL, *(("", *line, None) for line in HEALTHY)], 60)


if __name__ == "__main__":
    report(CASES, "".join(sys.argv[1:2]))
