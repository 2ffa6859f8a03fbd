"""An experiment: a function in a plain file, with a typed configuration, that a runner repeats over seeds."""

from __future__ import annotations

import contextvars
import dataclasses
import functools
import hashlib
import importlib.util
import inspect
import linecache
import math
import os
import sys
import textwrap
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from labkit.errors import ConfigError, LabkitError
from labkit.io import is_safe_name
from labkit.lab import config as _config
from labkit.near import near_names

SHOWN_SOURCE = 60
"""Characters of the failing line that an error quotes."""


@dataclasses.dataclass(frozen=True, eq=False)
class Experiment:
    """What `@lk.experiment` makes of a function `(config, trial)`.

    Attributes:
        function: the user's function.
        config_class: the dataclass that annotates its first parameter.
        metric: the figure that configurations are compared by.
        quick: values of keys under `--quick`.
        reference_error: the error a perfect reader of this data would make, between 0 and 1; bias is measured from it.
        direction: "minimize" where a smaller figure is better, or "maximize".
        space: what a run sweeps over that is not told otherwise: values by key.
        seeds: how many seeds a run that is not told otherwise gives each configuration.
    """

    function: Callable[[Any, Any], Any]
    config_class: type
    metric: str
    quick: dict[str, Any]
    reference_error: float
    direction: Literal["minimize", "maximize"] = "minimize"
    space: dict[str, Any] = dataclasses.field(default_factory=dict)
    seeds: int = 1

    def __call__(self, config: Any, trial: Any) -> Any:
        return self.function(config, trial)

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def path(self) -> Path:
        return Path(self.function.__code__.co_filename).resolve()

    @property
    def doc(self) -> str:
        return inspect.getdoc(self.function) or ""

    def cost(self, metrics: Mapping[str, float]) -> float | None:
        """What a search makes small: the metric among these figures (of one to maximize the negative), an error also from its
        accuracy; None where it is absent or no number, so that what diverged never wins."""
        value = metrics.get(self.metric)
        accuracy = metrics.get(f"{self.metric.removesuffix('error')}accuracy") if value is None else None
        value = 1.0 - accuracy if accuracy is not None and self.metric.endswith("error") else value
        if value is None or not math.isfinite(value):
            return None
        return -value if self.direction == "maximize" else value

    @functools.cached_property
    def keys(self) -> dict[str, _config.Key]:
        return _config.keys(self.config_class)


def experiment(
    function: Callable[[Any, Any], None] | None = None,
    *,
    metric: str = "validation/error",
    quick: Mapping[str, Any] | None = None,
    reference_error: float = 0.0,
    direction: Literal["minimize", "maximize"] = "minimize",
    space: Mapping[str, Any] | None = None,
    seeds: int = 1,
) -> Any:
    """Make a function `(config: Config, trial: lk.Trial)` an experiment that `labkit run FILE` can run.

    Args:
        metric: the figure that configurations are compared by.
        quick: values of configuration keys under `--quick`, e.g. `{"steps": 40}`.
        reference_error: the error of a perfect reader of the data, between 0 and 1.
        direction: "minimize" where a smaller figure is better, or "maximize".
        space: key -> values to sweep over unless a run sets, or sweeps over, that key otherwise.
        seeds: repeats of each configuration, unless a run says otherwise.

    Raises:
        ConfigError: the function has other parameters, its configuration is no dataclass, `quick` or `space` does not fit it,
            the metric is an accuracy to be made small, or seeds is no count.
    """
    if function is None:
        return functools.partial(
            experiment, metric=metric, quick=quick, reference_error=reference_error, direction=direction, space=space,
            seeds=seeds,
        )  # fmt: skip
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) != 2:
        raise ConfigError(
            f"The experiment {function.__name__} has other parameters than a runner can give",
            rule="an experiment takes two: (config: Config, trial: lk.Trial)",
            received=str(inspect.signature(function)),
        )
    if not is_safe_name(function.__name__):
        raise ConfigError(
            f"The experiment's name {function.__name__} cannot be a folder's",
            rule="it is 1 to 64 of A-Z a-z 0-9 _, as the logs of the experiment are in a folder of that name",
        )
    annotation: Any = parameters[0].annotation
    if isinstance(annotation, str):  # from __future__ import annotations
        annotation = function.__globals__.get(annotation, annotation)
    if not 0.0 <= reference_error < 1.0:
        raise ConfigError(
            "reference_error is no error rate", rule="0 <= reference_error < 1", received=repr(reference_error)
        )
    if direction not in ("minimize", "maximize"):
        raise ConfigError(
            "direction says which figure is better", rule="it is minimize or maximize", received=repr(direction)
        )
    if metric.lower().endswith("accuracy") and direction == "minimize":
        raise ConfigError(
            f"The experiment {function.__name__} would make an accuracy small",
            rule='smaller is better for the metric of an experiment, unless direction="maximize"',
            received=f"metric={metric!r}",
            fix=f'Use the error: metric="{metric[: -len("accuracy")]}error", or direction="maximize".',
        )
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        raise ConfigError("seeds is no count", rule="seeds is a whole number, 1 or more", received=repr(seeds))
    found = _config.keys(annotation)
    values = {
        name: _config.check(_config.find(found, name, f"quick of {function.__name__}"), value)
        for name, value in (quick or {}).items()
    }
    for name in space or {}:
        _config.find(found, name, f"space of {function.__name__}")
    return Experiment(function, annotation, metric, values, float(reference_error), direction, dict(space or {}), seeds)


