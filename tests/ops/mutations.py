"""Records with one rule, bound or check taken away or made wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import labkit as lk
from labkit.core import dtypes as dt
from labkit.core.opdef import NotDifferentiable, OpContext, OpDef
from labkit.core.shapes import Dims
from labkit.errors import DTypeError, ShapeError
from tests.ops.checks import Derivatives, smooth
from tests.ops.records import generator


@dataclass
class Mutation:
    """A record with a fault.

    Attributes:
        reached: whether the fault has changed any answer so far; one that changes none is no fault.
    """

    label: str
    record: OpDef
    reached: Callable[[], bool] = lambda: True


class Flag:
    def __init__(self) -> None:
        self.up = False


def mutations(record: OpDef) -> Iterator[Mutation]:
    """One fault after the other."""
    yield from of_gradient(record)
    yield from of_shapes(record)
    yield from of_dtypes(record)
    for name, attr in record.attrs.items():
        for bound in ("low", "high", "choices"):
            if getattr(attr, bound) is not None:
                attrs = {**record.attrs, name: replace(attr, **{bound: None})}
                yield Mutation(f"no {bound} of {name}", replace(record, attrs=attrs))
    *first, last = record.inputs or ("",)
    inputs = (*first, f"*{last}") if last.startswith("*") else (*first, last, "**more") if last else ("**more",)
    if not last.startswith("**"):
        yield Mutation("no check of the count", replace(record, inputs=inputs))


def of_gradient(record: OpDef) -> Iterator[Mutation]:
    rule = record.gradient
    if isinstance(rule, NotDifferentiable):
        return
    yield Mutation("no gradient", replace(record, gradient=NotDifferentiable("removed")))
    derivatives = Derivatives(record, smooth(record), generator(record))
    found = derivatives.uses.run(derivatives.gradients(derivatives.losses))
    sloping = {min(i, len(record.inputs) - 1) for grads in found for i, grad in grads.items() if np.any(grad)}
    for i in sorted(sloping):

        def changed(op: Any, *grads: Any, i: int = i) -> Sequence[Any]:
            answer = list(rule(op, *grads))
            for j in range(len(answer)):
                if min(j, len(record.inputs) - 1) == i and answer[j] is not None:
                    answer[j] = lk.convert_to_tensor(answer[j]) * 1.01
            return answer

        def dropped(op: Any, *grads: Any, i: int = i) -> Sequence[Any]:
            return [None if min(j, len(record.inputs) - 1) == i else g for j, g in enumerate(rule(op, *grads))]

        yield Mutation(f"gradient of {record.inputs[i]} wrong by 1%", replace(record, gradient=changed))
        yield Mutation(f"no gradient of {record.inputs[i]}", replace(record, gradient=dropped))


def of_shapes(record: OpDef) -> Iterator[Mutation]:
    rule = record.shapes
    known, refused, taller = Flag(), Flag(), Flag()

    def unknown(c: OpContext) -> list[Dims]:
        answer = rule(c)
        known.up |= any(dims is not None for dims in answer)
        return [None] * len(answer)

    def lenient(c: OpContext) -> Sequence[Dims]:
        try:
            return rule(c)
        except ShapeError:
            refused.up = True
            return [None] * len(record.outputs)

    def wrong(c: OpContext) -> list[Dims]:
        answer = rule(c)
        taller.up |= any(dims is not None for dims in answer)
        return [None if dims is None else (*dims, 2) for dims in answer]

    yield Mutation("shapes unknown", replace(record, shapes=unknown), lambda: known.up)
    yield Mutation("any shapes accepted", replace(record, shapes=lenient), lambda: refused.up)
    yield Mutation("another shape", replace(record, shapes=wrong), lambda: taller.up)


def of_dtypes(record: OpDef) -> Iterator[Mutation]:
    rule = record.dtypes
    refused = Flag()

    def lenient(inputs: Sequence[dt.DType], attrs: Any) -> Sequence[dt.DType]:
        try:
            return rule(inputs, attrs)
        except DTypeError:
            refused.up = True
            return [inputs[0]] * len(record.outputs)

    def other(inputs: Sequence[dt.DType], attrs: Any) -> Sequence[dt.DType]:
        return [dt.float64 if d is dt.float32 else dt.float32 for d in rule(inputs, attrs)]

    yield Mutation("any dtypes accepted", replace(record, dtypes=lenient), lambda: refused.up)
    if record.outputs:
        yield Mutation("another dtype", replace(record, dtypes=other))
