"""Metrics: what training and evaluation report, over all examples.

A metric is a function for graphs, (y_true, y_pred) -> one value for each example, [batch], whose mean over all examples
is reported; or a `Metric`, which counts on the host, batch after batch, and is exact at the end however the examples were
split. Each registered name is one of the two, and what takes a metric takes its name too:
`model.compile("sgd", "mse", metrics=["accuracy", "auc"])`. One of your own is any such function, or derives from `Metric`.
"""

from labkit.plugins import family

__getattr__, __dir__ = family(
    "metrics", Metric="labkit.metrics.base:Metric", MeanMetricWrapper="labkit.metrics.mean:MeanMetricWrapper"
)
