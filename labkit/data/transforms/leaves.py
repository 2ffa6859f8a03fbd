"""The tensor of an element that a transform changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from labkit.core.nest import keys
from labkit.errors import ElementError, InvalidArgumentError

On = str | int | tuple[str | int, ...] | None
"""Where it stands: the key of a dict, the place in a tuple, or several of them from the outside in; None for the first one."""


def checked_on(on: Any) -> On:
    """`on`.

    Raises:
        InvalidArgumentError: it is none of these.
    """
    steps = on if isinstance(on, tuple) else () if on is None else (on,)
    if on == () or not all(isinstance(step, str | int) and not isinstance(step, bool) for step in steps):
        raise InvalidArgumentError(
            "on= names a tensor of an element",
            rule="It is the key of a dict, the place in a tuple, or a tuple of them from the outside in",
            received=repr(on),
        )
    return on


def changed_leaf(nest: Any, on: On, change: Callable[[Any], Any]) -> Any:
    """The nest with the tensor `on` changed.

    Raises:
        ElementError: the nest has no such tensor.
    """
    return _changed(nest, None if on is None else on if isinstance(on, tuple) else (on,), change)


def leaf(nest: Any, on: On) -> Any:
    """That tensor of the nest.

    Raises:
        ElementError: the nest has no such tensor.
    """
    found: list[Any] = []

    def keep(value: Any) -> Any:
        found.append(value)
        return value

    changed_leaf(nest, on, keep)
    return found[0]


def _changed(nest: Any, path: tuple[str | int, ...] | None, change: Callable[[Any], Any]) -> Any:
    inner = isinstance(nest, Mapping | tuple)
    if not inner and not path:
        return change(nest)
    choices: list[Any] = keys(nest) if isinstance(nest, Mapping) else list(range(len(nest))) if inner else []
    if not choices or path == () or (path and path[0] not in choices):
        there = ", ".join(map(repr, choices)) or "no parts"
        raise ElementError(
            "An element has no such tensor",
            rule="on= names one",
            received=f"{path[0]!r} where there are {there}" if path else f"a nest of {there}",
        )
    step, rest = (choices[0], None) if path is None else (path[0], path[1:])
    made = _changed(nest[step], rest, change)
    if isinstance(nest, Mapping):
        return {key: made if key == step else value for key, value in nest.items()}
    parts = [made if i == step else value for i, value in enumerate(nest)]
    return type(nest)(*parts) if hasattr(nest, "_fields") else tuple(parts)
