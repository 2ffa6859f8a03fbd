"""The pieces of memory and the instructions that a native plan is described by."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core.dtypes import DType
from labkit.core.shapes import Dims
from labkit.core.tensor import Tensor


class Slots:
    """A description that grows: slots, instructions over them, and the native cells that they name."""

    def __init__(self) -> None:
        self.slots: list[dict[str, Any]] = []
        self.instructions: list[dict[str, Any]] = []
        self.cells: list[Any] = []
        self._cell_numbers: dict[int, int] = {}  # by identity

    def slot(self, kind: str, dtype: DType, dims: Dims, **more: Any) -> int:
        self.slots.append({"kind": kind, "dtype": dtype.code, "shape": list(dims or ()), **more})
        return len(self.slots) - 1

    def constant(self, value: np.ndarray, tensor: Tensor) -> int:
        return self.slot("constant", tensor.dtype, value.shape, value=np.ascontiguousarray(value).reshape(value.shape))

    def root(self, slot: int) -> int:
        while self.slots[slot]["kind"] == "alias":
            slot = self.slots[slot]["of"]
        return slot

    def instruction(
        self,
        kernel: str,
        inputs: list[int],
        outputs: list[int],
        ints: Any,
        reals: Any,
        name: str,
        *,
        writes: bool = False,
    ) -> None:
        self.instructions.append(
            {
                "kernel": kernel,
                "inputs": inputs,
                "outputs": outputs,
                "ints": [int(n) for n in ints],
                "reals": [float(n) for n in reals],
                "name": name,
                "writes": writes,
            }
        )

    def cell_number(self, cell: Any) -> int:
        """The number of a cell among those that the plan names, also for the plans inside it."""
        number = self._cell_numbers.setdefault(id(cell), len(self.cells))
        if number == len(self.cells):
            self.cells.append(cell)
        return number
