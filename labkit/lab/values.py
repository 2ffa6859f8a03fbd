"""The values that keys of a configuration have: read from text, checked, and named for people.

A kind is int, float, bool, str, Literal[...], Optional of these (`int | None`), a list of them, or Any with a `ComponentOf`.
Text is read strictly: "1e-3" is a float and "1.5" is no int.
"""

from __future__ import annotations

import json
import math
import re
import types
import typing
from collections.abc import Mapping
from typing import Any

from labkit.errors import ConfigError, LabkitError
from labkit.near import near_names
from labkit.plugins import KINDS, current_lab, resolve

TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    type(None): "none",
}


class Mismatch(Exception):
    """A value is not of the kind a key wants; the message says what the key wants."""


class ComponentOf:
    """Makes a key name a component: `optimizer: Annotated[Any, lk.ComponentOf("optimizers")] = "adam"`.

    Its values are what the API takes in the place of an object: a registered name, or a dict {"name": ..., settings}. On the
    command line: adam, or sgd(learning_rate=0.1,momentum=0.9). Single settings are keys below it: optimizer.momentum.

    Args:
        kind: such as "optimizers"; `labkit plugins list` shows them.

    Raises:
        ConfigError: there is no such kind of component.
    """

    def __init__(self, kind: str) -> None:
        if kind not in KINDS:
            raise ConfigError(f"There is no kind of component {kind!r}", rule=f"The kinds are {', '.join(KINDS)}")
        self.kind = kind


class Setting:
    """The kind of a key below a component, such as optimizer.momentum: none, a bool, a number or text, as it is written."""


def component(kind: Any) -> str | None:
    """The kind of component, such as "optimizers", that a key's kind stands for; else None."""
    found = [extra for extra in getattr(kind, "__metadata__", ()) if isinstance(extra, ComponentOf)]
    return found[0].kind if found else None


def parse(text: str, kind: Any) -> Any:
    """What a text means. Raises Mismatch when it means no value of that kind."""
    if kind is Setting:
        return _literal(text)
    if named := component(kind):
        return check(call(text), kind) if text else _no_component(named)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        return [parse(part.strip(), arguments[0]) for part in split(inner)] if inner.strip() else []
    if origin is typing.Literal:
        for choice in arguments:
            if text == str(choice):
                return choice
        raise Mismatch(_wants(kind, text, [str(choice) for choice in arguments]))
    if origin in (typing.Union, types.UnionType):
        for argument in sorted(arguments, key=lambda a: a is str):  # text fits str always, so str is asked last
            try:
                return parse(text, argument)
            except Mismatch:
                continue
        raise Mismatch(_wants(kind))
    if kind is type(None) and text.lower() == "none":
        return None
    if kind is bool and text.lower() in TRUE + FALSE:
        return text.lower() in TRUE
    if kind is int and re.fullmatch(r"[+-]?\d+(_\d+)*", text):
        return int(text)
    if kind is float:
        try:
            return check(float(text), float)
        except ValueError:
            pass
    if kind is str:
        return text
    raise Mismatch(_wants(kind))


def check(value: Any, kind: Any) -> Any:
    """The value, an int as a float where that is wanted, NumPy's numbers as Python's. Raises Mismatch when it is none of that
    kind."""
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()
    if kind is Setting:
        return value
    if named := component(kind):
        return _component(call(value) if isinstance(value, str) else value, named)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list and isinstance(value, (list, tuple)):
        return [check(item, arguments[0]) for item in value]
    if origin is typing.Literal:
        for choice in arguments:
            if type(choice) is type(value) and choice == value:
                return choice
        raise Mismatch(_wants(kind, str(value), [str(choice) for choice in arguments]))
    if origin in (typing.Union, types.UnionType):
        for argument in sorted(arguments, key=lambda a: a is not type(value)):
            try:
                return check(value, argument)
            except Mismatch:
                continue
        raise Mismatch(_wants(kind))
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        if math.isnan(value):
            raise Mismatch("a number, which nan is not")
        return float(value)
    if kind is type(None) and value is None:
        return None
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise Mismatch(_wants(kind))


