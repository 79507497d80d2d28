"""The unseen set: the ways to become ill of the other sets, on tasks that are of none of them.

`python -m tests.doctor.unseen` says what the doctor makes of it, and `python -m tests.doctor.truth
unseen` whether each run is what it is called, without asking him.
"""

import sys

from tests.doctor.bench import report
from tests.doctor.placing import placed
from tests.doctor.unseen_tasks import TASKS

LEFT_OUT = {
    "batch_too_small: one sample, a loop of one's own, Adam 0.02",
    "batch_too_small: one sample, nesterov",
    "batch_too_small: two samples, RMSprop, Values",
    "dead_relus: a first batch in another unit",
    "dead_relus: weights below zero for counts",
    "healthy: Values, relu",
    "healthy: a loop of one's own, Values, Adam",
    "healthy: convolutions",
    "healthy: few samples",
    "healthy: hinge loss",
    "healthy: huber loss, small batches",
    "healthy: logits of two, sigmoid units",
    "healthy: nesterov, gelu",
    "healthy: two convolutions",
    "oscillation: momentum 0.99, a loop of one's own",
    "oscillation: nesterov 0.999, Values",
    "overfitting: 50 noisy samples for 20 units",
    "overfitting: 60 noisy alloys, 24 units, Values",
    "overfitting: twenty dimensions by heart",
    "spikes: a file of classes from 1",
    "spikes: a rate that pulses",
    "vanishing_gradients: 8 narrow sigmoid layers",
}
"""Lines that need what no new task has, or are proved on none of those that fit."""

NOT_ILL: set[tuple[str, str]] = {
    ("batch_too_small: one sample, RMSprop at 0.03", "globe"),
    ("batch_too_small: one sample, RMSprop at 0.03", "juices"),
    ("class_imbalance: each class half as often as the one before", "ladder"),
    ("dead_relus: RMSprop at 0.5", "minerals"),
    ("dead_relus: RMSprop at 0.5", "shops"),
    ("dead_relus: rand - 1 for pixels", "scope"),
    ("divergence: targets as prices in cents", "juices"),
    ("healthy: Lion, cosine", "tongues"),
    ("healthy: Values, leaky, AdamW", "star"),
    ("healthy: Values, two layers, cosine", "thrown"),
    ("healthy: a loop of one's own in batches", "ladder"),
    ("healthy: a triangular rate", "tongues"),
    ("healthy: full batch, Adam", "ladder"),
    ("healthy: huber, noisy", "sugar"),
    ("healthy: one cycle, nesterov", "sugar"),
    ("healthy: seven residual tanh blocks, layer norm", "soils"),
    ("healthy: two convolutions, RMSprop", "dice"),
    ("inputs_not_normalized: a column in euros among shares", "votes"),
    ("learning_rate_too_low: one cycle with a peak of 3e-5, momentum", "scope"),
    ("nan_in_data: one infinite number", "ladder"),
    ("nan_in_data: one of three targets is not there", "hares"),
    ("nan_in_data: one of three targets is not there", "juices"),
    ("oscillation: no momentum, a rate at the edge", "juices"),
    ("output_unfit: tanh before cross_entropy", "tongues"),
    ("overfitting: 90 melodies, three layers of 96", "ladder"),
    ("overfitting: noise on a photograph", "globe"),
    ("plateau: a rate of 1/step², RMSprop", "hares"),
    ("saturated_units: one-hot letters by uniform(-4, 4)", "ladder"),
    ("saturated_units: sigmoid kernels of N(0, 10)", "dice"),
    ("spikes: a rate that jumps, Values", "thrown"),
    ("spikes: parameters that something else writes into", "shops"),
    ("spikes: parameters that something else writes into", "soils"),
    ("underfitting: AdamW with a decay of 5", "hares"),
    ("underfitting: AdamW with a decay of 5", "juices"),
    ("underfitting: a layer of one between two of 32", "shops"),
    ("underfitting: one hidden unit for six classes", "minerals"),
}  # fmt: skip
"""Lines that are not proved on a task, which are placed on the next that fits."""


CASES = placed(TASKS, 80, NOT_ILL, LEFT_OUT)


if __name__ == "__main__":
    report(CASES, "".join(sys.argv[1:2]))
