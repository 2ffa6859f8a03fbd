"""Nests: tensors in lists, tuples, named tuples and dicts, flattened and put back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labkit.errors import InvalidArgumentError


class Compound:
    """What stands for several tensors in a nest."""

    def parts(self) -> Sequence[Any]:
        """The tensors."""
        raise NotImplementedError

    def with_parts(self, parts: Sequence[Any]) -> Any:
        """The same with other tensors."""
        raise NotImplementedError


def flatten(nest: Any) -> list[Any]:
    """The leaves of a nest in order; dicts in the order of their keys."""
    if isinstance(nest, Mapping):
        return [x for key in keys(nest) for x in flatten(nest[key])]
    if isinstance(nest, list | tuple):
        return [x for value in nest for x in flatten(value)]
    return list(nest.parts()) if isinstance(nest, Compound) else [nest]


def pack(like: Any, leaves: Sequence[Any]) -> Any:
    """The leaves in the structure of `like`.

    Raises:
        InvalidArgumentError: there are more or fewer leaves than `like` has.
    """
    if len(flatten(like)) != len(leaves):
        raise InvalidArgumentError(
            "A nest of another structure",
            rule=f"It has {len(flatten(like))} leaves",
            received=f"{len(leaves)}",
        )
    return _pack(like, iter(leaves))


def _pack(like: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(like, Mapping):
        packed = {key: _pack(like[key], leaves) for key in keys(like)}
        return {key: packed[key] for key in like}
    if isinstance(like, tuple) and hasattr(like, "_fields"):
        return type(like)(*(_pack(value, leaves) for value in like))
    if isinstance(like, list | tuple):
        return type(like)(_pack(value, leaves) for value in like)
    if isinstance(like, Compound):
        return like.with_parts([next(leaves) for _ in like.parts()])
    return next(leaves)


def keys(nest: Mapping[Any, Any]) -> list[Any]:
    """A dict's keys in an order that does not depend on how it was written."""
    return sorted(nest, key=repr)
