"""Operations on constants are computed while planning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit import native
from labkit.core.operation import Operation
from labkit.core.passes.infer import Inference
from labkit.core.shapes import count
from labkit.core.target import active_target

_LARGEST = 1 << 20  # elements


def fold(
    op: Operation, kernel: str, inputs: Sequence[np.ndarray], shapes: Inference, ints: Any, reals: Any
) -> list[np.ndarray] | None:
    """The operation's results, by the same kernel as in a run and so to the same bits; None where only a run may compute
    them, or will say what is wrong."""
    if not op.definition.pure or op.counters or op.writes or not inputs:
        return None
    if sum(count(shapes.of(x)) for x in op.outputs) > _LARGEST:
        return None
    outputs = [np.empty(shapes.of(x), x.dtype.numpy) for x in op.outputs]
    numbers = [int(n) for n in ints], [float(n) for n in reals]
    try:
        if any(x.size for x in outputs):
            native.call_kernel(active_target(), kernel, list(inputs), outputs, *numbers)
    except native.KernelError:  # a bad value
        return None
    return outputs
