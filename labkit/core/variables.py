"""Variable: state that lives in a session and survives from run to run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.collections import GraphKeys
from labkit.core.convert import as_array, to_tensor
from labkit.core.graph import Graph, get_default_graph
from labkit.core.operation import Operation
from labkit.core.shapes import as_dims, is_known, show
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError


class Variable:
    """State of a program: a tensor whose value stays in the session until an operation assigns another.

    Used as an operand, a variable stands for its value. Within one run every read sees the value at the run's start,
    unless a data or control dependency puts it after a write (`read_value` under `lk.control_dependencies`).

    Args:
        initial_value: a number, array or list; a tensor; or a function without arguments that builds one.
        trainable: whether optimizers change it when no var_list is given. (A dtype in this place is accepted and means
            `dtype`, because course programs write `Variable([.3], tf.float32)`.)
        collections: the graph's collections that hold it; default: GLOBAL_VARIABLES. A trainable one is in
            TRAINABLE_VARIABLES, too.
        validate_shape: accepted for programs that say False; a variable keeps the shape of its initial value all the same.
        name: the operation's name.
        dtype: the dtype; default: the initial value's.
        shape: only needed where the initial value's shape is not known.
        constraint: a function of the value that optimizers apply after each of their updates, or None.

    Raises:
        ShapeError: the shape is not fully known.
        DTypeError: the initial value does not survive conversion to `dtype`.
        InvalidArgumentError: there is no initial value, or `collections` is no list.
    """

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool = True,
        collections: Sequence[str] | None = None,
        validate_shape: bool = True,
        *,
        name: str | None = None,
        dtype: Any = None,
        shape: Any = None,
        constraint: Callable[[Any], Any] | None = None,
    ) -> None:
        if isinstance(trainable, dt.DType):
            trainable, dtype = True, dtype or trainable
        if initial_value is None:
            raise InvalidArgumentError("initial_value must be specified", rule="A variable starts from a value")
        if isinstance(collections, str):
            raise InvalidArgumentError("collections is a list, tuple or set of keys", received=repr(collections))
        wanted = None if dtype is None else dt.as_dtype(dtype)
        graph = get_default_graph().outermost
        self.trainable, self.constraint = bool(trainable), constraint
        full = graph.unique_name(name or "Variable", mark_as_used=False)
        with graph.as_default(), graph.control_dependencies(None), graph.name_scope(full + "/"):
            if callable(initial_value):
                with graph.name_scope("Initializer"):
                    initial_value = initial_value()
            initial = to_tensor(initial_value, wanted, name="initial_value")
        if initial.dtype is dt.string:
            raise DTypeError(
                f"Variable '{full}' cannot hold text",
                rule="Variables hold numbers; text exists on the host only",
                received=repr(initial),
                fix="Use lk.constant, or feed a lk.placeholder(lk.string).",
            )
        dims = initial.dims if shape is None else as_dims(shape)
        if not is_known(dims):
            raise ShapeError(
                f"Variable '{full}': initial_value must have a shape specified",
                rule="A variable's shape is fully known and does not change, whatever validate_shape says",
                received=f"{initial!r}",
                fix="Give shape=, or an initial value of known shape.",
            )
        with graph.as_default(), graph.control_dependencies(None):
            attrs = {"shape": dims, "dtype": initial.dtype}
            self.op: Operation = graph.apply("VariableV2", [], attrs, name or "Variable")
            self._tensor = self.op.outputs[0]
            self.initial_value = initial
            with graph.name_scope(self.op.name + "/"):
                self.initializer: Operation = graph.apply("Assign", [self._tensor, initial], name="Assign")
        keys = [*(collections if collections is not None else [GraphKeys.GLOBAL_VARIABLES])]
        graph.add_to_collections([*keys, GraphKeys.TRAINABLE_VARIABLES] if self.trainable else keys, self)

    @classmethod
    def of(cls, op: Operation, initializer: Operation, initial_value: Tensor, trainable: bool) -> Variable:
        """The variable whose operations are there already, as after an import; it is in no collection."""
        made = cls.__new__(cls)
        made.op, made._tensor, made.trainable, made.constraint = op, op.outputs[0], trainable, None
        made.initializer, made.initial_value = initializer, initial_value
        return made

    @property
    def name(self) -> str:
        return self._tensor.name

    @property
    def dtype(self) -> dt.DType:
        return self._tensor.dtype

    @property
    def shape(self) -> Any:
        return self._tensor.shape

    def get_shape(self) -> Any:
        return self._tensor.shape

    def set_shape(self, shape: Any) -> None:
        """Checks that the variable has that shape; raises ShapeError where it has not."""
        self._tensor.set_shape(shape)

    @property
    def device(self) -> str:
        """The device that the program asked for, "" for none."""
        return self.op.device

    @property
    def dims(self) -> tuple[int, ...]:
        return self._tensor.dims  # type: ignore[return-value]

    @property
    def graph(self) -> Graph:
        return self.op.graph

    @property
    def ref(self) -> Tensor:
        """The tensor that names the state itself, for operations that write it."""
        return self._tensor

    def as_tensor(self) -> Tensor:
        """The value as operands see it: at the run's start, or here and now under control dependencies."""
        graph = get_default_graph() if get_default_graph().is_inside(self.graph) else self.graph
        while graph.outer is not None and not graph.in_control_dependencies:
            graph = graph.outer  # an inside is given what is read where the dependencies are
        if not graph.in_control_dependencies:
            return self._tensor
        with graph.as_default():
            return self.read_value()

    def value(self) -> Tensor:
        return self.as_tensor()

    def read_value(self) -> Tensor:
        """A new read, ordered after the control dependencies in force."""
        with self.graph.name_scope(self.op.name + "/"):
            return self.graph.apply("ReadVariable", [self._tensor], name="read").outputs[0]

    def initialized_value(self) -> Tensor:
        """The value where the variable holds one when this runs, else its initial value: what another variable's initial
        value may be computed from, in whatever order the two are initialized."""
        return OPERATORS["initialized_value"](self)

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Builds the write of `value`, of the variable's shape.

        Args:
            use_locking: accepted for programs that say it; runs that write exclude each other in any case.
            read_value: whether the result is the new value, a tensor; else it is the operation.

        Raises:
            ShapeError, DTypeError: the value does not fit.
        """
        return self._write("Assign", value, name, read_value)

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Builds the addition of `delta`; arguments, result and errors as those of `assign`."""
        return self._write("AssignAdd", delta, name, read_value)

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Builds the subtraction of `delta`; arguments, result and errors as those of `assign`."""
        return self._write("AssignSub", delta, name, read_value)

    def _write(self, operation: str, value: Any, name: str | None, read_value: bool) -> Any:
        op = self.graph.apply(operation, [self._tensor, to_tensor(value, self.dtype, name="value")], name=name)
        return op.outputs[0] if read_value else op

    def eval(self, session: Any = None) -> Any:
        """The value in the given or the default session."""
        return self._tensor.eval(session=session)

    def load(self, value: Any, session: Any = None) -> None:
        """Sets the value in the given or the default session, without building an operation."""
        from labkit.core.execution.session_stack import need_session

        need_session(session, f"{self.name}.load()").load(self, as_array(value, self.dtype))

    def __repr__(self) -> str:
        return f"<labkit.Variable '{self.name}' shape={show(self.dims)} dtype={self.dtype.name}>"

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        return self._tensor.__array__()

    __array_priority__ = 100.0
    __hash__ = object.__hash__

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        values = [x.as_tensor() if isinstance(x, Variable) else x for x in inputs]
        return self._tensor.__array_ufunc__(ufunc, method, *values, **kwargs)


def _lend(name: str) -> Callable[..., Any]:
    def operator(self: Variable, *args: Any) -> Any:
        return getattr(self.as_tensor(), name)(*args)

    operator.__name__ = name
    return operator


_OPERATORS = """
    __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __floordiv__ __rfloordiv__
    __mod__ __rmod__ __pow__ __rpow__ __matmul__ __rmatmul__
    __and__ __rand__ __or__ __ror__ __xor__ __rxor__ __invert__
    __lt__ __le__ __gt__ __ge__ __neg__ __abs__ __getitem__ __bool__ __len__ __iter__ __contains__ __float__ __int__
    __setitem__
"""
for _name in _OPERATORS.split():
    setattr(Variable, _name, _lend(_name))


def need_variable(value: Any, what: str) -> Variable:
    """`value`, which is a variable.

    Raises:
        InvalidArgumentError: it is none.
    """
    if isinstance(value, Variable):
        return value
    raise InvalidArgumentError(
        f"{what} got no variable",
        rule="What is written to is a variable, not a value that was read from one",
        received=repr(value),
        fix="Make one with lk.Variable.",
    )
