"""fit: epochs, validation, and the lines that are printed."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.errors import InvalidArgumentError
from labkit.models.arrays import numeric, positive
from labkit.models.history import History
from labkit.models.loop import TrainingLoop

if TYPE_CHECKING:
    from labkit.models.model import Model


def fit(
    model: Model,
    x: Any,
    y: Any,
    *,
    batch_size: int,
    epochs: int,
    steps: int | None,
    validation_data: tuple[Any, Any] | None,
    validation_split: float,
    shuffle: bool,
    seed: int,
    verbose: int,
) -> History:
    """The body of `Model.fit`."""
    if validation_split:
        if validation_data is not None:
            raise InvalidArgumentError("fit takes validation_data or validation_split, not both")
        x, y, validation_data = _split(x, y, validation_split)
    if validation_data is not None and not (isinstance(validation_data, (tuple, list)) and len(validation_data) == 2):
        raise InvalidArgumentError(
            "validation_data is no pair",
            rule="It is (x, y): inputs and targets",
            received=type(validation_data).__name__,
        )
    loop = TrainingLoop(model, x, y, batch_size, seed, shuffle=shuffle)
    last = loop.epoch_end(positive(epochs, "epochs") - 1) if steps is None else positive(steps, "steps")
    history, epoch, warned = History(), 0, False
    while loop.step < last:
        started, first = time.perf_counter(), loop.step
        stretches = list(loop.stretches(min(loop.epoch_end(epoch), last)))
        series = {name: np.concatenate([values[name] for values in stretches]) for name in stretches[0]}
        if not warned and not np.isfinite(series["loss"]).all():
            at = first + int(np.argmin(np.isfinite(series["loss"])))
            warnings.warn(
                f"The loss of model {model.name!r} became {series['loss'][at - first]} at step {at}: training "
                "diverged. Lower the learning rate, or look for NaN in the data.",
                RuntimeWarning,
                stacklevel=3,
            )
            warned = True
        means = {name: float(np.mean(values, dtype=np.float64)) for name, values in series.items()}
        if validation_data is not None:
            judged = model.evaluate(*validation_data, batch_size=batch_size, return_dict=True)
            means |= {f"val_{name}": value for name, value in judged.items()}
        seconds = time.perf_counter() - started
        history.add(epoch, loop.step - first, seconds, means)
        if verbose:
            shown = " - ".join(f"{name}: {value:.4f}" for name, value in means.items())
            print(f"Epoch {epoch + 1} - {loop.step - first} steps - {seconds:.1f} s - {shown}", flush=True)
        epoch += 1
    return history


def _split(x: Any, y: Any, fraction: float) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """The first examples for training, the last `fraction` of them for validation."""
    x, y = numeric(x, "x"), numeric(y, "y")
    kept = len(x) - int(len(x) * fraction) if 0 < fraction < 1 else 0
    if not 0 < kept < len(x):
        raise InvalidArgumentError(
            "validation_split leaves nothing to train on, or nothing to validate with",
            rule="It is the fraction of the examples to keep for validation: 0 < validation_split < 1",
            received=f"{fraction!r} of {len(x)} examples",
        )
    return x[:kept], y[:kept], (x[kept:], y[kept:])
