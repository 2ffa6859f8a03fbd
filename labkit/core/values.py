"""Values that are known while the graph is built: constants, and what small operations make of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.core.opdef import OpContext
from labkit.core.shapes import is_known

if TYPE_CHECKING:
    from labkit.core.tensor import Tensor


def constant_value(tensor: Tensor) -> Any:
    """The value of a tensor that the graph alone decides (constants and what small operations make of them), else None."""
    op = tensor.op
    if op.type == "Const":
        return op.attrs["value"]
    definition = op.definition
    if definition.from_shapes is not None:
        context = OpContext([x.dims for x in op.inputs], [x.dtype for x in op.inputs], op.attrs)
        return definition.from_shapes(context) if all(is_known(dims) for dims in context.dims) else None
    if not definition.pure or definition.reference is None or not tensor.dtype.is_integer:
        return None
    values = [constant_value(x) for x in op.inputs]
    if not values or any(value is None or value.size > 64 for value in values):
        return None
    return evaluate_reference(tensor, values)


def evaluate_reference(tensor: Tensor, values: Sequence[Any]) -> Any:
    """An operation's output by the record's NumPy reference: only for small integer tensors that reach a shape."""
    op = tensor.op
    assert op.definition.reference is not None
    result = op.definition.reference(*values, **op.attrs)
    return np.asarray(result[tensor.index] if isinstance(result, tuple) else result, dtype=tensor.dtype.numpy)
