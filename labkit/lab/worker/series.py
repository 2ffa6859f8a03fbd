"""What a trial writes down while it runs: metrics.jsonl, the series it is resumed with, and event files, a view of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.io import AppendLog, read_log
from labkit.io.failpoints import reach

if TYPE_CHECKING:
    from labkit.summary import EventWriter


class Series:
    """The step series of one trial.

    A record of metrics.jsonl is `{"step": 7, "train/loss": ...}`. `rewind(step)` forgets all that came after a step,
    so that a resumed trial writes each step once. A disk that is full or gone costs the series, never the training.

    Args:
        folder: the trial's folder.
        tell: is told once when the series cannot be written.
        again: an earlier attempt may have left event files, of which TensorBoard is to drop what is written again.
    """

    def __init__(self, folder: Path, tell: Callable[[str], None], again: bool) -> None:
        self.folder = folder
        self._tell, self._again = tell, again
        self._degraded = False
        self._log: AppendLog | None = None
        self._step = 0
        self._writers: dict[str, EventWriter] = {}

    def rewind(self, step: int) -> None:
        """Go on after `step`, which a checkpoint holds. Without this call the series starts anew."""
        self.close()
        self._step = step  # only the next record drops what came later: a further checkpoint may still be found

    def open(self) -> None:
        """Drop what came after the step gone back to, and be ready for records."""
        if self._log is not None or self._degraded:
            return
        path, step = self.folder / "metrics.jsonl", self._step
        try:
            kept = sum(record["step"] <= step for record in read_log(path)) if step and path.exists() else 0
            self._log = AppendLog(path, count=kept)
        except OSError as error:
            self._give_up(error)

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """A record, and a scalar for each figure: `train/loss` is `loss` of the run `train`."""
        reach("step")
        self.open()
        if self._log is not None:
            try:
                self._log.append({"step": step, **metrics})
            except OSError as error:
                self._give_up(error)
        for name, value in metrics.items():
            run, slash, tag = name.partition("/")
            if slash and run in ("train", "validation"):
                self.writer(run).scalar(tag, value, step)
            else:
                self.writer().scalar(name, value, step)

    def writer(self, run: str = "") -> EventWriter:
        """The event file of the trial's folder, or of `train` or `validation` in it."""
        if run not in self._writers:
            from labkit.summary import EventWriter

            purge = (self._step + 1 if self._step else 0) if self._again else None
            self._writers[run] = EventWriter(self.folder / run if run else self.folder, purge_step=purge)
        return self._writers[run]

    def flush(self) -> None:
        """Let others see what was added."""
        if self._log is not None:
            try:
                self._log.flush()
            except OSError as error:
                self._give_up(error)

    def sync(self) -> None:
        """Everything added so far is on the disk: called before a checkpoint that claims it."""
        if self._log is not None:
            try:
                self._log.sync()
            except OSError as error:
                self._give_up(error)
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
        if self._log is not None:
            try:
                self._log.close()
            except OSError as error:
                self._give_up(error)
            self._log = None

    def _give_up(self, error: OSError) -> None:
        self._log = None
        if not self._degraded:
            self._degraded = True
            self._tell(f"metrics.jsonl cannot be written ({error.strerror or error}). The trial goes on without it.")
