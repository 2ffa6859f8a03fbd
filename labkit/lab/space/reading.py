"""Spaces: from texts, Python values or JSON to a domain for every key, each checked against the type of its key."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from labkit.errors import ConfigError
from labkit.lab import config as _config, values as _values
from labkit.lab.space.conditions import settled
from labkit.lab.space.domains import FORMS, Domain, Integers, Uniform, Values
from labkit.near import near_names

NAMES = (*FORMS, "choice")
_CALL = re.compile(r"\s*(\w+)\s*\((.*)\)\s*", re.DOTALL)
_WHEN = re.compile(r"\s+when\s+(?=[\w.]+\s*=)")
_AND = re.compile(r"\s+and\s+(?=[\w.]+\s*=)")


def read_space(
    keys: Mapping[str, _config.Key], sweeps: Iterable[str] | Mapping[str, Any], where: str = "sweep"
) -> dict[str, Domain]:
    """The domains that `key=...` texts of the command line describe, or a mapping of keys to domains, lists or texts.

    Raises:
        ConfigError: an unknown key (with near matches), one given twice, a domain that is none or does not fit its key.
    """
    if not isinstance(sweeps, Mapping):
        sweeps = _config.settings(keys, sweeps, "--sweep")
    found = {}
    for name, given in sweeps.items():
        key = _config.find(keys, name, where)
        try:
            found[name] = _checked(keys, key, parse(key, given) if isinstance(given, str) else _domain(given))
        except ConfigError as error:
            if name in error.what:
                raise
            what = f"The sweep over {name}: {error.what[:1].lower()}{error.what[1:]}"
            raise ConfigError(what, rule=error.rule, received=error.received, fix=error.fix) from None
    return found


def read_configs(keys: Mapping[str, _config.Key], configs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Configurations that were written down, each as values by key; texts are read as on the command line.

    Raises:
        ConfigError: there is none, one comes twice, or one has an unknown key or a value of another type.
    """
    found: list[dict[str, Any]] = []
    for place, config in enumerate(configs, start=1):
        if not isinstance(config, Mapping):
            raise ConfigError(
                f"Configuration {place} of the list is no mapping of keys to values", received=repr(config)
            )
        read = {}
        for name, value in _config.flattened(keys, config).items():
            key = _config.find(keys, name, f"configuration {place} of the list")
            as_text = isinstance(value, str) and str not in kinds(key.kind)
            read[name] = _config.parse(key, value) if as_text else _config.check(key, value)
        if read in found:
            raise ConfigError(
                f"Configuration {place} of the list is there twice",
                rule="each configuration is one row of the table",
                fix="Ask for repeats with --seeds N.",
            )
        found.append(read)
    if not found:
        raise ConfigError("The list of configurations is empty", fix="Leave it out, or write at least one.")
    return found


def parse(key: _config.Key, text: str) -> Domain:
    """The domain that a text means for a key: `a,b,c`, `uniform(0,1)`, either followed by `when other=a,b and another=c`.

    The conditions' values stay texts.

    Raises:
        ConfigError: it means none.
    """
    values, *rest = _WHEN.split(text, maxsplit=1)
    domain = _parse_domain(key, values)
    for clause in _AND.split(rest[0]) if rest else ():
        other, _, allowed = clause.partition("=")
        domain = domain.when({other.strip(): [part.strip() for part in _values.split(allowed)]})
    return domain


def from_spec(spec: Any) -> Domain:
    """The domain whose `spec()` this is.

    Raises:
        ConfigError: it is none.
    """
    if isinstance(spec, list):
        return Values(spec)
    if isinstance(spec, dict) and len(spec) == 1:
        ((name, arguments),) = spec.items()
        if name == "when" and isinstance(arguments, list) and len(arguments) == 2 and isinstance(arguments[0], dict):
            return from_spec(arguments[1]).when(arguments[0])
        if name in FORMS and isinstance(arguments, list):
            return _made(name, arguments)
    raise ConfigError("This is no domain", rule="it is a list of values, or {name: arguments}", received=repr(spec))


