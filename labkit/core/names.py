"""Names of operations: unique in a graph, nested by scopes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from labkit.errors import InvalidArgumentError

_VALID = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*").fullmatch


def valid_name(text: str) -> str:
    """A name of an operation like this text: what may not stand in one becomes "_"."""
    kept = re.sub(r"[^A-Za-z0-9_.-]", "_", text)
    return kept if _VALID(kept) else f"name{kept}"


class Names:
    """The names that a graph has given away, and the scope that new ones go under."""

    def __init__(self) -> None:
        self._scope = ""
        self._taken: dict[str, int] = {}  # name in lower case -> the number to try first for the next one like it

    @property
    def scope(self) -> str:
        """The present name scope, "" or ending in "/"."""
        return self._scope

    def get_name_scope(self) -> str:
        """The present name scope without the "/" at its end."""
        return self._scope.removesuffix("/")

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """The full name, made unique in this graph with _1, _2 ...; upper and lower case count as the same."""
        return self._unique(self._scope + name, mark_as_used)

    def _unique(self, full: str, mark_as_used: bool = True) -> str:
        candidate, key = full, full.lower()
        if key in self._taken:
            number = self._taken[key]
            while (candidate := f"{full}_{number}").lower() in self._taken:
                number += 1
            if mark_as_used:
                self._taken[key] = number + 1
        if mark_as_used:
            self._taken[candidate.lower()] = 1
        return candidate

    def is_taken(self, full: str) -> bool:
        """Whether that name is given away."""
        return full.lower() in self._taken

    def take(self, full: str) -> None:
        """Gives away a name as it is."""
        self._taken.setdefault(full.lower(), 1)

    def exchange(self, full: str, other: str) -> str:
        """Gives away `other`, made unique, for a name that is free again."""
        key = full.lower()
        self._taken.pop(key, None)
        plain, _, number = key.rpartition("_")
        if number.isdigit() and plain in self._taken:
            self._taken[plain] = min(self._taken[plain], int(number))
        return self._unique(other)

    def full_name(self, name: str) -> str:
        """The name of a new operation called `name`: unique, or that of a scope where `name` ends in "/".

        Raises:
            InvalidArgumentError: the name is not allowed.
        """
        if check_text(name)[-1:] == "/":
            self._taken.setdefault(name[:-1].lower(), 1)
            return check_name(name[:-1])
        return check_name(self.unique_name(name))

    @contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Puts new operations under `name/`; entered again it becomes `name_1/`. A name that ends in "/" is re-entered as
        it is, None and "" are the root. Yields the scope with its "/".

        Raises:
            InvalidArgumentError: the name is not allowed.
        """
        before = self._scope
        if not name:
            self._scope = ""
        elif check_text(name).endswith("/"):
            self._scope = check_name(name)
        else:
            check_name(before + name)
            self._scope = self.unique_name(name) + "/"
        try:
            yield self._scope
        finally:
            self._scope = before


def check_text(name: Any) -> str:
    """`name`, which is a text.

    Raises:
        InvalidArgumentError: it is something else.
    """
    if not isinstance(name, str):
        raise InvalidArgumentError("A name is a text", received=f"{type(name).__name__} {name!r}")
    return name


def check_name(full: str) -> str:
    """`full`, which is allowed as the name of an operation or scope with all scopes around it.

    Raises:
        InvalidArgumentError: it is not.
    """
    if _VALID(full) is None:
        raise InvalidArgumentError(
            f"{full!r} is not a valid name for an operation or scope",
            rule="Names are made of the letters A to Z, digits and _ . - / and begin with a letter, digit or dot",
            received=repr(full),
        )
    return full
