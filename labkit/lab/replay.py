"""Runs a trial again from the code that was kept with it, in the environment there is now: `labkit replay TRIAL`."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit.errors import StoreError
from labkit.io import make_folder, sha256_file, write_text
from labkit.lab.experiments import load
from labkit.lab.rows import SweepRow, TrialRow
from labkit.lab.runner import run_apart
from labkit.lab.store import Store
from labkit.lab.sweep import packages, plan


@dataclasses.dataclass(frozen=True)
class Replay:
    """What came of it.

    Attributes:
        differences: figures and artefacts that are not the same, in words; none where all bits are.
        circumstances: versions, data and kernels that are not the same.
        compared: how many figures and artefacts were compared.
    """

    differences: list[str]
    circumstances: list[str]
    compared: int


def replay(store: Store, logs: Path, row: SweepRow, trial: TrialRow) -> Replay:
    """Runs a completed trial again, apart from the store, and compares final figures, predictions and weights.

    Nothing is installed: what differs between the environments is said.

    Raises:
        StoreError: the trial is not completed, or its code was not kept whole.
    """
    if trial.state != "COMPLETED":
        raise StoreError(
            f"{trial.folder} of sweep {row.id} is {trial.state}",
            rule="a completed trial can be replayed",
            fix="Run it first.",
        )
    kept = _description(logs / row.folder / "sweep.json")
    with tempfile.TemporaryDirectory(prefix="labkit-replay-") as temporary:
        code = Path(temporary) / "code"
        for name, text in kept["sources"].items():
            path = (code / name).resolve()
            if not path.is_relative_to(code.resolve()):
                raise StoreError(
                    f"{logs / row.folder / 'sweep.json'} names a file outside its folder", received=repr(name)
                )
            make_folder(path.parent)
            write_text(path, text)
        sweep = plan(load(code / Path(row.file).name), sets=trial.config, quick=row.settings["quick"])
        done = run_apart(sweep, seeds=[trial.seed], logs=Path(temporary) / "logs")
        (again,) = done.trials
        other = Store(done.logs)
        try:
            figures = store.final(trial), other.final(again)
        finally:
            other.close()
        files = trial.artefacts, again.artefacts
    differences = []
    if again.state != "COMPLETED":
        differences.append(f"the trial {again.state.lower()} now: {again.reason}")
    differences += _different(*figures)
    names = [
        name for name in dict.fromkeys([*files[0], *files[1]]) if name != "trial.json"
    ]  # which tells of the attempt, too
    differences += [f"{name} differs" for name in names if files[0].get(name) != files[1].get(name)]
    circumstances = [
        *_different(kept["packages"], packages(), "version of "),
        *_different(trial.made, again.made),
        *_different(_data(trial), _data(again), "data of "),
    ]
    return Replay(differences, circumstances, len(figures[0]) + len(names))


def _description(path: Path) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_bytes())
        sources, omitted = dict(kept["sources"]), list(kept["omitted"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} cannot be read, so the trial's code is not known", received=str(error)) from error
    if omitted or not sources:
        raise StoreError(
            "The trial's code was not kept whole",
            rule="up to 5 MB of it are",
            received=f"without {', '.join(omitted[:5])}",
        )
    return kept


def _different(before: Mapping[str, Any], now: Mapping[str, Any], what: str = "") -> list[str]:
    names = dict.fromkeys([*before, *now])
    return [
        f"{what}{name}: {before.get(name, 'nothing')} then, {now.get(name, 'nothing')} now"
        for name in names
        if repr(before.get(name)) != repr(now.get(name))
    ]


def _data(trial: TrialRow) -> dict[str, str]:
    return {entry["name"]: entry["checksum"][:12] for entry in trial.data}


def artefacts_are_whole(folder: Path, trial: TrialRow) -> list[str]:
    """The trial's artefacts whose files are gone or changed since it completed."""
    return [
        name
        for name, checksum in trial.artefacts.items()
        if not (folder / name).is_file() or sha256_file(folder / name) != checksum
    ]
