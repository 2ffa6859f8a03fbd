from labkit.metrics.accuracies import (
    BinaryAccuracy as BinaryAccuracy,
    CategoricalAccuracy as CategoricalAccuracy,
    SparseCategoricalAccuracy as SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy as SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy as TopKCategoricalAccuracy,
)
from labkit.metrics.agreement import (
    CohenKappa as CohenKappa,
    ConfusionMatrix as ConfusionMatrix,
    MatthewsCorrelation as MatthewsCorrelation,
)
from labkit.metrics.base import Metric as Metric
from labkit.metrics.classification import (
    accuracy as accuracy,
    binary_accuracy as binary_accuracy,
    categorical_accuracy as categorical_accuracy,
    sparse_categorical_accuracy as sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy as sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy as top_k_categorical_accuracy,
)
from labkit.metrics.counts import F1Score as F1Score, Precision as Precision, Recall as Recall
from labkit.metrics.crossentropies import (
    BinaryCrossentropy as BinaryCrossentropy,
    CategoricalCrossentropy as CategoricalCrossentropy,
    SparseCategoricalCrossentropy as SparseCategoricalCrossentropy,
)
from labkit.metrics.likeness import (
    CosineSimilarity as CosineSimilarity,
    KLDivergence as KLDivergence,
    Poisson as Poisson,
)
from labkit.metrics.margins import (
    CategoricalHinge as CategoricalHinge,
    Hinge as Hinge,
    SquaredHinge as SquaredHinge,
)
from labkit.metrics.mean import MeanMetricWrapper as MeanMetricWrapper
from labkit.metrics.r2 import R2Score as R2Score
from labkit.metrics.ranking import AUC as AUC
from labkit.metrics.regression import (
    LogCoshError as LogCoshError,
    MeanAbsoluteError as MeanAbsoluteError,
    MeanAbsolutePercentageError as MeanAbsolutePercentageError,
    MeanSquaredError as MeanSquaredError,
    MeanSquaredLogarithmicError as MeanSquaredLogarithmicError,
    RootMeanSquaredError as RootMeanSquaredError,
)
