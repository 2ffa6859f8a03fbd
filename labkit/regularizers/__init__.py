"""Regularizers: penalties on weights, added to the training loss.

Each registered name is a class here, such as `lk.regularizers.L2(1e-4)`. What takes a regularizer takes a name or a
mapping too: `Dense(10, kernel_regularizer={"name": "l2", "strength": 1e-4})`. One of your own is any callable
(weights) -> scalar.
"""

from labkit.plugins import family

__getattr__, __dir__ = family("regularizers")
