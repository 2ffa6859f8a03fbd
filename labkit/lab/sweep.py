"""A sweep: one experiment under fixed settings, over the configurations of a space and a number of seeds."""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from labkit.core.target import active_target
from labkit.errors import ConfigError, PluginError
from labkit.io import write_text
from labkit.lab import config as _config, identity, plain
from labkit.lab.experiments import Experiment
from labkit.lab.machine import made_by, plugin_versions
from labkit.lab.rows import SweepRow
from labkit.lab.search.base import Searcher
from labkit.lab.search.reading import read_search
from labkit.lab.space.conditions import choice_of, corners, settled
from labkit.lab.space.domains import Domain, Values
from labkit.lab.space.reading import read_configs, read_space
from labkit.plugins import resolve

SNAPSHOT_LIMIT = 5 * 2**20
"""Bytes of source text kept in sweep.json."""


@dataclasses.dataclass(frozen=True)
class Sweep:
    """What was asked for, every value typed and checked.

    Attributes:
        base: the keys that no sweep varies, with their values; and those that it varies under conditions, with what they
            are elsewhere.
        space: the keys that it varies, each with the domain of its values, behind those that its conditions speak of.
        search: what chooses configurations: a registered searcher's name, and settings.
    """

    experiment: Experiment
    quick: bool
    base: dict[str, Any]
    space: dict[str, Domain]
    search: dict[str, Any] = dataclasses.field(default_factory=lambda: {"name": "grid"})

    @functools.cached_property
    def sources(self) -> dict[str, str]:
        return identity.local_sources(self.experiment.path)

    @functools.cached_property
    def code(self) -> str:
        return identity.code_digest(self.sources, plugin_versions())

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the trials beside the space; a grid, which has no settings, goes without saying."""
        search = {} if self.search == {"name": "grid"} else {"search": self.search}
        return {"quick": self.quick, "config": self.base, **search}

    @property
    def id(self) -> str:
        return identity.sweep_id(self.experiment.name, self.settings, self.space_spec, self.code)

    @property
    def space_spec(self) -> dict[str, Any]:
        """The space as JSON has it."""
        return {name: domain.spec() for name, domain in self.space.items()}

    def searcher(self) -> Searcher:
        """A new searcher, which knows of no trial yet.

        Raises:
            UnknownComponentError, InvalidArgumentError: there is none of that name, or it has not these settings.
        """
        return resolve("searchers", self.search)

    def config(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        """The whole configuration for a choice of values of the space's keys.

        Raises:
            PluginError: the searcher chose keys other than those that vary, or a value outside of its domain.
        """
        keys = self.experiment.keys
        values = {**self.base, **choice}
        active = {name for name, domain in self.space.items() if domain.active(choice)}
        if choice.keys() != active or not all(self.space[name].contains(value) for name, value in choice.items()):
            raise PluginError(
                f"The searcher {self.search['name']} left the space of the sweep",
                rule="it gives each key whose conditions hold a value of its domain",
                received=repr(dict(choice)),
                fix="labkit.testing.check_searcher shows more.",
            )
        return {name: values[name] for name in [*keys, *sorted(values.keys() - keys.keys())]}

    def choice(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """What a searcher chose of a configuration."""
        return choice_of(self.space, config)

    def trial(self, config: dict[str, Any], seed: int) -> tuple[str, dict[str, Any], int]:
        """(key, config, seed) of a trial."""
        return identity.trial_key(self.experiment.name, config, self.quick, seed, self.code), config, seed

    def row(self, repeat: int) -> SweepRow:
        """This sweep as the store keeps it; `repeat` counts the times it was asked for again."""
        sweep = self.id if repeat == 0 else f"{self.id}-{repeat + 1}"
        return SweepRow(
            id=sweep,
            identity=self.id,
            repeat=repeat,
            experiment=self.experiment.name,
            file=str(self.experiment.path),
            doc=self.experiment.doc,
            code=self.code,
            settings=self.settings,
            space=self.space_spec,
            metric=self.experiment.metric,
            direction=self.experiment.direction,
            reference_error=self.experiment.reference_error,
            folder=f"{self.experiment.name}/{sweep}",
            created=time.time(),
        )

    def description(self, row: SweepRow) -> dict[str, Any]:
        """What sweep.json says: enough to know later what ran, and where."""
        kept, size = {}, 0
        for name, text in self.sources.items():
            size += len(text.encode())
            if size <= SNAPSHOT_LIMIT:
                kept[name] = text
        return {
            "sweep": row.id,
            "experiment": row.experiment,
            "file": row.file,
            "doc": row.doc,
            "settings": row.settings,
            "space": row.space,
            "code": row.code,
            "sources": kept,
            "omitted": [name for name in self.sources if name not in kept],
            "commit": _commit(self.experiment.path.parent),
            "packages": packages(),
            "python": sys.version.split()[0],
            "machine": {"system": platform.platform(), "cores": os.cpu_count(), **made_by()},
        }


def plan(
    experiment: Experiment,
    *,
    sets: Iterable[str] | Mapping[str, Any] = (),
    sweeps: Iterable[Any] | Mapping[str, Any] = (),
    quick: bool = False,
    search: str | Mapping[str, Any] | None = None,
) -> Sweep:
    """A sweep from `key=value` texts of the command line, or from mappings of Python values.

    Args:
        sweeps: a domain for each key that varies; or a list of configurations, which are all that is tried: keys that one of
            them leaves out have the values that the others' keys leave them, the experiment's own space left aside.
        search: what chooses configurations: a searcher's name, with settings as in "asha(min_steps=100)", or a mapping; None:
            the grid where every domain is a list, random draws elsewhere.

    Raises:
        ConfigError: an unknown key (with near matches), a value of another type, a key given twice, a space that the search
            cannot search.
        UnknownComponentError, InvalidArgumentError: there is no such searcher, or it has no such settings.
    """
    active_target()  # an unknown LABKIT_TARGET is refused before anything starts
    found = experiment.keys
    if isinstance(sets, Mapping):
        sets = _config.flattened(found, sets)
        changes = {name: _config.check(_config.find(found, name, "set"), value) for name, value in sets.items()}
    else:
        texts = _config.settings(found, sets, "--set")
        changes = {name: _config.parse(_config.find(found, name, "--set"), text) for name, text in texts.items()}
    changes_of_quick = experiment.quick if quick else {}
    if not isinstance(sweeps, Mapping) and any(isinstance(each, Mapping) for each in sweeps):
        return _plan_of_list(experiment, quick, {**changes_of_quick, **changes}, sweeps, search)
    given = read_space(found, sweeps)
    both = [name for name in given if name in changes and not given[name].conditions]
    if both:
        raise ConfigError(f"{both[0]} is both set and swept", fix="Keep one of --set and --sweep for it.")
    changes = {**changes_of_quick, **changes}
    left = {name: domain for name, domain in experiment.space.items() if name not in changes and name not in given}
    declared = read_space(found, left, f"space of {experiment.name}")
    always = {name for name, domain in {**declared, **given}.items() if not domain.conditions}
    values = _config.resolve(found, changes, open_keys=always)
    fixed = {name: value for name, value in values.items() if name not in always}
    space = settled({**declared, **given}, fixed, may_drop=declared)
    base = {name: value for name, value in fixed.items() if name not in space or space[name].conditions}
    for choice in corners(space):
        _config.require_components(found, {**base, **choice})
    sweep = Sweep(experiment, quick, base, space, read_search(search, space))
    sweep.searcher().begin(space)  # what it cannot search is said before anything starts
    return sweep


def _plan_of_list(experiment: Experiment, quick: bool, changes: Mapping[str, Any], configs: Any, search: Any) -> Sweep:
    """A sweep over configurations that were written down."""
    if search is not None:
        raise ConfigError("A list of configurations is not searched", received=str(search), fix="Leave --search out.")
    keys = experiment.keys
    listed = read_configs(keys, configs)
    names = list(dict.fromkeys(name for config in listed for name in config))
    values = _config.resolve(keys, changes, open_keys=names)
    for place, config in enumerate(listed, start=1):
        if lacking := [name for name in names if name not in config and name not in values]:
            raise ConfigError(
                f"Configuration {place} of the list has no {lacking[0]}", rule=f"{lacking[0]} has no default"
            )
    whole = [{name: config.get(name, values.get(name)) for name in names} for config in listed]
    space: dict[str, Domain] = {
        name: Values([plain.loads(text) for text in dict.fromkeys(plain.dumps(config[name]) for config in whole)])
        for name in names
    }
    base = {name: value for name, value in values.items() if name not in names}
    for config in whole:
        _config.require_components(keys, {**base, **config})
    sweep = Sweep(experiment, quick, base, space, {"name": "list", "configs": whole})
    sweep.searcher().begin(space)
    return sweep


def packages() -> dict[str, str]:
    """The installed versions of labkit, of what it needs, and of what plugins come with."""
    found = plugin_versions()
    for name in ("labkit", "numpy", "tensorboardX"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed as a package"
    return found


def write_description(folder: Path, description: Mapping[str, Any]) -> None:
    write_text(folder / "sweep.json", plain.dumps(description))


def _commit(folder: Path) -> str | None:
    try:
        command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
