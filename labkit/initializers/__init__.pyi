from labkit.initializers.base import Initializer as Initializer
from labkit.initializers.constant import Constant as Constant, Ones as Ones, Zeros as Zeros
from labkit.initializers.matrices import Identity as Identity, Orthogonal as Orthogonal
from labkit.initializers.random import (
    RandomNormal as RandomNormal,
    RandomUniform as RandomUniform,
    TruncatedNormal as TruncatedNormal,
)
from labkit.initializers.variance_scaling import (
    GlorotNormal as GlorotNormal,
    GlorotUniform as GlorotUniform,
    HeNormal as HeNormal,
    HeUniform as HeUniform,
    LecunNormal as LecunNormal,
    LecunUniform as LecunUniform,
    VarianceScaling as VarianceScaling,
)
