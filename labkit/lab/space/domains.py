"""Domains: the values that a key of a space can have.

Each has one form as JSON (`spec`), which is part of its sweep's identity, and one as text (`str`), as in
`--sweep "learning_rate=log_uniform(1e-4,1e-1)"`. A domain knows how to make a value of a random word, but draws none.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

from labkit.errors import ConfigError
from labkit.lab import plain
from labkit.report.shown import shown

DIGITS = 6
"""Drawn numbers are rounded to that many digits behind the first, so that people can read and type them."""

Conditions = tuple[tuple[str, tuple[Any, ...]], ...]


@dataclasses.dataclass(frozen=True)
class Domain:
    """The values of one key.

    Attributes:
        conditions: (other key, its values) pairs: the key varies only where each of these keys has one of these values.
            Elsewhere it keeps the value that it has without the sweep.
    """

    conditions: Conditions = dataclasses.field(default=(), kw_only=True)

    @property
    def size(self) -> float:
        """How many values there are; infinity where nobody would count them."""
        listed = self.listed()
        return math.inf if listed is None else len(listed)

    def listed(self) -> Sequence[Any] | None:
        """The values one by one; None where there are too many."""
        return None

    def contains(self, value: Any) -> bool:
        """Whether it is one of the values."""
        raise NotImplementedError

    def at(self, word: int) -> Any:
        """The value for a random number in [0, 2^64)."""
        raise NotImplementedError

    def when(self, conditions: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """The same values for a key that varies only where other keys have certain values: `uniform(0, 1).when(kind="sgd")`.

        Args:
            conditions: key -> value, or a list of values. All must hold. As a mapping, for keys that are no Python names.
            more: the same.

        Raises:
            ConfigError: there is no condition, or one without a value.
        """
        given = {**(conditions or {}), **more}
        pairs = {key: tuple(values) if isinstance(values, list | tuple) else (values,) for key, values in given.items()}
        if not pairs or not all(pairs.values()):
            raise ConfigError(
                f"A condition of {self} says nothing",
                rule="a condition is another key and its values",
                received=repr(given),
                fix='Write .when(optimizer="sgd") or .when(optimizer=["sgd", "rmsprop"]).',
            )
        return dataclasses.replace(self, conditions=(*self.conditions, *pairs.items()))

    def active(self, chosen: Mapping[str, Any]) -> bool:
        """Whether the key varies, given the choice for the keys before it that do."""
        return all(key in chosen and chosen[key] in values for key, values in self.conditions)

    def spec(self) -> Any:
        """As JSON has it: a list of values, or {name: arguments}."""
        own = self._spec()
        return {"when": [{key: list(values) for key, values in self.conditions}, own]} if self.conditions else own

    def __str__(self) -> str:
        clauses = " and ".join(f"{key}={','.join(map(_text, values))}" for key, values in self.conditions)
        return f"{self._own_text()} when {clauses}" if clauses else self._own_text()

    def _spec(self) -> Any:
        raise NotImplementedError

    def _own_text(self) -> str:
        ((name, arguments),) = self._spec().items()
        return f"{name}({','.join(map(_text, arguments))})"


@dataclasses.dataclass(frozen=True)
class Values(Domain):
    """These values, and no others; all as likely when they are drawn.

    Raises:
        ConfigError: there is none, or one twice.
    """

    values: Sequence[Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(self.values))
        texts = [plain.dumps(value) for value in self.values]
        if not texts:
            raise ConfigError("There are no values to try", fix="Give some: --sweep key=a,b,c")
        if len(self._places) < len(texts):
            twice = next(text for place, text in enumerate(texts) if self._places[text] != place)
            raise ConfigError(
                f"The value {twice} stands there twice",
                rule="each configuration is one row of the table",
                fix="Ask for repeats with --seeds N.",
            )

    def listed(self) -> Sequence[Any]:
        return self.values

    def contains(self, value: Any) -> bool:
        return plain.dumps(value) in self._places

    def index(self, value: Any) -> int:
        """The place of a value; 1, 1.0 and true are different ones. Raises KeyError where it is none of them."""
        return self._places[plain.dumps(value)]

    @functools.cached_property
    def _places(self) -> dict[str, int]:
        return {plain.dumps(value): place for place, value in enumerate(self.values)}

    def at(self, word: int) -> Any:
        return self.values[word * len(self.values) >> 64]

    def _spec(self) -> list[Any]:
        return list(self.values)

    def _own_text(self) -> str:
        return ",".join(map(_text, self.values))


@dataclasses.dataclass(frozen=True)
class Uniform(Domain):
    """The numbers from low to high, all as likely.

    Raises:
        ConfigError: they are no finite numbers, or low is not below high.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            if isinstance(bound := getattr(self, name), int | float) and not isinstance(bound, bool):
                object.__setattr__(self, name, float(bound))
        _ordered(self, float)

    def contains(self, value: Any) -> bool:
        return type(value) is float and self.low <= value <= self.high

    def at(self, word: int) -> float:
        return self._rounded(self.low + _fraction(word) * (self.high - self.low), self.high - self.low)

    def _rounded(self, value: float, scale: float) -> float:
        short = round(value, DIGITS - math.floor(math.log10(scale)))
        return min(max(short, self.low), self.high)

    def _spec(self) -> dict[str, Any]:
        return {"uniform": [self.low, self.high]}


