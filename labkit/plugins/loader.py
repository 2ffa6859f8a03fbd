"""The guarded loop that loads plugins: a broken one costs only itself, and is named.

pluggy's own `load_setuptools_entrypoints` stops at the first plugin that raises, one implementation that raises stops
the hook's others, and a misspelt hook is never called; so each plugin is imported, checked and called here, by itself.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pluggy

from labkit.errors import PluginError
from labkit.near import quoted_near_names
from labkit.plugins.component import Component
from labkit.plugins.hookspecs import GROUP, KINDS
from labkit.plugins.registry import Record, Registry, describe_error
from labkit.plugins.sources import Source


class PluginWarning(UserWarning):
    """A plugin failed to load and was left out."""


@dataclass(frozen=True)
class Failure:
    """Why a plugin was left out.

    Attributes:
        source: the plugin.
        error: what it raised.
        lost: (kind, name) of what it had registered before it failed, aliases included.
    """

    source: Source
    error: BaseException
    lost: frozenset[tuple[str, str]] = frozenset()

    @property
    def cause(self) -> str:
        """The exception in one line."""
        return describe_error(self.error)

    @property
    def traceback(self) -> str:
        return "".join(traceback.format_exception(self.error))

    def __str__(self) -> str:
        return f"{self.source.title} failed to load ({self.cause})"


def load_plugin(source: Source, manager: pluggy.PluginManager, registries: Mapping[str, Registry]) -> Failure | None:
    """Imports one plugin and registers what it yields; on failure nothing of it stays.

    Returns:
        None, or why it was left out: any exception of the plugin's (KeyboardInterrupt passes).
    """
    if manager.has_plugin(source.name):
        return Failure(source, PluginError(f"The name {source.name!r} is taken", rule="Plugins' names are unique"))
    try:
        plugin = source.load()
        manager.register(plugin, source.name)
        _check_hooks(plugin, manager)
        for record in _records(plugin, source, manager):
            registries[record.kind].add(record)
    except (Exception, SystemExit) as error:  # a module may even call sys.exit() while it is imported
        if manager.has_plugin(source.name):
            manager.unregister(name=source.name)
        dropped = [record for registry in registries.values() for record in registry.discard(source.name)]
        names = {(record.kind, name) for record in dropped for name in (record.name, *record.aliases)}
        return Failure(source, error, frozenset(names))
    return None


def _check_hooks(plugin: Any, manager: pluggy.PluginManager) -> None:
    """Refuses implementations of hooks that do not exist, which pluggy would silently never call."""
    known = [kind.hook for kind in KINDS.values()]
    callers = manager.get_hookcallers(plugin) or []
    for caller in callers:
        optional = all(impl.optionalhook for impl in caller.get_hookimpls() if impl.plugin is plugin)
        if not caller.has_spec() and not optional:
            near = quoted_near_names(caller.name, known)
            raise PluginError(
                f"{caller.name} is no hook of labkit",
                rule="The hooks are " + ", ".join(known),
                fix=f"Did you mean {near}?" if near else "",
            )
    unmarked = [name for name in known if hasattr(plugin, name) and name not in {caller.name for caller in callers}]
    if unmarked or not callers:
        raise PluginError(
            f"{unmarked[0]} is not marked as a hook's implementation" if unmarked else "The plugin implements no hook",
            rule="An implementation is decorated with @hookimpl of labkit.plugins",
            received=f"{type(plugin).__name__} {getattr(plugin, '__name__', plugin)!r}",
        )


def _records(plugin: Any, source: Source, manager: pluggy.PluginManager) -> Iterator[Record]:
    for caller in manager.get_hookcallers(plugin) or ():
        kind = caller.name.removeprefix(f"{GROUP}_")
        for impl in caller.get_hookimpls():
            if impl.plugin is not plugin or kind not in KINDS:
                continue
            for component, file, line in _yielded(impl.function(), impl.function):
                if not isinstance(component, Component):
                    raise PluginError(
                        f"{caller.name} ({file}:{line}) gave something that is no Component",
                        received=repr(component),
                        fix='Yield Component("name", "module:attribute").',
                    )
                yield Record(
                    kind, component.name, component.target, component.aliases, source.name, source.version, file, line
                )


def _yielded(result: Any, function: Any) -> Iterator[tuple[Any, str, int]]:
    """What an implementation gave, each with file and line: of its `yield`, or of the function that returned a list."""
    code = inspect.unwrap(function).__code__
    if not isinstance(result, Iterable) or isinstance(result, str):
        raise PluginError(
            f"{function.__name__} ({code.co_filename}:{code.co_firstlineno}) gave no components",
            rule="A registration hook yields a Component for each thing that the plugin provides",
            received=repr(result),
        )
    for component in result:
        frame = result.gi_frame if inspect.isgenerator(result) else None
        yield component, code.co_filename, frame.f_lineno if frame is not None else code.co_firstlineno
