"""Sums of products over shared dimensions: what einsum and tensordot are made of."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from labkit.core.convert import to_tensors
from labkit.core.opdef import whole
from labkit.core.shapes import normal_axes, show
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops.build import known_rank
from labkit.ops.concat import stack
from labkit.ops.elementwise import multiply
from labkit.ops.matmul import matmul
from labkit.ops.reduce import reduce_sum
from labkit.ops.shape import expand_dims, reshape, shape
from labkit.ops.transpose import transpose

Label: TypeAlias = Hashable
"""The name of a dimension."""

Sizes: TypeAlias = Mapping[Label, "int | Tensor"]
"""The size of each dimension by its label: a number, or a tensor where only the run knows it."""


@dataclass(frozen=True)
class Term:
    """A tensor whose dimensions are named, each by another label."""

    tensor: Tensor
    labels: tuple[Label, ...]


def size_of(x: Tensor, axis: int) -> int | Tensor:
    """The size of a dimension: a number where it is known, else a tensor."""
    dims = x.dims or ()
    known = dims[axis] if axis < len(dims) else None
    return shape(x)[axis] if known is None else known


def arrange(term: Term, labels: Sequence[Label]) -> Tensor:
    """The term's tensor with its dimensions in the order of `labels`, which are the same ones."""
    if term.labels == tuple(labels):
        return term.tensor
    return transpose(term.tensor, [term.labels.index(label) for label in labels])


def sum_out(term: Term, keep: set[Label]) -> Term:
    """The term summed over all dimensions but those to keep."""
    axes = [i for i, label in enumerate(term.labels) if label not in keep]
    if not axes:
        return term
    return Term(reduce_sum(term.tensor, axes), tuple(label for label in term.labels if label in keep))


def multiplied(a: Term, b: Term, keep: set[Label], sizes: Sizes) -> Term:
    """The product of two terms, summed over the shared dimensions that are not kept. Every other dimension is kept."""
    batch = [label for label in a.labels if label in b.labels and label in keep]
    inner = [label for label in a.labels if label in b.labels and label not in keep]
    left = [label for label in a.labels if label not in b.labels]
    right = [label for label in b.labels if label not in a.labels]
    if not inner or not (left or right):  # nothing for a matrix product to do
        x = _spread(arrange(a, [*batch, *left, *inner]), len(batch) + len(left), 0 if inner else len(right))
        y = _spread(arrange(b, [*batch, *right, *inner]), len(batch), len(left))
        spread = Term(multiply(x, y), (*batch, *left, *right, *inner))
        return sum_out(spread, keep) if inner else spread
    # one product of matrices for each element of the batch
    x, x_turned = _matrices(a, batch, left, inner, sizes, several_rows=not batch)
    y, y_turned = _matrices(b, batch, right, inner, sizes, several_rows=False)
    product = matmul(x, y, transpose_a=x_turned, transpose_b=not y_turned)
    labels = (*batch, *left, *right)
    rows = len(left) if not batch and not x_turned and left else 1
    if rows != len(left) or len(right) != 1:
        product = _shaped(product, [[label] for label in labels], sizes)
    return Term(product, labels)


def _spread(x: Tensor, place: int, count: int) -> Tensor:
    """x with `count` dimensions of size 1 from dimension `place` on."""
    return expand_dims(x, list(range(place, place + count))) if count else x


def _matrices(
    term: Term, batch: list[Label], rows: list[Label], inner: list[Label], sizes: Sizes, *, several_rows: bool
) -> tuple[Tensor, bool]:
    """The term as matrices [batch, rows, inner], or [batch, inner, rows] where it is stored like that, and which of them.

    Args:
        several_rows: several dimensions of rows may stay apart, as matmul takes them for a batch.
    """
    if term.labels == (*batch, *inner, *rows) and rows:
        return _merged(term.tensor, [*([label] for label in batch), inner, rows], sizes), True
    x = arrange(term, [*batch, *rows, *inner])
    if several_rows and rows:
        return _merged(x, [*([label] for label in rows), inner], sizes), False
    return _merged(x, [*([label] for label in batch), rows, inner], sizes), False


