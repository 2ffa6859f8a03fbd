from labkit.losses.base import Loss as Loss
from labkit.losses.crossentropy import (
    CategoricalCrossentropy as CategoricalCrossentropy,
    SparseCategoricalCrossentropy as SparseCategoricalCrossentropy,
)
from labkit.losses.squared_error import MeanSquaredError as MeanSquaredError
