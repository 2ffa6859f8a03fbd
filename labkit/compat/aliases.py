"""TensorFlow 1's names as tables tell them, and calls in its words turned into calls in labkit's.

A line of tables/*.txt names a function as TF1 does (under each module that has it), what it is in labkit, and TF1's
parameters in TF1's order:

    reduce_sum math.reduce_sum = reduce_sum(input_tensor>x, axis, keepdims, name, reduction_indices>axis)

    name              the same parameter in labkit
    name>other        labkit's parameter `other`; several of TF1's may be one of labkit's
    name:5            what is passed when the program gives nothing: where TF1's default differs
    ~name             accepted and without meaning here
    name=A|B          only these values are possible (Python's literals); any other is refused, as it would change the result
    *                 what follows is named only

A target with `@` is a function of adapters/; a target without parameters is taken as it is.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labkit.errors import ArgumentError, InvalidArgumentError

if TYPE_CHECKING:
    import inspect  # when running only where a call is adapted: it takes long to import

TABLES = Path(__file__).parent / "tables"


class Parameter(NamedTuple):
    """One parameter of TF1.

    Attributes:
        name: TF1's name.
        target: labkit's; None where the value is not passed on.
        allowed: the values that are possible, where not every one is.
        default: (value,) that is passed where the program gives none.
    """

    name: str
    target: str | None
    allowed: tuple[Any, ...] | None = None
    default: tuple[Any, ...] = ()

    @staticmethod
    def parse(text: str) -> Parameter:
        if text.startswith("~"):
            return Parameter(text[1:], None)
        if "=" in text:
            name, _, values = text.partition("=")
            return Parameter(name, None, tuple(map(_literal, values.split("|"))))
        text, colon, value = text.partition(":")
        name, arrow, target = text.partition(">")
        return Parameter(name, target if arrow else name, None, (_literal(value),) if colon else ())


class Alias(NamedTuple):
    """One line of the tables.

    Attributes:
        names: TF1's names, the first of them in errors.
        target: labkit's dotted name; with `@` in front, one of the adapters.
        parameters: TF1's, or None where the target is taken as it is.
        positional: how many of them may be given without a name.
    """

    names: tuple[str, ...]
    target: str
    parameters: tuple[Parameter, ...] | None
    positional: int = 0

    @staticmethod
    def parse(line: str) -> Alias:
        left, _, right = line.partition(" = ")
        target, opened, rest = right.strip().partition("(")
        if not opened:
            return Alias(tuple(left.split()), target, None)
        words = [word for word in rest.removesuffix(")").split(", ") if word]
        positional = words.index("*") if "*" in words else len(words)
        parameters = tuple(Parameter.parse(word) for word in words if word != "*")
        return Alias(tuple(left.split()), target, parameters, positional)

    def resolve(self) -> Any:
        """What the name is: labkit's own object, or a function that takes TF1's words."""
        found = target_object(self.target)
        return found if self.parameters is None or self._same(found) else self._adapter(found)

    def _same(self, function: Callable[..., Any]) -> bool:
        """Whether labkit's function takes TF1's call as it is."""
        import inspect

        assert self.parameters is not None
        own = list(inspect.signature(function).parameters.values())[: len(self.parameters)]
        kinds = [p.KEYWORD_ONLY if i >= self.positional else p.POSITIONAL_OR_KEYWORD for i, p in enumerate(own)]
        plain = [Parameter(p.name, p.name) for p in own]
        return plain == list(self.parameters) and kinds == [p.kind for p in own]

    def _adapter(self, function: Callable[..., Any]) -> Callable[..., Any]:
        import inspect

        assert self.parameters is not None
        own = inspect.signature(function).parameters
        optional = {name for name, p in own.items() if p.default is not p.empty}
        needed = [name for name, p in own.items() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
        known = {p.name: p for p in self.parameters}
        order = tuple(known)[: self.positional]
        defaults = {p.target: p.default[0] for p in self.parameters if p.target and p.default}
        title = "tf." + self.names[0]

        def call(*args: Any, **kwargs: Any) -> Any:
            if len(args) > len(order):
                raise _unfit(title, self.parameters, self.positional, f"{len(args)} arguments without a name")
            given = dict(zip(order, args, strict=False))
            for name in kwargs:
                if name in given or name not in known:
                    what = f"{name}= beside a positional argument" if name in given else f"{name}="
                    raise _unfit(title, self.parameters, self.positional, what)
            passed: dict[str, Any] = {}
            for name, value in (given | kwargs).items():
                parameter = known[name]
                if parameter.allowed is not None:
                    _check_allowed(title, parameter, value)
                elif parameter.target and not (value is None and parameter.target in optional):
                    if parameter.target in passed:
                        raise _twice(title, parameter, self.parameters)
                    passed[parameter.target] = value
            passed = defaults | passed
            for target in needed:
                if target not in passed:
                    missing = " or ".join(p.name for p in known.values() if p.target == target)
                    raise _unfit(title, self.parameters, self.positional, f"no {missing}")
            return function(**passed)

        call.__name__ = call.__qualname__ = self.names[0].rpartition(".")[2]
        call.__doc__ = function.__doc__
        call.__signature__ = signature(self)  # type: ignore[attr-defined]
        return _stand_in(function, call) if isinstance(function, type) else call


def _stand_in(cls: type, call: Callable[..., Any]) -> type:
    """A class for labkit's class that is called in TF1's words; what it makes is labkit's, for isinstance too."""

    class Meta(type):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return call(*args, **kwargs)

        def __instancecheck__(self, instance: Any) -> bool:
            return isinstance(instance, cls)

        def __subclasscheck__(self, subclass: type) -> bool:
            return issubclass(subclass, cls)

        def __getattr__(self, name: str) -> Any:
            return getattr(cls, name)

    made = Meta(cls.__name__, (), {"__doc__": cls.__doc__, "__module__": cls.__module__})
    made.__signature__ = call.__signature__  # type: ignore[attr-defined]
    return made


