"""The attributes of a family's package, such as `labkit.layers`: what plugins registered, loaded when first used."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from labkit.errors import MissingNameError, UnknownComponentError
from labkit.plugins.lab import current_lab


def family(kind: str, **others: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of the package labkit.<kind>.

    An attribute is a registered name. Aliases are for text alone: submodules are attributes of their package, too, so
    that `lk.optimizers.adam` is the module. For the same reason no module in it may have the name of a component.

    Args:
        kind: such as "optimizers".
        others: further names and the "module:attribute" they stand for, such as base classes.
    """

    def __getattr__(name: str) -> Any:
        if name in others:
            module, _, attribute = others[name].partition(":")
            return getattr(importlib.import_module(module), attribute)
        if name.startswith("_"):  # Python itself asks for __path__, __wrapped__ and the like
            raise AttributeError(f"module 'labkit.{kind}' has no attribute {name!r}")
        registry = current_lab().registry(kind)
        try:
            record = registry.find(name)
        except UnknownComponentError as error:
            raise MissingNameError(
                error.what, name=name, rule=error.rule, received=error.received, fix=error.fix
            ) from None
        if record.name != name:
            raise MissingNameError(
                f"{name!r} is an alias",
                name=name,
                rule="Aliases are text",
                fix=f"Write {name!r} or lk.{kind}.{record.name}.",
            )
        return registry.get(name)

    def __dir__() -> list[str]:
        return sorted({*others, *current_lab().registry(kind).names()})

    return __getattr__, __dir__
