"""tf.assert_*: operations that fail a run, and tensors that pass on only what holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import labkit as lk
from labkit.errors import ShapeError


def _pairwise(name: str, holds: Callable[[Any, Any], lk.Tensor], words: str) -> Callable[..., lk.Operation]:
    def check(
        x: Any, y: Any, data: Any = None, summarize: int = 3, message: str = "", name: str | None = None
    ) -> lk.Operation:
        text = f"{message}: " if message else ""
        said = data or [f"{text}Condition x {words} y did not hold element by element: x, y =", x, y]
        return lk.Assert(lk.reduce_all(holds(x, y)), said, summarize, name)

    check.__name__ = check.__qualname__ = name
    check.__doc__ = f"An operation that fails a run unless x {words} y everywhere; they are broadcast."
    return check


assert_equal = _pairwise("assert_equal", lk.equal, "==")
assert_none_equal = _pairwise("assert_none_equal", lk.not_equal, "!=")
assert_less = _pairwise("assert_less", lk.less, "<")
assert_less_equal = _pairwise("assert_less_equal", lk.less_equal, "<=")
assert_greater = _pairwise("assert_greater", lk.greater, ">")
assert_greater_equal = _pairwise("assert_greater_equal", lk.greater_equal, ">=")


def _sign(pairwise: Callable[..., lk.Operation], name: str, words: str) -> Callable[..., lk.Operation]:
    def check(x: Any, data: Any = None, summarize: int = 3, message: str = "", name: str | None = None) -> lk.Operation:
        text = f"{message}: " if message else ""
        return pairwise(
            x, 0, data or [f"{text}Condition x {words} 0 did not hold element by element: x =", x], summarize, name=name
        )

    check.__name__ = check.__qualname__ = name
    check.__doc__ = f"An operation that fails a run unless x {words} 0 everywhere."
    return check


assert_positive = _sign(assert_greater, "assert_positive", ">")
assert_negative = _sign(assert_less, "assert_negative", "<")
assert_non_negative = _sign(assert_greater_equal, "assert_non_negative", ">=")
assert_non_positive = _sign(assert_less_equal, "assert_non_positive", "<=")


def assert_rank(
    x: Any, rank: int, data: Any = None, summarize: int = 3, message: str = "", name: str | None = None
) -> lk.Operation:
    """An operation that fails a run unless x has `rank` dimensions.

    Raises:
        ShapeError: it is known already that x has another number of them.
    """
    return _ranked(x, rank, lk.equal, "must have rank", message, data, summarize, name or "assert_rank")


def assert_rank_at_least(
    x: Any, rank: int, data: Any = None, summarize: int = 3, message: str = "", name: str | None = None
) -> lk.Operation:
    """An operation that fails a run unless x has `rank` or more dimensions.

    Raises:
        ShapeError: it is known already that x has fewer.
    """
    what = "must have rank at least"
    return _ranked(x, rank, lk.greater_equal, what, message, data, summarize, name or "assert_rank_at_least")


def _ranked(
    x: Any, rank: int, holds: Any, what: str, message: str, data: Any, summarize: int, name: str
) -> lk.Operation:
    tensor = lk.convert_to_tensor(x)
    text = f"{message}{': ' if message else ''}Tensor {tensor.name} {what} {rank}"
    if tensor.dims is not None:
        found = len(tensor.dims)
        if found < rank or (found > rank and holds is lk.equal):
            raise ShapeError(text, received=f"rank {found}, shape {tensor.shape}")
        return lk.no_op(name)
    return lk.Assert(
        holds(lk.rank(tensor), rank), data or [text + ". Received shape:", lk.shape(tensor)], summarize, name
    )


def check_numerics(tensor: Any, message: str, name: str | None = None) -> lk.Tensor:
    """The tensor itself; a run in which it holds a NaN or an infinity fails with the message."""
    x = lk.convert_to_tensor(tensor)
    check = lk.Assert(lk.reduce_all(lk.is_finite(x)), [f"{message} : Tensor had NaN or Inf values:", x])
    with lk.control_dependencies([check]):
        return lk.identity(x, name=name or "CheckNumerics")
