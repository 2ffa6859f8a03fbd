"""PiecewiseConstantDecay: a rate that changes at given steps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import labkit as lk
from labkit.core.settings import check_scalar
from labkit.errors import InvalidArgumentError
from labkit.schedules.base import Schedule, like


class PiecewiseConstantDecay(Schedule):
    """rate = values[0] up to boundaries[0], that step included; then values[1] up to boundaries[1]; and so on.

    Args:
        boundaries: steps in increasing order, numbers or scalar tensors.
        values: the rates, one more than there are boundaries.

    Raises:
        InvalidArgumentError: the lists do not fit each other, or the boundaries do not increase.
    """

    def __init__(self, boundaries: Sequence[Any], values: Sequence[Any]) -> None:
        self.boundaries = [check_scalar(self, "boundaries", x) for x in boundaries]
        self.values = [check_scalar(self, "values", x) for x in values]
        if len(self.values) != len(self.boundaries) + 1:
            raise InvalidArgumentError(
                "PiecewiseConstantDecay has rates and boundaries that do not fit",
                rule="There is one value more than there are boundaries",
                received=f"{len(self.boundaries)} boundaries and {len(self.values)} values",
            )
        known = [x for x in self.boundaries if isinstance(x, float)]
        if any(a >= b for a, b in itertools.pairwise(known)):
            raise InvalidArgumentError(
                "PiecewiseConstantDecay has boundaries out of order", rule="They increase", received=repr(boundaries)
            )

    def rate(self, step: lk.Tensor) -> lk.Tensor:
        if not self.boundaries:
            return like(self.values[0], step)
        passed = [lk.cast(step > like(boundary, step), lk.int32) for boundary in self.boundaries]
        return lk.stack([like(value, step) for value in self.values])[lk.add_n(passed)]
