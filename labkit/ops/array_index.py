"""Which elements of a TensorArray may be read or written: the check that every access passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims
from labkit.errors import DTypeError, InvalidArgumentError
from labkit.ops.indices import need_indices
from labkit.ops.rules import need_rank

WRITTEN, ANY = 1, 2
"""What an element's state says: it was written; or it may be read as well as written, as a gradient does that computes a
loop again with the array as it is at the end."""


def _dtypes(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> Sequence[dt.DType]:
    need_indices(inputs, [0])
    if inputs[1] is not dt.uint8:
        raise DTypeError("", rule="The states are uint8", received=inputs[1].name)
    return [dt.int64]


def _shapes(c: OpContext) -> list[Dims]:
    need_rank(c, 1, 1, "The elements' states")
    return [need_rank(c, 0, 1, "What indexes elements")]


def _checked(index: np.ndarray, states: np.ndarray, read: bool) -> np.ndarray:
    wrong = [i for i in index if not 0 <= i < len(states) or states[i] not in (read, ANY)]
    if wrong:
        raise InvalidArgumentError("", rule="An element is read when it was written", received=str(wrong[0]))
    return index.astype(np.int64)


for _name, _read, _rule in (
    (
        "TensorArrayReadIndex",
        True,
        "An element of a TensorArray is read after it was written, which the one of this index was not",
    ),
    (
        "TensorArrayWriteIndex",
        False,
        "An element of a TensorArray is written once, and the one of this index was written before",
    ),
):
    register(
        OpDef(
            name=_name,
            inputs=("index", "states"),
            attrs={"read": Attr("bool", _read)},
            kernel="array_index",
            dtypes=_dtypes,
            shapes=_shapes,
            reference=_checked,
            refuses=_rule,
            samples=lambda rng, read=_read: [  # type: ignore[misc]
                Sample([np.asarray(index, kind), np.asarray([read, ANY, read, not read], np.uint8)], {"read": read})
                for index, kind in (([0, 2, 1], np.int32), ([1], np.int64), ([], np.int64))
            ],
            doc=f"The indices themselves, int64, when these elements may be {'read' if _read else 'written'}; the states say "
            "of each element whether it was written (1), was not (0), or may be both read and written (2).",
        )
    )
