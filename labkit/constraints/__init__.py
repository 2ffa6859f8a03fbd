"""Constraints: what weights are held to, by a projection after each step of the optimizer.

Each registered name is a class here, such as `lk.constraints.MaxNorm(3)`. What takes a constraint takes a name or a
mapping too: `Dense(10, kernel_constraint={"name": "max_norm", "max_value": 3})`; so does `lk.Variable(constraint=)` an
object. One of your own is any callable (weights) -> Tensor of their shape and dtype.
"""

from labkit.plugins import family

__getattr__, __dir__ = family("constraints", Constraint="labkit.constraints.base:Constraint")
