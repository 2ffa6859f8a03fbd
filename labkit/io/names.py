"""Names that may become part of a path."""

from __future__ import annotations

import re

from labkit.errors import InvalidArgumentError

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", re.ASCII)


def is_safe_name(name: object) -> bool:
    """Whether `safe_name` accepts it."""
    return isinstance(name, str) and _SAFE.fullmatch(name) is not None


def safe_name(name: str, what: str = "name") -> str:
    """The name itself, when a file or folder may be called so.

    Args:
        name: 1 to 64 of the characters A-Z a-z 0-9 . _ -, the first one a letter, a digit or _ (so that it is never
            hidden, a step upwards, or an option of a command).
        what: what the name names, for the message.

    Raises:
        InvalidArgumentError: it may not.
    """
    if is_safe_name(name):
        return name
    shown = repr(name) if len(repr(name)) <= 100 else repr(name)[:97] + "..."
    raise InvalidArgumentError(
        f"The {what} is not allowed",
        rule="A name that becomes a path is 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter, a digit or _",
        received=shown,
    )
