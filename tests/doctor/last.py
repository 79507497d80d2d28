"""The last set: the ways to become ill of the other sets, on tasks that are of none of them.

`python -m tests.doctor.last` says what the doctor makes of it, and `python -m tests.doctor.truth
last` whether each run is what it is called, without asking him.
"""

import sys

from tests.doctor.bench import report
from tests.doctor.last_tasks import TASKS
from tests.doctor.placing import placed

LEFT_OUT = {
    "healthy: hinge loss",
}
"""A line that two sets have by one name, of which one is not proved."""

NOT_ILL: set[tuple[str, str]] = {
    ("batch_too_small: one sample, SGD", "beam"),
    ("batch_too_small: one sample, a loop of one's own, Adam 0.02", "shore"),
    ("batch_too_small: one sample, nesterov", "bakery"),
    ("batch_too_small: one sample, nesterov", "echo"),
    ("batch_too_small: two samples, RMSprop, Values", "beam"),
    ("batch_too_small: two samples, momentum", "orbit"),
    ("dead_relus: weights below zero for counts", "stones"),
    ("healthy: Values, two layers, RMSprop", "shore"),
    ("healthy: a loop of one's own in batches", "quarters"),
    ("healthy: gelu convolutions, mean pooling, cosine", "arrows"),
    ("healthy: leaky convolutions, mean pooling, nesterov", "arrows"),
    ("healthy: logits of two", "shore"),
    ("healthy: tanh convolutions, mean pooling, SGD", "arrows"),
    ("inputs_not_normalized: a column in euros among shares", "mushrooms"),
    ("nan_in_data: one infinite number", "quarters"),
    ("nan_in_data: one of three targets is not there", "orbit"),
    ("oscillation: Adam at 0.1 that remembers next to nothing", "codes"),
    ("oscillation: Adam at 0.1 that remembers next to nothing", "kitchens"),
    ("oscillation: Adam at 0.1 that remembers next to nothing", "stones"),
    ("oscillation: Adam at 0.1 that remembers next to nothing", "vowels"),
    ("overfitting: 60 flowers beside forty columns of chance, batch norm", "birds"),
    ("overfitting: twenty dimensions by heart", "shore"),
    ("plateau: a fifth every ten steps, Values", "shore"),
    ("plateau: a rate cut by hand", "quarters"),
    ("spikes: a file of classes from 1", "quarters"),
    ("spikes: a rate that leaps at each 50th step, RMSprop", "dyes"),
    ("spikes: a rate that leaps at each 50th step, RMSprop", "orbit"),
    ("spikes: a rate that pulses", "codes"),
    ("spikes: a rate that pulses", "kitchens"),
    ("spikes: a rate that pulses", "quarters"),
    ("spikes: a rate that pulses", "stones"),
    ("spikes: a rate that pulses", "vowels"),
    ("underfitting: AdamW with a decay of 3", "echo"),
    ("underfitting: a layer of one between two of 32", "codes"),
    ("underfitting: a layer of one between two of 32", "kitchens"),
    ("underfitting: a layer of one between two of 32", "stones"),
    ("underfitting: one hidden unit for six classes", "codes"),
    ("underfitting: one hidden unit for twelve hours", "stones"),
    ("underfitting: one hidden unit for twelve hours", "vowels"),
}  # fmt: skip
"""Lines that are not proved on a task, which are placed on the next that fits."""


CASES = placed(TASKS, 90, NOT_ILL, LEFT_OUT)


if __name__ == "__main__":
    report(CASES, "".join(sys.argv[1:2]))
