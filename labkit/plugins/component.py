"""Component: what a plugin yields for each thing it provides."""

from __future__ import annotations

import re
from dataclasses import dataclass

from labkit.errors import PluginError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class Component:
    """A name, and where the class or function behind it is to be found.

    Nothing is imported until somebody asks for the component, so that a plugin costs no time while it is not used.

    Args:
        name: what users write, such as "Dense"; also an attribute of the family's module (`lk.layers.Dense`).
        target: "module:attribute", such as "labkit_snake.layers:Snake".
        aliases: further names that are accepted wherever text stands for a component, such as ("dense",).

    Raises:
        PluginError: a name or the target is not of that form.
    """

    name: str
    target: str
    aliases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.aliases, str):
            raise PluginError(
                f"Component {self.name!r} has a text in place of a tuple of aliases",
                received=f"aliases={self.aliases!r}",
                fix=f"Write aliases=({self.aliases!r},).",
            )
        object.__setattr__(self, "aliases", tuple(self.aliases))
        for name in (self.name, *self.aliases):
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise PluginError(
                    "A component has a name that is not allowed",
                    rule="A name is made of letters, digits and _ . - and begins with a letter",
                    received=repr(name),
                )
        if not isinstance(self.target, str) or not _TARGET.fullmatch(self.target):
            raise PluginError(
                f"Component {self.name!r} has a target that is not allowed",
                rule="A target is 'module:attribute', such as 'labkit_snake.layers:Snake'",
                received=repr(self.target),
            )
