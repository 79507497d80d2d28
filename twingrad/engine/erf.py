import math

import numpy as np


def erf(x):
    return np.vectorize(math.erf, otypes=[np.asarray(x).dtype])(x)


def erfc(x):
    return np.vectorize(math.erfc, otypes=[np.asarray(x).dtype])(x)
