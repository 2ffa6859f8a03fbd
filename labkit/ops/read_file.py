"""The content of a file, as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, compatible, show
from labkit.core.tensor import Tensor
from labkit.errors import NotFoundError, ShapeError
from labkit.ops.build import apply
from labkit.ops.strings import text_to


def _read_file(filename: np.ndarray) -> np.ndarray:
    path = filename.item().decode(errors="surrogateescape")
    try:
        with open(path, "rb") as file:
            return np.array(file.read(), object)
    except (OSError, ValueError) as error:
        raise NotFoundError(f"{path!r} cannot be read", received=f"{type(error).__name__}: {error}") from None


def _scalar_shape(c: OpContext) -> list[Dims]:
    if not compatible(c.dims[0], ()):
        raise ShapeError("", rule="It is a single text", received=show(c.dims[0]))
    return [()]


register(
    OpDef(
        name="ReadFile",
        inputs=("filename",),
        host=_read_file,
        reference=_read_file,
        dtypes=text_to(lambda attrs: dt.string),
        shapes=_scalar_shape,
        gradient=NotDifferentiable("text does not change smoothly"),
        text=True,
        pure=False,
        samples=lambda rng: [Sample([np.array(__file__.encode(), object)])],
        doc="The content of a file.",
    )
)


def read_file(filename: Any, name: str | None = None) -> Tensor:
    """The content of a file: one text.

    Raises:
        NotFoundError: when run, the file cannot be read.
    """
    return apply("ReadFile", [to_tensor(filename)], name=name)
