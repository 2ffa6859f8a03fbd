"""Conformance kits for plugin authors: what labkit expects of each kind of component, as checks that say what is wrong.

    from labkit.testing import check_activation, check_plugin

    def test_snake():
        check_activation(snake)

    def test_the_plugin():
        check_plugin("labkit_snake.plugin")

A check returns when all is well and raises AssertionError with one sentence otherwise. labkit's own components pass the
same checks in its tests. Each check takes a second at most; that of a data set as long as making it, that of an executor
ten.
"""

from labkit.testing.activations import check_activation
from labkit.testing.callbacks import check_callback
from labkit.testing.constraints import check_constraint
from labkit.testing.datasets import check_dataset
from labkit.testing.executors import check_executor
from labkit.testing.initializers import check_initializer
from labkit.testing.layers import check_layer
from labkit.testing.losses import check_loss
from labkit.testing.metrics import check_metric
from labkit.testing.numeric import check_gradient, evaluate
from labkit.testing.optimizers import check_optimizer
from labkit.testing.plugins import check_plugin
from labkit.testing.regularizers import check_regularizer
from labkit.testing.schedules import check_schedule
from labkit.testing.searchers import check_searcher

__all__ = [
    "check_activation",
    "check_callback",
    "check_constraint",
    "check_dataset",
    "check_executor",
    "check_gradient",
    "check_initializer",
    "check_layer",
    "check_loss",
    "check_metric",
    "check_optimizer",
    "check_plugin",
    "check_regularizer",
    "check_schedule",
    "check_searcher",
    "evaluate",
]
