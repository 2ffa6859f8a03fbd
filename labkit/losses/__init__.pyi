from labkit.losses.absolute_error import (
    MeanAbsoluteError as MeanAbsoluteError,
    MeanAbsolutePercentageError as MeanAbsolutePercentageError,
)
from labkit.losses.base import Loss as Loss
from labkit.losses.binary import BinaryCrossentropy as BinaryCrossentropy
from labkit.losses.crossentropy import (
    CategoricalCrossentropy as CategoricalCrossentropy,
    SparseCategoricalCrossentropy as SparseCategoricalCrossentropy,
)
from labkit.losses.direction import CosineSimilarity as CosineSimilarity
from labkit.losses.distributions import (
    KLDivergence as KLDivergence,
    Poisson as Poisson,
)
from labkit.losses.hinge import (
    CategoricalHinge as CategoricalHinge,
    Hinge as Hinge,
    SquaredHinge as SquaredHinge,
)
from labkit.losses.robust import (
    Huber as Huber,
    LogCosh as LogCosh,
)
from labkit.losses.squared_error import (
    MeanSquaredError as MeanSquaredError,
    MeanSquaredLogarithmicError as MeanSquaredLogarithmicError,
)
