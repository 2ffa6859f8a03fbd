"""Updates of variables in place by the optimizers: one record for gradients that are tensors, one for rows.

A gradient that has the form of rows (`lk.IndexedSlices`) changes these rows only: rows that come several times are added
up, and each row takes one step, its slots too. What other rows remember stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, compatible, show
from labkit.core.slices import IndexedSlices
from labkit.core.tensor import Tensor
from labkit.core.variables import Variable
from labkit.errors import ShapeError
from labkit.ops.build import apply
from labkit.ops.indices import addressed, index_tensor, joined, need_same
from labkit.ops.rules import same_dtype

_STATE = NotDifferentiable("a write is no function of its inputs")
_ROWS: Any = (((5, 3), [4, 0, 4]), ((4,), [1, 3]), ((6, 2, 17), []), ((3, 2), [2, 2, 2]))


def register_update(
    name: str,
    kernel: str,
    variables: Sequence[str],
    numbers: Sequence[str],
    step: Callable[..., tuple[Any, ...]],
    formula: str,
    source: str = "",
    *,
    rows: bool = True,
    **attrs: Attr,
) -> None:
    """Registers `Apply<name>` and, unless `rows` is false, `SparseApply<name>`.

    Args:
        kernel: the native kernels are `apply_<kernel>` and `sparse_apply_<kernel>`.
        variables: what is updated; first the weights.
        numbers: the operands of one number; the gradient comes after them.
        step: (*variables, *numbers, gradient, **attrs) -> new values of the variables, in NumPy.
    """
    first, given = len(variables), (*variables, *numbers, "gradient")

    def fits(c: OpContext, i: int, wanted: Dims, rule: str) -> None:
        if not compatible(c.dims[i], wanted):
            raise ShapeError("", rule=rule, received=f"{show(c.dims[i])} for a variable of {show(c.dims[0])}")

    def shapes(c: OpContext) -> list[Dims]:
        for i, operand in enumerate(given[:-1]):
            rule = f"The {operand} has the variable's shape" if i < first else f"{operand} is one number"
            fits(c, i, c.dims[0] if i < first else (), rule)
        if len(c.dims) == len(given):
            fits(c, -1, c.dims[0], "The gradient has the variable's shape")
            return [c.dims[0]]
        variable, gradient, indices = c.dims[0], c.dims[-2], c.dims[-1]
        if variable == ():
            raise ShapeError("", rule="A number has no rows", received="()")
        if indices is not None and len(indices) != 1:
            raise ShapeError("", rule="The indices have one dimension", received=show(indices))
        wanted = None if variable is None or indices is None else joined(indices, variable[1:])
        need_same(gradient, wanted, "There is one row of the variable for each index: the gradient has the shape")
        return [variable]

    def numbers_and_options(rng: np.random.Generator) -> list[tuple[list[Any], dict[str, Any]]]:
        option = next(iter(attrs), "")
        options: list[dict[str, Any]] = [{option: True}, {option: False}] if option else [{}]
        return [([np.asarray(rng.uniform(0.1, 0.9)) for _ in numbers], chosen) for chosen in options]

    def state(rng: np.random.Generator, dims: tuple[int, ...]) -> list[Any]:
        # a running mean of gradients is never larger than the root of the mean of their squares
        return [rng.uniform(0.1, 1.0 if i < 2 else 0.3, size=dims) for i in range(first)]

    def samples(rng: np.random.Generator) -> list[Sample]:
        return [
            Sample([*state(rng, dims), *scalars, rng.normal(size=dims)], option)
            for dims in ((), (7,), (3, 17))
            for scalars, option in numbers_and_options(rng)
        ]

    def row_samples(rng: np.random.Generator) -> list[Sample]:
        return [
            Sample(
                [
                    *state(rng, dims),
                    *scalars,
                    rng.normal(size=(len(at), *dims[1:])),
                    np.asarray(at, np.int64),
                ],
                option,
            )
            for dims, at in _ROWS
            for scalars, option in numbers_and_options(rng)
        ]

    def row_reference(*inputs: Any, **options: Any) -> tuple[Any, ...]:
        *rest, gradient, indices = inputs
        chosen, position = np.unique(indices, return_inverse=True)
        summed = np.zeros((len(chosen), *gradient.shape[1:]), gradient.dtype)
        np.add.at(summed, position, gradient)
        new = [np.array(x) for x in rest[:first]]
        stepped = step(*(x[chosen] for x in new), *rest[first:], summed, **options)
        for whole, part in zip(new, stepped, strict=True):
            whole[chosen] = part
        return tuple(new)

    common: dict[str, Any] = {
        "outputs": ("new",),
        "writes": tuple(range(first)),
        "pure": False,
        "attrs": attrs,
        "shapes": shapes,
        "gradient": _STATE,
        "formula": formula,
        "source": source,
    }
    register(
        OpDef(
            name=f"Apply{name}",
            inputs=given,
            kernel=f"apply_{kernel}",
            dtypes=same_dtype(dt.FLOATS),
            reference=lambda *inputs, **options: _one_or_all(step(*inputs, **options)),
            samples=samples,
            doc="One step of all weights, in place.",
            **common,
        )
    )
    if rows:
        register(
            OpDef(
                name=f"SparseApply{name}",
                inputs=(*given, "indices"),
                kernel=f"sparse_apply_{kernel}",
                dtypes=addressed(range(len(given)), len(given), dt.FLOATS),
                reference=row_reference,
                samples=row_samples,
                doc="One step of the rows that the indices name, in place: the gradients of a row that comes several times "
                "are added up first. A bad index is an error when run, and changes nothing.",
                **common,
            )
        )


def _one_or_all(values: tuple[Any, ...]) -> Any:
    return values if len(values) > 1 else values[0]


def apply_update(
    name: str,
    variables: Sequence[Variable],
    numbers: Sequence[Any],
    gradient: Tensor | IndexedSlices,
    attrs: Mapping[str, Any] | None = None,
) -> Tensor:
    """Builds `Apply<name>`, or `SparseApply<name>` for a gradient in the form of rows; the result is the new value."""
    dtype = variables[0].dtype
    operands = [*(v.ref for v in variables), *(to_tensor(x, dtype) for x in numbers)]
    if not isinstance(gradient, IndexedSlices):
        return apply(f"Apply{name}", [*operands, to_tensor(gradient, dtype)], attrs)
    # checked on the way, because in a run everything that can fail comes before the first write
    checked = apply("CheckedIndices", [index_tensor(gradient.indices), variables[0].ref], {"single": True})
    return apply(f"SparseApply{name}", [*operands, gradient.values, checked], attrs)
