"""fit: epochs of native stretches, validation, and the callbacks that follow them."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.callbacks.dispatch import Callbacks
from labkit.callbacks.history import History
from labkit.callbacks.progress_bar import ProgressBar
from labkit.core.nest import pack
from labkit.data.dataset import Dataset
from labkit.errors import InvalidArgumentError
from labkit.models.arrays import numeric, positive
from labkit.models.batches import is_dataset, require_end
from labkit.models.loop import TrainingLoop
from labkit.models.tables import Fed
from labkit.models.validation import Validation
from labkit.models.verbosity import verbosity

if TYPE_CHECKING:
    from labkit.models.model import Model


def fit(
    model: Model,
    x: Any,
    y: Any,
    *,
    batch_size: int | None,
    epochs: int,
    steps: int | None,
    steps_per_epoch: int | None,
    validation_data: Any,
    validation_split: float | None,
    validation_freq: int | Collection[int],
    validation_steps: int | None,
    shuffle: bool | None,
    seed: int | None,
    verbose: Any,
    sample_weight: Any,
    class_weight: Any,
    callbacks: Any,
    initial_epoch: int,
) -> History:
    """The body of `Model.fit`."""
    if validation_split is not None:
        if validation_data is not None:
            raise InvalidArgumentError("fit takes validation_data or validation_split, not both")
        is_dataset(x, "fit", y=y, validation_split=validation_split)
        kept, x, y, validation_data = _split(model, x, y, validation_split)
        sample_weight = None if sample_weight is None else numeric(sample_weight, "sample_weight")[:kept]
    called = Callbacks(callbacks)
    history = next((callback for callback in called.all if isinstance(callback, History)), None)
    if history is None:
        history = History()
        called.add(history)
    if (verbose := verbosity(verbose)) and not called.has(ProgressBar):
        called.add(ProgressBar(verbose))

    stop = None if steps is not None else positive(epochs, "epochs")
    epoch = _initial(initial_epoch, stop)
    if isinstance(x, Dataset):
        require_end(x, steps_per_epoch if steps is None else steps, "fit", "steps_per_epoch (or steps)")
    with TrainingLoop(
        model, x, y, batch_size, seed, shuffle=shuffle, sample_weight=sample_weight, class_weight=class_weight,
        steps_per_epoch=steps_per_epoch, initial_epoch=epoch, epochs=stop,
    ) as loop:  # fmt: skip
        validation = None
        if validation_data is not None:
            validation = Validation(model, validation_data, batch_size, validation_freq, validation_steps)
        if stop is None:
            last: float = loop.step + positive(steps, "steps")
            total = None if steps is None else int(steps)
        else:
            last, total = loop.epoch_end(stop - 1), loop.steps_between(epoch, stop)
        names = [*loop.losses, *model.metrics]
        params = {
            "epochs": stop,
            "initial_epoch": epoch,
            "steps": total,
            "examples": loop.examples,
            "batch_size": loop.batch_size,
            "metrics": [*names, *(f"val_{name}" for name in names if validation is not None)],
            "verbose": verbose,
        }
        model.stop_training, model.history, finite = False, history, _Finite(loop)
        with called.attached(model, params):
            called.call("on_train_begin", {})
            logs: dict[str, Any] = {}
            while loop.step < last and epoch != stop and not model.stop_training:
                called.call("on_epoch_begin", epoch, {})
                if model.stop_training:
                    break
                first = loop.step
                logs = _train(loop, epoch, min(loop.epoch_end(epoch), last), called, finite)
                history.trained = loop.step - first
                if validation is not None and validation.is_due(epoch):
                    logs |= validation.run(called)
                called.call("on_epoch_end", epoch, logs)
                epoch += 1
            called.call("on_train_end", logs)
    return history


def _train(loop: TrainingLoop, epoch: int, last: float, called: Callbacks, finite: _Finite) -> dict[str, Any]:
    """Trains to the end of the epoch, at step `last` at most, or until somebody stops it; losses and metrics of these steps."""
    model, first, values = loop.model, loop.step, _Values()
    loop.restart_metrics()
    while loop.step < last and not model.stop_training and loop.epoch <= epoch:
        called.call_batch("on_train_batch_begin", loop.step, lambda: (loop.step - first, {}))
        for series in loop.stretches(called.until(loop.step, last), epoch):
            values.add(series, loop.share)
            finite.check(series["loss"])
            if called.listens("on_train_stretch_end"):
                called.call("on_train_stretch_end", loop.step - first - 1, values.so_far(), series)
            if model.stop_training:
                break
        called.call_batch("on_train_batch_end", loop.step, lambda: (loop.step - first - 1, values.so_far()))
    return values.means() | loop.results()


class _Values:
    """What the steps of an epoch reported. Their means are those of examples: a smaller batch weighs less."""

    def __init__(self) -> None:
        self.parts: list[dict[str, np.ndarray]] = []
        self.shares: list[float] = []
        self.totals: dict[str, float] = {}
        self.summed, self.weight = 0, 0.0

    def add(self, series: dict[str, np.ndarray], share: float) -> None:
        """The values of some steps, and what each weighs."""
        self.parts.append(series)
        self.shares.append(share)

    def so_far(self) -> dict[str, Any]:
        for series, share in zip(self.parts[self.summed :], self.shares[self.summed :], strict=True):
            self.weight += share * len(series["loss"])
            for name, values in series.items():
                self.totals[name] = self.totals.get(name, 0.0) + share * float(np.sum(values, dtype=np.float64))
        self.summed = len(self.parts)
        return {name: total / self.weight for name, total in self.totals.items()}

    def means(self) -> dict[str, Any]:
        """As `so_far`, with bits that do not depend on how the steps were cut."""
        weights = np.repeat(self.shares, [len(part["loss"]) for part in self.parts])
        whole = {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]}
        return {name: float(np.average(values.astype(np.float64), weights=weights)) for name, values in whole.items()}


class _Finite:
    """Warns once when the loss is no longer a finite number; where NaN in the data is the reason, raises FeedError."""

    def __init__(self, loop: TrainingLoop) -> None:
        self.loop, self.warned = loop, False

    def check(self, losses: np.ndarray) -> None:
        """The losses of the last steps."""
        if self.warned or np.isfinite(losses).all():
            return
        self.loop.require_numbers()
        place = int(np.argmin(np.isfinite(losses)))
        step = self.loop.step - len(losses) + place
        warnings.warn(
            f"The loss of model {self.loop.model.name!r} became {losses[place]} at step {step}: training "
            "diverged. Lower the learning rate, clip the gradients, or look for infinities in the data.",
            RuntimeWarning,
            stacklevel=5,
        )
        self.warned = True


def _initial(epoch: Any, epochs: int | None) -> int:
    """The checked `initial_epoch`."""
    limit = float("inf") if epochs is None else epochs
    if isinstance(epoch, bool) or not isinstance(epoch, int | np.integer) or not 0 <= epoch < limit:
        raise InvalidArgumentError(
            "fit cannot begin with this epoch",
            rule="initial_epoch is a whole number from 0 on and below epochs, the number of the last epoch",
            received=f"initial_epoch={epoch!r}" + ("" if epochs is None else f", epochs={epochs}"),
            fix="To go on for 5 more epochs after 10: initial_epoch=10, epochs=15.",
        )
    return int(epoch)


def _split(model: Model, x: Any, y: Any, fraction: float) -> tuple[int, Any, Any, tuple[Any, Any]]:
    """The number of the first examples, kept for training; these; the last `fraction` of the examples, for validation."""
    inputs, targets = model.training_arrays(x, y)
    examples = len(inputs[0])
    is_number = isinstance(fraction, int | float | np.number)
    kept = examples - int(examples * fraction) if is_number and 0 < fraction < 1 else 0
    if not 0 < kept < examples:
        raise InvalidArgumentError(
            "validation_split leaves nothing to train on, or nothing to validate with",
            rule="It is the fraction of the examples to keep for validation: 0 < validation_split < 1",
            received=f"{fraction!r} of {examples} examples",
            fix="Leave it out for a fit without validation.",
        )
    parts = [
        (Fed([array[part] for array in inputs]), pack(model.y_pred, [array[part] for array in targets]))
        for part in (slice(kept), slice(kept, None))
    ]
    return kept, *parts[0], parts[1]
