"""What a trial leaves behind: series and event files, checkpoints, trial.json."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labkit.errors import CheckpointError, LabkitError
from labkit.io import make_folder, remove, sha256_file, write_text
from labkit.lab import identity, plain
from labkit.lab.executor import Unit
from labkit.lab.machine import made_by
from labkit.lab.worker import generators
from labkit.lab.worker.link import Link
from labkit.lab.worker.series import Series

KEEP = 2
"""Checkpoints kept while a trial runs, of each fit and of the saved state."""


class Diverged(LabkitError):
    """A loss is no finite number any more; the same bits would come again."""


class TrialRecord:
    """The files of one trial, for the modules beside this one; `Trial` is what an experiment sees.

    Attributes:
        latest: the figures reported last, by name.
        link: to the runner.
        series: the figures of every step.
        artefacts: files whose checksums the store gets.
        made: what the trial is computed with: the kernels' target, the processor, labkit's version.
        cost: gives what a search makes small, of figures; None where it is not among them.
    """

    def __init__(self, unit: Unit, link: Link) -> None:
        self.seed, self.quick, self.folder = unit.seed, unit.quick, Path(unit.folder)
        self.latest: dict[str, float] = {}
        self.link = link
        self.series = Series(self.folder, self.notice, again=unit.attempt > 1)
        self.artefacts: list[Path] = []
        self.made = made_by()
        self.cost: Callable[[Mapping[str, float]], float | None] = lambda figures: None
        self._unit = unit
        self._told: list[tuple[int, dict[str, float]]] = []
        self._milestone = 0  # the step of the last figures on a rung
        self._data: list[dict[str, str]] = []
        self._final: dict[str, float] = {}
        self._head_written = False

    @property
    def id(self) -> str:
        """The trial's identity: experiment, configuration, seed, code, and the data asked for so far."""
        return identity.trial_id(self._unit.key, {entry["name"]: entry["checksum"] for entry in self._data})

    def notice(self, text: str) -> None:
        """One line that is shown on the runner's terminal and kept in the store."""
        print(text, flush=True)
        self.link.send("notice", text=text)

    def check_loss(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            if name.endswith("loss") and not math.isfinite(value):
                raise Diverged(f"{name} is {value} at step {step}")

    def tell(self, step: int, figures: Mapping[str, float]) -> None:
        """Figures for the store, and for a search that may end the trial because of them: then its verdict is waited for, so
        that how far a trial comes does not depend on who was faster."""
        waits = self.on_rung(step, figures)
        self._told.append((step, dict(figures)))
        self.link.send("metrics", step=step, metrics=figures, waits=waits)
        if waits:
            self._milestone = step
            self.link.wait()
            if self.link.pruned:
                self.link.check()

    def on_rung(self, step: int, figures: Mapping[str, float]) -> bool:
        """Whether these are the first figures, from one of the search's rungs on, with what it makes small."""
        rungs = self._unit.rungs
        return bisect_right(rungs, step) > bisect_right(rungs, self._milestone) and self.cost(figures) is not None

    # Checkpoints

    def save_checkpoint(
        self, folder: Path, step: int, arrays: Mapping[str, np.ndarray], extra: Mapping[str, Any]
    ) -> None:
        """A checkpoint `folder/step-N` with the generators' states; the newest two stay."""
        from labkit import checkpoint

        self.series.sync()
        make_folder(folder)
        identity = {"trial": self._unit.key, "data": self._data, "made": self.made}
        facts = {**identity, "final": self._final, "latest": self.latest, "told": self._told, **extra}
        tensors = {**arrays, **generators.state()}
        # As text: JSON itself has no NaN, and figures may be.
        checkpoint.save(str(folder / f"step-{step}"), tensors, step, extra={"labkit": plain.dumps(facts)}, keep=KEEP)

    def load_checkpoint(self, folder: Path) -> tuple[dict[str, np.ndarray], dict[str, Any], int] | None:
        """The newest valid checkpoint in a folder: (arrays, extra, step); the trial's series goes back to that step.

        None where there is none, or where data, kernels or labkit are others than those it was made with: then the
        checkpoints there are removed, as the trial has to start from its beginning to have the bits it would have had.
        """
        from labkit import checkpoint

        prefix = checkpoint.latest(str(folder)) if self._unit.attempt > 1 and folder.is_dir() else None
        if prefix is None:
            return None
        loaded = checkpoint.load(prefix)
        facts = plain.loads(loaded.extra["labkit"])
        if facts["trial"] != self._unit.key:
            raise CheckpointError(f"{prefix} belongs to another trial", fix=f"Remove the folder {folder}.")
        other = self._other_origin(facts)
        if other:
            self.notice(f"{other}: this trial starts from its beginning.")
            for path in folder.iterdir():
                if path.is_file():
                    remove(path)
            return None
        generators.restore(loaded.tensors)
        self._final, self.latest = dict(facts["final"]), dict(facts["latest"])
        self.series.rewind(loaded.step)
        self._told, self._milestone = [], 0
        for step, figures in facts["told"]:  # they may have been lost with the runner that died
            self.tell(step, figures)
        return dict(loaded.tensors), facts, loaded.step

    def _other_origin(self, facts: Mapping[str, Any]) -> str:
        if facts["data"] != self._data:
            return "The data are not those of the checkpoint"
        for name, words in (("target", "kernels of target"), ("labkit", "labkit")):
            if facts["made"][name] != self.made[name]:
                return f"The checkpoint was made by {words} {facts['made'][name]}, this process uses {self.made[name]}"
        return ""

    # Event files and the end

    def write_head(self, graph: Any = None) -> None:
        """The configuration, by which TensorBoard groups seeds, and the graph; once per attempt.

        `graph` is the model's; a loop of one's own has built its graph as the default one.
        """
        if self._head_written:
            return
        self._head_written = True
        writer = self.series.writer()
        data = {"data": ", ".join(entry["name"] for entry in self._data)} if self._data else {}
        writer.hparams({**self._unit.config, **data}, group=identity.digest(self._unit.config)[:10])
        if graph is None:
            from labkit.core.graph import get_default_graph

            graph = get_default_graph()
        if graph.operations:
            writer.graph(graph)

    def diverged(self) -> None:
        """Say in the event file that the trial ended for good, and close the logs."""
        self.series.writer().hparams_end("failure")
        self.series.close()

    def finish(self) -> tuple[dict[str, float], dict[str, str]]:
        """Make all that the trial leaves behind durable; its final figures, and its artefacts' SHA-256 by name."""
        self.series.open()
        self.series.writer().hparams_end("success")
        self.series.sync()
        self.series.close()
        hashes = {path.relative_to(self.folder).as_posix(): sha256_file(path) for path in self.artefacts}
        facts = {
            "id": self.id,
            "key": self._unit.key,
            "sweep": self._unit.sweep,
            "experiment": self._unit.experiment,
            "config": self._unit.config,
            "seed": self.seed,
            "quick": self.quick,
            "attempt": self._unit.attempt,
            "data": self._data,
            "made": self.made,
            "metrics": self._final,
            "artefacts": hashes,
        }
        path = self.folder / "trial.json"
        write_text(path, plain.dumps(facts))
        hashes[path.name] = sha256_file(path)
        return self._final, hashes

    def close(self) -> None:
        """Close the logs of a trial that will be continued."""
        self.series.close()
