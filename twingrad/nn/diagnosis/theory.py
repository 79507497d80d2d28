"""What each kind of finding means: its title, why it is so by theory and who showed it, its rank.

The order of the table is the order in which to act: what spoils everything after it comes first.
"""

from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of finding: what is wrong in one sentence, and the theory in two, with its source."""

    title: str
    why: str


KINDS: dict[str, Kind] = {
    "nan_in_data": Kind(
        "The data holds numbers that are none.",
        "Any sum with a NaN in it is NaN, so one of them reaches every weight within one step and "
        "stays there. No later step can take it out again (IEEE 754-2019, section 6.2).",
    ),
    "parameters_never_change": Kind(
        "Some parameters are what they were before training.",
        "A parameter moves only if the loss depends on it, its gradient is not zero, and the "
        "optimizer holds it. Where one link of this chain is missing nothing fails, and nothing "
        "is learned (Rumelhart, Hinton & Williams 1986, Nature 323).",
    ),
    "ascent": Kind(
        "The steps go up the slope.",
        "The gradient points to where the loss grows fastest, so a step has to go against it. "
        "Added instead of subtracted, each step makes the model worse (Cauchy 1847).",
    ),
    "another_loss": Kind(
        "The loop lowers another loss than the one asked about.",
        "A step lowers the loss whose gradient it takes, and no other. If that is computed from "
        "one sample, or from other targets, nothing makes the loss over all samples fall, which "
        "is what learning minimises (Vapnik 1992, NIPS 4, on empirical risk).",
    ),
    "gradients_accumulating": Kind(
        "Each step takes the sum of all gradients so far.",
        "backward() adds to gradients, so that several losses can share a step. Never reset, they "
        "become a momentum that nothing damps, which overshoots and comes back for ever "
        "(Polyak 1964, on damping).",
    ),
    "output_unfit": Kind(
        "The outputs cannot be what the loss asks for.",
        "A loss belongs to an output activation: squared error to none, cross-entropy to logits "
        "that it turns into probabilities itself. With another one the targets lie out of reach, "
        "or the gradient is squashed twice (Bishop 2006, section 5.2).",
    ),
    "shuffled_labels": Kind(
        "The labels look as if they belonged to other samples.",
        "Where there is something to learn, samples that lie close together have similar labels "
        "more often than by chance. A network fits shuffled labels too, by heart, and says nothing "
        "of new samples (Schilling 1986, JASA 81; Zhang et al. 2017, arXiv:1611.03530).",
    ),
    "zero_initialization": Kind(
        "The weights began at zero, and pass nothing on.",
        "The gradient of a layer is a product of the numbers below it and the weights above it. "
        "Where both are zero so is the gradient, and no step ever leaves that point "
        "(Goodfellow, Bengio & Courville 2016, section 8.4).",
    ),
    "symmetric_initialization": Kind(
        "Units of a layer are copies of each other.",
        "Units with equal weights give equal outputs and get equal gradients, so they stay equal "
        "for ever. A layer of copies can do no more than one unit (Rumelhart, Hinton & Williams "
        "1986, on breaking the symmetry; Goodfellow et al. 2016, section 8.4).",
    ),
    "initialization_too_large": Kind(
        "The weights began too large.",
        "A sum of n terms has n times their variance, so weights need a variance near 2/n (relu) "
        "or 1/n (tanh) to keep the size of a signal. Larger ones make it grow from layer to layer, "
        "and the first answers are confident and wrong (Glorot & Bengio 2010; He et al. 2015, "
        "arXiv:1502.01852).",
    ),
    "initialization_too_small": Kind(
        "The weights began too small.",
        "A sum of n terms has n times their variance, so weights need a variance near 2/n (relu) "
        "or 1/n (tanh) to keep the size of a signal. Smaller ones make it fade from layer to "
        "layer, and the gradient with it (Glorot & Bengio 2010; He et al. 2015, "
        "arXiv:1502.01852).",
    ),
    "inputs_not_normalized": Kind(
        "The inputs are far from mean 0 and spread 1.",
        "The curvature of the loss along a weight grows with the square of its input, and one "
        "learning rate serves all of them. Inputs of other sizes make a narrow valley, in which a "
        'step is too long one way and too short the other (LeCun et al. 1998, "Efficient '
        'BackProp", section 4.3).',
    ),
    "dead_relus": Kind(
        "Units are never active.",
        "relu passes no gradient where its input is negative. A unit for which that is so at every "
        "sample learns nothing more, whatever the loss says (Lu, Shin, Su & Karniadakis 2019, "
        "arXiv:1903.06733).",
    ),
    "saturated_units": Kind(
        "Units stand in the flat part of their activation.",
        "tanh and sigmoid are flat far from zero, and a gradient is multiplied by that slope. "
        "Units that are always there pass on next to nothing (Glorot & Bengio 2010, section 3).",
    ),
    "vanishing_gradients": Kind(
        "The gradient fades on its way to the first layers.",
        "On its way back the gradient is multiplied at each layer by the weights and by the slope "
        "of the activation, at most 0.25 for a sigmoid. Factors below 1 multiply to nothing over "
        "many layers (Hochreiter 1991; Bengio, Simard & Frasconi 1994; Glorot & Bengio 2010).",
    ),
    "exploding_gradients": Kind(
        "The gradient grows beyond bounds.",
        "On its way back the gradient is multiplied at each layer by the weights and by the slope "
        "of the activation. Factors above 1 multiply to a step that throws the weights away "
        "(Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063).",
    ),
    "divergence": Kind(
        "Training ran away.",
        "Gradient descent is stable while the learning rate is below 2/curvature; beyond it each "
        "step overshoots by more than the last. The loss then grows by a factor a step, up to "
        "infinity (Nesterov 2004, section 1.2.3; LeCun et al. 1998, section 5).",
    ),
    "learning_rate_too_high": Kind(
        "The learning rate is too high.",
        "Along a direction of curvature c, a step by the rate lr multiplies the distance to the "
        "minimum by |1 - lr c|. That is above 1 as soon as lr > 2/c (LeCun et al. 1998, "
        '"Efficient BackProp", section 5; Goodfellow et al. 2016, section 4.3).',
    ),
    "oscillation": Kind(
        "The loss swings to and fro.",
        "With lr between 1/c and 2/c each step crosses the valley of curvature c, and lands on the "
        "other side. Successive gradients then point against each other (LeCun et al. 1998, "
        "section 5; Cohen et al. 2021, arXiv:2103.00065).",
    ),
    "learning_rate_too_low": Kind(
        "The learning rate is too low.",
        "The loss falls by about lr times the squared gradient in a step, while lr is small. A "
        "rate a hundred times too low needs a hundred times the steps (Smith 2017, "
        "arXiv:1506.01186; Bengio 2012, arXiv:1206.5533, section 3.1).",
    ),
    "spikes": Kind(
        "The loss jumps up and comes back.",
        "A few samples with huge gradients, or a rate near the edge of stability, throw the "
        "weights off now and then. Clipping bounds the throw, a lower rate or warm-up prevents it "
        "(Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063; Goyal et al. 2017, arXiv:1706.02677).",
    ),
    "batch_too_small": Kind(
        "A step follows the noise of its few samples.",
        "The mean gradient of B samples has 1/B of the variance of one; the noise scale, variance "
        "over squared mean, is the B at which the two are even. Far below it steps cancel each "
        "other, and the loss stays above what the gradient could reach (McCandlish et al. 2018, "
        "arXiv:1812.06162).",
    ),
    "clipping_always_binds": Kind(
        "Clipping cuts every step.",
        "Clipping is a belt for the rare wild gradient. If it binds at each step, only the "
        "direction of the gradient is left, and the limit is a learning rate in disguise (Pascanu, "
        "Mikolov & Bengio 2013, arXiv:1211.5063; Zhang et al. 2020, arXiv:1905.11881).",
    ),
    "plateau": Kind(
        "The loss stands still, though there is more to learn.",
        "Where the loss is flat, or the rate has decayed to nothing, steps are too short to get "
        "anywhere. Saddle points and plateaus are far more common than poor minima (Dauphin et al. "
        "2014, arXiv:1406.2572).",
    ),
    "underfitting": Kind(
        "The model cannot even say what it has seen.",
        "A model that has converged far above what a simple rule reaches has too little capacity, "
        "or is held back by regularisation. More training or more data of the same kind will not "
        "help (Goodfellow et al. 2016, section 5.2).",
    ),
    "overfitting": Kind(
        "The model learns the samples by heart.",
        "With enough weights, the training loss can fall by fitting what is particular to the "
        "samples. The loss on others then rises from the epoch on at which that sets in (Geman, "
        "Bienenstock & Doursat 1992; Prechelt 1998).",
    ),
    "class_imbalance": Kind(
        "Some classes are much rarer than others.",
        "A mean over samples weighs a class by its size, so that always saying the largest one is "
        "a good start, and for long the best. Accuracy then tells little (Japkowicz & Stephen "
        "2002; He & Garcia 2009, IEEE TKDE 21).",
    ),
    "constant_feature": Kind(
        "A feature is the same in every sample.",
        "What does not vary tells no sample from another. Its weight does what the bias does "
        "already, and if it is large, it makes the valley of the bias narrow (LeCun et al. 1998, "
        "section 4.3).",
    ),
    "duplicate_features": Kind(
        "Features repeat each other.",
        "Of two equal features only the sum of the weights matters, so the loss is flat along "
        "their difference, and counts what they say twice. Nothing can be read from the single "
        "weights (Hastie, Tibshirani & Friedman 2009, section 3.4.1).",
    ),
}
"""Every kind of finding, in the order of what to do first."""
