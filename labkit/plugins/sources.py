"""Where plugins come from: the entry points of installed distributions, or what a test hands over."""

from __future__ import annotations

import configparser
import importlib
import importlib.metadata
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from labkit.errors import PluginError
from labkit.near import quoted_near_names
from labkit.plugins.hookspecs import GROUP


@dataclass(frozen=True)
class Source:
    """A plugin before it is loaded.

    Attributes:
        name: its entry point's name.
        distribution, version: of the package that announces it; "" where there is none.
        load: imports and returns the plugin; may raise anything.
    """

    name: str
    distribution: str
    version: str
    load: Callable[[], object]

    @property
    def title(self) -> str:
        """For messages: "plugin 'snake' (labkit-snake 1.0)"."""
        package = f"{self.distribution} {self.version}".strip()
        return f"plugin {self.name!r}" + (f" ({package})" if package else "")


def installed() -> list[Source]:
    """The plugins that installed distributions announce: labkit's own first, then by distribution.

    The order is fixed so that, when two plugins claim one name, it is always the same one that keeps it. Entry points
    are read distribution by distribution, because one broken file would stop `importlib.metadata.entry_points`.
    """
    found: dict[str, list[Source]] = {}
    for distribution in importlib.metadata.distributions():
        try:
            text = distribution.read_text("entry_points.txt") or ""
        except UnicodeDecodeError:
            text = f"[{GROUP}]\nthis is no text"  # it may be anybody's: named below as one that cannot be read
        if f"[{GROUP}]" not in text:
            continue
        metadata = distribution.metadata
        fields = {key: metadata[key] for key in ("Name", "Version") if key in metadata}  # a lost METADATA file has none
        name, version = fields.get("Name", "an unnamed distribution"), fields.get("Version", "")
        normal = re.sub(r"[-_.]+", "-", name).lower()
        if normal not in found:  # the first one on the path is the one that imports reach
            found[normal] = _announced(text, name, version)
    return [source for name in sorted(found, key=lambda name: (name != GROUP, name)) for source in found[name]]


def _announced(text: str, name: str, version: str) -> list[Source]:
    parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=("#",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep upper and lower case
    try:
        parser.read_string(text)
    except configparser.Error as error:
        problem = PluginError("The file entry_points.txt cannot be read", received=" ".join(str(error).split()))
        return [Source(name, name, version, partial(_raise, problem))]
    return [Source(key, name, version, partial(_load_point, key, value)) for key, value in parser[GROUP].items()]


def _load_point(name: str, value: str) -> object:
    return importlib.metadata.EntryPoint(name, value, GROUP).load()


def _raise(error: Exception) -> object:
    raise error


def given(plugins: Iterable[Any]) -> list[Source]:
    """Sources for what a program hands over: modules, objects, names of modules, or Sources themselves."""
    return [plugin if isinstance(plugin, Source) else _given(plugin) for plugin in plugins]


def _given(plugin: Any) -> Source:
    if isinstance(plugin, str):
        return Source(plugin, "", "", partial(importlib.import_module, plugin))
    kind = plugin if isinstance(plugin, type) else type(plugin)
    name = getattr(plugin, "__name__", None) or f"{kind.__module__}.{kind.__qualname__}"
    return Source(name, "", str(getattr(plugin, "__version__", "")), lambda: plugin)


def selected(sources: list[Source]) -> list[Source]:
    """Those that the environment allows: none under LABKIT_NO_PLUGINS=1, and of LABKIT_PLUGINS=a,b those whose entry
    point or distribution is named there.

    Raises:
        PluginError: LABKIT_PLUGINS names what is not installed.
    """
    if os.environ.get("LABKIT_NO_PLUGINS", "0") not in ("", "0"):
        return []
    listed = os.environ.get("LABKIT_PLUGINS")
    if listed is None:
        return sources
    wanted = [name.strip() for name in listed.split(",") if name.strip()]
    known = {name for source in sources for name in (source.name, source.distribution)}
    for name in wanted:
        if name not in known:
            near = quoted_near_names(name, known)
            raise PluginError(
                f"LABKIT_PLUGINS names {name!r}, which is not installed",
                rule="It lists names of plugins or of their distributions, with commas between them",
                received=f"LABKIT_PLUGINS={listed}",
                fix=f"Did you mean {near}?" if near else "Installed are: " + (", ".join(sorted(known)) or "none") + ".",
            )
    return [source for source in sources if source.name in wanted or source.distribution in wanted]
