"""Einstein's summation: sums of products, told by the names of dimensions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from labkit.core.convert import to_tensors
from labkit.core.shapes import show
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops.build import known_rank
from labkit.ops.contract import Label, Sizes, Term, arrange, multiplied, size_of, sum_out
from labkit.ops.diagonal import matrix_diag_part
from labkit.ops.shape import squeeze
from labkit.ops.transpose import transpose

_GUESS = 64
"""The size that the order of products is chosen by where only the run knows it."""


def einsum(equation: str, *operands: Any, name: str | None = None) -> Tensor:
    """Sums of products of tensors, told by the names of their dimensions, as np.einsum.

    `einsum("bij,bjk->bik", x, y)` multiplies matrices, `einsum("ii", x)` is a trace, `einsum("...i->...", x)` a sum over the
    last dimension. A letter names a dimension; one that the output lacks is summed over; one that an operand has twice
    takes its diagonal; `...` stands for any dimensions, which are broadcast. Without `->` the output is `...` and the
    letters that occur once, in alphabetical order.

    With three operands and more, two at a time are multiplied: each time the pair whose product is smallest compared with
    the two themselves (the greedy order of D. Smith and J. Gray, "opt_einsum" (2018)), an unknown dimension counted as 64.

    Args:
        operands: float32, float64, int32 or int64, of one dtype and known rank.

    Raises:
        InvalidArgumentError: the equation is none, or has another number of operands.
        ShapeError: the shapes do not fit the equation, or a rank (or the size of a letter that an operand has twice) is
            unknown.
        DTypeError: the dtypes differ.
    """
    if not operands:
        raise _refused(equation, "There is at least one operand")
    tensors = to_tensors(*operands)
    inputs, output = _parse(equation, [known_rank(x, "lk.einsum") for x in tensors])
    with tensors[0].graph.name_scope(name or "einsum"):
        sizes = _sizes(equation, tensors, inputs)
        keep = set(output)
        terms = [
            _single(equation, x, labels, sizes, keep | set(itertools.chain(*inputs[:i], *inputs[i + 1 :])))
            for i, (x, labels) in enumerate(zip(tensors, inputs, strict=True))
        ]
        while len(terms) > 1:
            i, j = _cheapest(terms, keep, sizes)
            rest = [term for k, term in enumerate(terms) if k not in (i, j)]
            wanted = keep.union(*(term.labels for term in rest))
            left, right = (sum_out(terms[k], wanted | set(terms[o].labels)) for k, o in ((i, j), (j, i)))
            terms = [*rest, multiplied(left, right, wanted, sizes)]
        return arrange(sum_out(terms[0], keep), output)


def _refused(equation: Any, rule: str) -> InvalidArgumentError:
    return InvalidArgumentError("lk.einsum got an equation that it cannot use", rule=rule, received=repr(equation))


def _parse(equation: Any, ranks: Sequence[int]) -> tuple[list[tuple[Label, ...]], tuple[Label, ...]]:
    """The labels of each operand's dimensions, and of the output's. Dimensions of `...` are -1, -2 ... from the last."""
    if not isinstance(equation, str):
        raise _refused(equation, "An equation is a text such as 'ij,jk->ik'")
    left, arrow, right = equation.replace(" ", "").partition("->")
    parts = left.split(",")
    if len(parts) != len(ranks):
        raise _refused(equation, f"It names the dimensions of each operand; there are {len(ranks)}")
    inputs = [_labels(equation, part, rank) for part, rank in zip(parts, ranks, strict=True)]
    every = list(itertools.chain(*inputs))
    hidden = sorted({label for label in every if isinstance(label, int)})
    if not arrow:
        once = sorted(label for label in every if isinstance(label, str) and every.count(label) == 1)
        return inputs, (*hidden, *once)
    output = _labels(equation, right, len(right.replace("...", "")) + ("..." in right) * len(hidden))
    if len(set(output)) < len(output) or not set(output) <= set(every):
        raise _refused(equation, "The output names dimensions of the operands, each once")
    return inputs, output


def _labels(equation: str, part: str, rank: int) -> tuple[Label, ...]:
    before, dots, after = part.partition("...")
    if not all(c.isascii() and c.isalpha() for c in before + after):
        raise _refused(equation, "Dimensions are named by letters, with at most one `...` for each operand")
    named = len(before) + len(after)
    if rank < named or (rank > named and not dots):
        raise ShapeError(
            f"lk.einsum: {part!r} does not fit its operand",
            rule="There is a letter for each dimension, and `...` for any others",
            received=f"{equation!r} for an operand with {rank} dimension{'s' if rank != 1 else ''}",
        )
    return (*before, *range(named - rank, 0), *after)


def _sizes(equation: str, tensors: Sequence[Tensor], inputs: Sequence[Sequence[Label]]) -> Sizes:
    """The size of each label, the known one where an operand knows it; of `...` the one that is not 1."""
    sizes: dict[Label, int | Tensor] = {}
    for x, labels in zip(tensors, inputs, strict=True):
        for axis, label in enumerate(labels):
            known = (x.dims or ())[axis]
            before = sizes.get(label)
            stretched = isinstance(label, int) and 1 in (known, before)
            if before is None or (stretched and before == 1):
                sizes[label] = size_of(x, axis)
            elif not isinstance(before, int) and known is not None and not stretched:
                sizes[label] = known
            elif isinstance(before, int) and known not in (None, before) and not stretched:
                what = f"dimension {label!r}" if isinstance(label, str) else "a dimension of `...`"
                raise ShapeError(
                    f"lk.einsum: {what} has two sizes",
                    rule="A letter names dimensions of one size; those of `...` fit when they are equal or one is 1",
                    received=f"{equation!r} for " + " and ".join(show(t.dims) for t in tensors),
                )
    return sizes


def _single(equation: str, x: Tensor, labels: Sequence[Label], sizes: Sizes, keep: set[Label]) -> Term:
    """An operand by itself: diagonals of repeated labels, no dimension of `...` that is stretched, sums over what nobody
    else has."""
    names = list(labels)
    stretched = [i for i, n in enumerate(names) if isinstance(n, int) and (x.dims or ())[i] == 1 and sizes[n] != 1]
    if stretched:
        x, names = squeeze(x, stretched), [n for i, n in enumerate(names) if i not in stretched]
    for label in dict.fromkeys(names):
        while names.count(label) > 1:
            if any(n == label and size is None for n, size in zip(names, x.dims or (), strict=True)):
                raise ShapeError(
                    f"lk.einsum: the diagonal along {label!r} needs a known size",
                    rule="The dimensions of a letter that an operand has twice are known while the graph is built",
                    received=f"{equation!r} for {show(x.dims)}",
                )
            first, second = [i for i, n in enumerate(names) if n == label][:2]
            order = [i for i in range(len(names)) if i not in (first, second)]
            x = matrix_diag_part(transpose(x, [*order, first, second]))
            names = [*(names[i] for i in order), label]
    return sum_out(Term(x, tuple(names)), keep)


def _cheapest(terms: Sequence[Term], keep: set[Label], sizes: Sizes) -> tuple[int, int]:
    def count(labels: Sequence[Label] | set[Label]) -> int:
        result = 1
        for label in labels:
            n = sizes[label]
            result *= n if isinstance(n, int) else _GUESS
        return result

    def cost(pair: tuple[int, int]) -> int:
        a, b = (set(terms[k].labels) for k in pair)
        wanted = keep.union(*(term.labels for k, term in enumerate(terms) if k not in pair))
        return count((a | b) & wanted) - count(a) - count(b)

    return min(itertools.combinations(range(len(terms)), 2), key=cost)
