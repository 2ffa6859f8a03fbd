"""All shapes of a stage for given feeds, and the values of the small tensors that decide them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from labkit.core.explain import explain
from labkit.core.opdef import OpContext
from labkit.core.operation import Operation
from labkit.core.passes.stages import Settled, Stage
from labkit.core.shapes import Dims, check_dims, compatible, is_known, show
from labkit.core.tensor import Tensor
from labkit.core.values import evaluate_reference
from labkit.errors import GraphError, InvalidArgumentError, LabkitError, ShapeError


class Inference:
    """The shapes of one stage and of those before it.

    Args:
        dims: the shapes of the arrays that come from outside: what is fed, results of host operations.
        values: the values of those of them that decide shapes.
        before: the inference of the stage before.

    Raises:
        ShapeError: the shapes fed do not fit.
        InvalidArgumentError: a placeholder is not fed.
        GraphError: a shape is not known before the run.
    """

    def __init__(
        self,
        stage: Stage,
        dims: Mapping[Tensor, tuple[int, ...]],
        values: Mapping[Tensor, np.ndarray],
        before: Inference | None = None,
    ) -> None:
        settled = stage.settled
        self.dims: dict[Tensor, Dims] = {
            **(before.dims if before else {}),
            **(settled.dims if settled else {}),
            **dims,
        }
        self._known: dict[Tensor, np.ndarray] = {**(before._known if before else {}), **values}
        self._contexts: dict[Operation, OpContext] = {}
        for op in settled.varying if settled else stage.inferred:
            self._add(op)
        if settled is None:
            stage.settled = self._settle(stage.inferred, dims)

    def of(self, tensor: Tensor) -> tuple[int, ...]:
        """The tensor's shape, fully known."""
        return self.dims[tensor]  # type: ignore[return-value]

    def _settle(self, inferred: Sequence[Operation], given: Mapping[Tensor, Dims]) -> Settled:
        """What no other feed can change: results of operations whose inputs have settled, and no value decides."""
        known = {x for x in given if is_known(x.dims)}
        settled: dict[Tensor, Dims] = {}
        varying = []
        for op in inferred:
            if op.value_inputs or op.hosted or not known.issuperset(op.inputs) or op.type == "Placeholder":
                varying.append(op)
                continue
            results = [x for x in op.outputs if x not in given]
            known.update(results)
            settled.update((x, self.dims[x]) for x in results)
        return Settled(settled, varying)

    def _add(self, op: Operation) -> None:
        if all(x in self.dims for x in op.outputs):
            return
        if op.type == "Placeholder":
            raise unfed(op, f"Add it to feed_dict: session.run(..., {{{op.name}: value}}).")
        context = self.context(op)
        self._contexts[op] = context  # the lowering asks for it again
        try:
            for tensor, dims in zip(op.outputs, op.definition.shapes(context), strict=True):
                if op.hosted and not is_known(dims):
                    dims = tensor.dims  # what set_shape promised; else its array will tell
                if is_known(dims) or not op.hosted:
                    self.dims.setdefault(tensor, check_dims(dims))
        except LabkitError as error:
            if error.what:
                raise
            given = [Tensor(x.op, x.index, self.dims.get(x), x.dtype) for x in op.inputs]
            raise explain(error, f"{op.type} '{op.name}' ({op.line}) cannot run with what was fed", given) from None
        for tensor in op.outputs:
            if tensor not in self.dims or (self.dims[tensor] == tensor.dims and is_known(tensor.dims)):
                continue
            if not compatible(tensor.dims, self.dims[tensor]):
                raise ShapeError(
                    f"{tensor.name} ({op.line}) has another shape in this run than set_shape or its rule promised",
                    rule=f"The shape is {show(tensor.dims)}",
                    received=show(self.dims[tensor]),
                )
            if not is_known(self.dims[tensor]):
                raise GraphError(
                    f"The shape of {tensor.name} ({op.line}) is not known before the run",
                    rule="A shape may depend on shapes, constants and fed values, not on computed ones",
                )

    def context(self, op: Operation) -> OpContext:
        """What the operation's rules see now that all shapes are known."""
        found = self._contexts.get(op)
        if found is not None:
            return found
        deciding = op.value_inputs
        values = [self.value(x) if i in deciding else None for i, x in enumerate(op.inputs)]
        return OpContext([self.dims.get(x) for x in op.inputs], [x.dtype for x in op.inputs], op.attrs, values)

    def value(self, tensor: Tensor) -> np.ndarray:
        """The value of a small tensor that decides a shape."""
        if tensor not in self._known:
            op = tensor.op
            if op.type == "Const":
                self._known[tensor] = op.attrs["value"]
            elif op.definition.from_shapes is not None:
                self._known[tensor] = op.definition.from_shapes(self.context(op))
            elif tensor.dtype.is_integer and op.definition.pure and op.definition.reference and op.inputs:
                self._known[tensor] = evaluate_reference(tensor, [self.value(x) for x in op.inputs])
            else:
                raise GraphError(
                    f"The value of {tensor.name} ({op.line}) decides a shape and is not known before the run",
                    rule="A shape may depend on shapes, constants and fed values, not on computed ones",
                )
        return self._known[tensor]


def unfed(op: Operation, fix: str) -> InvalidArgumentError:
    """The error of a placeholder that is not fed."""
    return InvalidArgumentError(
        f"You must feed a value for placeholder tensor '{op.name}' with dtype {op.outputs[0].dtype.name} ({op.line})",
        rule="Every placeholder that the fetches need is fed",
        fix=fix,
    )