def _merged(x: Tensor, groups: Sequence[list[Label]], sizes: Sizes) -> Tensor:
    """x with each group of neighbouring dimensions made one."""
    return x if all(len(group) == 1 for group in groups) else _shaped(x, groups, sizes)


def _shaped(x: Tensor, groups: Sequence[list[Label]], sizes: Sizes) -> Tensor:
    """x in a shape that has a dimension for each group of labels, their sizes multiplied."""
    dims = [_product([sizes[label] for label in group]) for group in groups]
    known = [n for n in dims if isinstance(n, int)]
    if len(known) == len(dims):
        return reshape(x, known)
    if len(known) == len(dims) - 1 and 0 not in known:
        result = reshape(x, [n if isinstance(n, int) else -1 for n in dims])
    else:
        result = reshape(x, stack(dims))
    result.set_shape([n if isinstance(n, int) else None for n in dims])
    return result


def _product(sizes: Sequence[int | Tensor]) -> int | Tensor:
    unknown = [n for n in sizes if isinstance(n, Tensor)]
    known = math.prod(n for n in sizes if isinstance(n, int))
    if not unknown:
        return known
    result = unknown[0]
    for n in unknown[1:]:
        result = result * n
    return result if known == 1 else result * known


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The sum of products of a and b over pairs of axes.

    Args:
        a, b: float32, float64, int32 or int64, of one dtype and known rank.
        axes: a number n: the last n axes of a and the first n of b; or two lists (or two numbers): axes of a, and the
            axes of b that they meet.

    Returns:
        The other axes of a, then those of b.

    Raises:
        ShapeError: an axis does not exist or is named twice, two that meet differ in size, or a rank is unknown.
        InvalidArgumentError: axes is none of these.
        DTypeError: the dtypes differ.
    """
    x, y = to_tensors(a, b)
    rank_x, rank_y = known_rank(x, "lk.tensordot"), known_rank(y, "lk.tensordot")
    of_x, of_y = _pairs_of_axes(axes, rank_x, rank_y)
    meets = dict(zip(of_y, of_x, strict=True))
    for j, i in meets.items():
        m, n = (x.dims or ())[i], (y.dims or ())[j]
        if m is not None and n is not None and m != n:
            raise ShapeError(
                "lk.tensordot: axes that meet differ in size",
                rule="Each axis of a has the size of the axis of b that it meets",
                received=f"axis {i} of {show(x.dims)} and axis {j} of {show(y.dims)}",
            )
    left = Term(x, tuple(("a", i) for i in range(rank_x)))
    right = Term(y, tuple(("a", meets[j]) if j in meets else ("b", j) for j in range(rank_y)))
    sizes = {label: size_of(t.tensor, i) for t in (right, left) for i, label in enumerate(t.labels)}
    keep = set(left.labels) ^ set(right.labels)
    with x.graph.name_scope(name or "Tensordot"):
        product = multiplied(left, right, keep, sizes)
        return arrange(product, [label for label in (*left.labels, *right.labels) if label in keep])


def _pairs_of_axes(axes: Any, rank_a: int, rank_b: int) -> tuple[list[int], list[int]]:
    try:
        if not hasattr(axes, "__iter__"):
            n = whole(axes)
            if not 0 <= n <= min(rank_a, rank_b):
                raise ValueError
            return list(range(rank_a - n, rank_a)), list(range(n))
        of_a, of_b = ([whole(i) for i in (side if hasattr(side, "__iter__") else [side])] for side in axes)
        if len(of_a) != len(of_b):
            raise ValueError
    except (TypeError, ValueError):
        raise InvalidArgumentError(
            "lk.tensordot got axes that it cannot use",
            rule=f"axes is a number from 0 to {min(rank_a, rank_b)}, or two lists of as many axes of a and of b",
            received=repr(axes),
        ) from None
    return normal_axes(of_a, rank_a), normal_axes(of_b, rank_b)


def outer(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The products of all elements of a (..., m) with all of b (..., n): shape (..., m, n).

    Raises:
        ShapeError: a or b has no dimension, or those before the last cannot be broadcast.
        DTypeError: the dtypes differ.
    """
    x, y = to_tensors(a, b)
    return multiply(expand_dims(x, -1), expand_dims(y, -2), name=name)
