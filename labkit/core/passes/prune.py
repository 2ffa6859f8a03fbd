"""Dead code: keeps what the fetches need, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labkit.core.operation import Operation
from labkit.core.shapes import is_known
from labkit.core.tensor import Tensor
from labkit.core.values import has_exact_reference

_LONGEST_SHAPE = 8  # elements of a fed vector from which shapes are still worked out while planning


@dataclass(frozen=True)
class Needed:
    """What a run needs.

    Attributes:
        run: operations that are executed.
        shapes: operations of which only shapes or small values are needed while planning, besides `run`.
        evaluated: tensors whose value is worked out while planning, because it decides a shape.
        probed: tensors that are computed in the run and whose value decides the shape of something after them.
    """

    run: frozenset[Operation]
    shapes: frozenset[Operation]
    evaluated: frozenset[Tensor]
    probed: frozenset[Tensor]


def prune(targets: Iterable[Operation], feeds: Sequence[Tensor]) -> Needed:
    """The operations that `targets` need when `feeds` are given from outside."""
    return _Pruning(frozenset(feeds)).walk(targets)


class _Pruning:
    def __init__(self, fed: frozenset[Tensor]) -> None:
        self.fed = fed
        self.run: set[Operation] = set()
        self.shapes: set[Operation] = set()
        self.evaluated: set[Tensor] = set()
        self.probed: set[Tensor] = set()
        self._to_run: list[Operation] = []
        self._to_shape: list[Tensor] = []
        self._can_evaluate: dict[Tensor, bool] = {}

    def walk(self, targets: Iterable[Operation]) -> Needed:
        self._to_run.extend(targets)
        while self._to_run or self._to_shape:
            if self._to_run:
                self._need_run(self._to_run.pop())
            else:
                self._need_shape(self._to_shape.pop())
        return Needed(
            frozenset(self.run),
            frozenset(self.shapes - self.run),
            frozenset(self.evaluated),
            frozenset(self.probed),
        )

    def _need_run(self, op: Operation) -> None:
        if op in self.run:
            return
        self.run.add(op)
        self._to_run.extend(op.control_inputs)
        for i, tensor in enumerate(op.inputs):
            if i in op.shape_inputs:
                self._to_shape.append(tensor)
            elif i in op.value_inputs:
                self._need_value(tensor)
            elif i in op.writes or tensor not in self.fed:
                self._to_run.append(tensor.op)

    def _need_shape(self, tensor: Tensor) -> None:
        op = tensor.op
        if tensor in self.fed or op in self.shapes:
            return
        self.shapes.add(op)
        if op.hosted and not is_known(tensor.dims):
            self._to_run.append(op)  # its shape is known when it has run
        self._to_shape.extend(op.inputs)
        for i in op.value_inputs:
            self._need_value(op.inputs[i])

    def _need_value(self, tensor: Tensor) -> None:
        if tensor in self.evaluated or tensor in self.probed:
            return
        if tensor in self.fed:
            self.evaluated.add(tensor)
        elif not self._evaluable(tensor):
            self.probed.add(tensor)
            self._to_run.append(tensor.op)
        else:
            self.evaluated.add(tensor)
            self._to_shape.append(tensor)
            if tensor.op.definition.from_shapes is None:
                for x in tensor.op.inputs:
                    self._need_value(x)

    def _evaluable(self, tensor: Tensor) -> bool:
        """Whether a value can be worked out while planning, without running anything."""
        stack = [tensor]
        while stack:
            x = stack[-1]
            if x not in self._can_evaluate:
                inputs = [] if x in self.fed or x.op.definition.from_shapes is not None else list(x.op.inputs)
                missing = [y for y in inputs if y not in self._can_evaluate] if has_exact_reference(x) else []
                if missing:
                    stack.extend(missing)
                    continue
                self._can_evaluate[x] = self._decide(x, inputs)
            stack.pop()
        return self._can_evaluate[tensor]

    def _decide(self, x: Tensor, inputs: Sequence[Tensor]) -> bool:
        if x in self.fed:  # a shape, or a number that one is made of; not, say, the lengths of a batch's sentences
            return x.dims == () or (x.dims is not None and len(x.dims) == 1 and (x.dims[0] or 99) <= _LONGEST_SHAPE)
        if x.op.type == "Const" or x.op.definition.from_shapes is not None:
            return True
        return has_exact_reference(x) and all(self._can_evaluate[y] for y in inputs)
