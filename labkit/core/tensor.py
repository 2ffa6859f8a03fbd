"""Tensor: the symbolic result of an operation. Its operators build further operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.core.dtypes import DType
from labkit.core.shapes import Dims, show
from labkit.core.tensor_shape import TensorShape
from labkit.errors import DTypeError, GraphError

if TYPE_CHECKING:
    from labkit.core.graph import Graph
    from labkit.core.operation import Operation


class Tensor:
    """An output of an operation: a promise of an array, with a dtype and what is known of its shape.

    Tensors are compared and hashed by identity, so that they can be keys of a feed; `lk.equal` compares values.
    """

    __slots__ = ("__weakref__", "dims", "dtype", "index", "op")
    __array_priority__ = 100.0  # `array * tensor` asks the tensor

    def __init__(self, op: Operation, index: int, dims: Dims, dtype: DType) -> None:
        self.op, self.index, self.dims, self.dtype = op, index, dims, dtype

    @property
    def name(self) -> str:
        return f"{self.op.name}:{self.index}"

    @property
    def graph(self) -> Graph:
        return self.op.graph

    @property
    def value_index(self) -> int:
        """Which of its operation's outputs it is."""
        return self.index

    @property
    def device(self) -> str:
        """The device that the program asked for, "" for none."""
        return self.op.device

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self.dims)

    def get_shape(self) -> TensorShape:
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Adds knowledge of the shape; raises ShapeError when it contradicts what is known."""
        from labkit.core.shapes import as_dims, compatible, merge
        from labkit.errors import ShapeError

        dims = as_dims(shape)
        if not compatible(self.dims, dims):
            raise ShapeError(
                f"{self.name} cannot have that shape",
                rule="A shape can be refined, not changed",
                received=f"{show(dims)} for a tensor of shape {show(self.dims)}",
            )
        self.dims = merge(self.dims, dims)

    def consumers(self) -> list[Operation]:
        """The operations that have this tensor as an input, in order of creation."""
        return [op for op in self.graph.operations if any(x is self for x in op.inputs)]

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """The tensor's value: `session.run(self, feed_dict)` in the given or the default session.

        Raises:
            NoSessionError: there is no session.
        """
        from labkit.core.execution.session_stack import need_session

        return need_session(session, f"{self.name}.eval()").run(self, feed_dict)

    def __repr__(self) -> str:
        shape = "" if self.dims is None else f" shape={show(self.dims)},"
        return f'Tensor("{self.name}",{shape} dtype={self.dtype.name})'

    # --- what a symbolic tensor refuses, and what to do instead ---

    def __bool__(self) -> bool:
        raise DTypeError(
            f"{self!r} has no truth value while the graph is built",
            rule="Python's if, while, and, or, not need a value; a tensor has one in session.run only",
            fix="Run the tensor first, or compute with it: lk.where(condition, x, y), and & | ~ for and, or, not.",
        )

    def __len__(self) -> int:
        raise DTypeError(
            f"{self!r} has no len()",
            rule="Its number of elements may depend on the run",
            fix="Use tensor.shape[0] where the graph knows it, or lk.shape(tensor)[0] for its value in a run.",
        )

    def __iter__(self) -> Iterator[Tensor]:
        if not self.dims or self.dims[0] is None:
            raise DTypeError(
                f"{self!r} cannot be iterated over while the graph is built",
                rule="Iteration needs a known first dimension",
                fix="Give the placeholder a shape, or run the tensor and iterate over the array.",
            )
        return (self[i] for i in range(self.dims[0]))

    def __contains__(self, item: Any) -> bool:
        raise DTypeError(
            f"{self!r} holds no values while the graph is built: `in` cannot look into it",
            rule="The graph computes with labkit's operations",
            fix="Use lk.reduce_any(lk.equal(x, value)).",
        )

    def __float__(self) -> float:
        raise DTypeError(
            f"{self!r} has no value while the graph is built",
            rule="float() and int() need a value; a tensor has one in session.run only",
            fix="Run it first: float(session.run(x)), or compute with lk.cast.",
        )

    def __int__(self) -> int:
        return int(self.__float__())

    def __setitem__(self, key: Any, value: Any) -> None:
        raise DTypeError(
            f"{self!r} cannot be changed in place",
            rule="A tensor is a result; only variables change, by operations",
            fix="Use lk.tensor_scatter_update, or lk.scatter_update for a variable.",
        )

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise DTypeError(
            f"{self!r} is no array: NumPy cannot compute with a symbolic tensor",
            rule="The graph computes with labkit's operations; arrays come out of session.run",
            fix="Use the lk function of that name, or run the tensor first.",
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        # `array * tensor` and `np.float32(2) * tensor` arrive here; everything else is a NumPy function on a tensor.
        operation = _UFUNC_OPERATORS.get(ufunc.__name__)
        if method == "__call__" and not kwargs and operation is not None and len(inputs) == 2:
            return _binary(operation, *inputs)
        return self.__array__()

    __hash__ = object.__hash__

    # --- operators ---

    def __add__(self, other: Any) -> Tensor:
        return _binary("add", self, other)

    def __radd__(self, other: Any) -> Tensor:
        return _binary("add", other, self)

    def __sub__(self, other: Any) -> Tensor:
        return _binary("sub", self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return _binary("sub", other, self)

    def __mul__(self, other: Any) -> Tensor:
        return _binary("mul", self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return _binary("mul", other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return _binary("truediv", self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return _binary("truediv", other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return _binary("floordiv", self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return _binary("floordiv", other, self)

    def __mod__(self, other: Any) -> Tensor:
        return _binary("mod", self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return _binary("mod", other, self)

    def __pow__(self, other: Any) -> Tensor:
        return _binary("pow", self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return _binary("pow", other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return _binary("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return _binary("matmul", other, self)

    def __lt__(self, other: Any) -> Tensor:
        return _binary("less", self, other)

    def __le__(self, other: Any) -> Tensor:
        return _binary("less_equal", self, other)

    def __gt__(self, other: Any) -> Tensor:
        return _binary("greater", self, other)

    def __ge__(self, other: Any) -> Tensor:
        return _binary("greater_equal", self, other)

    def __and__(self, other: Any) -> Tensor:
        return _binary("and", self, other)

    def __rand__(self, other: Any) -> Tensor:
        return _binary("and", other, self)

    def __or__(self, other: Any) -> Tensor:
        return _binary("or", self, other)

    def __ror__(self, other: Any) -> Tensor:
        return _binary("or", other, self)

    def __xor__(self, other: Any) -> Tensor:
        return _binary("xor", self, other)

    def __rxor__(self, other: Any) -> Tensor:
        return _binary("xor", other, self)

    def __invert__(self) -> Tensor:
        return OPERATORS["invert"](self)

    def __neg__(self) -> Tensor:
        return OPERATORS["neg"](self)

    def __abs__(self) -> Tensor:
        return OPERATORS["abs"](self)

    def __getitem__(self, key: Any) -> Tensor:
        return OPERATORS["getitem"](self, key)


OPERATORS: dict[str, Any] = {}
"""Operator name -> function that builds the operation. labkit.ops fills it: the core knows no operation."""

_UFUNC_OPERATORS = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "true_divide": "truediv",
    "divide": "truediv",
    "floor_divide": "floordiv",
    "remainder": "mod",
    "power": "pow",
    "matmul": "matmul",
    "less": "less",
    "less_equal": "less_equal",
    "greater": "greater",
    "greater_equal": "greater_equal",
    "bitwise_and": "and",
    "bitwise_or": "or",
    "bitwise_xor": "xor",
}


def _binary(operator: str, a: Any, b: Any) -> Tensor:
    if operator not in OPERATORS:
        raise GraphError(f"The operator {operator!r} is not defined", fix="Import labkit.ops first.")
    return OPERATORS[operator](a, b)
