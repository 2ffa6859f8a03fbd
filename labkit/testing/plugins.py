"""check_plugin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labkit.plugins import KINDS, Lab, installed
from labkit.testing.numeric import require


def check_plugin(plugin: Any, beside: Iterable[Any] | None = None) -> Lab:
    """Checks that a plugin loads, implements only hooks that exist, clashes with no other, and that what it names is
    there.

    Args:
        plugin: a module, its name, or an object with hook implementations.
        beside: the plugins that it must get on with; default: labkit's own.

    Returns:
        A Lab with these plugins, for tests that look up names: `with check_plugin("labkit_snake.plugin"): ...`.

    Raises:
        PluginError: it does not load; the cause is the plugin's own exception.
        AssertionError: it registers nothing, or a component cannot be used as one of its kind.
    """
    others = [source for source in installed() if source.distribution == "labkit"] if beside is None else beside
    lab = Lab([*others, plugin], strict=True)
    own = lab.plugins[-1].name
    records = [record for kind in KINDS for record in lab.registry(kind).records() if record.plugin == own]
    require(records, f"plugin {own!r} registers nothing")
    for record in records:
        component = record.load()
        what = f"{record.name!r} ({record.kind}) of {own!r}"
        require(callable(component), f"{what} is {component!r}, which cannot be called")
    return lab
