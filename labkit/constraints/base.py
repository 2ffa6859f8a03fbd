"""Constraint: the contract of what holds weights inside a set."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.plugins import show


class Constraint:
    """Takes weights to the nearest ones of a set.

    An optimizer calls it once for each variable that has it, while its step is built; in every run it is computed
    natively after the variable's update, in the same step. It keeps no state.

    A subclass keeps each constructor argument in an attribute of the same name, and defines `__call__`. Where no
    settings are needed a plain function (weights) -> Tensor does as well. A complete one:

        class AtMost(lk.constraints.Constraint):
            def __init__(self, largest):
                self.largest = largest

            def __call__(self, weights):
                return lk.minimum(weights, self.largest)
    """

    def __call__(self, weights: Any) -> lk.Tensor:
        """Adds the operations to the default graph.

        Args:
            weights: a variable or tensor, float32 or float64.

        Returns:
            A tensor of the same shape and dtype. Weights of the set stay as they are.
        """
        raise NotImplementedError(f"{type(self).__name__} must define __call__(weights)")

    def __repr__(self) -> str:
        return show(self)
