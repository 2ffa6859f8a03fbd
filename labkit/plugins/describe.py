"""What `labkit plugins list` and `labkit plugins doctor` show."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from labkit.errors import PluginError
from labkit.plugins.hookspecs import KINDS
from labkit.plugins.lab import Lab, current_lab


@dataclass(frozen=True)
class Row:
    """One component, or one plugin that failed (`kind` is "plugin" then, and `name` the plugin's).

    Attributes:
        plugin, version: who registered it, and the version of the distribution it is in.
        origin: "file:line" of the registration.
        status: "ok", or why it is not there.
        aliases: further names.
    """

    kind: str
    name: str
    plugin: str
    version: str
    origin: str
    status: str
    aliases: tuple[str, ...] = ()


def rows(lab: Lab | None = None) -> list[Row]:
    """All components of a Lab (default: the current one) by kind, then the plugins that failed. Imports nothing."""
    lab = lab or current_lab()
    table = [
        Row(kind, record.name, record.plugin, record.version, f"{record.file}:{record.line}", "ok", record.aliases)
        for kind in KINDS
        for record in lab.registry(kind).records()
    ]
    for failure in lab.failures:
        source, status = failure.source, f"failed: {failure.cause}"
        table.append(Row("plugin", source.name, source.name, source.version, source.distribution, status))
    return table


def doctor(lab: Lab | None = None) -> str:
    """A report on a Lab's health (default: the current one): every plugin is listed, every component imported.

    Plugins that failed to load and components that cannot be imported come with their tracebacks.
    """
    lab = lab or current_lab()
    broken: dict[str, list[str]] = {}
    provided: dict[str, int] = {}
    for kind in KINDS:
        for record in lab.registry(kind).records():
            provided[record.plugin] = provided.get(record.plugin, 0) + 1
            try:
                record.load()
            except PluginError as error:
                cause = error.__cause__ or error
                broken.setdefault(record.plugin, []).append(f"{error}\n{''.join(traceback.format_exception(cause))}")
    parts = []
    for source in lab.plugins:
        problems = broken.get(source.name, [])
        state = f"{len(problems)} of its components cannot be loaded" if problems else "ok"
        parts.append(f"{source.title}: {provided.get(source.name, 0)} components, {state}")
        parts += problems
    parts += [f"{failure}\n{failure.traceback}" for failure in lab.failures]
    unhealthy, total = len(lab.failures) + len(broken), len(lab.plugins) + len(lab.failures)
    parts.append(f"{unhealthy} of {total} plugins need attention." if unhealthy else "All well.")
    return "\n".join(part.rstrip() for part in parts)
