"""What the records of recurrent layers share: their sizes, what they take, and their formulas as loops of the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import as_array, to_tensor
from labkit.core.opdef import OpContext
from labkit.core.shapes import Dim, Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, ShapeError
from labkit.ops.bias import bias_add
from labkit.ops.broadcast import fill, zeros_like
from labkit.ops.compare import cast
from labkit.ops.concat import concat, stack
from labkit.ops.control_flow import add_scan
from labkit.ops.cumulative import cumsum
from labkit.ops.logic import where
from labkit.ops.matmul import matmul
from labkit.ops.shape import expand_dims, reshape, shape
from labkit.ops.tracing import Traced, leaves_of
from labkit.ops.transpose import transpose

Pattern: TypeAlias = tuple[Any, ...]
"""For each dimension of an operand the name of its size, or (name, times)."""

SEQUENCE: Pattern = ("batch", "steps", "units")
STATE: Pattern = ("batch", "units")
MASK: Pattern = ("batch", "steps")


def wide(gates: int) -> Pattern:
    """A sequence that has as many numbers for each of so many gates as there are units."""
    return ("batch", "steps", ("units", gates))


def matrix(gates: int) -> Pattern:
    """What the state is multiplied with."""
    return ("units", ("units", gates))


def shape_rule(
    inputs: Callable[[Mapping[str, Any]], Sequence[Pattern]], outputs: Sequence[Pattern]
) -> Callable[[OpContext], list[Dims]]:
    """The rule of an operation whose inputs have these patterns, a mask perhaps after them."""

    def rule(c: OpContext) -> list[Dims]:
        sizes: dict[str, Dim] = {}
        patterns = [*inputs(c.attrs), MASK][: len(c.dims)]
        for dims, pattern in zip(c.dims, patterns, strict=True):
            _learn(sizes, dims, pattern, c)
        return [tuple(_size(sizes, part) for part in pattern) for pattern in outputs]

    return rule


def _learn(sizes: dict[str, Dim], dims: Dims, pattern: Pattern, c: OpContext) -> None:
    if dims is None:
        return
    if len(dims) != len(pattern):
        _refuse(c)
    for n, part in zip(dims, pattern, strict=True):
        name, times = part if isinstance(part, tuple) else (part, 1)
        if n is None:
            continue
        if n % times or sizes.get(name, n // times) != n // times:
            _refuse(c)
        sizes[name] = n // times


def _size(sizes: Mapping[str, Dim], part: Any) -> Dim:
    name, times = part if isinstance(part, tuple) else (part, 1)
    n = sizes.get(name)
    return None if n is None else n * times


def _refuse(c: OpContext) -> None:
    raise ShapeError(
        "",
        rule="Sequences are [batch, steps, units of all gates], the recurrent matrix [units, units of all gates], states "
        "[batch, units], a mask [batch, steps]",
        received=", ".join(map(show, c.dims)),
    )


def dtype_rule(
    least: Callable[[Mapping[str, Any]], int], outputs: int
) -> Callable[[Sequence[dt.DType], Mapping[str, Any]], list[dt.DType]]:
    """So many inputs of one real dtype, which the outputs have too; and perhaps a mask."""

    def rule(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> list[dt.DType]:
        n = least(attrs)
        real, rest = inputs[:n], inputs[n:]
        if len(real) < n or real[0] not in dt.FLOATS or any(d is not real[0] for d in real) or list(rest) not in MASKS:
            raise DTypeError(
                "",
                rule=f"The first {n} inputs have one common dtype out of float32, float64; a mask may follow, of bool",
                received=", ".join(d.name for d in inputs),
                fix="Convert what differs with lk.cast.",
            )
        return [real[0]] * outputs

    return rule


MASKS: Sequence[list[dt.DType]] = ([], [dt.bool_])


def rows(x: Tensor) -> Tensor:
    """The rows of all steps as one matrix."""
    size = shape(x)
    return reshape(x, stack([size[0] * size[1], size[2]]))


# --- formulas ---


def over_steps(
    cell: Callable[..., tuple[Sequence[Tensor], Sequence[Tensor]]],
    states: Sequence[Tensor],
    sequences: Sequence[Tensor],
    backwards: bool = False,
) -> tuple[list[Tensor], list[Tensor]]:
    """A loop over the second dimension of sequences.

    Args:
        cell: (states, elements) -> (next states, results), each a list.
        backwards: begins with the last step; results stay at their steps' places.

    Returns:
        The last states, and the results of all steps, [batch, steps, ...].
    """
    sliced = [_swapped(x) for x in sequences]
    n = len(states)
    types = [(dt.int64, ()), *((x.dtype, x.dims) for x in states)]
    types += [(x.dtype, None if x.dims is None else x.dims[1:]) for x in sliced]
    body = Traced("step", lambda i, *values: [list(part) for part in cell(values[:n], values[n:])], types)
    found = add_scan(
        shape(sliced[0])[0],
        body.finish(leaves_of),
        [*states, *sliced],
        variables=n,
        sliced=len(sliced),
        backwards=backwards,
    )
    return list(found[:n]), [_swapped(x) for x in found[n:]]


def _swapped(x: Tensor) -> Tensor:
    assert x.dims is not None
    return transpose(x, [1, 0, *range(2, len(x.dims))])


def choose(counts: Tensor | None, after: Sequence[Tensor], before: Sequence[Tensor]) -> list[Tensor]:
    """The rows of the one where a step counts for an example, else of the other; without a mask the one."""
    if counts is None:
        return list(after)
    return [where(expand_dims(counts, -1), a, b) for a, b in zip(after, before, strict=True)]


def states_before(y: Tensor, h: Tensor, mask: Tensor | None) -> Tensor:
    """The state before each step: what the step before gave, or while no step has counted for an example its first state."""
    first = expand_dims(h, 1)
    earlier = shifted(y, h)
    if mask is None:
        return earlier
    started = cumsum(cast(mask, dt.int32), axis=1, exclusive=True) > 0
    return where(expand_dims(started, -1), earlier, first)


def shifted(x: Tensor, first: Tensor) -> Tensor:
    """A sequence one step later, which begins with `first`."""
    return concat([expand_dims(first, 1), x], 1)[:, :-1]


def returning(
    cell: Callable[..., tuple[Sequence[Tensor], Sequence[Tensor]]],
    states: Sequence[Tensor],
    sequences: Sequence[Tensor],
    dy: Tensor | None,
    mask: Tensor | None,
) -> tuple[list[Tensor], list[Tensor]]:
    """The loop back through time.

    Args:
        cell: (states, elements, d) -> (derivatives at the states before a step, those at the step's sums).
        states: the derivatives at the last states, h first; d is that at h with what arrives at the step's result. What
            arrives at the results of steps that do not count belongs to the last one that did.
        dy: what arrives at the results, if anything does.
    """
    given = [x for x in (dy, mask) if x is not None]

    def step(values: Sequence[Tensor], elements: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        *now, kept = values
        rest = list(elements[len(sequences) :])
        arrived = kept if dy is None else kept + rest.pop(0)
        counts = rest.pop(0) if mask is not None else None
        before, made = cell(now, elements[: len(sequences)], now[0] + arrived)
        nothing = [zeros_like(x) for x in made]
        return (
            choose(counts, [*before, zeros_like(kept)], [*now, arrived]),
            choose(counts, made, nothing),
        )

    last, found = over_steps(step, [*states, zeros_like(states[0])], [*sequences, *given], backwards=True)
    return last[:-1], found


# --- building ---


def project(x: Any, kernel: Any, bias: Any) -> Tensor:
    """x W + b: one product of all steps."""
    tensor = to_tensor(x)
    product = matmul(tensor, to_tensor(kernel, tensor.dtype))
    return product if bias is None else bias_add(product, to_tensor(bias, tensor.dtype))


def first_state(projections: Tensor, recurrent: Tensor, given: Any) -> Tensor:
    """A state [batch, units]: zeros where none is given."""
    if given is not None:
        return to_tensor(given, projections.dtype)
    return fill(stack([shape(projections)[0], shape(recurrent)[0]]), as_array(0, projections.dtype))


def mask_of(mask: Any) -> list[Tensor]:
    """The mask, if there is one, as a list."""
    return [] if mask is None else [to_tensor(mask)]


# --- samples ---

CASES = ((2, 3, 5, "none"), (1, 1, 1, "none"), (3, 4, 17, "some"), (2, 0, 3, "none"), (0, 2, 2, "some"), (3, 3, 2, "late"),
         (2, 2, 35, "none"), (4, 3, 1, "some"))  # fmt: skip
"""Batch, steps, units, and which steps count: "late": one example only from its second step on, one not at all."""


def sample_mask(rng: np.random.Generator, batch: int, steps: int, kind: str) -> list[np.ndarray]:
    """The mask of a case, if it has one, as a list."""
    if kind == "none":
        return []
    mask = rng.random((batch, steps)) < 0.6
    if kind == "late":
        mask = np.ones((batch, steps), bool)
        mask[0, :1] = mask[1] = False
    return [mask]


def masked_steps(mask: Sequence[Any], batch: int, steps: int) -> np.ndarray:
    """For NumPy references: whether each step counts, [batch, steps, 1]."""
    return np.asarray(mask[0] if mask else np.ones((batch, steps), bool))[..., None]


def numpy_states_before(y: Any, h: Any, mask: Sequence[Any]) -> Any:
    """`states_before` in NumPy."""
    counts = masked_steps(mask, *y.shape[:2])
    started = np.cumsum(counts, axis=1) - counts > 0
    earlier = np.concatenate([h[:, None], y[:, :-1]], 1) if y.shape[1] else y
    return np.where(started if mask else np.arange(y.shape[1])[:, None] > 0, earlier, h[:, None])


def logistic(x: Any) -> Any:
    """1 / (1 + e^-x) in NumPy."""
    return 1 / (1 + np.exp(-x))
