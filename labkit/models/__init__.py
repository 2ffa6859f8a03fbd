"""Models: layers, trained and evaluated together.

`Sequential` chains layers; `Model` is the base that owns graph, session and loop. `TrainingLoop` is what `fit` and the
runner's `trial.fit` both step. Estimators are models of tables: `LinearRegressor` and its like.
"""

from labkit.callbacks.history import History
from labkit.models.combined import DNNLinearCombinedClassifier, DNNLinearCombinedRegressor
from labkit.models.estimator import Estimator
from labkit.models.estimators import DNNClassifier, DNNRegressor, LinearClassifier, LinearRegressor
from labkit.models.feeding import example_order
from labkit.models.input_functions import numpy_input_fn
from labkit.models.loop import TrainingLoop
from labkit.models.model import Model
from labkit.models.rate_test import RateTest
from labkit.models.saving import load as load_model
from labkit.models.sequential import Sequential

__all__ = [
    "DNNClassifier",
    "DNNLinearCombinedClassifier",
    "DNNLinearCombinedRegressor",
    "DNNRegressor",
    "Estimator",
    "History",
    "LinearClassifier",
    "LinearRegressor",
    "Model",
    "RateTest",
    "Sequential",
    "TrainingLoop",
    "example_order",
    "load_model",
    "numpy_input_fn",
]
