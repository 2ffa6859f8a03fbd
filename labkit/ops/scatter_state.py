"""Writing parts of variables at indices.

The indices pass a check of their own on the way to the write, because in a run everything that can fail comes before the
first write: a bad index leaves this variable and all others as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims
from labkit.core.tensor import Tensor
from labkit.core.variables import Variable, need_variable
from labkit.errors import ShapeError
from labkit.ops.build import apply
from labkit.ops.gather import ND_CASES
from labkit.ops.indices import addressed, addressed_rows, index_tensor, joined, need_same
from labkit.ops.scatter import check_updates, combined, nd_samples

_ROW_CASES: Any = (
    ((5, 3), [4, 0, 4], np.int32),
    ((4,), [[1], [3]], np.int64),
    ((6, 2, 17), [], np.int32),
    ((3, 2), 2, np.int64),
)


def _checked_shape(c: OpContext) -> list[Dims]:
    if not c.attrs["single"]:
        addressed_rows(c, c.dims[0], c.dims[1])
    elif c.dims[1] == ():
        raise ShapeError("", rule="A number has no rows", received="()")
    return [c.dims[0]]


def _reference_checked(indices: np.ndarray, x: np.ndarray, single: bool) -> np.ndarray:
    limits = np.shape(x)[0] if single else np.asarray(np.shape(x)[: indices.shape[-1]])
    if ((indices < 0) | (indices >= limits)).any():
        raise IndexError("out of range")
    return indices


register(
    OpDef(
        name="CheckedIndices",
        inputs=("indices", "x"),
        shape_inputs=(1,),
        attrs={"single": Attr("bool", False)},
        kernel="check_indices",
        dtypes=lambda inputs, attrs: addressed(0, 0, dt.INTS)(inputs, attrs),
        shapes=_checked_shape,
        lower=lambda c: ((int(c.attrs["single"]), *(c.dims[1] or ())), ()),  # type: ignore[arg-type]
        gradient=NotDifferentiable("an index does not change smoothly"),
        reference=_reference_checked,
        samples=lambda rng: [
            *(Sample([np.asarray(i, d), np.zeros(dims)], {"single": True}) for dims, i, d in _ROW_CASES),
            *(Sample([np.asarray(i, d), np.zeros(dims)]) for dims, i, d in ND_CASES),
        ],
        doc="The indices themselves, checked to name parts of x: their last dimension is one index, or with `single` each "
        "number. An index out of range is an error when run.",
    )
)


def _row_updates(c: OpContext) -> list[Dims]:
    variable, indices, updates = c.dims
    if variable == ():
        raise ShapeError("", rule="A number has no rows", received="()")
    wanted = None if variable is None or indices is None else joined(indices, variable[1:])
    need_same(updates, wanted, "There is one row of the variable for each index: updates have the shape")
    return [variable]


def _nd_updates(c: OpContext) -> list[Dims]:
    check_updates(c, c.dims[1], c.dims[2], c.dims[0])
    return [c.dims[0]]


def _write(name: str, kernel: str, combine: Any, allowed: Any, sign: str, what: str, *, single: bool) -> None:
    place = "indices[k]" if single else "indices[k, 0], indices[k, 1] ..."

    def reference(variable: np.ndarray, indices: np.ndarray, updates: np.ndarray) -> np.ndarray:
        return combined(variable, indices[..., None] if single else indices, updates, combine)

    def samples(rng: np.random.Generator) -> list[Sample]:
        if not single:
            return [Sample([rng.normal(size=dims) * 9, i, u]) for dims, i, u in nd_samples(rng)]
        index = [(dims, np.asarray(i, d)) for dims, i, d in _ROW_CASES]
        return [Sample([rng.normal(size=s) * 9, i, rng.normal(size=(*i.shape, *s[1:])) * 9]) for s, i in index]

    register(
        OpDef(
            name=name,
            inputs=("variable", "indices", "updates"),
            outputs=("new",),
            writes=(0,),
            pure=False,
            kernel=kernel,
            lower=lambda c: ((int(single),), ()),
            dtypes=addressed((0, 2), 1, allowed),
            shapes=_row_updates if single else _nd_updates,
            gradient=NotDifferentiable("a write is no function of its inputs"),
            formula=f"variable[{place}, :] {sign} updates[k, :]",
            reference=reference,
            samples=samples,
            doc=f"{what}, in order of position; gives the new value. A bad index is an error when run, and changes nothing.",
        )
    )


_write("ScatterUpdate", "scatter_update", None, dt.ALL, "=", "Sets rows of the variable", single=True)
_write("ScatterAdd", "scatter_add", np.add, dt.NUMERIC, "+=", "Adds to rows of the variable", single=True)
_write("ScatterSub", "scatter_sub", np.subtract, dt.NUMERIC, "-=", "Subtracts from rows of the variable", single=True)
_write("ScatterNdUpdate", "scatter_update", None, dt.ALL, "=", "Sets parts of the variable", single=False)
_write("ScatterNdAdd", "scatter_add", np.add, dt.NUMERIC, "+=", "Adds to parts of the variable", single=False)
_write(
    "ScatterNdSub", "scatter_sub", np.subtract, dt.NUMERIC, "-=", "Subtracts from parts of the variable", single=False
)


def _function(type_name: str, name: str, what: str, *, single: bool) -> Callable[..., Tensor]:
    def build(variable: Variable, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        need_variable(variable, f"lk.{build.__name__}")
        checked = apply("CheckedIndices", [index_tensor(indices), variable.ref], {"single": single})
        return apply(type_name, [variable.ref, checked, to_tensor(updates, variable.dtype)], name=name)

    shapes = (
        """indices: int32 or int64, any shape; each names a row, variable[index].
        updates: of the variable's dtype; shape indices.shape + variable.shape[1:]."""
        if single
        else """indices: int32 or int64, shape (..., depth); each last dimension names a part of the variable.
        updates: of the variable's dtype; shape indices.shape[:-1] + variable.shape[depth:]."""
    )
    build.__name__ = build.__qualname__ = name
    build.__doc__ = f"""{what}. The result is the variable's new value.

    Args:
        {shapes}

    Raises:
        DTypeError, ShapeError: the operands do not fit the variable.
        InvalidArgumentError: when run, an index is out of range; the run changes nothing.
    """
    return build


scatter_update = _function(
    "ScatterUpdate", "scatter_update", "Builds the write of rows; of several for one the last stands", single=True
)
scatter_add = _function("ScatterAdd", "scatter_add", "Builds the addition to rows", single=True)
scatter_sub = _function("ScatterSub", "scatter_sub", "Builds the subtraction from rows", single=True)
scatter_nd_update = _function(
    "ScatterNdUpdate",
    "scatter_nd_update",
    "Builds the write of parts; of several for one the last stands",
    single=False,
)
scatter_nd_add = _function("ScatterNdAdd", "scatter_nd_add", "Builds the addition to parts", single=False)
scatter_nd_sub = _function("ScatterNdSub", "scatter_nd_sub", "Builds the subtraction from parts", single=False)
