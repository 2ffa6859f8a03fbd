"""Data sets as an estimator's input: batches of features and labels, read as they are needed."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from labkit.core.nest import flatten
from labkit.data.dataset import Dataset
from labkit.errors import FeedError
from labkit.models.batches import DatasetLook, require_end
from labkit.models.model import Model


def labelled(dataset: Dataset, head: Any, weight_column: Any) -> Dataset:
    """Batches (features, targets) or (features, targets, weights) of a data set of batches (features, labels).

    Raises:
        PipelineError: (while iterating) labels do not fit the head, or elements are no such batches.
    """
    return dataset.map(partial(_labelled, head, weight_column))


def _labelled(head: Any, weight_column: Any, *element: Any) -> Any:
    if len(element) != 2 or np.ndim(element[1]) == 0:
        raise FeedError(
            "The elements of the data set are no batches of features and labels",
            rule="Training and evaluation take elements (features, labels) whose arrays have the examples as first dimension",
            received=("features alone" if len(element) == 1 else f"a tuple of {len(element)}")
            if len(element) != 2
            else "a single label",
            fix="Of single examples dataset.batch(128) makes batches."
            if len(element) == 2
            else "label= of CsvDataset and SqlDataset names the column of labels; dataset.map makes pairs of others.",
        )
    features, labels = element
    weights = () if weight_column is None else (weight_column.encode(features)[:, 0],)
    return (features, head.targets(labels), *weights)


def train(model: Model, dataset: Dataset, epoch: int, steps: int | None) -> int:
    """Trains on an epoch, or on its first `steps` batches; how many there were."""
    require_end(dataset, steps, "train", "steps (or max_steps)")
    part = dataset if steps is None else dataset.take(steps)
    return model.fit(part, initial_epoch=epoch, epochs=epoch + 1, verbose=0).steps[0]


def look(model: Model, dataset: Dataset, steps: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Targets, outputs and weights of all examples of epoch 0, or of its first `steps` batches, in one pass."""
    found = DatasetLook.training(model, dataset, steps, "evaluate")
    inputs, outputs = flatten(model.x), flatten(model.y_pred)
    rows = [(values[0], *arrays[len(inputs) :]) for values, arrays in found.run(model.session, outputs, inputs)]
    predicted, targets, *weights = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return targets, predicted, weights[0] if weights else None
