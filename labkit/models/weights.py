"""A model's weights as arrays and as checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import labkit as lk
from labkit import checkpoint
from labkit.core.convert import as_array
from labkit.core.shapes import show
from labkit.errors import CheckpointError, ShapeError

if TYPE_CHECKING:
    from labkit.models.traced import TracedLayers


def set_all(model: TracedLayers, values: Sequence[Any]) -> None:
    """Sets all weights in the order of `model.weights`, after checking every one of them."""
    variables = model.weights
    arrays = [np.asarray(value) for value in values]
    expected = [tuple(variable.shape.as_list()) for variable in variables]
    if [array.shape for array in arrays] != expected:
        pairs = zip(variables, expected, arrays, strict=False)
        wrong = next(((v.name, e, a.shape) for v, e, a in pairs if e != a.shape), None)
        raise ShapeError(
            f"The values do not fit the weights of model {model.name!r}",
            rule=f"{wrong[0]} has shape {show(wrong[1])}" if wrong else f"The model has {len(variables)} weights",
            received=f"shape {show(wrong[2])}" if wrong else f"{len(arrays)} arrays",
            fix="Pass what get_weights() of a model with the same layers returned.",
        )
    ready = [as_array(array, variable.dtype) for variable, array in zip(variables, arrays, strict=True)]
    for variable, array in zip(variables, ready, strict=True):
        model.session.load(variable, array)


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
    set_all(model, values)
