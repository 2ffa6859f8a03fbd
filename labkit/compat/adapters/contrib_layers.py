"""Functions of tf.contrib.layers."""

from __future__ import annotations

import math
from typing import Any

import labkit as lk
from labkit.errors import ShapeError


def flatten(inputs: Any, outputs_collections: Any = None, scope: str | None = None) -> lk.Tensor:
    """[batch, ...] as [batch, the product of the others]; a dimension that is not known yet is computed when run.

    Raises:
        ShapeError: there is no dimension, or the rank is not known.
    """
    tensor = lk.convert_to_tensor(inputs)
    if not tensor.shape.rank:
        raise ShapeError("Inputs must have at least one dimension", received=repr(tensor))
    with lk.name_scope(scope or "Flatten"):
        batch, *rest = tensor.shape.as_list()
        if None not in rest:
            flat = lk.reshape(tensor, [-1 if batch is None else batch, math.prod(rest)])
        else:
            flat = lk.reshape(tensor, lk.stack([lk.shape(tensor)[0], lk.reduce_prod(lk.shape(tensor)[1:])]))
    if outputs_collections is not None:
        tensor.graph.add_to_collections(outputs_collections, flat)
    return flat