@dataclasses.dataclass(frozen=True)
class LogUniform(Uniform):
    """The numbers from low to high, each order of magnitude as likely.

    Raises:
        ConfigError: they are no finite numbers above 0, or low is not below high.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        _above(self, 0)

    def at(self, word: int) -> float:
        bottom, top = math.log(self.low), math.log(self.high)
        value = math.exp(bottom + _fraction(word) * (top - bottom))
        return self._rounded(value, min(value, self.high - self.low))

    def _spec(self) -> dict[str, Any]:
        return {"log_uniform": [self.low, self.high]}


@dataclasses.dataclass(frozen=True)
class Integers(Domain):
    """The whole numbers from low to high, both included: all as likely, or each order of magnitude with log.

    Raises:
        ConfigError: they are no whole numbers, low is not below high, or below 1 with log.
    """

    low: int
    high: int
    log: bool = False
    """Whether each order of magnitude is as likely."""

    def __post_init__(self) -> None:
        _ordered(self, int)
        if self.log:
            _above(self, 0)

    @property
    def size(self) -> float:
        return self.high - self.low + 1

    def listed(self) -> Sequence[int]:
        return range(self.low, self.high + 1)

    def contains(self, value: Any) -> bool:
        return type(value) is int and self.low <= value <= self.high

    def at(self, word: int) -> int:
        if not self.log:
            return self.low + (word * (self.high - self.low + 1) >> 64)
        bottom, top = math.log(self.low - 0.5), math.log(self.high + 0.5)  # each number's share is that of its interval
        return min(max(round(math.exp(bottom + _fraction(word) * (top - bottom))), self.low), self.high)

    def _spec(self) -> dict[str, Any]:
        return {"integers": [self.low, self.high, *(["log"] if self.log else [])]}


FORMS = {"uniform": Uniform, "log_uniform": LogUniform, "integers": Integers}
"""The domains that are no list, by the name that they have as JSON and as text."""


def _fraction(word: int) -> float:
    """In [0, 1), of 53 bits."""
    return (word >> 11) * 2.0**-53


def _ordered(domain: Any, kind: type) -> None:
    typed = type(domain.low) is kind and type(domain.high) is kind
    if not typed or not domain.low < domain.high or (kind is float and not math.isfinite(domain.high - domain.low)):
        what = "whole numbers" if kind is int else "finite numbers"
        raise ConfigError(
            f"{type(domain).__name__} has no such bounds",
            rule=f"low and high are {what}, low below high",
            received=f"low={domain.low!r}, high={domain.high!r}",
        )


def _above(domain: Any, least: int) -> None:
    if not domain.low > least:
        raise ConfigError(
            f"{type(domain).__name__} has no such lower bound where orders of magnitude count",
            rule=f"low is above {least}",
            received=f"low={domain.low!r}",
        )


def _text(value: Any) -> str:
    return repr(value).removesuffix(".0") if isinstance(value, float) else shown(value)
