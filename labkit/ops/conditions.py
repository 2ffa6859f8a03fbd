"""Conditions under TensorFlow's names: cond, case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.graph import get_default_graph
from labkit.core.nest import pack
from labkit.core.tensor import Tensor
from labkit.errors import GraphError, InvalidArgumentError
from labkit.ops.branch import branch
from labkit.ops.compare import cast, less
from labkit.ops.concat import stack
from labkit.ops.host import Assert
from labkit.ops.reduce import reduce_any, reduce_sum
from labkit.ops.shape import identity
from labkit.ops.tracing import Traced, leaves_of, need_callable, structure


def cond(
    pred: Any,
    true_fn: Callable[[], Any],
    false_fn: Callable[[], Any],
    strict: bool = False,
    name: str | None = None,
) -> Any:
    """The results of `true_fn` where `pred` holds, else those of `false_fn`; only that one is run.

    Operations that were built outside the functions and that one of them uses are run in either case.

    Args:
        pred: bool, one truth value.
        true_fn, false_fn: build the branches; each is called once, and both return the same structure of tensors of the
            same dtypes (or operations, or None). Where their shapes differ, or Python computes something inside, the run is
            cut around the condition.
        strict: a list of one result stays a list.

    Raises:
        DTypeError, ShapeError: the condition is not one truth value, or the results differ in dtype.
        GraphError: they differ in structure.
    """
    condition = to_tensor(pred)
    with get_default_graph().name_scope(name or "cond"):
        then, otherwise = Traced("true_fn", true_fn), Traced("false_fn", false_fn)
        if structure(then.nest) != structure(otherwise.nest):
            raise GraphError(
                "The branches of lk.cond return different structures",
                rule="Both return the same lists, tuples and dicts of tensors",
                received=f"{structure(then.nest)} and {structure(otherwise.nest)}",
            )
        results = branch(condition, then.finish(leaves_of), otherwise.finish(leaves_of))
        if then.nest is None:
            return None
    nest = pack(then.nest, results)
    return nest[0] if isinstance(nest, list) and len(nest) == 1 and not strict else nest


def case(
    pred_fn_pairs: Any,
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str | None = None,
) -> Any:
    """The results of the first function whose condition holds, else those of `default`.

    Args:
        pred_fn_pairs: (condition, function) pairs, or a dict of them.
        default: without one the run fails where no condition holds.
        exclusive: the run fails where more than one condition holds.
        strict: a list of one result stays a list.

    Raises:
        InvalidArgumentError: there is no pair, or what is given is no pair of a condition and a function.
        As `cond`.
    """
    given = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs)
    if not given or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in given):
        raise InvalidArgumentError(
            "lk.case takes pairs", rule="There is at least one (condition, function) pair", received=repr(pred_fn_pairs)
        )
    for _, function in given:
        need_callable("fn", function)
    with get_default_graph().name_scope(name or "case"):
        pairs = [(to_tensor(pred), function) for pred, function in given]
        if exclusive and len(pairs) > 1:
            pairs = _asserted(pairs, lambda held: less(reduce_sum(cast(held, dt.int32)), 2), "the exclusive conditions")
        if default is None:  # where none of the others holds, the last one does
            *others, (_, default) = pairs = _asserted(pairs, reduce_any, "None of the conditions evaluated as True")
            pairs = others or pairs
        result = _first(pairs, default)
    return result[0] if isinstance(result, list) and len(result) == 1 and not strict else result


def _asserted(pairs: Sequence[Any], holds: Callable[[Tensor], Tensor], words: str) -> list[Any]:
    """The pairs, whose conditions fail the run unless together they fulfil `holds`."""
    held = stack([pred for pred, _ in pairs])
    with get_default_graph().control_dependencies([Assert(holds(held), [words, held])]):
        return [(identity(pred), function) for pred, function in pairs]


def _first(pairs: Sequence[Any], default: Callable[[], Any]) -> Any:
    (pred, function), rest = pairs[0], pairs[1:]
    return cond(pred, function, (lambda: _first(rest, default)) if rest else default, strict=True)
