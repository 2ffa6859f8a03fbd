"""Values that are known while the graph is built: constants, and what small operations make of them and of shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.core.explain import explain
from labkit.core.opdef import OpContext, OpDef, Roles
from labkit.core.shapes import Dims, count, is_known
from labkit.errors import InvalidArgumentError, LabkitError

if TYPE_CHECKING:
    from labkit.core.operation import Operation
    from labkit.core.tensor import Tensor

_LARGEST = 64  # elements
_MOST = 64  # operations that one value is worked out from: a graph from elsewhere may be made to take long
_TRIED = (0, 1, 2, 7, 1009, 1_000_003)


def constant_value(tensor: Tensor) -> Any:
    """The value of a tensor that the graph alone decides (constants and what small operations make of them), else None."""
    return _Evaluation(None).value(tensor)


def partial_dims(tensor: Tensor) -> Dims:
    """A vector of whole numbers as far as the graph decides it: `[lk.shape(x)[0], 28]` is (None, 28).

    Unknown dimensions are given several values in turn; an element that stays the same is known.
    """
    if not tensor.dtype.is_integer or tensor.dims is None or len(tensor.dims) != 1 or tensor.dims[0] is None:
        return None
    unknown = (None,) * tensor.dims[0]
    tried = []
    for number in _TRIED:
        tried.append(_Evaluation(number).value(tensor))
        if tried[-1] is None or tried[-1].shape != tensor.dims:
            return unknown
    return tuple(int(same[0]) if len({int(n) for n in same}) == 1 else None for same in zip(*tried, strict=True))


def context_of(definition: OpDef, roles: Roles, inputs: Sequence[Tensor], attrs: Mapping[str, Any]) -> OpContext:
    """What an operation's rules see while the graph is built."""
    values: list[Any] = [None] * len(inputs)
    partial = {}
    for i in roles.value_inputs:
        values[i] = constant_value(inputs[i])
        if values[i] is None:
            partial[i] = partial_dims(inputs[i])
    return OpContext([x.dims for x in inputs], [x.dtype for x in inputs], attrs, values, partial)


class _Evaluation:
    """Works out values without running anything.

    Args:
        number: what unknown dimensions and numbers are taken for, each a little differently; None: they are unknown.
    """

    def __init__(self, number: int | None) -> None:
        self.number = number
        self._taken: dict[tuple[Tensor, int], int] = {}
        self._values: dict[Tensor, Any] = {}

    def value(self, tensor: Tensor) -> Any:
        if tensor not in self._values:
            self._values[tensor] = None  # counts
            self._values[tensor] = self._work_out(tensor)
        return self._values[tensor]

    def _work_out(self, tensor: Tensor) -> Any:
        op = tensor.op
        if op.type == "Const":
            return op.attrs["value"]
        outside = tensor.graph.outside(tensor)
        if outside is not None:
            return self.value(outside)
        definition = op.definition
        try:
            if definition.from_shapes is not None:
                return self._from_shapes(op)
            small = is_known(tensor.dims) and count(tensor.dims) <= _LARGEST  # type: ignore[arg-type]
            if not has_exact_reference(tensor) or not small or len(self._values) > _MOST:
                return self._computed(tensor)
            values = []
            for x in op.inputs:
                values.append(self.value(x))
                if values[-1] is None or values[-1].size > _LARGEST:
                    return self._computed(tensor)
            return evaluate_reference(tensor, values)
        except LabkitError:  # a run will say what is wrong
            return None

    def _computed(self, tensor: Tensor) -> Any:
        """What stands for a value that only a run knows."""
        dims, kind = tensor.dims, tensor.dtype.numpy
        if self.number is None or dims is None or not is_known(dims) or count(dims) > _LARGEST or kind.itemsize < 4:  # type: ignore[arg-type]
            return None
        numbers = [self._stand_in(tensor, i) for i in range(count(dims))]  # type: ignore[arg-type]
        return np.asarray(numbers, np.int64).astype(kind).reshape(dims) if kind.kind == "i" else None

    def _stand_in(self, x: Tensor, place: int) -> int:
        assert self.number is not None
        return self._taken.setdefault((x, place), self.number * (len(self._taken) + 1) + len(self._taken))

    def _from_shapes(self, op: Operation) -> Any:
        dims = [self._known(x) for x in op.inputs]
        if not all(is_known(d) for d in dims):
            return None
        context = OpContext(dims, [x.dtype for x in op.inputs], op.attrs)
        return op.definition.from_shapes(context)  # type: ignore[misc]

    def _known(self, x: Tensor) -> Dims:
        if x.dims is None or self.number is None:
            return x.dims
        return tuple(self._stand_in(x, i) if n is None else n for i, n in enumerate(x.dims))


def has_exact_reference(tensor: Tensor) -> bool:
    """Whether the record's NumPy reference gives the value from its inputs' values, exactly and in every run the same."""
    definition = tensor.op.definition
    if definition.reference is None or not tensor.dtype.is_integer or not tensor.op.inputs:
        return False
    return definition.pure and not (definition.host or tensor.op.writes or tensor.op.counters)


def evaluate_reference(tensor: Tensor, values: Sequence[Any]) -> Any:
    """An operation's output by the record's NumPy reference: only for small integer tensors that reach a shape.

    Raises:
        InvalidArgumentError: NumPy cannot compute with these values.
    """
    op = tensor.op
    reference = op.definition.reference
    assert reference is not None
    try:
        with np.errstate(all="ignore"):
            result = reference(*values, **op.attrs)
    except LabkitError as error:
        raise explain(error, f"{op.type} '{op.name}' ({op.line}) cannot compute with these values") from None
    except (ValueError, IndexError, TypeError, ArithmeticError) as error:
        what = f"{op.type} '{op.name}' ({op.line}) cannot compute with these values"
        raise InvalidArgumentError(what, received=f"{[np.asarray(v).tolist() for v in values]}: {error}") from None
    return np.asarray(result[tensor.index] if isinstance(result, tuple) else result, dtype=tensor.dtype.numpy)
