"""Operator: arithmetic between the layers of a functional model."""

from __future__ import annotations

import operator
from typing import Any

import labkit as lk
from labkit.errors import InvalidArgumentError
from labkit.layers.base import Layer

OPERATORS = {name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "pow", "matmul", "getitem")}


class Operator(Layer):
    """One of Python's operators, as `a + b` on two symbols, `2 * a` or `a[:, 0]` make it.

    Args:
        operator: its name in Python's module `operator`: "add", "sub", "mul", "truediv", "pow", "matmul" or "getitem".
        operand: the other side, where that is a number, an array or an index; None when the layer is called on two inputs.
        swapped: whether the operand stands on the left.

    Raises:
        InvalidArgumentError: there is no such operator.
    """

    supports_masking = True

    def __init__(self, operator: str, operand: Any = None, swapped: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if operator not in OPERATORS:
            raise InvalidArgumentError(
                "Operator does not know this operation",
                rule=f"It is one of {', '.join(OPERATORS)}",
                received=repr(operator),
            )
        self.operator, self.operand, self.swapped = operator, operand, bool(swapped)

    def call(self, inputs: Any, training: bool = False) -> lk.Tensor:
        left, right = inputs if isinstance(inputs, list | tuple) else (inputs, self.operand)
        if self.swapped:
            left, right = right, left
        return OPERATORS[self.operator](left, right)

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        """The mask of the inputs; of an index the part that it takes of it, where the steps stay a dimension."""
        found = super().compute_mask(inputs, mask)
        if found is None or self.operator not in ("getitem", "matmul"):
            return found
        if isinstance(inputs, list | tuple):
            return mask[0] if self.operator == "matmul" else None
        if self.operator == "matmul":
            return None if self.swapped else found
        key = self.operand if isinstance(self.operand, tuple) else (self.operand,)
        if Ellipsis in key:
            place, missing = key.index(Ellipsis), len(inputs.shape.as_list()) - (len(key) - 1)
            key = (*key[:place], *(slice(None),) * missing, *key[place + 1 :])
        return found[key[:2]] if all(isinstance(part, slice) for part in key[:2]) else None

    def settings(self) -> dict[str, Any]:
        return {"operator": self.operator, "operand": self.operand}
