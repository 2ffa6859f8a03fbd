from labkit.losses.squared_error import MeanSquaredError as MeanSquaredError
from labkit.metrics.classification import (
    accuracy as accuracy,
    categorical_accuracy as categorical_accuracy,
    sparse_categorical_accuracy as sparse_categorical_accuracy,
)
