"""A model's weights as arrays and as checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

import labkit as lk
from labkit import checkpoint
from labkit.core.shapes import show
from labkit.errors import CheckpointError

if TYPE_CHECKING:
    from labkit.models.traced import TracedLayers


def save(model: TracedLayers, prefix: str) -> str:
    """Saves the weights by their paths, which do not depend on what else is in the graph."""
    named = model.named_weights()
    with model.session.frozen_state() as values:
        return checkpoint.save(prefix, found(model, named, values), step=0)


def found(
    model: TracedLayers, named: Mapping[str, lk.Variable], state: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The variables' values in a session's state, by the same names.

    Raises:
        FailedPreconditionError: one has no value; says why.
    """
    for variable in named.values():
        if variable.op.name not in state:
            model.session.read(variable)
    return {name: state[variable.op.name] for name, variable in named.items()}


def load(model: TracedLayers, prefix: str) -> None:
    """Loads weights by name; all are checked before any is set."""
    tensors = checkpoint.load(prefix).tensors
    values = []
    for path, variable in model.named_weights().items():
        array = tensors.get(path)
        if array is None or list(array.shape) != variable.shape.as_list():
            raise CheckpointError(
                f"The checkpoint {prefix} does not fit model {model.name!r}",
                rule=f"The model's {path} has shape {show(variable.dims)}",
                received="nothing of that name in the checkpoint"
                if array is None
                else f"shape {show(array.shape)} in the checkpoint",
                fix="Build the model with the layers, names and sizes that were saved.",
            )
        values.append(array)
    model.set_weights(values)