def space_from_spec(spec: Mapping[str, Any]) -> dict[str, Domain]:
    """The space of a sweep from the JSON of its domains, each behind the keys that it depends on, which JSON may have lost.

    Raises:
        ConfigError: it is none.
    """
    return settled({name: from_spec(domain) for name, domain in spec.items()}, {})


def describe(spec: Mapping[str, Any]) -> str:
    """A space's JSON as people write it: `width=16,32 rate=uniform(0,1)`."""
    return " ".join(f"{name}={domain}" for name, domain in space_from_spec(spec).items())


def _domain(given: Any) -> Domain:
    if isinstance(given, Domain):
        return given
    if isinstance(given, Iterable) and not isinstance(given, Mapping):
        return Values(list(given))
    raise ConfigError("This is no domain", rule="it is a list of values, or one of lk.space", received=repr(given))


def _parse_domain(key: _config.Key, text: str) -> Domain:
    call = _CALL.fullmatch(text)
    if call and not _values.component(key.kind):
        if call[1] == "choice":
            return Values(_config.parse_list(key, call[2]))
        if call[1] in FORMS:
            return _made(call[1], [_number(part) for part in call[2].split(",")])
        if kinds(key.kind) & {int, float} and str not in kinds(key.kind):
            near = near_names(call[1], NAMES, 1)
            raise ConfigError(
                f"{key.name} cannot be drawn from {call[1]}",
                rule=f"a domain is a list of values, or {', '.join(f'{name}(...)' for name in NAMES)}",
                received=text.strip(),
                fix=f"Did you mean {near[0]}?" if near else "",
            )
    return Values(_config.parse_list(key, text))


def _made(name: str, arguments: list[Any]) -> Domain:
    """The domain of FORMS with these arguments: two bounds, of integers perhaps followed by "log"."""
    log = name == "integers" and arguments[2:] == ["log"]
    bounds = arguments[:2] if log else arguments
    if len(bounds) != 2:
        form = f"{name}(low,high)" + (" or integers(low,high,log)" if name == "integers" else "")
        raise ConfigError(f"{name} has other arguments", rule=f"It is {form}", received=", ".join(map(str, arguments)))
    low, high = bounds
    return Integers(low, high, log) if name == "integers" else FORMS[name](low, high)


def _number(text: str) -> Any:
    """A whole number, a number, or the text itself where it is none."""
    for kind in (int, float):
        try:
            return _values.parse(text.strip(), kind)
        except _values.Mismatch:
            continue
    return text.strip()


def kinds(kind: Any) -> set[Any]:
    """The types that a key's type allows, Optional taken apart."""
    arguments = typing.get_args(kind)
    united = arguments and typing.get_origin(kind) not in (list, typing.Literal)
    return {leaf for argument in arguments for leaf in kinds(argument)} if united else {kind}


def _checked(keys: Mapping[str, _config.Key], key: _config.Key, domain: Domain) -> Domain:
    """The same, with values, and those of conditions, of their keys' types."""
    if isinstance(domain, Values):
        domain = dataclasses.replace(domain, values=[_config.check(key, value) for value in domain.values])
    elif isinstance(domain, Uniform | Integers):
        wanted, allowed = float if isinstance(domain, Uniform) else int, kinds(key.kind)
        if wanted not in allowed and _values.Setting not in allowed:
            other = "integers" if int in allowed else "uniform" if float in allowed else ""
            raise ConfigError(
                f"{key.name} cannot be drawn from {domain}",
                rule=f"that gives {'fractions' if wanted is float else 'whole numbers'}, and the key is {key.type_name}",
                fix=f"Use {other}(low,high), or list its values." if other else "List its values.",
            )
    conditions = []
    for other, values in domain.conditions:
        place = _config.find(keys, other, f"the condition of {key.name}")
        typed = [
            _config.parse(place, value) if isinstance(value, str) else _config.check(place, value) for value in values
        ]
        conditions.append((other, tuple(typed)))
    return dataclasses.replace(domain, conditions=tuple(conditions))
