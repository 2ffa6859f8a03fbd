"""NonNegative: weights of one sign."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.constraints.base import Constraint


class NonNegative(Constraint):
    """y = max(w, 0): negative weights become 0 (projected gradient descent on the non-negative orthant, as Lin 2007 uses it
    for non-negative matrix factorisation). Weights of any shape."""

    def __call__(self, weights: Any) -> lk.Tensor:
        return lk.maximum(weights, 0.0)
