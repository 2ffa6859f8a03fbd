"""Lab: a set of loaded plugins, and what they provide by name."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterable
from typing import Any

from labkit.errors import InvalidArgumentError, PluginError
from labkit.near import quoted_near_names
from labkit.plugins.hookspecs import KINDS, new_manager
from labkit.plugins.loader import Failure, PluginWarning, load_plugin
from labkit.plugins.registry import Registry
from labkit.plugins.sources import Source, given, installed, selected


class Lab:
    """Plugins, loaded once, and one registry for each kind of component. Its names do not change afterwards.

    Programs rarely make one: the default Lab, with every installed plugin, is made when a name is first looked up. A
    test makes its own and needs no clean-up:

        with Lab(plugins=["labkit.activations.plugin", my_plugin]):
            ...

    Args:
        plugins: modules, objects with hook implementations, names of modules, or what `installed()` gave; None for the
            installed ones as LABKIT_PLUGINS and LABKIT_NO_PLUGINS allow.
        strict: whether a plugin that fails to load is an error; otherwise it is left out with a warning. Default:
            whether LABKIT_STRICT_PLUGINS=1.

    Attributes:
        plugins: the plugins that loaded, in order.
        failures: those that did not, with the reason.
        manager: pluggy's manager of this Lab.

    Raises:
        PluginError: strict, and a plugin failed; or LABKIT_PLUGINS names what is not installed.
    """

    def __init__(self, plugins: Iterable[Any] | None = None, *, strict: bool | None = None) -> None:
        if strict is None:
            strict = os.environ.get("LABKIT_STRICT_PLUGINS", "0") not in ("", "0")
        self.manager = new_manager()
        self.plugins: tuple[Source, ...] = ()
        self.failures: tuple[Failure, ...] = ()
        self._registries = {name: Registry(kind, self._absent) for name, kind in KINDS.items()}
        with self:  # a plugin whose import looks up a name finds those of the plugins before it
            for source in selected(installed()) if plugins is None else given(plugins):
                self._load(source, strict)
        for registry in self._registries.values():
            registry.freeze()
        for message in map(str, self.failures):
            warnings.warn(f"{message} and is left out. `labkit plugins doctor` shows why.", PluginWarning, stacklevel=2)

    def _load(self, source: Source, strict: bool) -> None:
        failure = load_plugin(source, self.manager, self._registries)
        if failure is None:
            self.plugins += (source,)
        elif strict:
            raise PluginError(
                str(failure), rule="With strict plugins every plugin must load", fix="Repair or uninstall it."
            ) from failure.error
        else:
            self.failures += (failure,)

    def registry(self, kind: str) -> Registry:
        """The components of a kind.

        Args:
            kind: such as "layers"; `KINDS` holds them all.

        Raises:
            InvalidArgumentError: there is no such kind.
        """
        if kind not in self._registries:
            near = quoted_near_names(kind, self._registries)
            raise InvalidArgumentError(
                f"There is no kind of component named {kind!r}",
                rule="The kinds are " + ", ".join(self._registries),
                fix=f"Did you mean {near}?" if near else "",
            )
        return self._registries[kind]

    def _absent(self, kind: str, name: str) -> str:
        """What may explain that a name is unknown."""
        for failure in self.failures:
            if (kind, name) in failure.lost:
                return f"{failure.source.title} provides it, but it failed to load ({failure.cause})"
        if self.failures:
            return "It may belong to one of these: " + "; ".join(map(str, self.failures))
        if not self.plugins:
            return "No plugin is loaded: labkit is not installed, or LABKIT_NO_PLUGINS or LABKIT_PLUGINS leaves all out"
        return ""

    def __enter__(self) -> Lab:
        _stacks.labs.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _stacks.labs.pop()

    def __repr__(self) -> str:
        return f"<Lab of {len(self.plugins)} plugins, {len(self.failures)} failed>"


class _Stacks(threading.local):
    def __init__(self) -> None:
        self.labs: list[Lab] = []


_stacks = _Stacks()
_default: Lab | None = None
_making = threading.RLock()


def current_lab() -> Lab:
    """The innermost Lab of this thread's `with` statements; outside of them the default one, made at its first use."""
    global _default
    if _stacks.labs:
        return _stacks.labs[-1]
    with _making:
        if _default is None:
            _default = Lab()
    return _default