def _wants(kind: Any, text: str = "", choices: list[str] | None = None) -> str:
    if choices is not None:
        near = near_names(text, choices, 1)
        return f"one of {', '.join(choices)}" + (f" (did you mean {near[0]}?)" if near else "")
    return _WORDS.get(kind) or type_name(kind)


def type_name(kind: Any) -> str:
    """A type as people write it: `int`, `float | None`, `list[int]`, `'adam' | 'sgd'`, `optimizer`."""
    if named := component(kind):
        return KINDS[named].one
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return " | ".join(repr(choice) for choice in arguments)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(type_name(argument) for argument in arguments)
    if origin is list:
        return f"list[{type_name(arguments[0])}]"
    return "None" if kind is type(None) else getattr(kind, "__name__", str(kind))


def split(text: str) -> list[str]:
    """Split at the commas that stand outside brackets."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "[({") - (letter in "])}")
        if letter == "," and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def call(text: str) -> Any:
    """What stands for a component: name, name(setting=value, ...) or a JSON object. Raises Mismatch when it is broken."""
    if text.startswith("{"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise Mismatch(f"a JSON object ({error})") from None
    found = re.fullmatch(r"([\w.-]+)\((.*)\)", text, re.DOTALL)
    if not found:
        return text
    settings = {}
    for part in split(found[2]) if found[2].strip() else []:
        name, equals, value = part.partition("=")
        if not equals:
            raise Mismatch(f"settings as {found[1]}(name=value, ...)")
        settings[name.strip()] = _literal(value.strip())
    return {"name": found[1], **settings}


def named(given: str | Mapping[str, Any], what: str) -> dict[str, Any]:
    """A component as a mapping {"name": ..., settings}, of that or of a text such as `asha(min_steps=100)`.

    Raises:
        ConfigError: the text is none of this form; `what` says whose it is.
    """
    try:
        found = call(given.strip()) if isinstance(given, str) else given
    except Mismatch as error:
        raise ConfigError(f"{what} is {error}", received=str(given)) from None
    return {"name": found} if isinstance(found, str) else dict(found)


def fits(kind: Any, inside_list: bool = False) -> bool:
    """Whether the command line can set a key of this kind."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if component(kind):
        return not inside_list
    if origin is typing.Literal:
        return all(type(choice) in (str, int, bool) for choice in arguments)
    if origin in (typing.Union, types.UnionType):
        return all(fits(argument, inside_list) for argument in arguments)
    if origin is list:
        return not inside_list and fits(arguments[0], True)
    return kind in (int, float, bool, str, type(None))


def _literal(text: str) -> Any:
    """none, a bool, a whole number, a number, or else the text itself."""
    for kind in (type(None), bool, int, float):
        if kind is bool and text in ("0", "1"):
            continue
        try:
            return parse(text, kind)
        except Mismatch:
            pass
    return text


def _component(value: Any, kind: str) -> Any:
    """A name or a mapping that stands for a component, which is made once to see that it can be."""
    if not isinstance(value, str | Mapping):
        _no_component(kind)
    try:
        if kind == "datasets":  # which are not loaded to see whether they exist
            current_lab().registry(kind).find(value if isinstance(value, str) else value.get("name", ""))
        else:
            resolve(kind, value)
    except LabkitError as error:
        raise Mismatch(f"{_a(kind)}: {error}") from error
    if isinstance(value, Mapping) and value.keys() == {"name"}:  # adam() is adam
        return value["name"]
    return value if isinstance(value, str) else dict(value)


def _no_component(kind: str) -> Any:
    raise Mismatch(f"{_a(kind)}: a registered name, or name(setting=value, ...)")


def _a(kind: str) -> str:
    one = KINDS[kind].one
    return f"{'an' if one[0] in 'aeiou' else 'a'} {one}"
