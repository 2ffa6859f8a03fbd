"""Arrays of NumPy's files, cut along their first dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core.convert import as_array
from labkit.core.dtypes import DType, as_dtype, float32, int32, int64, string
from labkit.core.nest import flatten, pack
from labkit.data.elements import Elements
from labkit.data.spec import TensorSpec, unbatched
from labkit.data.steps.memory import Slices, common_length
from labkit.data.workers import Workers
from labkit.errors import LabkitError

_WIDER = {"i1": int32, "i2": int32, "u2": int32, "u4": int64, "u8": int64, "f2": float32}
"""What holds the values of the dtypes that labkit does not compute with."""


class NumpyRows(Slices):
    """An element for each entry of the arrays.

    What the system maps from a file stays there: rows are converted, where that is needed, as they are asked for.

    Raises:
        InvalidArgumentError: an array has no first dimension, or these differ.
        DTypeError: labkit has no such dtype.
    """

    def __init__(self, nest: Any, shown: str) -> None:
        arrays = flatten(nest)
        count = common_length(arrays, "NumpyDataset")
        self.shown, self.dtypes = shown, [_dtype(x) for x in arrays]
        spec = pack(nest, [TensorSpec(x.shape, d) for x, d in zip(arrays, self.dtypes, strict=True)])
        like = None if isinstance(nest, np.ndarray) else nest
        super().__init__("numpy", Elements(like, arrays, count), unbatched(spec))

    def settings(self) -> dict[str, Any]:
        return {"files": self.shown, "elements": self.arrays.count}

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        try:
            columns = [
                as_array(_rows(x, indices), dtype) for x, dtype in zip(self.arrays.columns, self.dtypes, strict=True)
            ]
        except LabkitError as error:
            self.fail(int(indices[0]), error)
        return Elements(self.arrays.like, columns, len(indices))


def _dtype(array: np.ndarray) -> DType:
    if array.dtype.kind in "SU":
        return string
    return _WIDER.get(f"{array.dtype.kind}{array.dtype.itemsize}") or as_dtype(array.dtype.newbyteorder("="))


def _rows(array: Any, indices: np.ndarray) -> np.ndarray:
    """Copies of rows. `take` is quicker, but would copy an array of another order, byte order or alignment as a whole."""
    flags = array.flags
    whole = flags.c_contiguous and flags.aligned and array.dtype.isnative
    return array.take(indices, axis=0) if whole else array[indices]
