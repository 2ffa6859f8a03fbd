"""Registry: the components of one kind, by name, and where each comes from."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labkit.errors import PluginError, UnknownComponentError
from labkit.near import quoted_near_names
from labkit.plugins.hookspecs import Kind


@dataclass(frozen=True)
class Record:
    """One registered component and its provenance.

    Attributes:
        kind: such as "layers".
        name, target, aliases: as the plugin gave them.
        plugin: the plugin's name; version: its distribution's version, "" when it has none.
        file, line: where the plugin yielded the component.
    """

    kind: str
    name: str
    target: str
    aliases: tuple[str, ...]
    plugin: str
    version: str
    file: str
    line: int

    @property
    def owner(self) -> str:
        """The plugin with version and place, for messages: "plugin 'snake' 1.0 (snake/plugin.py:7)"."""
        return f"plugin {self.plugin!r}{self.version and ' ' + self.version} ({self.file}:{self.line})"

    def load(self) -> Any:
        """Imports the target.

        Raises:
            PluginError: it cannot be imported; the message names the plugin and the cause.
        """
        module, _, attributes = self.target.partition(":")
        try:
            found: Any = importlib.import_module(module)
            for attribute in attributes.split("."):
                found = getattr(found, attribute)
        except (Exception, SystemExit) as error:  # whatever a module may raise while it is imported
            raise PluginError(
                f"{self.name!r} ({self.kind}) cannot be loaded: {self.owner} registered the target {self.target!r}",
                received=describe_error(error),
                fix="Repair or remove that plugin; `labkit plugins doctor` shows the traceback.",
            ) from error
        return found


class Registry:
    """The components of one kind. It belongs to a Lab, and its names are frozen once the Lab has loaded its plugins.

    Args:
        kind: what it holds.
        absent: gives one sentence on what may be missing under an unknown name, such as a plugin that failed to load.
    """

    def __init__(self, kind: Kind, absent: Callable[[str, str], str] = lambda kind, name: "") -> None:
        self.kind = kind
        self._absent = absent
        self._records: dict[str, Record] = {}  # by name, in order of registration
        self._by_name: dict[str, Record] = {}  # by name and alias
        self._loaded: dict[str, Any] = {}
        self._frozen = False

    def add(self, record: Record) -> None:
        """Registers a component.

        Raises:
            PluginError: its name or an alias is taken, or the names are frozen.
        """
        if self._frozen:
            raise PluginError(
                f"{record.owner} cannot register {record.name!r} ({self.kind.name}) now",
                rule="A Lab's names are frozen once its plugins are loaded",
                fix="Make a new Lab with that plugin, or pass the object itself instead of a name.",
            )
        for name in dict.fromkeys((record.name, *record.aliases)):
            taken = self._by_name.get(name)
            if taken is not None:
                raise PluginError(
                    f"The name {name!r} ({self.kind.name}) is claimed twice: by {taken.owner} and by {record.owner}",
                    rule="A name means one component; the first one keeps it",
                    fix="Remove one of the plugins, or leave one out with LABKIT_PLUGINS.",
                )
        self._records[record.name] = record
        self._by_name.update(dict.fromkeys((record.name, *record.aliases), record))

    def discard(self, plugin: str) -> list[Record]:
        """Takes back and returns what a plugin registered: it failed half-way."""
        dropped = [record for record in self._records.values() if record.plugin == plugin]
        for record in dropped:
            del self._records[record.name]
            for name in {record.name, *record.aliases}:
                del self._by_name[name]
        return dropped

    def freeze(self) -> None:
        """Refuses further names from now on."""
        self._frozen = True

    def find(self, name: str) -> Record:
        """The record of a name or alias; nothing is imported.

        Raises:
            UnknownComponentError: there is none; the message lists near names and plugins that failed to load.
        """
        if name not in self._by_name:
            near = quoted_near_names(name, self._by_name)
            raise UnknownComponentError(
                f"There is no {self.kind.one} named {name!r}",
                rule=self._absent(self.kind.name, name),
                fix=f"Did you mean {near}?" if near else f"`labkit plugins list` shows all {self.kind.name}.",
            )
        return self._by_name[name]

    def get(self, name: str) -> Any:
        """The class or function behind a name or alias.

        Raises:
            UnknownComponentError: there is no such name.
            PluginError: its plugin cannot provide it.
        """
        record = self.find(name)
        if record.name not in self._loaded:
            self._loaded[record.name] = record.load()
        return self._loaded[record.name]

    def names(self) -> list[str]:
        """The names without aliases, in order of registration."""
        return list(self._records)

    def records(self) -> list[Record]:
        """All records in order of registration."""
        return list(self._records.values())

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        return f"<Registry of {len(self)} {self.kind.name}>"


def describe_error(error: BaseException) -> str:
    """An exception in one line: "ModuleNotFoundError: No module named 'torch'"."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
