"""Schedule: the contract of what gives a learning rate for each step."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.errors import ShapeError
from labkit.plugins import show


class Schedule:
    """A function of the step, built of graph operations: it keeps no state, so that a step natively repeated, interrupted or
    resumed has the same rate.

    A subclass keeps each constructor argument in an attribute of the same name, and defines `rate`. A complete one:

        class Warmup(lk.schedules.Schedule):
            def __init__(self, steps):
                self.steps = steps

            def rate(self, step):
                return lk.minimum(1.0, step / self.steps)

    Where no settings are needed a plain function of the step does as well.
    """

    def __call__(self, step: Any) -> lk.Tensor:
        """The rate at that step.

        Args:
            step: a scalar, of any dtype that holds numbers: the number of steps taken before, 0 in the first.

        Returns:
            A scalar: float64 where the step is float64, else float32.

        Raises:
            ShapeError: the step is no scalar.
        """
        given = lk.convert_to_tensor(step)
        if given.shape.rank not in (None, 0):
            raise ShapeError(f"{type(self).__name__} got no step", rule="A step is one number", received=repr(given))
        return lk.convert_to_tensor(self.rate(lk.cast(given, lk.float64 if given.dtype is lk.float64 else lk.float32)))

    def rate(self, step: lk.Tensor) -> lk.Tensor:
        """The rate at a step of float32 or float64, of the same dtype."""
        raise NotImplementedError(f"{type(self).__name__} must define rate(step)")

    def __repr__(self) -> str:
        return show(self)


def like(value: Any, step: lk.Tensor) -> lk.Tensor:
    """A setting in the dtype of the step."""
    return lk.cast(value, step.dtype) if isinstance(value, lk.Tensor | lk.Variable) else lk.constant(value, step.dtype)
