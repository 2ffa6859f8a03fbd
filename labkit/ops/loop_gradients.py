"""Gradients of loops: forwards once more to keep the variables of each iteration, then backwards.

What stays as it is, and TensorArrays that are used by element, is not kept for each iteration. Where shapes change, what is
kept is padded to the largest one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.graph import get_default_graph
from labkit.core.shapes import Dims, is_known
from labkit.core.subgraph import Subgraph, copy_into, traced
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.array_index import ANY
from labkit.ops.broadcast import fill, zeros_like
from labkit.ops.concat import stack
from labkit.ops.control_flow import add_scan, derivatives, is_float, placed
from labkit.ops.elementwise import add, maximum
from labkit.ops.pad import pad
from labkit.ops.shape import shape
from labkit.ops.slicing import slice as slice_
from labkit.ops.written_once import written_once


@dataclass
class Loop:
    """A loop whose gradient is built.

    Attributes:
        body: takes the number of the iteration, variables, slices and captured inputs; gives variables and stacked results.
        count: so many iterations.
        varying: the variables may change their shapes.
    """

    body: Subgraph
    count: Tensor
    variables: int
    sliced: int
    backwards: bool
    varying: bool

    def gradients(self, given: list[Tensor], grads: list[Tensor | None]) -> list[Tensor | None]:
        """The gradients of the loop's inputs.

        Args:
            given: variables, sliced and captured inputs.
            grads: what arrives at the final variables, and at the stacked outputs.
        """
        body, variables, sliced = self.body, self.variables, self.sliced
        used = _used(body, variables, [i for i, g in enumerate(grads) if g is not None])
        elements, states = written_once(body, variables)
        same = [k for k in range(variables) if body.outputs[k] is body.arguments[1 + k] or k not in used]
        stored = [k for k in range(variables) if k not in (*elements, *states, *same)]
        loose = [k for k in stored if self.varying and not is_known(body.arguments[1 + k].dims)]
        largest = self._largest(given, used, loose)

        def record(*arguments: Tensor) -> list[Tensor]:
            kept = [_padded(arguments[1 + k], largest[k]) if k in loose else arguments[1 + k] for k in stored]
            return [*self._after(used, arguments), *kept, *(shape(arguments[1 + k]) for k in loose)]

        recorded = self._scan("record", record, given, self._types(given), sliced)
        kept = recorded[variables:]
        fixed = {k: recorded[k] for k in elements}
        fixed.update({k: given[k] for k in same})
        fixed.update({k: fill(shape(given[k]), np.uint8(ANY)) for k in states})

        carried = [i for i in used if is_float(given[i])]
        each = [i for i in range(variables, variables + sliced) if is_float(given[i])]
        shared = [i for i in range(variables + sliced, len(given)) if is_float(given[i])]
        stacked = [i for i, g in enumerate(grads) if i >= variables and g is not None]
        finals = [g if (g := grads[i]) is not None else zeros_like(recorded[i]) for i in carried]
        zeros = [zeros_like(given[i]) for i in shared]
        n, m = len(carried), len(shared)

        def back(iteration: Tensor, *arguments: Tensor) -> list[Tensor]:
            rest = list(arguments)
            take = lambda k: [rest.pop(0) for _ in range(k)]  # noqa: E731
            arriving, sums = take(n), take(m)
            changing, dims = dict(zip(stored, take(len(stored)), strict=True)), take(len(loose))
            own, at_stacked = take(sliced), take(len(stacked))
            captured = take(len(given) - variables - sliced)
            for k, size in zip(loose, dims, strict=True):
                changing[k] = _cut(changing[k], size, body.arguments[1 + k].dims)
            before = {**changing, **dict(zip(fixed, rest, strict=True))}
            inputs = [*(before[k] for k in range(variables)), *own, *captured]
            outputs = copy_into(body, [iteration, *inputs], [body.outputs[i] for i in (*carried, *stacked)])
            found = derivatives(outputs, [inputs[i] for i in (*carried, *shared, *each)], [*arriving, *at_stacked])
            return [*found[:n], *(add(a, b) for a, b in zip(sums, found[n : n + m], strict=True)), *found[n + m :]]

        arrays = [*kept, *given[variables : variables + sliced], *(g for i in stacked if (g := grads[i]) is not None)]
        operands = [*finals, *zeros, *arrays, *given[variables + sliced :], *fixed.values()]
        types = [(x.dtype, self._dims(i, x)) for i, x in zip(carried, finals, strict=True)]
        types += [(x.dtype, x.dims) for x in zeros]
        types += [(x.dtype, None if x.dims is None else x.dims[1:]) for x in arrays]
        types += [(x.dtype, x.dims) for x in (*given[variables + sliced :], *fixed.values())]
        results = add_scan(
            self.count,
            traced(get_default_graph(), "back", [(dt.int64, ()), *types], back),
            operands,
            variables=n + m,
            sliced=len(arrays),
            backwards=not self.backwards,
            varying=self.varying,
        )
        return placed(results, [*carried, *shared, *each], len(given))

    def _dims(self, k: int, x: Tensor) -> Dims:
        """What a variable's shape is in every iteration."""
        return self.body.arguments[1 + k].dims if self.varying else x.dims

    def _types(self, given: Sequence[Tensor]) -> list[tuple[Any, Dims]]:
        """Dtypes and shapes of what the body takes after the number of the iteration."""
        last = self.variables + self.sliced
        types = [(x.dtype, self._dims(k, x)) for k, x in enumerate(given[: self.variables])]
        types += [(x.dtype, None if x.dims is None else x.dims[1:]) for x in given[self.variables : last]]
        return types + [(x.dtype, x.dims) for x in given[last:]]

    def _after(self, used: Sequence[int], arguments: Sequence[Tensor]) -> list[Tensor]:
        """The variables after one iteration; those that are not used stay as they are."""
        after = dict(zip(used, copy_into(self.body, arguments, [self.body.outputs[k] for k in used]), strict=True))
        return [after.get(k, arguments[1 + k]) for k in range(self.variables)]

    def _scan(
        self, name: str, build: Callable[..., Any], given: Sequence[Tensor], types: Any, sliced: int
    ) -> list[Tensor]:
        subgraph = traced(get_default_graph(), name, [(dt.int64, ()), *types], build)
        more = {"variables": len(given) - sliced - self._captured(given), "sliced": sliced}
        return add_scan(self.count, subgraph, given, **more, backwards=self.backwards, varying=self.varying)

    def _captured(self, given: Sequence[Tensor]) -> int:
        return len(self.body.arguments) - 1 - self.variables - self.sliced

    def _largest(self, given: list[Tensor], used: Sequence[int], loose: Sequence[int]) -> dict[int, Tensor]:
        """For each variable that changes its shape the largest size of each dimension in all iterations."""
        for k in loose:
            if self.body.arguments[1 + k].dims is None:
                raise ShapeError(
                    f"Loop variable {k} changes its number of dimensions, and has no gradient",
                    rule="Where a gradient is taken, the rank of a loop variable is known",
                    fix="Give its shape invariant a rank, e.g. lk.TensorShape([None, None]).",
                )
        if not loose:
            return {}
        count = self.variables

        def measure(iteration: Tensor, *arguments: Tensor) -> list[Tensor]:
            before, sizes, rest = (
                arguments[:count],
                arguments[count : count + len(loose)],
                arguments[count + len(loose) :],
            )
            grown = [maximum(size, shape(before[k])) for k, size in zip(loose, sizes, strict=True)]
            return [*self._after(used, [iteration, *before, *rest]), *grown]

        first = [shape(given[k]) for k in loose]
        types = self._types(given)
        types[count:count] = [(x.dtype, x.dims) for x in first]
        results = self._scan("measure", measure, [*given[:count], *first, *given[count:]], types, self.sliced)
        return dict(zip(loose, results[count:], strict=True))


def _padded(x: Tensor, size: Tensor) -> Tensor:
    now = shape(x)
    return pad(x, stack([zeros_like(now), size - now], axis=1))


def _cut(x: Tensor, size: Tensor, dims: Dims) -> Tensor:
    part = slice_(x, [0] * len(dims or ()), size)
    part.set_shape(dims)
    return part


def _used(body: Subgraph, variables: int, results: Sequence[int]) -> list[int]:
    """The variables that these results of the body depend on, in the same or an earlier iteration."""
    used = {k for k in results if k < variables}
    stack = [body.outputs[k] for k in results]
    seen = set(stack)
    places = {x: k for k, x in enumerate(body.arguments[1 : 1 + variables])}
    while stack:
        x = stack.pop()
        more = list(x.op.inputs)
        if x in places:
            used.add(places[x])
            more = [body.outputs[places[x]]]
        stack.extend(y for y in more if y not in seen)
        seen.update(more)
    return sorted(used)
