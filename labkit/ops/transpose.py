"""The order of a tensor's dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import ALIAS, Attr, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.build import apply, known_rank
from labkit.ops.rules import same_dtype


def _transpose_shape(c: OpContext) -> list[Dims]:
    perm, dims = c.attrs["perm"], c.dims[0]
    if sorted(perm) != list(range(len(perm))) or (dims is not None and len(dims) != len(perm)):
        raise ShapeError("", rule="perm names each dimension of x once", received=f"perm {perm} of {show(dims)}")
    return [(None,) * len(perm) if dims is None else tuple(dims[i] for i in perm)]


register(
    OpDef(
        name="Transpose",
        inputs=("x",),
        attrs={"perm": Attr("ints")},
        kernel="transpose",
        dtypes=same_dtype(dt.ALL),
        shapes=_transpose_shape,
        lower=lambda c: (
            ALIAS if tuple(c.attrs["perm"]) == tuple(range(len(c.attrs["perm"]))) else (c.attrs["perm"], ())
        ),
        gradient=lambda op, g: [transpose(g, [int(i) for i in np.argsort(op.attrs["perm"])])],
        reference=lambda x, perm: np.transpose(x, perm),
        samples=lambda rng: [
            Sample([rng.normal(size=(3, 17))], {"perm": (1, 0)}),
            Sample([rng.normal(size=(2, 3, 4))], {"perm": (2, 0, 1)}),
        ],
        formula="y[i₀, i₁, ...] = x[j₀, j₁, ...] where j[perm[k]] = i[k]",
        doc="x with its dimensions in the order `perm`.",
    )
)


def transpose(x: Any, perm: Any = None, name: str | None = None) -> Tensor:
    """x with its dimensions in the order `perm`; default: reversed.

    Raises:
        ShapeError: perm is no permutation of x's dimensions, or is missing while x's rank is unknown.
    """
    tensor = to_tensor(x)
    order = range(known_rank(tensor, "lk.transpose without perm"))[::-1] if perm is None else perm
    return apply("Transpose", [tensor], {"perm": order}, name or "transpose")
