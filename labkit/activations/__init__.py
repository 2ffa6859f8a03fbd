"""Activations: the functions between layers, such as `lk.activations.relu`.

What takes an activation takes its name too: `Dense(10, activation="relu")`. One of your own is any callable Tensor ->
Tensor.
"""

from labkit.plugins import family

__getattr__, __dir__ = family("activations")
