"""Constants made of operands that are no tensors, such as the 2 of `x * 2`: they are named after what uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labkit.core.operation import Operation
from labkit.core.tensor import Tensor

if TYPE_CHECKING:
    from labkit.core.graph import Graph


def operand(graph: Graph, array: np.ndarray) -> Tensor:
    """A constant that waits for its user, the next operation that takes it: `mul/y`. Until then it is called `Const`."""
    tensor = graph.apply("Const", [], {"value": array}).outputs[0]
    tensor.graph.operands.add(tensor.op)
    return tensor


def name_operands(graph: Graph, op: Operation) -> None:
    """Names the waiting constants among the inputs of a new operation: its name, and that of the input.

    So `Const` is left for the program's own constants, as in TensorFlow 1.
    """
    names = op.definition.inputs
    for i, tensor in enumerate(op.inputs):
        constant = tensor.op
        if constant in graph.operands:
            graph.operands.remove(constant)
            name = names[min(i, len(names) - 1)]
            last = f"values_{i - len(names) + 1}" if name.startswith("*") else name
            graph.rename(constant, f"{op.name}/{last}")
