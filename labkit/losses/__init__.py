"""Losses: what training makes small, one value for each example; the model takes the mean over the batch.

Each registered name is a class here. What takes a loss takes its name too: `model.compile("sgd", loss="mse")`. One of
your own is any callable (y_true, y_pred) -> Tensor [batch].
"""

from labkit.plugins import family

__getattr__, __dir__ = family("losses", Loss="labkit.losses.base:Loss")
