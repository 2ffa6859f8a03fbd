"""TensorArray: tensors of one shape by their index, written one after the other, e.g. by the iterations of a loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.graph import get_default_graph
from labkit.core.grouping import no_op
from labkit.core.nest import Compound
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, as_dims, compatible, is_known, show
from labkit.core.tensor import Tensor
from labkit.core.values import constant_value
from labkit.errors import DTypeError, GraphError, InvalidArgumentError, ShapeError
from labkit.ops.array_elements import Elements, Unwritten, index_of
from labkit.ops.array_index import WRITTEN
from labkit.ops.broadcast import fill, zeros
from labkit.ops.build import apply
from labkit.ops.compare import cast, equal, greater_equal
from labkit.ops.concat import concat
from labkit.ops.elementwise import maximum
from labkit.ops.gather import gather
from labkit.ops.host import Assert
from labkit.ops.logic import where
from labkit.ops.reduce import reduce_all, reduce_max
from labkit.ops.scatter import tensor_scatter_update
from labkit.ops.shape import expand_dims, reshape, shape
from labkit.ops.slicing import slice as slice_


class TensorArray(Compound):
    """An array of tensors of one dtype and shape. `write` and the like return what the array is afterwards; use that.

    As a loop variable, in what a branch returns, and outside of loops; writes in a loop are made in place, and gradients go
    through it. An element is written once, and read after that; in what `stack`, `gather` and `concat` give, elements that
    were not written are zeros.

    Args:
        dtype: of the elements.
        size: how many elements there are, a number or an int32 tensor.
        dynamic_size: whether writing beyond the end makes the array longer. A loop with such an array is run by Python,
            iteration by iteration: where the size is known, give it.
        element_shape: the shape of an element; default: that of the first one written.
        infer_shape, clear_after_read, colocate_with_first_write_call: accepted as in TensorFlow. The elements always have one
            shape, and may be read again.
        tensor_array_name, name: the array's name in errors.

    Raises:
        InvalidArgumentError: the size is no whole number, or `handle` or `flow` is given.
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        if handle is not None or flow is not None:
            raise InvalidArgumentError("A TensorArray has no handle and no flow", fix="Give dtype and size.")
        if size is None:
            raise InvalidArgumentError(
                "Size must be provided if handle is not provided", fix="TensorArray(dtype, size=n)."
            )
        with get_default_graph().name_scope(name or tensor_array_name or "TensorArray") as scope:
            number = to_tensor(size)
            if not number.dtype.is_integer or not compatible(number.dims, ()):
                received = f"{number.dtype.name} {show(number.dims)}"
                raise InvalidArgumentError("A TensorArray's size is one whole number", received=received)
            self._size = cast(number, dt.int32)
            self._states = zeros(expand_dims(self._size, 0), dt.uint8)
        self.elements = Elements(dt.as_dtype(dtype), as_dims(element_shape), bool(dynamic_size), scope[:-1])
        self._rows: Tensor | None = None

    # --- what it is ---

    @property
    def dtype(self) -> dt.DType:
        return self.elements.dtype

    @property
    def element_shape(self) -> Any:
        """What is known of the elements' shape."""
        from labkit.core.tensor_shape import TensorShape

        return TensorShape(self.elements.dims)

    @property
    def dynamic_size(self) -> bool:
        return self.elements.grows

    def size(self, name: str | None = None) -> Tensor:
        """How many elements there are: int32, shape ()."""
        return self._size

    def identity(self) -> TensorArray:
        return self

    def close(self, name: str | None = None) -> Operation:
        """Does nothing: memory is freed by itself."""
        return no_op(name or "TensorArrayClose")

    def __repr__(self) -> str:
        return f"<labkit.TensorArray '{self.elements.name}' dtype={self.dtype.name} element_shape={self.element_shape}>"

    # --- one element ---

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with `value` at `index`.

        Raises:
            DTypeError, ShapeError: the value is not of the elements' dtype or shape.
            InvalidArgumentError: in the run: the index is out of range, or the element was written before.
        """
        with get_default_graph().name_scope(name or "TensorArrayWrite"):
            element = self._element(value)
            return self._write(reshape(index_of(index), [1]), expand_dims(element, 0))

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """The element at `index`.

        Raises:
            InvalidArgumentError: in the run: the index is out of range, or the element was not written.
        """
        with get_default_graph().name_scope(name or "TensorArrayRead"):
            rows = self.rows()
            place = apply("TensorArrayReadIndex", [reshape(index_of(index), [1]), self._states])
            found = gather(rows, place[0])
            found.set_shape(self.elements.dims)
            return found

    # --- many ---

    def stack(self, name: str | None = None) -> Tensor:
        """All elements, along a new first dimension."""
        with get_default_graph().name_scope(name or "TensorArrayStack"):
            rows = self.rows()
            if not self.elements.grows:
                return rows
            sizes = concat([expand_dims(self._size, 0), shape(rows)[1:]], 0)
            stacked = slice_(rows, [0] * len(rows.dims), sizes) if rows.dims else rows[: self._size]
            stacked.set_shape(None if self.elements.dims is None else (None, *self.elements.dims))
            return stacked

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements at `indices`, along a new first dimension."""
        with get_default_graph().name_scope(name or "TensorArrayGather"):
            return gather(self.stack(), index_of(indices, 1))

    def concat(self, name: str | None = None) -> Tensor:
        """The elements one after the other along their first dimension."""
        rows = self.stack(name or "TensorArrayConcat")
        if rows.dims is not None and len(rows.dims) < 2:
            raise ShapeError(
                "TensorArray.concat joins elements along their first dimension", received="elements without one"
            )
        sizes = shape(rows)
        joined = reshape(rows, concat([expand_dims(sizes[0] * sizes[1], 0), sizes[2:]], 0))
        if rows.dims is not None:
            n, m = rows.dims[:2]
            joined.set_shape((None if n is None or m is None else n * m, *rows.dims[2:]))
        return joined

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The array whose elements are the parts of `value` along its first dimension.

        Raises:
            ShapeError: there are more or fewer parts than the array has elements.
        """
        with get_default_graph().name_scope(name or "TensorArrayUnstack"):
            rows = self._value(value)
            if rows.dims == ():
                raise ShapeError("TensorArray.unstack goes along the first dimension", received=f"{rows.name} has none")
            size = constant_value(self._size)
            if (
                not self.elements.grows
                and size is not None
                and not compatible(rows.dims and rows.dims[:1], (int(size),))
            ):
                raise ShapeError(
                    "TensorArray.unstack got another number of elements than the array has",
                    rule=f"There are {size}",
                    received=show(rows.dims),
                )
            self.elements.learn(rows[0])
            count = shape(rows)[0]
            return self._with(
                rows, fill(expand_dims(count, 0), np.uint8(WRITTEN)), count if self.elements.grows else None
            )

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with the parts of `value` along its first dimension at `indices`."""
        with get_default_graph().name_scope(name or "TensorArrayScatter"):
            rows = self._value(value)
            self.elements.learn(rows[0])
            return self._write(index_of(indices, 1), rows)

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """The array whose elements are stretches of `value` along its first dimension, all of one length.

        Args:
            lengths: for each element its length, int32 or int64.
        """
        with get_default_graph().name_scope(name or "TensorArraySplit"):
            joined, sizes = self._value(value), index_of(lengths, 1)
            known = constant_value(sizes)
            if known is None:
                same = Assert(
                    reduce_all(equal(sizes, sizes[0])), ["TensorArray.split makes elements of one length", sizes]
                )
                with get_default_graph().control_dependencies([same]):
                    sizes = sizes + 0
            elif len(set(known.tolist())) > 1:
                raise ShapeError(
                    "TensorArray.split makes elements of one length",
                    rule="The elements of a TensorArray have one shape",
                    received=str(known.tolist()),
                )
            parts = [cast(shape(sizes)[:1], dt.int64), cast(sizes[:1], dt.int64), cast(shape(joined)[1:], dt.int64)]
            rows = reshape(joined, concat(parts, 0))
            return self.unstack(rows)

    def grad(self, source: Any, flow: Any = None, name: str | None = None) -> Any:
        raise GraphError("A TensorArray has no gradient of its own", fix="Use lk.gradients of what was read from it.")

    # --- inside ---

    def parts(self) -> Sequence[Any]:
        rows = Unwritten(self) if self._rows is None else self._rows
        return [rows, self._states, self._size] if self.elements.grows else [rows, self._states]

    def with_parts(self, parts: Sequence[Any]) -> TensorArray:
        rows, states = parts[:2]
        return self._with(rows, states, parts[2] if self.elements.grows else None)

    def part_dims(self) -> list[Dims]:
        """What stays of the parts' shapes from one iteration of a loop to the next."""
        if self.elements.grows:
            elements = None if self._rows is None or self.elements.dims is None else (None, *self.elements.dims)
            return [elements, (None,), ()]
        return [x.dims for x in self.parts()]

    def _with(self, rows: Any, states: Tensor, size: Tensor | None) -> TensorArray:
        made: TensorArray = object.__new__(TensorArray)
        made.elements, made._states = self.elements, states
        made._rows = None if isinstance(rows, Unwritten) else rows
        made._size = self._size if size is None else size
        return made

    def _value(self, value: Any) -> Tensor:
        tensor = to_tensor(value, None if isinstance(value, Tensor) else self.dtype)
        if tensor.dtype is not self.dtype:
            raise DTypeError(
                f"TensorArray '{self.elements.name}' got another dtype",
                rule=f"Its elements are {self.dtype.name}",
                received=tensor.dtype.name,
                fix="Use lk.cast.",
            )
        return tensor

    def _element(self, value: Any) -> Tensor:
        element = self._value(value)
        self.elements.learn(element)
        return element

    def rows(self) -> Tensor:
        """The elements along a new first dimension, zeros before they are written."""
        return self._zeros() if self._rows is None else self._rows

    def _zeros(self) -> Tensor:
        dims, example = self.elements.dims, self.elements.example
        if is_known(dims):
            rest: Any = np.asarray(dims, np.int32)
        elif example is not None and example.graph is get_default_graph():
            rest = shape(example)
        else:
            raise ShapeError(
                f"The shape of the elements of TensorArray '{self.elements.name}' is not known here",
                rule="Before anything is written to it, an array that a branch returns, or that is read, has an element_shape",
                received=show(dims),
                fix="Give it: TensorArray(dtype, size, element_shape=[...]).",
            )
        return zeros(concat([expand_dims(self._size, 0), rest], 0), self.dtype)

    def _write(self, index: Tensor, values: Tensor) -> TensorArray:
        grown = self._reaching(index) if self.elements.grows else self
        rows, states = grown.rows(), grown._states
        place = expand_dims(apply("TensorArrayWriteIndex", [index, states]), 1)
        rows = tensor_scatter_update(rows, place, values)
        if self.elements.dims is not None:
            rows.set_shape((None, *self.elements.dims))
        written = fill(expand_dims(shape(index)[0], 0), np.uint8(WRITTEN))
        return grown._with(rows, tensor_scatter_update(states, place, written), grown._size)

    def _reaching(self, index: Tensor) -> TensorArray:
        """The array made long enough for these indices; its memory is at least doubled, so that this is rare."""
        rows, needed = self.rows(), cast(reduce_max(index), dt.int32) + 1
        there = shape(self._states)[0]
        more = expand_dims(where(greater_equal(there, needed), 0, maximum(there, needed - there)), 0)
        rows = concat([rows, zeros(concat([more, shape(rows)[1:]], 0), self.dtype)], 0)
        states = concat([self._states, zeros(more, dt.uint8)], 0)
        return self._with(rows, states, maximum(self._size, needed))
