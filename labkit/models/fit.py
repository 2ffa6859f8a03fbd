"""fit: epochs, validation, and the lines that are printed."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.core.nest import pack
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
    sample_weight: Any,
    class_weight: Any,
) -> History:
    """The body of `Model.fit`."""
    if validation_split:
        if validation_data is not None:
            raise InvalidArgumentError("fit takes validation_data or validation_split, not both")
        kept, x, y, validation_data = _split(model, x, y, validation_split)
        sample_weight = None if sample_weight is None else numeric(sample_weight, "sample_weight")[:kept]
    if validation_data is not None and not (isinstance(validation_data, (tuple, list)) and len(validation_data) == 2):
        raise InvalidArgumentError(
            "validation_data is no pair",
            rule="It is (x, y): inputs and targets",
            received=type(validation_data).__name__,
        )
    loop = TrainingLoop(
        model, x, y, batch_size, seed, shuffle=shuffle, sample_weight=sample_weight, class_weight=class_weight
    )
    last = loop.epoch_end(positive(epochs, "epochs") - 1) if steps is None else positive(steps, "steps")
    history, epoch, warned = History(), 0, False
    while loop.step < last:
        started, first = time.perf_counter(), loop.step
        loop.restart_metrics()
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
        means = {name: float(np.mean(values, dtype=np.float64)) for name, values in series.items()} | loop.results()
        if validation_data is not None:
            judged = model.evaluate(*validation_data, batch_size=batch_size, return_dict=True)
            means |= {f"val_{name}": value for name, value in judged.items()}
        seconds = time.perf_counter() - started
        history.add(epoch, loop.step - first, seconds, means)
        if verbose:
            shown = " - ".join(f"{name}: {value:.4f}" for name, value in means.items() if np.ndim(value) == 0)
            print(f"Epoch {epoch + 1} - {loop.step - first} steps - {seconds:.1f} s - {shown}", flush=True)
        epoch += 1
    return history


def _split(model: Model, x: Any, y: Any, fraction: float) -> tuple[int, Any, Any, tuple[Any, Any]]:
    """The number of the first examples, kept for training; these; the last `fraction` of the examples, for validation."""
    inputs, targets = model.training_arrays(x, y)
    examples = len(inputs[0])
    kept = examples - int(examples * fraction) if 0 < fraction < 1 else 0
    if not 0 < kept < examples:
        raise InvalidArgumentError(
            "validation_split leaves nothing to train on, or nothing to validate with",
            rule="It is the fraction of the examples to keep for validation: 0 < validation_split < 1",
            received=f"{fraction!r} of {examples} examples",
        )
    parts = [
        (pack(model.x, [array[part] for array in inputs]), pack(model.y_pred, [array[part] for array in targets]))
        for part in (slice(kept), slice(kept, None))
    ]
    return kept, *parts[0], parts[1]
