"""The typed configuration of an experiment: a dataclass whose fields can be set from the command line.

A field has one of the kinds of `labkit.lab.values`, or is itself a dataclass: its fields are keys with a dot, as `model.width`.
The comment behind a field is its help text. A configuration as the store has it is flat, value by key.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import io
import textwrap
import tokenize
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from labkit.errors import ConfigError
from labkit.lab import values as _values
from labkit.near import near_names


@dataclasses.dataclass(frozen=True)
class Key:
    """One field of a configuration: its name, type, and default (`dataclasses.MISSING` when it has none)."""

    name: str
    kind: Any
    default: Any

    @property
    def type_name(self) -> str:
        return _values.type_name(self.kind)


def keys(config_class: type) -> dict[str, Key]:
    """The keys of a configuration class, in order, those of dataclasses inside with a dot.

    Raises:
        ConfigError: it is no dataclass, or a field has a type no key can have.
    """
    if not _is_dataclass(config_class):
        raise ConfigError(
            "The configuration of an experiment is no dataclass",
            rule="the first parameter of an experiment is annotated with a dataclass",
            received="no annotation" if config_class is inspect.Parameter.empty else repr(config_class),
            fix="Write (config: Config, trial: lk.Trial), with @dataclasses.dataclass above the class Config.",
        )
    found: dict[str, Key] = {}
    for field, kind in _fields(config_class):
        if field.name == "seed":
            raise ConfigError(
                f"{config_class.__name__} has a key named seed",
                rule="seeds are repeats of one configuration, never a part of it",
                fix="Remove the key, read trial.seed, and ask for repeats with --seeds N.",
            )
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if _is_dataclass(kind):
            for name, key in keys(kind).items():
                own = key.default if default is dataclasses.MISSING else _inside(default, name)
                found[f"{field.name}.{name}"] = _checked_key(config_class, f"{field.name}.{name}", key.kind, own)
        else:
            found[field.name] = _checked_key(config_class, field.name, kind, default)
    return found


def build(config_class: type, flat: Mapping[str, Any]) -> Any:
    """The configuration that an experiment is called with, from the values by key.

    Settings below a component's key are put into its mapping: optimizer="sgd" with optimizer.momentum=0.9 gives
    {"name": "sgd", "momentum": 0.9}.
    """
    values = {}
    for field, kind in _fields(config_class):
        below = _below(flat, field.name)
        if _is_dataclass(kind):
            values[field.name] = build(kind, below)
        elif field.name in flat:
            values[field.name] = _with_settings(flat[field.name], below) if below else flat[field.name]
    return config_class(**values)


def require_components(found: Mapping[str, Key], flat: Mapping[str, Any]) -> None:
    """Raises ConfigError where a component cannot be made with the settings that stand below it."""
    for name, key in found.items():
        settings = _below(flat, name)
        if settings and name in flat:
            check(key, _with_settings(flat[name], settings) if flat[name] is not None else None)


def flattened(found: Mapping[str, Key], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Values by key, from values by field: what stands for a dataclass inside, a mapping or an object, is taken apart."""
    flat = {}
    for name, value in changes.items():
        inner = [key for key in found if key.startswith(f"{name}.")]
        if name in found or not inner:
            flat[name] = value
            continue
        parts = dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
        if not isinstance(parts, Mapping):
            raise ConfigError(
                f"{name} is a group of keys", rule=f"it takes a mapping of {', '.join(inner)}", received=repr(value)
            )
        flat |= {f"{name}.{key}": part for key, part in flattened(_below(found, name), parts).items()}
    return flat


def parse(key: Key, text: str) -> Any:
    """The value that `text` means for `key`. Raises ConfigError when it means none."""
    try:
        return _values.parse(text.strip(), key.kind)
    except _values.Mismatch as error:
        raise _wrong_value(key, text, str(error)) from None


def parse_list(key: Key, text: str) -> list[Any]:
    """The values of `--sweep key=a,b,c`. For keys that are lists themselves: `key=[64,64],[128]`."""
    return [parse(key, part) for part in _values.split(text)]


def check(key: Key, value: Any) -> Any:
    """`value`, when it is of the key's type (an int is taken for a float). Raises ConfigError otherwise."""
    try:
        return _values.check(value, key.kind)
    except _values.Mismatch as error:
        raise _wrong_value(key, repr(value), str(error)) from None


def find(found: Mapping[str, Key], name: str, where: str) -> Key:
    """The key of that name, or the setting below a component's. Raises ConfigError with near matches when there is none."""
    if name in found:
        return found[name]
    above, _, setting = name.rpartition(".")
    if setting and above in found and any(map(_values.component, _alternatives(found[above].kind))):
        return Key(name, _values.Setting, dataclasses.MISSING)
    near, inside = near_names(name, found), [key for key in found if key.startswith(f"{name}.")]
    if inside:
        hint = f"{name} is a group: its keys are {', '.join(inside)}."
        raise ConfigError(f"{where} names {name!r}, which is no single key", fix=hint)
    if name == "seed":
        raise ConfigError(f"{where} names the seed, which is no key", fix="Ask for repeats with --seeds N.")
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
    for key in (*found.values(), *(find(found, name, "a change") for name in changes if name not in found)):
        value = changes.get(key.name, key.default)
        if value is not dataclasses.MISSING:
            values[key.name] = value
        elif key.name not in open_keys:
            raise ConfigError(f"The key {key.name} has no default", fix=f"Give it one: --set {key.name}=...")
    return values


def help_texts(config_class: type) -> dict[str, str]:
    """Key -> the comment behind its field in the source; none when the source is not at hand."""
    texts = _comments(config_class)
    for field, kind in _fields(config_class):
        if _is_dataclass(kind):
            texts |= {f"{field.name}.{name}": text for name, text in help_texts(kind).items()}
    return texts


def _comments(config_class: type) -> dict[str, str]:
    """Field -> the comment behind it."""
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


def _fields(config_class: type) -> list[tuple[dataclasses.Field, Any]]:
    """The fields that can be set, each with its type."""
    try:
        hints = typing.get_type_hints(config_class, include_extras=True)
    except NameError as error:
        raise ConfigError(f"A type in {config_class.__name__} is unknown: {error}") from error
    return [(field, hints[field.name]) for field in dataclasses.fields(config_class) if field.init]


def _is_dataclass(kind: Any) -> bool:
    return isinstance(kind, type) and dataclasses.is_dataclass(kind)


def _alternatives(kind: Any) -> tuple[Any, ...]:
    return (kind,) if _values.component(kind) else (kind, *typing.get_args(kind))


def _below(flat: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What stands below a name, without it."""
    return {key.removeprefix(f"{name}."): value for key, value in flat.items() if key.startswith(f"{name}.")}


def _inside(value: Any, name: str) -> Any:
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _checked_key(config_class: type, name: str, kind: Any, default: Any) -> Key:
    if not _values.fits(kind):
        raise ConfigError(
            f"{config_class.__name__}.{name} has a type the command line cannot set",
            rule="keys are int, float, bool, str, Literal[...], Optional of these, a list of them, "
            "Annotated[Any, lk.ComponentOf(...)], or a dataclass of such keys",
            received=_values.type_name(kind),
        )
    key = Key(name, kind, default)
    return key if default is dataclasses.MISSING else dataclasses.replace(key, default=check(key, default))


def _with_settings(component: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {**({"name": component} if isinstance(component, str) else component), **settings}


def _wrong_value(key: Key, received: str, wants: str) -> ConfigError:
    return ConfigError(f"{key.name} takes {wants}", received=received)
