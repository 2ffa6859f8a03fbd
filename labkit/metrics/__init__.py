"""Metrics: what training and evaluation report, one value for each example; the model takes the means.

Each registered name is a function or class here. What takes a metric takes its name too:
`model.compile("sgd", "mse", metrics=["accuracy"])`. One of your own is any callable (y_true, y_pred) -> Tensor [batch].
"""

from labkit.plugins import family

__getattr__, __dir__ = family("metrics")
