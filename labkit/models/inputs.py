"""What goes into a model: shapes, placeholders and their names, one or a nest of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import labkit as lk
from labkit.core.names import valid_name
from labkit.core.nest import flatten, pack
from labkit.layers.base import Shape
from labkit.models.arrays import mapped, numeric
from labkit.models.functional import LayerGraph
from labkit.models.names import leaf_names, numbered


def placeholders(shape: Any, dtype: Any, graph: LayerGraph | None) -> tuple[Any, list[str]]:
    """A placeholder for each input, in the model's structure, and the name of each.

    Args:
        shape: the shape of the inputs' batches, or a nest of shapes.
        dtype: of the inputs, where the model does not consist of symbols; or a dict by input.
        graph: of a functional model, whose symbols say all of this themselves.
    """
    if graph is None:
        made = _placeholder(shape, dtype, "input")
        return made, leaf_names(made, numbered("input", len(flatten(made))))
    symbols, names = flatten(graph.inputs), graph.input_names()
    if len(symbols) == 1 and symbols[0].name is None and not isinstance(graph.inputs, Mapping):
        names = ["input"]
    made = [
        lk.placeholder(each.dtype, each.shape, name=valid_name(name)) for each, name in zip(symbols, names, strict=True)
    ]
    return pack(graph.inputs, made), names


def _placeholder(shape: Any, dtype: Any, name: str) -> Any:
    if _is_shape(shape):
        return lk.placeholder(dtype, shape, name=valid_name(name))
    if isinstance(shape, Mapping):
        dtypes = dtype if isinstance(dtype, Mapping) else dict.fromkeys(shape, dtype)
        return {key: _placeholder(each, dtypes[key], str(key)) for key, each in shape.items()}
    return [_placeholder(each, dtype, f"{name}_{i}") for i, each in enumerate(shape, 1)]


def shapes_of(x: Any, several: bool) -> Any:
    """The shapes of batches like the first data that a model is given which was told no shape.

    Args:
        several: whether `x` holds several inputs, rather than the rows of one.
    """

    def shape(array: Any) -> Shape:
        found = numeric(array, "x").shape
        return (None, 1) if len(found) == 1 else (None, *found[1:])

    return mapped(shape, x) if several else shape(x)


def batches(shape: Any) -> Any:
    """Shapes of batches: the first dimension of each is not known."""
    if isinstance(shape, Mapping):
        return {key: batches(each) for key, each in shape.items()}
    return (None, *tuple(shape)[1:]) if _is_shape(shape) else [batches(each) for each in shape]


def _is_shape(shape: Any) -> bool:
    """Whether this is one shape, rather than a nest of shapes."""
    return not isinstance(shape, Mapping) and all(dim is None or isinstance(dim, int | np.integer) for dim in shape)
