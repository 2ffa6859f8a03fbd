"""Initializers: the values that weights begin with.

Each registered name is a class here, such as `lk.initializers.HeNormal()`. What takes an initializer takes its name
too: `Dense(10, kernel_initializer="he_normal")`. An initializer of your own is any callable (shape, dtype, seed=None)
-> Tensor.
"""

from labkit.plugins import family

__getattr__, __dir__ = family("initializers", Initializer="labkit.initializers.base:Initializer")
