"""The typed configuration of an experiment: a dataclass whose fields can be set from the command line.

Fields are int, float, bool, str, Literal[...], Optional of these (`int | None`), or lists of them. Text is read
strictly: "1e-3" is a float and "1.5" is no int. The comment behind a field is its help text.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import io
import math
import re
import textwrap
import tokenize
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from labkit.errors import ConfigError
from labkit.near import near_names

TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "none"}


class _Mismatch(Exception):
    """A value is not of the kind a key wants; the message says what the key wants."""


@dataclasses.dataclass(frozen=True)
class Key:
    """One field of a configuration: its name, type, and default (`dataclasses.MISSING` when it has none)."""

    name: str
    kind: Any
    default: Any

    @property
    def type_name(self) -> str:
        return type_name(self.kind)


def keys(config_class: type) -> dict[str, Key]:
    """The keys of a configuration class, in order. Raises ConfigError for a type no key can have."""
    if not (isinstance(config_class, type) and dataclasses.is_dataclass(config_class)):
        raise ConfigError(
            "The configuration of an experiment is no dataclass",
            rule="the first parameter of an experiment is annotated with a dataclass",
            received="no annotation" if config_class is inspect.Parameter.empty else repr(config_class),
            fix="Write (config: Config, trial: lk.Trial), with @dataclasses.dataclass above the class Config.",
        )
    try:
        hints = typing.get_type_hints(config_class)
    except NameError as error:
        raise ConfigError(f"A type in {config_class.__name__} is unknown: {error}") from error
    found = {}
    for field in dataclasses.fields(config_class):
        if not field.init:
            continue
        if field.name == "seed":
            raise ConfigError(
                f"{config_class.__name__} has a key named seed",
                rule="seeds are repeats of one configuration, never a part of it",
                fix="Remove the key, read trial.seed, and ask for repeats with --seeds N.",
            )
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        key = Key(field.name, hints[field.name], default)
        _validate_kind(config_class, key)
        if default is not dataclasses.MISSING:
            key = dataclasses.replace(key, default=check(key, default))
        found[key.name] = key
    return found


def parse(key: Key, text: str) -> Any:
    """The value that `text` means for `key`. Raises ConfigError when it means none."""
    try:
        return _parse(text.strip(), key.kind)
    except _Mismatch as error:
        raise _wrong_value(key, text, str(error)) from None


def parse_list(key: Key, text: str) -> list[Any]:
    """The values of `--sweep key=a,b,c`. For keys that are lists themselves: `key=[64,64],[128]`."""
    return [parse(key, part) for part in split(text)]


def check(key: Key, value: Any) -> Any:
    """`value`, when it is of the key's type (an int is taken for a float). Raises ConfigError otherwise."""
    try:
        return _check(value, key.kind)
    except _Mismatch as error:
        raise _wrong_value(key, repr(value), str(error)) from None


def find(found: Mapping[str, Key], name: str, where: str) -> Key:
    """The key of that name. Raises ConfigError with near matches when there is none."""
    if name in found:
        return found[name]
    near = near_names(name, found)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"The keys are {', '.join(found) or 'none'}."
    raise ConfigError(f"{where} names the key {name!r}, which the experiment does not have", fix=hint)


def settings(found: Mapping[str, Key], pairs: Iterable[str], option: str) -> dict[str, str]:
    """`key=text` pairs of one command-line option as a dictionary, every key known and given once."""
    texts: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise ConfigError(f"{option} {pair} lacks a value", rule=f"write {option} key=value", received=repr(pair))
        find(found, name.strip(), f"{option} {pair}")
        if name.strip() in texts:
            raise ConfigError(f"{option} sets {name.strip()} twice", fix="Keep one of the two.")
        texts[name.strip()] = text
    return texts


def resolve(found: Mapping[str, Key], changes: Mapping[str, Any], open_keys: Iterable[str] = ()) -> dict[str, Any]:
    """Every key's value: its default unless changed. Keys in `open_keys` may lack both (a sweep gives them)."""
    values = {}
    for key in found.values():
        value = changes.get(key.name, key.default)
        if value is not dataclasses.MISSING:
            values[key.name] = value
        elif key.name not in open_keys:
            raise ConfigError(f"The key {key.name} has no default", fix=f"Give it one: --set {key.name}=...")
    return values