def load(path: str | os.PathLike[str]) -> Experiment:
    """The one experiment that a file defines.

    The file's folder is put on `sys.path`, as `python FILE` would do, so that it can import its neighbours.

    Raises:
        ConfigError: the file is missing, raises (the message shows the line), or defines no or several experiments.
    """
    file = Path(path)
    if not file.is_file():
        kind = "a folder" if file.is_dir() else "no file"
        near = _near_files(file)
        raise ConfigError(
            f"The experiment file {file} does not exist" if kind == "no file" else f"{file} is a folder, not a file",
            fix=f"Did you mean {near}?" if near else "Give the path of a Python file that defines an experiment.",
        )
    file = file.resolve()
    if file.suffix != ".py":
        raise ConfigError(f"{file} is not a Python file", rule="experiments are defined in files named *.py")
    own = _defined(file)
    if not own:
        raise ConfigError(
            f"{file} defines no experiment",
            fix="Write @lk.experiment(...) above a function (config: Config, trial: lk.Trial).",
        )
    if len(own) > 1:
        names = ", ".join(value.name for value in own)
        raise ConfigError(f"{file} defines {len(own)} experiments", rule="one file, one experiment", received=names)
    return own[0]


def files_in(folder: str | os.PathLike[str]) -> list[Path]:
    """The Python files of a folder that define an experiment, by name; those that only serve others are left out.

    A file that cannot be loaded is among them: whoever loads it gets the reason.

    Raises:
        ConfigError: there is none.
    """
    found = [file for file in sorted(Path(folder).glob("*.py")) if _may_define(file)]
    if not found:
        raise ConfigError(
            f"No file in {folder} defines an experiment", fix="`labkit new FILE` writes one to begin with."
        )
    return found


def _may_define(file: Path) -> bool:
    try:
        return bool(_defined(file.resolve()))
    except ConfigError:
        return True


def _defined(file: Path) -> list[Experiment]:
    """The experiments that a file defines itself, not those that it imports from another."""
    module = _module(file)
    found = {id(value): value for value in vars(module).values() if isinstance(value, Experiment)}
    return [value for value in found.values() if value.function.__module__ == module.__name__]


def _module(file: Path) -> Any:
    # A private name: the file is neither __main__ (its own `if __name__ == "__main__"` must not run) nor in the way
    # of a module of the same name. It stays in sys.modules, where dataclasses and annotations look names up.
    name = f"labkit_experiment_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    linecache.checkcache(str(file))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    token = _loading.set(True)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ConfigError(
            f"{file.name} cannot be loaded", rule="", received=describe(error, file), fix="Mend that line."
        ) from error
    finally:
        _loading.reset(token)
    return module


_loading = contextvars.ContextVar("loading", default=False)


def refuse_while_loading(path: Path) -> None:
    """Raises ConfigError inside a file that is being loaded: each of its trials would load it, and run it, again."""
    if _loading.get():
        raise ConfigError(
            "An experiment is run while its file is loaded",
            rule="the processes of the trials load the file too, so loading it must run nothing",
            fix='Put the call below: if __name__ == "__main__":',
        )
    if not path.is_file():
        raise ConfigError(f"The experiment is not in a file ({path})", fix="Write it into a Python file and run that.")


def describe(error: BaseException, file: Path) -> str:
    """An exception in one phrase, with the last line of `file` that it passed through."""
    text = str(error) if isinstance(error, LabkitError) else f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        place = f"{Path(error.filename or file).name}:{error.lineno}: {(error.text or '').strip()}"
        return f"{type(error).__name__}: {error.msg} (at {place})"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename) == file:
            source = textwrap.shorten(frame.line or "", SHOWN_SOURCE, placeholder=" ...")
            return f"{text} (at {file.name}:{frame.lineno}: {source})"
    return text


def _near_files(file: Path) -> str:
    folder = file.parent if file.parent.is_dir() else Path("experiments")
    names = [path.name for path in folder.glob("*.py")] if folder.is_dir() else []
    return ", ".join(str(folder / name) for name in near_names(file.name, names, 2))
