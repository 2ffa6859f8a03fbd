"""What a random graph adds that is longer than a step: chains, branches, loops, with writes inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import labkit as lk
from labkit.errors import LabkitError
from tests.numerics.functions import BINARY, UNARY

if TYPE_CHECKING:
    from tests.numerics.fusible import Fusible


def chain(case: Fusible, x: Any, captured: Any) -> Any:
    for _ in range(case.rng.integers(1, 4)):
        x = case.any_of(UNARY)(x) if case.rng.random() < 0.5 else case.any_of(BINARY[:6])(x, captured)
    return x


def long_chain(case: Fusible) -> None:
    """More steps than one loop holds, of several dtypes, which use each other's results again and again."""
    kind, x = case.pick("full", "row", dtype=case.real)
    values = [x, case.pick(kind, "one", dtype=case.real)[1]]
    for _ in range(case.rng.integers(10, 50)):
        a, b = (values[-1 - int(i)] for i in case.rng.integers(min(6, len(values)), size=2))
        choice = case.rng.random()
        if choice < 0.45:
            made = case.any_of(UNARY)(a)
        elif choice < 0.85:
            made = case.any_of(BINARY)(a, b)
        else:
            made = lk.cast(lk.cast(a, case.any_of((lk.float64, lk.float32, lk.int32, lk.bool))), case.real)
        values.append(lk.tanh(made) if case.rng.random() < 0.3 else made)
        if values[-1].dims == x.dims and case.rng.random() < 0.15:
            case.keep(kind, values[-1])
    case.keep(kind, lk.where(x > 0.0, x, values[-1]))


def inside(case: Fusible, x: Any, captured: Any, variable: lk.Variable | None) -> Any:
    """A chain of a loop's body or of a branch, around a write."""
    y = chain(case, x, captured)
    if variable is None:
        return y
    before = variable.read_value()
    early = chain(case, before, y)  # of the old value, whenever it is computed
    how = (variable.assign, variable.assign_add)[case.rng.integers(2)]
    written = how(lk.tanh(chain(case, y, before)))
    return early * 0.5 + chain(case, before, written) if case.rng.random() < 0.5 else early - written


def written_inside(case: Fusible, kind: str) -> lk.Variable | None:
    fits = [v for k, v in case.variables if k == kind]
    return fits[0] if fits and case.writing and case.rng.random() < 0.6 else None


def condition(case: Fusible) -> None:
    kind, x = case.pick("full", "row", dtype=case.real)
    _, y = case.pick(kind, dtype=case.real)
    truth = lk.reduce_any(case.pick(dtype=lk.bool)[1])
    variable = written_inside(case, kind)
    case.keep(kind, lk.cond(truth, lambda: inside(case, x, y, variable), lambda: chain(case, y, x)))


def loop(case: Fusible) -> None:
    kind, x = case.pick("full", "row", dtype=case.real)
    _, y = case.pick(kind, "one", dtype=case.real)
    turns, variable = int(case.rng.integers(0, 4)), written_inside(case, kind)
    _, y = lk.while_loop(lambda i, a: i < turns, lambda i, a: (i + 1, inside(case, a, y, variable)), [0, x])
    case.keep(kind, y)


def scatter(case: Fusible) -> None:
    """One number of a row is replaced, in place where nothing needs the row any more; what was made of it before may be
    computed late. Once, or in a loop."""
    if not case.sizes[-1]:
        raise LabkitError("there is nothing to replace")
    _, x = case.pick("row", dtype=case.real)
    _, y = case.pick("row", "one", dtype=case.real)

    def replaced(i: Any, row: Any) -> tuple[Any, Any]:
        early = chain(case, row, y)
        how = case.any_of((lk.tensor_scatter_update, lk.tensor_scatter_add))
        return early, how(row, lk.reshape(i, [1, 1]), lk.reshape(lk.reduce_sum(lk.tanh(row)), [1]))

    if case.rng.random() < 0.4:
        early, late = replaced(lk.constant(0), case.any_of(UNARY)(x))
    else:
        turns = int(case.rng.integers(0, min(4, case.sizes[-1] + 1)))
        _, late, early = lk.while_loop(
            lambda i, row, seen: i < turns, lambda i, row, seen: (i + 1, *replaced(i, row)[::-1]), [0, x, x * 0.5]
        )
    case.keep("row", late)
    case.keep("row", early - late)


def network(case: Fusible) -> None:
    """Two layers with all that may become one with them, to a loss whose derivatives are taken; others may look at what lies
    between."""
    _, h = case.pick("full", dtype=case.real)
    channels = case.sizes[-1]
    if channels > 64:
        raise LabkitError("that would take long")
    for _ in range(2):
        if case.is_image:
            size = int(case.rng.choice((1, 3, 5)))
            h = lk.nn.conv2d(h, case.weights((size, size, channels, channels), h.dtype))
        else:
            h = lk.matmul(h, case.weights((channels, channels), h.dtype))
        h = lk.nn.bias_add(h, case.pick("row", dtype=h.dtype)[1])
        if case.rng.random() < 0.2:
            case.keep("between", h)
        h = lk.nn.relu(h)
        if case.rng.random() < 0.2:
            case.keep("between", h)
        if case.is_image and case.rng.random() < 0.7:
            window, stride = ((2, 2), (3, 2), (2, 1))[case.rng.integers(3)]
            h = lk.nn.max_pool(h, window, stride, "SAME")
        elif case.rng.random() < 0.3:
            h = lk.nn.dropout(h, rate=0.5)
    case.losses.append(lk.reduce_mean(lk.square(h - 0.1)))
    case.keep("one", case.losses[-1])


def scan(case: Fusible) -> None:
    if case.is_image or case.sizes[0] > 40:
        raise LabkitError("that would take long")
    _, x = case.pick("full", dtype=case.real)
    _, first = case.pick("row", dtype=case.real)
    case.keep("full", lk.scan(lambda state, row: chain(case, state, row), x, first))
