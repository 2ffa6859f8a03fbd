"""Domains: the values that a key of a space can have. Each has one form as JSON, which is part of its sweep's identity."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from labkit.errors import ConfigError
from labkit.lab import plain


class Domain:
    """The values of one key."""

    def spec(self) -> Any:
        """As JSON has it: a list of values, or {name: arguments}."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Values(Domain):
    """These values, and no others."""

    values: tuple[Any, ...]

    @classmethod
    def checked(cls, name: str, values: Sequence[Any]) -> Values:
        """The values of the key `name`. Raises ConfigError when there is none, or one twice."""
        texts = [plain.dumps(value) for value in values]
        if not texts:
            raise ConfigError(f"The sweep over {name} has no values", fix=f"Give some: --sweep {name}=a,b,c")
        twice = next((text for text in texts if texts.count(text) > 1), None)
        if twice is not None:
            raise ConfigError(
                f"The sweep over {name} has the value {twice} twice",
                rule="each configuration is one row of the table",
                fix="Ask for repeats with --seeds N.",
            )
        return cls(tuple(values))

    def spec(self) -> list[Any]:
        return list(self.values)

    def __str__(self) -> str:
        return ",".join(map(str, self.values))
