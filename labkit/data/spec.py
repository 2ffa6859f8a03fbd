"""What the elements of a pipeline are: nests (tuples, named tuples, dicts) of TensorSpecs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from labkit.core.convert import as_array
from labkit.core.dtypes import DType, as_dtype, float32, string
from labkit.core.nest import flatten, keys, pack
from labkit.core.shapes import Dim, as_dims, compatible, show
from labkit.core.tensor_shape import TensorShape
from labkit.errors import ElementError, InvalidArgumentError

Element = Any
"""A nest of NumPy arrays and NumPy scalars; text is bytes."""

Spec = Any
"""A nest of TensorSpecs."""


class TensorSpec:
    """Shape and dtype of one tensor of an element.

    Args:
        shape: None for a size that differs between elements, e.g. (None, 3); None as a whole when even the rank differs.
        dtype: as `lk.as_dtype` takes it.

    Attributes:
        shape: a TensorShape.
        dtype: a DType.

    Raises:
        ShapeError, DTypeError: there is no such shape or dtype.
    """

    __slots__ = ("dims", "dtype")

    def __init__(self, shape: Any = (), dtype: Any = float32) -> None:
        self.dims, self.dtype = as_dims(shape), as_dtype(dtype)

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self.dims)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and self.dims == other.dims and self.dtype is other.dtype

    def __hash__(self) -> int:
        return hash((self.dims, self.dtype.name))

    def __repr__(self) -> str:
        return f"TensorSpec({self.dims!r}, {self.dtype.name!r})"

    def __str__(self) -> str:
        return f"{self.dtype.name} {show(self.dims)}"


def as_spec(signature: Any) -> Spec:
    """A user's signature as a spec; lists in it are tuples.

    Raises:
        InvalidArgumentError: something in it is no TensorSpec.
    """
    if isinstance(signature, Mapping):
        return {key: as_spec(value) for key, value in signature.items()}
    if isinstance(signature, tuple) and hasattr(signature, "_fields"):
        return type(signature)(*map(as_spec, signature))
    if isinstance(signature, list | tuple):
        return tuple(map(as_spec, signature))
    if not isinstance(signature, TensorSpec):
        raise InvalidArgumentError(
            "An output_signature tells the shape and dtype of every tensor of an element",
            rule="It is a TensorSpec, or a tuple or dict of them",
            received=repr(signature),
            fix='For example (lk.data.TensorSpec((28, 28), "float32"), lk.data.TensorSpec((), "int64")).',
        )
    return signature


def spec_of(element: Element) -> Spec:
    """The spec of one element."""
    return pack(element, [TensorSpec(np.shape(x), leaf_dtype(x)) for x in flatten(element)])


def leaf_dtype(leaf: Any) -> DType:
    return string if isinstance(leaf, bytes) else as_dtype(leaf.dtype)


def merged(first: Spec, second: Spec) -> Spec:
    """What is true of elements of both specs: sizes that differ are unknown.

    Raises:
        ElementError: structures or dtypes differ.
    """
    require_same_structure(first, second)
    leaves = []
    for a, b in zip(flatten(first), flatten(second), strict=True):
        if a.dtype is not b.dtype:
            raise ElementError("Elements have different dtypes", received=f"{a} and {b}", fix="Convert one of them.")
        same_rank = a.dims is not None and b.dims is not None and len(a.dims) == len(b.dims)
        dims = [m if m == n else None for m, n in zip(a.dims, b.dims, strict=True)] if same_rank else None
        leaves.append(TensorSpec(dims, a.dtype))
    return pack(first, leaves)


def batched(spec: Spec, size: Dim, rows: Any = None) -> Spec:
    """The spec of batches; `rows`, a list of the rows' shapes, where they are not the elements'."""
    leaves = flatten(spec)
    shapes = [x.dims for x in leaves] if rows is None else rows
    return pack(
        spec,
        [TensorSpec(None if s is None else (size, *s), x.dtype) for x, s in zip(leaves, shapes, strict=True)],
    )


def unbatched(spec: Spec) -> Spec:
    """The spec of what batches consist of."""
    return pack(spec, [TensorSpec(None if x.dims is None else x.dims[1:], x.dtype) for x in flatten(spec)])


def element_bytes(spec: Spec) -> int:
    """How large an element is, as far as its shapes are known."""
    return sum(x.dtype.size * int(np.prod([n for n in x.dims or () if n is not None])) for x in flatten(spec))


def at_once(size: int, most: float, held: int = 1 << 20) -> int:
    """How many elements of so many bytes to make at once: they share the cost of a step's Python, and still lie in caches
    between steps.

    Args:
        most: where they are small.
        held: bytes that all of them may have.
    """
    return int(max(1, min(most, held // max(1, size))))


def show_spec(spec: Spec) -> str:
    """The spec as text: (float32 (28, 28), int64 ())."""
    if isinstance(spec, Mapping):
        return "{" + ", ".join(f"{key!r}: {show_spec(value)}" for key, value in spec.items()) + "}"
    if isinstance(spec, tuple):
        return "(" + ", ".join(map(show_spec, spec)) + ("," if len(spec) == 1 else "") + ")"
    return str(spec)


def fitted(value: Any, spec: Spec) -> Element:
    """`value` as an element of `spec`: converted to its dtypes where every number survives.

    Raises:
        ElementError: structure or shape are others.
        DTypeError: a value does not survive.
    """
    if isinstance(spec, Mapping):
        if not isinstance(value, Mapping) or set(value) != set(spec):
            raise _other_structure(f"a dict of {', '.join(map(repr, spec))}", value)
        return {key: fitted(value[key], spec[key]) for key in spec}
    if isinstance(spec, tuple):
        if not isinstance(value, list | tuple) or len(value) != len(spec):
            raise _other_structure(f"a tuple of {len(spec)}", value)
        parts = [fitted(part, own) for part, own in zip(value, spec, strict=True)]
        return type(spec)(*parts) if hasattr(spec, "_fields") else tuple(parts)
    array = as_array(value, spec.dtype)
    if not compatible(array.shape, spec.dims):
        raise ElementError(
            "An element has another shape than its spec says",
            rule=f"It is {spec}",
            received=show(array.shape),
            fix="Sizes that differ between elements are None in the spec.",
        )
    return array[()]  # a scalar where there are no dimensions


def require_same_structure(first: Any, second: Any) -> None:
    """Raises ElementError unless both nests have the same tuples and dicts."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        same = keys(first) == keys(second)
        pairs = [(first[key], second[key]) for key in first] if same else []
    elif isinstance(first, tuple) and isinstance(second, tuple):
        same = len(first) == len(second) and type(first) is type(second)
        pairs = list(zip(first, second, strict=True)) if same else []
    else:
        same, pairs = not isinstance(first, Mapping | tuple) and not isinstance(second, Mapping | tuple), []
    if not same:
        raise ElementError(
            "Elements have different structures",
            rule="All elements are the same nest of tuples and dicts",
            received=f"{show_structure(first)} and {show_structure(second)}",
        )
    for a, b in pairs:
        require_same_structure(a, b)


def show_structure(nest: Any) -> str:
    """A nest with its leaves as dots: (., {'a': .})."""
    if isinstance(nest, Mapping):
        return "{" + ", ".join(f"{key!r}: {show_structure(value)}" for key, value in nest.items()) + "}"
    if isinstance(nest, tuple):
        return "(" + ", ".join(map(show_structure, nest)) + ("," if len(nest) == 1 else "") + ")"
    return "."


def _other_structure(rule: str, value: Any) -> ElementError:
    return ElementError(
        "An element has another structure than its spec says",
        rule=f"It is {rule}",
        received=f"{type(value).__name__} {show_structure(value) if isinstance(value, tuple | Mapping) else ''}".strip(),
    )
