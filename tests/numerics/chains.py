"""What a random graph adds that is longer than a step: chains, branches, loops, with writes inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

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


def weights(case: Fusible, x: Any) -> tuple[Any, lk.Variable | None]:
    """x times weights: a product or a convolution. The weights are a variable or a constant."""
    channels = case.sizes[-1]
    if channels > 64:
        raise LabkitError("that would take long")
    size = int(case.rng.choice((1, 3, 3, 5)))
    shape = (size, size, channels, channels) if case.is_image else (channels, channels)
    value = case.rng.normal(size=shape) / np.sqrt(max(1, np.prod(shape[:-1])))
    variable = lk.Variable(value, dtype=x.dtype, name="weights") if case.rng.random() < 0.6 else None
    used = lk.constant(value, x.dtype) if variable is None else variable.ref
    if variable is not None:
        case.variables.append(("weights", variable))
    if case.is_image:
        return lk.nn.conv2d(x, used), variable
    return lk.matmul(x, used, transpose_b=bool(case.rng.random() < 0.3)), variable


def layer(case: Fusible, x: Any) -> Any:
    """A product with what may end it: a bias, a relu, or something that is almost that; others may look at what lies between,
    and the weights may change before the end."""

    def looked_at(y: Any) -> Any:
        if case.rng.random() < 0.15:
            case.keep("between", y)
            case.between.append(y)
        return y

    y, variable = weights(case, x)
    after = []
    if variable is not None and case.writing and case.rng.random() < 0.3:
        with lk.control_dependencies([y.op]):
            new = lk.tanh(variable.read_value())
            truth = lk.reduce_sum(x) > 0.0
            branch = lambda: variable.assign(new)  # noqa: E731
            written = lk.cond(truth, branch, branch) if case.rng.random() < 0.4 else branch()
        case.writes.append(written)
        after = [written.op]
    with lk.control_dependencies(after):
        y = looked_at(y)
        for _ in range(case.rng.choice((0, 1, 1, 1, 2))):
            kind, bias = case.pick("row", "row", "row", "single", "wide", "one", "full", dtype=x.dtype)
            y = lk.nn.bias_add(y, bias) if kind == "row" and case.rng.random() < 0.6 else bias + y
            y = looked_at(y)
        for _ in range(case.rng.choice((0, 1, 1, 1, 2))):
            y = looked_at(lk.nn.relu(y))
        return y + case.pick("row", dtype=x.dtype)[1] if case.rng.random() < 0.15 else y


def product(case: Fusible) -> None:
    case.keep("full", layer(case, case.pick("full")[1]))


def network(case: Fusible) -> None:
    """Two layers, with poolings, to a loss whose derivatives are taken."""
    _, h = case.pick("full", dtype=case.real)
    for _ in range(2):
        h = layer(case, h)
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
