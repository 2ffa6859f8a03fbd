"""From what users write to objects, and back: wherever the API takes an object, it also takes a name or a mapping."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

from labkit.errors import InvalidArgumentError
from labkit.near import quoted_near_names
from labkit.plugins.hookspecs import Kind
from labkit.plugins.lab import current_lab


def resolve(kind: str, spec: Any, **defaults: Any) -> Any:
    """The object that `spec` stands for.

    Args:
        kind: such as "layers".
        spec: an object of that kind, which is given back; a registered name or alias; a mapping {"name": ...,
            **settings}; or a class, which is called.
        defaults: settings for a new object, where `spec` does not say otherwise. An object is taken as it is.

    Raises:
        UnknownComponentError: no plugin registers that name.
        PluginError: its plugin cannot provide it.
        InvalidArgumentError: `spec` is nothing of that sort, or a setting does not exist.
    """
    registry = current_lab().registry(kind)
    rules = registry.kind
    if isinstance(spec, str):
        return _make(rules, spec, registry.get(spec), defaults)
    if isinstance(spec, Mapping):
        settings = {**defaults, **spec}
        name = settings.pop("name", None)
        if not isinstance(name, str):
            raise InvalidArgumentError(
                f"A mapping that stands for {_a(rules.one)} has no name",
                rule='It is {"name": a registered name, setting: value, ...}',
                received=repr(dict(spec)),
            )
        return _make(rules, name, registry.get(name), settings)
    if isinstance(spec, type):
        return _make(rules, spec.__name__, spec, defaults)
    if not hasattr(spec, rules.needs):
        raise InvalidArgumentError(
            f"{spec!r} is no {rules.one}",
            rule=f"It is an object with the attribute {rules.needs}, a registered name, or a mapping that holds a name",
            fix=f"`labkit plugins list` shows all {rules.name}.",
        )
    return spec


def _make(kind: Kind, name: str, component: Any, settings: Mapping[str, Any]) -> Any:
    itself = kind.functions and not isinstance(component, type)
    if itself and not settings:
        return component
    if not itself or settings:
        _check_settings(kind, name, component, settings)
    return functools.partial(component, **settings) if itself else component(**settings)


_signature = functools.lru_cache(1024)(inspect.signature)  # the same classes are made again and again


def _check_settings(kind: Kind, name: str, component: Any, settings: Mapping[str, Any]) -> None:
    """Refuses settings that the component does not take, before a TypeError from inside could be mistaken for one."""
    try:
        signature = _signature(component)
    except (TypeError, ValueError):  # some built-in callables do not tell
        return
    try:
        if kind.functions and not isinstance(component, type):
            signature.bind_partial(**settings)
        else:
            signature.bind(**settings)
    except TypeError as error:
        unknown = [key for key in settings if key not in signature.parameters]
        near = quoted_near_names(unknown[0], signature.parameters) if unknown else ""
        raise InvalidArgumentError(
            f"The {kind.one} {name!r} cannot be made with these settings: {error}",
            rule=f"Its settings are {', '.join(map(str, signature.parameters.values())) or 'none'}",
            received=", ".join(f"{key}={value!r}" for key, value in settings.items()) or "none",
            fix=f"Did you mean {near}?" if near else "",
        ) from None


def unknown_settings(kind: str, made: type, base: type, unknown: Mapping[str, Any]) -> InvalidArgumentError:
    """The error of a constructor that hands what it does not know itself up to its base class, which does not know it either.

    Args:
        kind: such as "layer".
        made: the class of the object; base: that where the names arrive.
    """
    known: dict[str, inspect.Parameter] = {}
    variable = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    for owner in made.__mro__[: made.__mro__.index(base) + 1]:
        if "__init__" not in vars(owner):
            continue
        parameters = list(inspect.signature(vars(owner)["__init__"]).parameters.items())[1:]
        known.update({key: p for key, p in parameters if p.kind not in variable and key not in known})
        if all(p.kind is not p.VAR_KEYWORD for _, p in parameters):
            break
    known = {**known, **{key: p for key, p in inspect.signature(made).parameters.items() if p.kind not in variable}}
    first = next(iter(unknown))
    near = quoted_near_names(first, known)
    advice = next((fix for old, new, fix in _ELSEWHERE if old == first and (new in known or not new)), "")
    return InvalidArgumentError(
        f"The {kind} {made.__name__} has no setting {' or '.join(map(repr, unknown))}",
        rule=f"Its settings are {', '.join(known)}",
        received=", ".join(f"{key}={value!r}" for key, value in unknown.items()),
        fix=advice or (f"Did you mean {near}?" if near else ""),
    )


_ELSEWHERE = (
    ("lr", "learning_rate", "It is called learning_rate here."),
    ("decay", "learning_rate", "Pass a schedule: learning_rate=lk.schedules.InverseTimeDecay(...)."),
    ("alpha", "negative_slope", "It is called negative_slope here."),
    ("input_dim", "input_shape", "The shape of one example is given: input_shape=(n,)."),
    ("batch_input_shape", "input_shape", "Give input_shape, the shape of one example, without the batch dimension."),
    ("batch_size", "input_shape", "Leave it out: layers take batches of any size."),
    ("input_length", "", "Leave it out: the length is that of the data."),
    ("data_format", "", "Leave it out: images are [batch, height, width, channels], the channels last."),
    ("dtype", "input_shape", 'Layers compute in the dtype of the model\'s input: lk.Input(..., dtype="float64").'),
    ("weights", "input_shape", "Set them when the model is built: model.set_weights(...)."),
)
"""What settings are called, or where one finds them, that other libraries and older programs have: the old name, the
setting that must exist here for the advice to hold ("" for none), the advice."""


def settings_of(value: Any) -> dict[str, Any]:
    """The constructor's arguments of an object that keeps each one in an attribute of the same name.

    Arguments that the object does not keep are left out; so is an object's own name, in whose place a spec has the
    component's. Where the attribute of that name says more than what was given, such as what was learned in its place, the
    class names the one to take in `settings_in`, argument -> attribute.
    """
    elsewhere = getattr(type(value), "settings_in", {})
    kept = {name: elsewhere.get(name, name) for name in inspect.signature(type(value)).parameters if name != "name"}
    return {name: getattr(value, attribute) for name, attribute in kept.items() if hasattr(value, attribute)}


def show(value: Any) -> str:
    """A `repr` from `settings_of`: "RandomNormal(mean=0.0, stddev=0.05, seed=None)"."""
    return f"{type(value).__name__}({', '.join(f'{key}={setting!r}' for key, setting in settings_of(value).items())})"


def spec_of(kind: str, value: Any) -> Any:
    """The name or mapping for which `resolve` makes an equal object: what goes into a file in its place.

    Args:
        kind: such as "regularizers".
        value: a registered function, one with settings as `resolve` gives it, or an object of a registered class that
            keeps its settings as attributes.

    Raises:
        InvalidArgumentError: no plugin registers what `value` is made of.
    """
    if isinstance(value, functools.partial) and not value.args:
        name = spec_of(kind, value.func)
        return {"name": name, **value.keywords} if isinstance(name, str) else {**name, **value.keywords}
    maker = value if hasattr(value, "__qualname__") else type(value)
    target = f"{maker.__module__}:{maker.__qualname__}"
    for record in current_lab().registry(kind).records():
        if record.target == target:
            return record.name if maker is value else {"name": record.name, **settings_of(value)}
    raise InvalidArgumentError(
        f"{value!r} has no name among the {kind}",
        rule="A name is registered by a plugin, for the class or function in the place where it is defined",
        received=target,
    )


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
