"""Plugins: hooks, loading, and the registries of what is known by name. The only package that imports pluggy.

A plugin author needs `Component` and `hookimpl` (see `labkit.plugins.hookspecs`). Whoever takes an object or a name
calls `resolve`. `labkit plugins list` prints `rows`, `labkit plugins doctor` prints `doctor`.
"""

from labkit.plugins.component import Component
from labkit.plugins.describe import Row, doctor, rows
from labkit.plugins.family import family
from labkit.plugins.hookspecs import KINDS, hookimpl
from labkit.plugins.lab import Lab, current_lab
from labkit.plugins.loader import Failure, PluginWarning
from labkit.plugins.naming import default_name, unused_name
from labkit.plugins.registry import Record, Registry
from labkit.plugins.sources import Source, installed
from labkit.plugins.spec import resolve, settings_of, show, spec_of, unknown_settings

__all__ = [
    "KINDS",
    "Component",
    "Failure",
    "Lab",
    "PluginWarning",
    "Record",
    "Registry",
    "Row",
    "Source",
    "current_lab",
    "default_name",
    "doctor",
    "family",
    "hookimpl",
    "installed",
    "resolve",
    "rows",
    "settings_of",
    "show",
    "spec_of",
    "unknown_settings",
    "unused_name",
]
