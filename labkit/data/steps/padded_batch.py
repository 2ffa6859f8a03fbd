"""padded_batch: batches of elements whose shapes differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labkit.core.dtypes import string
from labkit.core.nest import flatten
from labkit.core.shapes import Dims, as_dims, show
from labkit.data.elements import Elements
from labkit.data.node import Node
from labkit.data.spec import Element, Spec, TensorSpec, batched, leaf_dtype
from labkit.data.steps.batch import Batch
from labkit.errors import DTypeError, ElementError


class PaddedBatch(Batch):
    """Each tensor is padded at its ends to the largest of the batch, or to a shape that is given.

    Args:
        shapes: a nest of shapes, None for the largest of each dimension; its sizes may be None, too.
        values: what to pad with: one for all, or a nest of them; None for 0, False or an empty text.
    """

    kind = "padded_batch"

    def __init__(self, source: Node, size: int, shapes: Any, values: Any, drop_remainder: bool) -> None:
        super().__init__(source, size, drop_remainder)
        self.shapes, self.values = shapes, values

    def settings(self) -> dict[str, Any]:
        given = {"padded_shapes": self.shapes, "padding_values": self.values}
        return super().settings() | {name: value for name, value in given.items() if value is not None}

    def spec_of_batches(self, spec: Spec, size: int | None) -> Spec:
        leaves = flatten(spec)
        shapes = []
        for leaf, wanted in zip(leaves, self._shapes(spec, len(leaves)), strict=True):
            own: Dims = leaf.dims
            shapes.append(own if own is None else tuple([None] * len(own) if wanted is None else wanted))
        return batched(spec, size, shapes)

    def stacked(self, rows: Elements) -> Element:
        count = len(rows.columns)
        like = rows.like if isinstance(rows.like, tuple | Mapping) else 0
        shapes, values = self._shapes(like, count), _spread(self.values, like, count, "padding_values")
        columns = [_padded(*each) for each in zip(rows.columns, shapes, values, strict=True)]
        return Elements(rows.like, columns, rows.count).nest()

    def _shapes(self, like: Any, count: int) -> list[Dims]:
        return _spread(self.shapes, like, count, "padded_shapes")


def as_padded_shapes(shapes: Any) -> Any:
    """A user's nest of shapes as one of tuples; -1 stands for None.

    Raises:
        ShapeError: something in it is no shape.
    """
    if isinstance(shapes, Mapping):
        return {key: as_padded_shapes(value) for key, value in shapes.items()}
    if isinstance(shapes, tuple) and any(
        isinstance(x, list | tuple | Mapping) or hasattr(x, "as_list") for x in shapes
    ):
        return tuple(as_padded_shapes(value) for value in shapes)
    if isinstance(shapes, list | tuple):
        shapes = [None if size == -1 else size for size in shapes]
    return None if shapes is None else _Shape(as_dims(shapes) or ())


class _Shape(list[int | None]):
    """A shape in a nest, where a tuple would be a part of the nest."""

    def __init__(self, dims: Any) -> None:
        super().__init__(dims)


def _spread(given: Any, like: Any, count: int, name: str) -> list[Any]:
    """One for each leaf: of a nest like the elements, or the same for all.

    Raises:
        ElementError: the nest is another.
    """
    if not isinstance(given, tuple | Mapping):
        return [given] * count
    found = _leaves(given, like)
    if found is None:
        raise ElementError(f"{name} are another nest than the elements", received=repr(given))
    return found


def _leaves(given: Any, like: Any) -> list[Any] | None:
    if isinstance(like, Mapping):
        if not isinstance(given, Mapping) or set(given) != set(like):
            return None
        parts = [_leaves(given[key], like[key]) for key in sorted(like, key=repr)]
    elif isinstance(like, tuple):
        if not isinstance(given, tuple) or len(given) != len(like):
            return None
        parts = [_leaves(g, x) for g, x in zip(given, like, strict=True)]
    else:
        return None if isinstance(given, tuple | Mapping) else [given]
    return None if None in parts else [leaf for part in parts if part is not None for leaf in part]


def _padded(values: Any, shape: Sequence[int | None] | None, value: Any) -> np.ndarray:
    shapes = [np.shape(x) for x in values]
    rank = len(shapes[0])
    wanted = [None] * rank if shape is None else shape
    if any(len(s) != rank for s in shapes) or len(wanted) != rank:
        raise ElementError(
            "Elements of different ranks cannot be padded to one shape",
            received=f"{' and '.join(map(show, dict.fromkeys(shapes)))}, to be padded to {show(tuple(wanted))}",
        )
    sizes = [max(s[i] for s in shapes) if size is None else size for i, size in enumerate(wanted)]
    if large := next((s for s in shapes if any(m > n for m, n in zip(s, sizes, strict=True))), None):
        raise ElementError(
            "An element is larger than the shape to pad to",
            received=f"{show(large)}, to be padded to {show(tuple(sizes))}",
            fix="Enlarge padded_shapes, or give None for the largest of the batch.",
        )
    dtype = leaf_dtype(values[0])
    out = np.full((len(values), *sizes), _padding(value, TensorSpec((), dtype)), dtype.numpy)
    for row, x in zip(out, values, strict=True) if rank else ():
        row[tuple(slice(0, n) for n in x.shape)] = x
    if not rank:
        out[...] = values
    return out


def _padding(value: Any, spec: TensorSpec) -> Any:
    if value is None:
        return b"" if spec.dtype is string else 0
    if spec.dtype is string:
        return value.encode() if isinstance(value, str) else value
    filled = np.array(value).astype(spec.dtype.numpy)
    if filled != value and value == value:
        raise DTypeError(f"The padding value {value!r} is no {spec.dtype.name}", fix="Give one that is, per tensor.")
    return filled
