"""lk.Trial: what an experiment's function is given beside its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.errors import CheckpointError, ConfigError
from labkit.lab import plain
from labkit.lab.executor import Unit
from labkit.lab.worker.link import Link
from labkit.lab.worker.record import TrialRecord

if TYPE_CHECKING:
    from labkit.datasets.base import DataSet
    from labkit.lab.worker.fit import Fit

STATE = "checkpoints/state"


class Trial(TrialRecord):
    """One run of an experiment with one configuration and one seed.

    Python's `random`, NumPy's global generator and labkit's graph seed start from `seed` before the experiment is
    called, and are saved and restored with every checkpoint.

    Attributes:
        seed: the repeat, 0, 1, ...
        config: the experiment's configuration.
        quick: the run only has to show that the experiment works.
        folder: the trial's own folder; what is written here is kept with it.
    """

    def __init__(self, unit: Unit, link: Link) -> None:
        super().__init__(unit, link)
        self.config: Any = None
        self._step, self._fits = 0, 0
        self._fit: Fit | None = None

    # Data

    def data(self, name: str, fallback: str | None = None, **options: Any) -> DataSet:
        """A data set by its registered name.

        When its files can be neither found nor downloaded, `fallback` is used instead, which is said aloud and written
        down wherever the trial's results are. A damaged file is an error, with a fallback too.

        Raises:
            MissingDataError: there are no files, and no fallback is given.
            DataError: a file is damaged.
        """
        from labkit import datasets
        from labkit.datasets.files import MissingDataError

        try:
            found = datasets.load(name, **options)
        except MissingDataError as error:
            if fallback is None:
                raise
            self.notice(
                f"NOT {name.upper()}: {name} was neither found nor downloaded. This trial uses {fallback} instead, and "
                f"its figures say nothing about {name}. Once the files are there, --again runs it on them. ({error.what})"
            )
            found = datasets.load(fallback)
        entry = {"requested": name, "name": found.name, "checksum": found.checksum}
        if entry not in self._data:
            self._data.append(entry)
            self.link.send("data", data=self._data)
        return found

    # Models

    def fit(
        self,
        model: Any,
        data: Any,
        steps: int,
        batch_size: int | None = None,
        *,
        validation: Any = None,
        validation_every: int | None = None,
        checkpoint_every: int | None = None,
        checkpoint_seconds: float = 60.0,
        restore_best_weights: bool = False,
    ) -> None:
        """Train a compiled model up to `steps` steps; log, validate, checkpoint, and continue from a checkpoint.

        How often anything is logged or saved changes no bit of the weights.

        Args:
            model: a compiled labkit model.
            data: a data set with the splits train and validation; a pair (x, y); or an `lk.data.Dataset` of batches (x, y),
                one epoch after the other. What is random in that follows from its own seeds: give them the trial's.
            batch_size: examples a step; 32 where nothing is said. Not with an `lk.data.Dataset`.
            validation: the split (`.x`, `.y`, or `.images`, `.labels`) to validate with; None: the data set's, or none.
            validation_every: steps between validation points, where also histograms are written; None: a tenth of all.
            checkpoint_every: steps between checkpoints; None: at validation points and every `checkpoint_seconds`, but
                so rarely that saving takes a thirtieth of the time at most, and not in the first seconds.
            checkpoint_seconds: see there.
            restore_best_weights: leave the model with the weights of the validation point that had the smallest error
                (loss, where no accuracy is measured) instead of the last ones. The validation error is then a little
                too good, because it chose; the test error is not.

        Raises:
            ConfigError: steps, validation_every or checkpoint_every below 1.
        """
        from labkit.lab.worker.fit import Fit

        for name, value in (
            ("steps", steps),
            ("validation_every", validation_every),
            ("checkpoint_every", checkpoint_every),
        ):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigError(
                    f"trial.fit cannot use {name}", rule=f"{name} is a count from 1 on", received=repr(value)
                )
        self._save_fit()
        self._fits += 1
        folder = self.folder / "checkpoints" / f"fit{self._fits}"
        self._fit = Fit(self, model, data, batch_size, validation, folder, self._step, restore_best_weights)
        unit = self._unit  # the run's wishes go before the experiment's
        if unit.checkpoint_every is not None or unit.checkpoint_seconds is not None:
            checkpoint_every, checkpoint_seconds = unit.checkpoint_every, unit.checkpoint_seconds or checkpoint_seconds
        self._step = self._fit.run(steps, validation_every, checkpoint_every, checkpoint_seconds)
        self._fit.restore_best()
        self._final.update(self.latest)

    def evaluate(self, model: Any, data: Any) -> dict[str, float]:
        """The errors of a trained classifier on training, validation and test examples, in inference mode.

        On a fixed 10,000 of the training examples (1,000 of each split in a quick run), all of the others. Writes
        predictions.npz, and the model's weights to checkpoints/final.

        Returns:
            `train/error`, `validation/error`, `test/error` and the accuracies, as fractions; also the trial's figures.

        Raises:
            ShapeError: the model gives no class scores [examples, classes].
        """
        from labkit.lab.worker.evaluate import evaluate

        figures = evaluate(self, model, data)
        self._final.update(figures)
        for name, value in figures.items():  # apart from the series of the same name, which judge fewer examples
            self.series.writer().scalar(f"final/{name}", value, self._step)
        return figures

    # Loops of one's own

    def report(self, step: int, **metrics: float) -> None:
        """Figures after a step. The last ones are the trial's final figures.

        Args:
            step: 1, 2, ..., each once and rising; steps may be left out. After `trial.fit` and `trial.restore` the
                count goes on from the step they ended at.
            metrics: name -> figure.

        Raises:
            ConfigError: the step is no whole number, or not above the last one.
            Diverged: a figure whose name ends in `loss` is NaN or infinite; the trial then counts as failed.
        """
        if isinstance(step, bool) or not isinstance(step, (int, np.integer)) or step <= self._step:
            raise ConfigError(
                "trial.report cannot use this step",
                rule="steps are whole numbers from 1 on, each above the last one reported, fitted or restored",
                received=f"step {step!r} after step {self._step}",
                fix="Report all figures of a step in one call.",
            )
        self._step = step = int(step)
        values = {name: float(value) for name, value in metrics.items()}
        self.write_head()
        self.series.add(step, values)
        self.latest.update(values)
        self._final.update(values)
        self.check_loss(step, values)
        if self.on_rung(step, values):
            self.tell(step, values)
        if self.link.progress(step, None, values):
            self.series.flush()
        self.link.check()

    def image(self, step: int, **images: Any) -> None:
        """Pictures after a step, for TensorBoard.

        Args:
            step: of the figures that the pictures belong to.
            images: name -> [height, width], [height, width, channels] or a batch of these, which becomes a grid; 1, 3 or 4
                channels, uint8 or numbers from 0 (black) to 1.

        Raises:
            ShapeError: a value is no image.
        """
        self.write_head()
        for name, value in images.items():
            self.series.writer().image(name, value, int(step))

    def save(self, state: Mapping[str, Any]) -> None:
        """Save the loop's state, durably: arrays, and what JSON holds. `restore` gives it back in a later attempt.

        Raises:
            CheckpointError: a value is of another kind, or the checkpoint cannot be written.
        """
        arrays, rest = {}, {}
        for name, value in state.items():
            if isinstance(value, (np.ndarray, np.generic)):
                arrays[f"state/{name}"] = np.asarray(value)
            else:
                rest[name] = value
        try:
            plain.dumps(rest)
        except TypeError as error:
            raise CheckpointError(
                f"trial.save cannot hold this state: {error}",
                rule="a state is a mapping of names to arrays, numbers, texts, and lists and mappings of these",
            ) from error
        self._save_fit()
        self.save_checkpoint(self.folder / STATE, self._step, arrays, {"state": rest})
        self.link.check()

    def restore(self) -> dict[str, Any] | None:
        """The state saved last in an earlier attempt at this trial; None when there is none."""
        found = self.load_checkpoint(self.folder / STATE)
        if found is None:
            return None
        arrays, extra, step = found
        self._step = step
        state = {name.removeprefix("state/"): value for name, value in arrays.items() if name.startswith("state/")}
        return {**state, **extra["state"]}

    def _save_fit(self) -> None:
        """What comes after a fit can be continued only by an attempt that finds the fit complete."""
        if self._fit is not None:
            self._fit.save()