def _literal(text: str) -> Any:
    import ast

    return ast.literal_eval(text)


def signature(alias: Alias) -> inspect.Signature:
    """TF1's parameters, for help() and editors."""
    import inspect

    assert alias.parameters is not None
    either, named = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    return inspect.Signature(
        [
            inspect.Parameter(p.name, either if i < alias.positional else named, default=None)
            for i, p in enumerate(alias.parameters)
        ]
    )


def _unfit(title: str, parameters: Any, positional: int, received: str) -> ArgumentError:
    names = [p.name for p in parameters]
    words = ", ".join([*names[:positional], *(["*", *names[positional:]] if positional < len(names) else [])])
    fix = f"Give them as named arguments, {names[positional]}=..." if positional < len(names) else ""
    rule = f"It is {title}({words})"
    return ArgumentError(f"{title} got arguments it does not take", rule=rule, received=received, fix=fix)


def _twice(title: str, parameter: Parameter, parameters: Any) -> InvalidArgumentError:
    same = " and ".join(p.name for p in parameters if p.target == parameter.target)
    return InvalidArgumentError(f"{title} got the same thing twice", rule=f"{same} are one parameter", fix="Give one.")


def _check_allowed(title: str, parameter: Parameter, value: Any) -> None:
    assert parameter.allowed is not None
    plain = getattr(value, "name", value)  # a dtype is written by its name
    if not isinstance(plain, str | bool | int | float | None) or plain not in parameter.allowed:
        raise InvalidArgumentError(
            f"{title} cannot do {parameter.name}={value!r}",
            rule=f"{parameter.name} is " + " or ".join(map(repr, parameter.allowed)),
            received=repr(value),
        )


def target_object(target: str) -> Any:
    """The object that a dotted name of labkit, or `@file.name` of the adapters, stands for."""
    if target.startswith("@"):
        module, _, name = target[1:].rpartition(".")
        return getattr(importlib.import_module(f"labkit.compat.adapters.{module}"), name)
    found: Any = importlib.import_module("labkit")
    for part in target.split("."):
        found = getattr(found, part)
    return found


@functools.cache
def table() -> dict[str, str]:
    """Every TF1 name -> its line."""
    found: dict[str, str] = {}
    for path in sorted(TABLES.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                for name in line.partition(" = ")[0].split():
                    found[name] = line
    return found
