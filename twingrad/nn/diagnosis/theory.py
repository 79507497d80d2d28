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
        "The data holds NaN or infinity.",
        "A sum with a NaN in it is NaN, and so is infinity less infinity, so one such number "
        "reaches the weights within a step. No later step can take it out again (IEEE 754-2019, "
        "sections 6.2 and 7.2).",
    ),
    "constant_target": Kind(
        "The targets are all the same.",
        "Inputs can tell no more about a target than its entropy, and that of a constant is zero. "
        "The bias alone learns such a target, and whatever else the weights do is chance (Cover & "
        'Thomas 2006, "Elements of Information Theory", section 2.4).',
    ),
    "parameters_never_change": Kind(
        "Some parameters never change.",
        "A parameter moves only if the loss depends on it, its gradient is not zero, and the "
        "optimizer holds it. Where one link of this chain is missing, no error is raised and "
        "nothing is learned (Rumelhart, Hinton & Williams 1986, Nature 323).",
    ),
    "ascent": Kind(
        "The steps go uphill.",
        "The gradient points to where the loss grows fastest, so a step has to go against it. "
        "Where it is added instead of subtracted, each step makes the model worse (Cauchy 1847, "
        "Comptes rendus 25).",
    ),
    "another_loss": Kind(
        "The loop lowers another loss than the one asked about.",
        "A step lowers the loss whose gradient it takes, and no other. If that is computed from "
        "one sample, or from other targets, nothing makes the loss over all samples fall, which "
        "is what learning minimises (Vapnik 1992, NIPS 4, on empirical risk).",
    ),
    "gradients_accumulating": Kind(
        "Each step takes the sum of all gradients so far.",
        "backward() adds to gradients, so that several losses can share a step. If they are never "
        "reset they act as a momentum that nothing damps, which overshoots and comes back for ever "
        '(Polyak 1964, "Some methods of speeding up the convergence of iteration methods").',
    ),
    "output_unfit": Kind(
        "The outputs cannot be what the loss asks for.",
        "Each loss goes with an output activation: squared error with none, cross-entropy with "
        "logits, which it turns into probabilities itself. With another one the targets lie out of "
        'reach, or the gradient is squashed twice (Bishop 2006, "Pattern Recognition and Machine '
        'Learning", section 5.2).',
    ),
    "shuffled_labels": Kind(
        "The targets look unrelated to the inputs.",
        "Where there is something to learn, samples that lie close together usually have similar "
        "targets more often than by chance. A network can learn shuffled labels too, by heart, but "
        "is then no better than chance on new samples (Schilling 1986, JASA 81; Zhang et al. 2017, "
        "arXiv:1611.03530).",
    ),
    "zero_initialization": Kind(
        "The weights began at zero, and pass nothing on.",
        "The gradient of a layer is a product of the numbers below it and the weights above it. "
        "Where both are zero so is the gradient, and no step ever leaves that point (Goodfellow, "
        'Bengio & Courville 2016, "Deep Learning", section 8.4).',
    ),
    "symmetric_initialization": Kind(
        "Units of a layer are copies of each other.",
        "Units with equal weights give equal outputs and get equal gradients, so they stay equal "
        "for ever. A layer of copies can do no more than one unit (Rumelhart, Hinton & Williams "
        '1986, Nature 323; Goodfellow, Bengio & Courville 2016, "Deep Learning", section 8.4).',
    ),
    "initialization_too_large": Kind(
        "The weights began too large.",
        "A sum of n terms has n times their variance, so weights need a variance near 2/n (relu) "
        "or 1/n (tanh) to keep the size of a signal. Larger ones make it grow from layer to layer, "
        "and the first answers are confident and wrong (Glorot & Bengio 2010, AISTATS; He et al. "
        "2015, arXiv:1502.01852).",
    ),
    "initialization_too_small": Kind(
        "The weights began too small.",
        "A sum of n terms has n times their variance, so weights need a variance near 2/n (relu) "
        "or 1/n (tanh) to keep the size of a signal. Smaller ones make it fade from layer to "
        "layer, and the gradient with it (Glorot & Bengio 2010, AISTATS; He et al. 2015, "
        "arXiv:1502.01852).",
    ),
    "inputs_not_normalized": Kind(
        "The inputs are far from mean 0 and standard deviation 1.",
        "The curvature of the loss along a weight grows with the square of its input, and one "
        "learning rate serves all weights. Inputs of very different sizes make a narrow valley, in "
        "which a step is too long in one direction and too short in another (LeCun et al. 1998, "
        '"Efficient BackProp", section 4.3).',
    ),
    "dead_relus": Kind(
        "Some relu units are never active.",
        "relu passes no gradient where its input is negative. A unit whose input is negative at "
        "every sample gets no gradient at all, and stays as it is (Lu, Shin, Su & Karniadakis "
        "2019, arXiv:1903.06733).",
    ),
    "saturated_units": Kind(
        "Units are stuck in the flat part of their activation.",
        "tanh and sigmoid are flat far from zero, and a gradient is multiplied by that slope. "
        "Units that are always there pass on next to nothing (Glorot & Bengio 2010, AISTATS, "
        "section 3).",
    ),
    "vanishing_gradients": Kind(
        "The gradient fades on its way to the first layers.",
        "On its way back the gradient is multiplied at each layer by the weights and by the slope "
        "of the activation, at most 0.25 for a sigmoid. Factors below 1 multiply to almost nothing "
        "over many layers (Hochreiter 1991; Bengio, Simard & Frasconi 1994, IEEE TNN 5; Glorot & "
        "Bengio 2010, AISTATS).",
    ),
    "exploding_gradients": Kind(
        "The gradient grows beyond bounds.",
        "On its way back the gradient is multiplied at each layer by the weights and by the slope "
        "of the activation. Factors above 1 multiply to a gradient whose step throws the weights "
        "far off (Bengio, Simard & Frasconi 1994, IEEE TNN 5; Pascanu, Mikolov & Bengio 2013, "
        "arXiv:1211.5063).",
    ),
    "divergence": Kind(
        "Training diverges.",
        "Gradient descent is stable while the learning rate is below 2/curvature; beyond that each "
        "step overshoots by more than the last. The loss then grows by a factor with each step, up "
        'to infinity (LeCun et al. 1998, "Efficient BackProp", section 5).',
    ),
    "learning_rate_too_high": Kind(
        "The learning rate is too high.",
        "Along a direction of curvature c, a step at the rate lr multiplies the distance to the "
        "minimum by |1 - lr c|. That is above 1 as soon as lr > 2/c (LeCun et al. 1998, "
        '"Efficient BackProp", section 5).',
    ),
    "oscillation": Kind(
        "The loss swings to and fro.",
        "With lr between 1/c and 2/c, each step crosses a valley of curvature c and lands on its "
        "other side. Successive gradients then point against each other (LeCun et al. 1998, "
        '"Efficient BackProp", section 5; Cohen et al. 2021, arXiv:2103.00065).',
    ),
    "learning_rate_too_low": Kind(
        "The learning rate is too low.",
        "While lr is small, a step lowers the loss by about lr times the squared norm of the "
        "gradient. A rate a hundred times too low needs a hundred times the steps (Bengio 2012, "
        "arXiv:1206.5533; Smith 2017, arXiv:1506.01186).",
    ),
    "spikes": Kind(
        "The loss jumps up and comes back.",
        "A few samples with huge gradients, or a rate near the edge of stability, throw the "
        "weights far off now and then. Clipping limits such a step; a lower rate or a warm-up "
        "prevents it (Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063; Goyal et al. 2017, "
        "arXiv:1706.02677).",
    ),
    "batch_too_small": Kind(
        "A step follows the noise of its few samples.",
        "The mean gradient of B samples has 1/B of the variance of a single one; the noise scale, "
        "variance over squared mean, is the B at which noise and gradient are equally large. Far "
        "below it the steps cancel each other, and the loss stays above what the whole gradient "
        "could reach (McCandlish et al. 2018, arXiv:1812.06162).",
    ),
    "clipping_always_binds": Kind(
        "Clipping shortens every step.",
        "Clipping is there for the rare gradient that is far too large. If it acts at every step, "
        "only the direction of the gradient is left, and the limit is a learning rate in disguise "
        "(Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063; Zhang et al. 2020, arXiv:1905.11881).",
    ),
    "plateau": Kind(
        "The loss stands still, though there is more to learn.",
        "Where the loss is flat, or the rate has decayed to nothing, steps are too short to get "
        "anywhere. In large networks saddle points and plateaus are far more common than poor "
        "minima (Dauphin et al. 2014, arXiv:1406.2572).",
    ),
    "underfitting": Kind(
        "The model cannot even fit the samples that it was trained on.",
        "A model that has converged far above what a simple rule reaches has too little capacity, "
        "or is held back by regularisation. More training or more data of the same kind will not "
        'help (Goodfellow, Bengio & Courville 2016, "Deep Learning", section 5.2).',
    ),
    "overfitting": Kind(
        "The model learns the samples by heart.",
        "With enough weights, the training loss can fall by fitting what is particular to the "
        "samples. Once that begins, the loss on other samples rises (Geman, Bienenstock & Doursat "
        '1992, Neural Computation 4; Prechelt 1998, "Early Stopping - But When?").',
    ),
    "class_imbalance": Kind(
        "Some classes are much rarer than others.",
        "A mean over samples weighs a class by its size, so always answering the largest one is a "
        "good start that takes long to improve on. The accuracy over all samples then says little "
        "about the rare classes (Japkowicz & Stephen 2002, Intelligent Data Analysis 6; He & "
        "Garcia 2009, IEEE TKDE 21).",
    ),
    "constant_feature": Kind(
        "A feature is the same in every sample.",
        "What does not vary cannot tell one sample from another. Its weight does what the bias "
        "does already, and a large value makes the loss steep along that weight, which asks for a "
        'lower learning rate (LeCun et al. 1998, "Efficient BackProp", section 4.3).',
    ),
    "duplicate_features": Kind(
        "Features repeat each other.",
        "Of two equal features only the sum of the weights matters, so the loss is flat along "
        "their difference. The single weights are then arbitrary and say nothing about the "
        'features (Hastie, Tibshirani & Friedman 2009, "The Elements of Statistical Learning", '
        "section 3.4.1).",
    ),
}
"""Every kind of finding, in the order of what to do first."""