def type_name(kind: Any) -> str:
    """A type as people write it: `int`, `float | None`, `list[int]`, `'adam' | 'sgd'`."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return " | ".join(repr(choice) for choice in arguments)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(type_name(argument) for argument in arguments)
    if origin is list:
        return f"list[{type_name(arguments[0])}]"
    return "None" if kind is type(None) else getattr(kind, "__name__", str(kind))


def help_texts(config_class: type) -> dict[str, str]:
    """Key -> the comment behind its field in the source; none when the source is not at hand."""
    try:
        source = textwrap.dedent(inspect.getsource(config_class))
        body = ast.parse(source).body[0]
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (OSError, TypeError, SyntaxError, tokenize.TokenError):
        return {}
    lines = {token.start[0]: token.string.lstrip("# ").strip() for token in tokens if token.type == tokenize.COMMENT}
    assert isinstance(body, ast.ClassDef)
    return {
        statement.target.id: lines[statement.end_lineno or statement.lineno]
        for statement in body.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and (statement.end_lineno or statement.lineno) in lines
    }


def split(text: str) -> list[str]:
    """Split at the commas that stand outside brackets."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def _parse(text: str, kind: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        return [_parse(part.strip(), arguments[0]) for part in split(inner)] if inner.strip() else []
    if origin is typing.Literal:
        for choice in arguments:
            if text == str(choice):
                return choice
        raise _Mismatch(_wants(kind, text, [str(choice) for choice in arguments]))
    if origin in (typing.Union, types.UnionType):
        for argument in sorted(arguments, key=lambda a: a is str):  # text fits str always, so str is asked last
            try:
                return _parse(text, argument)
            except _Mismatch:
                continue
        raise _Mismatch(_wants(kind))
    if kind is type(None) and text.lower() == "none":
        return None
    if kind is bool and text.lower() in TRUE + FALSE:
        return text.lower() in TRUE
    if kind is int and re.fullmatch(r"[+-]?\d+(_\d+)*", text):
        return int(text)
    if kind is float:
        try:
            return _check(float(text), float)
        except ValueError:
            pass
    if kind is str:
        return text
    raise _Mismatch(_wants(kind))


def _check(value: Any, kind: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list and isinstance(value, (list, tuple)):
        return [_check(item, arguments[0]) for item in value]
    if origin is typing.Literal:
        for choice in arguments:
            if type(choice) is type(value) and choice == value:
                return choice
        raise _Mismatch(_wants(kind, str(value), [str(choice) for choice in arguments]))
    if origin in (typing.Union, types.UnionType):
        for argument in sorted(arguments, key=lambda a: a is not type(value)):
            try:
                return _check(value, argument)
            except _Mismatch:
                continue
        raise _Mismatch(_wants(kind))
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        if math.isnan(value):
            raise _Mismatch("a number, which nan is not")
        return float(value)
    if kind is type(None) and value is None:
        return None
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise _Mismatch(_wants(kind))


def _wants(kind: Any, text: str = "", choices: list[str] | None = None) -> str:
    if choices is not None:
        near = near_names(text, choices, 1)
        return f"one of {', '.join(choices)}" + (f" (did you mean {near[0]}?)" if near else "")
    return _WORDS.get(kind) or type_name(kind)


def _wrong_value(key: Key, received: str, wants: str) -> ConfigError:
    return ConfigError(f"{key.name} takes {wants}", received=received)


def _validate_kind(config_class: type, key: Key) -> None:
    def fits(kind: Any, inside_list: bool = False) -> bool:
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is typing.Literal:
            return all(type(choice) in (str, int, bool) for choice in arguments)
        if origin in (typing.Union, types.UnionType):
            return all(fits(argument, inside_list) for argument in arguments)
        if origin is list:
            return not inside_list and fits(arguments[0], True)
        return kind in (int, float, bool, str, type(None))

    if not fits(key.kind):
        raise ConfigError(
            f"{config_class.__name__}.{key.name} has a type the command line cannot set",
            rule="keys are int, float, bool, str, Literal[...], Optional of these, or a list of them",
            received=type_name(key.kind),
        )
